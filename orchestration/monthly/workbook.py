"""The report as a workbook: a sheet per section with tables, and one with every frozen figure.

Belongs here: from a document to XLSX. Numbers are numbers, with formats; tables are tables that can be filtered. Text
from the data is text, never a formula or a link.
"""

from __future__ import annotations

from datetime import datetime
from io import BytesIO

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from orchestration.monthly.document import Chart, Column, Document, Kind, Note, Section, Table, text_of

_FORMATS = {
    Kind.NUMBER: "#,##0.00;-#,##0.00;0",
    Kind.CHANGE: "+#,##0.00;-#,##0.00;0",
    Kind.SHARE: "0.0%",
    Kind.CHANGE_SHARE: "+0.0%;-0.0%;0.0%",
}
_WHOLE = {Kind.NUMBER: "#,##0", Kind.CHANGE: "+#,##0;-#,##0;0"}
_STYLE = "Table Style Light 1"
_NARROWEST, _WIDEST, _LONGEST_NAME = 10, 48, 31
_FORBIDDEN = str.maketrans(dict.fromkeys("[]:*?/\\", " "))


def workbook_of(document: Document, created: datetime) -> bytes:
    """The whole file; `created` is written into it, so that the same document makes the same file."""
    into = BytesIO()
    with xlsxwriter.Workbook(into) as book:
        book.set_properties({"title": document.title, "created": created})
        writer = _Writer(book)
        writer.front(document)
        for section in document.sections:
            if any(isinstance(part, Table) for part in section.parts):
                writer.section(section)
        for name, table in document.appendix:
            sheet = writer.sheet(name)
            writer.table(sheet, 0, table)
            sheet.freeze_panes(1, 0)
    return into.getvalue()


class _Writer:
    """A workbook being written, with one format object per way a cell looks."""

    def __init__(self, book: xlsxwriter.Workbook) -> None:
        self._book = book
        self._formats: dict[tuple[str, bool], Format] = {}
        self._title = book.add_format({"bold": True, "font_size": 16})
        self._heading = book.add_format({"bold": True, "font_size": 12})
        self._text = book.add_format({"text_wrap": True, "valign": "top"})

    def sheet(self, name: str) -> Worksheet:
        sheet = self._book.add_worksheet(name.translate(_FORBIDDEN)[:_LONGEST_NAME])
        sheet.set_landscape()
        sheet.set_paper(9)
        sheet.fit_to_pages(1, 0)
        return sheet

    def front(self, document: Document) -> None:
        """The sentences of the whole report, on the first sheet."""
        sheet = self.sheet(document.title)
        sheet.set_column(0, 0, 110, self._text)
        sheet.write_string(0, 0, document.title, self._title)
        row = 1
        for fact in document.facts:
            sheet.write_string(row, 0, fact, self._text)
            row += 1
        for section in document.sections:
            said = [part for part in section.parts if isinstance(part, str | Note)]
            if not said:
                continue
            sheet.write_string(row + 1, 0, section.title, self._heading)
            row += 2
            for part in said:
                sheet.write_string(row, 0, part if isinstance(part, str) else part.text, self._text)
                row += 1

    def section(self, section: Section) -> None:
        """The section's tables one below another, each under what was said before it."""
        sheet = self.sheet(section.title)
        row, said = 0, ""
        for part in section.parts:
            if isinstance(part, Table):
                sheet.write_string(row, 0, said or section.title, self._heading)
                self.table(sheet, row + 1, part)
                row, said = row + len(part.rows) + 4, ""
            elif not isinstance(part, Note | Chart):
                said = part

    def table(self, sheet: Worksheet, top: int, table: Table) -> None:
        """One table with its head in row `top`."""
        heads = _distinct([column.head for column in table.columns])
        for at, column in enumerate(table.columns):
            shown = [text_of(row[at], column.kind) for row in table.rows]
            width = max(map(len, (heads[at], *shown)))
            sheet.set_column(at, at, min(max(width + 2, _NARROWEST), _WIDEST))
        for number, row in enumerate(table.rows):
            for at, (value, column) in enumerate(zip(row, table.columns, strict=True)):
                bold = number in table.totals
                if value is None:
                    sheet.write_blank(top + 1 + number, at, None, self._format("General", bold))
                elif isinstance(value, str):
                    sheet.write_string(top + 1 + number, at, value, self._format("@", bold))
                else:
                    sheet.write_number(
                        top + 1 + number, at, float(value), self._format(_number_format(column, table, at), bold)
                    )
        sheet.add_table(
            top,
            0,
            top + max(len(table.rows), 1),
            len(table.columns) - 1,
            {"name": f"t_{table.name}", "style": _STYLE, "columns": [{"header": head} for head in heads]},
        )

    def _format(self, number_format: str, bold: bool) -> Format:
        key = (number_format, bold)
        if key not in self._formats:
            self._formats[key] = self._book.add_format({"num_format": number_format, "bold": bold})
        return self._formats[key]


def _number_format(column: Column, table: Table, at: int) -> str:
    """Decimals only where a value of the column has some."""
    values = [row[at] for row in table.rows if row[at] is not None and not isinstance(row[at], str)]
    if column.kind in _WHOLE and all(float(value) == int(float(value)) for value in values if value is not None):
        return _WHOLE[column.kind]
    return _FORMATS.get(column.kind, "General")


def _distinct(heads: list[str]) -> list[str]:
    """A table's heads have to differ; the second of two gets a number."""
    seen: dict[str, int] = {}
    found = []
    for head in heads:
        seen[head] = seen.get(head, 0) + 1
        found.append(head if seen[head] == 1 else f"{head} ({seen[head]})")
    return found
