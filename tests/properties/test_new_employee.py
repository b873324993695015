"""Somebody new, who looks after nobody and has done nothing, changes nobody's numbers.

What may change, and nothing else: rows of marts that are the new employee's own, and `members` of the department's rows
in kpi_department_month, which counts the people at work.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import partial

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


@dataclass(frozen=True)
class Hire:
    """Where somebody new comes to, and what they may see."""

    department_id: str | None
    position_rank: int | None = None
    is_active: bool = True
    right: str | None = None

    def into(self, company: Company) -> Company:
        """The company with the new employee."""
        employee: Row = {
            "employee_id": NEW,
            "full_name": "Somebody New",
            "email": "new@example.com",
            "department_id": self.department_id,
            "position_rank": self.position_rank,
            "is_active": self.is_active,
        }
        company = company.with_record("employees", (Version(_SINCE, employee),))
        if self.right is None:
            return company
        granted: Row = {"employee_id": NEW, "report": "employee", "right": self.right}
        return company.with_record("employee_permissions", (Version(_SINCE, granted),))


@st.composite
def hires(draw: DrawFn) -> tuple[Company, Hire]:
    """A company, and somebody who comes to it."""
    company = draw(companies())
    departments = [row["department_id"] for row in company.rows("departments")]
    return company, Hire(
        draw(st.sampled_from([*departments, None, GHOSTS[0]])),
        draw(st.sampled_from([None, 1, 9])),
        draw(st.booleans()),
        draw(st.sampled_from([None, "access", "view_all"])),
    )


def changed_beyond_reason(project: Project, company: Company, hire: Hire) -> list[str]:
    marts_before, marts_after = (
        marts_of(project, state.landed_at_once(), AS_OF) for state in (company, hire.into(company))
    )
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
    for company, hire in examples(hires(), COMPARISONS, start=5):
        check(company, partial(changed_beyond_reason, project, hire=hire))


def everywhere(company: Company) -> list[str | None]:
    """Every department, and none."""
    return [*(row["department_id"] for row in company.rows("departments")), None]


def test_a_department_that_shares_its_money_among_its_people_is_noticed(project: Project) -> None:
    broken = project.broken(
        "kpi_department_month",
        "cast(measured.sales_amount as decimal(18, 2))",
        "cast(measured.sales_amount / greatest(measured.members, 1) as decimal(18, 2))",
    )
    company = richest_company()
    assert any(changed_beyond_reason(broken, company, Hire(department)) for department in everywhere(company))


def test_a_person_counted_as_member_while_away_is_noticed(project: Project) -> None:
    broken = project.broken("kpi_department_month", "employees.is_active\n", "true\n")
    company = richest_company()
    away = [Hire(department, is_active=False) for department in everywhere(company)]
    assert any(changed_beyond_reason(broken, company, hire) for hire in away)
