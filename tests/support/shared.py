"""What is built once for all processes of a test run, and stays as it was built.

Belongs here: building under a lock, sealing, and telling whether a seal is broken. Not here: what is built.

Tests only read such a folder; who needs to change it takes a copy. `tests/conftest.py` looks after every file of tests
whether the shared folders still are as their builders left them.
"""

from __future__ import annotations

import fcntl
import json
import os
import pickle
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

_FOLDER = "shared"
_BUILT, _SEAL = ".built", ".seal"

Built = TypeVar("Built")
Stamps = Mapping[str, list[int]]
"""By file, its size and the nanosecond of its last change; a folder has neither."""


def shared_root(base: Path) -> Path:
    """The folder that all processes of this run share; `base` is pytest's base folder of this process."""
    return (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / _FOLDER


def built_once(base: Path, name: str, build: Callable[[Path], Built]) -> Built:
    """What `build` made of the folder it was given, by the first process that asked; the others wait for it.

    A build that fails leaves nothing that counts: whoever asks next builds again, and fails for themselves.
    """
    root = shared_root(base)
    root.mkdir(exist_ok=True)
    folder, kept, seal = root / name, root / f"{name}{_BUILT}", root / f"{name}{_SEAL}"
    with (root / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not seal.exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            kept.write_bytes(pickle.dumps(build(folder)))
            seal.write_text(json.dumps(stamps(folder)), encoding="utf-8")
    built: Built = pickle.loads(kept.read_bytes())
    return built


def stamps(folder: Path) -> Stamps:
    """Everything below a folder."""
    found = {}
    for parent, folders, files in os.walk(folder):
        beginning = os.path.relpath(parent, folder)
        for name in folders:
            found[f"{beginning}/{name}/"] = [0, 0]
        for name in files:
            known = os.lstat(f"{parent}/{name}")
            found[f"{beginning}/{name}"] = [known.st_size, known.st_mtime_ns]
    return found


def broken_seals(base: Path) -> list[str]:
    """What of the shared folders is not as their builders left it: changed, gone, or not there before."""
    found = []
    for seal in sorted(shared_root(base).glob(f"*{_SEAL}")):
        folder = seal.with_suffix("")
        sealed: Stamps = json.loads(seal.read_text(encoding="utf-8"))
        now = stamps(folder)
        for name in sorted(sealed.keys() | now.keys()):
            if sealed.get(name) != now.get(name):
                what = "new" if name not in sealed else "changed" if name in now else "gone"
                found.append(f"{what}: {folder.name}/{name.removeprefix('./')}")
    return found
