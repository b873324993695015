"""Sessions that hold tables a swap needs: those of viewers are ended, anybody else is named.

Belongs here: finding who is waited for, and ending them, on a connection beside the one that waits. A session that is
ended before the swap waits comes back before it does; one that comes back while the swap waits stands behind it. Not
here: when patience is over (`swap.py`).
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import psycopg

from orchestration.serving.errors import PublishError
from orchestration.serving.postgres.target import Connection, Target, session

_LOOK_SECONDS = 0.02

# The server's own processes have no name: they give way by themselves, within a second.
_ENDED = """
    select pid, usename::text, pg_terminate_backend(pid) from pg_stat_activity
    where pid = any(pg_blocking_pids(%s)) and starts_with(usename::text, %s)
"""
_OTHERS = """
    select pid, usename::text from pg_stat_activity
    where pid = any(pg_blocking_pids(%s)) and not starts_with(usename::text, %s)
"""


@dataclass
class Holders:
    """Who has been found: sessions ended, logins they were of, and sessions that are not ours to end."""

    ended: set[int] = field(default_factory=set)
    logins: set[str] = field(default_factory=set)
    others: tuple[str, ...] = ()
    failed: psycopg.Error | None = None

    def explain(self, target: Target, waited_seconds: float) -> PublishError:
        """Why the tables could not be had."""
        if self.failed is not None:
            return PublishError(
                f"{target.shown}: {str(self.failed).strip()}, while ending sessions that hold the marts"
            )
        if self.others:
            return PublishError(
                f"{', '.join(self.others)} reads the marts and did not finish within {target.swap_wait_seconds:g} s; "
                "the former publication still answers. End that session, then publish again."
            )
        whose = f"sessions of {', '.join(sorted(self.logins))}" if self.logins else "somebody"
        return PublishError(
            f"{whose} hold the marts and did not end within {waited_seconds:g} s of being told to; the former "
            "publication still answers. Publish again; if that does not help, restart the server."
        )


@contextmanager
def ending_holders(target: Target, waiting_pid: int) -> Iterator[Holders]:
    """For as long as the context lasts, end whichever viewers' sessions the backend `waiting_pid` waits for.

    When it waits for anybody else, its statement is cancelled and `others` says who. Raises PublishError when the
    server lets no second connection in.
    """
    holders, over = Holders(), threading.Event()
    with session(target) as beside:
        beside.autocommit = True
        thread = threading.Thread(target=_end, args=(beside, target.roles.login(""), waiting_pid, holders, over))
        thread.start()
        try:
            yield holders
        finally:
            over.set()
            thread.join()


def _end(beside: Connection, prefix: str, waiting_pid: int, holders: Holders, over: threading.Event) -> None:
    try:
        while not over.wait(_LOOK_SECONDS):
            others = beside.execute(_OTHERS, [waiting_pid, prefix]).fetchall()
            if others:
                holders.others = tuple(sorted(f"{name} (pid {pid})" for pid, name in others))
                beside.execute("select pg_cancel_backend(%s)", [waiting_pid])
                return
            for pid, name, _ in beside.execute(_ENDED, [waiting_pid, prefix]).fetchall():
                holders.ended.add(pid)
                holders.logins.add(name)
    except psycopg.Error as error:
        holders.failed = error
