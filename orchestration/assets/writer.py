"""One writer at a time: the operating system's lock, held for the whole run, and Dagster's pool around every step.

The lock dies with its process and covers every path: schedule, UI, backfill, command line. The pool makes the queue
visible in the UI. A killed run leaks its slot in the pool for ever; because a slot is only ever claimed by a run that
holds the lock, whoever gets the lock knows that every other claim is a dead one, and frees it.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from orchestration.assets.services import Services

POOL = "warehouse"
WRITER = "writer"
WRITER_TAG = "kpi/writer"
_HOLDS, _RELEASED = "holds the lock", "released the lock"
_ALIVE = [dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING]


def bury_dead_runs(instance: dg.DagsterInstance, own_run_id: str) -> list[str]:
    """End the runs that died holding the lock, and free their slots. Call it only while holding the lock."""
    storage = instance.event_log_storage
    claimed = {slot.run_id for slot in storage.get_concurrency_info(POOL).claimed_slots}
    alive = instance.get_runs(filters=dg.RunsFilter(statuses=_ALIVE))
    dead = {run.run_id for run in alive if run.tags.get(WRITER_TAG) == _HOLDS} | claimed
    dead.discard(own_run_id)
    for run_id in sorted(dead):
        run = instance.get_run_by_id(run_id)
        if run is not None and run.status in _ALIVE:
            instance.report_run_failed(run, "The process of this run died; the next run found its lock released.")
        storage.free_concurrency_slots_for_run(run_id)
    return sorted(dead)


@contextmanager
def _marked_as_writer(context: dg.InitResourceContext) -> Iterator[None]:
    """Tag the run as the lock's holder while it is; a run still so tagged when the lock is free has died."""
    instance, run = context.instance, context.run
    if instance is None or run is None:
        yield
        return
    instance.add_run_tags(run.run_id, {WRITER_TAG: _HOLDS})
    bury_dead_runs(instance, run.run_id)
    try:
        yield
    finally:
        instance.add_run_tags(run.run_id, {WRITER_TAG: _RELEASED})


def clear_after_crash(services: Services) -> None:
    """Delete what a killed run had only begun to write, and DuckDB's spill. Call it only while holding the lock."""
    services.landing.clear_unwritten()
    for folder in (services.settings.warehouse_dir / "spill", services.settings.home / "tmp"):
        if folder.exists():
            shutil.rmtree(folder)


def writer_resource(services: Services) -> dg.ResourceDefinition:
    """A resource that holds the writer's lock from the first step of a run to its last."""

    @dg.resource(description="The one writer: holds KPI_HOME/writer.lock for the whole run.")
    def writer(context: dg.InitResourceContext) -> Iterator[None]:
        from orchestration.serving.lock import writer_lock

        settings = services.settings
        settings.home.mkdir(parents=True, exist_ok=True)

        def on_wait(message: str) -> None:
            services.progress.waiting(message)
            if context.log is not None:
                context.log.info(message)

        with writer_lock(settings.lock_path, settings.lock_wait_seconds, on_wait), _marked_as_writer(context):
            clear_after_crash(services)
            yield

    return writer
