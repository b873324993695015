"""The marts of the customer cycle, the true funnel and the journey's times, computed from landed rows without SQL.

Belongs here: pure functions from the company to these marts' rows. Not here: the card's marts (`oracle.py`), comparing.
Medians with censoring are scipy's, which knows nothing of the model's Kaplan-Meier.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from statistics import median

import pandas as pd
from scipy.stats import CensoredData, ecdf

from tests.oracle.oracle import (
    NONE,
    UNKNOWN,
    ZERO,
    Company,
    Life,
    Row,
    interaction_counts,
    month_of,
    order_counts,
    order_money,
    payments,
    task_customers,
    value_at_the_end,
)

WINDOWS = (4, 7, 14, 21, 28, 30, 35, 42, 49, 56, 60, 63, 70, 77, 84)
MOVES_WINDOW = 84


@dataclass
class Stay:
    """A customer's time in one relationship: `left_at` None while it lasts."""

    customer_id: str
    number: int
    relationship_id: str
    entered_at: datetime
    left_at: datetime | None = None
    has_moved_on: bool = False

    def days(self, as_of: date) -> int:
        """Company days until it was left, or until as_of."""
        return ((self.left_at.date() if self.left_at else as_of) - self.entered_at.date()).days


def in_window(day: date, window_days: int, as_of: date) -> bool:
    """Whether a day is one of the last `window_days`, as_of included."""
    return 0 <= (as_of - day).days < window_days


def mean(total: int, count: int) -> float | None:
    """The quotient; None for nothing."""
    return total / count if count else None


def kaplan_meier_median(converted: Sequence[int], waiting: Sequence[int]) -> int | None:
    """The first day by which scipy's survival function is at one half or below; None when it never is."""
    if not converted:
        return None
    survival = ecdf(CensoredData(uncensored=converted, right=waiting)).sf
    reached = [
        int(day) for day, share in zip(survival.quantiles, survival.probabilities, strict=True) if share <= 0.5 + 1e-9
    ]
    return min(reached) if reached else None


# --- stays and where customers stand ----------------------------------------------------------------------------------


def stays_of(c: Company, customer_id: str, life: Life) -> list[Stay]:
    """A customer's stays, looked for at every instant at which anything of it changed."""
    changes = {at for at, _ in life.relationships} | {since for since, _ in life.gone}
    instants = sorted(at for at in changes | {to for _, to in life.gone if to} if life.created_at <= at < c.end)
    stays: list[Stay] = []
    is_there = False
    for at in instants:
        just_after = at + timedelta(microseconds=1)
        was_there, is_there = is_there, life.lives_at_the_end(just_after)
        if was_there and not is_there:
            stays[-1].left_at = at
        if not is_there:
            continue
        relationship = value_at_the_end(life.relationships, just_after)
        if stays and stays[-1].relationship_id == relationship:
            stays[-1].left_at = None
            continue
        if stays:
            stays[-1].left_at, stays[-1].has_moved_on = at, True
        stays.append(Stay(customer_id, len(stays) + 1, relationship, at))
    return stays


def all_stays(c: Company) -> dict[str, list[Stay]]:
    """Every customer's stays."""
    return {customer_id: stays_of(c, customer_id, life) for customer_id, life in c.lives.items()}


def owner_at(life: Life, at: datetime) -> str:
    """The person in charge at an instant."""
    return value_at_the_end(life.owners, at + timedelta(microseconds=1))


def relationship_stays(c: Company) -> pd.DataFrame:
    """fct_relationship_stays."""
    rows = []
    for customer_id, stays in all_stays(c).items():
        seen: set[str] = set()
        for stay in stays:
            rows.append(
                {
                    "customer_id": customer_id,
                    "stay_number": stay.number,
                    "relationship_id": stay.relationship_id,
                    "manager_id": owner_at(c.lives[customer_id], stay.entered_at),
                    "entered_at": stay.entered_at,
                    "entered_date": stay.entered_at.date(),
                    "left_at": stay.left_at,
                    "left_date": stay.left_at.date() if stay.left_at else None,
                    "days_in_stage": stay.days(c.as_of),
                    "is_open": stay.left_at is None,
                    "has_moved_on": stay.has_moved_on,
                    "is_first_entry": stay.relationship_id not in seen,
                    "is_first_stay": stay.number == 1,
                }
            )
            seen.add(stay.relationship_id)
    return pd.DataFrame(rows, dtype=object)


