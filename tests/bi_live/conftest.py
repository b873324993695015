"""A company on PostgreSQL, two people who see different rows of it, and a Superset; each started once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from orchestration.serving.postgres.publish import publish_to
from orchestration.serving.postgres.target import Target
from tests.bi_live.superset import Superset, running_superset
from tests.support.postgres import Server
from tests.support.postgres_company import Key, drop_database, keys_in, make_database

# The head of the North, who sees two teams, and somebody of a team in the South.
MANAGER = "huong.pham@congty.example"
SELLER = "chau.hoang@congty.example"
VIEWERS = (MANAGER, SELLER)


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
