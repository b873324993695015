"""Opening a publication to read it.

Belongs here: the one way our own code attaches `marts.duckdb`. Not here: queries.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from orchestration.serving.errors import ServingError
from orchestration.serving.sql import attach, identifier

ALIAS = "published"


@contextmanager
def open_publication(marts_path: Path, viewer: str | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection that reads the publication, with `access` views filtered for `viewer` (None: they show nothing).

    The file is attached read-only under a name of its own: then `marts.fct_funnel` is unambiguous, and a
    publication that was swapped in since is seen even where this process read the former one.
    Raises ServingError when there is no publication.
    """
    if not marts_path.is_file():
        raise ServingError(f"there is no publication at {marts_path}; make one with `kpi run`")
    with duckdb.connect(":memory:") as connection:
        try:
            connection.execute(attach(marts_path, ALIAS, read_only=True))
        except duckdb.IOException as error:
            raise ServingError(f"{marts_path} cannot be read as a DuckDB file: {error}") from error
        connection.execute(f"use {identifier(ALIAS)}")
        look_as(connection, viewer)
        yield connection


def look_as(connection: duckdb.DuckDBPyConnection, viewer: str | None) -> None:
    """From now on the `access` views of an open publication show this viewer's rows, and nobody else's."""
    connection.execute("set variable kpi_viewer = ?", [viewer])
