"""One writer at a time: an operating-system lock on a file.

Belongs here: taking and releasing the lock, and saying who holds it. Not here: deciding what needs it.
The kernel releases the lock when its holder ends, however it ends, so a killed run never leaves a stale lock.
"""

from __future__ import annotations

import fcntl
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from orchestration.serving.errors import LockHeldError

_POLL_SECONDS = 0.1


def holder(path: Path) -> str:
    """Who wrote their name into the lock file: pid, command and since when (UTC). Only meaningful while it is held."""
    try:
        held = json.loads(path.read_text(encoding="utf-8"))
        return f"process {held['pid']} ({held['command']}), since {held['since']}"
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        # The holder locks first and writes its name a moment later.
        return "a process that has not written its name yet"


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _write_name(descriptor: int) -> None:
    name = {
        "pid": os.getpid(),
        "command": " ".join(sys.argv) or sys.executable,
        "since": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, json.dumps(name).encode(), 0)


@contextmanager
def writer_lock(path: Path, wait_seconds: float = 0.0, on_wait: Callable[[str], None] | None = None) -> Iterator[None]:
    """Hold the lock on `path` for the body. Waits up to `wait_seconds`; calls `on_wait(message)` once if it must.

    Not re-entrant: a second lock in the same process waits for the first like any other.
    Raises LockHeldError, which names the holder, when the wait is over.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        deadline = time.monotonic() + wait_seconds
        announced = False
        while not _try_lock(descriptor):
            if time.monotonic() >= deadline:
                raise LockHeldError(
                    f"{path} is held by {holder(path)}; waited {wait_seconds:g} seconds. "
                    "Let that run finish or stop it; the lock is free as soon as the process ends."
                )
            if on_wait is not None and not announced:
                on_wait(f"waiting for {holder(path)}, up to {wait_seconds:g} seconds")
                announced = True
            time.sleep(_POLL_SECONDS)
        _write_name(descriptor)
        try:
            yield
        finally:
            os.ftruncate(descriptor, 0)
    finally:
        os.close(descriptor)
