"""The ways to a server: `kpi publish`, the night's last asset, a rebuild; and what the doctor says of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from orchestration.assets.server_publication import SERVER_KEY, server_assets
from orchestration.assets.services import Services
from orchestration.cli import main
from orchestration.definitions import NIGHT, build_defs
from orchestration.delivery import deliver
from orchestration.doctor import Level, look_at_server
from orchestration.serving.errors import PublishError
from orchestration.serving.postgres import swap
from orchestration.serving.postgres.names import LIVE
from orchestration.serving.postgres.target import Target, connect
from orchestration.settings import Settings
from tests.support.postgres import Server
from tests.support.postgres_company import (
    FEW_MARTS,
    as_operator,
    changed,
    drop_database,
    keys_in,
    make_database,
    rename_generation,
)


@pytest.fixture
def target(postgres_server: Server, tmp_path: Path) -> Iterator[Target]:
    yield make_database(postgres_server, tmp_path, "ways")
    drop_database(postgres_server, "ways")


@pytest.fixture
def home(small_publication: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, target: Target) -> Path:
    """A home with a publication, and the settings of its server."""
    home = tmp_path / "home"
    home.mkdir()
    changed(small_publication, home / "marts.duckdb", marts=FEW_MARTS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KPI_HOME", str(home))
    monkeypatch.setenv("KPI_POSTGRES_PASSWORD_FILE", str(target.password_file))
    monkeypatch.setenv("KPI_POSTGRES_ROLE_PREFIX", "ways")
    return home


def leave(*arguments: str) -> int:
    with pytest.raises(SystemExit) as left:
        main(arguments)
    assert isinstance(left.value.code, int)
    return left.value.code


def test_the_command_publishes_gives_passwords_and_goes_back(
    home: Path, target: Target, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert leave("publish", "--to", target.url) == 0
    said = capfd.readouterr().out
    assert "have no password: `kpi publish --passwords FILE`" in said
    path = tmp_path / "keys.csv"
    rename_generation(home / "marts.duckdb", "20990101T000000000000Z")
    assert leave("publish", "--to", target.url, "--passwords", str(path)) == 0
    said = capfd.readouterr().out
    assert "generation 20990101T000000000000Z" in said
    assert "no password" not in said
    assert not [key for key in keys_in(path).values() if key.password in said]
    assert leave("publish", "--to", target.url, "--rollback") == 0
    assert "is live again" in capfd.readouterr().out
    with connect(target) as connection:
        assert swap.generation_of(connection, LIVE) != "20990101T000000000000Z"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "KPI_POSTGRES_URL"),
        (("--to", "postgresql://kpi:secret@127.0.0.1/kpi"), "password in the server's address"),
        (("--to", "postgresql://kpi@127.0.0.1:1/kpi"), "cannot be reached"),
        (("--rollback", "--passwords", "x.csv"), "leave out --passwords"),
    ],
)
def test_the_command_says_what_it_needs(
    home: Path, arguments: tuple[str, ...], words: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert leave("publish", *arguments) == 2
    said = capfd.readouterr().err
    assert words in said
    assert "secret" not in said


def test_the_asset_is_there_only_with_a_server_and_publishes(home: Path, target: Target) -> None:
    assert server_assets(Services.of(Settings())) == []
    services = Services.of(Settings(postgres_url=target.url))
    [asset] = server_assets(services)
    assert asset.asset_deps[SERVER_KEY] == {dg.AssetKey(["published", "marts"])}
    result = dg.materialize([asset])
    [event] = result.asset_materializations_for_node(asset.node_def.name)
    assert event.metadata["generation"].value == generation(target)
    assert event.metadata["logins_without_password"].value == event.metadata["logins_created"].value


def test_the_asset_fails_for_good_and_keeps_what_was_published(home: Path, target: Target) -> None:
    [asset] = server_assets(Services.of(Settings(postgres_url=target.url)))
    assert dg.materialize([asset]).success
    before = generation(target)
    changed(home / "marts.duckdb", home / "stray.duckdb", "update main.fct_funnel set employee_id = 'NV999'")
    (home / "stray.duckdb").replace(home / "marts.duckdb")
    result = dg.materialize([asset], raise_on_error=False)
    assert not result.success
    assert "outside everybody" in str(result.failure_data_for_node(asset.node_def.name))
    assert generation(target) == before


def generation(target: Target) -> str | None:
    with connect(target) as connection:
        return swap.generation_of(connection, LIVE)


def test_the_night_ends_on_the_server_where_one_is_configured(home: Path, target: Target) -> None:
    definitions = build_defs(Settings(postgres_url=target.url))
    assert SERVER_KEY in definitions.resolve_job_def(NIGHT).asset_layer.executable_asset_keys
    without = build_defs(Settings())
    assert SERVER_KEY not in without.resolve_asset_graph().get_all_asset_keys()


def test_what_follows_a_publication_is_what_the_settings_ask_for(home: Path, target: Target) -> None:
    assert deliver(Settings()).lines() == []
    delivered = deliver(Settings(postgres_url=target.url, export_viewers=True))
    assert delivered.server is not None
    assert delivered.files is not None
    assert delivered.server.generation_id == delivered.files.generation.publication_id == generation(target)
    assert "viewers' files" in delivered.lines()[0]


def test_what_cannot_follow_is_an_error(home: Path) -> None:
    with pytest.raises(PublishError, match="cannot be reached"):
        deliver(Settings(postgres_url="postgresql://kpi@127.0.0.1:1/kpi"))


def test_the_command_gives_a_new_password(
    home: Path, target: Target, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    arguments = ("access", "password", "--viewer", "mai.do@congty.example", "--to", target.url)
    assert leave(*arguments, "--into", str(tmp_path / "one.csv")) == 2
    assert "has no logins yet" in capfd.readouterr().err
    assert leave("publish", "--to", target.url) == 0
    assert leave(*arguments, "--into", str(tmp_path / "one.csv")) == 0
    said = capfd.readouterr().out
    [key] = keys_in(tmp_path / "one.csv").values()
    assert "has the new password of mai.do@congty.example" in said
    assert key.password not in said


def said_of(settings: Settings, level: Level) -> list[str]:
    return [f"{finding.text}: {finding.advice}" for finding in look_at_server(settings) if finding.level is level]


def test_the_doctor_says_what_the_server_shows(
    home: Path, target: Target, postgres_server: Server, tmp_path: Path
) -> None:
    settings = Settings(postgres_url=target.url)
    assert said_of(Settings(), Level.PROBLEM) == []
    [nothing_yet] = said_of(settings, Level.PROBLEM)
    assert "nothing has been published there yet" in nothing_yet

    assert leave("publish", "--to", target.url) == 0
    assert said_of(settings, Level.PROBLEM) == []
    assert any("have no password" in text for text in said_of(settings, Level.NOTE))
    assert leave("publish", "--to", target.url, "--passwords", str(tmp_path / "keys.csv")) == 0
    assert not any("have no password" in text for text in said_of(settings, Level.NOTE))
    assert any(str(generation(target)) in text for text in said_of(settings, Level.OK))

    rename_generation(home / "marts.duckdb", "20990101T000000000000Z")
    [behind] = said_of(settings, Level.PROBLEM)
    assert "the publication here is 20990101T000000000000Z: `kpi publish`" in behind
    assert leave("publish", "--to", target.url) == 0
    assert leave("publish", "--to", target.url, "--rollback") == 0
    assert said_of(settings, Level.PROBLEM) == []
    assert any("gone back to" in text for text in said_of(settings, Level.NOTE))
    assert leave("publish", "--to", target.url) == 0

    with as_operator(postgres_server, target) as operator:
        operator.execute("alter table marts.fct_funnel disable row level security")
    [hole] = said_of(settings, Level.PROBLEM)
    assert "row-level security is off" in hole


def test_the_doctor_says_that_contact_details_are_still_there(
    home: Path, target: Target, postgres_server: Server
) -> None:
    assert leave("publish", "--to", target.url) == 0
    with as_operator(postgres_server, target) as operator:
        operator.execute("create table marts.dim_customer_contact_details (customer_id text, phone text)")
    told = [any("phone numbers" in text for text in said_of(settings, Level.PROBLEM)) for settings in (
        Settings(postgres_url=target.url), Settings(postgres_url=target.url, publish_contacts=True)
    )]  # fmt: skip
    assert told == [True, False]


def test_the_doctor_says_that_a_server_does_not_answer(home: Path) -> None:
    [problem] = said_of(Settings(postgres_url="postgresql://kpi@127.0.0.1:1/kpi"), Level.PROBLEM)
    assert "cannot be reached" in problem


def test_other_databases_that_logins_may_enter_are_named(
    home: Path, target: Target, postgres_server: Server, capfd: pytest.CaptureFixture[str]
) -> None:
    with postgres_server.connect("postgres") as operator:
        operator.execute("create database neighbour")
    try:
        assert leave("publish", "--to", target.url) == 0
        told = [line for line in capfd.readouterr().out.splitlines() if "may also enter" in line]
        noted = [text for text in said_of(Settings(postgres_url=target.url), Level.NOTE) if "may also enter" in text]
        assert all("neighbour" in text for text in (*told, *noted))
        assert (len(told), len(noted)) == (1, 1)
        with postgres_server.connect("postgres") as operator:
            operator.execute("revoke connect on database neighbour from public")
        assert leave("publish", "--to", target.url) == 0
        assert "neighbour" not in capfd.readouterr().out
    finally:
        with postgres_server.connect("postgres") as operator:
            operator.execute("drop database neighbour")
