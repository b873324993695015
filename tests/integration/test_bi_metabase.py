"""`kpi bi metabase` against a real PostgreSQL with viewers' logins, and the SQL of every card run there as two of them.

Belongs here: that the very SQL which is sent to Metabase shows each viewer the figures of the viewer's own file, with
filters off and on, and what the command says and how it leaves. Not here: what Metabase is told (`tests/metabase`).
The test server does not run SQL: what Metabase does with its filters is written down in `rendered`, after its
documentation.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pytest
from psycopg.types.string import StrDumperVarchar

from orchestration.bi.definition import Chart, Kind, read_dashboards
from orchestration.bi.metabase.audiences import connection_of, read_audiences
from orchestration.bi.metabase.errors import MetabaseError
from orchestration.bi.metabase.wanted import Card, content_of
from orchestration.bi.passwords import Passwords, PasswordsError, read_passwords
from orchestration.bi.queries import chart_sql, dataset_name, datasets, values_sql
from orchestration.cli import main
from orchestration.report.labels import Lang
from orchestration.serving.export import export_viewer
from orchestration.serving.postgres.new_password import give_new_password
from orchestration.serving.postgres.publish import publish_to
from orchestration.serving.postgres.target import Target
from tests.metabase.server import ALL_USERS, KEY, Metabase, serving
from tests.support.postgres import Server
from tests.support.postgres_company import Key, changed, drop_database, keys_in, log_in, make_database

HEAD, MEMBER = "vinh.nguyen@congty.example", "mai.do@congty.example"
DASHBOARDS = read_dashboards()
CARDS = {card.key: card for card in content_of(DASHBOARDS, Lang.EN).cards}
CHARTS: Mapping[str, Chart] = {f"{board.name}/{chart.name}": chart for board in DASHBOARDS for chart in board.charts}
SETS = datasets(DASHBOARDS, Lang.EN)

Rows = Counter[tuple[Any, ...]]


@dataclass(frozen=True)
class Company:
    """The demo company on a server, and the operator's file of passwords."""

    target: Target
    passwords: Path
    keys: Mapping[str, Key]


@pytest.fixture(scope="module")
def company(
    postgres_server: Server, small_publication: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Company]:
    folder = tmp_path_factory.mktemp("bi")
    target = make_database(postgres_server, folder, "bimeta")
    passwords = folder / "logins.csv"
    publish_to(target, small_publication, passwords_path=passwords)
    yield Company(target, passwords, keys_in(passwords))
    drop_database(postgres_server, "bimeta")


@dataclass(frozen=True)
class Viewer:
    """A viewer's session on the server, and the viewer's own file."""

    email: str
    session: psycopg.Connection[Any]
    file: duckdb.DuckDBPyConnection


@pytest.fixture(scope="module", params=[HEAD, MEMBER])
def viewer(
    request: pytest.FixtureRequest,
    postgres_server: Server,
    company: Company,
    small_publication: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Viewer]:
    path = tmp_path_factory.mktemp("viewer") / "viewer.duckdb"
    export_viewer(small_publication, request.param, path)
    with (
        log_in(postgres_server, company.target, company.keys[request.param]) as session,
        duckdb.connect(str(path), read_only=True) as file,
    ):
        # Metabase's driver sends a text as varchar; this one would leave its type open, which hides mistakes.
        session.adapters.register_dumper(str, StrDumperVarchar)
        yield Viewer(request.param, session, file)


def rendered(card: Card, values: Mapping[str, str]) -> tuple[str, list[str]]:
    """A card's SQL as Metabase sends it: an optional part vanishes unless its filter has a value."""
    given: list[str] = []

    def fill(found: re.Match[str]) -> str:
        given.append(values[found[1]])
        return "%s"

    def part(found: re.Match[str]) -> str:
        names = re.findall(r"\{\{(\w+)\}\}", found[1])
        assert names, f"{card.key}: an optional part without a filter"
        return found[1] if all(name in values for name in names) else ""

    whole = re.sub(r"\[\[(.+?)\]\]", part, card.sql.replace("%", "%%"))
    return re.sub(r"\{\{(\w+)\}\}", fill, whole), given


def plain(value: Any) -> Any:
    """Two engines write the same number differently; sums of doubles differ in their last digits."""
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, (int, float, Decimal)):
        return round(Decimal(str(value)), 6).normalize() + 0
    return value


def counted(rows: list[tuple[Any, ...]]) -> Rows:
    return Counter(tuple(plain(value) for value in row) for row in rows)


