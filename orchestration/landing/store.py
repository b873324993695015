"""The landing zone on disk: `<root>/<source>/<entity>/<batch_id>/`, written once, never edited.

Belongs here: writing, finding and verifying batches. Not here: which rows are good (`contract/validation.py`) or which
entities a night must have (`ingest.py`).

A batch becomes visible when its manifest appears, which is the last thing written. Folders without one are leftovers of
a crash: nobody reads them, and their number is not used again. A batch on which a blocking check failed gets a note
beside it and is visible no more. The rows of old batches may lie in a segment (`segments.py`) instead of the batch's
own files; its manifest is the last thing written there too.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from orchestration.contract import contract
from orchestration.contract.validation import QUARANTINE_SCHEMA, ROW_NUMBER, Validated
from orchestration.landing.durable import sha256_of, sync_directory, sync_file, write_durably
from orchestration.landing.manifest import BatchFile, BatchStatus, LandingError, Manifest, Problem
from orchestration.landing.segments import SEGMENT_ID, Segment
from orchestration.sources.base import BatchKind, RawTable, SourceError

DATA = "data.parquet"
QUARANTINE = "quarantine.parquet"
MANIFEST = "manifest.json"
REFUSED = "refused.json"
WITHDRAWN = "withdrawn.json"
DROPPED = "dropped.json"

_BATCH_ID = re.compile(r"(\d{4}-\d{2}-\d{2})\.([1-9]\d*)")
_NAME = re.compile(r"[a-z][a-z0-9_]*")

BATCH_FIELDS = (pa.field("_batch_id", pa.string()), pa.field("_batch_date", pa.date32()))


def data_schema(landed: pa.Schema) -> pa.Schema:
    """Schema of data.parquet: the contract's columns, then `_batch_id`, `_batch_date`, `_row_number`."""
    fields = [field for field in landed if field.name != ROW_NUMBER]
    return pa.schema([*fields, *BATCH_FIELDS, landed.field(ROW_NUMBER)])


def quarantine_schema() -> pa.Schema:
    """Schema of quarantine.parquet: `_batch_id`, `_batch_date`, `_row_number`, then what is wrong."""
    return pa.schema([*BATCH_FIELDS, *QUARANTINE_SCHEMA])


@dataclass(frozen=True)
class _Slot:
    """A batch's name and place before it is written."""

    source: str
    entity: str
    night: date
    attempt: int

    @property
    def batch_id(self) -> str:
        return f"{self.night.isoformat()}.{self.attempt}"


