"""Logins follow the CRM's people: made once, locked with open sessions ended, dropped, never wider than the rights."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from orchestration.serving.errors import PublishError
from orchestration.serving.postgres import logins
from orchestration.serving.postgres.new_password import give_new_password
from orchestration.serving.postgres.publish import publish_to
from orchestration.serving.postgres.target import Target
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
    shown_by_access_view,
)

HEAD = "vinh.nguyen@congty.example"
EVERYBODY = "nam.tran@congty.example"
MEMBER = "mai.do@congty.example"


@pytest.fixture
def few(small_publication: Path, tmp_path: Path) -> Path:
    return changed(small_publication, tmp_path / "few.duckdb", marts=FEW_MARTS)


@pytest.fixture
def target(postgres_server: Server, tmp_path: Path) -> Iterator[Target]:
    yield make_database(postgres_server, tmp_path, "people", connection_limit=3, statement_timeout_seconds=77)
    drop_database(postgres_server, "people")


@pytest.fixture
def keys(target: Target, few: Path, tmp_path: Path) -> dict[str, Key]:
    publish_to(target, few, passwords_path=tmp_path / "keys.csv")
    return dict(keys_in(tmp_path / "keys.csv"))


def roles(server: Server) -> list[tuple[str, bool]]:
    with server.connect("postgres") as operator:
        return operator.execute(
            "select rolname::text, rolcanlogin from pg_roles where starts_with(rolname::text, 'people_v_') order by 1"
        ).fetchall()


def without(few: Path, tmp_path: Path, email: str, *more: str) -> Path:
    """A publication in which somebody has no right to anything any more."""
    return changed(
        few,
        tmp_path / "without.duckdb",
        f"delete from core.core_employee_scope where viewer_email = '{email}'",
        f"delete from core.core_department_scope where viewer_email = '{email}'",
        *more,
    )


def test_publishing_again_changes_no_login(
    target: Target, few: Path, keys: dict[str, Key], postgres_server: Server
) -> None:
    before = roles(postgres_server)
    again = publish_to(target, few)
    assert (again.created, again.unlocked, again.locked, again.dropped, again.sessions_ended) == (0, 0, 0, 0, 0)
    assert again.without_password == 0
    assert roles(postgres_server) == before
    assert len(before) == len(keys)


def test_who_became_inactive_is_locked_and_an_open_session_ends(
    target: Target, few: Path, keys: dict[str, Key], postgres_server: Server, tmp_path: Path
) -> None:
    session = log_in(postgres_server, target, keys[HEAD])
    other = log_in(postgres_server, target, keys[MEMBER])
    assert session.execute("select count(*) from marts.fct_funnel").fetchone() != (0,)
    left = publish_to(target, without(few, tmp_path, HEAD))
    assert (left.locked, left.dropped, left.sessions_ended) == (1, 0, 1)
    with pytest.raises(psycopg.OperationalError, match="terminating connection"):
        session.execute("select count(*) from marts.fct_funnel")
    with pytest.raises(psycopg.OperationalError, match="not permitted to log in"):
        log_in(postgres_server, target, keys[HEAD])
    assert other.execute("select 1").fetchone() == (1,)
    other.close()
    back = publish_to(target, few)
    assert (back.unlocked, back.created) == (1, 0)
    with log_in(postgres_server, target, keys[HEAD]) as session:
        assert session.execute("select count(*) from marts.fct_funnel").fetchone() != (0,)


def test_a_session_that_an_interrupted_publication_left_ends_with_the_next(
    target: Target,
    few: Path,
    keys: dict[str, Key],
    tmp_path: Path,
    postgres_server: Server,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    locked = without(few, tmp_path, HEAD)
    with monkeypatch.context() as interrupted, log_in(postgres_server, target, keys[HEAD]) as session:
        interrupted.setattr(logins, "end_sessions", _interrupt)
        with pytest.raises(KeyboardInterrupt):
            publish_to(target, locked)
        assert session.execute("select count(*) from marts.fct_funnel").fetchone() == (0,)
        interrupted.undo()
        assert publish_to(target, locked).sessions_ended == 1


def _interrupt(*_: object) -> int:
    raise KeyboardInterrupt


def test_who_is_gone_from_the_crm_has_no_login_any_more(
    target: Target, few: Path, keys: dict[str, Key], postgres_server: Server, tmp_path: Path
) -> None:
    gone = without(few, tmp_path, HEAD, f"update main.dim_employees set is_deleted = true where email = '{HEAD}'")
    assert publish_to(target, gone).dropped == 1
    assert keys[HEAD].login not in {name for name, _ in roles(postgres_server)}
    with as_operator(postgres_server, target) as operator:
        left = operator.execute("select count(*) from kpi_access.login where email = %s", [HEAD]).fetchone()
    assert left == (0,)


def test_who_loses_a_right_loses_it_in_open_sessions_too(
    target: Target, few: Path, keys: dict[str, Key], postgres_server: Server, tmp_path: Path
) -> None:
    narrow = changed(
        few,
        tmp_path / "narrow.duckdb",
        f"delete from core.core_employee_scope where viewer_email = '{EVERYBODY}' and employee_id <> viewer_id",
        f"delete from core.core_department_scope where viewer_email = '{EVERYBODY}'",
    )
    session = log_in(postgres_server, target, keys[EVERYBODY])
    # An open snapshot, and a plan made while everybody was visible.
    session.autocommit = False
    session.execute("set transaction isolation level repeatable read")
    session.execute("prepare seen as select count(*) from marts.dim_employees")
    assert session.execute("execute seen").fetchone() != (1,)
    session.rollback()
    session.execute("set transaction isolation level repeatable read")
    session.execute("select 1")
    assert publish_to(target, narrow).sessions_ended == 1
    with pytest.raises(psycopg.OperationalError, match="terminating connection"):
        session.execute("execute seen")
    with log_in(postgres_server, target, keys[EVERYBODY]) as again:
        seen = sorted(again.execute("select * from marts.dim_employees").fetchall(), key=repr)
        groups = again.execute(
            "select count(*) from pg_auth_members as m join pg_roles as r on m.member = r.oid "
            "join pg_roles as g on m.roleid = g.oid where r.rolname = session_user"
        ).fetchone()
    assert seen == shown_by_access_view(narrow, EVERYBODY, "dim_employees")
    assert len(seen) == 1
    assert groups == (1,)


def test_a_changed_email_keeps_the_login(target: Target, few: Path, keys: dict[str, Key], tmp_path: Path) -> None:
    renamed = changed(
        few,
        tmp_path / "renamed.duckdb",
        f"update core.core_employee_scope set viewer_email = 'new@congty.example' where viewer_email = '{MEMBER}'",
    )
    published = publish_to(target, renamed, passwords_path=tmp_path / "new.csv")
    assert (published.created, published.dropped, published.locked) == (0, 0, 0)
    assert not (tmp_path / "new.csv").exists()


def test_viewers_who_share_an_email_get_no_login(target: Target, few: Path, tmp_path: Path) -> None:
    shared = changed(
        few,
        tmp_path / "shared.duckdb",
        f"update core.core_employee_scope set viewer_email = '{HEAD}' where viewer_email = '{MEMBER}'",
    )
    published = publish_to(target, shared)
    assert sorted(reason for _, reason in published.refused) == [f"{HEAD} is the e-mail of several viewers"] * 2
    assert published.locked == 0


def test_a_new_login_cannot_be_used_until_it_has_a_password(
    target: Target, few: Path, keys: dict[str, Key], postgres_server: Server, tmp_path: Path
) -> None:
    publish_to(target, without(few, tmp_path, HEAD, "delete from main.dim_employees where email like 'vinh%'"))
    new = publish_to(target, few)
    assert (new.created, new.without_password) == (1, 1)
    [(login, _)] = [role for role in roles(postgres_server) if role[0] not in {key.login for key in keys.values()}]
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        log_in(postgres_server, target, Key(HEAD, login, keys[HEAD].password))
    publish_to(target, few, passwords_path=tmp_path / "one.csv")
    assert list(keys_in(tmp_path / "one.csv")) == [HEAD]
    with log_in(postgres_server, target, keys_in(tmp_path / "one.csv")[HEAD]) as session:
        assert session.execute("select count(*) > 0 from marts.fct_funnel").fetchone() == (True,)


def test_a_role_slipped_in_beside_is_dropped(target: Target, few: Path, postgres_server: Server) -> None:
    publish_to(target, few)
    with as_operator(postgres_server, target) as operator:
        # By the publisher, as somebody who stole its password would.
        operator.execute("set role people_publisher")
        operator.execute("create role people_v_backdoor login in role people_reader, people_all_employee")
    assert publish_to(target, few).dropped == 1


def test_what_a_login_may_use_is_limited(
    target: Target, few: Path, keys: dict[str, Key], postgres_server: Server
) -> None:
    sessions = [log_in(postgres_server, target, keys[MEMBER]) for _ in range(3)]
    with pytest.raises(psycopg.OperationalError, match="too many connections"):
        log_in(postgres_server, target, keys[MEMBER])
    assert sessions[0].execute("show statement_timeout").fetchone() == ("77s",)
    assert sessions[0].execute("show search_path").fetchone() == ("marts",)
    for session in sessions:
        session.close()


def test_a_lost_password_is_replaced_and_the_old_one_opens_nothing(
    target: Target, keys: dict[str, Key], postgres_server: Server, tmp_path: Path
) -> None:
    path = tmp_path / "new.csv"
    with log_in(postgres_server, target, keys[HEAD]) as thief, log_in(postgres_server, target, keys[MEMBER]) as other:
        assert give_new_password(target, f" {HEAD.upper()} ", path) == 1
        with pytest.raises(psycopg.OperationalError, match="terminating connection"):
            thief.execute("select 1")
        other.execute("select 1")
    assert path.stat().st_mode & 0o777 == 0o600
    assert set(keys_in(path)) == {HEAD}
    new = keys_in(path)[HEAD]
    assert (new.login, new.password != keys[HEAD].password) == (keys[HEAD].login, True)
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        log_in(postgres_server, target, keys[HEAD])
    with log_in(postgres_server, target, new) as session:
        assert session.execute("select count(*) > 0 from marts.fct_funnel").fetchone() == (True,)
    assert new.password not in postgres_server.log.read_text(encoding="utf-8", errors="replace")


def test_a_new_password_that_cannot_be_written_down_is_not_given(
    target: Target, keys: dict[str, Key], postgres_server: Server, tmp_path: Path
) -> None:
    closed = tmp_path / "a folder"
    closed.mkdir()
    for path, words in ((tmp_path / "keys.csv", "is there already"), (closed / "not" / "there.csv", "is no folder")):
        with pytest.raises(PublishError, match=words):
            give_new_password(target, HEAD, path)
    log_in(postgres_server, target, keys[HEAD]).close()


def test_nobody_but_a_viewer_gets_a_new_password(
    target: Target, few: Path, keys: dict[str, Key], tmp_path: Path
) -> None:
    publish_to(target, without(few, tmp_path, MEMBER))
    for email, words in (("nobody@congty.example", "has no login for"), (MEMBER, "is locked")):
        with pytest.raises(PublishError, match=words):
            give_new_password(target, email, tmp_path / "new.csv")
    assert not (tmp_path / "new.csv").exists()
