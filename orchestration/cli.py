"""The `kpi` command.

Belongs here: options, exit codes, and turning errors into sentences. Not here: any work of its own; imports that take
seconds happen inside the command that needs them.

Exit codes: 0 done; 1 a check failed and nothing was published (`doctor`, `check-rules`: something is wrong); 2 usage
or input; 3 the program or the machine failed, with the details in a log; 4 `rebuild` found something else than what was
there; 130 interrupted.
"""

from __future__ import annotations

import errno
import gc
import os
import sys
import time
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import click
import typer
from rich.console import Console
from rich.text import Text

from orchestration.report.block_names import ALL, FIRST, BlockName
from orchestration.settings import PROJECT_DIR, Settings

if TYPE_CHECKING:
    from orchestration.backfill.months import MonthRange
    from orchestration.backfill.plan import Timings
    from orchestration.console import ConsoleProgress
    from orchestration.doctor import Finding
    from orchestration.night import RunResult
    from orchestration.page.write import Folder as PagesFolder
    from orchestration.page.write import Written
    from orchestration.report.labels import Lang

DONE, FAILED_CHECK, USAGE, BROKEN, DIFFERENT, INTERRUPTED = 0, 1, 2, 3, 4, 130

app = typer.Typer(
    name="kpi",
    help="Turns a company's CRM tables into KPIs people can check.",
    epilog="Start with `kpi run`, then `kpi tour`. Settings: .env.example; state: the folder KPI_HOME.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
out = Console(highlight=False)
err = Console(stderr=True, highlight=False)

Viewer = Annotated[str, typer.Option("--viewer", metavar="EMAIL", help="Who is looking; sees only what they may see.")]
Source = Annotated[
    str | None, typer.Option("--source", metavar="demo|files|getfly", help="Which CRM, instead of KPI_SOURCE.")
]
Folder = Annotated[
    Path | None, typer.Option("--path", metavar="FOLDER", help="Folder of the files source; one file per entity.")
]


_NO_ROOM = os.strerror(errno.ENOSPC)
_INPUT_ERRORS = frozenset({"SourceError", "LandingError", "BackfillError"})


class UsageError(Exception):
    """Asked for something that cannot be; the message says what can."""


def load_settings(**overrides: Any) -> Settings:
    """The settings, with what the command line says on top. Raises UsageError naming the setting that is wrong."""
    from pydantic import ValidationError

    given = {name: value for name, value in overrides.items() if value is not None}
    try:
        return Settings(**given)
    except ValidationError as error:
        problems = [f"KPI_{str(item['loc'][0]).upper()}: {item['msg']}" for item in error.errors()]
        raise UsageError("; ".join(problems)) from error


def parse_night(text: str | None, option: str) -> date | None:
    """A date like 2026-03-31; None stays None."""
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"{option} {text}: not a date; write it like 2026-03-31") from error


def choose_nights(
    settings: Settings, day: date | None, first: date | None, last: date | None, count: int
) -> tuple[date, date]:
    """The first and last night to play. Raises UsageError for contradictions and for nights that are not over."""
    if (first is None) != (last is None):
        raise UsageError("--from and --to go together")
    if first is not None and (day is not None or count > 1):
        raise UsageError("--from and --to are a range of their own; leave out --date and --nights")
    if first is None or last is None:
        default = settings.demo_end if settings.source == "demo" else settings.yesterday()
        last = day or default
        first = last - timedelta(days=count - 1)
    if last < first:
        raise UsageError(f"--from {first} is after --to {last}")
    if last > settings.yesterday():
        raise UsageError(f"{last} is not over yet; the last whole day is {settings.yesterday()} ({settings.timezone})")
    from orchestration.partitions import FIRST_NIGHT

    if first < FIRST_NIGHT:
        raise UsageError(f"{first} is before {FIRST_NIGHT}, the first night there can be")
    return first, last


@app.command()
def run(
    day: Annotated[
        str | None, typer.Option("--date", metavar="DATE", help="The night of this day; default: the last one.")
    ] = None,
    first: Annotated[str | None, typer.Option("--from", metavar="DATE", help="First night of a range.")] = None,
    last: Annotated[
        str | None,
        typer.Option("--to", metavar="DATE", help="Last night of the range; it is built and published once."),
    ] = None,
    nights: Annotated[
        int, typer.Option("--nights", min=1, help="The last so many nights, each played and published by itself.")
    ] = 1,
    at_once: Annotated[
        bool, typer.Option("--at-once", help="With --nights: land night by night, then build and publish once.")
    ] = False,
    as_of: Annotated[
        str | None,
        typer.Option("--as-of", metavar="DATE", help="The figures as known at the end of that day; needs --into."),
    ] = None,
    into: Annotated[
        Path | None,
        typer.Option("--into", metavar="FILE", help="With --as-of: the file to write; nothing else changes."),
    ] = None,
    source: Source = None,
    path: Folder = None,
) -> None:
    """Play a night: land, build, check, publish. With --as-of: the figures of a past day, into a file."""
    if path is not None and source is None:
        source = "files"
    settings = load_settings(source=source, files_path=path)
    if as_of is not None or into is not None:
        if day or first or last or at_once or nights > 1 or path is not None:
            raise UsageError("--as-of and --into land nothing and stand alone; of the other options only --source fits")
        raise typer.Exit(_run_as_known(settings, parse_night(as_of, "--as-of"), into))
    begin, end = choose_nights(
        settings, parse_night(day, "--date"), parse_night(first, "--from"), parse_night(last, "--to"), nights
    )
    _check_source(settings, path)
    _check_rule_files()
    raise typer.Exit(_play(settings, begin, end, as_one_range=at_once or first is not None))


def _check_source(settings: Settings, path: Path | None) -> None:
    """Refuse before anything starts what can be seen to be wrong at once."""
    if path is not None and settings.source != "files":
        raise UsageError(f"--path belongs to the files source, not to {settings.source}")
    if settings.source == "files" and settings.files_path is not None and not settings.files_path.is_dir():
        raise UsageError(f"{settings.files_path} is no folder")
    if settings.source not in {"demo", "files", "getfly"}:
        raise UsageError(f"there is no source {settings.source!r}; it is demo, files or getfly")
    if settings.source == "files" and settings.files_path is None:
        raise UsageError("the files source needs --path FOLDER, or KPI_FILES_PATH")
    if settings.source == "getfly":
        from orchestration.sources.factory import build_source

        try:
            build_source(settings)
        except ValueError as error:
            raise UsageError(str(error)) from error


def _check_rule_files() -> None:
    """Refuse rule files that cannot be loaded before a night is landed for nothing."""
    from orchestration.dbt_run import DBT_PROJECT_DIR
    from orchestration.rules.explain import unreadable

    if problems := unreadable(DBT_PROJECT_DIR):
        raise UsageError("\n".join(["Nothing was started: rules cannot be loaded.", *problems]))


