"""The blocks about customers in charge: figures by hand from `report_rows.py`, and the worked example of the docs."""

from __future__ import annotations

import io
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from rich.console import Console

from orchestration.report.blocks.cycle import Cycle, Span
from orchestration.report.blocks.journey import Journey, Stage
from orchestration.report.blocks.persons import Ages, Band, Gender
from orchestration.report.blocks.provinces import Province, Provinces
from orchestration.report.blocks.sources import Industries, Part, Sources
from orchestration.report.labels import Lang
from orchestration.report.page import load_page
from orchestration.report.reading import Asked
from orchestration.report.terminal import render
from tests.unit.report_publication import write_publication


@pytest.fixture(scope="module")
def marts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_publication(tmp_path_factory.mktemp("publication"))


def shown(marts: Path, viewer: str, block: str, asked: Asked | None = None) -> str:
    file = io.StringIO()
    page = load_page(marts, viewer, blocks=[block], asked=asked)
    Console(file=file, width=100, _environ={}).print(render(page, 100, Lang.EN), crop=False)
    text = file.getvalue()
    return text[text.index("── ") :]


def words(text: str, start: str) -> list[str]:
    found = [line.rstrip() for line in text.splitlines() if line.startswith(start)]
    assert found, f"no line starts with {start!r} in:\n{text}"
    return found[0].removeprefix(start).split()


def cycle(marts: Path, viewer: str, window: str | None = None, **members: str) -> Cycle:
    asked = Asked(window=window, **members)
    return load_page(marts, viewer, blocks=["cycle"], asked=asked).block(Cycle)


# -- what they are -----------------------------------------------------------------------------------------------------


def test_sources_and_industries_of_customers_in_charge(marts: Path) -> None:
    page = load_page(marts, "tuyet@cty.vn")
    assert page.block(Sources).parts == (
        Part("S1", "Facebook", 3, Decimal("2.5"), Decimal(300), Decimal(250)),
        Part("S2", "Hội chợ", 2, Decimal("1.5"), Decimal(200), Decimal(150)),
    )
    assert page.block(Industries).parts == (Part("none", "(none)", 4, Decimal(4), Decimal(400), Decimal(400)),)
    text = shown(marts, "tuyet@cty.vn", "sources")
    assert words(text, "Total") == ["5", "4.00", "500", "400"]
    assert "5 for 4" in text
    assert "Whole counts" not in shown(marts, "tuyet@cty.vn", "industries")
    team = load_page(marts, "quan@cty.vn", blocks=["sources"]).block(Sources).parts
    assert [(part.name, part.customers) for part in team] == [("Facebook", 3), ("Hội chợ", 2 + 1)]


def test_provinces_of_one_person_are_the_marts_rows(marts: Path) -> None:
    assert load_page(marts, "tuyet@cty.vn").block(Provinces).rows == (
        Province("province", "V1", "An Giang", 1, 2),
        Province("none", "none", "(none)", 0, 2),
    )
    text = shown(marts, "tuyet@cty.vn", "provinces")
    assert words(text, "An Giang")[:2] == ["2", "50.0%"]
    assert words(text, "Total") == ["4"]


def test_provinces_of_a_team_are_ranked_over_its_people(marts: Path) -> None:
    # Bắc Ninh has 2 of the manager and 1 of a salesperson: first of the team, and of nobody else's page.
    assert load_page(marts, "quan@cty.vn", blocks=["provinces"]).block(Provinces).rows == (
        Province("province", "V2", "Bắc Ninh", 1, 3),
        Province("province", "V1", "An Giang", 1, 2),
        Province("province", "V3", "Cà Mau", 1, 2),
        Province("province", "V4", "Gia Lai", 1, 2),
        Province("province", "V5", "Huế", 1, 1),
        Province("other", None, "(other)", 2, 2),
        Province("none", "none", "(none)", 0, 2),
    )
    assert words(shown(marts, "quan@cty.vn", "provinces"), "Other (2)")[:2] == ["2", "14.3%"]


