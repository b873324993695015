"""The last look before a swap: the server's own catalog must show nothing that could let a login see too much.

Belongs here: one query per mistake, each returning a line per finding. A publication with a finding is not swapped in.
The queries look at what is there, whoever made it: they share nothing with the code that builds. Not here: whether the
rows are right (`load.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, LiteralString

from psycopg import sql

from orchestration.serving.errors import PublishError
from orchestration.serving.postgres.indexes import policy_columns
from orchestration.serving.postgres.names import ACCESS, LIVE, NEW, OLD, Roles
from orchestration.serving.postgres.tables import DEPARTMENTS, Table
from orchestration.serving.postgres.target import Connection

OLDEST_SERVER = 150000
_SHOWN = 20

# Roles of ours: what every login is or could act as. `ours` also finds members of members.
_OURS = """
    with recursive ours as (
        select oid, rolname from pg_roles
        where starts_with(rolname::text, %(logins)s) or rolname = %(reader)s or starts_with(rolname::text, %(groups)s)
        union
        select member.oid, member.rolname from pg_auth_members as m
        inner join ours on m.roleid = ours.oid inner join pg_roles as member on m.member = member.oid
        -- Who creates a role administers it.
        where member.rolname <> current_user and not member.rolsuper
    )
"""
_TABLES = """
    select c.oid, c.relname, c.relkind, c.relrowsecurity, c.relforcerowsecurity, c.relispartition, c.relowner,
        c.reloptions, c.relacl
    from pg_class as c where c.relnamespace = to_regnamespace(%(schema)s)
