"""Whether two contestants made the same four marts: every row, every column, to the cent.

Belongs here: finding what a contestant made, and comparing. Not here: how anybody makes it. A contestant leaves one
DuckDB file with schema `marts` in its folder, or one Parquet file for each mart.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import duckdb

from benchmarks.cards.inputs import MARTS

_SHOWN = 3


class MartsDiffer(Exception):
    """A contestant's marts are not ours; its time would say nothing."""


def check_same(name: str, made: Path, ours: Path) -> dict[str, int]:
    """Rows of each mart. Raises MartsDiffer with the first rows that only one of the two has."""
    rows = {}
    with duckdb.connect() as connection:
        connection.execute("set enable_progress_bar = false")
        # A large comparison does not fit into memory, and would go to wherever it was started.
        connection.execute("set temp_directory = ?", [str(made / "spill")])
        expected, found = (_marts(connection, folder, side) for folder, side in ((ours, "ours"), (made, "theirs")))
        for mart in MARTS:
            rows[mart] = _check_mart(connection, name, mart, expected[mart], found[mart])
    return rows


def _marts(connection: duckdb.DuckDBPyConnection, folder: Path, side: str) -> dict[str, str]:
    """Where each mart is, as a relation of the connection."""
    files = sorted([*folder.glob("*.duckdb"), *folder.glob("warehouse/*.duckdb")])
    if not files:
        for mart in MARTS:
            connection.read_parquet(str(folder / f"{mart}.parquet")).create_view(f"{side}_{mart}")
        return {mart: f"{side}_{mart}" for mart in MARTS}
    [file] = files
    # A path cannot be a parameter of ATTACH; it is this program's own, and its quotes are doubled.
    # Under the name it was made with, which views in it may name.
    connection.execute(f"attach '{str(file).replace(chr(39), chr(39) * 2)}' (read_only)")
    return {mart: f"{file.stem}.marts.{mart}" for mart in MARTS}


def _columns(connection: duckdb.DuckDBPyConnection, relation: str) -> dict[str, str]:
    described = connection.execute(f"describe select * from {relation}").fetchall()
    return {str(name): str(kind) for name, kind, *_ in described}


def _check_mart(connection: duckdb.DuckDBPyConnection, name: str, mart: str, ours: str, theirs: str) -> int:
    columns, given = _columns(connection, ours), _columns(connection, theirs)
    if columns.keys() != given.keys():
        missing, added = sorted(columns.keys() - given.keys()), sorted(given.keys() - columns.keys())
        raise MartsDiffer(f"{name}: {mart} lacks the columns {missing}, and has {added} that we have not")
    # The same values in narrower or wider types are the same; money must not have been a float.
    approximate = [column for column, kind in given.items() if kind in {"FLOAT", "DOUBLE"}]
    if approximate:
        raise MartsDiffer(f"{name}: {mart} has approximate numbers in {approximate}")
    listed = ", ".join(columns)
    cast = ", ".join(f"cast({column} as {kind}) as {column}" for column, kind in columns.items())
    expected, found = (
        _digest(connection, f"select {one}", columns) for one in (f"{listed} from {ours}", f"{cast} from {theirs}")
    )
    if expected == found:
        return expected[0]
    for first, second, words in (
        (f"select {listed} from {ours}", f"select {cast} from {theirs}", "we have and it has not"),
        (f"select {cast} from {theirs}", f"select {listed} from {ours}", "it has and we have not"),
    ):
        lacking = connection.execute(f"{first} except all {second} limit {_SHOWN}").fetchall()
        if lacking:
            shown = "\n  ".join(str(dict(zip(columns, map(str, row), strict=True))) for row in lacking)
            raise MartsDiffer(f"{name}: rows of {mart} that {words}, the first of them:\n  {shown}")
    raise AssertionError(f"{name}: {mart} has other sums of hashes and the same rows")


def _digest(connection: duckdb.DuckDBPyConnection, query: str, columns: Iterable[str]) -> tuple[int, int, int]:
    """Rows, and two sums of their 64-bit hashes, whatever the order: a hundred million rows need not be sorted."""
    listed = ", ".join(columns)
    [(rows, once, again)] = connection.execute(
        f"select count(*), coalesce(sum(hash({listed})), 0), coalesce(sum(hash({listed}, 1)), 0) from ({query})"
    ).fetchall()
    return int(rows), int(once), int(again)
