"""The figures of a past day, built beside newer ones: the same rows as in a warehouse that stopped on that day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
import pytest

from orchestration.as_known import build_as_known
from orchestration.aside import BuildRefused
from orchestration.freezing.figures import copy_month, differences
from orchestration.landing.chosen import batch_name
from orchestration.landing.manifest import LandingError
from orchestration.landing.store import Landing
from orchestration.progress import RecordedProgress
from orchestration.serving.publish import Publication
from orchestration.settings import Settings
from orchestration.sources.demo import DemoSource
from tests.support.copies import company_of_its_own, differing_rows, hashes, marts_of
from tests.support.warehouse import DEMO_AS_OF, DEMO_START, DemoWarehouse, days, demo_warehouse, land_nights

# The first of April brings complete batches, and with them everything that vanished in between.
LATER = days(date(2026, 4, 1), date(2026, 4, 2))


@dataclass(frozen=True)
class _Known:
    """A company that lived on for two nights, and the figures of the day before them, built afterwards."""

    settings: Settings
    stopped: DemoWarehouse
    publication: Publication
    progress: RecordedProgress
    before: dict[Path, str]


def _current_files(settings: Settings) -> dict[Path, str]:
    return hashes(path for path in settings.home.rglob("*") if "scratch" not in path.relative_to(settings.home).parts)


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> _Known:
    stopped = demo_warehouse(tmp_path_factory.getbasetemp())
    settings = company_of_its_own(stopped, tmp_path_factory.mktemp("known") / "home")
    land_nights(settings.home, DemoSource(20260101, 0.1, DEMO_START, LATER[-1]), LATER)
    before, progress = _current_files(settings), RecordedProgress()
    into = settings.home.parent / "given" / "march.duckdb"
    publication = build_as_known(settings, DEMO_AS_OF, into, progress=progress)
    return _Known(settings, stopped, publication, progress, before)


def test_every_mart_has_the_rows_of_a_warehouse_that_stopped_on_that_day(known: _Known) -> None:
    with duckdb.connect() as connection:
        connection.execute(f"attach '{known.publication.path}' as known (read_only)")
        connection.execute(f"attach '{known.stopped.database}' as warehouse (read_only)")
        marts = marts_of(connection, "warehouse", "marts")
        differing = {
            mart: rows
            for mart in marts
            if (rows := differing_rows(connection, f"from known.main.{mart}", f"from warehouse.marts.{mart}"))
        }
    assert len(marts) > 50
    assert differing == {}


def test_it_is_a_whole_publication_that_says_what_it_was_made_from(known: _Known) -> None:
    def relations(path: Path) -> list[tuple[str, str]]:
        with duckdb.connect(str(path), read_only=True) as connection:
            return connection.execute(
                "select table_schema, table_name from information_schema.tables order by all"
            ).fetchall()

    assert relations(known.publication.path) == relations(known.settings.marts_path)
    with duckdb.connect(str(known.publication.path), read_only=True) as connection:
        [(as_of, batches)] = connection.execute("select as_of, batch_ids from publication").fetchall()
        [(nobody,)] = connection.execute("select count(*) from access.access_fct_orders").fetchall()
    assert as_of == DEMO_AS_OF
    assert batches == [batch_name(manifest) for manifest in known.stopped.landing.visible("demo")]
    assert nobody == 0


def test_the_same_checks_ran_as_in_a_night(known: _Known) -> None:
    assert known.progress.build is not None
    assert known.progress.build.problems == ()
    in_a_night = [node for node in known.stopped.run.nodes if node.unique_id.startswith("test.")]
    assert known.progress.build.tests == len(in_a_night) > 0
    names = {outcome.spec.name for outcome in known.progress.outcomes}
    assert {"marts_are_filled", "core_matches_landing", "orders_reconcile"} <= names


def test_nothing_current_was_touched(known: _Known) -> None:
    assert _current_files(known.settings) == known.before
    assert [path.name for path in (known.settings.home / "scratch").iterdir()] == ["as_known.lock"]
    assert [path.name for path in known.publication.path.parent.iterdir()] == ["march.duckdb"]


def test_a_build_that_fails_writes_nothing_and_leaves_nothing(known: _Known) -> None:
    before = hashes([known.publication.path])
    broken = known.settings.model_copy(update={"memory_limit": "a lot"})
    with pytest.raises(BuildRefused, match="dbt did not build everything"):
        build_as_known(broken, DEMO_AS_OF, known.publication.path)
    assert hashes(known.publication.path.parent.iterdir()) == before
    assert [path.name for path in (known.settings.home / "scratch").iterdir()] == ["as_known.lock"]


def test_a_batch_cut_short_is_named_and_nothing_is_written(known: _Known) -> None:
    landing = Landing(known.settings.landing_dir)
    data = landing.data_path(landing.visible("demo", DEMO_AS_OF, "orders")[0])
    whole = data.read_bytes()
    data.write_bytes(whole[:-1])
    try:
        with pytest.raises(LandingError, match="orders"):
            build_as_known(known.settings, DEMO_AS_OF, known.settings.home.parent / "other.duckdb")
    finally:
        data.write_bytes(whole)
    assert not (known.settings.home.parent / "other.duckdb").exists()
    assert [path.name for path in (known.settings.home / "scratch").iterdir()] == ["as_known.lock"]


def test_a_month_frozen_late_from_it_is_the_month_frozen_in_time(known: _Known) -> None:
    march = date(2026, 3, 1)
    late = copy_month(known.publication.path, march, 1)
    in_time = copy_month(known.settings.marts_path, march, 1)
    assert late.figures.num_rows > 100
    assert differences((in_time.figures, in_time.rows), (late.figures, late.rows)) == []
