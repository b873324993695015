"""A tiny company as files, one folder per night.

Belongs here: the input of the kill tests. Not here: comparing what became of it (`state.py`), killing (`killing.py`),
or plans (`kill_points.py`, `command_plan.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

import pyarrow.parquet as pq

from orchestration.sources.base import BatchKind
from orchestration.sources.demo import DemoSource

SOURCE = "files"
FIRST, LAST = date(2026, 3, 1), date(2026, 3, 31)


# Enough to meet complete batches and deltas, large and small ones; all entities would cost five times as much.
SOME = ("employees", "customers", "customer_changes", "orders")


def write_company(
    folder: Path, nights: Sequence[date], seed: int, entities: Sequence[str] = SOME, first: date = FIRST
) -> Path:
    """One folder of Parquet files per night: everything on the first, then changes, and everything on Sundays."""
    company = DemoSource(seed, 0.1, first, max(LAST, nights[-1]))
    for night in nights:
        target = folder / night.isoformat()
        target.mkdir(parents=True)
        deltas = []
        for entity in entities:
            raw = company.read(entity, night, complete=night == nights[0])
            assert raw is not None, f"the demo company has no {entity}"
            pq.write_table(raw.table, target / f"{entity}.parquet")
            if raw.kind is BatchKind.DELTA:
                deltas.append(entity)
        kinds = ", ".join(f"{name}: delta" for name in deltas)
        (target / "batch.yml").write_text(f"kinds: {{{kinds}}}\n", encoding="utf-8")
    return folder


def last_nights(count: int) -> list[date]:
    """The last so many nights of the company."""
    return [LAST - timedelta(days=count - 1 - number) for number in range(count)]
