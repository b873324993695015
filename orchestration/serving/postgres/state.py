"""What a server shows at this moment, asked without changing anything.

Belongs here: reading. Not here: judging it (`doctor.py`), or what must hold before a swap (`gate.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from orchestration.serving.contacts import CONTACT_MARTS
from orchestration.serving.postgres import gate, swap
from orchestration.serving.postgres.logins import read_logins
from orchestration.serving.postgres.names import ACCESS, LIVE, OLD, Roles, compose
from orchestration.serving.postgres.target import Connection, Target, acting_as, session

# A server behind a closed port does not answer at all; who asks for its state is waiting for an answer.
_CONNECT_SECONDS = 5


@dataclass(frozen=True)
class ServerState:
    """One look at a server. `generation_id` is None before the first publication.

    `findings` is what the gate says of what is live now, `former` the generation a rollback returns to,
    `other_databases` those that a viewer's login may enter besides, `has_contacts` whether customers' phone numbers and
    e-mails are live.
    """

    generation_id: str | None
    swapped_at: datetime | None
    is_rollback: bool
    former: str | None
    logins: int
    locked: int
    without_password: int
    other_databases: tuple[str, ...]
    has_contacts: bool
    findings: tuple[str, ...]


_EMPTY = ServerState(None, None, False, None, 0, 0, 0, (), False, ())


def read_state(target: Target) -> ServerState:
    """What is live on a server. Raises PublishError when it does not answer."""
    roles = target.roles
    with session(target, connect_seconds=_CONNECT_SECONDS) as postgres:
        if not swap.exists(postgres, LIVE) or not swap.exists(postgres, ACCESS):
            return _EMPTY
        logins = read_logins(postgres, roles)
        with acting_as(postgres, roles.owner):
            last = postgres.execute(
                compose(
                    "select swapped_at, is_rollback from {schema}.swap order by swapped_at desc limit 1", schema=ACCESS
                )
            ).fetchall()
        swapped_at, is_rollback = last[0] if last else (None, False)
        return ServerState(
            generation_id=swap.generation_of(postgres, LIVE),
            swapped_at=swapped_at,
            is_rollback=is_rollback,
            former=swap.generation_of(postgres, OLD),
            logins=sum(not login.is_locked for login in logins),
            locked=sum(login.is_locked for login in logins),
            without_password=sum(not (login.is_locked or login.has_password) for login in logins),
            other_databases=other_databases(postgres, roles),
            has_contacts=any(swap.has_table(postgres, LIVE, mart) for mart in CONTACT_MARTS),
            findings=tuple(gate.findings(postgres, roles, LIVE)),
        )


def other_databases(postgres: Connection, roles: Roles) -> tuple[str, ...]:
    """Databases of the same server that every viewer's login may enter, because PUBLIC may unless told otherwise."""
    rows = postgres.execute(
        "select datname::text from pg_database where datallowconn and datname <> current_database() "
        "and has_database_privilege(%s, oid, 'connect') order by 1",
        [roles.reader],
    ).fetchall()
    return tuple(str(name) for (name,) in rows)
