"""Frozen months in Dagster: one asset whose partitions are months, and the schedule that asks for the month that ended.

Belongs here: turning a freeze into a materialization. Not here: what freezing is (`freezing/`). It is no part of the
night: a night that fails must not keep a month from being frozen later, and a laptop's `kpi run` freezes nothing.
"""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import dagster as dg

from orchestration.assets.backfill import month_partitions
from orchestration.assets.services import Services
from orchestration.assets.writer import POOL, WRITER
from orchestration.settings import Settings

FREEZE_KEY = dg.AssetKey(["frozen", "months"])
FREEZE_CRON = "0 3 * * *"
"""Two hours after the night, which takes minutes; where it has not ended, the freeze waits for its lock, or fails and
comes again a day later."""


class FreezeConfig(dg.Config):
    """What a person says beside the month."""

    reason: str = ""
    """Why a month that is frozen already is frozen again; needed for that."""


def freeze_asset(services: Services) -> dg.AssetsDefinition:
    """`frozen/months`: freezes the month of its partition."""

    @dg.asset(
        key=FREEZE_KEY,
        partitions_def=month_partitions(services.settings.timezone),
        group_name="frozen",
        required_resource_keys={WRITER},
        pool=POOL,
        description=(
            "Freezes a month's figures as files that nothing changes: from the publication of its last day, or as "
            "known then. A month that is frozen already needs a reason in the configuration, and gets a new version."
        ),
    )
    def frozen_months(context: dg.AssetExecutionContext, config: FreezeConfig) -> Iterator[dg.MaterializeResult[None]]:
        from orchestration.aside import BuildRefused
        from orchestration.freezing.freeze import freeze_locked
        from orchestration.freezing.manifest import FrozenError
        from orchestration.serving.errors import ServingError

        month = date.fromisoformat(f"{context.partition_key}-01")
        settings = services.settings
        try:
            frozen = freeze_locked(settings, month, reason=config.reason or None, progress=services.progress)
        except (FrozenError, ServingError, BuildRefused) as error:
            raise dg.Failure(str(error), allow_retries=False) from error
        version = frozen.version
        yield dg.MaterializeResult(
            metadata={
                "version": version.version,
                "is_new": frozen.is_new,
                "as_of": version.as_of.isoformat(),
                "reason": version.reason,
                "built_as_known_then": frozen.was_late,
                "path": dg.MetadataValue.path(str(settings.frozen_dir / version.name)),
                "dagster/row_count": sum(file.rows for file in version.files),
            }
        )

    return frozen_months


def month_to_freeze(settings: Settings) -> tuple[date | None, str]:
    """The month that ended last when it is to be frozen now, or None and why not."""
    from orchestration.checks.freshness import read_freshness
    from orchestration.freezing.freeze import last_day
    from orchestration.freezing.store import FrozenStore
    from orchestration.landing.store import Landing

    today = settings.yesterday() + timedelta(days=1)
    month = (today.replace(day=1) - timedelta(days=1)).replace(day=1)
    end = last_day(month)
    if FrozenStore(settings.frozen_dir).of_month(f"{month:%Y-%m}"):
        return None, f"{month:%Y-%m} is frozen."
    nights = [manifest.batch_date for manifest in Landing(settings.landing_dir).visible(settings.source)]
    if not nights or min(nights) > end:
        return None, f"Nothing was known at the end of {end}, before the first night: {month:%Y-%m} cannot be frozen."
    freshness = read_freshness(settings.home)
    published = freshness.as_of if freshness is not None else None
    if published is None or published < end:
        return None, f"The night of {end} is not published yet; published is {published or 'nothing'}."
    return month, ""


def freeze_schedule(settings: Settings, job: Any) -> dg.ScheduleDefinition:
    """On the first of a month after the night, and on every later day until the month before is frozen."""

    @dg.schedule(
        cron_schedule=FREEZE_CRON,
        job=job,
        name="freeze_months",
        execution_timezone=settings.timezone,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="03:00 company time: on the first of a month, or as soon as it can after it, the month before.",
    )
    def freeze_months(_context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        month, why_not = month_to_freeze(settings)
        if month is None:
            return dg.SkipReason(why_not)
        return dg.RunRequest(partition_key=f"{month:%Y-%m}")

    return freeze_months
