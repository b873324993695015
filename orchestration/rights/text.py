"""Rights in words: lines for a terminal.

Belongs here: text only. Not here: what is said (`explain.py`, `changes.py`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from orchestration.report.people import one_line
from orchestration.rights.explain import Explanation, ReportSight
from orchestration.rights.organisation import NOBODY, Organisation
from orchestration.rights.sight import Reason, Relation

_REACH = {
    "hierarchy": "oneself and who is below",
    "self": "oneself",
    "department": "own departments, and those below for their head",
    "own_department": "own departments",
}


def explanation_lines(organisation: Organisation, explanation: Explanation) -> Iterator[str]:
    """The viewer, then every report with whom it shows, by reason."""
    if explanation.viewer_id is not None:
        yield f"{explanation.email}: {person(organisation, explanation.viewer_id)}"
        yield from _place_lines(organisation, explanation.viewer_id)
    if explanation.problem:
        yield f"Sees nothing. {explanation.problem}"
    for report in explanation.reports:
        yield ""
        yield from _report_lines(organisation, report)


def person(organisation: Organisation, employee_id: str) -> str:
    """`Lê Gia Hiếu (NV038)`, and what is no person by its own word."""
    known = organisation.people.get(employee_id)
    return f"{one_line(known.name)} ({employee_id})" if known is not None else f"({employee_id})"


def department(organisation: Organisation, department_id: str) -> str:
    """A department by name and id."""
    name = organisation.departments.get(department_id)
    return f"{one_line(name)} ({department_id})" if name is not None else f"({department_id})"


def _place_lines(organisation: Organisation, viewer_id: str) -> Iterator[str]:
    for department_id, place in sorted(organisation.departments_of.get(viewer_id, {}).items()):
        rank = "no rank" if place.position_rank is None else f"rank {place.position_rank}"
        yield f"  in {department(organisation, department_id)}, {rank}{', head' if place.is_head else ''}"


def _report_lines(organisation: Organisation, report: ReportSight) -> Iterator[str]:
    grant = report.grant
    reach = "everybody" if grant.has_view_all else _REACH[grant.scope_rule]
    yield f"{grant.report}: {grant.right} ({reach})"
    by_reason: dict[str, list[str]] = {}
    for subject, reasons in report.sight.items():
        label = "; ".join(dict.fromkeys(reason_words(organisation, reason) for reason in reasons))
        by_reason.setdefault(label, []).append(subject)
    if not report.sight:
        yield "  nothing: no department to show"
    for label, subjects in by_reason.items():
        yield f"  {label}: {_subjects(organisation, report.is_about_people, subjects)}"


def _subjects(organisation: Organisation, about_people: bool, subjects: Sequence[str]) -> str:
    name = person if about_people else department
    known = [subject for subject in subjects if subject not in NOBODY]
    words = [name(organisation, subject) for subject in known]
    if len(known) < len(subjects):
        words.append("rows of nobody and of unknown people" if about_people else "rows of no known department")
    return ", ".join(words)


def reason_words(organisation: Organisation, reason: Reason) -> str:
    """A reason with the names of its departments."""
    own = one_line(organisation.departments.get(reason.department or "", ""))
    below = one_line(organisation.departments.get(reason.below or "", ""))
    match reason.relation:
        case Relation.SELF:
            return "self"
        case Relation.OWN_DEPARTMENT:
            return "own department"
        case Relation.LOWER_RANK:
            return f"same department {own}, lower rank"
        case Relation.HEAD:
            return f"head of the parent department {own}, over {below}"
        case Relation.VIEW_ALL:
            return "view_all"