def _play(settings: Settings, first: date, last: date, *, as_one_range: bool) -> int:
    """Play the nights; returns the exit code."""
    from orchestration.checks.suite_process import SuiteProcess
    from orchestration.console import ConsoleProgress
    from orchestration.dbt_run import DbtWorker

    started = time.monotonic()
    progress = ConsoleProgress(out)
    what = f"{first} to {last}" if first != last else str(last)
    out.print(Text.assemble(("kpi run", "bold"), f"  {settings.source}, {what}, in {settings.home}"))
    with DbtWorker(settings) as worker, SuiteProcess(_log_path(settings)) as suites:
        # dbt and Great Expectations import in processes of their own while Dagster imports in this one.
        worker.start()
        suites.start()
        with _without_garbage_collection():
            from orchestration.night import NightPlayer, Services, open_instance, quiet_libraries

        with quiet_libraries(_log_path(settings)), open_instance(settings) as instance:
            with _without_garbage_collection():
                player = NightPlayer(Services(settings, progress, worker, suites.run_suite), instance)
            nights = [last] if as_one_range else [first + timedelta(days=n) for n in range((last - first).days + 1)]
            for night in nights:
                progress.forget()
                out.print(Text(f"{first} to {last}" if as_one_range else f"{night}", style="bold cyan"))
                result = player.play_range(first, last) if as_one_range else player.play(night)
                progress.close()
                if not result.success:
                    return _explain(settings, progress, result)
    _finish(settings, progress, time.monotonic() - started)
    return DONE


