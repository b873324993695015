"""Slow files go first, and a list of them that no longer holds is noticed."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from tests import conftest

TESTS = Path(conftest.__file__).parent


def test_every_slow_file_is_there() -> None:
    assert [name for name in conftest.SLOW_FILES if not (TESTS / name).is_file()] == []
    assert len(set(conftest.SLOW_FILES)) == len(conftest.SLOW_FILES)


def test_slow_files_go_first_and_nothing_is_lost() -> None:
    slow, slower = conftest.SLOW_FILES[1], conftest.SLOW_FILES[0]
    given = [("unit/test_a.py", 1), (slow, 1), ("unit/test_b.py", 1), (slower, 1), (slow, 2), ("unit/test_a.py", 2)]
    items: list[Any] = [SimpleNamespace(path=TESTS / file, number=number) for file, number in given]
    conftest.pytest_collection_modifyitems(items)
    ordered = [(item.path.relative_to(TESTS).as_posix(), item.number) for item in items]
    quick = [("unit/test_a.py", 1), ("unit/test_b.py", 1), ("unit/test_a.py", 2)]
    assert ordered == [(slower, 1), (slow, 1), (slow, 2), *quick]
