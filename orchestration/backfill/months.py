"""The months of a backfill, as a person types them and as dbt and Dagster are told.

Belongs here: pure functions over dates. Not here: what has landed, or the clock.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from orchestration.report.months import month_end, next_month, parse_month

MONTH_FORMAT = "%Y-%m"


class BackfillError(Exception):
    """The backfill that was asked for cannot be; the message says what can."""


@dataclass(frozen=True)
class MonthRange:
    """Whole months, the first day of each; `first` and `last` are both included."""

    first: date
    last: date

    def __str__(self) -> str:
        keys = self.keys()
        return keys[0] if len(keys) == 1 else f"{keys[0]} to {keys[-1]}"

    def months(self) -> list[date]:
        """The first day of every month."""
        found = [self.first]
        while found[-1] < self.last:
            found.append(next_month(found[-1]))
        return found

    def keys(self) -> list[str]:
        """The months as Dagster's partitions are named: `2025-01`."""
        return [month.strftime(MONTH_FORMAT) for month in self.months()]

    @property
    def last_night(self) -> date:
        """The last day of the last month."""
        return month_end(self.last)

    def nights(self) -> list[date]:
        """Every day of these months."""
        return [self.first + timedelta(days=count) for count in range((self.last_night - self.first).days + 1)]


def month_range(first: str, last: str, earliest: date, newest: date) -> MonthRange:
    """The range from `2025-01` to `2025-06`.

    Raises PageError for what is no month, and BackfillError for months out of order, before the month of `earliest` or
    after that of `newest`.
    """
    chosen = MonthRange(parse_month(first), parse_month(last))
    if chosen.last < chosen.first:
        raise BackfillError(f"--from {first} is after --to {last}")
    if chosen.first < earliest.replace(day=1):
        raise BackfillError(f"{first} is before {earliest:%Y-%m}, the first month there can be")
    if chosen.last > newest:
        raise BackfillError(f"{last} has not begun; the newest month with a whole day is {newest:%Y-%m}")
    return chosen


def range_of_keys(keys: Sequence[str]) -> MonthRange:
    """The range that Dagster's partition keys name. Raises BackfillError when months between them are missing."""
    chosen = MonthRange(parse_month(min(keys)), parse_month(max(keys)))
    missing = sorted(set(chosen.keys()) - set(keys))
    if missing:
        raise BackfillError(f"a backfill is one range of months, and {', '.join(missing)} is missing; select it too")
    return chosen
