"""What PostgreSQL tells every login whatever the policies say; docs/security.md lists it, with advice.

These tests hold the page to the truth: where a version of PostgreSQL closes one of them, the page has to change.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from orchestration.settings import PROJECT_DIR
from tests.attacks.arena import Arena

SECURITY = PROJECT_DIR / "docs" / "security.md"
Session = psycopg.Connection[Any]


@pytest.fixture
def me(arena: Arena) -> Iterator[Session]:
    with arena.server.connect(arena.target.roles.prefix, arena.me.login, arena.me.password) as session:
        yield session


@pytest.fixture
def total(arena: Arena) -> int:
    with arena.server.connect(arena.target.roles.prefix) as operator:
        [(rows,)] = operator.execute("select count(*) from marts.dim_customers").fetchall()
    return int(rows)


def one(session: Session, question: str) -> Any:
    return session.execute(question.encode()).fetchall()[0][0]


def test_how_many_rows_a_table_has_for_everybody(me: Session, total: int) -> None:
    assert one(me, "select count(*) from marts.dim_customers") < total
    assert one(me, "select reltuples::int from pg_class where oid = 'marts.dim_customers'::regclass") == total
    assert one(me, "select pg_relation_size('marts.dim_customers')") > 0


def test_how_many_rows_a_scan_removed(me: Session, total: int) -> None:
    me.execute("set enable_indexscan = off")
    me.execute("set enable_bitmapscan = off")
    plan = me.execute(
        "explain (analyze, costs off, timing off, summary off) select 1 from marts.dim_customers"
    ).fetchall()
    own = one(me, "select count(*) from marts.dim_customers")
    assert f"Rows Removed by Filter: {total - own}" in str(plan)


def test_whether_anybodys_row_has_a_yes_or_no_set(me: Session) -> None:
    """A column of yes or no is asked before the policy, whoever owns the row: it is no comparison."""
    for setting in ("indexscan", "bitmapscan", "indexonlyscan"):
        me.execute(f"set enable_{setting} = off".encode())

    def is_policy_asked(condition: str) -> bool:
        question = (
            f"explain (analyze, costs off, timing off, summary off) select 1 from marts.dim_customers {condition}"
        )
        return "never executed" not in str(me.execute(question.encode()).fetchall())

    assert is_policy_asked("where is_placeholder")
    assert not is_policy_asked("where is_placeholder and is_deleted")


def test_how_many_logins_there_are_and_what_policies_say(me: Session) -> None:
    assert one(me, "select count(*) from pg_roles where rolname like 'attacks_v_%'") > 10
    assert "kpi_access.employees" in one(me, "select string_agg(pg_get_expr(polqual, polrelid), ' ') from pg_policy")


def test_a_login_may_raise_its_own_limits_of_time_and_memory(me: Session) -> None:
    me.execute("set statement_timeout = 0")
    me.execute("set work_mem = '1GB'")
    assert one(me, "show work_mem") == "1GB"


@pytest.mark.parametrize("words", ["reltuples", "Rows Removed by Filter", "yes/no column", "pg_roles", "work_mem"])
def test_the_page_lists_them(words: str) -> None:
    assert words in SECURITY.read_text(encoding="utf-8")
