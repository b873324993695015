"""The two ways to publish to a server: `kpi publish`, and the night's last asset where a server is configured."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from orchestration.assets.server_publication import SERVER_KEY, server_assets
from orchestration.assets.services import Services
from orchestration.cli import main
from orchestration.definitions import NIGHT, build_defs
from orchestration.serving.postgres import swap
from orchestration.serving.postgres.names import LIVE
from orchestration.serving.postgres.target import Target, connect
from orchestration.settings import Settings
from tests.support.postgres import Server
from tests.support.postgres_company import FEW_MARTS, changed, drop_database, keys_in, make_database, rename_generation


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
