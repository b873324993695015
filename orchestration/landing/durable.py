"""Writing files so that a crash leaves the old state or the new one, never half of either.

Belongs here: fsync and rename. Not here: what is written.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

_CHUNK = 1 << 20


def sync_file(path: Path) -> None:
    """Force a file's content to disk."""
    with path.open("rb") as handle:
        os.fsync(handle.fileno())


def sync_directory(path: Path) -> None:
    """Force a directory's entries (new names, renames) to disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def replace_durably(temporary: Path, target: Path) -> None:
    """Move a finished file over `target` in the same directory, atomically, and make both survive a power cut."""
    sync_file(temporary)
    temporary.replace(target)
    sync_directory(target.parent)


def write_durably(target: Path, content: bytes) -> None:
    """Write `target` through a temporary name beside it."""
    temporary = target.with_name(f".tmp-{target.name}-{os.getpid()}")
    temporary.write_bytes(content)
    replace_durably(temporary, target)


def sha256_of(path: Path) -> str:
    """Hexadecimal SHA-256 of a file's content."""
    digest = hashlib.sha256()
    with path.open("rb") as handle:
        while chunk := handle.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
