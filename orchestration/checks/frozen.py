"""Whether frozen months are as they were frozen, and the marts show all of them.

Belongs here: judging what the store, the warehouse and the previous publication say. Not here: the hashes
(`freezing/store.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path

from orchestration.checks.catalogue import spec_of
from orchestration.checks.outcome import CheckOutcome
from orchestration.freezing.store import FIGURES, FrozenStore

Key = tuple[date, int]
"""Month and version."""

_COUNTED = (
    "select month_date, version, count(*), coalesce(sum(value), 0) from {relation} where as_of_date <= ? group by all"
)


def check_frozen(store: FrozenStore, as_of: date, warehouse_path: Path, marts_path: Path) -> list[CheckOutcome]:
    """Every file of every version by its hash, the warehouse's snapshot by its rows, and the versions shown before."""
    problems = store.problems()
    count = 0
    if not problems:
        versions = [version for version in store.versions() if version.as_of <= as_of]
        count = len(versions)
        written = {(version.month, version.version): version.file(FIGURES).rows for version in versions}
        built = _shown(warehouse_path, "marts", as_of)
        problems = [*_not_built(written, built), *_shown_before(_shown(marts_path, "main", as_of), built)]
    message = "; ".join(problems) or f"{count} frozen versions are as they were frozen, and the marts show them"
    rows = tuple({"problem": problem} for problem in problems[:20])
    return [CheckOutcome(spec_of("frozen_months_intact"), not problems, message, {"versions": count}, rows)]


def _shown(database: Path, schema: str, as_of: date) -> Mapping[Key, tuple[int, object]]:
    """Rows and sum of values by month and version; nothing where there is no such file or table yet."""
    import duckdb

    if not database.exists():
        return {}
    with duckdb.connect(database, read_only=True) as connection:
        found = connection.execute(
            "select count(*) from duckdb_tables() where schema_name = ? and table_name = 'kpi_monthly_snapshot'",
            [schema],
        ).fetchall()
        if not found[0][0]:
            return {}
        rows = connection.execute(_COUNTED.format(relation=f"{schema}.kpi_monthly_snapshot"), [as_of]).fetchall()
    return {(month, version): (count, total) for month, version, count, total in rows}


def _name(key: Key) -> str:
    month, version = key
    return f"{month:%Y-%m} version {version}"


def _not_built(written: Mapping[Key, int], built: Mapping[Key, tuple[int, object]]) -> list[str]:
    return [
        f"{_name(key)} has {written.get(key, 0)} frozen figures, kpi_monthly_snapshot "
        f"{built.get(key, (0, 0))[0]}; run again"
        for key in sorted(written.keys() | built.keys())
        if written.get(key, 0) != built.get(key, (0, 0))[0]
    ]


def _shown_before(before: Mapping[Key, tuple[int, object]], built: Mapping[Key, tuple[int, object]]) -> list[str]:
    return [
        f"{_name(key)} was published and is not what is frozen now; restore KPI_HOME/frozen from a backup"
        for key in sorted(before)
        if before[key] != built.get(key)
    ]
