"""A customer that gets another person in charge changes what the definitions say, and nothing else.

What may change when one live customer moves from one person to another at a moment:

| mart | what |
|---|---|
| fct_funnel, kpi_department_member_month | of the two people: columns `_current`, and the stocks below |
| kpi_department_member_month | of their departments: `revenue_rank`, since a row comes with customers in charge |
| the stocks | `customers_in_charge` and `customers_assigned` of months that end after the moment |
| kpi_department_month | the same of their departments, and `customer_orders_current` |
| kpi_customer_month | of the two people: columns `_current`; every column of months that end after the moment |
| kpi_reconciliation | rows of the two people and of their departments |
| kpi_month_figures | `customers_in_charge` of the two people and of their departments; the company's stays |
| fct_customer_owners | rows of this customer |
| fct_customer_events | of this customer: `manager_current_id`; `manager_id` of events on the day or later |
| fct_journey | rows of the two people on days that end after the moment |
| marts of customers (`customer_id` and `manager_id`) | `manager_id` of the rows of this customer |
| marts of figures by `manager_id` | rows of the two people |
| fct_relationship_moves | nothing: every move belongs to who was in charge then, and the customer moves no more |

The owner at creation stays who it was, so kpi_cohort_funnel, fct_customer_milestones and fct_new_customer_sources do
not change, nor `new_customers` anywhere. Orders, money, interactions and activities belong to who acted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from functools import partial

import pytest
from hypothesis import assume
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from tests.properties.cases import richest_company
from tests.properties.companies import AS_OF, GHOSTS, NIGHTS, Company, Version, companies
from tests.properties.comparison import differences
from tests.properties.examples import COMPARISONS, check, examples
from tests.properties.runner import Delivery, Marts, Project, Row, marts_of

MOVED_AT = datetime(2026, 3, 30, 11, 0)
"""After the last night but one."""

_BY_OWNER_AT_CREATION = frozenset({"kpi_cohort_funnel", "fct_customer_milestones", "fct_new_customer_sources"})
_STOCKS_OF_PEOPLE = frozenset({"fct_funnel", "kpi_department_member_month"})
_NO_MEASURES = frozenset(
    {"month_date", "employee_id", "manager_id", "department_id", "members", "revenue_rank", "department_revenue_amount"}
)
_BY_OWNER_THEN = frozenset({"fct_relationship_moves"})
_STOCK = frozenset({"customers_in_charge", "customers_assigned"})


def movable(company: Company) -> list[str]:
    """Live customers of which nothing was written after the move, and of which there is one row only."""
    ids = [record[-1].row["customer_id"] for record in company.records["customers"]]
    return [
        row["customer_id"]
        for (*_, (version)) in company.records["customers"]
        if (row := version.row)
        and version.since < MOVED_AT
        and row.get("deleted_at") is None
        and row["customer_name"] is not None
        and ids.count(row["customer_id"]) == 1
    ]


def moved(company: Company, customer: str, to: str | None, is_logged: bool) -> Company:
    """The company in which the customer is in charge of somebody else from the moment on."""
    records = []
    for record in company.records["customers"]:
        last = record[-1]
        if last.row["customer_id"] == customer:
            # Without the log, the time of the move is what the row says.
            written = {"updated_at": MOVED_AT} if last.row.get("updated_at") is not None or not is_logged else {}
            records.append((*record, Version(MOVED_AT, {**last.row, "manager_id": to, **written})))
            old = last.row["manager_id"]
        else:
            records.append(record)
    company = replace(company, records={**company.records, "customers": records})
    if not is_logged:
        return company
    change = {
        "customer_id": customer,
        "field": "manager_id",
        "old_value": old,
        "new_value": to,
        "changed_at": MOVED_AT,
        "changed_by": None,
    }
    return company.with_record("customer_changes", (Version(MOVED_AT, change),))


@st.composite
def moves(draw: DrawFn) -> tuple[Company, str, str | None]:
    """A company, one of its customers and somebody else to be in charge of it."""
    company = draw(companies())
    choices = movable(company)
    assume(choices)
    customer = draw(st.sampled_from(choices))
    return company, customer, draw(st.sampled_from(others(company, customer)))


def others(company: Company, customer: str) -> list[str | None]:
    (now,) = {row["manager_id"] for row in company.rows("customers") if row["customer_id"] == customer}
    people = [row["employee_id"] for row in company.rows("employees")]
    return [person for person in [*people, None, GHOSTS[0]] if person != now]


def _is_a_move(company: Company, customer: str, to: str | None) -> bool:
    """Whether the two people are two members: somebody the CRM does not have is the same as anybody else it lacks."""
    (now,) = {row["manager_id"] for row in company.rows("customers") if row["customer_id"] == customer}
    known = {row["employee_id"] for row in company.rows("employees")} | {None}
    return len({who if who in known else GHOSTS[0] for who in (now, to)}) == 2


def changed_beyond_reason(
    project: Project, company: Company, customer: str, to: str | None, is_logged: bool
) -> list[str]:
    """Differences beyond the table above, and what it has and does not show; nothing without the customer."""
    if customer not in movable(company):
        return []
    after_move = moved(company, customer, to, is_logged)
    ways: list[list[Delivery]] = [c.landed_complete() for c in (company, after_move)]
    if is_logged:
        ways = [c.landed_at_once() for c in (company, after_move)]
    before, after = (marts_of(project, way, AS_OF) for way in ways)
    old, new = (_manager_of(customer, marts) for marts in (before, after))
    if old == new:
        return []
    people = {old, new}
    departments = {row["department_id"] for row in before["dim_employees"] if row["employee_id"] in people}

    def reduced(mart: str, row: Row) -> Row | None:
        if mart in _BY_OWNER_AT_CREATION | _BY_OWNER_THEN:
            return row
        if mart == "kpi_department_member_month" and row["department_id"] in departments:
            # A person who has only customers in charge has a row, and with it a rank.
            row = {name: value for name, value in row.items() if name != "revenue_rank"}
        if mart in _STOCKS_OF_PEOPLE and row["employee_id"] in people:
            return _without_stock(row)
        if mart == "kpi_department_month" and row["department_id"] in departments:
            return _without_stock(row)
        if mart == "kpi_customer_month" and row["manager_id"] in people:
            return None if _is_of_the_move(row) else _without_stock(row)
        if mart == "kpi_month_figures" and row["metric"] in _STOCK:
            concerned = {"employee": people, "department": departments}.get(row["subject_level"], set())
            return None if row["subject_id"] in concerned else row
        if mart == "kpi_reconciliation":
            is_concerned = (
                row["employee_id"] in people if row["department_id"] == "none" else row["department_id"] in departments
            )
            return None if is_concerned else row
        if row.get("customer_id") == customer and mart == "fct_customer_owners":
            return None
        if row.get("customer_id") == customer and mart == "fct_customer_events":
            left_out = {"manager_current_id"} | ({"manager_id"} if row["event_date"] >= MOVED_AT.date() else set())
            return {name: value for name, value in row.items() if name not in left_out}
        if mart == "fct_journey" and row["manager_id"] in people:
            return None if row["as_of_date"] >= MOVED_AT.date() else row
        if "manager_id" not in row:
            return row
        if "customer_id" in row:
            is_the_customer = row["customer_id"] == customer
            return {name: value for name, value in row.items() if name != "manager_id"} if is_the_customer else row
        return None if row["manager_id"] in people else row

    return [*differences(before, after, reduced), *_not_moved(before, after, old, new)]


def _is_of_the_move(row: Row) -> bool:
    """Whether the row's month ends after the move."""
    return bool(row["month_date"] >= MOVED_AT.date().replace(day=1))


