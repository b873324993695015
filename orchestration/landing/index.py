"""What a dbt run reads of the landing zone: one table of visible batches, and an empty typed file per entity.

Belongs here: `landing_index.parquet` and `shells/`. Not here: the batches themselves (`store.py`).
"""

from __future__ import annotations

import os
from datetime import date, datetime, time, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from orchestration.contract import contract
from orchestration.contract.validation import landed_schema
from orchestration.landing.durable import replace_durably, write_durably
from orchestration.landing.manifest import Manifest
from orchestration.landing.segments import Segment
from orchestration.landing.store import DATA, QUARANTINE, Landing, data_schema, quarantine_schema

INDEX = "landing_index.parquet"
SHELLS = "shells"
_FINGERPRINT = "contract_fingerprint"

INDEX_SCHEMA = pa.schema(
    [
        pa.field("source", pa.string()),
        pa.field("entity", pa.string()),
        pa.field("batch_id", pa.string()),
        pa.field("batch_date", pa.date32()),
        pa.field("batch_seq", pa.int32()),
        pa.field("kind", pa.string()),
        pa.field("known_at", pa.timestamp("us")),
        # The number of the batch in its segment; null for a batch in a file of its own.
        pa.field("segment_number", pa.int32()),
        pa.field("data_path", pa.string()),
        pa.field("quarantine_path", pa.string()),
        pa.field("rows_in", pa.int64()),
        pa.field("rows_landed", pa.int64()),
        pa.field("rows_quarantined", pa.int64()),
    ]
)


def write_index(landing: Landing, source: str, as_of: date | None, warehouse_dir: Path) -> Path:
    """Write the index of `source` as of a date, and the shells; returns the index's path.

    `known_at` is company time: the end of the batch's day, when the nightly run could first know it.
    Raises LandingError when a visible batch's file is missing or has another size than it was written with.
    """
    batches = landing.visible(source, as_of)
    landing.verify_all(batches)
    warehouse_dir.mkdir(parents=True, exist_ok=True)
    write_shells(warehouse_dir)
    target = warehouse_dir / INDEX
    _write_table(target, index_table(landing, batches))
    return target


def index_table(landing: Landing, batches: list[Manifest]) -> pa.Table:
    """The index as a table; `batches` as `Landing.visible` orders them."""
    rows = []
    sequence: dict[str, int] = {}
    segments: dict[str, dict[str, tuple[Segment, int]]] = {}
    for manifest in batches:
        if manifest.entity not in segments:
            segments[manifest.entity] = landing.segments(manifest.source, manifest.entity)
        segment, number = segments[manifest.entity].get(manifest.batch_id, (None, None))
        folder = landing.data_path(manifest).parent if segment is None else landing.segment_folder(segment)
        sequence[manifest.entity] = sequence.get(manifest.entity, 0) + 1
        rows.append(
            {
                "source": manifest.source,
                "entity": manifest.entity,
                "batch_id": manifest.batch_id,
                "batch_date": manifest.batch_date,
                "batch_seq": sequence[manifest.entity],
                "kind": manifest.kind.value,
                "known_at": datetime.combine(manifest.batch_date + timedelta(days=1), time.min),
                "segment_number": number,
                "data_path": str((folder / DATA).resolve()),
                "quarantine_path": str((folder / QUARANTINE).resolve()),
                "rows_in": manifest.rows_in,
                "rows_landed": manifest.rows_landed,
                "rows_quarantined": manifest.rows_quarantined,
            }
        )
    return pa.Table.from_pylist(rows, schema=INDEX_SCHEMA)


def write_shells(warehouse_dir: Path) -> Path:
    """Write one empty typed file per entity, and one for the quarantine, unless this contract's are there already."""
    folder = warehouse_dir / SHELLS
    shells = {entity.name: data_schema(landed_schema(entity)) for entity in contract()}
    shells["rejected_rows"] = quarantine_schema()  # No underscore in front: Spark takes such a file for a hidden one.
    mark = folder / _FINGERPRINT
    if mark.exists() and mark.read_text() == contract().fingerprint and _complete(folder, shells):
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    for name, schema in shells.items():
        _write_table(folder / f"{name}.parquet", schema.empty_table())
    # Last: a crash before this line makes the next run write them all again.
    write_durably(mark, contract().fingerprint.encode())
    return folder


def _complete(folder: Path, shells: dict[str, pa.Schema]) -> bool:
    return all((folder / f"{name}.parquet").exists() for name in shells)


def _write_table(target: Path, table: pa.Table) -> None:
    temporary = target.with_name(f".tmp-{target.name}-{os.getpid()}")
    pq.write_table(table, temporary, compression="zstd")
    replace_durably(temporary, target)
