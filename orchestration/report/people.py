"""Whose page a viewer may open: the people in the viewer's scope, and the choice of one of them.

The scope itself is built in SQL (`core_employee_scope`); here it is only read, for one viewer.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import duckdb

from orchestration.report.errors import PageError

# The page is the employee report: rights to other reports open no page here.
PAGE_REPORT = "employee"


@dataclass(frozen=True)
class Person:
    """One employee, or one of the members `none` and `unknown` that a view-all viewer sees."""

    employee_id: str
    full_name: str
    email: str | None
    job_title: str | None
    department_name: str | None
    is_active: bool
    is_placeholder: bool
    reason: str


@dataclass(frozen=True)
class Viewer:
    """Who looks, and at whom; each person carries the reason."""

    email: str
    people: tuple[Person, ...]

    @property
    def itself(self) -> Person | None:
        """The viewer as an employee; None when the viewer is not in the own scope."""
        return next((person for person in self.people if _same(person.email, self.email)), None)

    @property
    def name(self) -> str:
        """The viewer's name where known, else the address."""
        return self.itself.full_name if self.itself else self.email


def _same(left: str | None, right: str) -> bool:
    return left is not None and left.casefold() == right.casefold()


def bare(text: str) -> str:
    """Lower case without Vietnamese marks, for comparing what people type: `Đỗ Thị Ánh` → `do thi anh`."""
    decomposed = unicodedata.normalize("NFD", text.casefold().replace("đ", "d"))
    return " ".join("".join(letter for letter in decomposed if not unicodedata.combining(letter)).split())


def one_line(text: str) -> str:
    """A name from the data without line breaks, tabs and terminal control characters."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())


def read_viewer(
    connection: duckdb.DuckDBPyConnection, viewer_email: str, reports: Sequence[str] = (PAGE_REPORT,)
) -> Viewer:
    """The people the connection's viewer may see in one of these reports, by name.

    Raises PageError when there is nobody: address unknown, person inactive, or no right; which of them is not told.
    Raises it too when several people look under one address, for their rights would mix.
    """
    rows = connection.execute(
        """
        with seen as (
            select employee_id, min(reason) as reason
            from core.core_employee_scope
            where
                report in (select unnest(?::varchar[]))
                and lower(viewer_email) = lower(cast(getvariable('kpi_viewer') as varchar))
            group by employee_id
        )

        select
            people.employee_id, people.full_name, people.email, people.job_title, people.department_name,
            people.is_active, people.is_placeholder, seen.reason
        from seen
        inner join access.access_dim_employees as people on seen.employee_id = people.employee_id
        order by people.is_placeholder, people.full_name, people.employee_id
        """,
        [list(reports)],
    ).fetchall()
    viewers = connection.execute(
        """
        select distinct viewer_id
        from core.core_employee_scope
        where lower(viewer_email) = lower(cast(getvariable('kpi_viewer') as varchar))
        order by viewer_id
        """
    ).fetchall()
    if len(viewers) > 1:
        raise PageError(
            f"{viewer_email} is the address of several people: {', '.join(viewer for (viewer,) in viewers)}.",
            "Give each their own address in the CRM; until then their rights would mix.",
        )
    if not rows:
        raise PageError(
            f"{viewer_email} may see nobody's {' or '.join(reports)} KPIs.",
            "The address must belong to an active employee with the right to "
            f"the {' or '.join(reports)} report (access or view_all).",
        )
    return Viewer(viewer_email, tuple(_person(*row) for row in rows))


def read_everybody(connection: duckdb.DuckDBPyConnection) -> tuple[Person, ...]:
    """Every employee, and the members `none` and `unknown`, as the file's operator sees them."""
    rows = connection.execute(
        """
        select
            people.employee_id, people.full_name, people.email, people.job_title, people.department_name,
            people.is_active, people.is_placeholder, 'operator'
        from marts.dim_employees as people
        order by people.is_placeholder, people.full_name, people.employee_id
        """
    ).fetchall()
    return tuple(_person(*row) for row in rows)


def _person(employee_id: str, *texts_and_flags: Any) -> Person:
    name, email, job_title, department_name, is_active, is_placeholder, reason = texts_and_flags
    return Person(
        employee_id=employee_id,
        full_name=one_line(name or employee_id),
        email=email,
        job_title=one_line(job_title) if job_title else None,
        department_name=one_line(department_name) if department_name else None,
        is_active=is_active,
        is_placeholder=is_placeholder,
        reason=reason,
    )


def choose_person(people: Sequence[Person], wanted: str) -> Person:
    """The one visible person meant by an id, an address, a name or a part of a name (marks and case do not matter).

    Whole words of a name come before beginnings of words, and those before any other part.
    Raises PageError, the same one whether such a person exists unseen or not at all.
    """
    text = bare(wanted)
    ways = (
        [person for person in people if person.employee_id == wanted.strip()],
        [person for person in people if text and _same(person.employee_id, wanted.strip())],
        [person for person in people if text and _same(person.email, wanted.strip())],
        [person for person in people if text and bare(person.full_name) == text],
        [person for person in people if text and f" {text} " in f" {bare(person.full_name)} "],
        [person for person in people if text and f" {text}" in f" {bare(person.full_name)}"],
        [person for person in people if text and text in bare(person.full_name)],
    )
    found = next((way for way in ways if way), [])
    if not found:
        raise PageError(
            f"No employee you may see is called {wanted!r}.",
            "Give an id, an address or a part of a name; without --employee the page shows the people you may see.",
        )
    if len(found) > 1:
        listed = ", ".join(f"{person.full_name} ({person.employee_id})" for person in found[:5])
        more = f" and {len(found) - 5} more" if len(found) > 5 else ""
        raise PageError(
            f"{wanted!r} fits {len(found)} employees: {listed}{more}.", "Give the id, the address or more of the name."
        )
    return found[0]
