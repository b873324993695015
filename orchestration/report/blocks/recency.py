"""Customers in charge now by the days since their last contact."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

from rich.console import RenderableType

from orchestration.report.block import Block
from orchestration.report.block_names import BlockName
from orchestration.report.labels import bucket_name
from orchestration.report.reading import Reading
from orchestration.report.sheet import Sheet


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

    buckets: tuple[Bucket, ...] = ()

    @classmethod
    def read(cls, reading: Reading) -> Self:
        """Live customers of `dim_customer_cohort` by their bucket."""
        rows = reading.rows(
            """
            select care_recency_bucket, count(*)
            from access.access_dim_customer_cohort
            where not is_deleted and manager_id in (select unnest($ids::varchar[]))
            group by care_recency_bucket
            order by care_recency_bucket = 'never', min(care_recency_days) nulls last, care_recency_bucket
            """
        )
        return cls(tuple(Bucket(*row) for row in rows))

    @property
    def is_empty(self) -> bool:
        """Whether nobody is in charge of a customer."""
        return not self.buckets

    def draw(self, sheet: Sheet) -> Sequence[RenderableType]:
        """Shares of all customers in charge."""
        values = [bucket.customers for bucket in self.buckets]
        labels = [bucket_name(bucket.name, sheet.lang) for bucket in self.buckets]
        return [
            *sheet.shares("days_since", "customers", labels, values, sum(values)),
            sheet.note("recency_note", as_of=sheet.as_of),
        ]
