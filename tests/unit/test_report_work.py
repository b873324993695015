"""The blocks of a month's work: each figure compared with the sum done by hand from `report_rows.py`, and as drawn."""

from __future__ import annotations

import io
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len
from rich.console import Console

from orchestration.report.blocks.activities import Group, Projects, TaskTypes
from orchestration.report.blocks.calls import CallMonth, Calls
from orchestration.report.blocks.cohorts import Cohort, Cohorts
from orchestration.report.blocks.interactions import Contact, Interactions
from orchestration.report.blocks.orders import Lot, Orders, Sale
from orchestration.report.blocks.products import Product, Products
from orchestration.report.blocks.sources import ConversionSources, Part
from orchestration.report.blocks.targets import Target, Targets
from orchestration.report.blocks.tasks import Done, Ratings
from orchestration.report.labels import Lang
from orchestration.report.page import load_page
from orchestration.report.terminal import render
from tests.unit.report_publication import SELLER, write_publication

MARCH = date(2026, 3, 1)


@pytest.fixture(scope="module")
def marts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_publication(tmp_path_factory.mktemp("publication"))


def shown(marts: Path, viewer: str, block: str, width: int = 100, month: str | None = None) -> str:
    file = io.StringIO()
    page = load_page(marts, viewer, month=month, blocks=[block])
    Console(file=file, width=width, _environ={}).print(render(page, width, Lang.EN), crop=False)
    text = file.getvalue()
    return text[text.index("── ") :]


def words(text: str, start: str) -> list[str]:
    found = [line.rstrip() for line in text.splitlines() if line.startswith(start)]
    assert found, f"no line starts with {start!r} in:\n{text}"
    return found[0].removeprefix(start).split()


# -- conversion by source ----------------------------------------------------------------------------------------------


def test_conversion_by_source_shows_whole_and_split_and_leaves_out_empty_sources(marts: Path) -> None:
    block = load_page(marts, "tuyet@cty.vn").block(ConversionSources)
    assert block.parts == (
        Part("S1", "Facebook", 8, Decimal("6.5"), Decimal(90000000), Decimal(70000000)),
        Part("S2", "Hội chợ", 7, Decimal("5.5"), Decimal(80000000), Decimal(60000000)),
    )
    assert block.total.customers_split == 12, "the month's funnel"
    assert block.total.revenue_split_amount == 130000000


def test_the_total_line_and_the_reason_why_whole_exceeds_it(marts: Path) -> None:
    text = shown(marts, "tuyet@cty.vn", "conversion-sources")
    assert words(text, "Facebook") == ["8", "6.50", "90,000,000", "70,000,000"]
    assert words(text, "Total") == ["15", "12.00", "170,000,000", "130,000,000"]
    assert "Whole counts a customer in each part, as the CRM does: 15 for 12. Split adds up." in text
    assert "Whole counts" not in shown(marts, "huy@cty.vn", "conversion-sources"), "where nothing exceeds, no reason"


def test_the_sources_of_a_team_are_added_up(marts: Path) -> None:
    parts = load_page(marts, "quan@cty.vn", blocks=["conversion-sources"]).block(ConversionSources).parts
    assert [(part.name, part.customers, part.revenue_amount) for part in parts] == [
        ("Facebook", 8 + 2, Decimal(90000000 + 1100)),
        ("Hội chợ", 7, Decimal(80000000)),
    ]


def test_many_sources_end_in_one_row_of_others(tmp_path: Path) -> None:
    rows = [(MARCH, "E05", f"X{at:02}", 1, 1, at, at) for at in range(12)]
    marts = write_publication(tmp_path, extra={"marts.fct_funnel_by_source": rows})
    text = shown(marts, "huy@cty.vn", "conversion-sources")
    # 13 sources: ten of their own; X00 to X02, which have the least revenue, together.
    assert words(text, "Other (3)") == ["3", "3.00", "3", "3"]
    assert words(text, "Total") == ["16", "16.00", "836", "836"]


# -- targets -----------------------------------------------------------------------------------------------------------


