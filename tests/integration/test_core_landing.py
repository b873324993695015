"""From landed files to core: rejected, absent and returning records, entities a source lacks, and no landing at all."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.contract import contract
from orchestration.dbt_run import DBT_PROJECT_DIR, dbt_environment
from orchestration.landing.index import write_index
from orchestration.sources.files import FilesSource
from tests.support.warehouse import DbtRun, land_nights, run_dbt, warehouse_settings

NIGHTS = (date(2026, 3, 29), date(2026, 3, 30), date(2026, 3, 31))
EMPLOYEES = "employee_id,full_name,email\nan,An,an@example.com\nbinh,Bình,binh@example.com\n"
CUSTOMERS = "customer_id,customer_name,manager_id,created_at,updated_at\n"
CHANGES = "customer_id,field,old_value,new_value,changed_at\n"
TARGETS = "period_start,period_end,employee_id,department_id,metric,target_value\n"

# Night by night. stays: rejected on the second night, absent on none. gone: absent from the second night on.
# back: absent on the second night only. moved: a new owner on the third night.
# orphan: its owner is nobody the source knows.
FILES = {
    NIGHTS[0]: {
        "employees": EMPLOYEES,
        "customers": CUSTOMERS
        + "stays,Stays,an,2026-01-05T10:00,2026-03-01T08:00\n"
        + "gone,Gone,an,2026-01-05T10:00,2026-03-01T08:00\n"
        + "back,Back,an,2026-01-05T10:00,2026-03-01T08:00\n"
        + "moved,Moved,an,2026-01-05T10:00,2026-03-01T08:00\n",
        "customer_changes": CHANGES + "stays,manager_id,,an,2026-01-06T09:00:00\n",
        "kpi_targets": TARGETS + "2026-03-01,2026-03-31,an,,orders,10\n2026-03-01,2026-03-31,binh,,orders,10\n",
    },
    NIGHTS[1]: {
        "employees": EMPLOYEES,
        "customers": CUSTOMERS
        + "stays,Stays,an,0000-00-00,2026-03-30T08:00\n"
        + "moved,Moved,an,2026-01-05T10:00,2026-03-01T08:00\n",
        # The keys are there, in another form than the warehouse's, beside a value that cannot be read.
        "customer_changes": CHANGES
        + "stays,manager_id,,an,2026-01-06T09:00:00\nstays,colour,,an,2026-01-06T09:00:00\n",
        "kpi_targets": TARGETS + "2026-03-01,2026-03-31,an,,orders,ten\n2026-03-01,2026-03-31,binh,,orders,10\n",
    },
    NIGHTS[2]: {
        "employees": EMPLOYEES,
        "customers": CUSTOMERS
        + "stays,Stays,an,0000-00-00,2026-03-30T08:00\n"
        + "back,Back,an,2026-01-05T10:00,2026-03-01T08:00\n"
        + "moved,Moved,binh,2026-01-05T10:00,2026-03-31T15:30\n"
        + "orphan,Orphan,ghost,2026-03-31T09:00,2026-03-31T09:00\n",
        "customer_changes": CHANGES,
        "kpi_targets": TARGETS + "2026-03-01,2026-03-31,an,,orders,ten\n",
    },
}

LAST_OF_30 = "2026-03-30 23:59:59.999999"
LAST_OF_31 = "2026-03-31 23:59:59.999999"


def build(home: Path, *arguments: str) -> DbtRun:
    settings = warehouse_settings(home)
    return run_dbt(
        DBT_PROJECT_DIR,
        ["build", *arguments, "--indirect-selection", "cautious", "--exclude-resource-type", "unit_test"],
        dbt_environment(settings, NIGHTS[-1]),
        settings.warehouse_dir / "target",
    )


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three nights of a source that has four entities, landed and built up to core."""
    home = tmp_path_factory.mktemp("core_landing")
    for night, files in FILES.items():
        folder = home / "input" / night.isoformat()
        folder.mkdir(parents=True)
        for entity, text in files.items():
            (folder / f"{entity}.csv").write_text(text, encoding="utf-8")
    landing = land_nights(home, FilesSource(home / "input"), NIGHTS)
    write_index(landing, "files", NIGHTS[-1], warehouse_settings(home).warehouse_dir)
    run = build(home, "--select", "staging", "core", "path:seeds")
    assert run.bad() == []
    return home