def shown(viewer: Viewer, card: Card, values: Mapping[str, str]) -> list[tuple[Any, ...]]:
    sql, given = rendered(card, values)
    found: list[tuple[Any, ...]] = viewer.session.execute(sql.encode(), given).fetchall()
    return found


def expected(viewer: Viewer, chart: Chart, values: Mapping[str, str]) -> list[tuple[Any, ...]]:
    """The same chart asked of the viewer's own file, with conditions written out."""
    conditions = [f"and {name} = '{value}'" for name, value in values.items()]
    if chart.is_of_one_month and "month" not in values:
        conditions.append("and is_running_month")
    return viewer.file.execute(chart_sql(chart, SETS[dataset_name(chart.source)], conditions)).fetchall()


def some_values(viewer: Viewer, name: str) -> list[str]:
    """Two values that the filter offers: the first and the last."""
    offered = [str(value) for (value,) in shown(viewer, CARDS[f"filter/{name}"], {})]
    assert offered
    return [offered[0], offered[-1]]


@pytest.mark.parametrize("key", CHARTS)
def test_without_filters_a_card_shows_what_the_viewers_own_file_shows(viewer: Viewer, key: str) -> None:
    assert counted(shown(viewer, CARDS[key], {})) == counted(expected(viewer, CHARTS[key], {}))


@pytest.mark.parametrize("key", CHARTS)
def test_each_filter_limits_a_card_to_its_value(viewer: Viewer, key: str) -> None:
    chart = CHARTS[key]
    assert CARDS[key].filters == chart.filters
    for name in chart.filters:
        for value in some_values(viewer, name):
            limits = {name: value}
            assert counted(shown(viewer, CARDS[key], limits)) == counted(expected(viewer, chart, limits)), limits


@pytest.mark.parametrize("key", CHARTS)
def test_all_filters_at_once(viewer: Viewer, key: str) -> None:
    chart = CHARTS[key]
    limits = {name: some_values(viewer, name)[0] for name in chart.filters}
    assert counted(shown(viewer, CARDS[key], limits)) == counted(expected(viewer, chart, limits))


def test_the_two_viewers_see_different_figures_and_no_card_is_empty_for_the_head(
    postgres_server: Server, company: Company
) -> None:
    empty = []
    totals: dict[str, list[Any]] = {}
    for email in (HEAD, MEMBER):
        with log_in(postgres_server, company.target, company.keys[email]) as session:
            session.adapters.register_dumper(str, StrDumperVarchar)
            for key, card in CARDS.items():
                sql, given = rendered(card, {})
                rows = session.execute(sql.encode(), given).fetchall()
                totals.setdefault(key, []).append(counted(rows))
                if email == HEAD and not any(value is not None for row in rows for value in row):
                    empty.append(key)
    assert empty == []
    assert sum(head != member for head, member in totals.values()) > len(CARDS) / 2


def test_filters_offer_what_the_viewer_may_see(viewer: Viewer) -> None:
    for name in ("month", "employee", "department"):
        offered = shown(viewer, CARDS[f"filter/{name}"], {})
        assert offered == viewer.file.execute(values_sql(name, Lang.EN)).fetchall() or counted(offered) == counted(
            viewer.file.execute(values_sql(name, Lang.EN)).fetchall()
        )


def test_a_figure_leads_to_its_rows(viewer: Viewer) -> None:
    """What a click takes along (the row's employee, the filter's month) finds the rows that add up to the figure."""
    month = some_values(viewer, "month")[0]
    names = [column.name for column in CHARTS["kpi_funnel/by_employee"].columns]
    position = len(names) + [metric.name for metric in CHARTS["kpi_funnel/by_employee"].metrics].index("revenue_amount")
    rows = CHARTS["kpi_rows/orders"]
    amount = [column.name for column in rows.columns].index("revenue_amount")
    people = shown(viewer, CARDS["kpi_funnel/by_employee"], {"month": month})
    assert people
    for person in people:
        taken = {"month": month, "employee": person[names.index("employee")]}
        behind = shown(viewer, CARDS["kpi_rows/orders"], taken)
        assert sum((row[amount] for row in behind), Decimal(0)) == Decimal(person[position] or 0)


