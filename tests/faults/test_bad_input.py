"""Bad input, file by file: each ends in a message with file, row and column, and never stops the other entities."""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestration.contract import contract
from orchestration.landing.ingest import ingest_entity, ingest_night
from orchestration.landing.manifest import BatchStatus, Manifest
from orchestration.landing.store import Landing
from orchestration.sources.files import FilesSource

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
NIGHT = date(2026, 3, 31)

EMPLOYEES = "employee_id,full_name\ne1,An\n"
CUSTOMERS = "customer_id,customer_name,created_at,birthday\nc1,Bình,2026-01-01,1990-02-28\n"
SOURCES = "source_id,source_name\ns1,Web\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "employees.csv").write_text(EMPLOYEES)
    (folder / "customers.csv").write_text(CUSTOMERS)
    (folder / "sources.csv").write_text(SOURCES)
    return folder


@pytest.fixture
def landing(tmp_path: Path) -> Landing:
    return Landing(tmp_path / "landing")


def play(landing: Landing, folder: Path) -> dict[str, Manifest]:
    manifests = ingest_night(landing, FilesSource(folder), NIGHT, ZONE)
    for manifest in manifests:
        assert manifest.rows_in == manifest.rows_landed + manifest.rows_quarantined
    return {manifest.entity: manifest for manifest in manifests}


def quarantine(landing: Landing, manifest: Manifest) -> list[tuple[int, str, str, str]]:
    rows = pq.read_table(landing.quarantine_path(manifest)).to_pylist()
    return [(row["_row_number"], row["column_name"], row["rule"], row["reason"]) for row in rows]


def truncated_parquet(folder: Path) -> None:
    path = folder / "customers.parquet"
    pq.write_table(pa.table({"customer_id": ["c1"], "customer_name": ["a"], "created_at": ["2026-01-01"]}), path)
    path.write_bytes(path.read_bytes()[:-20])


def truncated_xlsx(folder: Path) -> None:
    workbook = openpyxl.Workbook()
    workbook.active.append(["customer_id", "customer_name", "created_at"])
    workbook.save(folder / "customers.xlsx")
    path = folder / "customers.xlsx"
    path.write_bytes(path.read_bytes()[:-100])


def uncomputed_xlsx(folder: Path) -> None:
    workbook = openpyxl.Workbook()
    workbook.active.append(["customer_id", "customer_name", "created_at"])
    workbook.active.append(["c1", '="A"&"n"', "2026-01-01"])
    workbook.save(folder / "customers.xlsx")


def no_xlsx(folder: Path) -> None:
    (folder / "customers.xlsx").write_bytes(b"<html>")


def csv_called_parquet(folder: Path) -> None:
    (folder / "customers.parquet").write_text(CUSTOMERS)


def empty(folder: Path) -> None:
    (folder / "customers.csv").write_bytes(b"")


def two_files(folder: Path) -> None:
    (folder / "customers.csv").write_text(CUSTOMERS)
    truncated_parquet(folder)


def header_of(text: str) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        (folder / "customers.csv").write_text(text)

    return write


def absent(folder: Path) -> None:
    """Leave the folder without the file."""


@pytest.mark.parametrize(
    ("damage", "rule", "words"),
    [
        (absent, "missing", ["customers", "delivered nothing for 2026-03-31", "no warehouse can be built"]),
        (empty, "empty_file", ["customers.csv", "not even a header"]),
        (truncated_parquet, "unreadable", ["customers.parquet", "no whole Parquet file", "Write the file again"]),
        (csv_called_parquet, "unreadable", ["customers.parquet", "no whole Parquet file"]),
        (truncated_xlsx, "unreadable", ["customers.xlsx", "no whole XLSX file", "save it as XLSX again"]),
        (uncomputed_xlsx, "unreadable", ["customers.xlsx", "formulas that were never computed"]),
        (no_xlsx, "unreadable", ["customers.xlsx", "no whole XLSX file"]),
        (two_files, "two_files", ["customers.csv and customers.parquet both claim to be customers"]),
        (
            header_of("a,b\n1,2\n"),
            "header",
            ["customers.csv, row 1: none of its columns", "Found: a, b.", "customer_id!"],
        ),
        (header_of("\n\n"), "header", ["customers.csv, row 1", "Found: nothing."]),
        (
            header_of("customer_id,customer_name\n1,a\n"),
            "header",
            ["customers.csv, row 1: required column created_at is missing", "Found: customer_id, customer_name."],
        ),
        (
            header_of("customer_id,customer_name,created_at,customer_id\n1,a,2026-01-01,1\n"),
            "header",
            ["customers.csv, row 1: column customer_id comes more than once"],
        ),
    ],
)
def test_an_unreadable_entity_is_a_failed_batch_and_the_others_land(
    landing: Landing, folder: Path, damage: Callable[[Path], None], rule: str, words: list[str]
) -> None:
    (folder / "customers.csv").unlink()
    damage(folder)
    manifests = play(landing, folder)
    assert {name: manifest.status.value for name, manifest in manifests.items()} == {
        "employees": "landed",
        "sources": "landed",
        "customers": "failed",
    }
    problem = manifests["customers"].problem
    assert problem is not None
    assert problem.rule == rule
    for word in words:
        assert word in problem.message
    assert [manifest.entity for manifest in landing.visible("files")] == ["employees", "sources"]


