"""A running Superset: taking a bundle, and giving everybody a role of their own.

Belongs here: the few requests this needs. Not here: what is in a bundle (`bundle`), whom it is for (`audiences`).

A role opens one person's connection, and with it the datasets, charts and dashboards over it, and nothing else. Whoever
gets the role and Superset's own `Gamma` sees these dashboards only, and may look at the rows behind their charts.
Accounts are Superset's: it may have its own way of letting people in.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

import httpx

from orchestration.bi.superset.bundle import Server, database_file
from orchestration.bi.superset.errors import SupersetError
from orchestration.bi.superset.names import Audience, is_title, role_named

# Drill to detail, which Gamma does not have. It asks for the right to the dataset as well.
_DRILL = ("can_samples", "Datasource")
_PAGE = 100
_SHOWN = 500
# An import asks PostgreSQL for its schemas, once for every connection.
_TIMEOUT_SECONDS = 300
_THIS_MACHINE = frozenset({"127.0.0.1", "localhost", "::1"})


@dataclass(frozen=True)
class Account:
    """Who talks to Superset: an administrator. Its text shows no password, wherever it is printed."""

    name: str
    password: str

    def __repr__(self) -> str:
        return f"Account({self.name})"


@dataclass(frozen=True)
class Left:
    """A connection of ours in Superset that is nobody's any more, and what became of it."""

    connection: str
    what: str
    is_problem: bool = False


