"""What a night costs when nothing has changed: the parts of starting up, the whole night, and its steps.

Belongs here: the plan of the measurement and its tables. Not here: measuring itself (`measure.py`), or how the cost
grows with the change (another benchmark).

Usage: `.venv/bin/python -m benchmarks.night [--scale 0.1] [--repeats 5] [--home FOLDER]`. The demo company's last two
nights are played into a fresh folder; then the last one is played again and again: it lands the same rows once more,
and no figure changes. A folder given with --home is kept, and prepared only once.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path

from benchmarks.measure import Usage, machine_facts, measured, median_usage, megabytes, table

LAST_NIGHT = date(2026, 3, 31)
_ROOT = Path(__file__).resolve().parent.parent
_PREPARED = "benchmark-prepared"
_WORKER = """
from orchestration.dbt_run import DbtWorker
from orchestration.settings import Settings
with DbtWorker(Settings()) as worker:
    worker.parse()
"""
_DEFINITIONS = """
from orchestration.definitions import build_defs
for name in ("night", "nights"):
    build_defs().resolve_job_def(name)
"""

# Each in a Python of its own, so the first line is in all others. They overlap in a night; added up they say nothing.
START_UP: Mapping[str, str] = {
    "Python": "pass",
    "the command line": "import orchestration.cli",
    "Dagster": "import dagster",
    "Dagster, dagster-dbt, this project": "import orchestration.night",
    "the same, and its definitions built": _DEFINITIONS,
    "dbt": "import dbt.cli.main, dbt.adapters.duckdb",
    "dbt's process, and the project parsed": _WORKER,
    "Great Expectations": "import great_expectations",
}


def environment(home: Path, scale: float) -> dict[str, str]:
    """The settings of every measured command."""
    return {
        "KPI_HOME": str(home),
        "KPI_SOURCE": "demo",
        "KPI_DEMO_SCALE": str(scale),
        "KPI_DEMO_END": LAST_NIGHT.isoformat(),
    }


def _night(night: date) -> list[str]:
    return [sys.executable, "-m", "orchestration.cli", "run", "--date", night.isoformat()]


def prepare(home: Path, run: Callable[[Sequence[str]], Usage]) -> None:
    """Play the last two nights, once for a folder; the file that says so is written last."""
    mark = home / _PREPARED
    if mark.exists():
        return
    for night in (LAST_NIGHT - timedelta(days=1), LAST_NIGHT):
        run(_night(night))
    mark.touch()


def _usage_table(first: str, usages: Mapping[str, Sequence[Usage]]) -> str:
    rows = []
    for name, measured_ones in usages.items():
        middle = median_usage(measured_ones)
        spread = sorted(usage.cpu_seconds for usage in measured_ones)
        rows.append(
            [
                name,
                f"{middle.wall_seconds:.1f}",
                f"{middle.cpu_seconds:.1f}",
                f"{spread[0]:.1f} to {spread[-1]:.1f}",
                megabytes(middle.bytes_read),
                megabytes(middle.bytes_written),
                megabytes(middle.peak_memory_bytes),
            ]
        )
    header = [first, "wall s", "CPU s", "lowest to highest CPU s", "MB read", "MB written", "MB largest process"]
    return table(header, rows)


def _steps_table(runs: Sequence[Sequence[tuple[str, float, float]]]) -> str:
    """The median of each step over the runs; they all have the same steps in the same order."""
    rows = [
        [
            steps[0][0],
            f"{statistics.median(wall for _, wall, _ in steps):.1f}",
            f"{statistics.median(cpu for _, _, cpu in steps):.1f}",
        ]
        for steps in zip(*runs, strict=True)
    ]
    return table(["step", "wall s", "CPU s of all processes meanwhile"], rows)


def measure(home: Path, scale: float, repeats: int) -> None:
    """Measure, and print the tables."""
    settings, log = environment(home, scale), home / "benchmark.log"

    def run(command: Sequence[str]) -> Usage:
        print(f"  {' '.join(command[1:4])[:90]}".replace("\n", " "), file=sys.stderr, flush=True)
        return measured(command, environment=settings, folder=_ROOT, log=log)

    facts = machine_facts()
    prepare(home, run)
    starts: dict[str, list[Usage]] = {name: [] for name in START_UP}
    nights: list[Usage] = []
    steps: list[list[tuple[str, float, float]]] = []
    for _ in range(repeats):  # In turns, so that a busy moment does not hit one line only.
        for name, code in START_UP.items():
            starts[name].append(run([sys.executable, "-c", code]))
        nights.append(run(_night(LAST_NIGHT)))
        told = home / "benchmark-steps.json"
        run([sys.executable, "-m", "benchmarks.night_steps", LAST_NIGHT.isoformat(), str(told)])
        steps.append([(name, wall, cpu) for name, wall, cpu in json.loads(told.read_text(encoding="utf-8"))])

    print("\n".join(f"- {name}: {fact}" for name, fact in facts.items()))
    print(f"- demo company at scale {scale:g}, medians of {repeats}\n")
    print(_usage_table("starting up, each by itself", starts), end="\n\n")
    print(_usage_table("night", {"without changes": nights}), end="\n\n")
    print(_steps_table(steps))


def main() -> None:
    """Read the options, choose the folder, measure."""
    parser = argparse.ArgumentParser(description="What a night costs when nothing has changed.")
    parser.add_argument("--scale", type=float, default=0.1, help="size of the demo company; 1 is 20,000 customers")
    parser.add_argument("--repeats", type=int, default=5, help="how often everything is measured")
    parser.add_argument("--home", type=Path, help="KPI_HOME of the measurement, kept; default: a temporary folder")
    options = parser.parse_args()
    if options.home is not None:
        options.home.mkdir(parents=True, exist_ok=True)
        measure(options.home.resolve(), options.scale, options.repeats)
        return
    with tempfile.TemporaryDirectory(prefix="kpi-benchmark-") as folder:
        measure(Path(folder), options.scale, options.repeats)


if __name__ == "__main__":
    main()