@pytest.mark.parametrize(
    ("row", "column", "rule", "words"),
    [
        (b",B,2026-01-01,", "customer_id", "required", "the value is missing"),
        (b"c2,B,soon,", "created_at", "type", '"soon" does not fit'),
        (b"c2,B,2026-01-01,2026-02-30", "birthday", "type", "there is no such day"),
        (b"c2,B,2026-01-01,0000-00-00", "birthday", "type", "a zero date is no date"),
        (b"c1,B,2026-01-01,", "customer_id", "duplicate_key", '"c1" is also the key of row 3'),
        (b"none,B,2026-01-01,", "customer_id", "reserved_id", "an id the warehouse keeps"),
        (b"c2,B\xecnh,2026-01-01,", "customer_name", "encoding", '"B\\xecnh" holds bytes that are not UTF-8'),
        (b"c2,B,2026-01-01", "birthday", "fields", "the row has 3 fields, the header 4"),
        (b'c2,"B,2026-01-01,', "customer_name", "fields", "is not closed where its field ends"),
    ],
)
def test_a_bad_row_goes_to_quarantine_and_the_others_land(
    landing: Landing, folder: Path, row: bytes, column: str, rule: str, words: str
) -> None:
    header, good = CUSTOMERS.encode().splitlines(keepends=True)
    (folder / "customers.csv").write_bytes(header + row + b"\n" + good)
    manifests = play(landing, folder)
    assert all(manifest.status is BatchStatus.LANDED for manifest in manifests.values())
    customers = manifests["customers"]
    assert (customers.rows_in, customers.rows_landed, customers.rows_quarantined) == (2, 1, 1)
    ((number, found_column, found_rule, reason),) = quarantine(landing, customers)
    assert (number, found_column, found_rule) == (2, column, rule)
    assert reason.startswith(f"customers.csv, row 2, column {column}, rule {rule}: ")
    assert words in reason
    assert pq.read_table(landing.data_path(customers))["customer_id"].to_pylist() == ["c1"]


def test_unknown_columns_land_with_a_warning(landing: Landing, folder: Path) -> None:
    (folder / "sources.csv").write_text("source_id,source_name,colour\ns1,Web,red\n")
    manifest = play(landing, folder)["sources"]
    assert (manifest.status, manifest.rows_landed) == (BatchStatus.LANDED, 1)
    assert manifest.warnings == ("sources.csv: column colour is not in the contract and was ignored",)


def test_a_header_alone_is_a_batch_without_rows(landing: Landing, folder: Path) -> None:
    (folder / "sources.csv").write_text("source_id,source_name\n")
    manifest = play(landing, folder)["sources"]
    assert (manifest.status, manifest.rows_in) == (BatchStatus.LANDED, 0)


def test_text_of_a_parquet_file_that_is_not_utf8(landing: Landing, folder: Path) -> None:
    (folder / "sources.csv").unlink()
    names = pa.Array.from_buffers(
        pa.string(), 2, [None, pa.py_buffer(b"\0\0\0\0\3\0\0\0\6\0\0\0"), pa.py_buffer(b"WebHu\xea")]
    )
    pq.write_table(pa.table({"source_id": ["s1", "s2"], "source_name": names}), folder / "sources.parquet")
    manifest = play(landing, folder)["sources"]
    assert (manifest.rows_landed, manifest.rows_quarantined) == (1, 1)
    ((number, column, rule, reason),) = quarantine(landing, manifest)
    assert (number, column, rule) == (3, "source_name", "encoding")
    assert reason.startswith("sources.parquet, row 3, column source_name, rule encoding: ")


