"""The marts of `models/marts/sisters/` against their oracle, and the oracle against broken rules.

Belongs here: comparisons, the cases the demo company must hold, and what is broken. Not here: the figures themselves
(`sisters.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from tests.oracle import sisters
from tests.oracle.mutations import Mutation, differing_columns, expected_columns, rebuild_mutated
from tests.oracle.oracle import NONE, Company
from tests.oracle.reading import differences, mart
from tests.support.warehouse import DemoWarehouse


@pytest.mark.parametrize("name", sisters.MARTS)
def test_mart_equals_the_oracle(name: str, built: DemoWarehouse, demo_company: Company) -> None:
    key, compute = sisters.MARTS[name]
    expected = compute(demo_company)
    assert len(expected) >= {"kpi_department_reconciliation": 5, "dim_employee_department_history": 40}.get(name, 50)
    assert differences(expected, mart(built.database, name), key) == []


# The demo company moves nobody between departments, so people are moved in a copy, and in the oracle's company alike:
# every third one spends three weeks of February in another department, with noon and midnight as edges.
OF_MOVES = ("dim_employee_department_history", "kpi_department_month_history")
LEFT_AT, BACK_AT = datetime(2026, 2, 3, 12), datetime(2026, 2, 24)
MOVES = """
    create temp table moved as
    select * from core.core_employees_history
    where is_current and valid_from_at < timestamp '2026-02-03' and substr(employee_id, -1) in ('1', '4', '7');
    insert into core.core_employees_history by name
    select * replace (
        (
            select max(department_id) from core.core_departments where department_id != moved.department_id
        ) as department_id,
        timestamp '2026-02-03 12:00:00' as valid_from_at,
        timestamp '2026-02-24 00:00:00' as valid_to_at,
        false as is_current
    ) from moved;
    insert into core.core_employees_history by name
    select * replace (timestamp '2026-02-24 00:00:00' as valid_from_at) from moved;
    update core.core_employees_history as history
    set valid_to_at = timestamp '2026-02-03 12:00:00', is_current = false
    from moved
    where history.employee_id = moved.employee_id and history.valid_from_at = moved.valid_from_at;
