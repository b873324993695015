"""A segment: one file that holds the rows of many old batches of an entity, each distinct row once.

Belongs here: what a segment's manifest says. Not here: making one (`compact.py`), or reading rows (`reading.py`).

A segment is a folder `compacted-<month>.<number>` beside the batches' folders, which stay, with their manifests. Its
files have the columns of a batch's file without the three that say where a row came from; instead `_deliveries` lists
the runs of consecutive batches of the segment (counted from 1, in the order of its manifest) that delivered the row,
each with its row number there. A batch that a finished segment names is read from it, whether or not its own files are
still there.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path

from orchestration.landing.manifest import BatchFile, LandingError

FORMAT_VERSION = 1
SEGMENT_ID = re.compile(r"compacted-(\d{4}-\d{2})\.([1-9]\d*)")
DELIVERIES, FIRST, LAST, ROW = "_deliveries", "first_batch", "last_batch", "row_number"


@dataclass(frozen=True)
class Segment:
    """`batch_ids` in order: the first is batch 1 of the segment. `compacted_at` is ISO 8601 in UTC."""

    source: str
    entity: str
    segment_id: str
    compacted_at: str
    batch_ids: tuple[str, ...]
    files: tuple[BatchFile, ...]
    format_version: int = FORMAT_VERSION

    def to_json(self) -> str:
        """The segment's manifest as it is stored."""
        return json.dumps(asdict(self), ensure_ascii=False, indent=2)

    @staticmethod
    def from_json(text: str, path: Path) -> Segment:
        """Parse a stored manifest; LandingError names `path` when it is not one."""
        try:
            stored = json.loads(text)
            version = stored["format_version"]
            if version == FORMAT_VERSION:
                return Segment(
                    **{
                        **stored,
                        "batch_ids": tuple(stored["batch_ids"]),
                        "files": tuple(BatchFile(**file) for file in stored["files"]),
                    }
                )
        except (ValueError, KeyError, TypeError) as error:
            raise LandingError(
                f"{path} is no manifest of a segment ({error!r}). Restore its folder from a backup: the rows of many "
                "batches are in it."
            ) from error
        raise LandingError(
            f"{path} has format version {version}; this program reads version {FORMAT_VERSION}. Update the program."
        )
