"""The identities of `models/marts/reconciliation/` hold over a real warehouse, and each notices its damage."""

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
    "card_interactions_hold_the_kpi": """
        update marts.fct_card_interactions set employee_id = 'none'
        where card_key = (select max(card_key) from marts.fct_card_interactions where event_type = 'created'
            and employee_id != 'none')""",
    "customer_owners_are_the_funnels_customers": """
        update marts.fct_customer_owners set valid_to_at = valid_from_at + interval 1 second
        where customer_id = (select min(customer_id) from marts.fct_customer_owners where is_open) and is_open""",
    "employee_departments_end_with_the_current_one": """
        update marts.fct_employee_departments set department_id = 'none'
        where employee_id = (select max(employee_id) from marts.fct_employee_departments) and is_primary""",
    "every_reconciliation_row_finds_its_dimensions": """
        update marts.fct_customer_owners set previous_manager_id = 'nobody we know'
        where previous_manager_id = (select min(previous_manager_id) from marts.fct_customer_owners)""",
    "reconciliation_lines_drill_down": """
        update marts.kpi_reconciliation set value = value + 1
        where line = 'received_since' and metric = 'customers_in_charge' and value = (
            select max(value) from marts.kpi_reconciliation where line = 'received_since')""",
    # A line that explains, by one cent.
    "reconciliation_lines_add_up": """
        update marts.kpi_reconciliation set value = value + 0.01
        where line = 'sold_by_others' and value = (
            select max(value) from marts.kpi_reconciliation where line = 'sold_by_others')""",
    # Both sides of a comparison, so that it still adds up.
    "reconciliation_figures_are_the_marts": """
        update marts.kpi_reconciliation set value = value + 1
        where metric = 'ordering_customers' and line_kind != 'explains' and department_id = (
            select min(department_id) from marts.kpi_reconciliation where metric = 'ordering_customers')""",
    "reconciliation_figures_of_no_mart_are_their_rows": """
        update marts.kpi_reconciliation set value = value + 1
        where line = 'orders_of_department_customers' and value = (
            select max(value) from marts.kpi_reconciliation where line = 'orders_of_department_customers')""",
}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> DemoWarehouse:
    return demo_warehouse(tmp_path_factory.getbasetemp())


@pytest.fixture(scope="module")
def damaged_run(built: DemoWarehouse, tmp_path_factory: pytest.TempPathFactory) -> DbtRun:
    """Every identity test, run over a copy of the warehouse with every damage done."""
    return run_damaged(built, tmp_path_factory.mktemp("damaged_reconciliation"), DAMAGE)


def test_every_identity_has_its_damage() -> None:
    identities = {path.stem for path in (DBT_PROJECT_DIR / "tests" / "marts" / "reconciliation").glob("*.sql")}
    assert identities == set(DAMAGE)


@pytest.mark.parametrize("name", DAMAGE)
def test_identity_holds_and_can_fail(name: str, built: DemoWarehouse, damaged_run: DbtRun) -> None:
    assert built.run.node(name).status == "pass"
    assert damaged_run.node(name).status == "fail"
    assert (damaged_run.node(name).failures or 0) > 0


def test_every_topic_and_line_of_the_seed_has_rows(built: DemoWarehouse) -> None:
    with duckdb.connect(str(built.database), read_only=True) as connection:
        listed, found = (
            set(connection.execute(f"select distinct topic, metric, line from {table}").fetchall())
            for table in ("seeds.reconciliation_lines", "marts.kpi_reconciliation")
        )
    assert found == listed
