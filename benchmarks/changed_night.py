"""What a night that changes little costs, against a build of everything, at several sizes of history.

Belongs here: making the night, the plan of the measurement, its table. Not here: measuring itself (`measure.py`).

Usage: `.venv/bin/python -m benchmarks.changed_night [--scales 1 5] [--start 2024-10-01] [--copies 1]
[--night 2026-03-18] [--share 0.001] [--reach 60] [--repeats 3] [--keep FOLDER]`. For every scale the demo company's
whole history lands as one complete batch and is built. Then a made-up night edits the given share of the rows of
everything that changes in a CRM, and is built from changes. The history's own build is the first one of everything;
for each further one a copy of the same warehouse is built anew. The edited rows are any that were last written in the
days of `--reach`; 0 takes them from all of history, which touches every month. An earlier `--start` makes the history
longer and leaves the company as large. `--copies` puts so many such companies under one roof, each with people,
customers and records of its own: one as large would not fit into memory while it is made up. The usual `--night` begins
no week, month or quarter.

Both builds run all data tests that can find something. Starting dbt and parsing the project is measured by itself and
taken off. Bytes read are what the process tree asked the system for (`measure.py`). `--keep` leaves what was prepared
in a folder, where the next call finds it: what has landed is used again whatever changed in the project since; tables
are built again when models, rules or settings have changed.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from benchmarks.measure import Limits, Usage, machine_facts, measured, median_usage, megabytes, table
from orchestration.build_plan import built_now
from orchestration.contract import contract
from orchestration.contract.registry import ColumnType
from orchestration.contract.validation import ROW_NUMBER
from orchestration.landing.durable import sha256_of, write_durably
from orchestration.landing.ingest import ingest_night
from orchestration.landing.store import DATA, MANIFEST, Landing
from orchestration.settings import Settings
from orchestration.sources.base import BatchKind, RawTable
from orchestration.sources.demo.source import CHANGING
from orchestration.sources.factory import build_source

A_DAY = timedelta(days=1)
_ROOT = Path(__file__).resolve().parent.parent
_NOT_EDITED = frozenset({"customer_changes"})
_START: date = Settings.model_fields["demo_start"].default
_AT_WORK, _BUILT_FROM = "at-work", "built.project"
# As many as the landing zone puts into one part of a file.
_ROWS_AT_ONCE = 1 << 20
_LIMITS = Limits()


def _say(text: str) -> None:
    print(f"  {text}", file=sys.stderr, flush=True)


@dataclass(frozen=True)
class Size:
    """What one line of the table is measured on."""

    scale: float
    start: date
    night: date
    copies: int
    share: float
    reach: int

    @property
    def history_ends(self) -> date:
        """The night before the edited one."""
        return self.night - A_DAY

    @property
    def folder(self) -> str:
        """A name of its own for what is prepared."""
        return f"prepared-{self.copies}x{self.scale:g}-{self.start}-{self.night}-{self.share:g}-{self.reach}"

    def settings(self, home: Path) -> Settings:
        """Of the demo company, with its whole state in `home`."""
        return Settings(
            home=home, source="demo", demo_scale=self.scale, demo_start=self.start, demo_end=self.history_ends
        )


def several_companies(one: Landing, several: Landing, copies: int, night: date) -> None:
    """Land what landed of one company several times, a part of the rows after the other; lists of names are common.

    Written as the landing zone writes a batch, and not through it: nothing is to be judged again, and the whole of a
    large entity would not fit into memory.
    """
    for entity in contract():
        [whole] = one.visible("demo", night, entity.name)
        path = several.data_path(whole)
        path.parent.mkdir(parents=True)
        rows = 0
        with (
            pq.ParquetFile(one.data_path(whole)) as source,
            pq.ParquetWriter(path, source.schema_arrow, compression="zstd") as writer,
        ):
            for part in _parts(source, _ROWS_AT_ONCE // copies):
                table = _side_by_side(entity.name, part, 1 if entity.is_lookup else copies)
                numbers = pa.array(np.arange(2 + rows, 2 + rows + table.num_rows))
                writer.write_table(table.set_column(table.column_names.index(ROW_NUMBER), ROW_NUMBER, numbers))
                rows += table.num_rows
        shutil.copy(one.quarantine_path(whole), several.quarantine_path(whole))
        files = tuple(
            replace(file, rows=rows, bytes=path.stat().st_size, sha256=sha256_of(path)) if file.name == DATA else file
            for file in whole.files
        )
        landed_whole = replace(whole, rows_in=rows, rows_landed=rows, files=files)
        write_durably(path.with_name(MANIFEST), f"{landed_whole.to_json()}\n".encode())


def _parts(source: pq.ParquetFile, rows: int) -> Iterator[pa.Table]:
    """The rows of a file, so many at once. Taken, not sliced: lists with an offset cannot be put together again."""
    for number in range(source.num_row_groups):
        group = source.read_row_group(number)
        for start in range(0, group.num_rows, rows):
            yield group.take(pa.array(np.arange(start, min(start + rows, group.num_rows))))


def _side_by_side(entity: str, rows: pa.Table, copies: int) -> pa.Table:
    """Every row of every company, the same row of all companies together."""
    if copies == 1:
        return rows
    order = np.arange(rows.num_rows * copies).reshape(copies, rows.num_rows).T.ravel()
    return pa.concat_tables([_of_company(entity, rows, number) for number in range(copies)]).take(pa.array(order))


def _of_company(entity: str, rows: pa.Table, number: int) -> pa.Table:
    """The rows with the ids of another company of that number; 0 leaves them as they are."""
    if number == 0:
        return rows
    for place, column in enumerate(contract()[entity].columns):
        is_own = column.name in contract()[entity].key and column.ref is None and column.type is ColumnType.ID
        is_of_company = column.ref is not None and not contract()[column.ref].is_lookup
        if is_own or is_of_company or (entity, column.name) == ("employees", "email"):
            rows = rows.set_column(place, column.name, _renamed(rows[column.name], number))
        elif (entity, column.name) in {("customer_changes", "old_value"), ("customer_changes", "new_value")}:
            names_person = pc.equal(rows["field"], "manager_id")
            renamed = pc.if_else(names_person, _renamed(rows[column.name], number), rows[column.name])
            rows = rows.set_column(place, column.name, renamed)
    return rows


def _renamed(ids: pa.ChunkedArray, number: int) -> pa.ChunkedArray:
    """Ids, or lists of ids, with the company's number behind them, so that ids of the same time lie together."""
    suffix = f"-{number}"
    if not pa.types.is_list(ids.type):
        return pc.binary_join_element_wise(ids, pa.scalar(suffix), "")
    lists = ids.combine_chunks()
    members = pc.binary_join_element_wise(lists.values, pa.scalar(suffix), "")
    return pa.chunked_array([pa.ListArray.from_arrays(lists.offsets, members, mask=lists.is_null())])


