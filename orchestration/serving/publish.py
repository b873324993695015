"""Builds `marts.duckdb`: aside, compared with the warehouse row for row, then swapped in by one rename.

Belongs here: copying marts, scope and access views into a publication, and proving the copy. Not here: deciding whether
the night may be published (`checks/`), or any SQL that gives a number its meaning (`models/`).

Layout of a publication, and why. DuckDB names an opened database after its file, so in `marts.duckdb` a bare
`marts.fct_funnel` could mean the catalog or the schema, and DuckDB refuses it. Therefore the tables live in the default
schema `main`, schema `marts` holds one view per table, and nothing inside the file depends on the name it is opened
under: `fct_funnel` and `access.access_fct_funnel` always work; `marts.fct_funnel` works wherever the file is attached
under another name.

Tables are plain copies: `CREATE TABLE AS` keeps values, types and order, and drops NOT NULL and other constraints,
which were enforced when dbt built the marts.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any

import duckdb

from orchestration.landing.durable import replace_durably
from orchestration.serving import files
from orchestration.serving.errors import PublishError
from orchestration.serving.sql import attach, identifier, literal, rewrite_tables, view_body

# Of core, only what says who may see what leaves the warehouse. The scope tables are all that access views need.
SCOPE_TABLES = ("core_employee_scope", "core_department_scope")
# Where a scope comes from, so that it can be explained and compared with the former generation's (`rights/`).
RIGHTS_TABLES = (
    "core_department_tree",
    "core_employee_departments",
    "core_employee_permissions",
    "core_viewer_grants",
)
_CORE_TABLES = SCOPE_TABLES + RIGHTS_TABLES
PUBLICATION_TABLE = "publication"
_NEW = "new_publication"
_GENERATION_FORMAT = "%Y%m%dT%H%M%S%fZ"


@dataclass(frozen=True)
class Publication:
    """What was published. `tables` maps each mart and table of rights to its rows; `bytes` is the file's size."""

    generation_id: str
    path: Path
    as_of: date
    source: str
    published_at: str
    code_version: str
    tables: Mapping[str, int]
    bytes: int
    seconds: float


@dataclass(frozen=True)
class _Copy:
    """One table to copy: where it is in the warehouse and where it goes."""

    schema: str
    name: str
    target_schema: str


def generation_id(published_at: datetime) -> str:
    """The publication's name: its UTC time to the microsecond, which sorts and fits a file name.

    Where that would sort before the published one, because a clock was turned back, the name goes on from there.
    """
    return published_at.astimezone(UTC).strftime(_GENERATION_FORMAT)


def time_of_generation(generation: str) -> datetime:
    """The UTC time that a generation's name is."""
    return datetime.strptime(generation, _GENERATION_FORMAT).replace(tzinfo=UTC)


def _not_before(generation: str, marts_path: Path) -> str:
    """A name that sorts after the published one, even where the clock was turned back since."""
    if not marts_path.is_file():
        return generation
    try:
        with duckdb.connect(":memory:") as connection:
            connection.execute(attach(marts_path, "published", read_only=True))
            [(published,)] = connection.execute(
                f"select generation_id from {identifier('published', 'main', PUBLICATION_TABLE)}"
            ).fetchall()
    except (duckdb.Error, ValueError):
        # What cannot be read is about to be replaced, whatever its name was.
        return generation
    if generation > published:
        return generation
    return generation_id(time_of_generation(published) + timedelta(microseconds=1))


def previous_path(marts_path: Path) -> Path:
    """Where the generation before the current one is kept, for a quick way back."""
    return marts_path.with_name(f"{marts_path.stem}.previous{marts_path.suffix}")


def publish(
    warehouse_path: Path,
    marts_path: Path,
    meta: Mapping[str, Any],
    *,
    threads: int | None = None,
    memory_limit: str | None = None,
    before_swap: Callable[[], None] | None = None,
    keeps_previous: bool = True,
    leave_out: Set[str] = frozenset(),
) -> Publication:
    """Publish the warehouse's marts to `marts_path`. The caller is the only one that publishes there, by a lock.

    `meta` needs `as_of` (date) and `source` (text); `batch_ids` (list of text), `code_version` (text) and
    `published_at` (aware datetime, default now) are optional. `before_swap` runs when the new file is complete and
    checked; if it raises, nothing is swapped. `keeps_previous` leaves the replaced generation beside the new one.
    Marts in `leave_out` are not published, whatever the warehouse holds.
    Raises PublishError when the copy does not equal the warehouse. After any failure the old file is untouched.
    """
    started = time.monotonic()
    record = _record(meta)
    if not warehouse_path.is_file():
        raise PublishError(f"there is no warehouse at {warehouse_path}; build it first with `kpi run`")
    marts_path.parent.mkdir(parents=True, exist_ok=True)
    files.remove_leftovers(marts_path)
    record["generation_id"] = _not_before(record["generation_id"], marts_path)
    temporary = files.temporary_path(marts_path, record["generation_id"])
    try:
        tables = _build(warehouse_path, temporary, record, leave_out, threads, memory_limit)
        if before_swap is not None:
            before_swap()
        if keeps_previous:
            files.keep_previous(marts_path, previous_path(marts_path))
        replace_durably(temporary, marts_path)
    except BaseException:
        files.discard(temporary)
        raise
    return Publication(
        generation_id=record["generation_id"],
        path=marts_path,
        as_of=record["as_of"],
        source=record["source"],
        published_at=record["published_at"],
        code_version=record["code_version"],
        tables=tables,
        bytes=marts_path.stat().st_size,
        seconds=time.monotonic() - started,
    )