def rows(home: Path, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(warehouse_settings(home).warehouse_path), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def test_a_rejected_record_is_not_deleted_and_an_absent_one_is(home: Path) -> None:
    found = rows(
        home, "select customer_id, is_deleted, cast(deleted_at as varchar) from core.core_customers order by 1"
    )
    assert found == [
        ("back", False, None),
        ("gone", True, LAST_OF_30),
        ("moved", False, None),
        ("orphan", False, None),
        ("stays", False, None),
    ]


def test_history_tells_absence_return_and_change(home: Path) -> None:
    found = rows(
        home,
        """select customer_id, manager_id, is_deleted, cast(valid_from_at as varchar), cast(valid_to_at as varchar)
        from core.core_customers_history order by customer_id, valid_from_at""",
    )
    created = "2026-01-05 10:00:00"
    assert found == [
        ("back", "an", False, created, LAST_OF_30),
        ("back", "an", True, LAST_OF_30, LAST_OF_31),
        ("back", "an", False, LAST_OF_31, None),
        ("gone", "an", False, created, LAST_OF_30),
        ("gone", "an", True, LAST_OF_30, None),
        ("moved", "an", False, created, "2026-03-31 15:30:00"),
        ("moved", "binh", False, "2026-03-31 15:30:00", None),
        ("orphan", "unknown", False, "2026-03-31 09:00:00", None),
        ("stays", "an", False, created, None),
    ]


def test_references_that_point_at_nothing_are_counted_and_named(home: Path) -> None:
    found = rows(home, "select entity, column_name, rows, example_value from core.core_unresolved_references")
    assert found == [("customers", "manager_id", 1, "ghost")]


def test_owners_come_from_versions_where_no_log_is(home: Path) -> None:
    found = rows(
        home,
        """select manager_id, cast(valid_from_at as varchar), cast(valid_to_at as varchar), is_inferred_start
        from core.core_customer_owner_history where customer_id = 'moved' order by valid_from_at""",
    )
    assert found == [
        ("an", "2026-01-05 10:00:00", "2026-03-31 15:30:00", True),
        ("binh", "2026-03-31 15:30:00", None, True),
    ]


def test_composite_keys_with_empty_parts_are_found_among_rejected_rows(home: Path) -> None:
    found = rows(home, "select employee_id, department_id, is_deleted from core.core_kpi_targets order by 1")
    assert found == [("an", "none", False), ("binh", "none", True)]


def test_a_logged_change_that_is_gone_is_deleted(home: Path) -> None:
    found = rows(
        home, "select field, new_value, is_deleted, cast(deleted_at as varchar) from core.core_customer_changes"
    )
    assert found == [("manager_id", "an", True, LAST_OF_31)]


def test_every_core_row_names_the_row_it_came_with(home: Path) -> None:
    found = rows(home, "select _batch_id, _row_number from core.core_customers where customer_id = 'moved'")
    assert found == [("2026-03-31.1", 4)]


def test_entities_the_source_does_not_have_are_empty_and_typed(home: Path) -> None:
    given = {"employees", "customers", "customer_changes", "kpi_targets"}
    for entity in contract():
        if entity.name in given:
            continue
        assert rows(home, f"select count(*) from core.core_{entity.name}") == [(0,)]
        staged = dict(
            rows(home, f"select column_name, column_type from (describe staging.stg_contract__{entity.name})")
        )
        assert {column.name: column.duckdb_type for column in entity.columns}.items() <= staged.items()


def test_without_a_landing_index_the_message_says_what_to_do(tmp_path: Path) -> None:
    warehouse_settings(tmp_path).warehouse_dir.mkdir()
    run = build(tmp_path, "--select", "stg_contract__batches")
    assert run.exit_code == 1
    assert f"there is no landing index at {tmp_path}/warehouse/landing_index.parquet. Run `kpi run` first" in run.output


def test_an_as_of_that_is_no_date_is_refused(home: Path) -> None:
    settings = warehouse_settings(home)
    environment = {**dbt_environment(settings), "KPI_AS_OF": "31/03/2026"}
    run = run_dbt(
        DBT_PROJECT_DIR,
        ["run", "--select", "core_customer_last_contact"],
        environment,
        settings.warehouse_dir / "target",
    )
    assert run.exit_code == 1
    assert "KPI_AS_OF is '31/03/2026'; write a date as YYYY-MM-DD" in run.output
