"""Follows the same records from the source to the marts: source = landing + quarantine, landing = core, core = marts.

Belongs here: identities that hold to the row and to the cent, each side by SQL of its own. Not here: plausibility
(`marts.py`).

The landing side reads the Parquet files directly and shares no code with dbt. Sides are compared month by month: two
errors that cancel out would pass a comparison of totals.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb

from orchestration.checks.catalogue import RECONCILED_ENTITIES, landed, spec_of
from orchestration.checks.outcome import CheckOutcome, Number
from orchestration.contract import contract
from orchestration.landing.manifest import Manifest
from orchestration.landing.reading import QUARANTINE, row_counts, rows_sql
from orchestration.landing.store import Landing

MAX_ROWS = 20


@dataclass(frozen=True)
class _Money:
    """What one record is worth, in landed columns and in columns of core; exact decimals on both sides."""

    landed: str
    core: str


_MONEY: Mapping[str, _Money] = {
    "orders": _Money("coalesce(vat_amount, 0) - coalesce(discount_amount, 0)", "vat_amount - discount_amount"),
    "order_lines": _Money(
        "round(quantity * unit_price, 2) - coalesce(discount_amount, 0) + coalesce(vat_amount, 0)",
        "ordered_amount - line_discount_amount + line_vat_amount",
    ),
    "payments": _Money("amount", "amount"),
}

# Lines that core adds to carry an order's money; no source delivered them.
_NOT_LANDED: Mapping[str, str] = {"order_lines": "is_unallocated"}


@dataclass(frozen=True)
class Identity:
    """One quantity that several places must agree on; each side is SQL that gives (month_date, value) rows."""

    quantity: str
    sides: Mapping[str, str]


_COUNTED_ORDER_MONEY = """
    select orders.month_date, {amount} as value
    from core.core_orders as orders
    left join (
        select
            order_id,
            sum(round(quantity * unit_price, 2)) as ordered,
            sum(line_vat_amount - line_discount_amount) as adjusted
        from core.core_order_lines
        where not is_deleted and not is_unallocated
        group by order_id
    ) as lines on orders.order_id = lines.order_id
    where orders.is_counted
    group by orders.month_date
