"""Calls, targets, departments and the work of tasks: computed from landed rows without SQL.

Belongs here: pure functions from the company to the rows of the marts in `models/marts/sisters/`. Not here: the
company itself and the rules shared with the card's marts (`oracle.py`).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pandas as pd

from tests.oracle.oracle import (
    NONE,
    UNKNOWN,
    ZERO,
    Company,
    Row,
    funnel,
    interaction_counts,
    month_of,
    order_counts,
    order_money,
    payments,
    task_customers,
    task_state,
    value_at_the_end,
)

ONE = Decimal(1)


def rate(numerator: float, denominator: float) -> float | None:
    """The quotient; None for nothing."""
    return float(numerator) / float(denominator) if denominator else None


# --- calls ------------------------------------------------------------------------------------------------------------


def calls(c: Company) -> pd.DataFrame:
    """kpi_call_day."""
    days: dict[tuple[date, str], list[Row]] = defaultdict(list)
    for interaction in c.rows("interactions"):
        if interaction["type"] == "call":
            employee = c.reference("employees", interaction["employee_id"])
            days[interaction["occurred_at"].date(), employee].append(interaction)
    rows = []
    for (day, employee), logged in days.items():
        answered = [call for call in logged if call["outcome"] == "answered"]
        rows.append(
            {
                "occurred_date": day,
                "employee_id": employee,
                "calls": len(logged),
                "calls_outbound": sum(call["direction"] == "outbound" for call in logged),
                "calls_inbound": sum(call["direction"] == "inbound" for call in logged),
                "calls_connected": len(answered),
                "calls_missed": sum(call["outcome"] == "missed" for call in logged),
                "calls_failed": sum(call["outcome"] == "failed" for call in logged),
                "talk_seconds": int(sum(call["duration_seconds"] or 0 for call in answered)),
                "connected_rate": rate(len(answered), len(logged)),
            }
        )
    return pd.DataFrame(rows, dtype=object)


# --- targets ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Event:
    """What one landed row adds to one metric of one employee on one day; `at` is None where it has a day only."""

    metric: str
    employee_id: str
    day: date
    figure: Decimal
    at: datetime | None = None


def events(c: Company) -> Iterator[Event]:
    """Everything that a target or a department's figure adds up."""
    money = order_money(c)
    for customer in c.tables["customers"].values():
        created = customer["created_at"]
        first = value_at_the_end(c.lives[customer["customer_id"]].owners, created + timedelta(microseconds=1))
        yield Event("new_customers", first, created.date(), ONE)
    for interaction in c.rows("interactions"):
        if interaction_counts(interaction):
            employee = c.reference("employees", interaction["employee_id"])
            at = interaction["occurred_at"]
            yield Event("interactions", employee, at.date(), ONE, at)
    for task in c.rows("tasks"):
        at = task["created_at"]
        employee, day = c.reference("employees", task["assignee_id"]), at.date()
        yield Event("activities", employee, day, ONE, at)
        if task["status"] != "cancelled":
            yield Event("interactions", employee, day, Decimal(len(task_customers(c, task))), at)
        if task_state(task, c.end) == "late":
            yield Event("tasks_late", employee, day, ONE)
    for order in filter(order_counts, c.rows("orders")):
        employee, day = c.reference("employees", order["executor_id"]), order["order_date"]
        is_return = order["order_type"] == "return"
        sign = -1 if is_return else 1
        yield Event("returns" if is_return else "orders", employee, day, ONE)
        yield Event("sales_amount", employee, day, sign * money[order["order_id"]][0])
        yield Event("revenue_amount", employee, day, sign * money[order["order_id"]][1])
    for payment, paid_order in payments(c):
        employee = UNKNOWN if paid_order is None else c.reference("employees", paid_order["executor_id"])
        yield Event("collected_amount", employee, payment["paid_on"], payment["amount"])


METRICS = (
    "new_customers",
    "interactions",
    "activities",
    "tasks_late",
    "orders",
    "returns",
    "sales_amount",
    "revenue_amount",
    "collected_amount",
)


