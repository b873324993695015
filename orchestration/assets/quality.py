"""The checks as Dagster asset checks: the batches before dbt runs, the marts and the reconciliation after it.

Belongs here: turning `CheckOutcome`s into asset check results. Not here: what is checked (`checks/`). An error blocks
what comes after it in the run; a warning is shown. A declared check that does not report is an error of its own.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import date

import dagster as dg

from orchestration.assets.services import Services
from orchestration.assets.writer import POOL, WRITER
from orchestration.checks.catalogue import (
    BATCH_CHECK_NAMES,
    MART_CHECK_NAMES,
    RECONCILIATION_CHECK_NAMES,
    specs_of,
)
from orchestration.checks.outcome import CheckOutcome, CheckSpec, Severity
from orchestration.checks.results import save_outcomes

BATCHES, MARTS, RECONCILIATION, FRESHNESS, FROZEN = "batches", "marts", "reconciliation", "freshness", "frozen"
_LANDING = "landing"
_RANGE_START, _RANGE_END, _PARTITION = (
    "dagster/asset_partition_range_start",
    "dagster/asset_partition_range_end",
    "dagster/partition",
)


def asset_check_spec(spec: CheckSpec, *, after_build: bool = False) -> dg.AssetCheckSpec:
    """A declared check as Dagster shows it.

    A check on a landed entity that runs after the build cannot block the entity's descendants, dbt being one of them:
    the step that runs it fails instead, and takes publishing with it.
    """
    blocks_by_itself = not (after_build and spec.asset[0] == _LANDING)
    return dg.AssetCheckSpec(
        name=spec.name,
        asset=dg.AssetKey(list(spec.asset)),
        description=f"{spec.severity.value}: {spec.reason}",
        blocking=spec.severity is Severity.ERROR and blocks_by_itself,
    )


def _metadata_value(value: object) -> dg.MetadataValue:
    match value:
        case int():
            return dg.MetadataValue.int(int(value))
        case float():
            return dg.MetadataValue.float(value)
        case _:
            return dg.MetadataValue.text(str(value))


def asset_check_result(outcome: CheckOutcome) -> dg.AssetCheckResult:
    """An outcome with its numbers and its failing rows as metadata."""
    metadata = {name: _metadata_value(value) for name, value in outcome.numbers.items()}
    if outcome.rows:
        metadata["rows"] = dg.MetadataValue.json([dict(row) for row in outcome.rows])
    return dg.AssetCheckResult(
        asset_key=dg.AssetKey(list(outcome.spec.asset)),
        check_name=outcome.spec.name,
        passed=outcome.passed,
        severity=dg.AssetCheckSeverity[outcome.spec.severity.name],
        description=outcome.message,
        metadata=metadata,
    )


def _key(outcome: CheckOutcome) -> dg.AssetCheckKey:
    return dg.AssetCheckKey(dg.AssetKey(list(outcome.spec.asset)), outcome.spec.name)


def worst_of(nights: Iterable[Sequence[CheckOutcome]]) -> list[CheckOutcome]:
    """One outcome per check over several nights: the first that failed, else the last."""
    chosen: dict[CheckSpec, CheckOutcome] = {}
    for outcomes in nights:
        for outcome in outcomes:
            before = chosen.get(outcome.spec)
            if before is None or before.passed:
                chosen[outcome.spec] = outcome
    return list(chosen.values())


def unreported(selected: Collection[dg.AssetCheckKey], outcomes: Iterable[CheckOutcome]) -> list[str]:
    """The selected checks that no outcome belongs to, as readable names."""
    reported = set(map(_key, outcomes))
    return sorted(f"{key.asset_key.to_user_string()}: {key.name}" for key in set(selected) - reported)


def _emit(
    selected: Collection[dg.AssetCheckKey], services: Services, outcomes: Sequence[CheckOutcome]
) -> Iterator[dg.AssetCheckResult]:
    """Every selected result; then a failure when one is missing, or blocks without Dagster knowing."""
    wanted = [outcome for outcome in outcomes if _key(outcome) in selected]
    services.progress.checked(wanted)
    yield from map(asset_check_result, wanted)
    missing = unreported(selected, outcomes)
    if missing:
        raise dg.Failure("Checks that did not report: " + ", ".join(missing), allow_retries=False)
    blocking = [outcome for outcome in wanted if outcome.blocks]
    if blocking:
        raise dg.Failure(
            f"{len(blocking)} blocking check(s) failed.",
            metadata={
                f"{'/'.join(outcome.spec.asset)}: {outcome.spec.name}": dg.MetadataValue.text(outcome.message)
                for outcome in blocking
            },
            allow_retries=False,
        )


def newest_night(services: Services) -> date:
    """The newest landed night. Raises Failure when nothing has landed."""
    newest = services.landing.latest_night(services.source.name)
    if newest is None:
        raise dg.Failure("No batch has landed yet, so there is nothing to check.", allow_retries=False)
    return newest


def _nights(services: Services, tags: dict[str, str]) -> list[date]:
    """The nights of this run; the newest landed one when the checks are run by themselves."""
    if _PARTITION in tags:
        return [date.fromisoformat(tags[_PARTITION])]
    if _RANGE_START not in tags:
        return [newest_night(services)]
    first, last = date.fromisoformat(tags[_RANGE_START]), date.fromisoformat(tags[_RANGE_END])
    return [date.fromordinal(day) for day in range(first.toordinal(), last.toordinal() + 1)]


def batch_checks(services: Services) -> dg.AssetChecksDefinition:
    """Every landed batch of the run's nights, before dbt reads any of it."""

    @dg.multi_asset_check(
        name="batch_checks",
        specs=[asset_check_spec(spec) for spec in specs_of(BATCH_CHECK_NAMES)],
        can_subset=True,
        required_resource_keys={WRITER},
        pool=POOL,
    )
    def checks(context: dg.AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
        from orchestration.checks.batches import check_batches, refuse_failed

        services.progress.checking(BATCHES)
        settings = services.settings
        by_night = []
        for night in _nights(services, dict(context.run.tags)):
            outcomes = check_batches(
                services.landing, services.source.name, night, services.data_docs, services.run_suite
            )
            save_outcomes(settings.checks_dir, night, BATCHES, outcomes)
            refuse_failed(services.landing, services.source.name, night, outcomes)
            by_night.append(outcomes)
        yield from _emit(context.selected_asset_check_keys, services, worst_of(by_night))

    return checks


def mart_checks(services: Services) -> dg.AssetChecksDefinition:
    """What dbt built: aggregates of the marts, and the way of every row from the source to a total."""

    @dg.multi_asset_check(
        name="mart_checks",
        specs=[
            asset_check_spec(spec, after_build=True)
            for spec in specs_of((*MART_CHECK_NAMES, *RECONCILIATION_CHECK_NAMES))
        ],
        can_subset=True,
        required_resource_keys={WRITER},
        pool=POOL,
    )
    def checks(context: dg.AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
        from concurrent.futures import ThreadPoolExecutor

        from orchestration.checks.marts import judge_marts, read_mart_frame
        from orchestration.checks.reconciliation import reconcile

        services.progress.checking(MARTS)
        settings, as_of = services.settings, newest_night(services)
        frame = read_mart_frame(settings.warehouse_path)
        # The suite looks at the frame only, so it need not keep the reconciliation waiting.
        with ThreadPoolExecutor(max_workers=1) as pool:
            judging = pool.submit(judge_marts, frame, services.data_docs, services.run_suite)
            sums = reconcile(services.landing, services.source.name, as_of, settings.warehouse_path)
            marts = judging.result()
        save_outcomes(settings.checks_dir, as_of, MARTS, marts)
        save_outcomes(settings.checks_dir, as_of, RECONCILIATION, sums)
        yield from _emit(context.selected_asset_check_keys, services, [*marts, *sums])

    return checks
