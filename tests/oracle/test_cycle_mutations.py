"""The oracle notices a broken rule of the cycle, the true funnel and the journey's times: one dbt run serves them all.

Belongs here: what is broken and where it shows. The changes do not touch each other.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.oracle.mutations import Mutation, differing_columns, rebuild_mutated
from tests.oracle.oracle import Company
from tests.oracle.reading import differences, mart
from tests.oracle.test_cycle_marts import MARTS
from tests.support.warehouse import DemoWarehouse

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
    return rebuild_mutated(built, tmp_path_factory.mktemp("mutated_cycle"), MUTATIONS)


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.mart)
def test_the_oracle_notices_a_broken_rule(mutation: Mutation, mutated_database: Path, demo_company: Company) -> None:
    compute, key = MARTS[mutation.mart]
    found = differences(compute(demo_company), mart(mutated_database, mutation.mart), key)
    columns = differing_columns(found)
    assert columns
    assert columns <= mutation.columns