def test_targets_of_the_month_with_the_rate_of_each_direction(marts: Path) -> None:
    targets = {one.metric: one for one in load_page(marts, "tuyet@cty.vn").block(Targets).targets}
    assert {metric: (one.target, one.actual, one.people, one.reached) for metric, one in targets.items()} == {
        "revenue_amount": (Decimal(100000000), Decimal(130000000), 1, 1),
        "orders": (Decimal(10), Decimal(8), 1, 0),
        "tasks_late": (Decimal(5), Decimal(4), 1, 1),
        "smiles": (Decimal(0), Decimal(0), 0, 0),
    }
    assert targets["revenue_amount"].rate == pytest.approx(1.3)
    assert targets["tasks_late"].rate == pytest.approx(2 - 4 / 5)
    assert targets["smiles"].rate is None
    assert targets["smiles"].without_actual == 1


def test_targets_are_drawn_with_both_numbers_of_every_rate(marts: Path) -> None:
    text = shown(marts, "tuyet@cty.vn", "targets")
    assert words(text, "Revenue") == ["100,000,000", "130,000,000", "130.0%", "50.0%"]
    assert words(text, "Orders") == ["10", "8", "80.0%", "40.0%"]
    assert words(text, "Tasks late") == ["5", "4", "120.0%*", "10.0%"]
    assert words(text, "smiles") == ["–", "–", "–", "–"]
    assert "Weighted: 109.0% of targets weighing 100.0%." in text, "0.65 + 0.32 + 0.12"
    assert "Targets of 2026-03-01 to 2026-03-31, day 31 of 31." in text
    assert "* Less is better" in text
    assert "Left out, nothing to hold against the target: 1." in text


def test_a_teams_targets_are_added_up_and_say_who_reached_theirs(marts: Path) -> None:
    text = shown(marts, "quan@cty.vn", "targets")
    assert words(text, "Orders") == ["16", "17", "106.2%", "1", "/", "2"]
    assert "Weighted" not in text


def test_a_department_is_nobodys_target(marts: Path) -> None:
    orders = next(one for one in load_page(marts, "giang@cty.vn").block(Targets).targets if one.metric == "orders")
    assert (orders.people, orders.target) == (3, Decimal(10 + 6 + 6)), "not the 99 of a department"


def test_targets_of_several_periods_name_theirs(tmp_path: Path) -> None:
    orders = (SELLER, "none", "orders", "increase")
    quarter = (date(2026, 1, 1), date(2026, 3, 31), *orders, 30, 9, 0.3, None, None, 90, 90)
    past = (date(2026, 1, 1), date(2026, 2, 28), *orders, 88, 9, 0.1, None, None, 59, 59)
    marts = write_publication(tmp_path, extra={"marts.kpi_target_attainment": [quarter, past]})
    text = shown(marts, "tuyet@cty.vn", "targets")
    assert words(text, "Orders") == ["01-01..03-31", "30", "9", "30.0%", "–"]
    assert "88" not in text
    assert "Weighted" not in text, "weights of different periods do not add up"


def test_a_target_of_nothing_has_no_rate() -> None:
    figures: dict[str, Any] = {"metric": "orders", "period_start": MARCH, "period_end": MARCH, "elapsed_days": 1}
    figures |= {"period_days": 1, "people": 1, "reached": 0, "weight": None, "weighted_rate": None}
    assert Target(**figures, direction="increase", target=Decimal(0), actual=Decimal(3)).rate is None
    assert Target(**figures, direction="decrease", target=Decimal(2), actual=Decimal(9)).rate == 0, "not below zero"


# -- activities and ratings --------------------------------------------------------------------------------------------


