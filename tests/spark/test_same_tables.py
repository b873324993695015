"""The same models give the same tables on Spark as on DuckDB: every row, every column, every type, money to the cent.

A small demo company is built whole, and then brought up to date from what changed in three nights.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest

from orchestration.build_plan import CHANGES, EVERYTHING
from orchestration.compare import Limits, Section, compare_databases
from orchestration.landing.index import write_index
from orchestration.landing.ingest import ingest_night
from orchestration.landing.store import Landing
from orchestration.settings import Settings
from orchestration.sources.demo import DemoSource
from orchestration.spark_plan import built_on_spark, finish, prepare
from orchestration.spark_tables import copy_tables
from tests.spark.engine import SparkBuild, spark_build, spark_warehouse
from tests.support.warehouse import dbt_build, warehouse_settings

FIRST = date(2026, 3, 28)
NIGHTS = [FIRST + timedelta(days=day) for day in range(1, 4)]
SCHEMAS = ("seeds", "core", "marts")
MODELS = ("--resource-type", "model", "--resource-type", "seed")


@dataclass(frozen=True)
class Night:
    """What one night left on either engine."""

    day: date
    mode: str
    spark: SparkBuild
    difference: Section
    spark_file: Path
    duckdb_file: Path


def _compare(spark_file: Path, duckdb_file: Path, spill: Path) -> Section:
    limits = Limits(threads=2, memory_limit="2GB", spill=spill)
    return compare_databases("tables", duckdb_file, spark_file, {schema: schema for schema in SCHEMAS}, limits)


def _play(settings: Settings, source: DemoSource, night: date, folder: Path) -> Night:
    landing = Landing(settings.landing_dir)
    ingest_night(landing, source, night, settings.zone)
    on_duckdb = dbt_build(settings.home, night, exclude=("resource_type:test",))
    assert on_duckdb.exit_code == 0, on_duckdb.bad()
    write_index(landing, "demo", night, settings.warehouse_dir)
    plan = prepare(settings, built_on_spark(settings, night))
    built = spark_build(settings, night, plan.mode, MODELS)
    assert built.run.exit_code == 0, built.run.bad()
    finish(settings, built_on_spark(settings, night))
    spark_file = folder / f"{night}.duckdb"
    copy_tables(spark_warehouse(settings), spark_file, SCHEMAS)
    duckdb_file = folder / f"{night}.warehouse.duckdb"
    shutil.copy(settings.warehouse_path, duckdb_file)
    return Night(night, plan.mode, built, _compare(spark_file, duckdb_file, folder / "spill"), spark_file, duckdb_file)


@pytest.fixture(scope="module")
def nights(tmp_path_factory: pytest.TempPathFactory) -> list[Night]:
    """A full build, and three nights of changes, on both engines from one landing zone."""
    folder = tmp_path_factory.mktemp("spark")
    settings = warehouse_settings(folder / "home")
    source = DemoSource(20260101, 0.05, date(2025, 9, 1), date(2026, 3, 31))
    return [_play(settings, source, night, folder) for night in [FIRST, *NIGHTS]]


def test_a_full_build_is_followed_by_builds_of_changes(nights: list[Night]) -> None:
    assert [night.mode for night in nights] == [EVERYTHING, CHANGES, CHANGES, CHANGES]


def test_every_table_is_the_same_after_every_night(nights: list[Night]) -> None:
    for night in nights:
        assert not night.difference.differing, (night.day, night.difference.differing)
        assert len(night.difference.tables) > 110
        assert sum(table.now or 0 for table in night.difference.tables) > 50_000


def test_two_executor_processes_were_at_work(nights: list[Night]) -> None:
    for night in nights:
        assert {"0", "1"} <= set(night.spark.tasks)
        assert min(night.spark.tasks["0"], night.spark.tasks["1"]) > 10, night.spark.tasks
        assert "driver" not in night.spark.tasks


def test_a_cent_is_noticed(nights: list[Night], tmp_path: Path) -> None:
    broken = tmp_path / "broken.duckdb"
    shutil.copy(nights[0].spark_file, broken)
    with duckdb.connect(broken) as connection:
        connection.execute(
            "update marts.fct_orders set revenue_amount = revenue_amount + 0.01 "
            "where order_id = (select min(order_id) from marts.fct_orders)"
        )
    differing = _compare(broken, nights[0].duckdb_file, tmp_path / "spill").differing
    assert [(table.name, table.only_before, table.only_now) for table in differing] == [("marts.fct_orders", 1, 1)]


def test_only_the_files_of_the_last_two_builds_are_kept(nights: list[Night], tmp_path: Path) -> None:
    tables = nights[-1].spark_file.parent / "home" / "warehouse" / "spark" / "tables"
    kept = [len(list(table.iterdir())) for schema in tables.iterdir() for table in schema.iterdir()]
    assert len(kept) > 110
    assert set(kept) == {1, 2}
