"""The identities of the marts in `models/marts/campaigns/` hold over a real warehouse, and each notices its damage."""

from __future__ import annotations

import pytest

from orchestration.dbt_run import DBT_PROJECT_DIR
from tests.support.warehouse import DbtRun, DemoWarehouse, demo_warehouse, run_damaged

# One statement per identity: the smallest damage that it must notice.
DAMAGE = {
    "campaign_interactions_fall_into_opportunities": """
        update marts.fct_campaign_interactions set open_opportunities = open_opportunities + 1
        where interaction_key = (select min(interaction_key) from marts.fct_campaign_interactions)""",
    "campaign_months_add_up_to_opportunities": """
        update marts.kpi_campaign_month set won_amount = won_amount + 0.01
        where won_amount = (select max(won_amount) from marts.kpi_campaign_month)""",
    "campaign_owners_add_up_to_months_and_rows": """
        update marts.kpi_campaign_owner set opportunity_customers = opportunity_customers - 1
        where opportunity_customers = (select max(opportunity_customers) from marts.kpi_campaign_owner)""",
    "every_campaign_row_finds_its_dimensions": """
        delete from marts.dim_campaigns
        where campaign_id = (select max(campaign_id) from marts.fct_opportunities)""",
}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> DemoWarehouse:
    return demo_warehouse(tmp_path_factory.getbasetemp())


@pytest.fixture(scope="module")
def damaged_run(built: DemoWarehouse, tmp_path_factory: pytest.TempPathFactory) -> DbtRun:
    """Every identity test, run over a copy of the warehouse with every damage done."""
    return run_damaged(built, tmp_path_factory.mktemp("damaged_campaigns"), DAMAGE)


def test_every_identity_has_its_damage() -> None:
    identities = {path.stem for path in (DBT_PROJECT_DIR / "tests" / "marts" / "campaigns").glob("*.sql")}
    assert identities == set(DAMAGE)


@pytest.mark.parametrize("name", DAMAGE)
def test_identity_holds_and_can_fail(name: str, built: DemoWarehouse, damaged_run: DbtRun) -> None:
    assert built.run.node(name).status == "pass"
    assert damaged_run.node(name).status == "fail"
    assert (damaged_run.node(name).failures or 0) > 0
