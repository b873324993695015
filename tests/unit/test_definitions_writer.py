"""One writer: the lock spans the run, and a run that died holding it is ended and its slot freed."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.instance.ref import InstanceRef

from orchestration.assets.services import Services
from orchestration.assets.writer import POOL, WRITER, WRITER_TAG, writer_resource
from orchestration.event_storage import storage_override
from orchestration.settings import Settings


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    (tmp_path / "dagster.yaml").write_text(
        "telemetry: {enabled: false}\nconcurrency: {pools: {granularity: op, default_limit: 1}}\n"
    )
    with dg.DagsterInstance.from_ref(InstanceRef.from_dir(str(tmp_path), overrides=storage_override(tmp_path))) as one:
        yield one


def _settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home", lock_wait_seconds=0)


def _is_held(path: Path) -> bool:
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def _write(settings: Settings, instance: dg.DagsterInstance) -> tuple[dg.ExecuteInProcessResult, list[bool]]:
    """A run of two steps that need the writer; returns whether the lock was held in each."""
    held: list[bool] = []

    @dg.asset(required_resource_keys={WRITER}, pool=POOL)
    def first() -> None:
        held.append(_is_held(settings.lock_path))

    @dg.asset(required_resource_keys={WRITER}, pool=POOL, deps=[first])
    def second() -> None:
        held.append(_is_held(settings.lock_path))

    result = dg.materialize(
        [first, second],
        instance=instance,
        resources={WRITER: writer_resource(Services.of(settings))},
        raise_on_error=False,
    )
    return result, held


def test_the_lock_is_held_from_the_first_step_to_the_last_and_free_afterwards(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    settings = _settings(tmp_path)
    result, held = _write(settings, instance)
    assert result.success
    assert held == [True, True]
    assert not _is_held(settings.lock_path)
    run = instance.get_run_by_id(result.run_id)
    assert run is not None
    assert run.tags[WRITER_TAG] == "released the lock"


def test_a_second_writer_does_nothing_and_says_who_the_first_is(tmp_path: Path, instance: dg.DagsterInstance) -> None:
    from orchestration.serving.lock import writer_lock

    settings = _settings(tmp_path)
    with writer_lock(settings.lock_path):
        result, held = _write(settings, instance)
    assert not result.success
    assert held == []
    assert "is held by process" in str(result.get_run_failure_event().job_failure_data.error)


def test_a_run_that_died_with_the_lock_is_ended_and_its_slot_freed(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    settings = _settings(tmp_path)
    dead = instance.create_run_for_job(
        dg.Definitions(assets=[dg.AssetSpec("x")], jobs=[_noop]).resolve_job_def("_noop"),
        status=dg.DagsterRunStatus.STARTED,
        tags={WRITER_TAG: "holds the lock"},
    )
    waiting = instance.create_run_for_job(
        dg.Definitions(jobs=[_noop]).resolve_job_def("_noop"), status=dg.DagsterRunStatus.STARTED
    )
    storage = instance.event_log_storage
    storage.set_concurrency_slots(POOL, 1)
    storage.claim_concurrency_slot(POOL, dead.run_id, "warehouse")
    assert [slot.run_id for slot in storage.get_concurrency_info(POOL).claimed_slots] == [dead.run_id]

    result, held = _write(settings, instance)

    assert result.success
    assert held == [True, True]
    assert storage.get_concurrency_info(POOL).claimed_slots == []
    buried, untouched = instance.get_run_by_id(dead.run_id), instance.get_run_by_id(waiting.run_id)
    assert buried is not None
    assert untouched is not None
    assert buried.status is dg.DagsterRunStatus.FAILURE
    assert untouched.status is dg.DagsterRunStatus.STARTED


@dg.job
def _noop() -> None:
    """A run to be found dead."""
