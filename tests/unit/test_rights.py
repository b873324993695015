"""Rights explained and compared: what is said about a small organisation, sentence by sentence.

That the explanation is what is enforced, and that every change has a cause, is held against random organisations in
`tests/properties/test_rights.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from orchestration.cli import main
from orchestration.rights.changes import compare_rights
from orchestration.rights.changes_text import change_lines
from orchestration.rights.explain import explain, explained_rows
from orchestration.rights.organisation import Grant, Organisation, Person, Place, Published
from orchestration.rights.text import explanation_lines
from orchestration.serving.publish import previous_path, publish
from tests.unit.checks_company import AS_OF, SOURCE, build_warehouse, corrupted

META = {"as_of": AS_OF, "source": SOURCE}

_RULES = {"employee": "hierarchy", "customer": "self", "department": "department"}


def organisation(**changed: Any) -> Organisation:
    """Sales with North below it: chief (1) and clerk (2) above, lead (1) and an (2) below."""
    people = {name: Person(name, name.title(), f"{name}@x.vn") for name in ("chief", "clerk", "lead", "an")}
    people["gone"] = Person("gone", "Gone", "gone@x.vn", is_active=False)
    people["twin a"] = Person("twin a", "Twin A", "twin@x.vn")
    people["twin b"] = Person("twin b", "Twin B", "twin@x.vn")
    known = Organisation(
        people=people,
        departments={"s": "Sales", "n": "North"},
        permissions=frozenset(
            {
                ("chief", "employee", "access"),
                ("chief", "department", "access"),
                ("lead", "employee", "access"),
                ("an", "customer", "view_all"),
                ("clerk", "menu", "access"),
                ("gone", "employee", "view_all"),
                ("twin a", "employee", "access"),
                ("twin b", "department", "access"),
            }
        ),
        grants={},
        places={
            ("chief", "s"): Place(1, is_head=True),
            ("clerk", "s"): Place(2),
            ("lead", "n"): Place(1, is_head=True),
            ("an", "n"): Place(2),
            ("gone", "n"): Place(None),
        },
        below={"s": frozenset({"n"})},
    )
    return granted(replace(known, **changed))


def granted(given: Organisation) -> Organisation:
    """With the grants that pass the gate."""
    grants = {
        (employee, report): Grant(
            employee,
            given.login_of(employee),
            report,
            _RULES[report],
            (employee, report, "view_all") in given.permissions,
        )
        for employee, report, _ in given.permissions
        if report in _RULES and employee in given.people and given.people[employee].is_at_work
    }
    return replace(given, grants=grants)


def published(given: Organisation, generation: str = "2") -> Published:
    """A publication whose scope is what the rules give."""
    viewers = {viewer for viewer, _ in given.grants}
    rows = sorted((row for viewer in viewers for row in explained_rows(given, viewer)), key=str)
    return Published(generation, "2026-03-31", given, tuple(rows))


def said(email: str, given: Organisation | None = None) -> str:
    known = given or organisation()
    return "\n".join(explanation_lines(known, explain(known, email)))


def test_a_head_is_told_which_grant_and_which_relation_show_whom() -> None:
    assert said(" Chief@x.vn ") == (
        "chief@x.vn: Chief (chief)\n"
        "  in Sales (s), rank 1, head\n"
        "\n"
        "department: access (own departments, and those below for their head)\n"
        "  head of the parent department Sales, over North: North (n)\n"
        "  own department: Sales (s)\n"
        "\n"
        "employee: access (oneself and who is below)\n"
        "  head of the parent department Sales, over North: An (an), Gone (gone), Lead (lead)\n"
        "  self: Chief (chief)\n"
        "  same department Sales, lower rank: Clerk (clerk)"
    )


def test_view_all_names_everybody_and_the_rows_of_nobody() -> None:
    assert said("an@x.vn").splitlines()[3:] == [
        "customer: view_all (everybody)",
        "  self; view_all: An (an)",
        "  view_all: Chief (chief), Clerk (clerk), Gone (gone), Lead (lead), Twin A (twin a), Twin B (twin b), "
        "rows of nobody and of unknown people",
    ]


@pytest.mark.parametrize(
    ("email", "why"),
    [
        ("nobody@x.vn", "Sees nothing. Nobody in the CRM has the address 'nobody@x.vn'."),
        ("", "Sees nothing. Nobody in the CRM has the address ''."),
        (
            "gone@x.vn",
            "Sees nothing. Gone (gone) is inactive in the CRM. The CRM still lists rights (employee: view_all); they "
            "count for nothing.",
        ),
        (
            "clerk@x.vn",
            "Sees nothing. Clerk (clerk) has no right to any report (the CRM lists menu: access, which opens none); "
            "hierarchy alone is none.",
        ),
        (
            "twin@x.vn",
            "Sees nothing. 2 active people share the address: Twin A (twin a), Twin B (twin b). It stands for none of "
            "them, because each would see the other's rows; give each their own in the CRM.",
        ),
    ],
)
def test_who_sees_nothing_is_told_why(email: str, why: str) -> None:
    assert why in said(email)


def test_who_has_no_right_at_all_or_no_department_is_told_so() -> None:
    none = organisation(permissions=frozenset())
    assert "Chief (chief) has no right to any report; hierarchy alone is none. Grant one" in said("chief@x.vn", none)
    nowhere = organisation(places={}, permissions=frozenset({("chief", "department", "access")}))
    assert "has a right to department, and is in no department that is there" in said("chief@x.vn", nowhere)
    deleted = organisation()
    people = {**deleted.people, "an": replace(deleted.people["an"], is_deleted=True)}
    assert "An (an) is deleted in the CRM." in said("an@x.vn", organisation(people=people))


def without(key: tuple[str, str]) -> dict[tuple[str, str], Place]:
    return {one: place for one, place in organisation().places.items() if one != key}


Changed = Callable[[Organisation], dict[str, object]]

CHANGES: dict[str, tuple[Changed, list[str]]] = {
    "a grant is taken back": (
        lambda o: {"permissions": o.permissions - {("lead", "employee", "access")}},
        [
            "Lead (lead): lead@x.vn",
            "  employee: 0 gained, 3 lost",
            "    - An (an), Gone (gone), Lead (lead)",
            "      because grant: right of Lead (lead) to employee is none, was access",
        ],
    ),
    "access becomes view-all": (
        lambda o: {"permissions": o.permissions | {("lead", "employee", "view_all")}},
        [
            "Lead (lead): lead@x.vn",
            "  employee: 6 gained, 0 lost",
            "    + Chief (chief), Clerk (clerk), rows of no people, Twin A (twin a), Twin B (twin b), "
            "rows of unknown people",
            "      because grant: right of Lead (lead) to employee is view_all, was access",
        ],
    ),
    "a rank changes": (
        lambda o: {"places": {**o.places, ("an", "n"): Place(1, is_head=True)}},
        [
            "Lead (lead): lead@x.vn",
            "  employee: 0 gained, 1 lost",
            "    - An (an)",
            "      because rank: An (an) in North (n) is rank 1, was rank 2",
        ],
    ),
    "somebody leaves a department": (
        lambda o: {"places": without(("gone", "n"))},
        [
            "Chief (chief): chief@x.vn",
            "  employee: 0 gained, 1 lost",
            "    - Gone (gone)",
            "      because department: Gone (gone) in North (n) is no member, was a member",
            "",
            "Lead (lead): lead@x.vn",
            "  employee: 0 gained, 1 lost",
            "    - Gone (gone)",
            "      because department: Gone (gone) in North (n) is no member, was a member",
        ],
    ),
    "a head is one no more": (
        lambda o: {"places": {**o.places, ("chief", "s"): Place(3), ("clerk", "s"): Place(2, is_head=True)}},
        [
            "Chief (chief): chief@x.vn",
            "  department: 0 gained, 1 lost",
            "    - North (n)",
            "      because rank: Chief (chief) in Sales (s) is not head (rank 3), was head (rank 1)",
            "  employee: 0 gained, 4 lost",
            "    - An (an), Gone (gone), Lead (lead)",
            "      because rank: Chief (chief) in Sales (s) is not head (rank 3), was head (rank 1)",
            "    - Clerk (clerk)",
            "      because rank: Chief (chief) in Sales (s) is rank 3, was rank 1",
        ],
    ),
    "a department is hung elsewhere": (
        lambda o: {"below": {}},
        [
            "Chief (chief): chief@x.vn",
            "  department: 0 gained, 1 lost",
            "    - North (n)",
            "      because department tree: North (n) under Sales (s) is not below it, was below it",
            "  employee: 0 gained, 3 lost",
            "    - An (an), Gone (gone), Lead (lead)",
            "      because department tree: North (n) under Sales (s) is not below it, was below it",
        ],
    ),
    "somebody is locked": (
        lambda o: {"people": {**o.people, "lead": replace(o.people["lead"], is_active=False)}},
        [
            "Lead (lead): lead@x.vn (cannot look any more)",
            "  employee: 0 gained, 3 lost",
            "    - An (an), Gone (gone), Lead (lead)",
            "      because active: Lead (lead) is inactive, was at work",
        ],
    ),
    "an address becomes somebody else's too": (
        lambda o: {"people": {**o.people, "clerk": replace(o.people["clerk"], email="lead@x.vn")}},
        [
            "Lead (lead): lead@x.vn (cannot look any more)",
            "  employee: 0 gained, 3 lost",
            "    - An (an), Gone (gone), Lead (lead)",
            "      because e-mail: e-mail of Lead (lead) is shared with somebody, was lead@x.vn",
        ],
    ),
    "an address is a new one": (
        lambda o: {"people": {**o.people, "lead": replace(o.people["lead"], email="boss@x.vn")}},
        ["Lead (lead): boss@x.vn (was lead@x.vn)"],
    ),
    "somebody is new": (
        lambda o: {"people": {**o.people, "new": Person("new", "New", None)}},
        [
            "An (an): an@x.vn",
            "  customer: 1 gained, 0 lost",
            "    + New (new)",
            "      because person: New (new) is in the CRM, was not in the CRM",
        ],
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_is_told_with_its_cause(name: str) -> None:
    changed, expected = CHANGES[name]
    before = published(organisation(), "1")
    now = published(organisation(**changed(organisation())))
    lines = list(change_lines(before, now, compare_rights(before, now)))
    assert lines[0] == "Rights of generation 1 (as of 2026-03-31) and 2 (2026-03-31)."
    assert lines[2:] == expected


def test_a_narrower_rule_is_a_cause_of_its_own() -> None:
    before = published(organisation(), "1")
    narrow = {
        key: replace(grant, scope_rule="own_department") if grant.report == "department" else grant
        for key, grant in organisation().grants.items()
    }
    now = published(replace(organisation(), grants=narrow))
    assert list(change_lines(before, now, compare_rights(before, now)))[2:] == [
        "Chief (chief): chief@x.vn",
        "  department: 0 gained, 1 lost",
        "    - North (n)",
        "      because rule: rule of report department (report_scope_rules) is own_department, was department",
    ]


def test_what_changed_alike_in_several_reports_is_said_once() -> None:
    people = {**organisation().people, "lead": replace(organisation().people["lead"], is_active=False)}
    both = organisation().permissions | {("lead", "task", "access")}

    def with_task(given: Organisation) -> Organisation:
        task = Grant("lead", given.login_of("lead"), "task", "hierarchy", False)
        grants = {**given.grants, ("lead", "task"): task} if given.people["lead"].is_at_work else given.grants
        return replace(given, grants=grants)

    before = published(with_task(organisation(permissions=both)), "1")
    now = published(with_task(organisation(permissions=both, people=people)))
    assert list(change_lines(before, now, compare_rights(before, now)))[3:] == [
        "  employee, task: 0 gained, 3 lost",
        "    - An (an), Gone (gone), Lead (lead)",
        "      because active: Lead (lead) is inactive, was at work",
    ]


def test_nothing_changed_is_said() -> None:
    now = published(organisation())
    assert list(change_lines(now, now, compare_rights(now, now)))[1].startswith("Nothing changed")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with two publications: in the second, e1 may see customers no more."""
    monkeypatch.setenv("KPI_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    warehouse = build_warehouse(tmp_path / "warehouse.duckdb")
    publish(warehouse, tmp_path / "home" / "marts.duckdb", META)
    later = corrupted(
        warehouse,
        tmp_path / "later",
        "delete from core.core_employee_permissions where employee_id = 'e1' and report = 'customer';"
        "delete from core.core_viewer_grants where viewer_id = 'e1' and report = 'customer';"
        "delete from core.core_employee_scope where viewer_id = 'e1' and report = 'customer'",
    )
    publish(later, tmp_path / "home" / "marts.duckdb", META)
    return tmp_path / "home"


def leave(*arguments: str) -> int:
    with pytest.raises(SystemExit) as left:
        main(arguments)
    assert isinstance(left.value.code, int)
    return left.value.code


def test_the_command_compares_with_the_publication_before(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert leave("access", "diff") == 0
    shown = capsys.readouterr().out
    assert "Nhân viên Một (e1): e1@kpi.vn\n  customer: 0 gained, 1 lost\n    - Nhân viên Một (e1)\n" in shown
    assert "because grant: right of Nhân viên Một (e1) to customer is none, was access" in shown
    previous_path(home / "marts.duckdb").unlink()
    assert leave("access", "diff") == 2
    assert "the first publication has none before it to compare with" in capsys.readouterr().err.replace("\n", " ")


@pytest.mark.usefixtures("home")
def test_the_command_explains_one_address(capsys: pytest.CaptureFixture[str]) -> None:
    assert leave("access", "show", "--viewer", "E1@kpi.vn") == 0
    assert "e1@kpi.vn: Nhân viên Một (e1)\n  in Kinh doanh (d1), rank 2\n\nemployee: access" in capsys.readouterr().out
    assert leave("access", "show", "--viewer", "n1@kpi.vn") == 0
    assert "the CRM lists menu: access, which opens none" in capsys.readouterr().out


def test_a_scope_that_the_rules_do_not_give_is_not_explained_away(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The first company's scope was written by hand, with reasons the rules do not know."""
    assert leave("access", "show", "--viewer", "boss@kpi.vn") == 2
    assert "The rights of b1 cannot be explained" in capsys.readouterr().err.replace("\n", " ")
    assert home.is_dir()


def test_a_publication_of_an_earlier_version_is_refused(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import duckdb

    with duckdb.connect(str(home / "marts.duckdb")) as connection:
        connection.execute("drop table core.core_viewer_grants")
    assert leave("access", "show", "--viewer", "e1@kpi.vn") == 2
    assert "has no core_viewer_grants: an earlier version published it" in capsys.readouterr().err.replace("\n", " ")
