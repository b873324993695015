"""Compaction of the landing zone: every delivery stays, each distinct row is kept once, and no crash changes either."""

from __future__ import annotations

import json
import random
import shutil
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

from orchestration.landing.compact import (
    Group,
    clear_leftovers,
    compact,
    compact_landing,
    held_twice,
    last_compacted_night,
    measure,
    plan,
)
from orchestration.landing.index import write_index
from orchestration.landing.manifest import LandingError, Manifest
from orchestration.landing.reading import DATA, QUARANTINE, row_counts, rows_sql
from orchestration.landing.store import Landing
from orchestration.settings import Settings
from orchestration.sources.base import BatchKind
from tests.unit.test_landing_store import fail, land

MONTH_END = date(2026, 3, 31)
NIGHTS = [MONTH_END - timedelta(days=days) for days in range(9, -1, -1)]

Rows = list[tuple[object, ...]]


@pytest.fixture
def landing(tmp_path: Path) -> Landing:
    return Landing(tmp_path / "landing")


def rows(landing: Landing, batches: list[Manifest], file: str = DATA) -> Rows:
    """Every row of the batches, with where it came from, in an order of its own."""
    found = duckdb.sql(f"from {rows_sql(landing, batches, file)}")
    # A segment has the columns in another order.
    return found.select(", ".join(sorted(found.columns))).order("all").fetchall()


def played(landing: Landing, chance: random.Random) -> list[Manifest]:
    """Ten nights of changing rows, good and rejected: rows move, vanish, come back; some nights are delivered again."""
    ids = [f"i{number:02}" for number in range(12)]
    for night in NIGHTS:
        for _ in range(chance.choice((1, 1, 2))):
            for _ in range(chance.randint(0, 3)):
                chance.choice((ids.reverse, lambda: ids.insert(0, ids.pop()), lambda: ids.append(f"i{len(ids):02}")))()
            kept = [name for name in ids if chance.random() > 0.1]
            # An empty key and a key twice go to quarantine, as they are, night after night.
            bad = chance.choice(([], [""], ["", "", kept[0]]))
            land(landing, night, kept + bad, kind=chance.choice((BatchKind.COMPLETE, BatchKind.DELTA)))
    fail(landing, NIGHTS[2])
    return [batch for batch in landing.manifests("files") if batch.files]


@pytest.mark.parametrize("seed", range(5))
def test_every_row_of_every_batch_stays_with_its_batch_and_number(landing: Landing, seed: int) -> None:
    batches = played(landing, random.Random(seed))
    before = {file: rows(landing, batches, file) for file in (DATA, QUARANTINE)}
    assert all(before.values())
    described = [duckdb.sql(f"describe from {rows_sql(landing, batches, file)}").fetchall() for file in before]
    [done] = compact(landing, plan(landing, "files", MONTH_END))
    assert [batch.batch_id for batch in done.group.batches] == [batch.batch_id for batch in batches]
    assert not any(landing.data_path(batch).exists() for batch in batches)
    assert {file: rows(landing, batches, file) for file in (DATA, QUARANTINE)} == before
    assert [sorted(duckdb.sql(f"describe from {rows_sql(landing, batches, file)}").fetchall()) for file in before] == [
        sorted(columns) for columns in described
    ]
    with duckdb.connect() as connection:
        counts = row_counts(connection, landing, batches)
        rejected = row_counts(connection, landing, batches, QUARANTINE)
    assert counts == {batch.batch_id: batch.rows_landed for batch in batches}
    assert rejected == {batch.batch_id: batch.rows_quarantined for batch in batches}


def test_a_row_that_comes_every_night_is_kept_once(landing: Landing) -> None:
    for night in NIGHTS:
        land(landing, night, ["a", "b", f"only {night}"])
    [done] = compact(landing, plan(landing, "files", MONTH_END))
    assert done.group.rows == 30
    assert done.distinct_rows == 12
    segment, _ = landing.segments("files", "industries")["2026-03-31.1"]
    kept = pq.read_table(landing.segment_folder(segment) / DATA).to_pylist()
    assert {row["industry_id"]: len(row["_deliveries"]) for row in kept}["a"] == 1
    assert done.bytes < done.group.bytes / 5


def test_a_past_day_and_a_night_that_is_played_again_are_as_before(landing: Landing) -> None:
    for number, night in enumerate(NIGHTS):
        land(landing, night, [f"night {number}", "always"])
    past = NIGHTS[4]
    then = rows(landing, landing.visible("files", past))
    compact(landing, plan(landing, "files", MONTH_END))
    assert rows(landing, landing.visible("files", past)) == then
    again = land(landing, past, ["new"])
    assert again.batch_id == f"{past}.2"
    assert again.supersedes == f"{past}.1"
    seen = set(
        duckdb.sql(f"select industry_id, _batch_id from {rows_sql(landing, landing.visible('files'))}").fetchall()
    )
    assert ("new", f"{past}.2") in seen
    assert not any(batch == f"{past}.1" for _, batch in seen)


