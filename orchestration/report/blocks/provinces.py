"""Customers in charge now by province: the five with the most, and the rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

from orchestration.report.block import Block
from orchestration.report.block_names import BlockName
from orchestration.report.people import one_line
from orchestration.report.reading import Key, Readings, by_subject
from orchestration.report.sheet import Item, Sheet

# One person's rows come ranked; ranks of several people cannot be added up, so theirs are made here by the same rule.
_OF_ONE = """
    with alone as (
        select subject, min(employee_id) as employee_id
        from asked
        group by subject
        having count(*) = 1
    )

    select
        alone.subject, provinces.row_type, provinces.province_id, provinces.province_name, provinces.provinces,
        provinces.customers
    from access.access_kpi_province_top as provinces
    inner join alone on provinces.manager_id = alone.employee_id
    order by provinces.sort_order
"""
_OF_SEVERAL = """
    with teams as (
        select subject
        from asked
        group by subject
        having count(*) > 1
    ),

    provinces as (
        select
            asked.subject, structure.member_id as province_id, max(names.province_name) as province_name,
            bool_or(names.is_placeholder) as is_placeholder, sum(structure.customers) as customers
        from access.access_kpi_customer_structure as structure
        inner join asked on structure.manager_id = asked.employee_id
        inner join teams on asked.subject = teams.subject
        inner join access.access_dim_provinces as names on structure.member_id = names.province_id
        where structure.dimension = 'province'
        group by asked.subject, structure.member_id
    ),

    ranked as (
        select
            *,
            row_number() over (
                partition by subject, is_placeholder order by customers desc, province_name, province_id
            ) as province_rank
        from provinces
    ),

    placed as (
        select
            subject,
            case
                when is_placeholder and province_id = 'none' then 7
                when is_placeholder then 8
                when province_rank <= 5 then province_rank
                else 6
            end as sort_order,
            case
                when is_placeholder then province_id
                when province_rank <= 5 then 'province'
                else 'other'
            end as row_type,
            case when is_placeholder or province_rank <= 5 then province_id end as province_id,
            case when is_placeholder or province_rank <= 5 then province_name else '(other)' end as province_name,
            not is_placeholder as is_province,
            customers
        from ranked
    )

    select
        subject, row_type, province_id, max(province_name), count(*) filter (where is_province), sum(customers)
    from placed
    group by subject, sort_order, row_type, province_id
    order by sort_order
"""


@dataclass(frozen=True)
class Province:
    """One row: a province, the `other` ones together (without an id), or those without one (`none`, `unknown`)."""

    row_type: str
    province_id: str | None
    name: str
    provinces: int
    customers: int


@dataclass(frozen=True)
class Provinces(Block):
    """The rows, most customers first, those without a province last."""

    name: ClassVar = BlockName.PROVINCES
    is_narrow: ClassVar = True
    nothing: ClassVar = "nobody_in_charge"
    is_monthly: ClassVar = False

    rows: tuple[Province, ...] = ()

    @classmethod
    def read_all(cls, readings: Readings) -> Mapping[Key, Self]:
        """`kpi_province_top` of one person; of several, `kpi_customer_structure` ranked over them."""
        has_team = any(readings.is_team(subject) for subject in readings.subjects)
        has_one = any(not readings.is_team(subject) for subject in readings.subjects)
        queries = [*([_OF_ONE] if has_one else []), *([_OF_SEVERAL] if has_team else [])]
        found = by_subject(row for query in queries for row in readings.rows(query))
        return readings.whatever_month(
            lambda subject: cls(
                tuple(
                    Province(kind, province, one_line(name), provinces, int(customers))
                    for kind, province, name, provinces, customers in found.get(subject, ())
                )
            )
        )

    @property
    def is_empty(self) -> bool:
        """Whether nobody is in charge of a customer."""
        return not self.rows

    def draw(self, sheet: Sheet) -> Sequence[Item]:
        """Shares of all customers in charge."""
        names = [
            sheet.word("others", count=row.provinces) if row.row_type == "other" else row.name for row in self.rows
        ]
        customers = [row.customers for row in self.rows]
        keys = [row.province_id or "" for row in self.rows]
        return [sheet.shares("province", "customers", names, customers, sum(customers), keys), sheet.note("now_note")]