@contextmanager
def _without_garbage_collection() -> Iterator[None]:
    """For importing and defining: what they make stays, and looking through it again and again costs a sixth of both.

    Reference counts still free what is not used any more; only circles are left until the end.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def _finish(settings: Settings, progress: ConsoleProgress, seconds: float) -> None:
    _print_warnings(progress)
    published = progress.publication
    if published is not None:
        out.print(
            Text.assemble(
                ("Published", "bold green"), f" {published.path}, as of {published.as_of}, in {seconds:.0f} s. "
            ),
            soft_wrap=True,
        )
    kpi = typed_command()
    out.print(
        f"Next: `{kpi} tour` shows two people's pages, `{kpi} viewers` lists whom else, `{kpi} dev` opens Dagster.",
        soft_wrap=True,
    )


def _explain(settings: Settings, progress: ConsoleProgress, result: RunResult) -> int:
    """Say what stopped the night and what still answers; returns the exit code."""
    from orchestration.console import print_blocking

    published = progress.publication
    if published is None:
        err.print(Text("Nothing was published.", style="bold red"))
    else:
        err.print(
            Text(f"The marts were published, as of {published.as_of}; what comes after it failed.", style="bold red")
        )
    print_blocking(err, progress.outcomes)
    if progress.build is not None:
        for problem in progress.build.problems:
            err.print(Text(f"  {problem}"), soft_wrap=True)
    is_check = any(outcome.blocks for outcome in progress.outcomes) or bool(progress.build and progress.build.problems)
    for failure in result.failures:
        if not is_check:
            err.print(Text(f"{failure.step}: {failure.message}"), soft_wrap=True)
            for name, value in failure.details:
                err.print(Text(f"  {name}: {value}"), soft_wrap=True)
    if any(_NO_ROOM in failure.message for failure in result.failures) or any(
        _NO_ROOM in problem for problem in (progress.build.problems if progress.build is not None else ())
    ):
        err.print("The disk is full. Make room (`kpi doctor` says how much there is), then run the night again.")
    if published is None:
        err.print(Text(_what_still_answers(settings)), soft_wrap=True)
    else:
        _say_what_follows(settings)
    err.print(Text(f"Look at: kpi doctor; the log: {_log_path(settings)}; the run {result.run_id[:8]} in `kpi dev`."))
    if is_check:
        return FAILED_CHECK
    return USAGE if all(failure.error_class in _INPUT_ERRORS for failure in result.failures) else BROKEN


def _say_what_follows(settings: Settings) -> None:
    """After a publication that not everything followed: what may be of the former one, and how to repeat it."""
    if settings.export_viewers:
        err.print("Viewers' files may be the former ones; `kpi export --all` writes them anew.", soft_wrap=True)
    if settings.postgres_url is not None:
        err.print("The server may show the former publication; `kpi publish` brings it up to this one.", soft_wrap=True)


def _what_still_answers(settings: Settings) -> str:
    from orchestration.report.errors import PageError
    from orchestration.report.publication import open_publication, read_publication

    if not settings.marts_path.exists():
        return "There is no earlier publication either."
    try:
        with open_publication(settings.marts_path) as connection:
            before = read_publication(connection)
    except PageError as error:
        return f"The earlier publication cannot be read: {error}"
    return f"The previous publication still answers: as of {before.as_of}, generation {before.generation_id}."


def typed_command() -> str:
    """This command as the person can type it again: `.venv/bin/kpi` in a checkout whose environment is not active."""
    from shutil import which

    here = Path(sys.executable).with_name("kpi")
    if (found := which("kpi")) is not None and Path(found).resolve() == here.resolve():
        return "kpi"
    return str(here.relative_to(Path.cwd())) if here.is_relative_to(Path.cwd()) else str(here)


@app.command()
def show(
    viewer: Viewer,
    employee: Annotated[
        str | None,
        typer.Option("--employee", metavar="WHO", help="Id, e-mail or part of a name; default: everybody seen."),
    ] = None,
    month: Annotated[
        str | None, typer.Option("--month", metavar="MONTH", help="Like 2026-03; default: the newest.")
    ] = None,
    lang: Annotated[str, typer.Option("--lang", metavar="en|vi", help="Language of the page.")] = "en",
    blocks: Annotated[
        list[str] | None,
        typer.Option(
            "--block",
            metavar="NAME",
            help=f"Only this block; repeatable. Default: {ALL} for one person, {FIRST} for a team. "
            f"Names: {', '.join(BlockName)}; {ALL}; {FIRST}.",
        ),
    ] = None,
    window: Annotated[
        str | None,
        typer.Option("--window", metavar="DAYS", help="Cycle, journey: 4 to 84 days, or like 12w; default: 84."),
    ] = None,
    source_name: Annotated[
        str | None, typer.Option("--source", metavar="NAME", help="Cycle: customers of this source only.")
    ] = None,
    relationship: Annotated[
        str | None, typer.Option("--relationship", metavar="NAME", help="Cycle: customers now in it only.")
    ] = None,
) -> None:
    """Show the KPI page as one person may see it."""
    from orchestration.report.labels import Lang
    from orchestration.report.reading import Asked
    from orchestration.report.terminal import show_page

    if lang not in set(Lang):
        raise UsageError(f"--lang {lang}: en or vi")
    asked = Asked(window, source_name, relationship)
    show_page(load_settings().marts_path, viewer, employee, month, out, Lang(lang), blocks or (), asked)


@app.command()
def page(
    viewer: Annotated[
        str | None, typer.Option("--viewer", metavar="EMAIL", help="Whose page; everybody's own with --all.")
    ] = None,
    employee: Annotated[
        str | None,
        typer.Option("--employee", metavar="WHO", help="Only this person: id, e-mail or part of a name."),
    ] = None,
    month: Annotated[
        str | None,
        typer.Option("--month", metavar="MONTH", help="Opens with this month, like 2026-03; default: the newest."),
    ] = None,
    lang: Annotated[
        str | None,
        typer.Option("--lang", metavar="en|vi", help="Opens in this language; default: that of the browser."),
    ] = None,
    to: Annotated[
        Path | None, typer.Option("--to", metavar="FILE", help="Default: pages/EMAIL.html under KPI_HOME.")
    ] = None,
    everybody: Annotated[bool, typer.Option("--all", help="A page for everybody who may see one.")] = False,
) -> None:
    """Write the KPI page of one person, or of all, as an HTML file that needs no server and no network."""
    from orchestration.report.labels import Lang

    if everybody == (viewer is not None):
        raise UsageError("say either whose page with --viewer EMAIL, or --all")
    if viewer is None and (employee is not None or month is not None or to is not None):
        raise UsageError("--employee, --month and --to are for one person's page; --all takes --lang only")
    if lang is not None and lang not in set(Lang):
        raise UsageError(f"--lang {lang}: en or vi")
    settings = load_settings()
    opens_in = Lang(lang) if lang is not None else None
    if viewer is None:
        _write_all_pages(settings, opens_in)
    else:
        _write_page(settings, viewer, employee, month, opens_in, to)


def _write_page(
    settings: Settings,
    viewer: str,
    employee: str | None = None,
    month: str | None = None,
    lang: Lang | None = None,
    to: Path | None = None,
) -> None:
    from orchestration.page.write import write_page

    _say_page(write_page(_pages(settings), viewer, employee, month, lang, to))


def _write_all_pages(settings: Settings, lang: Lang | None) -> None:
    from orchestration.console import plural
    from orchestration.page.write import Written, page_viewers, remove_others, write_all
    from orchestration.report.errors import PageError

    started = time.monotonic()
    folder = _pages(settings)
    emails = page_viewers(settings.marts_path)
    # First: a page that nobody may see any more goes, whatever becomes of the others.
    for gone in remove_others(folder, emails):
        what = "no page" if gone.employee_id is None else f"nothing of {gone.employee_id}"
        out.print(Text(f"  {gone.email} may see {what} any more: page deleted"), soft_wrap=True)
    without = []
    for result in write_all(folder, lang, settings.threads, emails):
        if isinstance(result, Written):
            _say_page(result)
        else:
            without.append(result)
    pages = plural(len(emails) - len(without), "page")
    out.print(f"{settings.pages_dir}  {pages} in {time.monotonic() - started:.0f} s", soft_wrap=True)
    if without:
        for one in without:
            deleted = f" Deleted: {plural(one.deleted, 'older page')}." if one.deleted else ""
            err.print(Text(f"  {one.email}: {one.error} {one.error.hint}{deleted}", style="red"), soft_wrap=True)
        raise PageError(
            f"No page was written for {plural(len(without), 'viewer')}: {', '.join(one.email for one in without)}.",
            "The lines above say why.",
        )


def _pages(settings: Settings) -> PagesFolder:
    from orchestration.page.write import Folder

    return Folder(settings.marts_path, settings.pages_dir, settings.cache_dir)


def _say_page(written: Written) -> None:
    from orchestration.console import plural

    out.print(
        f"{written.path}  {plural(written.people, 'person', 'people')}, {plural(written.months, 'month')}, "
        f"{written.bytes / 1024**2:.1f} MB, {written.seconds:.1f} s",
        soft_wrap=True,
    )


@app.command()
def explain(
    metric: Annotated[str, typer.Argument(metavar="METRIC", help="Which figure; `kpi metrics` lists them.")],
    employee: Annotated[
        str | None, typer.Option("--employee", metavar="WHO", help="Whose: id, e-mail or part of a name.")
    ] = None,
    department: Annotated[
        str | None, typer.Option("--department", metavar="NAME", help="For figures of a department: id or name.")
    ] = None,
    month: Annotated[
        str | None, typer.Option("--month", metavar="MONTH", help="Like 2026-03; default: the newest.")
    ] = None,
    viewer: Annotated[
        str | None,
        typer.Option("--viewer", metavar="EMAIL", help="Explain only what this person may see; default: every row."),
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option("--only", metavar="COLUMN=VALUE", help="Narrow the figure, for example source_id=3; repeatable."),
    ] = None,
    rows: Annotated[int, typer.Option("--rows", min=0, help="How many rows to print.")] = 20,
    target: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Write every row of the figure to this CSV file.")
    ] = None,
    lang: Annotated[str, typer.Option("--lang", metavar="en|vi", help="Language of the answer.")] = "en",
) -> None:
    """Say what one figure means, and show the rows it is made of."""
    from orchestration.report.explain import explain as explain_figure
    from orchestration.report.explain_terminal import show_explanation, write_rows
    from orchestration.report.labels import Lang

    if lang not in set(Lang):
        raise UsageError(f"--lang {lang}: en or vi")
    explanation = explain_figure(
        load_settings().marts_path,
        metric,
        employee=employee,
        department=department,
        month=month,
        viewer_email=viewer,
        only=parse_only(only or []),
        most_rows=None if target is not None else rows,
    )
    if target is None:
        show_explanation(explanation, out, Lang(lang))
        return
    written = write_rows(explanation, target)
    out.print(f"{target}  {written:,} rows of {explanation.parts[0].metric.name}", soft_wrap=True)


def parse_only(texts: Sequence[str]) -> dict[str, str]:
    """`["source_id=3"]` as `{"source_id": "3"}`. Raises UsageError for anything else."""
    pairs: dict[str, str] = {}
    for text in texts:
        column, equals, value = text.partition("=")
        if not equals or not column.strip() or not value.strip():
            raise UsageError(f"--only {text}: write it as COLUMN=VALUE, for example source_id=3")
        pairs[column.strip()] = value.strip()
    return pairs


@app.command()
def metrics(
    report: Annotated[
        str | None, typer.Option("--report", metavar="NAME", help="Only one report, for example employee.")
    ] = None,
) -> None:
    """List every figure that `kpi explain` can take apart."""
    from orchestration.report.explain import list_metrics

    listed = list_metrics(load_settings().marts_path)
    reports = sorted({metric.report for metric in listed})
    if report is not None and report not in reports:
        raise UsageError(f"--report {report}: one of {', '.join(reports)}")
    for name in [report] if report is not None else reports:
        out.print(Text(name, style="bold"))
        for metric in (metric for metric in listed if metric.report == name):
            out.print(
                Text.assemble(f"  {metric.name:<38} ", (f"{metric.label_en} · {metric.label_vi}", "dim")),
                soft_wrap=True,
            )


@app.command()
def tour() -> None:
    """Show a salesperson's page and a manager's, and write them as files."""
    from orchestration.report.terminal import show_page
    from orchestration.report.tour import choose_tour

    marts = load_settings().marts_path
    chosen = choose_tour(marts)
    for email in (chosen.salesperson_email, chosen.manager_email):
        out.rule(f"kpi show --viewer {email} --block {FIRST}")
        show_page(marts, email, None, None, out, blocks=[FIRST])
    out.rule("The same as files for a browser")
    for email in (chosen.salesperson_email, chosen.manager_email):
        _write_page(load_settings(), email)
    out.rule("Where to look next")
    kpi = typed_command()
    for what, command in (
        ("The salesperson's whole page:", f"show --viewer {chosen.salesperson_email}"),
        ("Anybody the manager may see:", f"show --viewer {chosen.manager_email} --employee NAME"),
        ("A file with one person's rows:", f"export --viewer {chosen.salesperson_email}"),
        ("Runs, checks and lineage:", "dev"),
    ):
        out.print(Text.assemble((f"{what:<31}", "dim"), f"{kpi} {command}"), soft_wrap=True)


@app.command()
def export(
    viewer: Annotated[
        str | None, typer.Option("--viewer", metavar="EMAIL", help="Whose rows; everybody's own file with --all.")
    ] = None,
    everybody: Annotated[
        bool, typer.Option("--all", help="A file for everybody who may see something, into exports/current.")
    ] = False,
    target: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Default: exports/EMAIL.duckdb under KPI_HOME.")
    ] = None,
) -> None:
    """Write a file with one viewer's rows only, or one for each."""
    settings = load_settings()
    if everybody == (viewer is not None):
        raise UsageError("say either whose rows with --viewer EMAIL, or --all")
    if viewer is None and target is not None:
        raise UsageError("--out names one viewer's file; --all writes to exports/current under KPI_HOME")
    from orchestration.serving.contacts import refuse_leftover

    refuse_leftover(settings)
    if viewer is None:
        _export_all(settings)
        return
    from orchestration.serving.export import export_viewer, file_name

    written = export_viewer(settings.marts_path, viewer, target or settings.exports_dir / file_name(viewer))
    for mart, rows in written.rows.items():
        out.print(f"  {mart:<28} {rows:>10,}")
    out.print(f"{written.path}  {sum(written.rows.values()):,} rows, {written.bytes / 1024**2:.1f} MB", soft_wrap=True)