def department_of(c: Company, employee: str) -> str:
    """Where somebody belongs now; nobody and unknown people to the departments of these names."""
    if employee in {NONE, UNKNOWN}:
        return employee
    return c.reference("departments", c.tables["employees"][(employee,)]["department_id"])


def departments_up_from(c: Company, department: str) -> set[str]:
    """The department itself and everything above it."""
    passed: set[str] = set()
    while department not in {NONE, UNKNOWN, *passed}:
        passed.add(department)
        department = c.reference("departments", c.tables["departments"][department,]["parent_department_id"])
    return passed


def target_attainment(c: Company) -> pd.DataFrame:
    """kpi_target_attainment, one target and one day at a time; the demo has no target of an unknown owner."""
    by_day: dict[tuple[str, str, str, date], Decimal] = defaultdict(lambda: ZERO)
    for event in events(c):
        by_day["employee", event.employee_id, event.metric, event.day] += event.figure
        department = department_of(c, event.employee_id)
        by_day["department", department, event.metric, event.day] += event.figure
        for above in departments_up_from(c, department):
            by_day["division", above, event.metric, event.day] += event.figure
    rows = []
    for target in c.rows("kpi_targets"):
        employee = c.reference("employees", target["employee_id"])
        department = c.reference("departments", target["department_id"])
        owner = ("department", department) if employee == NONE else ("employee", employee)
        days = [day.date() for day in pd.date_range(target["period_start"], target["period_end"])]
        is_known = target["metric"] in METRICS
        actual = sum((by_day.get((*owner, target["metric"], day), ZERO) for day in days), ZERO)
        division = None
        if is_known and owner[0] == "department":
            division = sum((by_day.get(("division", department, target["metric"], day), ZERO) for day in days), ZERO)
        reached = _reached(target, actual if is_known else None)
        capped = None if reached is None else min(reached, 1.0)
        weight = None if target["weight"] is None else float(target["weight"])
        elapsed = sum(day <= c.as_of for day in days)
        rows.append(
            {
                "period_start": target["period_start"],
                "period_end": target["period_end"],
                "employee_id": employee,
                "department_id": department,
                "metric": target["metric"],
                "target_number": 1,
                "has_known_metric": is_known,
                "direction": target["direction"],
                "target_value": target["target_value"],
                "actual_value": actual if is_known else None,
                "attainment_rate": reached,
                "attainment_capped_rate": capped,
                "actual_value_with_below": division,
                "attainment_with_below_rate": _reached(target, division),
                "weight": target["weight"],
                "weighted_rate": None if weight is None or reached is None else weight * reached,
                "weighted_capped_rate": None if weight is None or capped is None else weight * capped,
                "period_days": len(days),
                "elapsed_days": elapsed,
                "elapsed_rate": rate(elapsed, len(days)),
            }
        )
    return pd.DataFrame(rows, dtype=object)


def _reached(target: Row, actual: Decimal | None) -> float | None:
    """How much of the target was achieved; less is better from 2 down to 0."""
    share = None if actual is None else rate(float(actual), float(target["target_value"]))
    return share if share is None or target["direction"] == "increase" else max(0.0, 2 - share)


# --- departments ------------------------------------------------------------------------------------------------------

MONEYS = ("sales_amount", "revenue_amount", "collected_amount")
MONTH_METRICS = ("new_customers", "interactions", "activities", "orders", *MONEYS)


def _sums(
    c: Company, key: Callable[[Event], tuple[Any, ...] | None], names: tuple[str, ...], metrics: tuple[str, ...]
) -> list[dict[str, Any]]:
    """Events added up by a key (None: left out); cells of zeros only are left out."""
    cells: dict[tuple[Any, ...], dict[str, Decimal]] = defaultdict(lambda: dict.fromkeys(metrics, ZERO))
    for event in events(c):
        at = key(event)
        if at is not None and event.metric in metrics:
            cells[at][event.metric] += event.figure
    return [
        {**dict(zip(names, at, strict=True)), **{m: f if m in MONEYS else int(f) for m, f in figures.items()}}
        for at, figures in cells.items()
        if any(figures.values())
    ]


def department_day(c: Company) -> pd.DataFrame:
    """kpi_department_day."""

    def key(event: Event) -> tuple[Any, ...]:
        return department_of(c, event.employee_id), event.day

    return pd.DataFrame(_sums(c, key, ("department_id", "calendar_date"), MONEYS), dtype=object)


