"""Every viewer's file at once: built in a new folder by several processes, verified, and put in place by one rename.

Belongs here: generations of viewers' files, their pointer, and the removal of what it points at no more. Not here: what
is in one file (`export.py`).

    exports/current -> viewers.20260331T181200000000Z     the pointer, a symbolic link
    exports/viewers.20260331T181200000000Z/lan@x.vn.duckdb
    exports/viewers.20260331T181200000000Z/manifest.json

A reader who opens `exports/current/lan@x.vn.duckdb` gets the old file or the new one; one who has it open keeps it. Who
may see nothing any more has no file in the new generation, and the old one is deleted: nothing is kept for a way back,
because a way back would give rights back that were taken away.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import re
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from orchestration.landing.durable import sync_directory, sync_file, write_durably
from orchestration.serving.errors import ExportError
from orchestration.serving.export import FILE_MODE, build_export, file_name, read_back
from orchestration.serving.files import GENERATION, keep_previous
from orchestration.serving.lock import writer_lock
from orchestration.serving.publish import generation_id, time_of_generation
from orchestration.serving.reading import open_publication
from orchestration.serving.viewers import Viewer, list_viewers

CURRENT = "current"
MANIFEST = "manifest.json"
_LOCK = "viewers.lock"
_FOLDER = re.compile(r"viewers\." + GENERATION.pattern + r"(\.tmp)?")
_PINNED = "publication.duckdb"
# The files name people; what is handed out is copied from here by somebody who may read it.
_FOLDER_MODE = 0o700
_MEMORY = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z]+|%)\s*")


@dataclass(frozen=True)
class ViewerFile:
    """One file of a generation; `rows` are those of all its marts."""

    email: str
    file: str
    rows: int
    bytes: int


@dataclass(frozen=True)
class Generation:
    """Every viewer's file. `publication_id` names the publication they were all made from."""

    generation_id: str
    publication_id: str
    as_of: str
    files: tuple[ViewerFile, ...]


@dataclass(frozen=True)
class Exported:
    """A generation that is in place; `without_file` had one in the former generation and have none now."""

    generation: Generation
    folder: Path
    without_file: tuple[str, ...]
    seconds: float


@dataclass(frozen=True)
class Limits:
    """How many processes write at the same time, and what they may use together."""

    processes: int = 2
    memory_limit: str = "4GB"

    @property
    def memory_of_one(self) -> str:
        """The memory of one process. Raises ExportError for a limit that is no size."""
        match = _MEMORY.fullmatch(self.memory_limit)
        if match is None:
            raise ExportError(f"KPI_MEMORY_LIMIT {self.memory_limit!r} is no size; write it like 4GB")
        return f"{float(match[1]) / self.processes:.3f}{match[2]}"


def export_all(
    marts_path: Path,
    exports_dir: Path,
    limits: Limits | None = None,
    *,
    wait_seconds: float = 0.0,
    on_wait: Callable[[str], None] | None = None,
    before_swap: Callable[[], None] | None = None,
) -> Exported:
    """Write the file of everybody who may see something, and put all of them in place at once.

    All are made from the one publication that is at `marts_path` when it begins. `before_swap` runs when the new folder
    is complete and verified. Raises ExportError when any file could not be written or is not exactly its viewer's;
    after any failure the former generation is in place, whole.
    """
    limits = limits or Limits()
    started = time.monotonic()
    pointer = exports_dir / CURRENT
    if pointer.exists() and not pointer.is_symlink():
        raise ExportError(f"{pointer} is no symbolic link: somebody made it by hand. Move it away and export again.")
    exports_dir.mkdir(parents=True, exist_ok=True)
    with viewers_lock(exports_dir, wait_seconds, on_wait):
        remove_leftovers(exports_dir)
        former = read_generation(exports_dir)
        name = f"viewers.{_next_id(former)}"
        building = exports_dir / f"{name}.tmp"
        building.mkdir(mode=_FOLDER_MODE)
        try:
            generation = _build(marts_path, building, name.removeprefix("viewers."), limits)
            if before_swap is not None:
                before_swap()
            folder = exports_dir / name
            building.rename(folder)
        except BaseException:
            shutil.rmtree(building, ignore_errors=True)
            raise
        _point_at(exports_dir, name)
        remove_leftovers(exports_dir)
    had = {file.email for file in former.files} if former is not None else set()
    lost = tuple(sorted(had - {file.email for file in generation.files}))
    return Exported(generation, folder, lost, time.monotonic() - started)


@contextmanager
def viewers_lock(
    exports_dir: Path, wait_seconds: float = 0.0, on_wait: Callable[[str], None] | None = None
) -> Iterator[None]:
    """Be the only one that changes generations below `exports_dir`. Raises LockHeldError when the wait is over."""
    with writer_lock(exports_dir / _LOCK, wait_seconds, on_wait):
        yield


def read_generation(exports_dir: Path) -> Generation | None:
    """What the generation in place says about itself; None when there is none. Raises ExportError for a damaged one."""
    path = exports_dir / CURRENT / MANIFEST
    try:
        written = json.loads(path.read_text(encoding="utf-8"))
        files = tuple(ViewerFile(**file) for file in written.pop("files"))
        return Generation(**written, files=files)
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ExportError(
            f"{path} cannot be read ({error}); delete {exports_dir / CURRENT}, then run `kpi export --all`"
        ) from error


def not_current(exports_dir: Path) -> list[Path]:
    """Folders of generations that nothing points at: a killed export, or one killed before it removed the former."""
    current = os.readlink(exports_dir / CURRENT) if (exports_dir / CURRENT).is_symlink() else None
    if not exports_dir.is_dir():
        return []
    return sorted(
        path
        for path in exports_dir.iterdir()
        if _FOLDER.fullmatch(path.name) and path.name != current and path.is_dir() and not path.is_symlink()
    )


