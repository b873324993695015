"""In a build of changes a test of single rows looks at those that came, and a test of keys at all that share theirs."""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb

from orchestration.build_plan import CHANGES, EVERYTHING
from orchestration.dbt_run import DBT_PROJECT_DIR, dbt_environment
from tests.properties.runner import COMPILED_NIGHT, Project
from tests.support.warehouse import run_dbt, warehouse_settings

_TESTED = ("core_orders", "core_payments")


def failing(project: Project, home: Path, mode: str, damage: str) -> set[str]:
    """Tests of two tables that fail, in a copy of the compiled warehouse with some SQL done to it."""
    settings, source = warehouse_settings(home), warehouse_settings(project.home)
    settings.warehouse_dir.mkdir(parents=True)
    shutil.copy(source.warehouse_path, settings.warehouse_path)
    shutil.copy(source.landing_index_path, settings.landing_index_path)
    shutil.copytree(source.warehouse_dir / "shells", settings.warehouse_dir / "shells")
    with duckdb.connect(settings.warehouse_path) as connection:
        connection.execute(damage)
    selection = [f"{name},test_name:{test}" for name in _TESTED for test in ("unique_combination", "not_null_columns")]
    run = run_dbt(
        DBT_PROJECT_DIR,
        ["test", "--select", *selection],
        dbt_environment(settings, COMPILED_NIGHT, mode),
        settings.warehouse_dir / "target",
    )
    assert len(run.nodes) == len(selection)
    return {_kind(text) for text in run.bad()}


def _kind(problem: str) -> str:
    """`unique_combination core_orders` of a failed test's line."""
    name = problem.split(":")[0].split(".")[2]
    (table,) = (table for table in _TESTED if f"_{table}_" in name)
    return f"{name.split('_core_')[0]} {table}"


TWICE = "insert into core.core_orders from core.core_orders limit 1;"
EMPTY = "update core.core_payments set payment_id = null;"
CAME = """
    insert into changes.core_orders by name select 'added' as _change, * from core.core_orders limit 1;
    insert into changes.core_payments by name select 'added' as _change, * from core.core_payments limit 1;
"""


FOUND = {"unique_combination core_orders", "not_null_columns core_payments"}


def test_a_build_of_everything_looks_at_every_row(project: Project, tmp_path: Path) -> None:
    assert failing(project, tmp_path, EVERYTHING, TWICE + EMPTY) == FOUND


def test_a_build_of_changes_looks_at_the_rows_that_came(project: Project, tmp_path: Path) -> None:
    assert failing(project, tmp_path, CHANGES, TWICE + EMPTY + CAME) == FOUND


def test_rows_that_were_there_before_were_tested_before(project: Project, tmp_path: Path) -> None:
    assert failing(project, tmp_path, CHANGES, TWICE + EMPTY) == set()