def test_activities_by_project_and_by_type_are_the_months_tasks(marts: Path) -> None:
    page = load_page(marts, "tuyet@cty.vn")
    assert page.block(Projects).groups == (Group("P1", "Mở rộng", 20, 9, 4), Group("none", "(none)", 5, 5, 0))
    assert page.block(TaskTypes).groups == (Group("T1", "Gọi điện", 20, 9, 4), Group("T2", "Gặp khách", 5, 5, 0))
    team = load_page(marts, "quan@cty.vn", blocks=["projects"]).block(Projects).groups
    assert team == (Group("P1", "Mở rộng", 29, 9, 4), Group("none", "(none)", 9, 5, 0))
    text = shown(marts, "tuyet@cty.vn", "projects")
    assert words(text, "Mở rộng") == ["20", "80.0%", "9", "4"]
    assert words(text, "Total") == ["25", "14", "4"]


def test_ratings_with_and_without_the_crms_default(marts: Path) -> None:
    assert load_page(marts, "tuyet@cty.vn").block(Ratings) == Ratings(Done(10, 4, 18, 30), Done(5, 0, 0, 10))
    text = shown(marts, "tuyet@cty.vn", "ratings")
    assert words(text, "Confirmed as completed") == ["10", "5"]
    assert words(text, "Stars, rated only") == ["4.50", "–"]
    assert words(text, "Stars, unrated as 2 (CRM)") == ["3.00", "2.00"]
    assert "Rated only: 18 stars / 4 tasks." in text
    assert "Unrated as 2: 30 stars / 10 tasks." in text
    team = load_page(marts, "quan@cty.vn", blocks=["ratings"]).block(Ratings)
    assert team.now == Done(12, 6, 24, 36), "sums, to be divided; not a mean of means"


# -- true funnel -------------------------------------------------------------------------------------------------------


def test_six_cohorts_beside_the_months_events(marts: Path) -> None:
    block = load_page(marts, "tuyet@cty.vn").block(Cohorts)
    assert block.cohorts == (
        Cohort(MARCH, 12, 9, 6, 3, 0, Decimal(500)),
        Cohort(date(2026, 2, 1), 10, 10, 9, 5, 4, Decimal(900)),
        Cohort(date(2025, 10, 1), 1, 1, 1, 1, 1, Decimal(7)),
    )
    text = shown(marts, "tuyet@cty.vn", "cohorts")
    assert words(text, "2026-03") == ["12", "9", "75.0%", "6", "50.0%", "3", "25.0%", "0", "0.0%", "500"]
    assert words(text, "Events") == ["12", "170", "25", "8", "–", "130,000,000"]
    assert "the steps of 2026-03 above" in text
    team = load_page(marts, "quan@cty.vn", blocks=["cohorts"]).block(Cohorts).cohorts
    assert team[1] == Cohort(date(2026, 2, 1), 15, 14, 12, 7, 5, Decimal(1340))


# -- interactions and calls --------------------------------------------------------------------------------------------


def test_interactions_by_type_with_the_customers_they_reached(marts: Path) -> None:
    assert load_page(marts, "tuyet@cty.vn").block(Interactions).types == (
        Contact("call", 100, 200, 150, 2),
        Contact("comment", 70, 0, 70, 1),
    )
    text = shown(marts, "tuyet@cty.vn", "interactions")
    assert words(text, "calls") == ["100", "58.8%", "200", "2", "150"]
    assert words(text, "Total") == ["170", "200", "220"]


def test_a_customer_whom_two_people_called_is_one_customer_of_the_team(marts: Path) -> None:
    calls = load_page(marts, "quan@cty.vn", blocks=["interactions"]).block(Interactions).types[0]
    assert calls == Contact("call", 100 + 60, 200, 150 + 60, 2), "C1 twice and C2, not 2 + 1"


def test_calls_of_the_month_are_those_of_its_days(marts: Path) -> None:
    block = load_page(marts, "tuyet@cty.vn").block(Calls)
    assert block == Calls(CallMonth(150, 120, 30, 100, 40, 10, 6000), CallMonth(10, 10, 0, 0, 10, 0, 0))
    text = shown(marts, "tuyet@cty.vn", "calls")
    assert words(text, "All calls") == ["150", "10"]
    assert words(text, "  answered") == ["100", "66.7%", "0", "0.0%"]
    assert words(text, "Talk time, h:mm:ss") == ["1:40:00", "0:00:00"]
    assert words(text, "Talk per answered call") == ["0:01:00", "–"]
    assert load_page(marts, "quan@cty.vn", blocks=["calls"]).block(Calls).now.calls == 150 + 60


