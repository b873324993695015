"""The landing zone: what a batch is, which batches are visible, and what a crash leaves behind."""

import json
from dataclasses import replace
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from orchestration.contract import contract
from orchestration.contract.validation import validate
from orchestration.landing.manifest import BatchStatus, LandingError, Manifest
from orchestration.landing.store import Landing
from orchestration.sources.base import BatchKind, RawTable, SourceError

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
NIGHT = date(2026, 3, 31)


def raw_of(ids: list[str], entity: str = "industries", kind: BatchKind = BatchKind.COMPLETE) -> RawTable:
    key = contract()[entity].key[0]
    label = contract()[entity].columns[1].name
    table = pa.table({key: pa.array(ids, pa.string()), label: pa.array(["x"] * len(ids), pa.string())})
    return RawTable(entity, kind, table, pa.array(range(2, 2 + len(ids)), pa.int64()), f"{entity}.csv")


def land(
    landing: Landing, night: date, ids: list[str], entity: str = "industries", kind: BatchKind = BatchKind.COMPLETE
) -> Manifest:
    raw = raw_of(ids, entity, kind)
    return landing.write("files", night, raw, validate(contract()[entity], raw, ZONE))


def fail(landing: Landing, night: date, entity: str = "industries") -> Manifest:
    error = SourceError(entity, f"{entity}.csv", "unreadable", "industries.csv is cut short")
    return landing.write_failure("files", night, entity, error)


@pytest.fixture
def landing(tmp_path: Path) -> Landing:
    return Landing(tmp_path / "landing")


def test_a_batch_holds_good_rows_bad_rows_and_its_manifest(landing: Landing) -> None:
    manifest = land(landing, NIGHT, ["a", "", "b", " "], kind=BatchKind.DELTA)
    assert manifest.batch_id == "2026-03-31.1"
    assert (manifest.rows_in, manifest.rows_landed, manifest.rows_quarantined) == (4, 2, 2)
    assert (manifest.kind, manifest.status, manifest.supersedes) == (BatchKind.DELTA, BatchStatus.LANDED, None)
    assert manifest.contract_fingerprint == contract().fingerprint
    folder = landing.root / "files" / "industries" / "2026-03-31.1"
    assert sorted(path.name for path in folder.iterdir()) == ["data.parquet", "manifest.json", "quarantine.parquet"]

    data = pq.read_table(landing.data_path(manifest))
    assert data.to_pylist() == [
        {
            "industry_id": key,
            "industry_name": "x",
            "_batch_id": "2026-03-31.1",
            "_batch_date": NIGHT,
            "_row_number": row,
        }
        for key, row in (("a", 2), ("b", 4))
    ]
    quarantine = pq.read_table(landing.quarantine_path(manifest)).to_pylist()
    assert [(row["_batch_id"], row["_row_number"], row["rule"]) for row in quarantine] == [
        ("2026-03-31.1", 3, "required"),
        ("2026-03-31.1", 5, "required"),
    ]
    assert [(file.name, file.rows) for file in manifest.files] == [("data.parquet", 2), ("quarantine.parquet", 2)]


def test_manifest_survives_its_file(landing: Landing) -> None:
    written = land(landing, NIGHT, ["a"])
    failed = fail(landing, NIGHT)
    assert landing.manifests("files", "industries") == [written, failed]
    stored = json.loads((landing.data_path(written).parent / "manifest.json").read_text(encoding="utf-8"))
    assert stored["format_version"] == 1
    assert stored["batch_date"] == "2026-03-31"
    assert stored["problem"] is None


def test_a_rerun_supersedes_and_never_edits(landing: Landing) -> None:
    first = land(landing, NIGHT, ["a", "b"])
    before = landing.data_path(first).read_bytes()
    second = land(landing, NIGHT, ["a"])
    assert (second.batch_id, second.attempt, second.supersedes) == ("2026-03-31.2", 2, "2026-03-31.1")
    assert landing.data_path(first).read_bytes() == before
    assert landing.visible("files") == [second]


def test_a_failed_rerun_leaves_the_landed_batch_visible(landing: Landing) -> None:
    first = land(landing, NIGHT, ["a"])
    failed = fail(landing, NIGHT)
    third = land(landing, NIGHT, ["b"])
    assert (failed.batch_id, failed.status, failed.supersedes) == ("2026-03-31.2", BatchStatus.FAILED, None)
    assert failed.problem is not None
    assert failed.problem.message == "industries.csv is cut short"
    assert third.supersedes == first.batch_id
    assert landing.visible("files") == [third]
    assert not landing.data_path(failed).exists()


def test_only_a_failure_on_a_night_shows_nothing(landing: Landing) -> None:
    fail(landing, NIGHT)
    assert landing.visible("files") == []
    assert landing.latest_night("files") is None


def test_visible_is_by_date_whatever_the_order_of_arrival(landing: Landing) -> None:
    late = land(landing, date(2026, 3, 31), ["c"])
    early = land(landing, date(2026, 3, 29), ["a"])
    middle = land(landing, date(2026, 3, 30), ["b"])
    departments = land(landing, date(2026, 3, 30), ["d"], entity="departments")
    assert landing.visible("files") == [departments, early, middle, late]
    assert landing.visible("files", as_of=date(2026, 3, 30)) == [departments, early, middle]
    assert landing.visible("files", as_of=date(2026, 3, 28)) == []
    assert landing.latest_night("files") == date(2026, 3, 31)