"""

# Of the tables, and of what answers for the policies.
_OF_SCHEMA: Mapping[str, LiteralString] = {
    "row-level security is off or does not hold for the owner": f"""
        select relname from ({_TABLES}) as t
        where relkind in ('r', 'p') and not (relrowsecurity and relforcerowsecurity)
    """,
    "no policy": f"""
        select relname from ({_TABLES}) as t
        where relkind in ('r', 'p') and not exists (select from pg_policy where polrelid = t.oid)
    """,
    "a policy for everybody (PUBLIC) or for a role that is not ours": f"""
        select t.relname || '.' || p.polname from ({_TABLES}) as t inner join pg_policy as p on p.polrelid = t.oid
        where exists (
            select from unnest(p.polroles) as r (oid) left join pg_roles as role on role.oid = r.oid
            where role.rolname is null
                or not (role.rolname = %(reader)s or starts_with(role.rolname::text, %(groups)s))
        )
    """,
    "a policy that lets every row through, for more than those who see everybody": f"""
        select t.relname || '.' || p.polname from ({_TABLES}) as t inner join pg_policy as p on p.polrelid = t.oid
        where pg_get_expr(p.polqual, p.polrelid) not like '%%' || %(access)s || '.%%' and exists (
            select from unnest(p.polroles) as r (oid) inner join pg_roles as role on role.oid = r.oid
            where not starts_with(role.rolname::text, %(groups)s)
        )
    """,
    "a policy that asks what a session can set": f"""
        select t.relname || '.' || p.polname from ({_TABLES}) as t inner join pg_policy as p on p.polrelid = t.oid
        where pg_get_expr(p.polqual, p.polrelid) ~* 'current_setting|current_user|current_role|"?user"?\\(\\)'
    """,
    "a policy that asks a function for every row; it belongs in a sub-select": f"""
        select t.relname || '.' || p.polname from ({_TABLES}) as t inner join pg_policy as p on p.polrelid = t.oid
        where regexp_replace(pg_get_expr(p.polqual, p.polrelid), 'SELECT ' || %(access)s || '\\.', '', 'g')
            like '%%' || %(access)s || '.%%'
    """,
    "a policy for anything but reading": f"""
        select t.relname || '.' || p.polname from ({_TABLES}) as t inner join pg_policy as p on p.polrelid = t.oid
        where p.polcmd <> 'r' or p.polqual is null
    """,
    "a view without security_invoker=true and security_barrier=true": f"""
        select relname from ({_TABLES}) as t where relkind = 'v' and not coalesce(
            reloptions @> array['security_invoker=true', 'security_barrier=true'], false)
    """,
    "neither a plain table nor a view (policies do not reach it)": f"""
        select relname from ({_TABLES}) as t where relkind not in ('r', 'v', 'i', 't', 'c') or relispartition
            or exists (select from pg_inherits where inhrelid = t.oid or inhparent = t.oid)
    """,
    "a function, trigger or rule among the tables": f"""
        select proname from pg_proc where pronamespace = to_regnamespace(%(schema)s)
        union all
        select t.relname || '.' || tgname from ({_TABLES}) as t inner join pg_trigger on tgrelid = t.oid
        union all
        select t.relname || '.' || rulename from ({_TABLES}) as t inner join pg_rewrite on ev_class = t.oid
        where rulename <> '_RETURN'
    """,
    "a unique key (its violations tell of hidden rows)": f"""
        select t.relname from ({_TABLES}) as t inner join pg_index on indrelid = t.oid where indisunique
    """,
    "owned by another role than the owner": f"""
        select relname from ({_TABLES}) as t
        where relkind in ('r', 'v') and pg_get_userbyid(relowner) <> %(owner)s
        union all
        select proname from pg_proc where pronamespace = to_regnamespace(%(access)s)
            and pg_get_userbyid(proowner) <> %(owner)s
        union all
        select nspname from pg_namespace
        where nspname in (%(schema)s, %(access)s) and pg_get_userbyid(nspowner) <> %(owner)s
    """,
    "a right to do more than read, or given to another role than the readers": f"""
        select t.relname || ': ' || acl.privilege_type || ' for ' || coalesce(role.rolname, 'PUBLIC')
        from ({_TABLES}) as t cross join lateral aclexplode(t.relacl) as acl
        left join pg_roles as role on role.oid = acl.grantee
        where acl.grantee <> t.relowner
            and not (acl.privilege_type = 'SELECT' and role.rolname is not distinct from %(reader)s::name)
        union all
        select t.relname || '.' || a.attname || ': ' || acl.privilege_type || ' for a column'
        from ({_TABLES}) as t inner join pg_attribute as a on a.attrelid = t.oid
        cross join lateral aclexplode(a.attacl) as acl
    """,
    "rights or logins that somebody besides the owner can read": """
        select c.relname || ' for ' || coalesce(role.rolname, 'PUBLIC')
        from pg_class as c cross join lateral aclexplode(c.relacl) as acl
        left join pg_roles as role on role.oid = acl.grantee
        where c.relnamespace = to_regnamespace(%(access)s) and acl.grantee <> c.relowner
    """,
    "a function of the rights without a fixed search path, or for everybody": """
        select p.proname from pg_proc as p where p.pronamespace = to_regnamespace(%(access)s) and (
            not p.prosecdef or p.proconfig is distinct from array['search_path=pg_catalog, pg_temp']
            or p.prosqlbody is null or p.proleakproof or p.provolatile <> 's' or p.proparallel <> 's'
            or exists (select from aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) as acl
                left join pg_roles as role on role.oid = acl.grantee
                where acl.grantee <> p.proowner and role.rolname is distinct from %(reader)s::name)
        )
    """,
    "a function that readers can call and that is not PostgreSQL's or ours": """
        select n.nspname || '.' || p.proname from pg_proc as p inner join pg_namespace as n on p.pronamespace = n.oid
        where n.nspname not in ('pg_catalog', 'information_schema', %(access)s)
            and has_function_privilege(%(reader)s, p.oid, 'execute')
            and has_schema_privilege(%(reader)s, n.oid, 'usage')
    """,
    "functions claim to leak nothing, so they are asked before the policies; a superuser runs database.sql": """
        select count(*) || ' of them, such as ' || min(p.oid::regprocedure::text)
        from pg_proc as p where p.proleakproof having count(*) > 0
    """,
    "functions with which one reader stops the server; a superuser runs database.sql": """
        select count(*) || ' of them' from pg_proc as p
        where p.pronamespace = 'pg_catalog'::regnamespace
            and (p.proname ~ '^pg_(try_)?advisory' or p.proname = 'pg_logical_emit_message')
            and has_function_privilege(%(reader)s, p.oid, 'execute')
        having count(*) > 0
    """,
    "a language in which a reader may run programs; a superuser runs database.sql": """
        select lanname from pg_language
        where lanpltrusted and lanname <> 'sql' and has_language_privilege(%(reader)s, oid, 'usage')
    """,
}

# Of roles and what they may do; asked when logins are as the rights say.
_OF_ROLES: Mapping[str, LiteralString] = {
    "a login or group with more than the right to log in": f"""
        {_OURS}
        select r.rolname from pg_roles as r inner join ours on r.oid = ours.oid
        where r.rolsuper or r.rolbypassrls or r.rolcreaterole or r.rolcreatedb or r.rolreplication
    """,
    "a group that can log in itself": """
        select rolname from pg_roles
        where rolcanlogin and (rolname = %(reader)s or starts_with(rolname::text, %(groups)s))
    """,
    "a login without a limit of connections": """
        select rolname from pg_roles
        where starts_with(rolname::text, %(logins)s) and rolconnlimit not between 1 and 1000
    """,
    "the owner can log in, or is above the policies": """
        select rolname from pg_roles
        where rolname = %(owner)s and (rolcanlogin or rolsuper or rolbypassrls or rolcreaterole)
    """,
    "somebody besides the publisher can act as the owner": """
        select member.rolname from pg_auth_members as m inner join pg_roles as role on m.roleid = role.oid
        inner join pg_roles as member on m.member = member.oid
        where role.rolname = %(owner)s and member.rolname <> current_user and not member.rolsuper
    """,
    "a login that can become another role, or is in a group that is not ours": f"""
        {_OURS}
        select ours.rolname || ' in ' || role.rolname from ours inner join pg_auth_members as m on m.member = ours.oid
        inner join pg_roles as role on m.roleid = role.oid
        where not (
            starts_with(ours.rolname::text, %(logins)s)
            and (role.rolname = %(reader)s or starts_with(role.rolname::text, %(groups)s))
        )
    """,
    "a group with a member that is no login of ours": f"""
        {_OURS}
        select ours.rolname from ours
        where not starts_with(ours.rolname::text, %(logins)s) and ours.rolname <> %(reader)s
            and not starts_with(ours.rolname::text, %(groups)s)
    """,
    "a database right besides connecting": f"""
        {_OURS}
        select ours.rolname || ': ' || privilege from ours cross join unnest(array['temporary', 'create']) as privilege
        where has_database_privilege(ours.oid, current_database(), privilege)
    """,
    "a schema that readers can use or create in, besides the marts": """
        select n.nspname from pg_namespace as n
        where n.nspname not in ('pg_catalog', 'information_schema', %(live)s, %(old)s)
            and n.nspname !~ '^pg_(toast_)?temp_' and has_schema_privilege(%(reader)s, n.oid, 'usage')
        union all
        select n.nspname || ': create' from pg_namespace as n
        where has_schema_privilege(%(reader)s, n.oid, 'create') and n.nspname !~ '^pg_(toast_)?temp_'
    """,
    "rights that new objects would get by default": """
        select pg_get_userbyid(defaclrole)::text from pg_default_acl
    """,
}


def findings(postgres: Connection, roles: Roles, schema: str = NEW, *, of_roles: bool = True) -> list[str]:
    """Every finding over one schema of publications, and over the roles around it."""
    parameters: dict[str, Any] = {
        "schema": schema,
        "live": LIVE,
        "old": OLD,
        "access": ACCESS,
        "owner": roles.owner,
        "reader": roles.reader,
        "groups": roles.everything(""),
        "logins": roles.login(""),
    }
    found = []
    for name, query in ({**_OF_SCHEMA, **_OF_ROLES} if of_roles else _OF_SCHEMA).items():
        found += [f"{name}: {what}" for (what,) in postgres.execute(sql.SQL(query), parameters).fetchall()]
    if postgres.info.server_version < OLDEST_SERVER:
        found.append(f"PostgreSQL {postgres.info.server_version // 10000} has no security_invoker views; 15 or newer")
    return found


def checks() -> tuple[str, ...]:
    """What is looked for, in the words of the findings."""
    return (*_OF_SCHEMA, *_OF_ROLES)


def published(postgres: Connection, tables: tuple[Table, ...], schema: str = NEW) -> list[str]:
    """Where the schema holds other tables or indexes than meant."""
    wanted = {table.name for table in tables} | {DEPARTMENTS}
    relations = postgres.execute(
        "select relname::text from pg_class where relnamespace = to_regnamespace(%s) and relkind in ('r', 'v')",
        [schema],
    ).fetchall()
    there = {str(name) for (name,) in relations}
    found = [f"a table that is not meant to be published: {name}" for name in sorted(there - wanted)]
    found += [f"a table that is missing: {name}" for name in sorted(wanted - there)]
    allowed = {(table.name, columns[0]) for table in tables for columns in policy_columns(table)}
    leading = postgres.execute(
        "select c.relname::text, coalesce(a.attname::text, '(an expression)') from pg_index as i "
        "inner join pg_class as c on i.indrelid = c.oid "
        "left join pg_attribute as a on a.attrelid = c.oid and a.attnum = i.indkey[0] and i.indkey[0] > 0 "
        "where c.relnamespace = to_regnamespace(%s) order by 1, 2",
        [schema],
    ).fetchall()
    found += [
        f"an index that does not begin with the policy's column: {table} ({column})"
        for table, column in leading
        if (table, column) not in allowed
    ]
    return found


def refuse(found: list[str]) -> None:
    """Raise PublishError where there is a finding."""
    if found:
        more = f"; and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
        raise PublishError(
            "the server would let logins see or do too much; nothing was published. "
            f"{'; '.join(found[:_SHOWN])}{more}. Put it right on the server, then publish again."
        )
