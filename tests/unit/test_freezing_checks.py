"""The check before publishing: frozen files, what the marts show of them, and what was shown before."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from orchestration.checks.frozen import check_frozen
from orchestration.doctor import Level, look_at_frozen
from orchestration.freezing.freeze import last_day, refuse_day
from orchestration.freezing.manifest import FrozenError, FrozenVersion
from orchestration.freezing.store import HEAD, FrozenStore
from orchestration.settings import Settings

JANUARY, FEBRUARY, AS_OF = date(2026, 1, 1), date(2026, 2, 1), date(2026, 3, 3)


def freeze(store: FrozenStore, month: date) -> None:
    table = pa.table({"value": [1, 2]})
    store.add(
        FrozenVersion(
            month=month,
            version=1,
            place=0,
            as_of=last_day(month),
            source="demo",
            frozen_at="2026-03-01T03:00:00+00:00",
            code_version="1.0",
            reason="first freeze",
            metrics=("orders",),
            batches=(),
            files=(),
            previous=None,
        ),
        table,
        table,
    )


def show(path: Path, schema: str, months: list[date], value: int = 2) -> None:
    """A database whose snapshot shows these months."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    with duckdb.connect(str(path)) as connection:
        connection.execute(f"create schema if not exists {schema}")
        connection.execute(
            f"create table {schema}.kpi_monthly_snapshot (month_date date, version bigint, as_of_date date, value int)"
        )
        for month in months:
            for one in (1, value):
                connection.execute(
                    f"insert into {schema}.kpi_monthly_snapshot values (?, 1, ?, ?)", [month, last_day(month), one]
                )


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """January and February are frozen, built and published."""
    settings = Settings(home=tmp_path)
    store = FrozenStore(settings.frozen_dir)
    for month in (JANUARY, FEBRUARY):
        freeze(store, month)
    show(settings.warehouse_path, "marts", [JANUARY, FEBRUARY])
    show(settings.marts_path, "main", [JANUARY, FEBRUARY])
    return settings


def outcome(settings: Settings, as_of: date = AS_OF) -> tuple[bool, str]:
    [found] = check_frozen(FrozenStore(settings.frozen_dir), as_of, settings.warehouse_path, settings.marts_path)
    return found.passed, found.message


def all_deleted(settings: Settings) -> None:
    """Nothing is left of what was frozen, and the marts show nothing: only the last publication knows."""
    shutil.rmtree(settings.frozen_dir)
    show(settings.warehouse_path, "marts", [])


def forged(settings: Settings) -> None:
    """A whole new chain with other figures: only the last publication knows."""
    show(settings.warehouse_path, "marts", [JANUARY, FEBRUARY], value=3)


BREAKING: dict[str, tuple[Callable[[Settings], object], str]] = {
    "a file deleted": (
        lambda settings: (settings.frozen_dir / "2026-02/v1/rows.parquet").unlink(),
        "2026-02/v1/rows.parquet is gone",
    ),
    "a month not built": (
        lambda settings: show(settings.warehouse_path, "marts", [JANUARY]),
        "2026-02 version 1 has 2 frozen figures, kpi_monthly_snapshot 0",
    ),
    "a month built that is not frozen": (
        lambda settings: show(settings.warehouse_path, "marts", [JANUARY, FEBRUARY, date(2025, 12, 1)]),
        "2025-12 version 1 has 0 frozen figures, kpi_monthly_snapshot 2",
    ),
    "everything deleted": (all_deleted, "2026-01 version 1 was published and is not what is frozen now"),
    "a chain forged": (forged, "2026-02 version 1 was published and is not what is frozen now"),
}
FAILURES = {"frozen_months_intact": BREAKING}


def test_what_is_whole_passes(settings: Settings) -> None:
    assert outcome(settings) == (True, "2 frozen versions are as they were frozen, and the marts show them")


def test_a_publication_from_before_there_were_frozen_months_passes(settings: Settings) -> None:
    settings.marts_path.unlink()
    assert outcome(settings)[0]
    duckdb.connect(str(settings.marts_path)).close()
    assert outcome(settings)[0]


def test_a_run_of_an_earlier_day_shows_what_was_frozen_by_then(settings: Settings) -> None:
    show(settings.warehouse_path, "marts", [JANUARY])
    assert outcome(settings, date(2026, 2, 27))[0]
    assert not outcome(settings)[0]


@pytest.mark.parametrize("name", BREAKING)
def test_what_is_not_whole_blocks(name: str, settings: Settings) -> None:
    damage, message = BREAKING[name]
    damage(settings)
    passed, said = outcome(settings)
    assert not passed
    assert message in said


def test_the_doctor_names_what_is_frozen_and_what_is_damaged(settings: Settings) -> None:
    whole = list(look_at_frozen(settings))
    assert [finding.level for finding in whole] == [Level.OK, Level.OK]
    assert "2 frozen versions, all as they were written: 2026-01 (v1), 2026-02 (v1)" in whole[0].text
    (settings.frozen_dir / HEAD).unlink()
    [damaged] = look_at_frozen(settings)
    assert damaged.level is Level.PROBLEM
    assert "head.json is gone" in damaged.text
    assert [finding.text[:18] for finding in look_at_frozen(Settings(home=settings.home / "new"))] == [
        "no month is frozen"
    ]


@pytest.mark.parametrize(
    ("month", "day", "message"),
    [
        (date(2100, 1, 1), date(2100, 1, 31), "2100-01 is not over: its last day is 2100-01-31"),
        (FEBRUARY, date(2026, 2, 27), "it cannot be frozen as known on 2026-02-27, before its end"),
        (FEBRUARY, date(2100, 1, 1), "2100-01-01 is not over yet"),
    ],
)
def test_days_that_cannot_be(month: date, day: date, message: str, tmp_path: Path) -> None:
    with pytest.raises(FrozenError, match=message):
        refuse_day(Settings(home=tmp_path), month, day)


def test_the_last_day_of_a_month() -> None:
    months = {date(2024, 2, 1): 29, date(2026, 2, 1): 28, date(2026, 4, 1): 30, date(2026, 12, 1): 31}
    assert {month: last_day(month).day for month in months} == months
