"""Seven nights played one by one against one run over the final state: the same marts, but for what history knows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import duckdb
import pytest

from orchestration.sources.demo import DemoSource
from tests.support.warehouse import days, dbt_build, land_nights

START, END = date(2025, 12, 1), date(2026, 3, 31)
FIRST_NIGHT = date(2026, 3, 24)
LAST_NIGHT = END


def _company() -> DemoSource:
    return DemoSource(seed=3, scale=0.1, start=START, end=END)


@pytest.fixture(scope="module")
def two_warehouses(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """Both warehouses on one connection: `played` night by night, mostly deltas; `final` from the last state alone."""
    played, final = tmp_path_factory.mktemp("played"), tmp_path_factory.mktemp("final")
    land_nights(played, _company(), days(FIRST_NIGHT, LAST_NIGHT))
    land_nights(final, _company(), [LAST_NIGHT])
    for home in (played, final):
        run = dbt_build(home, LAST_NIGHT)
        assert not run.bad(), run.bad()
    with duckdb.connect() as connection:
        for name, home in (("played", played), ("final", final)):
            connection.execute(f"attach '{home}/warehouse/warehouse.duckdb' as {name} (read_only)")
        yield connection


def _difference(connection: duckdb.DuckDBPyConnection, query: str) -> list[tuple[object, ...]]:
    """Rows of `query` that only one of the two warehouses has, each with how often; `{db}` is the warehouse."""
    played, final = query.format(db="played"), query.format(db="final")
    return connection.execute(
        f"""
        (from ({played}) select 'played', * except all from ({final}) select 'played', *)
        union all
        (from ({final}) select 'final', * except all from ({played}) select 'final', *)
        """
    ).fetchall()


# Nothing in these marts depends on what was seen on earlier nights.
WITHOUT_HISTORY = [
    "dim_date",
    "dim_departments",
    "dim_employees",
    "fct_order_lines",
    "fct_orders",
    "fct_payments",
    "fct_task_status",
    "fct_tasks",
]


@pytest.mark.parametrize("mart", WITHOUT_HISTORY)
def test_marts_without_history_are_the_same_rows(two_warehouses: duckdb.DuckDBPyConnection, mart: str) -> None:
    rows = two_warehouses.execute(f"select count(*) from played.marts.{mart}").fetchone()
    assert rows is not None
    assert rows[0] > 0
    assert _difference(two_warehouses, f"select * from {{db}}.marts.{mart}") == []


# Customers that a person deleted for good are known only to the warehouse that saw them before.
VANISHED = """
    select customer_id from played.marts.dim_customers
    where customer_id not in (select customer_id from final.marts.dim_customers)
"""


def test_customers_that_vanished_stay_known_and_flagged_where_they_had_been_seen(
    two_warehouses: duckdb.DuckDBPyConnection,
) -> None:
    vanished = two_warehouses.execute(
        f"select count(*), bool_and(is_deleted) from played.marts.dim_customers where customer_id in ({VANISHED})"
    ).fetchone()
    assert vanished is not None
    assert vanished[0] > 0
    assert vanished[1] is True


def test_interactions_are_the_same_rows_but_for_the_name_of_a_vanished_customer(
    two_warehouses: duckdb.DuckDBPyConnection,
) -> None:
    """Who never saw the customer knows only that somebody was talked to: the member `unknown`."""
    query = f"""
        select
            * exclude (interaction_key, customer_id),
            case when customer_id in ({VANISHED}) then 'unknown' else customer_id end as customer_id
        from {{db}}.marts.fct_interactions
    """
    assert _difference(two_warehouses, query) == []
    renamed = _difference(two_warehouses, "select interaction_key, customer_id from {db}.marts.fct_interactions")
    assert renamed, "the company has no interaction with a vanished customer; choose another seed"


@pytest.mark.parametrize("mart", ["dim_customers", "dim_customer_cohort"])
def test_all_other_customers_are_the_same_rows(two_warehouses: duckdb.DuckDBPyConnection, mart: str) -> None:
    query = f"select * from {{db}}.marts.{mart} where customer_id not in ({VANISHED})"
    assert _difference(two_warehouses, query) == []


def test_the_funnel_differs_only_by_the_customers_that_vanished(two_warehouses: duckdb.DuckDBPyConnection) -> None:
    concerned = ("new_customers", "customers_assigned", "customers_in_charge")
    assert (
        _difference(
            two_warehouses,
            f"""
            select * exclude ({", ".join(concerned)}) from {{db}}.marts.fct_funnel
            where
                greatest(new_customers_current, customers_in_charge_current, interactions) > 0
                or greatest(activities, orders, returns) > 0
            """,
        )
        == []
    )
    totals = two_warehouses.execute(
        f"""
        select
            (select sum(new_customers) from played.marts.fct_funnel)
            - (select sum(new_customers) from final.marts.fct_funnel),
            (select count(*) from ({VANISHED}))
        """
    ).fetchone()
    assert totals is not None
    assert totals[0] == totals[1]


def test_today_s_stock_is_the_same_and_past_stock_differs_only_by_them(
    two_warehouses: duckdb.DuckDBPyConnection,
) -> None:
    today = f"select * from {{db}}.marts.fct_journey where as_of_date = date '{LAST_NIGHT}'"
    assert _difference(two_warehouses, today) == []
    totals = two_warehouses.execute(
        """
        select played.as_of_date, played.customers - coalesce(final.customers, 0) as more
        from (select as_of_date, sum(customers) as customers from played.marts.fct_journey group by 1) as played
        left join (select as_of_date, sum(customers) as customers from final.marts.fct_journey group by 1) as final
            using (as_of_date)
        """
    ).fetchall()
    vanished = two_warehouses.execute(f"select count(*) from ({VANISHED})").fetchone()
    assert vanished is not None
    assert all(0 <= more <= vanished[0] for _, more in totals)
    assert any(more > 0 for _, more in totals)