class Superset:
    """A session as an administrator."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client

    def take(self, bundle: bytes, passwords: Mapping[Audience, str]) -> None:
        """Import a bundle, over what is there of the same names. Superset keeps a connection's password until it is
        given another one."""
        given = {database_file(audience): password for audience, password in passwords.items()}
        self._ask(
            "POST",
            "/api/v1/assets/import/",
            files={"bundle": ("kpi.zip", bundle, "application/zip")},
            data={"passwords": json.dumps(given)},
        )

    def open_to(self, people: Sequence[Audience]) -> None:
        """Make or repair the role of each: one connection, and the rows behind its charts."""
        permissions = self._permissions()
        databases = {database["uuid"]: database for database in self._all("database")}
        roles = {role["name"]: int(role["id"]) for role in self._all("security/roles")}
        for audience in people:
            database = databases.get(audience.uuid("database"))
            if database is None:
                raise SupersetError(f"Superset has no connection of {audience.email}: import the bundle first")
            wanted = (_access_to(database), _DRILL)
            missing = [" on ".join(name) for name in wanted if name not in permissions]
            if missing:
                raise SupersetError(f"Superset has no permission {', '.join(missing)}; `superset init` makes it")
            role = roles.get(audience.role)
            if role is None:
                role = int(self._ask("POST", "/api/v1/security/roles/", json={"name": audience.role})["id"])
            self._ask(
                "POST",
                f"/api/v1/security/roles/{role}/permissions",
                json={"permission_view_menu_ids": [permissions[name] for name in wanted]},
            )

    def close_what_is_nobodys(self, everyone: Sequence[Audience], server: Server, logins: str) -> Iterator[Left]:
        """Empty the role of every connection to `server` whose login and e-mail are not one person's any more.

        `logins` is how logins of this publication begin. The connection stays: its dashboards may be looked at by
        nobody but administrators.
        """
        known = {audience.uuid("database") for audience in everyone}
        others = [one for one in self._all("database") if one["uuid"] not in known and is_title(one["database_name"])]
        if not others:
            return
        permissions = self._permissions()
        roles = self._all("security/roles/search")
        for database in others:
            name = database["database_name"]
            try:
                answer = self._ask("GET", f"/api/v1/database/{database['id']}/connection")
                login, where = _login_and_place(answer["result"]["sqlalchemy_uri"])
                if not login.startswith(logins):
                    continue
                if where != _login_and_place(server.address(login))[1]:
                    yield Left(name, "leads to another database and is not touched")
                    continue
                yield from self._close(name, permissions.get(_access_to(database)), roles)
            except SupersetError as error:
                yield Left(name, str(error), is_problem=True)

    def _close(self, name: str, access: int | None, roles: Sequence[Mapping[str, Any]]) -> Iterator[Left]:
        for role in roles:
            if role["name"] == role_named(name):
                if self._empty(role):
                    yield Left(name, "is nobody's any more: its role has lost its permissions and users")
            elif access in role["permission_ids"]:
                # Made by hand: what else it opens is not known here.
                what = f"is nobody's any more, but the role {role['name']} opens it; take it away from that role"
                yield Left(name, what, is_problem=True)

    def _empty(self, role: Mapping[str, Any]) -> bool:
        """Take everything from a role; whether there was something."""
        path, changes = f"/api/v1/security/roles/{role['id']}", False
        if role["permission_ids"]:
            self._ask("POST", f"{path}/permissions", json={"permission_view_menu_ids": []})
            changes = True
        if role["user_ids"]:
            self._ask("PUT", f"{path}/users", json={"user_ids": []})
            changes = True
        if role["group_ids"]:
            self._ask("PUT", f"{path}/groups", json={"group_ids": []})
            changes = True
        return changes

    def _permissions(self) -> dict[tuple[str, str], int]:
        return {
            (permission["permission"]["name"], permission["view_menu"]["name"]): int(permission["id"])
            for permission in self._all("security/permissions-resources")
        }

    def _all(self, what: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        while True:
            query = f"(page:{len(found) // _PAGE},page_size:{_PAGE})"
            answer = self._ask("GET", f"/api/v1/{what}/", params={"q": query})
            found.extend(answer["result"])
            if len(answer["result"]) < _PAGE:
                return found

    def _ask(self, method: str, path: str, **given: Any) -> dict[str, Any]:
        try:
            return _good(self._client.request(method, path, **given))
        except httpx.HTTPError as error:
            raise SupersetError(f"{method} {path}: {str(error) or type(error).__name__}") from error


@contextmanager
def session(url: str, account: Account) -> Iterator[Superset]:
    """A session with a Superset. Raises SupersetError when it does not answer, or refuses, and for an address over
    which passwords would leave this machine in the clear."""
    address = _address(url)
    # A proxy of the environment would get to read what is not encrypted.
    is_encrypted = address.scheme == "https"
    try:
        with httpx.Client(base_url=address, timeout=_TIMEOUT_SECONDS, trust_env=is_encrypted) as client:
            given = {"username": account.name, "password": account.password, "provider": "db", "refresh": False}
            token = _good(client.post("/api/v1/security/login", json=given))["access_token"]
            client.headers["Authorization"] = f"Bearer {token}"
            # Writing needs a second token, against requests that another page forges.
            client.headers["X-CSRFToken"] = _good(client.get("/api/v1/security/csrf_token/"))["result"]
            client.headers["Referer"] = url
            yield Superset(client)
    except httpx.HTTPError as error:
        raise SupersetError(f"{url}: {str(error) or type(error).__name__}") from error


def _address(url: str) -> httpx.URL:
    try:
        address = httpx.URL(url.rstrip("/"))
    except httpx.InvalidURL as error:
        raise SupersetError(f"--into {url}: {error}") from error
    if address.userinfo or address.query or address.fragment:
        # Not repeated: there may be a password in it.
        raise SupersetError("--into has a user name or parameters in it; write https://superset.company.example")
    if address.scheme not in {"https", "http"} or not address.host:
        raise SupersetError(f"--into is like https://superset.company.example, not {url}")
    if address.scheme == "http" and address.host not in _THIS_MACHINE:
        raise SupersetError(
            f"{url} would send the administrator's and viewers' passwords in the clear; write https://{address.host}, "
            "or run this on the machine of Superset and write http://127.0.0.1:8088"
        )
    return address


def _access_to(database: Mapping[str, Any]) -> tuple[str, str]:
    return "database_access", f"[{database['database_name']}].(id:{database['id']})"


def _login_and_place(address: str) -> tuple[str, tuple[str | None, int | None, str]]:
    """Whose connection it is, and to which host, port and database."""
    parts = urlsplit(address)
    return unquote(parts.username or ""), (parts.hostname, parts.port, unquote(parts.path))


def _good(answer: httpx.Response) -> dict[str, Any]:
    if answer.is_success:
        try:
            body: dict[str, Any] = answer.json()
        except ValueError as error:
            raise SupersetError(f"{answer.request.url}: this is no answer of Superset's API") from error
        return body
    what = f"{answer.request.method} {answer.request.url}: {answer.status_code}"
    raise SupersetError(f"{what} {' '.join(answer.text.split())[:_SHOWN]}")
