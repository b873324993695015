"""The five steps of one month, beside the month before, and the quotients between them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import ClassVar, Self

from rich.console import RenderableType

from orchestration.report.block import Block
from orchestration.report.block_names import BlockName
from orchestration.report.figures import MARK, NOTHING, Bar, Column, Kind, change, count, draw, lay_out, money
from orchestration.report.months import previous_month
from orchestration.report.reading import Reading
from orchestration.report.sheet import Sheet


@dataclass(frozen=True)
class Funnel:
    """The five steps of one month, for one employee or added up; amounts in company currency.

    Customers are counted by the owner then; `_current` counts the same customers by today's owner, without deleted
    ones, as the CRM's own page does.
    """

    new_customers: int = 0
    new_customers_current: int = 0
    customers_assigned: int = 0
    customers_in_charge: int = 0
    customers_in_charge_current: int = 0
    interactions: int = 0
    activities: int = 0
    orders: int = 0
    returns: int = 0
    pending_orders: int = 0
    sales_amount: Decimal = Decimal(0)
    revenue_amount: Decimal = Decimal(0)
    collected_amount: Decimal = Decimal(0)

    def __add__(self, other: Funnel) -> Funnel:
        return Funnel(*(getattr(self, name) + getattr(other, name) for name in _FUNNEL_COLUMNS))

    @property
    def is_empty(self) -> bool:
        """Whether every figure is zero."""
        return self == Funnel()

    @property
    def amounts(self) -> tuple[Decimal, ...]:
        """The three amounts."""
        return (self.sales_amount, self.revenue_amount, self.collected_amount)


_FUNNEL_COLUMNS = tuple(Funnel.__dataclass_fields__)


def read_funnels(reading: Reading, month: date) -> dict[str, Funnel]:
    """The month's row of everybody shown who has one, by employee."""
    rows = reading.rows(
        """
        select
            employee_id, new_customers, new_customers_current, customers_assigned, customers_in_charge,
            customers_in_charge_current, interactions, activities, orders, returns, pending_orders, sales_amount,
            revenue_amount, collected_amount
        from access.access_fct_funnel
        where month_date = $month and employee_id in (select unnest($ids::varchar[]))
        """,
        month=month,
    )
    return {row[0]: Funnel(*row[1:]) for row in rows}


def read_funnel(reading: Reading, month: date) -> Funnel:
    """The month of the people shown, added up."""
    return sum(read_funnels(reading, month).values(), Funnel())


@dataclass(frozen=True)
class _Line:
    label: str
    now: int | Decimal
    before: int | Decimal
    owner_now: int | None = None
    is_step: bool = False


@dataclass(frozen=True)
class Conversion(Block):
    """The month's steps and the month before's."""

    name: ClassVar = BlockName.CONVERSION

    now: Funnel = Funnel()
    before: Funnel = Funnel()

    @classmethod
    def read(cls, reading: Reading) -> Self:
        """Both months of `fct_funnel`."""
        return cls(read_funnel(reading, reading.month), read_funnel(reading, previous_month(reading.month)))

    @property
    def is_empty(self) -> bool:
        """Whether both months are all zero."""
        return self.now.is_empty and self.before.is_empty

    @property
    def amounts(self) -> Iterable[Decimal]:
        """All six."""
        return (*self.now.amounts, *self.before.amounts)

    def draw(self, sheet: Sheet) -> Sequence[RenderableType]:
        """The steps in bold, what belongs to each below it."""
        lines = self._lines(sheet)
        columns = [
            Column(sheet.word("step"), [line.label for line in lines], Kind.LABEL),
            Column(f"{sheet.month:%Y-%m}", [sheet.figure(line.now) for line in lines], Kind.NUMBER),
            Column(f"{previous_month(sheet.month):%Y-%m}", [sheet.figure(line.before) for line in lines], Kind.NUMBER),
            Column(sheet.word("change"), [change(line.now, line.before) for line in lines], Kind.NUMBER),
        ]
        notes = []
        if any(line.owner_now is not None for line in lines):
            cells = ["" if line.owner_now is None else count(line.owner_now) for line in lines]
            columns.append(Column(sheet.word("owner_now"), cells, Kind.NUMBER))
            notes.append(sheet.note("parity_note"))
        columns.append(Column("", [_against(line.now, line.before) for line in lines], Kind.BAR))
        layout = lay_out(columns, sheet.width)
        if layout.has_bars:
            notes.insert(0, sheet.note("bar_note", mark=MARK))
        return [draw(layout, [index for index, line in enumerate(lines) if line.is_step]), *notes]

    def _lines(self, sheet: Sheet) -> list[_Line]:
        steps = ("new_customers", "interactions", "activities", "orders", "revenue_amount")
        shown = [
            "new_customers",
            "customers_assigned",
            "customers_in_charge",
            "interactions",
            "activities",
            "orders",
            *(name for name in ("returns", "pending_orders") if getattr(self.now, name) or getattr(self.before, name)),
            "revenue_amount",
            "sales_amount",
            "collected_amount",
        ]
        return [
            _Line(
                label=f"{steps.index(name) + 1} {sheet.word(name)}" if name in steps else f"  {sheet.word(name)}",
                now=getattr(self.now, name),
                before=getattr(self.before, name),
                owner_now=_where_it_differs(self.now, name),
                is_step=name in steps,
            )
            for name in shown
        ]


