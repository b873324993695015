"""Who may see anything in a publication.

Belongs here: listing and finding viewers. Not here: their rights (`core_employee_scope`).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from orchestration.serving.errors import ExportError
from orchestration.serving.reading import open_publication

_SCOPES = """
    select viewer_id, viewer_email, report from core.core_employee_scope
    union
    select viewer_id, viewer_email, report from core.core_department_scope
"""


@dataclass(frozen=True)
class Viewer:
    """One person who may see something; `reports` in alphabetical order."""

    email: str
    name: str
    employee_id: str
    reports: tuple[str, ...]


def list_viewers(marts_path: Path) -> list[Viewer]:
    """Everyone with at least one row of scope and an e-mail, by e-mail."""
    with open_publication(marts_path) as connection:
        found = connection.execute(
            f"""
            with scopes as ({_SCOPES})
            select
                lower(trim(scopes.viewer_email)) as email,
                max(people.full_name) as name,
                scopes.viewer_id,
                list(distinct scopes.report order by scopes.report) as reports
            from scopes
            left join main.dim_employees as people on scopes.viewer_id = people.employee_id
            where scopes.viewer_email is not null
            group by lower(trim(scopes.viewer_email)), scopes.viewer_id
            order by email, scopes.viewer_id
            """
        ).fetchall()
    return [Viewer(str(email), str(name or ""), str(key), tuple(reports)) for email, name, key, reports in found]


def resolve_viewer(marts_path: Path, email: str) -> Viewer:
    """The one active person with that e-mail and at least one row of scope; upper and lower case are the same.

    Raises ExportError when there is nobody, when the person is inactive or deleted, has no right to any
    report, or shares the e-mail with another viewer.
    """
    wanted = email.strip().lower()
    with open_publication(marts_path) as connection:
        people = connection.execute(
            "select employee_id, is_active and not is_deleted from main.dim_employees "
            "where lower(trim(email)) = ? and not is_placeholder order by employee_id",
            [wanted],
        ).fetchall()
    how = "`kpi viewers` lists who has rights"
    if not people or not wanted:
        raise ExportError(f"nobody has the e-mail {email!r}; {how}")
    active = [str(key) for key, is_active in people if is_active]
    if not active:
        raise ExportError(f"{email} belongs to {people[0][0]}, who is inactive or deleted and sees nothing; {how}")
    viewers = [viewer for viewer in list_viewers(marts_path) if viewer.email == wanted]
    if not viewers:
        raise ExportError(f"{email} ({active[0]}) has no right to any report; {how}")
    if len(active) > 1 or len(viewers) > 1:
        raise ExportError(
            f"{email} is the e-mail of several active people ({', '.join(active)}), whose rows would mix; "
            "give each their own in the CRM"
        )
    return viewers[0]
