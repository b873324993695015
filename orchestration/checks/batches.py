"""The checks of what came in: a Great Expectations suite on the profiles of one night's batches.

Belongs here: thresholds, expectations, and how an outcome is worded. Not here: measuring (`profiles.py`), yardsticks
(`history.py`), or single rows (the contract's rules, which send them to quarantine).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from orchestration.checks.catalogue import BATCH_CHECK_NAMES, specs_of
from orchestration.checks.history import (
    ACCEPTED_FILE,
    Accepted,
    good_batches,
    lost_limit,
    quarantine_limit,
    quarantine_rate,
    read_accepted,
)
from orchestration.checks.outcome import CheckOutcome, CheckSpec, Number
from orchestration.checks.profiles import MAX_ROWS, Profile, Row, landed_profile, unlanded_profile
from orchestration.checks.suite import Expect, Judged, RunSuite, between, in_set, not_above, run_suite
from orchestration.contract import Contract, contract
from orchestration.landing.manifest import BatchStatus, Manifest
from orchestration.landing.store import Landing
from orchestration.sources.base import BatchKind

if TYPE_CHECKING:
    import pandas as pd

SUITE = "batches"

# Half or one and a half times the usual number of rows is an event, whatever the spread of the last nights.
MIN_DRIFT_RATIO, MAX_DRIFT_RATIO = 0.5, 1.5
# Three (floored) standard deviations: steady growth stays near two, because the mean is a few nights old.
MAX_DRIFT_SIGMAS = 3.0
# One night's clean-up seldom touches more than a twentieth of the customers; above a fifth it blocks (MAX_LOST_RATE).
MAX_GONE_RATE = 0.05
# Filling or clearing a column for a fifth of all rows in one night is a migration or a broken export.
MAX_NULL_RATE_CHANGE = 0.20
# How old the newest change may be, in days: long enough for a holiday (Tết closes offices for about nine days) where
# people write every day, longer where changes are rare anyway. A price list may stand still for years: it is not here.
MAX_NEWEST_LAG_DAYS: Mapping[str, int] = {
    "customers": 10,
    "interactions": 10,
    "tasks": 10,
    "orders": 14,
    "order_lines": 14,
    "payments": 14,
    "opportunities": 30,
    "contacts": 60,
    "employees": 180,
}

_NOT_THE_BATCH_ITSELF = frozenset({"batch_no_gap"})

Describe = Callable[[Profile], tuple[str, dict[str, Number], tuple[Row, ...]]]


def check_batches(
    landing: Landing, source: str, night: date, docs_dir: Path, judge: RunSuite = run_suite
) -> list[CheckOutcome]:
    """Judge every entity's batch of `night`; one outcome per batch check of the catalogue, in its order.

    `docs_dir` is where the Data Docs go (`KPI_HOME/checks/data_docs`). Beside it Great Expectations keeps its files
    (`gx`), and a person may write `accepted_batches.txt`, one `entity YYYY-MM-DD reason` per line, to let a large loss
    or quarantine pass.
    Raises SuiteError when the suite cannot be evaluated, LandingError or duckdb.IOException on damaged landed files.
    """
    profiles = profile_night(landing, source, night, read_accepted(docs_dir.parent / ACCEPTED_FILE))
    judged = judge(SUITE, batch_frame(profiles), "entity", EXPECTATIONS, docs_dir)
    by_entity = {profile.entity: profile for profile in profiles}
    return [_outcome(spec, by_entity[spec.asset[-1]], judged[spec.name]) for spec in specs_of(BATCH_CHECK_NAMES)]


def profile_night(
    landing: Landing, source: str, night: date, accepted: Accepted, entities: Contract | None = None
) -> list[Profile]:
    """Measure every entity of the contract on that night, in contract order."""
    import duckdb

    earlier = _by_entity(landing.visible(source, night - timedelta(days=1)))
    tried = _by_entity(landing.manifests(source))
    tonight = {
        entity: manifest
        for entity, found in tried.items()
        for manifest in found
        if manifest.batch_date == night and not landing.is_withdrawn(manifest)
    }
    profiles = []
    with duckdb.connect(":memory:") as connection:
        for entity in entities or contract():
            batches = earlier.get(entity.name, [])
            batch = tonight.get(entity.name)
            if batch is None or batch.status is not BatchStatus.LANDED:
                profiles.append(unlanded_profile(entity, batch, batches[-1].batch_date if batches else None))
                continue
            same_kind = [other for other in batches if other.kind is batch.kind]
            profiles.append(
                landed_profile(
                    connection,
                    landing,
                    entity,
                    batch,
                    good_batches(batches, accepted),
                    same_kind[-1] if same_kind else None,
                    accepted.get((entity.name, night)),
                    skipped_nights(batch, batches, tried[entity.name]),
                )
            )
    return profiles


def skipped_nights(batch: Manifest, visible: Sequence[Manifest], tried: Sequence[Manifest]) -> tuple[date, ...]:
    """Nights before a delta that were tried, but whose changes are in no visible batch; none before a complete one."""
    if batch.kind is BatchKind.COMPLETE:
        return ()
    last_complete = max((other.batch_date for other in visible if other.kind is BatchKind.COMPLETE), default=date.min)
    seen = {other.batch_date for other in visible}
    return tuple(
        sorted({other.batch_date for other in tried if last_complete < other.batch_date < batch.batch_date} - seen)
    )


def refuse_failed(landing: Landing, source: str, night: date, outcomes: Iterable[CheckOutcome]) -> None:
    """Keep every batch of the night on which a blocking check failed out of later runs.

    A delta after a failed night is no bad batch itself: it counts again once that night has been run again.
    """
    reasons: dict[str, dict[str, str]] = {}
    for outcome in outcomes:
        if outcome.blocks and outcome.spec.name not in _NOT_THE_BATCH_ITSELF:
            reasons.setdefault(outcome.spec.asset[-1], {})[outcome.spec.name] = outcome.message
    for manifest in landing.visible(source, night):
        if manifest.batch_date == night and manifest.entity in reasons:
            landing.refuse(manifest, reasons[manifest.entity])


def _by_entity(manifests: list[Manifest]) -> dict[str, list[Manifest]]:
    found: dict[str, list[Manifest]] = {}
    for manifest in manifests:
        found.setdefault(manifest.entity, []).append(manifest)
    return found


def batch_frame(profiles: list[Profile]) -> pd.DataFrame:
    """One row per entity, with the lag each may have beside the lag it has."""
    import pandas as pd

    frame = pd.DataFrame(
        [{**profile.row(), "lag_limit_days": MAX_NEWEST_LAG_DAYS.get(profile.entity)} for profile in profiles]
    )
    text = ["entity", "status", "kind", "null_rate_column"]
    return frame.astype({column: "float64" for column in frame.columns if column not in text})


# What each check expects of the columns of `batch_frame`. A figure that does not apply is null and is not judged.
EXPECTATIONS: Mapping[str, tuple[Expect, ...]] = {
    "batch_landed": (in_set("status", ("landed", "absent")),),
    "batch_accounting": (between("accounting_gap", 0, 0),),
    "batch_no_gap": (between("skipped_nights", 0, 0),),
    "batch_quarantine_rate": (not_above("quarantine_rate", "quarantine_limit"),),
    "batch_rows_kept": (not_above("lost_rate", "lost_limit"),),
    "batch_quarantined_rows": (between("rows_quarantined", 0, 0),),
    "batch_value_sets": (between("unknown_values", 0, 0),),
    "batch_row_drift": (
        between("drift_ratio", MIN_DRIFT_RATIO, MAX_DRIFT_RATIO),
        between("drift_sigmas", -MAX_DRIFT_SIGMAS, MAX_DRIFT_SIGMAS),
    ),
    "batch_deletions": (between("gone_rate", 0, MAX_GONE_RATE),),
    "batch_null_rates": (between("null_rate_change", 0, MAX_NULL_RATE_CHANGE),),
    "batch_freshness": (not_above("newest_lag_days", "lag_limit_days"),),
    "batch_future_rows": (between("future_rows", 0, 0),),
    "batch_unknown_columns": (between("warnings", 0, 0),),
}


def _outcome(spec: CheckSpec, profile: Profile, judged: Judged) -> CheckOutcome:
    passed = profile.entity not in judged.failed_keys and not judged.whole_frame
    if not profile.landed and spec.name != "batch_landed":
        return CheckOutcome(spec, passed, f"{profile.entity}: nothing to judge, {profile.why}")
    message, numbers, rows = _DESCRIBE[spec.name](profile)
    return CheckOutcome(spec, passed, f"{profile.entity}: {message}", numbers, () if passed else rows[:MAX_ROWS])


def _manifest(profile: Profile) -> Manifest:
    assert profile.manifest is not None
    return profile.manifest


def _describe_landed(profile: Profile) -> tuple[str, dict[str, Number], tuple[Row, ...]]:
    manifest = profile.manifest
    if manifest is None:
        return profile.why, {}, ({"rule": "missing", "message": profile.why},)
    if manifest.problem is not None:
        problem = manifest.problem
        row: Row = {
            "batch": manifest.batch_id,
            "rule": problem.rule,
            "message": problem.message,
            "row": problem.row,
            "column": problem.column,
        }
        return problem.message, {"attempt": manifest.attempt}, (row,)
    text = f"{manifest.rows_landed} rows landed from {manifest.input_name} as {manifest.batch_id}"
    return text, {"rows_in": manifest.rows_in, "rows_landed": manifest.rows_landed, "attempt": manifest.attempt}, ()


def _describe_accounting(profile: Profile) -> tuple[str, dict[str, Number], tuple[Row, ...]]:
    manifest = _manifest(profile)
    numbers: dict[str, Number] = {
        "rows_in": manifest.rows_in,
        "rows_landed": manifest.rows_landed,
        "rows_quarantined": manifest.rows_quarantined,
        "rows_in_data_file": profile.file_rows,
        "rows_in_quarantine_file": profile.file_quarantined,
        "doubled_keys": profile.doubled_keys,
        "gap": profile.accounting_gap,
    }
    text = (
        f"{manifest.rows_in} rows in, {profile.file_rows} in the data file, {profile.file_quarantined} in quarantine, "
        f"{profile.doubled_keys} doubled keys"
    )
    return text, numbers, (numbers,)


def _accepted_or_how(profile: Profile) -> str:
    if profile.accepted is not None:
        return f" (accepted: {profile.accepted})"
    night = _manifest(profile).batch_date
    return f"; repair the input and run the night again, or add `{profile.entity} {night} reason` to {ACCEPTED_FILE}"


def _describe_quarantine_rate(profile: Profile) -> tuple[str, dict[str, Number], tuple[Row, ...]]:
    manifest = _manifest(profile)
    rate, limit = quarantine_rate(manifest), quarantine_limit(manifest.rows_in)
    text = f"{manifest.rows_quarantined} of {manifest.rows_in} rows in quarantine ({rate:.1%}, limit {limit:.1%})"
    if rate > limit:
        text += _accepted_or_how(profile)
    return (
        text,
        {"quarantine_rate": rate, "limit": limit, "rows_quarantined": manifest.rows_quarantined},
        profile.rejected,
    )


def _describe_rows_kept(profile: Profile) -> tuple[str, dict[str, Number], tuple[Row, ...]]:
    loss = profile.loss
    if loss is None:
        return "no earlier complete batch to compare with", {}, ()
    numbers: dict[str, Number] = {"live_before": loss.live_before, "lost": loss.lost, "lost_rate": loss.lost_rate}
    text = (
        f"{loss.lost} of {loss.live_before} live records of {loss.batch_id} are not delivered any more "
        f"({loss.lost_rate:.1%})"
    )
    if loss.lost_rate > lost_limit(loss.live_before):
        text += _accepted_or_how(profile)
    return text, numbers, tuple({"key": key} for key in loss.lost_keys)


def _describe_quarantined(profile: Profile) -> tuple[str, dict[str, Number], tuple[Row, ...]]:
    manifest = _manifest(profile)
    text = f"{manifest.rows_quarantined} of {manifest.rows_in} rows in quarantine"
    return text, {"rows_in": manifest.rows_in, "rows_quarantined": manifest.rows_quarantined}, profile.rejected


def _describe_value_sets(profile: Profile) -> tuple[str, dict[str, Number], tuple[Row, ...]]:
    rows = sum(int(row["rows"] or 0) for row in profile.unknown_values)
    named = ", ".join(f"{row['column']} = {row['value']!r}" for row in profile.unknown_values[:5])
    text = f"{rows} rows with values outside the contract: {named}" if rows else "all values are in the contract"
    return text, {"rows": rows, "values": len(profile.unknown_values)}, profile.unknown_values


def _describe_drift(profile: Profile) -> tuple[str, dict[str, Number], tuple[Row, ...]]:
    rows = _manifest(profile).rows_landed
    drift = profile.drift
    if drift is None:
        return "too few complete batches, or too small ones, to know what is usual", {"rows_landed": rows}, ()
    numbers: dict[str, Number] = {
        "rows_landed": rows,
        "mean": drift.mean,
        "ratio": drift.ratio,
        "sigmas": drift.sigmas,
    }
    return (
        f"{rows} rows, {drift.ratio:.2f} times the usual {drift.mean:.0f} ({drift.sigmas:+.1f} sigma)",
        numbers,
        (numbers,),
    )


def _describe_deletions(profile: Profile) -> tuple[str, dict[str, Number], tuple[Row, ...]]:
    loss = profile.loss
    if loss is None:
        return "no earlier complete batch to compare with", {}, ()
    numbers: dict[str, Number] = {
        "live_before": loss.live_before,
        "lost": loss.lost,
        "marked_deleted": loss.marked,
        "gone_rate": loss.gone_rate,
    }
    text = (
        f"{loss.lost} records gone and {loss.marked} marked deleted of {loss.live_before} live ones "
        f"({loss.gone_rate:.1%})"
    )
    return text, numbers, tuple({"key": key} for key in loss.lost_keys) or (numbers,)


def _describe_null_rates(profile: Profile) -> tuple[str, dict[str, Number], tuple[Row, ...]]:
    numbers: dict[str, Number] = {f"null_rate {rate.column}": rate.now for rate in profile.null_rates}
    worst = profile.worst_null_rate
    if worst is None:
        return "too few rows, or no earlier batch of the same kind, to compare null rates", numbers, ()
    rows: tuple[Row, ...] = tuple(
        {"column": rate.column, "null_rate": rate.now, "null_rate_before": rate.before}
        for rate in profile.null_rates
        if rate.change is not None and rate.change > MAX_NULL_RATE_CHANGE
    )
    return f"largest change: {worst.column} empty in {worst.now:.1%}, before {worst.before:.1%}", numbers, rows


def _describe_freshness(profile: Profile) -> tuple[str, dict[str, Number], tuple[Row, ...]]:
    limit = MAX_NEWEST_LAG_DAYS[profile.entity]
    lag = profile.newest_lag_days
    if lag is None:
        return "no row says when it was changed", {"limit_days": limit}, ()
    numbers: dict[str, Number] = {"newest_lag_days": lag, "limit_days": limit}
    newest = _manifest(profile).batch_date - timedelta(days=lag)
    return f"the newest change is of {newest}, {lag} days before the night (limit {limit})", numbers, (numbers,)


def _describe_gap(profile: Profile) -> tuple[str, dict[str, Number], tuple[Row, ...]]:
    nights = [night.isoformat() for night in profile.skipped_nights]
    if not nights:
        return "no failed night before it", {"skipped_nights": 0}, ()
    message = f"holds changes only, and those of {', '.join(nights)} are missing; run that night again first"
    return message, {"skipped_nights": len(nights)}, tuple({"night": night} for night in nights)


def _describe_future(profile: Profile) -> tuple[str, dict[str, Number], tuple[Row, ...]]:
    rows: tuple[Row, ...] = tuple(
        {"column": column, "rows": count} for column, count in profile.future.items() if count
    )
    total = sum(profile.future.values())
    named = f": {', '.join(str(row['column']) for row in rows)}" if rows else ""
    numbers: dict[str, Number] = {f"after_night {column}": count for column, count in profile.future.items()}
    return f"{total} dates after the night{named}", numbers, rows


def _describe_unknown_columns(profile: Profile) -> tuple[str, dict[str, Number], tuple[Row, ...]]:
    warnings = _manifest(profile).warnings
    text = "; ".join(warnings) if warnings else "all columns are in the contract"
    return text, {"warnings": len(warnings)}, tuple({"warning": warning} for warning in warnings)


_DESCRIBE: Mapping[str, Describe] = {
    "batch_landed": _describe_landed,
    "batch_accounting": _describe_accounting,
    "batch_quarantine_rate": _describe_quarantine_rate,
    "batch_rows_kept": _describe_rows_kept,
    "batch_quarantined_rows": _describe_quarantined,
    "batch_value_sets": _describe_value_sets,
    "batch_row_drift": _describe_drift,
    "batch_deletions": _describe_deletions,
    "batch_null_rates": _describe_null_rates,
    "batch_freshness": _describe_freshness,
    "batch_no_gap": _describe_gap,
    "batch_future_rows": _describe_future,
    "batch_unknown_columns": _describe_unknown_columns,
}
