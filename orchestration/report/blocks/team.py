"""The team's month: one row per person, best revenue first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import ClassVar

from orchestration.report.block import Block
from orchestration.report.block_names import BlockName
from orchestration.report.blocks.conversion import Funnel, read_funnels
from orchestration.report.people import Person
from orchestration.report.reading import Key, Readings
from orchestration.report.sheet import Item, Sheet, Table


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
    def read_all(cls, readings: Readings) -> Mapping[Key, Team]:
        """The months of `fct_funnel`, person by person; who has no row is all zero."""
        if not any(readings.is_team(subject) for subject in readings.subjects):
            return readings.each(lambda *_: cls())
        funnels = read_funnels(readings)

        def page(subject: str, month: date) -> Team:
            if not readings.is_team(subject):
                return cls()
            found = funnels.get((subject, month), {})
            rows = [TeamRow(person, found.get(person.employee_id, Funnel())) for person in readings.subjects[subject]]
            return cls(tuple(sorted(rows, key=_rank)))

        return readings.each(page)

    @property
    def is_empty(self) -> bool:
        """Whether it is no team."""
        return not self.rows

    @property
    def amounts(self) -> Iterable[Decimal]:
        """Everybody's."""
        return [amount for row in self.rows for amount in row.funnel.amounts]

    def draw(self, sheet: Sheet) -> Sequence[Item]:
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
        table = Table(columns, bold_rows=[len(rows)], keys=[row.person.employee_id for row in rows])
        missing = len(self.rows) - len(rows)
        return [table, *([sheet.note("team_left_out", count=missing)] if missing else [])]


def _rank(row: TeamRow) -> tuple[bool, Decimal, int, str]:
    """Best revenue first, then most interactions, then by name; rows without a person last."""
    return (row.person.is_placeholder, -row.funnel.revenue_amount, -row.funnel.interactions, row.person.full_name)


def _named(person: Person, sheet: Sheet) -> str:
    gone = not person.is_active and not person.is_placeholder
    return f"{person.full_name} ({sheet.word('inactive')})" if gone else person.full_name
