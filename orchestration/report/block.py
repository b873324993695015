"""What a block of the page is: figures, how they are read, and how they are drawn.

Belongs here: the contract that every file of `blocks/` keeps. Not here: any block.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import ClassVar, Self

from rich.console import RenderableType

from orchestration.report.block_names import BlockName
from orchestration.report.reading import Reading
from orchestration.report.sheet import Sheet


class Block(ABC):
    """One block's figures. A subclass is a frozen dataclass; its title is the label `title_` + name."""

    name: ClassVar[BlockName]
    # Whether it is still readable on half of a wide terminal, beside the block after it.
    is_narrow: ClassVar[bool] = False
    # The label that stands in for a block without figures.
    nothing: ClassVar[str] = "nothing_in_month"

    @classmethod
    @abstractmethod
    def read(cls, reading: Reading) -> Self:
        """The figures of the people shown; queries go through `reading.rows` and read `access` views only."""

    @property
    @abstractmethod
    def is_empty(self) -> bool:
        """Whether one line says it all."""

    @abstractmethod
    def draw(self, sheet: Sheet) -> Sequence[RenderableType]:
        """What stands below the title, not wider than the sheet; asked only when there are figures."""

    @property
    def amounts(self) -> Iterable[Decimal]:
        """The amounts that decide whether the page needs decimals; not shares of amounts, which nearly always do."""
        return ()
