"""Customers in charge now by the days since their last contact."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

from orchestration.report.block import Block
from orchestration.report.block_names import BlockName
from orchestration.report.labels import bucket_name
from orchestration.report.reading import Key, Readings, by_subject
from orchestration.report.sheet import Item, Sheet


@dataclass(frozen=True)
class Bucket:
    """Customers in charge now whose last contact lies in one span of days."""

    name: str
    customers: int


@dataclass(frozen=True)
class Recency(Block):
    """The spans that hold a customer, most recent first."""

    name: ClassVar = BlockName.RECENCY
    is_narrow: ClassVar = True
    nothing: ClassVar = "nobody_in_charge"
    is_monthly: ClassVar = False

    buckets: tuple[Bucket, ...] = ()

    @classmethod
    def read_all(cls, readings: Readings) -> Mapping[Key, Self]:
        """Live customers of `dim_customer_cohort` by their bucket."""
        rows = readings.rows(
            """
            select asked.subject, customers.care_recency_bucket, count(*)
            from access.access_dim_customer_cohort as customers
            inner join asked on customers.manager_id = asked.employee_id
            where not customers.is_deleted
            group by asked.subject, customers.care_recency_bucket
            order by
                customers.care_recency_bucket = 'never', min(customers.care_recency_days) nulls last,
                customers.care_recency_bucket
            """
        )
        found = by_subject(rows)
        return readings.whatever_month(lambda subject: cls(tuple(Bucket(*row) for row in found.get(subject, ()))))

    @property
    def is_empty(self) -> bool:
        """Whether nobody is in charge of a customer."""
        return not self.buckets

    def draw(self, sheet: Sheet) -> Sequence[Item]:
        """Shares of all customers in charge."""
        values = [bucket.customers for bucket in self.buckets]
        labels = [bucket_name(bucket.name, sheet.lang) for bucket in self.buckets]
        keys = [bucket.name for bucket in self.buckets]
        return [
            sheet.shares("days_since", "customers", labels, values, sum(values), keys),
            sheet.note("recency_note", as_of=sheet.as_of),
        ]
