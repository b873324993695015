"""Comparing two databases: what counts as equal, and how a difference reads."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from orchestration.compare import Comparison, Limits, Section, TableDifference, compare_databases
from orchestration.compare_text import comparison_sentence, section_lines

SCHEMAS = {"core": "core", "marts": "marts"}


def _database(path: Path, statements: str) -> Path:
    path.parent.mkdir()
    with duckdb.connect(str(path)) as connection:
        connection.execute("create schema core; create schema marts; create schema staging")
        connection.execute(statements)
    return path


@pytest.fixture
def limits(tmp_path: Path) -> Limits:
    return Limits(1, "500MB", tmp_path / "spill")


def _compare(tmp_path: Path, limits: Limits, before: str, now: str) -> Section:
    old = _database(tmp_path / "before" / "warehouse.duckdb", before)
    new = _database(tmp_path / "now" / "warehouse.duckdb", now)
    return compare_databases("warehouse", old, new, SCHEMAS, limits)


def test_equal_rows_in_another_order_are_equal(tmp_path: Path, limits: Limits) -> None:
    section = _compare(
        tmp_path,
        limits,
        "create table core.a as from (values (1, 'x'), (2, null), (2, null)) as rows (n, t); "
        "create view marts.v as select 1 as n; create table staging.s as select 1 as n",
        "create table core.a as from (values (2, null), (1, 'x'), (2, null)) as rows (n, t); "
        "create table staging.s as select 2 as n",
    )
    assert section.tables == (TableDifference("core.a", 3, 3, 0, 0),)
    assert section.differing == ()


def test_rows_of_only_one_side_are_counted_with_their_duplicates(tmp_path: Path, limits: Limits) -> None:
    section = _compare(
        tmp_path,
        limits,
        "create table marts.m as from (values (1), (1), (2), (3)) as rows (n)",
        "create table marts.m as from (values (1), (2), (2), (2), (3)) as rows (n)",
    )
    assert section.differing == (TableDifference("marts.m", 4, 5, 1, 2),)


def test_a_table_of_only_one_side_and_other_columns_are_told(tmp_path: Path, limits: Limits) -> None:
    section = _compare(
        tmp_path,
        limits,
        "create table core.gone as select 1 as n; create table core.wider as select 1 as n, 2 as old; "
        "create table core.typed as select 1 as n; create table core.turned as select 1 as a, 2 as b",
        "create table marts.come as select 1 as n; create table core.wider as select 1 as n, 3 as new; "
        "create table core.typed as select 1::bigint as n; create table core.turned as select 2 as b, 1 as a",
    )
    assert section.differing == (
        TableDifference("core.gone", 1, None, 1, 0),
        TableDifference("core.turned", 1, 1, 0, 0, "another order"),
        TableDifference("core.typed", 1, 1, 0, 0, "n: INTEGER is now BIGINT"),
        TableDifference("core.wider", 1, 1, 0, 0, "-old, +new"),
        TableDifference("marts.come", None, 1, 0, 1),
    )


def test_a_publication_is_compared_with_the_marts_but_for_its_own_record(tmp_path: Path, limits: Limits) -> None:
    publication = tmp_path / "marts.duckdb"
    with duckdb.connect(str(publication)) as connection:
        connection.execute(
            "create table fct_a as select 1 as n; create table publication as select 'g' as generation_id"
        )
    built = _database(tmp_path / "n" / "warehouse.duckdb", "create table marts.fct_a as select 1 as n")
    section = compare_databases("publication", publication, built, {"main": "marts"}, limits)
    assert section.tables == (TableDifference("marts.fct_a", 1, 1, 0, 0),)


def test_the_text_marks_what_differs_and_ends_with_one_sentence() -> None:
    same, other = TableDifference("core.a", 1234, 1234, 0, 0), TableDifference("marts.b", None, 2, 0, 2, "+n")
    assert section_lines(Section("warehouse", (same, other))) == [
        "  warehouse   rows before      rows now   only before      only now",
        "  core.a            1,234         1,234             0             0",
        "! marts.b         missing             2             0             2  columns: +n",
    ]
    equal, different = Comparison((Section("a", (same,)),)), Comparison((Section("a", (same, other)),), "And so.")
    assert (equal.is_equal, different.is_equal) == (True, False)
    assert comparison_sentence(equal) == "Equal: 1,234 rows of 1 compared tables, none only before or only now."
    assert comparison_sentence(different) == "DIFFERENT: 1 of 2 compared tables: marts.b. And so."
    assert comparison_sentence(Comparison((), "Nothing there.")) == "Nothing there."
