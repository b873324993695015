"""`make bench`: everything that is measured against something else, in one run, as one page of tables.

Belongs here: which parts there are, their order, the page. Not here: how a part measures (the modules beside this one).

Usage: `python -m benchmarks.bench [--sizes 1 10 100] [--repeats 3] [--parts cards nights landing serving]
[--contestants …] [--server-marts all] [--threads 2] [--memory-limit 4GB] [--keep FOLDER]
[--to docs/benchmark_results.md]`. Sizes are millions of rows of history. `--contestants` says who competes in `cards`,
everybody by default; the floor and this project always do. `--server-marts asked` sends PostgreSQL only what the
dashboards' questions read. `--keep` leaves prepared companies and what was measured in a folder, where the next call
finds them: sizes and parts that it does not measure stay on the page as they were. The page is replaced as a whole, and
only by a run that came to its end. A part whose command fails is named on it, and the exit code is 1; a contestant with
other figures than ours ends everything.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from benchmarks import changed_night, dashboards, landing
from benchmarks.cards import contest
from benchmarks.cards.contest import CONTESTANTS, FLOOR, OURS, START
from benchmarks.changed_night import Size, landed, prepare, rows_landed
from benchmarks.measure import CommandFailed, Limits, Usage, less, machine_facts, megabytes, ratio, table
from benchmarks.results import AtSize, Done, keep, kept
from benchmarks.sizes import size_of
from orchestration.landing.durable import write_durably

PARTS = ("cards", "nights", "landing", "serving")
PAGE = Path("docs") / "benchmark_results.md"
_SQLMESH_LOCK = Path(__file__).parent / "cards" / "sqlmesh" / "requirements.txt"


@dataclass(frozen=True)
class Asked:
    """What is to be measured, and how."""

    parts: Sequence[str]
    contestants: Sequence[str]
    limits: Limits
    repeats: int
    only_asked: bool = False


class Clock:
    """Says on the terminal what is being done, and since when."""

    def __init__(self) -> None:
        self.since = time.monotonic()

    def say(self, text: str) -> None:
        """One line, with the minutes so far."""
        minutes = (time.monotonic() - self.since) / 60
        print(f"[{minutes:6.1f} min] {text}", file=sys.stderr, flush=True)


def measure(folder: Path, millions: float, asked: Asked, clock: Clock) -> AtSize:
    """One size, one part after the other; other parts are as the folder has them from earlier runs."""
    size = size_of(millions)
    clock.say(f"{millions:g} million rows: landing the company")
    home = landed(folder, size)
    found = AtSize(millions, size, rows_landed(home, size))
    before = kept(folder).get(millions)
    if before is not None and (before.size, before.rows) == (found.size, found.rows):
        found = before

    def part(name: str) -> Callable[[str], None]:
        return lambda text: clock.say(f"{millions:g} million rows, {name}: {text}")

    for name in (name for name in PARTS if name in asked.parts):
        since, load = time.monotonic(), os.getloadavg()[0]
        found.problems.pop(name, None)
        setattr(found, name, None)
        try:
            _measure_part(name, found, folder, asked, part(name))
        except CommandFailed as error:
            # Hours of other figures are not thrown away; the page says what is missing, and the exit code too.
            part(name)(str(error))
            found.problems[name] = str(error).splitlines()[0]
        found.done[name] = Done(datetime.now(UTC).date(), time.monotonic() - since, load, asked.repeats, asked.limits)
        keep(folder, found)
    return found


def _measure_part(name: str, found: AtSize, folder: Path, asked: Asked, tell: Callable[[str], None]) -> None:
    size, limits, repeats = found.size, asked.limits, asked.repeats
    home = landed(folder, size)
    if name == "cards":
        aside = folder / "contest"
        found.cards = contest.compete(home, size.history_ends, aside, limits, repeats, asked.contestants, tell)
    elif name == "landing":
        _, found.landing = landing.measure(home, size.history_ends, folder / "deliveries", limits, repeats, tell)
    elif name == "nights":
        tell("building the history, the first build of everything")
        found.nights = changed_night.measure(folder, size, repeats, limits, tell)
    else:
        tell("building the history, which is not measured")
        home = prepare(folder, size, limits).home
        found.serving = dashboards.measure(home, size.history_ends, limits, repeats, asked.only_asked, tell)


def _usage(at: AtSize, name: str) -> Usage | None:
    return at.cards[name].usage if at.cards is not None and name in at.cards else None


def _marts(at: AtSize) -> Usage | None:
    """Our build of the four marts without its start-up."""
    build, start = _usage(at, OURS), _usage(at, START)
    return less(build, start) if build is not None and start is not None else None


def _figure(value: float | None, form: str = ".1f") -> str:
    return "–" if value is None else f"{value:{form}}"


def per_million(sizes: Sequence[AtSize]) -> str:
    """CPU seconds for each million rows: what stays level grows in line with history."""
    rows = []
    for at in sizes:
        floor, marts = _usage(at, FLOOR), _marts(at)
        figures = [
            None if floor is None else floor.cpu_seconds,
            None if marts is None else marts.cpu_seconds,
            None if at.nights is None else at.nights.everything_cpu_seconds,
        ]
        shares = [_figure(None if figure is None else figure / at.rows * 1e6, ".2f") for figure in figures]
        times = "–" if None in {floor, marts} else ratio(figures[1] or 0.0, figures[0] or 0.0)
        rows.append([at.title, *shares, times])
    header = [
        "CPU s per million rows",
        "floor, four marts",
        "four marts",
        "all tables and tests",
        "four marts of the floor",
    ]
    return table(header, rows)


def changed_nights(sizes: Sequence[AtSize]) -> str:
    """A night that edits one row in a thousand, against a build of everything."""
    rows = [
        [
            at.title,
            f"{nights.start.cpu_seconds:.1f}",
            f"{nights.night_cpu_seconds:.1f}",
            f"{nights.everything_cpu_seconds:.1f}",
            f"{nights.night_cpu_seconds / nights.everything_cpu_seconds:.0%}",
        ]
        for at in sizes
        if (nights := at.nights) is not None
    ]
    return table(["0.1 % of the rows edited", "start-up CPU s", "night CPU s", "everything CPU s", "night of it"], rows)


def memory(sizes: Sequence[AtSize]) -> str:
    """The largest process of each."""
    rows = []
    for at in sizes:
        figures = [
            _usage(at, FLOOR),
            _usage(at, OURS),
            at.nights.everything if at.nights else None,
            at.nights.changes if at.nights else None,
        ]
        rows.append([at.title, *(megabytes(one.peak_memory_bytes) if one else "–" for one in figures)])
    return table(["MB of the largest process", "floor", "four marts", "everything with tests", "a night"], rows)


def page(sizes: Sequence[AtSize], facts: Mapping[str, str]) -> str:
    """The whole page, in Markdown."""
    parts: list[str] = [_HEAD]
    parts.append(
        "\n".join(f"- {name}: {fact}" for name, fact in facts.items())
        + "\n"
        + "\n".join(f"- {at.title}: {_company(at.size)}" for at in sizes)
    )
    parts.append(_measured(sizes))
    missing = [f"- {at.title}, {name}: `{problem}`" for at in sizes for name, problem in at.problems.items()]
    if missing:
        parts.append("\n".join(["**Did not finish**, and is missing below:\n", *missing]))
    if any(at.cards for at in sizes):
        parts.append(_CARDS)
        parts += [f"### {at.title}\n\n{contest.describe(at.cards)}" for at in sizes if at.cards]
    parts += [_PER_MILLION, per_million(sizes)]
    if any(at.nights for at in sizes):
        parts += [_NIGHTS, changed_nights(sizes)]
    parts += [_MEMORY, memory(sizes)]
    if any(at.landing for at in sizes):
        parts.append(_LANDING)
        parts += [f"### Landing {at.title}\n\n{landing.describe(at.rows, at.landing)}" for at in sizes if at.landing]
    if any(at.serving for at in sizes):
        parts.append(_PUBLISHING)
        parts += [
            f"### Publishing {at.title} of history\n\n{dashboards.describe_publishing(at.serving)}"
            for at in sizes
            if at.serving
        ]
        parts.append(_WAITS)
        parts += [
            f"### Questions to {at.title} of history\n\n{dashboards.describe_waits(at.serving)}"
            for at in sizes
            if at.serving
        ]
    return "\n\n".join(parts) + "\n"


def _measured(sizes: Sequence[AtSize]) -> str:
    header = ["measured", "part", "on", "minutes", "runs of each", "threads", "DuckDB's memory", "load before"]
    rows = [
        [
            *(at.title, name, f"{done.day}", f"{done.seconds / 60:.0f}", f"{done.repeats}"),
            *(f"{done.limits.threads}", done.limits.memory_limit, f"{done.load:.1f}"),
        ]
        for at in sizes
        for name, done in at.done.items()
    ]
    return table(header, rows)


def _company(size: Size) -> str:
    several = f"{size.copies} demo companies of scale" if size.copies > 1 else "the demo company at scale"
    return f"{several} {size.scale:g} from {size.start} to {size.history_ends}"


def _facts() -> dict[str, str]:
    others = [f"{name} {version(name)}" for name in ("polars", "pandas", "pyarrow")]
    locked = [line for line in _SQLMESH_LOCK.read_text(encoding="utf-8").splitlines() if line.startswith("sqlmesh==")]
    compared = ", ".join([*others, *(line.replace("==", " ") for line in locked)])
    # The load is said for each part.
    facts = {name: fact for name, fact in machine_facts().items() if name != "load before"}
    return {**facts, "compared with": compared}


_HEAD = """# Benchmark results

