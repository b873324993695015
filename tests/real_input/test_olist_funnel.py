"""8,000 leads of a marketplace, 842 of which became sellers: every figure against pandas on the CSV files."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from orchestration.serving.reading import open_publication
from tests.real_input import OLIST_NIGHT, REAL_INPUT

NIGHT = OLIST_NIGHT.isoformat()


def _csv(name: str) -> pd.DataFrame:
    return pd.read_csv(REAL_INPUT / f"{name}.csv", dtype=str, keep_default_na=False)


@pytest.fixture(scope="module")
def marts(home: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with open_publication(home / "marts.duckdb") as connection:
        yield connection


def test_every_customer_order_and_employee_arrives(marts: duckdb.DuckDBPyConnection) -> None:
    def rows(mart: str) -> int:
        count = marts.execute(f"select count(*) from marts.{mart} where not is_placeholder").fetchone()
        assert count is not None
        return int(count[0])

    assert rows("dim_customers") == len(_csv("customers")) == 8000
    assert rows("dim_employees") == len(_csv("employees")) == 41
    assert marts.execute("select count(*), sum(orders) from marts.fct_orders").fetchone() == (842, 842)


def test_new_customers_by_month_and_owner(marts: duckdb.DuckDBPyConnection) -> None:
    customers = _csv("customers")
    expected = (
        customers.assign(month=customers["created_at"].str[:7], owner=customers["manager_id"].replace("", "none"))
        .groupby(["month", "owner"])
        .size()
        .to_dict()
    )
    found = {
        (month, owner): count
        for month, owner, count in marts.execute(
            """
            select strftime(month_date, '%Y-%m'), employee_id, new_customers
            from marts.fct_funnel where new_customers > 0
            """
        ).fetchall()
    }
    # One lead changed hands on no record: its owner then is its owner now.
    assert found == expected
    assert sum(count for (_, owner), count in found.items() if owner == "none") == 8000 - 842


def test_orders_and_money_by_month_and_closer(marts: duckdb.DuckDBPyConnection) -> None:
    orders = _csv("orders").merge(_csv("order_lines"), on="order_id")
    amounts = orders["quantity"].map(Decimal) * orders["unit_price"].map(Decimal)
    grouped = orders.assign(amount=amounts, month=orders["order_date"].str[:7]).groupby(["month", "executor_id"])
    expected = {key: (len(group), sum(group["amount"])) for key, group in grouped}
    found = {
        (month, employee): (count, amount)
        for month, employee, count, amount in marts.execute(
            """
            select strftime(month_date, '%Y-%m'), employee_id, orders, revenue_amount
            from marts.fct_funnel where orders > 0
            """
        ).fetchall()
    }
    assert found == expected
    assert sum(amount for _, amount in found.values()) == Decimal("61784006.00")


def test_what_the_source_does_not_have_is_zero_and_not_missing(marts: duckdb.DuckDBPyConnection) -> None:
    totals = marts.execute(
        "select sum(interactions), sum(activities), sum(collected_amount) from marts.fct_funnel"
    ).fetchone()
    assert totals == (0, 0, 0)
    assert marts.execute("select count(*) from marts.fct_interactions").fetchone() == (0,)
    assert marts.execute("select count(*) from marts.fct_task_status").fetchone() == (0,)


def test_the_journey_follows_the_recorded_moves_day_by_day(marts: duckdb.DuckDBPyConnection) -> None:
    customers = _csv("customers")
    moves = _csv("customer_changes").set_index("customer_id")["changed_at"].str[:10]
    created = customers.set_index("customer_id")["created_at"].str[:10]
    won_on = moves.reindex(created.index)
    for day in ("2017-08-15", "2017-12-31", "2018-03-10", "2018-05-31", NIGHT):
        known = created <= day
        won = known & (won_on <= day)
        found = dict(
            marts.execute(
                "select relationship_id, sum(customers) from marts.fct_journey where as_of_date = ? group by 1", [day]
            ).fetchall()
        )
        expected = {"lead": int((known & ~won).sum()), "won": int(won.sum())}
        assert found == {state: count for state, count in expected.items() if count}, day


def test_a_company_with_its_own_unknown_source_keeps_it(home: Path) -> None:
    """1,099 leads came from a source whose id is "unknown", 60 from none at all: two different facts."""
    customers = _csv("customers")
    with duckdb.connect(str(home / "warehouse" / "warehouse.duckdb"), read_only=True) as warehouse:
        found = dict(
            warehouse.execute(
                "select source_id, count(distinct customer_id) from core.core_bridge_customers_sources group by 1"
            ).fetchall()
        )
        quarantined = warehouse.execute("select sum(rows_quarantined) from core.core_batches").fetchone()
    expected = customers["source_ids"].replace("", "none").value_counts().to_dict()
    assert found == expected
    assert (found["unknown"], found["none"]) == (1099, 60)
    assert quarantined == (0,)


def test_a_deal_closed_before_its_lead_was_recorded_is_flagged_and_left_out_of_the_cycle(
    marts: duckdb.DuckDBPyConnection,
) -> None:
    flagged = marts.execute(
        "select count(*), count(days_to_first_order) from marts.dim_customer_cohort where has_negative_cycle"
    ).fetchone()
    assert flagged == (1, 0)


def test_nobody_is_granted_anything_so_nobody_sees_anything(home: Path) -> None:
    """The source delivers no permissions: no viewer has rights, and the access views stay empty."""
    with open_publication(home / "marts.duckdb", viewer=_csv("employees")["email"].iloc[0]) as publication:
        assert publication.execute("select count(*) from access.access_fct_funnel").fetchone() == (0,)
