"""Moving rows: table by table from DuckDB into a new PostgreSQL table, then counted and added up on both sides.

Belongs here: CREATE TABLE, COPY, and the comparison. Not here: policies, which come after: COPY into a table with
row-level security is refused, and its owner could not count what it loaded.

COPY with FREEZE, and not ADBC, which was measured at 0.6 of its time (docs/security.md). Only frozen rows are seen by a
transaction whose snapshot is older than the load: without FREEZE it would find the new tables, and find them empty.
Hence each table is created and filled in the same transaction.
"""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import duckdb
import psycopg
import pyarrow as pa
from psycopg import sql
from pyarrow import csv

from orchestration.serving.errors import PublishError
from orchestration.serving.postgres.names import NEW, compose
from orchestration.serving.postgres.tables import Column, Table
from orchestration.serving.postgres.target import Connection
from orchestration.serving.sql import identifier

_BATCH_ROWS = 100_000
_COPY: Final = "copy {schema}.{table} from stdin (format csv, freeze)"
# Quotes around every value, none around what is missing: an empty text stays a text.
_CSV = csv.WriteOptions(include_header=False, quoting_style="all_valid", batch_size=_BATCH_ROWS)


@dataclass(frozen=True)
class Sums:
    """What two copies of a table must agree on: rows, and two figures per column."""

    rows: int
    figures: tuple[tuple[Decimal, Decimal], ...]


def load_table(duck: duckdb.DuckDBPyConnection, postgres: Connection, table: Table) -> int:
    """Create `marts__new.<table>`, fill it, and compare; rows loaded. Raises PublishError where the copies differ."""
    _create(postgres, table)
    # DuckDB adds up its own side while the server is busy with the rows.
    with duck.cursor() as other, ThreadPoolExecutor(max_workers=1) as beside:
        expected = beside.submit(_duckdb_digest, other, table)
        _copy(duck, postgres, table)
        digest = expected.result()
    if digest == _postgres_digest(postgres, table):
        return int(digest[0])
    return _name_the_difference(duck, postgres, table)


def _name_the_difference(duck: duckdb.DuckDBPyConnection, postgres: Connection, table: Table) -> int:
    """Look at each column by itself. Raises PublishError naming what differs."""
    expected, loaded = duckdb_sums(duck, table), postgres_sums(postgres, table)
    if expected.rows != loaded.rows:
        raise PublishError(
            f"{table.name}: PostgreSQL has {loaded.rows} rows and DuckDB {expected.rows}; nothing was published"
        )
    for column, here, there in zip(table.columns, expected.figures, loaded.figures, strict=True):
        if here != there:
            raise PublishError(
                f"{table.name}.{column.name}: PostgreSQL has {there[0]} values adding up to {there[1]}, "
                f"DuckDB {here[0]} and {here[1]}; nothing was published"
            )
    raise PublishError(f"{table.name}: the rows on PostgreSQL are not those of DuckDB; nothing was published")


def _create(postgres: Connection, table: Table) -> None:
    columns = sql.SQL(", ").join(
        # The type is one of our own words (tables.py), never text from a source.
        sql.SQL("{} {}").format(sql.Identifier(column.name), sql.SQL(column.type))
        for column in table.columns
    )
    postgres.execute(
        compose("create table {schema}.{table} ({columns})", schema=NEW, table=table.name, columns=columns)
    )
    for name, text in table.comments:
        if name:
            postgres.execute(
                compose(
                    "comment on column {schema}.{table}.{column} is {text}",
                    schema=NEW,
                    table=table.name,
                    column=name,
                    text=sql.Literal(text),
                )
            )
        else:
            postgres.execute(
                compose(
                    "comment on table {schema}.{table} is {text}", schema=NEW, table=table.name, text=sql.Literal(text)
                )
            )


def _copy(duck: duckdb.DuckDBPyConnection, postgres: Connection, table: Table) -> None:
    reader: pa.RecordBatchReader = duck.sql(table.query).to_arrow_reader(_BATCH_ROWS)
    statement = compose(_COPY, schema=NEW, table=table.name)
    try:
        with postgres.cursor() as cursor, cursor.copy(statement) as copy:
            for batch in reader:
                buffer = io.BytesIO()
                csv.write_csv(batch, buffer, _CSV)
                copy.write(buffer.getbuffer())
    except psycopg.DataError as error:
        raise PublishError(f"{table.name}: PostgreSQL refuses a row: {str(error).strip()}") from error


