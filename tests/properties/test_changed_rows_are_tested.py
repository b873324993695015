"""In a build of changes a test looks at the rows whose change could make it fail, and at no others."""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb

from orchestration.build_plan import CHANGES, EVERYTHING
from orchestration.dbt_run import DBT_PROJECT_DIR, dbt_environment
from tests.properties.runner import COMPILED_NIGHT, Project
from tests.support.warehouse import DbtRun, run_dbt, warehouse_settings

_UNIQUE = "core_orders,test_name:key_and_values"
_NULL_KEY = "fct_journey,test_name:key_and_values"
_NOT_NULL = "core_payments,test_name:key_and_values"
_HISTORY = "core_orders_history,test_name:current_rows_equal"
_MEMBERS = "every_fact_finds_its_dimensions"
_EVENTS = "customer_events_are_their_facts"
_PATHS = "moves_form_one_path_per_customer"
_MONTHS = "customer_months_are_their_events"
_DEPARTMENTS = "department_history_figures_are_their_rows"
_TYPES = "interactions_by_type_drill_down_and_add_up"
_PRODUCTS = "product_sales_drill_down_and_add_up"
_PERIODS = "product_periods_drill_down_and_add_up"
_STAYS = "stays_are_first_stays_and_moves"
_LINES = "order_lines_add_up_to_orders"
_MONEY = "order_lines_carry_their_orders_money"
_GAPS = "core_orders_history,test_name:no_gap"
_CAMPAIGNS = "campaign_interactions_fall_into_opportunities"
_HAS_RULE = "core_customer_interactions,test_name:expression_is_true"
_ALL = (
    _UNIQUE,
    _NULL_KEY,
    _NOT_NULL,
    _HISTORY,
    _MEMBERS,
    _EVENTS,
    _MONTHS,
    _PATHS,
    _DEPARTMENTS,
    _TYPES,
    _PRODUCTS,
    _PERIODS,
    _STAYS,
    _LINES,
    _MONEY,
    _GAPS,
    _CAMPAIGNS,
    _HAS_RULE,
)


def data_tests(project: Project, home: Path, mode: str, damage: str) -> DbtRun:
    """The tests above, run in a copy of the compiled warehouse with some SQL done to it."""
    settings, source = warehouse_settings(home), warehouse_settings(project.home)
    settings.warehouse_dir.mkdir(parents=True)
    shutil.copy(source.warehouse_path, settings.warehouse_path)
    shutil.copy(source.landing_index_path, settings.landing_index_path)
    shutil.copytree(source.warehouse_dir / "shells", settings.warehouse_dir / "shells")
    with duckdb.connect(settings.warehouse_path) as connection:
        connection.execute(damage)
    run = run_dbt(
        DBT_PROJECT_DIR,
        ["test", "--select", *_ALL],
        dbt_environment(settings, COMPILED_NIGHT, mode),
        settings.warehouse_dir / "target",
    )
    assert len(run.nodes) == len(_ALL)
    return run


def found(run: DbtRun) -> set[str]:
    """Those of the tests that failed or warned."""
    beginnings = {test: "_".join(reversed(test.split(",test_name:"))) for test in _ALL}
    wrong = [node.name for node in run.nodes if node.status != "pass"]
    return {test for test, beginning in beginnings.items() if any(name.startswith(beginning) for name in wrong)}


