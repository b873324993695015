"""Customers by relationship on four days, and the month's moves from one relationship to another."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import ClassVar, Self

from rich.console import RenderableType

from orchestration.report.block import Block
from orchestration.report.block_names import BlockName
from orchestration.report.figures import Bar, Column, Kind, count
from orchestration.report.labels import word_or_code
from orchestration.report.months import month_end
from orchestration.report.people import one_line
from orchestration.report.reading import Reading
from orchestration.report.sheet import Sheet

_STOCK_WEEKS_BEFORE = (12, 8, 4, 0)
_MOVES_SHOWN = 10


def read_relationship_names(reading: Reading) -> dict[str, str]:
    """Relationship names by id, in the company's order."""
    rows = reading.connection.execute(
        """
        select relationship_id, relationship_name
        from access.access_dim_relationships
        order by relationship_order nulls last, relationship_id
        """
    ).fetchall()
    return {relationship_id: one_line(name or relationship_id) for relationship_id, name in rows}


def in_order(present: Iterable[str], names: dict[str, str]) -> list[str]:
    """The ids that are present, in the company's order; one the company's list lacks comes last."""
    found = set(present)
    return [*(known for known in names if known in found), *sorted(found - names.keys())]


def stock_dates(month: date, as_of: date) -> tuple[date, ...]:
    """The days at whose end the stock is shown, oldest first.

    12, 8 and 4 weeks before the month's end, that end, and as_of; as_of stands in for an end that lies after it.
    """
    last = min(month_end(month), as_of)
    days = [last - timedelta(weeks=weeks) for weeks in _STOCK_WEEKS_BEFORE]
    return tuple(days) if last == as_of else (*days, as_of)


@dataclass(frozen=True)
class Stock:
    """Customers in one relationship at each of the block's dates."""

    relationship_id: str
    name: str
    customers: tuple[int, ...]


@dataclass(frozen=True)
class Relationships(Block):
    """The stock at the end of each day of `dates`."""

    name: ClassVar = BlockName.RELATIONSHIPS
    nothing: ClassVar = "nobody_in_charge_then"

    dates: tuple[date, ...] = ()
    stock: tuple[Stock, ...] = ()

    @classmethod
    def read(cls, reading: Reading) -> Self:
        """`fct_journey` on those days, by the owner and relationship of each."""
        dates = stock_dates(reading.month, reading.as_of)
        rows = reading.rows(
            """
            select relationship_id, as_of_date, sum(customers)
            from access.access_fct_journey
            where as_of_date in (select unnest($dates::date[])) and manager_id in (select unnest($ids::varchar[]))
            group by relationship_id, as_of_date
            """,
            dates=list(dates),
        )
        counts = {(relationship, day): int(customers) for relationship, day, customers in rows}
        names = read_relationship_names(reading)
        stock = tuple(
            Stock(
                relationship,
                names.get(relationship, relationship),
                tuple(counts.get((relationship, day), 0) for day in dates),
            )
            for relationship in in_order((relationship for relationship, _ in counts), names)
        )
        return cls(dates, stock)

    @property
    def is_empty(self) -> bool:
        """Whether nobody was in charge of a customer on any of the days."""
        return not self.stock

    def draw(self, sheet: Sheet) -> Sequence[RenderableType]:
        """A column per day; the bar is the last."""
        most = max(row.customers[-1] for row in self.stock)
        columns = [
            sheet.names("relationship", [row.name for row in self.stock]),
            *(
                Column(
                    day.isoformat(),
                    [
                        *(count(row.customers[at]) for row in self.stock),
                        count(sum(row.customers[at] for row in self.stock)),
                    ],
                    Kind.NUMBER,
                )
                for at, day in enumerate(self.dates)
            ),
            Column("", [*(Bar(row.customers[-1], most) for row in self.stock), ""], Kind.BAR),
        ]
        return [*sheet.table(columns, bold_rows=[len(self.stock)]), sheet.note("stock_note")]


@dataclass(frozen=True)
class Move:
    """How many times customers went from one relationship to another in the month."""

    from_name: str
    to_name: str
    direction: str
    moves: int


@dataclass(frozen=True)
class Moves(Block):
    """The month's moves by pair, most frequent first."""

    name: ClassVar = BlockName.MOVES

    moves: tuple[Move, ...] = ()

    @classmethod
    def read(cls, reading: Reading) -> Self:
        """The month of `fct_relationship_moves`, by the owner at the move."""
        rows = reading.rows(
            """
            select from_relationship_id, to_relationship_id, move_direction, count(*) as moves
            from access.access_fct_relationship_moves
            where month_date = $month and manager_id in (select unnest($ids::varchar[]))
            group by from_relationship_id, to_relationship_id, move_direction
            order by moves desc, from_relationship_id, to_relationship_id
            """,
            month=reading.month,
        )
        names = read_relationship_names(reading)
        return cls(
            tuple(
                Move(names.get(start, start), names.get(end, end), direction, moves)
                for start, end, direction, moves in rows
            )
        )

    @property
    def is_empty(self) -> bool:
        """Whether nobody moved."""
        return not self.moves

    def draw(self, sheet: Sheet) -> Sequence[RenderableType]:
        """The most frequent pairs; a line adds up the others."""
        shown, rest = self.moves[:_MOVES_SHOWN], self.moves[_MOVES_SHOWN:]
        pairs = [f"{sheet.member(move.from_name)} → {sheet.member(move.to_name)}" for move in shown]
        table = sheet.table(
            [
                sheet.names("from_to", pairs, total=False),
                Column(
                    sheet.word("direction"), [word_or_code(move.direction, sheet.lang) for move in shown], Kind.LABEL
                ),
                sheet.numbers("moves", [move.moves for move in shown]),
                Column("", [Bar(move.moves, shown[0].moves) for move in shown], Kind.BAR),
            ]
        )
        if not rest:
            return table
        others = sheet.note("moves_left_out", kinds=len(rest), moves=count(sum(move.moves for move in rest)))
        return [*table, others]