What `make bench` writes, which replaces this page ([how to run it](../benchmarks/README.md)). Seconds depend on the
machine; ratios are of things measured side by side in one run. Processor seconds (CPU s) hardly move when other
programs share the machine, wall seconds do. Where each is measured several times, figures are medians. The load is
that of processes running or waiting over the last minute."""

_CARDS = """## The four marts against a floor and against other tools

`fct_funnel`, `fct_task_status`, `dim_customer_cohort` and `fct_journey` from one complete batch of landed Parquet.
Everybody is a process of its own, given the files, the day and an empty folder. All leave the same rows, compared
column by column and to the cent before a time is shown. The floor does only what these figures need and keeps nothing
else. This project keeps every entity's current version and history on the way, which its other tables and its nights
need. Start-up does not depend on rows."""

_PER_MILLION = """## Growth with history

Start-up taken off. A figure that stays level, or falls, grows no faster than history."""

_NIGHTS = """## A night that changes little

Both with all data tests, start-up taken off ([what such a night does](night_cost.md))."""

_MEMORY = """## Memory

The limit above is DuckDB's own; Python and dbt come on top. What does not fit goes through the disk."""

_LANDING = """## Landing a delivery

All files of one complete delivery, read, checked against every rule of the contract, and written as a batch, against
DuckDB's COPY of the same files to Parquet with the types given. Start-up taken off both."""

