"""Freshness: which night the warehouse is of, and the file for an outside watchdog."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from orchestration.checks.freshness import Freshness, check_freshness, read_freshness, write_freshness
from orchestration.checks.outcome import CheckOutcome, Severity

MONDAY, TUESDAY, WEDNESDAY = date(2026, 3, 2), date(2026, 3, 3), date(2026, 3, 4)

# Check name: (as_of, expected night, newest landed night) that make it fail.
FAILURES: dict[str, tuple[date, date, date | None]] = {
    "warehouse_covers_landing": (MONDAY, MONDAY, TUESDAY),
    "warehouse_is_current": (MONDAY, WEDNESDAY, MONDAY),
}


def _by_name(outcomes: list[CheckOutcome]) -> dict[str, CheckOutcome]:
    return {outcome.spec.name: outcome for outcome in outcomes}


def test_the_expected_night_passes() -> None:
    outcomes = check_freshness(TUESDAY, TUESDAY, TUESDAY)
    assert [outcome.passed for outcome in outcomes] == [True, True]
    assert outcomes[1].numbers["days_late"] == 0


@pytest.mark.parametrize("name", FAILURES)
def test_only_the_check_that_is_meant_fails(name: str) -> None:
    outcomes = _by_name(check_freshness(*FAILURES[name]))
    assert [other for other, outcome in outcomes.items() if not outcome.passed] == [name]
    assert outcomes[name].rows == (outcomes[name].numbers,)


def test_an_older_build_than_what_has_landed_blocks() -> None:
    outcome = _by_name(check_freshness(*FAILURES["warehouse_covers_landing"]))["warehouse_covers_landing"]
    assert outcome.blocks
    assert outcome.spec.severity is Severity.ERROR
    assert outcome.message == (
        "the warehouse is as of 2026-03-02, but 2026-03-03 has landed; build as of that night before publishing"
    )


def test_a_late_build_warns_with_the_days_it_is_late() -> None:
    outcome = _by_name(check_freshness(*FAILURES["warehouse_is_current"]))["warehouse_is_current"]
    assert not outcome.blocks
    assert outcome.numbers["days_late"] == 2
    assert "2 days before the expected 2026-03-04" in outcome.message


def test_a_build_from_the_future_warns() -> None:
    outcome = _by_name(check_freshness(WEDNESDAY, MONDAY, MONDAY))["warehouse_is_current"]
    assert not outcome.passed
    assert "2 days after the expected 2026-03-02" in outcome.message


def test_a_warehouse_without_any_landed_night_blocks() -> None:
    outcome = _by_name(check_freshness(MONDAY, MONDAY, None))["warehouse_covers_landing"]
    assert outcome.blocks
    assert outcome.numbers["newest_landed"] is None


def test_the_freshness_file_says_what_was_published(tmp_path: Path) -> None:
    written = Freshness(MONDAY, "2026-03-03T01:05:00+07:00", "published")
    path = write_freshness(tmp_path, written)
    assert json.loads(path.read_text()) == {
        "format_version": 1,
        "as_of": "2026-03-02",
        "published_at": "2026-03-03T01:05:00+07:00",
        "status": "published",
        "message": "",
    }
    assert read_freshness(tmp_path) == written
    assert [child.name for child in tmp_path.iterdir()] == ["freshness.json"]


def test_a_missing_freshness_file_reads_as_none(tmp_path: Path) -> None:
    assert read_freshness(tmp_path) is None


def test_a_freshness_file_of_something_else_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "freshness.json").write_text('{"as_of": 5}')
    with pytest.raises(ValueError, match=r"freshness\.json is no freshness file"):
        read_freshness(tmp_path)
