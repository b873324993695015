"""Which records the batches of a build brought, changed or took away, since the build before.

Belongs here: comparing newly visible batches with those already built from. Not here: what a build does with the
records (`dbt_project/macros/changes.sql`), or when it may rely on them (`build_plan.py`).

A record that is named here without need costs a little work; one that is left out would leave a wrong number. Batches
mostly come after those already built from; where one was replaced or arrived late, what followed the batches in common
is compared with them twice: as it was, and as it is now.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import takewhile

import duckdb

from orchestration.contract import Entity
from orchestration.landing.reading import expanded_sql, files_sql

COMPLETE = "complete"


@dataclass(frozen=True)
class Batch:
    """One line of the landing index: a visible batch of one entity. `batch_seq` counts from 1 within the entity.

    `segment_number` is the batch's number in the segment that the paths name; None where they are files of its own.
    """

    entity: str
    batch_id: str
    batch_date: date
    batch_seq: int
    kind: str
    known_at: datetime
    segment_number: int | None
    data_path: str
    quarantine_path: str
    rows_landed: int
    rows_quarantined: int


@dataclass(frozen=True)
class EntityBatches:
    """An entity's batches as the last build knew them (`applied`) and as they are now (`visible`), oldest first."""

    applied: tuple[Batch, ...]
    visible: tuple[Batch, ...]

    @property
    def removed(self) -> tuple[Batch, ...]:
        """Batches that the last build saw and that are visible no more: superseded, or refused."""
        still = {batch.batch_id for batch in self.visible}
        return tuple(batch for batch in self.applied if batch.batch_id not in still)

    @property
    def is_changed(self) -> bool:
        """Whether anything came or went."""
        return [batch.batch_id for batch in self.applied] != [batch.batch_id for batch in self.visible]

    @property
    def tails(self) -> tuple[tuple[Batch, ...], tuple[Batch, ...]]:
        """What follows the batches that both begin with: as the last build saw it, and as it is now."""
        common = self._common()
        return self.applied[common:], self.visible[common:]

    @property
    def base(self) -> tuple[Batch, ...] | None:
        """Those of the common batches that hold the last delivery of every record there was: the last complete one and
        those after it. None when no common batch is complete."""
        common = self.visible[: self._common()]
        completes = [place for place, batch in enumerate(common) if batch.kind == COMPLETE]
        return common[completes[-1] :] if completes else None

    def _common(self) -> int:
        pairs = zip(self.applied, self.visible, strict=False)
        return sum(1 for _ in takewhile(lambda pair: pair[0].batch_id == pair[1].batch_id, pairs))


def record_changes(connection: duckdb.DuckDBPyConnection, entity: Entity, batches: EntityBatches, target: str) -> None:
    """Add the entity's changed records to the table `target` (entity, _record_key); a record may be added twice.

    A record that neither the old tail nor the new one changed is as the common batches left it, in both.
    """
    base = batches.base
    if base is None:
        all_batches = (*batches.visible, *batches.removed)
        _insert_delivered(connection, entity, all_batches, target)
        _insert_rejected(connection, entity, all_batches, target)
        return
    for tail in batches.tails:
        _insert_compared(connection, entity, base, tail, target)
        _insert_rejected(connection, entity, (*base, *tail), target)


def lost_records(connection: duckdb.DuckDBPyConnection, entity: Entity, batches: EntityBatches) -> int:
    """How many records were landed by a batch that is visible no more, and by none that is.

    Such a record leaves core as if it had never been there, and rows that refer to it then refer to nothing.
    """
    removed = [batch for batch in batches.removed if batch.rows_landed]
    if not removed:
        return 0
    key = record_key_sql(entity)
    still_there = [batch for batch in batches.visible if batch.rows_landed]
    kept = f" except select {key} from {landed_sql(still_there)}" if still_there else ""
    found = connection.execute(f"select count(*) from (select {key} from {landed_sql(removed)}{kept})").fetchall()
    return int(found[0][0])


def record_key_sql(entity: Entity) -> str:
    """The record key of a landed row, as `macros/versions.sql` writes it."""
    if len(entity.key) == 1:
        return f'cast("{entity.key[0]}" as varchar)'
    return " || chr(31) || ".join(f"coalesce(cast(\"{part}\" as varchar), '')" for part in entity.key)


def rejected_key_sql(entity: Entity) -> str:
    """The record key of a rejected row, from the texts of its key columns."""
    parts = []
    for place, name in enumerate(entity.key, start=1):
        given, sql_type = f"entity_key[{place}]", entity.column(name).duckdb_type
        read = f"coalesce(cast(try_cast({given} as {sql_type}) as varchar), {given})"
        parts.append(given if sql_type == "VARCHAR" else read)
    return parts[0] if len(parts) == 1 else " || chr(31) || ".join(f"coalesce({part}, '')" for part in parts)


def landed_sql(batches: Sequence[Batch]) -> str:
    """A table expression of the good rows of batches, wherever they lie; at least one batch has some."""
    return _rows_sql([(batch, batch.data_path) for batch in batches if batch.rows_landed])


