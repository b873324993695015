"""Answers as they came, kept for good: a mapping can change without asking the CRM again, and a broken-off listing
goes on where it stopped.

Belongs here: files. Not here: when a listing is whole (`listing.py`), or what its rows mean (`models/staging/getfly`).

    <root>/<resource>/<listing>/000001.json.gz   the bytes of one answer
    <root>/<resource>/<listing>/pages.jsonl      a line per answer that is whole on disk: when, which part, its hash
    <root>/<resource>/<listing>/parents.jsonl    a line per parent whose rows are all there, for rows that have one
    <root>/<resource>/<listing>/listing.json     written last; without it the listing is not whole, and nobody reads it

A listing's name begins with its night, so that names sort in the order of nights.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import shutil
import threading
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from orchestration.landing.durable import sync_directory, sync_file, write_durably
from orchestration.sources.getfly.errors import GetflyError

_LINES, _PARENTS, _WHOLE, _ASKED = "pages.jsonl", "parents.jsonl", "listing.json", "asked.json"


@dataclass(frozen=True)
class Asked:
    """What a listing asks for. A broken-off one goes on only where the same is asked again.

    `is_complete` says that what the listing lacks is gone.
    """

    night: str
    resource: str
    path: str
    parameters: dict[str, str]
    is_complete: bool = True


@dataclass(frozen=True)
class PageLine:
    """One answer on disk. `offset` is where it was asked from, `parent` whose rows it has (empty: no parent)."""

    number: int
    parent: str
    offset: int
    rows: int
    received_at: str
    sha256: str


@dataclass(frozen=True)
class Listing:
    """A whole listing. `rows` counts distinct ids, `began_at` is when its first answer was asked for."""

    folder: Path
    asked: Asked
    began_at: datetime
    pages: int
    rows: int


class OpenListing:
    """A listing being received, by several threads if need be; use `finish` when it is whole."""

    def __init__(
        self,
        folder: Path,
        asked: Asked,
        began_at: datetime,
        lines: Sequence[PageLine] = (),
        parents: Mapping[str, int] | None = None,
    ) -> None:
        self.folder, self.asked, self.began_at = folder, asked, began_at
        self._lines = list(lines)
        self._parents = dict(parents or {})
        self._lock = threading.Lock()
        self._by_parent: dict[str, list[PageLine]] = {}
        for line in lines:
            self._by_parent.setdefault(line.parent, []).append(line)

    @property
    def lines(self) -> tuple[PageLine, ...]:
        """What has been received, in that order."""
        return tuple(self._lines)

    def lines_of(self, parent: str) -> tuple[PageLine, ...]:
        """What has been received of one parent's rows."""
        with self._lock:
            return tuple(self._by_parent.get(parent, ()))

    def body(self, line: PageLine) -> Any:
        """An answer again. Raises GetflyError when the file is not what was written."""
        return _read(self.folder, line)

    def add(self, content: bytes, *, parent: str, offset: int, rows: int, received_at: datetime) -> PageLine:
        """Keep one answer; when this returns it survives a power cut."""
        with self._lock:
            number = len(self._lines) + 1
            path = self.folder / _page(number)
            # Without a time stamp inside, the same answer makes the same file.
            path.write_bytes(gzip.compress(content, mtime=0))
            sync_file(path)
            line = PageLine(number, parent, offset, rows, received_at.isoformat(), hashlib.sha256(content).hexdigest())
            _append(self.folder / _LINES, asdict(line))
            self._lines.append(line)
            self._by_parent.setdefault(parent, []).append(line)
        return line

    @property
    def parents(self) -> Mapping[str, int]:
        """Parents whose rows are all there, with their number."""
        return dict(self._parents)

    def parent_done(self, parent: str, rows: int) -> None:
        """All rows of one parent are there."""
        with self._lock:
            _append(self.folder / _PARENTS, {"parent": parent, "rows": rows})
            self._parents[parent] = rows

    def finish(self, rows: int) -> Listing:
        """Declare it whole."""
        body = {"began_at": self.began_at.isoformat(), "pages": len(self._lines), "rows": rows}
        write_durably(self.folder / _WHOLE, json.dumps(body, indent=1).encode())
        return Listing(self.folder, self.asked, self.began_at, len(self._lines), rows)


