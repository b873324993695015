"""What happened with the customers somebody was, or is, in charge of: computed from landed rows without SQL.

Belongs here: pure functions from the company to the rows of the marts in `models/marts/customers/`. Not here: the
company itself and the rules shared with the card's marts (`oracle.py`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

import pandas as pd

from tests.oracle import oracle
from tests.oracle.oracle import UNKNOWN, ZERO, Company, Life, month_of

Stretches = Sequence[tuple[datetime, str]]


def stretches(life: Life) -> Stretches:
    """(start, owner) of every span in which a customer that was there had one owner, oldest first."""
    found = []
    ends = [at for at, _ in life.owners[1:]]
    for (at, owner), end in zip(life.owners, [*ends, None], strict=True):
        # What is left of [at, end) without the spans in which the customer was gone.
        start: datetime | None = at
        for since, to in sorted(life.gone, key=lambda span: span[0]):
            if start is None or (to is not None and to <= start) or (end is not None and since >= end):
                continue
            if since > start:
                found.append((start, owner))
            start = to
        if start is not None and (end is None or start < end):
            found.append((start, owner))
    return sorted(found, key=lambda stretch: stretch[0])


def owner_then(of_customer: Stretches, at: datetime) -> str:
    """The owner since the last start before or at the instant; the first owner before all; unknown without one."""
    if not of_customer:
        return UNKNOWN
    begun = [owner for start, owner in of_customer if start <= at]
    return begun[-1] if begun else of_customer[0][1]


def end_of(day: date) -> datetime:
    """The last instant of a company day: an event that has a day only belongs to who has the customer then."""
    return datetime.combine(day + timedelta(days=1), time.min) - timedelta(microseconds=1)


FIGURES = (
    "new_customers",
    "interactions",
    "call_seconds",
    "orders",
    "sales_amount",
    "revenue_amount",
    "collected_amount",
)


def _happenings(c: Company) -> Iterator[tuple[str, str, str, datetime, str | None, dict[str, Any]]]:
    """(kind, id, customer, instant, interaction type, figures) of everything that counts."""
    for customer in c.tables["customers"].values():
        customer_id = customer["customer_id"]
        yield "customer", customer_id, customer_id, customer["created_at"], None, {"new_customers": 1}
    for row in filter(oracle.interaction_counts, c.rows("interactions")):
        seconds = int(row["duration_seconds"] or 0) if row["type"] == "call" else 0
        customer_id = c.reference("customers", row["customer_id"])
        key = f"interaction:{row['interaction_id']}"
        counts = {"interactions": 1, "call_seconds": seconds}
        yield "interaction", key, customer_id, row["occurred_at"], row["type"], counts
    for task in c.rows("tasks"):
        if task["status"] != "cancelled":
            for customer_id in oracle.task_customers(c, task):
                key = f"task:{task['task_id']}:{customer_id}"
                yield "interaction", key, customer_id, task["created_at"], "task", {"interactions": 1}
    money = oracle.order_money(c)
    for order in filter(oracle.order_counts, c.rows("orders")):
        is_return = order["order_type"] == "return"
        sales, revenue = (-amount if is_return else amount for amount in money[order["order_id"]])
        sold = {"orders": 0 if is_return else 1, "sales_amount": sales, "revenue_amount": revenue}
        customer_id = c.reference("customers", order["customer_id"])
        yield "order", order["order_id"], customer_id, end_of(order["order_date"]), None, sold
    for payment, paid_order in oracle.payments(c):
        customer_id = UNKNOWN if paid_order is None else c.reference("customers", paid_order["customer_id"])
        paid = {"collected_amount": payment["amount"]}
        yield "payment", payment["payment_id"], customer_id, end_of(payment["paid_on"]), None, paid


def customer_events(c: Company) -> pd.DataFrame:
    """fct_customer_events."""
    of_customers = {customer_id: stretches(life) for customer_id, life in c.lives.items()}
    rows = []
    for kind, identifier, customer_id, at, interaction_type, figures in _happenings(c):
        customer = c.tables["customers"].get((customer_id,))
        if customer is None:
            then = now = customer_id
        else:
            then, now = owner_then(of_customers[customer_id], at), c.reference("employees", customer["manager_id"])
        rows.append(
            {
                "event_kind": kind,
                "event_id": identifier,
                "customer_id": customer_id,
                "manager_id": then,
                "manager_current_id": now,
                "is_customer_deleted": customer is not None and customer["is_deleted"],
                "event_date": at.date(),
                "month_date": month_of(at.date()),
                "interaction_type": interaction_type,
                **{name: ZERO if name.endswith("_amount") else 0 for name in FIGURES},
                **figures,
            }
        )
    return pd.DataFrame(rows, dtype=object)


BY_TYPE = {
    "customer_emails_read": "email",
    "customer_sms_delivered": "sms",
    "customer_calls_answered": "call",
    "customer_tasks": "task",
}
WHOLE = {
    "customer_call_seconds": "call_seconds",
    "customer_interactions": "interactions",
    "customer_orders": "orders",
    "customer_sales_amount": "sales_amount",
    "customer_revenue_amount": "revenue_amount",
    "customer_collected_amount": "collected_amount",
}
STOCKS = ("new_customers", "new_customers_current", "customers_in_charge", "customers_in_charge_current")


def customer_month(c: Company) -> pd.DataFrame:
    """kpi_customer_month: every event added to its manager then and, unless the customer is deleted, to the one now."""
    measures = [f"{name}{version}" for name in (*BY_TYPE, *WHOLE) for version in ("", "_current")]
    cells: dict[tuple[date, str], dict[str, Any]] = defaultdict(
        lambda: {name: ZERO if "_amount" in name else 0 for name in (*STOCKS, *measures)}
    )
    for row in oracle.funnel(c).to_dict("records"):
        cells[row["month_date"], row["employee_id"]].update({name: row[name] for name in STOCKS})
    for event in customer_events(c).to_dict("records"):
        versions = {"": event["manager_id"]}
        if not event["is_customer_deleted"]:
            versions["_current"] = event["manager_current_id"]
        for version, manager in versions.items():
            cell = cells[event["month_date"], manager]
            for name, figure in WHOLE.items():
                cell[f"{name}{version}"] += event[figure]
            for name, kind in BY_TYPE.items():
                cell[f"{name}{version}"] += event["interactions"] if event["interaction_type"] == kind else 0
    rows = [
        {"month_date": month, "manager_id": manager, **figures}
        for (month, manager), figures in cells.items()
        if any(figures.values())
    ]
    return pd.DataFrame(rows, dtype=object)


MARTS: dict[str, tuple[tuple[str, ...], Callable[[Company], pd.DataFrame]]] = {
    "fct_customer_events": (("event_kind", "event_id"), customer_events),
    "kpi_customer_month": (("month_date", "manager_id"), customer_month),
}
