"""Random organisations: departments in trees and circles, people in several of them, ranks, addresses, rights.

Belongs here: drawing them, as two nights of CRM rows, and nothing of what follows from them (`brute_force.py`).
The second night keeps most rows, changes some and lacks some: what is lacking was deleted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from tests.properties.companies import AS_OF, GHOSTS
from tests.properties.runner import Delivery, Row, Tables

FIRST_NIGHT, SECOND_NIGHT = date(2026, 3, 30), AS_OF
REPORTS = ("menu", "employee", "department", "customer", "product", "task", "campaign", "telesales", "targets")
_DEPARTMENTS = [f"d{number}" for number in range(1, 7)]
_EMPLOYEES = [f"e{number}" for number in range(1, 9)]
# No warehouse is built without this entity.
_NO_CUSTOMERS: Tables = {"customers": []}
_SHARED = "team@example.com"


@dataclass(frozen=True)
class Organisations:
    """The rows of four entities on two nights; both batches are complete."""

    before: Mapping[str, Sequence[Row]]
    after: Mapping[str, Sequence[Row]]

    def deliveries(self, before: Tables | None = None, after: Tables | None = None) -> list[Delivery]:
        """Both nights, with the other entities of a company where there are any."""
        return [
            Delivery(FIRST_NIGHT, {**(before or _NO_CUSTOMERS), **self.before}),
            Delivery(SECOND_NIGHT, {**(after or _NO_CUSTOMERS), **self.after}),
        ]

    def __repr__(self) -> str:
        """One row a line, marked by the night it belongs to."""
        lines = []
        for mark, tables in (("before", self.before), ("after", self.after)):
            for entity, rows in tables.items():
                lines += [f"  {mark} {entity}: {', '.join(f'{k}={v}' for k, v in row.items())}" for row in rows]
        return "\n".join(lines)


def _department(draw: DrawFn, department: str) -> Row:
    # Mostly one drawn earlier, so that trees are deep; any other one closes a circle now and then.
    earlier = _DEPARTMENTS[: _DEPARTMENTS.index(department)]
    parents = [*earlier, *earlier, *earlier, *_DEPARTMENTS, None, GHOSTS[0]]
    return {
        "department_id": department,
        "department_name": f"Department {department}",
        "parent_department_id": draw(st.sampled_from(parents)),
    }


def _employee(draw: DrawFn, employee: str) -> Row:
    own = f"{employee}@example.com"
    return {
        "employee_id": employee,
        "full_name": f"Employee {employee}",
        "email": draw(st.sampled_from([own, own, own, own, f" {own.upper()} ", _SHARED, None])),
        "department_id": draw(st.sampled_from([*_DEPARTMENTS, *_DEPARTMENTS, None, GHOSTS[0]])),
        "position_rank": draw(st.sampled_from([None, 1, 1, 2, 3])),
        "is_active": draw(st.integers(0, 3)) != 3,
    }


def _membership(draw: DrawFn, key: tuple[str, str]) -> Row:
    return {"employee_id": key[0], "department_id": key[1], "position_rank": draw(st.sampled_from([None, 1, 2, 3]))}


def _permission(_draw: DrawFn, key: tuple[str, str, str]) -> Row:
    return {"employee_id": key[0], "report": key[1], "right": key[2]}


@st.composite
def organisations(draw: DrawFn) -> Organisations:
    """Two nights of an organisation of up to six departments and eight people."""
    people = st.sampled_from([*_EMPLOYEES, GHOSTS[0]])
    departments = _DEPARTMENTS[: draw(st.integers(2, len(_DEPARTMENTS)))]
    employees = _EMPLOYEES[: draw(st.integers(4, len(_EMPLOYEES)))]
    places = st.tuples(people, st.sampled_from([*_DEPARTMENTS, GHOSTS[0]]))
    # Two reports are drawn more often: of people, and of departments.
    reports = st.sampled_from([*REPORTS, "employee", "employee", "department", "department"])
    rights = st.tuples(people, reports, st.sampled_from(["access", "access", "view_all"]))
    keys: dict[str, Sequence[Any]] = {
        "departments": departments,
        "employees": employees,
        "department_memberships": draw(st.lists(places, min_size=2, max_size=8, unique=True)),
        "employee_permissions": draw(st.lists(rights, min_size=10, max_size=24, unique=True)),
    }
    makers: dict[str, Callable[[DrawFn, Any], Row]] = {
        "departments": _department,
        "employees": _employee,
        "department_memberships": _membership,
        "employee_permissions": _permission,
    }
    before: dict[str, list[Row]] = {}
    after: dict[str, list[Row]] = {}
    for entity, of_entity in keys.items():
        before[entity], after[entity] = [], []
        for key in of_entity:
            row = makers[entity](draw, key)
            # A company without anybody is no company: the first one stays.
            fate = draw(st.integers(2 if key == _EMPLOYEES[0] else 0, 9))
            if fate != 1:
                before[entity].append(row)
            if fate == 0:
                continue
            after[entity].append(makers[entity](draw, key) if fate in (2, 3) else row)
    return Organisations(before, after)
