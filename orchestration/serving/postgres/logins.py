"""One login per viewer: created, unlocked, locked and dropped as the CRM's people say, however often it runs.

Belongs here: deciding what has to change, and changing it. Not here: what a login sees (`entitlements.py`), or where
its password is written down (`passwords.py`).

A login's name is random. Every role of a server can read the names of all others, so a name that told an e-mail would
tell everybody who works here. `kpi_access.login` holds whose it is, and only the publisher reads it.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass

from psycopg import sql

from orchestration.serving.errors import PublishError
from orchestration.serving.postgres.names import ACCESS, LIVE, Roles, compose
from orchestration.serving.postgres.rights import Rights, Viewer
from orchestration.serving.postgres.target import Connection, Target, acting_as


@dataclass(frozen=True)
class Login:
    """One login as the server has it."""

    name: str
    employee_id: str
    email: str
    is_locked: bool
    has_password: bool


@dataclass(frozen=True)
class Changes:
    """What has to happen so that the logins are those of the viewers. `orphans` are roles that nobody knows."""

    create: tuple[Viewer, ...]
    unlock: tuple[Login, ...]
    lock: tuple[Login, ...]
    drop: tuple[Login, ...]
    orphans: tuple[str, ...]

    @property
    def ended(self) -> tuple[str, ...]:
        """The logins whose sessions end with this."""
        return (*(login.name for login in (*self.lock, *self.drop)), *self.orphans)


def plan(there: Iterable[Login], roles_there: Iterable[str], rights: Rights) -> Changes:
    """Compare the logins with the viewers.

    Without a right (inactive, or no grant left) a login is locked; it is dropped when its person is gone from the CRM.
    """
    logins = {login.employee_id: login for login in there}
    existing = set(roles_there)
    viewers = {viewer.employee_id: viewer for viewer in rights.viewers}
    known = {key: login for key, login in logins.items() if login.name in existing}
    without_right = [login for key, login in known.items() if key not in viewers]
    return Changes(
        create=tuple(viewer for key, viewer in viewers.items() if key not in known),
        unlock=tuple(login for key, login in known.items() if key in viewers and login.is_locked),
        lock=tuple(login for login in without_right if login.employee_id in rights.known and not login.is_locked),
        drop=tuple(login for login in without_right if login.employee_id not in rights.known),
        orphans=tuple(sorted(existing - {login.name for login in logins.values()})),
    )


def read_logins(postgres: Connection, roles: Roles) -> tuple[Login, ...]:
    """All logins of the table, by person."""
    with acting_as(postgres, roles.owner):
        rows = postgres.execute(
            compose(
                "select login::text, employee_id, email, is_locked, has_password from {schema}.login "
                "order by employee_id",
                schema=ACCESS,
            )
        ).fetchall()
    return tuple(Login(*row) for row in rows)


def open_login(postgres: Connection, target: Target, email: str) -> Login:
    """The login of an e-mail. Raises PublishError when there is none, when it is locked, or when several share it."""
    wanted = email.strip().lower()
    found = [login for login in read_logins(postgres, target.roles) if login.email == wanted]
    if not found:
        raise PublishError(
            f"{target.shown} has no login for {wanted}; `kpi access show --viewer {wanted}` says what this person may "
            "see, and the next `kpi publish` makes a login where there is a right"
        )
    open_ones = [login for login in found if not login.is_locked]
    if not open_ones:
        raise PublishError(f"the login of {wanted} is locked: that person has no right to anything any more")
    if len(open_ones) > 1:
        raise PublishError(f"{wanted} is the e-mail of several logins; `kpi publish` puts that right, then try again")
    return open_ones[0]


def read_roles(postgres: Connection, roles: Roles) -> tuple[str, ...]:
    """All login roles that are members of the readers, whoever made them so."""
    rows = postgres.execute(
        "select member.rolname::text from pg_auth_members as m "
        "inner join pg_roles as member on m.member = member.oid inner join pg_roles as role on m.roleid = role.oid "
        "where role.rolname = %s and starts_with(member.rolname::text, %s) order by 1",
        [roles.reader, roles.login("")],
    ).fetchall()
    return tuple(str(name) for (name,) in rows)


def carry_out(postgres: Connection, target: Target, changes: Changes, rights: Rights) -> None:
    """Make the changes, and fill the groups of those who see everybody. Inside the swap's transaction."""
    roles = target.roles
    table = {"schema": ACCESS, "table": "login"}
    dropped = [login.name for login in changes.drop] + list(changes.orphans)
    for name in dropped:
        postgres.execute(compose("drop role {login}", login=name))
    for login in changes.lock:
        postgres.execute(compose("alter role {login} nologin", login=login.name))
    for login in changes.unlock:
        postgres.execute(compose("alter role {login} login", login=login.name))
    created = {viewer.employee_id: _create(postgres, roles) for viewer in changes.create}
    with acting_as(postgres, roles.owner):
        for login in changes.drop:
            postgres.execute(compose("delete from {schema}.{table} where login = %s", **table), [login.name])
        for is_locked, logins in ((True, changes.lock), (False, changes.unlock)):
            for login in logins:
                postgres.execute(
                    compose("update {schema}.{table} set is_locked = %s where login = %s", **table),
                    [is_locked, login.name],
                )
        for viewer in changes.create:
            postgres.execute(
                compose(
                    "insert into {schema}.{table} (login, employee_id, email) values (%s, %s, %s) "
                    "on conflict (employee_id) do update set login = excluded.login, is_locked = false, "
                    "has_password = false",
                    **table,
                ),
                [created[viewer.employee_id], viewer.employee_id, viewer.email],
            )
        for viewer in rights.viewers:
            postgres.execute(
                compose("update {schema}.{table} set email = %s where employee_id = %s and email <> %s", **table),
                [viewer.email, viewer.employee_id, viewer.email],
            )
    _limit(postgres, target)
    _group(postgres, roles, rights)


