"""A whole warehouse built beside the current one: dbt, its tests, and the checks that decide about publishing.

Belongs here: the scratch folder, the build in it, and the checks of what was built. Not here: which batches to build
from or what becomes of the result (`as_known.py`, `rebuild.py`).

Scratch folders lie in `KPI_HOME/scratch`, one per purpose, under a lock of their own: whoever has the lock owns the
folder, and empties what a killed build left in it. The kernel frees the lock with its process.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from orchestration.checks.outcome import CheckOutcome
from orchestration.dbt_build import BUILT_ONLY, BuildPlace, DbtBuild, run_build
from orchestration.dbt_run import DBT_PROJECT_DIR, DbtWorker, copy_parsed, dbt_environment, dbt_paths
from orchestration.gate import expected_nodes
from orchestration.landing.store import Landing
from orchestration.progress import BuildSummary, Progress
from orchestration.rules.explain import ADVICE, unreadable
from orchestration.serving.lock import writer_lock
from orchestration.settings import Settings

_MARTS = "marts"


class BuildRefused(Exception):
    """What was built may not be published: dbt did not build it whole, or a blocking check failed."""


@dataclass(frozen=True)
class CheckedMarts:
    """The outcomes of the checks that decide about publishing."""

    marts: tuple[CheckOutcome, ...]
    reconciliation: tuple[CheckOutcome, ...]


@contextmanager
def scratch_home(settings: Settings, name: str, progress: Progress) -> Iterator[Settings]:
    """The same settings with an empty home of their own, `KPI_HOME/scratch/<name>`, removed at the end in any case.

    One at a time per name: a second one waits like a writer does. Raises LockHeldError when the wait is over.
    """
    folder = settings.scratch_dir / name
    with writer_lock(folder.with_name(f"{name}.lock"), settings.lock_wait_seconds, progress.waiting):
        _remove(folder)
        folder.mkdir(parents=True)
        try:
            yield settings.model_copy(update={"home": folder})
        finally:
            _remove(folder)


@contextmanager
def worker_aside(settings: Settings, scratch: Settings) -> Iterator[DbtWorker]:
    """A dbt process that keeps its files in the scratch folder and begins with what the last night had parsed.

    It parses as the real home does, because dbt parses everything anew when its environment has changed; where the
    commands write is up to the environment of each.
    """
    target = dbt_paths(scratch).target
    copy_parsed(dbt_paths(settings).target, target)
    with DbtWorker(settings, target=target) as worker:
        worker.start()
        yield worker


def place_aside(scratch: Settings, as_of: date) -> BuildPlace:
    """Everything in the scratch home, the landing index too."""
    return BuildPlace(scratch.warehouse_path, dbt_paths(scratch).target, dbt_environment(scratch, as_of))


def build_whole(worker: DbtWorker, place: BuildPlace, as_of: date, progress: Progress) -> None:
    """Build every model and run every data test. Raises BuildRefused, or DbtError when dbt cannot run at all."""
    manifest = fresh_manifest(worker, place.target, progress)
    expected = expected_nodes(manifest)
    progress.building(as_of, len(expected))
    refuse_incomplete(run_build(worker, place, manifest, expected, BUILT_ONLY, progress))


def fresh_manifest(worker: DbtWorker, target: Path, progress: Progress) -> Mapping[str, Any]:
    """The project's manifest as the worker has just parsed it. Raises BuildRefused where a rule cannot be loaded."""
    wrong = unreadable(DBT_PROJECT_DIR)
    if wrong:
        progress.built(BuildSummary(built=0, tests=0, warnings=(), problems=(*wrong, ADVICE)))
        raise BuildRefused("Rules cannot be loaded, so nothing was built.")
    worker.write_manifest()
    manifest: Mapping[str, Any] = json.loads((target / "manifest.json").read_text(encoding="utf-8"))
    return manifest


def refuse_incomplete(build: DbtBuild) -> None:
    """Raise BuildRefused when dbt did not build and test everything it had to."""
    if not build.report.is_open:
        raise BuildRefused("dbt did not build everything it had to." + (f" {build.problem}" if build.problem else ""))


def check_built(
    landing: Landing,
    source: str,
    as_of: date,
    warehouse_path: Path,
    docs_dir: Path,
    progress: Progress,
    keep: Callable[[CheckedMarts], None] | None = None,
) -> CheckedMarts:
    """The checks that a night runs between the build and the publication; `keep` gets the outcomes, good or bad.

    Raises BuildRefused when one blocks.
    """
    from orchestration.checks.marts import check_marts
    from orchestration.checks.reconciliation import reconcile

    progress.checking(_MARTS)
    checked = CheckedMarts(
        tuple(check_marts(warehouse_path, docs_dir)), tuple(reconcile(landing, source, as_of, warehouse_path))
    )
    if keep is not None:
        keep(checked)
    outcomes = (*checked.marts, *checked.reconciliation)
    progress.checked(outcomes)
    refuse_blocking(outcomes)
    return checked


def refuse_blocking(outcomes: Sequence[CheckOutcome]) -> None:
    """Raise BuildRefused when an outcome keeps the build from being published."""
    blocking = [outcome for outcome in outcomes if outcome.blocks]
    if blocking:
        raise BuildRefused(f"{len(blocking)} blocking check(s) failed: {'; '.join(o.message for o in blocking)}")


def _remove(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)
