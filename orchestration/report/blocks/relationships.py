"""Customers by relationship on four days, and the month's moves from one relationship to another."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import ClassVar, Self

from orchestration.report.block import Block
from orchestration.report.block_names import BlockName
from orchestration.report.figures import Bar, Column, Kind, count
from orchestration.report.labels import word_or_code
from orchestration.report.months import month_end
from orchestration.report.people import one_line
from orchestration.report.reading import Key, Readings, by_month, by_subject
from orchestration.report.sheet import Item, Sheet, Table

_STOCK_WEEKS_BEFORE = (12, 8, 4, 0)
_MOVES_SHOWN = 10

# Of a move called `moves`; ids are one line each.
KEY_OF_MOVE = "concat_ws(chr(10), moves.from_relationship_id, moves.to_relationship_id, moves.move_direction)"


def read_relationship_names(readings: Readings) -> dict[str, str]:
    """Relationship names by id, in the company's order."""
    rows = readings.connection.execute(
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
    def read_all(cls, readings: Readings) -> Mapping[Key, Relationships]:
        """`fct_journey` on those days, by the owner and relationship of each."""
        dates = {month: stock_dates(month, readings.as_of) for month in readings.months}
        rows = readings.rows(
            """
            select asked.subject, stock.relationship_id, stock.as_of_date, sum(stock.customers)
            from access.access_fct_journey as stock
            inner join asked on stock.manager_id = asked.employee_id
            where stock.as_of_date in (select unnest($dates::date[]))
            group by asked.subject, stock.relationship_id, stock.as_of_date
            """,
            dates=sorted({day for days in dates.values() for day in days}),
        )
        names = read_relationship_names(readings)
        found = {
            subject: {(relationship, day): int(customers) for relationship, day, customers in counts}
            for subject, counts in by_subject(rows).items()
        }

        def page(subject: str, month: date) -> Relationships:
            counts, days = found.get(subject, {}), dates[month]
            stock = tuple(
                Stock(
                    relationship,
                    names.get(relationship, relationship),
                    tuple(counts.get((relationship, day), 0) for day in days),
                )
                for relationship in in_order((one for one, day in counts if day in days), names)
            )
            return cls(days, stock)

        return readings.each(page)

    @property
    def is_empty(self) -> bool:
        """Whether nobody was in charge of a customer on any of the days."""
        return not self.stock

    def draw(self, sheet: Sheet) -> Sequence[Item]:
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
        table = Table(columns, bold_rows=[len(self.stock)], keys=[row.relationship_id for row in self.stock])
        return [table, sheet.note("stock_note")]


@dataclass(frozen=True)
class Move:
    """How many times customers went from one relationship to another in the month."""

    from_id: str
    to_id: str
    from_name: str
    to_name: str
    direction: str
    moves: int

    @property
    def key(self) -> str:
        """What one row stands for, as `KEY_OF_MOVE` writes it of a move."""
        return "\n".join((self.from_id, self.to_id, self.direction))


@dataclass(frozen=True)
class Moves(Block):
    """The month's moves by pair, most frequent first."""

    name: ClassVar = BlockName.MOVES

    moves: tuple[Move, ...] = ()

    @classmethod
    def read_all(cls, readings: Readings) -> Mapping[Key, Self]:
        """The months of `fct_relationship_moves`, by the owner at the move."""
        rows = readings.rows(
            """
            select
                asked.subject, moves.month_date, moves.from_relationship_id, moves.to_relationship_id,
                moves.move_direction, count(*) as times
            from access.access_fct_relationship_moves as moves
            inner join asked on moves.manager_id = asked.employee_id
            where moves.month_date between $first and $last
            group by
                asked.subject, moves.month_date, moves.from_relationship_id, moves.to_relationship_id,
                moves.move_direction
            order by times desc, moves.from_relationship_id, moves.to_relationship_id
            """,
            first=readings.first_month,
            last=readings.last_month,
        )
        names = read_relationship_names(readings)
        found = by_month(rows)
        return readings.each(
            lambda *key: cls(
                tuple(
                    Move(start, end, names.get(str(start), str(start)), names.get(str(end), str(end)), direction, moves)
                    for start, end, direction, moves in found.get(key, ())
                )
            )
        )

    @property
    def is_empty(self) -> bool:
        """Whether nobody moved."""
        return not self.moves

    def draw(self, sheet: Sheet) -> Sequence[Item]:
        """The most frequent pairs; a line adds up the others."""
        shown, rest = self.moves[:_MOVES_SHOWN], self.moves[_MOVES_SHOWN:]
        pairs = [f"{sheet.member(move.from_name)} → {sheet.member(move.to_name)}" for move in shown]
        table = Table(
            [
                sheet.names("from_to", pairs, total=False),
                Column(
                    sheet.word("direction"), [word_or_code(move.direction, sheet.lang) for move in shown], Kind.LABEL
                ),
                sheet.numbers("moves", [move.moves for move in shown]),
                Column("", [Bar(move.moves, shown[0].moves) for move in shown], Kind.BAR),
            ],
            keys=[move.key for move in shown],
        )
        if not rest:
            return [table]
        others = sheet.note("moves_left_out", kinds=len(rest), moves=count(sum(move.moves for move in rest)))
        return [table, others]
