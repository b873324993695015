"""A company small enough to read: its landed batches, and a warehouse written by hand that agrees with them.

Belongs here: the data that tests of checks and of serving corrupt or publish. Not here: anything dbt builds
(`tests/support/warehouse.py`); these tests need known rows in known places, and many warehouses, quickly.

120 customers, 20 a month from October 2025 to March 2026, looked after by e1 and e2 in turn; b1 is their head, x1 left.
As of 2026-03-30. Every month each employee sells three times and is paid; March has one return.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pyarrow as pa

from orchestration.contract import contract
from orchestration.contract.validation import validate
from orchestration.landing.manifest import Manifest
from orchestration.landing.store import Landing
from orchestration.sources.base import BatchKind, RawTable

SOURCE = "files"
AS_OF = date(2026, 3, 30)
ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
MONTHS = (
    date(2025, 10, 1),
    date(2025, 11, 1),
    date(2025, 12, 1),
    date(2026, 1, 1),
    date(2026, 2, 1),
    date(2026, 3, 1),
)
EMAILS = {"b1": "Boss@kpi.vn", "e1": "e1@kpi.vn", "e2": "e2@kpi.vn", "x1": "x1@kpi.vn", "n1": "n1@kpi.vn"}

Rows = list[dict[str, Any]]


def land(
    landing: Landing,
    entity: str,
    night: date,
    rows: Sequence[Mapping[str, Any]],
    *,
    kind: BatchKind = BatchKind.COMPLETE,
    columns: Sequence[str] | None = None,
) -> Manifest:
    """Land rows as a source would deliver them, as text; `columns` gives the header where the rows do not."""
    texts = [{key: None if value is None else str(value) for key, value in row.items()} for row in rows]
    names = columns or list(dict.fromkeys(name for row in rows for name in row)) or contract()[entity].column_names
    table = pa.table({name: pa.array([row.get(name) for row in texts], pa.string()) for name in names})
    raw = RawTable(entity, kind, table, pa.array(range(2, 2 + len(rows)), pa.int64()), f"{entity}.csv")
    return landing.write(SOURCE, night, raw, validate(contract()[entity], raw, ZONE))


def customer_rows() -> Rows:
    """120 customers; c120 is deleted."""
    rows: Rows = []
    for number in range(120):
        created = datetime.combine(MONTHS[number // 20], datetime.min.time()) + timedelta(days=number % 20, hours=9)
        rows.append(
            {
                "customer_id": f"c{number + 1:03}",
                "customer_name": f"Khách hàng số {number + 1:03} của {'e1' if number % 2 else 'e2'}",
                "manager_id": "e1" if number % 2 else "e2",
                "created_at": created,
                "updated_at": created,
                "deleted_at": datetime(2026, 3, 25, 10) if number == 119 else None,
            }
        )
    return rows


def order_rows() -> Rows:
    """Three sales per employee and month, one return and one pending sale in March."""
    rows: Rows = []
    for month in MONTHS:
        for executor in ("e1", "e2"):
            first = len(rows) + 1
            rows += [_order(first + sale, executor, month + timedelta(days=2 + 7 * sale)) for sale in range(3)]
    rows.append({**_order(37, "e1", date(2026, 3, 20)), "order_type": "return"})
    rows.append({**_order(38, "e2", date(2026, 3, 21)), "status": "pending"})
    return rows


def _order(number: int, executor: str, day: date) -> dict[str, Any]:
    return {
        "order_id": f"o{number:02}",
        "customer_id": f"c{number:03}",
        "executor_id": executor,
        "order_type": "sale",
        "status": "delivered",
        "order_date": day,
        "discount_amount": Decimal("50.00") if number % 4 == 0 else Decimal("0.00"),
        "vat_amount": Decimal("0.00"),
        "updated_at": datetime.combine(day, datetime.min.time()),
    }


def line_rows() -> Rows:
    """Two lines per order; the second has a price that needs rounding, a discount and VAT."""
    rows: Rows = []
    for order in order_rows():
        number = int(order["order_id"][1:])
        shared = {"order_id": order["order_id"], "product_id": "p1", "updated_at": order["updated_at"]}
        rows.append(
            {**shared, "order_line_id": f"l{number:02}a", "quantity": Decimal("2"), "unit_price": Decimal("500.00")}
        )
        rows.append(
            {
                **shared,
                "order_line_id": f"l{number:02}b",
                "quantity": Decimal("0.3333"),
                "unit_price": Decimal("99.99"),
                "discount_amount": Decimal("3.00"),
                "vat_amount": Decimal("1.50"),
            }
        )
    return rows


def payment_rows() -> Rows:
    """One payment per order but the pending one; the return is a refund."""
    return [
        {
            "payment_id": f"y{order['order_id'][1:]}",
            "order_id": order["order_id"],
            "amount": Decimal("-400.00") if order["order_type"] == "return" else Decimal("900.25"),
            "paid_on": order["order_date"] + timedelta(days=1),
            "updated_at": order["updated_at"],
        }
        for order in order_rows()
        if order["status"] != "pending"
    ]


def interaction_rows() -> Rows:
    """Twenty calls per month and employee."""
    rows: Rows = []
    for month in MONTHS:
        for employee in ("e1", "e2"):
            for number in range(20):
                moment = datetime.combine(month + timedelta(days=number), datetime.min.time()) + timedelta(hours=10)
                rows.append(
                    {
                        "interaction_id": f"i{len(rows) + 1:03}",
                        "customer_id": f"c{number + 1:03}",
                        "employee_id": employee,
                        "type": "call",
                        "direction": "outbound",
                        "occurred_at": moment,
                        "outcome": "answered",
                        "updated_at": moment,
                    }
                )
    return rows


def task_rows() -> Rows:
    """Four tasks per month and employee, one of them about two customers and one deleted."""
    rows: Rows = []
    for month in MONTHS:
        for employee in ("e1", "e2"):
            for number in range(4):
                moment = datetime.combine(month + timedelta(days=number), datetime.min.time()) + timedelta(hours=11)
                rows.append(
                    {
                        "task_id": f"t{len(rows) + 1:02}",
                        "assignee_id": employee,
                        "project_id": "j1",
                        "customer_ids": "c001;c002" if number == 0 else None,
                        "status": "completed",
                        "created_at": moment,
                        "completed_at": moment + timedelta(days=1),
                        "updated_at": moment,
                        "deleted_at": moment if number == 3 else None,
                    }
                )
    return rows


ENTITIES = {
    "customers": customer_rows,
    "orders": order_rows,
    "order_lines": line_rows,
    "payments": payment_rows,
    "interactions": interaction_rows,
    "tasks": task_rows,
}


def land_company(root: Path, nights: Sequence[date] = (AS_OF,)) -> Landing:
    """The company's six reconciled tables, complete, on each night."""
    landing = Landing(root)
    for night in nights:
        for entity, rows in ENTITIES.items():
            land(landing, entity, night, rows())
    return landing


