"""One fault at a time, each the real thing: a full disk, a wrong clock, an odd order of arrival, an orphan."""

from __future__ import annotations

import os
import re
import shutil
import signal
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import duckdb
import pyarrow.parquet as pq
import pytest

from orchestration.assets.ingestion import refuse_future
from orchestration.assets.services import Services
from orchestration.assets.writer import clear_after_crash
from orchestration.cli import main
from orchestration.dbt_build import BuildPlace, run_build
from orchestration.dbt_run import DbtWorker, dbt_environment, dbt_paths
from orchestration.landing import store
from orchestration.landing.manifest import LandingError
from orchestration.landing.store import Landing
from orchestration.progress import Progress
from orchestration.serving.lock import writer_lock
from orchestration.serving.publish import previous_path, publish
from orchestration.settings import Settings
from tests.faults import operations
from tests.faults.company import SOURCE, last_nights, write_company
from tests.faults.killing import orphans, run_function, server
from tests.faults.state import landed_rows, table_differences
from tests.unit.checks_company import AS_OF, build_warehouse

NIGHTS = last_nights(3)
CONTEXT = server(operations.PRELOAD)
_PATIENCE_SECONDS = 60
# What every manifest of dbt has, with no node in it.
_EMPTY: dict[str, dict[str, object]] = {"child_map": {}, "parent_map": {}, "exposures": {}}
_NOW = datetime(2026, 4, 1, 2, tzinfo=UTC)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_company(tmp_path_factory.mktemp("company"), NIGHTS, seed=7)


