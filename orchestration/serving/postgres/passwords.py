"""Passwords of logins: made here, written once to a file the operator names; the server knows a verifier only.

Belongs here: making, writing, and setting them. The server gets what SCRAM derives from a password, so that neither its
log nor anybody who reads its catalog learns it. Not here: the publisher's own password (`target.py`).
"""

from __future__ import annotations

import csv
import io
import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from psycopg import sql

from orchestration.landing.durable import sync_directory
from orchestration.serving.errors import PublishError
from orchestration.serving.postgres.logins import Login
from orchestration.serving.postgres.names import ACCESS, Roles, compose
from orchestration.serving.postgres.target import Connection, acting_as

_BYTES = 24


@dataclass(frozen=True)
class Given:
    """A login with the password it has from now on. Its text shows no password, wherever it is printed."""

    login: Login
    password: str

    def __repr__(self) -> str:
        return f"Given({self.login.name})"


def make(logins: Sequence[Login]) -> list[Given]:
    """A new password for each."""
    return [Given(login, secrets.token_urlsafe(_BYTES)) for login in logins]


def refuse_existing(path: Path) -> None:
    """Raise PublishError where a file would be written over or cannot be made, before anything else happens."""
    if path.exists():
        raise PublishError(f"{path} is there already and may hold passwords that are in use; name a new file")
    if not path.parent.is_dir():
        raise PublishError(f"{path.parent} is no folder; passwords are written to a new file in a folder that is there")


def write(path: Path, given: Sequence[Given]) -> None:
    """Write e-mail, login and password of each to a new file that only its owner may read, and make it last."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("email", "login", "password"))
    writer.writerows((one.login.email, one.login.name, one.password) for one in given)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text.getvalue())
        file.flush()
        os.fsync(file.fileno())
    sync_directory(path.parent)


def give(postgres: Connection, roles: Roles, given: Sequence[Given]) -> None:
    """Set the passwords, inside the caller's transaction."""
    for one in given:
        verifier = postgres.pgconn.encrypt_password(
            one.password.encode(), one.login.name.encode(), b"scram-sha-256"
        ).decode()
        statement = compose(
            "alter role {login} password {verifier}", login=one.login.name, verifier=sql.Literal(verifier)
        )
        postgres.execute(statement)
    with acting_as(postgres, roles.owner):
        postgres.execute(
            compose("update {schema}.login set has_password = true where login = any(%s)", schema=ACCESS),
            [[one.login.name for one in given]],
        )
