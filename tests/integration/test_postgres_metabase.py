"""What Metabase asks when it meets a database, asked as a restricted login: it works, and shows only the viewer's rows.

The queries have the shape of those in Metabase's public PostgreSQL driver (src/metabase/driver/postgres.clj at 008fd66
of metabase/metabase): connection, schemas, tables with their estimated rows, privileges, columns, keys, indexes, the
probe of each table, then fingerprints of up to 10,000 rows and up to 1,001 distinct values of a field.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from orchestration.serving.postgres.names import LIVE, compose
from orchestration.serving.postgres.publish import publish_to
from orchestration.serving.postgres.target import Target
from tests.support.postgres import Server
from tests.support.postgres_company import (
    Key,
    as_operator,
    changed,
    drop_database,
    keys_in,
    log_in,
    make_database,
    marts_in,
    shown_by_access_view,
)

HEAD = "vinh.nguyen@congty.example"
MEMBER = "mai.do@congty.example"
HELPERS = {"dim_department_names", "dim_department_parents", "publication"}
FINGERPRINT_ROWS, FIELD_VALUES = 10_000, 1_001

Session = psycopg.Connection[Any]

SCHEMAS = """
    select nspname as table_schem, null as table_catalog from pg_catalog.pg_namespace
    where nspname <> 'pg_toast' and (nspname !~ '^pg_temp_' or nspname = (pg_catalog.current_schemas(true))[1])
        and (nspname !~ '^pg_toast_temp_' or nspname = replace((pg_catalog.current_schemas(true))[1], 'pg_temp_', ''))
    order by table_schem
"""
TABLES = """
    select n.nspname as "schema", c.relname as "name",
        case c.relkind when 'r' then 'TABLE' when 'p' then 'PARTITIONED TABLE' when 'v' then 'VIEW'
            when 'f' then 'FOREIGN TABLE' when 'm' then 'MATERIALIZED VIEW' else null end as "type",
        d.description as "description", stat.n_live_tup as "estimated_row_count"
    from pg_catalog.pg_class as c
    inner join pg_catalog.pg_namespace as n on c.relnamespace = n.oid
    left join pg_catalog.pg_description as d
        on c.oid = d.objoid and d.objsubid = 0 and d.classoid = 'pg_class'::regclass
    left join pg_stat_user_tables as stat on n.nspname = stat.schemaname and c.relname = stat.relname
    where c.relnamespace = n.oid and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
        and c.relkind in ('r', 'p', 'v', 'f', 'm') and n.nspname = any(%s)
    order by "type", "schema", "name"
"""
PRIVILEGES = """
    with objects as (
        select schemaname, tablename as objectname from pg_catalog.pg_tables
        union
        select schemaname, viewname from pg_catalog.pg_views
        union
        select schemaname, matviewname from pg_catalog.pg_matviews
    ),
    quoted as (
        select schemaname, objectname, '"' || replace(schemaname, '"', '""') || '"."'
            || replace(objectname, '"', '""') || '"' as full_name
        from objects
        where schemaname !~ '^pg_' and schemaname <> 'information_schema'
            and pg_catalog.has_schema_privilege(current_user, schemaname, 'usage')
    )
    select schemaname, objectname,
        pg_catalog.has_any_column_privilege(current_user, full_name, 'update'),
        pg_catalog.has_any_column_privilege(current_user, full_name, 'select'),
        pg_catalog.has_any_column_privilege(current_user, full_name, 'insert'),
        pg_catalog.has_table_privilege(current_user, full_name, 'delete')
    from quoted
"""
FIELDS = """
    select c.column_name, case when c.udt_schema in ('public', 'pg_catalog') then format('%%s', c.udt_name)
            else format('"%%s"."%%s"', c.udt_schema, c.udt_name) end as database_type,
        c.ordinal_position - 1 as database_position, c.table_schema, c.table_name, pk.column_name is not null as is_pk,
        col_description(cast(cast(format('%%I.%%I', cast(c.table_schema as text), cast(c.table_name as text))
            as regclass) as oid), c.ordinal_position) as field_comment
    from information_schema.columns as c
    left join (
        select tc.table_schema, tc.table_name, kc.column_name
        from information_schema.table_constraints as tc
        inner join information_schema.key_column_usage as kc on tc.constraint_name = kc.constraint_name
            and tc.table_schema = kc.table_schema and tc.table_name = kc.table_name
        where tc.constraint_type = 'PRIMARY KEY'
    ) as pk on c.table_schema = pk.table_schema and c.table_name = pk.table_name and c.column_name = pk.column_name
    where c.table_schema !~ '^information_schema|catalog_history|pg_' and c.table_schema = any(%s)
    order by c.table_schema, c.table_name, database_position
