"""What the figures of a past day are refused for, which batches they are made from, and what a failed check stops."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest

from orchestration.as_known import AsKnownError, batches_known, build_as_known, refuse_day, refuse_target
from orchestration.aside import BuildRefused, CheckedMarts, check_built, scratch_home
from orchestration.landing.chosen import choose_batches
from orchestration.landing.manifest import LandingError
from orchestration.landing.store import Landing
from orchestration.progress import Progress, RecordedProgress
from orchestration.serving.errors import LockHeldError
from orchestration.serving.lock import writer_lock
from orchestration.serving.publish import publish
from orchestration.settings import Settings
from tests.unit.checks_company import AS_OF, SOURCE, build_warehouse, corrupted, land, land_company

FIRST, SECOND = date(2026, 3, 1), date(2026, 3, 2)
EMPLOYEE = {"employee_id": "e1", "full_name": "An"}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home", source=SOURCE, lock_wait_seconds=0)


@pytest.fixture
def landing(settings: Settings) -> Landing:
    """Employees on two nights, the second of them landed twice."""
    landing = Landing(settings.landing_dir)
    for night in (FIRST, SECOND, SECOND):
        land(landing, "employees", night, [EMPLOYEE])
    return landing


def test_a_day_sees_its_newest_attempts_and_nothing_later(settings: Settings, landing: Landing) -> None:
    land(landing, "departments", FIRST, [{"department_id": "d1", "department_name": "A"}])
    assert batches_known(settings, FIRST) == ["departments/2026-03-01.1", "employees/2026-03-01.1"]
    known = ["departments/2026-03-01.1", "employees/2026-03-01.1", "employees/2026-03-02.2"]
    assert batches_known(settings, SECOND) == known
    assert batches_known(settings, SECOND + timedelta(days=20)) == known


def test_a_day_before_the_first_batch_is_refused(settings: Settings, landing: Landing) -> None:
    with pytest.raises(
        AsKnownError, match=r"Nothing was known at the end of 2026-02-28: the first batch .* 2026-03-01"
    ):
        batches_known(settings, date(2026, 2, 28))
    with pytest.raises(AsKnownError, match="no batch of source demo has landed"):
        batches_known(settings.model_copy(update={"source": "demo"}), SECOND)


def test_a_day_that_is_not_over_is_refused(settings: Settings) -> None:
    refuse_day(settings, settings.yesterday())
    with pytest.raises(AsKnownError, match="is not over yet"):
        refuse_day(settings, settings.yesterday() + timedelta(days=1))


def test_batches_can_be_named_one_by_one_also_superseded_ones(settings: Settings, landing: Landing) -> None:
    chosen = choose_batches(landing, SOURCE, ["employees/2026-03-02.1", "employees/2026-03-01.1"])
    land(landing, "employees", SECOND, [EMPLOYEE])
    assert [manifest.batch_id for manifest in chosen.visible(SOURCE)] == ["2026-03-01.1", "2026-03-02.1"]
    assert [manifest.batch_id for manifest in chosen.visible(SOURCE, FIRST)] == ["2026-03-01.1"]
    assert chosen.visible(SOURCE, entity="orders") == []
    assert chosen.visible("demo") == []
    with pytest.raises(LandingError, match=r"1 of the 1 batches are not in .*: employees/2026-03-09.1"):
        choose_batches(landing, SOURCE, ["employees/2026-03-09.1"])
    with pytest.raises(LandingError, match=r"2026-03-02.1 and 2026-03-02.2 are attempts of the same night"):
        choose_batches(landing, SOURCE, ["employees/2026-03-02.1", "employees/2026-03-02.2"])


def test_a_batch_of_a_later_day_and_no_batch_at_all_are_refused(
    settings: Settings, landing: Landing, tmp_path: Path
) -> None:
    with pytest.raises(AsKnownError, match=r"employees/2026-03-02.2 was not known at the end of 2026-03-01"):
        build_as_known(settings, FIRST, tmp_path / "f.duckdb", batches=["employees/2026-03-02.2"])
    with pytest.raises(AsKnownError, match="No batches were named"):
        build_as_known(settings, FIRST, tmp_path / "f.duckdb", batches=[])
    assert not (tmp_path / "f.duckdb").exists()


def test_files_that_must_not_be_replaced_are_refused(settings: Settings, tmp_path: Path) -> None:
    settings.home.mkdir()
    settings.marts_path.write_bytes(b"published")
    (tmp_path / "other.duckdb").hardlink_to(settings.marts_path)
    (tmp_path / "link.duckdb").symlink_to(settings.marts_path)
    for path in (settings.marts_path, tmp_path / "other.duckdb", tmp_path / "link.duckdb"):
        with pytest.raises(AsKnownError, match="is the current publication"):
            refuse_target(settings, path)
    with pytest.raises(AsKnownError, match="is the current publication"):
        refuse_target(settings, settings.home / "marts.previous.duckdb")
    for folder in (settings.landing_dir, settings.warehouse_dir, settings.dagster_dir, settings.home / "scratch"):
        with pytest.raises(AsKnownError, match="lies inside"):
            refuse_target(settings, folder / "deep" / "f.duckdb")
    with pytest.raises(AsKnownError, match="is a folder"):
        refuse_target(settings, tmp_path)
    (tmp_path / "thesis.txt").write_text("three years of work")
    with duckdb.connect(str(tmp_path / "mine.duckdb")) as connection:
        connection.execute("create table mine as select 1 as n")
    for name in ("thesis.txt", "mine.duckdb"):
        with pytest.raises(AsKnownError, match="exists and is no publication"):
            refuse_target(settings, tmp_path / name)


def test_a_new_file_and_an_earlier_publication_may_be_written(settings: Settings, tmp_path: Path) -> None:
    assert refuse_target(settings, tmp_path / "new" / "f.duckdb") == tmp_path / "new" / "f.duckdb"
    warehouse = build_warehouse(tmp_path / "warehouse.duckdb")
    publish(warehouse, tmp_path / "old.duckdb", {"as_of": AS_OF, "source": SOURCE})
    assert refuse_target(settings, tmp_path / "old.duckdb") == tmp_path / "old.duckdb"
    publish(warehouse, tmp_path / "old.duckdb", {"as_of": AS_OF, "source": SOURCE}, keeps_previous=False)
    assert sorted(path.name for path in tmp_path.glob("old*")) == ["old.duckdb"]


def test_a_scratch_home_is_empty_at_first_and_gone_at_the_end(settings: Settings) -> None:
    left = settings.home / "scratch" / "known" / "warehouse" / "warehouse.duckdb"
    left.parent.mkdir(parents=True)
    left.write_text("left by a killed build")

    def fail_half_way() -> None:
        with scratch_home(settings, "known", Progress()) as scratch:
            assert scratch.home == settings.home / "scratch" / "known"
            assert list(scratch.home.iterdir()) == []
            (scratch.home / "half").write_text("built")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_half_way()
    assert not left.parents[1].exists()


def test_two_builds_of_a_kind_do_not_share_a_scratch_home(settings: Settings) -> None:
    with (
        scratch_home(settings, "known", Progress()),
        pytest.raises(LockHeldError, match="is held by process"),
        scratch_home(settings, "known", Progress()),
    ):
        pass
    with writer_lock(settings.lock_path), scratch_home(settings, "known", Progress()) as scratch:
        assert scratch.home.is_dir(), "a night beside it must not be in the way"


def test_a_blocking_check_refuses_what_was_built(settings: Settings, tmp_path: Path) -> None:
    landing = land_company(settings.landing_dir)
    good = build_warehouse(tmp_path / "good.duckdb")
    check_built(landing, SOURCE, AS_OF, good, tmp_path / "docs", Progress())
    bad = corrupted(good, tmp_path / "bad", "delete from marts.dim_customers where manager_id = 'e1'")
    progress, kept = RecordedProgress(), list[CheckedMarts]()
    with pytest.raises(BuildRefused, match="blocking check"):
        check_built(landing, SOURCE, AS_OF, bad, tmp_path / "docs", progress, keep=kept.append)
    assert any(outcome.blocks for outcome in progress.outcomes)
    assert len(kept) == 1
