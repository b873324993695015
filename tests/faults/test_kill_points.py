"""A sample of the kill points, for every change; `python -m tests.faults.kill_points` plays as many as one likes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.kill_points import run

SEED = 20260331
KILLS = 6


@pytest.mark.parametrize("plan", ["landing", "publishing"])
def test_after_kills_everything_is_as_if_nothing_had_happened(plan: str, tmp_path: Path) -> None:
    report = run(plan, tmp_path, KILLS, SEED)
    assert report.kills >= KILLS
    assert report.problems == []
