"""The four marts of the card against the oracle: every row, every column, to the cent."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pandas as pd
import pytest

from tests.oracle import oracle
from tests.oracle.oracle import Company
from tests.oracle.reading import KEYS, differences, mart
from tests.support.warehouse import DemoWarehouse

MARTS: dict[str, Callable[[Company], pd.DataFrame]] = {
    "fct_funnel": oracle.funnel,
    "fct_task_status": oracle.task_status,
    "dim_customer_cohort": oracle.cohort,
    "fct_journey": oracle.journey,
}


@pytest.mark.parametrize("name", MARTS)
def test_mart_equals_the_oracle(name: str, built: DemoWarehouse, demo_company: Company) -> None:
    expected = MARTS[name](demo_company)
    found = mart(built.database, name)
    assert len(expected) > 100
    assert differences(expected, found, KEYS[name]) == []


def test_the_company_has_every_hard_case_the_oracle_should_meet(demo_company: Company) -> None:
    c = demo_company
    lives = c.lives.values()
    funnel = oracle.funnel(c)
    cohort = oracle.cohort(c)
    journey = oracle.journey(c)
    states = {oracle.task_state(task, c.end) for task in c.rows("tasks")}
    hard_cases = {
        "customers whose owner changed": sum(len({owner for _, owner in life.owners}) > 1 for life in lives),
        "customers deleted at some time": sum(bool(life.gone) for life in lives),
        "customers deleted now": sum(row["is_deleted"] for row in c.tables["customers"].values()),
        "months where the two attributions differ": int((funnel.new_customers != funnel.new_customers_current).sum()),
        "rows of nobody": int((funnel.employee_id == oracle.NONE).sum()),
        "returns": int(funnel.returns.sum()),
        "pending orders": int(funnel.pending_orders.sum()),
        "refunds": sum(payment["amount"] < 0 for payment in c.rows("payments")),
        "customers never contacted": int((cohort.care_recency_bucket == "never").sum()),
        "customers without an age": int((cohort.age_band == oracle.UNKNOWN).sum()),
        "customers who bought": int((cohort.orders > 0).sum()),
        "journey rows of old customers": int(journey.created_date.isna().sum()),
    }
    assert {name: count for name, count in hard_cases.items() if count == 0} == {}
    assert states == {"new", "in_progress", "awaiting_confirmation", "late", "completed", "cancelled"}


def test_the_comparison_spans_a_year_of_every_employee(built: DemoWarehouse, demo_company: Company) -> None:
    """All months of more than a year; an employee without a row in them looks after nobody and does nothing."""
    funnel = mart(built.database, "fct_funnel")
    employees = {row["employee_id"] for row in demo_company.tables["employees"].values()}
    busy = {row["manager_id"] for row in demo_company.rows("customers")}
    busy |= {row["assignee_id"] for row in demo_company.rows("tasks")}
    busy |= {row["executor_id"] for row in demo_company.rows("orders") if oracle.order_counts(row)}
    busy |= {row["employee_id"] for row in demo_company.rows("interactions") if oracle.interaction_counts(row)}
    assert len({month for month in funnel.month_date if month <= demo_company.as_of}) >= 12
    assert busy & employees <= set(funnel.employee_id)
    assert len(busy & employees) >= 12


def test_a_difference_of_one_cent_is_seen() -> None:
    expected = pd.DataFrame([{"month": "2026-03-01", "revenue": Decimal("10.00")}], dtype=object)
    found = pd.DataFrame([{"month": "2026-03-01", "revenue": Decimal("10.01")}], dtype=object)
    assert differences(expected, found, ["month"]) == [
        "('2026-03-01',): revenue is Decimal('10.01'), expected Decimal('10.00')"
    ]


def test_a_missing_and_a_surplus_row_are_seen() -> None:
    expected = pd.DataFrame([{"month": "2026-03-01", "n": 1}], dtype=object)
    found = pd.DataFrame([{"month": "2026-04-01", "n": 1}], dtype=object)
    assert differences(expected, found, ["month"]) == ["('2026-03-01',): missing", "('2026-04-01',): surplus"]
