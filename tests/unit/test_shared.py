"""What tests share is built once, and what is changed of it is noticed."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import duckdb
import pytest

from tests.support.shared import broken_seals, built_once, shared_root


@pytest.fixture
def base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The base folder of one process of two."""
    monkeypatch.setenv("PYTEST_XDIST_WORKER", "gw0")
    return tmp_path / "gw0"


def _build(folder: Path) -> Path:
    (folder / "landing").mkdir()
    (folder / "landing" / "orders.csv").write_text("a,b\n", encoding="utf-8")
    with duckdb.connect(folder / "built.duckdb") as connection:
        connection.execute("create table orders as select 1 as order_id")
    return folder / "built.duckdb"


def _insert(folder: Path) -> None:
    with duckdb.connect(folder / "built.duckdb") as connection:
        connection.execute("insert into orders values (2)")


def _other_text_as_long(folder: Path) -> None:
    (folder / "landing" / "orders.csv").write_text("c,d\n", encoding="utf-8")


def test_two_processes_build_once(base: Path) -> None:
    calls = []

    def build(folder: Path) -> Path:
        calls.append(folder)
        return _build(folder)

    with ThreadPoolExecutor() as threads:
        built = list(threads.map(lambda name: built_once(base.parent / name, "company", build), ["gw0", "gw1"] * 4))
    assert calls == [base.parent / "shared" / "company"]
    assert set(built) == {base.parent / "shared" / "company" / "built.duckdb"}


def test_without_other_processes_nothing_is_shared_with_other_runs(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYTEST_XDIST_WORKER")
    assert shared_root(base) == base / "shared"


def test_a_build_that_fails_does_not_count_and_leaves_nothing(base: Path) -> None:
    def fail(folder: Path) -> Path:
        (folder / "half").touch()
        raise ValueError("half a company")

    with pytest.raises(ValueError, match="half a company"):
        built_once(base, "company", fail)
    assert broken_seals(base) == []
    built_once(base, "company", _build)
    assert not (shared_root(base) / "company" / "half").exists()


def test_reading_breaks_no_seal(base: Path) -> None:
    path = built_once(base, "company", _build)
    with duckdb.connect(path, read_only=True) as connection:
        assert connection.execute("from orders").fetchall() == [(1,)]
    shutil.copytree(path.parent, base.parent / "copy")
    _insert(base.parent / "copy")
    assert broken_seals(base) == []


@pytest.mark.parametrize(
    ("change", "broken"),
    [
        (_insert, "changed: company/built.duckdb"),
        (_other_text_as_long, "changed: company/landing/orders.csv"),
        (lambda folder: (folder / "landing" / "orders.csv").unlink(), "gone: company/landing/orders.csv"),
        (lambda folder: (folder / "landing" / "tasks.csv").touch(), "new: company/landing/tasks.csv"),
        (lambda folder: (folder / "scratch").mkdir(), "new: company/scratch/"),
    ],
)
def test_a_change_is_noticed(change: Callable[[Path], object], broken: str, base: Path) -> None:
    change(built_once(base, "company", _build).parent)
    assert broken_seals(base) == [broken]