def customer_stages(c: Company) -> pd.DataFrame:
    """fct_customer_stages."""
    rows = [
        {
            "customer_id": customer_id,
            "manager_id": c.reference("employees", c.tables["customers"][(customer_id,)]["manager_id"]),
            "relationship_id": stays[-1].relationship_id,
            "created_date": c.lives[customer_id].created_at.date(),
            "entered_date": stays[-1].entered_at.date(),
            "days_in_stage": stays[-1].days(c.as_of),
            "stay_number": stays[-1].number,
        }
        for customer_id, stays in all_stays(c).items()
        if stays and stays[-1].left_at is None
    ]
    return pd.DataFrame(rows, dtype=object)


# --- the cycle --------------------------------------------------------------------------------------------------------


def live_customers(c: Company) -> Iterable[Row]:
    """Live customers created by as_of."""
    return (customer for customer in c.rows("customers") if customer["created_at"].date() <= c.as_of)


def first_orders(c: Company) -> dict[str, date]:
    """The day of every customer's first counted sale until as_of."""
    first: dict[str, date] = {}
    for order in c.rows("orders"):
        if order["order_type"] == "sale" and order_counts(order) and order["order_date"] <= c.as_of:
            customer_id = c.reference("customers", order["customer_id"])
            first[customer_id] = min(first.get(customer_id, order["order_date"]), order["order_date"])
    return first


def customer_cycle(c: Company) -> pd.DataFrame:
    """fct_customer_cycle."""
    orders = first_orders(c)
    entries = {
        (customer_id, stay.relationship_id): stay.entered_at.date()
        for customer_id, stays in all_stays(c).items()
        for stay in reversed(stays)
    }
    relationships = [str(key[0]) for key in c.tables["relationships"]]
    rows = []
    for customer in live_customers(c):
        customer_id, created = customer["customer_id"], customer["created_at"].date()
        events = [("order", "order", orders.get(customer_id))]
        events += [("relationship", name, entries.get((customer_id, name))) for name in relationships]
        for result_type, result_id, event in events:
            waited = None if event is None else (event - created).days
            rows.append(
                {
                    "customer_id": customer_id,
                    "result_type": result_type,
                    "result_id": result_id,
                    "manager_id": c.reference("employees", customer["manager_id"]),
                    "created_date": created,
                    "event_date": event,
                    "days_to_event": waited if waited is not None and waited >= 0 else None,
                    "days_observed": (c.as_of - created).days if waited is None else None,
                    "is_converted": waited is not None and waited >= 0,
                    "has_negative_duration": waited is not None and waited < 0,
                }
            )
    return pd.DataFrame(rows, dtype=object)


def groups_of(c: Company, customer: Row) -> list[tuple[str, str]]:
    """(breakdown, member) of every group a customer is counted in."""
    given = customer["source_ids"]
    sources = {c.reference("sources", source) for source in (given if given is not None else [])} or {NONE}
    relationship = c.reference("relationships", customer["relationship_id"])
    return [("all", "all"), ("relationship", relationship), *(("source", source) for source in sources)]


def cycle_members(c: Company) -> pd.DataFrame:
    """fct_cycle_members."""
    rows = [
        {
            "customer_id": customer["customer_id"],
            "breakdown": breakdown,
            "member_id": member,
            "manager_id": c.reference("employees", customer["manager_id"]),
        }
        for customer in live_customers(c)
        for breakdown, member in groups_of(c, customer)
    ]
    return pd.DataFrame(rows, dtype=object)


def cycle_figures(followed: Sequence[Row]) -> Row:
    """The figures of one group of customers, given their rows of fct_customer_cycle."""
    counted = [row for row in followed if not row["has_negative_duration"]]
    took = [row["days_to_event"] for row in counted if row["is_converted"]]
    waiting = [row["days_observed"] for row in counted if not row["is_converted"]]
    return {
        "customers": len(followed),
        "excluded_negative": len(followed) - len(counted),
        "counted_customers": len(counted),
        "converted": len(took),
        "conversion_rate": mean(len(took), len(counted)),
        "total_days": sum(took),
        "mean_days": mean(sum(took), len(took)),
        "median_days": float(median(took)) if took else None,
        "km_median_days": kaplan_meier_median(took, waiting),
    }


