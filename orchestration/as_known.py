"""The figures as they were known at the end of a past day, as a publication of their own.

Belongs here: choosing the batches of that day, and building a file from them without touching anything current. Not
here: how a build aside works (`aside.py`), or frozen months, which call this.

What "known then" means. Of every entity the build sees the newest batch per date, up to that day; a batch that was
delivered again later counts with its last attempt, because a night that is run again corrects what was landed wrongly.
Who wants the very batches of an earlier publication names them. Rules (`seeds/`) and models are those of today.

Locks. Batches are never edited, so the build takes no writer lock: a night may run beside it. Only the list of batches
must not be taken while a night has landed rows that no check has judged yet; `batches_known` is called under the writer
lock for that, for milliseconds, by whoever does not hold it already.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path

from orchestration.aside import build_whole, check_built, place_aside, scratch_home, worker_aside
from orchestration.freezing.index import write_frozen_index
from orchestration.freezing.store import FrozenStore
from orchestration.landing.chosen import ChosenBatches, batch_name, choose_batches
from orchestration.landing.index import write_index
from orchestration.landing.store import Landing
from orchestration.progress import Progress
from orchestration.serving.errors import ServingError
from orchestration.serving.publish import PUBLICATION_TABLE, Publication, previous_path, publish
from orchestration.settings import Settings

AS_KNOWN = "as_known"
"""The name of its scratch folder and lock (`Settings.as_known_lock_path`)."""


class AsKnownError(ServingError):
    """The day or the file that was asked for cannot be; nothing was written."""


def build_as_known(
    settings: Settings,
    as_of: date,
    into: Path,
    *,
    batches: Sequence[str] | None = None,
    progress: Progress | None = None,
) -> Publication:
    """Build the publication of `as_of` into the file `into`, and swap it in by one rename when every check has passed.

    `batches` (`entity/batch_id`, as publications list them) restricts the build to exactly those; without it the
    batches are those of `batches_known`, listed now. An earlier publication at `into` is replaced.
    Raises AsKnownError or LandingError for a day, file or batch that cannot be, BuildRefused when a check failed, and
    DbtError or PublishError when the machine did. Whatever it raises, `into` is as it was.
    """
    progress = progress or Progress()
    refuse_day(settings, as_of)
    target = refuse_target(settings, into)
    chosen = _choose(settings, as_of, batches)
    with scratch_home(settings, AS_KNOWN, progress) as scratch:
        write_index(chosen, settings.source, as_of, scratch.warehouse_dir)
        write_frozen_index(FrozenStore(settings.frozen_dir), as_of, settings.zone, scratch.warehouse_dir)
        place = place_aside(scratch, as_of)
        with worker_aside(settings, scratch) as worker:
            build_whole(worker, place, as_of, progress)
        check_built(chosen, settings.source, as_of, place.warehouse_path, scratch.checks_dir / "data_docs", progress)
        progress.publishing()
        publication = publish(
            place.warehouse_path,
            target,
            {
                "as_of": as_of,
                "source": settings.source,
                "batch_ids": [batch_name(manifest) for manifest in chosen.visible(settings.source)],
            },
            threads=settings.threads,
            memory_limit=settings.memory_limit,
            keeps_previous=False,
        )
    progress.published(publication)
    return publication


def batches_known(settings: Settings, as_of: date) -> list[str]:
    """The batches that were known at the end of `as_of`, as `entity/batch_id`.

    Raises AsKnownError when nothing had landed by then.
    """
    landing = Landing(settings.landing_dir)
    known = landing.visible(settings.source, as_of)
    if not known:
        first = min((manifest.batch_date for manifest in landing.visible(settings.source)), default=None)
        raise AsKnownError(
            f"Nothing was known at the end of {as_of}: the first batch of source {settings.source} is of {first}."
            if first is not None
            else f"Nothing is known at all: no batch of source {settings.source} has landed. Run `kpi run` first."
        )
    return [batch_name(manifest) for manifest in known]


def refuse_day(settings: Settings, as_of: date) -> None:
    """Raise AsKnownError for a day that is not over."""
    if as_of > settings.yesterday():
        raise AsKnownError(
            f"{as_of} is not over yet; the last whole day is {settings.yesterday()} ({settings.timezone})"
        )


def refuse_target(settings: Settings, into: Path) -> Path:
    """The absolute path of the file to write. Raises AsKnownError for files that are not to be replaced by this."""
    target = into.expanduser().resolve()
    if target.is_dir():
        raise AsKnownError(f"{target} is a folder; name a file, for example {target / 'known.duckdb'}")
    for published in (settings.marts_path, previous_path(settings.marts_path)):
        if target == published or (target.exists() and published.exists() and target.samefile(published)):
            raise AsKnownError(f"{target} is the current publication; as-known figures go into a file of their own")
    for folder in (settings.landing_dir, settings.warehouse_dir, settings.dagster_dir, settings.scratch_dir):
        if target.is_relative_to(folder):
            raise AsKnownError(f"{target} lies inside {folder}, which is the warehouse's own; choose another folder")
    if target.exists() and not _is_publication(target):
        raise AsKnownError(f"{target} exists and is no publication; it was not overwritten, choose another name")
    return target


def _is_publication(path: Path) -> bool:
    import duckdb

    try:
        with duckdb.connect(path, read_only=True) as connection:
            found = connection.execute(
                "select count(*) from duckdb_tables() where schema_name = 'main' and table_name = ?",
                [PUBLICATION_TABLE],
            ).fetchall()
    except duckdb.Error:
        return False
    return bool(found[0][0])


def _choose(settings: Settings, as_of: date, batches: Sequence[str] | None) -> ChosenBatches:
    names = batches_known(settings, as_of) if batches is None else batches
    chosen = choose_batches(Landing(settings.landing_dir), settings.source, names)
    later = [manifest for manifest in chosen.visible(settings.source) if manifest.batch_date > as_of]
    if later:
        raise AsKnownError(f"{batch_name(later[0])} was not known at the end of {as_of}; leave it out")
    if not chosen.visible(settings.source):
        raise AsKnownError("No batches were named, so there is nothing to build.")
    return chosen
