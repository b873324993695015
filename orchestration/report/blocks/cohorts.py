"""The true funnel: the customers created in a month, followed through, with the month's events beside them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import ClassVar, Self

from rich.console import RenderableType

from orchestration.report.block import Block
from orchestration.report.block_names import BlockName
from orchestration.report.blocks.conversion import Funnel, read_funnel
from orchestration.report.figures import NOTHING, Column, Kind, count, share
from orchestration.report.months import months_back
from orchestration.report.reading import Reading
from orchestration.report.sheet import Sheet

_MONTHS = 6
_STEPS = ("interaction", "task", "order", "payment")


@dataclass(frozen=True)
class Cohort:
    """The customers created in one month, and how many of them came so far until as_of, or passed that step."""

    month: date
    customers: int
    with_interaction: int
    with_task: int
    with_order: int
    with_payment: int
    revenue_amount: Decimal


@dataclass(frozen=True)
class Cohorts(Block):
    """The last months' cohorts, newest first, and the events of the page's month."""

    name: ClassVar = BlockName.COHORTS
    nothing: ClassVar = "no_cohort"

    cohorts: tuple[Cohort, ...] = ()
    events: Funnel = field(default_factory=Funnel)

    @classmethod
    def read(cls, reading: Reading) -> Self:
        """`kpi_cohort_funnel` of the month and those before, and `fct_funnel` of the month."""
        rows = reading.rows(
            """
            select
                cohort_month_date, sum(customers), sum(with_interaction), sum(with_task), sum(with_order),
                sum(with_payment), sum(revenue_amount)
            from access.access_kpi_cohort_funnel
            where
                cohort_month_date between $first and $month
                and manager_id in (select unnest($ids::varchar[]))
            group by cohort_month_date
            order by cohort_month_date desc
            """,
            first=months_back(reading.month, _MONTHS - 1),
            month=reading.month,
        )
        return cls(tuple(Cohort(*row) for row in rows), read_funnel(reading, reading.month))

    @property
    def is_empty(self) -> bool:
        """Whether nobody was created in these months."""
        return not self.cohorts

    @property
    def amounts(self) -> Iterable[Decimal]:
        """The cohorts' revenue."""
        return [cohort.revenue_amount for cohort in self.cohorts]

    def draw(self, sheet: Sheet) -> Sequence[RenderableType]:
        """A row per cohort, each step with its share of the cohort; the last row is the month's events."""
        events = self.events
        happened = {"interaction": events.interactions, "task": events.activities, "order": events.orders}
        columns = [
            Column(
                sheet.word("created"),
                [*(f"{cohort.month:%Y-%m}" for cohort in self.cohorts), sheet.word("events")],
                Kind.LABEL,
            ),
            sheet.numbers("customers", [*(cohort.customers for cohort in self.cohorts), events.new_customers]),
            *(
                Column(
                    sheet.word(f"with_{step}"),
                    [
                        *(_of(getattr(cohort, f"with_{step}"), cohort.customers) for cohort in self.cohorts),
                        count(happened[step]) if step in happened else NOTHING,
                    ],
                    Kind.NUMBER,
                )
                for step in _STEPS
            ),
            sheet.numbers(
                "revenue", [*(cohort.revenue_amount for cohort in self.cohorts), events.revenue_amount], spare=True
            ),
        ]
        return [
            *sheet.table(columns),
            sheet.note("cohort_note"),
            sheet.note("events_note", month=f"{sheet.month:%Y-%m}"),
        ]


def _of(part: int, whole: int) -> str:
    return f"{count(part)} {share(part, whole):>6}"
