"""Tasks: those created in the month by state, and those confirmed in it with their ratings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

from rich.console import RenderableType

from orchestration.report.block import Block
from orchestration.report.block_names import BlockName
from orchestration.report.figures import NOTHING, Column, Kind, count
from orchestration.report.months import previous_month
from orchestration.report.reading import Reading
from orchestration.report.sheet import Sheet

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
    def read(cls, reading: Reading) -> Self:
        """The month of `fct_task_status`, over projects and types."""
        (row,) = reading.rows(
            """
            select
                sum(tasks_created), sum(tasks_new), sum(tasks_in_progress), sum(tasks_awaiting_confirmation),
                sum(tasks_late), sum(tasks_completed), sum(tasks_completed_late), sum(tasks_cancelled)
            from access.access_fct_task_status
            where month_date = $month and employee_id in (select unnest($ids::varchar[]))
            """,
            month=reading.month,
        )
        return cls(*(int(value or 0) for value in row))

    @property
    def is_empty(self) -> bool:
        """Whether none was created."""
        return self.created == 0

    def draw(self, sheet: Sheet) -> Sequence[RenderableType]:
        """States that exclude each other, and the late part of the completed ones."""
        labels = [("  " if state == "completed_late" else "") + sheet.word(f"task_{state}") for state in _STATES]
        return sheet.shares("state", "tasks", labels, [getattr(self, state) for state in _STATES], self.created)


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
    def read(cls, reading: Reading) -> Self:
        """Both months of `kpi_task_month`."""
        rows = reading.rows(
            """
            select
                month_date, sum(tasks_confirmed), sum(rated_tasks), sum(total_rating), sum(total_rating_with_default)
            from access.access_kpi_task_month
            where month_date in ($month, $before) and employee_id in (select unnest($ids::varchar[]))
            group by month_date
            """,
            month=reading.month,
            before=previous_month(reading.month),
        )
        done = {month: Done(*figures) for month, *figures in rows}
        return cls(done.get(reading.month, Done()), done.get(previous_month(reading.month), Done()))

    @property
    def is_empty(self) -> bool:
        """Whether nothing was confirmed in either month."""
        return self.now.confirmed == 0 and self.before.confirmed == 0

    def draw(self, sheet: Sheet) -> Sequence[RenderableType]:
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
            *sheet.table(columns, bold_rows=[0]),
            sheet.note("rating_note", stars=count(self.now.stars), rated=count(self.now.rated)),
            sheet.note("default_note", stars=count(self.now.stars_with_default), confirmed=count(self.now.confirmed)),
        ]


def _mean(total: int, parts: int) -> str:
    return f"{total / parts:.2f}" if parts else NOTHING