def _export_all(settings: Settings) -> None:
    from orchestration.console import plural
    from orchestration.serving.generations import CURRENT, Limits, export_all

    exported = export_all(
        settings.marts_path,
        settings.exports_dir,
        Limits(settings.threads, settings.memory_limit),
        wait_seconds=settings.lock_wait_seconds,
        on_wait=lambda text: out.print(text),
    )
    generation = exported.generation
    for file in generation.files:
        out.print(f"  {file.file:<44} {file.rows:>10,} rows  {file.bytes / 1024**2:>7.1f} MB", soft_wrap=True)
    for email in exported.without_file:
        out.print(Text(f"  {email} may see nothing any more: no file"), soft_wrap=True)
    out.print(
        f"{settings.exports_dir / CURRENT}  {plural(len(generation.files), 'file')} of publication "
        f"{generation.publication_id}, as of {generation.as_of}, in {exported.seconds:.0f} s",
        soft_wrap=True,
    )


@app.command()
def publish(
    to: Annotated[
        str | None, typer.Option("--to", metavar="URL", help="postgresql://USER@HOST/DATABASE, not KPI_POSTGRES_URL.")
    ] = None,
    passwords: Annotated[
        Path | None,
        typer.Option(
            "--passwords", metavar="FILE", help="Give logins without a password one, written to this new file."
        ),
    ] = None,
    rollback: Annotated[
        bool, typer.Option("--rollback", help="Make the former publication on the server the live one again.")
    ] = False,
) -> None:
    """Publish to PostgreSQL, with a login per viewer."""
    from orchestration.serving.contacts import refuse_leftover
    from orchestration.serving.postgres.publish import publish_to, roll_back
    from orchestration.serving.postgres.target import Target

    if rollback and passwords is not None:
        raise UsageError("--rollback gives nobody a password; leave out --passwords")
    settings = load_settings()
    target = Target.of(settings, to)
    if rollback:
        generation = roll_back(target)
        out.print(f"{target.shown}: generation {generation} is live again; rights stay those of now.", soft_wrap=True)
        return
    refuse_leftover(settings)
    for line in publish_to(target, settings.marts_path, passwords_path=passwords).lines():
        out.print(Text(line), soft_wrap=True)


@app.command()
def viewers() -> None:
    """List everybody who may see something."""
    from orchestration.serving.viewers import list_viewers

    listed = list_viewers(load_settings().marts_path)
    for viewer in listed:
        out.print(Text(f"{viewer.email:<36} {viewer.name:<28} {', '.join(viewer.reports)}"), soft_wrap=True)
    if not listed:
        out.print("Nobody: no employee has both an e-mail and a right (employee_permissions).")


