"""The marts of `models/marts/customers/` against their oracle, and the oracle against broken rules.

Belongs here: comparisons, the cases the demo company must hold, and what is broken. Not here: the figures themselves
(`customers.py`).
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from tests.oracle import customers
from tests.oracle.mutations import Mutation, differing_columns, expected_columns, rebuild_mutated
from tests.oracle.oracle import NONE, UNKNOWN, Company, Life
from tests.oracle.reading import differences, mart
from tests.support.warehouse import DemoWarehouse


@pytest.mark.parametrize("name", customers.MARTS)
def test_mart_equals_the_oracle(name: str, built: DemoWarehouse, demo_company: Company) -> None:
    key, compute = customers.MARTS[name]
    expected = compute(demo_company)
    assert len(expected) >= 100
    assert differences(expected, mart(built.database, name), key) == []


def test_the_company_has_every_hard_case_the_oracle_should_meet(demo_company: Company) -> None:
    events = customers.customer_events(demo_company)
    months = customers.customer_month(demo_company)
    moved = events[events.manager_id != events.manager_current_id]
    hard_cases = {
        **{
            f"{kind} of another manager now": int((moved.event_kind == kind).sum())
            for kind in moved.event_kind.unique()
        },
        "kinds of events of another manager now": int(moved.event_kind.nunique() == 4),
        "events of deleted customers": int(events.is_customer_deleted.sum()),
        "events of customers nobody is in charge of": int((events.manager_id == NONE).sum()),
        "events of customers that are not there": int((events.customer_id == UNKNOWN).sum()),
        "returns": int((events.sales_amount < 0).sum()),
        "refunds": int((events.collected_amount < 0).sum()),
        "months without a customer in charge": int((months.customers_in_charge == 0).sum()),
    }
    assert {name: count for name, count in hard_cases.items() if count == 0} == {}


def test_an_owner_answers_up_to_the_next_ones_start() -> None:
    """Handed over on 10 February at noon, deleted on 1 March, given to chi meanwhile, back on 20 March."""
    life = Life(
        created_at=datetime(2026, 1, 5),
        owners=[
            (datetime(2026, 1, 5), "an"),
            (datetime(2026, 2, 10, 12), "binh"),
            (datetime(2026, 3, 10), "chi"),
        ],
        relationships=[],
        gone=[(datetime(2026, 3, 1), datetime(2026, 3, 20))],
    )
    stretches = customers.stretches(life)
    assert stretches == [
        (datetime(2026, 1, 5), "an"),
        (datetime(2026, 2, 10, 12), "binh"),
        (datetime(2026, 3, 20), "chi"),
    ]
    owners = {
        at: customers.owner_then(stretches, at)
        for at in (
            datetime(2025, 1, 1),
            datetime(2026, 2, 10, 11, 59),
            datetime(2026, 2, 10, 12),
            datetime(2026, 3, 15),
            datetime(2026, 3, 20),
        )
    }
    assert list(owners.values()) == ["an", "an", "binh", "binh", "chi"]
    assert customers.owner_then([], datetime(2026, 1, 1)) == UNKNOWN


MUTATIONS = (
    # The first owner for ever.
    Mutation(
        "fct_customer_events",
        "coalesce(numbered.next_from_at, cast('9999-12-31' as timestamp)) as answers_to_at\n    from numbered",
        "cast('9999-12-31' as timestamp) as answers_to_at\n    from numbered\n    where numbered.stretch_number = 1",
        frozenset({"manager_id"}),
        is_read_by_others=True,
    ),
    # Only who was in charge all along has the events now.
    Mutation(
        "kpi_customer_month",
        "where not events.is_customer_deleted",
        "where not events.is_customer_deleted and events.manager_id = events.manager_current_id",
        frozenset(
            f"customer_{name}_current"
            for name in (
                "emails_read",
                "sms_delivered",
                "calls_answered",
                "call_seconds",
                "tasks",
                "interactions",
                "orders",
                "sales_amount",
                "revenue_amount",
                "collected_amount",
            )
        ),
    ),
)


@pytest.fixture(scope="module")
def mutated_database(built: DemoWarehouse, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return rebuild_mutated(built, tmp_path_factory.mktemp("mutated_customers"), MUTATIONS)


@pytest.mark.parametrize(("name", "columns"), expected_columns(MUTATIONS).items())
def test_the_oracle_notices_a_broken_rule(
    name: str, columns: frozenset[str], mutated_database: Path, demo_company: Company
) -> None:
    key, compute = customers.MARTS[name]
    assert differing_columns(differences(compute(demo_company), mart(mutated_database, name), key)) == columns


def test_every_mart_has_a_broken_rule() -> None:
    assert set(expected_columns(MUTATIONS)) == set(customers.MARTS)
