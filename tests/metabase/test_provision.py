"""Provisioning a Metabase: what is there afterwards, who may see what, and that a second run changes nothing.

Belongs here: `provision.py`, `state.py` and `wanted.py`. Not here: the numbers that cards show
(tests/integration/test_bi_metabase.py), or single requests (`test_client.py`).
"""

from __future__ import annotations

import traceback
from collections.abc import Callable
from dataclasses import replace

import pytest

from orchestration.bi.definition import STANDARD, read_dashboards
from orchestration.bi.metabase.descriptions import all_descriptions, descriptions_of
from orchestration.bi.metabase.errors import MetabaseError
from orchestration.bi.metabase.provision import Queries
from orchestration.bi.metabase.wanted import Audience, Connection, content_of, entity_id, filter_id
from orchestration.report.labels import Lang
from orchestration.serving.postgres.names import Roles
from tests.metabase.provisioning import (
    CONNECTION,
    DESCRIPTIONS,
    LAN,
    MINH,
    WORDS,
    Json,
    card_of,
    database_of,
    end_state,
    few,
    few_dashboards,
    group_of,
    metabase_with_people,
    open_to_others,
    order,
    run,
    shelf_of,
    strangers,
)
from tests.metabase.server import ALL_USERS, Metabase, Refusal


@pytest.fixture
def metabase() -> Metabase:
    return metabase_with_people()


@pytest.fixture
def filled(metabase: Metabase) -> Metabase:
    """After a first run."""
    run(metabase)
    metabase.seen.clear()
    return metabase


# -- the first run, and the second ---------------------------------------------------------------------------------


def test_everybody_gets_a_group_a_connection_and_the_dashboards_for_themselves(metabase: Metabase) -> None:
    outcome = run(metabase)
    content = few()
    assert end_state(metabase)["groups"] == sorted(["All Users", "Administrators", LAN.name, MINH.name])
    assert {one["details"]["user"] for one in metabase.databases.values()} == {LAN.login, MINH.login}
    assert len(content.cards) == 3 + 6
    for audience in (LAN, MINH):
        own = [one for one in metabase.cards.values() if one["collection_id"] == shelf_of(metabase, audience)]
        assert {one["entity_id"] for one in own} == {entity_id(audience.login, card.key) for card in content.cards}
        assert {one["dataset_query"]["database"] for one in own} == {database_of(metabase, audience)}
    names = sorted(one["name"] for one in metabase.dashboards.values())
    assert names == [*["KPI funnel"] * 2, *["The rows behind the figures"] * 2]
    assert outcome.problems == []
    assert f"{LAN.email}: make 9 cards" in outcome.changes


@pytest.mark.parametrize("language", Lang)
def test_a_second_run_changes_nothing(metabase: Metabase, language: Lang) -> None:
    wanted = order(content=few(language))
    run(metabase, wanted)
    before = end_state(metabase)
    outcome = run(metabase, wanted)
    assert metabase.changes() == []
    assert outcome.changes == []
    assert end_state(metabase) == before


def test_a_dry_run_says_the_same_and_changes_nothing(metabase: Metabase) -> None:
    plan = run(metabase, order(dry_run=True))
    assert metabase.changes() == []
    assert metabase.databases == {}
    done = run(metabase)
    # Tables can be described only when Metabase has seen them, and permissions are known only when ids are.
    told = {
        line for line in done.changes if not line.startswith(("connection", "collection")) and "describe" not in line
    }
    assert set(told) <= set(plan.changes)
    assert run(metabase, order(dry_run=True)).changes == []


def test_all_dashboards_fit_too(metabase: Metabase) -> None:
    dashboards = read_dashboards()
    wanted = order(people=[LAN], content=content_of(dashboards, Lang.VI))
    run(metabase, wanted)
    charts = sum(len(board.charts) for board in dashboards)
    assert len(metabase.cards) == charts + 3
    assert {one["name"] for one in metabase.dashboards.values()} == {board.title.vi for board in dashboards}
    assert run(metabase, wanted).changes == []


# -- who sees what -------------------------------------------------------------------------------------------------


def test_nobody_else_may_query_or_open_anything(filled: Metabase) -> None:
    assert open_to_others(filled) == []
    assert filled.may_open(group_of(filled, LAN), shelf_of(filled, LAN)) == "read"
    assert filled.may_query(group_of(filled, LAN), database_of(filled, LAN)) == "no"
    assert filled.may_open(ALL_USERS, shelf_of(filled, LAN)) == "none"


