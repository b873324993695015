"""The generated companies hold the cases that the properties are about: what never occurs is never tested."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.properties.cases import CASES, missed, richest_company, sampled_companies
from tests.properties.companies import AS_OF, NIGHTS


def test_there_are_as_many_customers_as_asked_for() -> None:
    sizes = [len({row["customer_id"] for row in company.rows("customers")}) for company in sampled_companies()]
    assert len(sizes) >= 60
    assert min(sizes) >= 5
    assert max(sizes) > 25
    assert sum(sizes) / len(sizes) >= 10


@pytest.mark.parametrize("case", CASES)
def test_one_company_in_four_at_least_holds_the_case(case: str) -> None:
    without = Counter(name for company in sampled_companies() for name in missed(company))
    assert len(sampled_companies()) - without[case] >= len(sampled_companies()) / 4


def test_the_richest_company_holds_nearly_everything() -> None:
    assert len(missed(richest_company())) <= 4


def test_a_night_knows_what_was_written_by_then_and_changes_are_what_was_written_since() -> None:
    for company in sampled_companies():
        states = [company.state(night) for night in NIGHTS]
        for before, after, night, earlier in zip(states, states[1:], NIGHTS[1:], NIGHTS, strict=False):
            changes = company.changed(earlier, night)
            for entity in company.records:
                assert len(before[entity]) <= len(after[entity])
                assert all(row in before[entity] or row in changes[entity] for row in after[entity])
        assert states[-1] == company.state(AS_OF)
    moved = [c for c in sampled_companies() if any(c.changed(NIGHTS[-2], AS_OF)["customer_changes"])]
    assert len(moved) > len(sampled_companies()) / 5