"""
FOREIGN_KEYS = """
    select fk_ns.nspname, fk_table.relname, fk_column.attname, pk_table.relname, pk_column.attname
    from pg_constraint as c
    inner join pg_class as fk_table on c.conrelid = fk_table.oid
    inner join pg_namespace as fk_ns on c.connamespace = fk_ns.oid
    inner join pg_attribute as fk_column on c.conrelid = fk_column.attrelid
    inner join pg_class as pk_table on c.confrelid = pk_table.oid
    inner join pg_attribute as pk_column on c.confrelid = pk_column.attrelid
    where fk_ns.nspname !~ '^information_schema|catalog_history|pg_' and c.contype = 'f'::char
        and fk_column.attnum = any(c.conkey) and pk_column.attnum = any(c.confkey)
"""
INDEXES = """
    select tmp.table_schema, tmp.table_name,
        trim(both '"' from pg_catalog.pg_get_indexdef(tmp.ci_oid, tmp.pos, false)) as field_name
    from (
        select n.nspname as table_schema, ct.relname as table_name, ci.oid as ci_oid,
            (information_schema._pg_expandarray(i.indkey)).n as pos
        from pg_catalog.pg_class as ct
        inner join pg_catalog.pg_namespace as n on ct.relnamespace = n.oid
        inner join pg_catalog.pg_index as i on ct.oid = i.indrelid
        inner join pg_catalog.pg_class as ci on ci.oid = i.indexrelid
        where pg_catalog.pg_get_expr(i.indpred, i.indrelid) is null and n.nspname = any(%s)
    ) as tmp
    where tmp.pos = 1
"""
ENUMS = """
    select nspname, typname from pg_type as t inner join pg_namespace as n on n.oid = t.typnamespace
    where t.oid in (select distinct enumtypid from pg_enum as e)
