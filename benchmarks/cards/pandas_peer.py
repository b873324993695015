"""The four marts in plain pandas, for the same landed batch as everybody; leaves one Parquet file for each mart.

Usage: `python -m benchmarks.cards.pandas_peer HOME AS_OF TARGET`. Money is counted in whole cents. The rules of the
seeds are written out, as in the floor, whose comments say what each step means.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from benchmarks.cards.inputs import Given

_SOLD = ("approved", "delivering", "partly_delivered", "delivered")
_A_DAY = pd.Timedelta(days=1)
_FAR = pd.Timestamp("9999-12-31")
_AMOUNTS = ("sales_amount", "revenue_amount", "collected_amount")
_MONTH = ["month_date", "employee_id"]
_COLUMNS: Mapping[str, Sequence[str]] = {
    "contacts": ("contact_id", "customer_id", "birthday", "is_primary", "deleted_at"),
    "customer_changes": ("customer_id", "field", "old_value", "new_value", "changed_at"),
    "customers": (
        "customer_id",
        "manager_id",
        "relationship_id",
        "province_id",
        "gender",
        "birthday",
        "created_at",
        "last_contact_at",
        "deleted_at",
    ),
    "employees": ("employee_id",),
    "interactions": ("customer_id", "employee_id", "type", "direction", "outcome", "occurred_at", "deleted_at"),
    "order_lines": ("order_id", "quantity", "unit_price", "discount_amount", "vat_amount", "deleted_at"),
    "orders": (
        "order_id",
        "customer_id",
        "executor_id",
        "order_type",
        "status",
        "order_date",
        "created_at",
        "discount_amount",
        "vat_amount",
        "deleted_at",
    ),
    "payments": ("order_id", "amount", "paid_on", "deleted_at"),
    "projects": ("project_id",),
    "provinces": ("province_id",),
    "relationships": ("relationship_id",),
    "task_types": ("task_type_id",),
    "tasks": (
        "task_id",
        "assignee_id",
        "project_id",
        "task_type_id",
        "customer_ids",
        "status",
        "created_at",
        "due_at",
        "completed_at",
        "deleted_at",
    ),
}


@dataclass(frozen=True)
class Core:
    """What several marts are made from."""

    customers: pd.DataFrame
    stays: pd.DataFrame
    tasks: pd.DataFrame
    orders: pd.DataFrame
    payments: pd.DataFrame
    interactions: pd.DataFrame


def _read(path: str, columns: Sequence[str]) -> pd.DataFrame:
    """The columns of a landed file; decimals as whole numbers of their last digit, null as zero."""
    table = pq.read_table(path, columns=list(columns))
    for place, field in enumerate(table.schema):
        if pa.types.is_decimal(field.type):
            digits = pa.scalar(10**field.type.scale, pa.decimal128(5, 0))
            whole = pc.multiply(table[field.name], digits).cast(pa.decimal128(24, 0)).cast(pa.int64())
            table = table.set_column(place, field.name, pc.fill_null(whole, 0))
        elif pa.types.is_date(field.type):
            table = table.set_column(place, field.name, table[field.name].cast(pa.timestamp("us")))
    frame: pd.DataFrame = table.to_pandas()
    return frame


def _resolved(given: pd.Series, known: pd.Series) -> pd.Series:
    """The id, `none` where none was given, `unknown` where it is not there."""
    found = given.where(given.isin(known), "unknown")
    return found.where(given.notna(), "none")


def _month(days: pd.Series) -> pd.Series:
    month: pd.Series = days.dt.normalize() - pd.to_timedelta(days.dt.day - 1, unit="D")
    return month


def _customers(landed: Mapping[str, pd.DataFrame], as_of: pd.Timestamp) -> pd.DataFrame:
    customers = landed["customers"]
    last_instant = as_of + _A_DAY - pd.Timedelta(microseconds=1)
    deleted = customers["deleted_at"]
    gone = deleted.where(deleted.isna() | (deleted <= last_instant), last_instant)
    return customers.assign(
        manager_id=_resolved(customers["manager_id"], landed["employees"]["employee_id"]),
        relationship_id=_resolved(customers["relationship_id"], landed["relationships"]["relationship_id"]),
        province_id=_resolved(customers["province_id"], landed["provinces"]["province_id"]),
        is_deleted=customers["deleted_at"].notna(),
        gone_at=gone.where(gone.isna() | (gone >= customers["created_at"]), customers["created_at"]),
    )


def _stays(landed: Mapping[str, pd.DataFrame], customers: pd.DataFrame) -> pd.DataFrame:
    present = customers[customers["gone_at"].isna() | (customers["created_at"] < customers["gone_at"])]
    changes = landed["customer_changes"]
    is_owner = changes["field"] == "manager_id"
    employees, relationships = landed["employees"]["employee_id"], landed["relationships"]["relationship_id"]
    changes = changes.assign(
        **{
            value: _resolved(changes[value], employees).where(is_owner, _resolved(changes[value], relationships))
            for value in ("old_value", "new_value")
        }
    )
    key = ["customer_id", "field"]
    starts = changes.sort_values("changed_at").drop_duplicates(key)[[*key, "old_value"]]
    held = pd.concat(
        [
            present[["customer_id", field, "created_at", "gone_at"]]
            .rename(columns={field: "now", "created_at": "occurred_at"})
            .assign(field=field)
            for field in ("manager_id", "relationship_id")
        ]
    ).merge(starts, on=key, how="left")
    has_changes = held["old_value"].notna()
    started = held[has_changes].rename(columns={"old_value": "member_id"})
    logged = changes.merge(present[["customer_id", "created_at", "gone_at"]], on="customer_id")
    events = pd.concat(
        [
            started[[*key, "member_id", "occurred_at", "gone_at"]].assign(strength=0, told_at=started["occurred_at"]),
            logged[[*key, "gone_at"]].assign(
                member_id=logged["new_value"],
                occurred_at=logged["changed_at"].where(
                    logged["changed_at"] > logged["created_at"], logged["created_at"]
                ),
                strength=1,
                told_at=logged["changed_at"],
            ),
        ]
    ).sort_values([*key, "occurred_at", "strength", "told_at"])
    events = events.drop_duplicates([*key, "occurred_at"], keep="last")
    is_first = ~events.duplicated(key)
    events = events[is_first | (events["member_id"] != events["member_id"].shift(1))]
    next_at = events["occurred_at"].shift(-1).where(events.duplicated(key, keep="last"))
    changed = events.assign(valid_from_at=events["occurred_at"], valid_to_at=_earlier(next_at, events["gone_at"]))
    changed = changed[changed["gone_at"].isna() | (changed["valid_from_at"] < changed["gone_at"])]
    unchanged = held[~has_changes].rename(
        columns={"now": "member_id", "occurred_at": "valid_from_at", "gone_at": "valid_to_at"}
    )
    columns = [*key, "member_id", "valid_from_at", "valid_to_at"]
    return pd.concat([changed[columns], unchanged[columns]], ignore_index=True)


def _earlier(one: pd.Series, other: pd.Series) -> pd.Series:
    """The earlier of two instants, the one that there is where there is only one."""
    return one.where(other.isna() | (one <= other), other)


def _orders(landed: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    lines = landed["order_lines"]
    lines = lines[lines["deleted_at"].isna()]
    # Ten thousandths of a piece by cents, rounded half away from zero to cents.
    product = lines["quantity"] * lines["unit_price"]
    ordered = np.sign(product) * ((product.abs() + 5_000) // 10_000)
    added = lines["vat_amount"] - lines["discount_amount"]
    per_order = (
        pd.DataFrame({"order_id": lines["order_id"], "ordered": ordered, "added": added})
        .groupby("order_id", as_index=False)
        .sum()
    )
    orders = landed["orders"].merge(per_order, on="order_id", how="left")
    ordered, added = (orders[name].fillna(0).astype("int64") for name in ("ordered", "added"))
    is_live, is_sale = orders["deleted_at"].isna(), orders["order_type"] == "sale"
    is_counted = orders["status"].isin(_SOLD) & is_live
    sign: pd.Series = is_counted.astype("int64") * np.where(orders["order_type"] == "return", -1, 1)
    return orders.assign(
        executor_id=_resolved(orders["executor_id"], landed["employees"]["employee_id"]),
        month_date=_month(orders["order_date"]),
        is_deleted=~is_live,
        orders=(is_counted & is_sale).astype("int64"),
        returns=(is_counted & ~is_sale).astype("int64"),
        pending_orders=((orders["status"] == "pending") & is_sale & is_live).astype("int64"),
        sales_amount=sign * ordered,
        revenue_amount=sign * (ordered + added + orders["vat_amount"] - orders["discount_amount"]),
    )


def _core(landed: Mapping[str, pd.DataFrame], as_of: pd.Timestamp) -> Core:
    employees = landed["employees"]["employee_id"]
    interactions = landed["interactions"]
    interactions = interactions[interactions["deleted_at"].isna()]
    kind, outcome = interactions["type"], interactions["outcome"]
    is_read = (kind == "email") & (outcome == "read")
    is_outbound, is_answered = interactions["direction"] == "outbound", outcome == "answered"
    interactions = interactions.assign(
        is_counted=(kind == "comment")
        | is_read
        | ((kind == "sms") & outcome.isin(["delivered", "read"]))
        | ((kind == "call") & is_outbound & is_answered),
        is_contact=is_read
        | ((kind == "sms") & outcome.isin(["sent", "delivered", "read"]))
        | ((kind == "call") & (is_outbound | is_answered)),
    )
    tasks = landed["tasks"]
    tasks = tasks[tasks["deleted_at"].isna()]
    tasks = tasks.assign(
        month_date=_month(tasks["created_at"]),
        employee_id=_resolved(tasks["assignee_id"], employees),
        project_id=_resolved(tasks["project_id"], landed["projects"]["project_id"]),
        task_type_id=_resolved(tasks["task_type_id"], landed["task_types"]["task_type_id"]),
    )
    customers, orders = _customers(landed, as_of), _orders(landed)
    payments = landed["payments"]
    payments = payments[payments["deleted_at"].isna()].drop(columns="deleted_at")
    payments = payments.merge(
        orders[["order_id", "customer_id", "executor_id", "is_deleted"]], on="order_id", how="left"
    )
    payments = payments[payments["is_deleted"].ne(True)]
    payments = payments.assign(executor_id=payments["executor_id"].fillna("unknown"))
    return Core(customers, _stays(landed, customers), tasks, orders, payments, interactions)


def _task_status(core: Core, end: pd.Timestamp) -> pd.DataFrame:
    tasks = core.tasks
    status = tasks["status"]
    is_final = status.isin(["completed", "cancelled"])
    state = status.where(is_final | ~(tasks["due_at"] < end), "late")
    states = ("new", "in_progress", "awaiting_confirmation", "late", "completed", "cancelled")
    counted = tasks[["month_date", "employee_id", "project_id", "task_type_id"]].assign(
        tasks_created=1,
        **{f"tasks_{name}": (state == name).astype("int64") for name in states},
        tasks_completed_late=((state == "completed") & (tasks["completed_at"] > tasks["due_at"])).astype("int64"),
    )
    return counted.groupby(["month_date", "employee_id", "project_id", "task_type_id"], as_index=False).sum()


def _in_charge(core: Core, as_of: pd.Timestamp, end: pd.Timestamp) -> pd.DataFrame:
    owners = core.stays[(core.stays["field"] == "manager_id") & (core.stays["valid_from_at"] < end)]
    left = owners[owners["valid_to_at"] < end]
    there = core.customers[~core.customers["is_deleted"] & (core.customers["created_at"] < end)]
    monthly = (
        pd.concat(
            [
                pd.DataFrame({"month_date": _month(instants), "employee_id": members, "stock": stock, "now": now})
                for instants, members, stock, now in (
                    (owners["valid_from_at"], owners["member_id"], 1, 0),
                    (left["valid_to_at"], left["member_id"], -1, 0),
                    (there["created_at"], there["manager_id"], 0, 1),
                )
            ]
        )
        .groupby(_MONTH, as_index=False)
        .sum()
    )
    firsts = monthly.groupby("employee_id", as_index=False)[["month_date"]].min()
    months = pd.DataFrame({"month_date": pd.date_range(monthly["month_date"].min(), as_of.replace(day=1), freq="MS")})
    # Files hold microseconds, and so must what is joined with them.
    months["month_date"] = months["month_date"].astype("datetime64[us]")
    grid = firsts.rename(columns={"month_date": "first"}).merge(months, how="cross")
    grid = grid[grid["first"] <= grid["month_date"]].merge(monthly, on=_MONTH, how="left").sort_values(_MONTH[::-1])
    stocks = grid[["stock", "now"]].fillna(0).astype("int64").groupby(grid["employee_id"]).cumsum()
    return grid[_MONTH].assign(customers_in_charge=stocks["stock"], customers_in_charge_current=stocks["now"])


def _per_month(months: pd.Series, employees: pd.Series, figures: Mapping[str, pd.Series | int]) -> pd.DataFrame:
    frame = pd.DataFrame({"month_date": months, "employee_id": employees, **figures})
    added: pd.DataFrame = frame.groupby(_MONTH, as_index=False).sum()
    return added


def _funnel(landed: Mapping[str, pd.DataFrame], core: Core, as_of: pd.Timestamp, end: pd.Timestamp) -> pd.DataFrame:
    owners = core.stays[core.stays["field"] == "manager_id"]
    first_owners = owners.sort_values("valid_from_at").drop_duplicates("customer_id")[["customer_id", "member_id"]]
    created = core.customers.merge(first_owners, on="customer_id", how="left")
    there = core.customers[~core.customers["is_deleted"]]
    assigned = owners.assign(month_date=_month(owners["valid_from_at"]), employee_id=owners["member_id"])
    assigned = assigned.drop_duplicates([*_MONTH, "customer_id"])
    open_tasks = core.tasks[core.tasks["status"] != "cancelled"]
    named = open_tasks[[*_MONTH, "task_id", "customer_ids"]].explode("customer_ids").dropna(subset="customer_ids")
    named["customer_ids"] = named["customer_ids"].where(
        named["customer_ids"].isin(core.customers["customer_id"]), "unknown"
    )
    named = named.drop_duplicates(["task_id", "customer_ids"])
    counted = core.interactions[core.interactions["is_counted"]]
    live = core.orders[~core.orders["is_deleted"]]
    parts = [
        _per_month(_month(created["created_at"]), created["member_id"].fillna("unknown"), {"new_customers": 1}),
        _per_month(_month(there["created_at"]), there["manager_id"], {"new_customers_current": 1}),
        _per_month(assigned["month_date"], assigned["employee_id"], {"customers_assigned": 1}),
        _in_charge(core, as_of, end),
        _per_month(
            _month(counted["occurred_at"]),
            _resolved(counted["employee_id"], landed["employees"]["employee_id"]),
            {"interactions": 1},
        ),
        _per_month(named["month_date"], named["employee_id"], {"interactions": 1}),
        _per_month(core.tasks["month_date"], core.tasks["employee_id"], {"activities": 1}),
        _per_month(
            live["month_date"],
            live["executor_id"],
            {name: live[name] for name in ("orders", "returns", "pending_orders", "sales_amount", "revenue_amount")},
        ),
        _per_month(
            _month(core.payments["paid_on"]),
            core.payments["executor_id"],
            {"collected_amount": core.payments["amount"]},
        ),
    ]
    added = pd.concat(parts).groupby(_MONTH).sum().astype("int64")
    return added[(added != 0).any(axis=1)].reset_index()


def _bands(values: pd.Series, bounds: Sequence[float], names: Sequence[str], otherwise: str) -> pd.Series:
    found = pd.cut(values, [-np.inf, *bounds, np.inf], right=False, labels=list(names))
    return found.astype("str").where(values.notna(), otherwise)


def _cohort(landed: Mapping[str, pd.DataFrame], core: Core, as_of: pd.Timestamp, end: pd.Timestamp) -> pd.DataFrame:
    contacts = landed["contacts"]
    contacts = contacts[contacts["is_primary"].eq(True) & contacts["deleted_at"].isna() & contacts["birthday"].notna()]
    contacts = contacts.sort_values("contact_id").drop_duplicates("customer_id")[["customer_id", "birthday"]]
    live = core.orders[~core.orders["is_deleted"]]
    sales = live[live["order_type"] == "sale"]
    touched = core.interactions[core.interactions["is_contact"]]
    events = pd.concat(
        [
            pd.DataFrame({"customer_id": touched["customer_id"], "at": touched["occurred_at"]}),
            pd.DataFrame({"customer_id": sales["customer_id"], "at": sales["created_at"].fillna(sales["order_date"])}),
        ]
    )
    derived = events[events["at"] < end].groupby("customer_id")["at"].max().rename("contact_at")
    firsts = live[live["orders"] == 1].groupby("customer_id")["order_date"].min().rename("first_order_date")
    bought = live.groupby("customer_id")[["orders", "sales_amount", "revenue_amount"]].sum()
    paid = core.payments.groupby("customer_id")["amount"].sum().rename("collected_amount")
    found = core.customers.merge(contacts, on="customer_id", how="left", suffixes=("", "_of_contact"))
    for more in (derived, firsts, bought, paid):
        found = found.merge(more, left_on="customer_id", right_index=True, how="left")
    birthday = found["birthday"].fillna(found["birthday_of_contact"])
    birthday = birthday.where(birthday <= as_of)
    day = birthday.dt.month * 100 + birthday.dt.day
    age = as_of.year - birthday.dt.year - (day > as_of.month * 100 + as_of.day).astype("int64")
    reported = found["last_contact_at"].where(found["last_contact_at"] < end)
    contact = reported.fillna(found["contact_at"])
    care_days = (as_of - contact.dt.normalize()).dt.days
    days = (found["first_order_date"] - found["created_at"].dt.normalize()).dt.days
    return pd.DataFrame(
        {
            "customer_id": found["customer_id"],
            "cohort_month_date": _month(found["created_at"]),
            "manager_id": found["manager_id"],
            "relationship_id": found["relationship_id"],
            "province_id": found["province_id"],
            "gender": found["gender"].fillna("unknown"),
            "age_years": age.astype("Int32"),
            "age_band": _bands(
                age,
                (18, 25, 35, 45, 55, 65),
                ("under_18", "18_to_24", "25_to_34", "35_to_44", "45_to_54", "55_to_64", "65_and_over"),
                "unknown",
            ),
            "care_recency_days": care_days.astype("Int64"),
            "care_recency_bucket": _bands(
                care_days,
                (7, 14, 30, 90),
                ("0_to_6_days", "7_to_13_days", "14_to_29_days", "30_to_89_days", "90_days_and_more"),
                "never",
            ),
            "last_contact_at": contact,
            "first_order_date": found["first_order_date"],
            "orders": found["orders"].fillna(0).astype("int64"),
            **{name: found[name].fillna(0).astype("int64") for name in _AMOUNTS},
            "days_to_first_order": days.where(days >= 0).astype("Int64"),
            "has_negative_cycle": days < 0,
            "is_deleted": found["is_deleted"],
        }
    )


def _each_day(frame: pd.DataFrame, firsts: pd.Series, ends: pd.Series) -> pd.DataFrame:
    """Every row once for each day from its first up to, not including, its end."""
    counts = np.maximum((ends - firsts).dt.days.to_numpy(), 0)
    place = np.repeat(np.arange(len(frame)), counts)
    offset = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    days = firsts.to_numpy().astype("datetime64[D]")[place] + offset
    return frame.iloc[place].assign(as_of_date=days.astype("datetime64[us]"))


def _journey(core: Core, as_of: pd.Timestamp) -> pd.DataFrame:
    owners, relationships = (
        core.stays[core.stays["field"] == field]
        .drop(columns="field")
        .rename(columns={"member_id": field})
        .fillna({"valid_to_at": _FAR})
        for field in ("manager_id", "relationship_id")
    )
    both = owners.merge(relationships, on="customer_id", suffixes=("_o", "_r"))
    both = both[(both["valid_from_at_o"] < both["valid_to_at_r"]) & (both["valid_to_at_o"] > both["valid_from_at_r"])]
    both = both.merge(core.customers[["customer_id", "created_at"]], on="customer_id")
    stretches = pd.DataFrame(
        {
            "manager_id": both["manager_id"],
            "relationship_id": both["relationship_id"],
            "created_date": both["created_at"].dt.normalize(),
            "from_date": both[["valid_from_at_o", "valid_from_at_r"]].max(axis=1).dt.normalize(),
            "to_date": both[["valid_to_at_o", "valid_to_at_r"]].min(axis=1).dt.normalize().clip(upper=as_of + _A_DAY),
        }
    )
    stretches = stretches[stretches["from_date"] < stretches["to_date"]]
    grouped = stretches.groupby(list(stretches.columns)).size().rename("customers").reset_index()
    old_date = grouped["created_date"] + 85 * _A_DAY
    place = ["manager_id", "relationship_id"]
    recent = _each_day(grouped, grouped["from_date"], _earlier(grouped["to_date"], old_date))
    recent = recent.groupby(["as_of_date", *place, "created_date"], as_index=False)[["customers"]].sum()
    start = grouped["from_date"].where(grouped["from_date"] > old_date, old_date)
    old = grouped.assign(start=start)[start < grouped["to_date"]]
    changes = pd.concat(
        [
            old[[*place, "customers"]].assign(as_of_date=old["start"]),
            old[place].assign(customers=-old["customers"], as_of_date=old["to_date"]),
        ]
    )
    levels = changes.groupby([*place, "as_of_date"], as_index=False)[["customers"]].sum()
    levels["customers"] = levels.groupby(place)["customers"].cumsum()
    end = levels.groupby(place)["as_of_date"].shift(-1).fillna(as_of + _A_DAY)
    held = levels["customers"] > 0
    old_days = _each_day(levels[held], levels["as_of_date"][held], end[held])
    unknown = pd.Series(pd.NaT, index=old_days.index, dtype="datetime64[us]")
    return pd.concat([recent, old_days.assign(created_date=unknown)[recent.columns]])


def _write(path: Path, mart: pd.DataFrame) -> None:
    """As the marts have it: days as dates, cents as money."""
    table = pa.Table.from_pandas(mart, preserve_index=False)
    for place, name in enumerate(table.column_names):
        if name.endswith("_date"):
            table = table.set_column(place, name, table[name].cast(pa.date32()))
        elif name in _AMOUNTS:
            money = pc.multiply(table[name].cast(pa.decimal128(19, 0)), pa.scalar(Decimal("0.01"), pa.decimal128(3, 2)))
            table = table.set_column(place, name, money)
    pq.write_table(table, path, compression="zstd")


def main() -> None:
    """Make the four marts as Parquet files of the target."""
    given = Given.from_arguments()
    as_of = pd.Timestamp(given.as_of)
    end = as_of + _A_DAY
    landed = {entity: _read(path, _COLUMNS[entity]) for entity, path in given.files().items()}
    core = _core(landed, as_of)
    marts: Mapping[str, Callable[[], pd.DataFrame]] = {
        "fct_funnel": lambda: _funnel(landed, core, as_of, end),
        "fct_task_status": lambda: _task_status(core, end),
        "dim_customer_cohort": lambda: _cohort(landed, core, as_of, end),
        "fct_journey": lambda: _journey(core, as_of),
    }
    for name, made in marts.items():
        _write(given.target / f"{name}.parquet", made())


if __name__ == "__main__":
    main()
