"""Campaigns by opportunities and interactions: computed from landed rows without SQL.

Belongs here: pure functions from the company to the rows of the marts in `models/marts/campaigns/`. Not here: the
company itself and the rules shared with the card's marts (`oracle.py`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pandas as pd

from tests.oracle.oracle import NONE, UNKNOWN, ZERO, Company, Row, interaction_counts, month_of, task_customers

NOBODY = {NONE, UNKNOWN}


def campaigns(c: Company) -> pd.DataFrame:
    """dim_campaigns; the demo's own campaigns are never called 'none' or 'unknown'."""
    rows = [
        {"campaign_id": NONE, "campaign_name": "(none)", "is_deleted": False, "is_placeholder": True},
        {"campaign_id": UNKNOWN, "campaign_name": "(unknown)", "is_deleted": False, "is_placeholder": True},
    ]
    rows += [
        {
            "campaign_id": campaign["campaign_id"],
            "campaign_name": campaign["campaign_name"],
            "is_deleted": campaign["is_deleted"],
            "is_placeholder": False,
        }
        for campaign in c.tables["campaigns"].values()
    ]
    return pd.DataFrame(rows, dtype=object)


def closing(opportunity: Row) -> datetime | None:
    """When it was closed; None while it is open, whatever time the CRM kept."""
    at: datetime | None = opportunity["closed_at"]
    return None if opportunity["status"] == "open" else at


def _day(at: datetime | None) -> date | None:
    return None if at is None else at.date()


def _month(at: datetime | None) -> date | None:
    return None if at is None else month_of(at.date())


def opportunities(c: Company) -> pd.DataFrame:
    """fct_opportunities."""
    rows = []
    for opportunity in c.rows("opportunities"):
        status, created, closed = opportunity["status"], opportunity["created_at"], closing(opportunity)
        days = None if created is None or closed is None else (closed.date() - created.date()).days
        is_negative = days is not None and days < 0
        rows.append(
            {
                "opportunity_id": opportunity["opportunity_id"],
                "campaign_id": c.reference("campaigns", opportunity["campaign_id"]),
                "customer_id": c.reference("customers", opportunity["customer_id"]),
                "owner_id": c.reference("employees", opportunity["owner_id"]),
                "product_id": c.reference("products", opportunity["product_id"]),
                "approach_method": opportunity["approach_method"] or UNKNOWN,
                "stage_name": opportunity["stage_name"],
                "stage_order": opportunity["stage_order"],
                "status": status,
                "is_open": status == "open",
                "is_won": status == "won",
                "is_lost": status == "lost",
                "created_at": created,
                "created_date": _day(created),
                "month_date": _month(created),
                "closed_at": closed,
                "closed_date": _day(closed),
                "closed_month_date": _month(closed),
                "days_to_close": None if is_negative else days,
                "has_negative_days_to_close": is_negative,
                "expected_amount": opportunity["expected_amount"],
            }
        )
    return pd.DataFrame(rows, dtype=object)


def campaign_month(c: Company) -> pd.DataFrame:
    """kpi_campaign_month."""
    cells: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
    for opportunity in c.rows("opportunities"):
        key = (
            _month(opportunity["created_at"]),
            c.reference("campaigns", opportunity["campaign_id"]),
            c.reference("employees", opportunity["owner_id"]),
            opportunity["approach_method"] or UNKNOWN,
        )
        cells[key].append(opportunity)
    rows = []
    for (month, campaign, owner, method), opened in cells.items():
        won = [opportunity for opportunity in opened if opportunity["status"] == "won"]
        lost = [opportunity for opportunity in opened if opportunity["status"] == "lost"]
        rows.append(
            {
                "month_date": month,
                "campaign_id": campaign,
                "owner_id": owner,
                "approach_method": method,
                "opportunities": len(opened),
                "opportunities_open": len(opened) - len(won) - len(lost),
                "opportunities_won": len(won),
                "opportunities_lost": len(lost),
                "opportunities_closed": len(won) + len(lost),
                "expected_amount": _amount(opened),
                "won_amount": _amount(won),
                "won_of_closed_rate": len(won) / (len(won) + len(lost)) if won or lost else None,
                "won_of_all_rate": len(won) / len(opened),
            }
        )
    return pd.DataFrame(rows, dtype=object)


