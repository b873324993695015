"""The rules of who sees whom, read from CRM rows in the plainest way: loops, no joins, no code of the project.

Belongs here: a second reading of Getfly's permission model, to hold the models, the access views and the published
copies against. Not here: organisations (`organisations.py`), or which rows a mart's owner column opens
(`tests/support/access_rules.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tests.properties.organisations import Organisations
from tests.properties.runner import Row

PEOPLE_REPORTS = {"employee": True, "product": True, "task": True, "customer": False, "campaign": False}
PEOPLE_REPORTS |= {"telesales": False, "targets": False}
"""Reports about people; True where a superior sees subordinates."""

DEPARTMENT_REPORT = "department"
NOBODY = {"none", "unknown"}


class BruteForce:
    """Who sees whom in one organisation; `deleted` are rows that an earlier night had and this one lacks."""

    def __init__(self, rows: Mapping[str, Sequence[Row]], deleted: Mapping[str, Sequence[Row]] | None = None) -> None:
        gone = deleted or {}
        self.live_people = {row["employee_id"]: row for row in rows["employees"]}
        self.people = {**{row["employee_id"]: row for row in gone.get("employees", ())}, **self.live_people}
        self.live_departments = {row["department_id"]: row for row in rows["departments"]}
        self.departments = set(self.live_departments) | {row["department_id"] for row in gone.get("departments", ())}
        self.memberships = list(rows["department_memberships"])
        self.permissions = {(r["employee_id"], r["report"], r["right"]) for r in rows["employee_permissions"]}

    @classmethod
    def of_first_night(cls, drawn: Organisations) -> BruteForce:
        """As the organisation stood on the first night."""
        return cls(drawn.before)

    @classmethod
    def of_second_night(cls, drawn: Organisations) -> BruteForce:
        """As it stood on the second, which lacks what was deleted."""
        return cls(drawn.after, drawn.before)

    def is_at_work(self, employee: str) -> bool:
        return employee in self.live_people and bool(self.live_people[employee]["is_active"])

    def login(self, employee: str) -> str | None:
        """The address that stands for this person and for nobody else at work."""
        if not self.is_at_work(employee):
            return None
        own = _address(self.people[employee])
        sharing = [
            other for other in self.live_people if self.is_at_work(other) and _address(self.people[other]) == own
        ]
        return own if own is not None and sharing == [employee] else None

    def rank(self, employee: str, department: str) -> int | None:
        """The rank in a department, None without one; ask `is_member` first."""
        own = self.people[employee]
        if own["department_id"] == department and own["position_rank"] is not None:
            return int(own["position_rank"])
        for row in self.memberships:
            if (row["employee_id"], row["department_id"]) == (employee, department):
                return None if row["position_rank"] is None else int(row["position_rank"])
        return None

    def is_member(self, employee: str, department: str) -> bool:
        if employee not in self.people or department not in self.live_departments:
            return False
        if self.people[employee]["department_id"] == department:
            return True
        return any((row["employee_id"], row["department_id"]) == (employee, department) for row in self.memberships)

    def is_head(self, employee: str, department: str) -> bool:
        """Of the smallest rank among those at work in the department."""
        if not self.is_at_work(employee) or not self.is_member(employee, department):
            return False
        ranks = [
            rank
            for other in self.people
            if self.is_at_work(other) and self.is_member(other, department)
            if (rank := self.rank(other, department)) is not None
        ]
        own = self.rank(employee, department)
        return own is not None and own == min(ranks)

    def parent(self, department: str) -> str | None:
        """The department above; a department in a circle has none."""
        step = self._written_parent(department)
        seen: set[str] = set()
        while step is not None and step not in seen:
            if step == department:
                return None
            seen.add(step)
            step = self._written_parent(step)
        return self._written_parent(department)

    def _written_parent(self, department: str) -> str | None:
        above = self.live_departments[department]["parent_department_id"]
        return above if above in self.live_departments else None

    def is_below(self, department: str, other: str) -> bool:
        """Whether `department` is somewhere below `other`."""
        step = self.parent(department) if department in self.live_departments else None
        while step is not None:
            if step == other:
                return True
            step = self.parent(step)
        return False

    def right(self, employee: str, report: str) -> str | None:
        """What this person may do in a report: nothing, access, or view_all."""
        if not self.is_at_work(employee):
            return None
        if (employee, report, "view_all") in self.permissions:
            return "view_all"
        return "access" if (employee, report, "access") in self.permissions else None

    def sees(self, viewer: str, report: str, employee: str) -> bool:
        """Whether a viewer sees an employee's rows in a report about people."""
        right = self.right(viewer, report)
        if right is None or report not in PEOPLE_REPORTS:
            return False
        if right == "view_all" or viewer == employee:
            return True
        if employee in NOBODY or not PEOPLE_REPORTS[report]:
            return False
        for department in self.live_departments:
            if self.is_member(viewer, department) and self.is_member(employee, department):
                rank, other = self.rank(viewer, department), self.rank(employee, department)
                if rank is not None and (other is None or other > rank):
                    return True
            if self.is_head(viewer, department):
                for below in self.live_departments:
                    if self.is_below(below, department) and self.is_member(employee, below):
                        return True
        return False

    def sees_department(self, viewer: str, report: str, department: str) -> bool:
        """Whether a viewer sees a department's rows in the report about departments."""
        right = self.right(viewer, report)
        if right is None or report != DEPARTMENT_REPORT:
            return False
        if right == "view_all" or self.is_member(viewer, department):
            return True
        return any(self.is_head(viewer, own) and self.is_below(department, own) for own in self.live_departments)

    def scope(self, viewer: str) -> set[tuple[str, str]]:
        """Every (report, employee) this viewer sees."""
        everyone = {*self.people, *NOBODY}
        return {(r, who) for r in PEOPLE_REPORTS for who in everyone if self.sees(viewer, r, who)}

    def department_scope(self, viewer: str) -> set[str]:
        """Every department this viewer sees."""
        everything = {*self.departments, *NOBODY}
        return {one for one in everything if self.sees_department(viewer, DEPARTMENT_REPORT, one)}


def _address(row: Row) -> str | None:
    email = row["email"]
    return None if email is None or not email.strip() else str(email).strip().lower()
