"""Tables built on Spark are read by the list that the build left; Spark itself is not needed for that."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from orchestration.spark_tables import LIST, copy_tables


@pytest.fixture
def warehouse(tmp_path: Path) -> Path:
    """Two tables; the first has files of an earlier build beside those that count."""
    listed = {}
    for name, build, amount in [("marts.fct_a", "before", 1), ("marts.fct_a", "now", 2), ("core.core_b", "now", 3)]:
        folder = tmp_path / "tables" / Path(*name.split(".")) / build
        folder.mkdir(parents=True)
        for part in (1, 2):
            duckdb.sql(f"select '{build}' as made, cast({amount}.05 as decimal(18, 2)) as amount").write_parquet(
                str(folder / f"part-{part}.parquet")
            )
        listed[name] = str(folder)
    (tmp_path / LIST).write_text(json.dumps(listed))
    return tmp_path


def test_a_table_has_the_rows_and_types_of_the_listed_folder(warehouse: Path, tmp_path: Path) -> None:
    into = tmp_path / "copy.duckdb"
    assert copy_tables(warehouse, into, ("marts",)) == ["marts.fct_a"]
    with duckdb.connect(into) as connection:
        assert connection.execute("select * from marts.fct_a").fetchall() == [("now", Decimal("2.05"))] * 2
        assert connection.execute("select typeof(amount) from marts.fct_a").fetchone() == ("DECIMAL(18,2)",)
        assert connection.execute("select count(*) from duckdb_tables()").fetchone() == (1,)


def test_a_file_that_is_there_is_not_overwritten(warehouse: Path, tmp_path: Path) -> None:
    into = tmp_path / "copy.duckdb"
    into.write_text("something else")
    with pytest.raises(FileExistsError, match=r"copy\.duckdb is there already"):
        copy_tables(warehouse, into, ("marts",))
    assert into.read_text() == "something else"


def test_without_a_finished_build_there_is_no_list(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=LIST):
        copy_tables(tmp_path, tmp_path / "copy.duckdb", ("marts",))
