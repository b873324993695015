"""docs/decisions.md and docs/blocks.md: complete, and every model, column, seed, macro and test they name is there."""

from __future__ import annotations

import pytest

from orchestration.settings import PROJECT_DIR
from tests.support.names import names, quoted, table_rows

# Names that the two pages give before the repository has them. A name leaves this set when it arrives; the set is empty
# when everything is there.
COMING_NAMES: frozenset[str] = frozenset(
    {
        # Marts, each with its columns, and columns of marts that are there.
        "dim_campaigns",
        "dim_metrics",
        "fct_campaign_interactions",
        "fct_customer_events",
        "fct_customer_owners",
        "fct_opportunities",
        "kpi_campaign_month",
        "kpi_campaign_owner",
        "kpi_customer_month",
        "kpi_department_member_month",
        "kpi_department_month_history",
        "kpi_product_period",
        "kpi_product_source_month",
        "kpi_product_top",
        "kpi_reconciliation",
        "fct_funnel.customers_assigned",
        "kpi_task_month.planned_hours",
        # Tests.
        "a_customer_with_two_opportunities_is_one_customer",
        "a_metric_keeps_its_empty_places_empty",
        "a_period_stands_beside_the_one_before_it",
        "a_products_money_is_split_over_its_orders_sources_to_the_cent",
        "an_event_belongs_to_the_department_of_its_instant",
        "both_owners_have_their_version_of_every_measure",
        "campaign_months_add_up_to_opportunities",
        "campaign_owners_add_up_to_months_and_rows",
        "customer_events_are_their_facts",
        "customer_months_add_up_to_the_funnel",
        "customer_months_are_their_events",
        "customers_assigned_came_by_creation_or_by_hand",
        "department_history_figures_are_their_rows",
        "department_members_add_up_to_departments",
        "five_products_then_the_others_then_those_without",
        "members_are_compared_within_their_department",
        "opportunities_by_month_of_creation_with_two_rates",
        "people_of_a_department_do_not_add_up_to_it",
        "product_periods_drill_down_and_add_up",
        "product_sources_drill_down_and_add_up",
        "product_top_drills_down_and_adds_up",
        "reconciliation_figures_are_the_marts",
        "reconciliation_lines_add_up",
        "task_hours_add_up_to_tasks",
    }
)

DECISIONS = PROJECT_DIR / "docs" / "decisions.md"
BLOCKS = PROJECT_DIR / "docs" / "blocks.md"
POINTS = [f"5.{number}" for number in range(1, 38)]
OPEN_POINTS = {"5.30"}
SEED_PAGE = [*"ABCDEFGHIJKLMNO", "B1", "B2", "B3", "B4", "B5"]
REPORTS = ["customer", "department", "product", "task", "campaign", "telesales", "targets"]


def decisions() -> list[list[str]]:
    return [row for row in table_rows(DECISIONS, 5) if row[0] != "#"]


def blocks() -> list[list[str]]:
    return [row for row in table_rows(BLOCKS, 5) if row[1] != "block"]


def places(rows: list[list[str]], columns: tuple[int, ...]) -> set[str]:
    return {name for row in rows for column in columns for name in quoted(row[column])}


def missing() -> set[str]:
    """Names the pages give that the repository does not have."""
    known = names()
    where = places(decisions(), (3,)) | places(blocks(), (2, 3))
    tests = places(decisions(), (4,)) | places(blocks(), (4,))
    return {name for name in where if not known.has_place(name)} | (tests - known.tests)


def test_every_point_is_decided_once_in_order() -> None:
    assert [row[0] for row in decisions()] == POINTS


def test_every_decision_says_where_it_is_and_what_proves_it() -> None:
    silent = {row[0] for row in decisions() if not quoted(row[3]) or not quoted(row[4])}
    assert silent == OPEN_POINTS
    assert [row[0] for row in decisions() if "not yet" in (row[3], row[4])] == sorted(OPEN_POINTS)


def test_every_block_of_the_page_and_every_report_is_there_with_rows_and_a_test() -> None:
    found = [row[0] for row in blocks()]
    assert set(found) == {*SEED_PAGE, *REPORTS, "none"}
    assert [row[1] for row in blocks() if not quoted(row[2]) or not quoted(row[4])] == []


def test_every_name_is_there() -> None:
    assert sorted(name for name in missing() if not {name, name.partition(".")[0]} & COMING_NAMES) == []


def test_a_name_that_has_arrived_is_awaited_no_longer() -> None:
    known = names()
    assert sorted(name for name in COMING_NAMES if known.has_place(name) or name in known.tests) == []


@pytest.mark.parametrize("name", ["fct_funnel.no_such_column", "no_such_mart", "seeds/no_such.csv", "no_such_macro()"])
def test_a_name_that_is_nowhere_is_noticed(name: str) -> None:
    assert not names().has_place(name)