def test_one_persons_ranking_by_the_teams_rule_is_the_marts(marts: Path) -> None:
    alone = load_page(marts, "quan@cty.vn", "quản", blocks=["provinces"]).block(Provinces).rows
    assert [row.customers for row in alone] == [2, 2, 2, 1, 1, 1]
    assert alone[-1] == Province("other", None, "(other)", 1, 1)


def test_gender_and_ages_with_those_not_given_last(marts: Path) -> None:
    page = load_page(marts, "tuyet@cty.vn")
    assert page.block(Gender).customers == (("female", 1), ("male", 1), ("unknown", 2))
    assert page.block(Ages).bands == (Band("under_18", 0, 2), Band("25_to_34", 1, 1), Band("unknown", 3, 3))
    text = shown(marts, "tuyet@cty.vn", "ages")
    assert words(text, "under 18") == ["0", "0.0%", "2", "33.3%"]
    assert words(text, "Total") == ["4", "6"]
    assert load_page(marts, "quan@cty.vn", blocks=["gender"]).block(Gender).customers == (
        ("male", 2),
        ("female", 1),
        ("unknown", 2),
    )


# -- customer cycle ----------------------------------------------------------------------------------------------------


def test_the_cycle_is_that_of_the_worked_example(marts: Path) -> None:
    block = cycle(marts, "tuyet@cty.vn")
    # K10, created the day before the window, is out; K09, whose order is dated before its creation, is in no figure.
    assert block.to_order == Span("order", 8, 4, 2 + 2 + 5 + 9, 3.5, 9, excluded_negative=1)
    assert block.to_order.mean_days == 4.5
    assert block.first_day == date(2026, 1, 7)
    assert block.to_relationships == (
        Span("Tiềm năng", 9, 9, 0, 0.0, 0),
        Span("Đã mua", 9, 1, 3, 3.0, None),
    )
    text = shown(marts, "tuyet@cty.vn", "cycle")
    assert "Customers created 2026-01-07 to 2026-03-31 (84 days), in charge now." in text
    assert words(text, "first order") == ["8", "4", "50.0%", "4.5", "3.5", "9"]
    assert words(text, "→ Đã mua") == ["9", "1", "11.1%", "3.0", "3.0", "–"]
    assert "Left out, dated before the customer was created: first order 1." in text


def test_the_cycle_by_source_counts_a_customer_in_each(marts: Path) -> None:
    block = cycle(marts, "tuyet@cty.vn")
    assert block.by_source == (
        Span("Facebook", 5, 4, 18, 3.5, 5),
        Span("Hội chợ", 4, 0, 0, None, None, excluded_negative=1),
    )
    assert block.by_relationship == (
        Span("Tiềm năng", 4, 0, 0, None, None, excluded_negative=1),
        Span("Đã mua", 4, 4, 18, 3.5, 2),
    )


def test_the_first_order_is_shown_for_every_window_of_the_page(marts: Path) -> None:
    block = cycle(marts, "tuyet@cty.vn", "45")
    by_days = {one.name: one for one in block.by_window}
    assert list(by_days) == ["4", "7", "14", "21", "28", "30", "35", "42", "49", "56", "60", "63", "70", "77", "84"]
    assert by_days["4"] == Span("4", 2, 0, 0, None, None)
    assert by_days["30"] == Span("30", 5, 1, 9, 9.0, 9, excluded_negative=1)
    assert by_days["84"] == Span("84", 8, 4, 18, 3.5, 9, excluded_negative=1)
    text = shown(marts, "tuyet@cty.vn", "cycle")
    assert words(text, "the last 30 days") == ["5", "1", "20.0%", "9.0", "9.0", "9"]
    facebook = {one.name: one for one in cycle(marts, "tuyet@cty.vn", source="facebook").by_window}
    assert facebook["84"] == Span("84", 5, 4, 18, 3.5, 5)