@pytest.fixture(scope="module")
def quiet(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home in which nothing ever went wrong."""
    home = tmp_path_factory.mktemp("quiet")
    for night in NIGHTS:
        operations.land(home, source, night)
    return home


def _fails(home: Path, limit: int, call: Callable[..., None], *arguments: object) -> None:
    outcome = run_function(CONTEXT, home, None, operations.limited, limit, call, home, *arguments)
    assert outcome.exit_code == 1


def test_a_disk_that_is_full_while_landing(source: Path, quiet: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    operations.land(home, source, NIGHTS[0])
    before = landed_rows(home)
    _fails(home, 6_000, operations.land, source, NIGHTS[1])
    landing = Landing(home / "landing")
    batches = landing.manifests(SOURCE)
    assert 0 < sum(batch.batch_date == NIGHTS[1] for batch in batches) < len(before), "another limit is needed"
    landing.verify_all(batches, content=True)
    assert landing.leftovers(SOURCE) == []
    for night in NIGHTS[1:]:
        operations.land(home, source, night)
    assert landed_rows(home) == landed_rows(quiet)


def test_a_disk_that_is_full_while_compacting(source: Path, quiet: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    for night in NIGHTS:
        operations.land(home, source, night)
    _fails(home, 2_500, operations.compact_nights, NIGHTS[-1])
    assert landed_rows(home) == landed_rows(quiet)
    operations.compact_nights(home, NIGHTS[-1])
    assert landed_rows(home) == landed_rows(quiet)
    assert not list((home / "landing").rglob("20*/data.parquet"))
    assert not list((home / "landing").rglob(".*"))


def test_a_disk_that_is_full_while_publishing(tmp_path: Path) -> None:
    warehouse = build_warehouse(tmp_path / "warehouse.duckdb")
    home = tmp_path / "home"
    operations.publish_marts(home, warehouse, AS_OF)
    before = (home / "marts.duckdb").read_bytes()
    _fails(home, len(before) // 2, operations.publish_marts, warehouse, AS_OF)
    assert (home / "marts.duckdb").read_bytes() == before
    assert sorted(path.name for path in home.iterdir()) == ["marts.duckdb", "writer.lock"]
    operations.publish_marts(home, warehouse, AS_OF)
    assert table_differences(home / "marts.duckdb", previous_path(home / "marts.duckdb"), ["main", "core"]) == []


def test_nights_that_arrive_out_of_order(source: Path, quiet: Path, tmp_path: Path) -> None:
    for night in (NIGHTS[0], NIGHTS[2], NIGHTS[1]):
        operations.land(tmp_path, source, night)
    operations.land(tmp_path, source, NIGHTS[-1])
    assert landed_rows(tmp_path) == landed_rows(quiet)
    columns = ["entity", "batch_date", "batch_seq", "kind", "known_at", "rows_in", "rows_landed", "rows_quarantined"]
    found, wanted = (
        pq.read_table(home / "warehouse" / "landing_index.parquet", columns=columns) for home in (tmp_path, quiet)
    )
    assert found.equals(wanted)


def test_a_night_that_arrives_twice(source: Path, quiet: Path, tmp_path: Path) -> None:
    for night in NIGHTS:
        operations.land(tmp_path, source, night)
        operations.land(tmp_path, source, night)
    assert landed_rows(tmp_path) == landed_rows(quiet)


@pytest.mark.parametrize(
    ("file", "word"),
    [("data.parquet", r"data\.parquet has \d+ bytes instead of the \d+"), ("manifest.json", "is no manifest")],
)
def test_a_landed_file_that_is_cut_short(source: Path, quiet: Path, tmp_path: Path, file: str, word: str) -> None:
    for night in NIGHTS[:2]:
        operations.land(tmp_path, source, night)
    cut = tmp_path / "landing" / SOURCE / "orders" / f"{NIGHTS[1]}.1" / file
    cut.write_bytes(cut.read_bytes()[: cut.stat().st_size // 2])
    with pytest.raises(LandingError, match=word) as error:
        operations.land(tmp_path, source, NIGHTS[2])
    assert str(cut) in str(error.value)
    if file == "manifest.json":
        shutil.rmtree(cut.parent)
    for night in NIGHTS[1:]:
        operations.land(tmp_path, source, night)
    assert landed_rows(tmp_path) == landed_rows(quiet)


def test_a_clock_that_jumps_between_nights(
    source: Path, quiet: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The attempt that counts came last, whatever time it says it was; the one before it had other rows."""
    for night, other, years in zip(NIGHTS, (NIGHTS[1], NIGHTS[0], NIGHTS[0]), (30, -30, 5), strict=True):
        shutil.copytree(source / str(other), tmp_path / "wrong" / str(night))
        monkeypatch.setattr(store, "_now", lambda: _NOW.isoformat())
        operations.land(tmp_path, tmp_path / "wrong", night)
        wrong = _NOW.replace(year=_NOW.year + years).isoformat()
        monkeypatch.setattr(store, "_now", lambda wrong=wrong: wrong)
        operations.land(tmp_path, source, night)
    operations.land(tmp_path, source, NIGHTS[-1])
    assert landed_rows(tmp_path) == landed_rows(quiet)


def test_a_clock_that_is_turned_back_between_publications(tmp_path: Path) -> None:
    warehouse, marts = build_warehouse(tmp_path / "warehouse.duckdb"), tmp_path / "marts.duckdb"
    late = datetime(2026, 3, 31, 3, tzinfo=UTC)
    published = [
        publish(warehouse, marts, {"as_of": AS_OF, "source": SOURCE, "published_at": late - timedelta(days=days)})
        for days in (0, 2, 1)
    ]
    names = [one.generation_id for one in published]
    assert names == sorted(set(names))
    assert [one.published_at for one in published] == [
        "2026-03-31T03:00:00+00:00", "2026-03-29T03:00:00+00:00", "2026-03-30T03:00:00+00:00"
    ]  # fmt: skip
    for path, name in ((marts, names[2]), (previous_path(marts), names[1])):
        with duckdb.connect(path, read_only=True) as connection:
            assert connection.execute("select generation_id from publication").fetchall() == [(name,)]


def test_a_damaged_publication_can_be_replaced(tmp_path: Path) -> None:
    warehouse, marts = build_warehouse(tmp_path / "warehouse.duckdb"), tmp_path / "marts.duckdb"
    marts.write_bytes(b"half a file")
    name = publish(warehouse, marts, {"as_of": AS_OF, "source": SOURCE}).generation_id
    with duckdb.connect(marts, read_only=True) as connection:
        assert connection.execute("select generation_id from publication").fetchall() == [(name,)]


@pytest.mark.parametrize(("days", "is_refused"), [(0, False), (1, True), (400, True)])
def test_a_batch_of_a_day_that_is_not_over(source: Path, tmp_path: Path, days: int, is_refused: bool) -> None:
    settings = Settings(home=tmp_path, source=SOURCE, files_path=source)
    landing, night = Landing(settings.landing_dir), settings.yesterday() + timedelta(days=days)
    from tests.unit.test_landing_store import land

    land(landing, settings.yesterday(), ["a"])
    land(landing, night, ["a"])
    if not is_refused:
        return refuse_future(Services.of(settings))
    with pytest.raises(
        dg.Failure, match=rf"Batches of {night} have landed.*If the clock is behind, correct it"
    ) as found:
        refuse_future(Services.of(settings))
    assert str(landing.root / SOURCE) in str(found.value)
    assert str(settings.received_dir) not in str(found.value)
    # What an API answered that night is kept too, and would be taken for that night's.
    (settings.received_dir / SOURCE).mkdir(parents=True)
    with pytest.raises(dg.Failure, match=re.escape(f"{settings.received_dir / SOURCE}/*/{night}.*")):
        refuse_future(Services.of(settings))


def test_what_a_killed_run_had_begun_is_cleared_by_the_next(source: Path, quiet: Path, tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, source=SOURCE, files_path=source)
    for night in NIGHTS:
        operations.land(tmp_path, source, night)
    begun = [settings.landing_dir / SOURCE / "customers" / ".tmp-2026-03-31.9-1", tmp_path / "tmp"]
    begun.append(settings.warehouse_dir / "spill")
    for folder in begun:
        folder.mkdir(parents=True)
        (folder / "data.parquet").write_bytes(b"half")
    clear_after_crash(Services.of(settings))
    assert not any(folder.exists() for folder in begun)
    assert landed_rows(tmp_path) == landed_rows(quiet)


def test_two_compactions_at_once(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    operations.land(tmp_path, source, NIGHTS[0])
    for name, value in (("HOME", str(tmp_path)), ("SOURCE", SOURCE), ("LOCK_WAIT_SECONDS", "0")):
        monkeypatch.setenv(f"KPI_{name}", value)
    with writer_lock(tmp_path / "writer.lock"), pytest.raises(SystemExit) as left:
        main(["compact"])
    assert left.value.code == 2
    said = " ".join(capsys.readouterr().err.split())
    assert f"is held by process {os.getpid()}" in said
    assert "Let that run finish or stop it" in said


def test_dbt_s_process_ends_with_the_one_that_started_it(tmp_path: Path) -> None:
    home = tmp_path / "home"
    process = CONTEXT.Process(target=_in_a_session, args=(home,))
    process.start()
    assert process.pid is not None
    log = home / "warehouse" / "logs" / "dbt.log"
    _wait_for(lambda: log.exists() and log.stat().st_size > 0)
    assert len(orphans(process.pid)) > 1
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    _wait_for(lambda: orphans(process.pid or 0) == [])
    # It stopped in the middle: a later run parses into the same folder, and must be alone there.
    assert not (home / "warehouse" / "target" / "manifest.json").exists()


def test_dbt_that_stops_by_itself_is_told_in_its_own_words(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, source=SOURCE)
    settings.warehouse_dir.mkdir()
    place = BuildPlace(settings.warehouse_path, dbt_paths(settings).target, dbt_environment(settings, NIGHTS[0]))
    with duckdb.connect(settings.warehouse_path), DbtWorker(settings) as worker:
        build = run_build(worker, place, _EMPTY, frozenset({"model.one"}), ["--select", "core_batches"], Progress())
    assert not build.report.is_open
    assert build.report.describe().startswith("run: stopped: dbt stopped: ")
    assert "Could not set lock on file" in build.report.describe()


def _in_a_session(home: Path) -> None:
    os.setsid()
    operations.parse_project(home)


def _wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it does not happen"
        time.sleep(0.01)
