"""The `demo` source: answers "the tables as they stood on the night of D" for a simulated company.

Belongs here: nights, batch kinds and errors. Not here: what happens in the company (world and its parts).
"""

from __future__ import annotations

from datetime import date, timedelta
from functools import cached_property
from typing import Literal

import numpy as np
import pyarrow as pa

from orchestration.sources.base import BatchKind, RawTable, SourceError
from orchestration.sources.demo.clock import Clock
from orchestration.sources.demo.life import DAY, Life
from orchestration.sources.demo.seasons import FIRST_YEAR, LAST_YEAR, day_number
from orchestration.sources.demo.world import live

Delivery = Literal["complete", "delta", "mixed"]

# Entities that a CRM reports by their changes; everything else always comes whole.
CHANGING = frozenset(
    {
        "customers", "contacts", "customer_changes", "tasks", "interactions", "orders", "order_lines", "payments",
        "opportunities",
    }
)  # fmt: skip
# How many days before the night itself a delta repeats.
OVERLAP_NIGHTS = 2


class DemoSource:
    """A Vietnamese company that lives from `start` to `end`, deterministic from `seed`.

    `scale` 1 is about 60 employees and, over 18 months, 20,000 customers; the size grows with the number of months too.
    `end` only ends the life: the tables of a night are the same for every later end.

    `delivery` says which batches hold all rows of the entities in `CHANGING`:
      complete  every night;
      delta     on Sundays and on the first night; other nights hold the rows changed on that day and the two before it;
      mixed     like delta, and on the first of every month too.
    Rows that vanish show only by their absence from a complete batch.

    Raises ValueError for a negative seed, a scale that is not positive, or dates out of order or of the known calendar.
    """

    name = "demo"

    def __init__(
        self,
        seed: int,
        scale: float,
        start: date,
        end: date,
        delivery: Delivery = "mixed",
    ) -> None:
        if seed < 0:
            raise ValueError(f"the demo company's seed must not be negative, but is {seed}")
        if scale <= 0:
            raise ValueError(f"the demo company's scale must be positive, but is {scale}")
        if start > end:
            raise ValueError(f"the demo company cannot start on {start} after its end on {end}")
        if start.year < FIRST_YEAR or end.year > LAST_YEAR:
            raise ValueError(f"the demo company knows the years {FIRST_YEAR} to {LAST_YEAR}, not {start} to {end}")
        self._clock = Clock(seed, scale, start, end)
        self._delivery = delivery

    @cached_property
    def _lives(self) -> dict[str, Life]:
        return live(self._clock)

    def kind(self, entity: str, night: date, complete: bool = False) -> BatchKind:
        """Whether that night's batch of the entity is complete or a delta; asked for `complete`, it is."""
        if complete or self._delivery == "complete" or entity not in CHANGING:
            return BatchKind.COMPLETE
        is_complete = night.isoweekday() == 7 or night == self._clock.start
        is_complete |= self._delivery == "mixed" and night.day == 1
        return BatchKind.COMPLETE if is_complete else BatchKind.DELTA

    def nights_between(self, first: date, last: date) -> list[date]:
        """Every night of the company's life in the range."""
        begin, end = max(first, self._clock.start), min(last, self._clock.end)
        return [begin + timedelta(days=count) for count in range((end - begin).days + 1)]

    def read(self, entity: str, night: date, complete: bool = False) -> RawTable | None:
        """The entity as it stood at the end of `night`; None for an entity the contract does not know.

        Raises SourceError for a night on which the company does not live.
        """
        if not self._clock.start <= night <= self._clock.end:
            raise SourceError(
                entity,
                f"demo/{entity}",
                "missing",
                f"The demo company lives from {self._clock.start} to {self._clock.end}; it has no {entity} "
                f"for the night of {night}. Choose a night in between, or set KPI_DEMO_START and KPI_DEMO_END.",
            )
        if entity not in self._lives:
            return None
        kind = self.kind(entity, night, complete)
        until = (day_number(night) + 1) * DAY
        since = None if kind is BatchKind.COMPLETE else day_number(night - timedelta(days=OVERLAP_NIGHTS)) * DAY
        table = self._lives[entity].standing(until, since)
        row_numbers = pa.array(np.arange(2, table.num_rows + 2))
        return RawTable(entity, kind, table, row_numbers, f"demo/{entity}")
