"""What every file format is read into, and the one error readers raise.

Belongs here: types shared by the readers. Not here: a format.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from orchestration.sources.base import RejectedRow

# The header is row 1, as in a spreadsheet.
FIRST_DATA_ROW = 2


@dataclass(frozen=True)
class FileContent:
    """A file's header as written, trimmed, and its rows.

    Columns without a name, or named twice, are not in `table`. Reasons of rejected rows start with the row: the reader
    does not say the file's name.
    """

    header: tuple[str, ...]
    table: pa.Table
    row_numbers: pa.Array
    rejected: tuple[RejectedRow, ...] = ()


class UnreadableFile(Exception):
    """A file that cannot be read as a table. The message says what is wrong and what to do, without the file's name."""

    def __init__(self, rule: str, message: str) -> None:
        super().__init__(message)
        self.rule = rule


def text_table(header: tuple[str, ...], columns: list[pa.ChunkedArray] | list[pa.Array]) -> pa.Table:
    """A table of the columns that have a name of their own."""
    kept = [place for place, name in enumerate(header) if name and header.index(name) == place]
    names = [header[place] for place in kept]
    return pa.table([columns[place] for place in kept], names=names)


def without_header() -> FileContent:
    """What a file is whose first row is blank: nothing in it has a name."""
    return FileContent((), pa.table({}), pa.array([], pa.int64()))


def numbered(rows: int) -> pa.Array:
    """Row numbers of a file none of whose rows was left out."""
    return pa.array(np.arange(FIRST_DATA_ROW, FIRST_DATA_ROW + rows, dtype=np.int64))
