"""The access views over a real warehouse: each viewer's rows and no others, also in a file of another name."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from tests.support.access_rules import (
    NAME_LISTS,
    OF_DEPARTMENTS,
    OF_FROZEN_MONTHS,
    OF_PEOPLE,
    OWNERS,
    OWNERS_AND_DEPARTMENTS,
    OWNERS_OF_TWO,
    VIEWS,
)
from tests.support.warehouse import DemoWarehouse, demo_warehouse


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> DemoWarehouse:
    return demo_warehouse(tmp_path_factory.getbasetemp())


@pytest.fixture
def warehouse(built: DemoWarehouse) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(built.database), read_only=True) as connection:
        yield connection


def look_as(connection: duckdb.DuckDBPyConnection, viewer: str) -> None:
    quoted = viewer.replace("'", "''")
    connection.execute(f"set variable kpi_viewer = '{quoted}'")


def count(connection: duckdb.DuckDBPyConnection, relation: str) -> int:
    (rows,) = connection.execute(f"select count(*) from {relation}").fetchone() or (0,)
    return int(rows)


def viewers(connection: duckdb.DuckDBPyConnection) -> dict[str, set[tuple[str, str]]]:
    """What scope grants to each viewer: (report, employee) pairs."""
    rows = connection.execute("select viewer_email, report, employee_id from core.core_employee_scope").fetchall()
    granted: dict[str, set[tuple[str, str]]] = {}
    for email, report, employee in rows:
        granted.setdefault(email, set()).add((report, employee))
    return granted


@pytest.mark.parametrize("mart", VIEWS)
def test_a_view_has_its_marts_columns(mart: str, warehouse: duckdb.DuckDBPyConnection) -> None:
    of_mart = warehouse.execute(f"describe marts.{mart}").fetchall()
    of_view = warehouse.execute(f"describe access.access_{mart}").fetchall()
    assert [column[:2] for column in of_view] == [column[:2] for column in of_mart]


@pytest.mark.parametrize("mart", VIEWS)
def test_nobody_named_sees_nothing(mart: str, warehouse: duckdb.DuckDBPyConnection) -> None:
    assert (count(warehouse, f"marts.{mart}") > 0) == (mart not in OF_FROZEN_MONTHS)
    assert count(warehouse, f"access.access_{mart}") == 0


@pytest.mark.parametrize("viewer", ["", "khong-co@vi-du.vn", "' or '1'='1"])
def test_a_stranger_sees_nothing(viewer: str, warehouse: duckdb.DuckDBPyConnection) -> None:
    look_as(warehouse, viewer)
    assert {mart: count(warehouse, f"access.access_{mart}") for mart in VIEWS} == dict.fromkeys(VIEWS, 0)


@pytest.mark.parametrize("mart", OWNERS)
def test_every_viewer_sees_exactly_the_owners_in_scope(mart: str, warehouse: duckdb.DuckDBPyConnection) -> None:
    owner_column, reports = OWNERS[mart]
    per_owner = dict(warehouse.execute(f"select {owner_column}, count(*) from marts.{mart} group by 1").fetchall())
    granted = viewers(warehouse)
    kinds = set()
    for viewer, grants in granted.items():
        scope = {employee for report, employee in grants if report in reports}
        look_as(warehouse, viewer.upper())
        seen = dict(
            warehouse.execute(f"select {owner_column}, count(*) from access.access_{mart} group by 1").fetchall()
        )
        assert seen == {owner: rows for owner, rows in per_owner.items() if owner in scope}, viewer
        kinds.add("all" if len(seen) == len(per_owner) else "some" if seen else "none")
    assert kinds >= {"all", "some"}


@pytest.mark.parametrize("mart", OWNERS_OF_TWO)
def test_every_viewer_sees_exactly_the_rows_of_either_owner_in_scope(
    mart: str, warehouse: duckdb.DuckDBPyConnection
) -> None:
    first, second, reports = OWNERS_OF_TWO[mart]
    query = f"select {first}, {second}, count(*) from {{}} group by all"
    per_owners = warehouse.execute(query.format(f"marts.{mart}")).fetchall()
    through_one = 0
    for viewer, grants in viewers(warehouse).items():
        scope = {employee for report, employee in grants if report in reports}
        look_as(warehouse, viewer.upper())
        seen = set(warehouse.execute(query.format(f"access.access_{mart}")).fetchall())
        assert seen == {row for row in per_owners if row[0] in scope or row[1] in scope}, viewer
        through_one += sum((then in scope) != (now in scope) for then, now, _ in seen)
    assert through_one > 0


def departments_in_scope(connection: duckdb.DuckDBPyConnection) -> dict[str, set[str]]:
    """The departments that the department report opens to each viewer."""
    rows = connection.execute(
        "select viewer_email, department_id from core.core_department_scope where report = 'department'"
    ).fetchall()
    granted: dict[str, set[str]] = {}
    for email, department in rows:
        granted.setdefault(email, set()).add(department)
    return granted


@pytest.mark.parametrize("mart", OWNERS_AND_DEPARTMENTS)
def test_every_viewer_sees_exactly_the_owners_and_departments_in_scope(
    mart: str, warehouse: duckdb.DuckDBPyConnection
) -> None:
    query = "select employee_id, department_id, count(*) from {} group by all"
    per_owner = warehouse.execute(query.format(f"marts.{mart}")).fetchall()
    granted, departments = viewers(warehouse), departments_in_scope(warehouse)
    kinds = set()
    for viewer in granted.keys() | departments.keys():
        people = {employee for report, employee in granted.get(viewer, ()) if report in OWNERS_AND_DEPARTMENTS[mart]}
        expected = {
            (employee, department, rows)
            for employee, department, rows in per_owner
            if (employee in people if department == "none" else department in departments.get(viewer, ()))
        }
        look_as(warehouse, viewer.upper())
        assert set(warehouse.execute(query.format(f"access.access_{mart}")).fetchall()) == expected, viewer
        kinds.add((any(row[0] == "none" for row in expected), any(row[1] == "none" for row in expected)))
    assert kinds >= {(True, True), (False, True)}
    assert len(per_owner) > 10


@pytest.mark.parametrize("mart", OF_DEPARTMENTS)
def test_every_viewer_sees_exactly_the_departments_in_scope(mart: str, warehouse: duckdb.DuckDBPyConnection) -> None:
    query = "select department_id, count(*) from {} group by all"
    per_department = dict(warehouse.execute(query.format(f"marts.{mart}")).fetchall())
    departments = departments_in_scope(warehouse)
    shown = set()
    for viewer in viewers(warehouse).keys() | departments.keys():
        look_as(warehouse, viewer.upper())
        seen = dict(warehouse.execute(query.format(f"access.access_{mart}")).fetchall())
        scope = departments.get(viewer, set())
        assert seen == {owner: rows for owner, rows in per_department.items() if owner in scope}, viewer
        shown.add(len(seen))
    # The lines beside the departments are for those who see every department.
    assert {0, len(per_department)} <= shown
    assert (len(shown) > 2) == (mart != "kpi_department_reconciliation")


@pytest.mark.parametrize("mart", OF_PEOPLE)
def test_people_show_through_any_report(mart: str, warehouse: duckdb.DuckDBPyConnection) -> None:
    people = {row[0] for row in warehouse.execute(f"select employee_id from marts.{mart}").fetchall()}
    for viewer, grants in viewers(warehouse).items():
        look_as(warehouse, viewer)
        seen = {row[0] for row in warehouse.execute(f"select employee_id from access.access_{mart}").fetchall()}
        assert seen == {employee for _, employee in grants} & people, viewer


@pytest.mark.parametrize("mart", NAME_LISTS)
def test_lists_of_names_are_whole_for_everyone_with_a_right(mart: str, warehouse: duckdb.DuckDBPyConnection) -> None:
    rows = count(warehouse, f"marts.{mart}")
    for viewer in viewers(warehouse):
        look_as(warehouse, viewer)
        assert count(warehouse, f"access.access_{mart}") == rows, viewer


def test_departments_show_no_hidden_name(warehouse: duckdb.DuckDBPyConnection) -> None:
    names = dict(warehouse.execute("select department_id, department_name from marts.dim_departments").fetchall())
    hidden_somewhere = 0
    for viewer in viewers(warehouse):
        look_as(warehouse, viewer)
        rows = warehouse.execute(
            "select department_id, parent_department_id, department_path from access.access_dim_departments"
        ).fetchall()
        visible = {row[0] for row in rows}
        hidden_somewhere += len(names) > len(visible)
        assert len(rows) == len(visible)
        for department_id, parent, path in rows:
            assert parent in visible | {"none"}
            assert path.split(" / ")[-1] == names[department_id]
            assert set(path.split(" / ")) <= {names[seen] for seen in visible}, (viewer, path)
    assert hidden_somewhere > 0


def test_inactive_people_see_nothing(warehouse: duckdb.DuckDBPyConnection) -> None:
    people = warehouse.execute(
        "select lower(email), is_active and not is_deleted from marts.dim_employees where email is not null"
    ).fetchall()
    gone = {email for email, _ in people} - {email for email, works_here in people if works_here}
    assert gone
    for email in gone:
        look_as(warehouse, email)
        assert count(warehouse, "access.access_fct_funnel") == 0, email
        assert count(warehouse, "access.access_dim_date") == 0, email


def test_views_work_in_a_file_of_another_name(
    built: DemoWarehouse, warehouse: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    views = warehouse.execute("select view_name, sql from duckdb_views() where schema_name = 'access'").fetchall()
    assert {name for name, _ in views} == {f"access_{mart}" for mart in VIEWS}
    viewer = max(viewers(warehouse).items(), key=lambda item: len(item[1]))[0]
    look_as(warehouse, viewer)
    expected = {name: count(warehouse, f"access.{name}") for name, _ in views}
    with duckdb.connect(str(tmp_path / "copy.duckdb")) as copy:
        copy.execute(f"attach '{built.database}' as original (read_only)")
        for schema in ("marts", "core", "access"):
            copy.execute(f"create schema {schema}")
        tables = [f"marts.{mart}" for mart in VIEWS] + ["core.core_employee_scope", "core.core_department_scope"]
        for table in tables:
            copy.execute(f"create table {table} as from original.{table}")
        copy.execute("detach original")
        for _, sql in views:
            copy.execute(sql)
        look_as(copy, viewer)
        assert {name: count(copy, f"access.{name}") for name, _ in views} == expected
    assert {name for name, rows in expected.items() if not rows} == {f"access_{mart}" for mart in OF_FROZEN_MONTHS}
