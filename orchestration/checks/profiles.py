"""What a landed batch looks like in figures: one profile per entity and night, from the manifest and the Parquet files.

Belongs here: measuring. Not here: judging the figures (`batches.py`), or which batch is the yardstick (`history.py`).
All SQL reads the landed files directly; identifiers come from the contract, paths from the landing zone;
everything else is a bound parameter.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import duckdb

from orchestration.checks.catalogue import event_columns, optional_columns
from orchestration.checks.history import lost_limit, quarantine_limit, quarantine_rate
from orchestration.checks.outcome import Number
from orchestration.contract import Column, ColumnType, Entity
from orchestration.landing.manifest import BatchStatus, Manifest
from orchestration.landing.reading import QUARANTINE, row_counts, rows_sql
from orchestration.landing.store import Landing
from orchestration.sources.base import BatchKind

MAX_ROWS = 20
# A mean of fewer nights would call the second night unusual.
MIN_HISTORY = 3
HISTORY = 7
# Tables of a few rows always look unusual.
MIN_ROWS_FOR_DRIFT = 50
# Null rates of fewer rows jump by chance.
MIN_ROWS_FOR_NULL_RATES = 100
# A table that never changed has no spread; without a floor its first new row would be infinitely unusual.
MIN_SPREAD_RATE = 0.01

Row = dict[str, Number]


@dataclass(frozen=True)
class NullRate:
    """Share of nulls of one column, now and in the batch before."""

    column: str
    now: float
    before: float | None

    @property
    def change(self) -> float | None:
        """Absolute change; None when there is nothing to compare with."""
        return None if self.before is None else abs(self.now - self.before)


@dataclass(frozen=True)
class Drift:
    """A number of rows against earlier ones: `ratio` to their mean, `sigmas` of their (floored) spread."""

    mean: float
    ratio: float
    sigmas: float


@dataclass(frozen=True)
class Loss:
    """Live records of the yardstick batch that are not delivered any more (`lost`) or are marked deleted now."""

    batch_id: str
    live_before: int
    lost: int
    marked: int
    lost_keys: tuple[str, ...]

    @property
    def lost_rate(self) -> float:
        """Lost records per live record before."""
        return self.lost / self.live_before if self.live_before else 0.0

    @property
    def gone_rate(self) -> float:
        """Lost or newly marked records per live record before."""
        return (self.lost + self.marked) / self.live_before if self.live_before else 0.0


@dataclass(frozen=True)
class Profile:
    """One entity on one night. `status` is landed, failed, missing (should be there) or absent (need not be).

    Everything below `manifest` is empty unless the batch landed. `newest_lag_days` counts from the newest `updated_at`
    to the night, negative when it is later.
    """

    entity: str
    status: str
    why: str
    manifest: Manifest | None = None
    file_rows: int | None = None
    file_quarantined: int | None = None
    doubled_keys: int = 0
    drift: Drift | None = None
    loss: Loss | None = None
    null_rates: tuple[NullRate, ...] = ()
    newest_lag_days: int | None = None
    future: dict[str, int] = field(default_factory=dict)
    rejected: tuple[Row, ...] = ()
    unknown_values: tuple[Row, ...] = ()
    accepted: str | None = None
    skipped_nights: tuple[date, ...] = ()

    @property
    def landed(self) -> bool:
        """Whether there is a batch to look at."""
        return self.status == "landed"

    @property
    def accounting_gap(self) -> int:
        """Rows that the manifest or the files do not account for; 0 when everything adds up."""
        manifest = self.manifest
        if manifest is None or self.file_rows is None or self.file_quarantined is None:
            return 0
        return (
            abs(manifest.rows_in - manifest.rows_landed - manifest.rows_quarantined)
            + abs(manifest.rows_landed - self.file_rows)
            + abs(manifest.rows_quarantined - self.file_quarantined)
            + self.doubled_keys
        )

    @property
    def worst_null_rate(self) -> NullRate | None:
        """The column whose null rate changed most; None when nothing can be compared."""
        compared = [rate for rate in self.null_rates if rate.change is not None]
        return max(compared, key=lambda rate: rate.change or 0.0, default=None)

    def row(self) -> dict[str, object]:
        """The profile as one row of the frame that Great Expectations judges; None where a figure does not apply."""
        manifest = self.manifest if self.landed else None
        loss, drift, worst = self.loss, self.drift, self.worst_null_rate
        # What a person accepted is shown as it is and judged as good.
        judged = self.accepted is None
        return {
            "entity": self.entity,
            "status": self.status,
            "kind": manifest.kind.value if manifest else None,
            "rows_in": manifest.rows_in if manifest else None,
            "rows_landed": manifest.rows_landed if manifest else None,
            "rows_quarantined": manifest.rows_quarantined if manifest else None,
            "accounting_gap": self.accounting_gap if manifest else None,
            "quarantine_rate": quarantine_rate(manifest) if manifest else None,
            "quarantine_limit": (quarantine_limit(manifest.rows_in) if judged else 1.0) if manifest else None,
            "unknown_values": sum(int(row["rows"] or 0) for row in self.unknown_values) if manifest else None,
            "live_before": loss.live_before if loss else None,
            "lost_rate": loss.lost_rate if loss else None,
            "lost_limit": (lost_limit(loss.live_before) if judged else 1.0) if loss else None,
            "gone_rate": loss.gone_rate if loss and loss.live_before >= MIN_ROWS_FOR_DRIFT else None,
            "drift_ratio": drift.ratio if drift else None,
            "drift_sigmas": drift.sigmas if drift else None,
            "null_rate_change": worst.change if worst else None,
            "null_rate_column": worst.column if worst else None,
            "newest_lag_days": self.newest_lag_days,
            "future_rows": sum(self.future.values()) if manifest else None,
            "warnings": len(manifest.warnings) if manifest else None,
            "skipped_nights": len(self.skipped_nights) if manifest else None,
        }


def drift_of(rows: int, earlier: Sequence[int]) -> Drift | None:
    """How unusual a number of rows is after `earlier` ones; None with too few or too small batches to say."""
    last = list(earlier)[-HISTORY:]
    if len(last) < MIN_HISTORY or statistics.fmean(last) < MIN_ROWS_FOR_DRIFT:
        return None
    mean = statistics.fmean(last)
    spread = max(statistics.stdev(last), MIN_SPREAD_RATE * mean)
    return Drift(mean, rows / mean, (rows - mean) / spread)


def unlanded_profile(entity: Entity, tonight: Manifest | None, last_landed: date | None) -> Profile:
    """The profile of an entity without a landed batch tonight."""
    if tonight is not None:
        problem = tonight.problem
        return Profile(entity.name, "failed", problem.message if problem else "the batch failed", tonight)
    if entity.must_deliver:
        return Profile(
            entity.name, "missing", f"the source must deliver {entity.name}, and there is no batch of the night"
        )
    if last_landed is not None:
        return Profile(entity.name, "missing", f"there is no batch of the night; the last one is of {last_landed}")
    return Profile(entity.name, "absent", "this source does not deliver it")


def landed_profile(
    connection: duckdb.DuckDBPyConnection,
    landing: Landing,
    entity: Entity,
    tonight: Manifest,
    good: Sequence[Manifest],
    before: Manifest | None,
    accepted: str | None,
    skipped_nights: tuple[date, ...] = (),
) -> Profile:
    """Measure tonight's batch. `good` are the complete yardstick batches, `before` the last batch of the same kind.
    `skipped_nights` are nights whose changes are in no visible batch.

    Raises duckdb.IOException when a file that a manifest names is gone.
    """
    assert tonight.status is BatchStatus.LANDED
    figures = _figures(connection, landing, entity, tonight)
    is_complete = tonight.kind is BatchKind.COMPLETE
    comparable = is_complete and bool(good)
    newest = figures["newest"]
    return Profile(
        entity=entity.name,
        status="landed",
        why="landed",
        manifest=tonight,
        file_rows=int(figures["rows"]),
        file_quarantined=_count_quarantined(connection, landing, tonight),
        doubled_keys=int(figures["rows"]) - int(figures["keys"]),
        drift=drift_of(tonight.rows_landed, [batch.rows_landed for batch in good]) if comparable else None,
        loss=_loss(connection, landing, entity, tonight, good[-1]) if comparable else None,
        # The changes of a Sunday and of a Monday are of different kinds; only whole tables can be compared.
        null_rates=_null_rates(connection, landing, entity, figures, before) if is_complete else (),
        newest_lag_days=(tonight.batch_date - newest).days if newest is not None else None,
        future={column: int(figures[f"future_{column}"]) for column in event_columns(entity)},
        rejected=_rejected(connection, landing, tonight),
        unknown_values=_unknown_values(connection, landing, tonight),
        accepted=accepted,
        skipped_nights=skipped_nights,
    )


def _quoted(name: str) -> str:
    return f'"{name}"'


def key_text(entity: Entity, table: str) -> str:
    """SQL of a row's key as one text, the same for landed and for quarantined rows."""
    parts = [f"coalesce(cast({table}.{_quoted(column)} as varchar), '')" for column in entity.key]
    return " || chr(31) || ".join(parts)


