"""The marts as dbt builds them from a real landing zone: all passes, nothing is empty, and every identity can fail."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from orchestration.dbt_run import DBT_PROJECT_DIR, dbt_environment
from tests.support.warehouse import (
    DbtRun,
    DemoWarehouse,
    copy_warehouse,
    demo_warehouse,
    run_damaged,
    run_dbt,
    warehouse_settings,
)

MARTS = (
    "dim_customer_cohort",
    "dim_customers",
    "dim_date",
    "dim_departments",
    "dim_employees",
    "dim_industries",
    "dim_products",
    "dim_projects",
    "dim_provinces",
    "dim_relationships",
    "dim_sources",
    "dim_task_types",
    "fct_customer_industries",
    "fct_customer_persons",
    "fct_customer_sources",
    "fct_funnel",
    "fct_funnel_by_source",
    "fct_interactions",
    "fct_journey",
    "fct_new_customer_sources",
    "fct_order_lines",
    "fct_order_sources",
    "fct_orders",
    "fct_payments",
    "fct_product_sales",
    "fct_relationship_moves",
    "fct_task_status",
    "fct_tasks",
    "kpi_customer_structure",
    "kpi_interactions_by_type",
    "kpi_province_top",
)

# One statement per identity: the smallest damage that it must notice.
DAMAGE = {
    "cohort_adds_up_to_orders": """
        update marts.dim_customer_cohort set revenue_amount = revenue_amount + 0.01
        where customer_id = (select min(customer_id) from marts.dim_customer_cohort)""",
    "cohorts_are_the_funnels_new_customers": """
        delete from marts.dim_customer_cohort
        where customer_id = (select max(customer_id) from marts.dim_customer_cohort where orders = 0)""",
    "every_day_up_to_as_of_is_in_the_calendar": "delete from marts.dim_date where calendar_date = date '2026-02-14'",
    "every_fact_finds_its_dimensions": "delete from marts.dim_employees where employee_id = 'none'",
    "funnel_activities_are_tasks_created": """
        update marts.fct_task_status set tasks_created = tasks_created + 1, tasks_new = tasks_new + 1
        where task_type_id = (select min(task_type_id) from marts.fct_task_status)""",
    "funnel_adds_up_to_its_facts": """
        update marts.fct_funnel set revenue_amount = revenue_amount - 0.01
        where revenue_amount = (select max(revenue_amount) from marts.fct_funnel)""",
    "funnel_in_charge_is_the_journey_at_month_end": """
        update marts.fct_funnel set customers_in_charge = customers_in_charge + 1
        where customers_in_charge = (select max(customers_in_charge) from marts.fct_funnel)""",
    "journey_on_as_of_is_the_live_stock": """
        update marts.fct_journey set customers = customers + 1
        where as_of_date = date '2026-03-31' and created_date is null""",
    "journey_total_is_the_live_customers_of_the_day": """
        update marts.fct_journey set customers = customers + 1
        where as_of_date = date '2026-01-15' and created_date = date '2026-01-15'""",
    "moves_form_one_path_per_customer": """
        update marts.fct_relationship_moves set from_relationship_id = to_relationship_id
        where move_id = (select min(move_id) from marts.fct_relationship_moves)""",
    "new_customers_differ_from_current_by_deleted_ones": """
        update marts.fct_funnel set new_customers_current = new_customers_current + 1
        where new_customers_current = (select max(new_customers_current) from marts.fct_funnel)""",
    "order_lines_add_up_to_orders": """
        update marts.fct_order_lines set order_discount_amount = order_discount_amount + 0.01
        where order_line_id = (select min(order_line_id) from marts.fct_order_lines)""",
    "payments_add_up_to_orders": """
        update marts.fct_orders set collected_amount = collected_amount + 0.01
        where order_id = (select min(order_id) from marts.fct_orders)""",
    "task_states_add_up_to_tasks_created": """
        update marts.fct_task_status set tasks_completed_late = tasks_completed + 1
        where tasks_created = (select max(tasks_created) from marts.fct_task_status)""",
}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> DemoWarehouse:
    return demo_warehouse(tmp_path_factory.getbasetemp())


@pytest.fixture(scope="module")
def damaged_run(built: DemoWarehouse, tmp_path_factory: pytest.TempPathFactory) -> DbtRun:
    """Every identity test, run over a copy of the warehouse with every damage done."""
    return run_damaged(built, tmp_path_factory.mktemp("damaged"), DAMAGE)


def test_everything_passes(built: DemoWarehouse) -> None:
    assert built.run.bad() == []
    assert built.run.exit_code == 0


@pytest.mark.parametrize("name", MARTS)
def test_mart_is_built_and_has_rows(name: str, built: DemoWarehouse) -> None:
    assert built.run.node(name).status == "success"
    with duckdb.connect(str(built.database), read_only=True) as connection:
        (rows,) = connection.execute(f"select count(*) from marts.{name}").fetchone() or (0,)
    assert rows > 0


def test_every_identity_has_its_damage() -> None:
    identities = {path.stem for path in (DBT_PROJECT_DIR / "tests" / "marts").glob("*.sql")}
    assert identities == set(DAMAGE)


@pytest.mark.parametrize("name", DAMAGE)
def test_identity_holds_and_can_fail(name: str, built: DemoWarehouse, damaged_run: DbtRun) -> None:
    assert built.run.node(name).status == "pass"
    assert damaged_run.node(name).status == "fail"
    assert (damaged_run.node(name).failures or 0) > 0


def test_a_damaged_warehouse_fails_the_command(damaged_run: DbtRun) -> None:
    assert damaged_run.exit_code == 1


def test_marts_hold_no_personal_contact_data(built: DemoWarehouse) -> None:
    with duckdb.connect(str(built.database), read_only=True) as connection:
        columns = connection.execute(
            "select table_name || '.' || column_name from duckdb_columns() where schema_name = 'marts' "
            "and (column_name like '%phone%' or column_name like '%email%') "
            "and column_name not in ('customer_emails_read', 'customer_emails_read_current')"  # counts
        ).fetchall()
    assert columns == [("dim_employees.email",)]


def test_a_rebuild_gives_the_same_rows(built: DemoWarehouse, tmp_path: Path) -> None:
    database = copy_warehouse(built, tmp_path)
    settings = warehouse_settings(tmp_path)
    run = run_dbt(
        DBT_PROJECT_DIR,
        ["run", "--select", "path:models/marts"],
        dbt_environment(settings, built.as_of),
        settings.warehouse_dir / "target",
    )
    assert run.bad() == []
    with duckdb.connect(str(built.database), read_only=True) as connection:
        connection.execute(f"attach '{database}' as again (read_only)")
        for name in MARTS:
            difference = connection.execute(
                f"select count(*) from (from (from marts.{name} except all from again.marts.{name}) "
                f"union all from (from again.marts.{name} except all from marts.{name}))"
            ).fetchone()
            assert difference == (0,), name
