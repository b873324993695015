"""docs/decisions.md and docs/blocks.md: complete, and every model, column, seed, macro and test they name is there."""

from __future__ import annotations

import pytest

from orchestration.settings import PROJECT_DIR
from tests.support.names import names, quoted, table_rows

DECISIONS = PROJECT_DIR / "docs" / "decisions.md"
BLOCKS = PROJECT_DIR / "docs" / "blocks.md"
POINTS = [f"5.{number}" for number in range(1, 38)]
OPEN_POINTS: set[str] = set()
SEED_PAGE = [*"ABCDEFGHIJKLMNO", "B1", "B2", "B3", "B4", "B5"]
REPORTS = ["customer", "department", "product", "task", "campaign", "telesales", "targets"]


def decisions() -> list[list[str]]:
    return [row for row in table_rows(DECISIONS, 5) if row[0] != "#"]


def blocks() -> list[list[str]]:
    return [row for row in table_rows(BLOCKS, 5) if row[1] != "block"]


def places(rows: list[list[str]], columns: tuple[int, ...]) -> set[str]:
    return {name for row in rows for column in columns for name in quoted(row[column])}


def missing() -> set[str]:
    """Names the pages give that the repository does not have."""
    known = names()
    where = places(decisions(), (3,)) | places(blocks(), (2, 3))
    tests = places(decisions(), (4,)) | places(blocks(), (4,))
    return {name for name in where if not known.has_place(name)} | (tests - known.tests)


def test_every_point_is_decided_once_in_order() -> None:
    assert [row[0] for row in decisions()] == POINTS


def test_every_decision_says_where_it_is_and_what_proves_it() -> None:
    silent = {row[0] for row in decisions() if not quoted(row[3]) or not quoted(row[4])}
    assert silent == OPEN_POINTS
    assert [row[0] for row in decisions() if "not yet" in (row[3], row[4])] == sorted(OPEN_POINTS)


def test_every_block_of_the_page_and_every_report_is_there_with_rows_and_a_test() -> None:
    found = [row[0] for row in blocks()]
    assert set(found) == {*SEED_PAGE, *REPORTS, "none"}
    assert [row[1] for row in blocks() if not quoted(row[2]) or not quoted(row[4])] == []


def test_every_name_is_there() -> None:
    assert sorted(missing()) == []


@pytest.mark.parametrize("name", ["fct_funnel.no_such_column", "no_such_mart", "seeds/no_such.csv", "no_such_macro()"])
def test_a_name_that_is_nowhere_is_noticed(name: str) -> None:
    assert not names().has_place(name)
