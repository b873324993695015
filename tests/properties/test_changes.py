"""A night that looks at what changed gives what a build of everything gives: every table, every row, every night.

Thirty nights of a company that keeps no tidy books (`lively.py`): late edits, deletions, returns, owners moved with and
without the log, renamed lookups, ids known after they were used, rows the contract rejects, nights left out, nights
delivered again and nights that arrive after later ones.
"""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from tempfile import mkdtemp

import pytest

from orchestration.landing.store import Landing
from tests.properties.cases import richest_company
from tests.properties.comparison import differences
from tests.properties.lively import LivelyCompany
from tests.properties.runner import Delivery, Project, Warehouse, built_from, land

FIRST_NIGHT = date(2026, 2, 20)
NIGHTS = 30
SEED = int(os.environ.get("KPI_TEST_SEED", "7"))


@dataclass(frozen=True)
class Night:
    """What was delivered before one build: mostly one night, sometimes none, two, an old one again, or a late one."""

    as_of: date
    deliveries: Sequence[Delivery]
    happened: Sequence[str]


def nights(seed: int, count: int) -> Iterator[Night]:
    """The first night is complete; each later one has its surprises."""
    chance = random.Random(seed)
    company = LivelyCompany(richest_company(), seed)
    yield Night(FIRST_NIGHT, [company.deliver(FIRST_NIGHT, is_first=True)], ["first"])
    late: list[Delivery] = []
    delivered: list[Delivery] = []
    for number in range(1, count):
        night = FIRST_NIGHT + timedelta(days=number)
        happened = company.live(night)
        now = [company.deliver(night)]
        if chance.randrange(10) == 0:
            happened.append("kept back")
            late, now = now, []
        elif late:
            happened.append("late night arrives")
            now, late = [*now, *late], []
        if delivered and chance.randrange(8) == 0:
            happened.append("delivered again")
            now = [*now, chance.choice(delivered[-3:])]
        delivered += now
        yield Night(night, now, happened)


@contextmanager
def folder() -> Iterator[Path]:
    home = Path(mkdtemp(prefix="company"))
    try:
        yield home
    finally:
        shutil.rmtree(home)


def full_build_differs(project: Project, honest: Project, seed: int, count: int) -> list[str]:
    """Build night by night from changes with `project`, and everything anew with `honest`; what first differs."""
    with folder() as home:
        story = nights(seed, count)
        first = next(story)
        landing = land_more(home, first.deliveries)
        with built_from(project, landing, first.as_of, home) as warehouse:
            for night in story:
                land_more(home, night.deliveries)
                warehouse.build_changes(landing, night.as_of, home)
                found = compared(warehouse, honest, landing, night.as_of, home)
                if found:
                    return [f"{night.as_of} ({', '.join(night.happened)}): {text}" for text in found]
    return []


def land_more(home: Path, deliveries: Sequence[Delivery]) -> Landing:
    landing = Landing(home / "landing")
    for delivery in deliveries:
        landing = land(home, [delivery])
    return landing


def compared(warehouse: Warehouse, honest: Project, landing: Landing, as_of: date, home: Path) -> list[str]:
    with built_from(honest, landing, as_of, home) as anew:
        return differences(warehouse.tables(), anew.tables())


def test_thirty_nights_of_changes_equal_builds_of_everything(project: Project) -> None:
    assert full_build_differs(project, project, SEED, NIGHTS) == []


def test_a_forgotten_input_is_noticed(project: Project) -> None:
    """Order lines that do not look at orders: an order moved to another day leaves its lines behind."""
    forgotten = project.broken_update(
        "fct_order_lines",
        "select order_id from changes.core_orders",
        "select order_id from changes.core_orders where false",
    )
    assert full_build_differs(forgotten, project, SEED, NIGHTS)


def test_rows_that_do_not_leave_are_noticed(project: Project) -> None:
    kept = project.broken_update("core_customers_history", "where rowid in (", "where false and rowid in (")
    assert full_build_differs(kept, project, SEED, NIGHTS)


@pytest.mark.parametrize(
    ("model", "column"),
    [
        ("dim_customer_cohort", "care_recency_days"),
        ("fct_customer_cycle", "days_observed"),
        ("fct_customer_stages", "days_in_stage"),
        ("fct_relationship_stays", "days_in_stage"),
    ],
)
def test_days_that_stand_still_are_noticed(project: Project, model: str, column: str) -> None:
    still = project.broken_update(model, f"set {column} = ", f"set {column} = {column} + 0 * ")
    assert full_build_differs(still, project, SEED, NIGHTS)


def test_a_customer_who_stays_in_the_bucket_of_yesterday_is_noticed(project: Project) -> None:
    stuck = project.broken_update(
        "dim_customer_cohort",
        "from marts.dim_customer_cohort as standing",
        "from (select * from marts.dim_customer_cohort limit 0) as standing",
    )
    assert full_build_differs(stuck, project, SEED, NIGHTS)


def test_a_clock_that_stands_still_is_noticed(project: Project) -> None:
    """A task becomes late when its day is over, though nobody touched it."""
    still = project.broken_update("fct_tasks", "where due_at >=", "where false and due_at >=")
    assert full_build_differs(still, project, SEED, NIGHTS)


@pytest.mark.parametrize(
    ("model", "rule", "instead"),
    [
        (
            "kpi_product_period",
            "from marts.kpi_product_period",
            "from (select * from marts.kpi_product_period limit 0) as standing",
        ),
        ("kpi_target_attainment", "(period_start < (select as_of_end", "(false and period_start < (select as_of_end"),
    ],
)
def test_a_period_that_goes_on_or_ends_unseen_is_noticed(project: Project, model: str, rule: str, instead: str) -> None:
    """A month that ends is the next one's previous month, and a target's period is a day older every night."""
    assert full_build_differs(project.broken_update(model, rule, instead), project, SEED, NIGHTS)
