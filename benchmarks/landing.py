"""What landing a delivery costs, all contract checks on, against DuckDB's bare COPY of the same files to Parquet.

Belongs here: writing the delivery, the two processes, the table. Not here: measuring a process (`measure.py`).

Usage of its own processes: `python -m benchmarks.landing land FOLDER NIGHT HOME ROWS`, `copy FOLDER TARGET ROWS` and
`start`, which only imports what both import and is taken off both. The bare COPY is told every column's type, writes
the same compression, and does nothing else: no rule is checked, no row can be rejected, nothing is made durable.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path

import duckdb

from benchmarks.measure import Limits, Usage, less, measured, median_usage, megabytes, ratio, table
from orchestration.contract import contract
from orchestration.contract.registry import ColumnType
from orchestration.landing.ingest import ingest_night
from orchestration.landing.store import Landing
from orchestration.serving.sql import identifier, literal
from orchestration.settings import Settings
from orchestration.sources.files import FilesSource

FORMATS = ("csv", "parquet")
_ROOT = Path(__file__).resolve().parent.parent


def write_delivery(home: Path, night: date, folder: Path) -> int:
    """The landed rows of that night as a CRM would export them, once in each format; returns how many rows."""
    landing, rows = Landing(home / "landing"), 0
    for form in FORMATS:
        (folder / form).mkdir(parents=True, exist_ok=True)
    with duckdb.connect() as connection:
        for entity in contract():
            [batch] = landing.visible("demo", night, entity.name)
            rows += batch.rows_landed
            given = connection.read_parquet(str(landing.data_path(batch)))
            names = ", ".join(identifier(column.name) for column in entity.columns)
            given.project(names).write_parquet(str(folder / "parquet" / f"{entity.name}.parquet"), compression="zstd")
            texts = ", ".join(
                f"array_to_string({identifier(column.name)}, ';') as {identifier(column.name)}"
                if column.type is ColumnType.IDS
                else identifier(column.name)
                for column in entity.columns
            )
            given.project(texts).write_csv(str(folder / "csv" / f"{entity.name}.csv"), header=True)
    return rows


def land(folder: Path, night: date, home: Path) -> int:
    """Land the folder as `kpi run` does; returns the rows. Exit code 1 when one of them was rejected."""
    landing = Landing(home / "landing")
    manifests = ingest_night(landing, FilesSource(folder), night, Settings(home=home).zone)
    faulty = [one for one in manifests if one.rows_quarantined or one.problem]
    if faulty:
        sys.exit("\n".join(f"{one.entity}: {one.rows_quarantined} rows rejected, {one.problem}" for one in faulty))
    return sum(one.rows_landed for one in manifests)


def copy(folder: Path, target: Path, limits: Limits) -> int:
    """Every file of the folder as Parquet in the target; returns the rows."""
    target.mkdir(parents=True, exist_ok=True)
    rows = 0
    config: dict[str, str | bool | int | float | list[str]] = {
        "threads": limits.threads,
        "memory_limit": limits.memory_limit,
    }
    with duckdb.connect(config=config) as connection:
        connection.execute("set enable_progress_bar = false")
        for entity in contract():
            [path] = sorted(folder.glob(f"{entity.name}.*"))
            source = f"read_parquet({literal(str(path))})"
            if path.suffix == ".csv":
                types = ", ".join(
                    f"{literal(column.name)}: "
                    + literal("varchar" if column.type is ColumnType.IDS else column.duckdb_type)
                    for column in entity.columns
                )
                source = f"read_csv({literal(str(path))}, header = true, columns = {{{types}}})"
            to = literal(str(target / f"{entity.name}.parquet"))
            [(copied,)] = connection.execute(
                f"copy (select * from {source}) to {to} (format parquet, compression zstd)"
            ).fetchall()
            rows += copied
    return rows


def measure(
    home: Path, night: date, folder: Path, limits: Limits, repeats: int, tell: Callable[[str], None] = print
) -> tuple[int, Mapping[str, Usage]]:
    """Rows of the delivery, and what each of `land csv`, `copy csv`, `land parquet` and `copy parquet` took."""
    delivery, place = folder / "delivery", folder / "landed"
    shutil.rmtree(folder, ignore_errors=True)
    rows = write_delivery(home, night, delivery)
    found: dict[str, list[Usage]] = {f"{verb} {form}": [] for form in FORMATS for verb in ("land", "copy")}
    starts: list[Usage] = []
    for turn in range(repeats):
        starts.append(_run(["start"], folder, limits))
        for name, usages in found.items():
            tell(f"{name}, {turn + 1} of {repeats}")
            verb, form = name.split()
            shutil.rmtree(place, ignore_errors=True)
            more = [night.isoformat(), str(place)] if verb == "land" else [str(place)]
            usages.append(_run([verb, str(delivery / form), *more, str(rows)], folder, limits))
    shutil.rmtree(folder)
    start = median_usage(starts)
    return rows, {name: less(median_usage(usages), start) for name, usages in found.items()}


def _run(arguments: list[str], folder: Path, limits: Limits) -> Usage:
    command = [sys.executable, "-m", "benchmarks.landing", *arguments]
    return measured(command, environment=limits.environment(), folder=_ROOT, log=folder / "landing.log")


def describe(rows: int, usages: Mapping[str, Usage]) -> str:
    """Rows a second, and what share of the bare COPY's that is."""
    lines = []
    for form in FORMATS:
        ours, bare = usages[f"land {form}"], usages[f"copy {form}"]
        for words, usage in ((f"{form}: bare COPY", bare), (f"{form}: landed, every rule of the contract", ours)):
            lines.append(
                [
                    words,
                    f"{usage.wall_seconds:.1f}",
                    f"{usage.cpu_seconds:.1f}",
                    f"{rows / usage.wall_seconds:,.0f}" if usage.wall_seconds > 0 else "–",
                    megabytes(usage.peak_memory_bytes),
                    ratio(bare.wall_seconds, usage.wall_seconds),
                    ratio(bare.cpu_seconds, usage.cpu_seconds),
                ]
            )
    header = ["delivery", "wall s", "CPU s", "rows per s", "MB largest process", "of COPY's speed", "of COPY's, by CPU"]
    return table(header, lines)


def main() -> None:
    """One of the processes; exit code 1 when rows are missing."""
    if sys.argv[1] == "start":
        return
    verb, folder, *places, expected = sys.argv[1:]
    if verb == "land":
        rows = land(Path(folder), date.fromisoformat(places[0]), Path(places[1]))
    else:
        limits = Limits(int(os.environ["KPI_THREADS"]), os.environ["KPI_MEMORY_LIMIT"])
        rows = copy(Path(folder), Path(places[0]), limits)
    if rows != int(expected):
        sys.exit(f"{rows} rows arrived instead of {expected}")


if __name__ == "__main__":
    main()