def test_a_window_that_no_seed_lists_works_alike(marts: Path) -> None:
    # 30 days: created after 1 March, which leaves K04 to K09; of the two followed until day 9, one converted.
    assert cycle(marts, "tuyet@cty.vn", "30").to_order == Span("order", 5, 1, 9, 9.0, 9, excluded_negative=1)
    assert cycle(marts, "tuyet@cty.vn", "31").to_order == Span("order", 6, 2, 14, 7.0, 9, excluded_negative=1)
    assert cycle(marts, "tuyet@cty.vn", "4").to_order == Span("order", 2, 0, 0, None, None)
    assert cycle(marts, "tuyet@cty.vn", "12w") == cycle(marts, "tuyet@cty.vn", "84") == cycle(marts, "tuyet@cty.vn")


def test_the_medians_of_a_team_are_of_its_customers_and_not_of_medians(marts: Path) -> None:
    team = cycle(marts, "quan@cty.vn").to_order
    assert team == Span("order", 9, 5, 22, 4.0, 5, excluded_negative=1)
    # Followed for 2, 2, 2, 3, 4, 5, 7, 9, 10 days: 7/9 wait after day 2, × 4/5 after day 4, × 3/4 after day 5 = 0.47.


def test_the_cycle_of_one_source_or_of_one_relationship(marts: Path) -> None:
    facebook = cycle(marts, "tuyet@cty.vn", source="facebook")
    assert facebook.to_order == Span("order", 5, 4, 18, 3.5, 5)
    assert facebook.by_relationship == (Span("Tiềm năng", 1, 0, 0, None, None), Span("Đã mua", 4, 4, 18, 3.5, 2))
    both = cycle(marts, "tuyet@cty.vn", source="S2", relationship="R9")
    assert both.to_order == Span("order", 4, 0, 0, None, None, excluded_negative=1)
    text = shown(marts, "tuyet@cty.vn", "cycle", Asked(source="S1", relationship="R5"))
    assert "First order, by source" not in text
    assert "First order, by relationship now" not in text
    assert "Only source: Facebook." in text
    assert words(text, "first order") == ["4", "4", "100.0%", "4.5", "3.5", "2"]


# -- customer journey --------------------------------------------------------------------------------------------------


def test_the_journey_shows_stock_moves_and_days(marts: Path) -> None:
    block = load_page(marts, "tuyet@cty.vn").block(Journey)
    assert block.stages == (
        Stage("R9", "Tiềm năng", 2, 1, 30, 15.0, 4, 24, 5.0, 1, 2, 2, 0, 1),
        Stage("R5", "Đã mua", 2, 0, 100, 50.0, 1, 7, 7.0, 2, 1, 0, 1, 0),
    )
    assert (block.stages[0].mean_open_days, block.stages[0].mean_closed_days) == (15.0, 6.0)
    text = shown(marts, "tuyet@cty.vn", "journey")
    rows = [line.split() for line in text.splitlines() if line.startswith("Tiềm năng")]
    assert rows[0][2:] == ["2", "1", "100.0%", "1", "2", "2", "0"]
    assert rows[1][2:] == ["2", "15.0", "15.0", "4", "6.0", "5.0"]
    assert words(text, "Total") == ["4", "1", "3", "3", "2", "1"]


def test_the_journeys_window_limits_the_stock_by_the_day_of_creation(marts: Path) -> None:
    def created(window: str) -> list[int]:
        page = load_page(marts, "tuyet@cty.vn", blocks=["journey"], asked=Asked(window=window))
        return [stage.created_in_window for stage in page.block(Journey).stages]

    assert created("30") == [1, 0], "created on 2 March, the first of the last 30 days"
    assert created("29") == [0, 0]
    assert "(28 days)" in shown(marts, "tuyet@cty.vn", "journey", Asked(window="4w"))


def test_the_days_of_a_team_are_of_all_its_customers(marts: Path) -> None:
    first = load_page(marts, "quan@cty.vn", blocks=["journey"]).block(Journey).stages[0]
    assert (first.customers, first.total_open_days, first.median_open_days) == (3, 33, 10.0), "10, 20 and 3 days"
