"""Rows that live: events fold into versions, and versions answer "as it stood at that moment".

Belongs here: the event log, the fold, and conversions of integers to the contract's Arrow types. Not here: what happens
in the company. Everything inside the simulation is an integer: codes, seconds since 1970-01-01 00:00 company time,
whole dong.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from orchestration.contract.registry import contract

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Value = Ints | int

NULL = int(np.iinfo(np.int64).min)
_UNCHANGED = NULL + 1
DAY = 86_400
HOUR = 3_600


def ints(values: npt.ArrayLike, size: int | None = None) -> Ints:
    """The values as 64-bit integers; one value is repeated `size` times."""
    array = np.asarray(values).astype(np.int64)
    return array if size is None or array.ndim else np.full(size, array, dtype=np.int64)


@dataclass(frozen=True)
class Versions:
    """All versions of all rows of one entity, ordered by row and time; `at` is when the CRM shows the version.

    Rows are numbered by when they first appear, so ids never depend on what comes later. `born` maps row to log key,
    `rank` maps log key to row (-1: not yet born).
    """

    row: Ints
    at: Ints
    values: Mapping[str, Ints]
    born: Ints
    rank: Ints

    def __getitem__(self, attribute: str) -> Ints:
        return self.values[attribute]


class EventLog:
    """Births and changes of one entity's rows. A change names only the attributes that it sets."""

    def __init__(self, *attributes: str) -> None:
        self._attributes = attributes
        self._chunks: list[tuple[Bools, Ints, Ints, dict[str, Ints]]] = []
        self.size = 0
        # So that a log nothing was written to folds as well.
        self._append(True, np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64), {})

    def birth(self, at: Ints, **values: Value) -> Ints:
        """Add new rows with every attribute set; returns their keys."""
        missing = set(self._attributes) - set(values)
        if missing:
            raise ValueError(f"a birth must set every attribute; missing: {', '.join(sorted(missing))}")
        keys = np.arange(self.size, self.size + len(at), dtype=np.int64)
        self.size += len(at)
        self._append(True, keys, at, values)
        return keys

    def change(self, keys: Ints, at: Ints, **values: Value) -> None:
        """Add changes of existing rows; a change before its row's birth is dropped when folding."""
        self._append(False, keys, at, values)

    def _append(self, is_birth: bool, keys: Ints, at: Ints, values: Mapping[str, Value]) -> None:
        unknown = set(values) - set(self._attributes)
        if unknown:
            raise ValueError(f"no such attribute: {', '.join(sorted(unknown))}")
        filled = {name: ints(values.get(name, _UNCHANGED), len(keys)) for name in self._attributes}
        self._chunks.append((np.full(len(keys), is_birth), keys, ints(at), filled))

    def fold(self, until: int) -> Versions:
        """Versions of all rows born before `until` (seconds), whatever was logged for later."""
        is_birth = np.concatenate([chunk[0] for chunk in self._chunks])
        key = np.concatenate([chunk[1] for chunk in self._chunks])
        at = np.concatenate([chunk[2] for chunk in self._chunks])
        birth_at = np.empty(self.size, dtype=np.int64)
        birth_at[key[is_birth]] = at[is_birth]
        born = np.argsort(birth_at, kind="stable")[: int(np.count_nonzero(birth_at < until))]
        rank = np.full(self.size, -1, dtype=np.int64)
        rank[born] = np.arange(len(born))
        kept = np.flatnonzero((at < until) & (is_birth | (at > birth_at[key])))
        order = kept[np.lexsort((at[kept], rank[key[kept]]))]
        row, at = rank[key[order]], at[order]
        last = np.ones(len(row), dtype=np.bool_)
        last[:-1] = (row[1:] != row[:-1]) | (at[1:] != at[:-1])
        values = {}
        for name in self._attributes:
            filled = np.concatenate([chunk[3][name] for chunk in self._chunks])[order]
            known = np.where(filled != _UNCHANGED, np.arange(len(filled)), 0)
            values[name] = filled[np.maximum.accumulate(known)][last] if len(filled) else filled
        return Versions(row[last], at[last], values, ints(born), rank)