"""
_SIGN = "case when orders.order_type = 'return' then -1 else 1 end"


def _by_month(table: str, value: str, where: str = "true", month: str = "month_date") -> str:
    return f"select {month} as month_date, {value} as value from {table} where {where} group by {month}"


IDENTITIES: Mapping[str, tuple[Identity, ...]] = {
    "customers_reconcile": (
        Identity(
            "customers",
            {
                "core_customers": _by_month("core.core_customers", "count(*)", month="created_month_date"),
                "dim_customers": _by_month(
                    "marts.dim_customers", "count(*)", "not is_placeholder", month="created_month_date"
                ),
                "dim_customer_cohort": _by_month("marts.dim_customer_cohort", "count(*)", month="cohort_month_date"),
                "fct_funnel.new_customers": _by_month("marts.fct_funnel", "sum(new_customers)"),
            },
        ),
        Identity(
            "live customers",
            {
                "core_customers": _by_month(
                    "core.core_customers", "count(*)", "not is_deleted", month="created_month_date"
                ),
                "dim_customers": _by_month(
                    "marts.dim_customers",
                    "count(*)",
                    "not is_placeholder and not is_deleted",
                    month="created_month_date",
                ),
                "dim_customer_cohort": _by_month(
                    "marts.dim_customer_cohort", "count(*)", "not is_deleted", month="cohort_month_date"
                ),
                "fct_funnel.new_customers_current": _by_month("marts.fct_funnel", "sum(new_customers_current)"),
            },
        ),
    ),
    "orders_reconcile": (
        Identity(
            "live orders",
            {
                "core_orders": _by_month("core.core_orders", "count(*)", "not is_deleted"),
                "fct_orders": _by_month("marts.fct_orders", "count(*)"),
            },
        ),
        *(
            Identity(
                quantity,
                {
                    "core_orders": _by_month("core.core_orders", "count(*)", where),
                    f"fct_orders.{column}": _by_month("marts.fct_orders", f"sum({column})"),
                    f"fct_funnel.{column}": _by_month("marts.fct_funnel", f"sum({column})"),
                },
            )
            for quantity, column, where in (
                ("counted sales", "orders", "is_counted and order_type = 'sale'"),
                ("counted returns", "returns", "is_counted and order_type = 'return'"),
                ("pending sales", "pending_orders", "is_pending and order_type = 'sale'"),
            )
        ),
    ),
    "amounts_reconcile": tuple(
        Identity(
            column,
            {
                # The order's own money is added per order: that way it does not depend on its allocation to lines.
                "core_orders": _COUNTED_ORDER_MONEY.format(amount=f"sum({_SIGN} * ({amount}))"),
                f"fct_order_lines.{column}": _by_month("marts.fct_order_lines", f"sum({column})"),
                f"fct_orders.{column}": _by_month("marts.fct_orders", f"sum({column})"),
                f"fct_funnel.{column}": _by_month("marts.fct_funnel", f"sum({column})"),
            },
        )
        for column, amount in (
            ("sales_amount", "coalesce(lines.ordered, 0)"),
            (
                "revenue_amount",
                "coalesce(lines.ordered + lines.adjusted, 0)"
                " - coalesce(orders.discount_amount, 0) + coalesce(orders.vat_amount, 0)",
            ),
        )
    ),
    "collected_reconcile": (
        Identity(
            "collected_amount",
            {
                "core_payments": _by_month("core.core_payments", "sum(amount)", "is_counted"),
                "fct_payments.collected_amount": _by_month("marts.fct_payments", "sum(collected_amount)"),
                "fct_funnel.collected_amount": _by_month("marts.fct_funnel", "sum(collected_amount)"),
            },
        ),
        Identity(
            "collected_amount of known orders, by month of the order",
            {
                "core_payments": """
                    select orders.month_date, sum(payments.amount) as value
                    from core.core_payments as payments
                    inner join core.core_orders as orders on payments.order_id = orders.order_id
                    where payments.is_counted
                    group by orders.month_date
                """,
                "fct_orders.collected_amount": _by_month("marts.fct_orders", "sum(collected_amount)"),
            },
        ),
    ),
    "interactions_reconcile": (
        Identity(
            "live interactions and task links",
            {
                "core_interactions + core_bridge_tasks_customers": """
                    select month_date, count(*) as value
                    from (
                        select cast(date_trunc('month', occurred_at) as date) as month_date
                        from core.core_interactions
                        where not is_deleted
                        union all
                        select cast(date_trunc('month', tasks.created_at) as date) as month_date
                        from core.core_tasks as tasks
                        inner join core.core_bridge_tasks_customers as links on tasks.task_id = links.task_id
                        where not tasks.is_deleted
                    )
                    group by month_date
                """,
                "fct_interactions": _by_month("marts.fct_interactions", "count(*)"),
            },
        ),
        Identity(
            "counted interactions",
            {
                "core_customer_interactions": _by_month(
                    "core.core_customer_interactions", "count(*)", "is_counted and not is_deleted"
                ),
                "fct_interactions.interactions": _by_month("marts.fct_interactions", "sum(interactions)"),
                "fct_funnel.interactions": _by_month("marts.fct_funnel", "sum(interactions)"),
            },
        ),
    ),
    "tasks_reconcile": (
        Identity(
            "live tasks",
            {
                "core_tasks": _by_month(
                    "core.core_tasks",
                    "count(*)",
                    "not is_deleted",
                    month="cast(date_trunc('month', created_at) as date)",
                ),
                "fct_tasks": _by_month("marts.fct_tasks", "count(*)"),
                "fct_task_status.tasks_created": _by_month("marts.fct_task_status", "sum(tasks_created)"),
                "fct_funnel.activities": _by_month("marts.fct_funnel", "sum(activities)"),
            },
        ),
    ),
}


def reconcile(landing: Landing, source: str, as_of: date, warehouse_path: Path) -> list[CheckOutcome]:
    """Compare every border; one outcome per reconciliation check of the catalogue. `as_of` is the warehouse's date.

    Raises duckdb.Error when a table of the warehouse or a landed file is gone, LandingError on a damaged manifest.
    """
    batches: dict[str, list[Manifest]] = {entity: [] for entity in RECONCILED_ENTITIES}
    for manifest in landing.visible(source, as_of):
        if manifest.entity in batches:
            batches[manifest.entity].append(manifest)
    quoted = str(warehouse_path).replace("'", "''")
    with duckdb.connect(":memory:") as connection:
        connection.execute(f"attach '{quoted}' as warehouse (read_only)")
        connection.execute("use warehouse")
        return [
            *(_landing_matches_source(connection, landing, entity, found) for entity, found in batches.items()),
            *(_core_matches_landing(connection, landing, entity, found) for entity, found in batches.items()),
            *(_identities_hold(connection, name, identities) for name, identities in IDENTITIES.items()),
        ]


def _landing_matches_source(
    connection: duckdb.DuckDBPyConnection, landing: Landing, entity: str, batches: Sequence[Manifest]
) -> CheckOutcome:
    spec = spec_of("landing_matches_source", landed(entity))
    data_rows = row_counts(connection, landing, batches)
    quarantine_rows = row_counts(connection, landing, batches, QUARANTINE)
    rows: list[dict[str, Number]] = []
    totals = {"batches": len(batches), "rows_in": 0, "rows_in_data_files": 0, "rows_in_quarantine_files": 0}
    for batch in batches:
        data = data_rows[batch.batch_id]
        quarantined = quarantine_rows[batch.batch_id]
        totals["rows_in"] += batch.rows_in
        totals["rows_in_data_files"] += data
        totals["rows_in_quarantine_files"] += quarantined
        if (batch.rows_in, batch.rows_landed, batch.rows_quarantined) != (data + quarantined, data, quarantined):
            rows.append(
                {
                    "batch": batch.batch_id,
                    "rows_in": batch.rows_in,
                    "rows_landed": batch.rows_landed,
                    "rows_in_data_file": data,
                    "rows_quarantined": batch.rows_quarantined,
                    "rows_in_quarantine_file": quarantined,
                }
            )
    message = (
        f"{entity}: {totals['rows_in']} rows in = {totals['rows_in_data_files']} landed "
        f"+ {totals['rows_in_quarantine_files']} in quarantine, over {len(batches)} batches"
        if not rows
        else f"{entity}: {len(rows)} of {len(batches)} batches do not hold the rows that came in: "
        + ", ".join(str(row["batch"]) for row in rows[:5])
    )
    return CheckOutcome(spec, not rows, message, dict(totals), tuple(rows[:MAX_ROWS]))


def _compared_sql(entity: str, landed_rows: str) -> str:
    """A temporary table of keys that landed and keys in core, with what each side says the record is worth."""
    [key] = contract()[entity].key
    money = _MONEY.get(entity, _Money("null", "null"))
    written = "_known_at"
    if contract()[entity].has("updated_at"):
        written = "coalesce(least(updated_at, _known_at), _known_at)"
    added = _NOT_LANDED.get(entity, "false")
    return f"""
        create or replace temporary table compared as
        with arrived as (
            select *, cast(_batch_date as timestamp) + interval 1 day as _known_at
            from {landed_rows}
            where list_contains($batches, _batch_id)
        ),
        -- The contract's rule: the newest row by updated_at, then by arrival.
        newest as (
            select {key} as key_text, cast({money.landed} as decimal(38, 2)) as landed_amount
            from arrived
            qualify row_number() over (
                partition by {key} order by {written} desc, _batch_date desc, _row_number desc
            ) = 1
        ),
        in_core as (
            select {key} as key_text, cast({money.core} as decimal(38, 2)) as core_amount
            from core.core_{entity}
            where not {added}
        )
        select
            coalesce(newest.key_text, in_core.key_text) as key_text,
            newest.key_text is not null as is_landed,
            in_core.key_text is not null as is_in_core,
            newest.landed_amount,
            in_core.core_amount
        from newest
        full outer join in_core on newest.key_text = in_core.key_text
    """


_DIFFERS = "not is_landed or not is_in_core or landed_amount is distinct from core_amount"


def _core_matches_landing(
    connection: duckdb.DuckDBPyConnection, landing: Landing, entity: str, batches: Sequence[Manifest]
) -> CheckOutcome:
    spec = spec_of("core_matches_landing", ("core", f"core_{entity}"))
    [(core_rows,)] = connection.execute(
        f"select count(*) from core.core_{entity} where not {_NOT_LANDED.get(entity, 'false')}"
    ).fetchall()
    if not batches:
        message = f"{entity}: nothing landed, {core_rows} rows in core_{entity}"
        return CheckOutcome(spec, core_rows == 0, message, {"landed_keys": 0, "core_rows": core_rows})
    connection.execute(
        _compared_sql(entity, rows_sql(landing, batches)),
        {"batches": [batch.batch_id for batch in batches]},
    )
    [(keys, landed_amount, core_amount, differing)] = connection.execute(
        f"select count(distinct key_text) filter (is_landed), sum(landed_amount), sum(core_amount), "
        f"count(*) filter ({_DIFFERS}) from compared"
    ).fetchall()
    numbers: dict[str, Number] = {"landed_keys": keys, "core_rows": core_rows, "differing": differing}
    if entity in _MONEY:
        numbers |= {"landed_amount": _number(landed_amount), "core_amount": _number(core_amount)}
    found = connection.execute(
        f"select key_text, is_landed, is_in_core, landed_amount, core_amount from compared where {_DIFFERS} "
        f"order by key_text limit {MAX_ROWS}"
    ).fetchall()
    rows = tuple(
        {
            "key": key,
            "landed": "yes" if is_landed else "no",
            "core": "yes" if is_in_core else "no",
            "landed_amount": _number(worth),
            "core_amount": _number(held),
        }
        for key, is_landed, is_in_core, worth, held in found
    )
    passed = not differing and keys == core_rows
    message = f"{entity}: {keys} landed keys, {core_rows} rows in core_{entity}, {differing} records differ"
    if rows:
        message += f", first {rows[0]['key']}"
    if not passed:
        message += _other_batches(connection, entity, batches)
    return CheckOutcome(spec, passed, message, numbers, rows)


def _other_batches(connection: duckdb.DuckDBPyConnection, entity: str, batches: Sequence[Manifest]) -> str:
    """The likeliest reason of many differences, in words: something landed after the build, or was left out of it."""
    built = connection.execute("select batch_id from core.core_batches where entity = ?", [entity]).fetchall()
    differing = {str(batch) for (batch,) in built} ^ {batch.batch_id for batch in batches}
    if not differing:
        return ""
    return f"; core was not built from the batches visible now (see {', '.join(sorted(differing)[:4])}): build again"


def _number(value: Decimal | int | None) -> Number:
    """An exact figure for people and JSON: amounts as text, because a float would round them."""
    return str(value) if isinstance(value, Decimal) else value


def _identities_hold(connection: duckdb.DuckDBPyConnection, name: str, identities: Sequence[Identity]) -> CheckOutcome:
    numbers: dict[str, Number] = {}
    rows: list[dict[str, Number]] = []
    broken = []
    for identity in identities:
        sides = {side: _months(connection, sql) for side, sql in identity.sides.items()}
        for side, months in sides.items():
            numbers[f"{identity.quantity}: {side}"] = _number(sum(months.values()))
        differing = _differing_months(sides)
        if differing:
            broken.append(f"{identity.quantity} differ in {len(differing)} months")
        for month in differing:
            figures = {side: _number(months.get(month, 0)) for side, months in sides.items()}
            rows.append({"quantity": identity.quantity, "month": month, **figures})
    quantities = ", ".join(identity.quantity for identity in identities)
    message = "; ".join(broken) if broken else f"all places agree on {quantities}"
    return CheckOutcome(spec_of(name), not rows, message, numbers, tuple(rows[:MAX_ROWS]))


def _months(connection: duckdb.DuckDBPyConnection, sql: str) -> dict[str, Decimal | int]:
    found = connection.execute(f"select cast(month_date as varchar), value from ({sql})").fetchall()
    return {str(month): value for month, value in found if value}


def _differing_months(sides: Mapping[str, Mapping[str, Decimal | int]]) -> list[str]:
    months = sorted({month for values in sides.values() for month in values})
    return [month for month in months if len({values.get(month, 0) for values in sides.values()}) > 1]
