"""What every source hands to landing, whatever CRM it reads."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Protocol, runtime_checkable

import pyarrow as pa


class BatchKind(StrEnum):
    """Whether a batch holds all rows of its entity, or only those that changed."""

    COMPLETE = "complete"
    DELTA = "delta"


@dataclass(frozen=True)
class RejectedRow:
    """A row that could not even be read as a row (broken encoding, too many fields); goes to quarantine as it is.

    `row_number` counts as a spreadsheet does: the header is row 1, the first data row is row 2.
    """

    row_number: int
    column: str | None
    rule: str
    reason: str
    content: str


@dataclass(frozen=True)
class RawTable:
    """One entity's rows as the source delivered them: text or typed columns, in the source's order.

    `row_numbers` has one entry per row of `table`, counted as a spreadsheet does (first data row is 2).
    `input_name` is what messages call the input, for example `customers.csv`.
    """

    entity: str
    kind: BatchKind
    table: pa.Table
    row_numbers: pa.Array
    input_name: str
    rejected: tuple[RejectedRow, ...] = field(default=())

    @property
    def rows_in(self) -> int:
        """Rows the source delivered, readable or not."""
        return int(self.table.num_rows) + len(self.rejected)


class SourceError(Exception):
    """An input that cannot be read at all. The message says what happened, where, and what to do."""

    def __init__(self, entity: str, input_name: str, rule: str, message: str) -> None:
        super().__init__(message)
        self.entity = entity
        self.input_name = input_name
        self.rule = rule
        self.message = message


class Source(Protocol):
    """A CRM that can be asked for one entity on one night."""

    @property
    def name(self) -> str:
        """Folder name of the source's batches in the landing zone."""
        ...

    def read(self, entity: str, night: date, complete: bool = False) -> RawTable | None:
        """The entity as it stood at the end of `night`; None when the source does not have it.

        `complete` asks for all rows, as a first load needs; a source that cannot choose delivers what it has.
        Raises SourceError when the input is there but unreadable.
        """
        ...


@runtime_checkable
class PastNights(Protocol):
    """A source that can say which past nights it can still be asked for, as they stood then; needed to ask again."""

    def nights_between(self, first: date, last: date) -> list[date] | None:
        """The nights from `first` to `last` that it can give; None when it only knows its present state."""
        ...
