"""A server of this machine that answers like Metabase where `orchestration/bi/metabase` asks it.

Belongs here: ids, stored objects, permissions with their defaults and revisions, refusals, and looking at every body
against `shapes.yml`. Not here: running a card's SQL (the tests run it on PostgreSQL themselves).

It is not Metabase. What it copies was read in the published API description and in Metabase's source: a new connection
is open to every group that has no narrower one elsewhere, a new collection inherits its parent's permissions, the
least permission is left out of the graph, passwords come back as a placeholder.
"""

from __future__ import annotations

import itertools
import json
import re
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import jsonschema
import yaml

Json = dict[str, Any]

KEY = "mb_0123456789abcdefghijklmnopqrstuv="
ADMINISTRATORS, ALL_USERS = 2, 1
REDACTED = "**MetabasePass**"
_LEVELS = ("no", "query-builder", "query-builder-and-native")
_SHAPES = Path(__file__).with_name("shapes.yml")


class Refusal(Exception):
    """What is answered instead of data."""

    def __init__(self, status: int, said: Any) -> None:
        super().__init__(status, said)
        self.status, self.said = status, said


@cache
def shapes() -> Json:
    """The file of shapes."""
    loaded: Json = yaml.safe_load(_SHAPES.read_text(encoding="utf-8"))
    return loaded


def misfit(request: str, body: Any) -> str | None:
    """Why a body does not fit the shape of a request like `POST /api/card`; None when it does."""
    shape = shapes()["requests"].get(request)
    if shape is None:
        return f"{request} has no shape" if body is not None else None
    schema = {"$defs": shapes()["$defs"], **shape}
    checker = jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker())
    found = jsonschema.exceptions.best_match(checker.iter_errors(body))
    return None if found is None else f"{request} {found.json_path}: {found.message}"


@dataclass(frozen=True)
class Seen:
    """One request that arrived. `request` has {id} for every number."""

    method: str
    path: str
    body: Any

    @property
    def changes(self) -> bool:
        return self.method != "GET"