def _without_stock(row: Row) -> Row | None:
    """The row without what a move changes; None when nothing else is in it, for such a row may come or go."""
    concerned = {name for name in row if name.endswith("_current")} | (_STOCK if _is_of_the_move(row) else set())
    kept = {name: value for name, value in row.items() if name not in concerned}
    measures = [value for name, value in kept.items() if name not in _NO_MEASURES]
    return kept if any(measures) else None


def _manager_of(customer: str, marts: Marts) -> str:
    (manager,) = [str(row["manager_id"]) for row in marts["dim_customers"] if row["customer_id"] == customer]
    return manager


def _not_moved(before: Marts, after: Marts, old: str, new: str) -> list[str]:
    """One customer goes over, in the stock of the day and of the month, and among those in charge now."""
    month = AS_OF.replace(day=1)
    stocks: dict[str, tuple[str, str, str, dict[str, date | str]]] = {
        "journey": ("fct_journey", "manager_id", "customers", {"as_of_date": AS_OF}),
        "structure": ("kpi_customer_structure", "manager_id", "customers", {"dimension": "gender"}),
        "in charge": ("fct_funnel", "employee_id", "customers_in_charge", {"month_date": month}),
        "in charge now": ("fct_funnel", "employee_id", "customers_in_charge_current", {"month_date": month}),
        "new, in charge now": ("fct_funnel", "employee_id", "new_customers_current", {}),
    }
    found = []
    for name, (mart, owner, measure, where) in stocks.items():
        for person, more in ((old, -1), (new, 1)):
            had, has = (_total(marts[mart], owner, person, measure, where) for marts in (before, after))
            if has != had + more:
                found.append(f"{name} of {person}: {has} instead of {had + more}")
    return found


def _total(rows: Sequence[Row], owner: str, person: str, measure: str, where: Mapping[str, date | str]) -> int:
    return sum(
        int(row[measure])
        for row in rows
        if row[owner] == person and all(row[name] == value for name, value in where.items())
    )


@pytest.mark.parametrize("is_logged", [True, False], ids=["in the change log", "in a later batch"])
def test_only_the_two_people_and_only_from_then_on(project: Project, is_logged: bool) -> None:
    assert NIGHTS[-2] < MOVED_AT.date() <= NIGHTS[-1]

    for company, customer, to in examples(moves(), COMPARISONS, start=6 + is_logged):
        assert customer in movable(company)
        assert to in others(company, customer)
        assert _is_a_move(company, customer, to)
        check(company, partial(changed_beyond_reason, project, customer=customer, to=to, is_logged=is_logged))


def _now_in_charge(of: str) -> str:
    return (
        '(select customers.manager_id from "warehouse"."core"."core_customers" as customers '
        f"where customers.customer_id = {of}.customer_id)"
    )


@pytest.mark.parametrize(
    ("model", "rule", "instead"),
    [
        # New customers go to who is in charge now.
        (
            "fct_funnel",
            "partition by owner_history.customer_id order by owner_history.valid_from_at",
            "partition by owner_history.customer_id order by owner_history.valid_from_at desc",
        ),
        # An order goes to who is in charge of its customer.
        ("fct_orders", "orders.executor_id,", f"{_now_in_charge('orders')} as executor_id,"),
        # The journey shows who is in charge now, for past days too.
        ("core_customer_placements", "owner_history.manager_id,", f"{_now_in_charge('owner_history')} as manager_id,"),
    ],
)
def test_a_mistake_is_noticed(model: str, rule: str, instead: str, project: Project) -> None:
    company = richest_company()
    broken = project.broken(model, rule, instead)
    buyers = [order.get("customer_id") for order in company.rows("orders")]
    customer = max(movable(company), key=buyers.count)
    assert changed_beyond_reason(broken, company, customer, others(company, customer)[0], True)
