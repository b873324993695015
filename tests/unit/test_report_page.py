"""The numbers of a page and who gets them: each figure compared with the sum done by hand from the published rows."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from orchestration.report.blocks.conversion import Conversion, Funnel, Ratios
from orchestration.report.blocks.recency import Bucket, Recency
from orchestration.report.blocks.relationships import Move, Moves, Relationships, Stock, stock_dates
from orchestration.report.blocks.tasks import Tasks
from orchestration.report.blocks.team import Team
from orchestration.report.errors import PageError
from orchestration.report.months import next_month, parse_month, previous_month
from orchestration.report.page import Page, load_page
from tests.unit.report_publication import (
    DIRECTOR,
    GONE,
    MANAGER,
    OTHER,
    PEER,
    POWERLESS,
    SELLER,
    write_publication,
)


@pytest.fixture(scope="module")
def marts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_publication(tmp_path_factory.mktemp("publication"))


def ids(page: Page) -> list[str]:
    return [person.employee_id for person in page.subjects]


def funnel(page: Page) -> Funnel:
    return page.block(Conversion).now


def funnel_before(page: Page) -> Funnel:
    return page.block(Conversion).before


def refusal(marts: Path, viewer: str, employee: str | None = None, month: str | None = None) -> PageError:
    with pytest.raises(PageError) as caught:
        load_page(marts, viewer, employee, month)
    return caught.value


# -- numbers ----------------------------------------------------------------------------------------------------------


def test_a_salespersons_funnel_is_the_row_of_the_month_and_of_the_month_before(marts: Path) -> None:
    page = load_page(marts, "tuyet@cty.vn")
    assert page.month == date(2026, 3, 1)
    assert funnel(page) == Funnel(
        new_customers=12,
        new_customers_current=10,
        customers_assigned=14,
        customers_in_charge=40,
        customers_in_charge_current=37,
        interactions=170,
        activities=25,
        orders=8,
        returns=1,
        pending_orders=2,
        sales_amount=Decimal(123456789),
        revenue_amount=Decimal(130000000),
        collected_amount=Decimal(98765432),
    )
    assert (funnel_before(page).new_customers, funnel_before(page).interactions) == (10, 200)
    assert funnel_before(page).collected_amount == Decimal(50000000)
    assert Team not in [type(block) for block in page.blocks]


def test_a_managers_page_adds_up_the_visible_rows_and_no_others(marts: Path) -> None:
    page = load_page(marts, "quan@cty.vn")
    assert ids(page) == [MANAGER, PEER, SELLER, GONE]
    assert funnel(page) == Funnel(
        new_customers=2 + 12 + 0 + 0,
        new_customers_current=2 + 10 + 1,
        customers_assigned=3 + 14 + 1,
        customers_in_charge=5 + 40 + 30,
        customers_in_charge_current=5 + 37 + 33,
        interactions=10 + 170 + 60,
        activities=4 + 25 + 9,
        orders=1 + 8,
        returns=1,
        pending_orders=2,
        sales_amount=Decimal(1000 + 123456789),
        revenue_amount=Decimal(1100 + 130000000),
        collected_amount=Decimal(500 + 98765432 + 2000),
    )
    assert funnel_before(page).new_customers == 10 + 5
    assert sum((row.funnel for row in page.block(Team).rows), Funnel()) == funnel(page)


def test_the_team_is_ordered_by_revenue_then_name(marts: Path) -> None:
    page = load_page(marts, "quan@cty.vn")
    assert [row.person.employee_id for row in page.block(Team).rows] == [SELLER, MANAGER, PEER, GONE]
    assert page.block(Team).rows[2].funnel.customers_in_charge == 30


def test_view_all_sees_everybody_and_the_members_without_a_person(marts: Path) -> None:
    page = load_page(marts, "giang@cty.vn")
    assert sorted(ids(page)) == sorted([DIRECTOR, MANAGER, SELLER, PEER, OTHER, GONE, POWERLESS, "none", "unknown"])
    assert funnel(page).new_customers == 2 + 12 + 0 + 4 + 3
    assert funnel(page).revenue_amount == Decimal(1100 + 130000000 + 770)


def test_ratios_name_both_numbers_and_are_empty_over_nothing(marts: Path) -> None:
    ratios = {ratio.name: ratio for ratio in load_page(marts, "tuyet@cty.vn").block(Ratios).ratios}
    assert (ratios["interactions_per_new_customer"].numerator, ratios["interactions_per_new_customer"].denominator) == (
        170,
        12,
    )
    assert ratios["orders_per_activity"].value == Decimal(8) / 25
    assert ratios["revenue_per_order"].value == Decimal(16250000)
    peers = {ratio.name: ratio.value for ratio in load_page(marts, "duc@cty.vn").block(Ratios).ratios}
    assert peers["activities_per_interaction"] == Decimal("0.15")
    assert peers["orders_per_activity"] == 0
    assert peers["orders_per_new_customer"] is None, "nothing over nothing"
    assert peers["interactions_per_new_customer"] is None, "sixty over nothing"
    assert peers["revenue_per_order"] is None


def test_tasks_add_up_over_projects_and_types_of_the_month_only(marts: Path) -> None:
    tasks = load_page(marts, "tuyet@cty.vn").block(Tasks)
    assert tasks == Tasks(
        created=20 + 5,
        new=1,
        in_progress=2,
        awaiting_confirmation=3,
        late=4,
        completed=9 + 5,
        completed_late=2,
        cancelled=1,
    )
    exclusive = tasks.new + tasks.in_progress + tasks.awaiting_confirmation + tasks.late + tasks.completed
    assert exclusive + tasks.cancelled == tasks.created
    assert load_page(marts, "tuyet@cty.vn", month="2026-02").block(Tasks) == Tasks(created=20, completed=20)


def test_a_wider_right_to_another_report_adds_nothing_to_this_page(marts: Path) -> None:
    page = load_page(marts, "huy@cty.vn")
    assert ids(page) == [OTHER], "he may see everybody's tasks, but only in the task report"
    assert page.block(Tasks) == Tasks(created=2, in_progress=2)


def test_recency_counts_live_customers_in_charge_now_in_the_order_of_days(marts: Path) -> None:
    assert load_page(marts, "tuyet@cty.vn").block(Recency).buckets == (
        Bucket("0_to_6_days", 2),
        Bucket("90_days_and_more", 1),
        Bucket("never", 1),
    )
    assert [(bucket.name, bucket.customers) for bucket in load_page(marts, "quan@cty.vn").block(Recency).buckets] == [
        ("0_to_6_days", 2),
        ("14_to_29_days", 1),
        ("90_days_and_more", 1),
        ("never", 1),
    ]


def test_stock_shows_four_days_by_the_companys_order_of_relationships(marts: Path) -> None:
    page = load_page(marts, "tuyet@cty.vn")
    assert page.block(Relationships).dates == (date(2026, 1, 6), date(2026, 2, 3), date(2026, 3, 3), date(2026, 3, 31))
    assert page.block(Relationships).stock == (
        Stock("R9", "Tiềm năng", (0, 0, 7, 1 + 1)),
        Stock("R5", "Đã mua", (0, 4, 0, 2)),
        # The company's list does not have it, so it has no name.
        Stock("R0", "R0", (2, 0, 0, 0)),
    )


def test_stock_of_a_past_month_ends_with_today(marts: Path) -> None:
    page = load_page(marts, "tuyet@cty.vn", month="2026-02")
    assert page.block(Relationships).dates[-2:] == (date(2026, 2, 28), date(2026, 3, 31))
    assert {row.relationship_id: row.customers[-2:] for row in page.block(Relationships).stock} == {
        "R9": (0, 2),
        "R5": (6, 2),
    }


def test_moves_of_the_month_are_counted_by_pair_most_first(marts: Path) -> None:
    assert load_page(marts, "quan@cty.vn").block(Moves).moves == (
        Move("R9", "R5", "Tiềm năng", "Đã mua", "forward", 3),
        Move("R5", "R9", "Đã mua", "Tiềm năng", "backward", 1),
    )
    assert load_page(marts, "tuyet@cty.vn", month="2026-02").block(Moves).moves == (
        Move("R9", "R5", "Tiềm năng", "Đã mua", "forward", 1),
    )


def test_a_month_without_rows_is_all_zero(marts: Path) -> None:
    page = load_page(marts, "tuyet@cty.vn", month="2019-07")
    assert funnel(page) == funnel_before(page) == Funnel()
    assert (page.block(Tasks), page.block(Moves).moves) == (Tasks(), ())
    assert all(ratio.value is None for ratio in page.block(Ratios).ratios)
    assert page.block(Recency).buckets, "last contact is as of now, whatever the month"


def test_the_page_says_what_it_was_read_from(marts: Path) -> None:
    publication = load_page(marts, "tuyet@cty.vn").publication
    assert (publication.as_of, publication.source) == (date(2026, 3, 31), "demo")
    assert publication.generation_id == "20260331T181200000000Z"
    assert f"{publication.published_at:%Y-%m-%d %H:%M %Z}" == "2026-03-31 18:12 UTC"


# -- rights -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("viewer", ["nobody@cty.vn", "nga@cty.vn", "kho@cty.vn", "", "%"])
def test_unknown_inactive_and_powerless_viewers_are_refused_alike(marts: Path, viewer: str) -> None:
    error = refusal(marts, viewer)
    assert error.message == f"{viewer} may see nobody's employee KPIs."
    assert "access or view_all" in error.hint


def test_the_viewers_address_is_compared_without_case_and_blanks(marts: Path) -> None:
    assert ids(load_page(marts, " QUAN@cty.vn ")) == ids(load_page(marts, "quan@cty.vn"))


def test_a_peer_is_refused_in_the_same_words_as_somebody_who_does_not_exist(marts: Path) -> None:
    hidden = [refusal(marts, "tuyet@cty.vn", employee) for employee in (PEER, "duc@cty.vn", "Nguyễn Minh Đức", "giang")]
    absent = [refusal(marts, "tuyet@cty.vn", employee) for employee in ("E99", "who@cty.vn", "Ai Đó", "qqq")]
    for error, asked in zip(
        hidden + absent,
        (PEER, "duc@cty.vn", "Nguyễn Minh Đức", "giang", "E99", "who@cty.vn", "Ai Đó", "qqq"),
        strict=True,
    ):
        assert error.message == f"No employee you may see is called {asked!r}."
        assert error.hint == hidden[0].hint


@pytest.mark.parametrize(
    "asked", [SELLER, " e03 ", "Tuyet@cty.vn", "nguyễn thị ánh tuyết", "Ánh Tuyết", "anh tuyet", " tuyết "]
)
def test_a_visible_person_is_found_by_id_address_name_or_part(marts: Path, asked: str) -> None:
    page = load_page(marts, "quan@cty.vn", asked)
    assert ids(page) == [SELLER]
    assert funnel(page).orders == 8
    assert Team not in [type(block) for block in page.blocks]


def test_whole_words_come_before_beginnings_and_those_before_other_parts(tmp_path: Path) -> None:
    names = {"A1": "Phạm Thị Hà", "A2": "Trần Hải Anh", "A3": "Lê Thanh"}
    people = [(key, name, None, "D1", "x", 3, None, True, False, False) for key, name in names.items()]
    scope = [("E01", "giang@cty.vn", "employee", key, "view_all") for key in names]
    marts = write_publication(tmp_path, extra={"marts.dim_employees": people, "core.core_employee_scope": scope})
    assert ids(load_page(marts, "giang@cty.vn", "ha")) == ["A1"]
    assert ids(load_page(marts, "giang@cty.vn", "hai")) == ["A2"]
    assert ids(load_page(marts, "giang@cty.vn", "han")) == ["A3"]


def test_d_with_a_stroke_is_found_by_a_plain_d(marts: Path) -> None:
    assert ids(load_page(marts, "giang@cty.vn", "do quang")) == [OTHER]


def test_a_name_that_fits_several_lists_the_visible_ones_only(marts: Path) -> None:
    error = refusal(marts, "quan@cty.vn", "nguyen")
    assert error.message == "'nguyen' fits 2 employees: Nguyễn Minh Đức (E04), Nguyễn Thị Ánh Tuyết (E03)."
    assert ids(load_page(marts, "tuyet@cty.vn", "nguyen")) == [SELLER], "alone in her own view"


def test_blank_is_nobodys_name(marts: Path) -> None:
    assert refusal(marts, "quan@cty.vn", " ").message == "No employee you may see is called ' '."


def test_several_people_under_one_address_are_refused(tmp_path: Path) -> None:
    marts = write_publication(
        tmp_path, extra={"core.core_employee_scope": [(OTHER, "tuyet@cty.vn", "task", OTHER, "self")]}
    )
    assert refusal(marts, "tuyet@cty.vn").message == "tuyet@cty.vn is the address of several people: E03, E05."


def test_control_characters_in_a_name_do_not_reach_the_terminal(tmp_path: Path) -> None:
    person = ("E08", "Mai\x1b[31m\nLan\t ", "mai@cty.vn", "D1", "Kinh\rdoanh", 3, None, True, False, False)
    marts = write_publication(
        tmp_path,
        extra={
            "marts.dim_employees": [person],
            "core.core_employee_scope": [("E08", "mai@cty.vn", "employee", "E08", "self")],
        },
    )
    subject = load_page(marts, "mai@cty.vn").subjects[0]
    assert (subject.full_name, subject.department_name) == ("Mai [31m Lan", "Kinh doanh")


# -- months -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["2026-13", "2026-00", "0000-01", "2026-3", "March", "2026-03-01", ""])
def test_what_is_no_month_is_refused(marts: Path, text: str) -> None:
    assert refusal(marts, "tuyet@cty.vn", month=text).message == f"{text!r} is no month."


def test_months_step_over_the_year() -> None:
    assert parse_month(" 2025-12 ") == date(2025, 12, 1)
    assert next_month(date(2025, 12, 31)) == date(2026, 1, 1)
    assert previous_month(date(2026, 1, 31)) == date(2025, 12, 1)
    assert previous_month(date(2024, 3, 15)) == date(2024, 2, 1)


def test_in_an_unfinished_month_the_stock_ends_at_as_of() -> None:
    assert stock_dates(date(2026, 3, 1), date(2026, 3, 15))[-1] == date(2026, 3, 15)
    assert len(stock_dates(date(2026, 3, 1), date(2026, 3, 15))) == 4


# -- files ------------------------------------------------------------------------------------------------------------


def test_no_publication_says_where_it_was_looked_for(tmp_path: Path) -> None:
    error = refusal(tmp_path / "marts.duckdb", "tuyet@cty.vn")
    assert str(tmp_path / "marts.duckdb") in error.message
    assert "kpi run" in error.hint


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    path = tmp_path / "marts.duckdb"
    path.write_text("not a database, but long enough to look at " * 20)
    assert str(path) in refusal(path, "tuyet@cty.vn").message


def test_a_database_of_something_else_is_named(tmp_path: Path) -> None:
    path = tmp_path / "marts.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("create table other (x integer)")
    error = refusal(path, "tuyet@cty.vn")
    assert "lacks a table" in error.message
    assert "publication" in error.message


def test_a_publication_without_its_own_row_is_refused(tmp_path: Path) -> None:
    path = write_publication(tmp_path)
    with duckdb.connect(str(path)) as connection:
        connection.execute("delete from main.publication")
    assert refusal(path, "tuyet@cty.vn").message == "The publication does not say what it holds."


def test_reading_leaves_the_publication_as_it_was(tmp_path: Path) -> None:
    path = write_publication(tmp_path)
    before = path.read_bytes()
    load_page(path, "quan@cty.vn")
    assert path.read_bytes() == before
