"""What every block draws on: the page's language, and the items that stand below a block's title.

Belongs here: words, notes and common columns in one language. Not here: reading, one block's own table, or how an item
is laid out in a terminal or a browser.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from orchestration.report.figures import NOTHING, Bar, Column, Kind, count, money, share
from orchestration.report.labels import Lang, word

_MEMBERS = {"(none)": "member_none", "(unknown)": "member_unknown", "(other)": "member_other"}


@dataclass(frozen=True)
class Table:
    """Columns of equally many cells; rows named in `bold_rows` stand out.

    `keys` say what the first rows stand for, in the data's own words, so that the rows behind them can be found;
    `bar_note` explains the bars where there is room for them.
    """

    columns: Sequence[Column]
    bold_rows: Sequence[int] = ()
    keys: Sequence[str] = ()
    bar_note: str | None = None


@dataclass(frozen=True)
class Note:
    """A sentence below a table."""

    text: str


@dataclass(frozen=True)
class Heading:
    """A line above one of several tables of a block; an empty one only sets them apart."""

    text: str


Item = Table | Note | Heading


@dataclass(frozen=True)
class Sheet:
    """A place to draw; amounts have `decimals` everywhere on it."""

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

    def note(self, key: str, **values: object) -> Note:
        """A sentence below a table."""
        return Note(self.word(key, **values))

    def names(self, head: str, names: Iterable[str], *, total: bool = True) -> Column:
        """The first column: names from the data, and the word for the total below them."""
        return Column(self.word(head), [*map(self.member, names), *([self.word("total")] if total else [])], Kind.NAME)

    def numbers(self, head: str, values: Iterable[int | Decimal | None], *, spare: bool = False) -> Column:
        """A column of counts or amounts."""
        return Column(self.word(head), [self.figure(value) for value in values], Kind.NUMBER, spare)

    def shares(
        self,
        head: str,
        quantity: str,
        labels: Sequence[str],
        values: Sequence[int],
        whole: int,
        keys: Sequence[str] = (),
    ) -> Table:
        """Parts of a whole with their percentages and bars; the whole is the last row."""
        return Table(
            [
                self.names(head, labels),
                self.numbers(quantity, [*values, whole]),
                Column(self.word("share"), [*(share(value, whole) for value in values), ""], Kind.NUMBER),
                Column("", [*(Bar(value, whole) for value in values), ""], Kind.BAR),
            ],
            bold_rows=[len(labels)],
            keys=keys,
        )