@pytest.mark.parametrize("cut", range(0, 100, 9))
def test_a_file_cut_anywhere_is_never_a_crash(landing: Landing, folder: Path, cut: int) -> None:
    workbook = openpyxl.Workbook()
    for row in (["source_id", "source_name"], ["s1", "Web"], ["s2", "Shop"]):
        workbook.active.append(row)
    workbook.save(folder / "whole.xlsx")
    pq.write_table(pa.table({"source_id": ["s1"], "source_name": ["Web"]}), folder / "whole.parquet")
    (folder / "sources.csv").unlink()
    for ending in ("xlsx", "parquet"):
        whole = (folder / f"whole.{ending}").read_bytes()
        path = folder / f"sources.{ending}"
        path.write_bytes(whole[: len(whole) * cut // 100])
        manifest = ingest_entity(landing, FilesSource(folder), "sources", NIGHT, ZONE)
        path.unlink()
        assert manifest is not None
        assert manifest.problem is not None
        assert manifest.problem.rule == ("empty_file" if cut == 0 else "unreadable")
        assert f"sources.{ending}" in manifest.problem.message


def test_a_file_that_may_not_be_opened(landing: Landing, folder: Path) -> None:
    (folder / "batch.yml").mkdir()
    problem = play(landing, folder)["sources"].problem
    assert problem is not None
    assert problem.rule == "batch_file"
    assert "batch.yml" in problem.message


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda path: None, "does not exist"),
        (lambda path: path.write_text("x"), "is a file, not a folder"),
        (lambda path: path.mkdir(), "holds no data. Put one file per entity there"),
    ],
)
def test_a_path_without_data_fails_every_entity(
    landing: Landing, tmp_path: Path, make: Callable[[Path], object], words: str
) -> None:
    path = tmp_path / "delivery"
    make(path)
    manifests = play(landing, path)
    assert list(manifests) == list(contract().entities)
    for manifest in manifests.values():
        assert manifest.problem is not None
        assert manifest.problem.rule == "missing"
        assert str(path) in manifest.problem.message
        assert words in manifest.problem.message


PIECES = [
    b"c1",
    b"c2",
    b",",
    b",",
    b",",
    b"\n",
    b"\n",
    b'"',
    b"\r",
    b"\0",
    b"\xff",
    b"2026-01-01",
    b"0000-00-00",
    b"\xc3",
]


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(pieces=st.lists(st.sampled_from(PIECES), max_size=40))
def test_junk_rows_are_all_accounted_for(landing: Landing, folder: Path, pieces: list[bytes]) -> None:
    body = b"".join(pieces)
    (folder / "customers.csv").write_bytes(CUSTOMERS.encode().splitlines(keepends=True)[0] + body)
    manifest = ingest_entity(landing, FilesSource(folder), "customers", NIGHT, ZONE)
    assert manifest is not None
    assert manifest.status is BatchStatus.LANDED
    assert manifest.rows_in == manifest.rows_landed + manifest.rows_quarantined
    if body.strip(b"\r\n"):
        assert manifest.rows_in > 0
    data = pq.read_table(landing.data_path(manifest))
    bad = pq.read_table(landing.quarantine_path(manifest))
    assert (data.num_rows, bad.num_rows) == (manifest.rows_landed, manifest.rows_quarantined)
    numbers = data["_row_number"].to_pylist() + bad["_row_number"].to_pylist()
    assert len(set(numbers)) == len(numbers)
    assert all(reason.startswith("customers.csv, row ") for reason in bad["reason"].to_pylist())


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=60), ending=st.sampled_from(["csv", "parquet", "xlsx"]))
def test_junk_files_never_crash(landing: Landing, folder: Path, content: bytes, ending: str) -> None:
    (folder / "customers.csv").unlink(missing_ok=True)
    path = folder / f"customers.{ending}"
    path.write_bytes(content)
    manifest = ingest_entity(landing, FilesSource(folder), "customers", NIGHT, ZONE)
    path.unlink()
    assert manifest is not None
    assert manifest.status is BatchStatus.FAILED
    assert manifest.problem is not None
    assert path.name in manifest.problem.message
