"""Brings a Metabase to what it should hold: makes, changes and takes away only what differs, in an order that is safe.

Belongs here: the order of steps, and what is said of each. Not here: what is wanted (`wanted.py`), or reading what is
there (`state.py`).

The order is about who could see what in between:

1. who lost their login loses their group, connection and collection first;
2. a new connection is closed to everybody in the same breath, because Metabase opens it to all; if that fails, it is
   taken away again;
3. strangers leave a viewer's group before it may see anything, and permissions are set before there is content; people
   come in last, and only those that the operator has admitted: an account's e-mail proves nothing.

Whatever breaks off leaves nothing open, and the same command goes on from there.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from orchestration.bi.metabase.client import Client
from orchestration.bi.metabase.errors import ConflictError, MetabaseError, RefusedError
from orchestration.bi.metabase.state import (
    differs,
    our_boards,
    our_cards,
    read_card,
    read_cards_asked_of,
    read_items,
    read_state,
)
from orchestration.bi.metabase.wanted import (
    Audience,
    Connection,
    Content,
    board_body,
    card_body,
    dashcards_body,
    database_body,
    entity_id,
    group_name,
    shelf_body,
    top_shelf_body,
)
from orchestration.serving.postgres.names import Roles

Json = dict[str, Any]

# Descriptions of a table and of its columns, by table.
Descriptions = Mapping[str, tuple[str, Mapping[str, str]]]

_CONFLICTS = 3
_LOOK_AGAIN_SECONDS = 0.5
# More groups than that are counted, not named.
_NAMED = 3
# Of a moment like 2026-01-05T08:00:00Z, the day.
_DAY = 10
_SCHEMA = "marts"
# What charts and places are drawn with and what a click does: what is there of these and not wanted is taken out.
_SETTINGS_OF_OURS = frozenset(
    {"click_behavior", "column_settings", "graph.dimensions", "graph.metrics", "series_settings"}
)


class Queries(StrEnum):
    """What people may ask of their own connection besides looking at dashboards."""

    NO = "no"
    BUILDER = "query-builder"
    NATIVE = "query-builder-and-native"


@dataclass(frozen=True)
class Order:
    """What is to be done. `people` have a login now, `chosen` are those whose content is brought up to date.

    `is_by_name` says that somebody asked for just these: then it is a problem where one has no password.
    """

    people: tuple[Audience, ...]
    chosen: tuple[Audience, ...]
    connection: Connection
    content: Content
    roles: Roles
    passwords: Mapping[str, str] = field(repr=False)
    descriptions: Descriptions = field(default_factory=dict, repr=False)
    queries: Queries = Queries.NO
    is_by_name: bool = False
    # E-mails of viewers whose account in Metabase the operator has looked at.
    admit: frozenset[str] = frozenset()
    dry_run: bool = False
    wait_for_tables_seconds: float = 60.0


@dataclass
class Outcome:
    """What was done (or would be), what is worth knowing, and what keeps somebody from their dashboards."""

    changes: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def provision(client: Client, order: Order, say: Callable[[str], None] = lambda _line: None) -> Outcome:
    """Do it. `say` is told of every change before it is made. Raises MetabaseError; running it again is always safe."""
    return _Provisioner(client, order, say).run()


class _Provisioner:
    """One run. Objects that a dry run would make have ids below zero, and nothing is asked about them."""

    def __init__(self, client: Client, order: Order, say: Callable[[str], None]) -> None:
        self._client = client
        self._order = order
        self._say = say
        self._outcome = Outcome()
        self._language = order.content.language
        self._state = read_state(client, order.roles.prefix, order.roles.login(""))
        self._made = 0
        admitted = {one.login: self._state.admitted(one.login, one.email) for one in order.people}
        self._admitted = {login: account for login, account in admitted.items() if account is not None}

    def run(self) -> Outcome:
        """All steps, in order."""
        self._take_away()
        ready = [one for one in self._order.chosen if self._can_connect(one)]
        self._admit(ready)
        top = self._top_shelf() if ready else None
        for audience in ready:
            self._group(audience)
        self._strangers_out()
        # A new group may begin with rights on what is there.
        self._data_permissions()
        for audience in ready:
            self._database(audience)
            self._shelf(audience, top)
        self._data_permissions()
        self._shelf_permissions()
        self._members_in(ready)
        for audience in ready:
            self._content(audience)
        self._look_for_copies()
        self._look_for_places_of_copies()
        # Metabase looks at the tables of all new connections meanwhile; it is waited for once.
        deadline = time.monotonic() + self._order.wait_for_tables_seconds
        for audience in ready:
            self._describe(audience, deadline)
        return self._outcome

    # -- doing -------------------------------------------------------------------------------------------------

    def _change(self, line: str) -> bool:
        """Say what comes next; whether to do it."""
        self._outcome.changes.append(line)
        self._say(line)
        return not self._order.dry_run

    def _make(self, line: str, path: str, body: Json) -> Json:
        if self._change(line):
            made: Json = self._client.post(path, body)
            return made
        self._made -= 1
        return {**body, "id": self._made}

    def _put(self, line: str, path: str, body: Json) -> None:
        if self._change(line):
            self._client.put(path, body)

    # -- who is gone ---------------------------------------------------------------------------------------------

    def _take_away(self) -> None:
        known = {one.login for one in self._order.people}
        for login in sorted(self._state.logins - known):
            audience = self._state.audience(login)
            database = self._state.databases.get(login)
            if database is not None and not self._order.connection.is_of(database["details"]):
                self._outcome.notes.append(
                    f"{audience.name} leads to another database and is not touched; one Metabase serves one published "
                    "database for each KPI_POSTGRES_ROLE_PREFIX"
                )
                for kind in (self._state.groups, self._state.databases, self._state.shelves):
                    kind.pop(login, None)
                self._state.other_databases[database["id"]] = database["name"]
                continue
            gone = f"{audience.email} has no login any more ({login})"
            group = self._state.groups.pop(login, None)
            if group is not None:
                if self._change(f"{gone}: remove the group"):
                    self._client.delete(f"/api/permissions/group/{group['id']}")
                self._state.group_names.pop(group["id"])
                self._state.memberships = [one for one in self._state.memberships if one[2] != group["id"]]
            shelf = self._state.shelves.pop(login, None)
            if shelf is not None:
                self._put(f"{gone}: archive the collection", f"/api/collection/{shelf['id']}", {"archived": True})
            database = self._state.databases.pop(login, None)
            if database is not None and self._change(f"{gone}: remove the connection, and every question asked of it"):
                self._client.delete(f"/api/database/{database['id']}")

    # -- what an audience has ------------------------------------------------------------------------------------

    def _can_connect(self, audience: Audience) -> bool:
        """Whether there is a connection, or a password for one. Says what to do where there is neither."""
        if audience.login in self._state.databases or audience.login in self._order.passwords:
            return True
        missing = (
            f"{audience.email} has no connection yet, and no password for one was given: `kpi access password --viewer "
            f"{audience.email} --into FILE`, then this again with --passwords FILE"
        )
        (self._outcome.problems if self._order.is_by_name else self._outcome.notes).append(missing)
        return False

    def _top_shelf(self) -> Json:
        wanted = top_shelf_body(self._order.roles.prefix, self._language)
        there = self._state.top
        if there is None:
            there = self._make(f"collection {wanted['name']}: make it", "/api/collection", wanted)
            self._state.top = there
            # Before anything is put in: collections inside begin with its permissions.
            self._shelf_permissions()
        elif differs(wanted, there):
            self._put(f"collection {there['name']}: change its words", f"/api/collection/{there['id']}", wanted)
        return there

    def _group(self, audience: Audience) -> None:
        there = self._state.groups.get(audience.login)
        account = self._admitted.get(audience.login)
        wanted = group_name(audience, account)
        if there is None:
            there = self._make(f"group {wanted}: make it", "/api/permissions/group", {"name": wanted})
            self._state.groups[audience.login] = there
        elif there["name"] != wanted:
            self._put(
                f"group {there['name']}: rename it to {wanted}",
                f"/api/permissions/group/{there['id']}",
                {"name": wanted},
            )
        self._state.group_names[there["id"]] = audience.name

    def _database(self, audience: Audience) -> None:
        there = self._state.databases.get(audience.login)
        if there is None:
            self._new_database(audience)
            return
        path = f"/api/database/{there['id']}"
        if there["name"] != audience.name:
            self._put(f"connection {there['name']}: rename it to {audience.name}", path, {"name": audience.name})
        wanted = self._order.connection.details(audience.login)
        if not wanted["ssl"]:
            # It encrypts where the server can, and stores that.
            del wanted["ssl"]
        password = self._order.passwords.get(audience.login)
        works = self._client.get(f"{path}/healthcheck").get("status") == "ok"
        if differs(wanted, there["details"]):
            body = {"details": {**there["details"], **wanted}}
            if password is not None and not works:
                body["details"]["password"] = password
            self._put(f"connection {audience.name}: lead it to {wanted['host']}:{wanted['port']}", path, body)
        elif works:
            return
        elif password is not None:
            body = {"details": {**there["details"], **wanted, "password": password}}
            self._put_database(audience, path, body)
        else:
            self._outcome.problems.append(
                f"the connection of {audience.email} does not work; if the password was changed: `kpi access password "
                f"--viewer {audience.email} --into FILE`, then this again with --passwords FILE"
            )

    def _put_database(self, audience: Audience, path: str, body: Json) -> None:
        if not self._change(f"connection {audience.name}: it does not work, give it the password of the file"):
            return
        try:
            self._client.put(path, body)
        except RefusedError as error:
            raise _cannot_log_in(audience, self._order.connection, error) from error

    def _new_database(self, audience: Audience) -> None:
        line = f"connection {audience.name}: make it, for nobody but this group"
        body = database_body(audience, self._order.connection, self._order.passwords[audience.login])
        try:
            made = self._make(line, "/api/database", body)
        except RefusedError as error:
            raise _cannot_log_in(audience, self._order.connection, error) from error
        self._state.databases[audience.login] = made
        if self._order.dry_run:
            return
        try:
            self._data_permissions()
        except BaseException as error:
            # Metabase has just opened it to everybody. Better none than one that is open.
            self._remove_open(audience, made, error)
            raise

    def _remove_open(self, audience: Audience, made: Json, reason: BaseException) -> None:
        """Take a new connection away that could not be closed; says so where that is a person's to know."""
        try:
            self._client.delete(f"/api/database/{made['id']}")
        except MetabaseError as error:
            raise MetabaseError(
                f"the new connection {audience.name} is open to everybody in Metabase: it could neither be closed "
                f"({reason}) nor be removed ({error}). Remove it there now, under Admin settings > Databases"
            ) from reason
        if isinstance(reason, MetabaseError):
            raise MetabaseError(
                f"{reason}. The new connection {audience.name} could not be closed to others, and was removed again"
            ) from reason

    def _shelf(self, audience: Audience, top: Json | None) -> None:
        wanted = shelf_body(audience, self._language)
        there = self._state.shelves.get(audience.login)
        if there is None:
            assert top is not None
            body = {**wanted, "parent_id": top["id"]}
            there = self._make(f"collection {audience.shelf}: make it", "/api/collection", body)
            self._state.shelves[audience.login] = there
        elif differs(wanted, there):
            self._put(f"collection {there['name']}: change its words", f"/api/collection/{there['id']}", wanted)

    # -- who may do what -----------------------------------------------------------------------------------------

    def _data_permissions(self) -> None:
        """On a viewer's connection nobody but that viewer's group; and that group nowhere else."""
        self._graph("/api/permissions/graph", self._data_changes)

    def _shelf_permissions(self) -> None:
        """The same for collections. That of all audiences is closed, so that what is made in it begins closed."""
        self._graph("/api/collection/graph", self._shelf_changes)

    def _graph(self, path: str, changes: Callable[[Json], dict[str, Json]]) -> None:
        for attempt in range(_CONFLICTS):
            graph: Json = self._client.get(path)
            groups = changes(graph["groups"])
            if not groups:
                return
            for line in self._permission_lines(path, groups) if attempt == 0 else ():
                self._change(line)
            if self._order.dry_run:
                return
            try:
                self._client.put(path, {"revision": graph["revision"], "groups": groups})
            except ConflictError:
                # Somebody else was quicker; what they did is read before the next try.
                if attempt == _CONFLICTS - 1:
                    raise
            else:
                return

    def _data_changes(self, there: Json) -> dict[str, Json]:
        changes: dict[str, Json] = {}
        groups = {one["id"]: login for login, one in self._state.groups.items()}
        ours = {one["id"]: login for login, one in self._state.databases.items()}
        for database in [*ours, *self._state.other_databases]:
            for group in self._state.group_names:
                is_own = database in ours and groups.get(group) == ours[database]
                if database not in ours and group not in groups:
                    # Neither the connection nor the group is ours.
                    continue
                wanted = self._order.queries if is_own else Queries.NO
                now = there.get(str(group), {}).get(str(database), {})
                change: Json = {}
                if now.get("create-queries", Queries.NO) != wanted:
                    change["create-queries"] = str(wanted)
                if is_own and now.get("view-data") != "unrestricted":
                    change["view-data"] = "unrestricted"
                if change:
                    changes.setdefault(str(group), {})[str(database)] = change
        return changes

    def _shelf_changes(self, there: Json) -> dict[str, Json]:
        changes: dict[str, Json] = {}
        groups = {one["id"]: login for login, one in self._state.groups.items()}
        ours = {one["id"]: login for login, one in self._state.shelves.items()}
        shelves = [*([] if self._state.top is None else [self._state.top["id"]]), *ours]
        for shelf in shelves:
            for group in self._state.group_names:
                is_own = shelf in ours and groups.get(group) == ours[shelf]
                wanted = "read" if is_own else "none"
                if there.get(str(group), {}).get(str(shelf), "none") != wanted:
                    changes.setdefault(str(group), {})[str(shelf)] = wanted
        return changes

    def _permission_lines(self, path: str, groups: Mapping[str, Json]) -> Iterable[str]:
        """What a graph's change means, by connection or collection: who may and who may not any more."""
        if path == "/api/permissions/graph":
            names = {one["id"]: one["name"] for one in self._state.databases.values()} | self._state.other_databases
            kind, closed = "connection", str(Queries.NO)
        else:
            tops = [] if self._state.top is None else [self._state.top]
            names = {one["id"]: one["name"] for one in [*self._state.shelves.values(), *tops]}
            kind, closed = "collection", "none"
        opened: dict[str, list[str]] = {}
        shut: dict[str, list[str]] = {}
        for group, changed in groups.items():
            for number, level in changed.items():
                says = level if kind == "collection" else level.get("create-queries", level.get("view-data"))
                who = self._state.group_names[int(group)]
                what = f"{kind} {names[int(number)]}"
                if says == closed:
                    shut.setdefault(what, []).append(who)
                else:
                    opened.setdefault(what, []).append(f"open to {who} ({says})")
        return [
            f"{what}: {', '.join([*opened.get(what, []), *_closed_to(shut.get(what, []))])}"
            for what in dict.fromkeys([*opened, *shut])
        ]

    def _strangers_out(self) -> None:
        owners = {one["id"]: self._owner(login) for login, one in self._state.groups.items()}
        kept = []
        for membership, user, group in self._state.memberships:
            owner = owners.get(group)
            if owner is None or self._admitted.get(owner.login) == user:
                kept.append((membership, user, group))
            elif self._change(f"group {owner.name}: {self._who(user)} was not admitted, take them out"):
                self._client.delete(f"/api/permissions/membership/{membership}")
        self._state.memberships = kept

    def _owner(self, login: str) -> Audience:
        return next((one for one in self._order.people if one.login == login), self._state.audience(login))

    def _who(self, account: int) -> str:
        """An account in words that an operator can check."""
        user = self._state.users.get(account)
        if user is None:
            return f"account {account}"
        made = str(user.get("date_joined") or "on an unknown day")[:_DAY]
        return f"{user.get('common_name') or 'without a name'} <{user['email']}> (account {account}, made {made})"

    def _admit(self, ready: Iterable[Audience]) -> None:
        """Take up whom the operator admits. Nobody else ever comes in: an e-mail is what its owner writes there."""
        by_email = {one.email.lower(): one for one in ready}
        for email in sorted(self._order.admit):
            audience = by_email.get(email)
            accounts = self._state.accounts(email)
            if audience is None:
                self._outcome.problems.append(f"{email} was not admitted: there are no dashboards to admit them to yet")
            elif len(accounts) != 1:
                self._outcome.problems.append(
                    f"{email} was not admitted: {len(accounts) or 'no'} active accounts in Metabase have this e-mail"
                )
            else:
                self._admitted[audience.login] = accounts[0]["id"]

    def _members_in(self, audiences: Iterable[Audience]) -> None:
        there = {(user, group) for _, user, group in self._state.memberships}
        for audience in audiences:
            account = self._admitted.get(audience.login)
            group = self._state.groups[audience.login]["id"]
            self._note_accounts(audience, account)
            if account in self._state.users and (account, group) not in there:
                body = {"group_id": group, "user_id": account, "is_group_manager": False}
                if self._change(f"group {audience.name}: put {self._who(account)} in"):
                    self._client.post("/api/permissions/membership", body)

    def _note_accounts(self, audience: Audience, account: int | None) -> None:
        """Who is not admitted and may be, and who is and looks like somebody else."""
        notes, email = self._outcome.notes, audience.email
        accounts = self._state.accounts(email)
        if account is None and not accounts:
            notes.append(f"{email} has no account in Metabase: make one with this e-mail, then run this again")
        for one in accounts:
            if one["id"] != account:
                notes.append(
                    f"{self._who(one['id'])} has the e-mail of a viewer and is not admitted; people can give "
                    f"themselves any e-mail. Once you know whose account it is: `kpi bi metabase --admit {email}`"
                )
        if account is None:
            return
        if account not in self._state.users:
            notes.append(f"account {account}, admitted for {email}, is deactivated or gone")
        elif str(self._state.users[account]["email"]).lower() != email.lower():
            notes.append(f"{self._who(account)} was admitted for {email}, stays so, and has another e-mail now")

    # -- where a viewer's rows may have been carried to ------------------------------------------------------------

    def _look_for_copies(self) -> None:
        """Cards on a viewer's connection that others may open: a saved card runs for whoever may open its place."""
        for login, database in self._state.databases.items():
            if database["id"] < 0:
                continue
            owner = self._owner(login)
            own = self._state.shelves.get(login, {}).get("id")
            for card in read_cards_asked_of(self._client, database["id"]):
                place = card.get("collection_id")
                if place not in self._state.personal and (place is None or place != own):
                    self._outcome.problems.append(
                        f"card {card['name']} ({self._client.address}/question/{card['id']}) is in "
                        f"{self._place_named(place)}: whoever may open that sees the rows of {owner.email}. Move it "
                        f"into the personal collection of {owner.email}, or delete it"
                    )

    def _look_for_places_of_copies(self) -> None:
        """Collections where people could put such copies, which is for an administrator to judge."""
        graph: Json = self._client.get("/api/collection/graph")["groups"]
        groups = {one["id"] for one in self._state.groups.values()}
        groups |= set() if self._state.all_users is None else {self._state.all_users}
        open_to: dict[str, list[str]] = {}
        for group in sorted(groups):
            for place, level in graph.get(str(group), {}).items():
                number = None if place == "root" else int(place)
                if level == "write" and number not in self._state.personal | self._closed:
                    open_to.setdefault(self._place_named(number), []).append(self._state.group_names[group])
        if open_to:
            places = "; ".join(f"{place} ({', '.join(names)})" for place, names in open_to.items())
            self._outcome.notes.append(
                "people who see only their own rows may put copies of their cards where others see them, and a copy "
                f"shows everybody its maker's rows: {places}. Let these groups look only, under Admin settings > "
                "Permissions > Collections; copies belong into personal collections"
            )

    @property
    def _closed(self) -> frozenset[int]:
        """Collections of ours, which every run closes by itself."""
        tops = [] if self._state.top is None else [self._state.top]
        return frozenset(one["id"] for one in [*self._state.shelves.values(), *tops])

    def _place_named(self, collection: int | None) -> str:
        if collection is None:
            return "the collection Our analytics"
        found = self._state.collections.get(collection)
        return f"the collection {collection}" if found is None else f"the collection {found['name']} ({collection})"

    # -- cards and dashboards ------------------------------------------------------------------------------------

    def _content(self, audience: Audience) -> None:
        shelf = self._state.shelves[audience.login]["id"]
        database = self._state.databases[audience.login]["id"]
        content = self._order.content
        cards = self._cards(audience, database, shelf)
        boards_there = our_boards(self._items(shelf, "dashboard"), audience.login)
        stored: dict[str, Json] = {}
        for board in content.boards:
            wanted = board_body(board, audience.login, cards, self._language)
            stored[board.key] = self._board(audience, boards_there.get(board.key), wanted, shelf)
        boards = {key: one["id"] for key, one in stored.items()}
        for board in content.boards:
            places = dashcards_body(board, cards, boards, self._language)
            self._place(audience, board.name, stored[board.key], places)
        self._put_away(audience, shelf, {entity_id(audience.login, key) for key in cards}, boards_there, boards)

    def _items(self, shelf: int, kind: str) -> list[Json]:
        return [] if shelf < 0 else read_items(self._client, shelf, kind)

    def _cards(self, audience: Audience, database: int, shelf: int) -> dict[str, int]:
        """The ids of an audience's cards by key, once all of them are as they should be."""
        bodies = {card.key: card_body(card, database, shelf, self._language) for card in self._order.content.cards}
        there = {key: read_card(self._client, entity_id(audience.login, key)) for key in bodies}
        ids = {key: int(one["id"]) for key, one in there.items() if one is not None}
        changed = [key for key, one in there.items() if one is not None and _card_differs(bodies[key], one)]
        new = [key for key, one in there.items() if one is None]
        if changed and self._change(f"{audience.email}: change {len(changed)} cards: {', '.join(changed)}"):
            for key in changed:
                self._client.put(f"/api/card/{ids[key]}", {**bodies[key], "archived": False})
        if not new:
            return ids
        if self._change(f"{audience.email}: make {len(new)} cards"):
            for key in new:
                own = {"entity_id": entity_id(audience.login, key), "type": "question"}
                ids[key] = int(self._client.post("/api/card", {**bodies[key], **own})["id"])
            return ids
        return ids | {key: -number for number, key in enumerate(new, 1)}

    def _board(self, audience: Audience, listed: Json | None, wanted: Json, shelf: int) -> Json:
        line = f"{audience.email}: dashboard {wanted['name']}"
        if listed is None:
            made = self._make(f"{line}: make it", "/api/dashboard", {**wanted, "collection_id": shelf})
            return {"dashcards": [], **made}
        there: Json = self._client.get(f"/api/dashboard/{listed['id']}")
        if differs(wanted, there):
            self._put(f"{line}: change its words or filters", f"/api/dashboard/{there['id']}", wanted)
        return there

    def _place(self, audience: Audience, name: str, stored: Json, wanted: Sequence[Json]) -> None:
        """Cards keep their places' ids, so that somebody looking at the dashboard meanwhile goes on looking."""
        there = {one.get("card_id"): one for one in stored["dashcards"]}
        numbered = [
            {"id": there[one["card_id"]]["id"] if one["card_id"] in there else -number, **one}
            for number, one in enumerate(wanted, 1)
        ]
        is_same = len(stored["dashcards"]) == len(numbered) and not any(
            one["card_id"] not in there or _place_differs(one, there[one["card_id"]]) for one in numbered
        )
        if not is_same:
            line = f"{audience.email}: dashboard {name}: place its {len(numbered)} cards"
            self._put(line, f"/api/dashboard/{stored['id']}", {"dashcards": numbered})

    def _put_away(
        self,
        audience: Audience,
        shelf: int,
        cards: set[str],
        boards_there: Mapping[str, Json],
        boards: Mapping[str, int],
    ) -> None:
        """Archive what was made here and is wanted no more; what people put there themselves stays."""
        for key, board in boards_there.items():
            if key not in boards:
                line = f"{audience.email}: dashboard {board['name']}: archive it, it is no longer declared"
                self._put(line, f"/api/dashboard/{board['id']}", {"archived": True})
        for entity, card in our_cards(self._items(shelf, "card")).items():
            if entity not in cards:
                line = f"{audience.email}: card {card['name']}: archive it, it is no longer declared"
                self._put(line, f"/api/card/{card['id']}", {"archived": True})

    # -- descriptions of tables and columns ----------------------------------------------------------------------

    def _describe(self, audience: Audience, deadline: float) -> None:
        database = self._state.databases[audience.login]["id"]
        if not self._order.descriptions or database < 0:
            return
        tables = self._tables(database, deadline)
        if not tables:
            self._outcome.notes.append(
                f"Metabase has not looked at the tables of {audience.email} yet; run this again for their descriptions"
            )
            return
        writes = list(self._undescribed(tables))
        if writes and self._change(f"{audience.email}: describe {len(writes)} tables and columns"):
            for path, text in writes:
                self._client.put(path, {"description": text})

    def _tables(self, database: int, deadline: float) -> list[Json]:
        """The published tables, once Metabase has looked at them; it does so by itself after a connection is made."""
        while True:
            found: Json = self._client.get(f"/api/database/{database}/metadata", include_hidden=True)
            tables = [one for one in found.get("tables", []) if one.get("schema") == _SCHEMA]
            if tables and found.get("initial_sync_status", "complete") == "complete":
                return tables
            if time.monotonic() > deadline:
                return []
            time.sleep(_LOOK_AGAIN_SECONDS)

    def _undescribed(self, tables: Iterable[Json]) -> Iterable[tuple[str, str]]:
        for table in tables:
            text, columns = self._order.descriptions.get(table["name"], ("", {}))
            if text and table.get("description") != text:
                yield f"/api/table/{table['id']}", text
            for column in table.get("fields", []):
                words = columns.get(column["name"], "")
                if words and column.get("description") != words:
                    yield f"/api/field/{column['id']}", words


