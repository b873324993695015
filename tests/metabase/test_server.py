"""The test server behaves as it says: shapes refuse, defaults are as open as Metabase's, nothing is lost on the way.

A server that allowed everything would prove nothing about what is sent to it.
"""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest

from tests.metabase.server import ADMINISTRATORS, ALL_USERS, REDACTED, Metabase, Refusal, misfit, shapes

Json = dict[str, Any]

DETAILS = {"host": "db", "port": 5432, "dbname": "kpi", "user": "kpi_v_1", "password": "right"}
DATABASE: Json = {
    "name": "KPI",
    "engine": "postgres",
    "details": DETAILS,
    "is_full_sync": True,
    "is_on_demand": False,
    "connection_source": "admin",
}
TAG = {
    "id": "6f1f2dd0-9f0a-4c0e-8f5a-5a3f6f4f6f11",
    "name": "employee",
    "display-name": "Employee",
    "type": "text",
}


def card(database: int, **other: Any) -> Json:
    """A body that fits."""
    return {
        "name": "Orders",
        "display": "bar",
        "dataset_query": {
            "type": "native",
            "database": database,
            "native": {"query": "select 1", "template-tags": {"employee": TAG}},
        },
        "visualization_settings": {"graph.dimensions": ["month"], "graph.metrics": ["orders"]},
        **other,
    }


@pytest.fixture
def metabase() -> Metabase:
    return Metabase(passwords={"kpi_v_1": "right"}, tables={"fct_funnel": ["orders"]})


def ask(metabase: Metabase, method: str, path: str, body: Any = None, **query: str) -> Any:
    return metabase.answer(method, path, query, body)


def refusal(metabase: Metabase, method: str, path: str, body: Any = None) -> Refusal:
    with pytest.raises(Refusal) as raised:
        ask(metabase, method, path, body)
    return raised.value


def test_every_shape_is_a_schema() -> None:
    for shape in shapes()["requests"].values():
        jsonschema.Draft202012Validator.check_schema({"$defs": shapes()["$defs"], **shape})


@pytest.mark.parametrize(
    ("request_line", "body", "why"),
    [
        ("POST /api/card", {**card(1), "nonsense": 1}, "nonsense"),
        ("POST /api/card", {**card(1), "entity_id": "too short"}, "does not match"),
        ("POST /api/card", {**card(1), "display": "pyramid"}, "is not one of"),
        ("POST /api/card", {**card(1), "visualization_settings": {"Graph": 1}}, "does not match"),
        ("POST /api/database", {**DATABASE, "details": {**DETAILS, "sslmode": "require"}}, "sslmode"),
        ("PUT /api/permissions/graph", {"revision": 0, "groups": {"1": {"2": {"view-data": "blocked"}}}}, "expected"),
        ("PUT /api/permissions/graph", {"groups": {}}, "'revision' is a required property"),
        ("PUT /api/collection/graph", {"revision": 0, "groups": {"1": {"root": "curate"}}}, "is not one of"),
        ("PUT /api/dashboard/{id}", {"dashcards": [{"id": -1}]}, "is a required property"),
        ("PUT /api/field/{id}", {"description": ""}, "non-empty"),
        ("POST /api/user", {"email": "lan@congty.example"}, "has no shape"),
    ],
)
def test_a_body_that_does_not_fit_is_found(request_line: str, body: Json, why: str) -> None:
    assert why in (misfit(request_line, body) or "")


def test_bodies_that_fit_are_not() -> None:
    assert misfit("POST /api/card", card(1, entity_id="abcdefghijklmnopqrst_", description="Orders")) is None
    assert misfit("POST /api/database", DATABASE) is None
    assert misfit("DELETE /api/database/{id}", None) is None


def test_a_new_connection_is_open_to_everybody_until_somebody_was_shut_out_anywhere(metabase: Metabase) -> None:
    first = ask(metabase, "POST", "/api/database", DATABASE)["id"]
    assert metabase.may_query(ALL_USERS, first) == "query-builder-and-native"
    graph = {"revision": 0, "groups": {str(ALL_USERS): {str(first): {"create-queries": "no"}}}}
    ask(metabase, "PUT", "/api/permissions/graph", graph)
    second = ask(metabase, "POST", "/api/database", DATABASE)["id"]
    assert metabase.may_query(ALL_USERS, second) == "no"
    assert refusal(metabase, "PUT", "/api/permissions/graph", graph).status == 409
    shown = ask(metabase, "GET", "/api/permissions/graph")["groups"]
    assert shown[str(ALL_USERS)][str(first)] == {"view-data": "unrestricted"}
    assert shown[str(ADMINISTRATORS)][str(first)]["create-queries"] == "query-builder-and-native"


