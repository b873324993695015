"""What a state folder holds in the end, compared with another one; how it came about does not count.

Belongs here: comparing. Not here: what is compared when (`command_plan.py`, `kill_points.py`).

Two things tell a disturbed history from a quiet one and are left out: the attempt in a batch's id, because a night that
was played again has another one, and the instants at which something was frozen or published.
"""

from __future__ import annotations

import filecmp
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import duckdb

from orchestration.contract import contract
from orchestration.freezing.figures import differences as figure_differences
from orchestration.freezing.freeze import read_version
from orchestration.freezing.store import FrozenStore
from orchestration.landing.reading import DATA, QUARANTINE, rows_sql
from orchestration.landing.store import Landing
from tests.faults.company import SOURCE

_TABLES = ("core", "marts", "seeds")
_PUBLISHED = ("main", "core")
_INSTANTS = ("frozen_at", "published_at", "generation_id")
_BATCHES = ("input_batches", "batch_ids")


def home_differences(one: Path, other: Path) -> list[str]:
    """How two state folders differ: warehouse, publication, exports, landed rows and frozen months; empty if not."""
    found = []
    for name, schemas in (("warehouse/warehouse.duckdb", _TABLES), ("marts.duckdb", _PUBLISHED)):
        if not filecmp.cmp(one / name, other / name, shallow=False):
            found += table_differences(one / name, other / name, schemas)
    exported = [sorted(path.name for path in home.glob("exports/*")) for home in (one, other)]
    if exported[0] != exported[1]:
        found.append(f"exports are {exported[0]} and {exported[1]}")
    else:
        for name in exported[0]:
            found += table_differences(one / "exports" / name, other / "exports" / name, ["main"])
    return found + row_differences(one, other) + frozen_differences(one / "frozen", other / "frozen")


def frozen_differences(one: Path, other: Path) -> list[str]:
    """Versions that only one chain has, or that hold other figures or rows; and whatever is not whole."""
    stores = [FrozenStore(root) for root in (one, other)]
    problems = [problem for store in stores for problem in store.problems()]
    if problems:
        return problems
    chains = [store.versions() for store in stores]
    told = [[(version.name, version.as_of, version.reason, version.source) for version in chain] for chain in chains]
    if told[0] != told[1]:
        return [f"frozen are {told[0]} and {told[1]}"]
    return [
        f"{left.name}: {difference.what} differ: {'; '.join(difference.examples)}"
        for left, right in zip(*chains, strict=True)
        for difference in figure_differences(read_version(stores[0], left), read_version(stores[1], right))
    ]


def row_differences(one: Path, other: Path) -> list[str]:
    """Entities of which other rows are visible."""
    if _files(one / "landing") == _files(other / "landing"):
        return []
    wanted, found = landed_rows(one), landed_rows(other)
    return [f"{name}: other rows are visible" for name in sorted(wanted | found) if wanted.get(name) != found.get(name)]


def _files(folder: Path) -> dict[Path, bytes]:
    """The content of every file below a folder; where it is the same, so is all that can be read of it."""
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def landed_rows(home: Path) -> dict[str, list[tuple[object, ...]]]:
    """Every visible row by entity and kind of file, each with its batch's night; attempts do not count."""
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


def table_differences(one: Path, other: Path, schemas: Sequence[str]) -> list[str]:
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
            columns = connection.execute(
                "select column_name from duckdb_columns() where database_name = 'one' and schema_name = ? "
                "and table_name = ? order by column_index",
                [schema, table],
            ).fetchall()
            shown = ", ".join(_told(str(column)) for (column,) in columns if column not in _INSTANTS)
            sides = [f'select {shown} from {name}."{schema}"."{table}"' for name in ("one", "other")]
            [(rows,)] = connection.execute(
                f"select count(*) from ((({sides[0]}) except all ({sides[1]})) "
                f"union all (({sides[1]}) except all ({sides[0]})))"
            ).fetchall()
            if rows:
                found.append(f"{schema}.{table}: {rows} rows differ")
        return found


def _told(column: str) -> str:
    """A batch's night instead of its id, and so in lists of batches."""
    if column.endswith("batch_id") or column in _BATCHES:
        return f"regexp_replace(\"{column}\"::varchar, '(\\d)\\.\\d+', '\\1', 'g')"
    return f'"{column}"'


@contextmanager
def _both(one: Path, other: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(":memory:") as connection:
        connection.execute(f"attach '{one}' as one (read_only)")
        connection.execute(f"attach '{other}' as other (read_only)")
        yield connection
