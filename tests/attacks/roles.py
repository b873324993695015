"""Attacks that try to be somebody else, or to get a right. Not here: reading with the rights one has."""

from __future__ import annotations

from tests.attacks.probes import Probe, finds_rows, tells, works

_READ = "select * from marts.dim_customers"
_GUC = (
    "drop policy own_rows on marts.dim_customers",
    "create policy own_rows on marts.dim_customers for select to {reader} "
    "using (manager_id = current_setting('app.viewer', true))",
)
_CURRENT_USER = (
    "drop policy own_rows on marts.dim_customers",
    "create policy own_rows on marts.dim_customers for select to {reader} using (exists ("
    "select from marts.who where who.login = current_user and who.employee_id = manager_id))",
    "create table marts.who as select login, employee_id from kpi_access.login",
    "grant select on marts.who to {reader}",
    "grant {victim} to {me}",
)
_CURRENT_USER = (_CURRENT_USER[2], _CURRENT_USER[3], _CURRENT_USER[0], _CURRENT_USER[1], _CURRENT_USER[4])
_LEAVE = ("revoke {victim} from {me}",)
_SUPER = ("alter role {me} superuser",)
_NO_SUPER = ("alter role {me} nosuperuser",)

PROBES = (
    Probe("set a variable that a policy might ask", ("set app.viewer = '{victim_id}'", _READ), tells(), _GUC),
    Probe(
        "set a variable within one query",
        (
            "with s as materialized (select set_config('app.viewer', '{victim_id}', true)) "
            "select c.* from s, lateral (select * from marts.dim_customers offset 0) as c",
            "begin",
            "select set_config('app.viewer', '{victim_id}', true)",
            _READ,
            "commit",
        ),
        tells(),
        _GUC,
    ),
    Probe(
        "what the one before left in a pooled session",
        ("set session app.viewer = '{victim_id}'", "close all", "unlisten *", "reset role", _READ),
        tells(),
        _GUC,
    ),
    Probe("become another viewer", ("set role {victim}", _READ), tells(), _CURRENT_USER, _LEAVE),
    Probe(
        "become another viewer by a setting",
        ("select set_config('role', '{victim}', false)", _READ),
        tells(),
        _CURRENT_USER,
        _LEAVE,
    ),
    Probe(
        "become another viewer and read, in one query",
        (
            "with s as materialized (select set_config('role', '{victim}', true) as r) "
            "select word from s, lateral ts_stat(case when r is not null then "
            "'select to_tsvector(''simple'', customer_name) from marts.dim_customers' end) where word ilike '%secret%'",
        ),
        finds_rows,
        _CURRENT_USER,
        _LEAVE,
    ),
    Probe(
        "become another viewer while a cursor is open",
        (
            "begin",
            "set local role {victim}",
            "declare c cursor for select * from marts.dim_customers",
            "fetch all from c",
            "rollback",
        ),
        tells(),
        _CURRENT_USER,
        _LEAVE,
    ),
    Probe("become the owner", ("set role {owner}",), works, ("grant {owner} to {me}",), ("revoke {owner} from {me}",)),
    Probe(
        "become the publisher",
        ("set role {publisher}",),
        works,
        _SUPER,
        _NO_SUPER,
    ),
    Probe("be another session", ("set session authorization {victim}", _READ), tells(), _SUPER, _NO_SUPER),
    Probe(
        "be another session by a setting",
        ("select set_config('session_authorization', '{victim}', false)",),
        works,
        _SUPER,
        _NO_SUPER,
    ),
    Probe(
        "give somebody the group of those who see everybody",
        ("grant {everything} to {victim}",),
        works,
        ("grant {everything} to {me} with admin option",),
        ("revoke {everything} from {me} cascade",),
    ),
    Probe(
        "be in the group of those who see everybody",
        (_READ,),
        tells(),
        ("grant {everything} to {me}",),
        ("revoke {everything} from {me}",),
    ),
    Probe(
        "lift oneself above the policies",
        ("alter role {me} bypassrls",),
        works,
        _SUPER,
        ("alter role {me} nosuperuser nobypassrls",),
    ),
    Probe(
        "make a role",
        ("create role attacks_helper",),
        works,
        ("alter role {me} createrole",),
        ("drop role attacks_helper", "alter role {me} nocreaterole"),
    ),
    Probe(
        "raise one's own limit of connections",
        ("alter role {me} connection limit -1",),
        works,
        _SUPER,
        ("alter role {me} connection limit 10 nosuperuser",),
    ),
    Probe(
        "read the rights",
        ("select * from kpi_access.entitlement",),
        tells("{victim_id}"),
        ("grant usage on schema kpi_access to {reader}", "grant select on kpi_access.entitlement to {reader}"),
    ),
    Probe(
        "read whose login is whose",
        ("select * from kpi_access.login",),
        tells("{victim_email}"),
        ("grant usage on schema kpi_access to {reader}", "grant select on kpi_access.login to public"),
    ),
    Probe(
        "give oneself a right",
        ("insert into kpi_access.entitlement values (session_user, 'employee', 'customer', '{victim_id}')",),
        works,
        ("grant usage on schema kpi_access to {reader}", "grant insert on kpi_access.entitlement to {reader}"),
    ),
    Probe(
        "ask the functions of the policies oneself",
        ("select kpi_access.employees(array['customer'])",),
        works,
        ("grant usage on schema kpi_access to {reader}",),
    ),
    Probe(
        "read stored passwords",
        ("select rolname, rolpassword from pg_authid",),
        tells("SCRAM-SHA-256$"),
        ("grant select on pg_authid to public",),
    ),
    Probe(
        "switch row-level security off",
        ("alter table marts.dim_customers disable row level security", _READ),
        tells(),
        ("grant {owner} to {me} with inherit true",),
        ("revoke {owner} from {me}",),
    ),
    Probe(
        "add a policy",
        ("create policy mine on marts.dim_customers using (true)", _READ),
        tells(),
        ("grant {owner} to {me} with inherit true",),
        ("revoke {owner} from {me}",),
    ),
    Probe(
        "pass one's rights on",
        ("grant select on marts.dim_customers to public",),
        lambda outcome, _: not outcome.errors and not outcome.notices,
        ("grant select on marts.dim_customers to {me} with grant option",),
    ),
)
