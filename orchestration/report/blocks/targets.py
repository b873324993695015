"""Targets whose period touches the month: target, actual, and how much of it was achieved."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import ClassVar

from orchestration.report.block import Block
from orchestration.report.block_names import BlockName
from orchestration.report.figures import NOTHING, Column, Kind, count, percent, quantity
from orchestration.report.labels import metric_name
from orchestration.report.months import month_end
from orchestration.report.reading import Key, Readings, by_subject
from orchestration.report.sheet import Item, Sheet, Table


@dataclass(frozen=True)
class Target:
    """One metric's targets of one period, added up over the people who have one and an actual.

    `weighted_rate` and `weight` are of the rows that have both; `without_actual` are targets that nothing can be held
    against: a metric the warehouse does not know, or an owner the CRM does not have.
    """

    metric: str
    direction: str
    period_start: date
    period_end: date
    elapsed_days: int
    period_days: int
    people: int
    reached: int
    target: Decimal
    actual: Decimal
    weight: Decimal | None
    weighted_rate: float | None
    without_actual: int = 0

    @property
    def rate(self) -> float | None:
        """Actual per target, or 2 minus that where less is better, not below 0; None over a target of 0 or less."""
        if self.target <= 0 or not self.people:
            return None
        ratio = float(self.actual / self.target)
        return max(0.0, 2 - ratio) if self.direction == "decrease" else ratio


@dataclass(frozen=True)
class Targets(Block):
    """The people's own targets, not those of their departments."""

    name: ClassVar = BlockName.TARGETS
    nothing: ClassVar = "no_target"

    targets: tuple[Target, ...] = ()

    @classmethod
    def read_all(cls, readings: Readings) -> Mapping[Key, Targets]:
        """The rows of people in `kpi_target_attainment` with a day in the month, heaviest metric first."""
        rows = readings.rows(
            """
            select
                asked.subject, targets.metric, targets.direction, targets.period_start, targets.period_end,
                max(targets.elapsed_days), max(targets.period_days), count(targets.actual_value),
                count(*) filter (where targets.actual_value is not null and targets.attainment_rate >= 1),
                coalesce(sum(targets.target_value) filter (where targets.actual_value is not null), 0),
                coalesce(sum(targets.actual_value), 0),
                sum(targets.weight) filter (where targets.weighted_rate is not null), sum(targets.weighted_rate),
                count(*) filter (where targets.actual_value is null)
            from access.access_kpi_target_attainment as targets
            inner join asked on targets.employee_id = asked.employee_id
            where targets.department_id = 'none' and targets.period_start <= $last and targets.period_end >= $first
            group by asked.subject, targets.metric, targets.direction, targets.period_start, targets.period_end
            order by
                targets.period_start, targets.period_end, max(targets.weight) desc nulls last, targets.metric,
                targets.direction
            """,
            first=readings.first_month,
            last=month_end(readings.last_month),
        )
        found = {subject: [Target(*row) for row in targets] for subject, targets in by_subject(rows).items()}

        def page(subject: str, month: date) -> Targets:
            last = month_end(month)
            targets = found.get(subject, ())
            return cls(tuple(one for one in targets if one.period_start <= last and one.period_end >= month))

        return readings.each(page)

    @property
    def is_empty(self) -> bool:
        """Whether nobody has a target in the month."""
        return not self.targets

    @property
    def amounts(self) -> Iterable[Decimal]:
        """The actual amounts."""
        return [target.actual for target in self.targets if _is_money(target)]

    def draw(self, sheet: Sheet) -> Sequence[Item]:
        """A row per metric; several people's rows are added up and say how many of them reached theirs."""
        targets = self.targets
        periods = {(target.period_start, target.period_end) for target in targets}
        columns = [
            sheet.names("metric", [metric_name(target.metric, sheet.lang) for target in targets], total=False),
            *(
                []
                if len(periods) == 1
                else [Column(sheet.word("period"), [_period(one) for one in targets], Kind.LABEL)]
            ),
            Column(sheet.word("target"), [_value(one, one.target, sheet) for one in targets], Kind.NUMBER),
            Column(sheet.word("actual"), [_value(one, one.actual, sheet) for one in targets], Kind.NUMBER),
            Column(sheet.word("achieved"), [_rate(one) for one in targets], Kind.NUMBER),
        ]
        if sheet.is_team:
            reached = [f"{count(one.reached)} / {count(one.people)}" for one in targets]
            columns.append(Column(sheet.word("reached"), reached, Kind.NUMBER))
        else:
            weights = [NOTHING if one.weight is None else percent(one.weight) for one in targets]
            columns.append(Column(sheet.word("weight"), weights, Kind.NUMBER))
        table = Table(columns, keys=[one.metric for one in targets])
        return [table, *self._notes(sheet, is_one_period=len(periods) == 1)]

    def _notes(self, sheet: Sheet, *, is_one_period: bool) -> list[Item]:
        first = self.targets[0]
        notes: list[Item] = []
        rates = [one.weighted_rate for one in self.targets if one.weighted_rate is not None]
        if rates and is_one_period and not sheet.is_team:
            weight = sum((one.weight for one in self.targets if one.weight is not None), Decimal(0))
            notes.append(sheet.note("weighted_note", rate=percent(sum(rates)), weight=percent(weight)))
        if is_one_period:
            notes.append(
                sheet.note(
                    "period_note",
                    first=first.period_start,
                    last=first.period_end,
                    elapsed=first.elapsed_days,
                    days=first.period_days,
                )
            )
        if any(one.direction == "decrease" for one in self.targets):
            notes.append(sheet.note("less_is_better"))
        if missing := sum(one.without_actual for one in self.targets):
            notes.append(sheet.note("without_actual", count=missing))
        return notes


def _is_money(target: Target) -> bool:
    return target.metric.endswith("_amount")


def _value(target: Target, value: Decimal, sheet: Sheet) -> str:
    if not target.people:
        return NOTHING
    return sheet.figure(value) if _is_money(target) else quantity(value)


def _rate(target: Target) -> str:
    if target.rate is None:
        return NOTHING
    return percent(target.rate) + ("*" if target.direction == "decrease" else "")


def _period(target: Target) -> str:
    return f"{target.period_start:%m-%d}..{target.period_end:%m-%d}"