def _amount(opened: list[Row]) -> Decimal:
    return sum((opportunity["expected_amount"] or ZERO for opportunity in opened), ZERO)


@dataclass(frozen=True)
class Contact:
    """One counted interaction of one employee with one customer."""

    key: str
    type: str
    at: datetime


def _contacts(c: Company) -> Iterator[tuple[str, str, Contact]]:
    """Every counted interaction with its employee and customer."""
    for row in c.rows("interactions"):
        if interaction_counts(row):
            contact = Contact(f"interaction:{row['interaction_id']}", row["type"], row["occurred_at"])
            yield c.reference("employees", row["employee_id"]), c.reference("customers", row["customer_id"]), contact
    for task in c.rows("tasks"):
        if task["status"] != "cancelled":
            for customer in task_customers(c, task):
                contact = Contact(f"task:{task['task_id']}:{customer}", "task", task["created_at"])
                yield c.reference("employees", task["assignee_id"]), customer, contact


def campaign_interactions(c: Company) -> pd.DataFrame:
    """fct_campaign_interactions, one opportunity at a time."""
    contacts: dict[tuple[str, str], list[Contact]] = defaultdict(list)
    for employee, customer, contact in _contacts(c):
        contacts[employee, customer].append(contact)
    rows: dict[tuple[str, str, str], dict[str, Any]] = {}
    for opportunity in c.rows("opportunities"):
        owner = c.reference("employees", opportunity["owner_id"])
        customer = c.reference("customers", opportunity["customer_id"])
        campaign = c.reference("campaigns", opportunity["campaign_id"])
        opened, closed = opportunity["created_at"], closing(opportunity)
        if owner in NOBODY or customer in NOBODY or opened is None:
            continue
        for contact in contacts[owner, customer]:
            if not opened <= contact.at < c.end or (closed is not None and closed <= contact.at):
                continue
            row = rows.setdefault(
                (campaign, owner, contact.key),
                {
                    "campaign_id": campaign,
                    "owner_id": owner,
                    "interaction_key": contact.key,
                    "customer_id": customer,
                    "interaction_type": contact.type,
                    "occurred_at": contact.at,
                    "occurred_date": contact.at.date(),
                    "month_date": month_of(contact.at.date()),
                    "open_opportunities": 0,
                    "campaign_interactions": 1,
                },
            )
            row["open_opportunities"] += 1
    return pd.DataFrame(list(rows.values()), dtype=object)


def campaign_owner(c: Company) -> pd.DataFrame:
    """kpi_campaign_owner."""
    customers: dict[tuple[str, str], list[str]] = defaultdict(list)
    for opportunity in c.rows("opportunities"):
        campaign = c.reference("campaigns", opportunity["campaign_id"])
        owner = c.reference("employees", opportunity["owner_id"])
        customers[campaign, owner].append(c.reference("customers", opportunity["customer_id"]))
    contacts = campaign_interactions(c)
    return pd.DataFrame(
        [
            {
                "campaign_id": campaign,
                "owner_id": owner,
                "opportunities": len(of_owner),
                "opportunity_customers": len(set(of_owner) - NOBODY),
                "campaign_interactions": int(
                    ((contacts["campaign_id"] == campaign) & (contacts["owner_id"] == owner)).sum()
                ),
            }
            for (campaign, owner), of_owner in customers.items()
        ],
        dtype=object,
    )


Compute = Callable[[Company], pd.DataFrame]
MARTS: Mapping[str, tuple[tuple[str, ...], Compute]] = {
    "dim_campaigns": (("campaign_id",), campaigns),
    "fct_campaign_interactions": (("campaign_id", "owner_id", "interaction_key"), campaign_interactions),
    "fct_opportunities": (("opportunity_id",), opportunities),
    "kpi_campaign_month": (("month_date", "campaign_id", "owner_id", "approach_method"), campaign_month),
    "kpi_campaign_owner": (("campaign_id", "owner_id"), campaign_owner),
}