def department_month(c: Company) -> pd.DataFrame:
    """kpi_department_month, from its members' rows."""
    cells: dict[tuple[Any, ...], dict[str, Any]] = defaultdict(
        lambda: {name: ZERO if name in MONEYS else 0 for name in (*MEMBER_METRICS, "customer_orders_current")}
    )
    for member in department_member_month(c).to_dict("records"):
        for name in MEMBER_METRICS:
            cells[member["month_date"], member["department_id"]][name] += member[name]
    members = Counter(
        c.reference("departments", person["department_id"]) for person in c.rows("employees") if person["is_active"]
    )
    buyers: dict[tuple[Any, ...], set[str]] = defaultdict(set)
    for order in filter(order_counts, c.rows("orders")):
        if order["order_type"] == "sale":
            department = department_of(c, c.reference("employees", order["executor_id"]))
            customer_id = c.reference("customers", order["customer_id"])
            buyers[month_of(order["order_date"]), department].add(customer_id)
            customer = c.tables["customers"].get((customer_id,))
            if customer is None:
                cells[month_of(order["order_date"]), customer_id]["customer_orders_current"] += 1
            elif not customer["is_deleted"]:
                manager = c.reference("employees", customer["manager_id"])
                cells[month_of(order["order_date"]), department_of(c, manager)]["customer_orders_current"] += 1
    rows = [
        {
            "month_date": month,
            "department_id": department,
            "members": members[department],
            **figures,
            "ordering_customers": len(buyers[month, department]),
        }
        for (month, department), figures in cells.items()
        if any(figures.values())
    ]
    return pd.DataFrame(rows, dtype=object)


MEMBER_METRICS = (
    "new_customers",
    "customers_in_charge",
    "customers_in_charge_current",
    "interactions",
    "activities",
    "orders",
    *MONEYS,
)


def department_member_month(c: Company) -> pd.DataFrame:
    """kpi_department_member_month: everybody's funnel beside the whole of the department of now."""
    people = [
        {
            "month_date": row["month_date"],
            "department_id": department_of(c, row["employee_id"]),
            "employee_id": row["employee_id"],
            **{name: row[name] for name in MEMBER_METRICS},
        }
        for row in funnel(c).to_dict("records")
        if any(row[name] for name in MEMBER_METRICS)
    ]
    colleagues: dict[tuple[Any, ...], list[Decimal]] = defaultdict(list)
    for person in people:
        colleagues[person["month_date"], person["department_id"]].append(person["revenue_amount"])
    for person in people:
        revenues = colleagues[person["month_date"], person["department_id"]]
        whole, own = sum(revenues, ZERO), person["revenue_amount"]
        person["department_revenue_amount"] = whole
        person["revenue_share_rate"] = float(own) / float(whole) if whole > 0 else None
        person["revenue_rank"] = 1 + sum(revenue > own for revenue in revenues)
    return pd.DataFrame(people, dtype=object)


def department_then(c: Company, event: Event) -> str:
    """Where the employee belonged at the event, or at the end of its day."""
    if event.employee_id in {NONE, UNKNOWN}:
        return event.employee_id
    end = datetime.combine(event.day + timedelta(days=1), time.min)
    before = end if event.at is None else event.at + timedelta(microseconds=1)
    return value_at_the_end(c.workplaces[event.employee_id], before)


def department_month_history(c: Company) -> pd.DataFrame:
    """kpi_department_month_history."""

    def key(event: Event) -> tuple[Any, ...]:
        return month_of(event.day), department_then(c, event)

    return pd.DataFrame(_sums(c, key, ("month_date", "department_id"), HISTORY_METRICS), dtype=object)


HISTORY_METRICS = ("interactions", "activities", "orders", *MONEYS)
FIRST_INSTANT = datetime(1900, 1, 1)