def test_attempts_count_as_numbers(landing: Landing) -> None:
    for _ in range(10):
        newest = land(landing, NIGHT, ["a"])
    assert newest.batch_id == "2026-03-31.10"
    assert newest.supersedes == "2026-03-31.9"
    assert landing.visible("files") == [newest]


def test_sources_do_not_see_each_other(landing: Landing) -> None:
    land(landing, NIGHT, ["a"])
    assert landing.visible("demo") == []
    assert landing.manifests("demo") == []


def test_leftovers_of_a_crash_are_invisible_and_never_overwritten(landing: Landing) -> None:
    first = land(landing, NIGHT, ["a"])
    entity = landing.root / "files" / "industries"
    (entity / "2026-03-31.2").mkdir()
    (entity / "2026-03-31.2" / "data.parquet").write_bytes(b"half")
    (entity / ".tmp-2026-03-31.3-4711").mkdir()
    assert landing.visible("files") == [first]
    assert [path.name for path in landing.leftovers("files")] == [".tmp-2026-03-31.3-4711", "2026-03-31.2"]
    third = land(landing, NIGHT, ["b"])
    assert (third.batch_id, third.supersedes) == ("2026-03-31.3", "2026-03-31.1")
    assert (entity / "2026-03-31.2" / "data.parquet").read_bytes() == b"half"


def test_a_crash_before_the_manifest_leaves_yesterday(landing: Landing, monkeypatch: pytest.MonkeyPatch) -> None:
    first = land(landing, NIGHT, ["a"])

    def power_cut(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Landing, "_publish", power_cut)
        with pytest.raises(KeyboardInterrupt):
            land(landing, NIGHT, ["b"])
    assert landing.visible("files") == [first]
    assert land(landing, NIGHT, ["c"]).batch_id == "2026-03-31.3"


def test_rows_that_do_not_add_up_are_not_stored(landing: Landing) -> None:
    raw = raw_of(["a", "b"])
    validated = validate(contract()["industries"], raw, ZONE)
    short = replace(validated, landed=validated.landed.slice(0, 1))
    with pytest.raises(LandingError, match="2 rows came in, but 1 landed and 0 went to quarantine"):
        landing.write("files", NIGHT, raw, short)
    assert landing.manifests("files") == []


def test_verify_notices_a_cut_changed_or_missing_file(landing: Landing) -> None:
    manifest = land(landing, NIGHT, ["a"])
    path = landing.data_path(manifest)
    whole = path.read_bytes()
    landing.verify(manifest, content=True)

    path.write_bytes(whole[:-8])
    with pytest.raises(LandingError, match=r"data\.parquet has \d+ bytes instead of the \d+ that were written"):
        landing.verify(manifest)

    path.write_bytes(whole[:-1] + b"X")
    landing.verify(manifest)
    with pytest.raises(LandingError, match=r"data\.parquet does not have the content that was written"):
        landing.verify(manifest, content=True)

    path.unlink()
    with pytest.raises(LandingError, match=r"data\.parquet is gone"):
        landing.verify(manifest)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{", "is no manifest"),
        ("[]", "is no manifest"),
        ("{}", "is no manifest"),
        ('{"format_version": 2}', "version 2"),
    ],
)
def test_a_damaged_manifest_is_named(landing: Landing, text: str, problem: str) -> None:
    manifest = land(landing, NIGHT, ["a"])
    path = landing.data_path(manifest).parent / "manifest.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(LandingError, match=problem) as raised:
        landing.visible("files")
    assert str(path) in str(raised.value)


def test_a_manifest_with_a_wrong_field_is_no_manifest(landing: Landing, tmp_path: Path) -> None:
    text = land(landing, NIGHT, ["a"]).to_json().replace('"landed"', '"done"')
    with pytest.raises(LandingError, match="is no manifest"):
        Manifest.from_json(text, tmp_path)


def test_names_that_would_leave_the_landing_zone_are_refused(landing: Landing) -> None:
    with pytest.raises(LandingError, match="cannot name a folder"):
        landing.write_failure("../files", NIGHT, "industries", SourceError("industries", "x", "missing", "x"))


def test_landed_types_are_the_contracts_in_duckdb(landing: Landing) -> None:
    raw = RawTable(
        "order_lines",
        BatchKind.COMPLETE,
        pa.table({"order_line_id": [1], "order_id": [1], "quantity": [2], "unit_price": ["1.5"], "updated_at": [""]}),
        pa.array([2]),
        "order_lines.parquet",
    )
    manifest = landing.write("files", NIGHT, raw, validate(contract()["order_lines"], raw, ZONE))
    described = duckdb.sql("describe select * from read_parquet(?)", params=[str(landing.data_path(manifest))])
    types = {row[0]: row[1] for row in described.fetchall()}
    assert types == {
        **{column.name: column.duckdb_type for column in contract()["order_lines"].columns},
        "_batch_id": "VARCHAR",
        "_batch_date": "DATE",
        "_row_number": "BIGINT",
    }
