"""One viewer's rights explained: which reports, whom, and because of what; or why nothing at all.

Belongs here: pure functions from an organisation to an explanation. Not here: reading (`organisation.py`), the rules
(`sight.py`), or how it looks in a terminal (`text.py`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from orchestration.rights.organisation import Grant, Organisation, Published, ScopeRow
from orchestration.rights.sight import ABOUT_PEOPLE, Sight, sight_of
from orchestration.serving.errors import RightsError


@dataclass(frozen=True)
class ReportSight:
    """What one grant shows: employees, or departments, each with all reasons."""

    grant: Grant
    sight: Sight

    @property
    def is_about_people(self) -> bool:
        """Whether the report shows employees; else it shows departments."""
        return self.grant.scope_rule in ABOUT_PEOPLE


@dataclass(frozen=True)
class Explanation:
    """What one address opens. `problem` says why it opens nothing, and is empty when it opens something."""

    email: str
    viewer_id: str | None
    reports: tuple[ReportSight, ...] = ()
    problem: str = ""


def explain(organisation: Organisation, email: str) -> Explanation:
    """What this address opens, and because of what."""
    wanted = email.strip().lower()
    holders = [person for person in organisation.people.values() if wanted and person.email == wanted]
    if not holders:
        return Explanation(wanted, None, problem=f"Nobody in the CRM has the address {email!r}.")
    at_work = [person for person in holders if person.is_at_work]
    if not at_work:
        (person, *_) = holders
        state = "deleted in the CRM" if person.is_deleted else "inactive in the CRM"
        rights = _rights_in_words(organisation, person.employee_id)
        still = f" The CRM still lists rights ({rights}); they count for nothing." if rights else ""
        return Explanation(
            wanted, person.employee_id, problem=f"{person.name} ({person.employee_id}) is {state}.{still}"
        )
    if len(at_work) > 1:
        who = ", ".join(f"{person.name} ({person.employee_id})" for person in at_work)
        return Explanation(
            wanted,
            None,
            problem=f"{len(at_work)} active people share the address: {who}. It stands for none of them, because "
            "each would see the other's rows; give each their own in the CRM.",
        )
    (viewer,) = at_work
    reports = tuple(
        ReportSight(grant, sight_of(organisation, grant)) for grant in organisation.grants_of(viewer.employee_id)
    )
    problem = "" if any(report.sight for report in reports) else _why_nothing(organisation, viewer.employee_id, reports)
    return Explanation(wanted, viewer.employee_id, reports, problem)


def _why_nothing(organisation: Organisation, viewer_id: str, reports: Iterable[ReportSight]) -> str:
    who = f"{organisation.people[viewer_id].name} ({viewer_id})"
    if granted := ", ".join(report.grant.report for report in reports):
        return f"{who} has a right to {granted}, and is in no department that is there: there is nothing to show."
    rights = _rights_in_words(organisation, viewer_id)
    if rights:
        return f"{who} has no right to any report (the CRM lists {rights}, which opens none); hierarchy alone is none."
    return f"{who} has no right to any report; hierarchy alone is none. Grant one in the CRM (employee_permissions)."


def _rights_in_words(organisation: Organisation, employee_id: str) -> str:
    """`employee: view_all, menu: access`."""
    largest: dict[str, str] = {}
    for employee, report, right in sorted(organisation.permissions):
        if employee == employee_id:
            # "view_all" sorts after "access".
            largest[report] = right
    return ", ".join(f"{report}: {right}" for report, right in sorted(largest.items()))


def explained_rows(organisation: Organisation, viewer_id: str) -> set[ScopeRow]:
    """What the scope tables must hold for this viewer, first reasons included."""
    return {
        ScopeRow(viewer_id, grant.email, grant.report, subject, reasons[0].text)
        for grant in organisation.grants_of(viewer_id)
        for subject, reasons in sight_of(organisation, grant).items()
    }


def verify_explanation(published: Published, viewer_id: str) -> None:
    """Hold what is explained against what the publication enforces. Raises RightsError where they differ."""
    enforced = {row for row in published.scope if row.viewer_id == viewer_id}
    explained = explained_rows(published.organisation, viewer_id)
    if enforced == explained:
        return
    (row, *_) = sorted(enforced ^ explained, key=str)
    where = "the scope tables alone" if row in enforced else "the rules alone"
    raise RightsError(
        f"The rights of {viewer_id} cannot be explained: {len(enforced ^ explained)} rows of the publication's scope "
        f"and of the rules differ; {where} show {row.subject_id} in report {row.report} ({row.reason}). The scope "
        "tables are what is enforced. This is a defect; please report it with this message."
    )
