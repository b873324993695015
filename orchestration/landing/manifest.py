"""The manifest of one batch: what arrived, what became of it, and how to prove that the files are still whole.

Belongs here: the manifest's fields and its JSON form. Not here: where batches lie (`store.py`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Any

from orchestration.sources.base import BatchKind

FORMAT_VERSION = 1


class LandingError(Exception):
    """The landing zone itself is damaged or misused; the message says what, where, and what to do."""


class BatchStatus(StrEnum):
    """LANDED batches hold data; FAILED ones only say why an input could not be read."""

    LANDED = "landed"
    FAILED = "failed"


@dataclass(frozen=True)
class BatchFile:
    """One data file of a batch, with what is needed to notice that it changed."""

    name: str
    rows: int
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Problem:
    """Why a batch failed. `row` and `column` are null when the input as a whole is the problem."""

    rule: str
    message: str
    row: int | None = None
    column: str | None = None


@dataclass(frozen=True)
class Manifest:
    """One batch. `landed_at` is ISO 8601 in UTC; `supersedes` the batch of the same date this one replaces."""

    source: str
    entity: str
    batch_id: str
    batch_date: date
    attempt: int
    kind: BatchKind
    status: BatchStatus
    supersedes: str | None
    landed_at: str
    rows_in: int
    rows_landed: int
    rows_quarantined: int
    contract_fingerprint: str
    input_name: str
    warnings: tuple[str, ...] = ()
    problem: Problem | None = None
    files: tuple[BatchFile, ...] = ()
    format_version: int = FORMAT_VERSION

    def to_json(self) -> str:
        """The manifest as it is stored: one JSON object, keys in the order of the fields."""
        return json.dumps({**asdict(self), "batch_date": self.batch_date.isoformat()}, ensure_ascii=False, indent=2)

    @staticmethod
    def from_json(text: str, path: Path) -> Manifest:
        """Parse a stored manifest; LandingError names `path` when it is not one."""
        try:
            stored = json.loads(text)
            version = stored["format_version"]
            if version == FORMAT_VERSION:
                return _parse(stored)
        except (ValueError, KeyError, TypeError) as error:
            raise LandingError(
                f"{path} is no manifest ({error!r}). Restore it from a backup, or move its folder out of the landing "
                "zone and deliver that night again."
            ) from error
        raise LandingError(
            f"{path} has format version {version}; this program reads version {FORMAT_VERSION}. Update the program."
        )


def _parse(stored: Mapping[str, Any]) -> Manifest:
    problem = stored["problem"]
    return Manifest(
        **{
            **stored,
            "batch_date": date.fromisoformat(stored["batch_date"]),
            "kind": BatchKind(stored["kind"]),
            "status": BatchStatus(stored["status"]),
            "warnings": tuple(stored["warnings"]),
            "problem": None if problem is None else Problem(**problem),
            "files": tuple(BatchFile(**file) for file in stored["files"]),
        }
    )
