"""A publication small enough to add up by hand, for the tests of the pages people read.

A warehouse of the rows below, with the columns and `access` views a page reads, published by the real `publish`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb

from orchestration.serving.publish import publish
from tests.unit.report_rows import MARTS

AS_OF = date(2026, 3, 31)
PUBLISHED_AT = datetime(2026, 3, 31, 18, 12, tzinfo=UTC)

DIRECTOR, MANAGER, SELLER, PEER, OTHER, GONE, POWERLESS = (f"E0{number}" for number in range(1, 8))

_TABLES = {
    "core.core_employee_scope": (
        "viewer_id varchar, viewer_email varchar, report varchar, employee_id varchar, reason varchar"
    ),
    "core.core_department_scope": (
        "viewer_id varchar, viewer_email varchar, report varchar, department_id varchar, reason varchar"
    ),
    "core.core_department_tree": "ancestor_id varchar, descendant_id varchar, depth integer",
    "core.core_employee_departments": (
        "employee_id varchar, department_id varchar, position_rank integer, is_primary boolean, is_head boolean"
    ),
    "core.core_employee_permissions": 'employee_id varchar, report varchar, "right" varchar, is_deleted boolean',
    "core.core_viewer_grants": (
        "viewer_id varchar, viewer_email varchar, report varchar, scope_rule varchar, has_view_all boolean"
    ),
    "marts.dim_employees": (
        "employee_id varchar, full_name varchar, email varchar, department_id varchar, department_name varchar,"
        "position_rank integer, job_title varchar, is_active boolean, is_deleted boolean, is_placeholder boolean"
    ),
    "marts.dim_customers": (
        "customer_id varchar, manager_id varchar, relationship_id varchar, relationship_name varchar,"
        "relationship_order integer, is_deleted boolean, customer_name varchar, province_name varchar,"
        "created_date date"
    ),
    "marts.dim_customer_cohort": (
        "customer_id varchar, manager_id varchar, relationship_id varchar, care_recency_days integer,"
        "care_recency_bucket varchar, is_deleted boolean, province_id varchar, gender varchar, age_band varchar,"
        "last_contact_at timestamp, orders bigint, revenue_amount decimal(18, 2)"
    ),
    "marts.fct_funnel": (
        "month_date date, employee_id varchar, new_customers bigint, new_customers_current bigint,"
        "customers_assigned bigint, customers_in_charge bigint, customers_in_charge_current bigint,"
        "interactions bigint, activities bigint,"
        "orders bigint, returns bigint, pending_orders bigint, sales_amount decimal(38, 2),"
        "revenue_amount decimal(38, 2), collected_amount decimal(38, 2)"
    ),
    "marts.fct_task_status": (
        "month_date date, employee_id varchar, project_id varchar, task_type_id varchar, tasks_created bigint,"
        "tasks_new bigint, tasks_in_progress bigint, tasks_awaiting_confirmation bigint, tasks_late bigint,"
        "tasks_completed bigint, tasks_completed_late bigint, tasks_cancelled bigint"
    ),
    "marts.fct_journey": (
        "as_of_date date, manager_id varchar, relationship_id varchar, created_date date, customers bigint"
    ),
    "marts.fct_relationship_moves": (
        "move_id varchar, customer_id varchar, manager_id varchar, from_relationship_id varchar,"
        "to_relationship_id varchar, moved_date date, month_date date, move_direction varchar"
    ),
    **{f"marts.{name}": mart.columns for name, mart in MARTS.items()},
}

# The mart, its owner column, and the reports whose scope opens it.
_VIEWS: Mapping[str, tuple[str | None, Sequence[str]]] = {
    "dim_employees": ("employee_id", ("employee", "task", "customer")),
    "dim_customers": ("manager_id", ("employee", "customer")),
    "dim_customer_cohort": ("manager_id", ("employee", "customer")),
    "fct_funnel": ("employee_id", ("employee",)),
    "fct_task_status": ("employee_id", ("employee", "task")),
    "fct_journey": ("manager_id", ("employee", "customer")),
    "fct_relationship_moves": ("manager_id", ("employee", "customer")),
    **{name: (mart.owner, mart.reports) for name, mart in MARTS.items()},
}

_PEOPLE = [
    # id, name, email, department, department name, rank, title, active, deleted, placeholder
    (DIRECTOR, "Trần Thị Giang", "giang@cty.vn", "D0", "Ban giám đốc", 1, "Giám đốc", True, False, False),
    (MANAGER, "Lê Văn Quản", "quan@cty.vn", "D1", "Kinh doanh 1", 2, "Trưởng phòng", True, False, False),
    (SELLER, "Nguyễn Thị Ánh Tuyết", "tuyet@cty.vn", "D1", "Kinh doanh 1", 3, "Nhân viên", True, False, False),
    (PEER, "Nguyễn Minh Đức", "duc@cty.vn", "D1", "Kinh doanh 1", 3, "Nhân viên", True, False, False),
    (OTHER, "Đỗ Quang Huy", "huy@cty.vn", "D2", "Kinh doanh 2", 3, None, True, False, False),
    (GONE, "Vũ Thị Nga", "nga@cty.vn", "D1", "Kinh doanh 1", 3, "Nhân viên", False, False, False),
    (POWERLESS, "Bùi Văn Kho", "kho@cty.vn", "D2", "Kinh doanh 2", 4, "Thủ kho", True, False, False),
    ("none", "(none)", None, "none", "(none)", None, None, False, False, True),
    ("unknown", "(unknown)", None, "unknown", "(unknown)", None, None, False, False, True),
]


def _scope() -> list[tuple[str, str, str, str, str]]:
    everybody = [person[0] for person in _PEOPLE]
    rows = [(DIRECTOR, "giang@cty.vn", "employee", DIRECTOR, "self")]
    rows += [(DIRECTOR, "giang@cty.vn", "employee", seen, "view_all") for seen in everybody if seen != DIRECTOR]
    rows += [(MANAGER, "Quan@Cty.vn", "employee", MANAGER, "self")]
    rows += [(MANAGER, "Quan@Cty.vn", "employee", seen, "lower rank in Kinh doanh 1") for seen in (SELLER, PEER, GONE)]
    rows += [(SELLER, "tuyet@cty.vn", "employee", SELLER, "self"), (PEER, "duc@cty.vn", "employee", PEER, "self")]
    # Huy sees everybody's tasks, but only the own page.
    rows += [(OTHER, "huy@cty.vn", "employee", OTHER, "self")]
    rows += [(OTHER, "huy@cty.vn", "task", seen, "view_all") for seen in everybody]
    return rows


_MARCH, _FEBRUARY = date(2026, 3, 1), date(2026, 2, 1)

_FUNNEL = [
    # month, employee, new, new now, assigned, in charge, in charge now, interactions, activities, orders, returns,
    # pending, sales, revenue, collected
    (_MARCH, MANAGER, 2, 2, 3, 5, 5, 10, 4, 1, 0, 0, 1000, 1100, 500),
    (_MARCH, SELLER, 12, 10, 14, 40, 37, 170, 25, 8, 1, 2, 123456789, 130000000, 98765432),
    (_MARCH, PEER, 0, 1, 1, 30, 33, 60, 9, 0, 0, 0, 0, 0, 0),
    (_MARCH, GONE, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2000),
    (_MARCH, OTHER, 4, 4, 4, 9, 9, 3, 2, 1, 0, 0, 700, 770, 770),
    (_MARCH, "none", 3, 3, 0, 3, 3, 0, 0, 0, 0, 0, 0, 0, 0),
    (_FEBRUARY, SELLER, 10, 10, 11, 31, 29, 200, 20, 0, 0, 0, 0, 0, 50000000),
    (_FEBRUARY, PEER, 5, 5, 5, 30, 30, 40, 10, 2, 0, 0, 400, 440, 440),
]

_TASKS = [
    # month, employee, project, type, created, new, in progress, awaiting, late, completed, completed late, cancelled
    (_MARCH, SELLER, "P1", "T1", 20, 1, 2, 3, 4, 9, 2, 1),
    (_MARCH, SELLER, "none", "T2", 5, 0, 0, 0, 0, 5, 0, 0),
    (_MARCH, PEER, "P1", "T1", 9, 9, 0, 0, 0, 0, 0, 0),
    (_MARCH, MANAGER, "none", "T1", 4, 0, 3, 0, 0, 0, 0, 1),
    (_MARCH, OTHER, "none", "T1", 2, 0, 2, 0, 0, 0, 0, 0),
    (_FEBRUARY, SELLER, "P1", "T1", 20, 0, 0, 0, 0, 20, 0, 0),
]

# Relationships in the company's order: lead, buyer, loyal. The ids sort the other way round.
_LEAD, _BUYER, _LOYAL = ("R9", "Tiềm năng", 1), ("R5", "Đã mua", 2), ("R1", "Thân thiết", 3)

_CUSTOMERS = [
    # customer, manager, relationship, recency days, bucket, deleted
    ("C1", SELLER, _LEAD, 0, "0_to_6_days", False),
    ("C2", SELLER, _LEAD, 6, "0_to_6_days", False),
    ("C3", SELLER, _BUYER, 95, "90_days_and_more", False),
    ("C4", SELLER, _BUYER, None, "never", False),
    ("C5", SELLER, _LOYAL, 3, "0_to_6_days", True),
    ("C6", PEER, _LEAD, 14, "14_to_29_days", False),
    ("C7", OTHER, _LEAD, 1, "0_to_6_days", False),
]

_JOURNEY = [
    # day, manager, relationship, created, customers
    (date(2026, 3, 31), SELLER, "R9", date(2026, 3, 2), 1),
    (date(2026, 3, 31), SELLER, "R9", None, 1),
    (date(2026, 3, 31), SELLER, "R5", None, 2),
    (date(2026, 3, 31), PEER, "R9", date(2026, 3, 20), 1),
    (date(2026, 3, 31), OTHER, "R9", None, 1),
    (date(2026, 3, 3), SELLER, "R9", None, 7),
    (date(2026, 2, 28), SELLER, "R5", None, 6),
    (date(2026, 2, 3), SELLER, "R5", None, 4),
    (date(2026, 1, 6), SELLER, "R0", None, 2),
    (date(2026, 3, 30), SELLER, "R9", date(2026, 3, 5), 999),
]

_MOVES = [
    ("M1", "C1", SELLER, "R9", "R5", date(2026, 3, 2), _MARCH, "forward"),
    ("M2", "C2", SELLER, "R9", "R5", date(2026, 3, 3), _MARCH, "forward"),
    ("M3", "C3", SELLER, "R5", "R9", date(2026, 3, 4), _MARCH, "backward"),
    ("M4", "C4", SELLER, "R9", "R5", date(2026, 2, 4), _FEBRUARY, "forward"),
    ("M5", "C6", PEER, "R9", "R5", date(2026, 3, 9), _MARCH, "forward"),
    ("M6", "C7", OTHER, "R9", "R5", date(2026, 3, 9), _MARCH, "forward"),
]


def write_publication(
    folder: Path, as_of: date = AS_OF, extra: Mapping[str, Sequence[tuple[Any, ...]]] | None = None
) -> Path:
    """Put the publication into `folder` as `marts.duckdb`, with `extra` rows per table, and give its path."""
    path = folder / "marts.duckdb"
    path.write_bytes(_published())
    if as_of != AS_OF or extra:
        with duckdb.connect(str(path)) as connection:
            connection.execute("update main.publication set as_of = ?", [as_of])
            for table, rows in (extra or {}).items():
                _insert(connection, table.replace("marts.", "main."), rows)
    return path


@cache
def _published() -> bytes:
    rows: dict[str, Sequence[tuple[Any, ...]]] = {
        "core.core_employee_scope": _scope(),
        "marts.dim_employees": _PEOPLE,
        "marts.dim_customers": [(one, who, *kind, gone, f"Khách {one}") for one, who, kind, _, _, gone in _CUSTOMERS],
        "marts.dim_customer_cohort": [(one, who, kind[0], *rest) for one, who, kind, *rest in _CUSTOMERS],
        "marts.fct_funnel": _FUNNEL,
        "marts.fct_task_status": _TASKS,
        "marts.fct_journey": _JOURNEY,
        "marts.fct_relationship_moves": _MOVES,
        **{f"marts.{name}": mart.rows for name, mart in MARTS.items()},
    }
    with TemporaryDirectory() as folder:
        warehouse, published = Path(folder) / "warehouse.duckdb", Path(folder) / "marts.duckdb"
        with duckdb.connect(str(warehouse)) as connection:
            for schema in ("marts", "core", "access"):
                connection.execute(f"create schema {schema}")
            for table, columns in _TABLES.items():
                connection.execute(f"create table {table} ({columns})")
                _insert(connection, table, rows.get(table, ()))
            for mart, (owner, reports) in _VIEWS.items():
                connection.execute(f"create view access.access_{mart} as {_view(mart, owner, reports)}")
        publish(warehouse, published, {"as_of": AS_OF, "source": "demo", "published_at": PUBLISHED_AT})
        return published.read_bytes()


def _insert(connection: duckdb.DuckDBPyConnection, table: str, rows: Sequence[tuple[Any, ...]]) -> None:
    """Rows that end before the table's last columns leave those empty."""
    columns = [name for name, *_ in connection.execute(f"describe {table}").fetchall()]
    for row in rows:
        places = ", ".join("?" * len(row))
        connection.execute(f"insert into {table} ({', '.join(columns[: len(row)])}) values ({places})", row)


def _view(mart: str, owner: str | None, reports: Sequence[str]) -> str:
    if owner is None:
        return (
            f"select * from warehouse.marts.{mart} where exists (select 1 from warehouse.core.core_employee_scope "
            "where lower(viewer_email) = lower(cast(getvariable('kpi_viewer') as varchar)))"
        )
    listed = ", ".join(f"'{report}'" for report in reports)
    return (
        f"select * from warehouse.marts.{mart} where {owner} in ("
        "select employee_id from warehouse.core.core_employee_scope "
        f"where lower(viewer_email) = lower(cast(getvariable('kpi_viewer') as varchar)) and report in ({listed}))"
    )
