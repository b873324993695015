"""A new password for one login: the old one was lost, or somebody else may have it.

Belongs here: the order of the steps. Not here: making, writing and setting passwords (`passwords.py`). Rights and
publication stay as they are; whoever is still logged in with the old password is put out.
"""

from __future__ import annotations

from pathlib import Path

from orchestration.serving.errors import PublishError
from orchestration.serving.postgres import logins, passwords, swap
from orchestration.serving.postgres.names import ACCESS
from orchestration.serving.postgres.target import Target, session


def give_new_password(target: Target, email: str, path: Path) -> int:
    """Give the login of `email` a new password, written to the new file `path`; how many sessions that ended.

    Raises PublishError when there is no such login, when it is locked, or when `path` is there already; the old
    password holds then.
    """
    passwords.refuse_existing(path)
    roles = target.roles
    with session(target) as postgres:
        with postgres.transaction():
            if not swap.exists(postgres, ACCESS):
                raise PublishError(
                    f"{target.shown} has no logins yet; the first `kpi publish --passwords FILE` makes them"
                )
            # A publication that is under way may be locking this very login.
            swap.claim(postgres, roles)
            login = logins.open_login(postgres, target, email)
            [given] = passwords.make([login])
            passwords.give(postgres, roles, [given])
            passwords.write(path, [given])
        return logins.end_sessions(postgres, [login.name])