def rejected_sql(batches: Sequence[Batch]) -> str:
    """A table expression of the rejected rows of batches, wherever they lie; at least one batch has some."""
    return _rows_sql([(batch, batch.quarantine_path) for batch in batches if batch.rows_quarantined])


def _rows_sql(places: Sequence[tuple[Batch, str]]) -> str:
    own = [path for batch, path in places if batch.segment_number is None]
    shared = [
        (path, batch.segment_number, batch.batch_id, batch.batch_date.isoformat())
        for batch, path in places
        if batch.segment_number is not None
    ]
    parts = ([files_sql(own)] if own else []) + ([expanded_sql(shared)] if shared else [])
    return parts[0] if len(parts) == 1 else f"(select * from {parts[0]} union all by name select * from {parts[1]})"


def compared_sql(entity: Entity, landed: str, target: str) -> str:
    """Records whose new row differs from the last applied one, new records, and those that a complete batch lacks.

    `landed` is a table expression of the rows; needs the table `batches` (batch_id, batch_seq, kind, observed_at,
    is_new). A row whose updated_at or deleted_at lay ahead of its batch's clock is judged anew by every later batch, so
    it counts as changed.
    """
    claims = [name for name in ("updated_at", "deleted_at") if entity.has(name)]
    ahead = "".join(f" or delivered.{name} > applied.observed_at" for name in claims)
    claimed = "".join(f"landed.{name},\n                " for name in claims)
    content = ", ".join(f'landed."{name}"' for name in entity.column_names)
    return f"""
        insert into {target}
        with delivered as (
            select
                {record_key_sql(entity)} as _record_key,
                hash({content}) as content,
                {claimed}landed._row_number,
                batches.batch_seq,
                batches.kind,
                batches.observed_at,
                batches.is_new
            from {landed} as landed
            inner join batches on landed._batch_id = batches.batch_id
        ),
        applied as (
            select
                _record_key,
                max_by(content, (batch_seq, _row_number)) as content,
                max_by(observed_at, (batch_seq, _row_number)) as observed_at
            from delivered
            where not is_new
            group by _record_key
        ),
        changed as (
            select delivered._record_key
            from delivered
            left join applied on delivered._record_key = applied._record_key
            where
                delivered.is_new
                and (applied._record_key is null or delivered.content <> applied.content{ahead})
        ),
        new_completes as (
            select batch_seq from batches where is_new and kind = '{COMPLETE}'
        ),
        presences as (
            select
                _record_key,
                min(batch_seq) as first_seq,
                count(distinct case when is_new and kind = '{COMPLETE}' then batch_seq end) as completes
            from delivered
            group by _record_key
        ),
        gone as (
            select presences._record_key
            from presences
            inner join new_completes on presences.first_seq <= new_completes.batch_seq
            group by presences._record_key, presences.completes
            having count(*) > presences.completes
        )
        select '{entity.name}', _record_key from changed
        union
        select '{entity.name}', _record_key from gone
    """


def _insert_compared(
    connection: duckdb.DuckDBPyConnection,
    entity: Entity,
    applied: Sequence[Batch],
    added: Sequence[Batch],
    target: str,
) -> None:
    has_rows = any(batch.rows_landed for batch in (*applied, *added))
    says_something = any(batch.rows_landed or batch.kind == COMPLETE for batch in added)
    if not (has_rows and says_something):
        return
    connection.execute(
        "create or replace temp table batches "
        "(batch_id varchar, batch_seq integer, kind varchar, observed_at timestamp, is_new boolean)"
    )
    is_new = {batch.batch_id for batch in added}
    connection.executemany(
        "insert into batches values ($1, $2, $3, cast($4 as timestamp) - interval 1 microsecond, $5)",
        [
            [batch.batch_id, batch.batch_seq, batch.kind, batch.known_at, batch.batch_id in is_new]
            for batch in (*applied, *added)
        ],
    )
    landed = landed_sql([*applied, *added])
    if all(batch.kind != COMPLETE for batch in added):
        # Only a complete batch says something about records that it does not hold.
        key = record_key_sql(entity)
        landed = f"(select * from {landed} where {key} in (select {key} from {landed_sql(added)}))"
    connection.execute(compared_sql(entity, landed, target))


def _insert_delivered(
    connection: duckdb.DuckDBPyConnection, entity: Entity, batches: Sequence[Batch], target: str
) -> None:
    if any(batch.rows_landed for batch in batches):
        connection.execute(
            f"insert into {target} select distinct '{entity.name}', {record_key_sql(entity)} from {landed_sql(batches)}"
        )


def _insert_rejected(
    connection: duckdb.DuckDBPyConnection, entity: Entity, batches: Sequence[Batch], target: str
) -> None:
    if any(batch.rows_quarantined for batch in batches):
        connection.execute(
            f"insert into {target} select distinct '{entity.name}', {rejected_key_sql(entity)} "
            f"from {rejected_sql(batches)} where entity_key is not null"
        )
