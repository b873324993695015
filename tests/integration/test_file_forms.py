"""Which DuckDB can open what we leave behind: the warehouse is ours alone, publications are everybody's."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from orchestration.serving.publish import publish
from tests.support.warehouse import DemoWarehouse, demo_warehouse


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> DemoWarehouse:
    return demo_warehouse(tmp_path_factory.getbasetemp())


def _form(path: Path) -> str:
    with duckdb.connect() as connection:
        connection.execute(f"attach '{path}' as opened (read_only)")
        [(form,)] = connection.execute(
            "select tags['storage_version'] from duckdb_databases() where database_name = 'opened'"
        ).fetchall()
    return str(form)


def test_the_warehouse_is_of_the_form_that_is_quick_to_write(built: DemoWarehouse) -> None:
    assert _form(built.database) == "v1.4.0+"


def test_a_publication_opens_in_every_duckdb(built: DemoWarehouse, tmp_path: Path) -> None:
    marts = tmp_path / "marts.duckdb"
    publish(built.database, marts, {"as_of": built.as_of, "source": "demo"})
    assert _form(marts) == "v1.0.0+"
