"""How everything is called on the server, and how names and values get into SQL.

Belongs here: names of schemas and roles, and composing statements. Names are quoted by `Identifier`, values by
parameters, or by `Literal` in the statements that take none; nothing else puts text into SQL. Not here: what the
statements do.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import LiteralString

from psycopg import sql

from orchestration.serving.errors import PublishError

# What readers query, what is being built, what a rollback brings back, and what waits to be dropped.
LIVE, NEW, OLD, GONE = "marts", "marts__new", "marts__old", "marts__gone"
# Rights and logins; it stays while publications come and go.
ACCESS = "kpi_access"
PUBLICATION = "publication"

_PREFIX = re.compile(r"[a-z][a-z0-9]{0,19}")


def compose(text: LiteralString, /, **parts: str | sql.Composable) -> sql.Composed:
    """A statement: in `text`, `{name}` becomes a quoted identifier where a text is given, else the given SQL."""
    named = {name: sql.Identifier(part) if isinstance(part, str) else part for name, part in parts.items()}
    return sql.SQL(text).format(**named)


@dataclass(frozen=True)
class Roles:
    """Roles belong to the whole server, so their names begin with a prefix that tells one company from another.

    `owner` owns what is published and never logs in; `reader` carries what every login may do; a login is in one
    `everything` group per report in which its person may see everybody.
    """

    prefix: str

    def __post_init__(self) -> None:
        if not _PREFIX.fullmatch(self.prefix):
            raise PublishError(
                f"{self.prefix!r} cannot begin role names: use up to 20 small letters and digits, a letter first"
            )

    @property
    def owner(self) -> str:
        """Owns schemas, tables and functions."""
        return f"{self.prefix}_owner"

    @property
    def reader(self) -> str:
        """Every login is a member."""
        return f"{self.prefix}_reader"

    def everything(self, report: str) -> str:
        """Those who may see everybody in this report."""
        return f"{self.prefix}_all_{report}"

    def login(self, token: str) -> str:
        """A login. Every role's name can be read by every other, so it says nothing about whose it is."""
        return f"{self.prefix}_v_{token}"
