"""dbt started once: its import, and the parse of the project as it stands, serve all commands of one test process.

Belongs here: the process that waits with dbt imported, and asking it. Not here: which commands (`warehouse.py`).

It is the worker of the nights (`orchestration/dbt_worker.py`): every command runs in a fork of its own, which reads its
environment anew and lets go of the warehouse file when it ends. Of another project than the repository's own a command
parses the files that differ from those of the last such project (`_ask_of_copy`).
"""

from __future__ import annotations

import atexit
import hashlib
import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from orchestration.dbt_run import DBT_PROJECT_DIR
from orchestration.settings import PROJECT_DIR

COMMAND_SECONDS = 600
# The one variable the parsed project depends on: `tests/unit/test_dbt_server.py` changes all the others.
PARSED_WITH = "KPI_PUBLISH_CONTACTS"
_COPIES = "copies"
_PARSED_FILE = "partial_parse.msgpack"
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


_SERVERS: dict[str, DbtServer] = {}


def ask_dbt(project_dir: Path, arguments: Sequence[str], environment: Mapping[str, str]) -> Answer:
    """Run one dbt command with these variables besides those of this process."""
    whole = {**os.environ, **environment}
    if project_dir != DBT_PROJECT_DIR:
        return _ask_of_copy(project_dir, arguments, whole)
    parsed_with = whole.get(PARSED_WITH, "false")
    return _server(parsed_with, lambda: _parsed(parsed_with)).ask(arguments, whole)


def _server(key: str, start: Callable[[], DbtServer]) -> DbtServer:
    if key not in _SERVERS:
        server = start()
        atexit.register(server.close)
        _SERVERS[key] = server
    return _SERVERS[key]


def _ask_of_copy(project_dir: Path, arguments: Sequence[str], environment: Mapping[str, str]) -> Answer:
    """Run a command of another project: a copy with something broken, or one of a test's own.

    dbt compares each file with what it parsed last, but begins from nothing where the home is another one. So all these
    homes have one name, a link that is there while the command runs. What a command stores of that name, a view for
    example, leads nowhere afterwards, and not to another home.
    """
    same = hashlib.sha256((project_dir / "dbt_project.yml").read_bytes()).hexdigest()
    parsed, link = _links() / f"{same}.msgpack", _links() / "home"
    home = environment["KPI_HOME"]
    through_link = {
        name: str(link / Path(environment[name]).relative_to(home)) for name in ("KPI_HOME", "KPI_WAREHOUSE_PATH")
    }
    target = Path(arguments[arguments.index("--target-path") + 1])
    link.symlink_to(home)
    try:
        answer = _server(_COPIES, lambda: DbtServer({})).ask(
            [*arguments, "--partial-parse-file-path", str(parsed)] if parsed.exists() else arguments,
            {**environment, **through_link},
        )
    finally:
        link.unlink()
    if (target / _PARSED_FILE).exists():
        shutil.copy(target / _PARSED_FILE, parsed)
    return answer


@cache
def _links() -> Path:
    folder = tempfile.mkdtemp(prefix="dbt_links")
    atexit.register(shutil.rmtree, folder)
    return Path(folder)


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
