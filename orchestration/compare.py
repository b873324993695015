"""Two databases table by table: rows before, rows now, and the rows that only one of them has.

Belongs here: comparing and its text. Not here: where the databases come from, or what a difference means for the
caller. A comparison is a list of sections, so that other things than tables of a warehouse can stand beside them.

Equal tables cost one scan of each, by the sum of their rows' hashes; only tables that differ are compared row by row.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb

from orchestration.serving.publish import PUBLICATION_TABLE, fingerprint
from orchestration.serving.sql import attach, identifier

_BEFORE, _NOW = "before", "now"
_Place = tuple[str, str, str]
"""Database, schema and table."""


@dataclass(frozen=True)
class TableDifference:
    """One table. Rows are null where the table is missing; `only_before` and `only_now` count duplicates as well.

    `columns` says how the columns differ, empty when they do not; rows are then compared by the columns both have.
    """

    name: str
    before: int | None
    now: int | None
    only_before: int
    only_now: int
    columns: str = ""

    @property
    def is_equal(self) -> bool:
        """Whether nothing about the table has changed."""
        is_missing = self.before is None or self.now is None
        return not (is_missing or self.only_before or self.only_now or self.columns)


@dataclass(frozen=True)
class Section:
    """Things of one kind that were compared, under a title."""

    title: str
    tables: tuple[TableDifference, ...]

    @property
    def differing(self) -> tuple[TableDifference, ...]:
        """The tables that are not equal."""
        return tuple(table for table in self.tables if not table.is_equal)


@dataclass(frozen=True)
class Comparison:
    """Everything that was compared; `note` says what could not be."""

    sections: tuple[Section, ...]
    note: str = ""

    @property
    def is_equal(self) -> bool:
        """Whether nothing differs."""
        return not any(section.differing for section in self.sections)


@dataclass(frozen=True)
class Limits:
    """What DuckDB may use while it compares."""

    threads: int
    memory_limit: str
    spill: Path


def compare_databases(title: str, before: Path, now: Path, schemas: Mapping[str, str], limits: Limits) -> Section:
    """Compare every table of these schemas, in either database, by name; the keys are the schemas of `before`.

    The files may have the same name: each is attached under a name of its own. Raises duckdb.Error when one of them
    cannot be read.
    """
    with duckdb.connect(":memory:") as connection:
        connection.execute("set threads = ?", [limits.threads])
        connection.execute("set memory_limit = ?", [limits.memory_limit])
        connection.execute("set temp_directory = ?", [str(limits.spill)])
        connection.execute(attach(before, _BEFORE, read_only=True))
        connection.execute(attach(now, _NOW, read_only=True))
        tables = [
            _compare(connection, (_BEFORE, schema_before, table), (_NOW, schema_now, table))
            for schema_before, schema_now in schemas.items()
            for table in _tables(connection, schema_before, schema_now)
        ]
    return Section(title, tuple(tables))


def _tables(connection: duckdb.DuckDBPyConnection, schema_before: str, schema_now: str) -> list[str]:
    """Every table that one of the schemas has, but for the record that a publication keeps of itself."""
    found = connection.execute(
        "select distinct table_name from duckdb_tables() where table_name <> ? "
        "and (database_name, schema_name) in ((?, ?), (?, ?)) order by all",
        [PUBLICATION_TABLE, _BEFORE, schema_before, _NOW, schema_now],
    ).fetchall()
    return [str(name) for (name,) in found]


def _compare(connection: duckdb.DuckDBPyConnection, before: _Place, now: _Place) -> TableDifference:
    columns_before, columns_now = _columns(connection, before), _columns(connection, now)
    name = ".".join(now[1:])
    if not columns_before or not columns_now:
        rows_before = _count(connection, identifier(*before)) if columns_before else None
        rows_now = _count(connection, identifier(*now)) if columns_now else None
        return TableDifference(name, rows_before, rows_now, rows_before or 0, rows_now or 0)
    changed = _columns_words(columns_before, columns_now)
    relation_before, relation_now = identifier(*before), identifier(*now)
    if not changed:
        mark_before, mark_now = fingerprint(connection, relation_before), fingerprint(connection, relation_now)
        if mark_before == mark_now:
            return TableDifference(name, mark_before[0], mark_now[0], 0, 0)
    common = ", ".join(identifier(column) for column in columns_before if column in columns_now) or "1"
    return TableDifference(
        name,
        _count(connection, relation_before),
        _count(connection, relation_now),
        _count_only(connection, common, relation_before, relation_now),
        _count_only(connection, common, relation_now, relation_before),
        changed,
    )


def _columns(connection: duckdb.DuckDBPyConnection, place: _Place) -> dict[str, str]:
    found = connection.execute(
        "select column_name, data_type from duckdb_columns() "
        "where database_name = ? and schema_name = ? and table_name = ? order by column_index",
        list(place),
    ).fetchall()
    return {str(name): str(kind) for name, kind in found}


def _columns_words(before: dict[str, str], now: dict[str, str]) -> str:
    words = [f"-{name}" for name in before if name not in now] + [f"+{name}" for name in now if name not in before]
    words += [
        f"{name}: {before[name]} is now {now[name]}" for name in before if name in now and before[name] != now[name]
    ]
    if not words and list(before) != list(now):
        words.append("another order")
    return ", ".join(words)


def _count(connection: duckdb.DuckDBPyConnection, relation: str) -> int:
    return int(connection.execute(f"select count(*) from {relation}").fetchall()[0][0])


def _count_only(connection: duckdb.DuckDBPyConnection, columns: str, having: str, other: str) -> int:
    return _count(connection, f"(select {columns} from {having} except all select {columns} from {other}) as only_here")
