"""What a Metabase holds now, as far as it concerns us.

Belongs here: reading, and recognising what is ours. Not here: what should be there (`wanted.py`), or changing it
(`provision.py`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from orchestration.bi.metabase.client import Client
from orchestration.bi.metabase.errors import MetabaseError, NotThereError
from orchestration.bi.metabase.wanted import Audience, account_named, audience_named, is_our_card, mark_of, top_mark

Json = dict[str, Any]

_PAGE = 200
# A collection's location is the ids of those it is in: /12/34/.
_PARTS = re.compile(r"[0-9]+")
_ADMINISTRATORS = "admin"
_EVERYBODY = "all-internal-users"


@dataclass
class State:
    """`groups`, `databases` and `shelves` are ours by login; the others are everybody's.

    `group_names` are all groups but Administrators, whom nothing can be taken from. `users` are active accounts by id.
    `collections` are all that are not archived, by id, and `personal` those that are somebody's own.
    """

    groups: dict[str, Json]
    databases: dict[str, Json]
    shelves: dict[str, Json]
    top: Json | None
    group_names: dict[int, str]
    other_databases: dict[int, str]
    users: dict[int, Json]
    memberships: list[tuple[int, int, int]]
    all_users: int | None
    collections: dict[int, Json]
    personal: frozenset[int]

    @property
    def logins(self) -> set[str]:
        """Everybody for whom something of ours is there."""
        return {*self.groups, *self.databases, *self.shelves}

    def admitted(self, login: str, email: str) -> int | None:
        """The account that was admitted for this e-mail; with another e-mail the login is another question."""
        group = self.groups.get(login)
        named = None if group is None else audience_named(group["name"])
        if group is None or named is None or named.email.lower() != email.lower():
            return None
        return account_named(group["name"])

    def accounts(self, email: str) -> list[Json]:
        """Who calls themselves that in Metabase, which lets everybody change their own e-mail unverified."""
        return [one for one in self.users.values() if str(one["email"]).lower() == email.lower()]

    def audience(self, login: str) -> Audience:
        """Whose it is, by what is there of it."""
        for kind in (self.groups, self.databases):
            found = audience_named(kind[login]["name"]) if login in kind else None
            if found is not None:
                return found
        return Audience(str(self.shelves[login]["name"]).removeprefix("KPI "), login)


def read_state(client: Client, prefix: str, login_prefix: str) -> State:
    """Everything but the content of collections."""
    groups = _listed(client.get("/api/permissions/group"))
    administrators = [group for group in groups if group.get("magic_group_type") == _ADMINISTRATORS]
    if len(administrators) != 1:
        raise MetabaseError(
            f"{client.address} does not say which group is that of its administrators; permissions were not touched"
        )
    databases = _listed(client.get("/api/database"))
    shelves = [one for one in _listed(client.get("/api/collection", archived=False)) if isinstance(one["id"], int)]
    personal = _personal(shelves)
    by_mark: dict[str, Json] = {}
    for one in shelves:
        mark = mark_of(one.get("description"))
        # Anybody may write anything into a collection of their own, and nobody can be shut out of it.
        if mark is None or one["id"] in personal:
            continue
        if mark in by_mark and mark.startswith((login_prefix, top_mark(prefix))):
            raise MetabaseError(
                f"two collections of {client.address} have the mark [{mark}] at the end of their description: "
                f"{by_mark[mark]['name']} ({by_mark[mark]['id']}) and {one['name']} ({one['id']}). Take it out of the "
                "one that was not made by this command; nothing was changed"
            )
        by_mark[mark] = one
    ours = {number: one for one in databases if (number := _login(one["name"], login_prefix)) is not None}
    memberships = client.get("/api/permissions/membership")
    return State(
        groups={login: one for one in groups if (login := _login(one["name"], login_prefix)) is not None},
        databases=ours,
        shelves={mark: one for mark, one in by_mark.items() if mark.startswith(login_prefix) and "/" not in mark},
        top=by_mark.get(top_mark(prefix)),
        group_names={one["id"]: one["name"] for one in groups if one["id"] != administrators[0]["id"]},
        other_databases={one["id"]: one["name"] for one in databases if _login(one["name"], login_prefix) is None},
        users={one["id"]: one for one in _pages(client, "/api/user")},
        memberships=[
            (one["membership_id"], int(user), one["group_id"]) for user, all_of in memberships.items() for one in all_of
        ],
        all_users=next((one["id"] for one in groups if one.get("magic_group_type") == _EVERYBODY), None),
        collections={one["id"]: one for one in shelves},
        personal=personal,
    )


def read_items(client: Client, shelf: int, kind: str) -> list[Json]:
    """The cards or dashboards of a collection, without what is in them."""
    return list(_pages(client, f"/api/collection/{shelf}/items", models=kind))


def read_card(client: Client, entity: str) -> Json | None:
    """A card by its own id, archived or not, wherever it is; None where there is none."""
    try:
        card: Json = client.get(f"/api/card/{entity}", **{"legacy-mbql": True})
    except NotThereError:
        return None
    return card


def read_cards_asked_of(client: Client, database: int) -> list[Json]:
    """Every card on a connection, in whichever collection; without those in the trash."""
    return _listed(client.get("/api/card", f="database", model_id=database))


def our_cards(items: list[Json]) -> dict[str, Json]:
    """Those made here, by their own id."""
    return {one["entity_id"]: one for one in items if is_our_card(one.get("entity_id"))}


def our_boards(items: list[Json], login: str) -> dict[str, Json]:
    """An audience's dashboards made here, by key."""
    marked = {mark: one for one in items if (mark := mark_of(one.get("description"))) is not None}
    return {mark.removeprefix(f"{login}/"): one for mark, one in marked.items() if mark.startswith(f"{login}/")}


def differs(wanted: Any, there: Any) -> bool:
    """Whether something wanted is not there. What a server adds by itself is no difference; a list must be the same."""
    if isinstance(wanted, Mapping):
        return not isinstance(there, Mapping) or any(differs(value, there.get(key)) for key, value in wanted.items())
    if isinstance(wanted, list):
        return (
            not isinstance(there, list)
            or len(wanted) != len(there)
            or any(differs(*pair) for pair in zip(wanted, there, strict=True))
        )
    return bool(wanted != there)


def _login(name: object, login_prefix: str) -> str | None:
    found = audience_named(name) if isinstance(name, str) else None
    return found.login if found is not None and found.login.startswith(login_prefix) else None


def _personal(shelves: list[Json]) -> frozenset[int]:
    """People's own collections, and those inside them."""
    own = {one["id"] for one in shelves if one.get("personal_owner_id") is not None}
    return frozenset(
        one["id"]
        for one in shelves
        if one["id"] in own or any(part in own for part in map(int, _PARTS.findall(str(one.get("location") or ""))))
    )


def _listed(answer: Any) -> list[Json]:
    """Some lists come bare, others with their length."""
    found: list[Json] = answer["data"] if isinstance(answer, dict) else answer
    return found


def _pages(client: Client, path: str, **parameters: str) -> Iterator[Json]:
    start = 0
    while True:
        answer = client.get(path, limit=_PAGE, offset=start, **parameters)
        yield from answer["data"]
        start += len(answer["data"])
        if not answer["data"] or start >= answer["total"]:
            return