def _is_null(column: Column) -> str:
    name = _quoted(column.name)
    return f"({name} is null or len({name}) = 0)" if column.type is ColumnType.IDS else f"{name} is null"


def profile_sql(entity: Entity, rows: str) -> str:
    """One aggregate over landed `rows`, a table expression: rows, keys, nulls per column, newest change, events after
    $night."""
    measures = ["count(*) as rows", f"count(distinct {key_text(entity, 'landed')}) as keys"]
    measures.append(
        f"{'max(cast(updated_at as date))' if entity.has('updated_at') else 'cast(null as date)'} as newest"
    )
    measures += [
        f"count(*) filter ({_is_null(entity.column(column))}) as {_quoted('nulls_' + column)}"
        for column in optional_columns(entity)
    ]
    measures += [
        f"count(*) filter (cast({_quoted(column)} as date) > $night) as {_quoted('future_' + column)}"
        for column in event_columns(entity)
    ]
    # The night is mentioned once more so that entities without events take the same parameters.
    return f"select {', '.join(measures)}, cast($night as date) as night from {rows} as landed"


def _figures(
    connection: duckdb.DuckDBPyConnection, landing: Landing, entity: Entity, manifest: Manifest
) -> dict[str, Any]:
    found = connection.execute(profile_sql(entity, rows_sql(landing, [manifest])), {"night": manifest.batch_date})
    names = [column[0] for column in found.description or ()]
    return dict(zip(names, found.fetchall()[0], strict=True))


