"""A new password for one login: the old one was lost, or somebody else may have it.

Belongs here: the order of the steps. Not here: making, writing and setting passwords (`passwords.py`). Rights and
publication stay as they are; whoever is still logged in with the old password is put out.
"""

from __future__ import annotations

from pathlib import Path

from orchestration.serving.errors import PublishError
from orchestration.serving.postgres import logins, passwords, swap
from orchestration.serving.postgres.logins import Login
from orchestration.serving.postgres.names import ACCESS
from orchestration.serving.postgres.target import Connection, Target, session


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
            login = _login_of(postgres, target, email)
            [given] = passwords.make([login])
            passwords.give(postgres, roles, [given])
            passwords.write(path, [given])
        return logins.end_sessions(postgres, [login.name])


def _login_of(postgres: Connection, target: Target, email: str) -> Login:
    wanted = email.strip().lower()
    found = [login for login in logins.read_logins(postgres, target.roles) if login.email == wanted]
    if not found:
        raise PublishError(
            f"{target.shown} has no login for {wanted}; `kpi access show --viewer {wanted}` says what this person may "
            "see, and the next `kpi publish` makes a login where there is a right"
        )
    open_ones = [login for login in found if not login.is_locked]
    if not open_ones:
        raise PublishError(f"the login of {wanted} is locked: that person has no right to anything any more")
    if len(open_ones) > 1:
        raise PublishError(f"{wanted} is the e-mail of several logins; `kpi publish` puts that right, then try again")
    return open_ones[0]
