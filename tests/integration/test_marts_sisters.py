"""The identities of the marts in `models/marts/sisters/` hold over a real warehouse, and each notices its damage."""

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
    "calls_add_up_to_interactions_by_type": """
        update marts.kpi_call_day set calls = calls + 1 where calls = (select max(calls) from marts.kpi_call_day)""",
    "department_history_figures_are_their_rows": """
        update marts.kpi_department_month_history set orders = orders + 1
        where orders = (select max(orders) from marts.kpi_department_month_history)""",
    "department_members_add_up_to_departments": """
        update marts.kpi_department_month set customer_orders_current = customer_orders_current + 1
        where customer_orders_current = (select max(customer_orders_current) from marts.kpi_department_month)""",
    "departments_add_up_to_the_funnel": """
        update marts.kpi_department_day set collected_amount = collected_amount + 0.01
        where collected_amount = (select max(collected_amount) from marts.kpi_department_day)""",
    "departments_and_reconciliation_are_the_company": """
        update marts.kpi_department_reconciliation set new_customers = new_customers + 1
        where new_customers = (select max(new_customers) from marts.kpi_department_reconciliation)""",
    "task_hours_add_up_to_tasks": """
        update marts.kpi_task_month set planned_hours = planned_hours + 0.01
        where planned_hours = (select max(planned_hours) from marts.kpi_task_month)""",
    "division_targets_have_everything_below": """
        update marts.kpi_target_attainment set actual_value_with_below = actual_value
        where actual_value_with_below > actual_value""",
    "task_months_add_up_to_tasks": """
        update marts.kpi_task_month set rated_tasks = rated_tasks - 1
        where rated_tasks = (select max(rated_tasks) from marts.kpi_task_month)""",
    "target_actuals_are_the_funnels": """
        update marts.kpi_target_attainment set actual_value = actual_value + 0.01
        where department_id != 'none' and actual_value = (
            select max(actual_value) from marts.kpi_target_attainment where department_id != 'none')""",
}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> DemoWarehouse:
    return demo_warehouse(tmp_path_factory.getbasetemp())


@pytest.fixture(scope="module")
def damaged_run(built: DemoWarehouse, tmp_path_factory: pytest.TempPathFactory) -> DbtRun:
    """Every identity test, run over a copy of the warehouse with every damage done."""
    return run_damaged(built, tmp_path_factory.mktemp("damaged_sisters"), DAMAGE)


def test_every_identity_has_its_damage() -> None:
    identities = {path.stem for path in (DBT_PROJECT_DIR / "tests" / "marts" / "sisters").glob("*.sql")}
    assert identities == set(DAMAGE)


@pytest.mark.parametrize("name", DAMAGE)
def test_identity_holds_and_can_fail(name: str, built: DemoWarehouse, damaged_run: DbtRun) -> None:
    assert built.run.node(name).status == "pass"
    assert damaged_run.node(name).status == "fail"
    assert (damaged_run.node(name).failures or 0) > 0
