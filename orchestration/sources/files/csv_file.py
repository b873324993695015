"""CSV files: UTF-8, comma, semicolon or tab; everything is text, and nothing but an empty field is nothing.

Belongs here: splitting bytes into rows and fields. Not here: what the fields mean (`contract/`).

Two readers: Arrow's, fast, for files without a fault, and an exact one that finds the faulty rows. The exact one says
what is right; the fast one is used only where both give the same rows.
"""

from __future__ import annotations

import codecs
import csv
import io
import json
import mmap
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pyarrow import csv as arrow_csv

from orchestration.contract import contract
from orchestration.sources.base import RejectedRow
from orchestration.sources.files.content import (
    FIRST_DATA_ROW,
    FileContent,
    UnreadableFile,
    numbered,
    text_table,
    without_header,
)

DELIMITERS = (",", ";", "\t")

_BLOCK_BYTES = 8 << 20
_CHUNK_ROWS = 50_000
_FIELD_LIMIT = 1 << 30
# A typed scalar: Arrow imports pandas to look at a plain string.
_EMPTY = pa.scalar("", pa.string())
_OTHER_ENCODINGS = {codecs.BOM_UTF16_LE: "UTF-16", codecs.BOM_UTF16_BE: "UTF-16"}


@dataclass(frozen=True)
class _Header:
    """`size` counts the bytes up to the first data row, byte order mark included."""

    names: tuple[str, ...]
    delimiter: str
    size: int


def read_csv(path: Path) -> FileContent:
    """Read a CSV file. Rows that are no rows (broken encoding, too many or too few fields) come back as rejected.

    Raises UnreadableFile when the file is not UTF-8 text at all or its header cannot be read.
    """
    header = read_header(path)
    if not header.names:
        return without_header()
    table = fast_table(path, header)
    if table is not None:
        return FileContent(header.names, text_table(header.names, table.columns), numbered(table.num_rows))
    return exact_content(path, header)


def read_header(path: Path) -> _Header:
    """The first record: names, trimmed, and the delimiter that finds the most names the contract knows."""
    with path.open("rb") as handle:
        start = handle.read(4)
    for mark, encoding in _OTHER_ENCODINGS.items():
        if start.startswith(mark):
            raise UnreadableFile("encoding", f"the file is {encoding}. Save it as CSV UTF-8 and deliver it again.")
    skipped = len(codecs.BOM_UTF8) if start.startswith(codecs.BOM_UTF8) else 0
    known = {name for entity in contract() for name in entity.column_names}
    best = max(
        (_first_record(path, skipped, delimiter) for delimiter in DELIMITERS),
        key=lambda header: (sum(name in known for name in header.names), len(header.names)),
    )
    if any(_is_broken(name) for name in best.names):
        shown = ", ".join(_visible(name) for name in best.names)
        raise UnreadableFile(
            "encoding", f"row 1 is not UTF-8 text: {shown}. Save the file as CSV UTF-8 and deliver it again."
        )
    return best


def _first_record(path: Path, skipped: int, delimiter: str) -> _Header:
    with _open_text(path, skipped) as handle:
        lines = _Lines(handle)
        row = next(_reader(lines, delimiter, strict=False), [])
        size = skipped + sum(len(line.encode("utf-8", "surrogateescape")) for line in lines.taken)
    return _Header(tuple(name.strip() for name in row), delimiter, size)


def _open_text(path: Path, skipped: int) -> TextIO:
    # Undecodable bytes become lone surrogates, which no UTF-8 text can hold: they mark the field they stand in.
    handle = path.open("rb")
    handle.seek(skipped)
    return io.TextIOWrapper(handle, encoding="utf-8", errors="surrogateescape", newline="")


def _reader(lines: Iterable[str], delimiter: str, strict: bool) -> Iterator[list[str]]:
    csv.field_size_limit(_FIELD_LIMIT)
    return iter(csv.reader(lines, delimiter=delimiter, strict=strict))


def _is_broken(text: str) -> bool:
    if "\0" in text:
        return True
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return True
    return False


