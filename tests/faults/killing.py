"""Starts an operation, kills it at a chosen moment, and says whether it was still alive then.

Belongs here: moments and how they are brought about. Not here: which operations there are (`kill_points.py`).

A moment is a time after the start, a number of changes to the file system (`kill_hook.py`), or something that can be
seen in the state folder. Whom it hits: the whole process group, as a power cut would, or one process alone, so that
what it started is left without it.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.context import ForkServerContext
from pathlib import Path

from tests.faults import kill_hook
from tests.faults.kill_hook import GROUP, SELF

_SITE = Path(__file__).parent / "site"
_POLL_SECONDS, _WATCH_SECONDS = 0.002, 0.02
_LIMIT_SECONDS = 900.0

Sight = Callable[[], bool]


@dataclass(frozen=True)
class Moment:
    """When to kill, exactly one of three, and whom: `group`, or `self` for one process alone.

    With a `name`, only changes of that name are counted.
    """

    scope: str
    seconds: float | None = None
    change: int | None = None
    sight: str | None = None
    name: str = ""

    def __str__(self) -> str:
        change = f"at change {self.change}" + (f" of {self.name}" if self.name else "")
        when = f"at {self.seconds:.2f} s" if self.seconds is not None else change
        return f"{when if self.sight is None else f'when {self.sight}'}, {self.scope}"


@dataclass(frozen=True)
class Outcome:
    """`killed` is false where the operation was over before its moment came; then `exit_code` says how it ended."""

    killed: bool
    exit_code: int
    seconds: float
    changes: int = 0
    names: tuple[str, ...] = ()
    """What was changed, as `kill_hook.name_of` says it, each once."""


def server(preload: Sequence[str]) -> ForkServerContext:
    """Processes forked from one that has imported what they need; a killed one costs nothing but itself."""
    context = get_context("forkserver")
    context.set_forkserver_preload(list(preload))
    return context


def _armed(
    folder: str, change: int, scope: str, count_path: str, call: Callable[..., None], *arguments: object
) -> None:
    os.setsid()
    hook = kill_hook.install(folder, change, scope)
    call(*arguments)
    Path(count_path).write_text(str(hook.seen), encoding="utf-8")


def run_function(
    context: ForkServerContext, folder: Path, moment: Moment | None, call: Callable[..., None], *arguments: object
) -> Outcome:
    """Run a function in a process of its own up to the moment; None lets it finish. It changes files below `folder`."""
    count = folder.parent / f".changes-{os.getpid()}"
    change = moment.change or 0 if moment is not None else 0
    scope = moment.scope if moment is not None else GROUP
    process = context.Process(target=_armed, args=(str(folder), change, scope, str(count), call, *arguments))
    started = time.monotonic()
    process.start()
    if moment is not None and moment.seconds is not None:
        process.join(moment.seconds)
        if process.is_alive() and process.pid is not None:
            os.kill(process.pid, signal.SIGKILL)
    process.join(_LIMIT_SECONDS)
    assert process.exitcode is not None, f"{call.__name__} does not end"
    seconds = time.monotonic() - started
    seen = int(count.read_text(encoding="utf-8")) if count.exists() else 0
    count.unlink(missing_ok=True)
    return Outcome(process.exitcode == -signal.SIGKILL, process.exitcode, seconds, seen)


def run_command(
    command: Sequence[str],
    environment: Mapping[str, str],
    home: Path,
    moment: Moment | None,
    sights: Mapping[str, Sight],
    log: Path,
    watch: Callable[[], object] | None = None,
) -> Outcome:
    """Run a command in a session of its own up to the moment; None lets it finish. What it prints goes to `log`.

    `watch` is called again and again meanwhile.
    """
    changes = home.parent / f".changes-{os.getpid()}"
    armed = {
        "PYTHONPATH": os.pathsep.join(filter(None, (str(_SITE), os.environ.get("PYTHONPATH")))),
        kill_hook.FOLDER: str(home),
        kill_hook.AT: str(moment.change if moment is not None and moment.change is not None else 0),
        kill_hook.NAME: moment.name if moment is not None else "",
        kill_hook.SCOPE: moment.scope if moment is not None else GROUP,
    }
    if moment is None:
        armed[kill_hook.LOG] = str(changes)
    started = time.monotonic()
    with log.open("ab") as output:
        process = subprocess.Popen(
            command, env={**os.environ, **environment, **armed}, stdout=output, stderr=output, start_new_session=True
        )
    _wait(process, moment, started, sights, watch)
    seconds = time.monotonic() - started
    by_process = [line.split(" ", 1) for line in changes.read_text().splitlines()] if changes.exists() else []
    changes.unlink(missing_ok=True)
    own = sum(int(pid) == process.pid for pid, _ in by_process)
    names = tuple(sorted({name for _, name in by_process}))
    return Outcome(process.returncode == -signal.SIGKILL, process.returncode, seconds, own, names)


def _wait(
    process: subprocess.Popen[bytes],
    moment: Moment | None,
    started: float,
    sights: Mapping[str, Sight],
    watch: Callable[[], object] | None,
) -> None:
    is_seen = sights[moment.sight] if moment is not None and moment.sight is not None else None
    while process.poll() is None:
        elapsed = time.monotonic() - started
        is_time = moment is not None and moment.seconds is not None and elapsed >= moment.seconds
        if moment is not None and (is_time or (is_seen is not None and is_seen())):
            # The leader of the group may have ended in this very instant.
            with contextlib.suppress(ProcessLookupError):
                (os.killpg if moment.scope == GROUP else os.kill)(process.pid, signal.SIGKILL)
            process.wait()
            return
        if elapsed > _LIMIT_SECONDS:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise AssertionError(f"{process.args!r} does not end")
        if watch is not None:
            watch()
        time.sleep(_POLL_SECONDS if watch is None else _WATCH_SECONDS)


def orphans(session: int) -> list[int]:
    """Processes of a session that are still there."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with contextlib.suppress(OSError):
                fields = (folder / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()
                if int(fields[3]) == session and fields[0] != "Z":
                    found.append(int(folder.name))
    return found


def choose(chance: random.Random, whole: Outcome, sights: Sequence[str] = ()) -> Moment:
    """A random moment of an operation that took as long, and made as many changes, as `whole`."""
    scope = chance.choice((GROUP, GROUP, SELF))
    kinds = ["time"] + (["change"] if whole.changes else []) + (["sight"] if sights else [])
    kinds += ["name"] if whole.names else []
    match chance.choice(kinds):
        case "time":
            return Moment(scope, seconds=chance.uniform(0, whole.seconds))
        case "change":
            return Moment(scope, change=chance.randint(1, whole.changes))
        case "name":
            return Moment(scope, change=1, name=chance.choice(whole.names))
        case _:
            return Moment(scope, sight=chance.choice(list(sights)))


KPI = str(Path(sys.executable).with_name("kpi"))
