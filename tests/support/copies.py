"""A built demo company in a home of its own, to be rebuilt, backfilled or damaged.

Belongs here: copying what `demo_warehouse` built, and telling whether files changed. Not here: building it.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterable
from pathlib import Path

import duckdb

from orchestration.landing.index import write_index
from orchestration.landing.store import Landing
from orchestration.serving.publish import publish
from orchestration.settings import Settings
from tests.support.warehouse import DEMO_START, DemoWarehouse, copy_warehouse


def company_of_its_own(built: DemoWarehouse, home: Path) -> Settings:
    """A home with the same batches, the same warehouse, and the marts published from it."""
    settings = Settings(
        home=home,
        source="demo",
        demo_scale=0.1,
        demo_start=DEMO_START,
        demo_end=built.as_of,
        timezone="Asia/Ho_Chi_Minh",
        environment="local",
        memory_limit="2GB",
        lock_wait_seconds=60,
    )
    shutil.copytree(built.landing.root, settings.landing_dir)
    copy_warehouse(built, home)
    write_index(Landing(settings.landing_dir), "demo", built.as_of, settings.warehouse_dir)
    publish(settings.warehouse_path, settings.marts_path, {"as_of": built.as_of, "source": "demo"})
    return settings


def hashes(files: Iterable[Path]) -> dict[Path, str]:
    """The SHA-256 of every file, by its path."""
    return {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(files) if path.is_file()}


def marts_of(connection: duckdb.DuckDBPyConnection, database: str, schema: str) -> list[str]:
    """The tables of one schema of an attached database."""
    found = connection.execute(
        "select table_name from duckdb_tables() where database_name = ? and schema_name = ? order by all",
        [database, schema],
    ).fetchall()
    return [str(name) for (name,) in found]


def differing_rows(connection: duckdb.DuckDBPyConnection, one: str, other: str) -> int:
    """How many rows only one of two queries has, duplicates counted."""
    counted = connection.execute(
        f"select (select count(*) from (({one}) except all ({other}))) "
        f"+ (select count(*) from (({other}) except all ({one})))"
    ).fetchall()
    return int(counted[0][0])