class Landing:
    """Batches under one root folder. One writer at a time; readers need no lock."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def write(self, source: str, night: date, raw: RawTable, validated: Validated) -> Manifest:
        """Store a judged table as the next attempt of `night`.

        Raises LandingError when rows in and rows out do not add up: nothing is stored then.
        """
        rows_landed, rows_quarantined = validated.landed.num_rows, validated.quarantined.num_rows
        if raw.rows_in != rows_landed + rows_quarantined:
            raise LandingError(
                f"{raw.input_name}: {raw.rows_in} rows came in, but {rows_landed} landed and {rows_quarantined} went "
                "to quarantine. Nothing was stored; this is a defect of the program, please report it."
            )
        slot = self._next_slot(source, raw.entity, night)
        supersedes = self._landed_on(source, raw.entity, night)
        files = self._write_files(slot, validated)
        return self._publish(
            slot,
            Manifest(
                source=source,
                entity=raw.entity,
                batch_id=slot.batch_id,
                batch_date=night,
                attempt=slot.attempt,
                kind=raw.kind,
                status=BatchStatus.LANDED,
                supersedes=supersedes,
                landed_at=_now(),
                rows_in=raw.rows_in,
                rows_landed=rows_landed,
                rows_quarantined=rows_quarantined,
                contract_fingerprint=contract().fingerprint,
                input_name=raw.input_name,
                warnings=validated.warnings,
                files=files,
            ),
        )

    def write_failure(self, source: str, night: date, entity: str, error: SourceError) -> Manifest:
        """Record that an input could not be read. The batch holds no data and no dbt run sees it."""
        slot = self._next_slot(source, entity, night)
        self._folder(slot.source, slot.entity, slot.batch_id).mkdir(parents=True)
        return self._publish(
            slot,
            Manifest(
                source=source,
                entity=entity,
                batch_id=slot.batch_id,
                batch_date=night,
                attempt=slot.attempt,
                kind=BatchKind.COMPLETE,
                status=BatchStatus.FAILED,
                supersedes=None,
                landed_at=_now(),
                rows_in=0,
                rows_landed=0,
                rows_quarantined=0,
                contract_fingerprint=contract().fingerprint,
                input_name=error.input_name,
                problem=Problem(rule=error.rule, message=error.message),
            ),
        )

    def manifests(self, source: str, entity: str | None = None) -> list[Manifest]:
        """All finished batches, failed ones too, by entity, date and attempt.

        Raises LandingError when a manifest cannot be read.
        """
        entities = [entity] if entity is not None else self._entities(source)
        return [manifest for name in entities for manifest in self._entity_manifests(source, name)]

    def refuse(self, manifest: Manifest, reasons: Mapping[str, str]) -> None:
        """Keep a landed batch out of every later run, because a blocking check failed on it; `reasons` per check.

        The batch itself stays as it is. Running its night again writes a new attempt, which is judged anew.
        """
        path = self._folder(manifest.source, manifest.entity, manifest.batch_id) / REFUSED
        write_durably(path, (json.dumps({"checks": dict(reasons)}, ensure_ascii=False, indent=2) + "\n").encode())

    def is_refused(self, manifest: Manifest) -> bool:
        """Whether a blocking check failed on the batch."""
        return (self._folder(manifest.source, manifest.entity, manifest.batch_id) / REFUSED).exists()

    def withdraw(self, manifest: Manifest) -> None:
        """Note of a failed attempt that nothing is missing after all: the source does not have the entity."""
        path = self._folder(manifest.source, manifest.entity, manifest.batch_id) / WITHDRAWN
        write_durably(path, (json.dumps({"withdrawn_at": _now()}) + "\n").encode())

    def is_withdrawn(self, manifest: Manifest) -> bool:
        """Whether a failed attempt turned out to lack nothing."""
        return (self._folder(manifest.source, manifest.entity, manifest.batch_id) / WITHDRAWN).exists()

    def drop(self, manifest: Manifest) -> None:
        """Delete the rows of a superseded attempt for good; its manifest stays, with a note that says so."""
        folder = self._folder(manifest.source, manifest.entity, manifest.batch_id)
        write_durably(folder / DROPPED, (json.dumps({"dropped_at": _now()}) + "\n").encode())
        for file in manifest.files:
            (folder / file.name).unlink(missing_ok=True)
        sync_directory(folder)

    def is_dropped(self, manifest: Manifest) -> bool:
        """Whether the rows of the batch were deleted because a later attempt superseded it."""
        return (self._folder(manifest.source, manifest.entity, manifest.batch_id) / DROPPED).exists()

    def visible(self, source: str, as_of: date | None = None, entity: str | None = None) -> list[Manifest]:
        """What a dbt run sees: per entity and date the newest landed attempt that no check refused, up to `as_of`.

        Ordered by entity and date, whatever order the batches arrived in.
        """
        newest = {
            (manifest.entity, manifest.batch_date): manifest
            for manifest in self.manifests(source, entity)
            if manifest.status is BatchStatus.LANDED
            and (as_of is None or manifest.batch_date <= as_of)
            and not self.is_refused(manifest)
        }
        return [newest[key] for key in sorted(newest)]

    def latest_night(self, source: str) -> date | None:
        """The newest date with a landed batch of any entity."""
        nights = [m.batch_date for m in self.manifests(source) if m.status is BatchStatus.LANDED]
        return max(nights, default=None)

    def data_path(self, manifest: Manifest) -> Path:
        """The batch's own file of good rows: of landed batches, until they are compacted (`reading.rows_sql`)."""
        return self._folder(manifest.source, manifest.entity, manifest.batch_id) / DATA

    def quarantine_path(self, manifest: Manifest) -> Path:
        """The batch's own file of rejected rows: of landed batches, until they are compacted (`reading.rows_sql`)."""
        return self._folder(manifest.source, manifest.entity, manifest.batch_id) / QUARANTINE

    def verify(self, manifest: Manifest, content: bool = False) -> None:
        """Check that the batch's files are as they were written: their sizes, and with `content` their SHA-256.

        A compacted batch is read from its segment, so the segment's files are looked at then.
        Raises LandingError naming the file.
        """
        self.verify_all([manifest], content)

    def verify_all(self, manifests: Iterable[Manifest], content: bool = False) -> None:
        """`verify` many batches, each segment once."""
        held: dict[tuple[str, str], Mapping[str, tuple[Segment, int]]] = {}
        seen: set[Path] = set()
        for manifest in manifests:
            key = (manifest.source, manifest.entity)
            if key not in held:
                held[key] = self.segments(*key)
            segment, _ = held[key].get(manifest.batch_id, (None, 0))
            folder = self._folder(*key, manifest.batch_id) if segment is None else self.segment_folder(segment)
            if folder in seen:
                continue
            seen.add(folder)
            for file in manifest.files if segment is None else segment.files:
                _verify_file(folder / file.name, file, content, is_segment=segment is not None)

    def segments(self, source: str, entity: str) -> dict[str, tuple[Segment, int]]:
        """Where compacted batches lie: by batch id, its segment and its number there, counted from 1.

        Raises LandingError when a segment's manifest cannot be read.
        """
        folder = self.root / source / entity
        if not folder.is_dir():
            return {}
        found: dict[str, tuple[Segment, int]] = {}
        for child in sorted(folder.iterdir()):
            path = child / MANIFEST
            if SEGMENT_ID.fullmatch(child.name) and path.exists():
                segment = Segment.from_json(path.read_text(encoding="utf-8"), path)
                found |= {batch: (segment, number) for number, batch in enumerate(segment.batch_ids, start=1)}
        return found

    def segment_folder(self, segment: Segment) -> Path:
        """The folder of a segment."""
        return self._folder(segment.source, segment.entity, segment.segment_id)

    def leftovers(self, source: str) -> list[Path]:
        """Folders that a crash left without a manifest; they can be deleted, and nothing reads them."""
        return [
            folder
            for entity in self._entities(source)
            for folder in sorted((self.root / source / entity).iterdir())
            if folder.is_dir() and not (folder / MANIFEST).exists()
        ]

    def clear_unwritten(self) -> list[Path]:
        """Delete what killed runs were writing when they died: folders that never got a batch's name.

        The caller holds the writer's lock: without it, another run's folder would be taken for a leftover.
        """
        found = sorted(self.root.glob("*/*/.tmp-*"))
        for folder in found:
            shutil.rmtree(folder)
        return found

    def _folder(self, source: str, entity: str, batch_id: str) -> Path:
        return self.root / source / entity / batch_id

    def _entities(self, source: str) -> list[str]:
        folder = self.root / source
        return sorted(child.name for child in folder.iterdir() if child.is_dir()) if folder.is_dir() else []

    def _batches(self, source: str, entity: str) -> list[tuple[str, int]]:
        """(date, attempt) of every batch folder, finished or not."""
        folder = self.root / source / entity
        if not folder.is_dir():
            return []
        matches = (_BATCH_ID.fullmatch(child.name) for child in folder.iterdir())
        return sorted((match[1], int(match[2])) for match in matches if match)

    def _entity_manifests(self, source: str, entity: str) -> Iterable[Manifest]:
        for night, attempt in self._batches(source, entity):
            path = self._folder(source, entity, f"{night}.{attempt}") / MANIFEST
            if path.exists():
                yield Manifest.from_json(path.read_text(encoding="utf-8"), path)

    def _next_slot(self, source: str, entity: str, night: date) -> _Slot:
        for name in (source, entity):
            if not _NAME.fullmatch(name):
                raise LandingError(f"{name!r} cannot name a folder of the landing zone; use a-z, 0-9 and _ only")
        attempts = [attempt for day, attempt in self._batches(source, entity) if day == night.isoformat()]
        return _Slot(source, entity, night, max(attempts, default=0) + 1)

    def _landed_on(self, source: str, entity: str, night: date) -> str | None:
        landed = [
            manifest.batch_id
            for manifest in self._entity_manifests(source, entity)
            if manifest.batch_date == night and manifest.status is BatchStatus.LANDED
        ]
        return landed[-1] if landed else None

    def _write_files(self, slot: _Slot, validated: Validated) -> tuple[BatchFile, ...]:
        target = self._folder(slot.source, slot.entity, slot.batch_id)
        temporary = target.with_name(f".tmp-{slot.batch_id}-{os.getpid()}")
        if temporary.exists():
            shutil.rmtree(temporary)
        temporary.mkdir(parents=True)
        landed = _stamped(validated.landed, slot, data_schema(validated.landed.schema))
        rejected = _stamped(validated.quarantined, slot, quarantine_schema())
        try:
            files = (_write_parquet(temporary / DATA, landed), _write_parquet(temporary / QUARANTINE, rejected))
        except OSError:
            # On a full disk, the half-written file is what others lack the room for.
            shutil.rmtree(temporary)
            raise
        sync_directory(temporary)
        temporary.rename(target)
        sync_directory(target.parent)
        return files

    def _publish(self, slot: _Slot, manifest: Manifest) -> Manifest:
        folder = self._folder(slot.source, slot.entity, slot.batch_id)
        write_durably(folder / MANIFEST, (manifest.to_json() + "\n").encode())
        return manifest


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _stamped(table: pa.Table, slot: _Slot, schema: pa.Schema) -> pa.Table:
    rows = table.num_rows
    table = table.append_column(BATCH_FIELDS[0], pa.repeat(pa.scalar(slot.batch_id, pa.string()), rows))
    table = table.append_column(BATCH_FIELDS[1], pa.repeat(pa.scalar(slot.night, pa.date32()), rows))
    return table.select(schema.names).cast(schema)


def _write_parquet(path: Path, table: pa.Table) -> BatchFile:
    pq.write_table(table, path, compression="zstd")
    sync_file(path)
    return BatchFile(name=path.name, rows=table.num_rows, bytes=path.stat().st_size, sha256=sha256_of(path))


def _verify_file(path: Path, file: BatchFile, content: bool, *, is_segment: bool) -> None:
    advice = "Restore it from a backup, or deliver that night again: a new batch then takes its place."
    if is_segment:
        advice = "Restore it from a backup: it holds the rows of many batches, and they are nowhere else."
    if not path.exists():
        raise LandingError(f"{path} is gone. {advice}")
    size = path.stat().st_size
    if size != file.bytes:
        raise LandingError(f"{path} has {size} bytes instead of the {file.bytes} that were written. {advice}")
    if content and sha256_of(path) != file.sha256:
        raise LandingError(f"{path} does not have the content that was written (its SHA-256 differs). {advice}")
