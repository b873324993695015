"""The plan of a backfill: which months and nights, how much, how long, and the words for it."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest

from orchestration.backfill.facts import available_nights, rows_in_range
from orchestration.backfill.months import BackfillError, MonthRange, month_range, range_of_keys
from orchestration.backfill.plan import Plan, Timings, nights_to_ask, plan_lines
from orchestration.report.errors import PageError
from orchestration.sources.demo import DemoSource
from orchestration.sources.files import FilesSource

EARLIEST, NEWEST = date(2015, 1, 1), date(2026, 3, 10)
WINTER = MonthRange(date(2025, 12, 1), date(2026, 2, 1))
TIMINGS = Timings("night run 1a2b3c4d of 2026-03-31", 2, 10.0, 4.0, 60.0, 20.0, 8.0)


def test_a_range_is_whole_months_both_ends_included() -> None:
    months = month_range("2025-12", "2026-02", EARLIEST, NEWEST)
    assert months == WINTER
    assert months.keys() == ["2025-12", "2026-01", "2026-02"]
    assert (months.nights()[0], months.nights()[-1], len(months.nights())) == (date(2025, 12, 1), date(2026, 2, 28), 90)
    assert (str(months), str(MonthRange(WINTER.first, WINTER.first))) == ("2025-12 to 2026-02", "2025-12")


def test_the_current_month_can_be_backfilled() -> None:
    assert month_range("2026-03", "2026-03", EARLIEST, NEWEST).first == date(2026, 3, 1)


@pytest.mark.parametrize(
    ("first", "last", "error", "message"),
    [
        ("2026-02", "2025-12", BackfillError, "--from 2026-02 is after --to 2025-12"),
        ("2014-12", "2025-12", BackfillError, "2014-12 is before 2015-01"),
        ("2026-02", "2026-04", BackfillError, "2026-04 has not begun; the newest month with a whole day is 2026-03"),
        ("2026-2", "2026-03", PageError, "'2026-2' is no month."),
        ("2026-02", "2026-13", PageError, "'2026-13' is no month."),
    ],
)
def test_a_range_that_cannot_be_is_refused(first: str, last: str, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        month_range(first, last, EARLIEST, NEWEST)


def test_dagster_s_partitions_are_one_range_without_a_hole() -> None:
    assert range_of_keys(["2026-02", "2025-12", "2026-01"]) == WINTER
    with pytest.raises(BackfillError, match="2026-01 is missing"):
        range_of_keys(["2025-12", "2026-02"])


def test_only_nights_that_are_over_and_that_the_source_has_are_asked_for() -> None:
    march = MonthRange(date(2026, 3, 1), date(2026, 3, 1))
    available = {date(2026, 2, 28), date(2026, 3, 9), date(2026, 3, 10), date(2026, 3, 11)}
    assert nights_to_ask(march, available, NEWEST, "files") == (date(2026, 3, 9), date(2026, 3, 10))
    with pytest.raises(BackfillError, match="has no night of 2026-03 to give"):
        nights_to_ask(march, {date(2026, 2, 28)}, NEWEST, "files")
    with pytest.raises(BackfillError, match="gives its present state only"):
        nights_to_ask(march, None, NEWEST, "files")


def test_a_source_says_which_nights_it_can_still_give(tmp_path: Path) -> None:
    demo = DemoSource(1, 0.1, date(2026, 1, 30), date(2026, 2, 2))
    lived = [date(2026, 1, 30) + timedelta(days=count) for count in range(4)]
    assert available_nights(demo, WINTER) == frozenset(lived)
    for name in ("2026-01-31", "2026-03-01", "notes"):
        (tmp_path / "nightly" / name).mkdir(parents=True)
    assert available_nights(FilesSource(tmp_path / "nightly"), WINTER) == frozenset([date(2026, 1, 31)])
    (tmp_path / "one").mkdir()
    assert available_nights(FilesSource(tmp_path / "one"), WINTER) is None


def test_rows_are_counted_per_month_of_what_the_mart_is_about(tmp_path: Path) -> None:
    marts = tmp_path / "marts.duckdb"
    assert rows_in_range(marts, WINTER) is None
    with duckdb.connect(str(marts)) as connection:
        connection.execute(
            """
            create table fct_orders as
                select unnest([date '2025-11-01', date '2025-12-01', date '2026-02-01']) as month_date;
            create table fct_journey as
                select unnest([date '2026-02-28', date '2026-03-01']) as as_of_date, cast(null as date) as created_date;
            create table dim_date as select date '2026-01-01' as month_date;
            create table kpi_undated as select 1 as rows
            """
        )
    assert rows_in_range(marts, WINTER) == {"fct_orders": 2, "fct_journey": 1}


def _lines(plan: Plan) -> dict[str, str]:
    lines = plan_lines(plan)
    assert len({label for label, _ in lines}) == len(lines)
    return dict(lines)


def test_a_plan_without_asking_says_so_and_how_long_it_takes() -> None:
    lines = _lines(Plan(WINTER, (), (date(2026, 2, 1),), {"fct_orders": 1200, "kpi_x": 0}, TIMINGS))
    assert lines["months"] == "3 month partitions: 2025-12 to 2026-02"
    assert lines["nights"] == "none is asked for again; 1 night of these months landed before"
    assert lines["rows"] == "fct_orders 1,200, kpi_x 0"
    assert lines["time"] == "about 88 seconds: 88.0 s to build, check and publish"
    assert lines["based on"] == "night run 1a2b3c4d of 2026-03-31, which landed 2 nights"


def test_a_plan_with_nights_to_ask_counts_them_and_their_seconds() -> None:
    nights = tuple(date(2026, 2, day) for day in range(1, 11))
    plan = Plan(WINTER, nights, (*nights[:3], date(2026, 2, 28)), None, TIMINGS)
    assert plan.seconds == 10 * 7.0 + 88.0
    texts = [text for label, text in plan_lines(plan) if label == "nights"]
    assert texts == [
        "10 nights asked for again, 2026-02-01 to 2026-02-10: 3 landed before and will be superseded, 7 new",
        "1 night landed before that the source cannot give any more: kept as they are",
    ]
    assert dict(plan_lines(plan))["rows"] == "unknown: nothing is published yet"


def test_a_plan_without_an_earlier_run_says_that_the_time_is_unknown() -> None:
    lines = _lines(Plan(WINTER, (), (), {f"fct_{number}": number for number in range(9)}, None))
    assert lines["time"] == "unknown: no run has ended well here yet"
    assert "based on" not in lines
    assert lines["rows"] == "fct_8 8, fct_7 7, fct_6 6, fct_5 5, fct_4 4, fct_3 3; 36 in all, with 3 smaller marts"
    assert _lines(Plan(WINTER, (), (), {"fct_a": 0}, None))["rows"] == "none of these months in any mart"
