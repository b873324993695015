"""For whom Metabase is provisioned: the logins of the published PostgreSQL, and their passwords where they are at hand.

Belongs here: reading the server's list of logins, the operator's file of passwords, and where Metabase finds the
server. Not here: making logins (`kpi publish`).
"""

from __future__ import annotations

from psycopg import conninfo

from orchestration.bi.metabase.errors import MetabaseError
from orchestration.bi.metabase.wanted import Audience, Connection
from orchestration.serving.postgres import swap
from orchestration.serving.postgres.logins import read_logins
from orchestration.serving.postgres.names import ACCESS
from orchestration.serving.postgres.target import Target, session

_PORT = 5432
_ENCRYPTED = frozenset({"require", "verify-ca", "verify-full"})


def read_audiences(target: Target) -> tuple[Audience, ...]:
    """Everybody whose login opens something at this moment, by e-mail. Raises MetabaseError where there is nobody."""
    with session(target) as postgres:
        found = read_logins(postgres, target.roles) if swap.exists(postgres, ACCESS) else ()
    audiences = sorted(
        (Audience(login.email, login.name) for login in found if not login.is_locked), key=lambda one: one.email
    )
    if not audiences:
        # An empty server, such as one just restored, must not look as if everybody had lost their rights.
        raise MetabaseError(f"{target.shown} has no open login; `kpi publish --passwords FILE` makes them")
    return tuple(audiences)


def connection_of(target: Target, as_metabase_says: str | None) -> Connection:
    """How Metabase reaches the server. Raises MetabaseError where that cannot be known."""
    given = conninfo.conninfo_to_dict(target.url)
    host, port = str(given.get("host") or ""), int(given.get("port") or _PORT)
    if as_metabase_says:
        name, _, number = as_metabase_says.partition(":")
        if number and not number.isdigit():
            raise MetabaseError(f"KPI_METABASE_POSTGRES_HOST is HOST or HOST:PORT, not {as_metabase_says}")
        host, port = name, int(number or port)
    if not host or host.startswith("/"):
        raise MetabaseError(
            f"{target.shown} is reached over a socket of this machine, which Metabase cannot do; name the server as "
            "Metabase reaches it in KPI_METABASE_POSTGRES_HOST"
        )
    mode = str(given.get("sslmode") or "")
    return Connection(host, port, str(given["dbname"]), mode if mode in _ENCRYPTED else "")
