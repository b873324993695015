"""The marts of cycle, true funnel and journey over a real warehouse: identities can fail, wrong windows are refused."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import duckdb
import pytest
from dbt.context.exceptions_jinja import raise_compiler_error
from dbt_common.exceptions import CompilationError
from jinja2 import Environment

from orchestration.dbt_run import DBT_PROJECT_DIR, dbt_environment
from orchestration.settings import PROJECT_DIR
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
    "fct_customer_cycle",
    "fct_customer_milestones",
    "fct_customer_stages",
    "fct_cycle_members",
    "fct_relationship_stays",
    "kpi_cohort_funnel",
    "kpi_customer_cycle",
    "kpi_journey_time",
)
IDENTITIES = DBT_PROJECT_DIR / "tests" / "marts" / "cycle"

# One statement per identity: a small damage that it must notice.
DAMAGE = {
    "cohort_funnel_figures_are_their_rows": """
        update marts.fct_customer_milestones set has_reached_payment = not has_reached_payment
        where customer_id = (select min(customer_id) from marts.fct_customer_milestones)""",
    "cohort_funnel_has_all_revenue": """
        update marts.kpi_cohort_funnel set revenue_amount = revenue_amount + 0.01
        where revenue_amount = (select max(revenue_amount) from marts.kpi_cohort_funnel)""",
    "cohort_funnel_starts_with_the_funnels_new_customers": """
        update marts.kpi_cohort_funnel set customers = customers + 1
        where with_order = (select max(with_order) from marts.kpi_cohort_funnel)""",
    "customer_stages_are_the_journey_on_as_of": """
        update marts.fct_customer_stages set created_date = created_date - 84
        where created_date = date '2026-03-31'""",
    "cycle_breakdowns_have_every_new_customer": """
        update marts.kpi_customer_cycle set total_days = total_days + 1
        where breakdown = 'all' and window_days = 7 and result_id = 'order'""",
    "cycle_figures_are_their_rows": """
        delete from marts.fct_cycle_members
        where breakdown = 'source' and customer_id = (
            select min(customer_id) from marts.fct_customer_cycle where created_date = date '2026-03-31')""",
    "cycle_to_order_is_the_cohorts": """
        update marts.fct_customer_cycle set days_to_event = days_to_event + 1
        where days_to_event = (select max(days_to_event) from marts.fct_customer_cycle where result_type = 'order')""",
    "journey_time_figures_are_their_rows": """
        update marts.kpi_journey_time set moves_skipping = moves_skipping + 1
        where moves_out = (select max(moves_out) from marts.kpi_journey_time)""",
    "stays_are_first_stays_and_moves": """
        update marts.fct_relationship_stays set days_in_stage = days_in_stage + 1
        where days_in_stage = (select max(days_in_stage) from marts.fct_relationship_stays where has_moved_on)""",
}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> DemoWarehouse:
    return demo_warehouse(tmp_path_factory.getbasetemp())


@pytest.fixture(scope="module")
def damaged_run(built: DemoWarehouse, tmp_path_factory: pytest.TempPathFactory) -> DbtRun:
    """Every identity test, run over a copy of the warehouse with every damage done."""
    return run_damaged(built, tmp_path_factory.mktemp("damaged_cycle"), DAMAGE)


@pytest.mark.parametrize("name", MARTS)
def test_mart_is_built_and_has_rows(name: str, built: DemoWarehouse) -> None:
    assert built.run.node(name).status == "success"
    with duckdb.connect(str(built.database), read_only=True) as connection:
        (rows,) = connection.execute(f"select count(*) from marts.{name}").fetchone() or (0,)
    assert rows > 0


def test_every_identity_has_its_damage() -> None:
    assert {path.stem for path in IDENTITIES.glob("*.sql")} == set(DAMAGE)


@pytest.mark.parametrize("name", DAMAGE)
def test_identity_holds_and_can_fail(name: str, built: DemoWarehouse, damaged_run: DbtRun) -> None:
    assert built.run.node(name).status == "pass"
    assert damaged_run.node(name).status == "fail"
    assert (damaged_run.node(name).failures or 0) > 0


@pytest.fixture(scope="module")
def wrong_windows(built: DemoWarehouse, tmp_path_factory: pytest.TempPathFactory) -> tuple[DbtRun, Path]:
    """A build of the cycle with two windows in the seed that are not allowed, and the warehouse it leaves."""
    root = tmp_path_factory.mktemp("windows")
    for folder in ("models", "seeds", "dbt_project"):
        shutil.copytree(PROJECT_DIR / folder, root / folder, symlinks=True)
    with (root / "seeds" / "cycle_windows.csv").open("a", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([[3, "3_days"], [85, "85_days"]])
    database = copy_warehouse(built, root / "home")
    settings = warehouse_settings(root / "home")
    selection = ["cycle_windows", "kpi_customer_cycle"]
    run = run_dbt(
        root / "dbt_project",
        ["build", "--store-failures", "--exclude-resource-type", "unit_test", "--select", *selection],
        dbt_environment(settings, built.as_of),
        settings.warehouse_dir / "target",
    )
    return run, database


def test_a_window_outside_the_bounds_fails_the_seed(wrong_windows: tuple[DbtRun, Path]) -> None:
    run, database = wrong_windows
    (failed,) = [node for node in run.nodes if node.status == "fail"]
    assert (failed.name.startswith("windows_within_cycle_windows"), failed.failures) == (True, 2)
    with duckdb.connect(str(database), read_only=True) as connection:
        (table,) = connection.execute(
            "select schema_name || '.' || table_name from duckdb_tables() where table_name = ?", [failed.name]
        ).fetchall()
        problems = connection.execute(f"select problem from {table[0]} order by window_days").fetchall()
    assert problems == [
        ("a window of 3 days: give a whole number from 4 to 84",),
        ("a window of 85 days: give a whole number from 4 to 84",),
    ]


def test_nothing_is_built_on_a_window_outside_the_bounds(wrong_windows: tuple[DbtRun, Path]) -> None:
    run, _ = wrong_windows
    assert run.exit_code == 1
    assert run.node("kpi_customer_cycle").status == "skipped"


MACROS = (DBT_PROJECT_DIR / "macros" / "marts" / "cycle_window.sql").read_text(encoding="utf-8")


def asserted(window_days: object) -> str:
    """The window as the project's own macro gives it back, with dbt's own error."""
    environment = Environment(extensions=["jinja2.ext.do"])
    module = environment.from_string(MACROS).make_module({"exceptions": ErrorsOfDbt})
    return str(module.assert_cycle_window(window_days)).strip()  # type: ignore[attr-defined]


class ErrorsOfDbt:
    """What dbt's `exceptions` offers to macros, as far as this one needs it."""

    raise_compiler_error = staticmethod(raise_compiler_error)


@pytest.mark.parametrize("window_days", [4, 7, 84])
def test_a_window_within_the_bounds_is_given_back(window_days: int) -> None:
    assert asserted(window_days) == str(window_days)


@pytest.mark.parametrize("window_days", [3, 85, 0, -7, 4.5, "7 or 1 = 1"])
def test_a_window_outside_the_bounds_is_refused(window_days: object) -> None:
    with pytest.raises(CompilationError) as refused:
        asserted(window_days)
    message = str(refused.value)
    assert f"A cycle window of '{window_days}' days is not allowed: give a whole number of days from 4 to 84" in message


def test_dbt_stops_at_a_window_outside_the_bounds(built: DemoWarehouse, tmp_path: Path) -> None:
    settings = warehouse_settings(tmp_path)
    settings.warehouse_dir.mkdir()
    run = run_dbt(
        DBT_PROJECT_DIR,
        ["run-operation", "assert_cycle_window", "--args", "{window_days: 85}"],
        dbt_environment(settings, built.as_of),
        settings.warehouse_dir / "target",
    )
    assert run.exit_code != 0
    assert "A cycle window of '85' days is not allowed" in run.output
