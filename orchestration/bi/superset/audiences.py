"""For whom a bundle is made: the logins that the published PostgreSQL has for people.

Belongs here: looking them up. Not here: making logins (`kpi publish`), or the file of passwords (`passwords`).
"""

from __future__ import annotations

from collections.abc import Sequence

from psycopg import conninfo

from orchestration.bi.superset.bundle import Server
from orchestration.bi.superset.errors import SupersetError
from orchestration.bi.superset.names import Audience
from orchestration.serving.postgres import logins, swap
from orchestration.serving.postgres.logins import Login
from orchestration.serving.postgres.names import ACCESS
from orchestration.serving.postgres.target import Target, session

_PORT = "5432"
_GIVEN = "`kpi publish --passwords FILE`"
_NOT_OPTIONS = frozenset({"user", "password", "host", "port", "dbname", "application_name"})


def audiences(target: Target, emails: Sequence[str] | None) -> tuple[Audience, ...]:
    """These people, or with None everybody who has a login with a password, by e-mail.

    Raises SupersetError for somebody without a password, and PublishError for somebody without a login.
    """
    with session(target) as postgres, postgres.transaction():
        if not swap.exists(postgres, ACCESS):
            raise SupersetError(f"{target.shown} has no logins yet; {_GIVEN} makes them")
        if emails is None:
            there = logins.read_logins(postgres, target.roles)
            chosen = [login for login in there if login.has_password and not login.is_locked]
        else:
            chosen = list(dict.fromkeys(logins.open_login(postgres, target, email) for email in emails))
    for login in chosen:
        if not login.has_password:
            raise SupersetError(f"the login of {login.email} has no password; {_GIVEN} gives it one")
    if not chosen:
        raise SupersetError(f"no login of {target.shown} has a password yet; {_GIVEN} gives them some")
    return tuple(_audience(login, target) for login in sorted(chosen, key=lambda login: login.email))


def everybody(target: Target) -> tuple[Audience, ...]:
    """Everybody whose login opens something at this moment, with a password or without."""
    with session(target) as postgres:
        found = logins.read_logins(postgres, target.roles) if swap.exists(postgres, ACCESS) else ()
    return tuple(_audience(login, target) for login in found if not login.is_locked)


def _audience(login: Login, target: Target) -> Audience:
    return Audience(login.email, login.name, target.role_prefix)


def server_of(target: Target) -> Server:
    """Where the published PostgreSQL is, in the words of its address."""
    given = {name: str(value) for name, value in conninfo.conninfo_to_dict(target.url).items()}
    options = {name: value for name, value in given.items() if name not in _NOT_OPTIONS}
    host = given.get("host", "")
    if not host or host.startswith("/"):
        # A socket of this machine: its folder is no part of the address proper.
        options |= {"host": host} if host else {}
        host = ""
    return Server(host, int(given.get("port", _PORT)), given["dbname"], options)
