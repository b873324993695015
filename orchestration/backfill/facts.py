"""What a backfill's plan is made from: the landing zone, the source, the publication, and Dagster's record of runs.

Belongs here: looking; nothing is changed. Not here: what follows from it (`plan.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from orchestration.backfill.months import MonthRange
from orchestration.backfill.plan import Plan, Timings, nights_to_ask
from orchestration.sources.base import PastNights, Source

if TYPE_CHECKING:
    import dagster as dg

    from orchestration.landing.store import Landing

# What a row of a mart is about, best first; dimensions are not about a month.
_DATE_COLUMNS = ("month_date", "as_of_date", "occurred_date", "event_date", "created_date", "period_date")
_STEPS = ("landing", "batch_checks", "warehouse", "mart_checks", "published__marts")
_RANGE_TAGS = ("dagster/asset_partition_range_start", "dagster/asset_partition_range_end")


def make_plan(
    landing: Landing,
    source: Source,
    marts_path: Path,
    months: MonthRange,
    newest: date,
    timings: Timings | None,
    *,
    reingest: bool,
) -> Plan:
    """Look at everything. Raises BackfillError when there is nothing to ask the source for, though asked to."""
    landed = {manifest.batch_date for manifest in landing.visible(source.name)}
    ask: tuple[date, ...] = ()
    if reingest:
        ask = nights_to_ask(months, available_nights(source, months), newest, source.name)
    in_range = tuple(sorted(night for night in landed if months.first <= night <= months.last_night))
    return Plan(months, ask, in_range, rows_in_range(marts_path, months), timings)


def available_nights(source: Source, months: MonthRange) -> frozenset[date] | None:
    """The nights of these months that the source can give as they were; None when it only knows its present state."""
    if not isinstance(source, PastNights):
        return None
    nights = source.nights_between(months.first, months.last_night)
    return None if nights is None else frozenset(nights)


def rows_in_range(marts_path: Path, months: MonthRange) -> dict[str, int] | None:
    """Published rows of these months per mart that is about months or days; None when nothing is published."""
    import duckdb

    if not marts_path.exists():
        return None
    with duckdb.connect(marts_path, read_only=True) as connection:
        found = connection.execute(
            "select table_name, list(column_name) from duckdb_columns() "
            "where schema_name = 'main' and data_type = 'DATE' "
            "and (table_name like 'fct\\_%' escape '\\' or table_name like 'kpi\\_%' escape '\\') group by table_name"
        ).fetchall()
        dated = {
            str(mart): column
            for mart, columns in sorted(found)
            if (column := next((name for name in _DATE_COLUMNS if name in columns), None)) is not None
        }
        rows = {}
        for mart, column in dated.items():
            counted = connection.execute(
                f'select count(*) from main."{mart}" where "{column}" between ? and ?',
                [months.first, months.last_night],
            ).fetchall()
            rows[mart] = int(counted[0][0])
    return rows


def last_timings(instance: dg.DagsterInstance, jobs: tuple[str, ...]) -> Timings | None:
    """The seconds of the last of these jobs' runs that landed, built and published; None when there is none."""
    import dagster as dg

    for record in instance.get_run_records(
        filters=dg.RunsFilter(statuses=[dg.DagsterRunStatus.SUCCESS]), limit=50, order_by="id"
    ):
        run = record.dagster_run
        if run.job_name not in jobs:
            continue
        seconds = {
            step.step_key: step.end_time - step.start_time
            for step in instance.get_run_step_stats(run.run_id)
            if step.step_key in _STEPS and step.end_time is not None and step.start_time is not None
        }
        if len(seconds) == len(_STEPS):
            nights, what = _nights_of(run.tags)
            return Timings(
                f"{run.job_name} run {run.run_id[:8]} of {what}", nights, *(seconds[step] for step in _STEPS)
            )
    return None


def _nights_of(tags: Mapping[str, str]) -> tuple[int, str]:
    """How many nights a run landed, and which."""
    first, last = (tags.get(tag) for tag in _RANGE_TAGS)
    if first is None or last is None:
        return 1, tags.get("dagster/partition", "one night")
    return (date.fromisoformat(last) - date.fromisoformat(first)).days + 1, f"{first} to {last}"