# -- orders and products -----------------------------------------------------------------------------------------------


def test_orders_by_what_becomes_of_them(marts: Path) -> None:
    block = load_page(marts, "tuyet@cty.vn").block(Orders)
    assert block.counted == Lot(2, Decimal(140000000))
    assert block.returned == Lot(1, Decimal(-10000000))
    assert block.pending == Lot(1, Decimal(7000000))
    assert block.left_out == Lot(1, Decimal(3000000))
    text = shown(marts, "tuyet@cty.vn", "orders")
    assert words(text, "Counted sales") == ["2", "140,000,000"]
    assert words(text, "Revenue") == ["130,000,000"], "the month's step 5"
    assert words(text, "Cancelled and others, not counted") == ["1", "3,000,000"]


def test_the_largest_sales_hide_whom_the_viewer_may_not_see(marts: Path) -> None:
    largest = load_page(marts, "tuyet@cty.vn").block(Orders).largest
    assert largest == (
        Sale("O1", "SO-1", date(2026, 3, 5), "Khách C1", "Nguyễn Thị Ánh Tuyết", "delivered", Decimal(100000000)),
        Sale("O2", "O2", date(2026, 3, 6), None, "Nguyễn Thị Ánh Tuyết", "delivering", Decimal(40000000)),
    )
    assert words(shown(marts, "tuyet@cty.vn", "orders"), "O2") == [
        "03-06",
        "(another's",
        "customer)",
        "delivering",
        "40,000,000",
    ]
    seen = load_page(marts, "quan@cty.vn", blocks=["orders"]).block(Orders).largest
    assert [sale.customer_name for sale in seen] == ["Khách C1", "Khách C6", "(none)"]
    assert "on its way" in shown(marts, "quan@cty.vn", "orders"), "a status the page does not know, as it is"


def test_the_code_of_an_order_is_whole_or_at_least_does_not_burst_the_page(tmp_path: Path) -> None:
    def order(key: str, code: str) -> tuple[Any, ...]:
        day = date(2026, 3, 9)
        return (key, code, "C1", "E02", day, MARCH, "partly_delivered", 1, 0, 0, 10**9, 0, 10**9)

    orders = [order("P1", "SO-2026-03-00001"), order("P2", "x")]
    text = shown(write_publication(tmp_path, extra={"marts.fct_orders": orders}), "quan@cty.vn", "orders", 80)
    assert "SO-2026-03-00001" in text
    orders.append(order("P3", "a description where a code should be, of some length"))
    text = shown(write_publication(tmp_path, extra={"marts.fct_orders": orders}), "quan@cty.vn", "orders", 80)
    assert max(cell_len(line) for line in text.splitlines()) <= 80
    assert text.count("1,000,000,000") == 3


def test_products_by_revenue_with_the_decimals_they_need(marts: Path) -> None:
    assert load_page(marts, "tuyet@cty.vn").block(Products).products == (
        Product("A2", "Mực in", 2, 0, Decimal("3.5"), Decimal("120000000.25")),
        Product("A1", "Máy in", 1, 1, Decimal(4), Decimal("9999999.75")),
    )
    text = shown(marts, "tuyet@cty.vn", "products")
    assert words(text, "Mực in") == ["2", "0", "3.5", "120,000,000", "92.3%"]
    assert words(text, "Total") == ["7.5", "130,000,000"], "orders with several products are not added up"


def test_returns_alone_have_no_shares(tmp_path: Path) -> None:
    rows = [(MARCH, "E05", "A2", 0, 1, -1, -1000)]
    text = shown(write_publication(tmp_path, extra={"marts.fct_product_sales": rows}), "huy@cty.vn", "products")
    assert words(text, "Mực in") == ["0", "1", "-1", "-1,000"]
    assert words(text, "Total") == ["0", "-230"]
