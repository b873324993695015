"""The rows of landed batches as SQL, wherever they lie: in a file of their own, or in a segment.

Belongs here: table expressions for DuckDB over batches of one entity. Not here: which batches are visible (`store.py`),
how segments come about (`compact.py`), or how dbt reads them (`macros/landing.sql` says the same as `rows_sql`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import duckdb

from orchestration.landing.manifest import Manifest
from orchestration.landing.segments import DELIVERIES, FIRST, LAST, ROW, Segment
from orchestration.landing.store import DATA, QUARANTINE, Landing

__all__ = ["DATA", "QUARANTINE", "expanded_sql", "files_sql", "row_counts", "rows_sql"]

# (path of the segment's file, the batch's number in it, its id, its date)
Place = tuple[str, int, str, str]


def rows_sql(landing: Landing, batches: Sequence[Manifest], file: str = DATA) -> str:
    """A table expression of the rows of `batches`, which are of one entity and at least one.

    `file` is DATA for good rows, QUARANTINE for rejected ones. Columns are those of a batch's own file, in any order.
    """
    segments = landing.segments(batches[0].source, batches[0].entity)
    places = _places(landing, segments, batches, file)
    held = {place[2] for place in places}
    paths = [str(_own_path(landing, batch, file)) for batch in batches if batch.batch_id not in held]
    parts = ([files_sql(paths)] if paths else []) + ([expanded_sql(places)] if places else [])
    if len(parts) == 1:
        return parts[0]
    return f"(select * from {parts[0]} union all by name select * from {parts[1]})"


def row_counts(
    connection: duckdb.DuckDBPyConnection, landing: Landing, batches: Sequence[Manifest], file: str = DATA
) -> dict[str, int]:
    """Rows that the files really hold, by batch id: from the footer of a batch's own file, counted in a segment."""
    if not batches:
        return {}
    segments = landing.segments(batches[0].source, batches[0].entity)
    places = _places(landing, segments, batches, file)
    counts = {place[2]: 0 for place in places}
    own = {str(_own_path(landing, batch, file)): batch.batch_id for batch in batches if batch.batch_id not in counts}
    if own:
        footers = connection.execute("select file_name, num_rows from parquet_file_metadata(?)", [list(own)]).fetchall()
        counts |= {own[str(name)]: int(rows) for name, rows in footers}
    if places:
        found = connection.execute(f"select _batch_id, count(*) from {expanded_sql(places)} group by all").fetchall()
        counts |= {str(batch): int(rows) for batch, rows in found}
    return counts


def expanded_sql(places: Sequence[Place]) -> str:
    """A table expression of every row that was delivered in the batches at `places` of one or more segments."""
    files = _quoted_list(dict.fromkeys(place[0] for place in places))
    batches = ", ".join(
        f"({_text(path)}, {number}, {_text(name)}, date {_text(day)})" for path, number, name, day in places
    )
    return f"""(
        select
            deliveries.* exclude (_run, _segment, _number),
            batches.batch_id as _batch_id,
            batches.batch_date as _batch_date,
            deliveries._run.{ROW} as _row_number
        from (
            select *, unnest(range(_run.{FIRST}, _run.{LAST} + 1)) as _number
            from (
                select * exclude ({DELIVERIES}), unnest({DELIVERIES}) as _run
                from read_parquet([{files}], union_by_name = true, filename = '_segment')
            )
        ) as deliveries
        inner join (values {batches}) as batches(path, number, batch_id, batch_date)
            on deliveries._segment = batches.path and deliveries._number = batches.number
    )"""


def _places(
    landing: Landing, segments: Mapping[str, tuple[Segment, int]], batches: Sequence[Manifest], file: str
) -> list[Place]:
    found = []
    for batch in batches:
        if batch.batch_id in segments:
            segment, number = segments[batch.batch_id]
            path = str((landing.segment_folder(segment) / file).resolve())
            found.append((path, number, batch.batch_id, batch.batch_date.isoformat()))
    return found


def _own_path(landing: Landing, batch: Manifest, file: str) -> Path:
    return landing.data_path(batch) if file == DATA else landing.quarantine_path(batch)


def files_sql(paths: Sequence[str]) -> str:
    """A table expression of every row in batches' own files."""
    return f"read_parquet([{_quoted_list(paths)}], union_by_name = true)"


def _quoted_list(texts: Sequence[str] | Mapping[str, None]) -> str:
    return ", ".join(_text(text) for text in texts)


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
