"""One night into the landing zone: ask the source, judge the rows, store the batch; entity by entity.

Belongs here: what makes an entity's night a failure. Not here: Dagster (`assets/`) or reading inputs (`sources/`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import date
from functools import partial
from zoneinfo import ZoneInfo

from orchestration.contract import contract
from orchestration.contract.validation import validate
from orchestration.landing.manifest import BatchStatus, Manifest
from orchestration.landing.store import Landing
from orchestration.sources.base import BatchKind, PastNights, RawTable, Source, SourceError

Progress = Callable[[str, Manifest | None, float], None]
Storing = Callable[[], Manifest]


def ingest_entity(landing: Landing, source: Source, entity_name: str, night: date, zone: ZoneInfo) -> Manifest | None:
    """Land one entity's night. Bad input never raises: it ends in quarantine, or in a manifest with status failed.

    None when the source does not have the entity, never had it, and need not have it.
    """
    store = _judged(landing, source, entity_name, night, zone)
    return None if store is None else store()


def ingest_night(
    landing: Landing,
    source: Source,
    night: date,
    zone: ZoneInfo,
    entities: Iterable[str] | None = None,
    on_progress: Progress | None = None,
) -> list[Manifest]:
    """Land one night of all entities, or of those named, in contract order; a manifest per entity delivered or failed.

    `on_progress(entity, manifest, seconds)` is called for each entity in that order, once its batch is there; the
    manifest is None when there was nothing to land, and the seconds are those from asking for it to its end.
    """
    wanted = None if entities is None else {contract()[name].name for name in entities}
    written: list[Manifest] = []

    def finish(entity: str, since: float, storing: Future[Manifest] | None) -> None:
        manifest = None if storing is None else storing.result()
        if manifest is not None:
            written.append(manifest)
        if on_progress is not None:
            on_progress(entity, manifest, time.monotonic() - since)

    # While a batch is compressed and written, the next one is read and judged: two processors at work, and no more than
    # two entities in memory. The source is asked from one thread only.
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="landing") as storage:
        finish_former: Callable[[], None] | None = None
        for entity in contract():
            if wanted is not None and entity.name not in wanted:
                continue
            since = time.monotonic()
            try:
                store = _judged(landing, source, entity.name, night, zone)
            finally:
                # Whatever became of this entity, the one before it has landed or failed by itself.
                if finish_former is not None:
                    finish_former()
            storing = None if store is None else storage.submit(store)
            finish_former = partial(finish, entity.name, since, storing)
        if finish_former is not None:
            finish_former()
    return written


def _judged(landing: Landing, source: Source, entity_name: str, night: date, zone: ZoneInfo) -> Storing | None:
    """Ask the source and judge the rows: what is left to do is to store them, or why there are none."""
    entity = contract()[entity_name]
    try:
        is_first = not _has_base(landing, source.name, entity_name, night)
        raw = source.read(entity_name, night, complete=is_first or _lost_a_night(landing, source, entity_name, night))
        if raw is None:
            _absent(landing, source.name, entity_name, night)
            _withdraw_failures(landing, source.name, entity_name, night)
            return None
        if is_first and raw.kind is BatchKind.DELTA:
            raise _delta_without_base(source.name, raw, night)
        validated = validate(entity, raw, zone)
    except SourceError as error:
        return partial(landing.write_failure, source.name, night, entity_name, error)
    return partial(landing.write, source.name, night, raw, validated)


def _absent(landing: Landing, source: str, entity: str, night: date) -> None:
    """Raise SourceError (rule "missing") when an absent entity is a failure."""
    if contract()[entity].must_deliver:
        why = f"no warehouse can be built without {entity}"
    elif landed := _last_landed(landing, source, entity, night):
        why = f"this source delivered it before, last on {landed.isoformat()}"
    else:
        return
    raise SourceError(
        entity,
        entity,
        "missing",
        f"{entity}: the source {source} delivered nothing for {night.isoformat()}, and {why}. Deliver it and run the "
        "night again; if it has no rows, deliver it with its header only.",
    )


def _withdraw_failures(landing: Landing, source: str, entity: str, night: date) -> None:
    """What failed of a night before lacks nothing once the source says that it does not have the entity."""
    for manifest in landing.manifests(source, entity):
        if manifest.batch_date == night and manifest.status is BatchStatus.FAILED:
            landing.withdraw(manifest)


def _has_base(landing: Landing, source: str, entity: str, night: date) -> bool:
    """Whether all rows landed on an earlier night, so that changes alone can be added to them."""
    return any(
        manifest.kind is BatchKind.COMPLETE and manifest.batch_date < night
        for manifest in landing.visible(source, entity=entity)
    )


def _lost_a_night(landing: Landing, source: Source, entity: str, night: date) -> bool:
    """Whether a night since the last complete batch failed and cannot be run again: its changes are in no other."""
    visible = landing.visible(source.name, entity=entity)
    since = max((one.batch_date for one in visible if one.kind is BatchKind.COMPLETE), default=date.min)
    tried = {one.batch_date for one in landing.manifests(source.name, entity) if since < one.batch_date < night}
    lost = tried - {one.batch_date for one in visible}
    if not lost:
        return False
    given = source.nights_between(min(lost), max(lost)) if isinstance(source, PastNights) else None
    return given is None or not lost <= set(given)


def _delta_without_base(source: str, raw: RawTable, night: date) -> SourceError:
    return SourceError(
        raw.entity,
        raw.input_name,
        "first_batch",
        f"{raw.input_name}: the source {source} delivered only changes for {night.isoformat()}, but no complete batch "
        f"of {raw.entity} landed before that night. Deliver all rows once, then changes.",
    )


def _last_landed(landing: Landing, source: str, entity: str, night: date) -> date | None:
    landed = [
        manifest.batch_date
        for manifest in landing.manifests(source, entity)
        if manifest.status is BatchStatus.LANDED and manifest.batch_date <= night
    ]
    return max(landed, default=None)
