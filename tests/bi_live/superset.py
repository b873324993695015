"""A real Superset for tests: started from its own environment, on the loopback address, with a fresh metadata database.

Belongs here: starting and stopping it, and asking its API as one of its users. Not here: what is imported into it.
"""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import httpx

from orchestration.settings import PROJECT_DIR

ENVIRONMENT = PROJECT_DIR / ".venv-superset"
ADMIN = "admin"
_HOST = "127.0.0.1"
_START_SECONDS = 120

# DASHBOARD_RBAC stays off, as Superset is delivered: with it, opening a dashboard would also open its data.
_CONFIG = """
SECRET_KEY = {secret!r}
SQLALCHEMY_DATABASE_URI = "sqlite:///{folder}/superset.db?check_same_thread=false"
LANGUAGES = {{"en": {{"flag": "us", "name": "English"}}}}
"""


@dataclass(frozen=True)
class User:
    """Somebody who logs in to Superset."""

    name: str
    password: str = field(repr=False)


@dataclass(frozen=True)
class Superset:
    """A running Superset, its administrator, and where it writes its log."""

    url: str
    admin: User
    log: Path

    def log_in(self, user: User | None = None) -> Api:
        """The API as a user; the administrator's unless another is named."""
        return Api.log_in(self.url, user or self.admin)

    @property
    def said(self) -> str:
        """The end of the log, for a message on what went wrong."""
        return f"{self.log}:\n" + self.log.read_text(encoding="utf-8", errors="replace")[-4000:]


class Api:
    """Superset's REST API as one user."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client

    @classmethod
    def log_in(cls, url: str, user: User) -> Self:
        """A session with a token, and the token against forged requests that writing needs."""
        client = httpx.Client(base_url=url, timeout=120)
        given = {"username": user.name, "password": user.password, "provider": "db", "refresh": False}
        answer = client.post("/api/v1/security/login", json=given)
        assert answer.status_code == 200, answer.text
        client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        token = client.get("/api/v1/security/csrf_token/")
        assert token.status_code == 200, token.text
        client.headers["X-CSRFToken"] = token.json()["result"]
        client.headers["Referer"] = url
        return cls(client)

    def close(self) -> None:
        """End the connections."""
        self._client.close()

    def ask(self, method: str, path: str, **given: Any) -> httpx.Response:
        """The answer, whatever it is."""
        return self._client.request(method, path, **given)

    def get(self, path: str, **given: Any) -> Any:
        """The JSON of an answer that has to be a good one."""
        return self._good(self.ask("GET", path, **given))

    def post(self, path: str, **given: Any) -> Any:
        """The JSON of an answer that has to be a good one."""
        return self._good(self.ask("POST", path, **given))

    def all_of(self, what: str) -> list[dict[str, Any]]:
        """Every object of a kind."""
        query = "(page:0,page_size:1000)"
        listed = self.get(f"/api/v1/{what}/", params={"q": query})
        found: list[dict[str, Any]] = listed["result"]
        assert listed["count"] == len(found)
        return found

    @staticmethod
    def _good(answer: httpx.Response) -> Any:
        assert answer.is_success, f"{answer.request.method} {answer.request.url}: {answer.status_code} {answer.text}"
        return answer.json()


@contextmanager
def running_superset(folder: Path) -> Iterator[Superset]:
    """A fresh Superset in `folder`, stopped with the context."""
    program = ENVIRONMENT / "bin" / "superset"
    assert program.is_file(), f"{program} is not there; `make test-bi` installs Superset and runs these tests"
    config, log = folder / "superset_config.py", folder / "superset.log"
    config.write_text(_CONFIG.format(secret=secrets.token_urlsafe(42), folder=folder), encoding="utf-8")
    config.chmod(0o600)
    environment = {**os.environ, "SUPERSET_CONFIG_PATH": str(config), "SUPERSET_HOME": str(folder)}
    admin = User(ADMIN, secrets.token_urlsafe(16))
    with log.open("ab") as output:
        named = ["--username", admin.name, "--firstname", "Ad", "--lastname", "Min", "--email", "admin@test.example"]
        for step in (
            ["db", "upgrade"],
            ["fab", "create-admin", *named, "--password", admin.password],
            ["init"],
        ):
            _run([str(program), *step], environment, output, log)
        port = _free_port()
        url = f"http://{_HOST}:{port}"
        process = subprocess.Popen(
            [str(program), "run", "--host", _HOST, "--port", str(port), "--with-threads"],
            env=environment,
            stdout=output,
            stderr=output,
            cwd=folder,
        )
        superset = Superset(url, admin, log)
        try:
            _wait_until_it_answers(process, superset)
            yield superset
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)


def _run(command: list[str], environment: Mapping[str, str], output: Any, log: Path) -> None:
    done = subprocess.run(command, env=environment, stdout=output, stderr=output, check=False)
    assert done.returncode == 0, f"superset {command[1]} failed; {log} says why"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((_HOST, 0))
        return int(probe.getsockname()[1])


def _wait_until_it_answers(process: subprocess.Popen[bytes], superset: Superset) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            if httpx.get(f"{superset.url}/health", timeout=5).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.2)
    raise AssertionError(f"Superset did not start; {superset.said}")
