"""Lasting identities of what is in a bundle.

Belongs here: which names make an object the same one in the next bundle. Not here: what the objects are.

Superset recognises an object by its UUID: the same login, e-mail, dashboard and chart give the same one, on every
machine and in both languages, so that importing again replaces and never doubles. A login is one person's for good; an
e-mail may pass on to another one, who then has objects of their own.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from uuid import UUID, uuid5

_NAMESPACE = UUID("6c6e1f0e-3a56-5d0b-9d6b-2f7c3c1c9a47")
_TITLE_START = "KPI "
# What Superset has room for in a role's name.
_ROLE_LENGTH = 64
_HASH_LENGTH = 12


@dataclass(frozen=True)
class Audience:
    """Somebody who looks at dashboards: their e-mail and their login in PostgreSQL. `company` tells two publications on
    one server apart."""

    email: str
    login: str
    company: str

    def uuid(self, *names: str) -> str:
        """The identity of one of this person's objects."""
        return str(uuid5(_NAMESPACE, "/".join((self.company, self.email, self.login, *names))))

    @property
    def slug(self) -> str:
        """A short name for files and addresses, another one for every e-mail and login."""
        readable = re.sub(r"[^a-z0-9]+", "-", self.email.lower()).strip("-")
        return f"{readable}-{self.uuid()[:8]}"

    @property
    def title(self) -> str:
        """What the connection is called in Superset."""
        return f"{_TITLE_START}{self.label}"

    @property
    def role(self) -> str:
        """What the role is called in Superset."""
        return role_named(self.title)

    @property
    def label(self) -> str:
        """Who it is, told from whoever else has or had this e-mail. The login begins with the company's prefix."""
        return f"{self.email} ({self.login})"

    def address(self, dashboard: str) -> str:
        """The last part of a dashboard's address in Superset."""
        return f"{dashboard.replace('_', '-')}-{self.uuid()[:8]}"


def is_title(name: str) -> bool:
    """Whether a connection of this name may be one of ours."""
    return name.startswith(_TITLE_START)


def role_named(title: str) -> str:
    """The name of the role to a connection: the same, or where that is too long its beginning and a hash of it all."""
    if len(title) <= _ROLE_LENGTH:
        return title
    mark = hashlib.sha256(title.encode()).hexdigest()[:_HASH_LENGTH]
    return f"{title[: _ROLE_LENGTH - _HASH_LENGTH - 1]}~{mark}"
