"""The files source: which file is which entity, on which night, of which kind; and all formats give one table."""

from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from orchestration.contract import contract
from orchestration.contract.validation import validate
from orchestration.settings import Settings
from orchestration.sources.base import BatchKind, SourceError
from orchestration.sources.demo import DemoSource
from orchestration.sources.factory import build_source
from orchestration.sources.files import FilesSource

NIGHT = date(2026, 3, 31)
ZONE = ZoneInfo("Asia/Ho_Chi_Minh")

HEADER = ["order_id", "order_type", "status", "order_date", "created_at", "discount_amount"]
ORDERS: list[list[Any]] = [
    ["007", "sale", "approved", date(2026, 3, 1), datetime(2026, 3, 1, 8, 30), 1000.5],
    ["12", "return", "delivered", date(2026, 3, 2), None, 0.0],
    ["x;y", "sale", "pending", date(2026, 3, 3), datetime(2026, 3, 3, 23, 59, 59), -3.0],
]


def as_text(value: Any) -> str:
    return "" if value is None else value.isoformat() if isinstance(value, date) else str(value)


def csv_text(delimiter: str, newline: str) -> str:
    def quoted(text: str) -> str:
        return f'"{text}"' if delimiter in text else text

    rows = [HEADER, *([as_text(value) for value in row] for row in ORDERS)]
    return "".join(delimiter.join(quoted(text) for text in row) + newline for row in rows)


def write_xlsx(path: Path, rows: list[list[Any]]) -> None:
    workbook = openpyxl.Workbook()
    sheet = workbook.active
    for row in rows:
        sheet.append(row)
    workbook.create_sheet("notes").append(["not read"])
    workbook.save(path)


def write_parquet(path: Path) -> None:
    columns = dict(zip(HEADER, (list(column) for column in zip(*ORDERS, strict=True)), strict=True))
    pq.write_table(pa.table(columns), path)


def write_orders(folder: Path, form: str) -> None:
    match form:
        case "comma":
            (folder / "orders.csv").write_bytes(csv_text(",", "\n").encode())
        case "semicolon, mark, CRLF":
            (folder / "orders.csv").write_bytes(b"\xef\xbb\xbf" + csv_text(";", "\r\n").encode())
        case "tab":
            (folder / "orders.csv").write_bytes(csv_text("\t", "\n").encode())
        case "xlsx":
            write_xlsx(folder / "orders.xlsx", [HEADER, *ORDERS])
        case "parquet":
            write_parquet(folder / "orders.parquet")
        case "upper-case ending":
            (folder / "orders.CSV").write_bytes(csv_text(",", "\n").encode())


@pytest.mark.parametrize("form", ["comma", "semicolon, mark, CRLF", "tab", "xlsx", "parquet", "upper-case ending"])
def test_every_format_lands_the_same_table(tmp_path: Path, form: str) -> None:
    write_orders(tmp_path, form)
    raw = FilesSource(tmp_path).read("orders", NIGHT)
    assert raw is not None
    validated = validate(contract()["orders"], raw, ZONE)
    assert validated.quarantined.num_rows == 0
    assert validated.landed["_row_number"].to_pylist() == [2, 3, 4]
    rows = validated.landed.select(HEADER).to_pylist()
    assert [list(row.values()) for row in rows] == ORDERS


def test_integers_of_a_spreadsheet_are_ids(tmp_path: Path) -> None:
    write_xlsx(
        tmp_path / "employees.xlsx", [["employee_id", "full_name", "is_active"], [12, 5.0, True], ["012", "a", 0]]
    )
    raw = FilesSource(tmp_path).read("employees", NIGHT)
    assert raw is not None
    assert raw.table.to_pylist() == [
        {"employee_id": "12", "full_name": "5", "is_active": "true"},
        {"employee_id": "012", "full_name": "a", "is_active": "0"},
    ]


def test_empty_rows_of_a_spreadsheet_are_no_rows_but_count(tmp_path: Path) -> None:
    rows: list[list[Any]] = [
        ["department_id", "department_name", None],
        [None, None],
        ["1", "a"],
        [],
        ["2", "b", None, "beside"],
        ["3"],
    ]
    write_xlsx(tmp_path / "departments.xlsx", rows)
    raw = FilesSource(tmp_path).read("departments", NIGHT)
    assert raw is not None
    assert raw.row_numbers.to_pylist() == [3, 6]
    assert raw.table.to_pylist() == [
        {"department_id": "1", "department_name": "a"},
        {"department_id": "3", "department_name": None},
    ]
    (rejected,) = raw.rejected
    assert (rejected.row_number, rejected.column, rejected.rule) == (5, "department_name", "fields")
    assert rejected.reason.startswith("departments.xlsx, row 5, column department_name, rule fields: ")


