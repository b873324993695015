"""What differs between the marts of two warehouses.

Belongs here: the comparison. Not here: what may differ (`test_*.py`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from tests.properties.runner import Marts, Row

Reduction = Callable[[str, Row], Row | None]
"""Of a mart's row, what must be equal; None for a row that may be there or not."""

_SHOWN = 12


def differences(first: Marts, second: Marts, reduced: Reduction = lambda mart, row: row) -> list[str]:
    """Rows that only one of them has, as often as it has them, whatever their order; empty when all marts are equal."""
    assert first.keys() == second.keys()
    found = []
    for mart in first:
        one, other = (_counted(mart, marts, reduced) for marts in (first, second))
        found += [f"{mart}: only in the first: {_shown(row)}" for row in (one - other).elements()]
        found += [f"{mart}: only in the second: {_shown(row)}" for row in (other - one).elements()]
    return found[:_SHOWN]


def _counted(mart: str, marts: Marts, reduced: Reduction) -> Counter[tuple[tuple[str, Any], ...]]:
    rows = (reduced(mart, row) for row in marts[mart])
    return Counter(tuple(row.items()) for row in rows if row is not None)


def _shown(row: tuple[tuple[str, Any], ...]) -> str:
    return ", ".join(f"{name}={value}" for name, value in row)
