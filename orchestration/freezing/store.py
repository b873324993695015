"""Frozen months on disk: `<root>/<YYYY-MM>/v<N>/`, written once, never edited, and `<root>/head.json`.

Belongs here: writing, finding and verifying versions. Not here: what is in them (`figures.py`), or when a month may be
frozen (`freeze.py`).

A version is written in this order: its data files, its manifest, the head. It is there from the moment the head names
it. A folder without a manifest is a crash's leftover, and the next freeze of that version replaces it. A manifest that
follows the head, which does not name it yet, was complete when the crash came: `recover` moves the head on.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from orchestration.freezing.manifest import RESTORE, FrozenError, FrozenFile, FrozenVersion, Head, Link
from orchestration.landing.durable import sha256_of, sync_directory, sync_file, write_durably

if TYPE_CHECKING:
    import pyarrow as pa

FIGURES = "figures.parquet"
ROWS = "rows.parquet"
MANIFEST = "manifest.json"
HEAD = "head.json"

_MONTH = re.compile(r"\d{4}-\d{2}")
_VERSION = re.compile(r"v[1-9]\d*")
# A reminder rather than a protection: who owns the file can change that.
_READ_ONLY = 0o444


class FrozenStore:
    """Versions under one root folder. One writer at a time; readers need no lock."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def head(self) -> Head | None:
        """The newest link, None where nothing was ever frozen. Raises FrozenError when it is gone or not readable."""
        path = self.root / HEAD
        if path.exists():
            return Head.from_json(path.read_text(encoding="utf-8"), path)
        stored = self._with_manifest()
        if not stored or self._first_unfinished() is not None:
            return None
        raise FrozenError(f"{path} is gone, although {', '.join(stored)} are frozen. {RESTORE}")

    def versions(self) -> list[FrozenVersion]:
        """Every version in the order in which they were frozen. Raises FrozenError at the first link that is broken."""
        head = self.head()
        chain: list[FrozenVersion] = []
        link = head.newest if head is not None else None
        while link is not None:
            version = self._follow(link)
            chain.append(version)
            link = version.previous
        chain.reverse()
        if head is not None and [version.place for version in chain] != list(range(1, head.count + 1)):
            raise FrozenError(
                f"{self.root / HEAD} counts {head.count} frozen versions, the chain has {len(chain)}. {RESTORE}"
            )
        return chain

    def of_month(self, month: str) -> list[FrozenVersion]:
        """The versions of a month like 2026-02, oldest first."""
        return [version for version in self.versions() if version.name.startswith(f"{month}/")]

    def path(self, version: FrozenVersion, file: str) -> Path:
        """Where a file of a version lies."""
        return self.root / version.name / file

    def add(self, draft: FrozenVersion, figures: pa.Table, rows: pa.Table) -> FrozenVersion:
        """Store a version at the end of the chain. The caller holds the writer lock.

        `place`, `files` and `previous` of the draft are filled in here. Raises FrozenError when the version is there
        already, or anything frozen is not as it was written; nothing is stored then.
        """
        self.recover()
        self.verify()
        chain = self.versions()
        head = self.head()
        folder = self.root / draft.name
        if (folder / MANIFEST).exists():
            raise FrozenError(f"{folder} is there already; a frozen version is never overwritten")
        files = self._write_files(folder, figures, rows)
        version = replace(draft, place=len(chain) + 1, files=files, previous=head.newest if head is not None else None)
        _write_once(folder / MANIFEST, version.to_json())
        self._advance(version)
        return version

    def recover(self) -> FrozenVersion | None:
        """Finish a freeze that a crash stopped between manifest and head; returns it. Leaves everything else alone."""
        unfinished = self.unfinished()
        if unfinished is not None:
            self._advance(unfinished)
        return unfinished

    def unfinished(self) -> FrozenVersion | None:
        """A whole version that follows the head and is not named by it yet."""
        if not (self.root / HEAD).exists():
            return self._first_unfinished()
        head = self.head()
        assert head is not None
        for name in self._with_manifest():
            path = self.root / name / MANIFEST
            try:
                version = FrozenVersion.from_json(path.read_text(encoding="utf-8"), path)
            except FrozenError:
                continue  # `problems` tells of it.
            if version.previous == head.newest and version.place == head.count + 1 and not self._file_problems(version):
                return version
        return None

    def problems(self) -> list[str]:
        """Everything that is not as it was written, each with the file and what to do; empty when all is whole.

        Reads every byte of every file.
        """
        found: list[str] = []
        chain: list[FrozenVersion] = []
        try:
            chain = self.versions()
        except FrozenError as error:
            found.append(str(error))
        unfinished = None if found else self.unfinished()
        for name in self._with_manifest():
            path = self.root / name / MANIFEST
            try:
                version = FrozenVersion.from_json(path.read_text(encoding="utf-8"), path)
            except FrozenError as error:
                found.append(str(error))
                continue
            if version.name != name:
                found.append(f"{path} is the manifest of {version.name}. {RESTORE}")
                continue
            found += self._file_problems(version)
            if not found and version not in chain and version != unfinished:
                found.append(
                    f"{path} is not in the chain that {self.root / HEAD} ends. {RESTORE} If the version was put there "
                    "by hand, take its folder away."
                )
        return list(dict.fromkeys(found))

    def verify(self) -> None:
        """Raise FrozenError with every problem, one per line."""
        found = self.problems()
        if found:
            raise FrozenError("\n".join(found))

    def leftovers(self) -> list[Path]:
        """Folders that a crash left without a manifest; nothing reads them, and the next freeze clears them away."""
        folders = [child for month in self._months() for child in sorted((self.root / month).iterdir())]
        return [folder for folder in folders if folder.is_dir() and not (folder / MANIFEST).exists()]

    def _months(self) -> list[str]:
        if not self.root.is_dir():
            return []
        return sorted(child.name for child in self.root.iterdir() if child.is_dir() and _MONTH.fullmatch(child.name))

    def _with_manifest(self) -> list[str]:
        """Names of the folders that hold a manifest, in the chain or not."""
        return [
            f"{month}/{child.name}"
            for month in self._months()
            for child in sorted((self.root / month).iterdir())
            if _VERSION.fullmatch(child.name) and (child / MANIFEST).exists()
        ]

    def _first_unfinished(self) -> FrozenVersion | None:
        """The very first version, complete but for the head; None when there is anything else."""
        names = self._with_manifest()
        if len(names) != 1:
            return None
        path = self.root / names[0] / MANIFEST
        version = FrozenVersion.from_json(path.read_text(encoding="utf-8"), path)
        is_first = version.previous is None and version.place == 1 and version.name == names[0]
        return version if is_first and not self._file_problems(version) else None

    def _follow(self, link: Link) -> FrozenVersion:
        path = self.root / link.name / MANIFEST
        if not path.exists():
            raise FrozenError(f"{path} is gone. {RESTORE}")
        if sha256_of(path) != link.manifest_sha256:
            raise FrozenError(f"{path} does not have the content that was written (its SHA-256 differs). {RESTORE}")
        version = FrozenVersion.from_json(path.read_text(encoding="utf-8"), path)
        if version.name != link.name:
            raise FrozenError(f"{path} is the manifest of {version.name}. {RESTORE}")
        return version

    def _file_problems(self, version: FrozenVersion) -> list[str]:
        return [problem for file in version.files for problem in _file_problem(self.path(version, file.name), file)]

    def _write_files(self, folder: Path, figures: pa.Table, rows: pa.Table) -> tuple[FrozenFile, ...]:
        folder.parent.mkdir(parents=True, exist_ok=True)
        for leftover in self.leftovers():
            shutil.rmtree(leftover)
        temporary = folder.with_name(f".tmp-{folder.name}-{os.getpid()}")
        temporary.mkdir()
        files = (_write_parquet(temporary / FIGURES, figures), _write_parquet(temporary / ROWS, rows))
        sync_directory(temporary)
        temporary.rename(folder)
        sync_directory(folder.parent)
        sync_directory(self.root)
        return files

    def _advance(self, version: FrozenVersion) -> None:
        link = Link(version.name, sha256_of(self.path(version, MANIFEST)))
        write_durably(self.root / HEAD, (Head(version.place, link).to_json() + "\n").encode())


def _file_problem(path: Path, file: FrozenFile) -> Iterator[str]:
    if not path.exists():
        yield f"{path} is gone. {RESTORE}"
    elif path.stat().st_size != file.bytes:
        yield f"{path} has {path.stat().st_size} bytes instead of the {file.bytes} that were written. {RESTORE}"
    elif sha256_of(path) != file.sha256:
        yield f"{path} does not have the content that was written (its SHA-256 differs). {RESTORE}"


def _write_parquet(path: Path, table: pa.Table) -> FrozenFile:
    import pyarrow.parquet as pq

    pq.write_table(table, path, compression="zstd")
    path.chmod(_READ_ONLY)
    sync_file(path)
    return FrozenFile(name=path.name, rows=table.num_rows, bytes=path.stat().st_size, sha256=sha256_of(path))


def _write_once(path: Path, text: str) -> None:
    write_durably(path, (text + "\n").encode())
    path.chmod(_READ_ONLY)
