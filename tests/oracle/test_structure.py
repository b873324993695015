"""The marts of `models/marts/structure/` against their oracle, and the oracle against broken rules.

Belongs here: comparisons, the cases the demo company must hold, and what is broken. Not here: the figures themselves
(`structure.py`).
"""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from tests.oracle import structure
from tests.oracle.mutations import Mutation, differing_columns, rebuild_mutated
from tests.oracle.oracle import NONE, Company
from tests.oracle.reading import differences, mart
from tests.support.warehouse import DemoWarehouse


@pytest.mark.parametrize("name", structure.MARTS)
def test_mart_equals_the_oracle(name: str, built: DemoWarehouse, demo_company: Company) -> None:
    key, compute = structure.MARTS[name]
    expected = compute(demo_company)
    assert len(expected) >= (8 if name.startswith("dim_") else 100)
    assert differences(expected, mart(built.database, name), key) == []


def test_the_company_has_every_hard_case_the_oracle_should_meet(demo_company: Company) -> None:
    orders = structure.order_sources(demo_company)
    by_source = structure.funnel_by_source(demo_company)
    persons = structure.customer_persons(demo_company)
    top = structure.province_top(demo_company)
    ranked = top[top.row_type == "province"]
    products = structure.product_sales(demo_company)
    interactions = structure.interactions_by_type(demo_company)
    hard_cases = {
        "orders of customers with several sources": int((orders.source_count > 1).sum()),
        "returns of customers with several sources": int(((orders.source_count > 1) & (orders.orders == 0)).sum()),
        "months in which whole and split money differ": int(
            (by_source.revenue_amount != by_source.revenue_split_amount).sum()
        ),
        "customers without a source": int((by_source.source_id == NONE).sum()),
        "customers with several industries": int(
            (structure.customer_industries(demo_company).industry_count > 1).sum()
        ),
        "contacts with an age": int((persons.contact_id.notna() & persons.age_years.notna()).sum()),
        "persons without an age": int(persons.age_years.isna().sum()),
        "managers with other provinces": int((top.row_type == "other").sum()),
        "provinces that tie": int(ranked.duplicated(["manager_id", "customers"]).sum()),
        "customers without a province": int((top.row_type == NONE).sum()),
        "products returned": int(products.returns.sum()),
        "interactions that do not count": int((interactions.interactions != interactions.interactions_logged).sum()),
    }
    assert {name: count for name, count in hard_cases.items() if count == 0} == {}


@pytest.mark.parametrize(
    ("amount", "n", "expected"),
    [
        ("100.00", 3, ["33.33", "33.34", "33.33"]),
        ("0.05", 2, ["0.03", "0.02"]),
        ("-0.05", 2, ["-0.03", "-0.02"]),
        ("0.01", 3, ["0.00", "0.01", "0.00"]),
        ("7.00", 1, ["7.00"]),
    ],
)
def test_equal_parts_add_up_to_the_whole(amount: str, n: int, expected: list[str]) -> None:
    found = structure.equal_parts(Decimal(amount), n)
    assert found == [Decimal(part) for part in expected]
    assert sum(found) == Decimal(amount)


MUTATIONS = (
    # Every source gets the whole instead of its share.
    Mutation(
        "fct_order_sources",
        "coalesce(bridge.member_count, 1) as source_count",
        "1 as source_count",
        frozenset({"source_count", "orders_split", "sales_split_amount", "revenue_split_amount"}),
    ),
    # New customers go to the owner now instead of the owner at creation.
    Mutation(
        "fct_new_customer_sources",
        "partition by owner_history.customer_id order by owner_history.valid_from_at",
        "partition by owner_history.customer_id order by owner_history.valid_from_at desc",
        frozenset({"employee_id"}),
    ),
    # The revenue of a customer counts once for each of its persons in the band.
    Mutation(
        "kpi_customer_structure",
        "max(customer_persons.revenue_amount) as revenue_amount",
        "sum(customer_persons.revenue_amount) as revenue_amount",
        frozenset({"revenue_amount"}),
    ),
    # Provinces of as many customers stand in the wrong order.
    Mutation(
        "kpi_province_top",
        "province_customers.province_name asc",
        "province_customers.province_name desc",
        frozenset({"province_id", "province_name"}),
    ),
    # A return counts as an order.
    Mutation("fct_product_sales", "sum(orders.orders)", "count(*)", frozenset({"orders"})),
    # Customers of contacts instead of customers of counted interactions.
    Mutation(
        "kpi_interactions_by_type",
        "case when interactions.is_counted then",
        "case when interactions.is_contact then",
        frozenset({"interacted_customers"}),
    ),
)


@pytest.fixture(scope="module")
def mutated_database(built: DemoWarehouse, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the warehouse whose marts are rebuilt by a copy of the project with the rules broken, each its own."""
    return rebuild_mutated(built, tmp_path_factory.mktemp("mutated_structure"), MUTATIONS)


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.mart)
def test_the_oracle_notices_a_broken_rule(mutation: Mutation, mutated_database: Path, demo_company: Company) -> None:
    key, compute = structure.MARTS[mutation.mart]
    found = differences(compute(demo_company), mart(mutated_database, mutation.mart), key)
    assert differing_columns(found) == mutation.columns
