"""A tiny company as files, one folder per night, and what its landing zone holds in the end.

Belongs here: the input of the kill tests, and comparing two states. Not here: killing (`killing.py`), or plans
(`kill_points.py`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

from orchestration.contract import contract
from orchestration.landing.store import Landing
from orchestration.sources.base import BatchKind
from orchestration.sources.demo import DemoSource

SOURCE = "files"
FIRST, LAST = date(2026, 3, 1), date(2026, 3, 31)


# Enough to meet complete batches and deltas, large and small ones; all entities would cost five times as much.
SOME = ("employees", "customers", "customer_changes", "orders")


def write_company(folder: Path, nights: Sequence[date], seed: int, entities: Sequence[str] = SOME) -> Path:
    """One folder of Parquet files per night: everything on the first, then changes, and everything on Sundays."""
    company = DemoSource(seed, 0.1, FIRST, LAST)
    for night in nights:
        target = folder / night.isoformat()
        target.mkdir(parents=True)
        deltas = []
        for entity in entities:
            raw = company.read(entity, night, complete=night == nights[0])
            assert raw is not None, f"the demo company has no {entity}"
            pq.write_table(raw.table, target / f"{entity}.parquet")
            if raw.kind is BatchKind.DELTA:
                deltas.append(entity)
        kinds = ", ".join(f"{name}: delta" for name in deltas)
        (target / "batch.yml").write_text(f"kinds: {{{kinds}}}\n", encoding="utf-8")
    return folder


def last_nights(count: int) -> list[date]:
    """The last so many nights of the company."""
    return [LAST - timedelta(days=count - 1 - number) for number in range(count)]


def landed_rows(home: Path) -> dict[str, list[tuple[object, ...]]]:
    """Every visible row by entity and kind of file, each with its batch's night; attempts do not count."""
    from orchestration.landing.reading import DATA, QUARANTINE, rows_sql

    landing = Landing(home / "landing")
    found: dict[str, list[tuple[object, ...]]] = {}
    with duckdb.connect(":memory:") as connection:
        for entity in contract():
            batches = landing.visible(SOURCE, entity=entity.name)
            if not batches:
                continue
            for file in (DATA, QUARANTINE):
                rows = connection.sql(f"select * exclude (_batch_id) from {rows_sql(landing, batches, file)}")
                # A segment has the columns in another order.
                in_order = rows.select(", ".join(f'"{name}"' for name in sorted(rows.columns)))
                found[f"{entity.name}/{file}"] = in_order.order("all").fetchall()
    return found


def differences(one: Path, other: Path, schemas: Sequence[str]) -> list[str]:
    """Tables of two DuckDB files that do not hold the same rows, and how many; attempts of batches do not count."""
    with _both(one, other) as connection:
        tables = {
            name: set(
                connection.execute(
                    "select schema_name, table_name from duckdb_tables() where database_name = ? "
                    "and list_contains(?, schema_name)",
                    [name, list(schemas)],
                ).fetchall()
            )
            for name in ("one", "other")
        }
        assert tables["one"], f"{one} holds no table"
        found = [f"{schema}.{table} is in one only" for schema, table in sorted(tables["one"] ^ tables["other"])]
        for schema, table in sorted(tables["one"] & tables["other"]):
            if table == "publication":
                continue
            columns = connection.execute(
                "select column_name from duckdb_columns() where database_name = 'one' and schema_name = ? "
                "and table_name = ? order by column_index",
                [schema, table],
            ).fetchall()
            shown = ", ".join(_without_attempt(str(column)) for (column,) in columns)
            sides = [f'select {shown} from {name}."{schema}"."{table}"' for name in ("one", "other")]
            [(rows,)] = connection.execute(
                f"select count(*) from ((({sides[0]}) except all ({sides[1]})) "
                f"union all (({sides[1]}) except all ({sides[0]})))"
            ).fetchall()
            if rows:
                found.append(f"{schema}.{table}: {rows} rows differ")
        return found


def _without_attempt(column: str) -> str:
    """A batch's night instead of its id: a night that was played again after a crash has another attempt."""
    return f"split_part(\"{column}\", '.', 1)" if column.endswith("batch_id") else f'"{column}"'


@contextmanager
def _both(one: Path, other: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(":memory:") as connection:
        connection.execute(f"attach '{one}' as one (read_only)")
        connection.execute(f"attach '{other}' as other (read_only)")
        yield connection
