"""Making a built publication the one readers see, and going back: schemas are renamed in one transaction.

Belongs here: locks, renames, and dropping what is replaced. Not here: what changes with it (`logins.py`,
`entitlements.py`), which the caller does inside the same transaction.

Renaming needs no lock on tables, and so a transaction could read one publication first and the other afterwards. Hence
the swap takes every live table for itself for the moment of the renames: it waits until transactions that have read a
mart are over, a little at a time so that nobody queues behind it for long. After `swap_wait_seconds` it stays in the
queue, and whoever still holds on is ended (`holders.py`). A reader who waits meets the new publication, whole.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import psycopg
from psycopg import sql

from orchestration.serving.contacts import CONTACT_MARTS
from orchestration.serving.errors import PublishError
from orchestration.serving.postgres.holders import ending_holders
from orchestration.serving.postgres.names import ACCESS, GONE, LIVE, NEW, OLD, Roles, compose
from orchestration.serving.postgres.target import Connection, Target, acting_as

# How long one attempt may keep readers waiting. Well below deadlock_timeout (1 s): two who wait for each other are
# parted by the swap giving up, before the server would cancel a reader.
_FIRST_TRY_MS, _LONGEST_TRY_MS = 50, 400
_PAUSE_SECONDS = 0.05
# A session that was told to end does so at once, unless it is in one of the few computations that nothing interrupts.
_ENDING_SECONDS = 30


@dataclass(frozen=True)
class Taken:
    """How the live tables were taken: when the attempt began that succeeded, the longest that one failed for, and how
    many sessions had to be ended."""

    since: float
    longest_failed_ms: float
    attempts: int
    sessions_ended: int

    def stall_ms(self) -> float:
        """The longest that a reader can have waited, asked right after the commit that let the tables go."""
        return max(self.longest_failed_ms, (time.monotonic() - self.since) * 1000)


def exists(postgres: Connection, schema: str) -> bool:
    """Whether there is such a schema."""
    [(found,)] = postgres.execute("select to_regnamespace(%s) is not null", [schema]).fetchall()
    return bool(found)


def generation_of(postgres: Connection, schema: str) -> str | None:
    """The generation a schema holds, None where there is no such schema. Asked of the schema's comment."""
    rows = postgres.execute(
        "select obj_description(oid, 'pg_namespace') from pg_namespace where nspname = %s", [schema]
    ).fetchall()
    return str(rows[0][0]) if rows and rows[0][0] is not None else None


def claim(postgres: Connection, roles: Roles) -> None:
    """Make this transaction the only one that publishes to this server. Raises PublishError when another does.

    A lock that every login could take, such as an advisory one, would let a reader stop the nights.
    """
    try:
        with acting_as(postgres, roles.owner):
            postgres.execute(compose("lock table {schema}.publishing in exclusive mode nowait", schema=ACCESS))
    except psycopg.errors.LockNotAvailable as error:
        raise PublishError(
            "another `kpi publish` to this database is under way; wait for it, then try again"
        ) from error


def claim_built(postgres: Connection, roles: Roles, generation: str) -> None:
    """`claim`, to go on with what an earlier transaction built. Raises PublishError when another one came between."""
    claim(postgres, roles)
    if generation_of(postgres, NEW) != generation:
        raise PublishError("another `kpi publish` replaced what this one had built; run it again")


def take_tables(postgres: Connection, target: Target, schema: str = LIVE) -> Taken:
    """Hold every table of a schema exclusively until the transaction ends.

    Raises PublishError when somebody who is no viewer does not let them go, or a session does not end.
    """
    tables = _tables(postgres, schema)
    deadline = time.monotonic() + target.swap_wait_seconds
    attempts = 0
    longest_failed_ms = 0.0
    patience = _FIRST_TRY_MS
    while True:
        attempts += 1
        since = time.monotonic()
        if tables is None:
            return Taken(since, longest_failed_ms, attempts, 0)
        try:
            _lock(postgres, target, tables, patience)
            return Taken(since, longest_failed_ms, attempts, 0)
        except psycopg.errors.LockNotAvailable:
            # Not an error: readers are at work. The next attempt waits a little longer.
            longest_failed_ms = max(longest_failed_ms, (time.monotonic() - since) * 1000)
        if time.monotonic() >= deadline:
            return _take_from_holders(postgres, target, tables, longest_failed_ms, attempts + 1)
        patience = min(patience * 2, _LONGEST_TRY_MS)
        time.sleep(_PAUSE_SECONDS)


