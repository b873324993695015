"""What was measured of each size, and the folder that keeps it from one run to the next.

Belongs here: the figures of one size, and their files. Not here: measuring (`bench.py`), or the page. A folder is of
one machine: figures of another would stand beside these as if they were comparable.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from pydantic import TypeAdapter

from benchmarks.cards.contest import Entry
from benchmarks.changed_night import Nights, Size
from benchmarks.dashboards import Served
from benchmarks.measure import Limits, Usage
from orchestration.landing.durable import write_durably


@dataclass(frozen=True)
class Done:
    """When a part was measured, how long that took in seconds, under which load before, how often each, within what."""

    day: date
    seconds: float
    load: float
    repeats: int
    limits: Limits


@dataclass
class AtSize:
    """What was measured on one history; parts that were not asked for are missing."""

    millions: float
    size: Size
    rows: int
    cards: Mapping[str, Entry] | None = None
    nights: Nights | None = None
    landing: Mapping[str, Usage] | None = None
    serving: Served | None = None
    done: dict[str, Done] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """The size as headings have it."""
        return f"{self.rows / 1e6:.3g} million rows"


_FORM = TypeAdapter(AtSize)


def keep(folder: Path, at: AtSize) -> None:
    """Write what was measured of a size, over what was there of it."""
    path = folder / "results" / f"{at.millions:g}.json"
    path.parent.mkdir(exist_ok=True)
    write_durably(path, _FORM.dump_json(at, indent=1))


def kept(folder: Path) -> dict[float, AtSize]:
    """What the folder has, by millions of rows, smallest first; a file that does not fit is an error."""
    found = [_FORM.validate_json(path.read_bytes()) for path in (folder / "results").glob("*.json")]
    return {at.millions: at for at in sorted(found, key=lambda at: at.millions)}
