"""The report as PDF.

Belongs here: handing a document to the typesetter. Not here: how it looks (`templates/report.typ`). The template gets
the document as data, so nothing in it can be taken for markup.
"""

from __future__ import annotations

import json
from typing import Any

from orchestration.monthly.charts import picture_of
from orchestration.monthly.document import Chart, Document, Note, Part, Table, text_of
from orchestration.monthly.html import TEMPLATES


def pdf_of(document: Document) -> bytes:
    """The whole file, A4."""
    import typst

    return bytes(typst.compile(TEMPLATES / "report.typ", sys_inputs={"document": json.dumps(_plain(document))}))


def _plain(document: Document) -> dict[str, Any]:
    return {
        "lang": document.lang,
        "title": document.title,
        "facts": list(document.facts),
        "sections": [
            {
                "title": one.title,
                "begins_page": one.begins_page,
                "parts": [_plain_part(part) for part in one.parts],
            }
            for one in document.sections
        ],
    }


def _plain_part(part: Part) -> dict[str, Any]:
    match part:
        case Table():
            rows = [
                [text_of(value, column.kind) for value, column in zip(row, part.columns, strict=True)]
                for row in part.rows
            ]
            return {
                "is": "table",
                "heads": [column.head for column in part.columns],
                "numbers": [column.kind.is_number for column in part.columns],
                "rows": rows,
                "totals": sorted(part.totals),
            }
        case Chart():
            return {"is": "chart", "title": part.title, "svg": picture_of(part.spec)}
        case Note():
            return {"is": "note", "text": part.text}
        case _:
            return {"is": "sentence", "text": part}
