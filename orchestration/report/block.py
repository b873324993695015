"""What a block of the page is: figures, how they are read, and what stands in it.

Belongs here: the contract that every file of `blocks/` keeps. Not here: any block.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import ClassVar, Self

from orchestration.report.block_names import BlockName
from orchestration.report.reading import Key, Reading, Readings
from orchestration.report.sheet import Item, Sheet


class Block(ABC):
    """One block's figures. A subclass is a frozen dataclass; its title is the label `title_` + name."""

    name: ClassVar[BlockName]
    # Whether it is still readable on half of a wide terminal, beside the block after it.
    is_narrow: ClassVar[bool] = False
    # The label that stands in for a block without figures.
    nothing: ClassVar[str] = "nothing_in_month"
    # Whether its figures are of the month; else they are as of the publication's day, whatever the month.
    is_monthly: ClassVar[bool] = True

    @classmethod
    def read(cls, reading: Reading) -> Self:
        """The figures of one page."""
        readings, key = reading.alone
        return cls.read_all(readings)[key]

    @classmethod
    @abstractmethod
    def read_all(cls, readings: Readings) -> Mapping[Key, Self]:
        """The figures of every page; queries go through `readings.rows` and read `access` views only."""

    @property
    @abstractmethod
    def is_empty(self) -> bool:
        """Whether one line says it all."""

    @abstractmethod
    def draw(self, sheet: Sheet) -> Sequence[Item]:
        """What stands below the title, for any medium to lay out; asked only when there are figures."""

    @property
    def title_key(self) -> str:
        """The label of its title."""
        return f"title_{self.name.replace('-', '_')}"

    @property
    def amounts(self) -> Iterable[Decimal]:
        """The amounts that decide whether the page needs decimals; not shares of amounts, which nearly always do."""
        return ()
