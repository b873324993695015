"""Which batches are a yardstick, what a person may accept, and the figures of a profile."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from orchestration.checks.batches import MAX_NEWEST_LAG_DAYS
from orchestration.checks.history import good_batches, lost_limit, quarantine_limit, read_accepted
from orchestration.checks.profiles import drift_of
from orchestration.contract import contract
from orchestration.landing.manifest import BatchStatus, Manifest
from orchestration.sources.base import BatchKind

FIRST = date(2026, 3, 1)
BATCH = Manifest(
    source="files",
    entity="customers",
    batch_id="2026-03-01.1",
    batch_date=FIRST,
    attempt=1,
    kind=BatchKind.COMPLETE,
    status=BatchStatus.LANDED,
    supersedes=None,
    landed_at="2026-03-02T00:00:00+00:00",
    rows_in=100,
    rows_landed=100,
    rows_quarantined=0,
    contract_fingerprint="",
    input_name="customers.csv",
)


def _nights(rows: Sequence[int]) -> list[Manifest]:
    return [
        replace(BATCH, batch_date=FIRST + timedelta(days=day), rows_in=count, rows_landed=count)
        for day, count in enumerate(rows)
    ]


def _good_rows(batches: Sequence[Manifest], accepted: dict[tuple[str, date], str] | None = None) -> list[int]:
    return [batch.rows_in for batch in good_batches(batches, accepted or {})]


def test_growing_batches_are_all_good() -> None:
    assert _good_rows(_nights([100, 110, 105])) == [100, 110, 105]


def test_a_truncated_batch_is_no_yardstick_however_often_it_comes() -> None:
    assert _good_rows(_nights([100, 79, 79, 79, 90])) == [100, 90]


def test_a_loss_at_the_limit_is_good() -> None:
    assert _good_rows(_nights([100, 80])) == [100, 80]


def test_an_accepted_loss_is_the_new_yardstick() -> None:
    assert _good_rows(_nights([100, 50, 50]), {("customers", FIRST + timedelta(days=1)): "sold a branch"}) == [
        100,
        50,
        50,
    ]


def test_another_entitys_acceptance_says_nothing() -> None:
    assert _good_rows(_nights([100, 50]), {("orders", FIRST + timedelta(days=1)): "sold a branch"}) == [100]


def test_deltas_are_no_yardstick_for_losses() -> None:
    assert _good_rows([*_nights([100]), replace(BATCH, kind=BatchKind.DELTA, rows_in=3)]) == [100]


def test_a_batch_with_too_much_in_quarantine_is_no_yardstick() -> None:
    assert _good_rows([*_nights([100]), replace(BATCH, rows_landed=94, rows_quarantined=6, rows_in=100)]) == [100]


def test_a_short_list_may_lose_rows_but_not_all() -> None:
    assert _good_rows(_nights([19, 2])) == [19, 2]
    assert _good_rows(_nights([19, 0])) == [19]
    assert _good_rows(_nights([1, 0])) == [1]


def test_an_empty_batch_is_a_yardstick_for_nothing_being_there() -> None:
    assert _good_rows(_nights([0, 0, 5])) == [0, 0, 5]


@pytest.mark.parametrize(
    ("rows_in", "tolerated"),
    [
        pytest.param(1, 0, id="one-row-rejected-is-a-batch-rejected"),
        pytest.param(3, 2, id="never-all-of-three"),
        pytest.param(12, 3, id="three-of-a-short-list"),
        pytest.param(60, 3, id="three-are-a-twentieth"),
        pytest.param(1000, 50, id="a-twentieth-of-many"),
    ],
)
def test_how_many_rejected_rows_are_tolerated(rows_in: int, tolerated: int) -> None:
    assert max(rows for rows in range(rows_in + 1) if rows / rows_in <= quarantine_limit(rows_in)) == tolerated


@pytest.mark.parametrize(("rows_before", "lost"), [(1, 0), (19, 18), (20, 4), (1000, 200)])
def test_how_many_lost_rows_are_tolerated(rows_before: int, lost: int) -> None:
    assert max(rows for rows in range(rows_before + 1) if rows / rows_before <= lost_limit(rows_before)) == lost


def test_accepted_batches_are_read_with_comments_and_blank_lines(tmp_path: Path) -> None:
    path = tmp_path / "accepted_batches.txt"
    path.write_text("# written by Lan\n\ncustomers 2026-03-02 sold a branch # see mail\n", encoding="utf-8")
    assert read_accepted(path) == {("customers", date(2026, 3, 2)): "sold a branch"}


def test_nobody_accepted_anything_without_the_file(tmp_path: Path) -> None:
    assert read_accepted(tmp_path / "accepted_batches.txt") == {}


@pytest.mark.parametrize("line", ["customers", "customers 2026-03-02", "customers yesterday because", "2026-03-02 x y"])
def test_a_line_that_says_less_is_an_error_that_names_it(tmp_path: Path, line: str) -> None:
    path = tmp_path / "accepted_batches.txt"
    path.write_text(f"customers 2026-03-02 fine\n{line}\n")
    with pytest.raises(ValueError, match="line 2: write `entity YYYY-MM-DD reason`"):
        read_accepted(path)


def test_drift_counts_from_the_last_seven_nights() -> None:
    drift = drift_of(110, [1, 100, 100, 100, 100, 100, 100, 100])
    assert drift is not None
    assert drift.mean == 100
    assert drift.ratio == pytest.approx(1.1)
    # Nights without any spread are given one of a hundredth of their mean.
    assert drift.sigmas == pytest.approx(10)


def test_steady_growth_stays_within_three_sigma() -> None:
    drift = drift_of(1700, [1000, 1100, 1200, 1300, 1400, 1500, 1600])
    assert drift is not None
    assert drift.sigmas == pytest.approx(1.85, abs=0.01)


@pytest.mark.parametrize("earlier", [[], [100, 100], [49, 49, 49]])
def test_too_little_history_says_nothing(earlier: list[int]) -> None:
    assert drift_of(500, earlier) is None


def test_every_entity_that_dates_its_changes_has_a_limit_of_age() -> None:
    # A price list may stand still for years.
    assert set(MAX_NEWEST_LAG_DAYS) == {entity.name for entity in contract() if entity.has("updated_at")} - {"products"}
