"""Customers and revenue by the two lists a customer may be in several times: sources and industries.

Whole counts a customer, and the whole amount, in each; split divides equally and adds up.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar, Self

from orchestration.report.block import Block
from orchestration.report.block_names import BlockName
from orchestration.report.figures import Column, Kind, first_and_rest
from orchestration.report.people import one_line
from orchestration.report.reading import Key, Readings, Row, by_month, by_subject
from orchestration.report.sheet import Item, Sheet, Table

_SHOWN = 10


@dataclass(frozen=True)
class Part:
    """One source's or industry's customers and revenue, whole and split."""

    member_id: str
    name: str
    customers: int
    customers_split: Decimal
    revenue_amount: Decimal
    revenue_split_amount: Decimal

    def __add__(self, other: Part) -> Part:
        return Part(
            self.member_id,
            self.name,
            self.customers + other.customers,
            self.customers_split + other.customers_split,
            self.revenue_amount + other.revenue_amount,
            self.revenue_split_amount + other.revenue_split_amount,
        )


def sum_parts(name: str, parts: Iterable[Part]) -> Part:
    """The parts added up, column by column."""
    return sum(parts, Part("", name, 0, Decimal(0), Decimal(0), Decimal(0)))


@dataclass(frozen=True)
class _Parts(Block):
    """The parts, most customers first."""

    head: ClassVar[str] = "source"
    quantity: ClassVar[str] = "customers"
    note: ClassVar[str]

    parts: tuple[Part, ...] = ()

    @property
    def total(self) -> Part:
        """All parts; its split figures are the true totals."""
        return sum_parts("", self.parts)

    @property
    def is_empty(self) -> bool:
        """Whether no part has a customer or an amount."""
        return not any(part.customers or part.revenue_amount for part in self.parts)

    @property
    def amounts(self) -> Iterable[Decimal]:
        """The whole amounts; a split one has decimals by itself."""
        return [part.revenue_amount for part in self.parts]

    def draw(self, sheet: Sheet) -> Sequence[Item]:
        """Whole and split side by side; where they differ, a line says why."""
        shown, rest = first_and_rest(self.parts, _SHOWN)
        others = [sum_parts(sheet.word("others", count=len(rest)), rest)] if rest else []
        total = self.total
        rows = [*shown, *others, total]
        table = Table(
            [
                sheet.names(self.head, [part.name for part in rows[:-1]]),
                sheet.numbers(self.quantity, [part.customers for part in rows]),
                Column(sheet.word("split"), [_parted(part.customers_split) for part in rows], Kind.NUMBER),
                sheet.numbers("revenue", [part.revenue_amount for part in rows]),
                sheet.numbers("revenue_split", [part.revenue_split_amount for part in rows]),
            ],
            bold_rows=[len(rows) - 1],
            keys=[part.member_id for part in shown],
        )
        notes = [sheet.note(self.note)]
        if total.customers != total.customers_split or total.revenue_amount != total.revenue_split_amount:
            notes.append(
                sheet.note(
                    "whole_exceeds",
                    whole=sheet.figure(total.customers),
                    split=_whole_or_parted(total.customers_split),
                )
            )
        return [table, *notes]


def _parted(customers: Decimal) -> str:
    return f"{customers:,.2f}"


def _whole_or_parted(customers: Decimal) -> str:
    """The total of the shares, which is a whole number of customers but for the last decimal."""
    rounded = round(customers, 2)
    return f"{rounded:,.0f}" if rounded == rounded.to_integral_value() else f"{rounded:,.2f}"


def _parts(rows: Iterable[Row]) -> tuple[Part, ...]:
    return tuple(Part(member, one_line(name), int(customers), *amounts) for member, name, customers, *amounts in rows)


@dataclass(frozen=True)
class ConversionSources(_Parts):
    """Steps 1 and 5 of the month by the customers' sources."""

    name: ClassVar = BlockName.CONVERSION_SOURCES
    quantity: ClassVar = "new"
    note: ClassVar = "conversion_sources_note"

    @classmethod
    def read_all(cls, readings: Readings) -> Mapping[Key, Self]:
        """The months of `fct_funnel_by_source`."""
        rows = readings.rows(
            """
            select
                asked.subject, funnel.month_date, funnel.source_id,
                coalesce(max(sources.source_name), funnel.source_id) as name,
                sum(funnel.new_customers) as customers, sum(funnel.new_customers_split),
                sum(funnel.revenue_amount) as revenue_amount, sum(funnel.revenue_split_amount)
            from access.access_fct_funnel_by_source as funnel
            inner join asked on funnel.employee_id = asked.employee_id
            left join access.access_dim_sources as sources on funnel.source_id = sources.source_id
            where funnel.month_date between $first and $last
            group by asked.subject, funnel.month_date, funnel.source_id
            having sum(funnel.new_customers) != 0 or sum(funnel.revenue_amount) != 0
            order by customers desc, revenue_amount desc, name, funnel.source_id
            """,
            first=readings.first_month,
            last=readings.last_month,
        )
        found = by_month(rows)
        return readings.each(lambda *key: cls(_parts(found.get(key, ()))))


@dataclass(frozen=True)
class Sources(_Parts):
    """Customers in charge now by source."""

    name: ClassVar = BlockName.SOURCES
    nothing: ClassVar = "nobody_in_charge"
    is_monthly: ClassVar = False
    note: ClassVar = "structure_note"

    @classmethod
    def read_all(cls, readings: Readings) -> Mapping[Key, Self]:
        """`kpi_customer_structure` by source."""
        rows = readings.rows(
            """
            select
                asked.subject, structure.member_id, coalesce(max(sources.source_name), structure.member_id) as name,
                sum(structure.customers) as customers, sum(structure.customers_split),
                sum(structure.revenue_amount), sum(structure.revenue_split_amount)
            from access.access_kpi_customer_structure as structure
            inner join asked on structure.manager_id = asked.employee_id
            left join access.access_dim_sources as sources on structure.member_id = sources.source_id
            where structure.dimension = 'source'
            group by asked.subject, structure.member_id
            order by customers desc, name, structure.member_id
            """
        )
        found = by_subject(rows)
        return readings.whatever_month(lambda subject: cls(_parts(found.get(subject, ()))))


@dataclass(frozen=True)
class Industries(_Parts):
    """Customers in charge now by industry."""

    name: ClassVar = BlockName.INDUSTRIES
    nothing: ClassVar = "nobody_in_charge"
    is_monthly: ClassVar = False
    head: ClassVar = "industry"
    note: ClassVar = "structure_note"

    @classmethod
    def read_all(cls, readings: Readings) -> Mapping[Key, Self]:
        """`kpi_customer_structure` by industry."""
        rows = readings.rows(
            """
            select
                asked.subject, structure.member_id,
                coalesce(max(industries.industry_name), structure.member_id) as name,
                sum(structure.customers) as customers, sum(structure.customers_split),
                sum(structure.revenue_amount), sum(structure.revenue_split_amount)
            from access.access_kpi_customer_structure as structure
            inner join asked on structure.manager_id = asked.employee_id
            left join access.access_dim_industries as industries on structure.member_id = industries.industry_id
            where structure.dimension = 'industry'
            group by asked.subject, structure.member_id
            order by customers desc, name, structure.member_id
            """
        )
        found = by_subject(rows)
        return readings.whatever_month(lambda subject: cls(_parts(found.get(subject, ()))))