_PUBLISHING = """## Publishing to PostgreSQL

A bare COPY writes the same rows into the same tables, by one session. The publication also compares both sides, makes
indexes, policies and logins, looks the catalog over, and swaps."""

_WAITS = """## What a dashboard waits

Questions to tables of figures added up by month, employee or department; the file's access views and the server's
policies show a reader only the rows they may see."""


def main() -> None:
    """Read the options, measure, write the page."""
    parser = argparse.ArgumentParser(description="Speed and memory against what else does the same.")
    parser.add_argument("--sizes", type=float, nargs="+", default=[1.0], help="millions of rows of history")
    parser.add_argument("--repeats", type=int, default=3, help="how often everything is measured")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--contestants", nargs="+", choices=CONTESTANTS, default=list(CONTESTANTS))
    parser.add_argument("--server-marts", choices=("all", "asked"), default="all", help="what PostgreSQL gets")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--memory-limit", default="4GB")
    parser.add_argument("--keep", type=Path, help="folder where prepared companies stay and are found again")
    parser.add_argument("--to", type=Path, default=PAGE, help="the page that is replaced")
    options = parser.parse_args()
    facts, clock = _facts(), Clock()
    limits = Limits(options.threads, options.memory_limit)
    asked = Asked(options.parts, options.contestants, limits, options.repeats, options.server_marts == "asked")
    with tempfile.TemporaryDirectory(prefix="kpi-benchmark-") as aside:
        folder = options.keep.resolve() if options.keep else Path(aside)
        folder.mkdir(parents=True, exist_ok=True)
        measured = [measure(folder, millions, asked, clock) for millions in options.sizes]
        # The whole folder's: hours of an earlier run are not measured again for another size.
        written = page(list(kept(folder).values()), facts)
    write_durably(options.to, written.encode())
    clock.say(f"done; the page is {options.to}")
    print(written)
    if any(at.problems for at in measured):
        sys.exit(1)


if __name__ == "__main__":
    main()