@dataclass
class Metabase:
    """What a server holds. `passwords` are those that open a login: what a real one would find out by connecting."""

    passwords: dict[str, str] = field(default_factory=dict)
    tables: Json = field(default_factory=dict)
    tag: str = "v0.58.3"
    key: str = KEY
    # Called before every request with its method and path; what it raises is the answer.
    before: Callable[[str, str], None] | None = None
    seen: list[Seen] = field(default_factory=list)
    users: dict[int, Json] = field(default_factory=dict)
    groups: dict[int, str] = field(default_factory=dict)
    memberships: dict[int, tuple[int, int]] = field(default_factory=dict)
    databases: dict[int, Json] = field(default_factory=dict)
    collections: dict[int, Json] = field(default_factory=dict)
    cards: dict[int, Json] = field(default_factory=dict)
    dashboards: dict[int, Json] = field(default_factory=dict)
    # create-queries by group and database; read or write by group and collection.
    data: dict[tuple[int, int], str] = field(default_factory=dict)
    shelves: dict[tuple[int, str], str] = field(default_factory=dict)
    data_revision: int = 0
    shelf_revision: int = 0

    def __post_init__(self) -> None:
        self._ids = itertools.count(100)
        self.groups = {ALL_USERS: "All Users", ADMINISTRATORS: "Administrators"}
        self.shelves = {(ALL_USERS, "root"): "write"}

    # -- what a test looks at ------------------------------------------------------------------------------------

    def changes(self) -> list[str]:
        """Every request that changed something, in order."""
        return [f"{one.method} {one.path}" for one in self.seen if one.changes]

    def may_query(self, group: int, database: int) -> str:
        """What a group may do with a connection."""
        return self.data.get((group, database), "no")

    def may_open(self, group: int, collection: int) -> str:
        """What a group may do with a collection."""
        return self.shelves.get((group, str(collection)), "none")

    def add_user(self, email: str) -> int:
        """Somebody with an account; in All Users like everybody."""
        number = next(self._ids)
        self.users[number] = {
            "id": number,
            "email": email,
            "is_active": True,
            "common_name": email.partition("@")[0].capitalize(),
            "date_joined": "2026-01-05T08:00:00.123Z",
        }
        self.memberships[next(self._ids)] = (number, ALL_USERS)
        return number

    def add_collection(self, name: str, owner: int | None = None, inside: int | None = None) -> int:
        """A collection that somebody made, or with an owner their personal one, which no permissions are kept of."""
        number = next(self._ids)
        location = "/" if inside is None else f"{self.collections[inside]['location']}{inside}/"
        about: Json = {"description": None, "location": location, "archived": False, "personal_owner_id": owner}
        self.collections[number] = {"id": number, "name": name, **about}
        return number

    def _is_personal(self, number: int) -> bool:
        inside = [int(one) for one in self.collections[number]["location"].split("/") if one]
        return any(self.collections[one].get("personal_owner_id") is not None for one in [number, *inside])

    def members(self, group: int) -> set[str]:
        """The e-mails of a group."""
        return {self.users[user]["email"] for user, of in self.memberships.values() if of == group}

    # -- answering -----------------------------------------------------------------------------------------------

    def answer(self, method: str, path: str, query: Mapping[str, str], body: Any) -> Any:
        """The answer to a request whose key was right. Raises Refusal."""
        if self.before is not None:
            self.before(method, path)
        segments = path.strip("/").split("/")[1:]
        request = f"{method} {re.sub(r'/[0-9]+', '/{id}', path.rstrip('/'))}"
        if method in {"POST", "PUT"}:
            problem = misfit(request, body)
            if problem is not None:
                raise Refusal(400, {"errors": {"_error": problem}, "specific-errors": {}})
        if method == "GET" and request in shapes()["requests"] and (problem := misfit(request, dict(query))):
            raise Refusal(400, {"errors": {"_error": problem}, "specific-errors": {}})
        numbers = [int(one) for one in segments if one.isdigit()]
        name = "_".join(["id" if one.isdigit() else one.replace("-", "_") for one in segments])
        handler = getattr(self, f"_{method.lower()}_{name}", None)
        if handler is None and method == "GET" and segments[0] == "card" and len(segments) > 1:
            return self._card_by_entity(segments[1])
        if handler is None:
            raise Refusal(404, "API endpoint does not exist.")
        return handler(*numbers, query=query, body=body)

    def _get_session_properties(self, **_: Any) -> Json:
        return {"version": {"tag": self.tag}, "application-name": "Metabase"}

    def _get_user(self, query: Mapping[str, str], **_: Any) -> Json:
        start, size = int(query.get("offset", 0)), int(query.get("limit", 50))
        active = [user for user in self.users.values() if user["is_active"]]
        return {"data": active[start : start + size], "total": len(active), "limit": size, "offset": start}

    # -- groups

    def _get_permissions_group(self, **_: Any) -> list[Json]:
        kinds = {ALL_USERS: "all-internal-users", ADMINISTRATORS: "admin"}
        return [
            {"id": group, "name": name, "magic_group_type": kinds.get(group), "member_count": len(self.members(group))}
            for group, name in self.groups.items()
        ]

    def _post_permissions_group(self, body: Json, **_: Any) -> Json:
        if body["name"] in self.groups.values():
            raise Refusal(400, {"message": "A group with that name already exists.", "errors": {"name": "taken"}})
        group = next(self._ids)
        self.groups[group] = body["name"]
        for database in self.databases:
            self.data[group, database] = self._new_level(group)
        return {"id": group, "name": body["name"]}

    def _put_permissions_group_id(self, group: int, body: Json, **_: Any) -> Json:
        _there(self.groups, group)
        self.groups[group] = body["name"]
        return {"id": group, "name": body["name"]}

    def _delete_permissions_group_id(self, group: int, **_: Any) -> None:
        _there(self.groups, group)
        if group in {ALL_USERS, ADMINISTRATORS}:
            raise Refusal(400, "You cannot delete the group.")
        del self.groups[group]
        self.memberships = {number: one for number, one in self.memberships.items() if one[1] != group}
        self.data = {pair: level for pair, level in self.data.items() if pair[0] != group}
        self.shelves = {pair: level for pair, level in self.shelves.items() if pair[0] != group}

    def _get_permissions_membership(self, **_: Any) -> Json:
        found: Json = {}
        for number, (user, group) in self.memberships.items():
            found.setdefault(str(user), []).append({"membership_id": number, "group_id": group, "user_id": user})
        return found

    def _post_permissions_membership(self, body: Json, **_: Any) -> list[Json]:
        _there(self.groups, body["group_id"])
        _there(self.users, body["user_id"])
        if (body["user_id"], body["group_id"]) in self.memberships.values():
            raise Refusal(400, "already a member")
        self.memberships[next(self._ids)] = (body["user_id"], body["group_id"])
        return []

    def _delete_permissions_membership_id(self, number: int, **_: Any) -> None:
        _there(self.memberships, number)
        del self.memberships[number]

    # -- permissions on data

    def _new_level(self, group: int) -> str:
        """The narrowest a group has anywhere, or everything."""
        levels = [level for (of, _), level in self.data.items() if of == group]
        return min(levels, key=_LEVELS.index) if levels else _LEVELS[-1]

    def _get_permissions_graph(self, **_: Any) -> Json:
        groups: Json = {
            str(ADMINISTRATORS): {
                str(one): {"view-data": "unrestricted", "create-queries": _LEVELS[-1]} for one in self.databases
            }
        }
        for (group, database), level in self.data.items():
            shown = {"view-data": "unrestricted"} | ({} if level == "no" else {"create-queries": level})
            groups.setdefault(str(group), {})[str(database)] = shown
        return {"revision": self.data_revision, "groups": groups}

    def _put_permissions_graph(self, body: Json, **_: Any) -> Json:
        if body["revision"] != self.data_revision:
            raise Refusal(409, "Looks like someone else edited the permissions and your data is out of date.")
        for group, databases in body["groups"].items():
            if int(group) == ADMINISTRATORS:
                raise Refusal(400, "You cannot edit permissions for the Administrators group.")
            for database, wanted in databases.items():
                _there(self.groups, int(group))
                _there(self.databases, int(database))
                if "create-queries" in wanted:
                    self.data[int(group), int(database)] = wanted["create-queries"]
        self.data_revision += 1
        return self._get_permissions_graph()

    # -- connections

    def _shown_database(self, database: Json) -> Json:
        return {**database, "details": {**database["details"], "password": REDACTED}}

    def _get_database(self, **_: Any) -> Json:
        return {"data": [self._shown_database(one) for one in self.databases.values()], "total": len(self.databases)}

    def _get_database_id(self, number: int, **_: Any) -> Json:
        return self._shown_database(_there(self.databases, number))

    def _connects(self, details: Json) -> bool:
        return self.passwords.get(details["user"]) == details.get("password")

    def _post_database(self, body: Json, **_: Any) -> Json:
        if not self._connects(body["details"]):
            # A server may repeat what it was given: nothing of it may be shown.
            said = f"FATAL: password authentication failed for user, given {body['details']['password']}"
            raise Refusal(400, {"message": said, "errors": {"password": "check your password"}})
        number = next(self._ids)
        kept = {name: body[name] for name in ("name", "engine", "is_full_sync", "is_on_demand")}
        # It tries an encrypted connection first, whatever was asked for.
        self.databases[number] = {"id": number, **kept, "details": {**body["details"], "ssl": True}}
        self.databases[number]["initial_sync_status"] = "complete"
        for group in self.groups:
            if group != ADMINISTRATORS:
                self.data[group, number] = self._new_level(group)
        self.databases[number]["tables"] = [
            {
                "id": next(self._ids),
                "name": table,
                "schema": "marts",
                "description": None,
                "fields": [{"id": next(self._ids), "name": column, "description": None} for column in columns],
            }
            for table, columns in self.tables.items()
        ]
        return self._shown_database(self.databases[number])

    def _put_database_id(self, number: int, body: Json, **_: Any) -> Json:
        database = _there(self.databases, number)
        if "details" in body:
            details = dict(body["details"])
            if details.get("password") == REDACTED:
                details["password"] = database["details"]["password"]
            if not self._connects(details):
                raise Refusal(400, {"message": "FATAL: password authentication failed", "valid": False})
            database["details"] = details
        database["name"] = body.get("name", database["name"])
        return self._shown_database(database)

    def _delete_database_id(self, number: int, **_: Any) -> None:
        _there(self.databases, number)
        del self.databases[number]
        self.data = {pair: level for pair, level in self.data.items() if pair[1] != number}
        gone = {card for card, one in self.cards.items() if one["dataset_query"]["database"] == number}
        self.cards = {card: one for card, one in self.cards.items() if card not in gone}
        for dashboard in self.dashboards.values():
            dashboard["dashcards"] = [one for one in dashboard["dashcards"] if one["card_id"] not in gone]

    def _get_database_id_healthcheck(self, number: int, **_: Any) -> Json:
        if self._connects(_there(self.databases, number)["details"]):
            return {"status": "ok"}
        return {"status": "error", "message": "FATAL: password authentication failed"}

    def _get_database_id_metadata(self, number: int, **_: Any) -> Json:
        return self._shown_database(_there(self.databases, number))

    def _put_table_id(self, number: int, body: Json, **_: Any) -> Json:
        for database in self.databases.values():
            for table in database["tables"]:
                if table["id"] == number:
                    table.update(body)
                    return dict(table)
        raise Refusal(404, "Not found.")

    def _put_field_id(self, number: int, body: Json, **_: Any) -> Json:
        for database in self.databases.values():
            for table in database["tables"]:
                for column in table["fields"]:
                    if column["id"] == number:
                        column.update(body)
                        return dict(column)
        raise Refusal(404, "Not found.")

    # -- collections

    def _get_collection(self, query: Mapping[str, str], **_: Any) -> list[Json]:
        wanted = query.get("archived") == "true"
        root: Json = {"id": "root", "name": "Our analytics"}
        found = [dict(one) for one in self.collections.values() if one["archived"] == wanted]
        return found if wanted else [root, *found]

    def _post_collection(self, body: Json, **_: Any) -> Json:
        number = next(self._ids)
        parent = body.get("parent_id")
        if parent is not None:
            _there(self.collections, parent)
        location = "/" if parent is None else f"{self.collections[parent]['location']}{parent}/"
        self.collections[number] = {
            "id": number,
            "name": body["name"],
            "description": body.get("description"),
            "location": location,
            "archived": False,
            "personal_owner_id": None,
        }
        for (group, shelf), level in list(self.shelves.items()):
            if shelf == ("root" if parent is None else str(parent)):
                self.shelves[group, str(number)] = level
        return dict(self.collections[number])

    def _put_collection_id(self, number: int, body: Json, **_: Any) -> Json:
        collection = _there(self.collections, number)
        if body.get("archived") and not collection["archived"]:
            for one in [*self.cards.values(), *self.dashboards.values()]:
                if one["collection_id"] == number:
                    one["archived"] = True
        if "parent_id" in body:
            collection["location"] = f"{self.collections[body['parent_id']]['location']}{body['parent_id']}/"
        collection.update({name: value for name, value in body.items() if name != "parent_id"})
        return dict(collection)

    def _get_collection_graph(self, **_: Any) -> Json:
        shelves = ["root", *(str(one) for one in self.collections if not self._is_personal(one))]
        groups = {
            str(group): {
                shelf: "write" if group == ADMINISTRATORS else self.shelves.get((group, shelf), "none")
                for shelf in shelves
            }
            for group in self.groups
        }
        return {"revision": self.shelf_revision, "groups": groups}

    def _put_collection_graph(self, body: Json, **_: Any) -> Json:
        if body["revision"] != self.shelf_revision:
            raise Refusal(409, "Looks like someone else edited the permissions and your data is out of date.")
        for group, shelves in body["groups"].items():
            for shelf, level in shelves.items():
                _there(self.groups, int(group))
                if shelf != "root":
                    _there(self.collections, int(shelf))
                    if self._is_personal(int(shelf)):
                        raise Refusal(400, "You cannot edit permissions for a Personal Collection or its descendants.")
                self.shelves[int(group), shelf] = level
        self.shelf_revision += 1
        return self._get_collection_graph()

    def _get_collection_id_items(self, number: int, query: Mapping[str, str], **_: Any) -> Json:
        _there(self.collections, number)
        kinds = {"card": self.cards, "dashboard": self.dashboards}
        found = [
            {"model": kind, **{name: one.get(name) for name in ("id", "name", "description", "entity_id")}}
            for kind, all_of_them in kinds.items()
            for one in all_of_them.values()
            if one["collection_id"] == number and not one["archived"] and query.get("models", kind) == kind
        ]
        start, size = int(query.get("offset", 0)), int(query.get("limit", 50))
        return {"data": found[start : start + size], "total": len(found), "limit": size, "offset": start}

    # -- cards

    def _post_card(self, body: Json, **_: Any) -> Json:
        _there(self.databases, body["dataset_query"]["database"])
        if any(one["entity_id"] == body.get("entity_id") for one in self.cards.values()):
            raise Refusal(500, {"message": "duplicate key value violates unique constraint report_card_entity_id_key"})
        number = next(self._ids)
        self.cards[number] = {"id": number, "archived": False, "collection_id": None, "type": "question", **body}
        return self._shown_card(self.cards[number])

    def _shown_card(self, card: Json) -> Json:
        """As legacy queries are given back: with what the server adds by itself."""
        native = card["dataset_query"]["native"]
        tags = {name: {"required": False, **tag} for name, tag in native["template-tags"].items()}
        query = {**card["dataset_query"], "native": {**native, "template-tags": tags}}
        settings = {"table.pivot": False, **card["visualization_settings"]}
        return {**card, "dataset_query": query, "visualization_settings": settings, "enable_embedding": False}

    def _card_by_entity(self, entity: str) -> Json:
        for card in self.cards.values():
            if card["entity_id"] == entity:
                return self._shown_card(card)
        raise Refusal(404, "Not found.")

    def _get_card(self, query: Mapping[str, str], **_: Any) -> list[Json]:
        database = int(query["model_id"])
        return [
            self._shown_card(one)
            for one in self.cards.values()
            if one["dataset_query"]["database"] == database and not one["archived"]
        ]

    def _get_card_id(self, number: int, **_: Any) -> Json:
        return self._shown_card(_there(self.cards, number))

    def _put_card_id(self, number: int, body: Json, **_: Any) -> Json:
        card = _there(self.cards, number)
        if "dataset_query" in body:
            _there(self.databases, body["dataset_query"]["database"])
        if body.get("collection_id") is not None:
            _there(self.collections, body["collection_id"])
        card.update(body)
        return self._shown_card(card)

    # -- dashboards

    def _post_dashboard(self, body: Json, **_: Any) -> Json:
        number = next(self._ids)
        kept: Json = {"description": None, "collection_id": None, "parameters": [], "width": "fixed", **body}
        self.dashboards[number] = {"id": number, "archived": False, "dashcards": [], **kept}
        return dict(self.dashboards[number])

    def _get_dashboard_id(self, number: int, **_: Any) -> Json:
        return json.loads(json.dumps(_there(self.dashboards, number)))  # type: ignore[no-any-return]

    def _put_dashboard_id(self, number: int, body: Json, **_: Any) -> Json:
        dashboard = _there(self.dashboards, number)
        if "dashcards" in body:
            if len({one["id"] for one in body["dashcards"]}) != len(body["dashcards"]):
                raise Refusal(400, {"errors": {"dashcards": "value must be seq of maps in which ids are unique"}})
            there = {one["id"] for one in dashboard["dashcards"]}
            kept = []
            for one in body["dashcards"]:
                if one["card_id"] is not None and _there(self.cards, one["card_id"])["archived"]:
                    raise Refusal(404, "The object has been archived.")
                # A click leads to a dashboard and a filter that are there.
                for click in _clicks(one["visualization_settings"]):
                    target = _there(self.dashboards, click["targetId"])
                    known = {parameter["id"] for parameter in target["parameters"]}
                    unknown = set(click["parameterMapping"]) - known
                    if unknown:
                        raise Refusal(400, {"message": f"no filter {sorted(unknown)} in dashboard {target['name']}"})
                kept.append({**one, "id": one["id"] if one["id"] in there else next(self._ids)})
            dashboard["dashcards"] = kept
        dashboard.update({name: value for name, value in body.items() if name != "dashcards"})
        return self._get_dashboard_id(number)


