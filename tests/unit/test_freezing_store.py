"""Frozen months on disk: nothing is overwritten, a crash leaves no visible version, and every change is noticed."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from orchestration.freezing import store as store_module
from orchestration.freezing.figures import Listed, input_batches
from orchestration.freezing.index import INDEX_SCHEMA, list_frozen, write_frozen_index
from orchestration.freezing.manifest import FrozenError, FrozenVersion
from orchestration.freezing.store import FIGURES, HEAD, MANIFEST, ROWS, FrozenStore
from orchestration.landing.durable import sha256_of
from orchestration.settings import Settings

JANUARY, FEBRUARY = date(2026, 1, 1), date(2026, 2, 1)
NAMES = ["2026-01/v1", "2026-02/v1", "2026-01/v2"]


def table(number: int) -> pa.Table:
    return pa.table({"value": [number, number + 1]})


def draft(month: date, version: int, as_of: date) -> FrozenVersion:
    return FrozenVersion(
        month=month,
        version=version,
        place=0,
        as_of=as_of,
        source="demo",
        frozen_at="2026-03-01T03:00:00+00:00",
        code_version="1.0",
        reason="first freeze" if version == 1 else "agreed",
        metrics=("orders",),
        batches=("orders/2026-01-31.1",),
        files=(),
        previous=None,
    )


@pytest.fixture
def store(tmp_path: Path) -> FrozenStore:
    """January, February, and January again."""
    made = FrozenStore(tmp_path / "frozen")
    made.add(draft(JANUARY, 1, date(2026, 1, 31)), table(1), table(10))
    made.add(draft(FEBRUARY, 1, date(2026, 2, 28)), table(2), table(20))
    made.add(draft(JANUARY, 2, date(2026, 3, 5)), table(3), table(30))
    return made


def test_versions_come_in_the_order_in_which_they_were_frozen(store: FrozenStore) -> None:
    versions = store.versions()
    assert [version.name for version in versions] == NAMES
    assert [version.place for version in versions] == [1, 2, 3]
    assert [version.previous.name if version.previous else None for version in versions] == [None, *NAMES[:2]]
    assert [version.version for version in store.of_month("2026-01")] == [1, 2]
    assert pq.read_table(store.path(versions[2], FIGURES)) == table(3)
    assert store.problems() == []
    assert store.leftovers() == []


def test_nothing_frozen_is_nothing_wrong(tmp_path: Path) -> None:
    empty = FrozenStore(tmp_path / "frozen")
    assert (empty.versions(), empty.problems(), empty.leftovers(), empty.head()) == ([], [], [], None)


def test_a_version_is_never_written_over(store: FrozenStore) -> None:
    before = (store.root / NAMES[0] / FIGURES).read_bytes()
    with pytest.raises(FrozenError, match="never overwritten"):
        store.add(draft(JANUARY, 1, date(2026, 1, 31)), table(9), table(90))
    assert (store.root / NAMES[0] / FIGURES).read_bytes() == before
    assert [version.name for version in store.versions()] == NAMES
    assert (store.root / NAMES[0] / FIGURES).stat().st_mode & 0o222 == 0


def edit_byte(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.chmod(0o644)
    path.write_bytes(content)


def swap(one: Path, other: Path) -> None:
    aside = one.with_name("aside")
    one.rename(aside)
    other.rename(one)
    aside.rename(other)


def shorten(path: Path) -> None:
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:-1])


def overwrite(path: Path, text: str) -> None:
    path.chmod(0o644)
    path.write_text(text, encoding="utf-8")


def rewrite(path: Path, **changes: object) -> None:
    overwrite(path, json.dumps({**json.loads(path.read_text(encoding="utf-8")), **changes}))


def head_of_a_shorter_chain(root: Path) -> None:
    """The newest version goes, and the head is set back to the one before."""
    shutil.rmtree(root / NAMES[2])
    rewrite(root / HEAD, count=2)


def forge_first(root: Path) -> None:
    """The figures of the first version are replaced, and its manifest made to agree with them."""
    other = (root / NAMES[1] / FIGURES).read_bytes()
    path = root / NAMES[0] / FIGURES
    path.chmod(0o644)
    path.write_bytes(other)
    files = json.loads((root / NAMES[0] / MANIFEST).read_text(encoding="utf-8"))["files"]
    files[0] |= {"sha256": sha256_of(path), "bytes": len(other)}
    rewrite(root / NAMES[0] / MANIFEST, files=files)


TAMPERING: dict[str, tuple[Callable[[Path], object], str]] = {
    "a byte of the figures": (lambda root: edit_byte(root / NAMES[0] / FIGURES), "v1/figures.parquet does not have"),
    "a byte of the rows": (lambda root: edit_byte(root / NAMES[1] / ROWS), "v1/rows.parquet does not have"),
    "rows cut short": (lambda root: shorten(root / NAMES[1] / ROWS), "v1/rows.parquet has .* bytes instead of"),
    "a data file deleted": (lambda root: (root / NAMES[2] / ROWS).unlink(), "v2/rows.parquet is gone"),
    "a manifest edited": (
        lambda root: rewrite(root / NAMES[1] / MANIFEST, reason="none"),
        "2026-02/v1/manifest.json does not have the content",
    ),
    "the newest manifest edited": (
        lambda root: rewrite(root / NAMES[2] / MANIFEST, as_of="2026-03-06"),
        "2026-01/v2/manifest.json does not have the content",
    ),
    "a manifest that is no JSON": (
        lambda root: overwrite(root / NAMES[1] / MANIFEST, "{"),
        "2026-02/v1/manifest.json is no manifest",
    ),
    "a manifest deleted": (lambda root: (root / NAMES[0] / MANIFEST).unlink(), "2026-01/v1/manifest.json is gone"),
    "a version deleted": (lambda root: shutil.rmtree(root / NAMES[1]), "2026-02/v1/manifest.json is gone"),
    "the newest version deleted": (lambda root: shutil.rmtree(root / NAMES[2]), "2026-01/v2/manifest.json is gone"),
    "a month deleted": (lambda root: shutil.rmtree(root / "2026-02"), "2026-02/v1/manifest.json is gone"),
    "two versions swapped": (lambda root: swap(root / NAMES[0], root / NAMES[2]), "manifest.json does not have"),
    "two months swapped": (lambda root: swap(root / "2026-01", root / "2026-02"), "manifest.json"),
    "the figures of two versions swapped": (
        lambda root: swap(root / NAMES[0] / FIGURES, root / NAMES[2] / FIGURES),
        "figures.parquet",
    ),
    "figures and manifest forged together": (forge_first, "2026-01/v1/manifest.json does not have the content"),
    "the head deleted": (lambda root: (root / HEAD).unlink(), "head.json is gone, although 2026-01/v1"),
    "the head's count edited": (lambda root: rewrite(root / HEAD, count=2), "counts 2 frozen versions"),
    "the head edited for a shorter chain": (head_of_a_shorter_chain, "2026-01/v2/manifest.json is gone"),
    "a version put there": (
        lambda root: shutil.copytree(root / NAMES[1], root / "2026-03" / "v1"),
        "2026-03/v1/manifest.json is the manifest of 2026-02/v1",
    ),
}


@pytest.mark.parametrize("name", TAMPERING)
def test_tampering_is_noticed_and_says_what_to_do(name: str, store: FrozenStore) -> None:
    tamper, message = TAMPERING[name]
    tamper(store.root)
    problems = store.problems()
    assert any(re.search(message, problem) for problem in problems), problems
    assert all("Restore it from a backup" in problem for problem in problems)
    with pytest.raises(FrozenError):
        store.verify()
    with pytest.raises(FrozenError):
        store.add(draft(date(2026, 3, 1), 1, date(2026, 3, 31)), table(4), table(40))


def test_a_head_set_back_leaves_a_version_that_is_noticed(store: FrozenStore, tmp_path: Path) -> None:
    """A head restored from an older backup: the newest version is whole and follows it, so it is taken up again."""
    newest = (store.root / HEAD).read_bytes()
    older = FrozenStore(tmp_path / "older")
    older.add(draft(JANUARY, 1, date(2026, 1, 31)), table(1), table(10))
    shutil.copy(older.root / HEAD, store.root / HEAD)
    assert "is not in the chain" in "\n".join(store.problems())
    store.recover()
    store.recover()
    assert (store.root / HEAD).read_bytes() == newest
    assert store.problems() == []


@pytest.mark.parametrize("stopped_at", ["figures", "rows", "rename", "manifest", "head"])
@pytest.mark.parametrize("is_first", [True, False])
def test_a_freeze_that_was_killed_is_not_seen_and_can_be_done_again(
    stopped_at: str, is_first: bool, store: FrozenStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped before each step: what is on disk then is what a power cut leaves."""
    if is_first:
        store = FrozenStore(tmp_path / "first")
    before = [version.name for version in store.versions()]

    class Killed(BaseException):
        pass

    def kill(*_: object) -> None:
        raise Killed

    def kill_at(name: str, wanted: str) -> None:
        original = getattr(store_module, name)
        monkeypatch.setattr(
            store_module, name, lambda path, *rest: kill() if path.name == wanted else original(path, *rest)
        )

    if stopped_at in ("figures", "rows"):
        kill_at("_write_parquet", f"{stopped_at}.parquet")
    elif stopped_at == "rename":
        monkeypatch.setattr(Path, "rename", kill)
    elif stopped_at == "manifest":
        kill_at("_write_once", MANIFEST)
    else:
        kill_at("write_durably", HEAD)
    march = draft(date(2026, 3, 1), 1, date(2026, 3, 31))
    with pytest.raises(Killed):
        store.add(march, table(4), table(40))
    monkeypatch.undo()
    assert [version.name for version in store.versions()] == before
    assert store.problems() == []
    if stopped_at == "head":
        finished = store.recover()
        assert finished is not None
        assert finished.name == "2026-03/v1"
    else:
        assert len(store.leftovers()) == 1
        store.add(march, table(4), table(40))
    assert [version.name for version in store.versions()] == [*before, "2026-03/v1"]
    assert (store.problems(), store.leftovers()) == ([], [])
    assert pq.read_table(store.root / "2026-03/v1" / FIGURES) == table(4)


