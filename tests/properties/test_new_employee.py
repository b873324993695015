"""Somebody new, who looks after nobody and has done nothing, changes nobody's numbers.

What may change, and nothing else: rows of marts that are the new employee's own, and `members` of the department's rows
in kpi_department_month, which counts the people at work.
"""

from __future__ import annotations

from datetime import datetime

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from tests.properties.cases import richest_company
from tests.properties.companies import AS_OF, GHOSTS, Company, Version, companies
from tests.properties.comparison import differences
from tests.properties.examples import COMPARISONS, check, examples
from tests.properties.runner import Marts, Project, Row, marts_of

NEW = "e99"
_EMPLOYEE_COLUMNS = ("employee_id", "manager_id", "executor_id", "assignee_id", "owner_id")
_SINCE = datetime(2026, 3, 30)


@st.composite
def with_somebody_new(draw: DrawFn) -> tuple[Company, Company]:
    """A company, and the same one with one employee more."""
    company = draw(companies())
    department = draw(st.sampled_from([row["department_id"] for row in company.rows("departments")] + [None, GHOSTS[0]]))
    rank = draw(st.sampled_from([None, 1, 9]))
    return company, hired(company, department, rank, draw(st.booleans()), draw(st.sampled_from([None, "access", "view_all"])))


def hired(company: Company, department: str | None, rank: int | None, is_active: bool, right: str | None) -> Company:
    employee: Row = {
        "employee_id": NEW,
        "full_name": "Somebody New",
        "email": "new@example.com",
        "department_id": department,
        "position_rank": rank,
        "is_active": is_active,
    }
    company = company.with_record("employees", (Version(_SINCE, employee),))
    if right is not None:
        granted = {"employee_id": NEW, "report": "employee", "right": right}
        company = company.with_record("employee_permissions", (Version(_SINCE, granted),))
    return company


def changed_beyond_reason(project: Project, before: Company, after: Company) -> list[str]:
    marts_before, marts_after = (marts_of(project, company.landed_at_once(), AS_OF) for company in (before, after))
    (person,) = [row for row in marts_after["dim_employees"] if row["employee_id"] == NEW]

    def reduced(mart: str, row: Row) -> Row | None:
        if any(row.get(column) == NEW for column in _EMPLOYEE_COLUMNS):
            return None
        if mart == "kpi_department_month" and row["department_id"] == person["department_id"]:
            return {name: value for name, value in row.items() if name != "members"}
        return row

    return [
        *differences(marts_before, marts_after, reduced),
        *_wrong_members(marts_before, marts_after, person),
    ]


def _wrong_members(before: Marts, after: Marts, person: Row) -> list[str]:
    """The department has one person at work more, if this one is."""
    more = int(person["is_active"])
    had, has = (
        {
            row["month_date"]: row["members"]
            for row in marts["kpi_department_month"]
            if row["department_id"] == person["department_id"]
        }
        for marts in (before, after)
    )
    return [
        f"members of {person['department_id']} in {month}: {has.get(month)} instead of {members + more}"
        for month, members in had.items()
        if has.get(month) != members + more
    ]


def test_nobody_elses_numbers_change(project: Project) -> None:
    for company, person in examples(with_somebody_new(), COMPARISONS, start=5):
        check(company, lambda candidate, new=person: changed_beyond_reason(project, candidate, new))


def test_a_department_that_shares_its_money_among_its_people_is_noticed(project: Project) -> None:
    broken = project.broken(
        "kpi_department_month", "cast(totals.orders as bigint)", "cast(totals.orders / greatest(staff.members, 1) as bigint)"
    )
    company = richest_company()
    found = [
        changed_beyond_reason(broken, company, hired(company, row["department_id"], None, True, None))
        for row in company.rows("departments")
    ]
    assert any(found)


def test_a_person_counted_as_member_while_away_is_noticed(project: Project) -> None:
    broken = project.broken("kpi_department_month", "employees.is_active\n", "true\n")
    company = richest_company()
    found = [
        changed_beyond_reason(broken, company, hired(company, row["department_id"], None, False, None))
        for row in company.rows("departments")
    ]
    assert any(found)
