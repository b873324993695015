"""The identities of the customer and the product report hold over a real warehouse, and each notices its damage."""

from __future__ import annotations

import pytest

from orchestration.dbt_run import DBT_PROJECT_DIR
from tests.support.warehouse import (
    DbtRun,
    DemoWarehouse,
    demo_warehouse,
    run_damaged,
)

# One statement per identity: the smallest damage that it must notice.
DAMAGE = {
    "customer_events_are_their_facts": """
        update marts.fct_customer_events set revenue_amount = revenue_amount + 0.01
        where event_kind = 'order' and event_id = (
            select min(event_id) from marts.fct_customer_events where event_kind = 'order')""",
    "customer_events_have_the_owner_of_their_time": """
        update marts.fct_customer_events set manager_id = manager_current_id
        where event_kind = 'order' and event_id = (
            select min(event_id) from marts.fct_customer_events
            where event_kind = 'order' and manager_id != manager_current_id)""",
    "customer_months_add_up_to_the_funnel": """
        update marts.kpi_customer_month set customers_in_charge = customers_in_charge + 1
        where customers_in_charge = (select max(customers_in_charge) from marts.kpi_customer_month)""",
    "customer_months_are_their_events": """
        update marts.kpi_customer_month set customer_call_seconds_current = customer_call_seconds_current + 1
        where customer_tasks = (select max(customer_tasks) from marts.kpi_customer_month)""",
    "product_periods_drill_down_and_add_up": """
        update marts.kpi_product_period set previous_revenue_amount = previous_revenue_amount + 0.01
        where period_type = 'quarter' and previous_revenue_amount = (
            select max(previous_revenue_amount) from marts.kpi_product_period where period_type = 'quarter')""",
    "product_sources_drill_down_and_add_up": """
        update marts.kpi_product_source_month set revenue_split_amount = revenue_split_amount + 0.01
        where revenue_amount = (select max(revenue_amount) from marts.kpi_product_source_month)""",
    "product_top_drills_down_and_adds_up": """
        update marts.kpi_product_top set revenue_amount = revenue_amount + 0.01
        where row_type = 'other' and revenue_amount = (
            select max(revenue_amount) from marts.kpi_product_top where row_type = 'other')""",
}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> DemoWarehouse:
    return demo_warehouse(tmp_path_factory.getbasetemp())


@pytest.fixture(scope="module")
def damaged_run(built: DemoWarehouse, tmp_path_factory: pytest.TempPathFactory) -> DbtRun:
    """Every identity test, run over a copy of the warehouse with every damage done."""
    return run_damaged(built, tmp_path_factory.mktemp("damaged_reports"), DAMAGE)


def test_every_identity_has_its_damage() -> None:
    folders = (DBT_PROJECT_DIR / "tests" / "marts" / name for name in ("customers", "products"))
    assert {path.stem for folder in folders for path in folder.glob("*.sql")} == set(DAMAGE)


@pytest.mark.parametrize("name", DAMAGE)
def test_identity_holds_and_can_fail(name: str, built: DemoWarehouse, damaged_run: DbtRun) -> None:
    assert built.run.node(name).status == "pass"
    assert damaged_run.node(name).status == "fail"
    assert (damaged_run.node(name).failures or 0) > 0
