"""CSV files: both readers agree on good rows, and the exact one rejects only the rows that are none."""

import json
import mmap
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestration.sources.files import csv_file
from orchestration.sources.files.content import FileContent, UnreadableFile, text_table
from orchestration.sources.files.csv_file import exact_content, fast_table, read_csv, read_header

HEADER = b"department_id,department_name,note\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "departments.csv"


def rows_of(content: FileContent) -> list[tuple[Any, ...]]:
    columns = [column.to_pylist() for column in content.table.columns]
    return list(zip(content.row_numbers.to_pylist(), *columns, strict=True))


def read(file: Path, content: bytes) -> FileContent:
    file.write_bytes(content)
    return read_csv(file)


def takes_fast_path(file: Path) -> bool:
    return fast_table(file, read_header(file)) is not None


def test_everything_is_text_as_written(file: Path) -> None:
    content = read(file, HEADER + b'007,NA,null\n"","  x ",1.50\n')
    assert rows_of(content) == [(2, "007", "NA", "null"), (3, "", "  x ", "1.50")]
    assert takes_fast_path(file)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("end", ["", "end"])
def test_delimiters_line_ends_and_byte_order_marks(
    file: Path, delimiter: str, newline: str, mark: bytes, end: str
) -> None:
    lines = [["department_id", "department_name", "note"], ["1", "Kinh doanh", "ở Huế"], ["2", '"a,b;c\td"', ""]]
    text = newline.join(delimiter.join(line) for line in lines) + (newline if end else "")
    content = read(file, mark + text.encode())
    assert content.header == ("department_id", "department_name", "note")
    assert rows_of(content) == [(2, "1", "Kinh doanh", "ở Huế"), (3, "2", "a,b;c\td", "")]
    assert takes_fast_path(file)


def test_quoted_line_breaks_count_as_one_row(file: Path) -> None:
    content = read(file, HEADER + b'1,"two\nlines","a ""b"""\r\n2,x,y\r\n')
    assert rows_of(content) == [(2, "1", "two\nlines", 'a "b"'), (3, "2", "x", "y")]
    assert takes_fast_path(file)


def test_blank_lines_are_no_rows_but_count(file: Path) -> None:
    content = read(file, HEADER + b"1,a,b\n\n2,c,d\n\r\n")
    assert rows_of(content) == [(2, "1", "a", "b"), (4, "2", "c", "d")]
    assert content.rejected == ()


def test_a_row_of_empty_fields_is_a_row(file: Path) -> None:
    assert rows_of(read(file, HEADER + b",,\n1,a,b\n")) == [(2, "", "", ""), (3, "1", "a", "b")]


def test_header_only(file: Path) -> None:
    for text in (HEADER, HEADER.rstrip()):
        content = read(file, text)
        assert content.header == ("department_id", "department_name", "note")
        assert rows_of(content) == []


def test_header_is_trimmed_and_may_be_quoted(file: Path) -> None:
    content = read(file, b'" department_id ";"department_name"\n1;a\n')
    assert content.header == ("department_id", "department_name")
    assert rows_of(content) == [(2, "1", "a")]


def test_a_blank_first_line_is_no_header(file: Path) -> None:
    content = read(file, b"\n1,a\n")
    assert content.header == ()


def test_bytes_that_are_not_utf8_reject_their_row_only(file: Path) -> None:
    content = read(file, HEADER + b"1,a,b\n2,Hu\xea,b\n3,\xe1\xbb\x9f,d\n")
    assert rows_of(content) == [(2, "1", "a", "b"), (4, "3", "ở", "d")]
    (row,) = content.rejected
    assert (row.row_number, row.column, row.rule) == (3, "department_name", "encoding")
    assert row.reason == (
        'row 3, column department_name, rule encoding: "Hu\\xea" holds bytes that are not UTF-8; expected UTF-8 text'
    )
    assert json.loads(row.content) == {"department_id": "2", "department_name": "Hu\\xea", "note": "b"}


def test_a_nul_character_rejects_its_row(file: Path) -> None:
    content = read(file, HEADER + b"1,a\0,b\n2,c,d\n")
    assert rows_of(content) == [(3, "2", "c", "d")]
    assert (content.rejected[0].row_number, content.rejected[0].rule) == (2, "encoding")
    assert "a NUL character" in content.rejected[0].reason


@pytest.mark.parametrize(
    ("line", "column", "words"),
    [
        (b"2,b", "note", "the row has 2 fields, the header 3 (column note is the first without a field)"),
        (b"2,b,c,d", "note", "the row has 4 fields, the header 3 (column note is the last)"),
    ],
)
def test_ragged_rows_are_rejected_alone(file: Path, line: bytes, column: str, words: str) -> None:
    content = read(file, HEADER + b"1,a,b\n" + line + b"\n3,c,d\n")
    assert rows_of(content) == [(2, "1", "a", "b"), (4, "3", "c", "d")]
    (row,) = content.rejected
    assert (row.row_number, row.column, row.rule) == (3, column, "fields")
    assert words in row.reason
    assert json.loads(row.content) == line.decode().split(",")


def test_a_stray_quote_does_not_swallow_the_rows_after_it(file: Path) -> None:
    content = read(file, HEADER + b'1,"a,b\n2,c,d\n3,e,f\n')
    assert rows_of(content) == [(3, "2", "c", "d"), (4, "3", "e", "f")]
    (row,) = content.rejected
    assert (row.row_number, row.column, row.rule) == (2, "department_name", "fields")
    assert json.loads(row.content) == ['1,"a,b']


