"""Changes of rights in words: lines for a terminal.

Belongs here: text only. Not here: comparing (`changes.py`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from orchestration.report.people import one_line
from orchestration.rights.changes import Cause, Difference, Moved, ReportChange, ViewerChange
from orchestration.rights.organisation import NOBODY, Organisation, Published


def change_lines(before: Published, now: Published, changes: Sequence[ViewerChange]) -> Iterator[str]:
    """Which two publications, then every viewer with what was gained and lost."""
    yield f"Rights of generation {before.generation_id} (as of {before.as_of}) and {now.generation_id} ({now.as_of})."
    if not changes:
        yield "Nothing changed: everybody sees the same people and departments in every report."
    words = _Names(before.organisation, now.organisation)
    for change in changes:
        yield ""
        yield f"{words.person(change.viewer_id)}: {_addresses(change)}"
        # A person who moves is lost in several reports for the same reason: said once.
        reports: dict[tuple[str, ...], list[str]] = {}
        for report in change.reports:
            reports.setdefault(tuple(_report_lines(words, report)), []).append(report.report)
        for (numbers, *lines), names in reports.items():
            yield f"  {', '.join(names)}: {numbers}"
            yield from lines


def _addresses(change: ViewerChange) -> str:
    before, now = change.email_before, change.email_now
    if before == now:
        return str(now)
    if before is None:
        return f"{now} (could not look before)"
    return f"{now} (was {before})" if now is not None else f"{before} (cannot look any more)"


class _Names:
    """Names as they are now, or as they were for who is there no more."""

    def __init__(self, before: Organisation, now: Organisation) -> None:
        self._people = {**before.people, **now.people}
        self._departments = {**before.departments, **now.departments}

    def person(self, employee_id: str) -> str:
        """`Lê Gia Hiếu (NV038)`."""
        known = self._people.get(employee_id)
        return f"{one_line(known.name)} ({employee_id})" if known is not None else f"({employee_id})"

    def department(self, department_id: str) -> str:
        """`Kinh doanh (PB02)`."""
        name = self._departments.get(department_id)
        return f"{one_line(name)} ({department_id})" if name is not None else f"({department_id})"

    def fact(self, difference: Difference) -> str:
        """What a difference is about."""
        about = difference.about
        match difference.cause:
            case Cause.GRANT:
                return f"right of {self.person(about[0])} to {about[1]}"
            case Cause.RULE:
                return f"rule of report {about[0]} (report_scope_rules)"
            case Cause.EMAIL:
                return f"e-mail of {self.person(about[0])}"
            case Cause.TREE:
                return f"{self.department(about[0])} under {self.department(about[1])}"
            case Cause.DEPARTMENT | Cause.RANK:
                return f"{self.person(about[0])} in {self.department(about[1])}"
            case Cause.ACTIVE:
                return self.person(about[0])
            case Cause.PERSON:
                return self.person(about[0]) if about[0] in self._people else self.department(about[0])


def _report_lines(words: _Names, report: ReportChange) -> Iterator[str]:
    """How many were gained and lost, then who and why."""
    yield f"{len(report.gained)} gained, {len(report.lost)} lost"
    for sign, moved in (("+", report.gained), ("-", report.lost)):
        by_cause: dict[str, list[str]] = {}
        for one in moved:
            by_cause.setdefault(_causes(words, one), []).append(_subject(words, report, one))
        for causes, subjects in by_cause.items():
            yield f"    {sign} {', '.join(subjects)}"
            yield f"      because {causes}"


def _causes(words: _Names, moved: Moved) -> str:
    return "; ".join(f"{one.cause}: {words.fact(one)} is {one.now}, was {one.before}" for one in moved.causes)


def _subject(words: _Names, report: ReportChange, moved: Moved) -> str:
    if moved.subject_id in NOBODY:
        kind = "people" if report.is_about_people else "departments"
        return f"rows of {'no' if moved.subject_id == 'none' else 'unknown'} {kind}"
    return words.person(moved.subject_id) if report.is_about_people else words.department(moved.subject_id)
