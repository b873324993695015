"""Attacks that read between the lines: error texts, notices, plans, statistics, names. Not here: plain reading."""

from __future__ import annotations

from tests.attacks.probes import Probe, fails_with, finds_rows, tells, works
from tests.attacks.reading import OPEN, PROGRAMS

_PLAN = "explain (analyze, costs off, timing off, summary off, buffers off) "
# A view as people write them first: the filter in the view, no barrier, and tables that only the view protects.
_NAIVE_VIEW = (
    "alter table marts.dim_department_names disable row level security",
    "drop view marts.dim_departments",
    "create view marts.dim_departments as select department_id, department_name from marts.dim_department_names "
    "where department_id in (select unnest(kpi_access.department_names()))",
    "grant select on marts.dim_departments to {reader}",
    "revoke select on marts.dim_department_names from {reader}",
)
_TEMP = ("grant temporary on database {database} to public",)
_UNPINNED = (
    "set check_function_bodies = off",
    "create or replace function kpi_access.employees(reports text[]) returns text[] language sql stable "
    "security definer as 'select array_agg(value) from entitlement where login = session_user'",
    "alter role {me} set search_path = pg_temp, kpi_access",
    "grant usage on schema kpi_access to {reader}",
    "grant temporary on database {database} to public, {owner}",
    "grant usage on schema kpi_access to {owner}",
)

# What database.sql takes away: comparisons that are made before the policy is asked.
_ASKED_FIRST = (
    "alter function texteq(text, text) leakproof",
    "alter function date_eq(date, date) leakproof",
    "alter function int84eq(bigint, integer) leakproof",
)
_WHOLE_SCAN = ("set enable_indexscan = off", "set enable_bitmapscan = off", "set enable_indexonlyscan = off")