_CORE = """
create schema core;
create table core.core_customers as
    select customer_id, customer_name, manager_id, created_at, updated_at, deleted_at,
        created_at::date as created_date, date_trunc('month', created_at)::date as created_month_date,
        deleted_at is not null as is_deleted
    from given_customers;
create table core.core_orders as
    select *, false as is_deleted, date_trunc('month', order_date)::date as month_date,
        status <> 'pending' as is_counted, status = 'pending' as is_pending,
        case order_type when 'return' then -1 else 1 end as sign
    from given_orders;
create table core.core_order_lines as
    with priced as (
        select order_line_id, order_id, product_id, quantity, unit_price,
            round(quantity * unit_price, 2)::decimal(18, 2) as ordered_amount,
            coalesce(discount_amount, 0)::decimal(18, 2) as line_discount_amount,
            coalesce(vat_amount, 0)::decimal(18, 2) as line_vat_amount,
            -- All of an order's discount falls on its first line; the real allocation is dbt's matter.
            case when order_line_id like '%a' then (
                select discount_amount from core.core_orders as o where o.order_id = given_lines.order_id
            ) else 0 end::decimal(18, 2) as order_discount_amount,
            0::decimal(18, 2) as order_vat_amount, false as is_unallocated, false as is_deleted
        from given_lines
    )
    select *, (ordered_amount - line_discount_amount - order_discount_amount + line_vat_amount + order_vat_amount)
        ::decimal(18, 2) as billed_amount
    from priced;
create table core.core_payments as
    select payments.*, orders.customer_id, orders.executor_id, amount < 0 as is_refund, true as is_counted,
        date_trunc('month', paid_on)::date as month_date, false as is_deleted
    from given_payments as payments
    join core.core_orders as orders using (order_id);
create table core.core_interactions as select *, false as is_deleted from given_interactions;
create table core.core_tasks as
    select * exclude (customer_ids), string_split(customer_ids, ';') as customer_ids,
        deleted_at is not null as is_deleted
    from given_tasks;
create table core.core_bridge_tasks_customers as
    select task_id, unnest(customer_ids) as customer_id from core.core_tasks where customer_ids is not null;
create table core.core_customer_interactions as
    select 'interaction:' || interaction_id as interaction_key, interaction_id, customer_id, employee_id,
        type as interaction_type, occurred_at, occurred_at::date as occurred_date,
        date_trunc('month', occurred_at)::date as month_date, true as is_counted, is_deleted
    from core.core_interactions
    union all
    select 'task:' || task_id || ':' || links.customer_id, null, links.customer_id, assignee_id, 'task', created_at,
        created_at::date, date_trunc('month', created_at)::date, true, is_deleted
    from core.core_tasks join core.core_bridge_tasks_customers as links using (task_id);
create table core.core_batches as
    select unnest(['customers', 'orders', 'order_lines', 'payments', 'interactions', 'tasks']) as entity, batch_id
    from (select unnest(['2026-03-29.1', '2026-03-30.1']) as batch_id);
create table core.core_employee_scope as
    select * from (values
        ('b1', 'Boss@kpi.vn', 'employee', 'b1', 'self'), ('b1', 'Boss@kpi.vn', 'employee', 'e1', 'head'),
        ('b1', 'Boss@kpi.vn', 'employee', 'e2', 'head'), ('b1', 'Boss@kpi.vn', 'task', 'b1', 'self'),
        ('e1', 'e1@kpi.vn', 'employee', 'e1', 'self'), ('e1', 'e1@kpi.vn', 'customer', 'e1', 'self')
    ) as scope (viewer_id, viewer_email, report, employee_id, reason);
create table core.core_department_scope as
    select 'b1' as viewer_id, 'Boss@kpi.vn' as viewer_email, 'department' as report, 'd1' as department_id,
        'own' as reason;
create table core.core_employee_permissions as
    select * from (values
        ('b1', 'employee', 'access', false), ('b1', 'task', 'access', false), ('b1', 'department', 'access', false),
        ('e1', 'employee', 'access', false), ('e1', 'customer', 'access', false), ('n1', 'menu', 'access', false)
    ) as permissions (employee_id, report, "right", is_deleted);
create table core.core_viewer_grants as
    select * from (values
        ('b1', 'boss@kpi.vn', 'employee', 'hierarchy', false), ('b1', 'boss@kpi.vn', 'task', 'hierarchy', false),
        ('b1', 'boss@kpi.vn', 'department', 'department', false),
        ('e1', 'e1@kpi.vn', 'employee', 'hierarchy', false), ('e1', 'e1@kpi.vn', 'customer', 'self', false)
    ) as grants (viewer_id, viewer_email, report, scope_rule, has_view_all);
create table core.core_employee_departments as
    select * from (values
        ('b1', 'd1', 1, true, true), ('e1', 'd1', 2, true, false), ('e2', 'd1', 2, true, false),
        ('n1', 'd1', 2, true, false), ('x1', 'd1', 2, true, false)
    ) as places (employee_id, department_id, position_rank, is_primary, is_head);
create table core.core_department_tree as
    select 'd1' as ancestor_id, 'd1' as descendant_id, 0 as depth;
"""

