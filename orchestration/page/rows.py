"""The rows behind the figures: customers, tasks, orders, payments, interactions and moves, as the viewer may see them.

Belongs here: which columns of which rows, how many of them. Not here: which figure they are behind (`drill.py`).

What a row counts for is said by the marts and by `report/blocks`; a customer's name comes through the viewer's own
view and is empty where the viewer may see the row but not the customer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from orchestration.report.blocks.orders import AMOUNT_OF_ORDER, KIND_OF_ORDER, NAME_OF_CUSTOMER, SALES_OF_ORDER
from orchestration.report.blocks.relationships import KEY_OF_MOVE
from orchestration.report.reading import Key, Readings, Row

# Rows of one list and month: of a person's own file, of a file with several people, and of the team as a whole.
_OF_ONE, _OF_SEVERAL, _OF_TEAM, _LEAST = 1000, 1000, 50, 25
# Customers are listed once and not month by month.
_CUSTOMERS_TIMES = 5


@dataclass(frozen=True)
class Rows:
    """The first rows of a list, and how many there are."""

    total: int
    rows: Sequence[Row]


@dataclass(frozen=True)
class Field:
    """One value of every row: the word above its column, or none where it is only looked for.

    `kind` is `name`, `text`, `date`, `number`, `money`, `person`, `code` (a word's key without `prefix`), `list`, or
    `key` and `keys` (ids as they are, for looking rows up: two of one name are not one).
    """

    name: str
    kind: str
    word: str | None = None
    prefix: str = ""


@dataclass(frozen=True)
class RowList:
    """One kind of row: its columns, and the query that reads them after subject, month and total.

    The query ranks rows as `place` and leaves out those beyond `most`; without months it has no month.
    """

    name: str
    title: str
    fields: tuple[Field, ...]
    query: str
    is_monthly: bool = True


@dataclass(frozen=True)
class Listed:
    """What was read of one list, by subject and month; of a list without months under every subject's first one."""

    kind: RowList
    found: Mapping[Key, Rows] = field(default_factory=dict)


_NAME_OF_PERSON = "coalesce(people.full_name, {0})"
_MOST = "case when asked.subject = $team then $most_of_team else $most end"
_CUSTOMER = Field("customer", "name", "customer")


def _cut(fact: str, alias: str, owner: str, where: str, order: str, month: str | None = "month_date") -> str:
    """The first rows of a fact for every subject and month, before any name is joined to them, and their number."""
    group = "asked.subject" if month is None else f"asked.subject, {alias}.{month}"
    return f"""(
        select asked.subject, {alias}.*, count(*) over (partition by {group}) as total
        from {fact} as {alias}
        inner join asked on {alias}.{owner} = asked.employee_id
        where {where}
        qualify row_number() over (partition by {group} order by {order}) <= {_MOST}
    ) as {alias}"""


_COHORT = "access.access_dim_customer_cohort"
_CUSTOMERS_WHERE = "not customers.is_deleted"
_CUSTOMERS_ORDER = "customers.revenue_amount desc, customers.customer_id"
_CUSTOMERS = RowList(
    "customers",
    "rows_customers",
    (
        _CUSTOMER,
        Field("relationship", "name", "relationship"),
        Field("relationship_id", "key"),
        Field("bucket", "code"),
        Field("province", "name", "province"),
        Field("province_id", "key"),
        Field("gender", "code"),
        Field("age", "code"),
        Field("sources", "list", "source"),
        Field("source_ids", "keys"),
        Field("industry_ids", "keys"),
        Field("last_contact", "date", "last_contact"),
        Field("created", "date", "created_on"),
        Field("orders", "number", "ord"),
        Field("revenue", "money", "revenue"),
        Field("person", "person", "in_charge_person"),
    ),
    f"""
    with sources as (
        select
            links.customer_id,
            list(coalesce(names.source_name, links.source_id) order by names.source_name, links.source_id) as names,
            list(links.source_id order by links.source_id) as ids
        from access.access_fct_customer_sources as links
        inner join asked on links.manager_id = asked.employee_id and asked.subject != $team
        left join access.access_dim_sources as names on links.source_id = names.source_id
        group by links.customer_id
    ),

    industries as (
        select links.customer_id, list(links.industry_id order by links.industry_id) as ids
        from access.access_fct_customer_industries as links
        inner join asked on links.manager_id = asked.employee_id and asked.subject != $team
        group by links.customer_id
    )

    select
        customers.subject, cast(null as date) as month, customers.total,
        names.customer_name, coalesce(relationships.relationship_name, customers.relationship_id),
        customers.relationship_id, customers.care_recency_bucket,
        coalesce(names.province_name, customers.province_id), customers.province_id, customers.gender,
        customers.age_band, sources.names, sources.ids, industries.ids, cast(customers.last_contact_at as date),
        names.created_date, customers.orders, customers.revenue_amount, {_NAME_OF_PERSON.format("customers.manager_id")}
    from {_cut(_COHORT, "customers", "manager_id", _CUSTOMERS_WHERE, _CUSTOMERS_ORDER, month=None)}
    left join access.access_dim_customers as names on customers.customer_id = names.customer_id
    left join access.access_dim_relationships as relationships
        on customers.relationship_id = relationships.relationship_id
    left join access.access_dim_employees as people on customers.manager_id = people.employee_id
    left join sources on customers.customer_id = sources.customer_id
    left join industries on customers.customer_id = industries.customer_id
    order by {_CUSTOMERS_ORDER}
    """,
    is_monthly=False,
)

_CREATED_WHERE = "true"
_CREATED_ORDER = "created.created_date desc, created.customer_id"
_CREATED = RowList(
    "created",
    "rows_created",
    (_CUSTOMER, Field("created", "date", "created_on"), Field("sources", "list", "source"), Field("person", "person")),
    f"""
    with customers_created as (
        select
            links.customer_id, links.employee_id, links.month_date, min(links.created_date) as created_date,
            list(coalesce(names.source_name, links.source_id) order by names.source_name) as sources
        from access.access_fct_new_customer_sources as links
        left join access.access_dim_sources as names on links.source_id = names.source_id
        where links.month_date between $first and $last
        group by links.customer_id, links.employee_id, links.month_date
    )

    select
        created.subject, created.month_date as month, created.total,
        customers.customer_name, created.created_date, created.sources,
        {_NAME_OF_PERSON.format("created.employee_id")}
    from {_cut("customers_created", "created", "employee_id", _CREATED_WHERE, _CREATED_ORDER)}
    left join access.access_dim_customers as customers on created.customer_id = customers.customer_id
    left join access.access_dim_employees as people on created.employee_id = people.employee_id
    order by {_CREATED_ORDER}
    """,
)

_TASKS_WHERE = "tasks.month_date between $first and $last"
_TASKS_ORDER = "tasks.created_date desc, tasks.task_id"
_TASKS = RowList(
    "tasks",
    "rows_tasks",
    (
        Field("task", "name", "task_name"),
        Field("state", "code", "state", "task_"),
        Field("is_late", "code"),
        Field("type", "name", "task_type"),
        Field("type_id", "key"),
        Field("project", "name", "project"),
        Field("project_id", "key"),
        Field("created", "date", "created_on"),
        Field("due", "date", "due_on"),
        Field("completed", "date", "completed_on"),
        Field("person", "person", "employee"),
    ),
    f"""
    select
        tasks.subject, tasks.month_date as month, tasks.total,
        tasks.task_name, tasks.task_state, case when tasks.is_completed_late then 'completed_late' else '' end,
        coalesce(types.task_type_name, tasks.task_type_id), tasks.task_type_id,
        coalesce(projects.project_name, tasks.project_id), tasks.project_id, tasks.created_date,
        tasks.due_date, tasks.completed_date, {_NAME_OF_PERSON.format("tasks.assignee_id")}
    from {_cut("access.access_fct_tasks", "tasks", "assignee_id", _TASKS_WHERE, _TASKS_ORDER)}
    left join access.access_dim_task_types as types on tasks.task_type_id = types.task_type_id
    left join access.access_dim_projects as projects on tasks.project_id = projects.project_id
    left join access.access_dim_employees as people on tasks.assignee_id = people.employee_id
    order by {_TASKS_ORDER}
    """,
)

_ORDERS_WHERE = "sales.month_date between $first and $last"
_ORDERS_ORDER = f"{AMOUNT_OF_ORDER} desc, sales.order_id"
_ORDERS = RowList(
    "orders",
    "rows_orders",
    (
        Field("code", "text", "code"),
        Field("date", "date", "date"),
        _CUSTOMER,
        Field("kind", "code", "counted_as", "orders_"),
        Field("status", "code", "status", "order_"),
        Field("amount", "money", "amount"),
        Field("sales", "money", "sales"),
        Field("person", "person", "executor"),
    ),
    f"""
    select
        sales.subject, sales.month_date as month, sales.total,
        coalesce(sales.order_code, sales.order_id), sales.order_date, {NAME_OF_CUSTOMER}, {KIND_OF_ORDER} as kind,
        sales.status, {AMOUNT_OF_ORDER} as amount, {SALES_OF_ORDER}, {_NAME_OF_PERSON.format("sales.executor_id")}
    from {_cut("access.access_fct_orders", "sales", "executor_id", _ORDERS_WHERE, _ORDERS_ORDER)}
    left join access.access_dim_customers as customers on sales.customer_id = customers.customer_id
    left join access.access_dim_employees as people on sales.executor_id = people.employee_id
    order by {_ORDERS_ORDER}
    """,
)

_LINES_WHERE = "sales.month_date between $first and $last and sales.is_counted"
_LINES_ORDER = "sales.revenue_amount desc, sales.order_line_id"
_LINES = RowList(
    "lines",
    "rows_lines",
    (
        Field("code", "text", "code"),
        Field("date", "date", "date"),
        _CUSTOMER,
        Field("product", "name", "product"),
        Field("product_id", "key"),
        Field("quantity", "number", "quantity"),
        Field("revenue", "money", "revenue"),
        Field("person", "person", "executor"),
    ),
    f"""
    select
        sales.subject, sales.month_date as month, sales.total,
        coalesce(orders.order_code, sales.order_id), sales.order_date, {NAME_OF_CUSTOMER},
        coalesce(products.product_name, sales.product_id), sales.product_id, sales.sold_quantity,
        sales.revenue_amount as amount, {_NAME_OF_PERSON.format("sales.executor_id")}
    from {_cut("access.access_fct_order_lines", "sales", "executor_id", _LINES_WHERE, _LINES_ORDER)}
    left join access.access_fct_orders as orders on sales.order_id = orders.order_id
    left join access.access_dim_products as products on sales.product_id = products.product_id
    left join access.access_dim_customers as customers on sales.customer_id = customers.customer_id
    left join access.access_dim_employees as people on sales.executor_id = people.employee_id
    order by {_LINES_ORDER}
    """,
)

_PAYMENTS_WHERE = "sales.month_date between $first and $last and sales.is_counted"
_PAYMENTS_ORDER = "sales.collected_amount desc, sales.payment_id"
_PAYMENTS = RowList(
    "payments",
    "rows_payments",
    (
        Field("date", "date", "date"),
        Field("code", "text", "code"),
        _CUSTOMER,
        Field("amount", "money", "collected"),
        Field("person", "person", "executor"),
    ),
    f"""
    select
        sales.subject, sales.month_date as month, sales.total,
        sales.paid_date, coalesce(orders.order_code, sales.order_id), {NAME_OF_CUSTOMER}, sales.collected_amount,
        {_NAME_OF_PERSON.format("sales.executor_id")}
    from {_cut("access.access_fct_payments", "sales", "executor_id", _PAYMENTS_WHERE, _PAYMENTS_ORDER)}
    left join access.access_fct_orders as orders on sales.order_id = orders.order_id
    left join access.access_dim_customers as customers on sales.customer_id = customers.customer_id
    left join access.access_dim_employees as people on sales.executor_id = people.employee_id
    order by {_PAYMENTS_ORDER}
    """,
)

_INTERACTIONS_WHERE = "sales.month_date between $first and $last and sales.is_counted"
_INTERACTIONS_ORDER = "sales.occurred_at desc, sales.interaction_key"
_INTERACTIONS = RowList(
    "interactions",
    "rows_interactions",
    (
        Field("date", "date", "date"),
        _CUSTOMER,
        Field("type", "code", "type", "type_"),
        Field("person", "person", "employee"),
    ),
    f"""
    select
        sales.subject, sales.month_date as month, sales.total,
        sales.occurred_date, {NAME_OF_CUSTOMER}, sales.interaction_type, {_NAME_OF_PERSON.format("sales.employee_id")}
    from {_cut("access.access_fct_interactions", "sales", "employee_id", _INTERACTIONS_WHERE, _INTERACTIONS_ORDER)}
    left join access.access_dim_customers as customers on sales.customer_id = customers.customer_id
    left join access.access_dim_employees as people on sales.employee_id = people.employee_id
    order by {_INTERACTIONS_ORDER}
    """,
)

_MOVES_WHERE = "moves.month_date between $first and $last"
_MOVES_ORDER = "moves.moved_date desc, moves.move_id"
_MOVES = RowList(
    "moves",
    "rows_moves",
    (
        Field("date", "date", "date"),
        _CUSTOMER,
        Field("pair", "name", "from_to"),
        Field("pair_key", "key"),
        Field("direction", "code", "direction", ""),
        Field("person", "person", "in_charge_person"),
    ),
    f"""
    select
        moves.subject, moves.month_date as month, moves.total,
        moves.moved_date, customers.customer_name,
        coalesce(starts.relationship_name, moves.from_relationship_id)
            || ' → ' || coalesce(ends.relationship_name, moves.to_relationship_id),
        {KEY_OF_MOVE}, moves.move_direction, {_NAME_OF_PERSON.format("moves.manager_id")}
    from {_cut("access.access_fct_relationship_moves", "moves", "manager_id", _MOVES_WHERE, _MOVES_ORDER)}
    left join access.access_dim_relationships as starts on moves.from_relationship_id = starts.relationship_id
    left join access.access_dim_relationships as ends on moves.to_relationship_id = ends.relationship_id
    left join access.access_dim_customers as customers on moves.customer_id = customers.customer_id
    left join access.access_dim_employees as people on moves.manager_id = people.employee_id
    order by {_MOVES_ORDER}
    """,
)

LISTS = {one.name: one for one in (_CUSTOMERS, _CREATED, _TASKS, _ORDERS, _LINES, _PAYMENTS, _INTERACTIONS, _MOVES)}


def most_rows(people: int) -> int:
    """How many rows of one list and month a person has in a file of so many people."""
    return _OF_ONE if people == 1 else max(_LEAST, _OF_SEVERAL // people)


def read_lists(readings: Readings, team: str) -> dict[str, Listed]:
    """Every list of every subject and month; of a list without months the month is the first one."""
    people = sum(not readings.is_team(subject) for subject in readings.subjects)
    lists = {}
    for name, kind in LISTS.items():
        times = 1 if kind.is_monthly else _CUSTOMERS_TIMES
        months = {"first": readings.first_month, "last": readings.last_month} if kind.is_monthly else {}
        rows = readings.rows(
            kind.query,
            team=team,
            most=most_rows(people) * times,
            most_of_team=max(_OF_TEAM, most_rows(people)) * times,
            **months,
        )
        lists[name] = Listed(kind, _by_key(rows, readings.first_month))
    return lists


def _by_key(rows: Sequence[Row], first: date) -> dict[Key, Rows]:
    found: dict[Key, list[Row]] = {}
    totals: dict[Key, int] = {}
    for subject, month, total, *values in rows:
        key = (subject, month or first)
        if key not in found:
            totals[key], found[key] = total, []
        found[key].append(tuple(values))
    return {key: Rows(totals[key], listed) for key, listed in found.items()}


def amounts(listed: Listed, subject: str) -> list[Decimal]:
    """Every amount in one subject's rows."""
    places = [at for at, one in enumerate(listed.kind.fields) if one.kind == "money"]
    return [
        row[at]
        for (whose, _), rows in listed.found.items()
        if whose == subject
        for row in rows.rows
        for at in places
        if row[at] is not None
    ]
