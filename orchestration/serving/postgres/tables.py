"""What is published: each mart as its access view shows it, read from the current publication.

Belongs here: the list of tables with their columns, their PostgreSQL types, and the DuckDB query that fills each. Not
here: moving rows (`load.py`), or whose they are (`policies.py`).

A mart is published with the columns of its access view. `dim_departments` is the exception: its access view hides
parents the viewer may not see, and builds the path from what is left. It becomes two tables, each with a policy of its
own, and a view that puts them together the same way (`views.py`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import duckdb

from orchestration.serving.errors import PublishError
from orchestration.serving.owners import OWNERS, OwnerRule
from orchestration.serving.postgres.names import PUBLICATION
from orchestration.serving.reading import ALIAS
from orchestration.serving.sql import identifier

DEPARTMENTS = "dim_departments"
DEPARTMENT_NAMES, DEPARTMENT_PARENTS = "dim_department_names", "dim_department_parents"
# The record of the publication, and what every dashboard reads.
_ALWAYS = frozenset({PUBLICATION, DEPARTMENT_NAMES, DEPARTMENT_PARENTS, "dim_date", "dim_employees"})

_TYPES = {
    "BOOLEAN": "boolean",
    "SMALLINT": "smallint",
    "INTEGER": "integer",
    "BIGINT": "bigint",
    "DOUBLE": "double precision",
    "DATE": "date",
    "TIMESTAMP": "timestamp without time zone",
    "TIMESTAMP WITH TIME ZONE": "timestamp with time zone",
    "VARCHAR": "text",
}
_DECIMAL = re.compile(r"DECIMAL\((\d+),(\d+)\)")
_NAMES_RULE = OwnerRule("department_id", by_department=True)
_RECORD = ("generation_id", "as_of", "source", "published_at", "code_version")


@dataclass(frozen=True)
class Column:
    """A column as DuckDB types it, and what PostgreSQL calls that type."""

    name: str
    duckdb_type: str
    type: str


@dataclass(frozen=True)
class Table:
    """One published table: its columns in order, the DuckDB query that fills it, and whose its rows are.

    `also` names a second column that has to be the viewer's as well; `comments` are the words dbt keeps per column,
    the table's own under the empty name.
    """

    name: str
    columns: tuple[Column, ...]
    query: str
    rule: OwnerRule
    comments: tuple[tuple[str, str], ...] = ()
    also: str | None = None

    @property
    def column_names(self) -> tuple[str, ...]:
        """The names of its columns."""
        return tuple(column.name for column in self.columns)


def postgres_type(duckdb_type: str, where: str) -> str:
    """The PostgreSQL type that holds every value of a DuckDB type. Raises PublishError for types no mart has had."""
    if (decimal := _DECIMAL.fullmatch(duckdb_type)) is not None:
        return f"numeric({decimal[1]},{decimal[2]})"
    if duckdb_type not in _TYPES:
        raise PublishError(
            f"{where} is {duckdb_type}, for which PostgreSQL has no column type here; "
            "add it to orchestration/serving/postgres/tables.py or cast it in the mart"
        )
    return _TYPES[duckdb_type]


def read_tables(connection: duckdb.DuckDBPyConnection) -> tuple[Table, ...]:
    """Everything to publish, by name, from an open publication. Raises PublishError for a mart without an owner."""
    columns = _columns(connection)
    comments = _comments(connection)
    tables = [_record(columns)]
    for view, shown in columns["access"].items():
        mart = view.removeprefix("access_")
        if mart not in OWNERS:
            raise PublishError(f"no owner is declared for {mart}; add it to orchestration/serving/owners.py")
        if mart == DEPARTMENTS:
            tables += _department_tables(shown, comments.get(mart, ()))
        else:
            tables.append(_table(mart, shown, columns["main"].get(mart, ()), comments.get(mart, ())))
    return tuple(sorted(tables, key=lambda table: table.name))


def sent(tables: tuple[Table, ...], without: frozenset[str]) -> tuple[Table, ...]:
    """All tables but these. Raises PublishError for a name that no mart has, and for what every reader needs."""
    needed = sorted(without & {*_ALWAYS, DEPARTMENTS})
    if needed:
        raise PublishError(
            f"KPI_POSTGRES_WITHOUT leaves out {', '.join(needed)}, which every reader needs; take it off the list"
        )
    unknown = sorted(without - {table.name for table in tables})
    if unknown:
        raise PublishError(
            f"KPI_POSTGRES_WITHOUT names {', '.join(unknown)}, but no such mart is published; "
            "it takes names of schema marts, separated by commas"
        )
    return tuple(table for table in tables if table.name not in without)


def _columns(connection: duckdb.DuckDBPyConnection) -> dict[str, dict[str, tuple[Column, ...]]]:
    found = connection.execute(
        "select schema_name, table_name, column_name, data_type from duckdb_columns() "
        "where database_name = ? and schema_name in ('main', 'access') and not internal "
        "order by schema_name, table_name, column_index",
        [ALIAS],
    ).fetchall()
    read: dict[str, dict[str, tuple[Column, ...]]] = {"main": {}, "access": {}}
    for schema, table, name, duckdb_type in found:
        before = read[schema].get(table, ())
        # Types are mapped only for what is published; the record of a publication holds a list.
        read[schema][table] = (*before, Column(name, duckdb_type, ""))
    return read


def _typed(table: str, columns: tuple[Column, ...]) -> tuple[Column, ...]:
    return tuple(
        Column(column.name, column.duckdb_type, postgres_type(column.duckdb_type, f"{table}.{column.name}"))
        for column in columns
    )


def _select(columns: tuple[str, ...], mart: str) -> str:
    return f"select {', '.join(identifier(name) for name in columns)} from {identifier(ALIAS, 'main', mart)}"


def _table(
    mart: str, shown: tuple[Column, ...], stored: tuple[Column, ...], comments: tuple[tuple[str, str], ...]
) -> Table:
    types = {column.name: column for column in stored}
    strange = sorted({column.name for column in shown} - set(types))
    if strange:
        raise PublishError(
            f"access_{mart} computes {', '.join(strange)}, which PostgreSQL would have to compute for every login; "
            "move it into the mart, or publish it as dim_departments is (orchestration/serving/postgres/tables.py)"
        )
    columns = _typed(mart, tuple(types[column.name] for column in shown))
    return Table(mart, columns, _select(tuple(column.name for column in columns), mart), OWNERS[mart], comments)


def _department_tables(shown: tuple[Column, ...], comments: tuple[tuple[str, str], ...]) -> list[Table]:
    typed = {column.name: column for column in _typed(DEPARTMENTS, shown)}
    names = ("department_id", "department_name", "is_placeholder")
    parents = ("department_id", "parent_department_id")
    return [
        Table(
            DEPARTMENT_NAMES,
            tuple(typed[name] for name in names),
            _select(names, DEPARTMENTS),
            _NAMES_RULE,
            tuple((name, text) for name, text in comments if name in names),
        ),
        Table(
            DEPARTMENT_PARENTS,
            tuple(typed[name] for name in parents),
            _select(parents, DEPARTMENTS),
            _NAMES_RULE,
            tuple((name, text) for name, text in comments if name in parents),
            also="parent_department_id",
        ),
    ]


def _record(columns: dict[str, dict[str, tuple[Column, ...]]]) -> Table:
    stored = {column.name: column for column in columns["main"].get(PUBLICATION, ())}
    missing = [name for name in _RECORD if name not in stored]
    if missing:
        raise PublishError(
            f"the publication's record lacks {', '.join(missing)}; publish the marts anew with `kpi run`"
        )
    chosen = _typed(PUBLICATION, tuple(stored[name] for name in _RECORD))
    return Table(PUBLICATION, chosen, _select(_RECORD, PUBLICATION), OwnerRule(None))


def _comments(connection: duckdb.DuckDBPyConnection) -> dict[str, tuple[tuple[str, str], ...]]:
    found = connection.execute(
        "select table_name, column_name, comment from duckdb_columns() "
        "where database_name = $database and schema_name = 'main' and comment is not null "
        "union all select table_name, '', comment from duckdb_tables() "
        "where database_name = $database and schema_name = 'main' and comment is not null order by all",
        {"database": ALIAS},
    ).fetchall()
    read: dict[str, tuple[tuple[str, str], ...]] = {}
    for table, column, comment in found:
        read[table] = (*read.get(table, ()), (column, comment))
    return read
