"""The one assembly point: what production, `dagster dev`, the command line and the tests run.

Belongs here: putting the parts of `assets/` together, jobs, the schedule, the sensor. Not here: anything that does
work. Loading reads the settings and the dbt project's files (parsing them when they have changed), no data and no
network.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import dagster as dg

from orchestration.assets.backfill import BACKFILL_KEY, backfill_asset
from orchestration.assets.freezing import FREEZE_KEY, freeze_asset, freeze_schedule
from orchestration.assets.ingestion import landing_assets
from orchestration.assets.monthly_report import REPORT_KEY, report_asset
from orchestration.assets.publication import publication_asset, record_failure
from orchestration.assets.quality import batch_checks, mart_checks
from orchestration.assets.server_publication import server_assets
from orchestration.assets.services import Services
from orchestration.assets.viewer_files import viewer_files_asset
from orchestration.assets.warehouse import warehouse_assets
from orchestration.assets.writer import WRITER, writer_resource
from orchestration.checks.freshness import read_freshness
from orchestration.dbt_run import ensure_manifest
from orchestration.settings import Settings
from orchestration.settings import settings as process_settings

__all__ = ["BACKFILL", "FREEZE", "NIGHT", "NIGHTS", "Services", "build_defs", "defs", "record_failure"]

PRODUCTION = "production"
NIGHT, NIGHTS, BACKFILL, FREEZE = "night", "nights", "backfill", "freeze"
_ONE_A_M = 1


def _jobs() -> dict[str, Any]:
    months = dg.AssetSelection.assets(BACKFILL_KEY)
    frozen = dg.AssetSelection.assets(FREEZE_KEY, REPORT_KEY)
    everything = dg.AssetSelection.all() - months - frozen
    return {
        NIGHT: dg.define_asset_job(
            NIGHT,
            selection=everything,
            description="One night: land every entity, build, check, publish. Its partition is the day that has ended.",
        ),
        NIGHTS: dg.define_asset_job(
            NIGHTS,
            selection=everything,
            description=(
                "A range of nights in one run: land each in order, then build, check and publish once. The range is "
                "given by the tags dagster/asset_partition_range_start and dagster/asset_partition_range_end."
            ),
        ),
        BACKFILL: dg.define_asset_job(
            BACKFILL,
            selection=months,
            description=(
                "A range of months in one run: ask the source again where the run's configuration says so, then "
                "rebuild, check and publish once."
            ),
        ),
        FREEZE: dg.define_asset_job(
            FREEZE,
            selection=frozen,
            description="Freeze a month's figures, so that nothing known later changes them, and write its report.",
        ),
    }


def _schedules(settings: Settings, jobs: Mapping[str, Any]) -> list[Any]:
    """Registered in production only: a schedule that is there but stopped can be started by one click on a laptop.

    The time zone is the partitions', which is the company's.
    """
    if settings.environment != PRODUCTION:
        return []
    return [
        dg.build_schedule_from_partitioned_job(
            jobs[NIGHT],
            name="nightly",
            hour_of_day=_ONE_A_M,
            default_status=dg.DefaultScheduleStatus.RUNNING,
            description="01:00 company time, for the day that has just ended.",
        ),
        freeze_schedule(settings, jobs[FREEZE]),
    ]


def _has_published(settings: Settings, context: dg.RunFailureSensorContext) -> bool:
    """Whether the failed run had swapped its publication in, and broke off in what follows."""
    last = read_freshness(settings.home)
    record = context.instance.get_run_record_by_id(context.dagster_run.run_id)
    if last is None or last.published_at is None or record is None or record.start_time is None:
        return False
    return datetime.fromisoformat(last.published_at).timestamp() >= record.start_time


def _failure_sensor(settings: Settings) -> dg.SensorDefinition:
    """Open-source Dagster alerts nobody: the log and the freshness file say it to whoever watches them."""

    @dg.run_failure_sensor(
        name="failed_runs",
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Writes every failed run to the daemon's log and to freshness.json, with the step and what to do.",
    )
    def failed_runs(context: dg.RunFailureSensorContext) -> None:
        steps = ", ".join(sorted({event.step_key or "start" for event in context.get_step_failure_events()})) or "start"
        run = context.dagster_run
        what = (
            "The marts were published; what follows them failed, so viewers' files or the server are as before."
            if _has_published(settings, context)
            else "Nothing was published; the previous publication still answers."
        )
        record_failure(settings, f"run {run.run_id} failed in {steps}")
        context.log.error(f"Run {run.run_id} of {run.job_name} failed in {steps}. {what} `kpi doctor` says what to do.")

    return failed_runs


def build_defs(
    settings: Settings | None = None, services: Services | None = None, resources: Mapping[str, object] | None = None
) -> dg.Definitions:
    """All definitions for the given settings; by default those of this process.

    `services` brings its own settings, listener, source or dbt process; `resources` replaces Dagster resources.
    Raises DbtError when the dbt project does not parse.
    """
    # A code server that only shows the graph keeps no dbt process; a run that brings one uses it for parsing too.
    manifest_path = ensure_manifest(
        services.settings if services else settings or process_settings(), services.worker if services else None
    )
    services = services or Services.of(settings or process_settings())
    manifest = json.loads(manifest_path.read_text(encoding="utf-8"))
    warehouse = warehouse_assets(services, manifest)
    jobs = _jobs()
    return dg.Definitions(
        assets=[
            landing_assets(services),
            warehouse,
            publication_asset(services, warehouse),
            *server_assets(services),
            backfill_asset(services, (NIGHT, NIGHTS)),
            freeze_asset(services),
            report_asset(services),
            *([viewer_files_asset(services)] if services.settings.export_viewers else []),
        ],
        asset_checks=[batch_checks(services), mart_checks(services)],
        jobs=list(jobs.values()),
        schedules=_schedules(services.settings, jobs),
        sensors=[_failure_sensor(services.settings)],
        resources={WRITER: writer_resource(services), **(resources or {})},
        executor=dg.in_process_executor,
    )


@dg.definitions
def defs() -> dg.Definitions:
    """What `dagster dev` and the daemon load."""
    return build_defs()