access = typer.Typer(help="Say who may see whom, and why.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(access, name="access")


@access.command(name="show")
def access_show(viewer: Viewer) -> None:
    """Say whom one person sees, and because of what."""
    from orchestration.rights.explain import explain, verify_explanation
    from orchestration.rights.organisation import read_published
    from orchestration.rights.text import explanation_lines

    published = read_published(load_settings().marts_path)
    explanation = explain(published.organisation, viewer)
    if explanation.viewer_id is not None:
        verify_explanation(published, explanation.viewer_id)
    for line in explanation_lines(published.organisation, explanation):
        out.print(Text(line), soft_wrap=True)


@access.command(name="diff")
def access_diff() -> None:
    """Say what changed in rights since the last publication."""
    from orchestration.rights.changes import compare_rights
    from orchestration.rights.changes_text import change_lines
    from orchestration.rights.organisation import read_published
    from orchestration.serving.errors import RightsError
    from orchestration.serving.publish import previous_path

    marts = load_settings().marts_path
    previous = previous_path(marts)
    now = read_published(marts)
    if not previous.is_file():
        raise RightsError(f"{previous} is not there: the first publication has none before it to compare with")
    before = read_published(previous)
    for line in change_lines(before, now, compare_rights(before, now)):
        out.print(Text(line), soft_wrap=True)


@access.command(name="password")
def access_password(
    viewer: Annotated[str, typer.Option("--viewer", metavar="EMAIL", help="Whose password was lost.")],
    into: Annotated[Path, typer.Option("--into", metavar="FILE", help="New file that gets the new password.")],
    to: Annotated[
        str | None, typer.Option("--to", metavar="URL", help="postgresql://USER@HOST/DATABASE, not KPI_POSTGRES_URL.")
    ] = None,
) -> None:
    """Give one person's login on the server a new password."""
    from orchestration.console import plural
    from orchestration.serving.postgres.new_password import give_new_password
    from orchestration.serving.postgres.target import Target

    ended = give_new_password(Target.of(load_settings(), to), viewer, into)
    out.print(
        f"{into} has the new password of {viewer.strip().lower()}; hand it over and delete the file. The old one opens "
        f"nothing any more, and {plural(ended, 'session')} of it ended.",
        soft_wrap=True,
    )


getfly = typer.Typer(help="Look at a Getfly tenant.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(getfly, name="getfly")


@getfly.command(name="probe")
def getfly_probe() -> None:
    """Ask the tenant what it really does, by reading only."""
    from orchestration.sources.getfly import probe
    from orchestration.sources.getfly.source import PROBED
    from orchestration.sources.getfly.tenant import client_of

    settings = load_settings(source="getfly")

    def show(finding: probe.Finding) -> None:
        out.print(Text.assemble((f"  {finding.name:<22} ", "bold"), finding.text), soft_wrap=True)

    try:
        client = client_of(settings, lambda text: out.print(Text(f"  waiting: {text}", style="dim"), soft_wrap=True))
    except ValueError as error:
        raise UsageError(str(error)) from error
    out.print(Text.assemble(("kpi getfly probe", "bold"), f"  {client.address}, reading only"), soft_wrap=True)
    with client:
        probed = probe.probe(client, settings.zone, show)
    path = settings.received_dir / "getfly" / PROBED
    probe.write_probed(path, probed)
    out.print(f"Kept in {path}; the next nights follow it, and `kpi doctor` shows it.", soft_wrap=True)


bi = typer.Typer(help="Make the dashboards in a BI tool.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(bi, name="bi")


@bi.command(name="list")
def bi_list() -> None:
    """Say which dashboards there are, and what each chart is made of."""
    from orchestration.bi.definition import read_dashboards
    from orchestration.bi.describe import lines

    for line in lines(read_dashboards()):
        out.print(Text(line), soft_wrap=True)


@bi.command(name="metabase")
def bi_metabase(
    passwords: Annotated[
        Path | None,
        typer.Option("--passwords", metavar="FILE", help="Written by `kpi publish` or `kpi access password`."),
    ] = None,
    viewer: Annotated[
        list[str] | None, typer.Option("--viewer", metavar="EMAIL", help="Only this person; may be given repeatedly.")
    ] = None,
    admit: Annotated[
        list[str] | None,
        typer.Option("--admit", metavar="EMAIL", help="Whose account you have checked; may be given repeatedly."),
    ] = None,
    language: Annotated[
        str | None, typer.Option("--language", metavar="en|vi", help="Of all words; default: KPI_REPORT_LANG.")
    ] = None,
    queries: Annotated[
        str, typer.Option("--queries", metavar="no|builder|native", help="What people may ask besides the dashboards.")
    ] = "no",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the plan and change nothing.")] = False,
    to: Annotated[
        str | None, typer.Option("--to", metavar="URL", help="postgresql://USER@HOST/DATABASE, not KPI_POSTGRES_URL.")
    ] = None,
) -> None:
    """Make the dashboards in Metabase, everybody's for themselves."""
    from orchestration.bi.definition import read_dashboards
    from orchestration.bi.metabase.audiences import connection_of, read_audiences
    from orchestration.bi.metabase.descriptions import all_descriptions, descriptions_of
    from orchestration.bi.metabase.provision import Order, Queries, provision
    from orchestration.bi.metabase.server import client_of
    from orchestration.bi.metabase.wanted import content_of
    from orchestration.bi.passwords import read_passwords
    from orchestration.console import plural
    from orchestration.report.labels import Lang
    from orchestration.serving.postgres.target import Target

    settings = load_settings()
    if language not in (None, *Lang):
        raise UsageError(f"--language {language}: dashboards are written in en or vi")
    levels = {"no": Queries.NO, "builder": Queries.BUILDER, "native": Queries.NATIVE}
    if queries not in levels:
        raise UsageError(f"--queries {queries}: no, builder (questions by clicking) or native (SQL as well)")
    target = Target.of(settings, to)
    people = read_audiences(target)
    wanted = {email.strip().lower() for email in viewer or ()}
    admitted = {email.strip().lower() for email in admit or ()}
    for option, emails in (("--viewer", wanted), ("--admit", admitted)):
        unknown = sorted(emails - {one.email.lower() for one in people})
        if unknown:
            raise UsageError(
                f"{option} {', '.join(unknown)}: no open login on {target.shown}; `kpi viewers` lists who has rights"
            )
    if wanted and admitted - wanted:
        raise UsageError(f"--admit {', '.join(sorted(admitted - wanted))}: not among those of --viewer")
    dashboards = read_dashboards()
    order = Order(
        people=people,
        chosen=tuple(one for one in people if not wanted or one.email.lower() in wanted),
        connection=connection_of(target, settings.metabase_postgres_host),
        content=content_of(dashboards, Lang(language or settings.report_lang)),
        roles=target.roles,
        passwords=read_passwords(passwords),
        # Who asks no questions meets no other tables.
        descriptions=descriptions_of(dashboards) if queries == "no" else all_descriptions(),
        queries=levels[queries],
        is_by_name=bool(wanted),
        admit=frozenset(admitted),
        dry_run=dry_run,
    )
    with client_of(settings, lambda text: out.print(Text(f"  waiting: {text}", style="dim"), soft_wrap=True)) as client:
        version = client.version()
        out.print(Text.assemble(("kpi bi metabase", "bold"), f"  {client.address}, Metabase {version}"), soft_wrap=True)
        outcome = provision(client, order, lambda line: out.print(Text(f"  {line}"), soft_wrap=True))
    for note in outcome.notes:
        out.print(Text(f"  note: {note}"), soft_wrap=True)
    for problem in outcome.problems:
        err.print(Text(f"! {problem}", style="bold red"), soft_wrap=True)
    if dry_run:
        out.print(f"Nothing was changed: this was a dry run. It would make {plural(len(outcome.changes), 'change')}.")
    else:
        out.print(f"{plural(len(outcome.changes), 'change')}; {plural(len(order.chosen), 'viewer')} looked at.")
    if outcome.problems:
        raise typer.Exit(FAILED_CHECK)


@bi.command(name="superset")
def bi_superset(
    viewers: Annotated[
        list[str] | None,
        typer.Option("--viewer", metavar="EMAIL", help="For whom; repeatable. Each gets dashboards of their own."),
    ] = None,
    everybody: Annotated[bool, typer.Option("--all", help="For everybody whose login has a password.")] = False,
    target: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="The bundle to write, a ZIP.")] = None,
    into: Annotated[
        str | None, typer.Option("--into", metavar="URL", help="A running Superset to bring it into, with a role each.")
    ] = None,
    user: Annotated[str, typer.Option("--user", metavar="NAME", help="With --into: an administrator.")] = "admin",
    user_password: Annotated[
        Path | None, typer.Option("--user-password", metavar="FILE", help="With --into: file with that password.")
    ] = None,
    passwords: Annotated[
        Path | None,
        typer.Option(
            "--passwords",
            metavar="FILE",
            help="With --into: the file of `kpi publish --passwords`; needed once, Superset keeps them.",
        ),
    ] = None,
    language: Annotated[
        str | None, typer.Option("--language", metavar="en|vi", help="Of all words; default: KPI_REPORT_LANG.")
    ] = None,
    to: Annotated[
        str | None,
        typer.Option("--to", metavar="URL", help="PostgreSQL as Superset reaches it, not KPI_POSTGRES_URL."),
    ] = None,
) -> None:
    """Dashboards for Apache Superset: a bundle to import, or straight into a server."""
    from orchestration.bi.superset.make import import_into, read_account, write_bundle
    from orchestration.report.labels import Lang
    from orchestration.serving.postgres.target import Target

    if everybody == bool(viewers):
        raise UsageError("say either for whom with --viewer EMAIL, or --all")
    if (target is None) == (into is None):
        raise UsageError("say either where to write the bundle with --out FILE, or which Superset with --into URL")
    if into is None and (user_password is not None or passwords is not None):
        raise UsageError("a bundle never has a password in it; --user-password and --passwords go with --into")
    if language not in (None, *Lang):
        raise UsageError(f"--language {language}: dashboards are written in en or vi")
    settings = load_settings()
    server, words = Target.of(settings, to), Lang(language or settings.report_lang)
    emails = None if everybody else viewers
    if target is not None:
        for line in write_bundle(server, emails, words, target).lines():
            out.print(Text(line), soft_wrap=True)
        return
    if into is None or user_password is None:
        raise UsageError("--into needs --user-password FILE, the administrator's password")
    account = read_account(user, user_password)
    failed = []
    for step in import_into(server, emails, words, into, account, passwords):
        if step.failed:
            failed.append(step.who)
            err.print(Text(f"! {step.who}: {step.what}", style="bold red"), soft_wrap=True)
        else:
            out.print(Text(f"  {step.who:<36} {step.what}"), soft_wrap=True)
    if failed:
        err.print(Text(f"Not done: {', '.join(failed)}", style="bold red"), soft_wrap=True)
        raise typer.Exit(FAILED_CHECK)


@app.command()
def doctor() -> None:
    """Say what is wrong or worth knowing, and what to do."""
    from orchestration.doctor import examine, has_problem

    sections = examine(load_settings())
    for section in sections:
        out.print(Text(section.title, style="bold"))
        for finding in section.findings:
            out.print(_finding_text(finding), soft_wrap=True)
    if has_problem(sections):
        raise typer.Exit(FAILED_CHECK)


@app.command()
def compact(
    through: Annotated[
        str | None,
        typer.Option("--through", metavar="DATE", help="Last night to take; default: months over for a while."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what it would save, and change nothing.")] = False,
    source: Source = None,
) -> None:
    """Merge old batches into few files; every delivered row stays."""
    from orchestration.console import plural
    from orchestration.landing.compact import Compacted, compact_landing

    settings = load_settings(source=source)

    def on_progress(done: Compacted) -> None:
        group = done.group
        out.print(
            f"  {group.entity:<22} {group.month}  {plural(len(group.batches), 'batch', 'batches')}, "
            f"{group.rows:,} rows: {done.distinct_rows:,} different ones, "
            f"{group.bytes / 1024**2:.1f} to {done.bytes / 1024**2:.1f} MB",
            soft_wrap=True,
        )

    done = compact_landing(
        settings, parse_night(through, "--through"), on_progress, lambda text: out.print(text), dry_run=dry_run
    )
    before, after = sum(one.group.bytes for one in done), sum(one.bytes for one in done)
    verb = "would become" if dry_run else "became"
    batches = sum(len(one.group.batches) for one in done)
    out.print(
        f"{plural(batches, 'batch', 'batches')} {verb} {plural(len(done), 'segment')}: "
        f"{before / 1024**2:.1f} to {after / 1024**2:.1f} MB."
        if done
        else "There is nothing to compact.",
        soft_wrap=True,
    )


@app.command(name="check-rules")
def check_rules(
    folder: Annotated[
        Path | None,
        typer.Option("--path", metavar="FOLDER", help="Folder with edited copies; default: the repository's seeds."),
    ] = None,
) -> None:
    """Say whether the rules in seeds/ are right, without a night."""
    from orchestration.console import plural
    from orchestration.rules.check import check_rules as judge_rules

    report = judge_rules(load_settings(), folder)
    for warning in report.warnings:
        out.print(Text(f"- {warning}", style="yellow"), soft_wrap=True)
    for problem in report.problems:
        err.print(Text(f"! {problem}", style="bold red"), soft_wrap=True)
    if report.problems:
        raise typer.Exit(FAILED_CHECK)
    rows = sum(report.rows.values())
    out.print(
        Text.assemble(("Right: ", "bold green"), f"{plural(len(report.rows), 'rule file')}, {plural(rows, 'row')}.")
    )


def _finding_text(finding: Finding) -> Text:
    mark, style = {"ok": ("  ", ""), "note": ("- ", "yellow"), "problem": ("! ", "bold red")}[finding.level.value]
    text = Text.assemble((f"  {mark}", style), (finding.text, style if finding.level.value == "problem" else ""))
    if finding.advice:
        text.append(f"\n      -> {finding.advice}", style="dim")
    return text


@app.command()
def freeze(
    month: Annotated[
        str | None, typer.Option("--month", metavar="MONTH", help="The month to freeze, like 2026-02; it must be over.")
    ] = None,
    reason: Annotated[
        str | None, typer.Option("--reason", metavar="TEXT", help="Why a frozen month is frozen again.")
    ] = None,
    as_of: Annotated[
        str | None,
        typer.Option("--as-of", metavar="DATE", help="As known at the end of this day; default: the month's last day."),
    ] = None,
    verify: Annotated[
        bool, typer.Option("--verify", help="Freeze nothing; say whether everything frozen is as it was written.")
    ] = False,
) -> None:
    """Freeze a month's figures: later news does not change them."""
    settings = load_settings()
    if verify == (month is not None):
        raise UsageError("say either which month to freeze with --month, or --verify")
    if verify:
        raise typer.Exit(_verify_frozen(settings))
    assert month is not None
    raise typer.Exit(_freeze(settings, parse_first_day(month), reason, parse_night(as_of, "--as-of")))


def parse_first_day(text: str) -> date:
    """`2026-02` as the first day of that month. Raises UsageError for anything else."""
    try:
        return date.fromisoformat(f"{text}-01")
    except ValueError as error:
        raise UsageError(f"--month {text}: not a month; write it like 2026-02") from error


def _freeze(settings: Settings, month: date, reason: str | None, as_of: date | None) -> int:
    """Freeze a month; returns the exit code."""
    from orchestration.aside import BuildRefused
    from orchestration.console import ConsoleProgress
    from orchestration.freezing.freeze import freeze_month

    progress = ConsoleProgress(out)
    try:
        frozen = freeze_month(settings, month, reason=reason, as_of=as_of, progress=progress)
    except BuildRefused as error:
        return _say_refused(progress, error, f"{month:%Y-%m} was not frozen.")
    finally:
        progress.close()
    version = frozen.version
    if not frozen.is_new:
        out.print(
            f"Unchanged: {month:%Y-%m} still has the figures and rows of version {version.version}, as of "
            f"{version.as_of}. No version was added.",
            soft_wrap=True,
        )
        return DONE
    rows = ", ".join(f"{file.rows:,} {file.name.partition('.')[0]}" for file in version.files)
    how = "built as known then" if frozen.was_late else "copied from the publication"
    out.print(
        Text.assemble(
            ("Frozen", "bold green"),
            f" {month:%Y-%m} version {version.version}, as of {version.as_of}, {how}: {rows}, in "
            f"{settings.frozen_dir / version.name}.",
        ),
        soft_wrap=True,
    )
    out.print("kpi_monthly_snapshot and kpi_restatement have it from the next night on.", soft_wrap=True)
    _print_chain(settings)
    return DONE


@app.command()
def report(
    month: Annotated[str, typer.Option("--month", metavar="MONTH", help="A frozen month, like 2026-02.")],
    lang: Annotated[
        str | None, typer.Option("--lang", metavar="en|vi", help="Its language; default: KPI_REPORT_LANG.")
    ] = None,
    to: Annotated[
        Path | None, typer.Option("--to", metavar="FOLDER", help="Where to write it; default: KPI_HOME/reports/MONTH.")
    ] = None,
    version: Annotated[
        int | None, typer.Option("--version", metavar="N", help="Which frozen version; default: the latest.")
    ] = None,
    send: Annotated[bool, typer.Option("--send", help="Send it to KPI_REPORT_TO as well.")] = False,
) -> None:
    """Write a frozen month's report for leadership: HTML, PDF, XLSX."""
    from orchestration.monthly.mail import send_report
    from orchestration.monthly.write import write_report
    from orchestration.report.labels import Lang

    settings = load_settings()
    if lang not in (None, *Lang):
        raise UsageError(f"--lang {lang}: the report is written in en or vi")
    language = Lang(lang or settings.report_lang)
    written = write_report(settings, parse_first_day(month), lang=language, folder=to, version=version)
    out.print(
        Text.assemble(
            ("Written", "bold green"), f" of {written.version}; names, corrections and cycle as of {written.as_of}:"
        )
    )
    for path in written.paths:
        out.print(f"  {path}", soft_wrap=True)
    if send:
        out.print(f"Sent to {', '.join(send_report(settings, written, language))}.", soft_wrap=True)


def _print_chain(settings: Settings) -> None:
    from orchestration.freezing.store import FrozenStore

    head = FrozenStore(settings.frozen_dir).head()
    if head is None:
        out.print("No month is frozen.")
        return
    out.print(f"Chain: {head.count}, {head.newest.name}, {head.newest.manifest_sha256}", soft_wrap=True)


def _verify_frozen(settings: Settings) -> int:
    """Say whether everything frozen is whole; returns the exit code."""
    from orchestration.freezing.store import FrozenStore

    store = FrozenStore(settings.frozen_dir)
    problems = store.problems()
    for problem in problems:
        err.print(Text(f"! {problem}", style="bold red"), soft_wrap=True)
    if problems:
        return FAILED_CHECK
    for version in store.versions():
        out.print(
            f"  {version.name:<12} as of {version.as_of}, frozen {version.frozen_at}, {version.reason}", soft_wrap=True
        )
    out.print(Text("Everything frozen is as it was written.", style="bold green"))
    _print_chain(settings)
    return DONE


@app.command()
def dev(
    port: Annotated[int, typer.Option("--port", help="Where the browser finds it.")] = 3000,
) -> None:
    """Open Dagster in the browser: lineage, runs, checks."""
    from orchestration.dbt_run import ensure_manifest
    from orchestration.night import prepare_instance_home

    settings = load_settings()
    home = prepare_instance_home(settings)
    ensure_manifest(settings)
    _become(settings, home, "dagster", "dev", "--port", str(port))


@app.command()
def serve(
    what: Annotated[str, typer.Argument(metavar="webserver|daemon", help="Which of Dagster's two.")],
    host: Annotated[str, typer.Option("--host", help="Where the webserver listens; it asks nobody for a name.")] = (
        "127.0.0.1"
    ),
    port: Annotated[int, typer.Option("--port", help="And on which port.")] = 3000,
) -> None:
    """Run Dagster's webserver or daemon, for a service manager."""
    if what not in {"webserver", "daemon"}:
        raise UsageError(f"serve {what}: there is a webserver and a daemon; schedules need the daemon")
    from orchestration.dbt_run import ensure_manifest
    from orchestration.night import prepare_instance_home

    settings = load_settings()
    home = prepare_instance_home(settings)
    ensure_manifest(settings)
    if what == "webserver":
        _become(settings, home, "dagster-webserver", "--host", host, "--port", str(port))
    else:
        _become(settings, home, "dagster-daemon", "run")


def _become(settings: Settings, home: Path, program: str, *arguments: str) -> NoReturn:
    """Be one of Dagster's programs from here on, with the settings of this command."""
    path = Path(sys.executable).with_name(program)
    os.chdir(PROJECT_DIR)
    # A secret is dumped as stars; it is in this process's own environment already.
    dumped = settings.model_dump(mode="json", exclude={"getfly_key", "metabase_api_key"})
    given = {f"KPI_{name.upper()}": value for name, value in dumped.items()}
    environment = {name: str(value) for name, value in given.items() if value is not None}
    os.execve(path, [str(path), *arguments], {**os.environ, **environment, "DAGSTER_HOME": str(home)})


def _run_as_known(settings: Settings, as_of: date | None, into: Path | None) -> int:
    """Build a past day's figures into a file; returns the exit code."""
    from orchestration.as_known import batches_known, build_as_known, refuse_day, refuse_target
    from orchestration.aside import BuildRefused
    from orchestration.console import ConsoleProgress
    from orchestration.serving.lock import writer_lock

    if as_of is None or into is None:
        raise UsageError("--as-of DATE and --into FILE go together")
    refuse_day(settings, as_of)
    refuse_target(settings, into)
    _check_rule_files()
    started = time.monotonic()
    progress = ConsoleProgress(out)
    out.print(Text.assemble(("kpi run --as-of", "bold"), f" {as_of}  {settings.source}, into {into}"), soft_wrap=True)
    # For an instant only: a night that is landing rows has not judged them yet.
    with writer_lock(settings.lock_path, settings.lock_wait_seconds, progress.waiting):
        known = batches_known(settings, as_of)
    newest = max(name.partition("/")[2].partition(".")[0] for name in known)
    out.print(f"  {len(known):,} batches were known by then, the newest of {newest}", soft_wrap=True)
    try:
        publication = build_as_known(settings, as_of, into, batches=known, progress=progress)
    except BuildRefused as error:
        return _say_refused(progress, error, f"{into} was not written; what was there before is untouched.")
    finally:
        progress.close()
    _print_warnings(progress)
    out.print(
        Text.assemble(
            ("Written", "bold green"),
            f" {publication.path}, as known at the end of {as_of}, in {time.monotonic() - started:.0f} s. "
            "The current publication is as it was.",
        ),
        soft_wrap=True,
    )
    return DONE


def _print_warnings(progress: ConsoleProgress) -> None:
    from orchestration.console import warnings_text

    warnings = warnings_text(progress.outcomes, progress.build)
    if warnings is not None:
        out.print(warnings, soft_wrap=True)


def _say_refused(progress: ConsoleProgress, error: Exception, what_remains: str) -> int:
    """Say which checks refused a build; returns the exit code."""
    from orchestration.console import print_blocking

    progress.close()
    err.print(Text("Nothing was published.", style="bold red"))
    print_blocking(err, progress.outcomes)
    told = progress.build.problems if progress.build is not None else ()
    for problem in told:
        err.print(Text(f"  {problem}"), soft_wrap=True)
    if not told and not any(outcome.blocks for outcome in progress.outcomes):
        err.print(Text(str(error)), soft_wrap=True)
    err.print(Text(what_remains), soft_wrap=True)
    return FAILED_CHECK


FirstMonth = Annotated[str | None, typer.Option("--from", metavar="MONTH", help="First month, like 2025-01.")]
LastMonth = Annotated[str | None, typer.Option("--to", metavar="MONTH", help="Last month, included.")]


@app.command()
def backfill(
    first: FirstMonth = None,
    last: LastMonth = None,
    reingest: Annotated[
        bool, typer.Option("--reingest", help="Ask the source again for every night of these months first.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the plan and change nothing.")] = False,
    full: Annotated[
        bool, typer.Option("--full", help="Every month, from what has landed; the same as `kpi rebuild`.")
    ] = False,
    source: Source = None,
    path: Folder = None,
) -> None:
    """Rebuild a range of months, landed again where wanted."""
    if path is not None and source is None:
        source = "files"
    settings = load_settings(source=source, files_path=path)
    if full:
        if first is not None or last is not None:
            raise UsageError("--full builds every month, --from and --to name some: leave out one or the other")
        if reingest:
            raise UsageError("--full builds from what has landed; to ask the source again, name months by --from, --to")
        raise typer.Exit(_rebuild(settings, dry_run=dry_run))
    if first is None or last is None:
        raise UsageError("a backfill needs --from MONTH and --to MONTH, for example --from 2025-01 --to 2025-06")
    from orchestration.backfill.months import month_range
    from orchestration.partitions import FIRST_NIGHT

    months = month_range(first, last, FIRST_NIGHT, settings.yesterday())
    _check_source(settings, path)
    _check_rule_files()
    raise typer.Exit(_backfill(settings, months, reingest=reingest, dry_run=dry_run))


def _backfill(settings: Settings, months: MonthRange, *, reingest: bool, dry_run: bool) -> int:
    """Print the plan, then do it; returns the exit code."""
    from orchestration.backfill.plan import plan_lines
    from orchestration.console import ConsoleProgress
    from orchestration.dbt_run import DbtWorker

    started = time.monotonic()
    progress = ConsoleProgress(out)
    out.print(Text.assemble(("kpi backfill", "bold"), f"  {settings.source}, {months}, in {settings.home}"))
    with DbtWorker(settings) as worker:
        if not dry_run:
            worker.start()
        from orchestration.backfill.facts import make_plan
        from orchestration.night import NightPlayer, Services, open_instance, quiet_libraries

        with quiet_libraries(_log_path(settings)):
            services = Services(settings, progress, worker)
            plan = make_plan(
                services.landing,
                services.source,
                settings.marts_path,
                months,
                settings.yesterday(),
                _timings(settings),
                reingest=reingest,
            )
            for label, text in plan_lines(plan):
                out.print(Text.assemble((f"  {label:<10} ", "bold"), text), soft_wrap=True)
            if dry_run:
                out.print("Nothing was changed: this was a dry run.")
                return DONE
            with open_instance(settings) as instance:
                result = NightPlayer(services, instance).backfill(months, reingest=reingest)
            progress.close()
            if not result.success:
                return _explain(settings, progress, result)
    _finish(settings, progress, time.monotonic() - started)
    return DONE


def _timings(settings: Settings) -> Timings | None:
    """How long the last good run took; opening an instance that is not there would make one."""
    from orchestration.backfill.facts import last_timings
    from orchestration.night import TIMED_JOBS, open_instance

    if not settings.dagster_dir.exists():
        return None
    with open_instance(settings) as instance:
        return last_timings(instance, TIMED_JOBS)


@app.command()
def rebuild(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Build aside and compare, but change nothing.")] = False,
    source: Source = None,
) -> None:
    """Make everything anew from the landing zone, and compare."""
    raise typer.Exit(_rebuild(load_settings(source=source), dry_run=dry_run))


def _rebuild(settings: Settings, *, dry_run: bool) -> int:
    """Rebuild, publish, print the comparison; returns the exit code."""
    from orchestration.aside import BuildRefused
    from orchestration.compare_text import comparison_sentence, section_lines
    from orchestration.console import ConsoleProgress
    from orchestration.rebuild import rebuild as rebuild_everything

    _check_rule_files()
    started = time.monotonic()
    progress = ConsoleProgress(out)
    out.print(Text.assemble(("kpi rebuild", "bold"), f"  {settings.source}, in {settings.home}"), soft_wrap=True)
    try:
        rebuilt = rebuild_everything(settings, progress, dry_run=dry_run)
    except BuildRefused as error:
        return _say_refused(progress, error, "The warehouse and the publication are as they were.")
    finally:
        progress.close()
    _print_warnings(progress)
    for section in rebuilt.comparison.sections:
        for line in section_lines(section):
            out.print(Text(line, style="red" if line.startswith("!") else ""), soft_wrap=True)
    is_equal = rebuilt.comparison.is_equal
    out.print(
        Text(comparison_sentence(rebuilt.comparison), style="bold green" if is_equal else "bold red"), soft_wrap=True
    )
    seconds = time.monotonic() - started
    if rebuilt.publication is None:
        out.print(f"Nothing was changed: this was a dry run, {seconds:.0f} s.")
    else:
        out.print(
            f"Published {rebuilt.publication.path}, as of {rebuilt.publication.as_of}, in {seconds:.0f} s.",
            soft_wrap=True,
        )
        _deliver(settings)
    if not is_equal:
        out.print("docs/backfills.md says what a difference can mean.")
    return DONE if is_equal else DIFFERENT


def _deliver(settings: Settings) -> None:
    """What follows a publication, where the settings ask for it."""
    from orchestration.assets.publication import record_failure
    from orchestration.delivery import AFTER_PUBLISHING, deliver
    from orchestration.serving.errors import ServingError

    try:
        delivered = deliver(settings)
    except ServingError as error:
        record_failure(settings, f"{AFTER_PUBLISHING}: {error}")
        _say_what_follows(settings)
        raise
    for line in delivered.lines():
        out.print(Text(line), soft_wrap=True)


def _log_path(settings: Settings) -> Path:
    return settings.home / "logs" / "kpi.log"


def _expected_errors() -> tuple[type[Exception], ...]:
    """Errors whose message is meant for people; imported only once something has gone wrong."""
    from orchestration.backfill.months import BackfillError
    from orchestration.bi.definition import DashboardError
    from orchestration.bi.metabase.errors import MetabaseError
    from orchestration.bi.passwords import PasswordsError
    from orchestration.bi.superset.errors import SupersetError
    from orchestration.freezing.manifest import FrozenError
    from orchestration.landing.manifest import LandingError
    from orchestration.monthly.mail import MailError
    from orchestration.report.errors import PageError
    from orchestration.rules.check import RulesError
    from orchestration.serving.errors import ServingError
    from orchestration.sources.base import SourceError
    from orchestration.sources.getfly.errors import GetflyError

    return (
        UsageError,
        SourceError,
        GetflyError,
        LandingError,
        PageError,
        RulesError,
        ServingError,
        BackfillError,
        SupersetError,
        PasswordsError,
        FrozenError,
        DashboardError,
        MetabaseError,
        MailError,
    )


def _report_unexpected(error: BaseException) -> int:
    try:
        log = _log_path(load_settings())
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("a", encoding="utf-8") as file:
            file.write("".join(traceback.format_exception(error)))
        where = f"details: {log}"
    except (OSError, UsageError):
        where = "".join(traceback.format_exception(error))
    err.print(Text(f"kpi failed: {type(error).__name__}: {error}; {where}", style="red"), soft_wrap=True)
    return BROKEN


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command and leave with its exit code; no error ends in a traceback on the terminal."""
    command = typer.main.get_command(app)
    try:
        code = command.main(args=None if arguments is None else list(arguments), prog_name="kpi", standalone_mode=False)
        sys.exit(code if isinstance(code, int) else DONE)
    except click.ClickException as error:
        error.show()
        sys.exit(USAGE)
    except (KeyboardInterrupt, click.Abort):
        err.print("Interrupted; the previous publication still answers.")
        sys.exit(INTERRUPTED)
    except Exception as error:
        if isinstance(error, _expected_errors()):
            hint = getattr(error, "hint", "")
            err.print(Text(f"{error} {hint}".strip(), style="red"), soft_wrap=True)
            sys.exit(USAGE)
        sys.exit(_report_unexpected(error))


if __name__ == "__main__":
    main()
