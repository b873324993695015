"""A publication on the server: built aside, compared, protected, looked over, and only then swapped in.

Belongs here: the order of the steps. `marts__new` is built first, by sessions of their own, where nobody can enter;
whatever goes wrong drops it again, and that of a publication that was killed is dropped by the next. Then one
transaction changes logins and rights together with the swap: nobody meets new rows under old rights. Not here: what a
step does.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb
from psycopg import sql

from orchestration.bi.affected import dashboards_reading
from orchestration.serving.errors import PublishError
from orchestration.serving.postgres import entitlements, gate, logins, passwords, swap
from orchestration.serving.postgres.build import build_tables
from orchestration.serving.postgres.names import GONE, LIVE, NEW, OLD, compose
from orchestration.serving.postgres.rights import Rights, check_everything, read_rights
from orchestration.serving.postgres.state import other_databases
from orchestration.serving.postgres.tables import Table, read_tables, sent
from orchestration.serving.postgres.target import Connection, Target, acting_as, session
from orchestration.serving.postgres.views import create_views
from orchestration.serving.reading import open_publication


@dataclass(frozen=True)
class ServerPublication:
    """What was published to a server. Logins are counted, never named: the file of passwords names them.

    `without_password` are logins that nobody can use yet; `refused` says who gets none, and why. `stall_ms` is the
    longest that a reader can have waited behind the swap. `left` says who keeps the publication before the former one
    from being dropped, and is empty when it is gone. `other_databases` of the server are open to every login. The marts
    `left_out` were not sent, because the settings say so.
    """

    shown: str
    generation_id: str
    rows: Mapping[str, int]
    created: int
    unlocked: int
    locked: int
    dropped: int
    without_password: int
    refused: tuple[tuple[str, str], ...]
    sessions_ended: int
    stall_ms: float
    seconds: float
    left: str = ""
    other_databases: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()

    def lines(self) -> list[str]:
        """What happened, for people: one line for the rows, one for the logins, and what is left to do."""
        total = sum(self.rows.values())
        logins_now = [
            f"{count} {word}"
            for count, word in (
                (self.created, "created"),
                (self.unlocked, "unlocked"),
                (self.locked, "locked"),
                (self.dropped, "dropped"),
            )
            if count
        ]
        lines = [
            f"{self.shown}: {len(self.rows)} tables, {total:,} rows, generation {self.generation_id}, "
            f"{self.seconds:.1f} s; readers waited at most {self.stall_ms:.0f} ms",
            f"Logins: {', '.join(logins_now) or 'as they were'}; sessions ended: {self.sessions_ended}",
        ]
        if self.left_out:
            lines.append(
                f"Not sent, as KPI_POSTGRES_WITHOUT says: {', '.join(self.left_out)}; "
                f"dashboards that read them: {', '.join(dashboards_reading(self.left_out)) or 'none'}"
            )
        if self.without_password:
            lines.append(
                f"{self.without_password} logins have no password: `kpi publish --passwords FILE` gives them one."
            )
        lines += [f"No login for {employee}: {reason}." for employee, reason in self.refused]
        if self.other_databases:
            lines.append(
                f"Every login may also enter {', '.join(self.other_databases)} on this server; where that is not "
                "meant: `revoke connect on database NAME from public`."
            )
        if self.left:
            lines.append(f"An older publication could not be dropped yet, the next one tries again: {self.left}")
        return lines


@dataclass(frozen=True)
class _Swapped:
    changes: logins.Changes
    without_password: int
    sessions_ended: int
    stall_ms: float


def publish_to(
    target: Target,
    marts_path: Path,
    *,
    passwords_path: Path | None = None,
    before_gate: Callable[[Connection], None] | None = None,
) -> ServerPublication:
    """Publish the current DuckDB publication to a server.

    With `passwords_path`, every login that has no password gets one, written to that new file. `before_gate` is called
    when everything is built and about to be looked over. Raises PublishError; whatever was live before still answers.
    """
    started = time.monotonic()
    if passwords_path is not None:
        passwords.refuse_existing(passwords_path)
    with open_publication(marts_path) as duck, session(target) as postgres:
        tables, rights = sent(read_tables(duck), target.without), read_rights(duck)
        if not rights.viewers:
            raise PublishError("nobody has both an e-mail and a right to a report; there is nobody to publish for")
        check_everything(duck, tables, rights)
        [(generation,)] = duck.execute("select generation_id from main.publication").fetchall()
        rows = _build(duck, postgres, target, tables, rights, str(generation), before_gate)
        swapped = _swap(postgres, target, rights, str(generation), passwords_path)
        left = swap.clean_up(postgres, target)
        others = other_databases(postgres, target.roles)
    changes = swapped.changes
    return ServerPublication(
        shown=target.shown,
        generation_id=str(generation),
        rows=rows,
        created=len(changes.create),
        unlocked=len(changes.unlock),
        locked=len(changes.lock),
        dropped=len(changes.drop) + len(changes.orphans),
        without_password=swapped.without_password,
        refused=rights.refused,
        sessions_ended=swapped.sessions_ended,
        stall_ms=swapped.stall_ms,
        seconds=time.monotonic() - started,
        left=left,
        other_databases=others,
        left_out=tuple(sorted(target.without)),
    )


def _build(
    duck: duckdb.DuckDBPyConnection,
    postgres: Connection,
    target: Target,
    tables: tuple[Table, ...],
    rights: Rights,
    generation: str,
    before_gate: Callable[[Connection], None] | None,
) -> dict[str, int]:
    roles = target.roles
    with postgres.transaction():
        entitlements.prepare(postgres, roles, rights.reports)
        swap.claim(postgres, roles)
        swap.drop(postgres, target, GONE)
        swap.drop(postgres, target, NEW)
        with acting_as(postgres, roles.owner):
            postgres.execute(compose("create schema {new}", new=NEW))
            postgres.execute(
                compose("comment on schema {new} is {generation}", new=NEW, generation=sql.Literal(generation))
            )
    failure: BaseException | None = None
    # The claim is held until everything is there, or gone again.
    with postgres.transaction():
        swap.claim_built(postgres, roles, generation)
        try:
            with postgres.transaction():
                rows = build_tables(duck, target, tables, rights.reports)
                with acting_as(postgres, roles.owner):
                    create_views(postgres, roles)
                if before_gate is not None:
                    before_gate(postgres)
                gate.refuse(gate.findings(postgres, roles, of_roles=False) + gate.published(postgres, tables))
        except BaseException as error:
            failure = error
            swap.drop(postgres, target, NEW)
    if failure is not None:
        raise failure
    return rows


def _swap(
    postgres: Connection, target: Target, rights: Rights, generation: str, passwords_path: Path | None
) -> _Swapped:
    roles = target.roles
    with postgres.transaction():
        swap.claim_built(postgres, roles, generation)
        with acting_as(postgres, roles.owner):
            entitlements.stage(postgres, rights)
        changes = logins.plan(logins.read_logins(postgres, roles), logins.read_roles(postgres, roles), rights)
        logins.carry_out(postgres, target, changes, rights)
        with acting_as(postgres, roles.owner):
            lost = entitlements.apply(postgres)
        without = [
            login for login in logins.read_logins(postgres, roles) if not (login.has_password or login.is_locked)
        ]
        given = passwords.make(without if passwords_path is not None else [])
        passwords.give(postgres, roles, given)
        gate.refuse(gate.findings(postgres, roles))
        taken = swap.take_tables(postgres, target)
        if passwords_path is not None and given:
            # The last thing that can fail before the commit: what is written is in force, and what is in force written.
            passwords.write(passwords_path, given)
        swap.exchange(postgres, roles)
        swap.record(postgres, roles, generation, is_rollback=False)
    stall_ms = taken.stall_ms()
    # Rights that were lost end at once: an open session could still hold an older view of them. Whoever was locked
    # before is looked at again, because a publication may have been interrupted right here.
    locked = {login.name for login in logins.read_logins(postgres, roles) if login.is_locked}
    ended = logins.end_sessions(postgres, {*changes.ended, *lost, *locked})
    postgres.commit()
    return _Swapped(changes, 0 if passwords_path is not None else len(without), ended + taken.sessions_ended, stall_ms)


def roll_back(target: Target) -> str:
    """Make the former publication the live one again; its generation. Rights and logins stay as they are now.

    Called twice, it returns to where it began. Raises PublishError when there is no former publication.
    """
    roles = target.roles
    with session(target) as postgres:
        with postgres.transaction():
            if not swap.exists(postgres, LIVE) or not swap.exists(postgres, OLD):
                raise PublishError(f"{target.shown} keeps no former publication; there is nothing to go back to")
            swap.claim(postgres, roles)
            generation = swap.generation_of(postgres, OLD) or ""
            gate.refuse(gate.findings(postgres, roles, OLD))
            swap.take_tables(postgres, target)
            swap.exchange_back(postgres, roles)
            swap.record(postgres, roles, generation, is_rollback=True)
        swap.clean_up(postgres, target)
    return generation
