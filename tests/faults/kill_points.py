"""Plays seeded plans of operations, kills each at random moments, finishes it, and compares with a quiet history.

    python -m tests.faults.kill_points --count 200 --nights 40 --seed 1

Belongs here: the plans and the verdict. Not here: how to kill (`killing.py`), or cheap operations (`operations.py`).

Three plans: `landing` (nights landed and compacted by the real functions), `publishing` (publications of two warehouses
under a reader's eyes) and `nights` (whole `kpi` commands, dbt and checks included, under a reader's eyes). A command
joins the plan of whole commands by one more line in `commands`.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from orchestration.cli import BROKEN
from orchestration.contract import contract
from tests.faults import company, operations
from tests.faults.company import differences, landed_rows, last_nights, write_company
from tests.faults.kill_hook import SELF
from tests.faults.killing import KPI, Moment, Outcome, Sight, choose, run_command, run_function, server
from tests.faults.reader import Reader

# A killed process costs half an operation, finishing it normally a whole one: several kills, then one normal run.
_KILLS_IN_A_ROW = 3


@dataclass
class Report:
    """What a plan did and found. `problems` is empty when all is well."""

    plan: str
    seed: int
    kills: int = 0
    reads: int = 0
    generations: int = 0
    moments: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)

    def note(self, step: str, moment: Moment, outcome: Outcome) -> None:
        """Count a kill that hit; an operation that was over before its moment came must have ended well."""
        # A command whose dbt process died alone says so and ends with 3.
        is_worker = moment.change is not None and moment.scope == SELF and outcome.exit_code == BROKEN
        if outcome.killed or is_worker:
            self.kills += 1
            kind = "time" if moment.seconds is not None else "change" if moment.change is not None else moment.sight
            self.moments[f"{step}: {kind}, {moment.scope}"] += 1
        elif outcome.exit_code != 0:
            self.problems.append(f"{step}, to be killed {moment}, ended by itself with {outcome.exit_code}")

    def __str__(self) -> str:
        verdict = "no difference" if not self.problems else f"{len(self.problems)} problems"
        seen = f", {self.reads} reads of {self.generations} generations" if self.reads else ""
        lines = [f"{self.plan} (seed {self.seed}): {self.kills} kills{seen}: {verdict}"]
        lines += [f"  {count:4} {moment}" for moment, count in sorted(self.moments.items())]
        return "\n".join(lines + [f"  ! {problem}" for problem in self.problems])


def _say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)


# --- landing ------------------------------------------------------------------------------------------------------


def landing_plan(folder: Path, count: int, seed: int) -> Report:
    """Land and compact nights, kill each on the way. At the end every row is there, once, as without compaction."""
    chance, report = random.Random(seed), Report("landing", seed)
    nights = last_nights(5)
    source = write_company(folder / "input", nights, seed)
    quiet, measured, disturbed = (folder / name for name in ("quiet", "measured", "disturbed"))
    context = server(operations.PRELOAD)
    steps: list[tuple[Callable[..., None], tuple[object, ...]]] = [
        *((operations.land, (source, night)) for night in nights[:3]),
        (operations.compact_nights, (nights[2],)),
        *((operations.land, (source, night)) for night in (*nights[3:], nights[1])),
        (operations.compact_nights, (nights[-1],)),
    ]
    wholes = []
    for call, arguments in steps:
        wholes.append(run_function(context, measured, None, call, measured, *arguments))
        assert wholes[-1].exit_code == 0, f"{call.__name__} of {arguments[-1]} fails undisturbed"
        if call is operations.land:
            run_function(context, quiet, None, call, quiet, *arguments)
    for number, (call, arguments) in enumerate(steps):
        while report.kills < count * (number + 1) // len(steps) and not report.problems:
            for _ in range(chance.randint(1, _KILLS_IN_A_ROW)):
                moment = choose(chance, wholes[number])
                outcome = run_function(context, disturbed, moment, call, disturbed, *arguments)
                report.note(call.__name__, moment, outcome)
        if run_function(context, disturbed, None, call, disturbed, *arguments).exit_code:
            report.problems.append(f"{call.__name__} of {arguments[-1]} fails after kills")
    report.problems += _row_differences(quiet, measured)
    report.problems += _row_differences(quiet, disturbed)
    return report


def _row_differences(quiet: Path, disturbed: Path) -> list[str]:
    wanted, found = landed_rows(quiet), landed_rows(disturbed)
    return [f"{name}: other rows are visible" for name in sorted(wanted | found) if wanted.get(name) != found.get(name)]


# --- publishing ---------------------------------------------------------------------------------------------------


def publishing_plan(folder: Path, count: int, seed: int) -> Report:
    """Publish two warehouses in turn; kill most publications. A reader always sees a whole one."""
    from tests.unit.checks_company import AS_OF, build_warehouse, corrupted

    chance, report = random.Random(seed), Report("publishing", seed)
    home, quiet = folder / "disturbed", folder / "quiet"
    home.mkdir(parents=True)
    large = build_warehouse(folder / "warehouse.duckdb")
    small = corrupted(large, folder / "small", "delete from marts.dim_customers where manager_id = 'e1'")
    context = server(operations.PRELOAD)
    whole = run_function(context, quiet, None, operations.publish_marts, quiet, large, AS_OF)
    assert whole.exit_code == 0, "publishing fails undisturbed"
    with Reader(home / "marts.duckdb") as reader:
        while report.kills < count and not report.problems:
            warehouse = chance.choice((large, small))
            for _ in range(chance.randint(1, _KILLS_IN_A_ROW)):
                moment = choose(chance, whole)
                outcome = run_function(context, home, moment, operations.publish_marts, home, warehouse, AS_OF)
                report.note("publish", moment, outcome)
            if run_function(context, home, None, operations.publish_marts, home, warehouse, AS_OF).exit_code:
                report.problems.append(f"publishing fails after a kill {moment}")
        run_function(context, home, None, operations.publish_marts, home, large, AS_OF)
        _heard(reader, report)
    report.problems += differences(quiet / "marts.duckdb", home / "marts.duckdb", ["main", "core"])
    left = sorted(path.name for path in home.iterdir())
    if left != ["marts.duckdb", "marts.previous.duckdb", "writer.lock"]:
        report.problems.append(f"files were left behind: {left}")
    return report


def _heard(reader: Reader, report: Report) -> None:
    seen = reader.stop()
    report.reads, report.generations = seen.reads, len(seen.generations)
    report.problems += [f"reader: {problem}" for problem in seen.wrong[:5]]
    if seen.generations != sorted(seen.generations):
        report.problems.append(f"reader: generations came out of order: {seen.generations}")


# --- whole nights -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Command:
    """One `kpi` command of the plan."""

    name: str
    arguments: tuple[str, ...]


def commands(nights: Sequence[date]) -> list[Command]:
    """The plan: nights in order, an old night once more, a compaction, the rest of the nights in one range, and a month
    filled anew."""
    first, second, third, *_, last = (night.isoformat() for night in nights)
    month = last[: len("2026-03")]
    return [
        Command("first night", ("run", "--date", first)),
        Command("night", ("run", "--date", second)),
        Command("old night", ("run", "--date", first)),
        Command("compaction", ("compact", "--through", second)),
        Command("range", ("run", "--from", third, "--to", last)),
        Command("backfill", ("backfill", "--from", month, "--to", month)),
    ]


def sights_of(home: Path) -> Mapping[str, Sight]:
    """Things to see in a state folder that say how far a night is; all relative to how they are now."""
    marts, warehouse = home / "marts.duckdb", home / "warehouse"
    batches = _count(home / "landing", "*/*/*/manifest.json")
    return {
        "half has landed": lambda: _count(home / "landing", "*/*/*/manifest.json") >= batches + 12,
        "the index is new": _changed(warehouse / "landing_index.parquet"),
        "dbt has made its manifest": _changed(warehouse / "target" / "manifest.json"),
        "dbt writes": lambda: (warehouse / "warehouse.duckdb.wal").exists(),
        "dbt has written much": _larger(warehouse / "warehouse.duckdb.wal", 1_000_000),
        "dbt is done": _changed(warehouse / "target" / "run_results.json"),
        "a publication is being built": lambda: any(home.glob("marts.duckdb.*.tmp")),
        "the publication is kept aside": _changed(home / "marts.previous.duckdb"),
        "the publication is swapped": _changed(marts),
        "freshness is written": _changed(home / "freshness.json"),
    }


def _count(folder: Path, pattern: str) -> int:
    return sum(1 for _ in folder.glob(pattern)) if folder.exists() else 0


def _changed(path: Path) -> Sight:
    def identity() -> tuple[int, int] | None:
        try:
            found = path.stat()
        except FileNotFoundError:
            return None
        return found.st_ino, found.st_mtime_ns

    before = identity()
    return lambda: identity() not in (before, None)


def _larger(path: Path, size: int) -> Sight:
    def is_larger() -> bool:
        try:
            return path.stat().st_size > size
        except FileNotFoundError:
            return False

    return is_larger


def nights_plan(folder: Path, count: int, seed: int) -> Report:
    """Whole commands, killed on the way. At the end core, marts and the publication are those of a quiet history."""
    chance, report = random.Random(seed), Report("nights", seed)
    nights = last_nights(4)
    source = write_company(folder / "input", nights, seed, list(contract().entities))
    quiet, disturbed = folder / "quiet", folder / "disturbed"
    steps = commands(nights)
    wholes = []
    for step in steps:
        wholes.append(_play(step, quiet, source, None, folder))
        assert wholes[-1].exit_code == 0, f"{step} fails undisturbed: see {folder}/kpi.log"
        _say(f"undisturbed {step.name}: {wholes[-1].seconds:.0f} s, {wholes[-1].changes} changes of files")
    disturbed.mkdir()
    # All tables take a while to count, and a night is long: the processor belongs to the night.
    with Reader(disturbed / "marts.duckdb", breath_seconds=0.25) as reader:
        for number, step in enumerate(steps):
            while report.kills < count * (number + 1) // len(steps):
                moment = choose(chance, wholes[number], list(sights_of(disturbed)))
                outcome = _play(step, disturbed, source, moment, folder)
                report.note(step.name, moment, outcome)
                _say(f"{step.name} killed {moment}: {'hit' if outcome.killed else 'was over'}")
            outcome = _play(step, disturbed, source, None, folder)
            _say(f"{step.name}, left alone: exit code {outcome.exit_code}, {outcome.seconds:.0f} s")
            if outcome.exit_code:
                report.problems.append(f"{step.name} fails after kills: see {folder}/kpi.log")
        _heard(reader, report)
    for file, schemas in (("warehouse/warehouse.duckdb", ["core", "marts"]), ("marts.duckdb", ["main", "core"])):
        report.problems += differences(quiet / file, disturbed / file, schemas)
    report.problems += _row_differences(quiet, disturbed)
    return report


def _play(step: Command, home: Path, source: Path, moment: Moment | None, folder: Path) -> Outcome:
    environment = {"KPI_HOME": str(home), "KPI_SOURCE": company.SOURCE, "KPI_FILES_PATH": str(source)}
    for name in ("KPI_THREADS", "KPI_MEMORY_LIMIT", "KPI_TIMEZONE", "KPI_ENVIRONMENT", "KPI_AS_OF"):
        os.environ.pop(name, None)
    return run_command([KPI, *step.arguments], environment, home, moment, sights_of(home), folder / "kpi.log")


# --- the command --------------------------------------------------------------------------------------------------

PLANS: Mapping[str, Callable[[Path, int, int], Report]] = {
    "landing": landing_plan,
    "publishing": publishing_plan,
    "nights": nights_plan,
}


def run(plan: str, folder: Path, count: int, seed: int) -> Report:
    """Play one plan in `folder` until `count` kills have hit."""
    folder.mkdir(parents=True, exist_ok=True)
    return PLANS[plan](folder, count, seed)


def main(arguments: Sequence[str] | None = None) -> int:
    """Share the kills out over the plans, print what happened, and leave the folder where something was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.kill_points", description=__doc__)
    parser.add_argument("--count", type=int, default=200, help="kills in all")
    parser.add_argument("--nights", type=int, default=40, help="how many of them hit whole `kpi` commands")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--folder", type=Path, help="where to work; default: a temporary folder, removed if all is well"
    )
    given = parser.parse_args(arguments)
    folder = given.folder or Path(tempfile.mkdtemp(prefix="kill_points-"))
    cheap = given.count - given.nights
    shares = {"landing": cheap - cheap // 3, "publishing": cheap // 3, "nights": given.nights}
    reports = []
    for plan, count in shares.items():
        if count > 0:
            _say(f"{plan}: {count} kills")
            reports.append(run(plan, folder / plan, count, given.seed))
            print(reports[-1], flush=True)
    found = sum(len(report.problems) for report in reports)
    print(f"{sum(report.kills for report in reports)} kills, {found} problems" + (f"; see {folder}" if found else ""))
    if not found and given.folder is None:
        shutil.rmtree(folder)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