def employee_department_history(c: Company) -> pd.DataFrame:
    """dim_employee_department_history: everybody's departments, each only when it is another than before."""
    rows = []
    for employee, places in [
        *c.workplaces.items(),
        *((nobody, [(datetime.min, nobody)]) for nobody in (NONE, UNKNOWN)),
    ]:
        moves = [
            place for place, before in zip(places, [None, *places], strict=False) if not before or place[1] != before[1]
        ]
        for number, (since, department) in enumerate(moves):
            rows.append(
                {
                    "employee_id": employee,
                    "department_id": department,
                    "valid_from_at": since if number else FIRST_INSTANT,
                    "valid_to_at": moves[number + 1][0] if number + 1 < len(moves) else None,
                    "is_current": number + 1 == len(moves),
                    "is_placeholder": employee in {NONE, UNKNOWN},
                }
            )
    return pd.DataFrame(rows, dtype=object)


def department_reconciliation(c: Company) -> pd.DataFrame:
    """kpi_department_reconciliation."""
    lines = {
        (True, NONE): "nobody",
        (True, UNKNOWN): "unknown_employee",
        (False, NONE): "no_department",
        (False, UNKNOWN): "unknown_department",
    }

    def key(event: Event) -> tuple[Any, ...] | None:
        department = department_of(c, event.employee_id)
        line = lines.get((event.employee_id in {NONE, UNKNOWN}, department))
        return None if line is None else (month_of(event.day), department, line)

    names = ("month_date", "department_id", "reconciliation_line")
    return pd.DataFrame(_sums(c, key, names, MONTH_METRICS), dtype=object)


# --- tasks ------------------------------------------------------------------------------------------------------------


def planned_seconds(task: Row) -> int | None:
    """Whole seconds from planned start to deadline; None when they do not say."""
    start, due = task["planned_start_at"], task["due_at"]
    if start is None or due is None or due < start:
        return None
    return int((due - start).total_seconds())


def task_month(c: Company) -> pd.DataFrame:
    """kpi_task_month."""
    created: dict[tuple[date, str], list[Row]] = defaultdict(list)
    confirmed: dict[tuple[date, str], list[Row]] = defaultdict(list)
    for task in c.rows("tasks"):
        employee = c.reference("employees", task["assignee_id"])
        created[month_of(task["created_at"].date()), employee].append(task)
        if task["status"] == "completed" and task["completed_at"] is not None:
            confirmed[month_of(task["completed_at"].date()), employee].append(task)
    rows = []
    for month, employee in created.keys() | confirmed.keys():
        given, finished = created[month, employee], confirmed[month, employee]
        stars = [int(task["rating"]) for task in finished if task["rating"] is not None]
        with_default = sum(stars) + 2 * (len(finished) - len(stars))
        planned = [seconds for task in finished if (seconds := planned_seconds(task)) is not None]
        rows.append(
            {
                "month_date": month,
                "employee_id": employee,
                "tasks_created": len(given),
                "tasks_cancelled": sum(task["status"] == "cancelled" for task in given),
                "tasks_confirmed": len(finished),
                "rated_tasks": len(stars),
                "total_rating": sum(stars),
                "total_rating_with_default": with_default,
                "mean_rating": rate(sum(stars), len(stars)),
                "mean_rating_with_default": rate(with_default, len(finished)),
                "tasks_with_hours": len(planned),
                "planned_hours": sum(planned) / 3600,
            }
        )
    return pd.DataFrame(rows, dtype=object)


Compute = Callable[[Company], pd.DataFrame]
MARTS: Mapping[str, tuple[tuple[str, ...], Compute]] = {
    "dim_employee_department_history": (("employee_id", "valid_from_at"), employee_department_history),
    "kpi_call_day": (("occurred_date", "employee_id"), calls),
    "kpi_department_day": (("department_id", "calendar_date"), department_day),
    "kpi_department_member_month": (("month_date", "employee_id"), department_member_month),
    "kpi_department_month": (("month_date", "department_id"), department_month),
    "kpi_department_month_history": (("month_date", "department_id"), department_month_history),
    "kpi_department_reconciliation": (("month_date", "reconciliation_line"), department_reconciliation),
    "kpi_task_month": (("month_date", "employee_id"), task_month),
    "kpi_target_attainment": (
        ("period_start", "period_end", "employee_id", "department_id", "metric"),
        target_attainment,
    ),
}