def _duckdb_digest(duck: duckdb.DuckDBPyConnection, table: Table) -> tuple[Decimal, ...]:
    """All a table must agree on, in one row: as `duckdb_sums`, but all texts of a row are one number.

    An MD5 is most of what comparing costs, and a row has some six texts. A text that is missing is none that is empty.
    """
    texts = " || chr(2) || ".join(f"coalesce({identifier(c.name)}, chr(1))" for c in _texts(table))
    figures = [
        "count(*)",
        *(f"count({identifier(c.name)})" for c in table.columns),
        *(_duckdb_figure(c) for c in table.columns if c.type != "text"),
        *([f"sum(cast(cast('0x' || left(md5({texts}), 15) as ubigint) as hugeint))"] if texts else []),
    ]
    return _numbers(duck.execute(f"select {', '.join(figures)} from ({table.query})").fetchall()[0])


def _postgres_digest(postgres: Connection, table: Table) -> tuple[Decimal, ...]:
    """The same on the server."""
    texts = sql.SQL(" || chr(2) || ").join(compose("coalesce({name}, chr(1))", name=c.name) for c in _texts(table))
    figures = [
        sql.SQL("count(*)"),
        *(compose("count({name})", name=c.name) for c in table.columns),
        *(_postgres_figure(c) for c in table.columns if c.type != "text"),
        *([compose("sum(('x' || left(md5({texts}), 15))::bit(60)::bigint)", texts=texts)] if _texts(table) else []),
    ]
    statement = compose(
        "select {figures} from {schema}.{table}", figures=sql.SQL(", ").join(figures), schema=NEW, table=table.name
    )
    return _numbers(postgres.execute(statement).fetchall()[0])


def _texts(table: Table) -> list[Column]:
    return [column for column in table.columns if column.type == "text"]


def _numbers(row: tuple[Any, ...]) -> tuple[Decimal, ...]:
    return tuple(Decimal(0) if figure is None else Decimal(figure) for figure in row)


def duckdb_sums(duck: duckdb.DuckDBPyConnection, table: Table) -> Sums:
    """The figures of a table where it comes from."""
    figures = ", ".join(f"count({identifier(c.name)}), {_duckdb_figure(c)}" for c in table.columns)
    return _sums(duck.execute(f"select count(*), {figures} from ({table.query})").fetchall()[0])


def postgres_sums(postgres: Connection, table: Table, schema: str = NEW) -> Sums:
    """The figures of a table on the server, as whoever is connected sees it."""
    figures = sql.SQL(", ").join(
        sql.SQL("count({}), {}").format(sql.Identifier(c.name), _postgres_figure(c)) for c in table.columns
    )
    [row] = postgres.execute(
        compose("select count(*), {figures} from {schema}.{table}", figures=figures, schema=schema, table=table.name)
    ).fetchall()
    return _sums(row)


def _sums(row: tuple[Any, ...]) -> Sums:
    rows, *numbers = _numbers(row)
    return Sums(int(rows), tuple(zip(numbers[::2], numbers[1::2], strict=True)))


def _duckdb_figure(column: Column) -> str:
    """One exact number per column. A text counts as a number made of its MD5: a changed letter changes the sum."""
    name = identifier(column.name)
    match column.type:
        case "text":
            return f"sum(cast(cast('0x' || left(md5({name}), 8) as ubigint) as hugeint))"
        case "boolean":
            return f"count(*) filter ({name})"
        case "double precision":
            # Whole parts of 2^20: multiplying by a power of two and cutting off are exact on both sides, whatever
            # the order in which they are added up.
            return f"sum(cast(floor({name} * 1048576) as hugeint))"
        case "date":
            return f"sum(cast({name} - date '2000-01-01' as hugeint))"
        case kind if kind.startswith("timestamp"):
            return f"sum(cast(epoch_us({name}) as hugeint))"
        case _:
            return f"sum({name})"


def _postgres_figure(column: Column) -> sql.Composed:
    match column.type:
        case "text":
            return compose("sum(('x' || left(md5({name}), 8))::bit(32)::bigint & 4294967295)", name=column.name)
        case "boolean":
            return compose("count(*) filter (where {name})", name=column.name)
        case "double precision":
            return compose("sum(floor({name} * 1048576)::bigint::numeric)", name=column.name)
        case "date":
            return compose("sum({name} - date '2000-01-01')", name=column.name)
        case kind if kind.startswith("timestamp"):
            return compose("sum((extract(epoch from {name}) * 1000000)::bigint::numeric)", name=column.name)
        case _:
            return compose("sum({name})", name=column.name)
