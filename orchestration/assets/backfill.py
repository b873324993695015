"""Backfills in Dagster: one asset whose partitions are months; a range of them is one run.

The whole backfill is one step: only so do the range, the lock and the one publication belong to one run, whether it was
started in the UI or by `kpi backfill`. What was published shows as a materialization of `published/marts`.
"""

from collections.abc import Iterator

import dagster as dg
from pydantic import Field

from orchestration.aside import BuildRefused
from orchestration.assets.server_publication import SERVER_KEY, server_metadata
from orchestration.assets.services import Services
from orchestration.assets.viewer_files import FILES_KEY, files_metadata
from orchestration.assets.writer import POOL, WRITER
from orchestration.backfill.facts import last_timings, make_plan
from orchestration.backfill.months import MONTH_FORMAT, BackfillError, range_of_keys
from orchestration.backfill.plan import Plan, plan_lines
from orchestration.checks.catalogue import PUBLISHED
from orchestration.dbt_run import DbtError
from orchestration.delivery import AFTER_PUBLISHING, Delivered, deliver
from orchestration.partitions import FIRST_NIGHT
from orchestration.serving.errors import ServingError
from orchestration.serving.publish import Publication

BACKFILL_KEY = dg.AssetKey(["backfill", "months"])


class BackfillConfig(dg.Config):
    """What a person chooses beside the months."""

    reingest: bool = Field(
        default=False, description="Ask the source again for every night of these months that it can still give."
    )


def month_partitions(timezone: str) -> dg.MonthlyPartitionsDefinition:
    """One partition per month of the company, the current one included, from that of FIRST_NIGHT."""
    return dg.MonthlyPartitionsDefinition(
        start_date=FIRST_NIGHT.strftime(MONTH_FORMAT), timezone=timezone, fmt=MONTH_FORMAT, end_offset=1
    )


def _plan_metadata(plan: Plan) -> dict[str, dg.MetadataValue]:
    lines = [f"| {label} | {text} |" for label, text in plan_lines(plan)]
    return {"plan": dg.MetadataValue.md("\n".join(["| | |", "| --- | --- |", *lines]))}


def _published(publication: Publication) -> dg.AssetMaterialization:
    return dg.AssetMaterialization(
        asset_key=list(PUBLISHED),
        metadata={
            "as_of": publication.as_of.isoformat(),
            "generation": publication.generation_id,
            "path": dg.MetadataValue.path(str(publication.path)),
            "dagster/row_count": sum(publication.tables.values()),
        },
    )


def _delivered(delivered: Delivered) -> Iterator[dg.AssetMaterialization]:
    if delivered.files is not None:
        yield dg.AssetMaterialization(asset_key=FILES_KEY, metadata=files_metadata(delivered.files))
    if delivered.server is not None:
        yield dg.AssetMaterialization(asset_key=SERVER_KEY, metadata=server_metadata(delivered.server))


def backfill_asset(services: Services, timed_jobs: tuple[str, ...]) -> dg.AssetsDefinition:
    """`backfill/months`; `timed_jobs` are the jobs whose last good run says how long things take."""

    @dg.asset(
        key=BACKFILL_KEY,
        partitions_def=month_partitions(services.settings.timezone),
        backfill_policy=dg.BackfillPolicy.single_run(),
        group_name="backfill",
        required_resource_keys={WRITER},
        pool=POOL,
        description=(
            "Rebuilds a range of months and publishes once. Select the months and start a single run; `reingest: true` "
            "in the configuration asks the source again for their nights first."
        ),
    )
    def months(context: dg.AssetExecutionContext, config: BackfillConfig) -> dg.MaterializeResult[None]:
        from orchestration.backfill.work import backfill

        settings = services.settings
        try:
            plan = make_plan(
                services.landing,
                services.source,
                settings.marts_path,
                range_of_keys(context.partition_keys),
                settings.yesterday(),
                last_timings(context.instance, timed_jobs),
                reingest=config.reingest,
            )
            context.log.info("\n".join(f"{label}: {text}" for label, text in plan_lines(plan)))
            publication = backfill(
                settings, services.landing, services.source, services.worker, services.progress, plan
            )
        except (BackfillError, BuildRefused, DbtError) as error:
            raise dg.Failure(str(error), allow_retries=False) from error
        context.log_event(_published(publication))
        try:
            delivered = deliver(settings)
        except ServingError as error:
            raise dg.Failure(f"{AFTER_PUBLISHING}: {error}", allow_retries=False) from error
        for event in _delivered(delivered):
            context.log_event(event)
        return dg.MaterializeResult(metadata=_plan_metadata(plan))

    return months
