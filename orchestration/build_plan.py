"""Decides how a build goes: everything anew, or only what changed since the build before; and remembers what was built.

Belongs here: the warehouse's record of its last finished build, and the conditions under which it may be brought up to
date from changes. Not here: finding the changed records (`landing/changes.py`), or bringing tables up to date
(`dbt_project/macros/changes.sql`).

The record is taken away before dbt starts and written again when the gate is open. A build that was killed, failed or
did not pass its tests leaves none, and the next one builds everything: slower, and right whatever was left behind.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from orchestration.contract import contract
from orchestration.dbt_run import dbt_paths, last_invocation, project_fingerprint
from orchestration.landing import changes
from orchestration.landing.changes import Batch, EntityBatches, lost_records, record_changes
from orchestration.settings import Settings

if TYPE_CHECKING:
    import duckdb

EVERYTHING, CHANGES = "everything", "changes"

_SCHEMA = "changes"
_BUILT = f"{_SCHEMA}._built"
_APPLIED = f"{_SCHEMA}._applied"
_RECORDS = f"{_SCHEMA}._records"
_BUILD = f"{_SCHEMA}._build"
_INDEX_COLUMNS = (
    "entity, batch_id, batch_date, batch_seq, kind, known_at, segment_number, data_path, quarantine_path, "
    "rows_landed, rows_quarantined"
)


@dataclass(frozen=True)
class BuildPlan:
    """`mode` is EVERYTHING or CHANGES; `reason` says why everything, and is empty for changes."""

    mode: str
    reason: str
    records: Mapping[str, int]
    """Changed records per entity; empty when everything is built."""

    def describe(self) -> str:
        """What is built, in a few words."""
        if self.mode == EVERYTHING:
            return f"everything: {self.reason}"
        changed = sum(self.records.values())
        return f"from {changed:,} changed record{'' if changed == 1 else 's'}"


@dataclass(frozen=True)
class Built:
    """What the last finished build was made of. `project` is the fingerprint of models, rules and settings."""

    as_of: date
    project: str
    contract: str
    invocation: str
    """dbt's own id of its run. Another run since then, by hand, has left tables that do not follow from each other."""


def everything(reason: str) -> BuildPlan:
    """A plan that builds everything."""
    return BuildPlan(EVERYTHING, reason, {})


def why_everything(built: Built | None, wanted: Built) -> str | None:
    """Why changes alone would not do; None when they do."""
    if built is None:
        return "no finished build to start from"
    if built.contract != wanted.contract:
        return "the source contract changed"
    if built.project != wanted.project:
        return "the models, rules or settings changed"
    if built.invocation != wanted.invocation:
        return "dbt was run by hand since the last build"
    if wanted.as_of < built.as_of:
        return f"the last build was as of {built.as_of}, which is later"
    return None


def built_now(settings: Settings, as_of: date) -> Built:
    """What a build is made of now, with the last dbt run there was."""
    invocation = last_invocation(dbt_paths(settings).run_results)
    return Built(as_of, f"{project_fingerprint(settings)} {_code()}", contract().fingerprint, invocation)


def _code() -> str:
    """A digest of the modules that say what changed: another answer to that needs a build of everything."""
    digest = hashlib.sha256()
    for path in (Path(__file__), Path(changes.__file__)):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def prepare(settings: Settings, wanted: Built, *, only_everything: str | None = None) -> BuildPlan:
    """Plan the build and take the warehouse's record of a finished build away. The caller holds the writer lock.

    `wanted` names the last dbt run there was. `only_everything` gives a reason to build everything whatever is there.
    Leaves schema `changes` with the changed records and the build's instants where the plan is CHANGES, and without it
    otherwise.
    """
    if not settings.warehouse_path.exists():
        return everything(only_everything or "there is no warehouse yet")
    with open_warehouse(settings) as connection:
        return plan_build(connection, settings.landing_index_path, wanted, only_everything)


def plan_build(
    connection: duckdb.DuckDBPyConnection, index_path: Path, wanted: Built, only_everything: str | None = None
) -> BuildPlan:
    """`prepare` on an open warehouse."""
    built = _read_built(connection)
    reason = only_everything or why_everything(built, wanted)
    if reason is not None or built is None:
        plan = everything(reason or "no finished build to start from")
    else:
        plan = _changes(connection, index_path, built, wanted.as_of)
    if plan.mode == EVERYTHING:
        connection.execute(f"drop schema if exists {_SCHEMA} cascade")
    return plan


def finish(settings: Settings, built: Built) -> None:
    """Record that everything was built and passed, from the batches of the index. The caller holds the writer lock."""
    with open_warehouse(settings) as connection:
        record_built(connection, settings.landing_index_path, built)


