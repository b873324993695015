"""The child process in which dbt runs: one import of dbt, one parse of the project, then one fork per command.

Belongs here: reading commands from standard input, running each in a fork, reporting back as JSON lines. Not here: what
dbt should run, or what its results mean (`dbt_run.py`, `assets/`).

Importing dbt and parsing the project cost seconds of processor time. The worker starts early, does both while the
night's rows are being landed, and serves several nights in a row. Each command runs in a fork of its own because
dbt-duckdb keeps its connection, and with it DuckDB's file lock, until its process ends.

Protocol, one JSON object a line. In: `{"args": [...], "env": {...}, "log": path, "results": path or null}`; a command
that runs nodes writes what became of them to `results`. The command `parse` runs in the worker itself, and the commands
after it use its manifest; every other command runs in a fork. Out: `{"node": unique
id, "status": ...}` for every finished node, `{"error": text}` when dbt stopped with an exception, then `{"exit":
code}` once the fork, and with it the file lock, is gone. The end of standard input ends the worker and whatever it is
running, so that dbt never outlives the process that holds the writer's lock.
"""

from __future__ import annotations

import gc
import json
import os
import select
import signal
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from multiprocessing import resource_tracker
from typing import Any

_EXIT_UNHANDLED = 70
_PARSE = "parse"
NODE_FINISHED = "NodeFinished"


def say(protocol_fd: int, message: Mapping[str, object]) -> None:
    """Tell the parent one thing, as a line of JSON."""
    os.write(protocol_fd, (json.dumps(message) + "\n").encode())


def _close_duckdb() -> None:
    """Write DuckDB's log back into its file and close it, as a process that ends in the regular way would."""
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager

    environment = DuckDBConnectionManager._ENV
    if environment is not None:
        environment.handle().cursor().execute("checkpoint")
        environment.close()


def _parse(request: Mapping[str, Any], protocol_fd: int) -> Any:
    """Parse the project here, for the forks to inherit; None when it does not parse."""
    from dbt.cli.main import dbtRunner

    with ending_with_parent():
        result = dbtRunner().invoke(list(request["args"]))
    if not result.success:
        say(protocol_fd, {"error": str(result.exception or "see the log").strip()})
    say(protocol_fd, {"exit": 0 if result.success else 1})
    return result.result if result.success else None


@contextmanager
def ending_with_parent() -> Iterator[None]:
    """End this process at once when the parent goes away during the body: the next run parses into the same folder."""
    done, over = os.pipe()

    def watch() -> None:
        events = select.poll()
        events.register(0, 0)  # Only the end of the input, which is always reported; what it holds is for later.
        events.register(done, select.POLLIN)
        if any(descriptor == 0 for descriptor, _ in events.poll()):
            os._exit(_EXIT_UNHANDLED)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield
    finally:
        os.close(over)
        watcher.join()  # No thread of ours may be alive when this process forks.
        os.close(done)


def _say_less() -> None:
    """Have dbt put into words only what somebody listens to: it words every event before asking whether to log it."""
    from dbt_common.events.base_types import BaseEvent, EventLevel
    from dbt_common.events.event_manager import EventManager
    from dbt_common.events.event_manager_client import ctx_set_event_manager

    class HeardEvents(EventManager):
        def fire_event(self, e: BaseEvent, level: EventLevel | None = None, *args: Any, **kwargs: Any) -> None:
            if (level or e.level_tag()) != EventLevel.DEBUG or type(e).__name__ == NODE_FINISHED:
                super().fire_event(e, level, *args, **kwargs)

    ctx_set_event_manager(HeardEvents())


def _invoke(request: Mapping[str, Any], manifest: Any, protocol_fd: int) -> int:
    """Run one dbt command in this process; 0 when dbt calls it a success, 1 otherwise."""
    from dbt.artifacts.schemas.run import RunExecutionResult
    from dbt.cli.main import dbtRunner

    def on_event(event: Any) -> None:
        if event.info.name == NODE_FINISHED:
            node = event.data.node_info
            say(protocol_fd, {"node": node.unique_id, "status": node.node_status})

    _say_less()
    result = dbtRunner(manifest=manifest, callbacks=[on_event]).invoke(list(request["args"]))
    _close_duckdb()
    if request["results"] is not None and isinstance(result.result, RunExecutionResult):
        result.result.write(request["results"])
    if result.exception is not None:
        say(protocol_fd, {"error": str(result.exception).strip() or type(result.exception).__name__})
    return 0 if result.success else 1


def _child(request: Mapping[str, Any], manifest: Any, protocol_fd: int) -> int:
    """Everything dbt itself prints goes to the log file; only the protocol reaches the parent."""
    log = os.open(request["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.environ.update(request["env"])
    gc.enable()
    try:
        return _invoke(request, manifest, protocol_fd)
    except BaseException as error:
        say(protocol_fd, {"error": f"{type(error).__name__}: {error}"})
        return _EXIT_UNHANDLED


def _run_in_fork(request: Mapping[str, Any], manifest: Any, protocol_fd: int) -> None:
    """Fork, wait, and kill the fork when the parent goes away."""
    fork_lives, held_by_fork = os.pipe()
    pid = os.fork()
    if pid == 0:
        # Not sys.exit: DuckDB's threads do not survive Python's shutdown in a fork.
        code = _EXIT_UNHANDLED
        try:
            code = _child(request, manifest, protocol_fd)
        finally:
            os._exit(code)
    os.close(held_by_fork)
    ready, _, _ = select.select([fork_lives, 0], [], [])
    if fork_lives not in ready:
        os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    os.close(fork_lives)
    if os.WIFSIGNALED(status):
        say(protocol_fd, {"error": f"dbt was killed by signal {os.WTERMSIG(status)}"})
    say(protocol_fd, {"exit": os.waitstatus_to_exitcode(status)})


def main() -> None:
    """Import dbt, then serve commands until standard input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the parent, which then closes our input.
    protocol_fd = os.dup(1)
    os.dup2(2, 1)

    # What importing and parsing make stays until the end: looking for garbage in it costs a fifth of both, and once
    # more in every fork.
    gc.disable()

    # dbt makes a few semaphores per command; one tracker for all forks clears them away in the end.
    resource_tracker.ensure_running()
    import dbt.adapters.duckdb
    import dbt.cli.main  # noqa: F401

    manifest = None
    buffer = b""
    while chunk := os.read(0, 65536):
        buffer += chunk
        while b"\n" in buffer:
            line, buffer = buffer.split(b"\n", 1)
            request = json.loads(line)
            if _PARSE in request["args"]:
                manifest = _parse(request, protocol_fd)
                gc.freeze()
            else:
                _run_in_fork(request, manifest, protocol_fd)


if __name__ == "__main__":
    main()
