"""Writing pages to disk: one viewer's, or everybody's in processes side by side.

Belongs here: where a page goes, whole or not at all, readable by its owner alone. Not here: what is in it.
"""

from __future__ import annotations

import gc
import os
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import ClassVar
from urllib.parse import quote, unquote

import duckdb

from orchestration.landing.durable import replace_durably
from orchestration.page.collect import Collected, collect, collect_from
from orchestration.page.render import render
from orchestration.page.runtime import chart_runtime
from orchestration.report.errors import PageError
from orchestration.report.labels import Lang
from orchestration.report.people import PAGE_REPORT
from orchestration.report.publication import open_publication, read_publication
from orchestration.serving.viewers import list_viewers

_FILE_MODE = 0o600
_LONGEST_NAME = 200
# No page takes so long to write: an older half is what a killed process left.
_DEAD_SECONDS = 3600
_SUFFIX = ".html"
# `quote` encodes a comma, so it parts the two unmistakably.
_BETWEEN = ","


@dataclass(frozen=True)
class Written:
    """One page on disk."""

    path: Path
    email: str
    people: int
    months: int
    bytes: int
    seconds: float


@dataclass(frozen=True)
class NotWritten:
    """A viewer of whom no page can be made, why, and how many older ones were deleted."""

    email: str
    error: PageError
    deleted: int


@dataclass(frozen=True)
class Gone:
    """A page that was deleted: its viewer may see no page any more, or not the one person it was of."""

    email: str
    employee_id: str | None


@dataclass(frozen=True)
class Folder:
    """Where pages are made from and go: the publication, the folder, and where the chart library is kept."""

    marts_path: Path
    pages_dir: Path
    cache_dir: Path


def file_name(email: str, employee_id: str | None = None) -> str:
    """The name of a page's file; what could lead to another folder is encoded. PageError when it is too long."""
    name = quote(email.strip().lower(), safe="@+")
    if employee_id is not None:
        name += _BETWEEN + quote(employee_id, safe="")
    if len(name) > _LONGEST_NAME:
        raise PageError(f"The e-mail {email[:40]}... is too long to name a file.", "Correct it in the CRM.")
    return name + _SUFFIX


def write_page(
    folder: Folder,
    email: str,
    employee: str | None = None,
    month: str | None = None,
    lang: Lang | None = None,
    target: Path | None = None,
) -> Written:
    """Write one viewer's page, replacing what was there in one rename. PageError as `collect` raises it."""
    started = time.monotonic()
    collected = collect(folder.marts_path, email, employee, month)
    only = next(iter(collected.subjects)) if employee is not None else None
    path = target or folder.pages_dir / file_name(email, only)
    return _write(path, email, collected, chart_runtime(folder.cache_dir), lang, started)


def _write(path: Path, email: str, collected: Collected, library: str, lang: Lang | None, started: float) -> Written:
    _replace(path, render(collected, library, lang).encode())
    people = len({person.employee_id for people in collected.subjects.values() for person in people})
    return Written(path, email, people, len(collected.months), path.stat().st_size, time.monotonic() - started)