def test_a_new_connection_is_closed_before_anything_else_happens(metabase: Metabase) -> None:
    run(metabase)
    changes = metabase.changes()
    made = [number for number, line in enumerate(changes) if line == "POST /api/database"]
    # Metabase itself shuts All Users out of the second one, having been shut out of the first.
    assert changes[made[0] + 1] == "PUT /api/permissions/graph"
    first_card = changes.index("POST /api/card")
    assert max(number for number, line in enumerate(changes) if line.endswith("/graph")) < first_card


def test_what_an_administrator_opens_is_closed_again_and_said_before(filled: Metabase) -> None:
    filled.add_user(MINH.email)
    run(filled)
    filled.data[ALL_USERS, database_of(filled, LAN)] = "query-builder-and-native"
    filled.data[group_of(filled, MINH), database_of(filled, LAN)] = "query-builder"
    filled.shelves[ALL_USERS, str(shelf_of(filled, LAN))] = "read"
    outcome = run(filled)
    assert open_to_others(filled) == []
    assert outcome.changes == [
        f"connection {LAN.name}: closed to All Users, closed to {MINH.name}",
        f"collection {LAN.shelf}: closed to All Users",
    ]
    assert filled.changes() == ["PUT /api/permissions/graph", "PUT /api/collection/graph"]


def test_many_groups_are_counted_and_not_named(filled: Metabase) -> None:
    for number in range(5):
        filled.groups[7000 + number] = f"Team {number}"
        filled.data[7000 + number, database_of(filled, LAN)] = "query-builder"
    outcome = run(filled)
    assert outcome.changes == [f"connection {LAN.name}: closed to 5 groups, among them Team 0"]


def test_other_peoples_things_stay_as_they_are(metabase: Metabase) -> None:
    shop = {"name": "Shop", "engine": "postgres", "details": {"host": "shop", "user": "shop"}, "tables": []}
    metabase.databases[7] = {"id": 7, **shop}
    metabase.groups[8] = "Analysts"
    metabase.data = {(ALL_USERS, 7): "query-builder", (8, 7): "query-builder-and-native"}
    metabase.collections[9] = {"id": 9, "name": "KPI", "description": None, "location": "/", "archived": False}
    metabase.shelves |= {(ALL_USERS, "9"): "write", (8, "9"): "write"}
    run(metabase)
    own = metabase.cards[max(metabase.cards)] | {"id": 10, "entity_id": "abcdefghijklmnopqrstu", "name": "Mine"}
    metabase.cards[10] = {**own, "collection_id": shelf_of(metabase, LAN)}
    metabase.dashboards[11] = {
        "id": 11,
        "name": "Mine",
        "description": "no mark",
        "archived": False,
        "collection_id": shelf_of(metabase, LAN),
        "parameters": [],
        "dashcards": [],
    }
    run(metabase)
    assert metabase.changes() == []
    assert {metabase.may_query(group, 7) for group in (ALL_USERS, 8)} == {"query-builder", "query-builder-and-native"}
    assert metabase.may_open(ALL_USERS, 9) == "write"
    # Whoever may see one viewer's rows gets nothing else through that viewer's group.
    assert metabase.may_query(group_of(metabase, LAN), 7) == "no"
    assert open_to_others(metabase) == []


@pytest.mark.parametrize("queries", [Queries.BUILDER, Queries.NATIVE])
def test_questions_are_open_only_where_they_were_asked_for(filled: Metabase, queries: Queries) -> None:
    run(filled, order(queries=queries))
    assert filled.may_query(group_of(filled, LAN), database_of(filled, LAN)) == queries
    assert open_to_others(filled) == []
    run(filled)
    assert filled.may_query(group_of(filled, LAN), database_of(filled, LAN)) == "no"


NOBODY: frozenset[str] = frozenset()


def account_of(metabase: Metabase, name: str) -> int:
    """The id of somebody's account, by how their e-mail begins."""
    return next(number for number, one in metabase.users.items() if one["email"].lower().startswith(name))


