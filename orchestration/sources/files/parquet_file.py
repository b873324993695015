"""Parquet files: typed columns as they are, text checked to be text.

Belongs here: opening Parquet. Not here: casting (`contract/casts.py`).
"""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from orchestration.sources.base import RejectedRow
from orchestration.sources.files.content import FIRST_DATA_ROW, FileContent, UnreadableFile, numbered, text_table

_ADVICE = "Write the file again, under a temporary name that is renamed when it is complete, and deliver it again."


def read_parquet(path: Path) -> FileContent:
    """Read a Parquet file. Rows whose text is not UTF-8 come back as rejected.

    Raises UnreadableFile when the file is cut short or is no Parquet.
    """
    try:
        # Not through the dataset reader: it would take folder names such as date=2026-03-31 for columns.
        with pq.ParquetFile(path) as file:
            table = file.read()
    except (pa.ArrowException, OSError) as error:
        raise UnreadableFile("unreadable", f"the file is no whole Parquet file ({error}). {_ADVICE}") from error
    header = tuple(name.strip() for name in table.column_names)
    table = text_table(header, table.columns)
    broken = _broken_rows(table)
    if not broken:
        return FileContent(header, table, numbered(table.num_rows))
    good = pa.array([place not in broken for place in range(table.num_rows)])
    rejected = tuple(_rejection(table, place, name) for place, name in sorted(broken.items()))
    return FileContent(header, table.filter(good), numbered(table.num_rows).filter(good), rejected)


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _broken_rows(table: pa.Table) -> dict[int, str]:
    """Row positions whose text is not UTF-8, with the first such column."""
    broken: dict[int, str] = {}
    for name in table.column_names:
        column = table.column(name)
        if pa.types.is_dictionary(column.type):
            column = column.cast(column.type.value_type)
        if _is_text(column.type) and not _is_valid(column):
            for place, value in enumerate(column.cast(pa.large_binary()).to_pylist()):
                if value is not None and not _decodes(value):
                    broken.setdefault(place, name)
    return broken


def _is_valid(column: pa.ChunkedArray) -> bool:
    try:
        column.validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


def _decodes(value: bytes) -> bool:
    try:
        value.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _rejection(table: pa.Table, place: int, column: str) -> RejectedRow:
    number = place + FIRST_DATA_ROW
    content = {name: _shown(table.column(name).slice(place, 1)) for name in table.column_names}
    reason = (
        f"row {number}, column {column}, rule encoding: "
        f'"{content[column][:80]}" holds bytes that are not UTF-8; expected UTF-8 text'
    )
    return RejectedRow(number, column, "encoding", reason, json.dumps(content, ensure_ascii=False))


def _shown(cell: pa.ChunkedArray) -> str:
    if pa.types.is_dictionary(cell.type):
        cell = cell.cast(cell.type.value_type)
    if _is_text(cell.type):
        value = cell.cast(pa.large_binary())[0].as_py()
        return "" if value is None else value.decode("utf-8", "backslashreplace")
    value = cell[0].as_py()
    return "" if value is None else str(value)
