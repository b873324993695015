"""The marts of cycle, true funnel and journey time against the oracle, and the queries that the docs give for them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest

from orchestration.settings import PROJECT_DIR
from tests.oracle import cycle
from tests.oracle.oracle import Company
from tests.oracle.reading import differences, mart
from tests.support.warehouse import DemoWarehouse

MARTS: Mapping[str, tuple[Callable[[Company], pd.DataFrame], Sequence[str]]] = {
    "fct_relationship_stays": (cycle.relationship_stays, ("customer_id", "stay_number")),
    "fct_customer_stages": (cycle.customer_stages, ("customer_id",)),
    "fct_customer_cycle": (cycle.customer_cycle, ("customer_id", "result_type", "result_id")),
    "fct_cycle_members": (cycle.cycle_members, ("customer_id", "breakdown", "member_id")),
    "kpi_customer_cycle": (
        cycle.customer_cycle_kpi,
        ("window_days", "result_type", "result_id", "breakdown", "member_id", "manager_id"),
    ),
    "fct_customer_milestones": (cycle.customer_milestones, ("customer_id",)),
    "kpi_cohort_funnel": (cycle.cohort_funnel, ("cohort_month_date", "manager_id")),
    "kpi_journey_time": (cycle.journey_time, ("manager_id", "relationship_id")),
}


@pytest.mark.parametrize("name", MARTS)
def test_mart_equals_the_oracle(name: str, built: DemoWarehouse, demo_company: Company) -> None:
    compute, key = MARTS[name]
    expected = compute(demo_company)
    assert len(expected) > 100
    assert differences(expected, mart(built.database, name), key) == []


def test_the_company_has_the_hard_cases_of_these_marts(demo_company: Company) -> None:
    stays = cycle.relationship_stays(demo_company)
    kpi = cycle.customer_cycle_kpi(demo_company)
    journey = cycle.journey_time(demo_company)
    milestones = cycle.customer_milestones(demo_company)
    hard_cases = {
        "re-entries": len(stays) - int(stays.is_first_entry.sum()),
        "stays cut off by a deletion": int((~stays.is_open.astype(bool) & ~stays.has_moved_on.astype(bool)).sum()),
        "Kaplan-Meier medians": int(kpi.km_median_days.notna().sum()),
        "medians never reached": int((kpi.km_median_days.isna() & (kpi.converted > 0)).sum()),
        "medians that censoring moves": int((kpi.km_median_days > kpi.median_days).sum()),
        "groups without conversion": int((kpi.converted == 0).sum()),
        "rows of nobody": int((kpi.manager_id == "none").sum()),
        "backward moves": int(journey.moves_backward.sum()),
        "skipping moves": int(journey.moves_skipping.sum()),
        "orders without a task": int((milestones.first_order_date.notna() & milestones.first_task_date.isna()).sum()),
    }
    assert {name: count for name, count in hard_cases.items() if count == 0} == {}


@pytest.mark.parametrize(
    ("converted", "waiting", "expected"),
    [
        # The worked example of the docs and of the model's unit test: with ties, also of a conversion and an end.
        ([2, 2, 5, 9], [2, 3, 7, 10], 9),
        # 5/6 × 4/5 × 3/4 is exactly one half.
        ([1, 2, 3], [10, 10, 10], 3),
        ([1], [10, 10], None),
        ([0, 0], [0], 0),
        ([], [3, 4], None),
    ],
)
def test_the_library_agrees_with_the_hand(converted: list[int], waiting: list[int], expected: int | None) -> None:
    assert cycle.kaplan_meier_median(converted, waiting) == expected


def documented_query(opening: str) -> str:
    """The SQL block of the docs that opens with this comment."""
    text = (PROJECT_DIR / "docs" / "cycle_and_journey.md").read_text(encoding="utf-8")
    blocks: list[str] = re.findall(r"```sql\n(.*?)```", text, re.DOTALL)
    (found,) = [block for block in blocks if block.startswith(f"-- {opening}")]
    return found


def asked_by_one_who_sees_all(database: Path, query: str) -> list[tuple[Any, ...]]:
    """What the query gives to the viewer of the widest scope."""
    with duckdb.connect(str(database), read_only=True) as connection:
        connection.execute(
            "set variable kpi_viewer = (select viewer_email from core.core_employee_scope where report = 'customer' "
            "group by viewer_email order by count(*) desc, viewer_email limit 1)"
        )
        seen = connection.execute("select count(*) from access.access_fct_customer_stages").fetchone()
        assert seen == connection.execute("select count(*) from marts.fct_customer_stages").fetchone()
        return connection.execute(query).fetchall()


@pytest.mark.parametrize("window", [4, 7, 28, 84])
def test_the_documented_journey_window_is_the_oracles_stock(
    window: int, built: DemoWarehouse, demo_company: Company
) -> None:
    query = documented_query("stock per relationship")
    assert query.count("- 28") == 1
    found = asked_by_one_who_sees_all(built.database, query.replace("- 28", f"- {window}"))
    expected = cycle.journey_window(demo_company, window)
    assert sum(expected.values()) > 0
    assert dict(found) == expected


@pytest.mark.parametrize("window", [28, 84])
@pytest.mark.parametrize("result_id", ["order", "busiest"])
def test_the_documented_query_gives_the_companys_cycle(
    window: int, result_id: str, built: DemoWarehouse, demo_company: Company
) -> None:
    if result_id == "busiest":
        stays = cycle.relationship_stays(demo_company)
        result_id = str(stays[stays.stay_number > 1].relationship_id.mode()[0])
    query = documented_query("customer cycle").replace("'order'", f"'{result_id}'").replace("- 84", f"- {window}")
    expected = cycle.company_cycle(demo_company, window, result_id)
    columns = ("counted_customers", "converted", "mean_days", "median_days", "km_median_days")
    assert expected["converted"] > 0
    assert asked_by_one_who_sees_all(built.database, query) == [tuple(expected[column] for column in columns)]


def test_the_seeds_windows_are_the_oracles(built: DemoWarehouse) -> None:
    with duckdb.connect(str(built.database), read_only=True) as connection:
        rows = connection.execute("select window_days from seeds.cycle_windows order by 1").fetchall()
    assert tuple(days for (days,) in rows) == cycle.WINDOWS
    assert {4, *range(7, 85, 7)} <= set(cycle.WINDOWS)