def test_a_refused_batch_stays_refused_and_reachable(landing: Landing) -> None:
    batches = [land(landing, night, ["a"]) for night in NIGHTS[:3]]
    landing.refuse(batches[1], {"batch_rows_kept": "too few"})
    compact(landing, plan(landing, "files", MONTH_END))
    assert landing.visible("files") == [batches[0], batches[2]]
    assert landing.is_refused(batches[1])
    assert len(rows(landing, [batches[1]])) == 1


def test_what_is_young_or_alone_stays_as_it_is(landing: Landing) -> None:
    for night in (*NIGHTS, date(2026, 4, 1), date(2026, 4, 2), date(2026, 2, 1)):
        land(landing, night, ["a"])
    [group] = plan(landing, "files", MONTH_END)
    assert (group.month, len(group.batches)) == ("2026-03", 10)
    assert plan(landing, "files", date(2026, 3, 22)) == []
    compact(landing, [group])
    assert plan(landing, "files", MONTH_END) == []


@pytest.mark.parametrize(
    ("newest", "days", "last"),
    [
        (date(2026, 4, 14), 14, date(2026, 3, 31)),
        (date(2026, 4, 13), 14, date(2026, 2, 28)),
        (date(2026, 1, 20), 14, date(2025, 12, 31)),
        (date(2026, 3, 31), 1, date(2026, 2, 28)),
        (date(2026, 4, 1), 1, date(2026, 3, 31)),
    ],
)
def test_a_month_is_taken_up_so_many_days_after_its_end(newest: date, days: int, last: date) -> None:
    assert last_compacted_night(newest, days) == last


def compacted_but_not_deleted(landing: Landing, tmp_path: Path) -> list[Manifest]:
    """The state between the segment's manifest and the deletion of the batches' own files."""
    batches = played(landing, random.Random(1))
    shutil.copytree(landing.root, tmp_path / "copy")
    compact(landing, plan(landing, "files", MONTH_END))
    for batch in batches:
        for file in (DATA, QUARANTINE):
            shutil.copy(
                tmp_path / "copy" / "files" / "industries" / batch.batch_id / file,
                landing.data_path(batch).with_name(file),
            )
    return batches


def test_while_both_are_there_every_row_counts_once(landing: Landing, tmp_path: Path) -> None:
    batches = compacted_but_not_deleted(landing, tmp_path)
    assert rows(landing, batches) == rows(Landing(tmp_path / "copy"), batches)
    assert held_twice(landing, "files") == batches
    assert plan(landing, "files", MONTH_END) == []
    index = pq.read_table(write_index(landing, "files", MONTH_END, tmp_path / "warehouse")).to_pylist()
    assert all(Path(row["data_path"]).parent.name == "compacted-2026-03.1" for row in index)
    assert len(clear_leftovers(landing, "files")) == 2 * len(batches)
    assert rows(landing, batches) == rows(Landing(tmp_path / "copy"), batches)
    assert held_twice(landing, "files") == []


def test_a_segment_without_its_manifest_is_not_read_and_cleared_away(landing: Landing, tmp_path: Path) -> None:
    batches = compacted_but_not_deleted(landing, tmp_path)
    folder = landing.root / "files" / "industries" / "compacted-2026-03.1"
    (folder / "manifest.json").unlink()
    shutil.copytree(folder, folder.with_name(".tmp-compacted-2026-03.2"))
    assert rows(landing, batches) == rows(Landing(tmp_path / "copy"), batches)
    assert {path.name for path in landing.leftovers("files")} == {folder.name, ".tmp-compacted-2026-03.2"}
    assert len(clear_leftovers(landing, "files")) == 2
    assert landing.leftovers("files") == []
    [done] = compact(landing, plan(landing, "files", MONTH_END))
    assert len(done.group.batches) == len(batches)
    assert rows(landing, batches) == rows(Landing(tmp_path / "copy"), batches)


def test_a_batch_that_is_not_as_it_was_written_is_not_compacted(landing: Landing) -> None:
    batches = [land(landing, night, ["a", "b"]) for night in NIGHTS]
    path = landing.data_path(batches[3])
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(LandingError, match="does not have the content that was written"):
        compact(landing, plan(landing, "files", MONTH_END))
    assert all(landing.data_path(batch).exists() for batch in batches)
    assert landing.segments("files", "industries") == {}


