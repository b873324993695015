"""Writing pages to disk: one viewer's, or everybody's in processes side by side.

Belongs here: where a page goes, whole or not at all, readable by its owner alone. Not here: what is in it.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from urllib.parse import quote, unquote

from orchestration.landing.durable import replace_durably
from orchestration.page.collect import Collected, collect
from orchestration.page.render import render
from orchestration.page.runtime import chart_runtime
from orchestration.report.errors import PageError
from orchestration.report.labels import Lang
from orchestration.report.people import PAGE_REPORT
from orchestration.serving.viewers import list_viewers

_FILE_MODE = 0o600
_LONGEST_NAME = 200
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
    threads: int | None = None,
) -> Written:
    """Write one viewer's page, replacing what was there in one rename. PageError as `collect` raises it."""
    started = time.monotonic()
    collected = collect(folder.marts_path, email, employee, month, threads)
    text = render(collected, chart_runtime(folder.cache_dir), lang)
    only = next(iter(collected.subjects)) if employee is not None else None
    path = target or folder.pages_dir / file_name(email, only)
    _replace(path, text.encode())
    return _written(path, email, collected, time.monotonic() - started)


def _written(path: Path, email: str, collected: Collected, seconds: float) -> Written:
    people = len({person.employee_id for people in collected.subjects.values() for person in people})
    return Written(path, email, people, len(collected.months), path.stat().st_size, seconds)


def _replace(path: Path, content: bytes) -> None:
    """Write beside the target and rename; from its first byte on the file is its owner's alone."""
    if path.is_dir():
        raise PageError(f"{path} is a folder.", "Name a file, for example page.html.")
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name[:100]}.", suffix=".tmp", dir=path.parent)
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
    """The addresses of everybody who may see a page."""
    return [viewer.email for viewer in list_viewers(marts_path) if PAGE_REPORT in viewer.reports]


def write_all(
    folder: Folder, lang: Lang | None = None, processes: int = 2, emails: Sequence[str] | None = None
) -> Iterator[Written]:
    """Write everybody's page, as many at a time as there are processes; each as soon as it is done."""
    chart_runtime(folder.cache_dir)
    wanted = page_viewers(folder.marts_path) if emails is None else emails
    if processes == 1 or len(wanted) < 2:
        for email in wanted:
            yield write_page(folder, email, lang=lang)
        return
    # Fresh processes: a fork would copy what DuckDB's threads were doing.
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        running = [pool.submit(write_page, folder, email, lang=lang, threads=1) for email in wanted]
        for one in running:
            yield one.result()


def remove_others(folder: Folder, emails: Sequence[str]) -> list[str]:
    """Delete pages in the folder whose viewer may see no page any more; the addresses they were of."""
    kept = set(emails)
    gone = []
    for path in sorted(folder.pages_dir.glob(f"*{_SUFFIX}")):
        email = unquote(path.name.removesuffix(_SUFFIX).partition(_BETWEEN)[0])
        if "@" in email and email not in kept:
            path.unlink()
            gone.append(email)
    return gone
