"""What the HTML pages cost: one employee's 24 months, a team's, everybody's, and the pages of 200 viewers.

Belongs here: the plan of the measurement and its table. Not here: measuring itself (`measure.py`).

Usage: `.venv/bin/python -m benchmarks.pages [--scale 1] [--viewers 200] [--repeats 5] [--home FOLDER]`. A demo company
of 24 months is played into a fresh folder. It has fewer viewers than asked for, so everybody's pages are written again
and again until there are as many. A folder given with --home is kept, and prepared only once.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from datetime import date
from pathlib import Path

import duckdb

from benchmarks.measure import Usage, machine_facts, measured, median_usage, megabytes, table
from orchestration.page.write import Folder, Written, page_viewers, write_all
from orchestration.report.tour import choose_tour

FIRST_DAY, LAST_DAY = date(2024, 4, 1), date(2026, 3, 31)
_ROOT = Path(__file__).resolve().parent.parent
_PREPARED = "benchmark-prepared"
_MANY = "many"


def folder_of(home: Path) -> Folder:
    """Where the pages are made from and go, as the command line has it."""
    return Folder(home / "marts.duckdb", home / "pages", home / "cache")


def prepare(home: Path, scale: float) -> None:
    """Play the company, once."""
    if (home / _PREPARED).is_file():
        return
    environment = {
        "KPI_HOME": str(home),
        "KPI_SOURCE": "demo",
        "KPI_DEMO_SCALE": str(scale),
        "KPI_DEMO_START": FIRST_DAY.isoformat(),
        "KPI_DEMO_END": LAST_DAY.isoformat(),
    }
    command = [str(Path(sys.executable).with_name("kpi")), "run", "--source", "demo"]
    measured(command, environment=environment, folder=_ROOT, log=home / "benchmark.log")
    (home / _PREPARED).touch()


def write_many(home: Path, viewers: int) -> None:
    """Everybody's pages, over and over until there are so many, two at a time."""
    folder = folder_of(home)
    emails = page_viewers(folder.marts_path)
    wanted = [emails[at % len(emails)] for at in range(viewers)]
    written = write_all(folder, processes=2, emails=wanted)
    assert sum(isinstance(one, Written) for one in written) == viewers


def one_page(home: Path, email: str, repeats: int) -> tuple[Usage, int]:
    """A page's cost through the command line, and its bytes; the first time, which bundles, is not counted."""
    target = home / "pages" / "benchmark.html"
    command = [str(Path(sys.executable).with_name("kpi")), "page", "--viewer", email, "--to", str(target)]
    usages = [
        measured(command, environment={"KPI_HOME": str(home)}, folder=_ROOT, log=home / "benchmark.log")
        for _ in range(repeats + 1)
    ]
    return median_usage(usages[1:]), target.stat().st_size


def broadest_viewer(marts_path: Path) -> str:
    """Who sees the most people."""
    with duckdb.connect(str(marts_path), read_only=True) as connection:
        rows = connection.execute(
            """
            select lower(viewer_email) from core.core_employee_scope where report = 'employee'
            group by viewer_email order by count(distinct employee_id) desc, viewer_email limit 1
            """
        ).fetchall()
    return str(rows[0][0])


def measure(home: Path, scale: float, viewers: int, repeats: int) -> None:
    """Print the machine and the table."""
    prepare(home, scale)
    folder = folder_of(home)
    tour = choose_tour(folder.marts_path)
    rows = []
    for what, email in (
        ("one employee, 24 months", tour.salesperson_email),
        ("a team", tour.manager_email),
        ("everybody", broadest_viewer(folder.marts_path)),
    ):
        usage, size = one_page(home, email, repeats)
        rows.append([what, f"{usage.wall_seconds:.1f}", f"{usage.cpu_seconds:.1f}", megabytes(size)])
    command = [sys.executable, "-m", "benchmarks.pages", "--home", str(home), "--viewers", str(viewers), _MANY]
    usage = measured(command, folder=_ROOT, log=home / "benchmark.log")
    rows.append([f"the pages of {viewers} viewers", f"{usage.wall_seconds:.1f}", f"{usage.cpu_seconds:.1f}", "–"])
    for name, fact in machine_facts().items():
        print(f"- {name}: {fact}")
    print(f"- viewers: {len(page_viewers(folder.marts_path))} different ones, scale {scale:g}\n")
    print(table(["file of", "seconds", "CPU seconds", "MB"], rows))


def main() -> None:
    """Measure in a folder that is kept or thrown away."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--viewers", type=int, default=200)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--home", type=Path)
    parser.add_argument("step", nargs="?", choices=[_MANY], help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.step == _MANY:
        write_many(given.home, given.viewers)
        return
    if given.home is not None:
        given.home.mkdir(parents=True, exist_ok=True)
        measure(given.home.resolve(), given.scale, given.viewers, given.repeats)
        return
    with tempfile.TemporaryDirectory() as folder:
        measure(Path(folder), given.scale, given.viewers, given.repeats)


if __name__ == "__main__":
    main()