def customer_cycle_kpi(c: Company) -> pd.DataFrame:
    """kpi_customer_cycle."""
    groups = {customer["customer_id"]: groups_of(c, customer) for customer in live_customers(c)}
    cells: dict[tuple[int, str, str, str, str, str], list[Row]] = defaultdict(list)
    for row in customer_cycle(c).to_dict("records"):
        for window in WINDOWS:
            if in_window(row["created_date"], window, c.as_of):
                for breakdown, member in groups[row["customer_id"]]:
                    key = (window, row["result_type"], row["result_id"], breakdown, member, row["manager_id"])
                    cells[key].append({str(name): value for name, value in row.items()})
    keys = ["window_days", "result_type", "result_id", "breakdown", "member_id", "manager_id"]
    rows = [{**dict(zip(keys, key, strict=True)), **cycle_figures(rows)} for key, rows in cells.items()]
    return pd.DataFrame(rows, dtype=object)


def company_cycle(c: Company, window: int, result_id: str) -> Row:
    """The whole company's figures for one window and one result."""
    rows = [{str(name): value for name, value in row.items()} for row in customer_cycle(c).to_dict("records")]
    chosen = [r for r in rows if r["result_id"] == result_id and in_window(r["created_date"], window, c.as_of)]
    return cycle_figures(chosen)


# --- the true funnel --------------------------------------------------------------------------------------------------

STEPS = ("interaction", "task", "order", "payment")


def first_days(c: Company) -> Mapping[str, Mapping[str, date]]:
    """Per step, the first day of every customer that did it until as_of."""
    days: dict[str, dict[str, date]] = {step: {} for step in STEPS}

    def reach(step: str, given: str | None, day: date) -> None:
        customer_id = c.reference("customers", given)
        if day <= c.as_of:
            days[step][customer_id] = min(days[step].get(customer_id, day), day)

    for interaction in c.rows("interactions"):
        if interaction_counts(interaction):
            reach("interaction", interaction["customer_id"], interaction["occurred_at"].date())
    for task in c.rows("tasks"):
        if task["status"] != "cancelled":
            for customer_id in task_customers(c, task):
                reach("interaction", customer_id, task["created_at"].date())
                reach("task", customer_id, task["created_at"].date())
    for payment, order in payments(c):
        if order is not None and payment["amount"] > 0:
            reach("payment", order["customer_id"], payment["paid_on"])
    days["order"].update(first_orders(c))
    return days


def revenues(c: Company) -> dict[str, Decimal]:
    """Doanh thu per customer of orders dated until as_of, returns negative."""
    money = order_money(c)
    revenue: dict[str, Decimal] = defaultdict(lambda: ZERO)
    for order in c.rows("orders"):
        if order_counts(order) and order["order_date"] <= c.as_of:
            sign = -1 if order["order_type"] == "return" else 1
            revenue[c.reference("customers", order["customer_id"])] += sign * money[order["order_id"]][1]
    return revenue


def customer_milestones(c: Company) -> pd.DataFrame:
    """fct_customer_milestones."""
    days, revenue = first_days(c), revenues(c)
    rows = []
    for customer in c.tables["customers"].values():
        customer_id = customer["customer_id"]
        life = c.lives[customer_id]
        own = [days[step].get(customer_id) for step in STEPS]
        reached = [any(later is not None for later in own[place:]) for place in range(len(STEPS))]
        was_there = any(stay.number == 1 for stay in stays_of(c, customer_id, life))
        rows.append(
            {
                "customer_id": customer_id,
                "cohort_month_date": month_of(customer["created_at"].date()),
                "manager_id": owner_at(life, customer["created_at"]) if was_there else UNKNOWN,
                **{f"first_{step}_date": day for step, day in zip(STEPS, own, strict=True)},
                **{f"has_reached_{step}": is_reached for step, is_reached in zip(STEPS, reached, strict=True)},
                "revenue_amount": revenue[customer_id],
                "is_deleted": customer["is_deleted"],
            }
        )
    return pd.DataFrame(rows, dtype=object)


