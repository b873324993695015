"""Who the customers in charge now are: gender, and age of customers and of the contacts with them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

from rich.console import RenderableType

from orchestration.report.block import Block
from orchestration.report.block_names import BlockName
from orchestration.report.figures import Column, Kind, share
from orchestration.report.labels import age_name, gender_name
from orchestration.report.reading import Reading
from orchestration.report.sheet import Sheet


@dataclass(frozen=True)
class Gender(Block):
    """Customers by the gender on their record, most first."""

    name: ClassVar = BlockName.GENDER
    is_narrow: ClassVar = True
    nothing: ClassVar = "nobody_in_charge"

    customers: tuple[tuple[str, int], ...] = ()

    @classmethod
    def read(cls, reading: Reading) -> Self:
        """`kpi_customer_structure` by gender."""
        rows = reading.rows(
            """
            select member_id, sum(customers) as customers
            from access.access_kpi_customer_structure
            where dimension = 'gender' and manager_id in (select unnest($ids::varchar[]))
            group by member_id
            order by member_id = 'unknown', customers desc, member_id
            """
        )
        return cls(tuple((gender, int(customers)) for gender, customers in rows))

    @property
    def is_empty(self) -> bool:
        """Whether nobody is in charge of a customer."""
        return not self.customers

    def draw(self, sheet: Sheet) -> Sequence[RenderableType]:
        """Shares of all customers in charge."""
        names = [gender_name(gender, sheet.lang) for gender, _ in self.customers]
        values = [customers for _, customers in self.customers]
        return [*sheet.shares("gender", "customers", names, values, sum(values)), sheet.note("now_note")]


@dataclass(frozen=True)
class Band:
    """One age band; `persons` are customers and their contacts."""

    name: str
    customers: int
    persons: int


@dataclass(frozen=True)
class Ages(Block):
    """The age bands, youngest first, those without a birthday last."""

    name: ClassVar = BlockName.AGES
    is_narrow: ClassVar = True
    nothing: ClassVar = "nobody_in_charge"

    bands: tuple[Band, ...] = ()

    @classmethod
    def read(cls, reading: Reading) -> Self:
        """`kpi_customer_structure` by the customer's age, and by everybody's; the order is that of the ages."""
        rows = reading.rows(
            """
            with bands as (
                select
                    member_id,
                    coalesce(sum(customers) filter (where dimension = 'age_band'), 0) as customers,
                    coalesce(sum(persons) filter (where dimension = 'contact_age_band'), 0) as persons
                from access.access_kpi_customer_structure
                where dimension in ('age_band', 'contact_age_band') and manager_id in (select unnest($ids::varchar[]))
                group by member_id
            ),

            ages as (
                select age_band, min(age_years) as youngest
                from access.access_fct_customer_persons
                where manager_id in (select unnest($ids::varchar[]))
                group by age_band
            )

            select bands.member_id, bands.customers, bands.persons
            from bands
            left join ages on bands.member_id = ages.age_band
            order by bands.member_id = 'unknown', ages.youngest nulls last, bands.member_id
            """
        )
        return cls(tuple(Band(name, int(customers), int(persons)) for name, customers, persons in rows))

    @property
    def is_empty(self) -> bool:
        """Whether nobody is in charge of a customer."""
        return not self.bands

    def draw(self, sheet: Sheet) -> Sequence[RenderableType]:
        """Both counts with shares of their totals."""
        customers = [band.customers for band in self.bands]
        persons = [band.persons for band in self.bands]
        table = sheet.table(
            [
                sheet.names("age", [age_name(band.name, sheet.lang) for band in self.bands]),
                sheet.numbers("customers", [*customers, sum(customers)]),
                Column(sheet.word("share"), [*(share(part, sum(customers)) for part in customers), ""], Kind.NUMBER),
                sheet.numbers("persons", [*persons, sum(persons)]),
                Column(sheet.word("share"), [*(share(part, sum(persons)) for part in persons), ""], Kind.NUMBER),
            ],
            bold_rows=[len(self.bands)],
        )
        return [*table, sheet.note("ages_note")]
