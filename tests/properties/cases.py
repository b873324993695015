"""The cases a generated company must hold often, because numbers go wrong there, and the one that holds most of them.

Belongs here: recognising a case in a company. Not here: drawing one (`companies.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import cache

from tests.properties.companies import END, GHOSTS, HISTORY_DAYS, NIGHTS, Company, companies
from tests.properties.examples import STATISTICS, examples

_COUNTED = ("approved", "delivering", "partly_delivered", "delivered")
_OLD = END - timedelta(days=85)


def _orders(c: Company, order_type: str) -> dict[str, str | None]:
    """Customers by counted, live order."""
    return {
        row["order_id"]: row["customer_id"]
        for row in c.rows("orders")
        if row["order_type"] == order_type and row["status"] in _COUNTED and not row.get("deleted_at")
    }


def _multi_source(c: Company) -> set[str]:
    return {row["customer_id"] for row in c.rows("customers") if len(row.get("source_ids") or ()) > 1}


def _ids(c: Company, entity: str, column: str) -> set[str | None]:
    return {row.get(column) for row in c.rows(entity)}


def _moves(c: Company, field: str) -> list[str]:
    return [row["customer_id"] for row in c.rows("customer_changes") if row["field"] == field]


def _lines_of_orders(c: Company) -> dict[str, int]:
    orders = [row["order_id"] for row in c.rows("order_lines") if not row.get("deleted_at")]
    return {order: orders.count(order) for order in orders}


CASES: Mapping[str, Callable[[Company], object]] = {
    "an owner moved": lambda c: _moves(c, "manager_id"),
    "a relationship moved": lambda c: _moves(c, "relationship_id"),
    "a customer moved twice": lambda c: (
        len(c.rows("customer_changes")) > len(_ids(c, "customer_changes", "customer_id"))
    ),
    "a customer was deleted": lambda c: [r for r in c.rows("customers") if r.get("deleted_at")],
    "a customer came back": lambda c: [
        record
        for record in c.records["customers"]
        if any(version.row.get("deleted_at") for version in record) and not record[-1].row.get("deleted_at")
    ],
    "a customer of nobody": lambda c: None in _ids(c, "customers", "manager_id"),
    "a customer of somebody unknown": lambda c: GHOSTS[0] in _ids(c, "customers", "manager_id"),
    "a customer of several sources": _multi_source,
    "a customer without a source": lambda c: [r for r in c.rows("customers") if not r.get("source_ids")],
    "a customer of several industries": lambda c: [
        r for r in c.rows("customers") if len(r.get("industry_ids") or ()) > 1
    ],
    "a customer too old for the journey": lambda c: [r for r in c.rows("customers") if r["created_at"] < _OLD],
    "a customer without a time of change": lambda c: None in _ids(c, "customers", "updated_at"),
    "a sale of a customer of several sources": lambda c: _multi_source(c) & set(_orders(c, "sale").values()),
    "a return": lambda c: _orders(c, "return"),
    "a return of a customer of several sources": lambda c: _multi_source(c) & set(_orders(c, "return").values()),
    "an order of nobody": lambda c: None in _ids(c, "orders", "customer_id"),
    "an order of an unknown customer": lambda c: GHOSTS[0] in _ids(c, "orders", "customer_id"),
    "an order deleted": lambda c: [r for r in c.rows("orders") if r.get("deleted_at")],
    "an order pending": lambda c: "pending" in _ids(c, "orders", "status"),
    "an order with a discount to divide": lambda c: [
        r for r in c.rows("orders") if r.get("discount_amount") and _lines_of_orders(c).get(r["order_id"], 0) > 1
    ],
    "an order without lines": lambda c: _ids(c, "orders", "order_id") - set(_lines_of_orders(c)),
    "a refund": lambda c: [r for r in c.rows("payments") if r["amount"] < 0],
    "a payment of an unknown order": lambda c: GHOSTS[0] in _ids(c, "payments", "order_id"),
    "a task of several customers": lambda c: [r for r in c.rows("tasks") if len(r["customer_ids"]) > 1],
    "a task of no customer": lambda c: [r for r in c.rows("tasks") if not r["customer_ids"]],
    "a task late": lambda c: [
        r
        for r in c.rows("tasks")
        if r["due_at"] is not None and r["due_at"] < END and r["status"] not in ("completed", "cancelled")
    ],
    "a task due at the end of the day": lambda c: END in _ids(c, "tasks", "due_at"),
    "a task that changed after a night": lambda c: [
        record
        for record in c.records["tasks"]
        if len(record) > 1 and any(record[0].since.date() <= night < record[-1].since.date() for night in NIGHTS)
    ],
    "all types of interactions": lambda c: _ids(c, "interactions", "type") >= {"comment", "email", "sms", "call"},
    "an employee who left": lambda c: [r for r in c.rows("employees") if r.get("deleted_at") or not r["is_active"]],
    "an employee of several departments": lambda c: c.rows("department_memberships"),
    "a department below another": lambda c: [r for r in c.rows("departments") if r["parent_department_id"]],
    "a contact": lambda c: c.rows("contacts"),
    "a target": lambda c: c.rows("kpi_targets"),
    "a person's target beside people of no department": lambda c: (
        _ids(c, "kpi_targets", "employee_id") & _ids(c, "employees", "employee_id")
        and None in _ids(c, "employees", "department_id")
    ),
    "two targets of unknown owners": lambda c: _ids(c, "kpi_targets", "employee_id") >= set(GHOSTS),
    "an opportunity": lambda c: c.rows("opportunities"),
    "a row that the contract rejects": lambda c: GHOSTS[1] in _ids(c, "customers", "customer_id"),
    "a row that comes twice": lambda c: len(c.rows("customers")) > len(_ids(c, "customers", "customer_id")),
}

assert HISTORY_DAYS > 85


def missed(company: Company) -> list[str]:
    """Cases the company does not hold."""
    return [name for name, holds in CASES.items() if not holds(company)]


@cache
def sampled_companies() -> tuple[Company, ...]:
    """The companies of the statistics; the same on every machine."""
    return tuple(examples(companies(), STATISTICS))


@cache
def richest_company() -> Company:
    """Of those companies, the one that holds most cases."""
    return min(sampled_companies(), key=lambda company: len(missed(company)))