def test_a_month_is_never_added_to_another(viewer: Viewer) -> None:
    """A stock over several months would be counted once for each."""
    for key, chart in CHARTS.items():
        if chart.kind in (Kind.LINE, Kind.ROWS) or not chart.has_month:
            continue
        dataset = SETS[dataset_name(chart.source)]
        running = viewer.file.execute(f"select count(*) from ({dataset.sql}) where is_running_month").fetchall()
        condition = CARDS[key].sql.split("where true\n")[1].splitlines()[0]
        assert condition.startswith("and month = coalesce(")
        counting = f"select count(*) from (\n{dataset.sql}\n) as figures where true {condition}"
        sql, given = rendered(Card(key, "", "", "", counting, (), {}), {})
        assert viewer.session.execute(sql.encode(), given).fetchall() == running, key


# -- the command ---------------------------------------------------------------------------------------------------


@pytest.fixture
def metabase(company: Company) -> Metabase:
    found = Metabase(
        passwords={key.login: key.password for key in company.keys.values()}, tables={"fct_funnel": ["orders"]}
    )
    found.add_user(HEAD)
    return found


@pytest.fixture
def address(metabase: Metabase, company: Company, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The settings of an operator."""
    key_file = tmp_path / "key"
    key_file.touch(mode=0o600)
    key_file.write_text(KEY, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    with serving(metabase) as there:
        for name, value in {
            "KPI_HOME": tmp_path / "home",
            "KPI_POSTGRES_URL": company.target.url,
            "KPI_POSTGRES_PASSWORD_FILE": company.target.password_file,
            "KPI_POSTGRES_ROLE_PREFIX": company.target.role_prefix,
            "KPI_METABASE_URL": there,
            "KPI_METABASE_API_KEY_FILE": key_file,
        }.items():
            monkeypatch.setenv(name, str(value))
        yield there


def leave(*arguments: str) -> int:
    with pytest.raises(SystemExit) as left:
        main(["bi", "metabase", *arguments])
    assert isinstance(left.value.code, int)
    return left.value.code


def test_the_command_says_what_it_does_shows_no_password_and_does_it_once(
    metabase: Metabase, address: str, company: Company, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["--passwords", str(company.passwords), "--viewer", HEAD, "--viewer", MEMBER, "--language", "en"]
    assert leave(*asked, "--dry-run") == 0
    plan = capsys.readouterr().out
    assert metabase.changes() == []
    assert f"{HEAD}: make {len(CARDS)} cards" in plan
    assert "this was a dry run" in plan
    assert leave(*asked) == 0
    assert f"`kpi bi metabase --admit {HEAD}`" in capsys.readouterr().out
    assert HEAD not in {email for group in metabase.groups for email in metabase.members(group) if group != ALL_USERS}
    assert leave(*asked, "--admit", HEAD.upper()) == 0
    said = capsys.readouterr()
    [account] = metabase.users
    assert re.search(
        rf"group KPI {HEAD} \({company.keys[HEAD].login}\): put \S+ <{HEAD}> \(account {account}, ", said.out
    )
    assert f"note: {MEMBER} has no account in Metabase" in said.out
    assert len(metabase.databases) == 2
    [one] = [one for one in metabase.databases.values() if one["details"]["user"] == company.keys[HEAD].login]
    assert (one["details"]["host"], one["details"]["dbname"]) == ("127.0.0.1", "bimeta")
    assert not any(key.password in plan + said.out + said.err for key in company.keys.values())
    assert KEY not in plan + said.out + said.err
    metabase.seen.clear()
    assert leave("--viewer", HEAD, "--viewer", MEMBER, "--language", "en") == 0
    assert metabase.changes() == []
    assert "0 changes; 2 viewers looked at." in capsys.readouterr().out


def test_what_keeps_somebody_from_their_dashboards_ends_with_one(
    metabase: Metabase, address: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert leave("--viewer", HEAD) == 1
    assert "kpi access password --viewer" in capsys.readouterr().err
    assert metabase.databases == {}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--viewer", "nobody@congty.example"], "no open login"),
        (["--admit", "nobody@congty.example"], "--admit nobody@congty.example: no open login"),
        (["--viewer", HEAD, "--admit", MEMBER], "not among those of --viewer"),
        (["--language", "fr"], "en or vi"),
        (["--queries", "all"], "no, builder"),
        (["--passwords", "nowhere.csv"], "cannot be read"),
    ],
)
def test_what_cannot_be_is_refused(
    metabase: Metabase, address: str, arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert leave(*arguments) == 2
    assert said in capsys.readouterr().err
    assert metabase.seen == []


def test_a_wrong_key_an_old_version_and_no_server_end_with_two(
    metabase: Metabase, address: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    metabase.tag = "v0.49.0"
    assert leave() == 2
    assert "runs Metabase v0.49.0" in capsys.readouterr().err
    metabase.key = "another"
    assert leave() == 2
    assert "the key is wrong or was deleted" in capsys.readouterr().err
    monkeypatch.setenv("KPI_METABASE_URL", "http://127.0.0.1:9")
    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    assert leave() == 2
    assert "no connection" in capsys.readouterr().err
    monkeypatch.delenv("KPI_METABASE_URL")
    assert leave() == 2
    assert "KPI_METABASE_URL names one" in capsys.readouterr().err


def test_who_loses_every_right_loses_their_dashboards(
    metabase: Metabase,
    address: str,
    company: Company,
    small_publication: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    asked = ["--passwords", str(company.passwords), "--viewer", HEAD, "--viewer", MEMBER]
    assert leave(*asked) == 0
    without = changed(
        small_publication,
        tmp_path / "without.duckdb",
        f"delete from core.core_employee_scope where viewer_email = '{MEMBER}'",
        f"delete from core.core_department_scope where viewer_email = '{MEMBER}'",
    )
    publish_to(company.target, without)
    try:
        capsys.readouterr()
        assert leave("--viewer", HEAD) == 0
        assert f"{MEMBER} has no login any more" in capsys.readouterr().out
        assert [one["details"]["user"] for one in metabase.databases.values()] == [company.keys[HEAD].login]
    finally:
        publish_to(company.target, small_publication)


def test_a_new_password_is_taken_from_its_file(
    metabase: Metabase, address: str, company: Company, tmp_path: Path
) -> None:
    assert leave("--passwords", str(company.passwords), "--viewer", MEMBER) == 0
    give_new_password(company.target, MEMBER, tmp_path / "new.csv")
    login = company.keys[MEMBER].login
    metabase.passwords[login] = read_passwords(tmp_path / "new.csv")[login]
    assert leave("--viewer", MEMBER) == 1
    assert leave("--passwords", str(tmp_path / "new.csv"), "--viewer", MEMBER) == 0
    assert leave("--viewer", MEMBER) == 0


# -- audiences -----------------------------------------------------------------------------------------------------


def test_audiences_are_the_open_logins(company: Company) -> None:
    assert {(one.email, one.login) for one in read_audiences(company.target)} == {
        (key.email, key.login) for key in company.keys.values()
    }


def test_a_server_without_logins_is_not_taken_for_everybody_having_left(
    postgres_server: Server, tmp_path: Path
) -> None:
    target = make_database(postgres_server, tmp_path, "bimetaempty")
    try:
        with pytest.raises(MetabaseError, match="has no open login"):
            read_audiences(target)
    finally:
        drop_database(postgres_server, "bimetaempty")


def test_the_file_of_passwords_must_be_one_and_closed(tmp_path: Path) -> None:
    path = tmp_path / "passwords.csv"
    path.write_text("email,login,password\na@b.c,kpi_v_1,secret\n", encoding="utf-8")
    path.chmod(0o644)
    with pytest.raises(PasswordsError, match="open to others"):
        read_passwords(path)
    path.chmod(0o600)
    found = read_passwords(path)
    assert found == {"kpi_v_1": "secret"}
    assert "secret" not in f"{found} {found!r}"
    path.write_text("name\na\n", encoding="utf-8")
    with pytest.raises(PasswordsError, match="no file of passwords"):
        read_passwords(path)
    assert read_passwords(None) == Passwords()


@pytest.mark.parametrize(
    ("url", "host", "found"),
    [
        ("postgresql://p@db/kpi?sslmode=verify-full", None, ("db", 5432, "kpi", "verify-full")),
        ("postgresql://p@db:6432/kpi?sslmode=disable", None, ("db", 6432, "kpi", "")),
        ("postgresql://p@db:6432/kpi?sslmode=require", "inner", ("inner", 6432, "kpi", "require")),
        ("postgresql://p@/kpi?host=/var/run/postgresql", "inner:5433", ("inner", 5433, "kpi", "")),
    ],
)
def test_metabase_is_told_how_it_reaches_the_server(url: str, host: str | None, found: tuple[Any, ...]) -> None:
    connection = connection_of(Target(url), host)
    assert (connection.host, connection.port, connection.database, connection.encryption) == found


def test_a_socket_is_no_way_for_metabase() -> None:
    target = Target("postgresql://p@/kpi?host=/var/run/postgresql")
    with pytest.raises(MetabaseError, match="KPI_METABASE_POSTGRES_HOST"):
        connection_of(target, None)
    with pytest.raises(MetabaseError, match="HOST or HOST:PORT"):
        connection_of(target, "db:port")
