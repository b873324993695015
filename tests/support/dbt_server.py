"""dbt started once: its import, and the parse of the project as it stands, serve all commands of one test process.

Belongs here: the process that waits with dbt imported, and asking it. Not here: which commands (`warehouse.py`).

It is the worker of the nights (`orchestration/dbt_worker.py`): every command runs in a fork of its own, which reads its
environment anew and lets go of the warehouse file when it ends. Another project than the repository's own is parsed by
every command: its files may have changed since the last one.
"""

from __future__ import annotations

import atexit
import json
import os
import select
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestration.dbt_run import DBT_PROJECT_DIR
from orchestration.settings import PROJECT_DIR

COMMAND_SECONDS = 600
# The one variable the parsed project depends on: `tests/unit/test_dbt_server.py` changes all the others.
PARSED_WITH = "KPI_PUBLISH_CONTACTS"
_READ_BYTES = 65536


@dataclass(frozen=True)
class Answer:
    """How one command ended, and what it printed."""

    exit_code: int
    output: str


class DbtServer:
    """A process with dbt imported, which runs one command at a time, each in a fork of its own."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        """`environment` is for what is parsed in the process itself; each command brings its own."""
        # The variables of the moment it starts must not last.
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("KPI_", "DBT_"))}
        # The log is the server's own, for what no command says.
        self._log = tempfile.NamedTemporaryFile(prefix="dbt_server", suffix=".log")  # noqa: SIM115
        self._process = subprocess.Popen(
            [sys.executable, "-m", "orchestration.dbt_worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            cwd=PROJECT_DIR,
            env={**inherited, **environment},
        )

    def close(self) -> None:
        """End the process, and with it whatever it runs."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()
        self._log.close()

    def ask(self, arguments: Sequence[str], environment: Mapping[str, str]) -> Answer:
        """Run one command to its end. Raises AssertionError where it does not come to one."""
        assert self._process.stdin is not None
        with tempfile.NamedTemporaryFile(prefix="dbt_command", suffix=".log") as printed:
            request = {"args": list(arguments), "env": dict(environment), "log": printed.name, "results": None}
            self._process.stdin.write((json.dumps(request) + "\n").encode())
            self._process.stdin.flush()
            errors: list[str] = []
            exit_code = self._listen(errors)
            output = Path(printed.name).read_text(encoding="utf-8", errors="replace")
        return Answer(exit_code, "\n".join([output, *errors]))

    def _listen(self, errors: list[str]) -> int:
        assert self._process.stdout is not None
        descriptor, buffer, until = self._process.stdout.fileno(), b"", time.monotonic() + COMMAND_SECONDS
        while True:
            ready, _, _ = select.select([descriptor], [], [], max(until - time.monotonic(), 0))
            if not ready:
                self.close()
                raise AssertionError(f"dbt did not end within {COMMAND_SECONDS} seconds")
            chunk = os.read(descriptor, _READ_BYTES)
            if not chunk:
                raise AssertionError(f"dbt's process ended by itself:\n{Path(self._log.name).read_text()}")
            buffer += chunk
            *lines, buffer = buffer.split(b"\n")
            for line in lines:
                message: dict[str, Any] = json.loads(line)
                if "error" in message:
                    errors.append(str(message["error"]))
                if "exit" in message:
                    return int(message["exit"])


_SERVERS: dict[str | None, DbtServer] = {}


def ask_dbt(project_dir: Path, arguments: Sequence[str], environment: Mapping[str, str]) -> Answer:
    """Run one dbt command with these variables besides those of this process."""
    whole = {**os.environ, **environment}
    parsed_with = whole.get(PARSED_WITH, "false") if project_dir == DBT_PROJECT_DIR else None
    if parsed_with not in _SERVERS:
        server = DbtServer({}) if parsed_with is None else _parsed(parsed_with)
        atexit.register(server.close)
        _SERVERS[parsed_with] = server
    return _SERVERS[parsed_with].ask(arguments, whole)


def _parsed(parsed_with: str) -> DbtServer:
    """A server that has parsed the repository's own project, for a home that no command will have."""
    with tempfile.TemporaryDirectory(prefix="dbt_parsed") as folder:
        server = DbtServer({PARSED_WITH: parsed_with, "KPI_HOME": folder})
        answer = server.ask(
            [
                *("--quiet", "--no-version-check", "--log-path", f"{folder}/logs"),
                *("parse", "--project-dir", str(DBT_PROJECT_DIR), "--profiles-dir", str(DBT_PROJECT_DIR)),
                *("--target-path", f"{folder}/target", "--no-write-json"),
            ],
            {},
        )
    assert answer.exit_code == 0, f"the dbt project does not parse:\n{answer.output}"
    return server