def _create(postgres: Connection, roles: Roles) -> str:
    """A login without a password: nobody can use it until one is given."""
    name = roles.login(secrets.token_hex(6))
    postgres.execute(compose("create role {login} login in role {reader}", login=name, reader=roles.reader))
    return name


def _limit(postgres: Connection, target: Target) -> None:
    """What one login may use. It may raise the time limits itself; the number of connections it may not."""
    for login in read_roles(postgres, target.roles):
        limit = sql.Literal(target.connection_limit)
        # What a login has set for itself in this database would otherwise stand before what follows.
        database = postgres.info.dbname
        postgres.execute(compose("alter role {login} in database {database} reset all", login=login, database=database))
        postgres.execute(compose("alter role {login} connection limit {limit}", login=login, limit=limit))
        for setting, value in (
            ("statement_timeout", f"{target.statement_timeout_seconds}s"),
            ("idle_in_transaction_session_timeout", "60s"),
            ("search_path", LIVE),
        ):
            postgres.execute(
                compose(
                    "alter role {login} set {setting} = {value}",
                    login=login,
                    setting=setting,
                    value=sql.Identifier(value) if setting == "search_path" else sql.Literal(value),
                )
            )


def _group(postgres: Connection, roles: Roles, rights: Rights) -> None:
    """Memberships in the groups of those who see everybody, exactly as the rights say."""
    names = {login.employee_id: login.name for login in read_logins(postgres, roles)}
    wanted = {
        (roles.everything(report), names[viewer.employee_id])
        for viewer in rights.viewers
        for report in viewer.everything
    }
    there = {
        (str(group), str(member))
        for group, member in postgres.execute(
            "select role.rolname, member.rolname from pg_auth_members as m "
            "inner join pg_roles as member on m.member = member.oid inner join pg_roles as role on m.roleid = role.oid "
            "where starts_with(role.rolname::text, %s) and starts_with(member.rolname::text, %s)",
            [roles.everything(""), roles.login("")],
        ).fetchall()
    }
    for group, member in sorted(there - wanted):
        postgres.execute(compose("revoke {group} from {member}", group=group, member=member))
    for group, member in sorted(wanted - there):
        postgres.execute(compose("grant {group} to {member}", group=group, member=member))


def end_sessions(postgres: Connection, logins: Iterable[str]) -> int:
    """End every session of these logins and wait until it is gone; how many are.

    A session in the middle of one of the few computations that cannot be interrupted ends after it, and is not counted.
    """
    rows = postgres.execute(
        "select pg_terminate_backend(pid, 10000) from pg_stat_activity "
        "where usename::text = any(%s) and pid <> pg_backend_pid()",
        [list(logins)],
    ).fetchall()
    return sum(bool(is_gone) for (is_gone,) in rows)