def _record(meta: Mapping[str, Any]) -> dict[str, Any]:
    as_of, source = meta.get("as_of"), meta.get("source")
    if not isinstance(as_of, date) or not isinstance(source, str):
        raise PublishError(f"a publication needs as_of (a date) and source (a text); got {as_of!r} and {source!r}")
    published_at = meta.get("published_at") or datetime.now(UTC)
    if published_at.tzinfo is None:
        raise PublishError(f"published_at has no time zone: {published_at!r}")
    return {
        "generation_id": generation_id(published_at),
        "as_of": as_of,
        "source": source,
        "published_at": published_at.isoformat(timespec="seconds"),
        "code_version": str(meta.get("code_version") or version("kpi-warehouse")),
        "batch_ids": [str(batch) for batch in meta.get("batch_ids", ())],
    }


def _build(
    warehouse_path: Path,
    temporary: Path,
    record: Mapping[str, Any],
    leave_out: Set[str],
    threads: int | None,
    memory_limit: str | None,
) -> dict[str, int]:
    # Stored views name the warehouse by its file, so it is attached under that name.
    warehouse = warehouse_path.stem
    with duckdb.connect(":memory:") as connection:
        connection.execute("set temp_directory = ?", [str(temporary.parent / "tmp")])
        if threads is not None:
            connection.execute("set threads = ?", [threads])
        if memory_limit is not None:
            connection.execute("set memory_limit = ?", [memory_limit])
        connection.execute(attach(warehouse_path, warehouse, read_only=True))
        connection.execute(attach(temporary, _NEW, read_only=False))
        copies = _plan(connection, warehouse, leave_out)
        connection.execute(f"use {identifier(_NEW)}")
        for schema in ("marts", "core", "access"):
            connection.execute(f"create schema {identifier(_NEW, schema)}")
        for copy in copies:
            _copy_table(connection, warehouse, copy)
        _copy_comments(connection, warehouse, copies)
        _write_record(connection, record)
        _create_marts_views(connection, copies)
        _create_access_views(connection, warehouse, copies)
        rows = {copy.name: _verify_copy(connection, warehouse, copy) for copy in copies}
        _verify_access(connection, warehouse, copies)
        connection.execute(f"checkpoint {identifier(_NEW)}")
        connection.execute("use memory")
        connection.execute(f"detach {identifier(_NEW)}")
    return rows


def _plan(connection: duckdb.DuckDBPyConnection, warehouse: str, leave_out: Set[str]) -> list[_Copy]:
    found = connection.execute(
        "select table_schema, table_name from information_schema.tables where table_catalog = ? order by all",
        [warehouse],
    ).fetchall()
    relations = {(str(schema), str(name)) for schema, name in found}
    marts = sorted(name for schema, name in relations if schema == "marts" and name not in leave_out)
    if not marts:
        raise PublishError("the warehouse has no schema marts with tables in it; build it first with `kpi run`")
    missing = [f"core.{name}" for name in _CORE_TABLES if ("core", name) not in relations]
    missing += [f"access.access_{mart}" for mart in marts if ("access", f"access_{mart}") not in relations]
    if missing:
        raise PublishError(
            f"the warehouse lacks {', '.join(missing)}; every mart is published with an access view, "
            "and every access view needs the tables of rights"
        )
    return [_Copy("marts", mart, "main") for mart in marts] + [_Copy("core", name, "core") for name in _CORE_TABLES]


def _copy_table(connection: duckdb.DuckDBPyConnection, warehouse: str, copy: _Copy) -> None:
    target = identifier(_NEW, copy.target_schema, copy.name)
    origin = identifier(warehouse, copy.schema, copy.name)
    connection.execute(f"create table {target} as select * from {origin}")


