"""Where attacks run: the published database, and twins of it that lack one defence each.

Belongs here: making twins, running a probe, collecting what came back. Not here: the attacks.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg

from orchestration.serving.postgres.names import compose
from orchestration.serving.postgres.target import Target
from tests.attacks.probes import Names, Outcome, Probe
from tests.support.postgres import Server
from tests.support.postgres_company import Key, database_of


@dataclass(frozen=True)
class Arena:
    """One published database, with the passwords of the attacker and the victim."""

    server: Server
    target: Target
    names: Names
    me: Key
    victim: Key

    def attack(self, probe: Probe, database: str | None = None) -> Outcome:
        """Run a probe as the attacker against this database, or against a twin of it."""
        where = database or database_of(self.target)
        with self._meanwhile(probe, where):
            return _run(self.server, probe.database or where, self.me, self._statements(probe.steps, where))

    @contextmanager
    def twin(self, probe: Probe) -> Iterator[str]:
        """A copy of the database without the defence that the probe tests; what it changed for the server is undone."""
        name, origin = "attacks_twin", database_of(self.target)
        with self.server.connect("postgres") as operator:
            operator.execute(
                compose(
                    "create database {name} template {origin} owner {owner}",
                    name=name,
                    origin=origin,
                    owner=self.names.publisher,
                )
            )
            operator.execute(compose("revoke all on database {name} from public", name=name))
            operator.execute(
                compose("grant connect on database {name} to {reader}", name=name, reader=self.names.reader)
            )
        try:
            self._as_superuser(probe.weakness, name)
            yield name
        finally:
            # Without the database nothing depends on roles that the weakness made.
            with self.server.connect("postgres") as operator:
                operator.execute(compose("drop database {name} with (force)", name=name))
            self._as_superuser(probe.repair, "postgres")

    def _statements(self, statements: tuple[str, ...], database: str) -> list[str]:
        return [self.names.put_into(statement).replace("{database}", database) for statement in statements]

    def _as_superuser(self, statements: tuple[str, ...], database: str) -> None:
        with self.server.connect(database) as operator:
            for statement in self._statements(statements, database):
                for part in statement.split("; "):
                    operator.execute(part.encode())

    @contextmanager
    def _meanwhile(self, probe: Probe, database: str) -> Iterator[None]:
        """Somebody else's session while the probe runs, where the probe needs one."""
        if probe.victim_step is None:
            yield
            return
        if probe.victim_step == "publisher":
            assert self.target.password_file is not None
            password = self.target.password_file.read_text(encoding="utf-8").strip()
            session = self.server.connect(database, self.names.publisher, password)
        else:
            session = self.server.connect(database, self.victim.login, self.victim.password)
            session.execute(probe.victim_step.encode())
        try:
            yield
        finally:
            session.close()


def _run(server: Server, database: str, key: Key, statements: list[str]) -> Outcome:
    outcome = Outcome()
    try:
        session = server.connect(database, key.login, key.password)
    except psycopg.OperationalError as error:
        outcome.errors.append(str(error))
        return outcome
    with session:
        session.add_notice_handler(lambda notice: outcome.notices.append(str(notice.message_primary)))
        for statement in statements:
            try:
                outcome.rows.append(_rows(session, statement))
            except psycopg.Error as error:
                # The attacker carries on, and so do we: a later step may still find something.
                outcome.errors.append(str(error))
    return outcome


def _rows(session: psycopg.Connection[Any], statement: str) -> list[tuple[Any, ...]]:
    if statement.lower().lstrip().startswith("copy") and "stdout" in statement.lower():
        with session.cursor() as cursor, cursor.copy(statement.encode()) as copy:
            return [(bytes(block).decode(),) for block in copy]
    cursor = session.execute(statement.encode())
    return cursor.fetchall() if cursor.description is not None else []