@dataclass(frozen=True)
class Life:
    """One entity through all its nights: one table row per version, in contract columns."""

    row: Ints
    at: Ints
    gone: Bools
    table: pa.Table

    def standing(self, until: int, since: int | None = None) -> pa.Table:
        """The rows as they stood just before `until` (seconds); with `since`, only those changed from then on."""
        seen = np.flatnonzero(self.at < until)
        if len(seen):
            row = self.row[seen]
            seen = seen[np.append(row[1:] != row[:-1], True)]
        present = ~self.gone[seen]
        if since is not None:
            present &= self.at[seen] >= since
        return self.table.take(pa.array(seen[present]))


def life(entity: str, versions: Versions, columns: Mapping[str, pa.Array], gone: Ints | None = None) -> Life:
    """Check the columns against the contract and put them in its order; absent columns are null."""
    schema = contract()[entity].arrow_schema
    unknown = set(columns) - set(schema.names)
    if unknown:
        raise ValueError(f"entity {entity} has no column {', '.join(sorted(unknown))}")
    size = len(versions.row)
    arrays = [columns[f.name].cast(f.type) if f.name in columns else pa.nulls(size, f.type) for f in schema]
    is_gone = np.zeros(size, dtype=np.bool_) if gone is None else gone == 1
    return Life(versions.row, versions.at, is_gone, pa.Table.from_arrays(arrays, schema=schema))


def standing_life(entity: str, columns: Mapping[str, pa.Array], at: Ints) -> Life:
    """A life of rows that appear once and never change; `at` is when each appears."""
    rows = np.arange(len(at), dtype=np.int64)
    return life(entity, Versions(rows, ints(at), {}, rows, rows), columns)


def nullable(values: Ints) -> pa.Array:
    """Integers with NULL as null."""
    return pa.array(values, mask=values == NULL)


def timestamps(seconds: Ints) -> pa.Array:
    """Seconds to naive company-time timestamps."""
    return pc.cast(nullable(seconds), pa.timestamp("s")).cast(pa.timestamp("us"))


def dates(days: Ints) -> pa.Array:
    """Days since 1970-01-01 to dates."""
    return nullable(days).cast(pa.int32()).cast(pa.date32())


def money(dong: Ints) -> pa.Array:
    """Whole dong to money."""
    return nullable(dong).cast(pa.decimal128(21, 2)).cast(pa.decimal128(18, 2))


def tenths(values: Ints) -> pa.Array:
    """Tenths to a decimal with four digits."""
    return pa.array(np.where(values == NULL, 0, values) / 10, mask=values == NULL).cast(pa.decimal128(18, 4))


def labels(codes: Ints, names: pa.Array) -> pa.Array:
    """Codes to texts; `names` is an Arrow array of texts."""
    return names.take(nullable(codes))


def ids(prefix: str, width: int, numbers: Ints) -> pa.Array:
    """Row numbers (from 0) to ids such as KH000001; NULL stays null."""
    counted = np.where(numbers == NULL, NULL, numbers + 1)
    digits = pc.utf8_lpad(nullable(counted).cast(pa.string()), width, "0")
    return pc.binary_join_element_wise(pa.scalar(prefix), digits, "")


def references(prefix: str, width: int, keys: Ints, versions: Versions) -> pa.Array:
    """Log keys of another entity to its ids; AssertionError when a row points at one that is not born yet."""
    given = keys != NULL
    rows = np.full(len(keys), NULL, dtype=np.int64)
    rows[given] = versions.rank[keys[given]]
    assert not np.any(rows == -1), f"a row points at a {prefix} row that does not exist yet"
    return ids(prefix, width, rows)


def lists(*members: pa.Array) -> pa.Array:
    """Per row, the list of the members that are not null, in order."""
    size = len(members[0])
    stacked = pa.chunked_array(members).combine_chunks()
    by_row = stacked.take(pa.array(np.arange(size * len(members)).reshape(len(members), size).T.ravel()))
    valid = by_row.is_valid().to_numpy(zero_copy_only=False)
    offsets = np.concatenate([[0], valid.reshape(size, len(members)).sum(axis=1).cumsum()])
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), by_row.filter(pa.array(valid)))
