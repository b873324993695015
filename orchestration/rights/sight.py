"""Whom a grant shows, and every reason for it: the rules of `core_employee_scope` read a second time, in Python.

Belongs here: pure functions from an organisation to reasons. Not here: words for people (`explain.py`), or what is
enforced: that is the scope tables, with which the explanation is compared wherever it is given.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum

from orchestration.rights.organisation import NOBODY, Grant, Organisation

ABOUT_PEOPLE = frozenset({"hierarchy", "self"})
"""Scope rules of reports about people; the others are about departments."""


class Relation(IntEnum):
    """How a viewer comes to see somebody, in the order in which the scope tables prefer one."""

    SELF = 1
    OWN_DEPARTMENT = 2
    LOWER_RANK = 3
    HEAD = 4
    VIEW_ALL = 5


@dataclass(frozen=True)
class Reason:
    """Why somebody, or a department, is seen. `department` is the viewer's own, `below` one under it.

    `text` is what the scope tables say.
    """

    relation: Relation
    text: str
    department: str | None = None
    below: str | None = None


Sight = Mapping[str, tuple[Reason, ...]]
"""Who is seen, each with all reasons, the one of the scope tables first."""


def sight_of(organisation: Organisation, grant: Grant) -> Sight:
    """Everybody, or every department, that one grant shows."""
    reasons = _people if grant.scope_rule in ABOUT_PEOPLE else _departments
    found: dict[str, list[Reason]] = {}
    for subject, reason in reasons(organisation, grant):
        found.setdefault(subject, []).append(reason)
    return {
        subject: tuple(sorted(found[subject], key=lambda reason: (reason.relation, reason.text, reason.below or "")))
        for subject in sorted(found)
    }


def _people(organisation: Organisation, grant: Grant) -> Iterator[tuple[str, Reason]]:
    viewer = grant.viewer_id
    yield viewer, Reason(Relation.SELF, "self")
    if grant.scope_rule == "hierarchy":
        for department, place in organisation.departments_of.get(viewer, {}).items():
            name = organisation.departments[department]
            for employee, other in organisation.members[department].items():
                if is_lower(place.position_rank, other.position_rank):
                    yield employee, Reason(Relation.LOWER_RANK, f"lower rank in {name}", department)
            for below in organisation.below.get(department, ()) if place.is_head else ():
                reason = Reason(
                    Relation.HEAD, f"head of {name} above {organisation.departments[below]}", department, below
                )
                for employee in organisation.members.get(below, ()):
                    yield employee, reason
    if grant.has_view_all:
        for employee in (*organisation.people, *NOBODY):
            yield employee, Reason(Relation.VIEW_ALL, "view_all")


def is_lower(rank: int | None, other: int | None) -> bool:
    """Whether the second rank is below the first; without a rank nobody is above anybody."""
    return rank is not None and (other is None or other > rank)


def _departments(organisation: Organisation, grant: Grant) -> Iterator[tuple[str, Reason]]:
    for department, place in organisation.departments_of.get(grant.viewer_id, {}).items():
        yield department, Reason(Relation.OWN_DEPARTMENT, "own department", department)
        if place.is_head and grant.scope_rule == "department":
            reason = Reason(Relation.HEAD, f"head of {organisation.departments[department]} above", department)
            for below in organisation.below.get(department, ()):
                yield below, Reason(reason.relation, reason.text, department, below)
    if grant.has_view_all:
        for department in (*organisation.departments, *NOBODY):
            yield department, Reason(Relation.VIEW_ALL, "view_all")
