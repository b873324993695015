"""Saved check results: by night and stage, newest first at hand."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from orchestration.checks.catalogue import spec_of
from orchestration.checks.outcome import CheckOutcome
from orchestration.checks.results import latest_path, load_outcomes, results_path, save_outcomes

MONDAY, TUESDAY = date(2026, 3, 2), date(2026, 3, 3)
WARNED = CheckOutcome(spec_of("warehouse_is_current"), False, "late", {"days_late": 2}, ({"as_of": "2026-03-02"},))
BLOCKED = CheckOutcome(spec_of("orders_reconcile"), False, "Đơn hàng lệch", {"orders": 3, "amount": "10.05"})
PASSED = CheckOutcome(spec_of("tasks_reconcile"), True, "all places agree", {"rate": 0.5, "nothing": None})


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    save_outcomes(tmp_path, MONDAY, "marts", [WARNED, BLOCKED, PASSED])
    saved = load_outcomes(tmp_path, MONDAY)
    assert saved is not None
    assert saved.night == MONDAY
    assert saved.outcomes == (WARNED, BLOCKED, PASSED)


def test_blocking_failures_come_first(tmp_path: Path) -> None:
    save_outcomes(tmp_path, MONDAY, "marts", [PASSED, WARNED, BLOCKED])
    saved = load_outcomes(tmp_path)
    assert saved is not None
    assert saved.failed == (BLOCKED, WARNED)


def test_stages_of_a_night_stand_beside_each_other_and_a_rerun_replaces_its_own(tmp_path: Path) -> None:
    save_outcomes(tmp_path, MONDAY, "batches", [WARNED])
    save_outcomes(tmp_path, MONDAY, "marts", [BLOCKED])
    save_outcomes(tmp_path, MONDAY, "marts", [PASSED])
    saved = load_outcomes(tmp_path, MONDAY)
    assert saved is not None
    assert saved.stages == {"batches": (WARNED,), "marts": (PASSED,)}


def test_latest_is_the_newest_night_not_the_last_saved_one(tmp_path: Path) -> None:
    save_outcomes(tmp_path, TUESDAY, "marts", [PASSED])
    save_outcomes(tmp_path, MONDAY, "marts", [BLOCKED])
    latest = load_outcomes(tmp_path)
    assert latest is not None
    assert latest.night == TUESDAY
    assert latest.outcomes == (PASSED,)


def test_nothing_saved_is_none(tmp_path: Path) -> None:
    assert load_outcomes(tmp_path) is None
    assert load_outcomes(tmp_path, MONDAY) is None


def test_the_file_is_readable_by_people(tmp_path: Path) -> None:
    path = save_outcomes(tmp_path, MONDAY, "marts", [BLOCKED])
    assert path == tmp_path / "results" / "2026-03-02.json"
    [outcome] = json.loads(path.read_text("utf-8"))["stages"]["marts"]
    assert outcome["message"] == "Đơn hàng lệch"
    assert outcome["severity"] == "error"
    assert outcome["asset"] == ["marts", "fct_orders"]
    assert "Đơn hàng" in path.read_text("utf-8")
    assert latest_path(tmp_path).read_bytes() == path.read_bytes()


@pytest.mark.parametrize("text", ["", "[]", '{"format_version": 9}', '{"format_version": 1}'])
def test_a_damaged_file_is_an_error_that_names_it(tmp_path: Path, text: str) -> None:
    path = results_path(tmp_path, MONDAY)
    path.parent.mkdir()
    path.write_text(text)
    with pytest.raises(ValueError, match=r"2026-03-02\.json holds no check results"):
        load_outcomes(tmp_path, MONDAY)
