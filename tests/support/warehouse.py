"""A small warehouse for tests, built the way a night builds it: real batches, one real dbt run.

Belongs here: landing nights, running dbt and reading its results. Not here: what the numbers should be.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb

from orchestration.dbt_run import DBT_PROJECT_DIR, dbt_environment
from orchestration.landing.index import write_index
from orchestration.landing.ingest import ingest_night
from orchestration.landing.store import Landing
from orchestration.settings import Settings
from orchestration.sources.base import Source
from orchestration.sources.demo import DemoSource
from tests.support.dbt_server import ask_dbt
from tests.support.shared import built_once

DEMO_START = date(2025, 3, 1)
DEMO_LOAD = date(2026, 3, 24)
DEMO_AS_OF = date(2026, 3, 31)
_DEMO_SEED = 20260101
_DEMO_SCALE = 0.1


@dataclass(frozen=True)
class DbtNode:
    """What dbt's run_results.json says about one node; `failures` are a test's rows."""

    unique_id: str
    status: str
    seconds: float
    failures: int | None
    message: str

    @property
    def name(self) -> str:
        """The node's own name: `fct_funnel` of `model.kpi_warehouse.fct_funnel`; a unit test's own, not its model's."""
        kind, _, *names = self.unique_id.split(".")
        return names[1] if kind == "unit_test" else names[0]


@dataclass(frozen=True)
class DbtRun:
    """One finished dbt command."""

    exit_code: int
    nodes: tuple[DbtNode, ...]
    output: str

    def node(self, name: str) -> DbtNode:
        """The one node of that name; KeyError when the command did not run it."""
        found = [node for node in self.nodes if node.name == name]
        if len(found) != 1:
            raise KeyError(f"{name}: {len(found)} nodes of this name ran")
        return found[0]

    def bad(self) -> list[str]:
        """Nodes that did not pass, with dbt's message; warnings are not bad."""
        return [f"{n.unique_id}: {n.status}: {n.message}" for n in self.nodes if n.status not in _GOOD]


# Exposures are nothing to build: dbt says so of each.
_GOOD = frozenset({"success", "pass", "warn", "no-op"})


def warehouse_settings(home: Path) -> Settings:
    """Settings for a home of a test's own, whatever the environment of the person who runs it says."""
    return Settings(home=home, timezone="Asia/Ho_Chi_Minh", threads=2, memory_limit="2GB")


def days(first: date, last: date) -> list[date]:
    """Every day from the first to the last, both included."""
    return [first + timedelta(days=offset) for offset in range((last - first).days + 1)]


def land_nights(home: Path, source: Source, nights: Iterable[date]) -> Landing:
    """Land these nights of a source one by one, in the order given."""
    settings = warehouse_settings(home)
    landing = Landing(settings.landing_dir)
    for night in nights:
        ingest_night(landing, source, night, settings.zone)
    return landing


def dbt_build(
    home: Path,
    as_of: date,
    select: Sequence[str] | None = None,
    exclude_unit: bool = True,
    source_name: str = "demo",
    project_dir: Path = DBT_PROJECT_DIR,
    exclude: Sequence[str] = (),
    publish_contacts: bool = False,
) -> DbtRun:
    """One `dbt build` over what has landed by `as_of`, in a process of its own; the warehouse file is free afterwards.

    Raises AssertionError when dbt ran no node at all: then it did not build, whatever its exit code says.
    """
    settings = warehouse_settings(home).model_copy(update={"publish_contacts": publish_contacts})
    write_index(Landing(settings.landing_dir), source_name, as_of, settings.warehouse_dir)
    selection: list[str] = []
    if select:
        selection += ["--select", *select]
    if exclude:
        selection += ["--exclude", *exclude]
    if exclude_unit:
        selection += ["--exclude-resource-type", "unit_test"]
    return run_dbt(
        project_dir, ["build", *selection], dbt_environment(settings, as_of), settings.warehouse_dir / "target"
    )


def run_dbt(project_dir: Path, arguments: Sequence[str], environment: Mapping[str, str], target: Path) -> DbtRun:
    """One dbt command in a process of its own, with the results it leaves in `target`."""
    results_path = target / "run_results.json"
    results_path.unlink(missing_ok=True)
    answer = ask_dbt(
        project_dir,
        [
            "--no-use-colors",
            "--no-version-check",
            *arguments,
            "--project-dir",
            str(project_dir),
            "--profiles-dir",
            str(project_dir),
            "--target-path",
            str(target),
            "--log-path",
            str(target.parent / "logs"),
        ],
        environment,
    )
    assert results_path.exists(), f"dbt left no results:\n{answer.output}"
    run = DbtRun(answer.exit_code, tuple(nodes_of(results_path)), answer.output)
    assert run.nodes, f"dbt ran nothing:\n{answer.output}"
    return run


@dataclass(frozen=True)
class DemoWarehouse:
    """A small demo company: loaded whole on one night, then seven nights one by one, then built once with all tests."""

    home: Path
    landing: Landing
    run: DbtRun
    as_of: date = DEMO_AS_OF

    @property
    def database(self) -> Path:
        """The DuckDB file that dbt built."""
        return warehouse_settings(self.home).warehouse_path


def demo_source() -> DemoSource:
    """The company that `demo_warehouse` lands."""
    return DemoSource(_DEMO_SEED, _DEMO_SCALE, DEMO_START, DEMO_AS_OF)


def demo_warehouse(base: Path) -> DemoWarehouse:
    """The demo company's warehouse, built on the first call of this test run; for reading only.

    `base` is pytest's base folder of this process.
    """
    return built_once(base, "demo_warehouse", _build_demo)


def _build_demo(home: Path) -> DemoWarehouse:
    landing = land_nights(home, demo_source(), days(DEMO_LOAD, DEMO_AS_OF))
    return DemoWarehouse(home, landing, dbt_build(home, DEMO_AS_OF, exclude_unit=False))


def copy_warehouse(built: DemoWarehouse, home: Path) -> Path:
    """A copy of a built warehouse, to be broken or rebuilt; returns its DuckDB file. Staging reads the original."""
    source, target = (warehouse_settings(where).warehouse_dir for where in (built.home, home))
    shutil.copytree(source, target, ignore=shutil.ignore_patterns("target", "logs"))
    return warehouse_settings(home).warehouse_path


def run_damaged(built: DemoWarehouse, home: Path, damage: Mapping[str, str]) -> DbtRun:
    """The dbt tests that `damage` names, run over a copy of the warehouse in `home` with every damage done.

    Raises AssertionError for a damage that changes no row: its test would have nothing to notice.
    """
    with duckdb.connect(str(copy_warehouse(built, home))) as connection:
        for name, statement in damage.items():
            changed = connection.execute(statement).fetchone()
            assert changed is not None, name
            assert changed[0] > 0, f"the damage for {name} changes nothing"
    settings = warehouse_settings(home)
    return run_dbt(
        DBT_PROJECT_DIR,
        ["test", "--select", *damage],
        dbt_environment(settings, built.as_of),
        settings.warehouse_dir / "target",
    )


def nodes_of(results_path: Path) -> Iterable[DbtNode]:
    """Every node in a file of run results."""
    results: dict[str, Any] = json.loads(results_path.read_text(encoding="utf-8"))
    for result in results["results"]:
        yield DbtNode(
            unique_id=result["unique_id"],
            status=result["status"],
            seconds=result["execution_time"],
            failures=result["failures"],
            message=str(result["message"]),
        )
