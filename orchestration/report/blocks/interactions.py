"""Interactions of the month by type, and how many customers they reached."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import ClassVar

from orchestration.report.block import Block
from orchestration.report.block_names import BlockName
from orchestration.report.figures import Column, Kind, share
from orchestration.report.labels import interaction_name
from orchestration.report.months import previous_month
from orchestration.report.reading import Key, Readings, by_month
from orchestration.report.sheet import Item, Sheet, Table


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
    def read_all(cls, readings: Readings) -> Mapping[Key, Interactions]:
        """The months of `kpi_interactions_by_type`; customers of several people are counted in `fct_interactions`."""
        rows = readings.rows(
            """
            with figures as (
                select
                    asked.subject, types.month_date, types.interaction_type, sum(types.interactions) as interactions,
                    sum(types.interactions_logged) as interactions_logged
                from access.access_kpi_interactions_by_type as types
                inner join asked on types.employee_id = asked.employee_id
                where types.month_date between $before and $last
                group by asked.subject, types.month_date, types.interaction_type
            ),

            reached as (
                select
                    asked.subject, interactions.month_date, interactions.interaction_type,
                    count(distinct interactions.customer_id) as interacted_customers
                from access.access_fct_interactions as interactions
                inner join asked on interactions.employee_id = asked.employee_id
                where interactions.month_date between $first and $last and interactions.is_counted
                group by asked.subject, interactions.month_date, interactions.interaction_type
            )

            select
                figures.subject, figures.month_date, figures.interaction_type, figures.interactions,
                figures.interactions_logged, coalesce(reached.interacted_customers, 0)
            from figures
            left join reached
                on
                    figures.subject = reached.subject
                    and figures.month_date = reached.month_date
                    and figures.interaction_type = reached.interaction_type
            """,
            before=readings.month_before,
            first=readings.first_month,
            last=readings.last_month,
        )
        found = {key: {name: figures for name, *figures in types} for key, types in by_month(rows).items()}

        def page(subject: str, month: date) -> Interactions:
            now, before = found.get((subject, month), {}), found.get((subject, previous_month(month)), {})
            types = []
            for name in now.keys() | before.keys():
                interactions, logged, reached = now.get(name, (0, 0, 0))
                before_it = before.get(name, (0, 0, 0))[0]
                types.append(Contact(name, int(interactions), int(before_it), int(logged), int(reached)))
            return cls(tuple(sorted(types, key=lambda one: (-one.interactions, one.name))))

        return readings.each(page)

    @property
    def is_empty(self) -> bool:
        """Whether there was none in either month."""
        return not any(one.interactions or one.interactions_before or one.interactions_logged for one in self.types)

    def draw(self, sheet: Sheet) -> Sequence[Item]:
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
        table = Table(columns, bold_rows=[len(self.types)], keys=[one.name for one in self.types])
        return [table, sheet.note("interactions_note")]
