"""A backfill's work: ask for nights again, rebuild, check, publish once.

Belongs here: the order of the steps. Not here: what will be done (`plan.py`), or Dagster (`assets/backfill.py`). The
caller holds the writer lock.

A night that a batch check refuses stops the backfill before anything is built. The nights before it keep their new
attempts, which passed; running the backfill again is always safe.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from orchestration.aside import check_built, fresh_manifest, refuse_blocking, refuse_incomplete
from orchestration.backfill.months import BackfillError
from orchestration.backfill.plan import Plan
from orchestration.contract import contract
from orchestration.dbt_run import DbtWorker, dbt_paths
from orchestration.engine import Order, engine_of
from orchestration.freezing.index import list_frozen
from orchestration.landing.index import write_index
from orchestration.landing.ingest import ingest_night
from orchestration.landing.store import Landing
from orchestration.progress import Progress
from orchestration.publishing import BATCHES, publish_current, refuse_stale, save_checked
from orchestration.serving.publish import Publication
from orchestration.settings import Settings
from orchestration.sources.base import Source


def backfill(
    settings: Settings, landing: Landing, source: Source, worker: DbtWorker, progress: Progress, plan: Plan
) -> Publication:
    """Do what the plan says. The result equals a full rebuild.

    Raises BackfillError when nothing has landed, BuildRefused when a check failed, and DbtError or PublishError when
    the machine did; the previous publication still answers then.
    """
    worker.start()
    ask_again(settings, landing, source, plan.ask, progress)
    as_of = landing.latest_night(source.name)
    if as_of is None:
        raise BackfillError(f"no batch of source {source.name} has landed, so there is nothing to build")
    write_index(landing, source.name, as_of, settings.warehouse_dir)
    list_frozen(settings, as_of)
    engine = engine_of(settings)
    order = Order(as_of, None, engine.prepare(as_of, "a backfill was asked for"))
    manifest = fresh_manifest(worker, dbt_paths(settings).target, progress)
    refuse_incomplete(engine.build(worker, manifest, order, progress))
    engine.finish(as_of)
    check_built(
        landing,
        source.name,
        as_of,
        settings.warehouse_path,
        settings.checks_dir / "data_docs",
        progress,
        keep=lambda checked: save_checked(settings, as_of, checked),
    )
    refuse_stale(settings, landing, settings.warehouse_path, progress)
    return publish_current(settings, landing, as_of, progress)


def ask_again(settings: Settings, landing: Landing, source: Source, nights: Sequence[date], progress: Progress) -> None:
    """Land every night anew and judge it before the next. Raises BuildRefused at the first that a check refuses."""
    if not nights:
        return
    from orchestration.checks.batches import check_batches, refuse_failed
    from orchestration.checks.results import save_outcomes

    for night in nights:
        progress.ingesting(night, len(contract().entities))
        ingest_night(
            landing,
            source,
            night,
            settings.zone,
            on_progress=lambda entity, manifest, _: progress.ingested(entity, manifest),
        )
        progress.checking(BATCHES)
        outcomes = check_batches(landing, source.name, night, settings.checks_dir / "data_docs")
        save_outcomes(settings.checks_dir, night, BATCHES, outcomes)
        refuse_failed(landing, source.name, night, outcomes)
        progress.checked(outcomes)
        refuse_blocking(outcomes)
