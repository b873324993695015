"""The months a simulated life is made of, and one random generator per month and topic.

Belongs here: cutting time into months and keying randomness. Not here: what happens in a month. Every draw belongs to a
month, never to the whole life, so a later end adds months and changes nothing that happened before. For the same
reason how many numbers a draw takes must not depend on values that a later end may change.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from datetime import date

import numpy as np

from orchestration.sources.demo.life import DAY
from orchestration.sources.demo.seasons import day_number


@dataclass(frozen=True)
class Month:
    """A calendar month, cut off at the first day of the life; days are counted from 1970-01-01, `end` is exclusive."""

    index: int
    first: int
    end: int
    month_number: int

    @property
    def starts_at(self) -> int:
        """First moment of the month, in seconds."""
        return self.first * DAY


@dataclass(frozen=True)
class Clock:
    """A seed, a size and the days between which the company lives."""

    seed: int
    scale: float
    start: date
    end: date

    @property
    def until(self) -> int:
        """The first moment after the last day, in seconds."""
        return (day_number(self.end) + 1) * DAY

    def months(self, more: int = 0) -> list[Month]:
        """The months from start to end, and `more` after them."""
        first = self.start.year * 12 + self.start.month - 1
        last = self.end.year * 12 + self.end.month - 1 + more
        months = []
        for position in range(first, last + 1):
            opens = date(position // 12, position % 12 + 1, 1)
            closes = date((position + 1) // 12, (position + 1) % 12 + 1, 1)
            begin = day_number(max(opens, self.start))
            months.append(Month(position - first, begin, day_number(closes), opens.month))
        return months

    def random(self, topic: str, month: int = 0) -> np.random.Generator:
        """The generator of one topic in one month; the same for the same seed, whatever else is drawn."""
        return np.random.default_rng([self.seed, zlib.crc32(topic.encode()), month])
