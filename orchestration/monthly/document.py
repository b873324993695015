"""What a report consists of, whatever it is drawn as: sections of sentences, tables and charts.

Belongs here: the parts, and how a value reads. Not here: any figure (`content.py`), or any format (`html.py`, `pdf.py`,
`workbook.py`). A table holds values, not texts: a spreadsheet gets numbers, and all three say the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum
from typing import Any

NOTHING = "–"
_MINUS = "\N{MINUS SIGN}"

Value = str | int | Decimal | float | None
"""One cell; None where there is nothing to show."""


class Kind(Enum):
    """How the values of a column read."""

    TEXT = "text"
    NUMBER = "a number, with the decimals it has up to two"
    CHANGE = "a difference, with its sign"
    SHARE = "a share of 1, in percent; what it is a share of stands beside it"
    CHANGE_SHARE = "a difference as a share of 1, with its sign"

    @property
    def is_number(self) -> bool:
        """Whether it belongs on the right, and into a spreadsheet as a number."""
        return self is not Kind.TEXT


@dataclass(frozen=True)
class Column:
    """One column: what it is called, and how its values read."""

    head: str
    kind: Kind = Kind.NUMBER


@dataclass(frozen=True)
class Table:
    """Rows of values, one per column. `name` is unique in the report; `totals` are rows that stand out."""

    name: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Value, ...], ...]
    totals: frozenset[int] = frozenset()

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row) != len(self.columns):
                raise ValueError(f"{self.name}: {len(row)} values for {len(self.columns)} columns")


@dataclass(frozen=True)
class Chart:
    """A Vega-Lite specification, and in words what it shows, for whoever cannot see it."""

    title: str
    spec: dict[str, Any]


@dataclass(frozen=True)
class Note:
    """A sentence in small print, about what stands above it."""

    text: str


Part = str | Table | Chart | Note
"""A sentence is a string."""


@dataclass(frozen=True)
class Section:
    """A heading and what stands under it; with `begins_page` a printed report begins a new page."""

    title: str
    parts: Sequence[Part]
    begins_page: bool = False


@dataclass(frozen=True)
class Document:
    """A whole report. `facts` are the lines under its title; `appendix` are tables for the spreadsheet only."""

    lang: str
    title: str
    facts: Sequence[str]
    sections: Sequence[Section]
    appendix: Sequence[tuple[str, Table]] = field(default=())

    def tables(self) -> list[tuple[str, Table]]:
        """Every table of its sections, with the section's title."""
        return [(one.title, part) for one in self.sections for part in one.parts if isinstance(part, Table)]


def text_of(value: Value, kind: Kind) -> str:
    """A value as it reads on paper. Money and counts in full, with a comma between thousands."""
    if value is None:
        return NOTHING
    if isinstance(value, str):
        return value
    if kind in (Kind.SHARE, Kind.CHANGE_SHARE):
        text = f"{Decimal(str(value)) * 100:,.1f}%"
    else:
        text = _number(Decimal(str(value)))
    if kind in (Kind.CHANGE, Kind.CHANGE_SHARE) and not text.startswith("-"):
        text = text if Decimal(str(value)) == 0 else f"+{text}"
    return text.replace("-", _MINUS)


def _number(value: Decimal) -> str:
    rounded = value.quantize(Decimal("0.01"))
    if rounded == 0:
        return "0"
    return f"{rounded:,.0f}" if rounded == rounded.to_integral_value() else f"{rounded:,.2f}"