def _where_it_differs(funnel: Funnel, name: str) -> int | None:
    current = getattr(funnel, f"{name}_current", None)
    return current if current != getattr(funnel, name) else None


def _against(now: int | Decimal, before: int | Decimal) -> Bar:
    return Bar(float(now), float(max(now, before)), float(before)) if before > 0 else Bar(0, 0)


@dataclass(frozen=True)
class Ratio:
    """One quantity per another, both events of the month: not a conversion rate, it can exceed 1."""

    name: str
    numerator: int | Decimal
    denominator: int

    @property
    def value(self) -> Decimal | None:
        """The quotient; None when there is nothing to divide by."""
        return Decimal(self.numerator) / self.denominator if self.denominator else None


@dataclass(frozen=True)
class Ratios(Block):
    """Each step per the one before, and per new customer where that is another quantity."""

    name: ClassVar = BlockName.RATIOS

    funnel: Funnel = Funnel()

    @classmethod
    def read(cls, reading: Reading) -> Self:
        """The month of `fct_funnel`."""
        return cls(read_funnel(reading, reading.month))

    @property
    def ratios(self) -> tuple[Ratio, ...]:
        """The quotients in the steps' order."""
        now = self.funnel
        return (
            Ratio("interactions_per_new_customer", now.interactions, now.new_customers),
            Ratio("activities_per_interaction", now.activities, now.interactions),
            Ratio("activities_per_new_customer", now.activities, now.new_customers),
            Ratio("orders_per_activity", now.orders, now.activities),
            Ratio("orders_per_new_customer", now.orders, now.new_customers),
            Ratio("revenue_per_order", now.revenue_amount, now.orders),
            Ratio("revenue_per_new_customer", now.revenue_amount, now.new_customers),
        )

    @property
    def is_empty(self) -> bool:
        """Whether nothing happened that could be divided."""
        return not any((ratio.numerator or ratio.denominator) for ratio in self.ratios)

    @property
    def amounts(self) -> Iterable[Decimal]:
        """The numerators that are money; quotients are rounded to what the page shows."""
        return self.funnel.amounts

    def draw(self, sheet: Sheet) -> Sequence[RenderableType]:
        """Every quotient beside its division."""
        columns = [
            Column(sheet.word("ratio"), [sheet.word(ratio.name) for ratio in self.ratios], Kind.LABEL),
            Column(sheet.word("value"), [_quotient(ratio, sheet) for ratio in self.ratios], Kind.NUMBER),
            Column(
                sheet.word("divided"),
                [f"= {sheet.figure(ratio.numerator)} / {count(ratio.denominator)}" for ratio in self.ratios],
                Kind.NUMBER,
            ),
        ]
        return [*sheet.table(columns), sheet.note("ratio_note")]


def _quotient(ratio: Ratio, sheet: Sheet) -> str:
    if ratio.value is None:
        return NOTHING
    return money(ratio.value, sheet.decimals) if isinstance(ratio.numerator, Decimal) else f"{ratio.value:,.3f}"
