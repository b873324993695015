"""The five steps of one month, beside the month before, and the quotients between them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar, Self

from orchestration.report.block import Block
from orchestration.report.block_names import BlockName
from orchestration.report.figures import MARK, NOTHING, Bar, Column, Kind, change, count, money
from orchestration.report.months import previous_month
from orchestration.report.reading import Key, Readings
from orchestration.report.sheet import Item, Sheet, Table


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


def read_funnels(readings: Readings) -> dict[Key, dict[str, Funnel]]:
    """The months' rows, and those of the month before the first, of everybody shown who has one, by employee."""
    rows = readings.rows(
        """
        select
            asked.subject, funnel.month_date, funnel.employee_id, funnel.new_customers, funnel.new_customers_current,
            funnel.customers_assigned, funnel.customers_in_charge, funnel.customers_in_charge_current,
            funnel.interactions, funnel.activities, funnel.orders, funnel.returns, funnel.pending_orders,
            funnel.sales_amount, funnel.revenue_amount, funnel.collected_amount
        from access.access_fct_funnel as funnel
        inner join asked on funnel.employee_id = asked.employee_id
        where funnel.month_date between $first and $last
        """,
        first=readings.month_before,
        last=readings.last_month,
    )
    found: dict[Key, dict[str, Funnel]] = defaultdict(dict)
    for subject, month, employee_id, *figures in rows:
        found[subject, month][employee_id] = Funnel(*figures)
    return found


def read_funnel(readings: Readings) -> dict[Key, Funnel]:
    """The months, and the one before the first, of the people shown, added up; all zero where nobody has a row."""
    added = {key: sum(people.values(), Funnel()) for key, people in read_funnels(readings).items()}
    return defaultdict(Funnel, added)


@dataclass(frozen=True)
class _Line:
    name: str
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
    def read_all(cls, readings: Readings) -> Mapping[Key, Self]:
        """The months of `fct_funnel`, and those before."""
        funnels = read_funnel(readings)
        return readings.each(
            lambda subject, month: cls(funnels[subject, month], funnels[subject, previous_month(month)])
        )

    @property
    def is_empty(self) -> bool:
        """Whether both months are all zero."""
        return self.now.is_empty and self.before.is_empty

    @property
    def amounts(self) -> Iterable[Decimal]:
        """All six."""
        return (*self.now.amounts, *self.before.amounts)

    def draw(self, sheet: Sheet) -> Sequence[Item]:
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
        table = Table(
            columns,
            bold_rows=[index for index, line in enumerate(lines) if line.is_step],
            keys=[line.name for line in lines],
            bar_note=sheet.word("bar_note", mark=MARK),
        )
        return [table, *notes]

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
                name=name,
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
    def read_all(cls, readings: Readings) -> Mapping[Key, Self]:
        """The months of `fct_funnel`."""
        funnels = read_funnel(readings)
        return readings.each(lambda *key: cls(funnels[key]))

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

    def draw(self, sheet: Sheet) -> Sequence[Item]:
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
        return [Table(columns), sheet.note("ratio_note")]


def _quotient(ratio: Ratio, sheet: Sheet) -> str:
    if ratio.value is None:
        return NOTHING
    return money(ratio.value, sheet.decimals) if isinstance(ratio.numerator, Decimal) else f"{ratio.value:,.3f}"
