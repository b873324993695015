"""What a check says: the same shape for Great Expectations, reconciliation and freshness."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

Number = int | float | str | None


class Severity(StrEnum):
    """ERROR blocks publishing; WARN is shown and does not."""

    ERROR = "error"
    WARN = "warn"


@dataclass(frozen=True)
class CheckSpec:
    """A check as it is declared: what it looks at, how severe a failure is, and why that severe."""

    name: str
    asset: tuple[str, ...]
    severity: Severity
    reason: str


@dataclass(frozen=True)
class CheckOutcome:
    """A check as it came out. `numbers` are the figures it compared; `rows` at most 20 failing rows."""

    spec: CheckSpec
    passed: bool
    message: str
    numbers: Mapping[str, Number] = field(default_factory=dict)
    rows: tuple[Mapping[str, Number], ...] = ()

    @property
    def blocks(self) -> bool:
        """Whether this outcome keeps the night from being published."""
        return not self.passed and self.spec.severity is Severity.ERROR
