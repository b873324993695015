"""The two companies whose nights are played on Spark: the demo company, and real data as its CRM stood day by day.

Belongs here: their settings, and what each delivers in a night. Not here: playing nights (`test_nights.py`).
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from orchestration.settings import Settings
from tests.real_input import REAL_INPUT
from tests.spark.engine import day_after, spark_settings

Row = dict[str, str]


@dataclass(frozen=True)
class Company:
    """`deliver` brings what the CRM holds after a night to where the source reads it."""

    settings: Settings
    nights: Sequence[date]
    deliver: Callable[[date], None]


def demo(home: Path) -> Company:
    """A small demo company, in the last days of its history."""
    settings = spark_settings(
        home, source="demo", demo_scale=0.05, demo_start=date(2025, 9, 1), demo_end=date(2026, 3, 31)
    )
    return Company(settings, _four_nights(date(2026, 3, 28)), lambda _night: None)


def olist(home: Path) -> Company:
    """Real leads and deals, in the last days on which leads came: each night the files hold what was known by then."""
    files = home.parent / "files"
    settings = spark_settings(home, source="files", files_path=files)
    return Company(settings, _four_nights(date(2018, 5, 28)), lambda night: _write_as_of(REAL_INPUT, files, night))


COMPANIES: Mapping[str, Callable[[Path], Company]] = {"demo": demo} | ({"olist": olist} if REAL_INPUT.is_dir() else {})
"""Real data may not be there: its licence does not let it be part of the project."""


def _four_nights(first: date) -> list[date]:
    return [day_after(first, days) for days in range(4)]


def _write_as_of(source: Path, into: Path, night: date) -> None:
    """The files as they would have been exported at the end of that day."""
    into.mkdir(exist_ok=True)
    tables = {path.stem: list(_read(path)) for path in source.glob("*.csv")}
    tables["orders"] = [row for row in tables["orders"] if _day(row["created_at"]) <= night]
    placed = {row["order_id"] for row in tables["orders"]}
    tables["order_lines"] = [row for row in tables["order_lines"] if row["order_id"] in placed]
    to_come = {row["customer_id"]: row for row in tables["customer_changes"] if _day(row["changed_at"]) > night}
    tables["customer_changes"] = [row for row in tables["customer_changes"] if _day(row["changed_at"]) <= night]
    tables["customers"] = [
        _before(row, to_come.get(row["customer_id"])) for row in tables["customers"] if _day(row["created_at"]) <= night
    ]
    for name, rows in tables.items():
        with (into / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, _columns(source / f"{name}.csv"))
            writer.writeheader()
            writer.writerows(rows)


def _before(customer: Row, change: Row | None) -> Row:
    """A customer as it was when that change had not happened yet."""
    if change is None:
        return customer
    return {**customer, change["field"]: change["old_value"], "updated_at": customer["created_at"]}


def _day(instant: str) -> date:
    return date.fromisoformat(instant[:10])


def _read(path: Path) -> Iterator[Row]:
    with path.open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def _columns(path: Path) -> list[str]:
    with path.open(encoding="utf-8", newline="") as file:
        return next(csv.reader(file))