def test_nobody_is_let_in_for_their_e_mail_and_each_is_named_with_what_to_type(metabase: Metabase) -> None:
    outcome = run(metabase, order(admit=NOBODY))
    assert metabase.members(group_of(metabase, LAN)) == set()
    assert [note for note in outcome.notes if "account" in note] == [
        f"Lan <Lan@congty.example> (account {account_of(metabase, 'lan')}, made 2026-01-05) has the e-mail of a viewer "
        "and is not admitted; people can give themselves any e-mail. Once you know whose account it is: "
        f"`kpi bi metabase --admit {LAN.email}`",
        f"{MINH.email} has no account in Metabase: make one with this e-mail, then run this again",
    ]
    assert len(metabase.users) == 2
    assert outcome.problems == []
    outcome = run(metabase, order(admit=frozenset({LAN.email})))
    assert metabase.members(group_of(metabase, LAN)) == {"Lan@congty.example"}
    assert metabase.changes() == [
        f"PUT /api/permissions/group/{group_of(metabase, LAN)}",
        "POST /api/permissions/membership",
    ]
    assert run(metabase, order(admit=NOBODY)).changes == []


def test_who_takes_a_viewers_e_mail_sees_nothing_and_who_was_admitted_stays(filled: Metabase) -> None:
    """Metabase lets everybody change their own e-mail, unverified, to any that no other account has."""
    lan, tuan = account_of(filled, "lan"), account_of(filled, "tuan")
    filled.users[lan]["email"] = "lan.private@elsewhere.example"
    filled.users[tuan]["email"] = LAN.email
    outcome = run(filled, order(admit=NOBODY))
    assert outcome.changes == []
    assert filled.members(group_of(filled, LAN)) == {"lan.private@elsewhere.example"}
    assert [f"account {one}" in note for one in (tuan, lan) for note in outcome.notes if f"account {one}," in note] == [
        True,
        True,
    ]
    # Somebody put in by hand leaves again, whatever their e-mail is.
    filled.memberships[999] = (tuan, group_of(filled, LAN))
    outcome = run(filled, order(admit=NOBODY))
    assert [line.partition(" (")[0] for line in outcome.changes] == [f"group {LAN.name.partition(' (')[0]}"]
    assert "was not admitted, take them out" in outcome.changes[0]
    assert filled.members(group_of(filled, LAN)) == {"lan.private@elsewhere.example"}


def test_an_admitted_person_who_was_taken_out_comes_back_and_another_replaces_them(filled: Metabase) -> None:
    group, lan = group_of(filled, LAN), account_of(filled, "lan")
    filled.memberships = {number: one for number, one in filled.memberships.items() if one[1] != group}
    run(filled, order(admit=NOBODY))
    assert (lan, group) in filled.memberships.values()
    filled.users[lan]["is_active"] = False
    outcome = run(filled, order(admit=NOBODY))
    assert (outcome.changes, f"account {lan}, admitted for {LAN.email}, is deactivated or gone" in outcome.notes) == (
        [],
        True,
    )
    newer = filled.add_user(LAN.email)
    run(filled)
    assert [user for user, of in filled.memberships.values() if of == group] == [newer]
    assert run(filled, order(admit=NOBODY)).changes == []


def test_who_cannot_be_admitted_is_a_problem(filled: Metabase) -> None:
    outcome = run(filled, order(admit=frozenset({MINH.email})))
    assert outcome.problems == [
        f"{MINH.email} was not admitted: no active accounts in Metabase have this e-mail",
    ]
    outcome = run(metabase_with_people(), order(passwords={}))
    assert outcome.problems == [f"{LAN.email} was not admitted: there are no dashboards to admit them to yet"]


def test_a_mark_in_a_collection_of_somebodys_own_is_not_believed(metabase: Metabase) -> None:
    """Nobody can be shut out of their personal collection, so nothing may ever be made in it."""
    tuan = account_of(metabase, "tuan")
    own = metabase.add_collection("Tuan's Personal Collection", tuan)
    inside = metabase.add_collection("KPI", inside=own)
    metabase.collections[inside]["description"] = "[kpi/kpi]"
    metabase.collections[own]["description"] = f"[{LAN.login}]"
    run(metabase)
    run(metabase)
    assert metabase.changes() == []
    assert {one["collection_id"] for one in metabase.cards.values()}.isdisjoint({own, inside})
    assert f"/{own}/" not in metabase.collections[shelf_of(metabase, LAN)]["location"]


def test_two_collections_with_the_same_mark_stop_the_run(filled: Metabase) -> None:
    copy = filled.add_collection("KPI copied")
    filled.collections[copy]["description"] = f"[{LAN.login}]"
    with pytest.raises(MetabaseError, match=rf"two collections .* \[{LAN.login}\] .* KPI copied \({copy}\)"):
        run(filled)
    assert filled.changes() == []


# -- copies of cards -----------------------------------------------------------------------------------------------


