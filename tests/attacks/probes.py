"""What an attack is, and how its outcome is judged.

Belongs here: the shape. Not here: the attacks (`reading.py`, `roles.py`, `channels.py`, `server.py`), or running them
(`arena.py`). In every statement, names between braces stand for what `Names` holds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

# Stands in the name of somebody else's customer, and nowhere in what the attacker may see.
SECRET = "SECRET-7f3a91"


@dataclass(frozen=True)
class Names:
    """Who attacks whom. `me` and `victim` are logins; the others are what the CRM calls them."""

    me: str
    me_id: str
    victim: str
    victim_id: str
    victim_email: str
    victim_name: str
    reader: str
    owner: str
    everything: str
    publisher: str
    secret: str = SECRET

    def put_into(self, text: str) -> str:
        """The statement with the names in their places."""
        for name, value in asdict(self).items():
            text = text.replace("{" + name + "}", str(value))
        return text


@dataclass
class Outcome:
    """Everything that came back to the attacker: rows of each step, errors, notices."""

    rows: list[list[tuple[Any, ...]]] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """All of it as one text, to look for secrets in."""
        return "\n".join([*map(str, self.rows), *self.errors, *self.notices])


Judge = Callable[[Outcome, Names], bool]


def tells(what: str = "{secret}") -> Judge:
    """The attack succeeds when this can be read in anything that came back."""
    return lambda outcome, names: names.put_into(what) in outcome.text


def works(outcome: Outcome, _: Names) -> bool:
    """The attack succeeds when every step is allowed."""
    return not outcome.errors


def finds_rows(outcome: Outcome, _: Names) -> bool:
    """The attack succeeds when its last step returns a row."""
    return bool(outcome.rows) and bool(outcome.rows[-1])


def fails_with(words: str) -> Judge:
    """The attack succeeds when this error tells that a hidden row is there."""
    return lambda outcome, _: any(words in error for error in outcome.errors)


def differs(outcome: Outcome, _: Names) -> bool:
    """The attack succeeds when its last two steps, asking for what is there and what is not, answer differently."""
    return len(outcome.rows) >= 2 and outcome.rows[-1] != outcome.rows[-2]


@dataclass(frozen=True)
class Probe:
    """One attack: its steps in one session; how to see that it succeeded; what a superuser does to the twin first.

    `repair` undoes what the weakness changed for the whole server. `victim_step` is what somebody else is doing
    meanwhile. `database` is another database to log in to.
    """

    name: str
    steps: tuple[str, ...]
    succeeds: Judge
    weakness: tuple[str, ...]
    repair: tuple[str, ...] = ()
    victim_step: str | None = None
    database: str | None = None
