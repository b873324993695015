"""The operator's file of passwords, as `kpi publish --passwords` and `kpi access password` write it.

Belongs here: reading it, once for every BI tool. Not here: making passwords (`orchestration/serving/postgres/`).
"""

from __future__ import annotations

import csv
from pathlib import Path

_OTHERS = 0o077


class PasswordsError(Exception):
    """The file cannot be used; the message says why and what to do, and never what is in it."""


class Passwords(dict[str, str]):
    """Passwords by login. Its text shows none, wherever it is printed."""

    def __repr__(self) -> str:
        return f"Passwords(of {len(self)})"

    __str__ = __repr__


def read_passwords(path: Path | None) -> Passwords:
    """The passwords of a file, by login; none without a file. Raises PasswordsError, also where others may read it."""
    if path is None:
        return Passwords()
    try:
        if path.stat().st_mode & _OTHERS:
            raise PasswordsError(f"the file of passwords {path} is open to others; `chmod 600 {path}`")
        with path.open(encoding="utf-8", newline="") as file:
            rows = csv.DictReader(file)
            if not {"email", "login", "password"} <= set(rows.fieldnames or ()):
                raise PasswordsError(
                    f"{path} is no file of passwords: it lacks the columns email, login, password of "
                    "`kpi publish --passwords`"
                )
            return Passwords({row["login"]: row["password"] for row in rows})
    except OSError as error:
        raise PasswordsError(f"the file of passwords {path} cannot be read: {error.strerror}") from error