def remove_leftovers(exports_dir: Path) -> None:
    """Delete every generation that nothing points at. The caller holds the lock.

    A reader who has a file open keeps it: the system frees it when it is closed.
    """
    for folder in not_current(exports_dir):
        shutil.rmtree(folder)
    (exports_dir / f"{CURRENT}.tmp").unlink(missing_ok=True)


def remove_generations(exports_dir: Path) -> list[Path]:
    """Delete every generation, the one in place too, and return them: nobody has a file then. The caller holds the
    lock."""
    if (exports_dir / CURRENT).is_symlink():
        (exports_dir / CURRENT).unlink()
    sync_directory(exports_dir)
    removed = not_current(exports_dir)
    remove_leftovers(exports_dir)
    return removed


def _next_id(former: Generation | None) -> str:
    """A name that sorts after the former one's, even where the clock was turned back since."""
    now = generation_id(datetime.now(UTC))
    if former is None or now > former.generation_id:
        return now
    return generation_id(time_of_generation(former.generation_id) + timedelta(microseconds=1))


def _point_at(exports_dir: Path, name: str) -> None:
    """Let `current` name this folder: one rename, so that there is no moment without it."""
    pointer, aside = exports_dir / CURRENT, exports_dir / f"{CURRENT}.tmp"
    sync_directory(exports_dir)
    aside.symlink_to(name, target_is_directory=True)
    os.replace(aside, pointer)
    sync_directory(exports_dir)


@dataclass(frozen=True)
class _Task:
    """One viewer's file to write, in a process of its own."""

    publication: Path
    viewer: Viewer
    path: Path
    memory_limit: str


def _build(marts_path: Path, building: Path, name: str, limits: Limits) -> Generation:
    with _pinned(marts_path, building) as pinned:
        with open_publication(pinned) as connection:
            [(publication_id, as_of)] = connection.execute(
                "select generation_id, cast(as_of as varchar) from main.publication"
            ).fetchall()
        viewers = list_viewers(pinned)
        tasks = [_Task(pinned, viewer, building / file_name(viewer.email), limits.memory_of_one) for viewer in viewers]
        _refuse_doubles(tasks)
        files = _in_processes(tasks, limits.processes)
    generation = Generation(name, str(publication_id), str(as_of), tuple(files))
    _verify_folder(building, generation)
    write_durably(building / MANIFEST, json.dumps(asdict(generation), ensure_ascii=False, indent=1).encode())
    return generation


@contextmanager
def _pinned(marts_path: Path, building: Path) -> Iterator[Path]:
    """The publication under a second name, which stays while a newer one is swapped in: all files are of one."""
    if not marts_path.is_file():
        raise ExportError(f"there is no publication at {marts_path}; make one with `kpi run`")
    pinned = building / _PINNED
    keep_previous(marts_path, pinned)
    try:
        yield pinned
    finally:
        pinned.unlink()


def _refuse_doubles(tasks: Sequence[_Task]) -> None:
    seen: dict[Path, str] = {}
    for task in tasks:
        if task.path in seen:
            raise ExportError(
                f"{task.viewer.email} is the e-mail of several viewers ({seen[task.path]}, {task.viewer.employee_id}), "
                "whose rows would mix; give each their own in the CRM"
            )
        seen[task.path] = task.viewer.employee_id


def _in_processes(tasks: Sequence[_Task], processes: int) -> list[ViewerFile]:
    """Write all files; the first failure stops those not yet begun and is raised."""
    if not tasks:
        return []
    workers = ProcessPoolExecutor(
        min(processes, len(tasks)), mp_context=multiprocessing.get_context("spawn"), initializer=_end_with_parent
    )
    try:
        return list(workers.map(_write, tasks))
    except BrokenProcessPool as error:
        raise ExportError(
            "a process that wrote viewers' files was ended from outside, perhaps for want of memory; lower "
            "KPI_THREADS or KPI_MEMORY_LIMIT, then run `kpi export --all` again"
        ) from error
    finally:
        workers.shutdown(cancel_futures=True)


def _end_with_parent() -> None:
    """A writer whose parent was killed must not go on writing into a folder that somebody else may remove."""
    parent = multiprocessing.parent_process()

    def watch() -> None:
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _write(task: _Task) -> ViewerFile:
    """Write one viewer's file, and read it back as a stranger to it would."""
    with open_publication(task.publication, task.viewer.email) as connection:
        # The processes are what runs side by side.
        connection.execute("set threads = 1")
        connection.execute("set memory_limit = ?", [task.memory_limit])
        connection.execute("set temp_directory = ?", [f"{task.path}.spill"])
        [(publication_id,)] = connection.execute("select generation_id from main.publication").fetchall()
        rows = build_export(connection, task.viewer, task.path)
    shutil.rmtree(f"{task.path}.spill", ignore_errors=True)
    os.chmod(task.path, FILE_MODE)
    read_back(task.path, task.viewer, str(publication_id), rows)
    sync_file(task.path)
    return ViewerFile(task.viewer.email, task.path.name, sum(rows.values()), task.path.stat().st_size)


def _verify_folder(building: Path, generation: Generation) -> None:
    """The folder holds each viewer's file, and nothing else. Raises ExportError."""
    expected: Mapping[str, Any] = {file.file: file.bytes for file in generation.files}
    found = {path.name: path.stat().st_size for path in building.iterdir()}
    if found != expected:
        differing = sorted(name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name))
        raise ExportError(f"{building} does not hold what was written: {', '.join(differing)}; nothing was exported")
