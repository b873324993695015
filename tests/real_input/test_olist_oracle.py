"""Every mart that has an oracle, on real data: 21 months of 8,000 customers and 41 employees, without one difference.

Belongs here: the comparison on this data. Not here: the figures (`tests/oracle/`), or what the CSV files hold
(`test_olist_funnel.py`).
"""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from orchestration.landing.store import Landing
from tests.oracle import oracle
from tests.oracle.oracle import NONE, Company, company
from tests.oracle.reading import differences, landed_batches, mart
from tests.oracle.reconciliation import NOT_COMPARED
from tests.oracle.registry import oracle_marts
from tests.real_input import OLIST_NIGHT
from tests.support.warehouse import warehouse_settings

MARTS = oracle_marts()

# The data has no tasks, no interactions and no targets, and no customer of the last 84 days.
EMPTY = frozenset(
    {
        "fct_task_status",
        "kpi_call_day",
        "kpi_customer_cycle",
        "kpi_interactions_by_type",
        "kpi_target_attainment",
        "kpi_task_month",
    }
)


@pytest.fixture(scope="module")
def olist_company(home: Path) -> Company:
    landing = Landing(warehouse_settings(home).landing_dir)
    return company(landed_batches(landing, "files", OLIST_NIGHT), OLIST_NIGHT)


@pytest.mark.parametrize("name", MARTS)
def test_mart_equals_the_oracle(name: str, home: Path, olist_company: Company) -> None:
    expected = MARTS[name].compute(olist_company)
    found = mart(warehouse_settings(home).warehouse_path, name)
    found = found.drop(columns=[column for column in found.columns if column in NOT_COMPARED])
    assert differences(expected, found, MARTS[name].key) == []


def test_the_marts_of_the_card_are_among_them() -> None:
    assert {"fct_funnel", "fct_task_status", "dim_customer_cohort", "fct_journey"} <= MARTS.keys()
    assert len(MARTS) >= 35


def test_most_of_them_have_rows_here(home: Path) -> None:
    with duckdb.connect(str(warehouse_settings(home).warehouse_path), read_only=True) as connection:
        filled = {name for name in MARTS if connection.execute(f"from marts.{name} limit 1").fetchall()}
    assert len(filled) >= 29
    assert filled & EMPTY == set()


def test_the_comparison_spans_a_year_of_every_employee_and_of_nobody(olist_company: Company) -> None:
    """Those without a row, in the funnel as in the oracle, brought leads in and neither kept nor closed any."""
    funnel = oracle.funnel(olist_company)
    employees = {row["employee_id"] for row in olist_company.tables["employees"].values()}
    assert len(set(funnel.month_date)) >= 12
    assert len(employees) == 41
    at_work = {row["manager_id"] for row in olist_company.rows("customers")}
    at_work |= {row["executor_id"] for row in olist_company.rows("orders")}
    assert set(funnel.employee_id) == (at_work & employees) | {NONE}
    creators = {row["creator_id"] for row in olist_company.rows("customers")}
    creators |= {row["creator_id"] for row in olist_company.rows("orders")}
    assert employees - at_work <= creators
    assert len(at_work & employees) >= 20
