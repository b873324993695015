"""XLSX files: the first sheet, every cell as the text a CSV export of it would hold.

Belongs here: opening spreadsheets. Not here: what the cells mean (`contract/`).
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from datetime import date, datetime, time
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile

import pyarrow as pa
from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from orchestration.sources.base import RejectedRow
from orchestration.sources.files.content import FIRST_DATA_ROW, FileContent, UnreadableFile, text_table, without_header

# openpyxl lets whatever its zip and XML readers raise pass through.
_READ_ERRORS = (
    BadZipFile,
    InvalidFileException,
    zlib.error,
    SyntaxError,
    EOFError,
    LookupError,
    ValueError,
    TypeError,
    AttributeError,
    NotImplementedError,
)

_ADVICE = "Open it in the spreadsheet program, save it as XLSX again, and deliver it again."


def read_xlsx(path: Path) -> FileContent:
    """Read the first sheet: row 1 is the header, empty rows are no rows.

    Raises UnreadableFile when the file is cut short or is no spreadsheet.
    """
    try:
        rows = list(_rows(path))
        uncomputed = _has_formulas(path) and _all_formulas_empty(path, rows)
    except _READ_ERRORS as error:
        raise UnreadableFile("unreadable", f"the file is no whole XLSX file ({error}). {_ADVICE}") from error
    if uncomputed:
        raise UnreadableFile("unreadable", f"the file holds formulas that were never computed. {_ADVICE}")
    header = tuple((text_of(cell) or "").strip() for cell in rows[0]) if rows else ()
    while header and not header[-1]:
        header = header[:-1]
    return _content(header, rows[1:]) if header else without_header()


def _has_formulas(path: Path) -> bool:
    with ZipFile(path) as archive:
        sheets = [name for name in archive.namelist() if name.startswith("xl/worksheets/")]
        return any(b"<f>" in (xml := archive.read(name)) or b"<f " in xml for name in sheets)


def _all_formulas_empty(path: Path, rows: list[tuple[Any, ...]]) -> bool:
    """Whether there are formulas, and none has a value: a program wrote the file, and no spreadsheet ever opened it."""
    values = [
        value
        for formulas, cells in zip(_rows(path, computed=False), rows, strict=True)
        for formula, value in zip(formulas, cells, strict=True)
        if isinstance(formula, str) and formula.startswith("=")
    ]
    return bool(values) and all(value is None for value in values)


def _rows(path: Path, computed: bool = True) -> Iterator[tuple[Any, ...]]:
    workbook = load_workbook(path, read_only=True, data_only=computed)
    try:
        sheet = workbook.worksheets[0]
        # The size a sheet claims to have is often wrong; what its rows hold is not.
        sheet.reset_dimensions()
        yield from sheet.iter_rows(values_only=True)
    finally:
        workbook.close()


def _content(header: tuple[str, ...], rows: list[tuple[Any, ...]]) -> FileContent:
    width = len(header)
    good: list[list[str | None]] = []
    numbers: list[int] = []
    rejected: list[RejectedRow] = []
    for number, cells in enumerate(rows, start=FIRST_DATA_ROW):
        texts = [text_of(cell) for cell in cells]
        if not any(texts):
            continue
        if any(texts[width:]):
            rejected.append(_rejection(header, number, texts))
            continue
        good.append((texts + [None] * width)[:width])
        numbers.append(number)
    columns = [pa.array([row[place] for row in good], pa.string()) for place in range(width)]
    return FileContent(header, text_table(header, columns), pa.array(numbers, pa.int64()), tuple(rejected))


def text_of(cell: Any) -> str | None:
    """A cell's value as text: whole numbers without a point, days and times in ISO 8601."""
    match cell:
        case None:
            return None
        case bool():
            return "true" if cell else "false"
        case float() if cell.is_integer() and abs(cell) <= 2**53:
            return str(int(cell))
        case datetime() | date() | time():
            return cell.isoformat()
        case _:
            return str(cell)


def _rejection(header: tuple[str, ...], number: int, texts: list[str | None]) -> RejectedRow:
    reason = (
        f"row {number}, column {header[-1]}, rule fields: the row has {len(texts)} cells, the header {len(header)}; "
        f"expected nothing to the right of column {header[-1]}"
    )
    return RejectedRow(number, header[-1], "fields", reason, json.dumps(texts, ensure_ascii=False))