class PageStore:
    """All listings under one folder."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def open(self, asked: Asked) -> OpenListing | Listing:
        """The listing that was asked for like this: whole, or broken off and to go on with, or a new one.

        One that was broken off with another question is left for good: its rows are of something else.
        """
        parent = self.root / asked.resource
        parent.mkdir(parents=True, exist_ok=True)
        for folder in sorted(parent.glob(f"{asked.night}.*"), reverse=True):
            if not (folder / _ASKED).exists():
                shutil.rmtree(folder)
            elif Asked(**json.loads((folder / _ASKED).read_text(encoding="utf-8"))["asked"]) == asked:
                return _as_found(folder)
        folder = parent / f"{asked.night}.{_next_number(parent, asked.night):03}"
        folder.mkdir()
        began_at = datetime.now(UTC)
        write_durably(
            folder / _ASKED, json.dumps({"asked": asdict(asked), "began_at": began_at.isoformat()}, indent=1).encode()
        )
        sync_directory(parent)
        return OpenListing(folder, asked, began_at)

    def broken_off(self) -> list[Path]:
        """The newest listing of each resource, where it is not whole."""
        newest = [max(one.glob("*.*"), default=None) for one in sorted(self.root.glob("*")) if one.is_dir()]
        return [folder for folder in newest if folder is not None and not _is_whole(folder)]

    def whole(self, resource: str) -> list[Listing]:
        """The whole listings of a resource, oldest night first."""
        found = (_as_found(folder) for folder in sorted((self.root / resource).glob("*.*")) if _is_whole(folder))
        return [listing for listing in found if isinstance(listing, Listing)]


def bodies(listing: Listing) -> Iterator[tuple[PageLine, Any]]:
    """The answers of a whole listing, in the order they came. Raises GetflyError where a file is not as written."""
    lines = _read_lines(listing.folder)
    if len(lines) != listing.pages:
        raise GetflyError(f"{listing.folder / _LINES} has {len(lines)} of {listing.pages} pages. {_AGAIN}")
    for line in lines:
        yield line, _read(listing.folder, line)


def parents_of(listing: Listing) -> tuple[str, ...]:
    """The parents whose rows were read, those without any included. Raises GetflyError where some are lost."""
    lines = _read_jsonl(listing.folder / _PARENTS)
    if sum(int(one["rows"]) for one in lines) != listing.rows:
        raise GetflyError(f"{listing.folder / _PARENTS} does not have all {listing.rows} rows' parents. {_AGAIN}")
    return tuple(str(one["parent"]) for one in lines)


def _is_whole(folder: Path) -> bool:
    return (folder / _WHOLE).exists()


def _page(number: int) -> str:
    return f"{number:06}.json.gz"


def _next_number(parent: Path, night: str) -> int:
    taken = [int(folder.name.rpartition(".")[2]) for folder in parent.glob(f"{night}.*")]
    return max(taken, default=0) + 1


def _as_found(folder: Path) -> OpenListing | Listing:
    start = json.loads((folder / _ASKED).read_text(encoding="utf-8"))
    asked, began_at = Asked(**start["asked"]), datetime.fromisoformat(start["began_at"])
    if _is_whole(folder):
        end = json.loads((folder / _WHOLE).read_text(encoding="utf-8"))
        return Listing(folder, asked, began_at, end["pages"], end["rows"])
    parents = {str(one["parent"]): int(one["rows"]) for one in _read_jsonl(folder / _PARENTS)}
    return OpenListing(folder, asked, began_at, _read_lines(folder), parents)


def _append(path: Path, body: Mapping[str, Any]) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(body) + "\n")
        file.flush()
        os.fsync(file.fileno())
    sync_directory(path.parent)


def _read_lines(folder: Path) -> list[PageLine]:
    return [PageLine(**body) for body in _read_jsonl(folder / _LINES)]


def _read_jsonl(path: Path) -> list[dict[str, Any]]:
    """The lines of a file that is only appended to. A last line that was cut short is taken away again."""
    if not path.exists():
        return []
    content = path.read_bytes()
    kept = content[: content.rfind(b"\n") + 1]
    if kept != content:
        write_durably(path, kept)
    try:
        return [json.loads(line) for line in kept.decode().splitlines()]
    except ValueError as error:
        raise GetflyError(f"{path} cannot be read: {error}. {_AGAIN}") from error


_AGAIN = "Delete its folder and run the night again."


def _read(folder: Path, line: PageLine) -> Any:
    path = folder / _page(line.number)
    try:
        content = gzip.decompress(path.read_bytes())
    except (OSError, EOFError, zlib.error) as error:
        raise GetflyError(f"{path} cannot be read: {error}. {_AGAIN}") from error
    if hashlib.sha256(content).hexdigest() != line.sha256:
        raise GetflyError(f"{path} is not what was received. {_AGAIN}")
    return json.loads(content)
