"""Nights with Spark as the engine: a whole build, three nights of changes, a backfill, each published as ever.

After each, every table of the warehouse is that of DuckDB's own build of everything from the same landing zone: every
row, every column, every type, money to the cent.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path

import duckdb
import pytest

from orchestration.backfill.months import MonthRange
from orchestration.build_plan import CHANGES, EVERYTHING
from orchestration.compare import Limits, Section, compare_databases
from orchestration.dbt_run import DBT_PROJECT_DIR, DbtWorker, dbt_environment, dbt_paths
from orchestration.night import NightPlayer, RunResult, Services, open_instance
from orchestration.progress import RecordedProgress
from orchestration.selection import select
from orchestration.settings import Settings
from tests.spark.companies import COMPANIES, Company
from tests.spark.engine import completed_tasks
from tests.support.warehouse import run_dbt

SCHEMAS = ("seeds", "core", "marts")


@dataclass(frozen=True)
class Played:
    """What one run left. `tasks` counts the tasks that each executor process completed."""

    basis: str
    tasks: Mapping[str, int]
    difference: Section
    published: date
    tests: int
    duckdb_file: Path


@dataclass(frozen=True)
class History:
    """The nights of a company in their order, and a backfill of the last month after them."""

    company: Company
    nights: Sequence[Played]
    backfill: Played

    @property
    def runs(self) -> list[Played]:
        return [*self.nights, self.backfill]


def _compare(built: Path, duckdb_file: Path, spill: Path) -> Section:
    limits = Limits(threads=2, memory_limit="2GB", spill=spill)
    return compare_databases("tables", duckdb_file, built, {schema: schema for schema in SCHEMAS}, limits)


def _on_duckdb(settings: Settings, night: date, folder: Path) -> Path:
    """Everything from the landing index that the run has left, in a warehouse of its own."""
    warehouse = folder / "warehouse.duckdb"
    built = run_dbt(
        DBT_PROJECT_DIR,
        ["build", "--exclude", "resource_type:test", "--exclude-resource-type", "unit_test"],
        dbt_environment(settings, night) | {"KPI_WAREHOUSE_PATH": str(warehouse)},
        folder / "target",
    )
    assert built.exit_code == 0, built.bad()
    return warehouse


def _play(settings: Settings, night: date, run: Callable[[NightPlayer], RunResult]) -> Played:
    logs = settings.spark_events
    assert logs is not None
    before = set(logs.iterdir()) if logs.exists() else set()
    progress = RecordedProgress()
    with DbtWorker(settings) as worker, open_instance(settings) as instance:
        result = run(NightPlayer(Services(settings, progress, worker), instance))
    assert result.success, (result.failures, progress.build)
    assert progress.build is not None
    assert progress.publication is not None
    (log,) = set(logs.iterdir()) - before
    folder = settings.home.parent / f"duckdb{len(before)}"
    duckdb_file = _on_duckdb(settings, night, folder)
    difference = _compare(settings.warehouse_path, duckdb_file, folder / "spill")
    return Played(
        basis=progress.build.basis,
        tasks=completed_tasks(log),
        difference=difference,
        published=progress.publication.as_of,
        tests=progress.build.tests,
        duckdb_file=duckdb_file,
    )


@pytest.fixture(scope="module", params=sorted(COMPANIES))
def history(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> History:
    """A company's four nights, one after the other, and a backfill."""
    company = COMPANIES[request.param](tmp_path_factory.mktemp(request.param) / "home")
    nights = []
    for night in company.nights:
        company.deliver(night)
        nights.append(_play(company.settings, night, partial(NightPlayer.play, night=night)))
    last = company.nights[-1]
    month = MonthRange(last.replace(day=1), last.replace(day=1))
    backfill = _play(company.settings, last, lambda player: player.backfill(month, reingest=False))
    return History(company, nights, backfill)


def test_a_build_of_everything_is_followed_by_builds_of_changes(history: History) -> None:
    first, *others = (night.basis for night in history.nights)
    assert first.startswith("on Spark, everything: there are no tables in ")
    for basis in others:
        changed = re.fullmatch(r"on Spark, from ([\d,]+) changed records?", basis)
        assert changed is not None, basis
        assert int(changed[1].replace(",", "")) > 20
    assert history.backfill.basis == "on Spark, everything: a backfill was asked for"


def test_every_table_is_the_same_after_every_run(history: History) -> None:
    for run in history.runs:
        assert not run.difference.differing, (run.published, run.difference.differing)
        assert len(run.difference.tables) > 110
        assert sum(table.now or 0 for table in run.difference.tables) > 50_000


def test_every_run_was_tested_and_published(history: History) -> None:
    assert [night.published for night in history.nights] == history.company.nights
    with duckdb.connect(history.company.settings.marts_path, read_only=True) as publication:
        assert publication.execute("select as_of from main.publication").fetchall() == [(history.company.nights[-1],)]
    manifest = json.loads(dbt_paths(history.company.settings).manifest.read_text(encoding="utf-8"))
    whole, of_changes = (
        sum(node.startswith("test.") for node in select(manifest, None, mode).nodes) for mode in (EVERYTHING, CHANGES)
    )
    assert [run.tests for run in history.runs] == [whole, *[of_changes] * 3, whole]


def test_two_executor_processes_were_at_work(history: History) -> None:
    for run in history.runs:
        assert {"0", "1"} <= set(run.tasks)
        assert min(run.tasks["0"], run.tasks["1"]) > 10, run.tasks
        assert "driver" not in run.tasks


def test_a_cent_is_noticed(history: History, tmp_path: Path) -> None:
    broken = tmp_path / "broken.duckdb"
    shutil.copy(history.nights[-1].duckdb_file, broken)
    with duckdb.connect(broken) as connection:
        connection.execute(
            "update marts.fct_orders set revenue_amount = revenue_amount + 0.01 "
            "where order_id = (select min(order_id) from marts.fct_orders)"
        )
    differing = _compare(history.company.settings.warehouse_path, broken, tmp_path / "spill").differing
    assert [(table.name, table.only_before, table.only_now) for table in differing] == [("marts.fct_orders", 1, 1)]


def test_only_the_files_of_the_last_two_builds_are_kept(history: History) -> None:
    tables = history.company.settings.spark_dir / "tables"
    kept = [len(list(table.iterdir())) for schema in tables.iterdir() for table in schema.iterdir()]
    assert len(kept) > 110
    assert set(kept) == {2}  # The last build made everything anew.
