"""The marts of `models/marts/sisters/` against their oracle, and the oracle against broken rules.

Belongs here: comparisons, the cases the demo company must hold, and what is broken. Not here: the figures themselves
(`sisters.py`).
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from orchestration.dbt_run import dbt_environment
from orchestration.settings import PROJECT_DIR
from tests.oracle import sisters
from tests.oracle.oracle import NONE, Company
from tests.oracle.reading import differences, mart
from tests.support.warehouse import DemoWarehouse, copy_warehouse, run_dbt, warehouse_settings


@pytest.mark.parametrize("name", sisters.MARTS)
def test_mart_equals_the_oracle(name: str, built: DemoWarehouse, demo_company: Company) -> None:
    key, compute = sisters.MARTS[name]
    expected = compute(demo_company)
    assert len(expected) >= (5 if name == "kpi_department_reconciliation" else 50)
    assert differences(expected, mart(built.database, name), key) == []


def test_the_company_has_every_hard_case_the_oracle_should_meet(demo_company: Company) -> None:
    calls = sisters.calls(demo_company)
    targets = sisters.target_attainment(demo_company)
    months = sisters.department_month(demo_company)
    tasks = sisters.task_month(demo_company)
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
        "targets of periods that run on": int((targets.elapsed_rate < 1).sum()),
    }
    assert {name: count for name, count in hard_cases.items() if count == 0} == {}


@dataclass(frozen=True)
class Mutation:
    """One rule changed in one mart's file, and the columns in which it must differ from the oracle then."""

    mart: str
    rule: str
    broken: str
    columns: frozenset[str]


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
    # Only calls that count as interactions are connected.
    Mutation(
        "kpi_call_day",
        "sum(case when calls.outcome = 'answered' then 1 else 0 end)",
        "sum(case when calls.outcome = 'answered' and calls.direction = 'outbound' then 1 else 0 end)",
        frozenset({"calls_connected", "connected_rate"}),
    ),
    # More is better, whatever the direction.
    Mutation(
        "kpi_target_attainment",
        "when compared.direction = 'increase' then",
        "when compared.direction in ('increase', 'decrease') then",
        frozenset({"attainment_rate", "attainment_capped_rate", "weighted_rate", "weighted_capped_rate"}),
    ),
)


@pytest.fixture(scope="module")
def mutated_database(built: DemoWarehouse, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the warehouse whose marts are rebuilt by a copy of the project with the rules broken, each its own."""
    root = tmp_path_factory.mktemp("mutated_sisters")
    for folder in ("models", "seeds", "dbt_project"):
        shutil.copytree(PROJECT_DIR / folder, root / folder, symlinks=True)
    for mutation in MUTATIONS:
        path = root / "models" / "marts" / "sisters" / f"{mutation.mart}.sql"
        text = path.read_text(encoding="utf-8")
        assert text.count(mutation.rule) == 1, f"{path.name} no longer has the rule {mutation.rule!r} once"
        path.write_text(text.replace(mutation.rule, mutation.broken), encoding="utf-8")
    home = root / "home"
    database = copy_warehouse(built, home)
    settings = warehouse_settings(home)
    selection = sorted({mutation.mart for mutation in MUTATIONS})
    run = run_dbt(
        root / "dbt_project",
        ["run", "--select", *selection],
        dbt_environment(settings, built.as_of),
        settings.warehouse_dir / "target",
    )
    assert run.bad() == []
    assert len(run.nodes) == len(selection)
    return database


@pytest.mark.parametrize("name", sorted({mutation.mart for mutation in MUTATIONS}))
def test_the_oracle_notices_every_broken_rule(name: str, mutated_database: Path, demo_company: Company) -> None:
    """Rules of one mart are broken together, each in columns of its own."""
    key, compute = sisters.MARTS[name]
    broken = [mutation.columns for mutation in MUTATIONS if mutation.mart == name]
    found = differences(compute(demo_company), mart(mutated_database, name), key)
    assert {difference.split("): ", 1)[1].split(" ", 1)[0] for difference in found} == frozenset().union(*broken)
