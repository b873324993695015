"""The marts of `models/marts/campaigns/` against their oracle, and the oracle against broken rules.

Belongs here: the awkward pipeline, comparisons, and what is broken. Not here: the figures themselves (`campaigns.py`).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from orchestration.dbt_run import DBT_PROJECT_DIR, dbt_environment
from orchestration.sources.base import RawTable
from orchestration.sources.demo import DemoSource
from tests.oracle import campaigns
from tests.oracle.mutations import Mutation, differing_columns, rebuild_mutated
from tests.oracle.oracle import NONE, UNKNOWN, Company, company
from tests.oracle.reading import differences, landed_batches, mart
from tests.support.warehouse import (
    DEMO_AS_OF,
    DEMO_LOAD,
    DEMO_START,
    DemoWarehouse,
    dbt_build,
    land_nights,
    run_dbt,
    warehouse_settings,
)

DIMENSIONS = ("dim_customers", "dim_date", "dim_employees", "dim_products")
FAR_FUTURE = datetime(2099, 1, 1)


class AwkwardPipeline(DemoSource):
    """The demo company with opportunities as real CRMs have them: doubled, reopened, imported, half filled in."""

    def read(self, entity: str, night: date, complete: bool = False) -> RawTable | None:
        raw = super().read(entity, night, complete)
        if raw is None or entity != "opportunities":
            return raw
        rows = [row for given in raw.table.to_pylist() for row in _awkward(given)]
        table = pa.Table.from_pylist(rows, schema=raw.table.schema)
        return replace(raw, table=table, row_numbers=pa.array(range(2, len(rows) + 2)))


def _awkward(given: dict[str, Any]) -> list[dict[str, Any]]:
    """The row with its defect, by the number in its id, and its double if it has one."""
    number = int(given["opportunity_id"][2:])
    row = dict(given)
    double = {**given, "opportunity_id": f"{given['opportunity_id']}-2", "status": "open", "closed_at": None}
    double["created_at"] = given["created_at"] + timedelta(days=3)
    is_closed = given["status"] != "open"
    if number % 7 == 0:
        row["approach_method"] = None
    if number % 11 == 0 and is_closed:
        row["closed_at"] = given["created_at"] - timedelta(days=1)
    if number % 11 == 0 and not is_closed:
        row["closed_at"] = given["created_at"] + timedelta(days=1)
    if number % 13 == 0:
        row["created_at"] = None
    if number % 17 == 0:
        row["campaign_id"] = None
    if number % 19 == 0:
        row["campaign_id"] = "CD999"
    if number % 23 == 0:
        row["expected_amount"] = None
    if number % 29 == 0 and is_closed:
        row["closed_at"] = FAR_FUTURE
    if number % 31 == 0:
        row["owner_id"] = "NV999"
    return [row, double] if number % 4 == 0 else [row]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> DemoWarehouse:
    """The warehouse of the awkward pipeline, campaigns only."""
    home = tmp_path_factory.mktemp("awkward_pipeline")
    landing = land_nights(home, AwkwardPipeline(20260101, 0.1, DEMO_START, DEMO_AS_OF), [DEMO_LOAD, DEMO_AS_OF])
    selection = [f"+{name}" for name in (*campaigns.MARTS, *DIMENSIONS)]
    run = dbt_build(home, DEMO_AS_OF, selection, exclude=["resource_type:test"])
    return DemoWarehouse(home, landing, run)


@pytest.fixture(scope="module")
def awkward_company(built: DemoWarehouse) -> Company:
    return company(landed_batches(built.landing, "demo", built.as_of), built.as_of)


def test_the_awkward_pipeline_builds_and_keeps_the_identities(built: DemoWarehouse) -> None:
    assert built.run.bad() == []
    settings = warehouse_settings(built.home)
    run = run_dbt(
        DBT_PROJECT_DIR,
        ["test", "--select", "path:tests/marts/campaigns"],
        dbt_environment(settings, built.as_of),
        settings.warehouse_dir / "target",
    )
    assert run.bad() == []
    assert len(run.nodes) == 4


@pytest.mark.parametrize("name", campaigns.MARTS)
def test_mart_equals_the_oracle(name: str, built: DemoWarehouse, awkward_company: Company) -> None:
    key, compute = campaigns.MARTS[name]
    expected = compute(awkward_company)
    assert len(expected) >= (5 if name == "dim_campaigns" else 50)
    assert differences(expected, mart(built.database, name), key) == []


def test_the_company_has_every_hard_case_the_oracle_should_meet(awkward_company: Company) -> None:
    found = campaigns.opportunities(awkward_company)
    months = campaigns.campaign_month(awkward_company)
    owners = campaigns.campaign_owner(awkward_company)
    contacts = campaigns.campaign_interactions(awkward_company)
    landed = list(awkward_company.rows("opportunities"))
    hard_cases = {
        "opportunities of nobody": int((found.owner_id == NONE).sum()),
        "opportunities of unknown people": int((found.owner_id == UNKNOWN).sum()),
        "opportunities of no campaign": int((found.campaign_id == NONE).sum()),
        "opportunities of unknown campaigns": int((found.campaign_id == UNKNOWN).sum()),
        "opportunities of unknown customers": int((found.customer_id == UNKNOWN).sum()),
        "opportunities without a method": int((found.approach_method == UNKNOWN).sum()),
        "opportunities without a date": int(found.created_at.isna().sum()),
        "opportunities without an amount": int(found.expected_amount.isna().sum()),
        "opportunities deleted": len(awkward_company.tables["opportunities"]) - len(found),
        "opportunities closed before they were created": int(found.has_negative_days_to_close.sum()),
        "opportunities closed after as_of": sum(row["closed_at"] == FAR_FUTURE for row in landed),
        "opportunities opened again": sum(row["status"] == "open" and row["closed_at"] is not None for row in landed),
        "months with nothing closed": int(months.won_of_closed_rate.isna().sum()),
        "months with something won": int((months.opportunities_won > 0).sum()),
        "customers with several opportunities": int((owners.opportunities - owners.opportunity_customers).sum()),
        "interactions in two opportunities": int((contacts.open_opportunities > 1).sum()),
        "tasks among the interactions": int((contacts.interaction_type == "task").sum()),
    }
    assert {name: count for name, count in hard_cases.items() if count == 0} == {}


MUTATIONS = (
    # What was opened again is still closed on the day it once was.
    Mutation(
        "fct_opportunities",
        "case when opportunities.status in ('won', 'lost') then opportunities.closed_at end as closed_at",
        "opportunities.closed_at",
        frozenset({"closed_at", "closed_date", "closed_month_date", "days_to_close"}),
    ),
    # Interactions run on after the opportunity closed. The surplus rows say so, and more opportunities per interaction.
    Mutation(
        "fct_campaign_interactions",
        "least(coalesce(opportunities.closed_at, {{ as_of_end() }}), {{ as_of_end() }}) as until_at",
        "{{ as_of_end() }} as until_at",
        frozenset({"surplus", "open_opportunities"}),
    ),
    # Unknown customers are one customer. It also adds up the interactions of the broken rule before.
    Mutation(
        "kpi_campaign_owner",
        "case when opportunities.customer_id not in ('none', 'unknown') then opportunities.customer_id end",
        "opportunities.customer_id",
        frozenset({"opportunity_customers", "campaign_interactions"}),
    ),
    # The rate of closed ones is that of all.
    Mutation(
        "kpi_campaign_month",
        "'totals.opportunities_closed'",
        "'totals.opportunities'",
        frozenset({"won_of_closed_rate"}),
    ),
)


@pytest.fixture(scope="module")
def mutated_database(built: DemoWarehouse, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the warehouse whose marts are rebuilt by a copy of the project with the rules broken, each its own."""
    return rebuild_mutated(built, tmp_path_factory.mktemp("mutated_campaigns"), MUTATIONS)


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.mart)
def test_the_oracle_notices_a_broken_rule(mutation: Mutation, mutated_database: Path, awkward_company: Company) -> None:
    key, compute = campaigns.MARTS[mutation.mart]
    found = differences(compute(awkward_company), mart(mutated_database, mutation.mart), key)
    assert differing_columns(found) == mutation.columns
