"""Lasting identities of what is in a bundle.

Belongs here: which names make an object the same one in the next bundle. Not here: what the objects are.

Superset recognises an object by its UUID: the same person, dashboard and chart give the same one, on every machine and
in both languages, so that importing again replaces and never doubles.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from uuid import UUID, uuid5

_NAMESPACE = UUID("6c6e1f0e-3a56-5d0b-9d6b-2f7c3c1c9a47")


@dataclass(frozen=True)
class Audience:
    """Somebody who looks at dashboards: their e-mail and their login in PostgreSQL. `company` tells two publications on
    one server apart."""

    email: str
    login: str
    company: str

    def uuid(self, *names: str) -> str:
        """The identity of one of this person's objects."""
        return str(uuid5(_NAMESPACE, "/".join((self.company, self.email, *names))))

    @property
    def slug(self) -> str:
        """A short name for files and addresses, another one for every e-mail."""
        readable = re.sub(r"[^a-z0-9]+", "-", self.email.lower()).strip("-")
        return f"{readable}-{self.uuid()[:8]}"

    @property
    def title(self) -> str:
        """What the connection and the role are called in Superset."""
        return f"KPI {self.label}"

    @property
    def label(self) -> str:
        """Who it is, where one company's people have to be told from another's."""
        return self.email if self.company == "kpi" else f"{self.email} ({self.company})"

    def address(self, dashboard: str) -> str:
        """The last part of a dashboard's address in Superset."""
        return f"{dashboard.replace('_', '-')}-{self.uuid()[:8]}"
