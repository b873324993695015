"""The catalog gate: silent over what we build, and one finding for every planted mistake."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestration.serving.errors import PublishError
from orchestration.serving.postgres import gate, swap
from orchestration.serving.postgres.names import LIVE
from orchestration.serving.postgres.publish import publish_to
from orchestration.serving.postgres.target import Connection, Target, connect
from tests.support.postgres import Server
from tests.support.postgres_company import FEW_MARTS, as_operator, changed, drop_database, make_database

FUNNEL = "marts.fct_funnel"

# The mistake, as somebody with the right to make it would, and the words of the finding.
MISTAKES = {
    "alter table marts.fct_funnel disable row level security": "row-level security is off",
    "alter table marts.fct_funnel no force row level security": "row-level security is off",
    "drop policy own_rows on marts.dim_date": "no policy",
    "create policy extra on marts.fct_funnel for select to public using (true)": "PUBLIC",
    "create policy extra on marts.fct_funnel for select to gate_publisher using (true)": "a role that is not ours",
    "create policy extra on marts.fct_funnel for select to gate_reader using (true)": "lets every row through",
    "create policy extra on marts.fct_funnel for select to gate_all_employee "
    "using (employee_id = current_setting('app.x'))": "a session can set",
    "create policy extra on marts.fct_funnel for select to gate_all_employee using (employee_id = current_user)": (
        "a session can set"
    ),
    "create policy extra on marts.fct_funnel for select to gate_reader "
    "using (employee_id = any (kpi_access.employees(array['employee'])))": "a function for every row",
    "create policy extra on marts.fct_funnel for insert to gate_reader with check (true)": "anything but reading",
    "create view marts.sums as select sum(orders) from marts.fct_funnel": "security_invoker=true",
    "create view marts.sums with (security_invoker = true) as select 1": "security_barrier=true",
    "create or replace view marts.dim_departments as select *  from (select null::text department_id, "
    "null::text department_name, null::text parent_department_id, null::text department_path, null::int depth, "
    "null::boolean is_placeholder) x": "security_invoker=true",
    "create materialized view marts.copied as select * from marts.fct_funnel": "neither a plain table nor a view",
    "create table marts.parts (x int) partition by list (x)": "neither a plain table nor a view",
    "create table marts.child () inherits (marts.fct_funnel)": "neither a plain table nor a view",
    "create function marts.peek() returns bigint language sql security definer "
    "as 'select count(*) from marts.fct_funnel'": "a function, trigger or rule",
    "create unique index on marts.fct_funnel (employee_id, month_date)": "a unique key",
    "alter table marts.fct_funnel owner to gate_publisher": "owned by another role",
    "grant insert on marts.fct_funnel to gate_reader": "a right to do more than read",
    "grant select on marts.fct_funnel to public": "a right to do more than read",
    "grant select (employee_id) on marts.fct_funnel to gate_publisher": "a right to do more than read",
    "grant references (employee_id) on marts.fct_funnel to gate_reader": "a right to do more than read",
    "grant select on kpi_access.entitlement to gate_reader": "rights or logins",
    "grant select on kpi_access.login to public": "rights or logins",
    "alter function kpi_access.employees(text[]) reset search_path": "without a fixed search path",
    "alter function kpi_access.employees(text[]) security invoker": "without a fixed search path",
    "alter function kpi_access.employees(text[]) volatile": "without a fixed search path",
    "grant execute on function kpi_access.employees(text[]) to public": "without a fixed search path",
    "create function kpi_access.more() returns int language sql as 'select 1'": "without a fixed search path",
    "create schema tools; grant usage on schema tools to public; create function tools.run(text) returns text "
    "language sql as 'select $1'": "not PostgreSQL's or ours",
    "create function kpi_access.quiet() returns int leakproof language sql as 'select 1'": "claim to leak nothing",
    "alter function texteq(text, text) leakproof": "claim to leak nothing",
    "grant execute on function pg_advisory_lock(bigint) to public": "one reader stops the server",
    "grant usage on language plpgsql to gate_reader": "may run programs",
    "alter role gate_reader createdb": "more than the right to log in",
    "alter role gate_all_employee bypassrls": "more than the right to log in",
    "alter role gate_all_employee login": "a group that can log in",
    "alter role gate_owner login": "the owner can log in",
    "alter role gate_owner bypassrls": "above the policies",
    "create role gate_thief; grant gate_owner to gate_thief": "act as the owner",
    "grant pg_read_all_data to gate_reader": "a group that is not ours",
    "grant gate_owner to gate_reader": "a group that is not ours",
    "create role gate_guest login in role gate_reader": "no login of ours",
    "grant temporary on database gate to public": "besides connecting",
    "grant create on database gate to gate_reader": "besides connecting",
    "grant usage on schema public to public": "besides the marts",
    "grant create on schema kpi_access to gate_reader": "besides the marts",
    "grant usage on schema kpi_access to gate_reader": "besides the marts",
    "alter default privileges for role gate_owner grant select on tables to public": "by default",
}


@pytest.fixture(scope="module")
def target(
    postgres_server: Server, small_publication: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Target]:
    folder = tmp_path_factory.mktemp("gate")
    target = make_database(postgres_server, folder, "gate")
    publish_to(target, changed(small_publication, folder / "few.duckdb", marts=FEW_MARTS))
    yield target
    drop_database(postgres_server, "gate")


def look(postgres_server: Server, target: Target, mistake: str | None) -> list[str]:
    """The findings over the live publication after a mistake, which is undone."""
    with as_operator(postgres_server, target) as operator:
        operator.autocommit = False
        if mistake is not None:
            operator.execute(mistake.encode())
        # As the publisher, like the real thing; what it may not see it would miss.
        operator.execute("set local role gate_publisher")
        found = gate.findings(operator, target.roles, LIVE)
        operator.rollback()
    return found


def test_it_is_silent_over_what_we_build(postgres_server: Server, target: Target) -> None:
    assert look(postgres_server, target, None) == []


@pytest.mark.parametrize("mistake", MISTAKES)
def test_it_finds(postgres_server: Server, target: Target, mistake: str) -> None:
    found = look(postgres_server, target, mistake)
    assert any(MISTAKES[mistake] in finding for finding in found), found


def test_every_check_has_a_mistake_that_it_found() -> None:
    unproven = {name for name in gate.checks() if not any(words in name for words in MISTAKES.values())}
    assert unproven == {"a login without a limit of connections"}


def test_a_login_without_a_limit_is_found(postgres_server: Server, target: Target) -> None:
    with as_operator(postgres_server, target) as operator:
        login = operator.execute("select login::text from kpi_access.login limit 1").fetchone()
    assert login is not None
    found = look(postgres_server, target, f"alter role {login[0]} connection limit -1")
    assert found == [f"a login without a limit of connections: {login[0]}"]


def test_a_finding_keeps_the_former_publication(
    postgres_server: Server, target: Target, small_publication: Path, tmp_path: Path
) -> None:
    few = changed(
        small_publication,
        tmp_path / "few.duckdb",
        "update main.publication set generation_id = '20990101T000000000000Z'",
        marts=FEW_MARTS,
    )

    def open_a_table(postgres: Connection) -> None:
        postgres.execute("set local role gate_owner")
        postgres.execute("alter table marts__new.fct_funnel no force row level security")
        postgres.execute("create index on marts__new.fct_funnel (month_date)")
        postgres.execute("create table marts__new.notes (x int)")
        postgres.execute("set local role none")

    with connect(target) as connection:
        before = swap.generation_of(connection, LIVE)
    with pytest.raises(PublishError) as refused:
        publish_to(target, few, before_gate=open_a_table)
    for words in ("fct_funnel", "not meant to be published: notes", "does not begin with the policy's column"):
        assert words in str(refused.value)
    with connect(target) as connection:
        assert swap.generation_of(connection, LIVE) == before != "20990101T000000000000Z"
