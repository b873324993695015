"""Revenue that moved is taken apart into number and value of orders, and nothing is left over."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.monthly.movements import Movement, largest, movements

MONEY = st.decimals(min_value=-(10**9), max_value=10**9, places=2)
ORDERS = st.integers(min_value=0, max_value=500).map(Decimal)


def moved(before: str, now: str, orders_before: int, orders_now: int) -> Movement:
    return Movement("an", Decimal(before), Decimal(now), Decimal(orders_before), Decimal(orders_now))


@pytest.mark.parametrize(
    ("movement", "by_number", "by_value"),
    [
        # Two orders of 100, then three of 120: one more at 100, and 20 more for each of three.
        (moved("200", "360", 2, 3), "100.00", "60.00"),
        (moved("200", "100", 2, 1), "-100.00", "0.00"),
        # Nobody ordered before: what came is by number.
        (moved("0", "90", 0, 3), "90.00", "0.00"),
        # A return of 50, and no order in either month.
        (moved("0", "-50", 0, 0), "0", "-50"),
        # Only a return before; then an order of 80.
        (moved("-50", "80", 0, 1), "80.00", "50.00"),
        (moved("100", "0", 3, 0), "-100.00", "0.00"),
        (moved("100", "33.34", 3, 1), "-66.67", "0.01"),
    ],
)
def test_a_change_is_taken_apart(movement: Movement, by_number: str, by_value: str) -> None:
    assert (movement.by_number, movement.by_value) == (Decimal(by_number), Decimal(by_value))


@given(before=MONEY, now=MONEY, orders_before=ORDERS, orders_now=ORDERS)
def test_the_parts_add_up(before: Decimal, now: Decimal, orders_before: Decimal, orders_now: Decimal) -> None:
    movement = Movement("an", before, now, orders_before, orders_now)
    assert movement.by_number + movement.by_value == movement.change
    if orders_before == orders_now:
        assert movement.by_number == 0


def test_the_largest_come_first_and_who_stayed_is_not_there() -> None:
    then = {"an": (Decimal(10), Decimal(1)), "binh": (Decimal(5), Decimal(1)), "chi": (Decimal(7), Decimal(1))}
    now = {"an": (Decimal(10), Decimal(2)), "binh": (Decimal(9), Decimal(1)), "dung": (Decimal(20), Decimal(1))}
    found = movements(["an", "binh", "chi", "dung", "em"], then, now)
    assert [(one.subject, int(one.change)) for one in found] == [("dung", 20), ("binh", 4), ("chi", -7)]
    up, down = largest(found, 1)
    assert ([one.subject for one in up], [one.subject for one in down]) == (["dung"], ["chi"])
