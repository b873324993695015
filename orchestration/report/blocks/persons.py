"""Who the customers in charge now are: gender, and age of customers and of the contacts with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

from orchestration.report.block import Block
from orchestration.report.block_names import BlockName
from orchestration.report.figures import Column, Kind, share
from orchestration.report.labels import age_name, gender_name
from orchestration.report.reading import Key, Readings, by_subject
from orchestration.report.sheet import Item, Sheet, Table


@dataclass(frozen=True)
class Gender(Block):
    """Customers by the gender on their record, most first."""

    name: ClassVar = BlockName.GENDER
    is_narrow: ClassVar = True
    nothing: ClassVar = "nobody_in_charge"
    is_monthly: ClassVar = False

    customers: tuple[tuple[str, int], ...] = ()

    @classmethod
    def read_all(cls, readings: Readings) -> Mapping[Key, Self]:
        """`kpi_customer_structure` by gender."""
        rows = readings.rows(
            """
            select asked.subject, structure.member_id, sum(structure.customers) as customers
            from access.access_kpi_customer_structure as structure
            inner join asked on structure.manager_id = asked.employee_id
            where structure.dimension = 'gender'
            group by asked.subject, structure.member_id
            order by structure.member_id = 'unknown', customers desc, structure.member_id
            """
        )
        found = by_subject(rows)
        return readings.whatever_month(
            lambda subject: cls(tuple((gender, int(customers)) for gender, customers in found.get(subject, ())))
        )

    @property
    def is_empty(self) -> bool:
        """Whether nobody is in charge of a customer."""
        return not self.customers

    def draw(self, sheet: Sheet) -> Sequence[Item]:
        """Shares of all customers in charge."""
        names = [gender_name(gender, sheet.lang) for gender, _ in self.customers]
        values = [customers for _, customers in self.customers]
        keys = [gender for gender, _ in self.customers]
        return [sheet.shares("gender", "customers", names, values, sum(values), keys), sheet.note("now_note")]


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
    is_monthly: ClassVar = False

    bands: tuple[Band, ...] = ()

    @classmethod
    def read_all(cls, readings: Readings) -> Mapping[Key, Self]:
        """`kpi_customer_structure` by the customer's age, and by everybody's; the order is that of the ages."""
        rows = readings.rows(
            """
            with bands as (
                select
                    asked.subject, structure.member_id,
                    coalesce(sum(structure.customers) filter (where structure.dimension = 'age_band'), 0) as customers,
                    coalesce(sum(structure.persons) filter (where structure.dimension = 'contact_age_band'), 0)
                        as persons
                from access.access_kpi_customer_structure as structure
                inner join asked on structure.manager_id = asked.employee_id
                where structure.dimension in ('age_band', 'contact_age_band')
                group by asked.subject, structure.member_id
            ),

            ages as (
                select asked.subject, persons.age_band, min(persons.age_years) as youngest
                from access.access_fct_customer_persons as persons
                inner join asked on persons.manager_id = asked.employee_id
                group by asked.subject, persons.age_band
            )

            select bands.subject, bands.member_id, bands.customers, bands.persons
            from bands
            left join ages on bands.subject = ages.subject and bands.member_id = ages.age_band
            order by bands.member_id = 'unknown', ages.youngest nulls last, bands.member_id
            """
        )
        found = by_subject(rows)
        return readings.whatever_month(
            lambda subject: cls(
                tuple(Band(name, int(customers), int(persons)) for name, customers, persons in found.get(subject, ()))
            )
        )

    @property
    def is_empty(self) -> bool:
        """Whether nobody is in charge of a customer."""
        return not self.bands

    def draw(self, sheet: Sheet) -> Sequence[Item]:
        """Both counts with shares of their totals."""
        customers = [band.customers for band in self.bands]
        persons = [band.persons for band in self.bands]
        table = Table(
            [
                sheet.names("age", [age_name(band.name, sheet.lang) for band in self.bands]),
                sheet.numbers("customers", [*customers, sum(customers)]),
                Column(sheet.word("share"), [*(share(part, sum(customers)) for part in customers), ""], Kind.NUMBER),
                sheet.numbers("persons", [*persons, sum(persons)]),
                Column(sheet.word("share"), [*(share(part, sum(persons)) for part in persons), ""], Kind.NUMBER),
            ],
            bold_rows=[len(self.bands)],
            keys=[band.name for band in self.bands],
        )
        return [table, sheet.note("ages_note")]