@dataclass(frozen=True)
class EditedNight:
    """A source that hands over a share of the rows that landed, each edited in some way; nothing else is new."""

    landing: Landing
    share: float
    reach: int
    name: str = "demo"

    def read(self, entity: str, night: date, complete: bool = False) -> RawTable | None:
        """The entity's edited rows as a delta."""
        (whole,) = (batch for batch in self.landing.visible(self.name, night - A_DAY, entity))
        schema = contract()[entity].arrow_schema
        with pq.ParquetFile(self.landing.data_path(whole)) as file:
            rows = file.metadata.num_rows
            chance = random.Random(entity)
            count = 0 if entity not in CHANGING - _NOT_EDITED else round(rows * self.share)
            within = self._within_reach(file, schema, night) if count else []
            chosen = _rows_at(file, schema, chance.sample(within, count)).to_pylist()
            owners = _owners(file) if count and "manager_id" in schema.names else []
        edited = [_edited(entity, row, chance, night, owners) for row in chosen]
        numbers = pa.array(range(2, 2 + len(edited)), pa.int64())
        return RawTable(
            entity, BatchKind.DELTA, pa.Table.from_pylist(edited, schema=schema), numbers, f"edited/{entity}"
        )

    def _within_reach(self, file: pq.ParquetFile, schema: pa.Schema, night: date) -> Sequence[int]:
        """Places of the rows last written in the days of the reach."""
        if self.reach == 0 or "updated_at" not in schema.names:
            return range(file.metadata.num_rows)
        first = datetime.combine(night - timedelta(days=self.reach), time())
        written = file.read(columns=["updated_at"])["updated_at"]
        places: list[int] = pc.indices_nonzero(pc.greater_equal(written, first)).to_pylist()
        return places


def _owners(file: pq.ParquetFile) -> list[str]:
    owners: list[str] = pc.unique(file.read(columns=["manager_id"])["manager_id"]).drop_null().to_pylist()
    return sorted(owners)


