"""The team's month: one row per person, best revenue first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar, Self

from rich.console import RenderableType

from orchestration.report.block import Block
from orchestration.report.block_names import BlockName
from orchestration.report.blocks.conversion import Funnel, read_funnels
from orchestration.report.people import Person
from orchestration.report.reading import Reading
from orchestration.report.sheet import Sheet


@dataclass(frozen=True)
class TeamRow:
    """One person's month in the team's table."""

    person: Person
    funnel: Funnel


@dataclass(frozen=True)
class Team(Block):
    """The people shown; none where only one person is."""

    name: ClassVar = BlockName.TEAM
    nothing: ClassVar = "one_person"

    rows: tuple[TeamRow, ...] = ()

    @classmethod
    def read(cls, reading: Reading) -> Self:
        """The month of `fct_funnel`, person by person; who has no row is all zero."""
        if not reading.is_team:
            return cls()
        funnels = read_funnels(reading, reading.month)
        rows = [TeamRow(person, funnels.get(person.employee_id, Funnel())) for person in reading.people]
        return cls(tuple(sorted(rows, key=_rank)))

    @property
    def is_empty(self) -> bool:
        """Whether it is no team."""
        return not self.rows

    @property
    def amounts(self) -> Iterable[Decimal]:
        """Everybody's."""
        return [amount for row in self.rows for amount in row.funnel.amounts]

    def draw(self, sheet: Sheet) -> Sequence[RenderableType]:
        """Who has a figure; the last row is the sum of the rows above it."""
        rows = [row for row in self.rows if not row.funnel.is_empty]
        funnels = [*(row.funnel for row in rows), sum((row.funnel for row in rows), Funnel())]
        columns = [
            sheet.names("employee", [_named(row.person, sheet) for row in rows]),
            sheet.numbers("new", [one.new_customers for one in funnels]),
            sheet.numbers("in_charge", [one.customers_in_charge for one in funnels]),
            sheet.numbers("inter", [one.interactions for one in funnels]),
            sheet.numbers("acts", [one.activities for one in funnels]),
            sheet.numbers("ord", [one.orders for one in funnels]),
            sheet.numbers("revenue", [one.revenue_amount for one in funnels]),
            sheet.numbers("sales", [one.sales_amount for one in funnels], spare=True),
            sheet.numbers("collected", [one.collected_amount for one in funnels], spare=True),
        ]
        table, *narrow = sheet.table(columns, bold_rows=[len(rows)])
        missing = len(self.rows) - len(rows)
        return [table, *([sheet.note("team_left_out", count=missing)] if missing else []), *narrow]


def _rank(row: TeamRow) -> tuple[bool, Decimal, int, str]:
    """Best revenue first, then most interactions, then by name; rows without a person last."""
    return (row.person.is_placeholder, -row.funnel.revenue_amount, -row.funnel.interactions, row.person.full_name)


def _named(person: Person, sheet: Sheet) -> str:
    gone = not person.is_active and not person.is_placeholder
    return f"{person.full_name} ({sheet.word('inactive')})" if gone else person.full_name