def test_a_new_collection_is_as_open_as_its_parent(metabase: Metabase) -> None:
    top = ask(metabase, "POST", "/api/collection", {"name": "KPI"})["id"]
    assert metabase.may_open(ALL_USERS, top) == "write"
    ask(
        metabase,
        "PUT",
        "/api/collection/graph",
        {"revision": 0, "groups": {str(ALL_USERS): {str(top): "none"}}},
    )
    below = ask(metabase, "POST", "/api/collection", {"name": "Lan", "parent_id": top})
    assert (metabase.may_open(ALL_USERS, below["id"]), below["location"]) == ("none", f"/{top}/")


def test_a_connection_never_shows_its_password_and_keeps_it(metabase: Metabase) -> None:
    made = ask(metabase, "POST", "/api/database", DATABASE)
    assert made["details"]["password"] == REDACTED
    changed = {"details": {**made["details"], "host": "elsewhere"}}
    assert ask(metabase, "PUT", f"/api/database/{made['id']}", changed)["details"]["host"] == "elsewhere"
    assert ask(metabase, "GET", f"/api/database/{made['id']}/healthcheck") == {"status": "ok"}
    metabase.passwords["kpi_v_1"] = "changed"
    assert ask(metabase, "GET", f"/api/database/{made['id']}/healthcheck")["status"] == "error"
    assert refusal(metabase, "POST", "/api/database", DATABASE).status == 400


def test_a_connection_takes_its_cards_with_it(metabase: Metabase) -> None:
    database = ask(metabase, "POST", "/api/database", DATABASE)["id"]
    made = ask(metabase, "POST", "/api/card", card(database, entity_id="abcdefghijklmnopqrst_"))
    assert ask(metabase, "GET", "/api/card/abcdefghijklmnopqrst_")["id"] == made["id"]
    assert refusal(metabase, "POST", "/api/card", card(database, entity_id="abcdefghijklmnopqrst_")).status == 500
    ask(metabase, "DELETE", f"/api/database/{database}")
    assert refusal(metabase, "GET", "/api/card/abcdefghijklmnopqrst_").status == 404


def test_an_archived_collection_archives_what_is_in_it(metabase: Metabase) -> None:
    database = ask(metabase, "POST", "/api/database", DATABASE)["id"]
    shelf = ask(metabase, "POST", "/api/collection", {"name": "KPI"})["id"]
    number = ask(metabase, "POST", "/api/card", card(database, collection_id=shelf))["id"]
    assert [one["id"] for one in ask(metabase, "GET", f"/api/collection/{shelf}/items", models="card")["data"]] == [
        number
    ]
    ask(metabase, "PUT", f"/api/collection/{shelf}", {"archived": True})
    assert metabase.cards[number]["archived"]
    assert ask(metabase, "GET", f"/api/collection/{shelf}/items")["total"] == 0


def test_a_click_must_lead_to_a_filter_that_is_there(metabase: Metabase) -> None:
    database = ask(metabase, "POST", "/api/database", DATABASE)["id"]
    number = ask(metabase, "POST", "/api/card", card(database))["id"]
    dashboard = ask(metabase, "POST", "/api/dashboard", {"name": "KPI"})["id"]
    click = {
        "type": "link",
        "linkType": "dashboard",
        "targetId": dashboard,
        "parameterMapping": {
            "month": {
                "id": "month",
                "source": {"type": "column", "id": "month", "name": "month"},
                "target": {"type": "parameter", "id": "month"},
            }
        },
    }
    dashcard = {
        "id": -1,
        "card_id": number,
        "row": 0,
        "col": 0,
        "size_x": 12,
        "size_y": 6,
        "parameter_mappings": [],
        "visualization_settings": {"click_behavior": click},
    }
    assert refusal(metabase, "PUT", f"/api/dashboard/{dashboard}", {"dashcards": [dashcard]}).status == 400
    parameter = {"id": "month", "type": "string/=", "name": "Month", "slug": "month"}
    ask(metabase, "PUT", f"/api/dashboard/{dashboard}", {"parameters": [parameter]})
    [kept] = ask(metabase, "PUT", f"/api/dashboard/{dashboard}", {"dashcards": [dashcard]})["dashcards"]
    assert kept["id"] > 0
