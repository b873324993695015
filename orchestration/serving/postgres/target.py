"""Which server to publish to, and the connection to it.

Belongs here: the address, where the password comes from, limits. Not here: reading the environment (`settings.py`; the
PostgreSQL client library reads its own PGPASSFILE and PGSSL... itself), or anything done over the connection.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import psycopg
from psycopg import conninfo

from orchestration.serving.errors import PublishError
from orchestration.serving.postgres.names import Roles, compose
from orchestration.settings import Settings

Connection = psycopg.Connection[tuple[Any, ...]]

_SCHEMES = ("postgresql://", "postgres://")
_OTHERS = 0o077
_THIS_MACHINE = frozenset({"", "localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True)
class Target:
    """A server and how to treat it. `swap_wait_seconds` is how long readers may hold up a swap before they are ended;
    the limits are those of every viewer's login. `without` are marts that it does not get."""

    url: str
    password_file: Path | None = None
    role_prefix: str = "kpi"
    swap_wait_seconds: float = 60.0
    statement_timeout_seconds: int = 300
    connection_limit: int = 10
    without: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        """Refuse what would leak a password or send rows in the clear."""
        if not self.url.startswith(_SCHEMES):
            raise PublishError(
                "the address of a server begins with postgresql://, like postgresql://kpi_publisher@host/kpi"
            )
        try:
            given = conninfo.conninfo_to_dict(self.url)
        except psycopg.ProgrammingError as error:
            raise PublishError(
                "the address of the server cannot be read; it is postgresql://USER@HOST:PORT/DATABASE"
            ) from error
        if given.get("password"):
            raise PublishError(
                "there is a password in the server's address, where process lists and logs show it; "
                "put it into a file that KPI_POSTGRES_PASSWORD_FILE or PGPASSFILE names"
            )
        if not given.get("dbname") or not given.get("user"):
            raise PublishError(f"{self.shown}: name the user and the database, postgresql://USER@HOST/DATABASE")
        host = str(given.get("host") or "")
        if host not in _THIS_MACHINE and not host.startswith("/") and not given.get("sslmode"):
            raise PublishError(
                f"{self.shown}: {host} is another machine, and the address does not say how to reach it safely; "
                "add ?sslmode=verify-full (or another sslmode, if you know why)"
            )

    @classmethod
    def of(cls, settings: Settings, url: str | None = None) -> Self:
        """The server of the settings, or another at `url` under the same limits. Raises PublishError without either."""
        chosen = url or settings.postgres_url
        if chosen is None:
            raise PublishError("there is no server to publish to; name it with --to, or set KPI_POSTGRES_URL")
        return cls(
            chosen,
            settings.postgres_password_file,
            settings.postgres_role_prefix,
            settings.postgres_swap_wait_seconds,
            settings.postgres_statement_timeout_seconds,
            settings.postgres_connection_limit,
            frozenset(filter(None, map(str.strip, settings.postgres_without.split(",")))),
        )

    @property
    def roles(self) -> Roles:
        """The names of its roles."""
        return Roles(self.role_prefix)

    @property
    def shown(self) -> str:
        """The address as messages show it: without anything that could be secret."""
        given = conninfo.conninfo_to_dict(self.url)
        port = f":{given['port']}" if given.get("port") else ""
        return f"postgresql://{given.get('user', '')}@{given.get('host', '')}{port}/{given.get('dbname', '')}"


def _password(target: Target) -> str | None:
    if target.password_file is None:
        return None
    try:
        if target.password_file.stat().st_mode & _OTHERS:
            raise PublishError(
                f"the password file {target.password_file} is open to others; `chmod 600 {target.password_file}`"
            )
        return target.password_file.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise PublishError(f"the password file {target.password_file} cannot be read: {error.strerror}") from error


def connect(target: Target, connect_seconds: int = 30) -> Connection:
    """A connection as the publisher. Raises PublishError when the server does not let it in in time."""
    try:
        connection: Connection = psycopg.connect(
            target.url, password=_password(target), application_name="kpi publish", connect_timeout=connect_seconds
        )
    except psycopg.OperationalError as error:
        raise PublishError(f"{target.shown} cannot be reached: {str(error).strip()}") from error
    # The publisher's own limits must not cut a load short.
    connection.execute("set statement_timeout = 0")
    connection.execute("set idle_in_transaction_session_timeout = 0")
    connection.execute("set lock_timeout = 0")
    connection.execute("set client_min_messages = warning")
    connection.execute("set datestyle = 'ISO, YMD'")
    connection.commit()
    return connection


@contextmanager
def session(target: Target, connect_seconds: int = 30) -> Iterator[Connection]:
    """A connection for one piece of work. What the server refuses or breaks off ends as a PublishError that says so."""
    with connect(target, connect_seconds) as connection:
        try:
            yield connection
        except psycopg.Error as error:
            raise PublishError(
                f"{target.shown}: {str(error).strip()}. What was live before the swap is untouched; publishing again "
                "is always safe."
            ) from error


@contextmanager
def acting_as(postgres: Connection, role: str) -> Iterator[None]:
    """Do something inside a transaction as another role. After an error nothing has to be put back: it rolls back."""
    postgres.execute(compose("set local role {role}", role=role))
    yield
    postgres.execute("set local role none")
