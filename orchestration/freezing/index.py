"""What a dbt run reads of frozen months: one table of the versions, written before every run.

Belongs here: `frozen_index.parquet`. Not here: the versions themselves (`store.py`).
"""

from __future__ import annotations

import os
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet as pq

from orchestration.freezing.manifest import FrozenVersion
from orchestration.freezing.store import FIGURES, MANIFEST, ROWS, FrozenStore
from orchestration.landing.durable import replace_durably, sha256_of
from orchestration.settings import Settings

FROZEN_INDEX = "frozen_index.parquet"

INDEX_SCHEMA = pa.schema(
    [
        pa.field("month_date", pa.date32()),
        pa.field("version", pa.int32()),
        pa.field("is_latest", pa.bool_()),
        pa.field("as_of_date", pa.date32()),
        pa.field("frozen_at", pa.timestamp("us")),
        pa.field("code_version", pa.string()),
        pa.field("reason", pa.string()),
        pa.field("manifest_sha256", pa.string()),
        pa.field("figures_path", pa.string()),
        pa.field("rows_path", pa.string()),
    ]
)


def list_frozen(settings: Settings, as_of: date) -> Path:
    """Before a run that builds the current marts: finish what a crash left half-done, and write the index.

    The caller holds the writer lock. Raises FrozenError when anything frozen is not as it was written.
    """
    store = FrozenStore(settings.frozen_dir)
    store.recover()
    return write_frozen_index(store, as_of, settings.zone, settings.warehouse_dir)


def write_frozen_index(store: FrozenStore, as_of: date, zone: ZoneInfo, warehouse_dir: Path) -> Path:
    """Write the list of versions for a run as of a day; returns its path.

    Versions that know more than `as_of` are left out. `frozen_at` is company time.
    Raises FrozenError when anything frozen is not as it was written: no run reads a damaged version.
    """
    store.verify()
    known = [version for version in store.versions() if version.as_of <= as_of]
    latest = {version.month: version.version for version in known}
    table = pa.Table.from_pylist(
        [_row(store, version, latest[version.month] == version.version, zone) for version in known],
        schema=INDEX_SCHEMA,
    )
    warehouse_dir.mkdir(parents=True, exist_ok=True)
    target = warehouse_dir / FROZEN_INDEX
    temporary = target.with_name(f".tmp-{target.name}-{os.getpid()}")
    pq.write_table(table, temporary, compression="zstd")
    replace_durably(temporary, target)
    return target


def _row(store: FrozenStore, version: FrozenVersion, is_latest: bool, zone: ZoneInfo) -> dict[str, object]:
    return {
        "month_date": version.month,
        "version": version.version,
        "is_latest": is_latest,
        "as_of_date": version.as_of,
        "frozen_at": datetime.fromisoformat(version.frozen_at).astimezone(zone).replace(tzinfo=None),
        "code_version": version.code_version,
        "reason": version.reason,
        "manifest_sha256": sha256_of(store.path(version, MANIFEST)),
        "figures_path": str(store.path(version, FIGURES).resolve()),
        "rows_path": str(store.path(version, ROWS).resolve()),
    }
