"""What every block draws on: the page's width and language, and the tables that several blocks share.

Belongs here: words, notes and common columns for one width and language. Not here: reading, or one block's own table.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from orchestration.report.figures import (
    NOTHING,
    Bar,
    Column,
    Kind,
    count,
    draw,
    lay_out,
    money,
    share,
)
from orchestration.report.labels import Lang, title, word

_MEMBERS = {"(none)": "member_none", "(unknown)": "member_unknown", "(other)": "member_other"}


@dataclass(frozen=True)
class Sheet:
    """A place to draw, `width` cells wide; amounts have `decimals` everywhere on it."""

    width: int
    lang: Lang
    decimals: int
    month: date
    as_of: date
    is_team: bool

    def word(self, key: str, **values: object) -> str:
        """The page's word in the sheet's language."""
        return word(key, self.lang, **values)

    def figure(self, value: int | Decimal | None) -> str:
        """A count, an amount, or a dash where there is none."""
        if value is None:
            return NOTHING
        return money(value, self.decimals) if isinstance(value, Decimal) else count(value)

    def member(self, name: str) -> str:
        """A name from the data; those of the members that stand for no name in the sheet's language."""
        return self.word(_MEMBERS[name]) if name in _MEMBERS else name

    def titled(self, key: str, content: Iterable[RenderableType]) -> RenderableType:
        """A block below its title."""
        head = f"── {title(key, self.lang)} "
        text = Text(head + "─" * (self.width - len(head)), style="bold", no_wrap=True, overflow="crop")
        return Padding(Group(text, *content), (1, 0, 0, 0))

    def note(self, key: str, **values: object) -> Text:
        """A sentence below a table."""
        return Text(self.word(key, **values), style="dim")

    def heading(self, text: str) -> Text:
        """A line above one of several tables of a block."""
        return Text(text)

    def names(self, head: str, names: Iterable[str], *, total: bool = True) -> Column:
        """The first column: names from the data, and the word for the total below them."""
        return Column(self.word(head), [*map(self.member, names), *([self.word("total")] if total else [])], Kind.NAME)

    def numbers(self, head: str, values: Iterable[int | Decimal | None], *, spare: bool = False) -> Column:
        """A column of counts or amounts."""
        return Column(self.word(head), [self.figure(value) for value in values], Kind.NUMBER, spare)

    def table(self, columns: Sequence[Column], bold_rows: Sequence[int] = ()) -> list[RenderableType]:
        """The columns that have room, and a line naming those that had none."""
        layout = lay_out(columns, self.width)
        drawn: list[RenderableType] = [draw(layout, bold_rows)]
        if layout.left_out:
            drawn.append(self.note("narrow", columns=", ".join(reversed(layout.left_out))))
        return drawn

    def shares(
        self, head: str, quantity: str, labels: Sequence[str], values: Sequence[int], whole: int
    ) -> list[RenderableType]:
        """Parts of a whole with their percentages and bars; the whole is the last row."""
        return self.table(
            [
                self.names(head, labels),
                self.numbers(quantity, [*values, whole]),
                Column(self.word("share"), [*(share(value, whole) for value in values), ""], Kind.NUMBER),
                Column("", [*(Bar(value, whole) for value in values), ""], Kind.BAR),
            ],
            bold_rows=[len(labels)],
        )