def test_a_segment_that_does_not_give_everything_back_is_not_used(
    landing: Landing, monkeypatch: pytest.MonkeyPatch
) -> None:
    batches = [land(landing, night, ["a", "b"]) for night in NIGHTS]
    from orchestration.landing import compact as module

    right = module._segment_sql
    monkeypatch.setattr(module, "_segment_sql", lambda content: f"select * from ({right(content)}) limit 1")
    with pytest.raises(LandingError, match="would not give back exactly"):
        compact(landing, plan(landing, "files", MONTH_END))
    assert all(landing.data_path(batch).exists() for batch in batches)
    assert landing.segments("files", "industries") == {}
    assert landing.leftovers("files") == []


def test_a_segment_cut_short_is_named(landing: Landing, tmp_path: Path) -> None:
    for night in NIGHTS:
        land(landing, night, ["a"])
    compact(landing, plan(landing, "files", MONTH_END))
    path = landing.root / "files" / "industries" / "compacted-2026-03.1" / DATA
    path.write_bytes(path.read_bytes()[:-7])
    with pytest.raises(LandingError, match=r"compacted-2026-03\.1/data\.parquet has .* the rows of many batches"):
        write_index(landing, "files", MONTH_END, tmp_path / "warehouse")


@pytest.mark.parametrize(
    ("text", "message"), [("{", "no manifest of a segment"), ('{"format_version": 9}', "format version 9")]
)
def test_a_manifest_that_is_none_stops_everything(landing: Landing, text: str, message: str) -> None:
    for night in NIGHTS[:2]:
        land(landing, night, ["a"])
    compact(landing, plan(landing, "files", MONTH_END))
    (landing.root / "files" / "industries" / "compacted-2026-03.1" / "manifest.json").write_text(text)
    with pytest.raises(LandingError, match=message):
        rows_sql(landing, landing.visible("files"))


def test_measuring_says_what_compacting_does_and_changes_nothing(landing: Landing) -> None:
    played(landing, random.Random(2))
    groups: list[Group] = plan(landing, "files", MONTH_END)
    before = sorted(landing.root.rglob("*"))
    [measured] = measure(landing, groups)
    assert sorted(landing.root.rglob("*")) == before
    [done] = compact(landing, groups)
    assert (measured.distinct_rows, measured.group) == (done.distinct_rows, done.group)


def test_the_command_s_work_leaves_an_index_of_what_is_there(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, source="files", threads=1)
    landing = Landing(settings.landing_dir)
    assert compact_landing(settings) == []
    for night in NIGHTS:
        land(landing, night, ["a"])
    write_index(landing, "files", MONTH_END, settings.warehouse_dir)
    assert compact_landing(settings) == [], "March has just ended"
    [done] = compact_landing(settings, MONTH_END, dry_run=True)
    assert landing.segments("files", "industries") == {}
    assert [again.distinct_rows for again in compact_landing(settings, MONTH_END)] == [done.distinct_rows]
    index = pq.read_table(settings.landing_index_path).to_pylist()
    assert [row["segment_number"] for row in index] == list(range(1, 11))
    assert all(Path(row["data_path"]).exists() for row in index)
    manifest = json.loads((Path(index[0]["data_path"]).parent / "manifest.json").read_text())
    assert manifest["batch_ids"] == [f"{night}.1" for night in NIGHTS]


def test_superseded_attempts_go_only_where_the_setting_says_so(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, source="files", threads=1)
    landing = Landing(settings.landing_dir)
    replaced = [land(landing, night, ["old", "a"]) for night in NIGHTS[:3]]
    newest = [land(landing, night, ["a"]) for night in NIGHTS[:3]]
    refused = land(landing, NIGHTS[3], ["strange"])
    landing.refuse(refused, {"batch_rows_kept": "too few"})
    young = [land(landing, NIGHTS[5], ["young"]), land(landing, NIGHTS[5], ["younger"])]
    before = rows(landing, [*newest, refused])
    kept = Settings(home=tmp_path, source="files", threads=1, keep_superseded=False)
    [measured] = compact_landing(kept, NIGHTS[4], dry_run=True)
    assert not any(landing.is_dropped(batch) for batch in replaced)
    [done] = compact_landing(kept, NIGHTS[4])
    assert [measured.group.batches, done.group.batches] == [(*newest, refused)] * 2
    assert [landing.is_dropped(batch) for batch in (*replaced, *newest, refused, *young)] == [True] * 3 + [False] * 6
    assert not any(landing.data_path(batch).exists() for batch in replaced)
    assert all(landing.data_path(batch).exists() for batch in young)
    assert rows(landing, [*newest, refused]) == before
    assert landing.manifests("files")[0] == replaced[0]
    # Killed between the note and the deletion.
    landing.data_path(replaced[0]).write_bytes(b"rows")
    clear_leftovers(landing, "files")
    assert not landing.data_path(replaced[0]).exists()
    assert compact_landing(kept, NIGHTS[4]) == []
    with pytest.raises(LandingError, match="is gone"):
        landing.verify(replaced[0])