def _take_from_holders(
    postgres: Connection, target: Target, tables: sql.Composed, longest_failed_ms: float, attempts: int
) -> Taken:
    """The attempt that does not give way: whoever comes now stands behind it, whoever holds on is ended."""
    with ending_holders(target, postgres.info.backend_pid) as holders:
        since = time.monotonic()
        try:
            _lock(postgres, target, tables, _ENDING_SECONDS * 1000)
        except (psycopg.errors.LockNotAvailable, psycopg.errors.QueryCanceled) as error:
            raise holders.explain(target, _ENDING_SECONDS) from error
    return Taken(since, longest_failed_ms, attempts, len(holders.ended))


def _lock(postgres: Connection, target: Target, tables: sql.Composed, patience_ms: int) -> None:
    with postgres.transaction():
        postgres.execute(compose("set local lock_timeout = {patience}", patience=sql.Literal(f"{patience_ms}ms")))
        with acting_as(postgres, target.roles.owner):
            postgres.execute(compose("lock table {tables} in access exclusive mode", tables=tables))
        postgres.execute("set local lock_timeout = 0")


def _tables(postgres: Connection, schema: str) -> sql.Composed | None:
    names = postgres.execute(
        "select relname::text from pg_class where relnamespace = to_regnamespace(%s) and relkind = 'r' order by 1",
        [schema],
    ).fetchall()
    if not names:
        return None
    return sql.SQL(", ").join(sql.Identifier(schema, name) for (name,) in names)


def exchange(postgres: Connection, roles: Roles) -> None:
    """Rename: built becomes live, live becomes old, old waits to be dropped. Inside the caller's transaction.

    Contact details that are published no longer are dropped from what becomes old: a rollback would bring them back.
    """
    with acting_as(postgres, roles.owner):
        if exists(postgres, OLD):
            _rename(postgres, OLD, GONE)
        if exists(postgres, LIVE):
            for mart in sorted(CONTACT_MARTS):
                if not has_table(postgres, NEW, mart):
                    postgres.execute(compose("drop table if exists {live}.{mart}", live=LIVE, mart=mart))
            _rename(postgres, LIVE, OLD)
        _rename(postgres, NEW, LIVE)
        postgres.execute(compose("grant usage on schema {live} to {reader}", live=LIVE, reader=roles.reader))


def exchange_back(postgres: Connection, roles: Roles) -> None:
    """Rename the other way: old becomes live, live becomes old. Inside the caller's transaction."""
    with acting_as(postgres, roles.owner):
        _rename(postgres, LIVE, NEW)
        _rename(postgres, OLD, LIVE)
        _rename(postgres, NEW, OLD)
        postgres.execute(compose("grant usage on schema {live} to {reader}", live=LIVE, reader=roles.reader))


def record(postgres: Connection, roles: Roles, generation: str, *, is_rollback: bool) -> None:
    """Write down what was swapped in, in the same transaction."""
    with acting_as(postgres, roles.owner):
        postgres.execute(
            compose("insert into {schema}.swap (generation_id, is_rollback) values (%s, %s)", schema=ACCESS),
            [generation, is_rollback],
        )


def clean_up(postgres: Connection, target: Target) -> str:
    """After a swap: nobody but the owner enters the old publication, and the one before it is dropped.

    Returns who kept it from being dropped, such as a backup that reads it; empty when it is gone. The next publication
    drops it then, or does not begin.

    Not within the swap: a reader who has just resolved a name would be told that it may not use the schema.
    """
    roles = target.roles
    with postgres.transaction(), acting_as(postgres, roles.owner):
        if exists(postgres, OLD):
            postgres.execute(compose("revoke usage on schema {old} from {reader}", old=OLD, reader=roles.reader))
    try:
        with postgres.transaction():
            drop(postgres, target, GONE)
    except PublishError as error:
        return str(error)
    return ""


def drop(postgres: Connection, target: Target, schema: str) -> None:
    """Drop a schema that nobody can enter, with everything in it, once nobody holds its tables.

    Not entering is not enough: `pg_get_viewdef` of a view known by number locks its tables to the transaction's end.
    """
    if not exists(postgres, schema):
        return
    take_tables(postgres, target, schema)
    with acting_as(postgres, target.roles.owner):
        postgres.execute(compose("drop schema {schema} cascade", schema=schema))


def has_table(postgres: Connection, schema: str, table: str) -> bool:
    """Whether a schema has such a table."""
    [(found,)] = postgres.execute(
        "select exists (select from pg_class where relnamespace = to_regnamespace(%s) and relname = %s)",
        [schema, table],
    ).fetchall()
    return bool(found)


def _rename(postgres: Connection, schema: str, name: str) -> None:
    postgres.execute(compose("alter schema {schema} rename to {name}", schema=schema, name=name))
