"""Tables built on Spark get into the warehouse by the list that the build left; Spark itself is not needed for that."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from orchestration.dbt_run import DbtError, dbt_paths
from orchestration.settings import Settings
from orchestration.spark_tables import LIST, record_taken, take_tables
from tests.support.warehouse import warehouse_settings

BOTH = {"marts.fct_a", "core.core_b"}


class Spark:
    """A folder of tables as builds on Spark leave it, beside an empty warehouse."""

    def __init__(self, home: Path) -> None:
        self.settings: Settings = warehouse_settings(home)
        self._listed: dict[str, str] = {}

    def build(self, name: str, build: str, amount: int) -> None:
        """Two files in a folder of this build; those of earlier builds stay beside it."""
        folder = self.settings.spark_dir / "tables" / Path(*name.split(".")) / build
        folder.mkdir(parents=True)
        for part in (1, 2):
            duckdb.sql(f"select '{build}' as made, cast({amount}.05 as decimal(18, 2)) as amount").write_parquet(
                str(folder / f"part-{part}.parquet")
            )
        self._listed[name] = str(folder)
        (self.settings.spark_dir / LIST).write_text(json.dumps(self._listed))

    def run_dbt(self, invocation: str) -> None:
        """What a dbt run on the warehouse leaves."""
        results = dbt_paths(self.settings).run_results
        results.parent.mkdir(parents=True, exist_ok=True)
        results.write_text(json.dumps({"metadata": {"invocation_id": invocation}, "results": []}))

    def rows(self, table: str) -> list[tuple[object, ...]]:
        with duckdb.connect(self.settings.warehouse_path, read_only=True) as connection:
            return connection.execute(f"select * from {table}").fetchall()

    def write(self, sql: str) -> None:
        with duckdb.connect(self.settings.warehouse_path) as connection:
            connection.execute(sql)


@pytest.fixture
def spark(tmp_path: Path) -> Spark:
    spark = Spark(tmp_path / "home")
    spark.build("marts.fct_a", "before", 1)
    spark.build("marts.fct_a", "now", 2)
    spark.build("core.core_b", "now", 3)
    return spark


def test_a_table_has_the_rows_and_types_of_the_listed_folder(spark: Spark) -> None:
    assert take_tables(spark.settings, BOTH) == ["core.core_b", "marts.fct_a"]
    assert spark.rows("marts.fct_a") == [("now", Decimal("2.05"))] * 2
    assert spark.rows("(select typeof(amount) from core.core_b)") == [("DECIMAL(18,2)",)] * 2


def test_only_what_a_later_build_made_is_read_again(spark: Spark) -> None:
    take_tables(spark.settings, BOTH)
    spark.run_dbt("tests of the first build")
    record_taken(spark.settings)
    spark.build("marts.fct_a", "later", 4)
    assert take_tables(spark.settings, BOTH) == ["marts.fct_a"]
    assert spark.rows("marts.fct_a") == [("later", Decimal("4.05"))] * 2
    assert spark.rows("core.core_b") == [("now", Decimal("3.05"))] * 2


def test_all_is_read_again_after_a_build_that_did_not_finish(spark: Spark) -> None:
    take_tables(spark.settings, BOTH)
    spark.run_dbt("tests of the first build")
    record_taken(spark.settings)
    take_tables(spark.settings, BOTH)
    assert take_tables(spark.settings, BOTH) == ["core.core_b", "marts.fct_a"]


def test_all_is_read_again_when_dbt_was_run_on_the_warehouse_since(spark: Spark) -> None:
    take_tables(spark.settings, BOTH)
    spark.run_dbt("tests of the first build")
    record_taken(spark.settings)
    spark.write("update marts.fct_a set amount = 0")
    spark.run_dbt("by hand")
    assert take_tables(spark.settings, BOTH) == ["core.core_b", "marts.fct_a"]
    assert spark.rows("marts.fct_a") == [("now", Decimal("2.05"))] * 2


def test_nothing_of_a_build_on_duckdb_is_built_upon_afterwards(spark: Spark) -> None:
    spark.settings.warehouse_path.parent.mkdir(parents=True, exist_ok=True)
    spark.write("create schema changes; create table changes._built (as_of date); create table changes.fct_a (n int)")
    take_tables(spark.settings, BOTH)
    assert spark.rows("(select schema_name from duckdb_tables() where schema_name = 'changes')") == []


def test_views_on_the_tables_stay(spark: Spark) -> None:
    take_tables(spark.settings, BOTH)
    spark.write("create schema access; create view access.access_fct_a as select * from marts.fct_a")
    spark.build("marts.fct_a", "later", 4)
    take_tables(spark.settings, BOTH)
    assert spark.rows("access.access_fct_a") == [("later", Decimal("4.05"))] * 2


def test_a_table_that_spark_has_not_built_leaves_the_warehouse_as_it_was(spark: Spark) -> None:
    take_tables(spark.settings, BOTH)
    spark.build("marts.fct_a", "later", 4)
    with pytest.raises(DbtError, match=r"no table marts\.fct_c"):
        take_tables(spark.settings, {*BOTH, "marts.fct_c"})
    assert spark.rows("marts.fct_a") == [("now", Decimal("2.05"))] * 2


def test_a_folder_without_files_leaves_the_warehouse_as_it_was(spark: Spark) -> None:
    take_tables(spark.settings, BOTH)
    spark.build("core.core_b", "later", 5)
    spark.build("marts.fct_a", "later", 4)
    for file in (spark.settings.spark_dir / "tables/marts/fct_a/later").iterdir():
        file.unlink()
    with pytest.raises(DbtError, match=r"no files of marts\.fct_a"):
        take_tables(spark.settings, BOTH)
    assert spark.rows("core.core_b") == [("now", Decimal("3.05"))] * 2


def test_without_a_finished_build_there_is_no_list(tmp_path: Path) -> None:
    with pytest.raises(DbtError, match=LIST):
        take_tables(warehouse_settings(tmp_path), BOTH)