def _replace(path: Path, content: bytes) -> None:
    """Write beside the target and rename; from its first byte on the file is its owner's alone."""
    if path.is_dir():
        raise PageError(f"{path} is a folder.", "Name a file, for example page.html.")
    path.parent.mkdir(parents=True, exist_ok=True)
    prefix, suffix = f".{path.name[:100]}.", ".tmp"
    for left in path.parent.iterdir():
        is_half = left.name.startswith(prefix) and left.name.endswith(suffix)
        if is_half and time.time() - left.stat().st_mtime > _DEAD_SECONDS:
            left.unlink(missing_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=prefix, suffix=suffix, dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        os.chmod(temporary, _FILE_MODE)
        replace_durably(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def page_viewers(marts_path: Path) -> list[str]:
    """The addresses of everybody who may see a page, each once."""
    return list(dict.fromkeys(one.email for one in list_viewers(marts_path) if PAGE_REPORT in one.reports))


def write_all(
    folder: Folder, lang: Lang | None = None, processes: int = 2, emails: Sequence[str] | None = None
) -> Iterator[Written | NotWritten]:
    """Write everybody's page, as many at a time as there are processes; each as soon as it is done.

    One viewer's PageError is a result like a page and stops nobody else's; the publication's is raised.
    """
    chart_runtime(folder.cache_dir)
    wanted = page_viewers(folder.marts_path) if emails is None else emails
    # Fresh processes: a fork would copy what DuckDB's threads were doing.
    with ProcessPoolExecutor(
        processes, mp_context=get_context("spawn"), initializer=_Worker.start, initargs=(folder, lang)
    ) as pool:
        yield from pool.map(_Worker.write, wanted)


class _Worker:
    """What one of the processes keeps between two pages: the publication stays open, and is looked at as the next."""

    folder: ClassVar[Folder]
    lang: ClassVar[Lang | None]
    library: ClassVar[str]
    connection: ClassVar[duckdb.DuckDBPyConnection | None] = None
    _open: ClassVar[ExitStack]

    @classmethod
    def start(cls, folder: Folder, lang: Lang | None) -> None:
        """What needs no publication: an error here would end the process and leave nobody its reason."""
        cls.folder, cls.lang, cls.library = folder, lang, chart_runtime(folder.cache_dir)
        # Pages are trees of lists without circles: reference counts free them, and searching them costs a tenth.
        gc.freeze()
        gc.disable()

    @classmethod
    def opened(cls) -> duckdb.DuckDBPyConnection:
        """The publication, the same one for every page of this process. PageError when it cannot be read."""
        if cls.connection is None:
            cls._open = ExitStack()
            cls.connection = cls._open.enter_context(open_publication(cls.folder.marts_path))
            # One thread: there are as many processes as cores.
            cls.connection.execute("set threads = 1")
            read_publication(cls.connection)
        return cls.connection

    @classmethod
    def write(cls, email: str) -> Written | NotWritten:
        """One viewer's page; where none can be made, none of an earlier day stays."""
        started = time.monotonic()
        connection = cls.opened()
        try:
            path = cls.folder.pages_dir / file_name(email)
            return _write(path, email, collect_from(connection, email), cls.library, cls.lang, started)
        except PageError as error:
            mine = [path for path, viewer, _ in _pages(cls.folder) if viewer == email.strip().lower()]
            for path in mine:
                path.unlink()
            return NotWritten(email, error, len(mine))


def remove_others(folder: Folder, emails: Sequence[str]) -> list[Gone]:
    """Delete pages in the folder whose viewer may see no page any more, or not the one person they are of."""
    kept = set(emails)
    seen = _seen(folder.marts_path)
    gone = []
    for path, email, employee_id in _pages(folder):
        if email not in kept:
            gone.append(Gone(email, None))
        elif employee_id is not None and employee_id not in seen.get(email, ()):
            gone.append(Gone(email, employee_id))
        else:
            continue
        path.unlink()
    return gone


def _pages(folder: Folder) -> list[tuple[Path, str, str | None]]:
    """The pages in the folder by name: path, viewer, and the person where it is one person's."""
    found = []
    for path in sorted(folder.pages_dir.glob(f"*{_SUFFIX}")):
        email, between, employee_id = path.name.removesuffix(_SUFFIX).partition(_BETWEEN)
        if "@" in email and path.is_file():
            found.append((path, unquote(email), unquote(employee_id) if between else None))
    return found


def _seen(marts_path: Path) -> Mapping[str, set[str]]:
    """Whose pages everybody may see, by address."""
    with open_publication(marts_path) as connection:
        rows = connection.execute(
            "select lower(trim(viewer_email)), employee_id from core.core_employee_scope "
            "where report = ? and viewer_email is not null",
            [PAGE_REPORT],
        ).fetchall()
    seen: dict[str, set[str]] = defaultdict(set)
    for email, employee_id in rows:
        seen[email].add(employee_id)
    return seen
