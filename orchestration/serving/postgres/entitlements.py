"""Who sees what, on the server: the shared roles, the tables of logins and rights, and the functions that answer.

Belongs here: what stays on the server while publications come and go. Readers may read none of the tables and cannot
enter the schema; only policies ask its functions, which answer for the login that opened the session. Not here: what
uses the answers (`policies.py`), or the logins themselves (`logins.py`).

`session_user` and not `current_user` or a setting: only a superuser can change it. The functions are SECURITY DEFINER
with a fixed search path and a parsed body, so that nothing a session creates or sets can stand in for what they read.
"""

from __future__ import annotations

from psycopg import sql

from orchestration.serving.errors import PublishError
from orchestration.serving.postgres.names import ACCESS, Roles, compose
from orchestration.serving.postgres.rights import Rights
from orchestration.serving.postgres.target import Connection, acting_as

_TABLES = """
create table if not exists {schema}.login (
    login name primary key,
    employee_id text not null unique,
    email text not null,
    is_locked boolean not null default false,
    has_password boolean not null default false,
    created_at timestamp with time zone not null default now()
);
create table if not exists {schema}.entitlement (
    login name not null,
    kind text not null,
    report text not null,
    value text not null,
    primary key (login, kind, report, value)
);
create table if not exists {schema}.swap (
    generation_id text not null,
    is_rollback boolean not null,
    swapped_at timestamp with time zone not null default now()
);
create table if not exists {schema}.publishing (is_under_way boolean)
"""

_FUNCTIONS = """
create or replace function {schema}.employees(reports text[]) returns text[]
language sql stable parallel safe security definer set search_path = pg_catalog, pg_temp
begin atomic
    select coalesce(array_agg(distinct e.value), array[]::text[]) from {schema}.entitlement as e
    where e.login = session_user and e.kind = 'employee' and (cardinality(reports) = 0 or e.report = any(reports));
end;
create or replace function {schema}.departments(reports text[]) returns text[]
language sql stable parallel safe security definer set search_path = pg_catalog, pg_temp
begin atomic
    select coalesce(array_agg(distinct e.value), array[]::text[]) from {schema}.entitlement as e
    where e.login = session_user and e.kind = 'department' and (cardinality(reports) = 0 or e.report = any(reports));
end;
create or replace function {schema}.department_names() returns text[]
language sql stable parallel safe security definer set search_path = pg_catalog, pg_temp
begin atomic
    select coalesce(array_agg(e.value), array[]::text[]) from {schema}.entitlement as e
    where e.login = session_user and e.kind = 'department_name';
end;
create or replace function {schema}.sees_everybody(reports text[]) returns boolean
language sql stable parallel safe security definer set search_path = pg_catalog, pg_temp
begin atomic
    select exists (
        select from {schema}.entitlement as e
        where e.login = session_user and e.kind = 'employee' and e.value = 'unknown' and e.report = any(reports)
    );
end;
create or replace function {schema}.is_viewer() returns boolean
language sql stable parallel safe security definer set search_path = pg_catalog, pg_temp
begin atomic
    select exists (select from {schema}.entitlement as e where e.login = session_user);
end;
"""

_STAGED = "entitlement_new"


def prepare(postgres: Connection, roles: Roles, reports: tuple[str, ...]) -> None:
    """Create what is missing of the shared roles, the rights' tables and their functions; change nothing else.

    The publisher owns the database, and acts as the owner role for everything inside it.
    """
    _refuse_without_rights(postgres)
    for role in (roles.owner, roles.reader, *map(roles.everything, reports)):
        if postgres.execute("select from pg_roles where rolname = %s", [role]).fetchone() is None:
            postgres.execute(compose("create role {role} nologin", role=role))
    # From 16 on, who creates a role administers it without being able to act as it.
    as_member = sql.SQL("with inherit false, set true" if postgres.info.server_version >= 160000 else "")
    postgres.execute(compose("grant {owner} to current_user {options}", owner=roles.owner, options=as_member))
    names = {"database": postgres.info.dbname, "reader": roles.reader, "owner": roles.owner, "schema": ACCESS}
    # PUBLIC may otherwise connect, and make temporary tables that shadow others.
    postgres.execute(compose("revoke all on database {database} from public", **names))
    postgres.execute(compose("revoke all on schema public from public"))
    postgres.execute(compose("grant connect on database {database} to {reader}", **names))
    postgres.execute(compose("grant create, temporary on database {database} to {owner}", **names))
    postgres.execute(compose("create schema if not exists {schema} authorization {owner}", **names))
    with acting_as(postgres, roles.owner):
        postgres.execute(compose(_TABLES, schema=ACCESS))
        postgres.execute(compose(_FUNCTIONS, schema=ACCESS))
        postgres.execute(compose("revoke all on all functions in schema {schema} from public", **names))
        # A policy runs with the rights of who asks. Without usage of the schema nobody can call them by name.
        postgres.execute(compose("grant execute on all functions in schema {schema} to {reader}", **names))


def _refuse_without_rights(postgres: Connection) -> None:
    """Raise PublishError where the publisher would fail later, perhaps after the swap."""
    [(is_super, makes_roles, owns, ends)] = postgres.execute(
        "select r.rolsuper, r.rolcreaterole, pg_has_role(d.datdba, 'member'), "
        "pg_has_role('pg_signal_backend', 'usage') from pg_roles as r, pg_database as d "
        "where r.rolname = current_user and d.datname = current_database()"
    ).fetchall()
    missing = [
        what
        for has, what in (
            (makes_roles, "CREATEROLE"),
            (owns, f"ownership of the database {postgres.info.dbname}"),
            (ends, "membership in pg_signal_backend"),
        )
        if not (has or is_super)
    ]
    if missing:
        raise PublishError(
            f"{postgres.info.user} lacks {', '.join(missing)}; a superuser gives it as in "
            "orchestration/serving/postgres/setup.sql"
        )


def stage(postgres: Connection, rights: Rights) -> None:
    """Bring the new rights to the server, beside those in force. Belongs into the transaction that swaps."""
    postgres.execute(
        compose(
            "create temporary table {staged} (employee_id text, kind text, report text, value text) on commit drop",
            staged=_STAGED,
        )
    )
    copied = compose("copy {staged} from stdin", staged=_STAGED)
    with postgres.cursor() as cursor, cursor.copy(copied) as copy:
        for entitlement in sorted(rights.entitlements):
            copy.write_row((entitlement.employee_id, entitlement.kind, entitlement.report, entitlement.value))


def apply(postgres: Connection) -> tuple[str, ...]:
    """Put the staged rights into force for the logins there are; the logins that lost something, by name.

    Rows that stay are not touched: readers look at them while this happens.
    """
    names = {"schema": ACCESS, "staged": _STAGED}
    postgres.execute(compose("alter table {staged} add column login name", **names))
    postgres.execute(
        compose(
            "update {staged} set login = l.login from {schema}.login as l "
            "where l.employee_id = {staged}.employee_id and not l.is_locked",
            **names,
        )
    )
    lost = postgres.execute(
        compose(
            "with lost as (delete from {schema}.entitlement as e where not exists ("
            "select from {staged} as s where s.login = e.login and s.kind = e.kind "
            "and s.report = e.report and s.value = e.value) returning e.login) "
            "select distinct login::text from lost order by 1",
            **names,
        )
    ).fetchall()
    postgres.execute(
        compose(
            "insert into {schema}.entitlement (login, kind, report, value) "
            "select s.login, s.kind, s.report, s.value from {staged} as s where s.login is not null "
            "on conflict do nothing",
            **names,
        )
    )
    return tuple(str(login) for (login,) in lost)
