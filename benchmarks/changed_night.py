"""What a night that changes little costs, against a build of everything, at several sizes of history.

Belongs here: making the night, the plan of the measurement, its table. Not here: measuring itself (`measure.py`).

Usage: `.venv/bin/python -m benchmarks.changed_night [--scales 1 5] [--share 0.001] [--reach 60] [--repeats 3]`. For
every scale the demo company's whole history lands as one complete batch and is built. Then a made-up night edits the
given share of the rows of everything that changes in a CRM, and is built from changes; a copy of the same warehouse is
built anew. The edited rows are any that were last written in the days of `--reach`; 0 takes them from all of history,
which touches every month. Both builds run all data tests that can find something. Starting dbt and parsing the project
is measured by itself and taken off.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from benchmarks.measure import Usage, machine_facts, measured, median_usage, megabytes, table
from orchestration.contract import contract
from orchestration.landing.ingest import ingest_night
from orchestration.landing.store import Landing
from orchestration.settings import Settings
from orchestration.sources.base import BatchKind, RawTable
from orchestration.sources.demo.source import CHANGING
from orchestration.sources.factory import build_source

LAST_NIGHT = date(2026, 3, 31)
EDITED_NIGHT = LAST_NIGHT + timedelta(days=1)
_ROOT = Path(__file__).resolve().parent.parent
_NOT_EDITED = frozenset({"customer_changes"})


@dataclass(frozen=True)
class EditedNight:
    """A source that hands over a share of the rows that landed, each edited in some way; nothing else is new."""

    landing: Landing
    share: float
    reach: int
    name: str = "demo"

    def read(self, entity: str, night: date, complete: bool = False) -> RawTable | None:
        """The entity's edited rows as a delta."""
        (whole,) = (batch for batch in self.landing.visible(self.name, LAST_NIGHT, entity))
        schema = contract()[entity].arrow_schema
        rows = pq.read_table(self.landing.data_path(whole), columns=schema.names)
        chance = random.Random(entity)
        count = 0 if entity not in CHANGING - _NOT_EDITED else round(rows.num_rows * self.share)
        chosen = rows.take(pa.array(chance.sample(self._within_reach(rows, night), count), pa.int64())).to_pylist()
        owners = sorted(set(rows["manager_id"].drop_null().to_pylist())) if "manager_id" in rows.column_names else []
        edited = [_edited(entity, row, chance, night, owners) for row in chosen]
        numbers = pa.array(range(2, 2 + len(edited)), pa.int64())
        return RawTable(
            entity, BatchKind.DELTA, pa.Table.from_pylist(edited, schema=schema), numbers, f"edited/{entity}"
        )

    def _within_reach(self, rows: pa.Table, night: date) -> Sequence[int]:
        """Places of the rows last written in the days of the reach."""
        if self.reach == 0 or "updated_at" not in rows.column_names:
            return range(rows.num_rows)
        first = datetime.combine(night - timedelta(days=self.reach), time())
        places: list[int] = pc.indices_nonzero(pc.greater_equal(rows["updated_at"], first)).to_pylist()
        return places


def _edited(
    entity: str, row: Mapping[str, Any], chance: random.Random, night: date, owners: Sequence[str]
) -> dict[str, Any]:
    """One row as a person changed it that day: a late edit, another of the `owners`, or a deletion."""
    now = datetime.combine(night, time(15))
    changed: dict[str, Any] = {**row, "updated_at": now}
    if "deleted_at" in row and chance.random() < 0.1:
        return {**changed, "deleted_at": now}
    edits: Mapping[str, Mapping[str, Any]] = {
        "customers": {"manager_id": chance.choice(owners) if owners else None},
        "orders": {"discount_amount": Decimal(chance.randint(0, 50_000))},
        "order_lines": {"quantity": Decimal(chance.randint(1, 9))},
        "payments": {"amount": Decimal(chance.randint(1_000, 90_000))},
        "interactions": {"outcome": "answered"},
        "tasks": {"status": "completed", "completed_at": now},
        "opportunities": {"status": "won", "closed_at": now},
        "contacts": {"full_name": "Edited"},
    }
    return {**changed, **edits[entity]}


def _command(mode: str) -> list[str]:
    return [sys.executable, "-m", "benchmarks.build_once", mode, EDITED_NIGHT.isoformat()]


