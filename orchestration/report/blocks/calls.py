"""Calls of the month: how many, which way, answered or not, and how long."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import ClassVar, Self

from orchestration.report.block import Block
from orchestration.report.block_names import BlockName
from orchestration.report.figures import NOTHING, Column, Kind, count, share
from orchestration.report.months import month_end, previous_month
from orchestration.report.reading import Key, Readings, by_month
from orchestration.report.sheet import Item, Sheet, Table


@dataclass(frozen=True)
class CallMonth:
    """One month's calls, every logged one; talk time in seconds."""

    calls: int = 0
    calls_outbound: int = 0
    calls_inbound: int = 0
    calls_connected: int = 0
    calls_missed: int = 0
    calls_failed: int = 0
    talk_seconds: int = 0


_COUNTS = tuple(field.name for field in fields(CallMonth) if field.name != "talk_seconds")


@dataclass(frozen=True)
class Calls(Block):
    """The month and the month before."""

    name: ClassVar = BlockName.CALLS

    now: CallMonth = CallMonth()
    before: CallMonth = CallMonth()

    @classmethod
    def read_all(cls, readings: Readings) -> Mapping[Key, Self]:
        """The days of the months, and of those before, in `kpi_call_day`."""
        rows = readings.rows(
            """
            select
                asked.subject, cast(date_trunc('month', days.occurred_date) as date) as month_date,
                sum(days.calls), sum(days.calls_outbound), sum(days.calls_inbound), sum(days.calls_connected),
                sum(days.calls_missed), sum(days.calls_failed), sum(days.talk_seconds)
            from access.access_kpi_call_day as days
            inner join asked on days.employee_id = asked.employee_id
            where days.occurred_date between $first and $last
            group by asked.subject, month_date
            """,
            first=readings.month_before,
            last=month_end(readings.last_month),
        )
        months = {key: CallMonth(*map(int, figures)) for key, (figures,) in by_month(rows).items()}
        return readings.each(
            lambda subject, month: cls(
                months.get((subject, month), CallMonth()), months.get((subject, previous_month(month)), CallMonth())
            )
        )

    @property
    def is_empty(self) -> bool:
        """Whether nobody called in either month."""
        return self.now.calls == 0 and self.before.calls == 0

    def draw(self, sheet: Sheet) -> Sequence[Item]:
        """All calls first, then their parts with shares of all, then talk time."""
        now, before = self.now, self.before
        labels = [("  " if key != "calls" else "") + sheet.word(key) for key in _COUNTS]
        columns = [
            Column(
                sheet.word("calls_head"), [*labels, sheet.word("talk_time"), sheet.word("talk_per_call")], Kind.LABEL
            ),
            Column(f"{sheet.month:%Y-%m}", _cells(now), Kind.NUMBER),
            Column(
                sheet.word("share"),
                ["", *(share(getattr(now, key), now.calls) for key in _COUNTS[1:]), "", ""],
                Kind.NUMBER,
            ),
            Column(f"{previous_month(sheet.month):%Y-%m}", _cells(before), Kind.NUMBER),
            Column(
                sheet.word("share"),
                ["", *(share(getattr(before, key), before.calls) for key in _COUNTS[1:]), "", ""],
                Kind.NUMBER,
            ),
        ]
        return [Table(columns, bold_rows=[0]), sheet.note("calls_note")]


def _cells(month: CallMonth) -> list[str]:
    per_call = _time(round(month.talk_seconds / month.calls_connected)) if month.calls_connected else NOTHING
    return [*(count(getattr(month, key)) for key in _COUNTS), _time(month.talk_seconds), per_call]


def _time(seconds: int) -> str:
    return f"{seconds // 3600:,}:{seconds // 60 % 60:02}:{seconds % 60:02}"