# Per test: what is wrong with rows of its tables, and the changes that a build would have kept of it.
DAMAGE = """
    insert into core.core_orders from core.core_orders limit 1;
    insert into marts.fct_journey by name
        select date '1999-12-31' as as_of_date, 'nobody' as manager_id, 'a' as relationship_id, 1 as customers
        from range(2);
    update core.core_payments set payment_id = null;
    update core.core_orders_history set order_code = 'another' where is_current;
    update marts.fct_orders set executor_id = 'nobody';
    update marts.fct_customer_events set interactions = interactions + 1;
    update core.core_customer_interactions set has_rule = false;
    update marts.kpi_department_month set interactions = interactions + 1;
    update marts.fct_funnel set interactions = interactions + 1, sales_amount = sales_amount + 1;
    insert into marts.fct_relationship_moves by name
        select customer_id, 'a' as from_relationship_id, 'a' as to_relationship_id, timestamp '2026-01-01' as moved_at
        from marts.dim_customers limit 1;
    insert into marts.fct_relationship_moves by name
        select 'nobody' as customer_id, 'a' as from_relationship_id, 'b' as to_relationship_id,
            timestamp '1999-12-29' as moved_at;
    insert into marts.kpi_product_period by name
        select 'month' as period_type, date '1999-12-01' as period_date, 'nobody' as executor_id, 'a' as product_id,
            1 as orders;
    insert into marts.fct_order_lines by name
        select 'nobody' as order_line_id, 'no order' as order_id, 1 as billed_amount;
    insert into core.core_orders by name select 'no lines' as order_id, 1 as discount_amount;
    insert into core.core_orders_history by name
        select 'gap' as order_id, timestamp '1999-01-01' as valid_from_at, timestamp '1999-01-02' as valid_to_at
        union all
        select 'gap' as order_id, timestamp '1999-01-03' as valid_from_at, timestamp '1999-01-04' as valid_to_at;
    insert into marts.fct_campaign_interactions by name
        select 'a' as campaign_id, 'nobody' as owner_id, 'no interaction' as interaction_key,
            'nobody' as customer_id;
"""
CAME = """
    insert into changes.core_orders by name select 'added' as _change, * from core.core_orders limit 1;
    insert into changes.fct_journey by name
        select 'added' as _change, date '1999-12-31' as as_of_date, 'nobody' as manager_id, 'a' as relationship_id,
            1 as customers;
    insert into changes.core_payments by name select 'added' as _change, * from core.core_payments limit 1;
    insert into changes.core_orders_history by name select 'added' as _change, * from core.core_orders_history;
    insert into changes.fct_orders by name select 'added' as _change, * from marts.fct_orders;
    insert into changes.fct_customer_events by name select 'added' as _change, * from marts.fct_customer_events;
    insert into changes.fct_relationship_moves by name select 'added' as _change, * from marts.fct_relationship_moves;
    insert into changes.kpi_department_month by name select 'added' as _change, * from marts.kpi_department_month;
    insert into changes.kpi_product_period by name select 'added' as _change, * from marts.kpi_product_period;
    insert into changes.fct_funnel by name select 'added' as _change, * from marts.fct_funnel;
    insert into changes.fct_order_lines by name select 'added' as _change, 'no order' as order_id;
    insert into changes.core_orders by name select 'added' as _change, 'no lines' as order_id;
    insert into changes.fct_campaign_interactions by name select 'added' as _change, 'nobody' as customer_id;
"""

BROKEN = {
    _UNIQUE,
    _NULL_KEY,
    _NOT_NULL,
    _HISTORY,
    _MEMBERS,
    _EVENTS,
    _MONTHS,
    _PATHS,
    _DEPARTMENTS,
    _TYPES,
    _PRODUCTS,
    _PERIODS,
    _STAYS,
    _LINES,
    _MONEY,
    _GAPS,
    _CAMPAIGNS,
}
WARNED = _HAS_RULE


def test_a_build_of_everything_looks_at_every_row(project: Project, tmp_path: Path) -> None:
    assert found(data_tests(project, tmp_path, EVERYTHING, DAMAGE)) == {*BROKEN, WARNED}


def test_a_build_of_changes_looks_at_the_rows_that_came(project: Project, tmp_path: Path) -> None:
    assert found(data_tests(project, tmp_path, CHANGES, DAMAGE + CAME)) == {*BROKEN, WARNED}


def test_rows_that_were_there_before_were_tested_before_but_warnings_are_said_again(
    project: Project, tmp_path: Path
) -> None:
    assert found(data_tests(project, tmp_path, CHANGES, DAMAGE)) == {WARNED}


def test_a_change_in_a_column_that_a_test_does_not_read_does_not_concern_it(project: Project, tmp_path: Path) -> None:
    others = "".join(
        f"""
        insert into changes.{mart} by name select 'added' as _change, * from marts.{mart};
        insert into changes.{mart} by name
            select 'removed' as _change, * replace (customers_in_charge_current + 1 as customers_in_charge_current)
            from marts.{mart};
        """
        for mart in ("kpi_department_month", "fct_funnel")
    )
    assert found(data_tests(project, tmp_path, CHANGES, DAMAGE + others)) == {WARNED}


def test_an_interval_that_went_leaves_a_gap(project: Project, tmp_path: Path) -> None:
    went = "insert into changes.core_orders_history by name select 'removed' as _change, 'gap' as order_id;"
    assert found(data_tests(project, tmp_path, CHANGES, DAMAGE + went)) == {_GAPS, WARNED}


def test_a_member_that_went_is_missed_by_rows_that_stayed(project: Project, tmp_path: Path) -> None:
    went = """
        insert into changes.dim_employees by name
            select 'removed' as _change, * from marts.dim_employees where employee_id = 'sample';
        delete from marts.dim_employees where employee_id = 'sample';
    """
    assert _MEMBERS in found(data_tests(project, tmp_path, CHANGES, went))