def test_a_stray_quote_does_not_swallow_rows_up_to_the_next_quote(file: Path) -> None:
    content = read(file, HEADER + b'1,"a,b\n2,c,d\n3,"e",f\n4,g,h\n')
    assert rows_of(content) == [(3, "2", "c", "d"), (4, "3", "e", "f"), (5, "4", "g", "h")]
    assert [row.row_number for row in content.rejected] == [2]


@pytest.mark.parametrize(
    ("line", "column"),
    [
        (b'"2"3,a,b', "department_id"),
        (b'2,"a" ,b', "department_name"),
        (b'"2","a""b","c"d"', "note"),
        (b'2,x,y,"z', "note"),
    ],
)
def test_a_quote_that_ends_before_its_field_rejects_the_row(file: Path, line: bytes, column: str) -> None:
    content = read(file, HEADER + line + b"\n4,g,h\n")
    assert rows_of(content) == [(3, "4", "g", "h")]
    assert [(row.row_number, row.column, row.rule) for row in content.rejected] == [(2, column, "fields")]


def test_quotes_inside_an_unquoted_field_are_text(file: Path) -> None:
    assert rows_of(read(file, HEADER + b'1,TV 32",6" x 4"\n')) == [(2, "1", 'TV 32"', '6" x 4"')]


def test_quotes_are_followed_from_piece_to_piece(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_file, "_BLOCK_BYTES", 16)
    lines = b"".join(b'%d,"a\n""b""\n",""\n' % number for number in range(40))
    read(file, HEADER + lines)
    mapped = file.read_bytes()
    with file.open("rb") as handle:
        data = mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ)
    assert data[:] == mapped
    assert csv_file._quotes_are_regular(data, read_header(file))
    read(file, HEADER + lines + b'41,"a\n42,b,c\n')
    with file.open("rb") as handle:
        data = mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ)
    assert not csv_file._quotes_are_regular(data, read_header(file))


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n"])
def test_a_quote_open_at_the_end_of_the_file_rejects_the_last_row(file: Path, end: bytes) -> None:
    for field in (b'"', b'"b', b'"b""', b'"""'):
        content = read(file, HEADER + b"1,a,b\n2,c," + field + end)
        assert rows_of(content) == [(2, "1", "a", "b")]
        assert [(row.row_number, row.column, row.rule) for row in content.rejected] == [(3, "note", "fields")]
        assert not takes_fast_path(file)


def test_columns_without_a_name_are_left_out(file: Path) -> None:
    content = read(file, b"department_id,,department_name\n1,x,a\n")
    assert content.header == ("department_id", "", "department_name")
    assert content.table.to_pylist() == [{"department_id": "1", "department_name": "a"}]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be"])
def test_utf16_is_named(file: Path, encoding: str) -> None:
    mark = b"\xfe\xff" if encoding == "utf-16-be" else b""
    with pytest.raises(UnreadableFile, match=r"the file is UTF-16\. Save it as CSV UTF-8") as raised:
        read(file, mark + HEADER.decode().encode(encoding))
    assert raised.value.rule == "encoding"


def test_a_header_that_is_not_utf8_is_shown(file: Path) -> None:
    with pytest.raises(UnreadableFile, match=r"row 1 is not UTF-8 text: department_id, t\\xean"):
        read(file, b"department_id,t\xean\n1,a\n")


def test_chunks_of_the_exact_reader_join(file: Path) -> None:
    lines = b"".join(b"%d,x,y\n" % number for number in range(120_000))
    content = read(file, HEADER + lines + b"ragged\n")
    assert content.row_numbers.to_pylist() == list(range(2, 120_002))
    assert content.table["department_id"].to_pylist()[-1] == "119999"
    assert len(content.rejected) == 1


FIELD = st.text(alphabet=st.sampled_from('a1ở",;\n\r\t \u2028'), max_size=6)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(st.tuples(FIELD, FIELD, FIELD), max_size=6),
    quote_all=st.booleans(),
    newline=st.sampled_from(["\n", "\r\n"]),
)
def test_what_was_written_is_read_by_both_readers(
    file: Path, rows: list[tuple[str, str, str]], quote_all: bool, newline: str
) -> None:
    def written(text: str) -> str:
        special = any(character in text for character in '",\n\r')
        return '"' + text.replace('"', '""') + '"' if quote_all or special else text

    lines = [",".join(written(text) for text in row) + newline for row in rows]
    content = read(file, HEADER + "".join(lines).encode())
    expected = [(place + 2, *row) for place, row in enumerate(rows)]
    assert rows_of(content) == expected
    assert rows_of(exact_content(file, read_header(file))) == expected
    assert content.rejected == ()


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.lists(st.sampled_from([b"a", b'"', b",", b",", b"\n", b"\n", b"\r", b"\0", b"\xff", b" "]), max_size=24))
def test_the_fast_reader_is_used_only_where_it_is_right(file: Path, body: list[bytes]) -> None:
    file.write_bytes(b"department_id,department_name\n" + b"".join(body))
    header = read_header(file)
    fast = fast_table(file, header)
    exact = exact_content(file, header)
    assert exact.table.num_rows == len(exact.row_numbers)
    if fast is not None:
        assert exact.rejected == ()
        assert text_table(header.names, fast.columns).equals(exact.table)
        assert exact.row_numbers.to_pylist() == list(range(2, 2 + fast.num_rows))
