"""The files source: which file of a folder is which entity, on which night, and of which kind.

Belongs here: names, nightly folders, `batch.yml`. Not here: file formats (`csv_file.py` and its neighbours).

    <path>/customers.csv             one file per entity, named after it: .csv, .parquet or .xlsx
    <path>/batch.yml                 optional: `kind: delta`, or `kinds: {orders: delta}`; else complete
    <path>/2026-03-31/customers.csv  or one folder per night, each as above
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from orchestration.contract import contract
from orchestration.contract.validation import check_header
from orchestration.sources.base import BatchKind, RawTable, SourceError
from orchestration.sources.files.content import FileContent, UnreadableFile

BATCH_FILE = "batch.yml"

_NIGHT = re.compile(r"\d{4}-\d{2}-\d{2}")
_DOCUMENTATION = re.compile(r"(readme|licen[cs]e|notice|changelog)(\..*)?", re.IGNORECASE)


def _read_csv(path: Path) -> FileContent:
    from orchestration.sources.files.csv_file import read_csv

    return read_csv(path)


def _read_parquet(path: Path) -> FileContent:
    from orchestration.sources.files.parquet_file import read_parquet

    return read_parquet(path)


def _read_xlsx(path: Path) -> FileContent:
    from orchestration.sources.files.xlsx_file import read_xlsx

    return read_xlsx(path)


# Each reader is imported when a file needs it: most folders hold no spreadsheet, and openpyxl is slow to import.
READERS: Mapping[str, Callable[[Path], FileContent]] = {
    ".csv": _read_csv,
    ".parquet": _read_parquet,
    ".xlsx": _read_xlsx,
}


@dataclass(frozen=True)
class UnknownFile:
    """A file of the folder that no entity reads. `hint` says what it was perhaps meant to be; it may be empty."""

    path: Path
    hint: str


class FilesSource:
    """One folder of files. Reading never changes it."""

    def __init__(self, path: Path) -> None:
        self.path = Path(path)

    @property
    def name(self) -> str:
        """Folder name of this source's batches."""
        return "files"

    def read(self, entity: str, night: date, complete: bool = False) -> RawTable | None:
        """The entity's file of that night; None when there is none. A file holds what it holds: `complete` is ignored.

        Raises SourceError when the folder is missing or empty, two files claim the entity, a file is named almost like
        it, `batch.yml` is wrong, or the file is empty, unreadable or has a header of something else.
        """
        folder = self._folder(entity, night)
        kind = _kind(folder, entity)
        path = _entity_file(folder, entity)
        if path is None:
            return None
        try:
            content = _content(path)
        except UnreadableFile as error:
            raise SourceError(entity, path.name, error.rule, f"{path}: {error}") from error
        except OSError as error:
            advice = "Check that the file exists and may be read, then run the night again."
            raise SourceError(entity, path.name, "unreadable", f"{path} cannot be opened: {error}. {advice}") from error
        check_header(contract()[entity], content.header, path.name)
        rejected = tuple(replace(row, reason=f"{path.name}, {row.reason}") for row in content.rejected)
        return RawTable(entity, kind, content.table, content.row_numbers, path.name, rejected)

    def nights(self) -> list[date]:
        """The nights that have a folder of their own, oldest first; none when the folder itself is the batch."""
        if not self.path.is_dir():
            return []
        found = (_as_night(child.name) for child in self.path.iterdir() if child.is_dir())
        return sorted(night for night in found if night is not None)

    def nights_between(self, first: date, last: date) -> list[date] | None:
        """The nights of the range that have a folder; None when the folder itself is the batch, whatever the night."""
        nights = self.nights()
        return [night for night in nights if first <= night <= last] if nights else None

    def unknown_files(self) -> list[UnknownFile]:
        """Files that no entity reads, in every folder this source reads from."""
        nights = self.nights()
        folders = [self.path / night.isoformat() for night in nights] if nights else [self.path]
        return [unknown for folder in folders if folder.is_dir() for unknown in _unknown(folder)]

    def _folder(self, entity: str, night: date) -> Path:
        if not self.path.is_dir():
            found = "is a file, not a folder" if self.path.exists() else "does not exist"
            raise _missing(entity, self.path, f"{self.path} {found}. Give the folder that holds one file per entity.")
        nights = self.nights()
        if nights and night not in nights:
            span = f"from {nights[0].isoformat()} to {nights[-1].isoformat()}"
            message = f"{self.path} has folders for {len(nights)} nights {span}, but none named {night.isoformat()}."
            raise _missing(entity, self.path, f"{message} Deliver that night's folder, or choose another date.")
        folder = self.path / night.isoformat() if nights else self.path
        if not any(_is_data(child) for child in folder.iterdir()):
            formats = ", ".join(READERS)
            message = f"{folder} holds no data. Put one file per entity there ({formats}), for example customers.csv."
            raise _missing(entity, folder, message)
        return folder


