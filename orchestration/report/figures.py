"""Numbers, bars and columns as text of a known width; knows nothing of KPIs.

Tables are laid out here and not left to the terminal library, so that a number is never wrapped or cut.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum
from typing import TypeVar

from rich.cells import cell_len
from rich.console import JustifyMethod
from rich.table import Table
from rich.text import Text

_T = TypeVar("_T")
GAP = 2
NOTHING = "\N{EN DASH}"
MARK = "│"
_NAME_LEAST = 20
_NAME_FLOOR = 8
_BAR_LEAST = 6
_BAR_MOST = 30
_PERCENT_MOST = 999
_ASCII = str.maketrans(
    {"█": "#", "▌": "=", MARK: "|", "─": "-", NOTHING: "-", "·": "-", "…": "~", "→": ">", "đ": "d", "Đ": "D", "₫": "d"}
)


def count(value: int) -> str:
    """`1234567` as `1,234,567`."""
    return f"{value:,}"


def money(value: Decimal, decimals: int) -> str:
    """An amount in full, with as many decimals as the page needs."""
    return f"{value:,.{decimals}f}"


def decimals_needed(amounts: Sequence[Decimal]) -> int:
    """2 when an amount has cents, else 0: one answer for the whole page, so that its columns line up."""
    return 2 if any(amount != amount.to_integral_value() for amount in amounts) else 0


def quantity(value: Decimal) -> str:
    """A quantity with the decimals it has and no more: `5.5000` as `5.5`."""
    return f"{value.normalize():,f}"


def quantities(values: Sequence[Decimal]) -> list[str]:
    """Quantities of one column, all with as many decimals as the one that needs the most."""
    decimals = max((len(quantity(value).partition(".")[2]) for value in values), default=0)
    return [f"{value:,.{decimals}f}" for value in values]


def percent(rate: float | Decimal) -> str:
    """A rate of 0 to 1 in percent; whatever it is a rate of must be in sight."""
    return f"{100 * rate:,.1f}%"


def share(part: int | Decimal, whole: int | Decimal) -> str:
    """A part in percent of a whole that the reader sees elsewhere in the block; a dash of nothing."""
    return f"{100 * part / whole:.1f}%" if whole else NOTHING


def change(now: int | Decimal, before: int | Decimal) -> str:
    """The difference in percent of the month before; a dash when that was zero or less."""
    if before <= 0:
        return NOTHING
    percent = 100 * (Decimal(now) - Decimal(before)) / Decimal(before)
    return f"{percent:+.1f}%" if percent < _PERCENT_MOST else f">+{_PERCENT_MOST}%"


def first_and_rest(parts: Sequence[_T], shown: int) -> tuple[Sequence[_T], Sequence[_T]]:
    """The first parts, and those that a long list adds up in one row; a single one is shown and not added up."""
    return (parts, ()) if len(parts) <= shown + 1 else (parts[:shown], parts[shown:])


@dataclass(frozen=True)
class Bar:
    """A bar to be drawn in whatever width is left: `value` of `full`, with an optional mark."""

    value: float
    full: float
    mark: float | None = None

    def draw(self, width: int) -> str:
        """The bar in `width` cells; values below zero draw nothing, values above `full` fill it."""
        if self.full <= 0 or width <= 0:
            return ""
        halves = round(2 * width * min(max(self.value / self.full, 0.0), 1.0))
        if halves == 0 and self.value > 0:
            halves = 1
        cells = ("█" * (halves // 2) + "▌" * (halves % 2)).ljust(width)
        if self.mark is None or self.mark <= 0:
            return cells.rstrip()
        at = min(round(width * min(self.mark / self.full, 1.0)), width - 1)
        return (cells[:at] + MARK + cells[at + 1 :]).rstrip()


class Kind(Enum):
    """How a column behaves when there is little room."""

    NAME = "a name from the data: cut with an ellipsis when it must"
    LABEL = "the page's own words: never cut"
    NUMBER = "right-aligned, never cut, never wrapped"
    BAR = "drawn as wide as there is room, left out when there is none"


@dataclass(frozen=True)
class Column:
    """One column of a block; a `spare` one may be left out when there is no room for it."""

    head: str
    cells: Sequence[str | Bar]
    kind: Kind
    spare: bool = False

    @property
    def least(self) -> int:
        """The width below which the column may not go."""
        if self.kind is Kind.BAR:
            return _BAR_LEAST
        if self.kind is Kind.NUMBER:
            return max(self._longest, *(cell_len(part) for part in self.head.split()), 1)
        return min(self.wanted, _NAME_LEAST) if self.kind is Kind.NAME else self.wanted

    @property
    def wanted(self) -> int:
        """The width beyond which the column gains nothing."""
        if self.kind is Kind.BAR:
            return _BAR_MOST
        return self.least if self.kind is Kind.NUMBER else max(self._longest, cell_len(self.head))

    @property
    def _longest(self) -> int:
        return max((cell_len(cell) for cell in self.cells if isinstance(cell, str)), default=0)


@dataclass(frozen=True)
class Layout:
    """Columns that fit, each with its width, and the heads of those that had to go."""

    columns: tuple[tuple[Column, int], ...]
    left_out: tuple[str, ...] = field(default=())

    @property
    def has_bars(self) -> bool:
        """Whether there was room for a bar."""
        return any(column.kind is Kind.BAR for column, _ in self.columns)

    @property
    def width(self) -> int:
        """Cells from the first column's start to the last one's end."""
        return sum(size for _, size in self.columns) + _gaps([column for column, _ in self.columns])


def lay_out(columns: Sequence[Column], width: int) -> Layout:
    """Decide what `width` cells can hold.

    Spare columns go first, then bars, then names shrink; what is left over goes to names, then to bars. Numbers and
    the page's own words keep their width even where that is more than `width`.
    """
    kept = list(columns)
    left_out: list[str] = []
    while _least(kept) > width and (spare := next((column for column in reversed(kept) if column.spare), None)):
        kept.remove(spare)
        left_out.append(spare.head)
    if _least(kept) > width:
        kept = [column for column in kept if column.kind is not Kind.BAR]
    sizes = {id(column): column.least for column in kept}
    for column in kept:
        too_much = sum(sizes.values()) + _gaps(kept) - width
        if column.kind is Kind.NAME and too_much > 0:
            sizes[id(column)] -= min(too_much, max(column.least - _NAME_FLOOR, 0))
    rest = max(width - _least(kept), 0)
    for column in sorted(kept, key=lambda column: column.kind is Kind.BAR):
        more = min(column.wanted - column.least, rest)
        sizes[id(column)] += more
        rest -= more
    return Layout(tuple((column, sizes[id(column)]) for column in kept), tuple(left_out))


def _least(columns: Sequence[Column]) -> int:
    return sum(column.least for column in columns) + _gaps(columns)


def _gaps(columns: Sequence[Column]) -> int:
    return GAP * max(len(columns) - 1, 0)


def draw(layout: Layout, bold_rows: Sequence[int] = ()) -> Table:
    """The table of a layout; rows named in `bold_rows` stand out."""
    # A table of a given width is not squeezed to the terminal's: too long a line is better than half a number.
    table = Table(
        box=None, show_edge=False, pad_edge=False, padding=(0, GAP, 0, 0), header_style="dim", width=layout.width
    )
    for column, size in layout.columns:
        justify: JustifyMethod = "right" if column.kind is Kind.NUMBER else "left"
        table.add_column(Text(column.head), width=size, justify=justify, vertical="bottom")
    rows = max((len(column.cells) for column, _ in layout.columns), default=0)
    for index in range(rows):
        cells = [_cell(column.cells[index], size) for column, size in layout.columns]
        table.add_row(*cells, style="bold" if index in bold_rows else None)
    return table


def _cell(content: str | Bar, size: int) -> Text:
    text = content.draw(size) if isinstance(content, Bar) else content
    return Text(text, no_wrap=True, overflow="ellipsis")


def to_ascii(text: str) -> str:
    """The same text for a terminal without UTF-8, letter for letter, so that columns keep their places."""
    marked = unicodedata.normalize("NFC", text).translate(_ASCII)
    return "".join(_ascii_letter(letter) for letter in marked)


def _ascii_letter(letter: str) -> str:
    if letter.isascii():
        return letter
    base = unicodedata.normalize("NFD", letter)[0]
    return base if base.isascii() else "?"
