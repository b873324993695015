"""How values read, the same in every format; and that nothing from the data becomes markup, a formula or a link."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from io import BytesIO

import openpyxl
import pytest
from pypdf import PdfReader

from orchestration.monthly.charts import months_chart
from orchestration.monthly.document import Chart, Column, Document, Kind, Note, Section, Table, Value, text_of
from orchestration.monthly.html import html_of
from orchestration.monthly.pdf import pdf_of
from orchestration.monthly.workbook import workbook_of

EVIL = '=HYPERLINK("http://x.example") </script><b>#set $\\ "quoted" & Nguyễn Thị Ánh Tuyết ‮'
CREATED = datetime(2026, 4, 1, 3, 0, 0)


def document(*rows: tuple[Value, ...]) -> Document:
    columns = (Column("Tên", Kind.TEXT), Column("Doanh thu"), Column("Đạt", Kind.SHARE))
    table = Table("people", columns, rows, frozenset({len(rows) - 1}))
    chart = Chart(EVIL, months_chart([(EVIL, Decimal(3))], "02/2026", EVIL))
    section = Section("Phòng ban", [EVIL, table, chart, Note(EVIL)])
    return Document(
        "vi", "Báo cáo tháng 03/2026", (EVIL,), (section,), (("Mọi/chỉ số", replace(table, name="figures")),)
    )


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [
        (None, Kind.NUMBER, "–"),
        (Decimal("1234567.000000"), Kind.NUMBER, "1,234,567"),
        (Decimal("1234567.500000"), Kind.NUMBER, "1,234,567.50"),
        (Decimal("-0.001"), Kind.NUMBER, "0"),
        (Decimal("-44301300"), Kind.NUMBER, "−44,301,300"),
        (Decimal(5), Kind.CHANGE, "+5"),
        (Decimal(-5), Kind.CHANGE, "−5"),
        (Decimal(0), Kind.CHANGE, "0"),
        (0.4567, Kind.SHARE, "45.7%"),
        (1.2, Kind.SHARE, "120.0%"),
        (Decimal("-0.5"), Kind.CHANGE_SHARE, "−50.0%"),
        (Decimal("0.05"), Kind.CHANGE_SHARE, "+5.0%"),
        ("An-Khang", Kind.TEXT, "An-Khang"),
    ],
)
def test_a_value_reads_the_same_everywhere(value: Value, kind: Kind, text: str) -> None:
    assert text_of(value, kind) == text


def test_a_row_has_a_value_for_every_column() -> None:
    with pytest.raises(ValueError, match="people: 1 values for 2 columns"):
        Table("people", (Column("a"), Column("b")), ((1,),))


def test_what_is_in_the_data_stays_text() -> None:
    made = document((EVIL, Decimal("12.5"), 0.25), ("Sum", Decimal(12), None))
    html = html_of(made)
    assert "<script" not in html
    assert "</script>" not in html
    assert "<b>" not in html
    book = openpyxl.load_workbook(BytesIO(workbook_of(made, CREATED)))
    sheet = book[book.sheetnames[-1]]
    assert sheet["A2"].value == EVIL
    assert sheet["A2"].data_type == "s"
    assert [cell.hyperlink for row in sheet.iter_rows() for cell in row if cell.hyperlink] == []
    text = "".join(page.extract_text() for page in PdfReader(BytesIO(pdf_of(made))).pages)
    assert "=HYPERLINK" in text
    assert "#set" in text


def test_a_workbook_has_numbers_formats_and_tables() -> None:
    made = document(("An", Decimal("12.5"), 0.25), ("Sum", 12, None))
    book = openpyxl.load_workbook(BytesIO(workbook_of(made, CREATED)))
    assert book.sheetnames == ["Báo cáo tháng 03 2026", "Phòng ban", "Mọi chỉ số"]
    sheet = book[book.sheetnames[-1]]
    assert [cell.value for cell in sheet[2]] == ["An", 12.5, 0.25]
    assert (sheet["B2"].number_format, sheet["C2"].number_format) == ("#,##0.00;-#,##0.00;0", "0.0%")
    assert sheet["B3"].font.bold
    assert not sheet["B2"].font.bold
    [name] = sheet.tables
    assert sheet.tables[name].ref == "A1:C3"
    assert sheet.freeze_panes == "A2"


def test_the_same_document_makes_the_same_files() -> None:
    made = document(("An", Decimal(1), None), ("Sum", 1, None))
    assert workbook_of(made, CREATED) == workbook_of(made, CREATED)
    assert html_of(made) == html_of(made)
