"""The demo company published to a test server, and smaller or changed copies of it.

Belongs here: making databases as an operator does, changing a copy of a publication, logging in. Not here: the server
itself (`postgres.py`), or what a login should see.
"""

from __future__ import annotations

import csv
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import psycopg

from orchestration.serving.postgres.names import compose
from orchestration.serving.postgres.target import Target
from orchestration.serving.publish import publish
from orchestration.serving.reading import open_publication
from orchestration.serving.sql import identifier
from orchestration.settings import PROJECT_DIR
from orchestration.sources.demo import DemoSource
from tests.support.postgres import Server
from tests.support.warehouse import DEMO_AS_OF, DEMO_START, dbt_build, land_nights, warehouse_settings

_SQL = PROJECT_DIR / "orchestration" / "serving" / "postgres"
_SETUP, _DATABASE = _SQL / "setup.sql", _SQL / "database.sql"
_SCALE = 0.03
# Enough to meet every kind of owner rule; publishing them takes a second.
FEW_MARTS = (
    "dim_customers",
    "dim_date",
    "dim_departments",
    "dim_employees",
    "fct_customer_events",
    "fct_funnel",
    "kpi_department_month",
    "kpi_month_figures",
    "kpi_target_attainment",
)


def demo_publication(home: Path) -> Path:
    """The marts of a small demo company, published the usual way; no dbt test runs, other tests do that."""
    land_nights(home, DemoSource(20260101, _SCALE, DEMO_START, DEMO_AS_OF), [DEMO_AS_OF])
    run = dbt_build(home, DEMO_AS_OF, exclude=["resource_type:test"])
    assert run.bad() == []
    settings = warehouse_settings(home)
    publish(settings.warehouse_path, settings.marts_path, {"as_of": DEMO_AS_OF, "source": "demo"})
    return settings.marts_path


def changed(publication: Path, path: Path, *statements: str, marts: Iterable[str] | None = None) -> Path:
    """A copy of a publication with only these marts (None: all of them), after these statements."""
    shutil.copyfile(publication, path)
    with duckdb.connect(":memory:") as connection:
        connection.execute(f"attach '{path}' as published")
        connection.execute("use published")
        if marts is not None:
            for (name,) in connection.execute(
                "select view_name from duckdb_views() where database_name = 'published' and schema_name = 'access'"
            ).fetchall():
                if name.removeprefix("access_") not in set(marts):
                    connection.execute(f"drop view {identifier('access', name)}")
        for statement in statements:
            connection.execute(statement)
    return path


def rename_generation(path: Path, generation: str) -> None:
    """Let a copy pass for a later publication."""
    with duckdb.connect(":memory:") as connection:
        connection.execute(f"attach '{path}' as published")
        connection.execute("update published.main.publication set generation_id = ?", [generation])


@dataclass(frozen=True)
class Key:
    """A login with its password, as the operator's file has them."""

    email: str
    login: str
    password: str


def make_database(server: Server, folder: Path, name: str = "kpi", **options: Any) -> Target:
    """A database and a publisher of its own, by the statements an operator runs; role names begin with `name`."""
    publisher = f"{name}_publisher"
    text = "\n".join(line for line in _SETUP.read_text(encoding="utf-8").splitlines() if not line.startswith("--"))
    text = text.replace("kpi_publisher", publisher).replace("database kpi ", f"database {name} ")
    of_server, of_database = text.split("\\connect kpi\n")
    assert of_database.split() == ["\\ir", _DATABASE.name]
    with server.connect("postgres") as connection:
        for statement in filter(None, map(str.strip, of_server.split(";"))):
            connection.execute(statement.encode())
    with server.connect(name) as connection:
        connection.execute(_DATABASE.read_bytes())
    with server.connect("postgres") as connection:
        connection.execute(compose("alter role {publisher} password 'of the tests'", publisher=publisher))
    password_file = folder / f"{publisher}.password"
    password_file.touch(mode=0o600)
    password_file.write_text("of the tests\n", encoding="utf-8")
    return Target(server.url(publisher, name), password_file, role_prefix=name, **options)


def drop_database(server: Server, name: str) -> None:
    """The database and every role of it, so that the next test starts from nothing."""
    with server.connect("postgres") as connection:
        connection.execute(compose("drop database if exists {name} with (force)", name=name))
        roles = connection.execute(
            "select rolname::text from pg_roles where starts_with(rolname::text, %s) order by rolname desc",
            [f"{name}_"],
        ).fetchall()
        for (role,) in roles:
            connection.execute(compose("drop owned by {role} cascade", role=role))
        for (role,) in roles:
            connection.execute(compose("drop role {role}", role=role))


def keys_in(path: Path) -> Mapping[str, Key]:
    """The operator's file of passwords, by e-mail."""
    with path.open(encoding="utf-8", newline="") as file:
        return {row["email"]: Key(row["email"], row["login"], row["password"]) for row in csv.DictReader(file)}


def database_of(target: Target) -> str:
    """The database that is published to."""
    return str(psycopg.conninfo.conninfo_to_dict(target.url)["dbname"])


def log_in(server: Server, target: Target, key: Key) -> psycopg.Connection[Any]:
    """A viewer's session."""
    return server.connect(database_of(target), key.login, key.password)


def as_operator(server: Server, target: Target) -> psycopg.Connection[Any]:
    """A superuser's session in the published database: the oracle that sees all rows."""
    return server.connect(database_of(target))


def shown_by_access_view(publication: Path, email: str, mart: str) -> list[tuple[Any, ...]]:
    """The rows of an access view for one viewer, sorted; what a login has to see, neither more nor less."""
    with open_publication(publication, email) as connection:
        rows = connection.execute(f"select * from {identifier('access', f'access_{mart}')}").fetchall()
    return sorted(rows, key=repr)


def marts_in(publication: Path) -> list[str]:
    """Every mart of a publication."""
    with open_publication(publication) as connection:
        found = connection.execute(
            "select view_name from duckdb_views() where database_name = 'published' and schema_name = 'access' "
            "order by view_name"
        ).fetchall()
    return [str(name).removeprefix("access_") for (name,) in found]