_MARTS = """
create schema marts;
create table marts.dim_employees as
    select * from (values
        ('b1', 'Trưởng phòng', 'Boss@kpi.vn', 'd1', true, false, false),
        ('e1', 'Nhân viên Một', 'e1@kpi.vn', 'd1', true, false, false),
        ('e2', 'Nhân viên Hai', 'e2@kpi.vn', 'd1', true, false, false),
        ('x1', 'Người đã nghỉ', 'x1@kpi.vn', 'd1', false, false, false),
        ('n1', 'Không có quyền', 'n1@kpi.vn', 'd1', true, false, false),
        ('none', 'none', null, 'none', false, false, true)
    ) as people (employee_id, full_name, email, department_id, is_active, is_deleted, is_placeholder);
create table marts.dim_departments as
    select * from (values ('d1', 'Kinh doanh', false), ('d2', 'Kho', false), ('none', 'none', true))
        as departments (department_id, department_name, is_placeholder);
create table marts.dim_date as
    select calendar_date::date as calendar_date, date_trunc('month', calendar_date)::date as month_date,
        calendar_date::date = date '2026-03-30' as is_as_of
    from (select unnest(generate_series(date '2025-10-01', date '2026-03-30', interval 1 day)) as calendar_date);
create table marts.dim_customers as
    select customer_id, customer_name, manager_id, 'r1' as relationship_id, 'v1' as province_id, created_at,
        created_date, created_month_date, is_deleted, deleted_at, false as is_placeholder
    from core.core_customers
    union all
    select 'unknown', 'unknown', 'none', 'none', 'none', null, null, null, false, null, true;
comment on table marts.dim_customers is 'One row per customer.';
comment on column marts.dim_customers.manager_id is 'Người phụ trách: the person in charge''s id.';
create table marts.dim_customer_cohort as
    select customer_id, created_month_date as cohort_month_date, manager_id, is_deleted from core.core_customers;
create table marts.fct_interactions as
    select interaction_key, interaction_id, customer_id, employee_id, interaction_type, occurred_at, occurred_date,
        month_date, is_counted::int as interactions, is_counted
    from core.core_customer_interactions where not is_deleted;
create table marts.fct_tasks as
    select task_id, assignee_id, project_id, 'k1' as task_type_id, created_at,
        date_trunc('month', created_at)::date as month_date
    from core.core_tasks where not is_deleted;
create table marts.fct_task_status as
    select month_date, assignee_id as employee_id, project_id, task_type_id, count(*) as tasks_created, 0 as tasks_new,
        0 as tasks_in_progress, 0 as tasks_awaiting_confirmation, 0 as tasks_late, count(*) as tasks_completed,
        0 as tasks_completed_late, 0 as tasks_cancelled
    from marts.fct_tasks group by all;
create table marts.fct_order_lines as
    select order_line_id, lines.order_id, product_id, customer_id, executor_id, order_date, month_date, is_counted,
        (case when is_counted then sign else 0 end * ordered_amount)::decimal(18, 2) as sales_amount,
        (case when is_counted then sign else 0 end * billed_amount)::decimal(18, 2) as revenue_amount
    from core.core_order_lines as lines join core.core_orders as orders using (order_id);
create table marts.fct_payments as
    select payment_id, order_id, customer_id, executor_id, paid_on as paid_date, month_date, amount as paid_amount,
        amount as collected_amount, is_refund, is_counted
    from core.core_payments;
create table marts.fct_orders as
    select order_id, customer_id, executor_id, order_type, status, order_date, month_date, is_counted, is_pending,
        (is_counted and order_type = 'sale')::int as orders, (is_counted and order_type = 'return')::int as returns,
        is_pending::int as pending_orders,
        (select sum(sales_amount) from marts.fct_order_lines as l where l.order_id = o.order_id)::decimal(18, 2)
            as sales_amount,
        (select sum(revenue_amount) from marts.fct_order_lines as l where l.order_id = o.order_id)::decimal(18, 2)
            as revenue_amount,
        coalesce(
            (select sum(collected_amount) from marts.fct_payments as p where p.order_id = o.order_id), 0
        )::decimal(18, 2) as collected_amount
    from core.core_orders as o;
create table marts.fct_relationship_moves as
    select 'm1' as move_id, 'c001' as customer_id, 'e2' as manager_id, date '2026-01-05' as moved_date;
create table marts.fct_journey as
    select calendar_date as as_of_date, manager_id, 'r1' as relationship_id, created_date, count(*) as customers
    from marts.dim_date
    join core.core_customers on created_date <= calendar_date
        and (deleted_at is null or calendar_date < deleted_at::date)
    group by all;
create table marts.fct_funnel as
    with measures as (
        select created_month_date as month_date, manager_id as employee_id, count(*) as new_customers,
            count(*) filter (not is_deleted) as new_customers_current, 0 as interactions, 0 as activities,
            0 as orders, 0 as returns, 0 as pending_orders, 0 as sales_amount, 0 as revenue_amount,
            0 as collected_amount
        from core.core_customers group by all
        union all
        select month_date, employee_id, 0, 0, sum(interactions), 0, 0, 0, 0, 0, 0, 0
        from marts.fct_interactions group by all
        union all
        select month_date, assignee_id, 0, 0, 0, count(*), 0, 0, 0, 0, 0, 0 from marts.fct_tasks group by all
        union all
        select month_date, executor_id, 0, 0, 0, 0, sum(orders), sum(returns), sum(pending_orders), sum(sales_amount),
            sum(revenue_amount), 0
        from marts.fct_orders group by all
        union all
        select month_date, executor_id, 0, 0, 0, 0, 0, 0, 0, 0, 0, sum(collected_amount)
        from marts.fct_payments group by all
    )
    select month_date, employee_id, sum(new_customers)::bigint as new_customers,
        sum(new_customers_current)::bigint as new_customers_current, 60::bigint as customers_in_charge,
        60::bigint as customers_in_charge_current, sum(interactions)::bigint as interactions,
        sum(activities)::bigint as activities, sum(orders)::bigint as orders, sum(returns)::bigint as returns,
        sum(pending_orders)::bigint as pending_orders, sum(sales_amount)::decimal(18, 2) as sales_amount,
        sum(revenue_amount)::decimal(18, 2) as revenue_amount, sum(collected_amount)::decimal(18, 2) as collected_amount
    from measures group by all order by all;
"""

