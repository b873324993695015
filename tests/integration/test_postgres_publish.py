"""Publishing to PostgreSQL: every login sees exactly its access views, and whatever goes wrong changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pytest

from orchestration.serving.errors import PublishError
from orchestration.serving.owners import OwnerRule
from orchestration.serving.postgres import build, load, swap
from orchestration.serving.postgres.names import LIVE, NEW, OLD, compose
from orchestration.serving.postgres.publish import ServerPublication, publish_to, roll_back
from orchestration.serving.postgres.tables import Table, read_tables
from orchestration.serving.postgres.target import Connection, Target, acting_as, connect
from orchestration.serving.reading import open_publication
from orchestration.serving.sql import identifier
from orchestration.settings import Settings
from tests.support.postgres import Server
from tests.support.postgres_company import (
    FEW_MARTS,
    Key,
    as_operator,
    changed,
    drop_database,
    keys_in,
    log_in,
    make_database,
    marts_in,
    rename_generation,
    shown_by_access_view,
)


@pytest.fixture(scope="module")
def company(
    postgres_server: Server, small_publication: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Target, ServerPublication, dict[str, Key]]]:
    """The whole demo company, published once."""
    folder = tmp_path_factory.mktemp("published")
    target = make_database(postgres_server, folder, "whole")
    published = publish_to(target, small_publication, passwords_path=folder / "passwords.csv")
    yield target, published, dict(keys_in(folder / "passwords.csv"))
    drop_database(postgres_server, "whole")


@pytest.fixture
def few(small_publication: Path, tmp_path: Path) -> Path:
    """A publication of a few marts, to be changed."""
    return changed(small_publication, tmp_path / "few.duckdb", marts=FEW_MARTS)


@pytest.fixture
def target(postgres_server: Server, tmp_path: Path) -> Iterator[Target]:
    """An empty database."""
    yield make_database(postgres_server, tmp_path, "single")
    drop_database(postgres_server, "single")


def plain(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    return sorted(rows, key=repr)


def live_generation(target: Target) -> str | None:
    with connect(target) as connection:
        return swap.generation_of(connection, LIVE)


def test_every_login_sees_the_rows_of_its_access_views_and_no_others(
    postgres_server: Server, small_publication: Path, company: tuple[Target, ServerPublication, dict[str, Key]]
) -> None:
    target, published, keys = company
    marts = set(marts_in(small_publication))
    assert len(keys) == published.created > 10
    rows, differing = 0, []
    for key in list(keys.values())[::4]:
        with log_in(postgres_server, target, key) as session, open_publication(small_publication, key.email) as duck:
            tables = {table.name: table for table in read_tables(duck)}
            for mart in marts & set(tables):
                view = replace(tables[mart], query=f"select * from {identifier('access', f'access_{mart}')}")
                expected, seen = load.duckdb_sums(duck, view), load.postgres_sums(session, view, LIVE)
                rows += seen.rows
                if seen != expected:
                    differing.append((key.email, mart, seen.rows, expected.rows))
    assert differing == []
    assert rows > 10_000
    assert marts - set(tables) == {"dim_departments"}


def test_whole_rows_are_the_access_views(
    postgres_server: Server, small_publication: Path, company: tuple[Target, ServerPublication, dict[str, Key]]
) -> None:
    target, _, keys = company
    for key in keys.values():
        with log_in(postgres_server, target, key) as session:
            for mart in ("dim_departments", "dim_employees", "fct_funnel"):
                seen = session.execute(compose("select * from {schema}.{mart}", schema=LIVE, mart=mart)).fetchall()
                assert plain(seen) == shown_by_access_view(small_publication, key.email, mart), (key.email, mart)


def test_a_login_without_any_right_sees_nothing(
    postgres_server: Server, small_publication: Path, company: tuple[Target, ServerPublication, dict[str, Key]]
) -> None:
    target, published, _ = company
    with as_operator(postgres_server, target) as operator:
        operator.execute("create role whole_v_nobody login password 'of nobody' in role whole_reader")
    try:
        with log_in(postgres_server, target, Key("", "whole_v_nobody", "of nobody")) as session:
            for mart in [*marts_in(small_publication), "publication"]:
                seen = session.execute(compose("select * from {schema}.{mart}", schema=LIVE, mart=mart)).fetchall()
                assert seen == [], mart
    finally:
        with as_operator(postgres_server, target) as operator:
            operator.execute("drop role whole_v_nobody")
    assert published.rows["publication"] == 1


def test_passwords_are_in_the_operators_file_only(
    postgres_server: Server, company: tuple[Target, ServerPublication, dict[str, Key]], tmp_path: Path
) -> None:
    _, published, keys = company
    log = postgres_server.log.read_text(encoding="utf-8", errors="replace")
    assert "create role" in log, "the log holds no statements; it proves nothing"
    leaked = [key.login for key in keys.values() if key.password in log or key.password in repr(published)]
    assert leaked == []
    with postgres_server.connect("postgres") as operator:
        stored = operator.execute(
            "select rolname, rolpassword from pg_authid where starts_with(rolname::text, 'whole_v_')"
        ).fetchall()
    assert {password[:14] for _, password in stored} == {"SCRAM-SHA-256$"}
    assert {name for name, _ in stored} == {key.login for key in keys.values()}


def test_names_of_logins_tell_nobody_who_works_here(company: tuple[Target, ServerPublication, dict[str, Key]]) -> None:
    _, _, keys = company
    for key in keys.values():
        name = key.email.split("@")[0]
        assert not set(name.split(".")) & {key.login, *key.login.split("_")}


def test_the_file_of_passwords_is_its_owners_alone_and_never_written_over(
    target: Target, few: Path, tmp_path: Path
) -> None:
    path = tmp_path / "passwords.csv"
    publish_to(target, few, passwords_path=path)
    assert path.stat().st_mode & 0o777 == 0o600
    before = path.read_bytes()
    with pytest.raises(PublishError, match="there already"):
        publish_to(target, few, passwords_path=path)
    again = tmp_path / "again.csv"
    publish_to(target, few, passwords_path=again)
    assert path.read_bytes() == before
    assert not again.exists(), "a file was written although everybody had a password"


def test_values_arrive_as_they_are(target: Target, few: Path, postgres_server: Server) -> None:
    nasty = ["", "\\N", "NULL", '"', 'a"b', "a,b\nc", "a\tb\\", "Nguyễn Thị Ánh 🙂", "'; drop table x; --", " padded "]
    path = few
    with duckdb.connect(":memory:") as connection:
        connection.execute(f"attach '{path}' as published")
        keys = connection.execute(
            "select customer_id from published.main.dim_customers order by 1 limit ?", [len(nasty) + 1]
        ).fetchall()
        for (key,), name in zip(keys, [*nasty, None], strict=True):
            connection.execute(
                "update published.main.dim_customers set customer_name = ? where customer_id = ?", [name, key]
            )
        expected = plain(connection.execute("select * from published.main.dim_customers").fetchall())
        figures = plain(connection.execute("select * from published.main.kpi_target_attainment").fetchall())
    publish_to(target, path)
    with as_operator(postgres_server, target) as operator:
        assert plain(operator.execute("select * from marts.dim_customers").fetchall()) == expected
        assert plain(operator.execute("select * from marts.kpi_target_attainment").fetchall()) == figures


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        ("delete from marts__new.fct_funnel where ctid in (select ctid from marts__new.fct_funnel limit 1)", "rows"),
        ("update marts__new.fct_funnel set revenue_amount = revenue_amount + 0.01", "fct_funnel.revenue_amount"),
        ("update marts__new.fct_funnel set employee_id = employee_id || ' '", "fct_funnel.employee_id"),
        ("update marts__new.fct_funnel set month_date = month_date + 1", "fct_funnel.month_date"),
        ("update marts__new.fct_funnel set orders = null where orders = 0", "fct_funnel.orders"),
    ],
)
def test_a_copy_that_differs_is_not_published(
    target: Target, few: Path, monkeypatch: pytest.MonkeyPatch, damage: str, words: str
) -> None:
    publish_to(target, few)
    before = live_generation(target)
    rename_generation(few, "20991231T000000000000Z")
    copy = load._copy

    def copy_wrongly(duck: duckdb.DuckDBPyConnection, postgres: Connection, table: Any) -> None:
        copy(duck, postgres, table)
        if table.name == "fct_funnel":
            postgres.execute(damage.encode())

    monkeypatch.setattr(load, "_copy", copy_wrongly)
    with pytest.raises(PublishError, match=words):
        publish_to(target, few)
    assert live_generation(target) == before
    with connect(target) as connection:
        assert not swap.exists(connection, NEW), "a refused publication left something behind"


def test_two_rows_that_changed_names_are_found_although_every_column_adds_up(
    target: Target, few: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = load._copy

    def copy_wrongly(duck: duckdb.DuckDBPyConnection, postgres: Connection, table: Any) -> None:
        copy(duck, postgres, table)
        if table.name == "dim_customers":
            changed = postgres.execute(
                "with two as (select min(customer_id) as first, max(customer_id) as last "
                "from marts__new.dim_customers) "
                "update marts__new.dim_customers as one set customer_name = other.customer_name "
                "from two, marts__new.dim_customers as other where one.customer_id <> other.customer_id "
                "and one.customer_id in (two.first, two.last) and other.customer_id in (two.first, two.last)"
            )
            assert changed.rowcount == 2

    monkeypatch.setattr(load, "_copy", copy_wrongly)
    with pytest.raises(PublishError, match="dim_customers: the rows on PostgreSQL are not those of DuckDB"):
        publish_to(target, few)
    assert live_generation(target) is None


def test_an_owner_outside_everybody_is_not_published(target: Target, few: Path, tmp_path: Path) -> None:
    stray = changed(few, tmp_path / "stray.duckdb", "update main.fct_funnel set employee_id = 'NV999' where orders > 0")
    with pytest.raises(PublishError, match=r"fct_funnel: \d+ rows have an owner in employee_id outside everybody"):
        publish_to(target, stray)


def test_an_everybody_that_misses_somebody_is_not_published(target: Target, few: Path, tmp_path: Path) -> None:
    gap = changed(
        few,
        tmp_path / "gap.duckdb",
        "delete from core.core_employee_scope where report = 'customer' and employee_id = "
        "(select max(manager_id) from main.dim_customers where manager_id like 'NV%') and employee_id <> viewer_id",
    )
    with pytest.raises(PublishError, match=r"dim_customers: \d+ rows have an owner in manager_id outside everybody"):
        publish_to(target, gap)


def test_a_type_that_no_mart_has_had_is_named(target: Target, few: Path, tmp_path: Path) -> None:
    strange = changed(
        few, tmp_path / "strange.duckdb", "alter table main.dim_date alter week_date type time using time '00:00'"
    )
    with pytest.raises(PublishError, match=r"dim_date.week_date is TIME"):
        publish_to(target, strange)


def test_one_generation_is_kept_and_can_be_gone_back_to(target: Target, few: Path, postgres_server: Server) -> None:
    with pytest.raises(PublishError, match="no former publication"):
        roll_back(target)
    generations = [f"2099010{day}T000000000000Z" for day in (1, 2, 3)]
    for generation in generations:
        rename_generation(few, generation)
        publish_to(target, few)
    assert live_generation(target) == generations[2]
    assert roll_back(target) == generations[1]
    assert live_generation(target) == generations[1]
    assert roll_back(target) == generations[2]
    with as_operator(postgres_server, target) as operator:
        schemas = operator.execute("select nspname from pg_namespace where nspname like 'marts%' order by 1").fetchall()
        swaps = operator.execute(
            "select generation_id, is_rollback from kpi_access.swap order by swapped_at"
        ).fetchall()
    assert schemas == [(LIVE,), (OLD,)]
    assert swaps == [(g, False) for g in generations] + [(generations[1], True), (generations[2], True)]


def test_nobody_reads_what_is_being_built_or_was_replaced(
    target: Target, few: Path, postgres_server: Server, tmp_path: Path
) -> None:
    path = tmp_path / "passwords.csv"
    publish_to(target, few, passwords_path=path)
    key = next(iter(keys_in(path).values()))

    def look(_: Connection) -> None:
        for statement in ("create table marts__new.x (y int)", "select count(*) from marts__new.publication"):
            with (
                log_in(postgres_server, target, key) as session,
                pytest.raises(psycopg.errors.InsufficientPrivilege, match="schema marts__new"),
            ):
                session.execute(statement.encode())

    publish_to(target, few, before_gate=look)
    with log_in(postgres_server, target, key) as session:
        assert session.execute("select count(*) from marts.publication").fetchall() == [(1,)]
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="schema marts__old"):
            session.execute("select count(*) from marts__old.publication")


def test_marts_that_are_too_large_are_not_sent_and_the_dashboards_without_them_are_named(
    target: Target, few: Path, postgres_server: Server, tmp_path: Path
) -> None:
    path = tmp_path / "passwords.csv"
    everything = publish_to(target, few, passwords_path=path)
    published = publish_to(replace(target, without=frozenset({"kpi_month_figures", "fct_funnel"})), few)
    assert set(everything.rows) - set(published.rows) == {"fct_funnel", "kpi_month_figures"}
    assert {name: everything.rows[name] for name in published.rows} == published.rows
    [words] = [line for line in published.lines() if line.startswith("Not sent")]
    assert words.startswith("Not sent, as KPI_POSTGRES_WITHOUT says: fct_funnel, kpi_month_figures; dashboards")
    assert words.endswith("that read them: KPI funnel, Sales")
    assert not [line for line in everything.lines() if line.startswith("Not sent")]
    with log_in(postgres_server, target, next(iter(keys_in(path).values()))) as session:
        assert session.execute("select count(*) from marts.publication").fetchall() == [(1,)]
        with pytest.raises(psycopg.errors.UndefinedTable, match="fct_funnel"):
            session.execute("select count(*) from marts.fct_funnel")
    publish_to(target, few)
    with as_operator(postgres_server, target) as operator:
        rows = operator.execute("select count(*) from marts.fct_funnel").fetchall()
    assert rows == [(everything.rows["fct_funnel"],)]


@pytest.mark.parametrize(
    ("left_out", "words"),
    [
        ("fct_funel", "names fct_funel, but no such mart is published"),
        ("dim_employees", "leaves out dim_employees, which every reader needs"),
        ("dim_departments", "leaves out dim_departments, which every reader needs"),
        ("publication", "leaves out publication, which every reader needs"),
    ],
)
def test_a_mart_that_cannot_be_left_out_is_named_before_anything_happens(
    target: Target, few: Path, left_out: str, words: str
) -> None:
    with pytest.raises(PublishError, match=f"KPI_POSTGRES_WITHOUT {words}"):
        publish_to(replace(target, without=frozenset({left_out, "fct_customer_events"})), few)
    assert live_generation(target) is None


def test_the_setting_lists_marts_separated_by_commas(tmp_path: Path) -> None:
    settings = Settings(
        home=tmp_path, postgres_url="postgresql://kpi@localhost/kpi", postgres_without=" fct_journey,fct_interactions ,"
    )
    assert Target.of(settings).without == {"fct_interactions", "fct_journey"}
    assert Target.of(Settings(home=tmp_path), "postgresql://kpi@localhost/kpi").without == frozenset()


def test_what_a_killed_publication_left_is_dropped_by_the_next(target: Target, few: Path) -> None:
    publish_to(target, few)
    with connect(target) as connection, connection.transaction(), acting_as(connection, target.roles.owner):
        connection.execute("create schema marts__new")
        connection.execute("create table marts__new.half (x int)")
    rename_generation(few, "20990101T000000000000Z")
    publish_to(target, few)
    assert live_generation(target) == "20990101T000000000000Z"
    with connect(target) as connection:
        assert not swap.exists(connection, NEW)


def test_one_session_that_fails_keeps_the_others_from_beginning_more(
    target: Target, few: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[str] = []
    load_table = load.load_table

    def count(duck: duckdb.DuckDBPyConnection, postgres: Connection, table: Table) -> int:
        begun.append(table.name)
        if len(begun) == 1:
            raise PublishError(f"{table.name} cannot be loaded")
        return load_table(duck, postgres, table)

    monkeypatch.setattr(build, "load_table", count)
    with pytest.raises(PublishError, match="cannot be loaded"):
        publish_to(target, few)
    assert len(begun) <= build.SESSIONS
    with connect(target) as connection:
        assert not swap.exists(connection, NEW)


def test_every_table_is_in_one_part_and_the_parts_are_of_about_one_size() -> None:
    sizes = {"a": 100, "b": 60, "c": 50, "d": 7, "e": 0}
    tables = [Table(name, (), "", OwnerRule(None)) for name in "edcbaf"]
    parts = [[table.name for table in part] for part in build.shares(tables, sizes, 2)]
    assert parts == [["a", "d", "e", "f"], ["b", "c"]]


def test_two_publishers_do_not_meet(target: Target, few: Path) -> None:
    publish_to(target, few)
    with connect(target) as other, other.transaction():
        swap.claim(other, target.roles)
        with pytest.raises(PublishError, match="another `kpi publish`"):
            publish_to(target, few)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("postgresql://kpi:secret@db/kpi?sslmode=verify-full", "password in the server's address"),
        ("postgresql://kpi@db.example/kpi", "sslmode"),
        ("postgresql://db.example/kpi?sslmode=verify-full", "name the user"),
        ("host=db dbname=kpi", "begins with postgresql://"),
    ],
)
def test_an_address_that_would_leak_is_refused(url: str, words: str) -> None:
    with pytest.raises(PublishError, match=words) as refused:
        Target(url)
    assert "secret" not in str(refused.value)


def test_a_publisher_without_a_right_it_needs_is_told_before_anything_happens(
    target: Target, few: Path, postgres_server: Server
) -> None:
    with postgres_server.connect("postgres") as operator:
        operator.execute("revoke pg_signal_backend from single_publisher")
        operator.execute("alter role single_publisher nocreaterole")
        with pytest.raises(PublishError, match=r"lacks CREATEROLE, membership in pg_signal_backend; .*setup\.sql"):
            publish_to(target, few)
        left = operator.execute("select count(*) from pg_roles where rolname = 'single_reader'").fetchone()
    assert left == (0,)


def test_what_the_server_breaks_off_is_said_in_a_sentence(target: Target, few: Path, postgres_server: Server) -> None:
    def break_off(_: Connection) -> None:
        with postgres_server.connect("postgres") as operator:
            operator.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'kpi publish'"
            )

    with pytest.raises(PublishError, match=r"single_publisher@.*publishing again is always safe"):
        publish_to(target, few, before_gate=break_off)
    assert publish_to(target, few).created > 0


def test_a_password_file_that_others_can_read_is_refused(target: Target, few: Path) -> None:
    assert target.password_file is not None
    target.password_file.chmod(0o640)
    with pytest.raises(PublishError, match="open to others; `chmod 600"):
        publish_to(target, few)
    missing = Target(target.url, target.password_file.with_name("nowhere"), target.role_prefix)
    with pytest.raises(PublishError, match="cannot be read"):
        publish_to(missing, few)


def test_a_prefix_that_could_be_taken_for_anothers_is_refused() -> None:
    target = Target("postgresql://kpi@127.0.0.1/kpi", role_prefix="kpi_v")
    with pytest.raises(PublishError, match="cannot begin role names"):
        _ = target.roles


CONTACTS = "dim_customer_contact_details"


def _with_contacts(few: Path, path: Path) -> Path:
    """A later publication with a phone number for every customer."""
    copy = changed(
        few,
        path,
        f"create table main.{CONTACTS} as select customer_id, manager_id, '0912' || customer_id as phone "
        "from main.dim_customers where not is_placeholder",
        f"create view access.access_{CONTACTS} as select * from main.{CONTACTS} where false",
    )
    rename_generation(copy, "20990101T000000000000Z")
    return copy


def _schemas_with_contacts(server: Server, target: Target) -> list[str]:
    with as_operator(server, target) as operator:
        found = operator.execute(
            "select relnamespace::regnamespace::text from pg_class where relname = %s order by 1", [CONTACTS]
        ).fetchall()
    return [str(schema) for (schema,) in found]


def test_contact_details_that_are_published_no_longer_are_in_no_schema_and_come_back_by_no_rollback(
    postgres_server: Server, target: Target, few: Path, tmp_path: Path
) -> None:
    publish_to(target, few)
    publish_to(target, _with_contacts(few, tmp_path / "on.duckdb"))
    assert _schemas_with_contacts(postgres_server, target) == [LIVE]
    publish_to(target, _with_contacts(few, tmp_path / "on_again.duckdb"))
    assert _schemas_with_contacts(postgres_server, target) == [LIVE, OLD]
    last = changed(few, tmp_path / "off.duckdb")
    rename_generation(last, "20990102T000000000000Z")
    published = publish_to(target, last)
    assert published.left == ""
    assert _schemas_with_contacts(postgres_server, target) == []
    assert roll_back(target) == "20990101T000000000000Z"
    assert _schemas_with_contacts(postgres_server, target) == []
    with as_operator(postgres_server, target) as operator:
        assert operator.execute(compose("select count(*) from {live}.dim_customers", live=LIVE)).fetchall() != [(0,)]
