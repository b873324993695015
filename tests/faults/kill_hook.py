"""Ends a process at its N-th change of the file system below a folder, as a power cut or `kill -9` would.

Belongs here: what runs inside the process that dies. Not here: choosing when (`killing.py`). Production code
knows nothing of it: Python reports every file it opens, renames, links or deletes to an audit hook, which this is.
It imports nothing that takes time, because it is loaded by `sitecustomize` before the program itself.
"""

from __future__ import annotations

import atexit
import os
import signal
import sys
from dataclasses import dataclass
from typing import Any

_CHANGES = frozenset({"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link", "os.truncate"})
FOLDER, AT, SCOPE, COUNT = "KILL_FOLDER", "KILL_AT", "KILL_SCOPE", "KILL_COUNT"
GROUP, SELF = "group", "self"


@dataclass
class _Hook:
    folder: str
    kill_at: int
    scope: str
    seen: int = 0

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event not in _CHANGES and event != "open":
            return
        if event == "open" and not _writes(arguments):
            return
        if not any(isinstance(path, str | os.PathLike) and str(path).startswith(self.folder) for path in arguments[:2]):
            return
        self.seen += 1
        if self.seen == self.kill_at:
            if self.scope == GROUP:
                os.killpg(os.getpgid(0), signal.SIGKILL)
            os.kill(os.getpid(), signal.SIGKILL)


def _writes(arguments: tuple[Any, ...]) -> bool:
    flags = arguments[2] if len(arguments) > 2 and isinstance(arguments[2], int) else 0
    return bool(flags & (os.O_WRONLY | os.O_RDWR))


def install(folder: str, kill_at: int, scope: str) -> _Hook:
    """Die at change number `kill_at` below `folder`; with 0 the changes are only counted."""
    hook = _Hook(folder, kill_at, scope)
    sys.addaudithook(hook)
    return hook


def install_from_environment() -> None:
    """For programs started with this folder's `site` on PYTHONPATH; does nothing where the variables are not set."""
    if FOLDER not in os.environ:
        return
    hook = install(os.environ[FOLDER], int(os.environ.get(AT, "0")), os.environ.get(SCOPE, GROUP))
    if COUNT in os.environ:
        count_path, owner = os.environ.pop(COUNT), os.getpid()

        def write_count() -> None:
            if os.getpid() == owner:
                with open(count_path, "w", encoding="utf-8") as file:
                    file.write(str(hook.seen))

        atexit.register(write_count)