def _rows_at(file: pq.ParquetFile, schema: pa.Schema, places: Sequence[int]) -> pa.Table:
    """The rows at these places of the file, in that order; a large file is not in memory as a whole."""
    wanted, start, found, order = np.array(places, np.int64), 0, [schema.empty_table()], []
    for number in range(file.num_row_groups):
        rows = file.metadata.row_group(number).num_rows
        [here] = np.nonzero((wanted >= start) & (wanted < start + rows))
        if len(here):
            group = file.read_row_group(number, columns=schema.names)
            found.append(group.take(pa.array(wanted[here] - start)).cast(schema))
            order.append(here)
        start += rows
    came = np.concatenate(order) if order else np.array([], np.int64)
    return pa.concat_tables(found).take(pa.array(np.argsort(came)))


def _edited(
    entity: str, row: Mapping[str, Any], chance: random.Random, night: date, owners: Sequence[str]
) -> dict[str, Any]:
    """One row as a person changed it that day: a late edit, another of the `owners`, or a deletion."""
    now = datetime.combine(night, time(15))
    changed: dict[str, Any] = {**row, "updated_at": now}
    if "deleted_at" in row and chance.random() < 0.1:
        return {**changed, "deleted_at": now}
    edits: Mapping[str, Mapping[str, Any]] = {
        "customers": {"manager_id": chance.choice(owners) if owners else None},
        "orders": {"discount_amount": Decimal(chance.randint(0, 50_000))},
        "order_lines": {"quantity": Decimal(chance.randint(1, 9))},
        "payments": {"amount": Decimal(chance.randint(1_000, 90_000))},
        "interactions": {"outcome": "answered"},
        "tasks": {"status": "completed", "completed_at": now},
        "opportunities": {"status": "won", "closed_at": now},
        "contacts": {"full_name": "Edited"},
    }
    return {**changed, **edits[entity]}


def land(home: Path, size: Size) -> None:
    """Land the whole history, then the edited night."""
    settings = size.settings(home)
    landing = Landing(settings.landing_dir)
    ingest_night(landing, build_source(settings), size.history_ends, settings.zone)
    if size.copies > 1:
        one = settings.landing_dir.rename(home / "one")
        several_companies(Landing(one), landing, size.copies, size.history_ends)
        shutil.rmtree(one)
    ingest_night(landing, EditedNight(landing, size.share, size.reach), size.night, settings.zone)


def landed(folder: Path, size: Size) -> Path:
    """A state with the history and the edited night landed; what the folder already has of it is used."""
    home, ready = folder / _AT_WORK, folder / size.folder
    if not ready.exists():
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir(parents=True)
        land(home, size)
        home.rename(ready)
    return ready


def rows_landed(home: Path, size: Size) -> int:
    """Rows of the whole history."""
    landing = Landing(size.settings(home).landing_dir)
    return sum(batch.rows_landed for batch in landing.visible("demo", size.history_ends))


@dataclass(frozen=True)
class Prepared:
    """A state to measure nights on, and what building it took; None where the folder had it from before."""

    home: Path
    built: Usage | None


def prepare(folder: Path, size: Size, limits: Limits = _LIMITS) -> Prepared:
    """A state with the history built and the edited night landed; what the folder already has of it is used."""
    home, ready = folder / _AT_WORK, landed(folder, size)
    built = None
    # Built where it is measured: dbt's files and the record of a build hold the folder's name.
    project = built_now(size.settings(home), size.history_ends).project
    if not (ready / _BUILT_FROM).exists() or (ready / _BUILT_FROM).read_text(encoding="utf-8") != project:
        _copy(ready, home)
        # dbt parses a new folder's project once; no later build there does.
        _build(home, "parse", size.history_ends, limits)
        built = _build(home, "everything", size.history_ends, limits)
        (home / _BUILT_FROM).write_text(project, encoding="utf-8")
        shutil.rmtree(ready)
        home.rename(ready)
    return Prepared(ready, built)


def _copy(ready: Path, home: Path) -> None:
    shutil.rmtree(home, ignore_errors=True)
    shutil.copytree(ready, home)


def _build(home: Path, mode: str, as_of: date, limits: Limits) -> Usage:
    return measured(
        [sys.executable, "-m", "benchmarks.build_once", mode, as_of.isoformat()],
        environment={"KPI_HOME": str(home), "KPI_SOURCE": "demo", **limits.environment()},
        folder=_ROOT,
        log=home.parent / "benchmark.log",
    )