def _copy_comments(connection: duckdb.DuckDBPyConnection, warehouse: str, copies: list[_Copy]) -> None:
    """The comments of all copied tables. Asked for once: the engine lists every column of every file each time."""
    targets = {(copy.schema, copy.name): identifier(_NEW, copy.target_schema, copy.name) for copy in copies}
    columns = connection.execute(
        "select schema_name, table_name, column_name, comment from duckdb_columns() "
        "where database_name = ? and comment is not null",
        [warehouse],
    ).fetchall()
    tables = connection.execute(
        "select schema_name, table_name, comment from duckdb_tables() where database_name = ? and comment is not null",
        [warehouse],
    ).fetchall()
    for schema, table, column, comment in columns:
        if (schema, table) in targets:
            connection.execute(f"comment on column {targets[schema, table]}.{identifier(column)} is {literal(comment)}")
    for schema, table, comment in tables:
        if (schema, table) in targets:
            connection.execute(f"comment on table {targets[schema, table]} is {literal(comment)}")


def _write_record(connection: duckdb.DuckDBPyConnection, record: Mapping[str, Any]) -> None:
    connection.execute(
        f"create table {identifier(_NEW, 'main', PUBLICATION_TABLE)} as select "
        "cast($generation_id as varchar) as generation_id, cast($as_of as date) as as_of, "
        "cast($source as varchar) as source, cast($published_at as varchar) as published_at, "
        "cast($code_version as varchar) as code_version, cast(cast($batch_ids as json) as varchar[]) as batch_ids",
        {**record, "batch_ids": json.dumps(record["batch_ids"])},
    )


def _create_marts_views(connection: duckdb.DuckDBPyConnection, copies: list[_Copy]) -> None:
    names = [copy.name for copy in copies if copy.schema == "marts"]
    for name in [*names, PUBLICATION_TABLE]:
        connection.execute(f"create view {identifier(_NEW, 'marts', name)} as select * from {identifier('main', name)}")


def _create_access_views(connection: duckdb.DuckDBPyConnection, warehouse: str, copies: list[_Copy]) -> None:
    homes = {(copy.schema, copy.name): (copy.target_schema, copy.name) for copy in copies}
    found = connection.execute(
        "select view_name, sql from duckdb_views() where database_name = ? and schema_name = 'access'", [warehouse]
    ).fetchall()
    stored = {str(name): str(sql) for name, sql in found}
    for copy in copies:
        if copy.schema != "marts":
            continue
        name = f"access_{copy.name}"
        if name not in stored:
            raise PublishError(f"access.{name} of the warehouse is a table; an access view must stay a view")
        body = rewrite_tables(connection, view_body(stored[name]), name, homes)
        connection.execute(f"create view {identifier(_NEW, 'access', name)} as {body}")


def fingerprint(connection: duckdb.DuckDBPyConnection, relation: str) -> tuple[int, int]:
    """Rows of a relation and the sum of its rows' hashes: equal for equal rows in any order, all columns included."""
    counted = connection.execute(
        f"select count(*), coalesce(sum(cast(hash(row_) as hugeint)), 0) from {relation} as row_"
    ).fetchall()
    return int(counted[0][0]), int(counted[0][1])


def _verify_copy(connection: duckdb.DuckDBPyConnection, warehouse: str, copy: _Copy) -> int:
    expected = fingerprint(connection, identifier(warehouse, copy.schema, copy.name))
    copied = fingerprint(connection, identifier(_NEW, copy.target_schema, copy.name))
    if expected != copied:
        raise PublishError(
            f"{copy.name}: the copy has {copied[0]} rows (fingerprint {copied[1]}), "
            f"the warehouse {expected[0]} ({expected[1]}); nothing was published, run again"
        )
    return copied[0]


def _sample_viewers(connection: duckdb.DuckDBPyConnection) -> list[str | None]:
    """Nobody, the viewer with the smallest scope and the one with the largest: enough to catch a changed filter."""
    ranked = connection.execute(
        f"select viewer_email, count(*) as scope_rows from {identifier(_NEW, 'core', SCOPE_TABLES[0])} "
        "where viewer_email is not null group by viewer_email order by scope_rows, viewer_email"
    ).fetchall()
    return [None, *dict.fromkeys(str(row[0]) for row in (ranked[:1] + ranked[-1:]))]


def _verify_access(connection: duckdb.DuckDBPyConnection, warehouse: str, copies: list[_Copy]) -> None:
    views = [f"access_{copy.name}" for copy in copies if copy.schema == "marts"]
    for viewer in _sample_viewers(connection):
        connection.execute("set variable kpi_viewer = ?", [viewer])
        for view in views:
            shown = _count(connection, identifier(_NEW, "access", view))
            if viewer is None and shown:
                raise PublishError(f"access.{view} shows {shown} rows to nobody; nothing was published")
            expected = _count(connection, identifier(warehouse, "access", view)) if viewer is not None else 0
            if shown != expected:
                raise PublishError(
                    f"access.{view} shows {viewer} {shown} rows in the publication and {expected} in the warehouse; "
                    "nothing was published"
                )


def _count(connection: duckdb.DuckDBPyConnection, relation: str) -> int:
    return int(connection.execute(f"select count(*) from {relation}").fetchall()[0][0])
