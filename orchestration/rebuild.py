"""Everything from the landing zone alone, and what that changed.

Belongs here: building a whole new warehouse aside, comparing it with what was there, and putting it in its place. Not
here: how tables are compared (`compare.py`), or how it looks in a terminal (`console.py`).

The landing zone is the truth, so a rebuilt warehouse that differs is published all the same, once every check has
passed; the comparison says what differs, and the caller makes it an exit code. A dry run compares and changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from orchestration import spark_plan
from orchestration.aside import build_whole, check_built, scratch_home, worker_aside
from orchestration.build_plan import built_now, finish
from orchestration.compare import Comparison, Limits, Section, compare_databases
from orchestration.dbt_build import BuildPlace
from orchestration.dbt_run import dbt_environment, dbt_paths
from orchestration.freezing.compare import compare_frozen
from orchestration.freezing.index import list_frozen
from orchestration.landing.durable import replace_durably
from orchestration.landing.index import write_index
from orchestration.landing.store import Landing
from orchestration.progress import Progress
from orchestration.publishing import publish_current, refuse_stale, save_checked
from orchestration.serving.errors import ServingError
from orchestration.serving.lock import writer_lock
from orchestration.serving.publish import Publication
from orchestration.settings import Settings

_SCRATCH = "rebuild"
_TABLES = {"core": "core", "marts": "marts", "seeds": "seeds"}
_PUBLISHED = {"main": "marts"}
_IN_USE = "Could not set lock on file"


class RebuildError(ServingError):
    """There is nothing to rebuild from, or what is there is in use; nothing was changed."""


@dataclass(frozen=True)
class Rebuilt:
    """What a rebuild came to. `publication` is None after a dry run."""

    comparison: Comparison
    publication: Publication | None


ComparedThing = Callable[[Settings, Path, Limits, Progress], tuple[Sequence[Section], str]]
"""Compares what is there with the warehouse built aside: sections, and a note on what could not be compared."""


def rebuild(settings: Settings, progress: Progress, *, dry_run: bool = False) -> Rebuilt:
    """Build everything anew from all visible batches, compare, and publish unless it is a dry run.

    Holds the writer lock from beginning to end. Raises RebuildError when nothing has landed, BuildRefused when a check
    failed, LockHeldError when another run does not end, and DbtError or PublishError when the machine failed; the
    previous warehouse and publication are untouched then.
    """
    with (
        writer_lock(settings.lock_path, settings.lock_wait_seconds, progress.waiting),
        scratch_home(settings, _SCRATCH, progress) as scratch,
    ):
        landing = Landing(settings.landing_dir)
        as_of = landing.latest_night(settings.source)
        if as_of is None:
            raise RebuildError(f"No batch of source {settings.source} has landed, so there is nothing to rebuild from.")
        # The index and the empty files beside it are the current ones: views of the new warehouse name them.
        write_index(landing, settings.source, as_of, settings.warehouse_dir)
        list_frozen(settings, as_of)
        environment = dbt_environment(settings, as_of) | {"KPI_WAREHOUSE_PATH": str(scratch.warehouse_path)}
        place = BuildPlace(scratch.warehouse_path, dbt_paths(scratch).target, environment)
        with worker_aside(settings, scratch) as worker:
            build_whole(worker, place, as_of, progress)
        docs_dir = settings.checks_dir / "data_docs" if not dry_run else scratch.checks_dir / "data_docs"
        checked = check_built(landing, settings.source, as_of, place.warehouse_path, docs_dir, progress)
        comparison = compare_all(settings, place.warehouse_path, scratch.warehouse_dir / "spill", progress)
        if dry_run:
            return Rebuilt(comparison, None)
        save_checked(settings, as_of, checked)
        refuse_stale(settings, landing, place.warehouse_path, progress)
        _swap(place.warehouse_path, settings.warehouse_path)
        finish(settings, built_now(settings, as_of))
        spark_plan.forget(settings)  # What stands there is not vouched for by what was built here.
        return Rebuilt(comparison, publish_current(settings, landing, as_of, progress))


def compare_all(settings: Settings, built: Path, spill: Path, progress: Progress) -> Comparison:
    """Everything that a rebuild has to leave as it was, section by section."""
    limits = Limits(settings.threads, settings.memory_limit, spill)
    found = [compare(settings, built, limits, progress) for compare in _COMPARED]
    return Comparison(
        tuple(section for sections, _ in found for section in sections), " ".join(note for _, note in found if note)
    )


def _compare_warehouse(
    settings: Settings, built: Path, limits: Limits, _progress: Progress
) -> tuple[Sequence[Section], str]:
    """The tables of the warehouse; those of the publication where the warehouse is missing or cannot be read."""
    import duckdb

    note = f"There was no warehouse at {settings.warehouse_path}."
    if settings.warehouse_path.exists():
        try:
            return [compare_databases("warehouse", settings.warehouse_path, built, _TABLES, limits)], ""
        except (duckdb.IOException, duckdb.SerializationException, duckdb.InvalidInputException) as error:
            words = " ".join(str(error).split())
            if _IN_USE in words:
                raise RebuildError(
                    f"Another program has the warehouse open; close it and run again. {words}"
                ) from error
            note = f"The warehouse that was there cannot be read: {words}"
    if settings.marts_path.exists():
        section = compare_databases("publication", settings.marts_path, built, _PUBLISHED, limits)
        return [section], f"{note} The publication was compared instead."
    return [], f"{note} Nothing was published either, so there is nothing to compare with."


_COMPARED: tuple[ComparedThing, ...] = (_compare_warehouse, compare_frozen)


def _swap(built: Path, current: Path) -> None:
    """Put the built database in the current one's place; what the old one had not written back goes with it."""
    current.with_name(current.name + ".wal").unlink(missing_ok=True)
    replace_durably(built, current)
