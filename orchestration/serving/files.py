"""Writing a file so that readers see the old one or the new one, never half of one.

Belongs here: temporary names, leftovers, the former generation. Not here: what is in the file, or fsync and rename
(`landing/durable.py`).
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
from pathlib import Path

GENERATION = re.compile(r"\d{8}T\d{12}Z")


def temporary_path(target: Path, generation: str) -> Path:
    """Where a generation of `target` is built: the same folder, so that the rename stays within one file system."""
    return target.with_name(f"{target.name}.{generation}.tmp")


def remove_leftovers(target: Path) -> list[Path]:
    """Delete what killed builds of `target` left behind; only files of exactly the temporary names are touched.

    The caller holds the writer lock: without it, another build's file would be taken for a leftover.
    """
    leftovers = _leftovers(target)
    for path in leftovers:
        path.unlink()
    return leftovers


def remove_dead(target: Path) -> None:
    """The same without a lock: a file that DuckDB has open in any process, and its log, stay."""
    leftovers = _leftovers(target)
    alive = {path.name for path in leftovers if path.suffix == ".tmp" and _is_open(path)}
    for path in leftovers:
        if path.name.removesuffix(".wal") not in alive:
            path.unlink(missing_ok=True)


def _leftovers(target: Path) -> list[Path]:
    pattern = re.compile(re.escape(target.name) + r"\." + GENERATION.pattern + r"\.tmp(\.wal)?")
    return [path for path in target.parent.iterdir() if pattern.fullmatch(path.name) and path.is_file()]


def _is_open(path: Path) -> bool:
    """Whether another process holds DuckDB's lock on the file; the kernel frees it with the process."""
    try:
        with path.open("r+b") as file:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError, FileNotFoundError):
        # Held by another process, another person's, or finished in this very instant.
        return True
    return False


def discard(temporary: Path) -> None:
    """Delete a build that is not wanted, with its write-ahead log."""
    temporary.unlink(missing_ok=True)
    temporary.with_name(temporary.name + ".wal").unlink(missing_ok=True)


def keep_previous(target: Path, previous: Path) -> None:
    """Let `previous` name the file now at `target`, if there is one. A hard link where the file system has them."""
    if not target.exists():
        return
    aside = previous.with_name(previous.name + ".tmp")
    aside.unlink(missing_ok=True)
    try:
        os.link(target, aside)
    except OSError:
        # Some network and FAT file systems have no hard links; a copy costs time, not meaning.
        shutil.copy2(target, aside)
    os.replace(aside, previous)
