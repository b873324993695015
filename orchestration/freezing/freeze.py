"""Freezing a month: from the publication of its last day, or late, as it was known then.

Belongs here: which figures become a version, and what is refused. Not here: reading and comparing them (`figures.py`),
storing them (`store.py`), or how it looks in a terminal (`cli.py`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from orchestration.freezing.figures import Difference, MonthCopy, copy_month, differences, read_facts
from orchestration.freezing.manifest import FIRST_FREEZE, FrozenError, FrozenVersion
from orchestration.freezing.store import FIGURES, ROWS, FrozenStore
from orchestration.progress import Progress
from orchestration.settings import Settings

if TYPE_CHECKING:
    import pyarrow as pa

_AS_KNOWN = ".as_known.duckdb"


@dataclass(frozen=True)
class Frozen:
    """How a freeze came out. `is_new` is False when the month's latest version holds the same already.

    `was_late` says that the figures were built as known then, instead of copied from the publication.
    """

    version: FrozenVersion
    is_new: bool
    was_late: bool


def last_day(month: date) -> date:
    """The last day of the month that begins on `month`."""
    return (month.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)


def freeze_month(
    settings: Settings,
    month: date,
    *,
    reason: str | None = None,
    as_of: date | None = None,
    progress: Progress | None = None,
) -> Frozen:
    """Freeze a month, as known at the end of `as_of` (default: its last day), under the writer lock.

    `month` is its first day. A month that is frozen already needs a `reason`; it gets a new version when the figures or
    their rows are not those of the latest one. Raises FrozenError for what is refused, LockHeldError when another run
    does not end, and what `build_as_known` raises when the figures have to be built.
    """
    from orchestration.serving.lock import writer_lock

    progress = progress or Progress()
    with writer_lock(settings.lock_path, settings.lock_wait_seconds, progress.waiting):
        return freeze_locked(settings, month, reason=reason, as_of=as_of, progress=progress)


def freeze_locked(
    settings: Settings,
    month: date,
    *,
    reason: str | None = None,
    as_of: date | None = None,
    progress: Progress | None = None,
) -> Frozen:
    """The same for a caller that holds the writer lock."""
    store = FrozenStore(settings.frozen_dir)
    day = as_of or last_day(month)
    refuse_day(settings, month, day)
    store.recover()
    store.verify()
    before = store.of_month(f"{month:%Y-%m}")
    reason = _reason(before, reason)
    refuse_unknown_day(settings, month, day)
    version = len(before) + 1
    with _publication_of(settings, store, day, progress or Progress()) as (marts_path, was_late):
        copy = copy_month(marts_path, month, version)
    if before and not differences(read_version(store, before[-1]), (copy.figures, copy.rows)):
        return Frozen(before[-1], is_new=False, was_late=was_late)
    return Frozen(store.add(_draft(month, version, copy, reason), copy.figures, copy.rows), True, was_late)


def refuse_day(settings: Settings, month: date, day: date) -> None:
    """Raise FrozenError for a month that is not over, and for a day that is not over or before the month's end."""
    last, yesterday = last_day(month), settings.yesterday()
    if last > yesterday:
        raise FrozenError(f"{month:%Y-%m} is not over: its last day is {last}, the last whole day {yesterday}.")
    if day < last:
        raise FrozenError(f"{month:%Y-%m} ends on {last}: it cannot be frozen as known on {day}, before its end.")
    if day > yesterday:
        raise FrozenError(f"{day} is not over yet; the last whole day is {yesterday} ({settings.timezone}).")


