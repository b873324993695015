"""The shortcut is honest: compiled SQL in memory gives what `dbt build` gives, table by table, with the same types."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from orchestration.dbt_run import DBT_PROJECT_DIR
from orchestration.settings import PROJECT_DIR
from tests.properties.cases import richest_company
from tests.properties.companies import NIGHTS
from tests.properties.runner import SOURCE, Project, built_from, land
from tests.support.warehouse import dbt_build, warehouse_settings

Contents = dict[str, tuple[list[tuple[str, str]], list[str]]]


def contents(connection: duckdb.DuckDBPyConnection, schemas: tuple[str, ...]) -> Contents:
    """Of every table and view: its columns with types, and its rows without order."""
    relations = connection.execute(
        "select schema_name || '.' || name from ("
        "select schema_name, table_name as name, database_name from duckdb_tables() union all "
        "select schema_name, view_name, database_name from duckdb_views()) "
        "where schema_name in (select unnest(?)) and database_name = current_database() order by 1",
        [list(schemas)],
    ).fetchall()
    found: Contents = {}
    for (relation,) in relations:
        cursor = connection.execute(f"from {relation}")
        columns = [(str(column[0]), str(column[1])) for column in cursor.description or []]
        found[relation] = (columns, sorted(map(repr, cursor.fetchall())))
    return found


def test_compiled_models_give_what_dbt_builds(project: Project, tmp_path: Path) -> None:
    """On another day than the one the project was compiled for, over batches of several nights."""
    schemas = ("seeds", "staging", "core", "marts")
    company, as_of = richest_company(), NIGHTS[-2]
    landing = land(tmp_path, company.landed_as_changes())
    run = dbt_build(
        tmp_path, as_of, source_name=SOURCE, exclude=["resource_type:test", "access"], publish_contacts=True
    )
    assert not run.bad(), run.bad()
    with duckdb.connect(str(warehouse_settings(tmp_path).warehouse_path), read_only=True) as connection:
        expected = contents(connection, schemas)
    with built_from(project, landing, as_of, tmp_path) as warehouse:
        found = contents(warehouse.connection, schemas)
    assert found.keys() == expected.keys()
    assert [relation for relation in expected if found[relation] != expected[relation]] == []
    assert len(expected) > 100
    assert sum(bool(rows) for _, rows in expected.values()) > 90


def test_the_compiled_day_stands_in_no_file_of_the_project(project: Project) -> None:
    """It is replaced as text, so it must come from as_of() alone."""
    for folder in (PROJECT_DIR / "models", PROJECT_DIR / "seeds", DBT_PROJECT_DIR):
        for path in folder.rglob("*.*"):
            if path.suffix in {".sql", ".csv"}:
                assert "1999-12-30" not in path.read_text(encoding="utf-8"), path
    assert sum("'1999-12-30'" in model.sql for model in project.models) > 10


def test_a_replacement_that_hits_nothing_is_an_error(project: Project) -> None:
    with pytest.raises(AssertionError, match="fct_funnel has the rule"):
        project.broken("fct_funnel", "no such rule", "")
