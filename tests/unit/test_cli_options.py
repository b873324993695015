"""The command line's contract: what it accepts, what it says, and with which exit code it leaves."""

from __future__ import annotations

import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from orchestration.cli import UsageError, choose_nights, load_settings, main, typed_command
from orchestration.report.block_names import BlockName
from orchestration.settings import Settings
from tests.unit.report_publication import write_publication


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KPI_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)


def _leave(*arguments: str) -> int:
    with pytest.raises(SystemExit) as left:
        main(arguments)
    code = left.value.code
    assert isinstance(code, int)
    return code


def test_help_names_every_command_and_needs_no_heavy_import() -> None:
    code = (
        "import sys; from orchestration.cli import main\n"
        "try: main(['--help'])\n"
        "finally: print(sorted({'dagster', 'dbt', 'duckdb', 'pandas', 'pyarrow'} & set(sys.modules)), file=sys.stderr)"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    for command in (
        "run",
        "backfill",
        "rebuild",
        "show",
        "page",
        "explain",
        "metrics",
        "tour",
        "export",
        "publish",
        "viewers",
        "access",
        "freeze",
        "compact",
        "doctor",
        "dev",
        "serve",
    ):
        assert f"\n  {command} " in shown.stdout, shown.stdout
    assert shown.stderr.strip() == "[]"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "--date", "31.03.2026"], "--date 31.03.2026: not a date; write it like 2026-03-31"),
        (["run", "--date", "2026-02-30"], "--date 2026-02-30: not a date"),
        (["run", "--date", "2999-01-01"], "2999-01-01 is not over yet"),
        (["run", "--date", "2001-01-01"], "is before 2015-01-01"),
        (["run", "--from", "2026-03-01"], "--from and --to go together"),
        (["run", "--from", "2026-03-05", "--to", "2026-03-01"], "is after --to"),
        (
            ["run", "--from", "2026-03-01", "--to", "2026-03-05", "--date", "2026-03-05"],
            "leave out --date and --nights",
        ),
        (["run", "--source", "salesforce"], "there is no source 'salesforce'"),
        (["run", "--source", "files"], "needs --path FOLDER"),
        (["run", "--path", "nowhere"], "nowhere is no folder"),
        (["run", "--source", "demo", "--path", "."], "--path belongs to the files source, not to demo"),
        (["run", "--nights", "0"], "0 is not in the range"),
        (["run", "--as-of", "2026-03-31"], "--as-of DATE and --into FILE go together"),
        (["run", "--into", "known.duckdb"], "--as-of DATE and --into FILE go together"),
        (["run", "--as-of", "31.03.2026", "--into", "f"], "--as-of 31.03.2026: not a date"),
        (["run", "--as-of", "2999-01-01", "--into", "f"], "2999-01-01 is not over yet"),
        (["run", "--as-of", "2026-03-31", "--into", "f", "--nights", "2"], "of the other options only --source fits"),
        (["run", "--as-of", "2026-03-31", "--into", "home/marts.duckdb"], "is the current publication"),
        (["run", "--as-of", "2026-03-31", "--into", "home/landing/f"], "lies inside"),
        (["run", "--as-of", "2026-03-31", "--into", "f"], "no batch of source demo has landed"),
        (["backfill"], "a backfill needs --from MONTH and --to MONTH"),
        (["backfill", "--from", "2025-01"], "a backfill needs --from MONTH and --to MONTH"),
        (["backfill", "--from", "2025-13", "--to", "2025-13"], "'2025-13' is no month."),
        (["backfill", "--from", "2025-06", "--to", "2025-01"], "--from 2025-06 is after --to 2025-01"),
        (["backfill", "--from", "2025-01", "--to", "2999-01"], "2999-01 has not begun"),
        (["backfill", "--full", "--from", "2025-01", "--to", "2025-02"], "leave out one or the other"),
        (["backfill", "--full", "--reingest"], "--full builds from what has landed"),
        (["backfill", "--full"], "so there is nothing to rebuild from"),
        (["backfill", "--from", "2025-01", "--to", "2025-01", "--source", "files"], "needs --path FOLDER"),
        (["rebuild"], "so there is nothing to rebuild from"),
        (["rebuild", "--from", "2025-01"], "No such option"),
        (["show"], "Missing option '--viewer'"),
        (["explain"], "Missing argument 'METRIC'"),
        (["explain", "orders", "--only", "source_id"], "--only source_id: write it as COLUMN=VALUE"),
        (["explain", "orders", "--lang", "fr"], "--lang fr: en or vi"),
        (["explain", "orders", "--employee", "x"], "make one with `kpi run`"),
        (["metrics"], "make one with `kpi run`"),
        (["show", "--viewer", "a@b.vn", "--lang", "fr"], "--lang fr: en or vi"),
        (["show", "--viewer", "a@b.vn"], "there is no publication"),
        (["tour"], "there is no publication"),
        (["page"], "say either whose page with --viewer EMAIL, or --all"),
        (["page", "--all", "--viewer", "x@cty.vn"], "say either whose page"),
        (["page", "--all", "--month", "2026-03"], "--employee, --month and --to are for one person's page"),
        (["page", "--viewer", "x@cty.vn", "--lang", "fr"], "--lang fr: en or vi"),
        (["page", "--viewer", "x@cty.vn"], "there is no publication"),
        (["page", "--all"], "there is no publication"),
        (["viewers"], "there is no publication"),
        (["access", "show"], "Missing option '--viewer'"),
        (["access", "show", "--viewer", "a@b.vn"], "there is no publication"),
        (["access", "diff"], "there is no publication"),
        (["export", "--viewer", "a@b.vn"], "there is no publication"),
        (["export", "--all"], "there is no publication"),
        (["export"], "say either whose rows with --viewer EMAIL, or --all"),
        (["export", "--all", "--viewer", "a@b.vn"], "say either whose rows with --viewer EMAIL, or --all"),
        (["export", "--all", "--out", "f"], "--out names one viewer's file"),
        (["dance"], "No such command 'dance'"),
    ],
)
def test_a_wrong_request_leaves_with_2_and_says_what_is_wrong(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _leave(*arguments) == 2
    captured = capsys.readouterr()
    assert message in captured.err.replace("\n", " ")
    assert "Traceback" not in captured.err
    assert not Path("home", "landing").exists()


@pytest.fixture
def published(tmp_path: Path) -> None:
    """A publication where the command line looks for it."""
    (tmp_path / "home").mkdir()
    write_publication(tmp_path / "home")


def test_the_help_of_show_names_every_block(capsys: pytest.CaptureFixture[str]) -> None:
    assert _leave("show", "--help") == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert f"Names: {', '.join(BlockName)}; all; first." in shown


@pytest.mark.usefixtures("published")
@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--block", "funnel"], "The page has no block 'funnel'. Its blocks are: team, targets, conversion"),
        (["--window", "3"], "'3' is no window. A window is 4 to 84 days"),
        (["--window", "13w"], "'13w' is no window."),
        (["--source", "Zalo"], "There is no source 'Zalo'. There are: (none), (unknown), Facebook (S1)"),
        (["--block", "tasks", "--window", "4w"], "--window changes nothing here: it is for cycle and journey"),
    ],
)
def test_a_wrong_option_of_show_leaves_with_2_and_says_what_is_allowed(
    options: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _leave("show", "--viewer", "tuyet@cty.vn", *options) == 2
    captured = capsys.readouterr()
    assert message in captured.err
    assert captured.out == ""


@pytest.mark.usefixtures("published")
def test_show_takes_blocks_and_filters(capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--block", "cycle", "--block", "gender", "--window", "30", "--source", "facebook", "--lang", "vi"]
    assert _leave("show", "--viewer", "tuyet@cty.vn", *options) == 0
    shown = capsys.readouterr().out
    assert [line.split(" ·")[0] for line in shown.splitlines() if line.startswith("── ")] == [
        "── KH theo giới tính",
        "── Chu kỳ khách hàng",
    ]
    assert "(30 ngày)" in shown
    assert "Chỉ nguồn: Facebook." in shown


@pytest.mark.usefixtures("published")
def test_the_tour_shows_the_first_blocks_of_two_people(capsys: pytest.CaptureFixture[str]) -> None:
    assert _leave("tour") == 0
    shown = capsys.readouterr().out
    assert shown.count("── Conversion · ") == 2
    assert shown.count("── The team's month · ") == 1
    assert shown.count("Also: ") == 2
    assert "Customer cycle" not in shown
    assert len(shown.splitlines()) < 200, "two pages, not a flood"
    files = sorted(path.name for path in (Settings().home / "pages").iterdir())
    assert len(files) == 2
    for name in files:
        assert str(Settings().home / "pages" / name) in shown, "it says where the files are"


@pytest.mark.usefixtures("published")
def test_pages_are_written_and_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "mine.html"
    assert _leave("page", "--viewer", "Quan@cty.vn", "--employee", "duc", "--lang", "vi", "--to", str(target)) == 0
    assert "1 person, 2 months" in capsys.readouterr().out
    assert target.read_text(encoding="utf-8").startswith('<!doctype html>\n<html lang="vi">')
    assert _leave("page", "--all") == 0
    assert "5 pages in " in capsys.readouterr().out
    assert _leave("page", "--viewer", "tuyet@cty.vn", "--employee", "duc") == 2
    assert "No employee you may see" in capsys.readouterr().err


def test_a_shared_address_is_told_after_everybody_elses_page(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = tmp_path / "home"
    (home / "pages").mkdir(parents=True)
    shared = {"core.core_employee_scope": [("E04", "giang@cty.vn", "employee", "E04", "self")]}
    write_publication(home, extra=shared)
    for name in ("giang@cty.vn.html", "nga@cty.vn.html", "quan@cty.vn,E05.html"):
        (home / "pages" / name).write_text("of another day", encoding="utf-8")
    assert _leave("page", "--all") == 2
    said, told = capsys.readouterr()
    assert "4 pages in " in said
    assert said.startswith("  nga@cty.vn may see no page any more: page deleted\n"), "before any page is written"
    assert "  quan@cty.vn may see nothing of E05 any more: page deleted\n" in said
    assert "  giang@cty.vn: giang@cty.vn is the address of several people: E01, E04. Give each" in told
    assert "their rights would mix. Deleted: 1 older page.\n" in told
    assert "No page was written for 1 viewer: giang@cty.vn." in told
    written = sorted(path.name for path in (home / "pages").iterdir())
    assert written == ["duc@cty.vn.html", "huy@cty.vn.html", "quan@cty.vn.html", "tuyet@cty.vn.html"]


def test_a_wrong_setting_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("KPI_TIMEZONE", "Mars/Olympus")
    assert _leave("doctor") == 2
    assert "KPI_TIMEZONE" in capsys.readouterr().err


def test_an_unexpected_error_leaves_with_3_one_line_and_a_log(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # A folder where a file should be is nothing that anybody planned for.
    (tmp_path / "home" / "landing" / "demo" / "customers" / "2026-03-31.1" / "manifest.json").mkdir(parents=True)
    code = _leave("doctor")
    captured = capsys.readouterr()
    assert code == 3
    assert captured.err.count("Traceback") == 0
    assert "kpi.log" in captured.err.replace("\n", "")
    assert "Traceback" in (tmp_path / "home" / "logs" / "kpi.log").read_text()


def test_the_default_night_is_the_demos_last_or_yesterday() -> None:
    demo = Settings(source="demo")
    files = Settings(source="files", files_path=Path("."))
    assert choose_nights(demo, None, None, None, 1) == (date(2026, 3, 31), date(2026, 3, 31))
    assert choose_nights(demo, None, None, None, 8) == (date(2026, 3, 24), date(2026, 3, 31))
    assert choose_nights(files, None, None, None, 1) == (files.yesterday(), files.yesterday())
    assert choose_nights(files, None, date(2026, 1, 1), date(2026, 1, 3), 1) == (date(2026, 1, 1), date(2026, 1, 3))


def test_options_win_over_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("KPI_SOURCE", "demo")
    settings = load_settings(source="files", files_path=tmp_path, threads=None)
    assert (settings.source, settings.files_path, settings.threads) == ("files", tmp_path, 2)
    with pytest.raises(UsageError, match="KPI_THREADS"):
        load_settings(threads=0)


def test_hints_name_the_command_as_it_can_be_typed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    here = Path(sys.executable).with_name("kpi")
    monkeypatch.setenv("PATH", str(here.parent))
    assert typed_command() == "kpi"
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert typed_command() == str(here)
    monkeypatch.chdir(here.parent.parent)
    assert typed_command() == str(Path("bin") / "kpi")


@pytest.mark.parametrize(
    ("arguments", "program", "given"),
    [
        (["dev", "--port", "3100"], "dagster", ["dev", "--port", "3100"]),
        (["serve", "webserver", "--port", "3100"], "dagster-webserver", ["--host", "127.0.0.1", "--port", "3100"]),
        (["serve", "daemon"], "dagster-daemon", ["run"]),
    ],
)
def test_dagsters_programs_are_run_with_the_settings_and_no_secret(
    arguments: list[str],
    program: str,
    given: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run: list[tuple[Path, list[str], dict[str, str]]] = []
    monkeypatch.setattr("os.execve", lambda path, all_of_it, environment: run.append((path, all_of_it, environment)))
    monkeypatch.setattr("orchestration.dbt_run.ensure_manifest", lambda _settings: None)
    (tmp_path / ".env").write_text("KPI_THREADS=3\nKPI_GETFLY_KEY=secret-one\nKPI_METABASE_API_KEY=secret-two\n")
    assert _leave(*arguments) == 0
    [(path, all_of_it, environment)] = run
    assert (path.name, all_of_it[1:]) == (program, given)
    assert environment["KPI_THREADS"] == "3"
    assert environment["DAGSTER_HOME"] == str(tmp_path / "home" / "dagster")
    # Stars in the place of a secret would be taken for it.
    assert not any("*" in value for name, value in environment.items() if name.startswith("KPI_"))


def test_serving_something_else_says_what_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert _leave("serve", "everything") == 2
    assert "a webserver and a daemon" in capsys.readouterr().err
