"""Ingestion: one asset per source entity, `landing/<entity>`, one partition per company day.

All entities of a night land in one step, in the contract's order; the step can be asked for some of them only. Bad
input raises nothing here: it becomes quarantine or a failed manifest, and the batch checks judge it. What does raise
is the machine: a share that went away is tried again, anything else stops the run.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date

import dagster as dg

from orchestration.assets.services import Services
from orchestration.assets.writer import POOL, WRITER
from orchestration.contract import Entity, contract
from orchestration.landing.manifest import Manifest
from orchestration.partitions import FIRST_NIGHT

LANDING = "landing"
_TRANSIENT = (ConnectionError, TimeoutError, InterruptedError, BlockingIOError)
_RETRIES = dg.RetryPolicy(max_retries=3, delay=5, backoff=dg.Backoff.EXPONENTIAL, jitter=dg.Jitter.PLUS_MINUS)
_PREVIEW_ROWS = 5
# Everybody who may open Dagster sees a preview, whatever their rights to the rows.
_NOT_PREVIEWED = frozenset({"phone", "email", "birthday"})


def landing_key(entity: str) -> dg.AssetKey:
    """The asset key of an entity's batches."""
    return dg.AssetKey([LANDING, entity])


def night_partitions(timezone: str) -> dg.DailyPartitionsDefinition:
    """One partition per company day, from FIRST_NIGHT to yesterday."""
    return dg.DailyPartitionsDefinition(start_date=FIRST_NIGHT.isoformat(), timezone=timezone)


def is_transient(error: BaseException) -> bool:
    """Whether trying again in a moment can help; everything else is permanent."""
    return isinstance(error, _TRANSIENT)


def _spec(entity: Entity, partitions: dg.DailyPartitionsDefinition) -> dg.AssetSpec:
    return dg.AssetSpec(
        key=landing_key(entity.name),
        group_name=LANDING,
        partitions_def=partitions,
        skippable=True,
        kinds={"parquet"},
        description=f"Batches of `{entity.name}` that passed the contract, with the rejected rows beside them.",
    )


def _table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> dg.MarkdownMetadataValue:
    lines = ["| " + " | ".join(header) + " |", "|" + " --- |" * len(header)]
    lines += ["| " + " | ".join(str(cell).replace("|", "\\|") for cell in row) + " |" for row in rows]
    return dg.MetadataValue.md("\n".join(lines))


def _preview(services: Services, manifest: Manifest) -> dg.MarkdownMetadataValue | None:
    """The batch's first rows; one row per column, because contract tables are wide."""
    import pyarrow.parquet as pq

    if manifest.rows_landed == 0:
        return None
    batch = next(pq.ParquetFile(services.landing.data_path(manifest)).iter_batches(batch_size=_PREVIEW_ROWS))
    header = ["column", *(f"row {number + 1}" for number in range(batch.num_rows))]
    shown = [name for name in batch.schema.names if not name.startswith("_") and name not in _NOT_PREVIEWED]
    rows = [[name, *batch.column(name).to_pylist()] for name in shown]
    return _table(header, rows)


def _metadata(services: Services, manifests: Sequence[Manifest], seconds: float) -> Mapping[str, dg.MetadataValue]:
    """The sums over the nights of this run, and the last batch in detail."""
    if not manifests:
        return {"status": dg.MetadataValue.text("absent: the source does not have this entity")}
    last = manifests[-1]
    metadata: dict[str, dg.MetadataValue] = {
        "status": dg.MetadataValue.text(last.status.value),
        "rows_in": dg.MetadataValue.int(sum(manifest.rows_in for manifest in manifests)),
        "rows_landed": dg.MetadataValue.int(sum(manifest.rows_landed for manifest in manifests)),
        "rows_quarantined": dg.MetadataValue.int(sum(manifest.rows_quarantined for manifest in manifests)),
        "seconds": dg.MetadataValue.float(round(seconds, 3)),
        "batch": dg.MetadataValue.text(last.batch_id),
        "input": dg.MetadataValue.text(last.input_name),
    }
    if last.status != "landed":
        metadata["problem"] = dg.MetadataValue.text(last.problem.message if last.problem else "unknown")
        return metadata
    if last.warnings:
        metadata["warnings"] = dg.MetadataValue.text("\n".join(last.warnings))
    preview = _preview(services, last)
    return metadata if preview is None else metadata | {"preview": preview}


def _nights(context: dg.AssetExecutionContext) -> list[date]:
    return sorted(date.fromisoformat(key) for key in context.partition_keys)


def refuse_future(services: Services) -> None:
    """Stop where a batch has landed for a day that is not over: this machine's clock is wrong now, or was then.

    The marts are as of the newest landed night, so such a batch would carry every later night into the future.
    """
    settings, source = services.settings, services.source.name
    newest = services.landing.latest_night(source)
    if newest is not None and newest > settings.yesterday():
        folders = [services.landing.root / source, settings.received_dir / source]
        wrong = " and ".join(f"{folder}/*/{newest}.*" for folder in folders if folder.exists())
        raise dg.Failure(
            f"Batches of {newest} have landed, but by this machine's clock the last whole day is "
            f"{settings.yesterday()}. If the clock is behind, correct it. If it was ahead when they landed, move "
            f"{wrong} away. Then run the night again.",
            allow_retries=False,
        )


def _ingest(
    services: Services, entities: Sequence[str], nights: Sequence[date]
) -> tuple[Mapping[str, list[Manifest]], Mapping[str, float]]:
    """Land every night in order. Returns each entity's manifests, and the seconds from asking for it to its end."""
    from orchestration.landing.ingest import ingest_night

    manifests: dict[str, list[Manifest]] = defaultdict(list)
    seconds: dict[str, float] = defaultdict(float)

    def on_progress(entity: str, manifest: Manifest | None, taken: float) -> None:
        seconds[entity] += taken
        if manifest is not None:
            manifests[entity].append(manifest)
        services.progress.ingested(entity, manifest)

    for night in nights:
        services.progress.ingesting(night, len(entities))
        ingest_night(
            services.landing, services.source, night, services.settings.zone, entities=entities, on_progress=on_progress
        )
    return manifests, seconds


def landing_assets(services: Services) -> dg.AssetsDefinition:
    """The 23 entities as one step that can be subset; a range of nights is one run."""
    partitions = night_partitions(services.settings.timezone)
    entities = list(contract())

    @dg.multi_asset(
        name=LANDING,
        specs=[_spec(entity, partitions) for entity in entities],
        can_subset=True,
        backfill_policy=dg.BackfillPolicy.single_run(),
        retry_policy=_RETRIES,
        required_resource_keys={WRITER},
        pool=POOL,
    )
    def landing(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[None]]:
        wanted = [entity.name for entity in entities if landing_key(entity.name) in context.selected_asset_keys]
        services.worker.start()
        refuse_future(services)
        try:
            manifests, seconds = _ingest(services, wanted, _nights(context))
        except Exception as error:
            if is_transient(error):
                raise
            raise dg.Failure(f"Landing stopped: {error}", allow_retries=False) from error
        for entity in wanted:
            yield dg.MaterializeResult(
                asset_key=landing_key(entity),
                metadata=_metadata(services, manifests.get(entity, []), seconds.get(entity, 0.0)),
            )

    return landing
