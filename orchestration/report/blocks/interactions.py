"""Interactions of the month by type, and how many customers they reached."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

from rich.console import RenderableType

from orchestration.report.block import Block
from orchestration.report.block_names import BlockName
from orchestration.report.figures import Column, Kind, share
from orchestration.report.labels import interaction_name
from orchestration.report.months import previous_month
from orchestration.report.reading import Reading
from orchestration.report.sheet import Sheet


@dataclass(frozen=True)
class Contact:
    """One type: what counts as an interaction this month and the month before, what was logged, whom it reached."""

    name: str
    interactions: int
    interactions_before: int
    interactions_logged: int
    interacted_customers: int


@dataclass(frozen=True)
class Interactions(Block):
    """The types, most interactions first."""

    name: ClassVar = BlockName.INTERACTIONS

    types: tuple[Contact, ...] = ()

    @classmethod
    def read(cls, reading: Reading) -> Self:
        """Both months of `kpi_interactions_by_type`; customers of several people are counted in `fct_interactions`."""
        rows = reading.rows(
            """
            with figures as (
                select
                    interaction_type,
                    coalesce(sum(interactions) filter (where month_date = $month), 0) as interactions,
                    coalesce(sum(interactions) filter (where month_date = $before), 0) as interactions_before,
                    coalesce(sum(interactions_logged) filter (where month_date = $month), 0) as interactions_logged
                from access.access_kpi_interactions_by_type
                where month_date in ($month, $before) and employee_id in (select unnest($ids::varchar[]))
                group by interaction_type
            ),

            reached as (
                select interaction_type, count(distinct customer_id) as interacted_customers
                from access.access_fct_interactions
                where month_date = $month and is_counted and employee_id in (select unnest($ids::varchar[]))
                group by interaction_type
            )

            select
                figures.interaction_type, figures.interactions, figures.interactions_before,
                figures.interactions_logged, coalesce(reached.interacted_customers, 0)
            from figures
            left join reached on figures.interaction_type = reached.interaction_type
            order by figures.interactions desc, figures.interaction_type
            """,
            month=reading.month,
            before=previous_month(reading.month),
        )
        return cls(tuple(Contact(name, *map(int, figures)) for name, *figures in rows))

    @property
    def is_empty(self) -> bool:
        """Whether there was none in either month."""
        return not any(one.interactions or one.interactions_before or one.interactions_logged for one in self.types)

    def draw(self, sheet: Sheet) -> Sequence[RenderableType]:
        """The total is step 2 of the conversion; customers of several types are not added up."""
        total = sum(one.interactions for one in self.types)
        before = sum(one.interactions_before for one in self.types)
        logged = sum(one.interactions_logged for one in self.types)
        columns = [
            sheet.names("type", [interaction_name(one.name, sheet.lang) for one in self.types]),
            Column(
                f"{sheet.month:%Y-%m}",
                [sheet.figure(value) for value in (*(one.interactions for one in self.types), total)],
                Kind.NUMBER,
            ),
            Column(sheet.word("share"), [*(share(one.interactions, total) for one in self.types), ""], Kind.NUMBER),
            Column(
                f"{previous_month(sheet.month):%Y-%m}",
                [sheet.figure(value) for value in (*(one.interactions_before for one in self.types), before)],
                Kind.NUMBER,
            ),
            Column(
                sheet.word("customers"),
                [*(sheet.figure(one.interacted_customers) for one in self.types), ""],
                Kind.NUMBER,
            ),
            sheet.numbers("logged", [*(one.interactions_logged for one in self.types), logged]),
        ]
        return [*sheet.table(columns, bold_rows=[len(self.types)]), sheet.note("interactions_note")]