def _missing(entity: str, path: Path, message: str) -> SourceError:
    return SourceError(entity, path.name, "missing", message)


def _as_night(name: str) -> date | None:
    if not _NIGHT.fullmatch(name):
        return None
    try:
        return date.fromisoformat(name)
    except ValueError:
        return None


def _is_data(path: Path) -> bool:
    return path.is_file() and path.suffix.lower() in READERS and not path.name.startswith((".", "~$"))


def _content(path: Path) -> FileContent:
    if path.stat().st_size == 0:
        raise UnreadableFile(
            "empty_file",
            "the file is empty, it has not even a header. Deliver it again; an entity without rows is a file with its "
            "header only.",
        )
    return READERS[path.suffix.lower()](path)


def _entity_file(folder: Path, entity: str) -> Path | None:
    files = sorted(child for child in folder.iterdir() if _is_data(child))
    own = [path for path in files if path.stem == entity]
    if len(own) > 1:
        names = " and ".join(path.name for path in own)
        raise SourceError(
            entity, names, "two_files", f"{folder}: {names} both claim to be {entity}. Keep one, remove the other."
        )
    if own:
        return own[0]
    near = [path.name for path in files if path.stem not in contract().entities and _meant(path.stem) == entity]
    if near:
        # Taking it for absent would drop its rows in silence.
        raise SourceError(
            entity,
            near[0],
            "missing",
            f"{folder}: there is no file of {entity}, but {near[0]} is named almost like it. Rename it to "
            f"{entity}{Path(near[0]).suffix.lower()}.",
        )
    return None


def _plain(name: str) -> str:
    return re.sub(r"[\s_-]+", "_", name.strip().lower())


def _forms(entity: str) -> set[str]:
    """An entity's name, and its singular, without separators."""
    plain = entity.replace("_", "")
    singular = plain.removesuffix("ies") + "y" if plain.endswith("ies") else plain.removesuffix("s")
    return {plain, singular, plain + "s"}


def _meant(stem: str) -> str | None:
    """The entity a file name means up to case, plural and separators."""
    plain = _plain(stem).replace("_", "")
    matches = [entity.name for entity in contract() if plain in _forms(entity.name)]
    return matches[0] if len(matches) == 1 else None


def _unknown(folder: Path) -> list[UnknownFile]:
    found = []
    for path in sorted(folder.iterdir()):
        known = _is_data(path) and path.stem in contract().entities
        ignored = path.is_dir() or path.name.startswith((".", "~$")) or _DOCUMENTATION.fullmatch(path.name)
        if not known and not ignored and path.name != BATCH_FILE:
            found.append(UnknownFile(path, _hint(path)))
    return found


def _hint(path: Path) -> str:
    near = difflib.get_close_matches(_plain(path.stem), list(contract().entities), n=1, cutoff=0.8)
    meant = _meant(path.stem) or (near[0] if near else None)
    if path.suffix.lower() not in READERS:
        formats = ", ".join(READERS)
        return f"{path.suffix or 'a file without an ending'} is not read; save it as one of {formats}"
    return f"did you mean {meant}{path.suffix.lower()}?" if meant else ""


def _kind(folder: Path, entity: str) -> BatchKind:
    path = folder / BATCH_FILE
    if not path.exists():
        return BatchKind.COMPLETE
    try:
        stored = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError, OSError) as error:
        raise _batch_error(entity, path, f"it is not readable YAML ({error})") from error
    return _kinds(entity, path, stored)


def _kinds(entity: str, path: Path, stored: Any) -> BatchKind:
    if not isinstance(stored, dict) or not stored or set(stored) - {"kind", "kinds"}:
        raise _batch_error(entity, path, "it must hold kind, kinds or both, and nothing else")
    kinds = stored.get("kinds", {})
    if not isinstance(kinds, dict):
        raise _batch_error(entity, path, "kinds must map entities to complete or delta")
    unknown = [str(name) for name in kinds if name not in contract().entities]
    if unknown:
        raise _batch_error(entity, path, f"kinds names {', '.join(unknown)}, which the contract does not know")
    allowed = [kind.value for kind in BatchKind]
    for value in [stored.get("kind", BatchKind.COMPLETE.value), *kinds.values()]:
        if value not in allowed:
            raise _batch_error(entity, path, f"{value!r} is no kind of batch; use complete or delta")
    return BatchKind(kinds.get(entity) or stored.get("kind", BatchKind.COMPLETE.value))


def _batch_error(entity: str, path: Path, problem: str) -> SourceError:
    example = 'Write for example "kind: delta", or "kinds: {orders: delta}"; without the file every batch is complete.'
    return SourceError(entity, path.name, "batch_file", f"{path}: {problem}. {example}")
