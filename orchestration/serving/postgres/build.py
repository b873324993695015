"""The tables of a new publication, made by several sessions at once.

Belongs here: which session makes which tables, and the order of what is done to one. Not here: how rows are moved
(`load.py`), or what becomes of the publication (`publish.py`).

Each table is created, filled, compared and protected in one transaction: nobody meets a table without its policy, and
COPY can freeze only what its own transaction created.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Event

import duckdb

from orchestration.serving.postgres.indexes import create_indexes
from orchestration.serving.postgres.load import load_table
from orchestration.serving.postgres.names import NEW, compose
from orchestration.serving.postgres.policies import protect
from orchestration.serving.postgres.tables import Table
from orchestration.serving.postgres.target import Connection, Target, acting_as, session
from orchestration.serving.reading import ALIAS

# A server works on one table with one processor: two sessions keep two busy, and this process can feed no more.
SESSIONS = 2


def build_tables(
    duck: duckdb.DuckDBPyConnection, target: Target, tables: Sequence[Table], reports: tuple[str, ...]
) -> dict[str, int]:
    """Make every table in `marts__new`, which is there already; the rows of each. Raises PublishError.

    When one fails, no further ones are begun. What is there then is the caller's to drop.
    """
    failed = Event()
    work = partial(_make, duck, target, reports, failed)
    with ThreadPoolExecutor(max_workers=SESSIONS, thread_name_prefix="publishing") as sessions:
        made = list(sessions.map(work, shares(tables, _sizes(duck), SESSIONS)))
    return {table.name: rows[table.name] for table in tables for rows in made if table.name in rows}


def shares(tables: Sequence[Table], sizes: Mapping[str, int], count: int) -> list[list[Table]]:
    """The tables in `count` parts of about the same size, the largest first; a table without a size is small."""
    parts: list[list[Table]] = [[] for _ in range(count)]
    weights = [0] * count
    for table in sorted(tables, key=lambda table: sizes.get(table.name, 0), reverse=True):
        lightest = weights.index(min(weights))
        parts[lightest].append(table)
        # An empty table takes its time as well.
        weights[lightest] += sizes.get(table.name, 0) + 1
    return parts


def _sizes(duck: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Values of each mart: rows times columns."""
    return dict(
        duck.execute(
            "select table_name, estimated_size * column_count from duckdb_tables() "
            "where database_name = ? and schema_name = 'main'",
            [ALIAS],
        ).fetchall()
    )


def _make(
    duck: duckdb.DuckDBPyConnection,
    target: Target,
    reports: tuple[str, ...],
    failed: Event,
    tables: Sequence[Table],
) -> dict[str, int]:
    rows: dict[str, int] = {}
    with duck.cursor() as own, session(target) as postgres:
        for table in tables:
            if failed.is_set():
                break
            try:
                rows[table.name] = _make_one(own, postgres, target, table, reports)
            except BaseException:
                failed.set()
                raise
    return rows


def _make_one(
    duck: duckdb.DuckDBPyConnection, postgres: Connection, target: Target, table: Table, reports: tuple[str, ...]
) -> int:
    with postgres.transaction(), acting_as(postgres, target.roles.owner):
        rows = load_table(duck, postgres, table)
        create_indexes(postgres, table)
        postgres.execute(compose("analyze {schema}.{table}", schema=NEW, table=table.name))
        protect(postgres, table, target.roles, reports)
    return rows