def test_batches_are_complete_unless_batch_yml_says_delta(tmp_path: Path) -> None:
    for entity in ("orders", "departments"):
        header = ",".join(column.name for column in contract()[entity].columns)
        (tmp_path / f"{entity}.csv").write_text(header + "\n")
    source = FilesSource(tmp_path)

    def kinds() -> list[BatchKind]:
        return [raw.kind for entity in ("orders", "departments") if (raw := source.read(entity, NIGHT))]

    assert kinds() == [BatchKind.COMPLETE, BatchKind.COMPLETE]
    (tmp_path / "batch.yml").write_text("kinds: {orders: delta}\n")
    assert kinds() == [BatchKind.DELTA, BatchKind.COMPLETE]
    (tmp_path / "batch.yml").write_text("kind: delta\nkinds: {departments: complete}\n")
    assert kinds() == [BatchKind.DELTA, BatchKind.COMPLETE]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "it must hold kind, kinds or both"),
        ("delta", "it must hold kind, kinds or both"),
        ("kind: delta\nsort: x", "it must hold kind, kinds or both, and nothing else"),
        ("kind: partial", "'partial' is no kind of batch"),
        ("kind: [delta]", "is no kind of batch"),
        ("kind:", "None is no kind of batch"),
        ("kinds: {orders: }", "None is no kind of batch"),
        ("kinds: delta", "kinds must map entities"),
        ("kinds: {clients: delta}", "kinds names clients, which the contract does not know"),
        ("kind: {", "not readable YAML"),
    ],
)
def test_batch_yml_is_read_strictly(tmp_path: Path, text: str, problem: str) -> None:
    (tmp_path / "departments.csv").write_text("department_id,department_name\n")
    (tmp_path / "batch.yml").write_text(text)
    with pytest.raises(SourceError, match=r"batch\.yml") as raised:
        FilesSource(tmp_path).read("departments", NIGHT)
    assert raised.value.rule == "batch_file"
    assert problem in raised.value.message


def test_a_folder_per_night(tmp_path: Path) -> None:
    for night in ("2026-03-30", "2026-03-31"):
        (tmp_path / night).mkdir()
        (tmp_path / night / "departments.csv").write_text(f"department_id,department_name\n1,{night}\n")
    (tmp_path / "2026-02-30").mkdir()
    source = FilesSource(tmp_path)
    assert source.nights() == [date(2026, 3, 30), NIGHT]
    raw = source.read("departments", date(2026, 3, 30))
    assert raw is not None
    assert raw.table["department_name"].to_pylist() == ["2026-03-30"]
    with pytest.raises(SourceError, match="2 nights from 2026-03-30 to 2026-03-31, but none named 2026-04-01"):
        source.read("departments", date(2026, 4, 1))


def test_absent_entities_are_none(tmp_path: Path) -> None:
    (tmp_path / "departments.csv").write_text("department_id,department_name\n")
    assert FilesSource(tmp_path).read("tasks", NIGHT) is None


@pytest.mark.parametrize(
    ("name", "entity"),
    [
        ("Orders.csv", "orders"),
        ("order.csv", "orders"),
        ("order lines.csv", "order_lines"),
        ("OrderLines.xlsx", "order_lines"),
        ("industry.csv", "industries"),
        ("customer-changes.parquet", "customer_changes"),
    ],
)
def test_a_file_named_almost_like_an_entity_is_not_dropped_in_silence(tmp_path: Path, name: str, entity: str) -> None:
    (tmp_path / name).write_text("x\n")
    source = FilesSource(tmp_path)
    with pytest.raises(SourceError, match=f"{name} is named almost like it. Rename it to {entity}") as raised:
        source.read(entity, NIGHT)
    assert raised.value.rule == "missing"
    (unknown,) = source.unknown_files()
    assert (unknown.path.name, unknown.hint) == (name, f"did you mean {entity}{Path(name).suffix}?")


def test_unknown_files_are_listed_with_hints(tmp_path: Path) -> None:
    for name in ("orders.csv", "README.md", ".hidden.csv", "~$orders.xlsx", "batch.yml"):
        (tmp_path / name).write_text("x")
    for name in ("custmers.csv", "leads.csv", "orders.xls", "notes"):
        (tmp_path / name).write_text("x")
    found = {unknown.path.name: unknown.hint for unknown in FilesSource(tmp_path).unknown_files()}
    assert found == {
        "custmers.csv": "did you mean customers.csv?",
        "leads.csv": "",
        "notes": "a file without an ending is not read; save it as one of .csv, .parquet, .xlsx",
        "orders.xls": ".xls is not read; save it as one of .csv, .parquet, .xlsx",
    }


@pytest.fixture
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("KPI_SOURCE", "KPI_FILES_PATH", "KPI_DEMO_SEED", "KPI_DEMO_SCALE"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.usefixtures("clean_environment")
def test_the_settings_choose_the_source(tmp_path: Path) -> None:
    source = build_source(Settings(home=tmp_path, source="files", files_path=tmp_path))
    assert isinstance(source, FilesSource)
    assert (source.name, source.path) == ("files", tmp_path)
    assert isinstance(build_source(Settings(home=tmp_path, source="demo", demo_scale=0.05)), DemoSource)
    with pytest.raises(ValueError, match="set KPI_FILES_PATH"):
        build_source(Settings(home=tmp_path, source="files"))
    with pytest.raises(ValueError, match="there is no source 'crm'; KPI_SOURCE is demo, files or getfly"):
        build_source(Settings(home=tmp_path, source="crm"))
