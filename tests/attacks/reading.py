"""Attacks that simply read, in every way SQL has. Not here: becoming somebody else, or reading between the lines."""

from __future__ import annotations

from tests.attacks.probes import Probe, finds_rows, tells, works

OPEN = ("alter table marts.dim_customers disable row level security",)
# What database.sql takes away: programs of one's own, without which the search below is refused.
PROGRAMS = ("grant usage on language plpgsql to public",)
_SEARCH = """
    do $$
    declare
        relation record;
        line text;
    begin
        for relation in
            select n.nspname, c.relname from pg_class as c inner join pg_namespace as n on c.relnamespace = n.oid
            where c.relkind in ('r', 'p', 'v', 'm', 'f') and n.nspname not in ('pg_catalog', 'information_schema')
                and has_schema_privilege(n.oid, 'usage') and has_table_privilege(c.oid, 'select')
        loop
            for line in execute format('select t::text from %I.%I as t where t::text like ''%%{secret}%%''',
                relation.nspname, relation.relname)
            loop
                raise notice '%', line;
            end loop;
        end loop;
    end $$
"""
_POLICY = "create policy wrong on marts.{table} for select to {{reader}} using ({condition})"


def _policy(table: str, condition: str) -> tuple[str, ...]:
    return (_POLICY.replace("{{reader}}", "{reader}").replace("{table}", table).replace("{condition}", condition),)