def cohort_funnel(c: Company) -> pd.DataFrame:
    """kpi_cohort_funnel."""
    rows = []
    for (month, manager), group in customer_milestones(c).groupby(["cohort_month_date", "manager_id"]):
        customers = len(group)
        interaction, task, order, payment = (int(group[f"has_reached_{step}"].sum()) for step in STEPS)
        rows.append(
            {
                "cohort_month_date": month,
                "manager_id": manager,
                "customers": customers,
                "with_interaction": interaction,
                "with_task": task,
                "with_order": order,
                "with_payment": payment,
                "revenue_amount": sum(group["revenue_amount"], ZERO),
                "with_interaction_rate": mean(interaction, customers),
                "with_task_rate": mean(task, customers),
                "with_order_rate": mean(order, customers),
                "with_payment_rate": mean(payment, customers),
                "task_step_rate": mean(task, interaction),
                "order_step_rate": mean(order, task),
                "payment_step_rate": mean(payment, order),
            }
        )
    return pd.DataFrame(rows, dtype=object)


# --- time in stage ----------------------------------------------------------------------------------------------------

MOVES = ("moves_in", "moves_out", "moves_forward", "moves_backward", "moves_unordered", "moves_skipping")


def journey_time(c: Company) -> pd.DataFrame:
    """kpi_journey_time."""
    open_days: dict[tuple[str, str], list[int]] = defaultdict(list)
    closed_days: dict[tuple[str, str], list[int]] = defaultdict(list)
    moves: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for row in customer_stages(c).to_dict("records"):
        open_days[row["manager_id"], row["relationship_id"]].append(row["days_in_stage"])
    for customer_id, stays in all_stays(c).items():
        life = c.lives[customer_id]
        for stay, following in pairwise(stays):
            cell = owner_at(life, stay.entered_at), stay.relationship_id
            closed_days[cell].append(stay.days(c.as_of))
            if in_window(following.entered_at.date(), MOVES_WINDOW, c.as_of):
                owner = owner_at(life, following.entered_at)
                moves[owner, following.relationship_id]["moves_in"] += 1
                moves[owner, stay.relationship_id].update(
                    _kind_of_move(c, stay.relationship_id, following.relationship_id)
                )
    rows = []
    for cell in open_days.keys() | closed_days.keys() | moves.keys():
        standing, past = open_days.get(cell, []), closed_days.get(cell, [])
        rows.append(
            {
                "manager_id": cell[0],
                "relationship_id": cell[1],
                "customers": len(standing),
                "total_open_days": sum(standing),
                "mean_open_days": mean(sum(standing), len(standing)),
                "median_open_days": float(median(standing)) if standing else None,
                "closed_stays": len(past),
                "total_closed_days": sum(past),
                "mean_closed_days": mean(sum(past), len(past)),
                "median_closed_days": float(median(past)) if past else None,
                **{name: moves[cell][name] for name in MOVES},
            }
        )
    return pd.DataFrame(rows, dtype=object)


def _kind_of_move(c: Company, left: str, entered: str) -> list[str]:
    """The measures that a move out of a relationship adds one to."""
    places = {str(key[0]): row["relationship_order"] for key, row in c.tables["relationships"].items()}
    start, end = places.get(left), places.get(entered)
    if start is None or end is None or start == end:
        return ["moves_out", "moves_unordered"]
    if end < start:
        return ["moves_out", "moves_backward"]
    between = {row["relationship_order"] for row in c.rows("relationships")}
    skips = any(place is not None and start < place < end for place in between)
    return ["moves_out", "moves_forward", *(["moves_skipping"] if skips else [])]


def journey_window(c: Company, window: int) -> dict[str, int]:
    """Live customers per relationship at the end of as_of, of those created in the window."""
    stock: Counter[str] = Counter()
    for life in c.lives.values():
        if life.lives_at_the_end(c.end) and in_window(life.created_at.date(), window, c.as_of):
            stock[value_at_the_end(life.relationships, c.end)] += 1
    return dict(stock)
