"""Who moved the revenue between two months, and by what.

Belongs here: the arithmetic. Not here: reading figures (`facts.py`), or words (`content.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

_CENT = Decimal("0.01")


@dataclass(frozen=True)
class Movement:
    """One subject's revenue and orders, before and now. `by_number` and `by_value` add up to `change`, to the cent."""

    subject: str
    before: Decimal
    now: Decimal
    orders_before: Decimal
    orders_now: Decimal

    @property
    def change(self) -> Decimal:
        """How much the revenue moved, in the company's currency."""
        return self.now - self.before

    @property
    def by_number(self) -> Decimal:
        """What more or fewer orders would have moved at the earlier value per order, or today's without one."""
        if self.orders_before:
            each = self.before / self.orders_before
        elif self.orders_now:
            each = self.now / self.orders_now
        else:
            return Decimal(0)
        return ((self.orders_now - self.orders_before) * each).quantize(_CENT)

    @property
    def by_value(self) -> Decimal:
        """The rest: another value per order, and returns."""
        return self.change - self.by_number


def movements(
    subjects: Sequence[str],
    before: Mapping[str, tuple[Decimal, Decimal]],
    now: Mapping[str, tuple[Decimal, Decimal]],
) -> list[Movement]:
    """Revenue and orders of each subject that moved, largest increase first; without an entry both were 0."""
    nothing = (Decimal(0), Decimal(0))
    found = []
    for subject in subjects:
        revenue_before, orders_before = before.get(subject, nothing)
        revenue_now, orders_now = now.get(subject, nothing)
        found.append(Movement(subject, revenue_before, revenue_now, orders_before, orders_now))
    return sorted((one for one in found if one.change), key=lambda one: (-one.change, one.subject))


def largest(moved: Sequence[Movement], count: int) -> tuple[list[Movement], list[Movement]]:
    """The largest increases, and the largest decreases; both with the largest first."""
    up = [one for one in moved if one.change > 0][:count]
    down = [one for one in reversed(moved) if one.change < 0][:count]
    return up, down