PROBES = (
    Probe("read a whole table", ("select * from marts.dim_customers",), tells(), OPEN),
    Probe(
        "ask for one hidden row by name",
        ("select customer_id from marts.dim_customers where customer_name like '%{secret}%'",),
        finds_rows,
        OPEN,
    ),
    Probe(
        "ask for one hidden row by owner",
        ("select * from marts.dim_customers where manager_id = '{victim_id}'",),
        finds_rows,
        _policy("dim_customers", "true"),
    ),
    Probe(
        "colleagues' e-mails",
        ("select full_name, email from marts.dim_employees",),
        tells("{victim_email}"),
        _policy("dim_employees", "is_active"),
    ),
    Probe(
        "the company's figures",
        ("select * from marts.kpi_month_figures where subject_level = 'company'",),
        finds_rows,
        _policy("kpi_month_figures", "subject_level = 'company'"),
    ),
    Probe(
        "a department's figures in a table of people's figures",
        ("select * from marts.kpi_month_figures where subject_level = 'department'",),
        finds_rows,
        _policy("kpi_month_figures", "subject_id like 'PB%'"),
    ),
    Probe(
        "another department's month",
        ("select * from marts.kpi_department_month",),
        finds_rows,
        _policy("kpi_department_month", "true"),
    ),
    Probe(
        "departments' targets, which belong to no employee",
        ("select * from marts.kpi_target_attainment where department_id <> 'none'",),
        finds_rows,
        _policy("kpi_target_attainment", "employee_id = 'none'"),
    ),
    Probe(
        "events of a customer that neither owner shows me",
        ("select * from marts.fct_customer_events where manager_id <> '{me_id}' and manager_current_id <> '{me_id}'",),
        finds_rows,
        _policy("fct_customer_events", "manager_id is not null"),
    ),
    Probe(
        "customers that nobody is in charge of",
        ("select * from marts.dim_customers where manager_id in ('none', 'unknown')",),
        finds_rows,
        _policy("dim_customers", "manager_id in ('none', 'unknown')"),
    ),
    Probe(
        "the name of a department above mine",
        ("select department_path from marts.dim_departments", "select department_name from marts.dim_department_names"),
        tells("Ban Giám đốc"),
        ("alter table marts.dim_department_names disable row level security",),
    ),
    Probe(
        "the id of a department above mine",
        ("select parent_department_id from marts.dim_department_parents where parent_department_id <> 'none'",),
        finds_rows,
        _policy("dim_department_parents", "department_id = any ((select kpi_access.department_names())::text[])"),
    ),
    Probe("as JSON", ("select jsonb_agg(to_jsonb(c))::text from marts.dim_customers as c",), tells(), OPEN),
    Probe("as whole rows", ("select c from marts.dim_customers as c",), tells(), OPEN),
    Probe("as a sample", ("select * from marts.dim_customers tablesample system (100)",), tells(), OPEN),
    Probe("by place on disk", ("select * from marts.dim_customers where ctid > '(0,0)'",), tells(), OPEN),
    Probe(
        "by window function",
        (
            "select first_value(customer_name) over (order by customer_name like '%{secret}%' desc) "
            "from marts.dim_customers",
        ),
        tells(),
        OPEN,
    ),
    Probe(
        "by joining a table to itself",
        ("select b.customer_name from marts.dim_customers as a full join marts.dim_customers as b on false",),
        tells(),
        OPEN,
    ),
    Probe(
        "by a recursive query",
        (
            "with recursive r as (select customer_name, 1 as n from marts.dim_customers union all "
            "select customer_name, n + 1 from r where n < 2) select * from r",
        ),
        tells(),
        OPEN,
    ),
    Probe(
        "by a set operation",
        (
            "select customer_name from marts.dim_customers except select '' intersect select customer_name "
            "from marts.dim_customers",
        ),
        tells(),
        OPEN,
    ),
    Probe(
        "by a cursor that outlives its transaction",
        (
            "begin",
            "declare c cursor with hold for select * from marts.dim_customers",
            "commit",
            "fetch all from c",
        ),
        tells(),
        OPEN,
    ),
    Probe(
        "by a prepared plan",
        (
            "set plan_cache_mode = force_generic_plan",
            "prepare p(text) as select * from marts.dim_customers where customer_name like $1",
            "execute p('%{secret}%')",
        ),
        tells(),
        OPEN,
    ),
    Probe(
        "with parallel workers",
        (
            "set debug_parallel_query = on",
            "set parallel_setup_cost = 0",
            "set parallel_tuple_cost = 0",
            "set min_parallel_table_scan_size = 0",
            "select string_agg(customer_name, ',') from marts.dim_customers",
        ),
        tells(),
        OPEN,
    ),
    Probe("copied out", ("copy marts.dim_customers to stdout",), tells(), OPEN),
    Probe("copied out as a query", ("copy (select * from marts.dim_customers) to stdout",), tells(), OPEN),
    Probe(
        "by a function that runs a query given as text",
        (
            "select word from ts_stat('select to_tsvector(''simple'', customer_name) from marts.dim_customers') "
            "where word ilike '%secret%'",
        ),
        finds_rows,
        OPEN,
    ),
    Probe(
        "by asking for no row security",
        ("set row_security = off", "select * from marts.dim_customers"),
        tells(),
        ("alter role {me} bypassrls",),
        ("alter role {me} nobypassrls",),
    ),
    Probe(
        "the publication that was replaced",
        ("select * from marts__old.dim_customers",),
        works,
        ("grant usage on schema marts__old to {reader}",),
    ),
    Probe(
        "every relation there is: a materialized view",
        (_SEARCH,),
        tells(),
        (
            *PROGRAMS,
            "create materialized view marts.summary as select * from marts.dim_customers",
            "grant select on marts.summary to {reader}",
        ),
    ),
    Probe(
        "every relation there is: a view with its owner's rights",
        (_SEARCH,),
        tells(),
        (
            *PROGRAMS,
            "create view marts.everybody as select * from marts.dim_customers",
            "grant select on marts.everybody to {reader}",
        ),
    ),
    Probe(
        "every relation there is: a part of a partitioned table",
        (_SEARCH,),
        tells(),
        (
            *PROGRAMS,
            "create table marts.parts (like marts.dim_customers) partition by list (gender)",
            "create table marts.part partition of marts.parts default",
            "insert into marts.parts select * from marts.dim_customers",
            "alter table marts.parts enable row level security",
            "grant select on marts.parts, marts.part to {reader}",
        ),
    ),
    Probe(
        "every relation there is: a table somebody left in a schema for all",
        (_SEARCH,),
        tells(),
        (
            *PROGRAMS,
            "create table public.notes as select * from marts.dim_customers",
            "grant usage on schema public to public",
            "grant select on public.notes to public",
        ),
    ),
)
