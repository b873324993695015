"""The customer journey: who stands in which relationship now, for how long, and the way in and out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import ClassVar

from orchestration.report.block import Block
from orchestration.report.block_names import BlockName
from orchestration.report.blocks.relationships import in_order, read_relationship_names
from orchestration.report.figures import NOTHING, Column, Kind, share
from orchestration.report.reading import Key, Readings, by_subject
from orchestration.report.sheet import Heading, Item, Sheet, Table


@dataclass(frozen=True)
class Stage:
    """One relationship: customers in it now, those of them created in the window, days, and moves of 84 days.

    Open days are those of the customers in it now, until as_of; closed ones are those of stays that a move ended.
    """

    relationship_id: str
    name: str
    customers: int = 0
    created_in_window: int = 0
    total_open_days: int = 0
    median_open_days: float | None = None
    closed_stays: int = 0
    total_closed_days: int = 0
    median_closed_days: float | None = None
    moves_in: int = 0
    moves_out: int = 0
    moves_forward: int = 0
    moves_backward: int = 0
    moves_skipping: int = 0

    @property
    def mean_open_days(self) -> float | None:
        """Days per customer in it now; None without one."""
        return self.total_open_days / self.customers if self.customers else None

    @property
    def mean_closed_days(self) -> float | None:
        """Days per stay that a move ended; None without one."""
        return self.total_closed_days / self.closed_stays if self.closed_stays else None


@dataclass(frozen=True)
class Journey(Block):
    """The relationships in the company's order."""

    name: ClassVar = BlockName.JOURNEY
    nothing: ClassVar = "nobody_in_charge"
    is_monthly: ClassVar = False

    window_days: int = 0
    first_day: date = date.min
    stages: tuple[Stage, ...] = ()

    @classmethod
    def read_all(cls, readings: Readings) -> Mapping[Key, Journey]:
        """`kpi_journey_time`, with `fct_journey` for the window and the rows behind the mart for the medians."""
        window = readings.filters.window_days
        rows = readings.rows(
            """
            with times as (
                select
                    asked.subject, stages.relationship_id, sum(stages.customers) as customers,
                    sum(stages.total_open_days) as total_open_days, sum(stages.closed_stays) as closed_stays,
                    sum(stages.total_closed_days) as total_closed_days, sum(stages.moves_in) as moves_in,
                    sum(stages.moves_out) as moves_out, sum(stages.moves_forward) as moves_forward,
                    sum(stages.moves_backward) as moves_backward, sum(stages.moves_skipping) as moves_skipping
                from access.access_kpi_journey_time as stages
                inner join asked on stages.manager_id = asked.employee_id
                group by asked.subject, stages.relationship_id
            ),

            window_stock as (
                select asked.subject, stock.relationship_id, sum(stock.customers) as customers
                from access.access_fct_journey as stock
                inner join asked on stock.manager_id = asked.employee_id
                where
                    stock.as_of_date = $as_of::date
                    and stock.created_date > $as_of::date - $window::integer
                    and stock.created_date <= $as_of::date
                group by asked.subject, stock.relationship_id
            ),

            open_stays as (
                select asked.subject, stays.relationship_id, median(stays.days_in_stage) as median_days
                from access.access_fct_customer_stages as stays
                inner join asked on stays.manager_id = asked.employee_id
                group by asked.subject, stays.relationship_id
            ),

            closed_stays as (
                select asked.subject, stays.relationship_id, median(stays.days_in_stage) as median_days
                from access.access_fct_relationship_stays as stays
                inner join asked on stays.manager_id = asked.employee_id
                where stays.has_moved_on
                group by asked.subject, stays.relationship_id
            )

            select
                times.subject, times.relationship_id, times.customers, coalesce(window_stock.customers, 0),
                times.total_open_days, open_stays.median_days, times.closed_stays, times.total_closed_days,
                closed_stays.median_days, times.moves_in, times.moves_out, times.moves_forward, times.moves_backward,
                times.moves_skipping
            from times
            left join window_stock
                on times.subject = window_stock.subject and times.relationship_id = window_stock.relationship_id
            left join open_stays
                on times.subject = open_stays.subject and times.relationship_id = open_stays.relationship_id
            left join closed_stays
                on times.subject = closed_stays.subject and times.relationship_id = closed_stays.relationship_id
            """,
            as_of=readings.as_of,
            window=window,
        )
        names = read_relationship_names(readings)
        found = by_subject(rows)

        def page(subject: str) -> Journey:
            stages = {
                one: Stage(str(one), names.get(str(one), str(one)), *figures)
                for one, *figures in found.get(subject, ())
            }
            return cls(
                window_days=window,
                first_day=readings.as_of - timedelta(days=window - 1),
                stages=tuple(stages[relationship] for relationship in in_order(stages, names)),
            )

        return readings.whatever_month(page)

    @property
    def is_empty(self) -> bool:
        """Whether nobody is or was in any relationship."""
        return not self.stages

    def draw(self, sheet: Sheet) -> Sequence[Item]:
        """The stock and the moves first, then the days."""
        stages = self.stages
        created = [stage.created_in_window for stage in stages]
        stock = Table(
            [
                sheet.names("relationship", [stage.name for stage in stages]),
                sheet.numbers("in_it_now", _with_sum(stage.customers for stage in stages)),
                sheet.numbers("created_in_window", _with_sum(created)),
                Column(sheet.word("share"), [*(share(one, sum(created)) for one in created), ""], Kind.NUMBER),
                sheet.numbers("moved_in", _with_sum(stage.moves_in for stage in stages)),
                sheet.numbers("moved_out", _with_sum(stage.moves_out for stage in stages)),
                sheet.numbers("went_forward", _with_sum(stage.moves_forward for stage in stages)),
                sheet.numbers("went_back", _with_sum(stage.moves_backward for stage in stages)),
            ],
            bold_rows=[len(stages)],
            keys=[stage.relationship_id for stage in stages],
        )
        times = Table(
            [
                sheet.names("days_in", [stage.name for stage in stages], total=False),
                sheet.numbers("in_it_now", [stage.customers for stage in stages]),
                Column(sheet.word("mean_days"), [_days(stage.mean_open_days) for stage in stages], Kind.NUMBER),
                Column(sheet.word("median_days"), [_days(stage.median_open_days) for stage in stages], Kind.NUMBER),
                sheet.numbers("stays_ended", [stage.closed_stays for stage in stages]),
                Column(sheet.word("mean_days"), [_days(stage.mean_closed_days) for stage in stages], Kind.NUMBER),
                Column(sheet.word("median_days"), [_days(stage.median_closed_days) for stage in stages], Kind.NUMBER),
            ]
        )
        return [
            stock,
            sheet.note("journey_note", first=self.first_day, last=sheet.as_of, days=self.window_days),
            Heading(""),
            times,
            sheet.note("stay_note"),
        ]


def _with_sum(values: Iterable[int]) -> list[int]:
    listed = list(values)
    return [*listed, sum(listed)]


def _days(days: float | None) -> str:
    return NOTHING if days is None else f"{days:,.1f}"