def copied(metabase: Metabase, place: int | None) -> int:
    """A card of Lan's connection, saved in another collection."""
    number = max(metabase.cards) + 1000
    card = card_of(metabase, entity_id(LAN.login, "kpi_funnel/orders"))
    copy = {"id": number, "entity_id": f"copy-{number:016}", "name": "Mine", "collection_id": place}
    metabase.cards[number] = {**card, **copy}
    return number


def test_a_card_of_a_viewers_connection_elsewhere_is_a_problem(filled: Metabase) -> None:
    team = filled.add_collection("Team")
    card, at_the_top = copied(filled, team), copied(filled, None)
    outcome = run(filled)
    assert len(outcome.problems) == 2
    assert outcome.changes == []
    for problem, number, place in zip(
        outcome.problems, (card, at_the_top), (f"Team ({team})", "Our analytics"), strict=True
    ):
        assert problem.startswith("card Mine (http://127.0.0.1:")
        assert f"/question/{number}) is in the collection {place}: whoever may open that sees" in problem
        assert f"the rows of {LAN.email}. Move it into the personal collection of {LAN.email}, or" in problem
    # Others are told too when somebody else's content is brought up to date.
    assert (
        run(filled, order(chosen=(MINH,), admit=NOBODY)).problems[0].partition("/question")[2]
        == (outcome.problems[0].partition("/question")[2])
    )
    filled.cards[card]["archived"] = True
    filled.cards[at_the_top]["collection_id"] = shelf_of(filled, MINH)
    assert f"is in the collection {MINH.shelf} (" in run(filled).problems[0]


def test_a_copy_in_a_personal_collection_is_nobodys_business(filled: Metabase) -> None:
    own = filled.add_collection("Lan's Personal Collection", account_of(filled, "lan"))
    copied(filled, own)
    copied(filled, filled.add_collection("Drafts", inside=own))
    assert run(filled).problems == []


def test_collections_where_copies_could_be_put_are_named(filled: Metabase) -> None:
    own = filled.add_collection("Lan's Personal Collection", account_of(filled, "lan"))
    team, board = filled.add_collection("Team"), filled.add_collection("Board")
    filled.groups[8] = "Analysts"
    filled.shelves |= {
        (ALL_USERS, str(board)): "read",
        (8, str(board)): "write",
        (ALL_USERS, str(team)): "write",
        (group_of(filled, LAN), str(team)): "write",
    }
    [note] = [one for one in run(filled).notes if "copies" in one]
    assert "shows everybody its maker's rows: the collection Our analytics (All Users); " in note
    assert f"the collection Team ({team}) (All Users, {LAN.name})" in note
    assert "Board" not in note
    assert str(own) not in note
    assert "Admin settings > Permissions > Collections" in note
    filled.shelves = {pair: level for pair, level in filled.shelves.items() if level != "write"}
    assert [one for one in run(filled).notes if "copies" in one] == []


def test_who_lost_the_login_loses_everything_first(filled: Metabase) -> None:
    group, database, shelf = group_of(filled, LAN), database_of(filled, LAN), shelf_of(filled, LAN)
    outcome = run(filled, order(people=[MINH]))
    assert group not in filled.groups
    assert database not in filled.databases
    assert filled.collections[shelf]["archived"]
    assert not [one for one in filled.cards.values() if one["collection_id"] == shelf]
    assert [line.partition(": ")[2] for line in outcome.changes] == [
        "remove the group",
        "archive the collection",
        "remove the connection, and every question asked of it",
    ]
    assert all(LAN.email in line for line in outcome.changes)
    assert filled.changes()[0].startswith("DELETE /api/permissions/group")
    assert shelf_of(filled, MINH)
    assert run(filled, order(people=[MINH])).changes == []


def test_who_comes_back_begins_anew(filled: Metabase) -> None:
    before = end_state(filled)
    run(filled, order(people=[MINH]))
    run(filled)
    after = end_state(filled)
    assert {key: value for key, value in after.items() if key != "descriptions"} == {
        key: value for key, value in before.items() if key != "descriptions"
    }
    assert open_to_others(filled) == []


def test_two_companies_or_two_servers_do_not_touch_each_other(filled: Metabase) -> None:
    before = end_state(filled)
    other = Audience("hoa@khac.example", "khac_v_112233445566")
    filled.passwords[other.login] = "password-of-hoa"
    run(filled, order(people=[other], passwords={other.login: "password-of-hoa"}, roles=Roles("khac")))
    assert {name for name, _ in end_state(filled)["databases"]} == {LAN.name, MINH.name, other.name}
    elsewhere = order(people=[replace(LAN, login="kpi_v_000000000000")], connection=replace(CONNECTION, host="other"))
    filled.passwords["kpi_v_000000000000"] = "password-of-lan"
    outcome = run(filled, replace(elsewhere, passwords={"kpi_v_000000000000": "password-of-lan"}))
    assert set(end_state(filled)["groups"]) >= set(before["groups"])
    assert any("leads to another database and is not touched" in note for note in outcome.notes)
    assert end_state(filled)["cards"].items() >= before["cards"].items()
    assert open_to_others(filled) == []


