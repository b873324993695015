"""The four marts in polars, lazily, for the same landed batch as everybody; leaves one Parquet file for each mart.

Usage: `python -m benchmarks.cards.polars_peer HOME AS_OF TARGET`. The rules of the seeds are written out, as in the
floor, whose comments say what each step means.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta

import polars as pl

from benchmarks.cards.inputs import Given

_SOLD = ("approved", "delivering", "partly_delivered", "delivered")
_COUNTS = (
    "new_customers",
    "new_customers_current",
    "customers_assigned",
    "customers_in_charge",
    "customers_in_charge_current",
    "interactions",
    "activities",
    "orders",
    "returns",
    "pending_orders",
)
_AMOUNTS = ("sales_amount", "revenue_amount", "collected_amount")
_MONEY = pl.Decimal(18, 2)
_FAR = datetime(9999, 12, 31)


@dataclass(frozen=True)
class Core:
    """What several marts are made from."""

    customers: pl.LazyFrame
    stays: pl.LazyFrame
    tasks: pl.LazyFrame
    orders: pl.LazyFrame
    payments: pl.LazyFrame
    interactions: pl.LazyFrame


def _known(landed: Mapping[str, pl.LazyFrame], entity: str, key: str) -> pl.Series:
    return landed[entity].select(key).collect().to_series()


def _resolved(column: str, known: pl.Series) -> pl.Expr:
    """The id, `none` where none was given, `unknown` where it is not there."""
    given = pl.col(column)
    return (
        pl.when(given.is_null())
        .then(pl.lit("none"))
        .when(given.is_in(known.implode()))
        .then(given)
        .otherwise(pl.lit("unknown"))
    )


def _month(column: str) -> pl.Expr:
    return pl.col(column).dt.truncate("1mo").cast(pl.Date)


def _customers(landed: Mapping[str, pl.LazyFrame], given: Given) -> pl.LazyFrame:
    last_instant = datetime.combine(given.as_of, time()) + timedelta(days=1, microseconds=-1)
    return landed["customers"].select(
        "customer_id",
        _resolved("manager_id", _known(landed, "employees", "employee_id")).alias("manager_id"),
        _resolved("relationship_id", _known(landed, "relationships", "relationship_id")).alias("relationship_id"),
        _resolved("province_id", _known(landed, "provinces", "province_id")).alias("province_id"),
        "gender",
        "birthday",
        "created_at",
        "last_contact_at",
        pl.col("deleted_at").is_not_null().alias("is_deleted"),
        pl.when(pl.col("deleted_at").is_not_null())
        .then(pl.max_horizontal(pl.min_horizontal("deleted_at", pl.lit(last_instant)), "created_at"))
        .alias("gone_at"),
    )


def _stays(landed: Mapping[str, pl.LazyFrame], customers: pl.LazyFrame) -> pl.LazyFrame:
    employees = _known(landed, "employees", "employee_id")
    relationships = _known(landed, "relationships", "relationship_id")
    is_owner = pl.col("field") == "manager_id"
    present = customers.filter(pl.col("gone_at").is_null() | (pl.col("created_at") < pl.col("gone_at")))
    changes = landed["customer_changes"].select(
        "customer_id",
        "field",
        "changed_at",
        *(
            pl.when(is_owner).then(_resolved(value, employees)).otherwise(_resolved(value, relationships)).alias(value)
            for value in ("old_value", "new_value")
        ),
    )
    starts = changes.group_by("customer_id", "field").agg(
        pl.col("old_value").sort_by("changed_at").first().alias("started_with")
    )
    held = pl.concat(
        [
            present.select(
                "customer_id",
                pl.lit(field).alias("field"),
                pl.col(field).alias("now"),
                pl.col("created_at").alias("occurred_at"),
                "gone_at",
            )
            for field in ("manager_id", "relationship_id")
        ]
    ).join(starts, on=["customer_id", "field"], how="left")
    logged = changes.join(present.select("customer_id", "created_at", "gone_at"), on="customer_id").select(
        "customer_id",
        "field",
        pl.col("new_value").alias("member_id"),
        pl.max_horizontal("changed_at", "created_at").alias("occurred_at"),
        pl.lit(1, pl.Int8).alias("strength"),
        pl.col("changed_at").alias("told_at"),
        "gone_at",
    )
    started = held.filter(pl.col("started_with").is_not_null()).select(
        "customer_id",
        "field",
        pl.col("started_with").alias("member_id"),
        "occurred_at",
        pl.lit(0, pl.Int8).alias("strength"),
        pl.col("occurred_at").alias("told_at"),
        "gone_at",
    )
    key = pl.struct("customer_id", "field")
    is_last = (key.ne_missing(key.shift(-1))) | (pl.col("occurred_at").ne_missing(pl.col("occurred_at").shift(-1)))
    is_new = key.ne_missing(key.shift(1)) | pl.col("member_id").ne_missing(pl.col("member_id").shift(1))
    changed = (
        pl.concat([logged, started])
        .sort("customer_id", "field", "occurred_at", "strength", "told_at")
        .filter(is_last)
        .filter(is_new)
        .with_columns(pl.when(key == key.shift(-1)).then(pl.col("occurred_at").shift(-1)).alias("next_at"))
        .filter(pl.col("gone_at").is_null() | (pl.col("occurred_at") < pl.col("gone_at")))
        .select(
            "customer_id",
            "field",
            "member_id",
            pl.col("occurred_at").alias("valid_from_at"),
            pl.min_horizontal("next_at", "gone_at").alias("valid_to_at"),
        )
    )
    unchanged = held.filter(pl.col("started_with").is_null()).select(
        "customer_id",
        "field",
        pl.col("now").alias("member_id"),
        pl.col("occurred_at").alias("valid_from_at"),
        pl.col("gone_at").alias("valid_to_at"),
    )
    return pl.concat([changed, unchanged])


def _orders(landed: Mapping[str, pl.LazyFrame]) -> pl.LazyFrame:
    # Multiplied at the scale of the exact product: a narrower one would be rounded twice.
    product = pl.col("quantity").cast(pl.Decimal(38, 6)) * pl.col("unit_price").cast(pl.Decimal(38, 6))
    zero = pl.lit(0, _MONEY)
    lines = (
        landed["order_lines"]
        .filter(pl.col("deleted_at").is_null())
        .select(
            "order_id",
            product.round(2, mode="half_away_from_zero").cast(_MONEY).alias("ordered_amount"),
            (pl.col("vat_amount").fill_null(zero) - pl.col("discount_amount").fill_null(zero)).alias("added_amount"),
        )
        .group_by("order_id")
        .agg(pl.col("ordered_amount").sum(), pl.col("added_amount").sum())
    )
    is_live = pl.col("deleted_at").is_null()
    is_sale = pl.col("order_type") == "sale"
    is_counted = pl.col("status").is_in(_SOLD) & is_live
    ordered = pl.col("ordered_amount").fill_null(zero)
    billed = (
        ordered
        + pl.col("added_amount").fill_null(zero)
        + pl.col("vat_amount").fill_null(zero)
        - pl.col("discount_amount").fill_null(zero)
    )

    def signed(amount: pl.Expr) -> pl.Expr:
        return pl.when(is_counted).then(pl.when(pl.col("order_type") == "return").then(-amount).otherwise(amount))

    return (
        landed["orders"]
        .join(lines, on="order_id", how="left")
        .select(
            "order_id",
            "customer_id",
            _resolved("executor_id", _known(landed, "employees", "employee_id")).alias("executor_id"),
            "order_date",
            _month("order_date").alias("month_date"),
            "order_type",
            "created_at",
            pl.col("deleted_at").is_not_null().alias("is_deleted"),
            (is_counted & is_sale).cast(pl.Int64).alias("orders"),
            (is_counted & ~is_sale).cast(pl.Int64).alias("returns"),
            ((pl.col("status") == "pending") & is_sale & is_live).cast(pl.Int64).alias("pending_orders"),
            signed(ordered).fill_null(zero).alias("sales_amount"),
            signed(billed).fill_null(zero).alias("revenue_amount"),
        )
    )


def _core(landed: Mapping[str, pl.LazyFrame], given: Given) -> Core:
    employees = _known(landed, "employees", "employee_id")
    kind, outcome, is_outbound = pl.col("type"), pl.col("outcome"), pl.col("direction") == "outbound"
    is_read = (kind == "email") & (outcome == "read")
    interactions = (
        landed["interactions"]
        .filter(pl.col("deleted_at").is_null())
        .select(
            "customer_id",
            "employee_id",
            "occurred_at",
            (
                (kind == "comment")
                | is_read
                | ((kind == "sms") & outcome.is_in(["delivered", "read"]))
                | ((kind == "call") & is_outbound & (outcome == "answered"))
            )
            .fill_null(False)
            .alias("is_counted"),
            (
                is_read
                | ((kind == "sms") & outcome.is_in(["sent", "delivered", "read"]))
                | ((kind == "call") & (is_outbound.fill_null(False) | (outcome == "answered").fill_null(False)))
            )
            .fill_null(False)
            .alias("is_contact"),
        )
    )
    tasks = (
        landed["tasks"]
        .filter(pl.col("deleted_at").is_null())
        .select(
            "task_id",
            _month("created_at").alias("month_date"),
            _resolved("assignee_id", employees).alias("employee_id"),
            _resolved("project_id", _known(landed, "projects", "project_id")).alias("project_id"),
            _resolved("task_type_id", _known(landed, "task_types", "task_type_id")).alias("task_type_id"),
            "customer_ids",
            "status",
            "due_at",
            "completed_at",
        )
    )
    customers, orders = _customers(landed, given), _orders(landed)
    payments = (
        landed["payments"]
        .filter(pl.col("deleted_at").is_null())
        .select("order_id", "amount", "paid_on")
        .join(orders.select("order_id", "customer_id", "executor_id", "is_deleted"), on="order_id", how="left")
        .filter(~pl.col("is_deleted").fill_null(False))
        .with_columns(pl.col("executor_id").fill_null("unknown"))
    )
    return Core(customers, _stays(landed, customers), tasks, orders, payments, interactions)


def _task_status(core: Core, end: datetime) -> pl.LazyFrame:
    state = (
        pl.when(pl.col("status").is_in(["completed", "cancelled"]))
        .then(pl.col("status"))
        .when((pl.col("due_at") < end).fill_null(False))
        .then(pl.lit("late"))
        .otherwise(pl.col("status"))
    )
    states = ("new", "in_progress", "awaiting_confirmation", "late", "completed", "cancelled")
    is_after_due = ((pl.col("status") == "completed") & (pl.col("completed_at") > pl.col("due_at"))).fill_null(False)
    return (
        core.tasks.with_columns(state.alias("state"), is_after_due.alias("is_completed_late"))
        .group_by("month_date", "employee_id", "project_id", "task_type_id")
        .agg(
            pl.len().alias("tasks_created"),
            *((pl.col("state") == name).sum().alias(f"tasks_{name}") for name in states),
            pl.col("is_completed_late").sum().alias("tasks_completed_late"),
        )
    )


def _in_charge(core: Core, given: Given, end: datetime) -> pl.LazyFrame:
    owners = core.stays.filter((pl.col("field") == "manager_id") & (pl.col("valid_from_at") < end))
    changes = pl.concat(
        [
            owners.select(
                _month("valid_from_at").alias("month_date"),
                "member_id",
                pl.lit(1).alias("stock"),
                pl.lit(0).alias("now"),
            ),
            owners.filter(pl.col("valid_to_at") < end).select(
                _month("valid_to_at").alias("month_date"),
                "member_id",
                pl.lit(-1).alias("stock"),
                pl.lit(0).alias("now"),
            ),
            core.customers.filter(~pl.col("is_deleted") & (pl.col("created_at") < end)).select(
                _month("created_at").alias("month_date"),
                pl.col("manager_id").alias("member_id"),
                pl.lit(0).alias("stock"),
                pl.lit(1).alias("now"),
            ),
        ]
    )
    monthly = changes.group_by("month_date", pl.col("member_id").alias("employee_id")).agg(
        pl.col("stock").sum(), pl.col("now").sum()
    )
    months = (
        monthly.group_by("employee_id")
        .agg(pl.col("month_date").min())
        .with_columns(pl.date_ranges("month_date", pl.lit(given.as_of.replace(day=1)), "1mo"))
        .explode("month_date")
    )
    return (
        months.join(monthly, on=["employee_id", "month_date"], how="left")
        .sort("employee_id", "month_date")
        .select(
            "month_date",
            "employee_id",
            pl.col("stock").fill_null(0).cum_sum().over("employee_id").alias("customers_in_charge"),
            pl.col("now").fill_null(0).cum_sum().over("employee_id").alias("customers_in_charge_current"),
        )
    )


def _funnel(landed: Mapping[str, pl.LazyFrame], core: Core, given: Given, end: datetime) -> pl.LazyFrame:
    owners = core.stays.filter(pl.col("field") == "manager_id")
    first_owners = owners.group_by("customer_id").agg(
        pl.col("member_id").sort_by("valid_from_at").first().alias("employee_id")
    )
    month = [pl.col("month_date"), pl.col("employee_id")]
    named = (
        core.tasks.filter(pl.col("status") != "cancelled")
        .select("month_date", "employee_id", "task_id", pl.col("customer_ids").alias("customer_id"))
        .explode("customer_id")
        .filter(pl.col("customer_id").is_not_null())
        .join(core.customers.select("customer_id", pl.lit(True).alias("is_known")), on="customer_id", how="left")
        .with_columns(pl.when(pl.col("is_known")).then(pl.col("customer_id")).otherwise(pl.lit("unknown")))
        .unique(["month_date", "employee_id", "task_id", "customer_id"])
    )
    interactions = core.interactions.filter(pl.col("is_counted")).select(
        _month("occurred_at").alias("month_date"),
        _resolved("employee_id", _known(landed, "employees", "employee_id")).alias("employee_id"),
    )
    live_orders = core.orders.filter(~pl.col("is_deleted")).with_columns(pl.col("executor_id").alias("employee_id"))
    figures = [
        core.customers.join(first_owners, on="customer_id", how="left")
        .select(_month("created_at").alias("month_date"), pl.col("employee_id").fill_null("unknown"))
        .group_by(month)
        .agg(pl.len().alias("new_customers")),
        core.customers.filter(~pl.col("is_deleted"))
        .select(_month("created_at").alias("month_date"), pl.col("manager_id").alias("employee_id"))
        .group_by(month)
        .agg(pl.len().alias("new_customers_current")),
        owners.select(
            _month("valid_from_at").alias("month_date"), pl.col("member_id").alias("employee_id"), "customer_id"
        )
        .group_by(month)
        .agg(pl.col("customer_id").n_unique().alias("customers_assigned")),
        _in_charge(core, given, end),
        interactions.group_by(month).agg(pl.len().alias("interactions")),
        named.group_by(month).agg(pl.len().alias("interactions")),
        core.tasks.group_by(month).agg(pl.len().alias("activities")),
        live_orders.group_by(month).agg(
            pl.col("orders", "returns", "pending_orders", "sales_amount", "revenue_amount").sum()
        ),
        core.payments.select(
            _month("paid_on").alias("month_date"), pl.col("executor_id").alias("employee_id"), "amount"
        )
        .group_by(month)
        .agg(pl.col("amount").sum().alias("collected_amount")),
    ]
    aligned = [
        figure.cast({name: pl.Int64 for name in _COUNTS if name in figure.collect_schema()}) for figure in figures
    ]
    return (
        pl.concat(aligned, how="diagonal")
        .group_by(month)
        .agg(pl.col(*_COUNTS).sum(), pl.col(*_AMOUNTS).sum().cast(_MONEY))
        .filter(pl.any_horizontal(pl.col(*_COUNTS, *_AMOUNTS) != 0))
    )


def _bands(column: str, bounds: Sequence[int], names: Sequence[str], otherwise: str) -> pl.Expr:
    """The first band whose bound lies above the value."""
    value, found = pl.col(column), pl.lit(names[-1])
    for bound, name in reversed(list(zip(bounds, names[:-1], strict=True))):
        found = pl.when(value < bound).then(pl.lit(name)).otherwise(found)
    return pl.when(value.is_null()).then(pl.lit(otherwise)).otherwise(found)


def _cohort(landed: Mapping[str, pl.LazyFrame], core: Core, given: Given, end: datetime) -> pl.LazyFrame:
    contacts = (
        landed["contacts"]
        .filter(pl.col("is_primary") & pl.col("deleted_at").is_null() & pl.col("birthday").is_not_null())
        .group_by("customer_id")
        .agg(pl.col("birthday").sort_by("contact_id").first().alias("contact_birthday"))
    )
    live_orders = core.orders.filter(~pl.col("is_deleted"))
    derived = (
        pl.concat(
            [
                core.interactions.filter(pl.col("is_contact")).select(
                    "customer_id", pl.col("occurred_at").alias("contact_at")
                ),
                live_orders.filter(pl.col("order_type") == "sale").select(
                    "customer_id",
                    pl.coalesce("created_at", pl.col("order_date").cast(pl.Datetime("us"))).alias("contact_at"),
                ),
            ]
        )
        .filter(pl.col("contact_at") < end)
        .group_by("customer_id")
        .agg(pl.col("contact_at").max())
    )
    bought = live_orders.group_by("customer_id").agg(
        pl.col("order_date").filter(pl.col("orders") == 1).min().alias("first_order_date"),
        pl.col("orders", "sales_amount", "revenue_amount").sum(),
    )
    paid = core.payments.group_by("customer_id").agg(pl.col("amount").sum().alias("collected_amount"))
    birthday = pl.coalesce("birthday", "contact_birthday")
    year, month, day = given.as_of.year, given.as_of.month, given.as_of.day
    age = (
        year - birthday.dt.year().cast(pl.Int32)
        - (birthday.dt.month().cast(pl.Int32) * 100 + birthday.dt.day() > month * 100 + day).cast(pl.Int32)
    )  # fmt: skip
    days = (pl.col("first_order_date") - pl.col("created_at").cast(pl.Date)).dt.total_days()
    return (
        core.customers.join(contacts, on="customer_id", how="left")
        .join(derived, on="customer_id", how="left")
        .join(bought, on="customer_id", how="left")
        .join(paid, on="customer_id", how="left")
        .with_columns(
            pl.when(birthday <= given.as_of).then(age).alias("age_years"),
            pl.coalesce(
                pl.when(pl.col("last_contact_at") < end).then(pl.col("last_contact_at")), pl.col("contact_at")
            ).alias("last_contact_at"),
            days.alias("days"),
        )
        .with_columns(
            (pl.lit(given.as_of) - pl.col("last_contact_at").cast(pl.Date)).dt.total_days().alias("care_days")
        )
        .select(
            "customer_id",
            _month("created_at").alias("cohort_month_date"),
            "manager_id",
            "relationship_id",
            "province_id",
            pl.col("gender").fill_null("unknown"),
            "age_years",
            _bands(
                "age_years",
                (18, 25, 35, 45, 55, 65),
                ("under_18", "18_to_24", "25_to_34", "35_to_44", "45_to_54", "55_to_64", "65_and_over"),
                "unknown",
            ).alias("age_band"),
            pl.col("care_days").alias("care_recency_days"),
            _bands(
                "care_days",
                (7, 14, 30, 90),
                ("0_to_6_days", "7_to_13_days", "14_to_29_days", "30_to_89_days", "90_days_and_more"),
                "never",
            ).alias("care_recency_bucket"),
            "last_contact_at",
            "first_order_date",
            pl.col("orders").fill_null(0),
            pl.col(*_AMOUNTS).fill_null(pl.lit(0, _MONEY)).cast(_MONEY),
            pl.when(pl.col("days") >= 0).then(pl.col("days")).alias("days_to_first_order"),
            (pl.col("days") < 0).fill_null(False).alias("has_negative_cycle"),
            "is_deleted",
        )
    )


def _journey(core: Core, given: Given) -> pl.LazyFrame:
    tomorrow = given.as_of + timedelta(days=1)
    from_at, to_at = pl.col("valid_from_at"), pl.col("valid_to_at").fill_null(_FAR)
    owners, relationships = (
        core.stays.filter(pl.col("field") == field).select(
            "customer_id", pl.col("member_id").alias(name), from_at.alias(f"{side}_from"), to_at.alias(f"{side}_to")
        )
        for field, name, side in (
            ("manager_id", "manager_id", "owned"),
            ("relationship_id", "relationship_id", "related"),
        )
    )
    from_date, to_date, old_date = pl.col("from_date"), pl.col("to_date"), pl.col("old_date")
    grouped = (
        owners.join(relationships, on="customer_id")
        .filter((pl.col("owned_from") < pl.col("related_to")) & (pl.col("owned_to") > pl.col("related_from")))
        .join(core.customers.select("customer_id", "created_at"), on="customer_id")
        .select(
            "manager_id",
            "relationship_id",
            pl.col("created_at").cast(pl.Date).alias("created_date"),
            pl.max_horizontal("owned_from", "related_from").cast(pl.Date).alias("from_date"),
            pl.min_horizontal(pl.min_horizontal("owned_to", "related_to").cast(pl.Date), pl.lit(tomorrow)).alias(
                "to_date"
            ),
        )
        .filter(from_date < to_date)
        .group_by("manager_id", "relationship_id", "created_date", "from_date", "to_date")
        .agg(pl.len().cast(pl.Int64).alias("customers"))
        .with_columns((pl.col("created_date") + pl.duration(days=85)).cast(pl.Date).alias("old_date"))
    )
    recent = (
        grouped.filter(from_date < old_date)
        .select(
            pl.date_ranges(from_date, pl.min_horizontal(to_date, old_date), closed="left").alias("as_of_date"),
            "manager_id",
            "relationship_id",
            "created_date",
            "customers",
        )
        .explode("as_of_date")
        .group_by("as_of_date", "manager_id", "relationship_id", "created_date")
        .agg(pl.col("customers").sum())
    )
    old = grouped.filter(pl.max_horizontal(from_date, old_date) < to_date)
    place = ["manager_id", "relationship_id"]
    levels = (
        pl.concat(
            [
                old.select(*place, pl.max_horizontal(from_date, old_date).alias("as_of_date"), "customers"),
                old.select(*place, to_date.alias("as_of_date"), -pl.col("customers")),
            ]
        )
        .group_by(*place, "as_of_date")
        .agg(pl.col("customers").sum())
        .sort(*place, "as_of_date")
        .with_columns(
            pl.col("customers").cum_sum().over(place),
            pl.col("as_of_date").shift(-1).over(place).fill_null(tomorrow).alias("next_date"),
        )
        .filter(pl.col("customers") > 0)
        .select(
            pl.date_ranges("as_of_date", "next_date", closed="left").alias("as_of_date"),
            *place,
            pl.lit(None, pl.Date).alias("created_date"),
            "customers",
        )
        .explode("as_of_date")
        .filter(pl.col("as_of_date").is_not_null())
    )
    return pl.concat([recent, levels])


def main() -> None:
    """Make the four marts as Parquet files of the target; polars decides what they share."""
    given = Given.from_arguments()
    landed = {entity: pl.scan_parquet(path) for entity, path in given.files().items()}
    core = _core(landed, given)
    end = datetime.combine(given.as_of, time()) + timedelta(days=1)
    marts = {
        "fct_funnel": _funnel(landed, core, given, end),
        "fct_task_status": _task_status(core, end),
        "dim_customer_cohort": _cohort(landed, core, given, end),
        "fct_journey": _journey(core, given),
    }
    for (name, _), frame in zip(marts.items(), pl.collect_all(list(marts.values())), strict=True):
        frame.write_parquet(given.target / f"{name}.parquet", compression="zstd")


if __name__ == "__main__":
    main()
