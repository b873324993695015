"""Tasks created in the month, by the project they are in and by their type."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Self, TypeVar

from orchestration.report.block import Block
from orchestration.report.block_names import BlockName
from orchestration.report.figures import Column, Kind, first_and_rest, share
from orchestration.report.people import one_line
from orchestration.report.reading import Key, Readings, Row, by_month
from orchestration.report.sheet import Item, Sheet, Table

_SHOWN = 10


@dataclass(frozen=True)
class Group:
    """Tasks of one project or type; those late and completed are parts of those created."""

    member_id: str
    name: str
    created: int
    completed: int
    late: int


@dataclass(frozen=True)
class _Groups(Block):
    """The groups, most tasks first."""

    is_narrow: ClassVar = True
    head: ClassVar[str]

    groups: tuple[Group, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether no task was created."""
        return not self.groups

    def draw(self, sheet: Sheet) -> Sequence[Item]:
        """The largest groups, the others in one row, and the total, which is step 3 of the conversion."""
        shown, rest = first_and_rest(self.groups, _SHOWN)
        others = [_sum(sheet.word("others", count=len(rest)), rest)] if rest else []
        total = _sum("", self.groups)
        rows = [*shown, *others, total]
        table = Table(
            [
                sheet.names(self.head, [group.name for group in rows[:-1]]),
                sheet.numbers("tasks", [group.created for group in rows]),
                Column(
                    sheet.word("share"),
                    [*(share(group.created, total.created) for group in rows[:-1]), ""],
                    Kind.NUMBER,
                ),
                sheet.numbers("task_completed", [group.completed for group in rows]),
                sheet.numbers("task_late", [group.late for group in rows]),
            ],
            bold_rows=[len(rows) - 1],
            keys=[group.member_id for group in shown],
        )
        return [table]


def _sum(name: str, groups: Sequence[Group]) -> Group:
    return Group(
        "",
        name,
        sum(group.created for group in groups),
        sum(group.completed for group in groups),
        sum(group.late for group in groups),
    )


_G = TypeVar("_G", bound=_Groups)


def _each(kind: type[_G], readings: Readings, rows: Sequence[Row]) -> dict[Key, _G]:
    found = by_month(rows)
    return readings.each(
        lambda *key: kind(
            tuple(Group(member, one_line(name), *map(int, figures)) for member, name, *figures in found.get(key, ()))
        )
    )


@dataclass(frozen=True)
class Projects(_Groups):
    """By project."""

    name: ClassVar = BlockName.PROJECTS
    head: ClassVar = "project"

    @classmethod
    def read_all(cls, readings: Readings) -> Mapping[Key, Self]:
        """The months of `fct_task_status` by project."""
        rows = readings.rows(
            """
            select
                asked.subject, tasks.month_date, tasks.project_id,
                coalesce(max(projects.project_name), tasks.project_id) as name,
                sum(tasks.tasks_created) as created, sum(tasks.tasks_completed), sum(tasks.tasks_late)
            from access.access_fct_task_status as tasks
            inner join asked on tasks.employee_id = asked.employee_id
            left join access.access_dim_projects as projects on tasks.project_id = projects.project_id
            where tasks.month_date between $first and $last
            group by asked.subject, tasks.month_date, tasks.project_id
            having sum(tasks.tasks_created) > 0
            order by created desc, name, tasks.project_id
            """,
            first=readings.first_month,
            last=readings.last_month,
        )
        return _each(cls, readings, rows)


@dataclass(frozen=True)
class TaskTypes(_Groups):
    """By type."""

    name: ClassVar = BlockName.TASK_TYPES
    head: ClassVar = "task_type"

    @classmethod
    def read_all(cls, readings: Readings) -> Mapping[Key, Self]:
        """The months of `fct_task_status` by type."""
        rows = readings.rows(
            """
            select
                asked.subject, tasks.month_date, tasks.task_type_id,
                coalesce(max(types.task_type_name), tasks.task_type_id) as name,
                sum(tasks.tasks_created) as created, sum(tasks.tasks_completed), sum(tasks.tasks_late)
            from access.access_fct_task_status as tasks
            inner join asked on tasks.employee_id = asked.employee_id
            left join access.access_dim_task_types as types on tasks.task_type_id = types.task_type_id
            where tasks.month_date between $first and $last
            group by asked.subject, tasks.month_date, tasks.task_type_id
            having sum(tasks.tasks_created) > 0
            order by created desc, name, tasks.task_type_id
            """,
            first=readings.first_month,
            last=readings.last_month,
        )
        return _each(cls, readings, rows)