PROBES = (
    Probe(
        "whether a name exists: a policy is never asked where nobody has it",
        (*_WHOLE_SCAN, _PLAN + "select 1 from marts.dim_customers where customer_name = 'nobody is called this'"),
        tells("never executed"),
        _ASKED_FIRST,
    ),
    Probe(
        "exact counts of one colleague's rows, where two people own a row",
        (
            "set enable_seqscan = off",
            _PLAN + "select 1 from marts.fct_customer_events where manager_id = '{victim_id}'",
        ),
        lambda outcome, names: f"Index Cond: (manager_id = '{names.victim_id}'" in str(outcome.rows[-1]),
        _ASKED_FIRST,
    ),
    Probe(
        "a value in the text of a cast's error",
        ("select customer_name::integer from marts.dim_customers where customer_name like '%{secret}%'",),
        tells(),
        OPEN,
    ),
    Probe(
        "whether a row is there, by a division that only it fails",
        (
            "select 1 / (length(customer_name) - length(customer_name)) from marts.dim_customers "
            "where customer_name like '%{secret}%'",
        ),
        fails_with("division by zero"),
        OPEN,
    ),
    Probe(
        "a value in an error of a condition",
        (
            "select 1 from marts.dim_customers "
            "where case when customer_name like 'SECRET%' then customer_name::date > now() end",
        ),
        tells(),
        OPEN,
    ),
    Probe(
        "a hidden name in the error of a condition on a view",
        ("select 1 from marts.dim_departments where department_name like 'Ban%' and department_name::integer = 1",),
        tells("Ban Giám đốc"),
        _NAIVE_VIEW,
    ),
    Probe(
        "a hidden name in the text of a regular expression's error",
        (
            "select regexp_count('x', '[' || customer_name) from marts.dim_customers "
            "where customer_name like '%{secret}%'",
        ),
        fails_with("invalid regular expression"),
        OPEN,
    ),
    Probe(
        "notices of a cheap function that is asked first",
        (
            "create function pg_temp.look(t text) returns boolean language plpgsql cost 0.0000001 "
            "as $$ begin raise notice '%', t; return true; end $$",
            "select count(*) from marts.dim_departments where pg_temp.look(department_name)",
        ),
        tells("Ban Giám đốc"),
        (*_NAIVE_VIEW, *_TEMP, *PROGRAMS),
    ),
    Probe(
        "an operator of one's own",
        (
            "create function pg_temp.same(text, text) returns boolean language sql as 'select $1 = $2'",
            "create operator pg_temp.=== (function = pg_temp.same, leftarg = text, rightarg = text)",
        ),
        works,
        _TEMP,
    ),
    Probe(
        "a temporary table in the place of the rights",
        (
            "create temporary table entitlement (login name, value text)",
            "insert into entitlement values (session_user, '{victim_id}')",
            "grant select on entitlement to public",
            "select * from marts.dim_customers",
        ),
        tells(),
        _UNPINNED,
        ("alter role {me} set search_path = marts",),
    ),
    Probe(
        "the search path",
        (
            "set search_path = pg_temp, marts, kpi_access",
            "create temporary view dim_customers as select 1",
        ),
        works,
        _TEMP,
    ),
    Probe(
        "exact counts of hidden rows in a plan, by an index on a name",
        (
            "set enable_seqscan = off",
            _PLAN + "select 1 from marts.dim_customers where customer_name = 'nobody is called this'",
            _PLAN + "select 1 from marts.dim_customers where customer_name = '{secret}'",
        ),
        lambda outcome, _: "Rows Removed by Filter: 1" in str(outcome.rows[-1]),
        (*_ASKED_FIRST, "create index on marts.dim_customers (customer_name)"),
    ),
    Probe(
        "whether a number exists, by an index on it",
        (
            "set enable_seqscan = off",
            _PLAN + "select 1 from marts.fct_funnel where orders = 123456789",
            _PLAN + "select 1 from marts.fct_funnel where orders = 987654321",
        ),
        lambda outcome, _: (
            str(outcome.rows[-1]).replace("987654321", "") != str(outcome.rows[-2]).replace("123456789", "")
        ),
        (
            *_ASKED_FIRST,
            "drop index marts.fct_funnel_employee_id_month_date_idx",
            "create index on marts.fct_funnel (orders)",
        ),
    ),
    Probe(
        "whether a month has rows of others, by an index on the month",
        (
            "set enable_seqscan = off",
            _PLAN + "select 1 from marts.fct_funnel where month_date = '1999-01-01'",
            _PLAN + "select 1 from marts.fct_funnel where month_date = '1999-02-01'",
        ),
        lambda outcome, _: (
            str(outcome.rows[-1]).replace("1999-02-01", "") != str(outcome.rows[-2]).replace("1999-01-01", "")
        ),
        (
            *_ASKED_FIRST,
            "drop index marts.fct_funnel_employee_id_month_date_idx",
            "create index on marts.fct_funnel (month_date)",
        ),
    ),
    Probe(
        "columns' most common values and bounds",
        ("select * from pg_stats where schemaname = 'marts' and tablename in ('dim_customers', 'fct_funnel')",),
        finds_rows,
        (*OPEN, "alter table marts.fct_funnel disable row level security"),
    ),
    Probe(
        "statistics as they are stored",
        ("select * from pg_statistic where starelid = 'marts.dim_customers'::regclass",),
        works,
        ("grant select on pg_statistic to public",),
    ),
    Probe(
        "statistics over several columns",
        ("select * from pg_stats_ext where schemaname = 'marts'",),
        finds_rows,
        (
            "create statistics marts.together on manager_id, gender from marts.dim_customers",
            "grant {owner} to {me} with inherit true",
            *OPEN,
            "analyze marts.dim_customers",
        ),
        ("revoke {owner} from {me}",),
    ),
    Probe(
        "what others are asking right now",
        ("select query from pg_stat_activity where usename = '{victim}'",),
        tells("whisper"),
        ("grant pg_read_all_stats to {me}",),
        ("revoke pg_read_all_stats from {me}",),
        victim_step="select 'whisper'",
    ),
    Probe(
        "names in the constants of policies",
        ("select pg_get_expr(polqual, polrelid) from pg_policy",),
        tells("{victim_id}"),
        ("create policy his on marts.dim_customers for select to {victim} using (manager_id in ('{victim_id}'))",),
    ),
    Probe(
        "e-mails in the names of roles",
        ("select rolname from pg_roles",),
        tells("{victim_email}"),
        ('create role "{victim_email}"',),
        ('drop role "{victim_email}"',),
    ),
    Probe(
        "e-mails in comments on roles",
        ("select description from pg_shdescription",),
        tells("{victim_email}"),
        ("comment on role {victim} is '{victim_email}'",),
        ("comment on role {victim} is null",),
    ),
    Probe(
        "e-mails in settings of roles",
        ("select setconfig from pg_db_role_setting",),
        tells("{victim_email}"),
        ("alter role {victim} set app.email = '{victim_email}'",),
        ("alter role {victim} reset app.email",),
    ),
    Probe(
        "a duplicate key",
        ("insert into marts.dim_customers (customer_id, manager_id) select 'hidden-customer', '{me_id}'",),
        fails_with("duplicate key value"),
        (
            "create unique index on marts.dim_customers (customer_id)",
            "grant insert on marts.dim_customers to {reader}",
            "create policy adding on marts.dim_customers for insert to {reader} with check (true)",
        ),
    ),
    Probe(
        "a foreign key, which looks past policies",
        (
            "create table marts.probe (customer_id text references marts.dim_customers (customer_id))",
            "insert into marts.probe values ('hidden-customer')",
        ),
        lambda outcome, _: not outcome.errors,
        (
            "alter table marts.dim_customers add primary key (customer_id)",
            "alter table marts.dim_customers no force row level security",
            "grant references on marts.dim_customers to {reader}",
            "grant create on schema marts to {reader}",
        ),
    ),
    Probe(
        "a row lock that somebody else's row answers",
        ("select customer_id from marts.dim_customers where customer_name like '%{secret}%' for update",),
        finds_rows,
        (*OPEN, "grant update on marts.dim_customers to {reader}"),
    ),
    Probe(
        "a function left among the marts",
        (
            "select p.proname from pg_proc as p inner join pg_namespace as n on p.pronamespace = n.oid "
            "where n.nspname not in ('pg_catalog', 'information_schema') "
            "and has_schema_privilege(n.oid, 'usage') and has_function_privilege(p.oid, 'execute')",
        ),
        finds_rows,
        (
            "create function marts.all_names() returns setof text language sql security definer "
            "as 'select customer_name from marts.dim_customers'",
        ),
    ),
)
