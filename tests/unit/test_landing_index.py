"""What dbt reads of the landing zone: the index of visible batches and the empty typed files."""

from datetime import date, datetime
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

from orchestration.contract import contract
from orchestration.landing import index
from orchestration.landing.index import INDEX_SCHEMA, write_index
from orchestration.landing.manifest import LandingError
from orchestration.landing.store import Landing
from tests.unit.test_landing_store import fail, land


@pytest.fixture
def landing(tmp_path: Path) -> Landing:
    return Landing(tmp_path / "landing")


def test_index_lists_visible_batches_in_sequence(landing: Landing, tmp_path: Path) -> None:
    third = land(landing, date(2026, 3, 31), ["c", ""])
    land(landing, date(2026, 3, 29), ["a"])
    first = land(landing, date(2026, 3, 29), ["a", "b"])
    fail(landing, date(2026, 3, 30))
    other = land(landing, date(2026, 3, 30), ["d"], entity="departments")
    path = write_index(landing, "files", date(2026, 3, 31), tmp_path / "warehouse")
    assert path == tmp_path / "warehouse" / "landing_index.parquet"
    table = pq.read_table(path)
    assert table.schema.equals(INDEX_SCHEMA)
    rows = table.to_pylist()
    assert [(row["entity"], row["batch_id"], row["batch_seq"]) for row in rows] == [
        ("departments", other.batch_id, 1),
        ("industries", first.batch_id, 1),
        ("industries", third.batch_id, 2),
    ]
    assert rows[2]["known_at"] == datetime(2026, 4, 1)
    assert rows[2]["kind"] == "complete"
    assert (rows[2]["rows_in"], rows[2]["rows_landed"], rows[2]["rows_quarantined"]) == (2, 1, 1)
    assert rows[2]["data_path"] == str(landing.data_path(third).resolve())
    assert rows[2]["quarantine_path"] == str(landing.quarantine_path(third).resolve())


def test_index_ends_with_as_of(landing: Landing, tmp_path: Path) -> None:
    for day in (29, 30, 31):
        land(landing, date(2026, 3, day), ["a"])
    path = write_index(landing, "files", date(2026, 3, 30), tmp_path / "warehouse")
    assert pq.read_table(path)["batch_date"].to_pylist() == [date(2026, 3, 29), date(2026, 3, 30)]


def test_an_empty_landing_zone_gives_an_empty_typed_index(landing: Landing, tmp_path: Path) -> None:
    table = pq.read_table(write_index(landing, "files", None, tmp_path / "warehouse"))
    assert table.num_rows == 0
    assert table.schema.equals(INDEX_SCHEMA)


def test_a_cut_file_stops_the_index_and_keeps_the_old_one(landing: Landing, tmp_path: Path) -> None:
    manifest = land(landing, date(2026, 3, 30), ["a"])
    path = write_index(landing, "files", None, tmp_path / "warehouse")
    before = path.read_bytes()
    land(landing, date(2026, 3, 31), ["b"])
    data = landing.data_path(manifest)
    data.write_bytes(data.read_bytes()[:-4])
    with pytest.raises(LandingError, match=str(data)):
        write_index(landing, "files", None, tmp_path / "warehouse")
    assert path.read_bytes() == before


def test_shells_have_the_types_of_landed_files(landing: Landing, tmp_path: Path) -> None:
    manifest = land(landing, date(2026, 3, 30), ["a", ""])
    write_index(landing, "files", None, tmp_path / "warehouse")
    shells = tmp_path / "warehouse" / "shells"
    assert {path.stem for path in shells.glob("*.parquet")} == {*contract().entities, "rejected_rows"}
    for shell, real in (
        (shells / "industries.parquet", landing.data_path(manifest)),
        (shells / "rejected_rows.parquet", landing.quarantine_path(manifest)),
    ):
        assert pq.read_table(shell).num_rows == 0
        assert pq.read_schema(shell).equals(pq.read_schema(real))
        union = duckdb.sql("select count(*) from read_parquet([?, ?])", params=[str(shell), str(real)])
        assert union.fetchall() == [(1,)]


def test_shells_are_written_once_per_contract(
    landing: Landing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    warehouse = tmp_path / "warehouse"
    write_index(landing, "files", None, warehouse)
    shell = warehouse / "shells" / "orders.parquet"
    written = shell.stat().st_ino
    write_index(landing, "files", None, warehouse)
    assert shell.stat().st_ino == written
    (warehouse / "shells" / "tasks.parquet").unlink()
    write_index(landing, "files", None, warehouse)
    assert (warehouse / "shells" / "tasks.parquet").exists()
    rewritten = shell.stat().st_ino
    assert rewritten != written
    changed = type(contract())(contract().entities, "another")
    monkeypatch.setattr(index, "contract", lambda: changed)
    write_index(landing, "files", None, warehouse)
    assert shell.stat().st_ino != rewritten
