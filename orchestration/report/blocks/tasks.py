"""Tasks: those created in the month by state, and those confirmed in it with their ratings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

from orchestration.report.block import Block
from orchestration.report.block_names import BlockName
from orchestration.report.figures import NOTHING, Column, Kind, count
from orchestration.report.months import previous_month
from orchestration.report.reading import Key, Readings, by_month
from orchestration.report.sheet import Item, Sheet, Table

_STATES = ("new", "in_progress", "awaiting_confirmation", "late", "completed", "completed_late", "cancelled")


@dataclass(frozen=True)
class Tasks(Block):
    """Tasks created in the month, by state as of the publication's day. `completed_late` is part of `completed`."""

    name: ClassVar = BlockName.TASKS
    is_narrow: ClassVar = True

    created: int = 0
    new: int = 0
    in_progress: int = 0
    awaiting_confirmation: int = 0
    late: int = 0
    completed: int = 0
    completed_late: int = 0
    cancelled: int = 0

    @classmethod
    def read_all(cls, readings: Readings) -> Mapping[Key, Self]:
        """The months of `fct_task_status`, over projects and types."""
        rows = readings.rows(
            """
            select
                asked.subject, tasks.month_date, sum(tasks.tasks_created), sum(tasks.tasks_new),
                sum(tasks.tasks_in_progress), sum(tasks.tasks_awaiting_confirmation), sum(tasks.tasks_late),
                sum(tasks.tasks_completed), sum(tasks.tasks_completed_late), sum(tasks.tasks_cancelled)
            from access.access_fct_task_status as tasks
            inner join asked on tasks.employee_id = asked.employee_id
            where tasks.month_date between $first and $last
            group by asked.subject, tasks.month_date
            """,
            first=readings.first_month,
            last=readings.last_month,
        )
        found = {key: cls(*map(int, figures)) for key, (figures,) in by_month(rows).items()}
        return readings.each(lambda *key: found.get(key, cls()))

    @property
    def is_empty(self) -> bool:
        """Whether none was created."""
        return self.created == 0

    def draw(self, sheet: Sheet) -> Sequence[Item]:
        """States that exclude each other, and the late part of the completed ones."""
        labels = [("  " if state == "completed_late" else "") + sheet.word(f"task_{state}") for state in _STATES]
        values = [getattr(self, state) for state in _STATES]
        return [sheet.shares("state", "tasks", labels, values, self.created, _STATES)]


@dataclass(frozen=True)
class Done:
    """Tasks confirmed in one month and their stars; `stars_with_default` counts 2 for an unrated one."""

    confirmed: int = 0
    rated: int = 0
    stars: int = 0
    stars_with_default: int = 0


@dataclass(frozen=True)
class Ratings(Block):
    """What was confirmed in the month and the month before, and how it was rated."""

    name: ClassVar = BlockName.RATINGS
    is_narrow: ClassVar = True

    now: Done = Done()
    before: Done = Done()

    @classmethod
    def read_all(cls, readings: Readings) -> Mapping[Key, Self]:
        """The months of `kpi_task_month`, and those before."""
        rows = readings.rows(
            """
            select
                asked.subject, tasks.month_date, sum(tasks.tasks_confirmed), sum(tasks.rated_tasks),
                sum(tasks.total_rating), sum(tasks.total_rating_with_default)
            from access.access_kpi_task_month as tasks
            inner join asked on tasks.employee_id = asked.employee_id
            where tasks.month_date between $before and $last
            group by asked.subject, tasks.month_date
            """,
            before=readings.month_before,
            last=readings.last_month,
        )
        done = {key: Done(*figures) for key, (figures,) in by_month(rows).items()}
        return readings.each(
            lambda subject, month: cls(
                done.get((subject, month), Done()), done.get((subject, previous_month(month)), Done())
            )
        )

    @property
    def is_empty(self) -> bool:
        """Whether nothing was confirmed in either month."""
        return self.now.confirmed == 0 and self.before.confirmed == 0

    def draw(self, sheet: Sheet) -> Sequence[Item]:
        """Counts of both months, then the means with their divisions."""
        months = (self.now, self.before)
        columns = [
            Column("", [sheet.word(key) for key in ("confirmed", "rated", "mean_rating", "mean_default")], Kind.LABEL),
            *(
                Column(
                    f"{month:%Y-%m}",
                    [
                        count(done.confirmed),
                        count(done.rated),
                        _mean(done.stars, done.rated),
                        _mean(done.stars_with_default, done.confirmed),
                    ],
                    Kind.NUMBER,
                )
                for month, done in zip((sheet.month, previous_month(sheet.month)), months, strict=True)
            ),
        ]
        return [
            Table(columns, bold_rows=[0]),
            sheet.note("rating_note", stars=count(self.now.stars), rated=count(self.now.rated)),
            sheet.note("default_note", stars=count(self.now.stars_with_default), confirmed=count(self.now.confirmed)),
        ]


def _mean(total: int, parts: int) -> str:
    return f"{total / parts:.2f}" if parts else NOTHING
