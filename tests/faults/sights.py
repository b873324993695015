"""What can be seen in a state folder while a command runs, and how far the command is then.

Belongs here: looking. Not here: killing when something is seen (`killing.py`).

Each sight is relative to how things are when it is made, and DuckDB's own files are among them: what the engine writes,
Python does not report.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tests.faults.killing import Sight


def sights_of(home: Path) -> Mapping[str, Sight]:
    """Sights of a state folder by name; most commands show only some of them."""
    marts, warehouse, frozen = home / "marts.duckdb", home / "warehouse", home / "frozen"
    rebuilt = home / "scratch" / "rebuild" / "warehouse" / "warehouse.duckdb"
    database = warehouse / "warehouse.duckdb"
    batches = _count(home / "landing", "*/*/*/manifest.json")
    segments = _count(home / "landing", "*/*/compacted-*/manifest.json")
    results = _changed(warehouse / "target" / "run_results.json")
    return {
        "a third has landed": lambda: _count(home / "landing", "*/*/*/manifest.json") >= batches + 8,
        "half is compacted": lambda: _count(home / "landing", "*/*/compacted-*/manifest.json") >= segments + 12,
        "the index is new": _changed(warehouse / "landing_index.parquet"),
        "the build is planned": _changed(warehouse / "warehouse.duckdb.wal"),
        "dbt writes": _larger(warehouse / "warehouse.duckdb.wal", 100_000),
        "dbt has written much": _larger(warehouse / "warehouse.duckdb.wal", 1_000_000),
        "dbt is done": results,
        "the build is recorded": _changed_after(results, database),
        "a publication is being built": _new_file(home, "marts.duckdb.*.tmp"),
        "a publication is half built": _new_file(home, "marts.duckdb.*.tmp", 4_000_000),
        "the publication is kept aside": _changed(home / "marts.previous.duckdb"),
        "the publication is swapped": _changed(marts),
        "freshness is written": _changed(home / "freshness.json"),
        "figures are being frozen": _new_file(frozen, "*/.tmp-*"),
        "frozen files are there": _new(frozen, "*/v*/rows.parquet"),
        "a frozen manifest is there": _new(frozen, "*/v*/manifest.json"),
        "the chain has a new head": _changed(frozen / "head.json"),
        "figures are built as known then": _new_file(frozen, ".*as_known.duckdb.*.tmp"),
        "dbt writes aside": _new_file(home / "scratch", "*/warehouse/warehouse.duckdb.wal"),
        "a warehouse is rebuilt": _changed(rebuilt),
        "a rebuilt warehouse is swapped in": _another(database),
        "an export is being written": _new_file(home / "exports", "*.tmp"),
    }


def _count(folder: Path, pattern: str) -> int:
    return sum(1 for _ in folder.glob(pattern)) if folder.exists() else 0


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _new_file(folder: Path, pattern: str, size: int = -1) -> Sight:
    """One that was not there, or is another by now: what an earlier kill left does not count."""
    before = {path: _identity(path) for path in folder.glob(pattern)}
    return lambda: any(
        _size(path) > size and _identity(path) not in (before.get(path), None) for path in folder.glob(pattern)
    )


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_mtime_ns


def _changed(path: Path) -> Sight:
    before = _identity(path)
    return lambda: _identity(path) not in (before, None)


def _another(path: Path) -> Sight:
    """Another file of the same name, not the same one changed."""
    before = _identity(path)
    return lambda: before is not None and (now := _identity(path)) is not None and now[0] != before[0]


def _new(folder: Path, pattern: str) -> Sight:
    before = _count(folder, pattern)
    return lambda: _count(folder, pattern) > before


def _larger(path: Path, size: int) -> Sight:
    is_changed = _changed(path)
    return lambda: is_changed() and _size(path) > size


def _changed_after(first: Sight, path: Path) -> Sight:
    """The file is another than it was when the first thing was seen."""
    then: Sight | None = None

    def is_seen() -> bool:
        nonlocal then
        if then is None and first():
            then = _changed(path)
        return then is not None and then()

    return is_seen
