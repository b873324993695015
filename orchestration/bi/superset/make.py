"""From the dashboards and the published PostgreSQL to a bundle, or into a running Superset.

Belongs here: the order of the steps. Not here: any step.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from orchestration.bi.definition import read_dashboards
from orchestration.bi.passwords import read_passwords
from orchestration.bi.superset.audiences import audiences, everybody, server_of
from orchestration.bi.superset.bundle import bundle_files, database_file, zip_bytes
from orchestration.bi.superset.errors import SupersetError
from orchestration.bi.superset.names import Audience
from orchestration.bi.superset.server import Account, session
from orchestration.report.labels import Lang
from orchestration.serving.postgres.target import Target


@dataclass(frozen=True)
class Bundle:
    """A bundle that was written, and for whom."""

    path: Path
    people: tuple[Audience, ...]
    bytes: int

    def lines(self) -> Iterator[str]:
        """What to say about it: Superset asks for each connection's password by its file."""
        for person in self.people:
            yield f"  {person.email:<36} {database_file(person)}"
        yield f"{self.path}  {self.bytes / 1024:.0f} kB"


def write_bundle(target: Target, emails: Sequence[str] | None, language: Lang, path: Path) -> Bundle:
    """Write the bundle of these people, or of everybody, by one rename."""
    people = audiences(target, emails)
    content = zip_bytes(bundle_files(read_dashboards(), people, server_of(target), language))
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        aside.write_bytes(content)
        aside.replace(path)
    except OSError as error:
        raise SupersetError(f"{path} cannot be written: {error.strerror}") from error
    finally:
        aside.unlink(missing_ok=True)
    return Bundle(path, people, len(content))


@dataclass(frozen=True)
class Step:
    """What an import did, or could not do: about whom, and what."""

    who: str
    what: str
    failed: bool = False


def import_into(
    target: Target,
    emails: Sequence[str] | None,
    language: Lang,
    url: str,
    account: Account,
    passwords_path: Path | None,
) -> Iterator[Step]:
    """Bring the dashboards of these people into a Superset, one person after the other, each with a role of their own.

    Before that, roles lose what leads to a login that is no longer theirs. One import for everybody would be one long
    request; one person's error is a step that failed, and the next person's turn comes all the same.
    """
    people, everyone = audiences(target, emails), everybody(target)
    server, dashboards = server_of(target), read_dashboards()
    passwords = read_passwords(passwords_path)
    with session(url, account) as superset:
        for left in superset.close_what_is_nobodys(everyone, server, target.roles.login("")):
            yield Step(left.connection, left.what, left.is_problem)
        for person in people:
            content = zip_bytes(bundle_files(dashboards, [person], server, language))
            try:
                superset.take(content, {person: passwords[person.login]} if person.login in passwords else {})
                superset.open_to([person])
            except SupersetError as error:
                yield Step(person.email, str(error), failed=True)
            else:
                yield Step(person.email, f"role {person.role}")


def read_account(name: str, path: Path) -> Account:
    """The administrator whose password a file has. Raises SupersetError where the file cannot be read or others may."""
    try:
        if path.stat().st_mode & 0o077:
            raise SupersetError(f"the password file {path} is open to others; `chmod 600 {path}`")
        return Account(name, path.read_text(encoding="utf-8").strip())
    except OSError as error:
        raise SupersetError(f"the password file {path} cannot be read: {error.strerror}") from error
