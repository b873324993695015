"""How the page looks: whole numbers at 80 columns, denominators shown, readable without colour and without UTF-8."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.console import Console

from orchestration.report import figures
from orchestration.report.blocks.conversion import Conversion, Funnel, Ratios
from orchestration.report.blocks.team import Team
from orchestration.report.errors import PageError
from orchestration.report.figures import Bar, Column, Kind, lay_out
from orchestration.report.labels import Lang, bucket_name, reason_words
from orchestration.report.page import Page, load_page
from orchestration.report.terminal import render, show_page
from tests.unit.report_publication import write_publication

BIG = Decimal("123456789012.00")


@pytest.fixture(scope="module")
def marts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_publication(tmp_path_factory.mktemp("publication"))


def shown(page: Page, width: int = 80, lang: Lang = Lang.EN) -> str:
    console = Console(file=io.StringIO(), width=width, _environ={})
    console.print(render(page, width, lang), crop=False)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def line(text: str, start: str) -> str:
    found = [one.rstrip() for one in text.splitlines() if one.startswith(start)]
    assert found, f"no line starts with {start!r} in:\n{text}"
    return found[0]


def words(text: str, start: str) -> list[str]:
    return line(text, start).removeprefix(start).split()


# -- what is on the page ----------------------------------------------------------------------------------------------


def test_the_header_names_page_month_viewer_right_and_data(marts: Path) -> None:
    text = shown(load_page(marts, "quan@cty.vn", "tuyet"))
    assert line(text, "Page") == "Page       Nguyễn Thị Ánh Tuyết (E03) · Nhân viên, Kinh doanh 1"
    assert line(text, "Month") == "Month      2026-03, whole month"
    sees = "Lê Văn Quản, quan@cty.vn: sees 4 people: 3 of lower rank in Kinh doanh 1, 1 oneself"
    assert f"Seen by {sees} Data" in " ".join(text.split())
    assert line(text, "Data") == "Data       known at the end of 2026-03-31, from source demo"
    assert line(text, "Published") == "Published  2026-03-31 18:12 UTC, generation 20260331T181200000000Z"


def test_a_viewer_of_one_is_told_so(marts: Path) -> None:
    assert line(shown(load_page(marts, "tuyet@cty.vn")), "Seen by").endswith("tuyet@cty.vn: sees one person: oneself")


def test_the_funnel_shows_both_months_the_change_and_the_parity_count(marts: Path) -> None:
    text = shown(load_page(marts, "tuyet@cty.vn"))
    assert words(text, "1 New customers")[:4] == ["12", "10", "+20.0%", "10"]
    assert words(text, "  in charge, month end")[:4] == ["40", "31", "+29.0%", "37"]
    assert words(text, "2 Interactions")[:3] == ["170", "200", "-15.0%"]
    assert words(text, "3 Activities (tasks)")[:3] == ["25", "20", "+25.0%"]
    assert words(text, "4 Orders") == ["8", "0", "–"]
    assert words(text, "  returned") == ["1", "0", "–"]
    assert words(text, "  pending, not counted") == ["2", "0", "–"]
    assert words(text, "5 Revenue") == ["130,000,000", "0", "–"]
    assert words(text, "  sales, before discounts") == ["123,456,789", "0", "–"]
    assert words(text, "  collected, by payment")[:3] == ["98,765,432", "50,000,000", "+97.5%"]
    assert "Owner now: the CRM's own count" in text


def test_the_parity_column_is_there_only_where_it_says_something(marts: Path) -> None:
    text = shown(load_page(marts, "huy@cty.vn"))
    assert "Owner" not in text
    assert words(text, "1 New customers") == ["4", "0", "–"]


def test_ratios_show_their_division(marts: Path) -> None:
    text = shown(load_page(marts, "tuyet@cty.vn"))
    assert words(text, "Interactions per new customer") == ["14.167", "=", "170", "/", "12"]
    assert words(text, "Orders per activity") == ["0.320", "=", "8", "/", "25"]
    assert words(text, "Revenue per order") == ["16,250,000", "=", "130,000,000", "/", "8"]
    assert words(shown(load_page(marts, "duc@cty.vn")), "Orders per new customer") == ["–", "=", "0", "/", "0"]


def test_tasks_show_shares_of_what_was_created_and_late_completions_as_part(marts: Path) -> None:
    text = shown(load_page(marts, "tuyet@cty.vn"))
    assert words(text, "Awaiting confirmation")[:2] == ["3", "12.0%"]
    assert words(text, "Late")[:2] == ["4", "16.0%"]
    assert words(text, "Completed")[:2] == ["14", "56.0%"]
    assert words(text, "  of which late")[:2] == ["2", "8.0%"]
    tasks_block = text[text.index("Tasks created") : text.index("Customers by last contact")]
    assert words(tasks_block, "Total") == ["25"]


def test_recency_journey_and_moves_are_drawn_from_the_page(marts: Path) -> None:
    text = shown(load_page(marts, "tuyet@cty.vn"))
    assert words(text, "0 to 6 days")[:2] == ["2", "50.0%"]
    assert words(text, "never")[:2] == ["1", "25.0%"]
    journey = text[text.index("Relationship") :]
    assert words(journey, "Relationship") == ["2026-01-06", "2026-02-03", "2026-03-03", "2026-03-31"]
    assert words(journey, "Tiềm năng")[:4] == ["0", "0", "7", "2"]
    assert words(journey, "Total") == ["2", "4", "7", "4"]
    assert words(text, "Tiềm năng → Đã mua")[:2] == ["forward", "2"]


def test_the_team_table_has_a_total_of_its_rows(marts: Path) -> None:
    text = shown(load_page(marts, "giang@cty.vn"), width=120)
    assert words(text, "Nguyễn Thị Ánh Tuyết")[:5] == ["12", "40", "170", "25", "8"]
    assert words(text, "Nguyễn Thị Ánh Tuyết")[5:] == ["130,000,000", "123,456,789", "98,765,432"]
    assert words(text, "Vũ Thị Nga (inactive)") == ["0", "0", "0", "0", "0", "0", "0", "2,000"]
    assert words(text, "(none)") == ["3", "3", "0", "0", "0", "0", "0", "0"]
    assert words(text, "Total") == ["21", "87", "243", "40", "10", "130,001,870", "123,458,489", "98,768,702"]
    assert "(unknown)" not in text
    assert "Not listed, without a figure this month: 3." in text
    order = ["Nguyễn Thị Ánh", "Lê Văn", "Đỗ Quang", "Nguyễn Minh", "Vũ Thị", "(none)", "Total"]
    assert [text.index(f"\n{name}") for name in order] == sorted(text.index(f"\n{name}") for name in order)


def test_the_last_line_says_where_to_dispute(marts: Path) -> None:
    last = " ".join(shown(load_page(marts, "tuyet@cty.vn")).split())
    assert last.endswith(
        "A number looks wrong? `kpi explain METRIC --employee WHO` shows its rows; docs/metrics.md says how each is "
        "counted. All figures as known at the end of 2026-03-31."
    )


def test_an_unfinished_month_says_how_far_it_is(tmp_path: Path) -> None:
    page = load_page(write_publication(tmp_path, as_of=date(2026, 3, 15)), "tuyet@cty.vn")
    assert line(shown(page), "Month") == "Month      2026-03, day 1 to 15 of 31"


def test_a_month_after_as_of_and_an_empty_month_say_so(marts: Path) -> None:
    assert "after as_of" in line(shown(load_page(marts, "tuyet@cty.vn", month="2026-05")), "Month")
    empty = shown(load_page(marts, "tuyet@cty.vn", month="2019-07"))
    assert "Nothing is dated in this month" in empty
    assert "None in this month." in empty


def test_vietnamese_has_its_own_words_and_the_same_numbers(marts: Path) -> None:
    text = shown(load_page(marts, "tuyet@cty.vn"), lang=Lang.VI)
    assert words(text, "1 Khách hàng mới")[:3] == ["12", "10", "+20.0%"]
    assert words(text, "0 đến 6 ngày")[:2] == ["2", "50.0%"]
    assert "── Bảng tỷ lệ chuyển đổi · Conversion" in text
    assert "xem được một người: chính mình" in text


# -- room -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [80, 81, 99, 100, 117, 120, 200])
@pytest.mark.parametrize("viewer", ["tuyet@cty.vn", "giang@cty.vn"])
@pytest.mark.parametrize("lang", list(Lang))
def test_no_line_is_wider_than_the_terminal(marts: Path, viewer: str, width: int, lang: Lang) -> None:
    text = shown(load_page(marts, viewer), width, lang)
    assert max(cell_len(one) for one in text.splitlines()) <= width


def enlarged(page: Page) -> Page:
    """The page of a large company: twelve digits of money, six of customers, and a very long name."""
    counts = {name: 987654 for name in Funnel.__dataclass_fields__ if not name.endswith("amount")}
    money = {name: BIG for name in Funnel.__dataclass_fields__ if name.endswith("amount")}
    large = Funnel(**counts, **money)  # type: ignore[arg-type]
    long_name = "Công Tằng Tôn Nữ Thị Hoàng Phương Thảo Nguyên Anh Thư"
    rows = page.block(Team).rows
    team = tuple(replace(row, person=replace(row.person, full_name=long_name), funnel=large) for row in rows)
    now = replace(large, new_customers_current=123456, customers_in_charge_current=7)
    return replace(page, blocks=(Team(team), Conversion(now, large), Ratios(now)))


@pytest.mark.parametrize("lang", list(Lang))
def test_large_numbers_are_never_wrapped_or_cut_at_80_columns(marts: Path, lang: Lang) -> None:
    text = shown(enlarged(load_page(marts, "quan@cty.vn")), 80, lang)
    team, funnel, ratios = 4, 3 * 2, 2
    assert text.count("123,456,789,012") == team + funnel + ratios
    assert (text.count("493,827,156,048"), text.count("3,950,616")) == (1, 5), "the team's total"
    assert text.count("987,654") == team * 5 + 8 * 2 + 5 * 2 + ratios
    assert text.count("…") == 4, "only the long name gives way"
    assert max(cell_len(one) for one in text.splitlines()) <= 80


def test_a_number_too_long_for_the_terminal_makes_the_line_longer_and_is_not_cut(marts: Path) -> None:
    page = load_page(marts, "tuyet@cty.vn")
    huge = Decimal(10**15)
    large = Funnel(sales_amount=huge, revenue_amount=huge, collected_amount=huge)
    text = shown(replace(page, blocks=(Conversion(large, large),)))
    assert "…" not in text
    assert words(text, "5 Revenue") == ["1,000,000,000,000,000", "1,000,000,000,000,000", "+0.0%"]


def test_narrow_drops_money_columns_of_the_team_and_says_so(marts: Path) -> None:
    page = load_page(marts, "quan@cty.vn")
    assert "Needs a wider window: Sales, Collected." in shown(page, 80)
    assert "Needs a wider window: Collected." in shown(page, 90)
    assert "Needs a wider window" not in shown(page, 120)


def test_columns_give_way_in_order_spare_then_bars_then_names() -> None:
    name = Column("Name", ["x" * 60], Kind.NAME)
    number = Column("Number", ["1,234,567"], Kind.NUMBER)
    spare = Column("Spare", ["7,654,321"], Kind.NUMBER, spare=True)
    bar = Column("", [Bar(1, 2)], Kind.BAR)

    def widths(width: int) -> Mapping[str, int]:
        return {column.head: size for column, size in lay_out([name, number, spare, bar], width).columns}

    assert widths(150) == {"Name": 60, "Number": 9, "Spare": 9, "": 30}
    assert widths(60) == {"Name": 30, "Number": 9, "Spare": 9, "": 6}
    assert widths(45) == {"Name": 26, "Number": 9, "": 6}
    assert widths(35) == {"Name": 24, "Number": 9}
    assert widths(25) == {"Name": 14, "Number": 9}
    assert widths(5) == {"Name": 8, "Number": 9}, "numbers stay whole whatever happens"
    assert lay_out([name, number, spare, bar], 45).left_out == ("Spare",)


# -- terminals --------------------------------------------------------------------------------------------------------


def printed(marts: Path, encoding: str, **environment: str) -> str:
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, encoding=encoding)
    console = Console(file=file, width=100, force_terminal=True, _environ=environment)
    show_page(marts, "tuyet@cty.vn", None, None, console)
    file.flush()
    return raw.getvalue().decode(encoding)


def test_a_terminal_without_utf8_gets_plain_letters_in_the_same_places(marts: Path) -> None:
    plain, full = printed(marts, "ascii", NO_COLOR="1", TERM="dumb"), printed(marts, "utf-8", NO_COLOR="1", TERM="dumb")
    assert plain.isascii()
    assert "Nguyen Thi Anh Tuyet (E03)" in plain
    assert "Da mua > Tiem nang" in plain
    assert "#####" in plain
    assert [len(one) for one in plain.splitlines()] == [len(one) for one in full.splitlines()]
    assert "?" not in plain.replace("wrong?", "")


def test_nothing_is_said_by_colour(marts: Path) -> None:
    coloured = printed(marts, "utf-8", TERM="xterm-256color", COLORTERM="truecolor")
    codes = {code for part in coloured.split("\x1b[")[1:] for code in part.split("m")[0].split(";")}
    assert codes <= {"0", "1", "2"}, "bold and dim only"
    assert "\x1b" not in printed(marts, "utf-8", TERM="dumb")


def test_a_refused_page_prints_nothing(marts: Path) -> None:
    console = Console(file=io.StringIO(), width=80)
    with pytest.raises(PageError):
        show_page(marts, "tuyet@cty.vn", "E04", None, console)
    assert isinstance(console.file, io.StringIO)
    assert console.file.getvalue() == ""


# -- figures ----------------------------------------------------------------------------------------------------------


def test_numbers_as_text() -> None:
    assert figures.count(-1234567) == "-1,234,567"
    assert figures.money(Decimal("1234567.5"), 2) == "1,234,567.50"
    assert figures.decimals_needed([Decimal("1.00"), Decimal(7)]) == 0
    assert figures.decimals_needed([Decimal("1.00"), Decimal("7.01")]) == 2
    assert (figures.share(1, 3), figures.share(0, 0)) == ("33.3%", "–")
    assert figures.change(50, 200) == "-75.0%"
    assert figures.change(3000, 1) == ">+999%"
    assert figures.change(5, 0) == figures.change(5, -3) == "–"


def test_bars() -> None:
    assert Bar(5, 10).draw(10) == "█████"
    assert Bar(5.5, 10).draw(10) == "█████▌"
    assert Bar(0.001, 10).draw(10) == "▌", "something is not nothing"
    assert (Bar(0, 10).draw(10), Bar(-4, 10).draw(10), Bar(3, 0).draw(10)) == ("", "", "")
    assert Bar(99, 10).draw(4) == "████"
    assert Bar(10, 10, mark=5).draw(10) == "█████│████"
    assert Bar(5, 10, mark=10).draw(10) == "█████    │"


def test_names_the_seeds_give() -> None:
    assert bucket_name("0_to_6_days", Lang.VI) == "0 đến 6 ngày"
    assert bucket_name("90_days_and_more", Lang.EN) == "90 days and more"
    assert bucket_name("never", Lang.VI) == "chưa từng"
    assert bucket_name("before_tet", Lang.VI) == "before tet", "a company's own name stays"
    assert reason_words("head of Kinh doanh above Kinh doanh 1", Lang.EN) == "as head of Kinh doanh"
    assert reason_words("lower rank in Kinh doanh 1", Lang.VI) == "cấp dưới trong Kinh doanh 1"
    assert reason_words("view_all", Lang.EN) == "by the right view_all"