# mart: owner column and the reports that open it, as the access views of models/access/ have them.
_OWNERS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "dim_customers": ("manager_id", ("employee", "customer")),
    "dim_customer_cohort": ("manager_id", ("employee", "customer")),
    "dim_employees": ("employee_id", ("employee", "customer", "task", "product")),
    "fct_funnel": ("employee_id", ("employee",)),
    "fct_interactions": ("employee_id", ("employee",)),
    "fct_journey": ("manager_id", ("employee", "customer")),
    "fct_order_lines": ("executor_id", ("employee", "product")),
    "fct_orders": ("executor_id", ("employee", "product")),
    "fct_payments": ("executor_id", ("employee", "product")),
    "fct_relationship_moves": ("manager_id", ("employee", "customer")),
    "fct_task_status": ("employee_id", ("employee", "task")),
    "fct_tasks": ("assignee_id", ("employee", "task")),
}


def access_view(mart: str, column: str, reports: Sequence[str], *, also: str = "false", catalog: str = "") -> str:
    """An access view as dbt writes them; `also` lets further rows through, which a correct view does not."""
    named = ", ".join(f"'{report}'" for report in reports)
    return f"""
        create or replace view access.access_{mart} as
        with facts as (select * from {catalog}marts.{mart}),
        scope as (select * from {catalog}core.core_employee_scope),
        final as (
            select * from facts
            where exists (
                select 1 from scope
                where scope.employee_id = facts.{column} and scope.report in ({named})
                    and lower(scope.viewer_email) = lower(cast(getvariable('kpi_viewer') as varchar))
            ) or (getvariable('kpi_viewer') is not null and ({also}))
        )
        select * from final
    """