def _settings(home: Path, scale: float) -> dict[str, str]:
    return {"KPI_HOME": str(home), "KPI_SOURCE": "demo", "KPI_DEMO_SCALE": str(scale)}


def prepare(home: Path, scale: float, share: float, reach: int) -> int:
    """Land the history and build it, then land the edited night; returns the rows that landed."""
    home.mkdir(parents=True)
    settings = Settings(home=home, source="demo", demo_scale=scale, demo_end=LAST_NIGHT)
    landing = Landing(settings.landing_dir)
    ingest_night(landing, build_source(settings), LAST_NIGHT, settings.zone)
    measured(
        [sys.executable, "-m", "benchmarks.build_once", "everything", LAST_NIGHT.isoformat()],
        environment=_settings(home, scale),
        folder=_ROOT,
        log=home / "benchmark.log",
    )
    rows = sum(batch.rows_landed for batch in landing.visible("demo"))
    ingest_night(landing, EditedNight(landing, share, reach), EDITED_NIGHT, settings.zone)
    return rows


def measure(folder: Path, scale: float, share: float, reach: int, repeats: int) -> list[str]:
    """One line of the table. Each build starts from a copy of the same warehouse, in the same place."""
    home, prepared = folder / "home", folder / f"prepared-{scale:g}"
    rows = prepare(home, scale, share, reach)
    home.rename(prepared)
    usages: dict[str, list[Usage]] = {"parse": [], "changes": [], "everything": []}
    for _ in range(repeats):
        for mode, found in usages.items():
            print(f"  scale {scale:g}: {mode}", file=sys.stderr, flush=True)
            shutil.copytree(prepared, home)
            found.append(
                measured(_command(mode), environment=_settings(home, scale), folder=_ROOT, log=folder / "benchmark.log")
            )
            shutil.rmtree(home)
    start, changes, everything = (median_usage(usages[mode]) for mode in ("parse", "changes", "everything"))
    return _line(scale, rows, start, changes, everything)


def _line(scale: float, rows: int, start: Usage, changes: Usage, everything: Usage) -> list[str]:
    night = changes.cpu_seconds - start.cpu_seconds
    whole = everything.cpu_seconds - start.cpu_seconds
    read = (changes.bytes_read or 0) - (start.bytes_read or 0)
    read_whole = (everything.bytes_read or 0) - (start.bytes_read or 0)
    return [
        f"{scale:g}",
        f"{rows:,}",
        f"{start.cpu_seconds:.1f}",
        f"{night:.1f}",
        f"{whole:.1f}",
        f"{night / whole:.0%}",
        megabytes(read),
        megabytes(read_whole),
        f"{read / read_whole:.0%}",
    ]


def _reach_words(reach: int) -> str:
    return f"last written in the {reach} days before" if reach else "from all of history"


_HEADER = [
    "scale",
    "rows of history",
    "start-up CPU s",
    "night CPU s",
    "everything CPU s",
    "night of everything",
    "night MB read",
    "everything MB read",
    "MB read of everything",
]


def run(folder: Path, scales: Sequence[float], share: float, reach: int, repeats: int) -> None:
    """Measure every scale, and print the table."""
    facts = machine_facts()
    lines = [measure(folder, scale, share, reach, repeats) for scale in scales]
    print("\n".join(f"- {name}: {fact}" for name, fact in facts.items()))
    print(f"- {share:.2%} of the rows edited, {_reach_words(reach)}; medians of {repeats}; data tests run in both\n")
    print(table(_HEADER, lines))


def main() -> None:
    """Read the options, make a folder, measure."""
    parser = argparse.ArgumentParser(description="A night that changes little, against a build of everything.")
    parser.add_argument("--scales", type=float, nargs="+", default=[1.0, 5.0], help="sizes of the demo company")
    parser.add_argument("--share", type=float, default=0.001, help="share of the rows that the night edits")
    parser.add_argument("--reach", type=int, default=60, help="edit rows last written in so many days; 0: any row")
    parser.add_argument("--repeats", type=int, default=3, help="how often everything is measured")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="kpi-benchmark-") as folder:
        run(Path(folder), options.scales, options.share, options.reach, options.repeats)


if __name__ == "__main__":
    main()
