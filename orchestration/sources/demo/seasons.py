"""When things happen: working days and hours, public holidays, Tet, the year-end peak.

Belongs here: the weight of a day and moving moments to working time. Not here: how often anything happens.
Days are counted from 1970-01-01, moments in seconds of company time.
"""

from __future__ import annotations

from datetime import date
from functools import cache

import numpy as np
import numpy.typing as npt

from orchestration.sources.demo.life import DAY, HOUR, Ints, ints

FIRST_YEAR, LAST_YEAR = 2018, 2037

# First day of the lunar year; it decides which weeks of January and February are quiet.
_TET = {
    2018: (2, 16), 2019: (2, 5), 2020: (1, 25), 2021: (2, 12), 2022: (2, 1), 2023: (1, 22), 2024: (2, 10),
    2025: (1, 29), 2026: (2, 17), 2027: (2, 6), 2028: (1, 26), 2029: (2, 13), 2030: (2, 3), 2031: (1, 23),
    2032: (2, 11), 2033: (1, 31), 2034: (2, 19), 2035: (2, 8), 2036: (1, 28), 2037: (2, 15),
}  # fmt: skip
_HOLIDAYS = ((1, 1), (4, 30), (5, 1), (9, 2))
_WEEKDAYS = np.array([1.05, 1.12, 1.10, 1.05, 1.0, 0.45, 0.04])
_MONTHS = np.array([0.95, 0.9, 1.0, 0.98, 1.0, 0.95, 0.92, 0.92, 1.02, 1.08, 1.18, 1.3])


def day_number(day: date) -> int:
    """Days from 1970-01-01 to that day."""
    return (day - date(1970, 1, 1)).days


@cache
def _calendar() -> tuple[int, npt.NDArray[np.float64]]:
    first, last = day_number(date(FIRST_YEAR, 1, 1)), day_number(date(LAST_YEAR, 12, 31))
    days = np.arange(first, last + 1)
    months = days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64) % 12
    weights = _WEEKDAYS[(days + 3) % 7] * _MONTHS[months]
    for year, (month, day) in _TET.items():
        tet = day_number(date(year, month, day)) - first
        weights[max(tet - 9, 0) : max(tet - 2, 0)] *= 0.6
        weights[max(tet - 2, 0) : tet + 6] *= 0.03
        weights[tet + 6 : tet + 13] *= 0.7
        for holiday in _HOLIDAYS:
            weights[day_number(date(year, *holiday)) - first] *= 0.08
    return first, weights


def day_weights(days: Ints) -> npt.NDArray[np.float64]:
    """How busy each day is; an ordinary working day is about 1. Days outside the known years count as their nearest."""
    first, weights = _calendar()
    return weights[np.clip(days - first, 0, len(weights) - 1)]


def working_seconds(rng: np.random.Generator, size: int) -> Ints:
    """Seconds since midnight, between 8:00 and 18:00, with a peak in the morning and one after lunch."""
    peak = np.where(rng.random(size) < 0.52, 10.0, 15.2)
    return ints(np.clip(rng.normal(peak, 1.1), 8.0, 17.99) * HOUR)


def settle(rng: np.random.Generator, moments: Ints) -> Ints:
    """Move moments to working hours, and from quiet days to busier ones soon after; never earlier than given."""
    given, clock = np.divmod(moments, DAY)
    days = given + (clock > 17 * HOUR)
    pending = np.ones(len(days), dtype=np.bool_)
    for _ in range(12):
        pending &= rng.random(len(days)) * 1.1 >= day_weights(days)
        # What a Sunday or a holiday stops is spread over the days after it, not piled on the first.
        days = days + pending * rng.integers(1, 6, len(days))
    seconds = working_seconds(rng, len(days))
    rest_of_day = clock + ints(rng.random(len(days)) * (18 * HOUR - clock))
    return days * DAY + np.where((days == given) & (seconds < clock), rest_of_day, seconds)


def after(rng: np.random.Generator, moments: Ints, low_days: float, high_days: float) -> Ints:
    """A working moment between `low_days` and `high_days` later (quiet days push it further)."""
    return settle(rng, moments + ints(rng.uniform(low_days, high_days, len(moments)) * DAY) + 60)