def _count_quarantined(connection: duckdb.DuckDBPyConnection, landing: Landing, manifest: Manifest) -> int:
    return row_counts(connection, landing, [manifest], QUARANTINE)[manifest.batch_id]


def _null_rates(
    connection: duckdb.DuckDBPyConnection,
    landing: Landing,
    entity: Entity,
    figures: dict[str, Any],
    before: Manifest | None,
) -> tuple[NullRate, ...]:
    rows = int(figures["rows"])
    if rows < MIN_ROWS_FOR_NULL_RATES:
        return ()
    earlier = None
    if before is not None and before.rows_landed >= MIN_ROWS_FOR_NULL_RATES:
        earlier = _figures(connection, landing, entity, before)
    return tuple(
        NullRate(
            column,
            int(figures[f"nulls_{column}"]) / rows,
            None if earlier is None else int(earlier[f"nulls_{column}"]) / int(earlier["rows"]),
        )
        for column in optional_columns(entity)
    )


def _loss_sql(entity: Entity, before: str, now: str, quarantined: str) -> str:
    """Live records `before` that are not delivered `now`; all three are table expressions."""
    live = "deleted_at is null" if entity.has("deleted_at") else "true"
    return f"""
        with before as (
            select {key_text(entity, "landed")} as key_text
            from {before} as landed
            where {live}
        ),
        delivered as (
            select {key_text(entity, "landed")} as key_text, not ({live}) as is_marked
            from {now} as landed
            union all
            select array_to_string(list_transform(entity_key, lambda part: coalesce(part, '')), chr(31)), false
            from {quarantined}
            where entity_key is not null
        ),
        compared as (
            select
                before.key_text,
                count(delivered.key_text) as times,
                coalesce(bool_and(delivered.is_marked), false) as is_marked
            from before
            left join delivered on before.key_text = delivered.key_text
            group by before.key_text
        )
        select
            count(*) as live_before,
            count(*) filter (times = 0) as lost,
            count(*) filter (times > 0 and is_marked) as marked,
            list(key_text order by key_text) filter (times = 0) as lost_keys
        from compared
    """


def _loss(
    connection: duckdb.DuckDBPyConnection, landing: Landing, entity: Entity, tonight: Manifest, before: Manifest
) -> Loss:
    sql = _loss_sql(
        entity,
        before=rows_sql(landing, [before]),
        now=rows_sql(landing, [tonight]),
        quarantined=rows_sql(landing, [tonight], QUARANTINE),
    )
    [(live_before, lost, marked, keys)] = connection.execute(sql).fetchall()
    shown = tuple(str(key).replace("\x1f", " / ") for key in (keys or [])[:MAX_ROWS])
    return Loss(before.batch_id, int(live_before), int(lost), int(marked), shown)


def _rejected(connection: duckdb.DuckDBPyConnection, landing: Landing, manifest: Manifest) -> tuple[Row, ...]:
    if not manifest.rows_quarantined:
        return ()
    found = connection.execute(
        f"select _row_number, column_name, rule, reason from {rows_sql(landing, [manifest], QUARANTINE)} "
        "order by _row_number limit ?",
        [MAX_ROWS],
    ).fetchall()
    return tuple({"row": row, "column": column, "rule": rule, "reason": reason} for row, column, rule, reason in found)


def _unknown_values(connection: duckdb.DuckDBPyConnection, landing: Landing, manifest: Manifest) -> tuple[Row, ...]:
    if not manifest.rows_quarantined:
        return ()
    found = connection.execute(
        "select column_name, value, count(*) as rows, min(_row_number) as first_row "
        f"from {rows_sql(landing, [manifest], QUARANTINE)} "
        "where rule = 'allowed_values' group by column_name, value order by rows desc, column_name, value limit ?",
        [MAX_ROWS],
    ).fetchall()
    return tuple(
        {"column": column, "value": value, "rows": rows, "first_row": first} for column, value, rows, first in found
    )
