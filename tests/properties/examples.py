"""How examples are drawn and reported: the same ones everywhere, as many as four minutes hold, small when they fail.

Belongs here: numbers of examples, Hypothesis' settings, reducing a failing company. Not here: the properties.

Hypothesis draws; it does not shrink. It would take the draws apart, hundreds of times at two seconds each, where taking
records away is enough.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar
from unittest import mock

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.internal.cache import LRUCache
from hypothesis.internal.conjecture import providers
from hypothesis.internal.constants_ast import Constants
from hypothesis.strategies import SearchStrategy

from tests.properties.companies import Company, Record

IDENTITIES = 10
"""Companies, one warehouse each; a warehouse takes about two seconds."""

COMPARISONS = 4
"""Companies, two or three warehouses each."""

STATISTICS = 60
"""Companies without a warehouse."""

# Hypothesis begins with the smallest examples it can think of.
_SMALLEST = 3

T = TypeVar("T")


def examples(strategy: SearchStrategy[T], count: int, start: int = 0) -> Sequence[T]:
    """So many examples, the same on every machine; another `start` gives others."""
    found: list[T] = []

    @seed(start)
    @settings(
        max_examples=count + _SMALLEST,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def keep(example: T) -> None:
        found.append(example)

    # Hypothesis also draws numbers and words that stand in the modules imported so far, others in every process.
    # Without them, and without what an earlier test left of them, a seed gives the same examples everywhere.
    with (
        mock.patch.object(providers, "_get_local_constants", Constants),
        mock.patch.object(providers, "CONSTANTS_CACHE", LRUCache(1024)),
    ):
        keep()
    assert len(found) == count + _SMALLEST
    return found[_SMALLEST:]


def check(company: Company, findings: Callable[[Company], Iterable[str]]) -> None:
    """AssertionError when a company has findings; it shows the smallest part of the company that has any."""
    if not list(findings(company)):
        return
    small = smallest(company, lambda candidate: bool(list(findings(candidate))))
    raise AssertionError("\n".join([*findings(small), repr(small)]))


def smallest(company: Company, fails: Callable[[Company], bool]) -> Company:
    """The company without every record and every earlier version that it does not need to fail."""
    kept: list[tuple[str, Record]] = [
        (entity, record) for entity, records in company.records.items() for record in records
    ]
    size = len(kept) // 2
    while size:
        start = 0
        while start < len(kept):
            fewer = kept[:start] + kept[start + size :]
            if fails(_company_of(company, fewer)):
                kept = fewer
            else:
                start += size
        size //= 2
    for place, (entity, record) in enumerate(kept):
        fewer = [*kept[:place], (entity, record[-1:]), *kept[place + 1 :]]
        if len(record) > 1 and fails(_company_of(company, fewer)):
            kept = fewer
    return _company_of(company, kept)


def _company_of(company: Company, kept: Sequence[tuple[str, Record]]) -> Company:
    records: dict[str, list[Record]] = {entity: [] for entity in company.records}
    for entity, record in kept:
        records[entity].append(record)
    return Company(records)
