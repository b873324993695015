"""Contact details: off by default, and gone from everything that was published once they are switched off again."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import duckdb
import pytest

from orchestration.assets.server_publication import server_assets
from orchestration.assets.services import Services
from orchestration.assets.viewer_files import viewer_files_asset
from orchestration.build_plan import Built, why_everything
from orchestration.cli import main
from orchestration.dbt_build import drop_switched_off
from orchestration.dbt_run import dbt_environment, project_fingerprint
from orchestration.doctor import Level, examine
from orchestration.landing.store import Landing
from orchestration.progress import Progress
from orchestration.publishing import publish_current
from orchestration.serving.contacts import CONTACT_MARTS, exports_with_contacts, refuse_leftover, were_published
from orchestration.serving.errors import LockHeldError, PublishError
from orchestration.serving.export import export_viewer
from orchestration.serving.generations import CURRENT, export_all, viewers_lock
from orchestration.serving.owners import OWNERS
from orchestration.serving.publish import previous_path
from orchestration.serving.reading import open_publication
from orchestration.settings import Settings
from tests.unit.checks_company import AS_OF, access_view, build_warehouse, corrupted

MART = "dim_customer_contact_details"
PHONE = "0912 777 555 "
# One text per row: DuckDB compresses what repeats.
TABLE = (
    f"create table marts.{MART} as select customer_id, manager_id, '{PHONE}' || customer_id as phone, "
    "customer_id || '@khach.vn' as email from marts.dim_customers where not is_placeholder;"
)


class Home:
    """A home whose warehouse holds contact details, whatever the settings say."""

    def __init__(self, root: Path) -> None:
        self.on = Settings(home=root, source="files", lock_wait_seconds=0, publish_contacts=True)
        self.off = self.on.model_copy(update={"publish_contacts": False})
        warehouse = build_warehouse(root / "built" / "warehouse.duckdb")
        view = access_view(MART, "manager_id", ["employee", "customer"])
        corrupted(warehouse, self.on.warehouse_dir, TABLE + view)

    def publish(self, settings: Settings) -> tuple[Path, ...]:
        """Publish as a night does; returns what was deleted for it."""
        told: list[Path] = []

        class Told(Progress):
            def removed(self, paths: object) -> None:
                assert isinstance(paths, tuple)
                told.extend(paths)

        publish_current(settings, Landing(settings.landing_dir), AS_OF, Told())
        return tuple(told)

    def shown(self, viewer: str) -> list[tuple[str]]:
        with open_publication(self.on.marts_path, viewer) as connection:
            return connection.execute(f"select customer_id from access.access_{MART} order by 1").fetchall()

    def files(self) -> list[Path]:
        """Everything that readers may get: the publication, the former one, and exports."""
        return [*self.on.home.glob("*.duckdb"), *self.on.exports_dir.rglob("*.duckdb")]

    def holding(self) -> list[str]:
        return [path.name for path in self.files() if _holds(path)]


def _holds(path: Path) -> bool:
    with duckdb.connect(str(path), read_only=True) as connection:
        tables = connection.execute("select table_name from duckdb_tables()").fetchall()
        views = connection.execute("select view_name from duckdb_views()").fetchall()
    return any(name.removeprefix("access_") == MART for (name,) in tables + views)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    (tmp_path / "built").mkdir()
    return Home(tmp_path)


def test_nobody_asked_for_them_by_default(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("KPI_PUBLISH_CONTACTS", raising=False)
    assert not Settings(_env_file=None, home=tmp_path).publish_contacts
    monkeypatch.setenv("KPI_PUBLISH_CONTACTS", "true")
    assert Settings(_env_file=None, home=tmp_path).publish_contacts


def test_dbt_is_told_and_builds_everything_after_a_switch(tmp_path: Path) -> None:
    off = Settings(home=tmp_path, publish_contacts=False)
    on = off.model_copy(update={"publish_contacts": True})
    told = [dbt_environment(settings)["KPI_PUBLISH_CONTACTS"] for settings in (off, on)]
    assert told == ["false", "true"]
    built, wanted = (Built(AS_OF, project_fingerprint(settings), "contract", "run") for settings in (off, on))
    assert why_everything(built, wanted) == "the models, rules or settings changed"
    assert why_everything(wanted, built) == "the models, rules or settings changed"
    assert why_everything(built, built) is None


def test_every_contact_mart_is_open_to_who_sees_the_customers_name() -> None:
    assert {OWNERS[mart] for mart in CONTACT_MARTS} == {OWNERS["dim_customers"]}


def test_the_table_and_the_view_of_a_disabled_model_are_dropped_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "warehouse.duckdb"
    disabled = [
        {"resource_type": "model", "schema": "marts", "name": MART},
        {"resource_type": "model", "schema": "access", "name": f"access_{MART}"},
        {"resource_type": "test", "schema": "marts", "name": "dim_date"},
    ]
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            f"create schema marts; create schema access; create table marts.{MART} as select 1 as phone; "
            f"create view access.access_{MART} as from marts.{MART}; create table marts.dim_date as select 1 as day; "
            f"create table main.{MART} as select 1 as phone"
        )
    drop_switched_off(path, {"disabled": {node["name"]: [node] for node in disabled}})
    with duckdb.connect(str(path), read_only=True) as connection:
        left = connection.execute("select schema_name, table_name from duckdb_tables() order by all").fetchall()
        assert left == [("main", MART), ("marts", "dim_date")]
        assert connection.execute("select count(*) from duckdb_views() where not internal").fetchall() == [(0,)]
    drop_switched_off(tmp_path / "none.duckdb", {"disabled": {MART: disabled}})
    assert not (tmp_path / "none.duckdb").exists()


def test_on_they_are_the_viewers_own_in_the_view_and_in_the_file(home: Home) -> None:
    home.publish(home.on)
    own = home.shown("e1@kpi.vn")
    assert len(own) == 60
    assert home.shown("nobody@kpi.vn") == []
    export_viewer(home.on.marts_path, "e1@kpi.vn", home.on.exports_dir / "e1.duckdb")
    with duckdb.connect(str(home.on.exports_dir / "e1.duckdb"), read_only=True) as connection:
        assert connection.execute(f"select customer_id from {MART} order by 1").fetchall() == own


def test_off_they_are_not_published_even_where_the_warehouse_still_holds_them(home: Home) -> None:
    assert home.publish(home.off) == ()
    assert home.holding() == []
    assert [path.name for path in home.files()] == ["marts.duckdb"]
    assert PHONE.encode() not in home.on.marts_path.read_bytes()


def test_switched_off_they_are_gone_from_every_file_that_was_made_of_them(home: Home) -> None:
    settings = home.on
    home.publish(home.off)
    export_viewer(settings.marts_path, "boss@kpi.vn", settings.exports_dir / "without.duckdb")
    home.publish(settings)
    home.publish(settings)
    export_all(settings.marts_path, settings.exports_dir)
    export_viewer(settings.marts_path, "e1@kpi.vn", settings.exports_dir / "with.duckdb")
    assert {"marts.duckdb", "marts.previous.duckdb", "with.duckdb"} <= set(home.holding())
    (settings.exports_dir / "damaged.duckdb").write_text(PHONE)

    removed = home.publish(home.off)
    assert home.holding() == []
    assert not previous_path(settings.marts_path).exists()
    assert not (settings.exports_dir / CURRENT).is_symlink()
    left = [path for path in settings.home.rglob("*") if path.is_file() and path.parent.name not in ("built",)]
    assert [path.name for path in left if PHONE.encode() in path.read_bytes()] == ["warehouse.duckdb"]
    assert [path.name for path in settings.exports_dir.glob("*.duckdb")] == ["without.duckdb"]
    assert {"marts.previous.duckdb", "with.duckdb", "damaged.duckdb"} <= {path.name for path in removed}
    assert len(removed) == 4
    assert not were_published(settings)

    assert home.publish(home.off) == ()
    assert previous_path(settings.marts_path).exists()
    assert (settings.exports_dir / "without.duckdb").exists()


def test_until_then_nothing_more_is_handed_out_and_the_doctor_says_so(home: Home) -> None:
    refuse_leftover(home.off)
    home.publish(home.on)
    refuse_leftover(home.on)
    with pytest.raises(PublishError, match="KPI_PUBLISH_CONTACTS is off, and the publication still holds"):
        refuse_leftover(home.off)
    assert len(_problems(home.off)) == 1
    assert _problems(home.on) == []
    home.publish(home.off)
    refuse_leftover(home.off)
    assert _problems(home.off) == []


@pytest.mark.parametrize(
    "command",
    [
        ("export", "--viewer", "e1@kpi.vn"),
        ("export", "--all"),
        ("publish", "--to", "postgresql://kpi_publisher@127.0.0.1:1/kpi"),
    ],
    ids=" ".join,
)
def test_no_command_hands_them_out_until_then(
    home: Home, command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    home.publish(home.on)
    monkeypatch.chdir(home.on.home)
    monkeypatch.setenv("KPI_HOME", str(home.on.home))
    monkeypatch.setenv("KPI_PUBLISH_CONTACTS", "false")
    with pytest.raises(SystemExit) as left:
        main(command)
    assert left.value.code == 2
    assert "run `kpi run` first, which takes them out" in capsys.readouterr().err
    assert not home.on.exports_dir.exists()


def test_no_asset_hands_them_out_until_then(home: Home) -> None:
    home.publish(home.on)
    settings = home.off.model_copy(update={"postgres_url": "postgresql://kpi_publisher@127.0.0.1:1/kpi"})
    services = Services.of(settings)
    for asset in (viewer_files_asset(services), *server_assets(services)):
        [event] = dg.materialize([asset], raise_on_error=False).get_step_failure_events()
        assert event.step_failure_data.user_failure_data is not None
        assert "KPI_PUBLISH_CONTACTS is off" in str(event.step_failure_data.user_failure_data.description)


def _problems(settings: Settings) -> list[str]:
    (publication,) = (section for section in examine(settings) if section.title == "Publication")
    return [f.text for f in publication.findings if f.level is Level.PROBLEM and "KPI_PUBLISH_CONTACTS" in f.text]


def test_a_publication_that_fails_on_the_way_leaves_the_rest_to_the_next(home: Home) -> None:
    home.publish(home.on)
    export_all(home.on.marts_path, home.on.exports_dir)
    with viewers_lock(home.on.exports_dir), pytest.raises(LockHeldError):
        home.publish(home.off)
    assert were_published(home.off)
    assert "marts.duckdb" in home.holding()
    home.publish(home.off)
    assert home.holding() == []


def test_a_file_that_nobody_can_look_into_counts_as_holding_them(home: Home) -> None:
    home.publish(home.off)
    exports = home.on.exports_dir
    export_viewer(home.on.marts_path, "e1@kpi.vn", exports / "free.duckdb")
    (exports / "damaged.duckdb").write_text("no database")
    assert [path.name for path in exports_with_contacts(exports)] == ["damaged.duckdb"]
