"""dbt reads compacted batches as it read their own files: the same staging rows, the same core, the same batch ids."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from orchestration.contract import contract
from orchestration.dbt_run import DBT_PROJECT_DIR, dbt_environment
from orchestration.landing.compact import compact, plan
from orchestration.landing.index import write_index
from orchestration.sources.files import FilesSource
from tests.integration.test_core_landing import FILES, NIGHTS
from tests.support.warehouse import land_nights, run_dbt, warehouse_settings

CORE = ("core_customers", "core_customers_history", "core_kpi_targets", "core_batches")
STAGING = (*(f"stg_contract__{entity.name}" for entity in contract()), "stg_contract__quarantined_keys")


def _run(home: Path) -> None:
    settings = warehouse_settings(home)
    selected = ["run", "--select", "staging", *(f"+{name}" for name in CORE), "--exclude", "resource_type:test"]
    run = run_dbt(DBT_PROJECT_DIR, selected, dbt_environment(settings, NIGHTS[-1]), settings.warehouse_dir / "target")
    assert run.bad() == []


def _kept(home: Path, target: Path) -> Path:
    """All staging rows and core tables of the warehouse as tables of a file of their own."""
    with duckdb.connect(str(target)) as connection:
        connection.execute(f"attach '{warehouse_settings(home).warehouse_path}' as warehouse (read_only)")
        for schema, names in (("staging", STAGING), ("core", CORE)):
            for name in names:
                connection.execute(f"create table {name} as from warehouse.{schema}.{name}")
    return target


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> duckdb.DuckDBPyConnection:
    """The same nights, the second of them landed twice, built before and after compacting the first two."""
    home = tmp_path_factory.mktemp("core_compacted")
    for night, files in FILES.items():
        folder = home / "input" / night.isoformat()
        folder.mkdir(parents=True)
        for entity, text in files.items():
            (folder / f"{entity}.csv").write_text(text, encoding="utf-8")
    landing = land_nights(home, FilesSource(home / "input"), [*NIGHTS, NIGHTS[1]])
    warehouse = warehouse_settings(home).warehouse_dir
    connection = duckdb.connect()
    for name in ("before", "after"):
        index = write_index(landing, "files", NIGHTS[-1], warehouse)
        _run(home)
        connection.execute(f"attach '{_kept(home, home / name)}' as {name} (read_only)")
        if name == "before":
            assert compact(landing, plan(landing, "files", NIGHTS[1]))
    assert duckdb.sql(f"select count(*) from '{index}' where segment_number is null").fetchall()[0][0] > 0
    assert duckdb.sql(f"select count(*) from '{index}' where segment_number is not null").fetchall()[0][0] > 0
    return connection


def test_there_are_good_and_rejected_rows_to_compare(both: duckdb.DuckDBPyConnection) -> None:
    for table in ("stg_contract__customers", "stg_contract__quarantined_keys", "core_customers_history"):
        assert both.execute(f"select count(*) from before.{table}").fetchall()[0][0] > 0


@pytest.mark.parametrize("table", [*STAGING, *CORE])
def test_every_table_holds_the_same_rows(both: duckdb.DuckDBPyConnection, table: str) -> None:
    assert both.execute(f"describe before.{table}").fetchall() == both.execute(f"describe after.{table}").fetchall()
    assert (
        both.execute(
            f"(from before.{table} except all from after.{table}) "
            f"union all (from after.{table} except all from before.{table})"
        ).fetchall()
        == []
    )
