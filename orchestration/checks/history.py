"""Which earlier batches a new one is compared with. Pure functions over manifests; nothing is read from the data files.

Belongs here: what makes a batch a good one, and what a person accepted. Not here: the comparison (`batches.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

from orchestration.landing.manifest import Manifest
from orchestration.sources.base import BatchKind

# Above this share the input changed its form: in files that people export, single typing errors stay far below.
MAX_QUARANTINE_RATE = 0.05
# In a short reference list one bad row is a large share; so few rows never stop a night on their own.
TOLERATED_QUARANTINED_ROWS = 3
# Companies archive some customers, rarely a fifth of them in one night; truncated extracts lose more.
MAX_LOST_RATE = 0.20
# Below so many rows a share says nothing; then only losing every row counts.
MIN_ROWS_FOR_LOSS = 20

ACCEPTED_FILE = "accepted_batches.txt"

Accepted = Mapping[tuple[str, date], str]


def quarantine_limit(rows_in: int) -> float:
    """The highest share of rejected rows for a batch of this size; a batch rejected as a whole never passes."""
    if rows_in == 0:
        return MAX_QUARANTINE_RATE
    return min(max(MAX_QUARANTINE_RATE, TOLERATED_QUARANTINED_ROWS / rows_in), 1 - 0.5 / rows_in)


def quarantine_rate(manifest: Manifest) -> float:
    """The share of rejected rows, 0 for an empty batch."""
    return manifest.rows_quarantined / manifest.rows_in if manifest.rows_in else 0.0


def lost_limit(rows_before: int) -> float:
    """The highest share of earlier rows that a complete batch may lack; just below 1 where only a total loss counts."""
    return MAX_LOST_RATE if rows_before >= MIN_ROWS_FOR_LOSS else 1 - 0.5 / max(rows_before, 1)


def read_accepted(path: Path) -> dict[tuple[str, date], str]:
    """What people accepted: one `entity YYYY-MM-DD reason` per line, `#` starts a comment; empty when there is no file.

    Raises ValueError that names the line.
    """
    if not path.exists():
        return {}
    accepted: dict[tuple[str, date], str] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        text = line.partition("#")[0].strip()
        if not text:
            continue
        parts = text.split(maxsplit=2)
        try:
            entity, night, reason = parts[0], date.fromisoformat(parts[1]), parts[2]
        except (IndexError, ValueError) as error:
            raise ValueError(f"{path}, line {number}: write `entity YYYY-MM-DD reason`, not {text!r}") from error
        accepted[entity, night] = reason
    return accepted


def good_batches(batches: Sequence[Manifest], accepted: Accepted) -> list[Manifest]:
    """The complete batches of one entity that may serve as a yardstick, oldest first.

    A batch that lost too many rows is none: otherwise the night after a truncated extract would be compared with
    the truncated one, and pass. A batch that somebody accepted is good.
    """
    good: list[Manifest] = []
    for batch in batches:
        if batch.kind is not BatchKind.COMPLETE:
            continue
        if (batch.entity, batch.batch_date) in accepted or _is_good(batch, good[-1] if good else None):
            good.append(batch)
    return good


def _is_good(batch: Manifest, before: Manifest | None) -> bool:
    if quarantine_rate(batch) > quarantine_limit(batch.rows_in):
        return False
    if before is None or before.rows_in == 0:
        return True
    return 1 - batch.rows_in / before.rows_in <= lost_limit(before.rows_in)
