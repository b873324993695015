"""The marts of `models/marts/products/` against their oracle, and the oracle against broken rules.

Belongs here: comparisons, the cases the demo company must hold, and what is broken. Not here: the figures themselves
(`products.py`).
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.oracle import products
from tests.oracle.mutations import Mutation, differing_columns, expected_columns, rebuild_mutated
from tests.oracle.oracle import Company
from tests.oracle.reading import differences, mart
from tests.support.warehouse import DemoWarehouse


@pytest.mark.parametrize("name", products.MARTS)
def test_mart_equals_the_oracle(name: str, built: DemoWarehouse, demo_company: Company) -> None:
    key, compute = products.MARTS[name]
    expected = compute(demo_company)
    assert len(expected) >= 100
    assert differences(expected, mart(built.database, name), key) == []


def test_the_company_has_every_hard_case_the_oracle_should_meet(demo_company: Company) -> None:
    periods = products.product_period(demo_company)
    top = products.product_top(demo_company)
    by_source = products.product_source_month(demo_company)
    hard_cases = {
        **{f"rows by {kind}": int((periods.period_type == kind).sum()) for kind in products.CALENDARS},
        "products that fell to nothing": int(
            ((periods.revenue_amount == 0) & (periods.previous_revenue_amount > 0)).sum()
        ),
        "products new in a period": int((periods.previous_revenue_amount == 0).sum()),
        "periods after one of returns": int((periods.previous_revenue_amount < 0).sum()),
        "periods of returns only": int((periods.return_rate.isna() & (periods.returned_quantity > 0)).sum()),
        "periods that run on": int((~periods.is_complete.astype(bool)).sum()),
        "other products": int((top.row_type == "other").sum()),
        "wholes of more returns than sales": int(top.revenue_share_rate.isna().sum()),
        "products of several sources": int((by_source.revenue_amount != by_source.revenue_split_amount).sum()),
    }
    assert {name: count for name, count in hard_cases.items() if count == 0} == {}


MUTATIONS = (
    # The quantity of the period before is without its returns.
    Mutation(
        "kpi_product_period",
        "product_months.sold_quantity as previous_sold_quantity",
        "product_months.gross_sold_quantity as previous_sold_quantity",
        frozenset({"previous_sold_quantity"}),
        is_read_by_others=True,
    ),
    # Growth from a period of returns has a rate.
    Mutation(
        "kpi_product_period",
        "when totals.previous_revenue_amount > 0",
        "when totals.previous_revenue_amount != 0",
        frozenset({"revenue_change_rate"}),
        is_read_by_others=True,
    ),
    # The whole of the shares is without what was returned.
    Mutation(
        "kpi_product_top",
        "sum(product_periods.revenue_amount) over",
        "sum(abs(product_periods.revenue_amount)) over",
        frozenset({"period_revenue_amount", "revenue_share_rate"}),
    ),
    # Every source gets the first part.
    Mutation(
        "kpi_product_source_month",
        "equal_part_amount('members.revenue_amount', 'members.source_number', 'members.source_count')",
        "equal_part_amount('members.revenue_amount', '1', 'members.source_count')",
        frozenset({"revenue_split_amount"}),
    ),
)


@pytest.fixture(scope="module")
def mutated_database(built: DemoWarehouse, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return rebuild_mutated(built, tmp_path_factory.mktemp("mutated_products"), MUTATIONS)


@pytest.mark.parametrize(("name", "columns"), expected_columns(MUTATIONS).items())
def test_the_oracle_notices_a_broken_rule(
    name: str, columns: frozenset[str], mutated_database: Path, demo_company: Company
) -> None:
    key, compute = products.MARTS[name]
    assert differing_columns(differences(compute(demo_company), mart(mutated_database, name), key)) == columns


def test_every_mart_has_a_broken_rule() -> None:
    assert set(expected_columns(MUTATIONS)) == set(products.MARTS)
