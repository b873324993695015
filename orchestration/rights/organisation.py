"""The organisation of one publication: people, places in departments, the tree, and what the CRM grants.

Belongs here: reading it into plain values. Not here: what follows from it (`sight.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from orchestration.serving.errors import RightsError
from orchestration.serving.publish import RIGHTS_TABLES, SCOPE_TABLES
from orchestration.serving.reading import open_publication
from orchestration.serving.sql import identifier

NOBODY = ("none", "unknown")
"""Members that are no person and no department: rows of nobody, and of somebody the CRM does not have."""


@dataclass(frozen=True)
class Person:
    """One employee, as the CRM has them now; `email` in lower case, None where there is none."""

    employee_id: str
    name: str
    email: str | None
    is_active: bool = True
    is_deleted: bool = False

    @property
    def is_at_work(self) -> bool:
        """Whether this person may look at anything at all."""
        return self.is_active and not self.is_deleted


@dataclass(frozen=True)
class Grant:
    """A right that passed the gate; `email` is None where several people share it, or there is none."""

    viewer_id: str
    email: str | None
    report: str
    scope_rule: str
    has_view_all: bool

    @property
    def right(self) -> str:
        """`view_all` or `access`, the larger of the two."""
        return "view_all" if self.has_view_all else "access"


@dataclass(frozen=True)
class Place:
    """Somebody's place in one department; no rank is the lowest."""

    position_rank: int | None = None
    is_head: bool = False


@dataclass(frozen=True)
class Organisation:
    """What rights follow from. `below` has every department below one, not the department itself."""

    people: Mapping[str, Person]
    departments: Mapping[str, str]
    permissions: frozenset[tuple[str, str, str]]
    grants: Mapping[tuple[str, str], Grant]
    places: Mapping[tuple[str, str], Place]
    below: Mapping[str, frozenset[str]]
    members: Mapping[str, Mapping[str, Place]] = field(init=False)
    departments_of: Mapping[str, Mapping[str, Place]] = field(init=False)

    def __post_init__(self) -> None:
        members: dict[str, dict[str, Place]] = {}
        departments_of: dict[str, dict[str, Place]] = {}
        for (employee, department), place in self.places.items():
            members.setdefault(department, {})[employee] = place
            departments_of.setdefault(employee, {})[department] = place
        object.__setattr__(self, "members", members)
        object.__setattr__(self, "departments_of", departments_of)

    def grants_of(self, viewer_id: str) -> list[Grant]:
        """A viewer's grants by report."""
        return sorted((g for g in self.grants.values() if g.viewer_id == viewer_id), key=lambda grant: grant.report)

    def right_of(self, employee_id: str, report: str) -> str:
        """The largest right the CRM lists for somebody in a report: `view_all`, `access` or `none`."""
        for right in ("view_all", "access"):
            if (employee_id, report, right) in self.permissions:
                return right
        return "none"

    def rule_of(self, report: str) -> str | None:
        """How far access to a report reaches; None where nobody has a right to it."""
        return next((grant.scope_rule for grant in self.grants.values() if grant.report == report), None)

    def login_of(self, employee_id: str) -> str | None:
        """The address under which this person looks; None where there is none, or others at work share it."""
        person = self.people.get(employee_id)
        if person is None or not person.is_at_work or person.email is None:
            return None
        return person.email if len(self.at_work_with(person.email)) == 1 else None

    def at_work_with(self, email: str) -> list[Person]:
        """Everybody at work who has this address."""
        return [person for person in self.people.values() if person.is_at_work and person.email == email]


@dataclass(frozen=True)
class ScopeRow:
    """One row of a scope table: whom or which department a viewer sees in a report, and the first reason."""

    viewer_id: str
    email: str | None
    report: str
    subject_id: str
    reason: str


@dataclass(frozen=True)
class Published:
    """The rights of one publication: what it says, and what that follows from."""

    generation_id: str
    as_of: str
    organisation: Organisation
    scope: tuple[ScopeRow, ...]


def read_published(marts_path: Path) -> Published:
    """The rights of a publication. Raises RightsError for one that was made before it held them."""
    with open_publication(marts_path) as connection:
        found = {
            str(name)
            for (name,) in connection.execute(
                "select table_name from duckdb_tables() where database_name = current_database() "
                "and schema_name = 'core'"
            ).fetchall()
        }
        if missing := sorted({*RIGHTS_TABLES, *SCOPE_TABLES} - found):
            raise RightsError(
                f"{marts_path} has no {', '.join(missing)}: an earlier version published it. The next night's "
                "publication has them; a comparison needs two such publications."
            )
        [(generation, as_of)] = connection.execute(
            "select generation_id, cast(as_of as varchar) from main.publication"
        ).fetchall()
        return Published(str(generation), str(as_of), read_organisation(connection), read_scope(connection))


def read_organisation(connection: duckdb.DuckDBPyConnection, marts_schema: str = "main") -> Organisation:
    """The organisation of the database in use, a publication or a warehouse; its marts are in `marts_schema`."""

    def rows(query: str) -> Iterable[tuple[Any, ...]]:
        return connection.execute(query).fetchall()

    people = rows(
        "select employee_id, coalesce(full_name, ''), nullif(lower(trim(email)), ''), is_active, is_deleted "
        f"from {identifier(marts_schema, 'dim_employees')} where not is_placeholder order by employee_id"
    )
    departments = rows(
        f"select department_id, department_name from {identifier(marts_schema, 'dim_departments')} "
        "where not is_placeholder"
    )
    permissions = rows('select employee_id, report, "right" from core.core_employee_permissions where not is_deleted')
    grants = rows("select viewer_id, viewer_email, report, scope_rule, has_view_all from core.core_viewer_grants")
    places = rows("select employee_id, department_id, position_rank, is_head from core.core_employee_departments")
    below = rows(
        "select ancestor_id, list(descendant_id) from core.core_department_tree where depth > 0 group by ancestor_id"
    )
    return Organisation(
        people={key: Person(key, name, email, active, deleted) for key, name, email, active, deleted in people},
        departments=dict(departments),
        permissions=frozenset((employee, report, right) for employee, report, right in permissions),
        grants={(row[0], row[2]): Grant(*row) for row in grants},
        places={(employee, department): Place(rank, head) for employee, department, rank, head in places},
        below={ancestor: frozenset(descendants) for ancestor, descendants in below},
    )


def read_scope(connection: duckdb.DuckDBPyConnection) -> tuple[ScopeRow, ...]:
    """Every row of both scope tables of the database in use."""
    found = connection.execute(
        """
        select viewer_id, lower(trim(viewer_email)), report, employee_id, reason from core.core_employee_scope
        union all
        select viewer_id, lower(trim(viewer_email)), report, department_id, reason from core.core_department_scope
        order by all
        """
    ).fetchall()
    return tuple(ScopeRow(*row) for row in found)
