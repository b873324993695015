"""What a report says of a small company whose figures were counted by hand.

February and March of two departments, one inside the other, and somebody without one. Of the revenue of March, 450, An
has 300 of three orders, Bình 200 of one, and a return of 50 belongs to nobody.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from orchestration.freezing.manifest import FIRST_FREEZE, FrozenVersion
from orchestration.landing.manifest import BatchStatus, Manifest
from orchestration.monthly.content import make_document
from orchestration.monthly.document import Document, Note, Section, Table, Value
from orchestration.monthly.facts import (
    ALL,
    COMPANY,
    DEPARTMENT,
    EMPLOYEE,
    Department,
    Facts,
    Figure,
    FrozenMonth,
    Metric,
    Restated,
    corrections_through,
    set_aside,
)
from orchestration.report.blocks.cohorts import Cohort, Cohorts
from orchestration.report.blocks.cycle import Cycle, Span
from orchestration.report.labels import Lang
from orchestration.report.publication import Publication
from orchestration.sources.base import BatchKind

FEBRUARY, MARCH = date(2026, 2, 1), date(2026, 3, 1)
METRICS = {
    "new_customers": ("customers", "New customers"),
    "interactions": ("interactions", "Interactions"),
    "activities": ("tasks", "Activities"),
    "orders": ("orders", "Orders"),
    "revenue_amount": ("currency", "Revenue"),
    "connected_rate": ("rate", "Connected rate"),
}


def version(month: date, **changes: Any) -> FrozenVersion:
    made = FrozenVersion(
        month, 1, 2, date(2026, 3, 31), "demo", "2026-04-01T03:00:00+00:00", "1.0", FIRST_FREEZE, (), (), (), None
    )
    return replace(made, **changes)


def figures(level: str, subject: str, **values: int) -> dict[tuple[str, str, str], Figure]:
    return {(level, subject, metric): Figure(Decimal(value)) for metric, value in values.items()}


def frozen(month: date, *parts: Mapping[tuple[str, str, str], Figure], **changes: Any) -> FrozenMonth:
    return FrozenMonth(version(month, **changes), {key: figure for part in parts for key, figure in part.items()})


THIS = frozen(
    MARCH,
    figures(COMPANY, ALL, new_customers=6, interactions=12, activities=0, orders=4, revenue_amount=450),
    {(COMPANY, ALL, "connected_rate"): Figure(Decimal("0.25"), Decimal(3), Decimal(12))},
    figures(DEPARTMENT, "north", new_customers=4, orders=3, revenue_amount=300),
    figures(DEPARTMENT, "team", new_customers=1, orders=1, revenue_amount=200),
    figures(DEPARTMENT, "none", new_customers=1, revenue_amount=-50),
    # Nothing that the table shows, in either month.
    figures(DEPARTMENT, "idle", activities=2),
    figures(EMPLOYEE, "an", new_customers=4, orders=3, revenue_amount=300),
    figures(EMPLOYEE, "binh", new_customers=1, orders=1, revenue_amount=200),
    figures(EMPLOYEE, "none", new_customers=1, revenue_amount=-50),
    {
        (DEPARTMENT, "north", "revenue_amount"): Figure(
            Decimal(300), None, None, Decimal(1000), 0.3, Decimal(500), 0.5
        ),
        (EMPLOYEE, "an", "revenue_amount"): Figure(Decimal(300), None, None, Decimal(300), 1.0),
        (EMPLOYEE, "binh", "revenue_amount"): Figure(Decimal(200), None, None, Decimal(400), 0.5),
        # A target of 0 has no rate, and is not reached.
        (EMPLOYEE, "chi", "revenue_amount"): Figure(Decimal(0), None, None, Decimal(0), None),
    },
)
BEFORE = frozen(
    FEBRUARY,
    figures(COMPANY, ALL, new_customers=6, interactions=0, activities=5, orders=5, revenue_amount=600),
    {(COMPANY, ALL, "connected_rate"): Figure(None, Decimal(0), Decimal(0))},
    figures(DEPARTMENT, "north", new_customers=6, orders=2, revenue_amount=200),
    figures(DEPARTMENT, "team", orders=3, revenue_amount=400),
    figures(EMPLOYEE, "an", new_customers=6, orders=2, revenue_amount=200),
    figures(EMPLOYEE, "binh", orders=3, revenue_amount=400),
)
SPAN = Span("order", counted_customers=8, converted=2, total_days=20, median_days=10.0, km_median_days=None)


def facts(**changes: Any) -> Facts:
    made = Facts(
        this=THIS,
        earlier={FEBRUARY: BEFORE},
        publication=Publication("g", date(2026, 4, 5), "demo", datetime(2026, 4, 6, tzinfo=UTC)),
        employees={"an": "An", "binh": "Bình", "chi": "Chi", "none": "(none)"},
        departments={
            "north": Department("North", "North", 0),
            "team": Department("Team", "North / Team", 1),
            "idle": Department("Idle", "North / Idle", 1),
            "none": Department("(none)", "(none)", 0),
        },
        metrics={name: Metric({"en": label, "vi": label}, unit, "increase") for name, (unit, label) in METRICS.items()},
        cycle=Cycle(first_day=date(2026, 1, 12), to_order=SPAN),
        latest=THIS.version,
        cohorts=Cohorts((Cohort(MARCH, 4, 3, 2, 1, 0, Decimal(0)), Cohort(FEBRUARY, 0, 0, 0, 0, 0, Decimal(0)))),
    )
    return replace(made, **changes)


def section(document: Document, title: str) -> Section:
    [found] = [one for one in document.sections if one.title == title]
    return found


def texts(of: Section) -> list[str]:
    return [part if isinstance(part, str) else part.text for part in of.parts if isinstance(part, str | Note)]


def rows(document: Document, name: str) -> list[tuple[Value, ...]]:
    [found] = [table for _, table in document.tables() if table.name == name]
    return list(found.rows)


@pytest.fixture
def report() -> Document:
    return make_document(facts(), Lang.EN)


def test_the_first_page_says_what_changed(report: Document) -> None:
    assert texts(section(report, "What changed")) == [
        "Revenue: 450, −150 (−25.0%) against 2026-02.",
        "Orders: 4, −1 (−20.0%) against 2026-02.",
        "New customers: 6, as in 2026-02.",
        "Targets of Revenue: 1 of 3 people reached theirs.",
    ]
    assert rows(report, "company") == [
        ("New customers", 6, 6, 0, 0),
        ("Interactions", 12, 0, 12, None),
        # A rate shows what it divides; of nothing there is none.
        ("Connected rate", "25.0% (3 / 12)", None, None, None),
        ("Activities", 0, 5, -5, -1),
        ("Orders", 4, 5, -1, Decimal("-0.2")),
        ("Revenue", 450, 600, -150, Decimal("-0.25")),
    ]


def test_departments_add_up_to_the_company(report: Document) -> None:
    *departments, company = rows(report, "departments")
    assert departments == [
        ("North", 4, 3, 300, 200, 100),
        ("\u2002Team", 1, 1, 200, 400, -200),
        ("(no department)", 1, 0, -50, 0, -50),
    ]
    assert company == ("Company", 6, 4, 450, 600, -150)
    for at in range(1, 6):
        assert sum(Decimal(str(row[at])) for row in departments) == company[at]
    assert rows(report, "department_targets") == [("North", 500, 1000, 0.5)]


def test_a_ratio_shows_both_numbers_and_none_is_made_of_nothing(report: Document) -> None:
    assert rows(report, "funnel") == [
        ("1. New customers", 6, 6, None, None, None),
        ("2. Interactions", 12, 0, "New customers", 2, "12 / 6"),
        ("3. Activities", 0, 5, "Interactions", 0, "0 / 12"),
        ("4. Orders", 4, 5, "Activities", None, "4 / 0"),
        ("5. Revenue", 450, 600, "Orders", Decimal("112.5"), "450 / 4"),
    ]


def test_the_cycle_counts_who_has_not_ordered_yet(report: Document) -> None:
    said = texts(section(report, "From new customer to first order"))
    assert said[0] == (
        "Of 8 customers created from 2026-01-12 to 2026-04-05, 2 (25.0%) have ordered and 6 have "
        "not yet. Counting those "
        "who have not ordered yet, fewer than half have ordered so far, so there is no median yet."
    )
    assert rows(report, "cohorts") == [("2026-02", 0, 0, 0, None), ("2026-03", 4, 1, 3, Decimal("0.25"))]
    with_median = facts(cycle=Cycle(first_day=MARCH, to_order=replace(SPAN, km_median_days=31, excluded_negative=1)))
    said = texts(section(make_document(with_median, Lang.EN), "From new customer to first order"))
    assert said[0].endswith("Counting those who have not ordered yet, half order within 31 days (Kaplan-Meier).")
    assert said[1] == "1 more have an order dated before they were created and are left out."


def test_movements_name_people_and_drivers(report: Document) -> None:
    assert rows(report, "increases") == [("An", 200, 300, 100, 2, 3, Decimal("100.00"), Decimal("0.00"))]
    # Two orders fewer at 133.33 each, and the one that is left is 66.67 larger.
    assert rows(report, "decreases") == [("Bình", 400, 200, -200, 3, 1, Decimal("-266.67"), Decimal("66.67"))]


def test_corrections_in_plain_words() -> None:
    restated = (
        Restated(
            FEBRUARY, "revenue_amount", Decimal(600), Decimal(660), {"added": 1, "removed": 1, "changed": 2}, 2, 3
        ),
        Restated(FEBRUARY, "orders", None, None, {}, 2, 0),
    )
    document = make_document(facts(restated=restated), Lang.EN)
    assert texts(section(document, "Corrections of frozen months"))[:2] == [
        "2026-02, Revenue: frozen 600, now 660 (+60). Rows behind it: 1 added, 1 gone, 2 changed.",
        "In 2026-02 the company's other figures are as frozen; only between people or departments they differ: Orders.",
    ]
    assert rows(document, "restatements") == [("2026-02", "Revenue", 600, 660, 60, 2, 3)]


def test_a_comparison_with_a_month_that_was_corrected_says_so() -> None:
    """February is compared as it was frozen; whoever reads the first page has to know that it is known better now."""
    restated = (
        Restated(FEBRUARY, "revenue_amount", Decimal(600), Decimal(660), {"added": 1}, 2, 3),
        Restated(MARCH, "orders", Decimal(4), Decimal(5), {"added": 1}, 1, 1),
        # Of a month that is not on the first page, and of a figure that is not in its words.
        Restated(date(2026, 1, 1), "revenue_amount", Decimal(1), Decimal(2), {"added": 1}, 1, 1),
        Restated(FEBRUARY, "interactions", Decimal(0), Decimal(1), {"added": 1}, 1, 1),
    )
    document = make_document(facts(restated=restated), Lang.EN)
    of_february = "Revenue of 2026-02 was frozen as 600 and has since been corrected to 660."
    assert texts(section(document, "What changed"))[4:] == [
        of_february,
        "Orders of 2026-03 was frozen as 4 and has since been corrected to 5.",
    ]
    assert texts(section(document, "Who moved revenue"))[-1] == of_february


def test_targets_that_were_changed_are_corrections_too() -> None:
    document = make_document(facts(restated_targets={FEBRUARY: 3, MARCH: 1}), Lang.EN)
    assert texts(section(document, "Corrections of frozen months"))[:2] == [
        "2026-03: 1 targets are not what was frozen.",
        "2026-02: 3 targets are not what was frozen.",
    ]
    assert "No figure and no target of a frozen month has been corrected." in texts(
        section(make_document(facts(), Lang.EN), "Corrections of frozen months")
    )


def test_an_older_version_says_that_there_is_a_newer_one() -> None:
    newer = version(MARCH, version=3, reason="agreed on 10 April")
    document = make_document(facts(latest=newer), Lang.EN)
    assert document.facts[1] == "Version 3 has been frozen since (agreed on 10 April); this report shows version 1."
    assert len(make_document(facts(), Lang.EN).facts) == 2
    # What is compared with now is the newest version, not the one that is shown.
    assert corrections_through(version(MARCH), newer) == FEBRUARY
    assert corrections_through(newer, newer) == MARCH
    note = texts(section(document, "Corrections of frozen months"))[-1]
    assert note.startswith("Frozen months up to 2026-02, compared with")


def batch(day: int, kind: BatchKind, quarantined: int, attempt: int = 1) -> Manifest:
    night = date(2026, 3, day)
    return Manifest(
        "demo", "orders", f"{night}.{attempt}", night, attempt, kind, BatchStatus.LANDED, None, "", 9, 9, quarantined,
        "", "orders.csv",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("batches", "rows"),
    [
        ([], 0),
        ([batch(31, BatchKind.COMPLETE, 2)], 2),
        # What a whole delivery had before another one is gone or came again.
        ([batch(31, BatchKind.COMPLETE, 2), batch(1, BatchKind.COMPLETE, 50)], 2),
        # A night that told changes only says nothing of rows that were set aside before it.
        ([batch(31, BatchKind.DELTA, 0), batch(12, BatchKind.DELTA, 40), batch(1, BatchKind.COMPLETE, 3)], 43),
        ([batch(12, BatchKind.DELTA, 40), batch(13, BatchKind.DELTA, 1)], 41),
        ([batch(1, BatchKind.COMPLETE, 3, attempt=2), batch(1, BatchKind.COMPLETE, 9)], 3),
    ],
)
def test_rows_set_aside_since_everything_was_delivered(batches: list[Manifest], rows: int) -> None:
    assert set_aside(batches) == rows


def test_a_month_before_that_is_not_frozen_is_not_compared(report: Document) -> None:
    document = make_document(facts(earlier={}), Lang.EN)
    said = texts(section(document, "What changed"))
    assert said[0] == "Revenue: 450."
    assert "2026-02 is not frozen, so nothing is compared with it." in said
    assert rows(document, "company")[-1] == ("Revenue", 450, None, None, None)
    assert rows(document, "departments")[-1] == ("Company", 6, 4, 450, None, None)
    assert texts(section(document, "Who moved revenue")) == [
        "2026-02 is not frozen: there is nothing to compare people's revenue with."
    ]


@pytest.mark.parametrize(
    ("before", "said"),
    [(0, "Revenue: 450; it was 0 in 2026-02."), (-50, "Revenue: 450, +500 against 2026-02, when it was −50.")],
)
def test_nothing_is_in_percent_of_nothing(before: int, said: str) -> None:
    earlier = frozen(FEBRUARY, figures(COMPANY, ALL, revenue_amount=before))
    document = make_document(facts(earlier={FEBRUARY: earlier}), Lang.EN)
    assert texts(section(document, "What changed"))[0] == said
    assert rows(document, "company")[-1] == ("Revenue", 450, before, 450 - before, None)


def test_a_year_before_has_a_column_where_it_is_frozen() -> None:
    year = date(2025, 3, 1)
    document = make_document(facts(earlier={FEBRUARY: BEFORE, year: frozen(year, BEFORE.figures)}), Lang.EN)
    assert rows(document, "company")[-1] == ("Revenue", 450, 600, -150, Decimal("-0.25"), 600)


def test_footnotes_say_what_is_in_no_figure_and_how_it_was_frozen() -> None:
    again = replace(THIS, version=version(MARCH, version=2, reason="late order", code_version="1.1"))
    document = make_document(facts(this=again, latest=again.version, quarantined={"orders": 3}), Lang.EN)
    assert texts(section(document, "About the data")) == [
        "Rows that could not be read, since each table was last delivered whole: orders 3. Those that came again and "
        "could be read are in the figures, the others in none.",
        "Revenue: −50 of 450 belongs to nobody, or to somebody the CRM does not list, and is in no person's figures.",
        "New customers: 1 of 6 belongs to nobody, or to somebody the CRM does not list, and is in no person's figures.",
        "The states of tasks are those at the end of 2026-03-31; they go on changing without any correction.",
        "2026-02 was frozen by version 1.0 of the program, this month by 1.1; a rule may have changed between.",
        "Frozen again as version 2: late order. Earlier versions are kept.",
        'Frozen version 2026-03/v2, place 2 in the chain. "kpi freeze --verify" says whether it is as it was written.',
    ]
    assert document.facts[0] == "Frozen as known at the end of 2026-03-31 (version 2, late order)."


def test_every_frozen_figure_is_in_the_appendix(report: Document) -> None:
    [(_, table)] = report.appendix
    assert isinstance(table, Table)
    assert len(table.rows) == len(THIS.figures)
    assert table.rows[0] == ("company", "all", "Company", "Activities", 0, None, None, None, None)
    assert ("employee", "an", "An", "Revenue", 300, None, None, 300, 1.0) in table.rows


def test_it_is_written_in_vietnamese_too() -> None:
    document = make_document(facts(), Lang.VI)
    assert document.title == "Báo cáo tháng 03/2026"
    assert texts(document.sections[0])[0] == "Revenue: 450, −150 (−25.0%) so với tháng 02/2026."