_ACCESS = """
create view access.access_dim_date as
    select * from marts.dim_date
    where exists (
        select 1 from core.core_employee_scope where lower(viewer_email) = lower(getvariable('kpi_viewer')::varchar)
    );
create view access.access_dim_departments as
    select * from marts.dim_departments
    where department_id in (
        select department_id from core.core_department_scope
        where lower(viewer_email) = lower(getvariable('kpi_viewer')::varchar)
    );
"""


def build_warehouse(path: Path) -> Path:
    """Write the company's warehouse: schemas core, marts and access, as of AS_OF."""
    path.parent.mkdir(parents=True, exist_ok=True)
    tables = {"customers": "customers", "orders": "orders", "order_lines": "lines", "payments": "payments"}
    with duckdb.connect(str(path)) as connection:
        for entity, rows in ENTITIES.items():
            table = pa.Table.from_pylist(_complete(entity, rows()), schema=contract()[entity].arrow_schema)
            if entity == "tasks":
                texts = [None if ids is None else ";".join(ids) for ids in table["customer_ids"].to_pylist()]
                table = table.set_column(table.schema.get_field_index("customer_ids"), "customer_ids", pa.array(texts))
            connection.register(f"given_{tables.get(entity, entity)}", table)
        connection.execute(_CORE + _MARTS + "create schema access;" + _ACCESS)
        # One view names its own file, as dbt does unless it is told otherwise.
        for mart, (column, reports) in _OWNERS.items():
            catalog = f"{path.stem}." if mart == "fct_funnel" else ""
            connection.execute(access_view(mart, column, reports, catalog=catalog))
    return path


def _complete(entity: str, rows: Rows) -> Rows:
    columns = contract()[entity].column_names
    complete = [{column: row.get(column) for column in columns} for row in rows]
    for row in complete:
        if entity == "tasks" and row["customer_ids"] is not None:
            row["customer_ids"] = row["customer_ids"].split(";")
    return complete


def corrupted(warehouse: Path, target: Path, sql: str) -> Path:
    """A copy of the warehouse after some SQL, under the same file name so that its views still work."""
    target.mkdir(parents=True, exist_ok=True)
    copy = target / warehouse.name
    shutil.copyfile(warehouse, copy)
    with duckdb.connect(str(copy)) as connection:
        connection.execute(sql)
    return copy