def test_a_run_reads_the_versions_it_may_know(store: FrozenStore, tmp_path: Path) -> None:
    zone = Settings(home=tmp_path).zone
    rows = pq.read_table(write_frozen_index(store, date(2026, 3, 5), zone, tmp_path / "warehouse")).to_pylist()
    assert [(row["month_date"], row["version"], row["is_latest"]) for row in rows] == [
        (JANUARY, 1, False),
        (FEBRUARY, 1, True),
        (JANUARY, 2, True),
    ]
    # 03:00 in UTC is 10:00 in the company.
    assert {row["frozen_at"].isoformat() for row in rows} == {"2026-03-01T10:00:00"}
    assert [Path(row["figures_path"]).is_file() and Path(row["rows_path"]).is_file() for row in rows] == [True] * 3
    earlier = pq.read_table(write_frozen_index(store, date(2026, 3, 4), zone, tmp_path / "warehouse"))
    assert [(row["version"], row["is_latest"]) for row in earlier.to_pylist()] == [(1, True), (1, True)]
    none = pq.read_table(write_frozen_index(store, date(2026, 1, 30), zone, tmp_path / "warehouse"))
    assert (none.num_rows, none.schema) == (0, INDEX_SCHEMA)


def test_no_run_reads_what_is_damaged(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    store = FrozenStore(settings.frozen_dir)
    store.add(draft(JANUARY, 1, date(2026, 1, 31)), table(1), table(10))
    assert list_frozen(settings, date(2026, 3, 1)).exists()
    edit_byte(store.root / NAMES[0] / ROWS)
    with pytest.raises(FrozenError, match=r"rows\.parquet does not have the content"):
        list_frozen(settings, date(2026, 3, 1))


def test_the_newest_batch_of_every_table_of_a_figure() -> None:
    listed = [Listed("orders", "order_id", ("orders", "order_lines", "payments")), Listed("calls", "k", ("tasks",))]
    batches = ["orders/2026-02-09.1", "orders/2026-02-28.9", "orders/2026-02-28.10", "order_lines/2026-02-01.1"]
    assert input_batches(listed, batches) == {
        "orders": "order_lines/2026-02-01.1 orders/2026-02-28.10",
        "calls": "",
    }
