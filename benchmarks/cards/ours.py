"""This project's own build of the four marts: dbt with everything they are made from, in a state folder of its own.

Usage: `python -m benchmarks.cards.ours HOME AS_OF TARGET [start|empty|tested]`. `start` only starts dbt and parses
the project, which is what every build pays before it does anything. `empty` builds the same tables of nothing landed,
aside: what every build pays however few rows there are. `tested` also runs the data tests of what it builds. The target
keeps what dbt parsed, as a company's state folder does; the warehouse in it is made anew.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Any

from benchmarks.cards.inputs import MARTS, Given
from orchestration.dbt_build import BUILT_ONLY, BuildPlace, run_build
from orchestration.dbt_run import DbtWorker, dbt_environment, dbt_paths, ensure_manifest
from orchestration.gate import expected_nodes
from orchestration.landing.index import write_index
from orchestration.landing.store import Landing
from orchestration.progress import Progress
from orchestration.settings import Settings

_PROJECT = "kpi_warehouse"


def needed(manifest: Mapping[str, Any], *, with_tests: bool) -> frozenset[str]:
    """The marts, what they are made from, and the data tests that look at nothing else."""
    known = expected_nodes(manifest)
    parents: Mapping[str, list[str]] = manifest["parent_map"]
    found = {f"model.{_PROJECT}.{mart}" for mart in MARTS}
    waiting = list(found)
    while waiting:
        new = set(parents[waiting.pop()]) - found
        found |= new
        waiting += new
    built = frozenset(known & found)
    if not with_tests:
        return built
    looked_at = {name: set(parents[name]) for name in known if name.startswith("test.")}
    return built | {name for name, looks_at in looked_at.items() if looks_at and looks_at <= found}


def build(given: Given, mode: str = "build") -> None:
    """Build into the target; exit code 1 when a node is missing or failed."""
    with_tests, aside = mode == "tested", given.target / "empty"
    warehouse, landing = given.target / "warehouse" / "warehouse.duckdb", given.home / "landing"
    if mode == "empty":
        warehouse, landing = aside / warehouse.name, aside / landing.name
        aside.mkdir(exist_ok=True)
    settings = Settings(home=given.target, threads=given.threads, memory_limit=given.memory_limit)
    with DbtWorker(settings) as worker:
        worker.start()
        manifest = json.loads(ensure_manifest(settings, worker).read_text(encoding="utf-8"))
        if mode == "start":
            worker.parse()
            return
        warehouse.unlink(missing_ok=True)
        write_index(Landing(landing), "demo", given.as_of, settings.warehouse_dir)
        environment = dbt_environment(settings, given.as_of, "everything") | {"KPI_WAREHOUSE_PATH": str(warehouse)}
        place = BuildPlace(warehouse, dbt_paths(settings).target, environment)
        tests = ["--indirect-selection", "cautious"] if with_tests else ["--exclude-resource-type", "test"]
        arguments = [*BUILT_ONLY, *tests, "--select", *(f"+{mart}" for mart in MARTS)]
        expected = needed(manifest, with_tests=with_tests)
        found = run_build(worker, place, manifest, expected, arguments, Progress())
        if not found.report.is_open:
            sys.exit(found.report.describe())


def main() -> None:
    """Build, in one of the modes."""
    build(Given.from_arguments(), *sys.argv[4:])


if __name__ == "__main__":
    main()
