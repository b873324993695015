"""The manifest of one frozen version of a month, and the head of the chain of all of them.

Belongs here: their fields and JSON form. Not here: where they lie, and whether they are whole (`store.py`).

Every manifest names the one that was frozen before it, whatever its month, with the SHA-256 of its file; the head names
the newest one and how many there are. So no manifest, and no file of a version, can change or go without the chain
showing it, the newest one included.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

FORMAT_VERSION = 1
FIRST_FREEZE = "first freeze"


class FrozenError(Exception):
    """Frozen months are damaged, or what was asked of them cannot be; the message says what, where, and what to do."""


@dataclass(frozen=True)
class FrozenFile:
    """One data file of a version, with what is needed to notice that it changed."""

    name: str
    rows: int
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Link:
    """A version in the chain: its name, like 2026-02/v1, and the SHA-256 of its manifest.json."""

    name: str
    manifest_sha256: str


@dataclass(frozen=True)
class FrozenVersion:
    """One frozen version. `month` is its first day; `frozen_at` is ISO 8601 in UTC; `batches` are `entity/batch_id`.

    `place` counts the chain from 1; `previous` is None for the first. The figures are as known at the end of `as_of`.
    """

    month: date
    version: int
    place: int
    as_of: date
    source: str
    frozen_at: str
    code_version: str
    reason: str
    metrics: tuple[str, ...]
    batches: tuple[str, ...]
    files: tuple[FrozenFile, ...]
    previous: Link | None
    format_version: int = FORMAT_VERSION

    @property
    def name(self) -> str:
        """Folder of the version below the frozen months' root."""
        return version_name(self.month, self.version)

    def file(self, name: str) -> FrozenFile:
        """The data file of that name. KeyError when the version has none."""
        for file in self.files:
            if file.name == name:
                return file
        raise KeyError(name)

    def to_json(self) -> str:
        """The manifest as it is stored: one JSON object, keys in the order of the fields."""
        dates = {"month": self.month.isoformat(), "as_of": self.as_of.isoformat()}
        return json.dumps({**asdict(self), **dates}, ensure_ascii=False, indent=2)

    @staticmethod
    def from_json(text: str, path: Path) -> FrozenVersion:
        """Parse a stored manifest; FrozenError names `path` when it is not one."""
        try:
            return _parse(_of_this_format(text, path))
        except (ValueError, KeyError, TypeError) as error:
            raise FrozenError(f"{path} is no manifest of a frozen month ({error!r}). {RESTORE}") from error


@dataclass(frozen=True)
class Head:
    """The newest version, and how many versions there are of all months together."""

    count: int
    newest: Link

    def to_json(self) -> str:
        """The head as it is stored."""
        return json.dumps({**asdict(self), "format_version": FORMAT_VERSION}, indent=2)

    @staticmethod
    def from_json(text: str, path: Path) -> Head:
        """Parse a stored head; FrozenError names `path` when it is not one."""
        try:
            stored = _of_this_format(text, path)
            return Head(int(stored["count"]), Link(**stored["newest"]))
        except (ValueError, KeyError, TypeError) as error:
            raise FrozenError(f"{path} is no head of frozen months ({error!r}). {RESTORE}") from error


RESTORE = "Restore it from a backup; until then nothing is published."


def version_name(month: date, version: int) -> str:
    """Name of a version, which is its folder: 2026-02/v1."""
    return f"{month:%Y-%m}/v{version}"


def _of_this_format(text: str, path: Path) -> Mapping[str, Any]:
    stored: Mapping[str, Any] = json.loads(text)
    version = stored["format_version"]
    if version != FORMAT_VERSION:
        raise FrozenError(
            f"{path} has format version {version}; this program reads version {FORMAT_VERSION}. Update the program."
        )
    return stored


def _parse(stored: Mapping[str, Any]) -> FrozenVersion:
    previous = stored["previous"]
    return FrozenVersion(
        **{
            **stored,
            "month": date.fromisoformat(stored["month"]),
            "as_of": date.fromisoformat(stored["as_of"]),
            "metrics": tuple(stored["metrics"]),
            "batches": tuple(stored["batches"]),
            "files": tuple(FrozenFile(**file) for file in stored["files"]),
            "previous": None if previous is None else Link(**previous),
        }
    )
