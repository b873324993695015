"""Rights of random organisations: the models, the explanation and a brute-force reading of the rules say the same.

Only the models that rights need are built: an organisation takes a fifth of a second, and there are many. What then
reaches a viewer's files is in `test_rights_rows.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from orchestration.landing.store import Landing
from orchestration.rights.changes import Cause, compare_rights
from orchestration.rights.explain import explain, explained_rows, verify_explanation
from orchestration.rights.organisation import Published, ScopeRow, read_organisation, read_scope
from orchestration.rights.sight import Relation, sight_of
from orchestration.serving.errors import RightsError
from tests.properties.brute_force import BruteForce
from tests.properties.examples import examples
from tests.properties.organisations import FIRST_NIGHT, SECOND_NIGHT, Organisations, organisations
from tests.properties.runner import Project, built_from, land

ORGANISATIONS = 10

_MODELS = (
    "stg_contract__batches",
    "stg_contract__department_memberships",
    "stg_contract__departments",
    "stg_contract__employee_permissions",
    "stg_contract__employees",
    "stg_contract__quarantined_keys",
    "core_department_memberships",
    "core_department_scope",
    "core_department_tree",
    "core_departments",
    "core_employee_departments",
    "core_employee_permissions",
    "core_employee_scope",
    "core_employees",
    "core_viewer_grants",
    "dim_departments",
    "dim_employees",
)


@pytest.fixture(scope="module")
def rights_project(project: Project) -> Project:
    """The models that rights need."""
    models = tuple(model for model in project.models if model.name in _MODELS)
    assert len(models) == len(_MODELS)
    return replace(project, models=models)


@dataclass(frozen=True)
class Landed:
    """One organisation, both its nights landed in a folder of its own."""

    organisation: Organisations
    home: Path
    landing: Landing

    def rights(self, project: Project) -> list[Published]:
        """The rights after each of the two nights."""
        found = []
        for night in (FIRST_NIGHT, SECOND_NIGHT):
            with built_from(project, self.landing, night, self.home / night.isoformat()) as warehouse:
                organisation = read_organisation(warehouse.connection, "marts")
                found.append(Published(str(night), str(night), organisation, read_scope(warehouse.connection)))
        return found


Rights = Sequence[tuple[Organisations, Sequence[Published]]]
"""Each organisation with its rights after each of the two nights."""


@pytest.fixture(scope="module")
def landed(tmp_path_factory: pytest.TempPathFactory) -> Sequence[Landed]:
    found = []
    for organisation in examples(organisations(), ORGANISATIONS, start=50):
        home = tmp_path_factory.mktemp("organisation")
        found.append(Landed(organisation, home, land(home, organisation.deliveries())))
    return found


@pytest.fixture(scope="module")
def rights(rights_project: Project, landed: Sequence[Landed]) -> Rights:
    return [(one.organisation, one.rights(rights_project)) for one in landed]


def brute_force_of(organisation: Organisations) -> tuple[BruteForce, BruteForce]:
    """The brute-force reading of each of the two nights."""
    return BruteForce.of_first_night(organisation), BruteForce.of_second_night(organisation)


def scope_differences(published: Published, oracle: BruteForce) -> list[str]:
    """Rows of the scope tables that the rules do not give, and the other way round."""
    found = []
    for viewer in oracle.people:
        rows = [row for row in published.scope if row.viewer_id == viewer]
        people = {(row.report, row.subject_id) for row in rows if row.report != "department"}
        departments = {row.subject_id for row in rows if row.report == "department"}
        found += [f"{viewer} {what}" for what in people ^ oracle.scope(viewer)]
        found += [f"{viewer} department {what}" for what in departments ^ oracle.department_scope(viewer)]
        found += [f"{viewer} looks as {row.email}" for row in rows if row.email != oracle.login(viewer)]
    assert {row.viewer_id for row in published.scope} <= set(oracle.people)
    return found


def test_the_models_the_explanation_and_brute_force_agree(rights: Rights) -> None:
    relations, rows = set(), 0
    for organisation, nights in rights:
        for published, oracle in zip(nights, brute_force_of(organisation), strict=True):
            assert scope_differences(published, oracle) == [], organisation
            viewers = {viewer for viewer, _ in published.organisation.grants}
            explained = {row for viewer in viewers for row in explained_rows(published.organisation, viewer)}
            assert explained == set(published.scope), organisation
            assert len(published.scope) == len(set(published.scope))
            rows += len(published.scope)
            for grant in published.organisation.grants.values():
                sight = sight_of(published.organisation, grant)
                relations |= {reason.relation for reasons in sight.values() for reason in reasons}
    assert relations == set(Relation)
    assert rows > 300


def test_an_address_is_explained_by_what_it_opens_or_by_why_it_opens_nothing(rights: Rights) -> None:
    silent = speaking = 0
    for _, (_, published) in rights:
        for person in published.organisation.people.values():
            if person.email is None:
                continue
            explanation = explain(published.organisation, person.email)
            opened = {(r.grant.report, subject) for r in explanation.reports for subject in r.sight}
            assert opened == {(row.report, row.subject_id) for row in published.scope if row.email == person.email}
            assert bool(opened) == (explanation.problem == "")
            silent, speaking = silent + (not opened), speaking + bool(opened)
    assert silent > 5
    assert speaking > 10


def test_every_change_has_a_cause_and_every_difference_is_a_change(rights: Rights) -> None:
    causes, moved = set(), 0
    for organisation, (before, after) in rights:
        changed: set[tuple[str, str, str, str]] = set()
        for change in compare_rights(before, after):
            for report in change.reports:
                for sign, subjects in (("+", report.gained), ("-", report.lost)):
                    for subject in subjects:
                        assert subject.causes, (organisation, change.viewer_id, report.report, subject)
                        causes |= {difference.cause for difference in subject.causes}
                        changed.add((change.viewer_id, report.report, sign, subject.subject_id))
        assert changed == _differences(before.scope, after.scope), organisation
        moved += len(changed)
        assert compare_rights(after, after) == ()
    # Nobody edits the rules between these two nights.
    assert causes == set(Cause) - {Cause.RULE}
    assert moved > 80


def _differences(before: Sequence[ScopeRow], after: Sequence[ScopeRow]) -> set[tuple[str, str, str, str]]:
    old, new = (
        {(row.viewer_id, row.report, row.subject_id) for row in rows if row.email is not None}
        for rows in (before, after)
    )
    gained = {(viewer, report, "+", subject) for viewer, report, subject in new - old}
    return gained | {(viewer, report, "-", subject) for viewer, report, subject in old - new}


MISTAKES = {
    "peers are seen": ("core_employee_scope", "seen.position_rank > seers.position_rank", "true"),
    "members see what is below": ("core_employee_scope", "where heads.is_head", "where true"),
    "heads see only what is directly below": ("core_employee_scope", "where depth > 0", "where depth = 1"),
    "heads of departments": ("core_department_scope", "where places.is_head", "where true"),
    "former people look": ("core_viewer_grants", "is_active\n", "true\n"),
    "shared addresses open something": ("core_viewer_grants", "count(*) over (partition by email) = 1", "true"),
    "who left heads a department": ("core_employee_departments", "where is_at_work\n", "where true\n"),
    "deleted departments give places": (
        "core_employee_departments",
        "where not is_deleted\n),\n\nplaces",
        "),\n\nplaces",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_noticed(mistake: tuple[str, str, str], rights_project: Project, landed: Sequence[Landed]) -> None:
    broken = rights_project.broken(*mistake)
    assert any(
        scope_differences(published, oracle)
        for one in landed
        for published, oracle in zip(one.rights(broken), brute_force_of(one.organisation), strict=True)
    )


def test_an_explanation_that_is_not_what_is_enforced_is_refused(rights: Rights) -> None:
    published = next(one for _, nights in rights for one in nights if one.scope)
    row = published.scope[0]
    verify_explanation(published, row.viewer_id)
    less = replace(published, scope=tuple(one for one in published.scope if one != row))
    with pytest.raises(RightsError, match=f"rights of {row.viewer_id} cannot be explained: 1 rows .* the rules alone"):
        verify_explanation(less, row.viewer_id)
    more = replace(published, scope=(*published.scope, replace(row, subject_id="stranger")))
    with pytest.raises(RightsError, match="the scope tables alone show stranger"):
        verify_explanation(more, row.viewer_id)
