"""The identities of the marts in `models/marts/structure/` hold over a real warehouse, and each notices its damage."""

from __future__ import annotations

import duckdb
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
    "customer_structure_adds_up_to_live_customers": """
        update marts.kpi_customer_structure set revenue_split_amount = revenue_split_amount + 0.01
        where dimension = 'source' and customers = (
            select max(customers) from marts.kpi_customer_structure where dimension = 'source')""",
    "customer_structure_drills_down": """
        update marts.kpi_customer_structure set persons = persons + 1
        where dimension = 'contact_age_band' and member_id = 'unknown'""",
    "customer_structure_members_are_known": """
        update marts.kpi_customer_structure set member_id = 'not_a_band'
        where dimension = 'age_band' and member_id = '25_to_34'""",
    "every_structure_row_finds_its_dimensions": """
        delete from marts.dim_products
        where product_id = (select min(product_id) from marts.fct_product_sales)""",
    "funnel_by_source_adds_up_to_the_funnel": """
        update marts.fct_funnel_by_source set new_customers_split = new_customers_split + 0.000001
        where new_customers = (select max(new_customers) from marts.fct_funnel_by_source)""",
    "funnel_by_source_drills_down": """
        update marts.fct_order_sources set revenue_amount = revenue_amount + 0.01
        where order_id = (select min(order_id) from marts.fct_order_sources)""",
    "interactions_by_type_drill_down_and_add_up": """
        update marts.kpi_interactions_by_type set interactions_logged = interactions_logged + 1
        where interactions = (select max(interactions) from marts.kpi_interactions_by_type)""",
    "product_sales_drill_down_and_add_up": """
        update marts.fct_product_sales set revenue_amount = revenue_amount + 0.01
        where revenue_amount = (select max(revenue_amount) from marts.fct_product_sales)""",
    "province_top_drills_down_and_adds_up": """
        update marts.kpi_province_top set customers = customers + 1
        where row_type = 'other' and manager_id = (
            select min(manager_id) from marts.kpi_province_top where row_type = 'other')""",
}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> DemoWarehouse:
    return demo_warehouse(tmp_path_factory.getbasetemp())


@pytest.fixture(scope="module")
def damaged_run(built: DemoWarehouse, tmp_path_factory: pytest.TempPathFactory) -> DbtRun:
    """Every identity test, run over a copy of the warehouse with every damage done."""
    return run_damaged(built, tmp_path_factory.mktemp("damaged_structure"), DAMAGE)


def test_every_identity_has_its_damage() -> None:
    identities = {path.stem for path in (DBT_PROJECT_DIR / "tests" / "marts" / "structure").glob("*.sql")}
    assert identities == set(DAMAGE)


@pytest.mark.parametrize("name", DAMAGE)
def test_identity_holds_and_can_fail(name: str, built: DemoWarehouse, damaged_run: DbtRun) -> None:
    assert built.run.node(name).status == "pass"
    assert damaged_run.node(name).status == "fail"
    assert (damaged_run.node(name).failures or 0) > 0


def test_all_rows_together_are_every_live_customer(built: DemoWarehouse) -> None:
    """What a ranking over several managers starts from: the structure's rows, not the ranks of each."""
    with duckdb.connect(str(built.database), read_only=True) as connection:
        together = connection.execute(
            "select member_id, sum(customers) from marts.kpi_customer_structure where dimension = 'province' group by 1"
        ).fetchall()
        customers = connection.execute(
            "select province_id, count(*) from marts.dim_customer_cohort where not is_deleted group by 1"
        ).fetchall()
    assert sorted(together) == sorted(customers)
    assert len(customers) > 10