def open_warehouse(settings: Settings) -> duckdb.DuckDBPyConnection:
    """The warehouse file for writing, within the limits of the settings."""
    import duckdb

    limits: dict[str, str | bool | int | float | list[str]] = {
        "threads": settings.threads,
        "memory_limit": settings.memory_limit,
        "temp_directory": str(settings.warehouse_dir / "spill"),
    }
    return duckdb.connect(settings.warehouse_path, config=limits)


def record_built(connection: duckdb.DuckDBPyConnection, index_path: Path, built: Built) -> None:
    """`finish` on an open warehouse."""
    connection.execute(f"create schema if not exists {_SCHEMA}")
    connection.execute("begin")
    connection.execute(
        f"create or replace table {_APPLIED} as select {_INDEX_COLUMNS} from read_parquet($index)",
        {"index": str(index_path)},
    )
    connection.execute(
        f"create or replace table {_BUILT} as select "
        "cast($as_of as date) as as_of, cast($project as varchar) as project, "
        "cast($contract as varchar) as contract, cast($invocation as varchar) as invocation",
        {
            "as_of": built.as_of,
            "project": built.project,
            "contract": built.contract,
            "invocation": built.invocation,
        },
    )
    connection.execute("commit")


def _read_built(connection: duckdb.DuckDBPyConnection) -> Built | None:
    found = connection.execute(
        "select count(*) from duckdb_tables() where database_name = current_database() "
        "and schema_name = 'changes' and table_name in ('_built', '_applied')"
    ).fetchall()
    if found[0][0] != 2:
        return None
    rows = connection.execute(f"select as_of, project, contract, invocation from {_BUILT}").fetchall()
    return Built(*rows[0]) if rows else None


def _batches(connection: duckdb.DuckDBPyConnection, relation: str, index: Path | None = None) -> dict[str, list[Batch]]:
    found: dict[str, list[Batch]] = defaultdict(list)
    parameters = {} if index is None else {"index": str(index)}
    rows = connection.execute(
        f"select {_INDEX_COLUMNS} from {relation} order by entity, batch_seq", parameters
    ).fetchall()
    for row in rows:
        batch = Batch(*row)
        found[batch.entity].append(batch)
    return found


def _changes(connection: duckdb.DuckDBPyConnection, index_path: Path, built: Built, as_of: date) -> BuildPlan:
    applied = _batches(connection, _APPLIED)
    visible = _batches(connection, "read_parquet($index)", index_path)
    compared = {
        entity: EntityBatches(
            _as_they_lie_now(applied.get(entity, ()), visible.get(entity, ())), tuple(visible.get(entity, ()))
        )
        for entity in {*applied, *visible}
    }
    lost = [
        batch.data_path
        for batches in compared.values()
        for batch in batches.removed
        if not Path(batch.data_path).exists()
    ]
    if lost:
        return everything(f"{len(lost)} batches of the last build are no longer there, the first at {lost[0]}")
    for entity in contract():
        if entity.name in compared and (count := lost_records(connection, entity, compared[entity.name])):
            return everything(f"{count} record(s) of {entity.name} are in no batch any more")
    connection.execute("begin")
    connection.execute(f"drop table {_BUILT}")
    _drop_changed_rows(connection)
    connection.execute(f"create or replace table {_RECORDS} (entity varchar, _record_key varchar)")
    connection.execute(
        f"create or replace table {_BUILD} as select "
        "cast($before as date) + interval 1 day as previous_as_of_end, "
        "cast($as_of as date) + interval 1 day as as_of_end",
        {"before": built.as_of, "as_of": as_of},
    )
    for entity in contract():
        if entity.name in compared and compared[entity.name].is_changed:
            record_changes(connection, entity, compared[entity.name], _RECORDS)
    connection.execute("commit")
    counted = connection.execute(
        f"select entity, count(distinct _record_key) from {_RECORDS} group by entity order by entity"
    ).fetchall()
    return BuildPlan(CHANGES, "", dict(counted))


def _as_they_lie_now(applied: Sequence[Batch], visible: Sequence[Batch]) -> tuple[Batch, ...]:
    """Compaction may have moved a batch since it was built from."""
    now = {batch.batch_id: batch for batch in visible}
    return tuple(now.get(batch.batch_id, batch) for batch in applied)


def _drop_changed_rows(connection: duckdb.DuckDBPyConnection) -> None:
    """Forget the changed rows of the build before: a model that is not built must not find them."""
    names = connection.execute(
        "select table_name from duckdb_tables() where database_name = current_database() "
        "and schema_name = 'changes' and not starts_with(table_name, '_')"
    ).fetchall()
    for (name,) in names:
        connection.execute(f'drop table {_SCHEMA}."{name}"')
