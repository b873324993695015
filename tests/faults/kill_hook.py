"""Ends a process at its N-th change of the file system below a folder, or the N-th of a name, as `kill -9` would.

Belongs here: what runs inside the process that dies. Not here: choosing when (`killing.py`). Production code
knows nothing of it: Python reports every file it opens, renames, links or deletes to an audit hook, which this is.
It imports nothing that takes time, because it is loaded by `sitecustomize` before the program itself.
"""

from __future__ import annotations

import os
import re
import signal
import sys
from dataclasses import dataclass
from typing import Any

_CHANGES = frozenset({"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link", "os.truncate", "shutil.rmtree"})
FOLDER, AT, NAME, SCOPE, LOG = "KILL_FOLDER", "KILL_AT", "KILL_NAME", "KILL_SCOPE", "KILL_LOG"
GROUP, SELF = "group", "self"
_NUMBERS = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|[0-9]+")


@dataclass
class _Hook:
    folder: str
    kill_at: int
    scope: str
    name: str = ""
    log: int | None = None
    seen: int = 0

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event not in _CHANGES and event != "open":
            return
        if event == "open" and not _writes(arguments):
            return
        paths = [str(path) for path in arguments[:2] if isinstance(path, str | os.PathLike)]
        below = [path for path in paths if path.startswith(self.folder)]
        if not below:
            return
        name = name_of(event, below[-1][len(self.folder) :])
        if self.log is not None:
            os.write(self.log, f"{os.getpid()} {name}\n".encode())
        if self.name and name != self.name:
            return
        self.seen += 1
        if self.seen == self.kill_at:
            if self.scope == GROUP:
                os.killpg(os.getpgid(0), signal.SIGKILL)
            os.kill(os.getpid(), signal.SIGKILL)


def name_of(event: str, path: str) -> str:
    """What is changed, in words that are the same for every night: numbers and long ways are left out."""
    *folders, file = _NUMBERS.sub("#", path).strip("/").split("/")
    if "target" in folders:
        file = "*" + os.path.splitext(file)[1]
    return " ".join([event, "/".join([*folders[:2], *(["*"] if len(folders) > 2 else []), file])])


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
    hook = _Hook(os.environ[FOLDER], int(os.environ[AT]), os.environ[SCOPE], os.environ[NAME])
    if LOG in os.environ:
        hook.log = os.open(os.environ[LOG], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.set_inheritable(hook.log, False)
    sys.addaudithook(hook)