def _visible(text: str) -> str:
    """The text with undecodable bytes written as \\xNN."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace").replace("\0", "\\x00")


def fast_table(path: Path, header: _Header) -> pa.Table | None:
    """All data rows as text, or None where only the exact reader can tell what the rows are."""
    if path.stat().st_size <= header.size:
        return None
    with path.open("rb") as handle:
        # Not closed by hand: that fails while Arrow's reader still holds the buffer. It goes with its last user.
        return _fast_table(mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ), header)


def _fast_table(mapped: mmap.mmap, header: _Header) -> pa.Table | None:
    if mapped.find(b"\0") >= 0 or not _quotes_are_regular(mapped, header):
        return None
    try:
        table = _arrow_table(mapped, header)
    except pa.ArrowInvalid:
        return None
    return None if _has_blank_row(table) else table


def _arrow_table(mapped: mmap.mmap, header: _Header) -> pa.Table:
    names = [f"c{place}" for place in range(len(header.names))]
    with pa.BufferReader(pa.py_buffer(mapped).slice(header.size)) as source:
        return arrow_csv.read_csv(
            source,
            read_options=arrow_csv.ReadOptions(column_names=names, block_size=_BLOCK_BYTES),
            parse_options=arrow_csv.ParseOptions(
                delimiter=header.delimiter, newlines_in_values=True, ignore_empty_lines=False
            ),
            convert_options=arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False
            ),
        )


def _has_blank_row(table: pa.Table) -> bool:
    """Arrow reads a blank line as a row of empty fields; in a CSV file it is no row."""
    blank = pc.equal(table.column(0), _EMPTY)
    for column in table.columns[1:]:
        if not pc.any(blank).as_py():
            return False
        blank = pc.and_(blank, pc.equal(column, _EMPTY))
    return bool(pc.any(blank).as_py())


def _quotes_are_regular(mapped: mmap.mmap, header: _Header) -> bool:
    """Whether every quote opens a whole field, closes it, or is doubled inside it.

    Arrow reads over irregular quotes, and one stray quote can then swallow rows. In a regular file, whether a run of
    quotes stands inside a field is the parity of the odd runs before it, so all runs can be checked at once.
    """
    if mapped.find(b'"', header.size) < 0:
        return True
    data = np.frombuffer(mapped, dtype=np.uint8)
    edges = np.zeros(256, dtype=bool)
    edges[[ord(header.delimiter), ord("\n"), ord("\r")]] = True
    start, inside = header.size, 0
    while start < len(data):
        # A piece ends with a line, so that no run of quotes is cut in two.
        newline = mapped.find(b"\n", start + _BLOCK_BYTES)
        end = len(data) if newline < 0 else newline + 1
        odd = _irregular_or_odd_runs(data, edges, start, end, header.size, inside)
        if odd is None:
            return False
        start, inside = end, (inside + odd) % 2
    return inside == 0


def _irregular_or_odd_runs(
    data: NDArray[np.uint8], edges: NDArray[np.bool_], start: int, end: int, first: int, inside: int
) -> int | None:
    """The number of odd runs of quotes in data[start:end], None when one is irregular."""
    quotes = np.flatnonzero(data[start:end] == ord('"')) + start
    if not len(quotes):
        return 0
    breaks = np.flatnonzero(np.diff(quotes) > 1)
    firsts = quotes[np.concatenate(([0], breaks + 1))]
    lasts = quotes[np.concatenate((breaks, [len(quotes) - 1]))]
    odd = (lasts - firsts) % 2 == 0
    is_inside = (np.cumsum(odd) - odd + inside) % 2 == 1
    opens_field = (firsts == first) | edges[data[firsts - 1]]
    ends_field = (lasts == len(data) - 1) | edges[data[np.minimum(lasts + 1, len(data) - 1)]]
    regular = np.where(is_inside, ~odd | ends_field, opens_field & (odd | ends_field))
    return int(odd.sum()) if regular.all() else None


@dataclass
class _Lines:
    """Physical lines for the csv module, remembering those of the record being read."""

    lines: Iterable[str]
    taken: list[str] = field(default_factory=list)

    def __iter__(self) -> Iterator[str]:
        for line in self.lines:
            self.taken.append(line)
            yield line


@dataclass
class _Rows:
    """Rows being collected: columns of good rows in chunks, and the rejected ones."""

    header: _Header
    number: int = FIRST_DATA_ROW - 1
    rejected: list[RejectedRow] = field(default_factory=list)
    _good: list[list[str]] = field(default_factory=list)
    _numbers: list[int] = field(default_factory=list)
    _chunks: list[pa.RecordBatch] = field(default_factory=list)

    def take(self, row: list[str]) -> None:
        """One record; a blank line is no row, but counts as a line of a spreadsheet would."""
        self.number += 1
        if not row:
            return
        broken = [place for place, text in enumerate(row) if _is_broken(text)]
        if broken:
            self.rejected.append(_encoding_rejection(self.header, self.number, row, broken[0]))
        elif len(row) != len(self.header.names):
            self.rejected.append(_fields_rejection(self.header, self.number, row))
        else:
            self._good.append(row)
            self._numbers.append(self.number)
            if len(self._good) == _CHUNK_ROWS:
                self.flush()

    def take_misquoted(self, line: str) -> None:
        """A line with a quote that is not closed, or closed before its field ends."""
        self.number += 1
        self.rejected.append(_misquoted_rejection(self.header, self.number, line))

    def flush(self) -> None:
        columns = [pa.array(column, pa.string()) for column in zip(*self._good, strict=True)] if self._good else []
        if columns:
            names = [f"c{place}" for place in range(len(columns))]
            self._chunks.append(pa.record_batch([*columns, pa.array(self._numbers, pa.int64())], [*names, "number"]))
        self._good, self._numbers = [], []

    def content(self) -> FileContent:
        self.flush()
        names = [f"c{place}" for place in range(len(self.header.names))]
        schema = pa.schema([*((name, pa.string()) for name in names), ("number", pa.int64())])
        table = pa.Table.from_batches(self._chunks, schema)
        numbers = table.column("number").combine_chunks()
        columns = table.columns[: len(names)]
        return FileContent(self.header.names, text_table(self.header.names, columns), numbers, tuple(self.rejected))


def exact_content(path: Path, header: _Header) -> FileContent:
    """Read row by row with the csv module; every faulty row is rejected on its own.

    A record of several lines that is no row, most often because of a stray quote, is taken apart: its first line is
    rejected and each other line stands for itself, so that one quote does not swallow the rows after it.
    """
    rows = _Rows(header)
    with _open_text(path, header.size) as handle:
        lines = _Lines(handle)
        reader = _reader(lines, header.delimiter, strict=True)
        while True:
            row = _next_row(reader)
            taken, lines.taken = lines.taken, []
            if not taken:
                return rows.content()
            if row is None or (len(taken) > 1 and len(row) != len(header.names)):
                _take_apart(rows, taken)
            else:
                rows.take(row)


def _next_row(reader: Iterator[list[str]]) -> list[str] | None:
    """The next row; None at the end, and where a quote is not closed or is followed by more of its field."""
    try:
        return next(reader, None)
    except csv.Error:
        return None


def _take_apart(rows: _Rows, lines: list[str]) -> None:
    rows.take_misquoted(lines[0])
    for line in lines[1:]:
        row = _next_row(_reader([line], rows.header.delimiter, strict=True))
        if row is None:
            rows.take_misquoted(line)
        else:
            rows.take(row)


def _content_json(header: _Header, row: list[str]) -> str:
    fields = [_visible(text) for text in row]
    if len(row) == len(header.names) == len(set(header.names)):
        return json.dumps(dict(zip(header.names, fields, strict=True)), ensure_ascii=False)
    return json.dumps(fields, ensure_ascii=False)


def _encoding_rejection(header: _Header, number: int, row: list[str], place: int) -> RejectedRow:
    column = header.names[place] if place < len(header.names) else None
    what = "a NUL character" if "\0" in row[place] else "bytes that are not UTF-8"
    reason = (
        f"row {number}, column {column or place + 1}, rule encoding: "
        f'"{_visible(row[place])[:80]}" holds {what}; expected UTF-8 text'
    )
    return RejectedRow(number, column, "encoding", reason, _content_json(header, row))


def _fields_rejection(header: _Header, number: int, row: list[str]) -> RejectedRow:
    expected = len(header.names)
    column = header.names[len(row)] if len(row) < expected else header.names[-1]
    where = f"column {column} is the first without a field" if len(row) < expected else f"column {column} is the last"
    reason = (
        f"row {number}, column {column}, rule fields: the row has {len(row)} fields, the header {expected} ({where}); "
        f'a field that holds "{header.delimiter}" or a line break must be quoted'
    )
    return RejectedRow(number, column, "fields", reason, _content_json(header, row))


def _misquoted_rejection(header: _Header, number: int, line: str) -> RejectedRow:
    text = line.rstrip("\r\n")
    place = min(_misquoted_place(text, header.delimiter), len(header.names) - 1)
    column = header.names[place]
    reason = (
        f'row {number}, column {column}, rule fields: a quote in "{_visible(text)[:80]}" is not closed where its field '
        'ends; expected quotes around a whole field, and "" for a quote inside it'
    )
    return RejectedRow(number, column, "fields", reason, _content_json(header, [text]))


def _misquoted_place(text: str, delimiter: str) -> int:
    """Which field of a line, counted from 0, opens a quote that is not closed where the field ends."""
    quoted = re.compile(rf'"(?:[^"]|"")*"(?={delimiter}|$)')
    place, start = 0, 0
    while start < len(text):
        if text[start] == '"':
            match = quoted.match(text, start)
            if match is None:
                return place
            start = match.end() + 1
        else:
            end = text.find(delimiter, start)
            if end < 0:
                return place
            start = end + 1
        place += 1
    return place
