"""The oracle notices a broken rule of the cycle, the true funnel and the journey's times: one dbt run serves them all.

Belongs here: what is broken and where it shows. The changes do not touch each other.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from orchestration.dbt_run import dbt_environment
from orchestration.settings import PROJECT_DIR
from tests.oracle.oracle import Company
from tests.oracle.reading import differences, mart
from tests.oracle.test_cycle_marts import MARTS
from tests.support.warehouse import DemoWarehouse, copy_warehouse, run_dbt, warehouse_settings


@dataclass(frozen=True)
class Mutation:
    """One rule changed in one model, and the columns in which its mart must differ then."""

    mart: str
    rule: str
    broken: str
    columns: frozenset[str]


MUTATIONS = (
    # Customers who have not converted are followed for ever, instead of until as_of.
    Mutation(
        "kpi_customer_cycle",
        "coalesce(customer_cycle.days_to_event, customer_cycle.days_observed) as followed_days",
        "coalesce(customer_cycle.days_to_event, 9999) as followed_days",
        frozenset({"km_median_days"}),
    ),
    # A payment no longer passes the order.
    Mutation(
        "fct_customer_milestones",
        "coalesce(milestones.first_order_date, milestones.first_payment_date) is not null",
        "milestones.first_order_date is not null",
        frozenset({"has_reached_order"}),
    ),
    # A stay that a deletion cut off is closed like one that a move ended.
    Mutation(
        "kpi_journey_time",
        "where stays.has_moved_on",
        "where not stays.is_open",
        frozenset(
            {"closed_stays", "total_closed_days", "mean_closed_days", "median_closed_days", "missing", "surplus"}
        ),
    ),
)


@pytest.fixture(scope="module")
def mutated_database(built: DemoWarehouse, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the warehouse whose marts are rebuilt by a copy of the project with the rules broken."""
    root = tmp_path_factory.mktemp("mutated_cycle")
    for folder in ("models", "seeds", "dbt_project"):
        shutil.copytree(PROJECT_DIR / folder, root / folder, symlinks=True)
    for mutation in MUTATIONS:
        path = root / "models" / "marts" / "cycle" / f"{mutation.mart}.sql"
        text = path.read_text(encoding="utf-8")
        assert text.count(mutation.rule) == 1, f"{mutation.mart} no longer has the rule {mutation.rule!r} once"
        path.write_text(text.replace(mutation.rule, mutation.broken), encoding="utf-8")
    home = root / "home"
    database = copy_warehouse(built, home)
    settings = warehouse_settings(home)
    run = run_dbt(
        root / "dbt_project",
        ["run", "--select", *(mutation.mart for mutation in MUTATIONS)],
        dbt_environment(settings, built.as_of),
        settings.warehouse_dir / "target",
    )
    assert run.bad() == []
    assert len(run.nodes) == len(MUTATIONS)
    return database


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.mart)
def test_the_oracle_notices_a_broken_rule(mutation: Mutation, mutated_database: Path, demo_company: Company) -> None:
    compute, key = MARTS[mutation.mart]
    found = differences(compute(demo_company), mart(mutated_database, mutation.mart), key)
    columns = {difference.split("): ", 1)[1].split(" ", 1)[0] for difference in found}
    assert columns
    assert columns <= mutation.columns
