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

import httpx

from orchestration.bi.superset.bundle import database_file
from orchestration.bi.superset.errors import SupersetError
from orchestration.bi.superset.names import Audience

# Drill to detail, which Gamma does not have. It asks for the right to the dataset as well.
_DRILL = ("can_samples", "Datasource")
_PAGE = 100
_SHOWN = 500
# An import asks PostgreSQL for its schemas, once for every connection.
_TIMEOUT_SECONDS = 300


@dataclass(frozen=True)
class Account:
    """Who talks to Superset: an administrator. Its text shows no password, wherever it is printed."""

    name: str
    password: str

    def __repr__(self) -> str:
        return f"Account({self.name})"


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
        permissions = {
            (permission["permission"]["name"], permission["view_menu"]["name"]): int(permission["id"])
            for permission in self._all("security/permissions-resources")
        }
        databases = {database["uuid"]: database for database in self._all("database")}
        roles = {role["name"]: int(role["id"]) for role in self._all("security/roles")}
        for audience in people:
            database = databases.get(audience.uuid("database"))
            if database is None:
                raise SupersetError(f"Superset has no connection of {audience.email}: import the bundle first")
            wanted = (("database_access", f"[{database['database_name']}].(id:{database['id']})"), _DRILL)
            missing = [" on ".join(name) for name in wanted if name not in permissions]
            if missing:
                raise SupersetError(f"Superset has no permission {', '.join(missing)}; `superset init` makes it")
            role = roles.get(audience.title)
            if role is None:
                role = int(self._ask("POST", "/api/v1/security/roles/", json={"name": audience.title})["id"])
            self._ask(
                "POST",
                f"/api/v1/security/roles/{role}/permissions",
                json={"permission_view_menu_ids": [permissions[name] for name in wanted]},
            )

    def _all(self, what: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        while True:
            query = f"(page:{len(found) // _PAGE},page_size:{_PAGE})"
            answer = self._ask("GET", f"/api/v1/{what}/", params={"q": query})
            found.extend(answer["result"])
            if len(answer["result"]) < _PAGE:
                return found

    def _ask(self, method: str, path: str, **given: Any) -> dict[str, Any]:
        return _good(self._client.request(method, path, **given))


@contextmanager
def session(url: str, account: Account) -> Iterator[Superset]:
    """A session with a Superset. Raises SupersetError when it does not answer, or refuses."""
    try:
        with httpx.Client(base_url=url.rstrip("/"), timeout=_TIMEOUT_SECONDS) as client:
            given = {"username": account.name, "password": account.password, "provider": "db", "refresh": False}
            token = _good(client.post("/api/v1/security/login", json=given))["access_token"]
            client.headers["Authorization"] = f"Bearer {token}"
            # Writing needs a second token, against requests that another page forges.
            client.headers["X-CSRFToken"] = _good(client.get("/api/v1/security/csrf_token/"))["result"]
            client.headers["Referer"] = url
            yield Superset(client)
    except httpx.HTTPError as error:
        raise SupersetError(f"{url}: {str(error) or type(error).__name__}") from error


def _good(answer: httpx.Response) -> dict[str, Any]:
    if answer.is_success:
        try:
            body: dict[str, Any] = answer.json()
        except ValueError as error:
            raise SupersetError(f"{answer.request.url}: this is no answer of Superset's API") from error
        return body
    what = f"{answer.request.method} {answer.request.url}: {answer.status_code}"
    raise SupersetError(f"{what} {' '.join(answer.text.split())[:_SHOWN]}")