def _clicks(settings: Json) -> list[Json]:
    inner = list(settings.get("column_settings", {}).values())
    return [one["click_behavior"] for one in [settings, *inner] if "click_behavior" in one]


def _there(stored: Mapping[int, Any], number: int) -> Any:
    if number not in stored:
        raise Refusal(404, "Not found.")
    return stored[number]


class _Wire(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, metabase: Metabase) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.metabase = metabase

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Who has hung up is no error here: tests of time limits do it. Everything else is printed."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Wire

    def _respond(self) -> None:
        metabase = self.server.metabase
        address = urlsplit(self.path)
        path = address.path.rstrip("/")
        content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            if self.headers.get("x-api-key") != metabase.key:
                raise Refusal(401, "Unauthenticated")
            body = json.loads(content) if content else None
            metabase.seen.append(Seen(self.command, path, body))
            self._send(200, metabase.answer(self.command, path, dict(parse_qsl(address.query)), body))
        except Refusal as refusal:
            self._send(refusal.status, refusal.said)

    def _send(self, status: int, said: Any) -> None:
        content = said.encode() if isinstance(said, str) else b"" if said is None else json.dumps(said).encode()
        self.send_response(204 if status == 200 and said is None else status)
        self.send_header("Content-Type", "text/plain" if isinstance(said, str) else "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_DELETE = _respond

    def log_message(self, format: str, *args: object) -> None:
        """Requests are remembered, not printed."""


@contextmanager
def serving(metabase: Metabase) -> Iterator[str]:
    """Its address, for as long as the context lasts."""
    wire = _Wire(metabase)
    thread = threading.Thread(target=wire.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{wire.server_port}"
    finally:
        wire.shutdown()
        wire.server_close()