"""


@pytest.fixture(scope="module")
def company(
    postgres_server: Server, small_publication: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Target, dict[str, Key]]]:
    folder = tmp_path_factory.mktemp("metabase")
    target = make_database(postgres_server, folder, "metabase")
    # Twice: what is kept for a rollback must not appear.
    publish_to(target, small_publication, passwords_path=folder / "keys.csv")
    described = changed(
        small_publication,
        folder / "described.duckdb",
        "comment on table main.fct_funnel is 'One row per month and employee.'",
        "comment on column main.fct_funnel.orders is 'Đơn hàng: the company''s counted orders'",
    )
    publish_to(target, described)
    yield target, dict(keys_in(folder / "keys.csv"))
    drop_database(postgres_server, "metabase")


@pytest.fixture(params=[HEAD, MEMBER])
def viewer(
    request: pytest.FixtureRequest, postgres_server: Server, company: tuple[Target, dict[str, Key]]
) -> Iterator[tuple[str, Session]]:
    target, keys = company
    with log_in(postgres_server, target, keys[request.param]) as session:
        yield request.param, session


def readable(session: Session) -> set[str]:
    """The tables Metabase keeps: those of every schema that exists, with the right to select."""
    schemas = [row[0] for row in session.execute(SCHEMAS).fetchall()]
    allowed = {
        (schema, name)
        for schema, name, may_update, may_select, may_insert, may_delete in session.execute(PRIVILEGES).fetchall()
        if may_select or may_update or may_insert or may_delete
    }
    found = {(row[0], row[1]) for row in session.execute(TABLES, [schemas]).fetchall()}
    assert {schema for schema, _ in found & allowed} == {LIVE}
    return {name for _, name in found & allowed}


def test_it_connects_and_finds_the_marts_only(viewer: tuple[str, Session], small_publication: Path) -> None:
    _, session = viewer
    assert session.execute("select 1").fetchall() == [(1,)]
    assert session.execute("show timezone").fetchone() is not None
    assert session.execute(ENUMS).fetchall() == []
    assert readable(session) == {*marts_in(small_publication), *HELPERS}
    rights = {row[2:] for row in session.execute(PRIVILEGES).fetchall() if any(row[2:])}
    assert rights == {(False, True, False, False)}


def test_it_finds_every_column_with_its_description_and_no_key(
    viewer: tuple[str, Session], company: tuple[Target, dict[str, Key]], postgres_server: Server
) -> None:
    _, session = viewer
    fields = session.execute(FIELDS, [[LIVE]]).fetchall()
    with as_operator(postgres_server, company[0]) as operator:
        assert fields == operator.execute(FIELDS, [[LIVE]]).fetchall()
    assert len({row[4] for row in fields}) == len(readable(session))
    assert [(row[4], row[0], row[6]) for row in fields if row[6]] == [
        ("fct_funnel", "orders", "Đơn hàng: the company's counted orders")
    ]
    [described] = [row for row in session.execute(TABLES, [[LIVE]]).fetchall() if row[3]]
    assert described[1:4] == ("fct_funnel", "TABLE", "One row per month and employee.")
    assert not any(row[5] for row in fields)
    assert session.execute(FOREIGN_KEYS).fetchall() == []
    leading = {(row[1], row[2]) for row in session.execute(INDEXES, [[LIVE]]).fetchall()}
    assert ("fct_funnel", "employee_id") in leading


def test_fingerprints_and_field_values_are_of_the_viewers_rows(
    viewer: tuple[str, Session], small_publication: Path
) -> None:
    email, session = viewer
    fields: dict[str, list[tuple[str, str]]] = {}
    for name, kind, _, _, table, *_ in session.execute(FIELDS, [[LIVE]]).fetchall():
        fields.setdefault(table, []).append((name, kind))
    for mart in marts_in(small_publication):
        names = {"schema": LIVE, "table": mart}
        probe = compose('select true as "_" from {schema}.{table} where 1 <> 1 limit 0', **names)
        assert session.execute(probe).fetchall() == []
        sample = compose("select * from {schema}.{table} limit {rows}", rows=sql_number(FINGERPRINT_ROWS), **names)
        shown = shown_by_access_view(small_publication, email, mart)
        rows = sorted(session.execute(sample).fetchall(), key=repr)
        if len(shown) <= FINGERPRINT_ROWS:
            assert rows == shown, mart
        else:
            assert set(rows) <= set(shown), mart
        for position, (column, kind) in enumerate(fields[mart]):
            if kind != "text":
                continue
            values = session.execute(
                compose(
                    "select {column} from {schema}.{table} group by {column} order by {column} asc limit {rows}",
                    column=column,
                    rows=sql_number(FIELD_VALUES),
                    **names,
                )
            ).fetchall()
            assert {value for (value,) in values} <= {row[position] for row in shown}, (mart, column)


def test_its_estimate_of_rows_is_of_the_whole_table(
    viewer: tuple[str, Session], company: tuple[Target, dict[str, Key]], postgres_server: Server
) -> None:
    """A residual leak (docs/security.md): the table list shows how many rows there are for everybody together."""
    _, session = viewer
    with as_operator(postgres_server, company[0]) as operator:
        operator.execute("select pg_stat_force_next_flush()")
        [(total,)] = operator.execute("select count(*) from marts.fct_interactions").fetchall()
        [(estimate,)] = operator.execute(
            "select reltuples::bigint from pg_class where oid = 'marts.fct_interactions'::regclass"
        ).fetchall()
    [(own,)] = session.execute("select count(*) from marts.fct_interactions").fetchall()
    [(seen,)] = session.execute(
        "select reltuples::bigint from pg_class where oid = 'marts.fct_interactions'::regclass"
    ).fetchall()
    assert own < total == estimate == seen


def sql_number(number: int) -> Any:
    return psycopg.sql.Literal(number)
