"""What publishing to PostgreSQL costs, against a bare COPY, and what its policies cost a dashboard's query.

Belongs here: one mart of 5 million orders of 500 people, published as a night does, to the server the tests use. Not
here: correctness, which the tests prove. Run: `.venv/bin/python -m benchmarks.postgres [ROWS]`.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import duckdb
import psycopg

from benchmarks.measure import machine_facts, table
from orchestration.serving.postgres import load
from orchestration.serving.postgres.names import NEW, compose
from orchestration.serving.postgres.publish import publish_to
from orchestration.serving.postgres.tables import read_tables
from orchestration.serving.reading import open_publication
from tests.support.postgres import running_server
from tests.support.postgres_company import keys_in, log_in, make_database

ROWS = 5_000_000
PEOPLE = 500
REPEATS = 5

# One sees two of 500 people, the other everybody.
NARROW, WIDE = "narrow@kpi.vn", "wide@kpi.vn"
_COMPANY = """
    create schema core;
    create schema access;
    create table publication as select '20260101T000000000000Z' as generation_id, date '2026-01-01' as as_of,
        'benchmark' as source, '2026-01-01' as published_at, '0' as code_version;
    create table dim_employees as select 'E' || i as employee_id, 'Person ' || i as full_name, 'D1' as department_id,
        false as is_deleted, false as is_placeholder from range({people}) as r (i);
    create table dim_departments as select 'D1' as department_id, 'Sales' as department_name,
        'none' as parent_department_id, 'Sales' as department_path, 0 as depth, false as is_placeholder;
    create table fct_orders as select i as order_id, 'KH' || (hash(i) % 200000) as customer_id,
        'E' || (hash(i * 7) % {people}) as executor_id,
        case when i % 20 = 0 then 'return' else 'sale' end as order_type,
        'approved' as status, date '2024-01-01' + cast(i % 800 as integer) as order_date,
        date_trunc('month', date '2024-01-01' + cast(i % 800 as integer))::date as month_date,
        timestamp '2024-01-01' + to_seconds(i) as created_at, true as is_counted,
        cast(hash(i) % 100000 as decimal(18, 2)) as sales_amount,
        cast(hash(i) % 90000 as decimal(18, 2)) as revenue_amount,
        nullif('note ' || (i % 1000), 'note 0') as note
        from range({rows}) as r (i);
    create table core.core_employee_scope as
        select 'E1' as viewer_id, 'narrow@kpi.vn' as viewer_email, 'employee' as report,
            unnest(['E1', 'E2']) as employee_id
        union all select 'E3', 'wide@kpi.vn', 'employee', employee_id from dim_employees
        union all select 'E3', 'wide@kpi.vn', 'employee', unnest(['none', 'unknown']);
    create table core.core_department_scope as
        select 'E3' as viewer_id, 'wide@kpi.vn' as viewer_email, 'department' as report, 'D1' as department_id;
    create view access.access_fct_orders as from main.fct_orders;
    create view access.access_dim_employees as from main.dim_employees;
    create view access.access_dim_departments as from main.dim_departments;
"""
_DASHBOARD = "select month_date, count(*), sum(revenue_amount) from marts.fct_orders {filter} group by month_date"


def seconds(work: Callable[[], object]) -> float:
    """How long it takes, by the wall."""
    since = time.monotonic()
    work()
    return time.monotonic() - since


def _median(session: psycopg.Connection[Any], question: str) -> float:
    return statistics.median(seconds(lambda: session.execute(question.encode()).fetchall()) for _ in range(REPEATS))


def bare_copy(marts: Path, connection: psycopg.Connection[Any], without: Collection[str] = ()) -> float:
    """The same rows into the same tables but those `without`, and nothing else: no comparison, index or policy."""
    with open_publication(marts) as duck:
        chosen = [published for published in read_tables(duck) if published.name not in without]
        connection.autocommit = False
        connection.execute(compose("create schema {new}", new=NEW))
        for published in chosen:
            load._create(connection, published)

        def copy() -> None:
            for published in chosen:
                load._copy(duck, connection, published)

        taken = seconds(copy)
        connection.rollback()
    connection.autocommit = True
    return taken


def main(rows: int) -> None:
    """Measure, and print the tables."""
    with tempfile.TemporaryDirectory() as folder, running_server() as server:
        home = Path(folder)
        marts = home / "marts.duckdb"
        with duckdb.connect(str(marts)) as duck:
            duck.execute(_COMPANY.format(people=PEOPLE, rows=rows))
        target = make_database(server, home, "bench", statement_timeout_seconds=3600)
        with server.connect("bench") as operator:
            bare = bare_copy(marts, operator)
            published = publish_to(target, marts, passwords_path=home / "keys.csv")
            again = publish_to(target, marts)
            operator.execute("set search_path = marts")
            written_out = _DASHBOARD.format(filter="where executor_id in ('E1', 'E2')")
            by_hand = _median(operator, written_out)
            everything = _median(operator, _DASHBOARD.format(filter=""))
        keys = keys_in(home / "keys.csv")
        with log_in(server, target, keys[NARROW]) as narrow, log_in(server, target, keys[WIDE]) as wide:
            by_policy = _median(narrow, _DASHBOARD.format(filter=""))
            by_group = _median(wide, _DASHBOARD.format(filter=""))
    for name, fact in machine_facts().items():
        print(f"{name}: {fact}")
    print()
    print(
        table(
            ("publishing", "seconds", "ratio"),
            [
                (f"bare COPY of {rows:,} rows", f"{bare:.1f}", "1.0"),
                ("whole publication, the first", f"{published.seconds:.1f}", f"{published.seconds / bare:.1f}"),
                ("whole publication, replacing one", f"{again.seconds:.1f}", f"{again.seconds / bare:.1f}"),
            ],
        )
    )
    print()
    print(
        table(
            ("orders by month", "milliseconds", "ratio to the filter written out"),
            [
                ("2 of 500 people, filter written out, no policy", f"{by_hand * 1000:.1f}", "1.0"),
                ("2 of 500 people, by policy", f"{by_policy * 1000:.1f}", f"{by_policy / by_hand:.2f}"),
                ("everybody, no policy", f"{everything * 1000:.1f}", "1.0"),
                ("everybody, by policy", f"{by_group * 1000:.1f}", f"{by_group / everything:.2f}"),
            ],
        )
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else ROWS)
