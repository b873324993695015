"""Plays seeded plans of operations, kills each at random moments, finishes it, and compares with a quiet history.

    python -m tests.faults.kill_points --count 400 --commands 200 --seed 1

Belongs here: the command, and the two plans of cheap operations (`operations.py`): `landing` (nights landed and
compacted by the real functions) and `publishing` (publications of two warehouses under a reader's eyes). Not here: how
to kill (`killing.py`), or the plan of whole `kpi` commands (`command_plan.py`).
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tests.faults import operations
from tests.faults.command_plan import commands_plan
from tests.faults.company import last_nights, write_company
from tests.faults.killing import choose, run_function, server
from tests.faults.reader import Reader
from tests.faults.report import Report, say
from tests.faults.state import row_differences, table_differences

# A killed process costs half an operation, finishing it normally a whole one: several kills, then one normal run.
_KILLS_IN_A_ROW = 3


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
    report.problems += row_differences(quiet, measured)
    report.problems += row_differences(quiet, disturbed)
    return report


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
        report.heard(reader.stop())
    report.problems += table_differences(quiet / "marts.duckdb", home / "marts.duckdb", ["main", "core"])
    left = sorted(path.name for path in home.iterdir())
    if left != ["marts.duckdb", "marts.previous.duckdb", "writer.lock"]:
        report.problems.append(f"files were left behind: {left}")
    return report


# --- the command --------------------------------------------------------------------------------------------------

PLANS: Mapping[str, Callable[[Path, int, int], Report]] = {"landing": landing_plan, "publishing": publishing_plan}
COMMANDS = "commands"


def run(plan: str, folder: Path, count: int, seed: int, *, evenly: bool = False) -> Report:
    """Play one plan in `folder` until `count` kills have hit; `evenly` is for whole commands only."""
    folder.mkdir(parents=True, exist_ok=True)
    if plan == COMMANDS:
        return commands_plan(folder, count, seed, evenly=evenly)
    return PLANS[plan](folder, count, seed)


def main(arguments: Sequence[str] | None = None) -> int:
    """Share the kills out over the plans, print what happened, and leave the folder where something was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.kill_points", description=__doc__)
    parser.add_argument("--count", type=int, default=200, help="kills in all")
    parser.add_argument("--commands", type=int, default=40, help="how many of them hit whole `kpi` commands")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--folder", type=Path, help="where to work; default: a temporary folder, removed if all is well"
    )
    parser.add_argument("--evenly", action="store_true", help="long commands as often as short ones")
    given = parser.parse_args(arguments)
    folder = given.folder or Path(tempfile.mkdtemp(prefix="kill_points-"))
    cheap = given.count - given.commands
    shares = {"landing": cheap - cheap // 3, "publishing": cheap // 3, COMMANDS: given.commands}
    reports = []
    for plan, count in shares.items():
        if count > 0:
            say(f"{plan}: {count} kills")
            reports.append(run(plan, folder / plan, count, given.seed, evenly=given.evenly))
            print(reports[-1], flush=True)
    found = sum(len(report.problems) for report in reports)
    print(f"{sum(report.kills for report in reports)} kills, {found} problems" + (f"; see {folder}" if found else ""))
    if not found and given.folder is None:
        shutil.rmtree(folder)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
