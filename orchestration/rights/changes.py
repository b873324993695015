"""What changed in rights between two publications, and because of what.

Belongs here: pure functions from two publications' rights to changes. What was gained and lost is read from the scope
tables, which are what is enforced; the causes are the facts under each reason that hold in one organisation and not in
the other. Not here: the rules (`sight.py`), or words for a terminal (`changes_text.py`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from orchestration.rights.organisation import Organisation, Published
from orchestration.rights.sight import ABOUT_PEOPLE, Reason, Relation, sight_of

_RULES: Mapping[tuple[Relation, bool], frozenset[str]] = {
    (Relation.SELF, True): frozenset({"hierarchy", "self"}),
    (Relation.LOWER_RANK, True): frozenset({"hierarchy"}),
    (Relation.HEAD, True): frozenset({"hierarchy"}),
    (Relation.VIEW_ALL, True): frozenset({"hierarchy", "self"}),
    (Relation.OWN_DEPARTMENT, False): frozenset({"department", "own_department"}),
    (Relation.HEAD, False): frozenset({"department"}),
    (Relation.VIEW_ALL, False): frozenset({"department", "own_department"}),
}
"""Scope rules under which a relation shows a person (True) or a department (False)."""


class Cause(StrEnum):
    """What kind of fact changed."""

    ACTIVE = "active"
    EMAIL = "e-mail"
    GRANT = "grant"
    RULE = "rule"
    DEPARTMENT = "department"
    TREE = "department tree"
    RANK = "rank"
    PERSON = "person"


@dataclass(frozen=True)
class Fact:
    """One fact a reason rests on. `about` names what it is about, by ids; `holds` is compared, `words` is shown."""

    cause: Cause
    about: tuple[str, ...]
    holds: str
    words: str


@dataclass(frozen=True)
class Difference:
    """A fact that is not what it was."""

    cause: Cause
    about: tuple[str, ...]
    before: str
    now: str


@dataclass(frozen=True)
class Moved:
    """One employee or department that a viewer sees now and did not, or the other way round, and why."""

    subject_id: str
    causes: tuple[Difference, ...]


@dataclass(frozen=True)
class ReportChange:
    """What one viewer gained and lost in one report."""

    report: str
    is_about_people: bool
    gained: tuple[Moved, ...]
    lost: tuple[Moved, ...]


@dataclass(frozen=True)
class ViewerChange:
    """Everything that changed for one viewer. The addresses are None where the viewer could not look at all."""

    viewer_id: str
    email_before: str | None
    email_now: str | None
    reports: tuple[ReportChange, ...]


def compare_rights(before: Published, now: Published) -> tuple[ViewerChange, ...]:
    """Every viewer whose address or scope is not what it was, by id."""
    old, new = _effective(before), _effective(now)
    changes = []
    for viewer in sorted(old.keys() | new.keys()):
        reports = tuple(_report_changes(before, now, viewer, old.get(viewer, {}), new.get(viewer, {})))
        emails = before.organisation.login_of(viewer), now.organisation.login_of(viewer)
        if reports or emails[0] != emails[1]:
            changes.append(ViewerChange(viewer, *emails, reports))
    return tuple(changes)


def _effective(published: Published) -> dict[str, dict[str, set[str]]]:
    """By viewer and report who can really be seen: scope without an address opens nothing."""
    found: dict[str, dict[str, set[str]]] = {}
    for row in published.scope:
        if row.email is not None:
            found.setdefault(row.viewer_id, {}).setdefault(row.report, set()).add(row.subject_id)
    return found


def _report_changes(
    before: Published, now: Published, viewer: str, old: Mapping[str, set[str]], new: Mapping[str, set[str]]
) -> Iterator[ReportChange]:
    for report in sorted(old.keys() | new.keys()):
        gained, lost = new.get(report, set()) - old.get(report, set()), old.get(report, set()) - new.get(report, set())
        if gained or lost:
            yield ReportChange(
                report,
                _is_about_people(report, now.organisation, before.organisation),
                _moved(gained, viewer, report, now.organisation, before.organisation, is_gained=True),
                _moved(lost, viewer, report, before.organisation, now.organisation, is_gained=False),
            )


def _is_about_people(report: str, *organisations: Organisation) -> bool:
    return any(
        grant.scope_rule in ABOUT_PEOPLE
        for organisation in organisations
        for grant in organisation.grants.values()
        if grant.report == report
    )


def _moved(
    subjects: set[str], viewer: str, report: str, seen_in: Organisation, unseen_in: Organisation, *, is_gained: bool
) -> tuple[Moved, ...]:
    """Each subject with the facts under its reasons, where it is seen, that do not hold where it is not."""
    if not subjects:
        return ()
    grant = seen_in.grants[viewer, report]
    sight, about_people = sight_of(seen_in, grant), grant.scope_rule in ABOUT_PEOPLE
    moved = []
    for subject in sorted(subjects):
        causes: dict[Difference, None] = {}
        for reason in sight[subject]:
            rests_on = _Grounds(viewer, report, subject, about_people, reason)
            for has, lacks in zip(rests_on.facts(seen_in), rests_on.facts(unseen_in), strict=True):
                if has.holds == lacks.holds or lacks.holds == _UNKNOWN:
                    continue
                before, now = (lacks.words, has.words) if is_gained else (has.words, lacks.words)
                causes[Difference(has.cause, has.about, before, now)] = None
        moved.append(Moved(subject, tuple(causes)))
    return tuple(moved)


_YES, _NO, _UNKNOWN = "yes", "no", "unknown"


def _fact(cause: Cause, about: tuple[str, ...], holds: bool, yes: str, no: str) -> Fact:
    return Fact(cause, about, _YES if holds else _NO, yes if holds else no)


@dataclass(frozen=True)
class _Grounds:
    """What one reason rests on: the same facts in the same order in every organisation."""

    viewer: str
    report: str
    subject: str
    about_people: bool
    reason: Reason

    def facts(self, organisation: Organisation) -> Sequence[Fact]:
        """The facts as they stand in one organisation."""
        return [*self._gate(organisation), *self._relation(organisation)]

    def _gate(self, organisation: Organisation) -> Iterator[Fact]:
        person = organisation.people.get(self.viewer)
        is_at_work = person is not None and person.is_at_work
        state = "not in the CRM" if person is None else "deleted" if person.is_deleted else "inactive"
        yield _fact(Cause.ACTIVE, (self.viewer,), is_at_work, "at work", state)
        login = organisation.login_of(self.viewer)
        holds = _UNKNOWN if not is_at_work else _YES if login else _NO
        shared = "shared with somebody" if person is not None and person.email else "none"
        yield Fact(Cause.EMAIL, (self.viewer,), holds, login or shared)
        right = organisation.right_of(self.viewer, self.report)
        needs_view_all = self.reason.relation is Relation.VIEW_ALL
        holds = right if needs_view_all else _NO if right == "none" else _YES
        yield Fact(Cause.GRANT, (self.viewer, self.report), holds, right)
        rule = organisation.rule_of(self.report)
        admits = rule in _RULES[self.reason.relation, self.about_people]
        holds = _UNKNOWN if rule is None else _YES if admits else _NO
        yield Fact(Cause.RULE, (self.report,), holds, str(rule))

    def _relation(self, organisation: Organisation) -> Iterator[Fact]:
        relation, own, below = self.reason.relation, self.reason.department, self.reason.below
        if relation is Relation.VIEW_ALL:
            known = organisation.people if self.about_people else organisation.departments
            yield _fact(Cause.PERSON, (self.subject,), self.subject in known, "in the CRM", "not in the CRM")
        if own is not None:
            yield _member(organisation, self.viewer, own)
        if own is not None and relation is Relation.LOWER_RANK:
            yield _member(organisation, self.subject, own)
            yield _rank(organisation, self.viewer, own)
            yield _rank(organisation, self.subject, own)
        if own is not None and below is not None:
            yield _head(organisation, self.viewer, own)
            is_below = below in organisation.below.get(own, ())
            yield _fact(Cause.TREE, (below, own), is_below, "below it", "not below it")
            if self.about_people:
                yield _member(organisation, self.subject, below)


def _member(organisation: Organisation, employee: str, department: str) -> Fact:
    is_there = (employee, department) in organisation.places
    return _fact(Cause.DEPARTMENT, (employee, department), is_there, "a member", "no member")


def _rank(organisation: Organisation, employee: str, department: str) -> Fact:
    place = organisation.places.get((employee, department))
    if place is None:
        return Fact(Cause.RANK, (employee, department), _UNKNOWN, "no member")
    rank = "no rank" if place.position_rank is None else f"rank {place.position_rank}"
    return Fact(Cause.RANK, (employee, department), rank, rank)


def _head(organisation: Organisation, employee: str, department: str) -> Fact:
    place = organisation.places.get((employee, department))
    if place is None:
        return Fact(Cause.RANK, (employee, department), _UNKNOWN, "no member")
    rank = "no rank" if place.position_rank is None else f"rank {place.position_rank}"
    return _fact(Cause.RANK, (employee, department), place.is_head, f"head ({rank})", f"not head ({rank})")
