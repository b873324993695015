"""Compaction: the rows of a month's old batches into one segment, each distinct row once, without losing a delivery.

Belongs here: which batches are worth it, writing a segment, proving it, and only then deleting the batches' own files.
Not here: what a segment looks like (`segments.py`), or reading one (`reading.py`).

The order makes a crash harmless. The segment is written aside, compared row for row with the batches' own files, moved
to its place, and named by its manifest, which is the last thing written: from then on its batches are read from it, and
their own files are deleted. Before the manifest nobody reads the segment, after it nobody reads the files. What a crash
left is cleared away by the next compaction. The caller holds the writer's lock.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from orchestration.contract import contract
from orchestration.landing.durable import sha256_of, sync_directory, sync_file, write_durably
from orchestration.landing.index import write_index
from orchestration.landing.manifest import BatchFile, BatchStatus, LandingError, Manifest
from orchestration.landing.reading import expanded_sql
from orchestration.landing.segments import DELIVERIES, FIRST, LAST, ROW, SEGMENT_ID, Segment
from orchestration.landing.store import DATA, MANIFEST, QUARANTINE, Landing
from orchestration.serving.lock import writer_lock
from orchestration.settings import Settings

# One batch alone has nothing to share its rows with.
_FEWEST = 2
_ORIGIN = ("_batch_id", "_batch_date", "_row_number")


@dataclass(frozen=True)
class Group:
    """Batches of one entity and month that become one segment, in order of date and attempt; superseded and refused
    attempts too."""

    source: str
    entity: str
    month: str
    batches: tuple[Manifest, ...]

    @property
    def bytes(self) -> int:
        """Size of the batches' own files."""
        return sum(file.bytes for batch in self.batches for file in batch.files)

    @property
    def rows(self) -> int:
        """Rows delivered in them, good and rejected."""
        return sum(batch.rows_landed + batch.rows_quarantined for batch in self.batches)


@dataclass(frozen=True)
class Compacted:
    """What became of a group: `distinct_rows` are kept, in `bytes`."""

    group: Group
    distinct_rows: int
    bytes: int


Progress = Callable[[Compacted], None]


def compact_landing(
    settings: Settings,
    through: date | None = None,
    on_progress: Progress | None = None,
    on_wait: Callable[[str], None] | None = None,
    *,
    dry_run: bool = False,
) -> list[Compacted]:
    """Compact what the configured source has landed, up to the night `through`, while nothing writes or reads there.

    The default for `through` is the end of the newest month that ended `compact_after_days` before the newest night.
    Raises LockHeldError when another run writes for too long, LandingError as `compact` does.
    """
    landing = Landing(settings.landing_dir)
    work = measure if dry_run else compact
    with ExitStack() as locks:
        locks.enter_context(writer_lock(settings.lock_path, settings.lock_wait_seconds, on_wait))
        if not dry_run:
            # A build of a past day reads landed files without the writer's lock.
            locks.enter_context(writer_lock(settings.as_known_lock_path, settings.lock_wait_seconds, on_wait))
        newest = landing.latest_night(settings.source)
        if newest is None:
            return []
        if not dry_run:
            clear_leftovers(landing, settings.source)
        night = through or last_compacted_night(newest, settings.compact_after_days)
        if not dry_run and not settings.keep_superseded:
            drop_superseded(landing, settings.source, night)
        groups = plan(landing, settings.source, night, keep_superseded=settings.keep_superseded)
        done = work(landing, groups, on_progress, threads=settings.threads, memory_limit=settings.memory_limit)
        if not dry_run:
            # The index of the last build may name files that are gone now.
            write_index(landing, settings.source, newest, settings.warehouse_dir)
    return done


def last_compacted_night(newest: date, after_days: int) -> date:
    """The last day of the newest month that ended at least `after_days` days before the night `newest`."""
    return (newest - timedelta(days=after_days) + timedelta(days=1)).replace(day=1) - timedelta(days=1)