def refuse_unknown_day(settings: Settings, month: date, day: date) -> None:
    """Raise FrozenError where the night of `day` has not landed, or a blocking check keeps a batch of it out."""
    from orchestration.landing.manifest import BatchStatus
    from orchestration.landing.store import Landing

    landing = Landing(settings.landing_dir)
    landed = [batch for batch in landing.manifests(settings.source) if batch.status is BatchStatus.LANDED]
    newest = max((batch.batch_date for batch in landed), default=None)
    if newest is None or newest < day:
        what = f"the newest night of source {settings.source} is {newest}" if newest else "no night has landed"
        raise FrozenError(f"{month:%Y-%m} cannot be frozen as of {day}: {what}. Play that night first: kpi run")
    last_attempts = {batch.entity: batch for batch in landed if batch.batch_date == day}
    refused = sorted(entity for entity, batch in last_attempts.items() if landing.is_refused(batch))
    if refused:
        raise FrozenError(
            f"{month:%Y-%m} cannot be frozen as of {day}: a blocking check failed on what landed of "
            f"{', '.join(refused)} that night. Repair the input and run it again: kpi run --date {day}"
        )


def read_version(store: FrozenStore, version: FrozenVersion) -> tuple[pa.Table, pa.Table]:
    """Figures and rows of a frozen version, as they were written."""
    import pyarrow.parquet as pq

    return pq.read_table(store.path(version, FIGURES)), pq.read_table(store.path(version, ROWS))


def verify_against_landing(
    settings: Settings, month: date, version: int | None = None, progress: Progress | None = None
) -> list[Difference]:
    """Build a frozen version once more from exactly its batches, and compare it row for row with its files.

    Empty when they are the same. The version is the latest by default. Takes no lock and changes nothing. Rules and
    models are those of today: where they were changed since, their effect shows here as well.
    Raises FrozenError when there is no such version, LandingError when one of its batches is gone.
    """
    from orchestration.as_known import build_as_known

    store = FrozenStore(settings.frozen_dir)
    frozen = _version(store, month, version)
    into = settings.frozen_dir / f".check{_AS_KNOWN}"
    try:
        of_its_source = settings.model_copy(update={"source": frozen.source})
        build_as_known(of_its_source, frozen.as_of, into, batches=frozen.batches, progress=progress)
        copy = copy_month(into, frozen.month, frozen.version)
    finally:
        into.unlink(missing_ok=True)
    return differences(read_version(store, frozen), (copy.figures, copy.rows))


@contextmanager
def _publication_of(
    settings: Settings, store: FrozenStore, day: date, progress: Progress
) -> Iterator[tuple[Path, bool]]:
    """The publication that knows exactly what was known at the end of `day`, and whether it was built for this."""
    if settings.marts_path.exists():
        facts = read_facts(settings.marts_path)
        if (facts.as_of, facts.source) == (day, settings.source):
            yield settings.marts_path, False
            return
    from orchestration.as_known import build_as_known

    store.root.mkdir(parents=True, exist_ok=True)
    into = store.root / _AS_KNOWN
    try:
        build_as_known(settings, day, into, progress=progress)
        yield into, True
    finally:
        into.unlink(missing_ok=True)


def _version(store: FrozenStore, month: date, version: int | None) -> FrozenVersion:
    there = {one.version: one for one in store.of_month(f"{month:%Y-%m}")}
    if not there or (version is not None and version not in there):
        raise FrozenError(f"{month:%Y-%m} has no frozen version{'' if version is None else f' {version}'}.")
    return there[version if version is not None else max(there)]


def _reason(before: list[FrozenVersion], reason: str | None) -> str:
    given = " ".join((reason or "").split())
    if not before:
        return given or FIRST_FREEZE
    if not given:
        newest = before[-1]
        raise FrozenError(
            f"{newest.month:%Y-%m} is frozen already: version {newest.version} as of {newest.as_of}, frozen at "
            f"{newest.frozen_at} ({newest.reason}). To add a version, say why with --reason TEXT."
        )
    return given


def _draft(month: date, version: int, copy: MonthCopy, reason: str) -> FrozenVersion:
    return FrozenVersion(
        month=month,
        version=version,
        place=0,
        as_of=copy.facts.as_of,
        source=copy.facts.source,
        frozen_at=datetime.now(UTC).isoformat(timespec="seconds"),
        code_version=copy.facts.code_version,
        reason=reason,
        metrics=copy.metrics,
        batches=copy.facts.batches,
        files=(),
        previous=None,
    )
