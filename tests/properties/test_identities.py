"""Every identity between marts holds for every company: all dbt tests that block a night find nothing.

The totals of the funnel, its detail by source and the facts agree, the journey is the live customers, the structure
adds up to them, shares add up to the cent, lines are orders, states are tasks, departments and reconciliation are the
company: each of these is a test of `dbt_project/tests/marts/`, held here against companies that nobody thought of.
"""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from tests.properties.cases import richest_company
from tests.properties.companies import AS_OF, Company, companies
from tests.properties.examples import IDENTITIES, check, examples
from tests.properties.runner import Project, built


def failing_tests(project: Project, company: Company) -> dict[str, list[tuple[object, ...]]]:
    with built(project, company.landed_at_once(), AS_OF) as warehouse:
        return warehouse.failing_tests()


def test_all_blocking_tests_find_nothing(project: Project) -> None:
    def findings(company: Company) -> list[str]:
        return [f"{name}: {row}" for name, rows in failing_tests(project, company).items() for row in rows]

    for company in examples(companies(), IDENTITIES, start=1):
        check(company, findings)


@dataclass(frozen=True)
class Mistake:
    """One compiled rule changed, and the tests that must notice."""

    model: str
    rule: str
    instead: str
    noticed_by: str


MISTAKES = (
    Mistake(
        "fct_order_sources",
        "coalesce(bridge.member_count, 1) as source_count",
        "1 as source_count",
        "funnel_by_source_adds_up_to_the_funnel",
    ),
    Mistake(
        "fct_journey",
        "where stock.customers > 0",
        "where stock.customers > 1",
        "journey_on_as_of_is_the_live_stock",
    ),
    Mistake(
        "kpi_department_month",
        "inner join employees on funnel.employee_id = employees.employee_id",
        "inner join employees on funnel.employee_id = employees.employee_id and employees.is_active",
        "departments_add_up_to_the_funnel",
    ),
    Mistake(
        "fct_tasks",
        "when judged.is_past_due then 'late'",
        "when judged.is_past_due then 'overdue'",
        "task_states_add_up_to_tasks_created",
    ),
    Mistake(
        "fct_order_lines",
        "coalesce(orders.sign, 1) * order_lines.billed_amount as billed_amount",
        "order_lines.billed_amount",
        "order_lines_add_up_to_orders",
    ),
)


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.model)
def test_a_mistake_is_noticed(mistake: Mistake, project: Project) -> None:
    broken = project.broken(mistake.model, mistake.rule, mistake.instead)
    assert mistake.noticed_by in failing_tests(broken, richest_company())