def superseded(landing: Landing, source: str, through: date) -> list[Manifest]:
    """Landed attempts up to the night `through` that a later visible attempt of their night replaced; those with rows
    in files of their own."""
    newest = {(batch.entity, batch.batch_date): batch.attempt for batch in landing.visible(source, through)}
    held = {entity.name: landing.segments(source, entity.name) for entity in contract()}
    return [
        batch
        for batch in landing.manifests(source)
        if batch.status is BatchStatus.LANDED
        and batch.attempt < newest.get((batch.entity, batch.batch_date), 0)
        and batch.batch_id not in held.get(batch.entity, {})
        and not landing.is_dropped(batch)
    ]


def drop_superseded(landing: Landing, source: str, through: date) -> list[Manifest]:
    """Delete the rows of superseded attempts up to the night `through`, for good; their manifests stay."""
    batches = superseded(landing, source, through)
    for batch in batches:
        landing.drop(batch)
    return batches


def plan(landing: Landing, source: str, through: date, *, keep_superseded: bool = True) -> list[Group]:
    """The groups worth compacting among the batches up to the night `through`: two or more of an entity and month that
    lie in files of their own and have the same columns. Superseded attempts are among them if they are kept."""
    groups = []
    left_out = set() if keep_superseded else {(b.entity, b.batch_id) for b in superseded(landing, source, through)}
    for entity in contract():
        held = landing.segments(source, entity.name)
        own = [
            batch
            for batch in landing.manifests(source, entity.name)
            if batch.status is BatchStatus.LANDED
            and batch.batch_date <= through
            and batch.batch_id not in held
            and (entity.name, batch.batch_id) not in left_out
            and not landing.is_dropped(batch)
        ]
        months: dict[tuple[str, str], list[Manifest]] = {}
        for batch in own:
            # Batches from before a change of the contract may have other columns; a row of theirs is another row.
            months.setdefault((batch.batch_date.strftime("%Y-%m"), batch.contract_fingerprint), []).append(batch)
        groups += [
            Group(source, entity.name, month, tuple(batches))
            for (month, _), batches in sorted(months.items())
            if len(batches) >= _FEWEST
        ]
    return groups


def compact(
    landing: Landing,
    groups: Sequence[Group],
    on_progress: Progress | None = None,
    *,
    threads: int | None = None,
    memory_limit: str | None = None,
) -> list[Compacted]:
    """Compact the groups, one segment each.

    The caller has called `clear_leftovers`.
    Raises LandingError when a batch's own file is not as it was written, or a segment would not hold exactly its rows:
    then that segment is not used, and every batch keeps its files.
    """
    done = []
    for group in groups:
        landing.verify_all(group.batches, content=True)
        segment_id = _next_segment_id(landing, group)
        target = landing.root / group.source / group.entity / segment_id
        temporary = target.with_name(f".tmp-{segment_id}")
        temporary.mkdir()
        try:
            result = _write(landing, group, temporary, threads, memory_limit)
        except BaseException:
            shutil.rmtree(temporary)
            raise
        files = tuple(_described(temporary / name) for name in (DATA, QUARANTINE))
        sync_directory(temporary)
        temporary.rename(target)
        sync_directory(target.parent)
        segment = Segment(
            group.source,
            group.entity,
            segment_id,
            datetime.now(UTC).isoformat(timespec="seconds"),
            tuple(batch.batch_id for batch in group.batches),
            files,
        )
        write_durably(target / MANIFEST, (segment.to_json() + "\n").encode())
        _delete_own_files(landing, group.batches)
        done.append(result)
        if on_progress is not None:
            on_progress(result)
    return done


