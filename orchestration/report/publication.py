"""Opening a publication for one reader, and turning what can go wrong into a page's error.

Queries live with the page they feed; the file's layout is `orchestration.serving`'s.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb

from orchestration.report.errors import PageError
from orchestration.serving.errors import ServingError
from orchestration.serving.reading import open_publication as attach_publication


@dataclass(frozen=True)
class Publication:
    """Which published tables a page was read from; `published_at` is in UTC."""

    generation_id: str
    as_of: date
    source: str
    published_at: datetime


@contextmanager
def open_publication(marts_path: Path, viewer_email: str | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
    """A read-only connection to the publication, closed at the end.

    With a viewer, the `access` views show that viewer's rows; without one they show none.
    Raises PageError when the file is absent, unreadable, or lacks what a query asks for.
    """
    try:
        with attach_publication(marts_path, viewer_email) as connection:
            yield connection
    except ServingError as error:
        raise PageError(
            f"The publication cannot be read: {error}.", "KPI_HOME says which folder is meant; `kpi run` publishes."
        ) from error
    except (duckdb.CatalogException, duckdb.BinderException) as error:
        raise PageError(
            f"{marts_path} lacks a table, a view or a column of the page: {error}",
            "It was written by another version of this project, or by something else; publish again with `kpi run`.",
        ) from error


def read_publication(connection: duckdb.DuckDBPyConnection) -> Publication:
    """The publication's own row; PageError when there is none."""
    row = connection.execute("select generation_id, as_of, source, published_at from marts.publication").fetchone()
    if row is None:
        raise PageError("The publication does not say what it holds.", "Publish again with `kpi run`.")
    generation_id, as_of, source, published_at = row
    return Publication(generation_id, as_of, source, datetime.fromisoformat(published_at).astimezone(UTC))
