"""The true funnel: the customers created in a month, followed through, with the month's events beside them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import ClassVar

from orchestration.report.block import Block
from orchestration.report.block_names import BlockName
from orchestration.report.blocks.conversion import Funnel, read_funnel
from orchestration.report.figures import NOTHING, Column, Kind, count, share
from orchestration.report.months import months_back
from orchestration.report.reading import Key, Readings, by_month
from orchestration.report.sheet import Item, Sheet, Table

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
    def read_all(cls, readings: Readings) -> Mapping[Key, Cohorts]:
        """`kpi_cohort_funnel` of each month and those before, and `fct_funnel` of the month."""
        rows = readings.rows(
            """
            select
                asked.subject, cohorts.cohort_month_date, sum(cohorts.customers), sum(cohorts.with_interaction),
                sum(cohorts.with_task), sum(cohorts.with_order), sum(cohorts.with_payment),
                sum(cohorts.revenue_amount)
            from access.access_kpi_cohort_funnel as cohorts
            inner join asked on cohorts.manager_id = asked.employee_id
            where cohorts.cohort_month_date between $first and $last
            group by asked.subject, cohorts.cohort_month_date
            """,
            first=months_back(readings.first_month, _MONTHS - 1),
            last=readings.last_month,
        )
        found = {key: Cohort(key[1], *figures) for key, (figures,) in by_month(rows).items()}
        funnels = read_funnel(readings)

        def page(subject: str, month: date) -> Cohorts:
            months = [months_back(month, back) for back in range(_MONTHS)]
            cohorts = [found[subject, one] for one in months if (subject, one) in found]
            return cls(tuple(cohorts), funnels[subject, month])

        return readings.each(page)

    @property
    def is_empty(self) -> bool:
        """Whether nobody was created in these months."""
        return not self.cohorts

    @property
    def amounts(self) -> Iterable[Decimal]:
        """The cohorts' revenue."""
        return [cohort.revenue_amount for cohort in self.cohorts]

    def draw(self, sheet: Sheet) -> Sequence[Item]:
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
            Table(columns),
            sheet.note("cohort_note"),
            sheet.note("events_note", month=f"{sheet.month:%Y-%m}"),
        ]


def _of(part: int, whole: int) -> str:
    return f"{count(part)} {share(part, whole):>6}"