"""


def moved_workplaces(c: Company) -> Mapping[str, list[tuple[datetime, str]]]:
    """What MOVES does, without SQL."""
    moved = {}
    for employee, places in c.workplaces.items():
        moved[employee] = list(places)
        if places[-1][0] < LEFT_AT and employee[-1] in "147":
            home = places[-1][1]
            away = max(str(department) for (department,) in c.tables["departments"] if department != home)
            moved[employee] += [(LEFT_AT, away), (BACK_AT, home)]
    return moved


@pytest.fixture(scope="module")
def moved_company(demo_company: Company) -> Company:
    return replace(demo_company, workplaces=moved_workplaces(demo_company))


@pytest.fixture(scope="module")
def moved_database(built: DemoWarehouse, tmp_path_factory: pytest.TempPathFactory) -> Path:
    unbroken = [Mutation(name, "select * from final", "select * from final", frozenset()) for name in OF_MOVES]
    return rebuild_mutated(built, tmp_path_factory.mktemp("moved_sisters"), unbroken, MOVES)


@pytest.mark.parametrize("name", OF_MOVES)
def test_events_stay_with_the_department_of_then(
    name: str, built: DemoWarehouse, moved_database: Path, moved_company: Company
) -> None:
    key, compute = sisters.MARTS[name]
    found = mart(moved_database, name)
    assert differences(compute(moved_company), found, key) == []
    assert len(differences(found, mart(built.database, name), key)) > 10


def test_the_company_has_every_hard_case_the_oracle_should_meet(demo_company: Company) -> None:
    calls = sisters.calls(demo_company)
    targets = sisters.target_attainment(demo_company)
    months = sisters.department_month(demo_company)
    tasks = sisters.task_month(demo_company)
    members = sisters.department_member_month(demo_company)
    hard_cases = {
        "tasks nobody rated": int((tasks.tasks_confirmed - tasks.rated_tasks).sum()),
        "tasks cancelled": int(tasks.tasks_cancelled.sum()),
        "tasks confirmed without planned hours": int((tasks.tasks_confirmed - tasks.tasks_with_hours).sum()),
        "tasks planned to start after their deadline": sum(
            task["planned_start_at"] is not None
            and task["due_at"] is not None
            and task["planned_start_at"] > task["due_at"]
            for task in demo_company.rows("tasks")
        ),
        "tasks planned without a deadline": sum(
            task["planned_start_at"] is not None and task["due_at"] is None for task in demo_company.rows("tasks")
        ),
        "months of several people of a department": int((months.members > 1).sum()),
        "customers who order twice in a month": int((months.ordering_customers < months.orders).sum()),
        "rows of no department": len(sisters.department_reconciliation(demo_company)),
        "calls missed": int(calls.calls_missed.sum()),
        "calls failed": int(calls.calls_failed.sum()),
        "days without a connected call": int((calls.calls_connected == 0).sum()),
        "inbound calls": int(calls.calls_inbound.sum()),
        "targets of departments": int((targets.department_id != NONE).sum()),
        "targets where less is better": int((targets.direction == "decrease").sum()),
        "targets more than reached": int((targets.attainment_rate > 1).sum()),
        "targets of divisions": int(
            (targets.actual_value_with_below.dropna() > targets.actual_value[targets.department_id != NONE]).sum()
        ),
        "months of customers' orders from others": int((months.orders != months.customer_orders_current).sum()),
        "members who tie": int(members.duplicated(["month_date", "department_id", "revenue_rank"]).sum()),
        "members of a department without revenue": int(members.revenue_share_rate.isna().sum()),
        "targets of periods that run on": int((targets.elapsed_rate < 1).sum()),
    }
    assert {name: count for name, count in hard_cases.items() if count == 0} == {}


MUTATIONS = (
    # Tasks nobody rated count as rated with nothing.
    Mutation(
        "kpi_task_month",
        "case when tasks.rating is null then 0 else 1 end",
        "1",
        frozenset({"rated_tasks", "total_rating_with_default", "mean_rating", "mean_rating_with_default"}),
    ),
    # Hours of every task created in the month, whether or not it was confirmed.
    Mutation(
        "kpi_task_month",
        "0 as tasks_with_hours,\n        0 as planned_seconds",
        "1 as tasks_with_hours,\n        coalesce(tasks.planned_seconds, 0) as planned_seconds",
        frozenset({"tasks_with_hours", "planned_hours"}),
    ),
    # Customers of orders that do not count.
    Mutation(
        "kpi_department_month",
        "where orders.orders = 1",
        "where orders.orders = 0",
        frozenset({"ordering_customers"}),
    ),
    # Orders of customers deleted since, instead of the others'.
    Mutation(
        "kpi_department_month",
        "and not customer_events.is_customer_deleted",
        "and customer_events.is_customer_deleted",
        frozenset({"customer_orders_current"}),
    ),
    # Only calls that count as interactions are connected.
    Mutation(
        "kpi_call_day",
        "sum(case when calls.outcome = 'answered' then 1 else 0 end)",
        "sum(case when calls.outcome = 'answered' and calls.direction = 'outbound' then 1 else 0 end)",
        frozenset({"calls_connected", "connected_rate"}),
    ),
    # A day's money stands in its month.
    Mutation(
        "kpi_department_day",
        "payments.paid_date as calendar_date",
        "payments.month_date as calendar_date",
        frozenset({"missing", "surplus", "collected_amount"}),
    ),
    # People without a department are not told apart from nobody.
    Mutation(
        "kpi_department_reconciliation",
        "then 'nobody'",
        "then 'no_department'",
        frozenset({"missing", "surplus"}),
    ),
    # Members are compared within the whole company.
    Mutation(
        "kpi_department_member_month",
        "rank() over (\n            partition by members.month_date, members.department_id",
        "rank() over (\n            partition by members.month_date",
        frozenset({"revenue_rank"}),
    ),
    # The department of then is the one of now.
    Mutation(
        "kpi_department_month_history",
        "and events.acted_at >= places.valid_from_at",
        "and places.is_current",
        frozenset(
            {"missing", "interactions", "activities", "orders", "sales_amount", "revenue_amount", "collected_amount"}
        ),
    ),
    # A department that somebody comes back to is no stretch of its own.
    Mutation(
        "dim_employee_department_history",
        "or compared.previous_department_id != compared.department_id",
        "or compared.previous_department_id < compared.department_id",
        frozenset({"missing", "valid_to_at", "is_current"}),
        is_read_by_others=True,
    ),
    # More is better, whatever the direction.
    Mutation(
        "kpi_target_attainment",
        "when compared.direction = 'increase' then compared.actual_share\n",
        "when compared.direction in ('increase', 'decrease') then compared.actual_share\n",
        frozenset({"attainment_rate", "attainment_capped_rate", "weighted_rate", "weighted_capped_rate"}),
    ),
    # Only the departments right below.
    Mutation(
        "kpi_target_attainment",
        "and department_tree.depth > 0",
        "and department_tree.depth = 1",
        frozenset({"actual_value_with_below", "attainment_with_below_rate"}),
    ),
)


@pytest.fixture(scope="module")
def mutated_database(built: DemoWarehouse, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return rebuild_mutated(built, tmp_path_factory.mktemp("mutated_sisters"), MUTATIONS, MOVES)


@pytest.mark.parametrize(("name", "columns"), expected_columns(MUTATIONS).items())
def test_the_oracle_notices_a_broken_rule(
    name: str, columns: frozenset[str], mutated_database: Path, demo_company: Company, moved_company: Company
) -> None:
    key, compute = sisters.MARTS[name]
    found = differences(compute(moved_company if name in OF_MOVES else demo_company), mart(mutated_database, name), key)
    assert differing_columns(found) == columns


def test_every_mart_has_a_broken_rule() -> None:
    assert set(expected_columns(MUTATIONS)) == set(sisters.MARTS)