def _closed_to(groups: Sequence[str]) -> list[str]:
    if len(groups) <= _NAMED:
        return [f"closed to {name}" for name in sorted(groups)]
    return [f"closed to {len(groups)} groups, among them {min(groups)}"]


def _card_differs(wanted: Json, there: Json) -> bool:
    plain = {name: value for name, value in wanted.items() if name != "visualization_settings"}
    tags = there.get("dataset_query", {}).get("native", {}).get("template-tags", {})
    return (
        bool(there.get("archived"))
        or differs(plain, there)
        or set(tags) != set(wanted["dataset_query"]["native"]["template-tags"])
        or _settings_differ(wanted["visualization_settings"], there.get("visualization_settings") or {})
    )


def _place_differs(wanted: Json, there: Json) -> bool:
    plain = {name: value for name, value in wanted.items() if name != "visualization_settings"}
    return differs(plain, there) or _settings_differ(
        wanted["visualization_settings"], there.get("visualization_settings") or {}
    )


def _settings_differ(wanted: Json, there: Json) -> bool:
    leftover = any(there.get(name) for name in _SETTINGS_OF_OURS - set(wanted))
    inner = wanted.get("column_settings", {}).keys() != (there.get("column_settings") or {}).keys()
    return leftover or inner or differs(wanted, there)


def _cannot_log_in(audience: Audience, connection: Connection, error: RefusedError) -> MetabaseError:
    return MetabaseError(
        f"Metabase cannot log in as {audience.email} ({audience.login}) at {connection.host}:{connection.port}: {error}"
        ". Either it does not reach that address (KPI_METABASE_POSTGRES_HOST), or the password of the file is not that "
        f"of the login any more (`kpi access password --viewer {audience.email} --into FILE`)"
    )
