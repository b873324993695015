"""A company on PostgreSQL, two people who see different rows of it, and a Superset; each started once."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from orchestration.bi.definition import Dashboard, read_dashboards
from orchestration.bi.queries import Dataset, datasets
from orchestration.bi.superset.audiences import audiences
from orchestration.bi.superset.bundle import database_file
from orchestration.bi.superset.make import import_into, write_bundle
from orchestration.bi.superset.names import Audience
from orchestration.bi.superset.server import Account
from orchestration.report.labels import Lang
from orchestration.serving.postgres.publish import publish_to
from orchestration.serving.postgres.target import Target
from tests.bi_live.superset import Api, Superset, User, running_superset
from tests.support.postgres import Server
from tests.support.postgres_company import Key, drop_database, keys_in, make_database

# The head of the North, who sees two teams, and somebody of a team in the South.
MANAGER = "huong.pham@congty.example"
SELLER = "chau.hoang@congty.example"
VIEWERS = (MANAGER, SELLER)
LANGUAGE = Lang.VI
KINDS = ("database", "dataset", "chart", "dashboard")


@dataclass(frozen=True)
class Company:
    """The published company: where it is, who may log in, and the publication it was made of."""

    target: Target
    passwords: Path
    publication: Path

    @property
    def keys(self) -> Mapping[str, Key]:
        """Logins and passwords by e-mail."""
        return keys_in(self.passwords)


@pytest.fixture(scope="session")
def company(
    postgres_server: Server, small_publication: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Company]:
    """All marts of the demo company on PostgreSQL, with a login per viewer."""
    folder = tmp_path_factory.mktemp("company")
    target = make_database(postgres_server, folder, "bi")
    publish_to(target, small_publication, passwords_path=folder / "keys.csv")
    yield Company(target, folder / "keys.csv", small_publication)
    drop_database(postgres_server, "bi")


@pytest.fixture(scope="session")
def superset(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Superset]:
    """A Superset with nothing in it."""
    with running_superset(tmp_path_factory.mktemp("superset")) as superset:
        yield superset


@dataclass(frozen=True)
class Imported:
    """A Superset with everybody's dashboards in it. `first` and `again` are how many objects there were after each
    import; `users` are people's accounts in Superset, each with Gamma and the own role."""

    superset: Superset
    people: Mapping[str, Audience]
    users: Mapping[str, User]
    first: Mapping[str, int]
    again: Mapping[str, int]


@pytest.fixture(scope="session")
def dashboards() -> tuple[Dashboard, ...]:
    """What was declared."""
    return read_dashboards()


@pytest.fixture(scope="session")
def declared_datasets(dashboards: tuple[Dashboard, ...]) -> Mapping[str, Dataset]:
    """The datasets of all charts."""
    return datasets(dashboards, LANGUAGE)


@pytest.fixture(scope="session")
def imported(superset: Superset, company: Company, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Imported]:
    """The bundle imported as a file with passwords beside it, then once more by the command, which gives none."""
    path = tmp_path_factory.mktemp("bundle") / "kpi.zip"
    people = {person.email: person for person in audiences(company.target, VIEWERS)}
    write_bundle(company.target, VIEWERS, LANGUAGE, path)
    admin = superset.log_in()
    given = {database_file(person): company.keys[email].password for email, person in people.items()}
    admin.post(
        "/api/v1/assets/import/",
        files={"bundle": ("kpi.zip", path.read_bytes(), "application/zip")},
        data={"passwords": json.dumps(given)},
    )
    first = _counted(admin)
    account = Account(superset.admin.name, superset.admin.password)
    steps = list(import_into(company.target, VIEWERS, LANGUAGE, superset.url, account, None))
    assert [(step.who, step.failed) for step in steps] == [(email, False) for email in sorted(VIEWERS)], steps
    roles = {role["name"]: role["id"] for role in admin.all_of("security/roles")}
    users = {email: _account(admin, email, [roles["Gamma"], roles[people[email].role]]) for email in VIEWERS}
    yield Imported(superset, people, users, first, _counted(admin))
    admin.close()


def _counted(admin: Api) -> dict[str, int]:
    return {kind: len(admin.all_of(kind)) for kind in KINDS}


def _account(admin: Api, email: str, roles: list[int]) -> User:
    user = User(email.partition("@")[0], secrets.token_urlsafe(16))
    names = {"username": user.name, "first_name": user.name, "last_name": "Test", "email": email}
    admin.post("/api/v1/security/users/", json={**names, "active": True, "password": user.password, "roles": roles})
    return user