@dataclass(frozen=True)
class Nights:
    """What starting up, a night and a build of everything took at one size."""

    size: Size
    rows: int
    start: Usage
    changes: Usage
    everything: Usage

    @property
    def night_cpu_seconds(self) -> float:
        """Of the night alone."""
        return self.changes.cpu_seconds - self.start.cpu_seconds

    @property
    def everything_cpu_seconds(self) -> float:
        """Of the build of everything alone."""
        return self.everything.cpu_seconds - self.start.cpu_seconds


def measure(
    folder: Path, size: Size, repeats: int, limits: Limits = _LIMITS, tell: Callable[[str], None] = _say
) -> Nights:
    """Measure one size. Each build starts from a copy of the same warehouse, in the same place.

    The build that prepares is a build of everything too, and counts as the first of them: at a large size it takes most
    of the time.
    """
    home, prepared = folder / _AT_WORK, prepare(folder, size, limits)
    rows = rows_landed(prepared.home, size)
    usages: dict[str, list[Usage]] = {"parse": [], "changes": [], "everything": []}
    if prepared.built is not None:
        usages["everything"].append(prepared.built)
    for turn in range(repeats):
        for mode in (mode for mode, found in usages.items() if len(found) == turn):
            tell(f"{size.copies} × scale {size.scale:g} from {size.start}: {mode}")
            _copy(prepared.home, home)
            usages[mode].append(_build(home, mode, size.night, limits))
            shutil.rmtree(home)
    start, changes, everything = (median_usage(usages[mode]) for mode in ("parse", "changes", "everything"))
    return Nights(size, rows, start, changes, everything)


def _line(nights: Nights) -> list[str]:
    size, start, changes, everything = nights.size, nights.start, nights.changes, nights.everything
    night, whole = nights.night_cpu_seconds, nights.everything_cpu_seconds
    read = (changes.bytes_read or 0) - (start.bytes_read or 0)
    read_whole = (everything.bytes_read or 0) - (start.bytes_read or 0)
    return [
        f"{size.copies} × {size.scale:g}",
        f"{size.start}",
        f"{nights.rows:,}",
        f"{start.cpu_seconds:.1f}",
        f"{night:.1f}",
        f"{whole:.1f}",
        f"{night / whole:.0%}",
        megabytes(read),
        megabytes(read_whole),
        f"{read / read_whole:.0%}",
    ]


def _reach_words(reach: int) -> str:
    return f"last written in the {reach} days before" if reach else "from all of history"


_HEADER = [
    "companies × scale",
    "history from",
    "rows of history",
    "start-up CPU s",
    "night CPU s",
    "everything CPU s",
    "night of everything",
    "night MB read",
    "everything MB read",
    "MB read of everything",
]


def run(folder: Path, sizes: Sequence[Size], repeats: int) -> None:
    """Measure every size, and print the table."""
    facts = machine_facts()
    lines = [_line(measure(folder, size, repeats)) for size in sizes]
    print("\n".join(f"- {name}: {fact}" for name, fact in facts.items()))
    print(
        f"- {sizes[0].share:.2%} of the rows edited on {sizes[0].night}, {_reach_words(sizes[0].reach)}; "
        f"medians of {repeats}; data tests run in both\n"
    )
    print(table(_HEADER, lines))


def main() -> None:
    """Read the options, make a folder, measure."""
    parser = argparse.ArgumentParser(description="A night that changes little, against a build of everything.")
    parser.add_argument("--scales", type=float, nargs="+", default=[1.0, 5.0], help="sizes of the demo company")
    parser.add_argument("--start", type=date.fromisoformat, default=_START, help="first day of the history")
    parser.add_argument("--night", type=date.fromisoformat, default=date(2026, 3, 18), help="the edited night")
    parser.add_argument("--copies", type=int, default=1, help="how many such companies under one roof")
    parser.add_argument("--share", type=float, default=0.001, help="share of the rows that the night edits")
    parser.add_argument("--reach", type=int, default=60, help="edit rows last written in so many days; 0: any row")
    parser.add_argument("--repeats", type=int, default=3, help="how often everything is measured; 0: only prepare")
    parser.add_argument("--keep", type=Path, help="folder where prepared warehouses stay and are found again")
    options = parser.parse_args()
    sizes = [
        Size(scale, options.start, options.night, options.copies, options.share, options.reach)
        for scale in options.scales
    ]
    with tempfile.TemporaryDirectory(prefix="kpi-benchmark-") as aside:
        folder = options.keep.resolve() if options.keep else Path(aside)
        if options.repeats == 0:
            for size in sizes:
                prepare(folder, size)
        else:
            run(folder, sizes, options.repeats)


if __name__ == "__main__":
    main()
