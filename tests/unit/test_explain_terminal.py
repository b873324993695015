"""How an explained figure looks: what stands where, in both languages, at the narrowest window."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from rich.cells import cell_len
from rich.console import Console

from orchestration.metrics.labels import read_labels_vi
from orchestration.metrics.registry import read_catalogue
from orchestration.report.explain import Explanation, Owner, Part, ReconciliationLine
from orchestration.report.explain_terminal import figure_text, render, show_explanation
from orchestration.report.labels import Lang
from orchestration.report.publication import Publication

CATALOGUE = read_catalogue()
PUBLICATION = Publication("g1", date(2026, 3, 31), "demo", datetime(2026, 3, 31, 18, tzinfo=UTC))
COLUMNS = (
    *("order_id", "order_code", "customer_id", "executor_id", "order_date", "month_date"),
    *("is_counted", "orders", "revenue_amount"),
)
ROWS = (
    ("o1", "SO-1", "c1", "E1", date(2026, 3, 4), date(2026, 3, 1), True, 1, Decimal("99.00")),
    ("o2", "SO-2", "c2", "E1", date(2026, 3, 31), date(2026, 3, 1), True, 1, Decimal("54.50")),
)
LINES = tuple(
    ReconciliationLine("Sold and owned", "Bán và phụ trách", "revenue_amount", kind, english, "…", value, "currency")
    for kind, english, value in (
        ("figure_from", "Revenue I sold", Decimal("153.50")),
        ("explains", "Sold to customers of others", Decimal("-54.50")),
        ("explains", "Sold by others", Decimal("7.00")),
        ("figure_to", "Revenue of my customers", Decimal("106.00")),
    )
)
PART = Part(CATALOGUE["revenue_amount"], Decimal("153.50"), Decimal("153.50"), COLUMNS, ROWS, 2)
REVENUE = Explanation(
    metric=CATALOGUE["revenue_amount"],
    publication=PUBLICATION,
    viewer_email=None,
    owner=Owner("E1", "Nguyễn Thị Ánh Tuyết"),
    month=date(2026, 3, 1),
    parts=(PART,),
    reconciliation=(LINES,),
    names={"c1": "Công ty Cổ phần Dịch vụ và Thương mại Tổng hợp Miền Trung", "c2": "An\nBình"},
    labels=read_labels_vi(),
)


def drawn(explanation: Explanation, width: int = 80, lang: Lang = Lang.EN) -> str:
    console = Console(width=width, no_color=True, highlight=False)
    with console.capture() as captured:
        console.print(render(explanation, width - 1, lang), width=width, crop=False)
    return captured.get()


def test_definition_figure_rows_and_comparison_are_there() -> None:
    page = drawn(REVENUE)
    for words in (
        "Revenue · Doanh thu (revenue_amount)",
        "Whose       executor",
        "Nguyễn Thị Ánh Tuyết (E1), 2026-03: 153.50",
        "known at the end of 2026-03-31, from source demo; Seen by: the operator",
        "2 rows of fct_orders (is_counted)",
        "sum revenue amount = 153.50: equal to the figure",
        "An Bình",
        "Sold and owned",
        "  Sold to customers of others",
        "+7",
        "= Revenue of my customers",
    ):
        assert words in page, words


def test_in_vietnamese_every_word_about_the_figure_is_vietnamese() -> None:
    page = drawn(REVENUE, lang=Lang.VI)
    for words in (
        "Doanh thu · Revenue (revenue_amount)",
        "Nghĩa là   Doanh số của các đơn hàng được tính, trừ chiết khấu",
        "Của ai     người thực hiện đơn hàng",
        "Theo ngày  ngày đơn hàng",
        "Đơn vị     tiền",
        "Trong CRM  CRM không nói trạng thái nào được tính;",
        "tổng revenue amount = 153.50: bằng số liệu",
    ):
        assert words in page, words
    for words in ("Sales minus", "executor\n", "order date\n", "currency", "The CRM"):
        assert words not in page, words


def test_a_code_without_a_label_stands_for_itself() -> None:
    assert "Của ai     executor" in drawn(replace(REVENUE, labels={}), lang=Lang.VI)


@pytest.mark.parametrize("lang", list(Lang))
def test_nothing_is_wider_than_eighty_columns(lang: Lang) -> None:
    page = drawn(REVENUE, lang=lang)
    assert max(cell_len(line) for line in page.splitlines()) <= 80


def test_columns_that_say_the_same_in_every_row_are_left_out() -> None:
    page = drawn(REVENUE, width=200)
    heads = next(line for line in page.splitlines() if "order id" in line)
    assert "is counted" not in heads
    assert "executor id" not in heads
    assert "month date" not in heads
    assert "order date" in heads


def test_rows_that_do_not_come_to_the_figure_are_called_out() -> None:
    page = drawn(replace(REVENUE, parts=(replace(PART, from_rows=Decimal("153.49")),)))
    assert "sum revenue amount = 153.49: NOT the figure, which is 153.50" in page


def test_a_figure_that_is_not_there_is_not_called_wrong() -> None:
    page = drawn(replace(REVENUE, parts=(replace(PART, value=None),)))
    assert "2026-03: –" in page
    assert "There is no figure" in page
    assert "NOT the figure" not in page


def test_rows_not_shown_are_counted() -> None:
    page = drawn(replace(REVENUE, parts=(replace(PART, total_rows=40),)))
    assert "40 rows of fct_orders" in page
    assert "38 more rows" in page


def test_a_rate_shows_both_its_parts() -> None:
    connected = Part(CATALOGUE["calls_connected"], 3, 3, ("interaction_key",), (("i1",),), 3)
    calls = replace(connected, metric=CATALOGUE["calls"], value=4, from_rows=4, total_rows=4)
    rate = replace(REVENUE, metric=CATALOGUE["connected_rate"], parts=(connected, calls), reconciliation=())
    page = drawn(rate)
    assert "0.7500 = 3 / 4" in page
    assert "calls_connected: 3 rows of fct_interactions" in page
    assert "calls: 4 rows of fct_interactions" in page
    assert "No other figure" in page
    none = replace(rate, parts=(replace(connected, value=0, from_rows=0), replace(calls, value=0, from_rows=0)))
    assert ": – = 0 / 0" in drawn(none)
    less = replace(rate, parts=(connected, replace(calls, value=-4, from_rows=-4)))
    assert ": – = 3 / -4" in drawn(less)


def test_a_month_that_is_not_over_says_how_much_of_it_is_known() -> None:
    running = replace(REVENUE, publication=replace(PUBLICATION, as_of=date(2026, 3, 15)))
    assert "2026-03 (day 1 to 15 of 31)" in drawn(running)
    assert "day 1 to" not in drawn(REVENUE)


def test_a_terminal_without_utf8_gets_plain_letters() -> None:
    written = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    show_explanation(REVENUE, Console(file=written, width=80))
    written.seek(0)
    assert "Nguyen Thi Anh Tuyet (E1), 2026-03: 153.50" in written.read()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (1234567, "1,234,567"),
        (Decimal("1234567.00"), "1,234,567"),
        (Decimal("0.5000"), "0.5000"),
        (Decimal("-20.05"), "-20.05"),
        (12.5, "12.5"),
        (3.0, "3"),
    ],
)
def test_figures_are_in_full(value: Decimal | float | int | None, text: str) -> None:
    assert figure_text(value) == text
