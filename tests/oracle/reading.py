"""Reads what the oracle works on and what it is compared with: landed batches, and the marts' rows.

Belongs here: files and databases, and the comparison of two tables. Not here: what the numbers should be (`oracle.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pyarrow.parquet as pq

from orchestration.landing.store import Landing
from orchestration.sources.base import BatchKind
from tests.oracle.oracle import Batch

KEYS: Mapping[str, Sequence[str]] = {
    "fct_funnel": ("month_date", "employee_id"),
    "fct_task_status": ("month_date", "employee_id", "project_id", "task_type_id"),
    "dim_customer_cohort": ("customer_id",),
    "fct_journey": ("as_of_date", "manager_id", "relationship_id", "created_date"),
}


def landed_batches(landing: Landing, source: str, as_of: date) -> dict[str, list[Batch]]:
    """Every visible batch by entity, oldest first."""
    batches: dict[str, list[Batch]] = {}
    for manifest in landing.visible(source, as_of):
        rejected = pq.read_table(landing.quarantine_path(manifest), columns=["entity_key"]).column(0).to_pylist()
        batches.setdefault(manifest.entity, []).append(
            Batch(
                night=manifest.batch_date,
                is_complete=manifest.kind is BatchKind.COMPLETE,
                rows=pq.read_table(landing.data_path(manifest)).to_pandas(date_as_object=True),
                rejected_keys=frozenset(tuple(key) for key in rejected if key is not None),
            )
        )
    return batches


def mart(warehouse: Path, name: str) -> pd.DataFrame:
    """A mart's rows as plain Python objects: exact decimals, dates, None."""
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        cursor = connection.execute(f"select * from marts.{name}")
        columns = [column[0] for column in cursor.description or []]
        return pd.DataFrame(cursor.fetchall(), columns=columns, dtype=object)


def differences(expected: pd.DataFrame, found: pd.DataFrame, key: Sequence[str]) -> list[str]:
    """Every row and every value in which two tables differ; empty when they are equal, whatever their order."""
    # A table computed from no rows does not know its columns.
    if len(expected) and set(expected.columns) != set(found.columns):
        return [f"columns: expected {sorted(expected.columns)}, found {sorted(found.columns)}"]
    wanted, got = _by_key(expected, key), _by_key(found, key)
    missing = [f"{at}: missing" for at in wanted.keys() - got.keys()]
    surplus = [f"{at}: surplus" for at in got.keys() - wanted.keys()]
    values = [
        f"{at}: {column} is {got[at][column]!r}, expected {row[column]!r}"
        for at, row in wanted.items()
        if at in got
        for column in row
        if row[column] != got[at][column]
    ]
    return sorted(missing) + sorted(surplus) + values


def _by_key(table: pd.DataFrame, key: Sequence[str]) -> dict[tuple[Any, ...], dict[str, Any]]:
    rows = {}
    for row in table.to_dict("records"):
        plain = {str(name): None if value is pd.NaT else value for name, value in row.items()}
        at = tuple(str(plain[name]) for name in key)
        assert at not in rows, f"two rows with the key {at}"
        rows[at] = plain
    return rows