def measure(
    landing: Landing,
    groups: Sequence[Group],
    on_progress: Progress | None = None,
    *,
    threads: int | None = None,
    memory_limit: str | None = None,
) -> list[Compacted]:
    """What `compact` would do, by doing it in a temporary folder; nothing in the landing zone changes."""
    done = []
    for group in groups:
        with TemporaryDirectory(prefix=".compact-", dir=landing.root) as folder:
            done.append(_write(landing, group, Path(folder), threads, memory_limit))
        if on_progress is not None:
            on_progress(done[-1])
    return done


def clear_leftovers(landing: Landing, source: str) -> list[Path]:
    """Delete what killed compactions left: unfinished segments, and own files of batches that a segment
    holds or that were dropped."""
    cleared = []
    for folder in landing.leftovers(source):
        if SEGMENT_ID.fullmatch(folder.name.removeprefix(".tmp-")):
            shutil.rmtree(folder)
            cleared.append(folder)
    for folder in landing.root.glob(".compact-*"):
        shutil.rmtree(folder)
        cleared.append(folder)
    twice = held_twice(landing, source)
    landing.verify_all(twice)
    cleared += _delete_own_files(landing, twice)
    for batch in landing.manifests(source):
        if landing.is_dropped(batch) and any(path.exists() for path in _own_files(landing, batch)):
            landing.drop(batch)
    return cleared


def held_twice(landing: Landing, source: str) -> list[Manifest]:
    """Compacted batches whose own files a killed compaction did not come to delete."""
    found = []
    for entity in contract():
        held = landing.segments(source, entity.name)
        compacted = [batch for batch in landing.manifests(source, entity.name) if batch.batch_id in held]
        found += [batch for batch in compacted if any(path.exists() for path in _own_files(landing, batch))]
    return found


def _next_segment_id(landing: Landing, group: Group) -> str:
    folder = landing.root / group.source / group.entity
    matches = (SEGMENT_ID.fullmatch(child.name) for child in folder.iterdir())
    numbers = [int(match[2]) for match in matches if match and match[1] == group.month]
    return f"compacted-{group.month}.{max(numbers, default=0) + 1}"


def _own_files(landing: Landing, batch: Manifest) -> tuple[Path, Path]:
    return landing.data_path(batch), landing.quarantine_path(batch)


def _delete_own_files(landing: Landing, batches: Sequence[Manifest]) -> list[Path]:
    deleted = []
    for batch in batches:
        for path in _own_files(landing, batch):
            if path.exists():
                path.unlink()
                deleted.append(path)
        sync_directory(landing.data_path(batch).parent)
    return deleted


def _described(path: Path) -> BatchFile:
    return BatchFile(path.name, pq.read_metadata(path).num_rows, path.stat().st_size, sha256_of(path))


def _write(landing: Landing, group: Group, folder: Path, threads: int | None, memory_limit: str | None) -> Compacted:
    rows = 0
    with duckdb.connect(":memory:") as connection:
        connection.execute("set temp_directory = ?", [str(folder / "spill")])
        if threads is not None:
            connection.execute("set threads = ?", [threads])
        if memory_limit is not None:
            connection.execute("set memory_limit = ?", [memory_limit])
        for file in (DATA, QUARANTINE):
            sources = [landing.data_path(batch).with_name(file) for batch in group.batches]
            content = _content_columns(group, sources)
            connection.execute(_numbered_sql(group, sources))
            target = folder / file
            connection.execute(f"copy ({_segment_sql(content)}) to '{_escaped(target)}' (format parquet, codec zstd)")
            _prove(connection, group, content, sources, target)
            rows += pq.read_metadata(target).num_rows
            sync_file(target)
    shutil.rmtree(folder / "spill", ignore_errors=True)
    return Compacted(group, rows, sum((folder / file).stat().st_size for file in (DATA, QUARANTINE)))


