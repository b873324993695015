"""The oracle notices a broken rule: a mart of the card, rebuilt with one rule changed, differs where that rule shows.

Belongs here: what is broken and where it shows. The four changes do not touch each other: one dbt run serves them all.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from orchestration.dbt_run import dbt_environment
from orchestration.settings import PROJECT_DIR
from tests.oracle.oracle import Company
from tests.oracle.reading import KEYS, differences, mart
from tests.oracle.test_card_marts import MARTS
from tests.support.warehouse import DemoWarehouse, copy_warehouse, run_dbt, warehouse_settings


@dataclass(frozen=True)
class Mutation:
    """One rule changed in one file, and the columns in which its mart must differ then."""

    mart: str
    file: str
    rule: str
    broken: str
    columns: frozenset[str]


MUTATIONS = (
    # New customers go to the owner now instead of the owner at creation.
    Mutation(
        "fct_funnel",
        "models/marts/fct_funnel.sql",
        "partition by owner_history.customer_id order by owner_history.valid_from_at",
        "partition by owner_history.customer_id order by owner_history.valid_from_at desc",
        frozenset({"new_customers"}),
    ),
    # Late no longer beats awaiting confirmation.
    Mutation(
        "fct_task_status",
        "models/marts/fct_tasks.sql",
        "when judged.is_past_due then 'late'",
        "when judged.is_past_due and judged.status != 'awaiting_confirmation' then 'late'",
        frozenset({"tasks_late", "tasks_awaiting_confirmation"}),
    ),
    # The first bucket is seven days long and one more.
    Mutation(
        "dim_customer_cohort",
        "seeds/recency_buckets.csv",
        "0_to_6_days,0,7,1\n7_to_13_days,7,14,2",
        "0_to_6_days,0,8,1\n7_to_13_days,8,14,2",
        frozenset({"care_recency_bucket"}),
    ),
    # A customer's day of creation is shown for one day less.
    Mutation(
        "fct_journey",
        "models/marts/fct_journey.sql",
        "dbt.dateadd('day', 85, 'placements.created_date')",
        "dbt.dateadd('day', 84, 'placements.created_date')",
        frozenset({"customers", "missing", "surplus"}),
    ),
)


@pytest.fixture(scope="module")
def mutated_database(built: DemoWarehouse, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the warehouse whose four marts are rebuilt by a copy of the project with the four rules broken."""
    root = tmp_path_factory.mktemp("mutated")
    for folder in ("models", "seeds", "dbt_project"):
        shutil.copytree(PROJECT_DIR / folder, root / folder, symlinks=True)
    for mutation in MUTATIONS:
        path = root / mutation.file
        text = path.read_text(encoding="utf-8")
        assert text.count(mutation.rule) == 1, f"{mutation.file} no longer has the rule {mutation.rule!r} once"
        path.write_text(text.replace(mutation.rule, mutation.broken), encoding="utf-8")
    home = root / "home"
    database = copy_warehouse(built, home)
    settings = warehouse_settings(home)
    selection = ["recency_buckets", "fct_tasks", *MARTS]
    run = run_dbt(
        root / "dbt_project",
        ["build", "--select", *selection, "--exclude-resource-type", "test", "--exclude-resource-type", "unit_test"],
        dbt_environment(settings, built.as_of),
        settings.warehouse_dir / "target",
    )
    assert run.bad() == []
    assert len(run.nodes) == len(selection)
    return database


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.mart)
def test_the_oracle_notices_a_broken_rule(mutation: Mutation, mutated_database: Path, demo_company: Company) -> None:
    expected = MARTS[mutation.mart](demo_company)
    found = differences(expected, mart(mutated_database, mutation.mart), KEYS[mutation.mart])
    assert {difference.split("): ", 1)[1].split(" ", 1)[0] for difference in found} == mutation.columns
