"""Parts of a night with the real functions, each under the writer's lock, cheap enough to kill often.

Belongs here: functions that a fork server can run. Not here: whole nights, `kpi` processes (`kill_points.py`).
"""

from __future__ import annotations

import resource
from collections.abc import Callable
from datetime import date
from pathlib import Path

from orchestration.dbt_run import DbtWorker
from orchestration.landing.compact import compact_landing
from orchestration.landing.index import write_index
from orchestration.landing.ingest import ingest_night
from orchestration.landing.store import Landing
from orchestration.serving.lock import writer_lock
from orchestration.serving.publish import publish
from orchestration.settings import Settings
from orchestration.sources.files import FilesSource
from tests.faults.company import SOURCE

PRELOAD = ("tests.faults.operations", "duckdb", "pyarrow.parquet", "orchestration.contract.validation")


def _settings(home: Path) -> Settings:
    return Settings(home=home, timezone="Asia/Ho_Chi_Minh", threads=2, memory_limit="1GB")


def land(home: Path, folder: Path, night: date) -> None:
    """Land a night and list the visible batches for dbt."""
    settings = _settings(home)
    with writer_lock(settings.lock_path):
        landing = Landing(settings.landing_dir)
        ingest_night(landing, FilesSource(folder), night, settings.zone)
        write_index(landing, SOURCE, night, settings.warehouse_dir)


def publish_marts(home: Path, warehouse: Path, as_of: date) -> None:
    """Publish a warehouse."""
    settings = _settings(home)
    with writer_lock(settings.lock_path):
        publish(warehouse, settings.marts_path, {"as_of": as_of, "source": SOURCE}, threads=2)


def compact_nights(home: Path, through: date) -> None:
    """Compact what has landed up to a night, as `kpi compact --through` does."""
    compact_landing(_settings(home).model_copy(update={"source": SOURCE}), through)


def limited(bytes_per_file: int, call: Callable[..., None], *arguments: object) -> None:
    """Call a function in a process that cannot write more to any file, as if the disk were full."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (bytes_per_file, bytes_per_file))
    call(*arguments)


def parse_project(home: Path) -> None:
    """Start dbt's process and wait until it has parsed the project."""
    with DbtWorker(_settings(home)) as worker:
        worker.parse()