def test_an_e_mail_that_changed_renames_what_there_is(filled: Metabase) -> None:
    renamed = replace(LAN, email="lan.tran@congty.example")
    run(filled, order(people=[renamed, MINH]))
    assert renamed.name in filled.groups.values()
    assert database_of(filled, renamed)
    assert filled.collections[shelf_of(filled, renamed)]["description"].endswith(f"[{LAN.login}]")
    # The old address is somebody else's now.
    assert filled.members(group_of(filled, renamed)) == set()
    assert len(filled.groups) == 4
    assert run(filled, order(people=[renamed, MINH])).changes == []


# -- passwords -----------------------------------------------------------------------------------------------------


def test_nothing_shows_a_password(metabase: Metabase, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    wanted = order()
    outcome = run(metabase, wanted)
    shown = f"{wanted!r} {outcome!r} {caplog.text}"
    assert "password-of" not in shown
    metabase.passwords[LAN.login] = "another"
    with pytest.raises(MetabaseError) as raised:
        run(metabase)
    assert "password-of" not in "".join(traceback.format_exception(raised.value))


def test_a_wrong_password_names_the_viewer_and_leaves_nothing_open(metabase: Metabase) -> None:
    metabase.passwords[LAN.login] = "another"
    with pytest.raises(MetabaseError, match=f"cannot log in as {LAN.email}.*kpi access password"):
        run(metabase)
    assert metabase.databases == {}
    assert open_to_others(metabase) == []


def test_without_a_password_somebody_is_a_note_and_a_problem_when_asked_for_by_name(metabase: Metabase) -> None:
    only_lan = {LAN.login: WORDS[LAN.login]}
    outcome = run(metabase, order(passwords=only_lan))
    assert outcome.problems == []
    assert any(MINH.email in note and "kpi access password" in note for note in outcome.notes)
    assert MINH.name not in metabase.groups.values()
    outcome = run(metabase, order(passwords=only_lan, is_by_name=True))
    assert [MINH.email in problem for problem in outcome.problems] == [True]


def test_the_file_of_passwords_is_needed_once(filled: Metabase) -> None:
    outcome = run(filled, order(passwords={}))
    assert (outcome.changes, outcome.problems) == ([], [])


def test_a_changed_password_is_noticed_and_repaired_with_the_file(filled: Metabase) -> None:
    filled.passwords[LAN.login] = "new"
    outcome = run(filled, order(passwords={}))
    assert [LAN.email in problem and "does not work" in problem for problem in outcome.problems] == [True]
    assert filled.changes() == []
    outcome = run(filled, order(passwords={LAN.login: "new"}))
    assert outcome.changes == [f"connection {LAN.name}: it does not work, give it the password of the file"]
    assert filled.databases[database_of(filled, LAN)]["details"]["password"] == "new"
    assert run(filled, order(passwords={})).problems == []


def test_a_server_that_moved_is_followed_with_the_password_it_has(filled: Metabase) -> None:
    moved = Connection("new.congty.example", 6432, "kpi", "verify-full")
    run(filled, order(connection=moved, passwords={}))
    details = filled.databases[database_of(filled, LAN)]["details"]
    assert (details["host"], details["port"], details["ssl-mode"]) == ("new.congty.example", 6432, "verify-full")
    assert details["password"] == WORDS[LAN.login]
    assert run(filled, order(connection=moved, passwords={})).changes == []


def test_a_server_that_moved_with_a_new_password_gets_it_from_the_file(filled: Metabase) -> None:
    filled.passwords[LAN.login] = "new"
    moved = Connection("new.congty.example", 5432, "kpi", "")
    run(filled, order(connection=moved, passwords={LAN.login: "new"}))
    details = filled.databases[database_of(filled, LAN)]["details"]
    assert (details["host"], details["password"]) == ("new.congty.example", "new")
    assert filled.databases[database_of(filled, MINH)]["details"]["password"] == WORDS[MINH.login]


# -- changes of the dashboards -------------------------------------------------------------------------------------


def changed(**of_the_first_chart: object) -> Json:
    """The dashboards with the funnel's first chart changed."""
    funnel, rows = few_dashboards()
    first = replace(funnel.charts[0], **of_the_first_chart)  # type: ignore[arg-type]
    return {"content": content_of([replace(funnel, charts=(first, *funnel.charts[1:])), rows], Lang.EN)}


def test_a_changed_title_changes_that_card_and_nothing_else(filled: Metabase) -> None:
    funnel, _ = few_dashboards()
    title = replace(funnel.charts[0].title, en="Counted orders")
    outcome = run(filled, order(**changed(title=title)))
    assert outcome.changes == [f"{one.email}: change 1 cards: kpi_funnel/orders" for one in (LAN, MINH)]
    assert {line.split("/")[2] for line in filled.changes()} == {"card"}
    assert card_of(filled, entity_id(LAN.login, "kpi_funnel/orders"))["name"] == "Counted orders"
    assert run(filled, order(**changed(title=title))).changes == []


def test_another_language_changes_the_words_and_keeps_every_id(filled: Metabase) -> None:
    ids = {number: one["entity_id"] for number, one in filled.cards.items()}
    places = {place["id"] for one in filled.dashboards.values() for place in one["dashcards"]}
    run(filled, order(content=few(Lang.VI)))
    assert {number: one["entity_id"] for number, one in filled.cards.items()} == ids
    assert {place["id"] for one in filled.dashboards.values() for place in one["dashcards"]} == places
    assert {one["name"] for one in filled.dashboards.values()} == {"Phễu KPI", "Các dòng tạo nên số liệu"}
    assert run(filled, order(content=few(Lang.VI))).changes == []


def test_a_chart_that_is_gone_is_archived_and_comes_back_as_itself(filled: Metabase) -> None:
    funnel, rows = few_dashboards()
    without = content_of([replace(funnel, charts=funnel.charts[1:]), rows], Lang.EN)
    number = card_of(filled, entity_id(LAN.login, "kpi_funnel/orders"))["id"]
    run(filled, order(content=without))
    assert filled.cards[number]["archived"]
    assert all(place["card_id"] != number for one in filled.dashboards.values() for place in one["dashcards"])
    assert run(filled, order(content=without)).changes == []
    run(filled)
    assert card_of(filled, entity_id(LAN.login, "kpi_funnel/orders")) | {"archived": False} == filled.cards[number]
    assert any(place["card_id"] == number for one in filled.dashboards.values() for place in one["dashcards"])
    assert run(filled).changes == []


def test_a_dashboard_that_is_gone_is_archived(filled: Metabase) -> None:
    _, rows = few_dashboards()
    alone = content_of([replace(rows, charts=rows.charts[:1])], Lang.EN)
    run(filled, order(content=alone))
    assert sorted(one["name"] for one in filled.dashboards.values() if one["archived"]) == ["KPI funnel"] * 2
    assert run(filled, order(content=alone)).changes == []


@pytest.mark.parametrize(
    "tampering",
    [
        lambda card: card["dataset_query"]["native"].update(query="select 1"),
        lambda card: card.update(description="mine"),
        lambda card: card.update(display="pie"),
        lambda card: card.update(archived=True),
        lambda card: card.update(collection_id=None),
        lambda card: card["dataset_query"]["native"].update(**{"template-tags": {}}),
        lambda card: card["dataset_query"]["native"]["template-tags"].update(more={"type": "text"}),
        lambda card: card["visualization_settings"].update(click_behavior={"type": "link"}),
        lambda card: card["visualization_settings"]["column_settings"].update({'["name","more"]': {}}),
    ],
)
def test_a_card_changed_by_hand_is_put_back(filled: Metabase, tampering: Callable[[Json], None]) -> None:
    before = end_state(filled)
    tampering(card_of(filled, entity_id(LAN.login, "kpi_funnel/by_employee")))
    outcome = run(filled)
    assert outcome.changes == [f"{LAN.email}: change 1 cards: kpi_funnel/by_employee"]
    after = end_state(filled)
    # A click on the card itself is what it was not made with; Metabase keeps it until somebody takes it out.
    assert after["boards"] == before["boards"]
    assert after["cards"].keys() == before["cards"].keys()
    assert run(filled).changes == []


@pytest.mark.parametrize(
    "tampering",
    [
        lambda board: board.update(name="Mine"),
        lambda board: board["parameters"].pop(),
        lambda board: board["dashcards"].pop(),
        lambda board: board["dashcards"].append({**board["dashcards"][0], "id": 5000, "card_id": None}),
        lambda board: board["dashcards"][0].update(row=50),
        lambda board: board["dashcards"][0].update(parameter_mappings=[]),
        lambda board: board["dashcards"][0]["visualization_settings"].update(click_behavior={"type": "link"}),
    ],
)
def test_a_dashboard_changed_by_hand_is_put_back(filled: Metabase, tampering: Callable[[Json], None]) -> None:
    before = end_state(filled)
    tampering(next(one for one in filled.dashboards.values() if one["name"] == "KPI funnel"))
    assert run(filled).changes != []
    assert end_state(filled) == before
    assert run(filled).changes == []


def test_a_click_takes_the_employee_of_the_row_and_the_month_of_the_filter(filled: Metabase) -> None:
    by_name = {one["name"]: one for one in filled.dashboards.values() if one["collection_id"] == shelf_of(filled, LAN)}
    entity = entity_id(LAN.login, "kpi_funnel/by_employee")
    [place] = [one for one in by_name["KPI funnel"]["dashcards"] if filled.cards[one["card_id"]]["entity_id"] == entity]
    columns = place["visualization_settings"]["column_settings"]
    click = columns['["name","employee"]']["click_behavior"]
    assert click["targetId"] == by_name["The rows behind the figures"]["id"]
    mapping = {name: click["parameterMapping"][filter_id(name)]["source"] for name in STANDARD}
    assert mapping["employee"] == {"type": "column", "id": "employee", "name": "employee"}
    assert mapping["department"]["type"] == "column"
    assert mapping["month"] == {"type": "parameter", "id": filter_id("month"), "name": "Month"}
    # Every column leads there, the figures first of all.
    assert all(one["click_behavior"] == click for one in columns.values())
    assert '["name","revenue_amount"]' in columns


def test_filters_offer_the_values_of_the_viewers_own_card(filled: Metabase) -> None:
    [board] = [
        one
        for one in filled.dashboards.values()
        if one["name"] == "KPI funnel" and one["collection_id"] == shelf_of(filled, MINH)
    ]
    for parameter in board["parameters"]:
        card = filled.cards[parameter["values_source_config"]["card_id"]]
        assert card["entity_id"] == entity_id(MINH.login, f"filter/{parameter['slug']}")
        assert card["dataset_query"]["database"] == database_of(filled, MINH)
    line = entity_id(MINH.login, "kpi_funnel/revenue_by_month")
    tags = {
        filled.cards[place["card_id"]]["entity_id"]: {one["target"][1][1] for one in place["parameter_mappings"]}
        for place in board["dashcards"]
    }
    # A line shows every month, so the month's filter does not reach it.
    assert tags[line] == {"employee", "department"}
    assert tags[entity_id(MINH.login, "kpi_funnel/orders")] == {"month", "employee", "department"}


# -- descriptions --------------------------------------------------------------------------------------------------


def test_tables_and_columns_have_dbts_words(filled: Metabase) -> None:
    [table, other] = filled.databases[database_of(filled, LAN)]["tables"]
    assert (table["description"], table["fields"][0]["description"]) == (
        "One row per month and employee.",
        "Counted orders.",
    )
    assert (table["fields"][1]["description"], other["description"]) == (None, None)
    words = {"fct_funnel": ("One row per month and person.", DESCRIPTIONS["fct_funnel"][1])}
    outcome = run(filled, order(descriptions=words))
    assert outcome.changes == [f"{one.email}: describe 1 tables and columns" for one in (LAN, MINH)]
    assert run(filled, order(descriptions=words)).changes == []


def test_every_mart_and_column_has_words_to_give() -> None:
    words = all_descriptions()
    assert {"fct_funnel", "dim_customers", "kpi_target_attainment"} <= set(words)
    assert all(text and columns and all(columns.values()) for text, columns in words.values())
    # Who only looks at dashboards meets fewer tables, and each is a request for every viewer.
    met = descriptions_of(read_dashboards())
    assert met.items() <= words.items()
    assert {"fct_funnel", "dim_employees"} <= set(met)
    assert len(met) < len(words) / 2


def test_tables_that_metabase_is_still_looking_at_are_waited_for(metabase: Metabase) -> None:
    looks = [0]

    def look(method: str, path: str) -> None:
        if method == "GET" and path.endswith("/metadata"):
            looks[0] += 1
            for database in metabase.databases.values():
                database["initial_sync_status"] = "complete" if looks[0] > 2 else "incomplete"

    metabase.before = look
    outcome = run(metabase, order(wait_for_tables_seconds=20.0))
    assert [line for line in outcome.changes if "describe" in line] == [
        f"{one.email}: describe 2 tables and columns" for one in (LAN, MINH)
    ]
    assert looks[0] == 4


def test_tables_that_are_not_there_yet_are_left_for_the_next_run(metabase: Metabase) -> None:
    metabase.tables = {}
    outcome = run(metabase)
    assert sum("has not looked at the tables" in note for note in outcome.notes) == 2
    assert outcome.problems == []


# -- when something goes wrong on the way --------------------------------------------------------------------------


class Breaking:
    """Lets some changes through and refuses the next one, once."""

    def __init__(self, after: int) -> None:
        self.left = after

    def __call__(self, method: str, _path: str) -> None:
        if method == "GET":
            return
        self.left -= 1
        if self.left == -1:
            raise Refusal(500, {"message": "out of memory"})


def test_whichever_change_fails_nothing_is_open_and_the_next_run_finishes() -> None:
    content = content_of([replace(one, charts=one.charts[-2:-1]) for one in few_dashboards()], Lang.EN)
    whole = metabase_with_people()
    whole.add_user(MINH.email)
    both = frozenset({LAN.email, MINH.email})
    run(whole, order(content=content, admit=both))
    wanted, changes = end_state(whole), len(whole.changes())
    assert changes > 30
    for number in range(changes):
        metabase = metabase_with_people()
        metabase.add_user(MINH.email)
        metabase.before = Breaking(number)
        with pytest.raises(MetabaseError, match="out of memory"):
            run(metabase, order(content=content, admit=both))
        metabase.before = None
        assert open_to_others(metabase) == [], number
        assert strangers(metabase) == [], number
        run(metabase, order(content=content, admit=both))
        assert end_state(metabase) == wanted, number
        assert run(metabase, order(content=content, admit=NOBODY)).changes == [], number


def test_whichever_change_fails_while_somebody_leaves_nothing_is_open(filled: Metabase) -> None:
    run(filled, order(people=[MINH]))
    for number in range(3):
        metabase = metabase_with_people()
        run(metabase)
        metabase.before = Breaking(number)
        with pytest.raises(MetabaseError, match="out of memory"):
            run(metabase, order(people=[MINH]))
        metabase.before = None
        # What is left of it is out of everybody's reach.
        assert LAN.name not in metabase.groups.values() or number == 0
        run(metabase, order(people=[MINH]))
        assert end_state(metabase)["cards"] == end_state(filled)["cards"]
        assert run(metabase, order(people=[MINH])).changes == []


def test_a_connection_that_cannot_be_closed_is_taken_away_again(metabase: Metabase) -> None:
    def refuse(method: str, path: str) -> None:
        if (method, path) == ("PUT", "/api/permissions/graph"):
            raise Refusal(500, "broken")

    metabase.before = refuse
    with pytest.raises(MetabaseError, match="could not be closed to others, and was removed again"):
        run(metabase)
    assert metabase.databases == {}


def test_a_connection_that_can_be_neither_closed_nor_removed_is_named(metabase: Metabase) -> None:
    def refuse(method: str, path: str) -> None:
        if (method, path) == ("PUT", "/api/permissions/graph") or method == "DELETE":
            raise Refusal(500, "broken")

    metabase.before = refuse
    with pytest.raises(MetabaseError, match=r"is open to everybody in Metabase: .* Remove it there now"):
        run(metabase)


def test_permissions_that_somebody_changes_meanwhile_are_read_again(metabase: Metabase) -> None:
    left = [2]

    def meddle(method: str, path: str) -> None:
        if method == "PUT" and path.endswith("/graph") and left[0]:
            left[0] -= 1
            metabase.data_revision += 1
            metabase.shelf_revision += 1

    metabase.before = meddle
    run(metabase)
    assert left == [0]
    assert open_to_others(metabase) == []
    left[0] = 99
    metabase.data[ALL_USERS, database_of(metabase, LAN)] = "query-builder"
    with pytest.raises(MetabaseError, match="answered 409"):
        run(metabase)


def test_a_server_that_does_not_say_who_its_administrators_are_is_not_touched(metabase: Metabase) -> None:
    def hide(_method: str, path: str) -> None:
        if path == "/api/permissions/group":
            raise Refusal(200, '[{"id": 1, "name": "All Users"}]')

    metabase.before = hide
    with pytest.raises(MetabaseError, match="permissions were not touched"):
        run(metabase)
    assert metabase.changes() == []