def _content_columns(group: Group, sources: Sequence[Path]) -> list[str]:
    """The columns that make a row what it is; LandingError when the files do not have the same ones."""
    schemas: list[pa.Schema] = [pq.read_schema(path) for path in sources]
    if any(not schema.equals(schemas[0]) for schema in schemas):
        raise LandingError(
            f"{group.entity} of {group.month}: batches under one contract have different columns. Nothing was "
            "compacted; this is a defect of the program, please report it."
        )
    return [name for name in schemas[0].names if name not in _ORIGIN]


def _numbered_sql(group: Group, sources: Sequence[Path]) -> str:
    """A temporary table of all deliveries: the row, its batch's number in the segment, its row number."""
    numbers = ", ".join(f"('{batch.batch_id}', {number})" for number, batch in enumerate(group.batches, start=1))
    files = ", ".join(f"'{_escaped(path)}'" for path in sources)
    return f"""
        create or replace temporary table arrived as
        select arrived.* exclude (_batch_id, _batch_date), batches.number as _number
        from read_parquet([{files}]) as arrived
        inner join (values {numbers}) as batches(batch_id, number) on arrived._batch_id = batches.batch_id
    """


def _segment_sql(content: Sequence[str]) -> str:
    """Each distinct row with its deliveries as runs of consecutive batches in which it had the same row number.

    The row is grouped by its columns themselves, so that two different rows can never become one.
    """
    columns = ", ".join(_quoted(name) for name in content)
    return f"""
        with versions as (
            select {columns}, list({{'number': _number, 'row': _row_number}}) as delivered
            from arrived
            group by {columns}
        ),
        numbered as (
            select *, row_number() over () as _version
            from versions
        ),
        deliveries as (
            select _version, unnest(delivered, recursive := true)
            from numbered
        ),
        -- The same row twice in one batch under one number would still be two.
        told_apart as (
            select _version, "row", number, row_number() over (partition by _version, "row", number) as twin
            from deliveries
        ),
        in_runs as (
            select
                _version, "row", number, twin,
                number - row_number() over (partition by _version, "row", twin order by number) as run
            from told_apart
        ),
        runs as (
            select _version, "row", min(number) as first_number, max(number) as last_number
            from in_runs
            group by _version, "row", twin, run
        ),
        lists as (
            select
                _version,
                list(
                    {{
                        '{FIRST}': cast(first_number as integer),
                        '{LAST}': cast(last_number as integer),
                        '{ROW}': "row"
                    }}
                    order by first_number, "row"
                ) as {DELIVERIES}
            from runs
            group by _version
        )
        select {", ".join("numbered." + _quoted(name) for name in content)}, lists.{DELIVERIES}
        from numbered
        inner join lists on numbered._version = lists._version
        order by lists.{DELIVERIES}[1].{FIRST}, lists.{DELIVERIES}[1].{ROW}
    """


def _prove(
    connection: duckdb.DuckDBPyConnection, group: Group, content: Sequence[str], sources: Sequence[Path], target: Path
) -> None:
    """Compare every batch as the segment gives it with the batch's own file: columns, types, every row, how often."""
    columns = ", ".join(_quoted(name) for name in (*content, *_ORIGIN))
    for number, (batch, path) in enumerate(zip(group.batches, sources, strict=True), start=1):
        kept = expanded_sql([(str(target), number, batch.batch_id, batch.batch_date.isoformat())])
        sides = [f"select {columns} from {kept}", f"select {columns} from read_parquet('{_escaped(path)}')"]
        types = [connection.execute(f"describe {side}").fetchall() for side in sides]
        [(differing,)] = connection.execute(
            f"select count(*) from ((({sides[0]}) except all ({sides[1]})) "
            f"union all (({sides[1]}) except all ({sides[0]})))"
        ).fetchall()
        if differing or types[0] != types[1]:
            raise LandingError(
                f"{group.entity} {batch.batch_id}: the segment would not give back exactly what {path} holds "
                f"({differing} rows differ). Nothing was deleted; this is a defect of the program, please report it."
            )


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _escaped(path: Path) -> str:
    return str(path).replace("'", "''")
