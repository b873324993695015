"""What can go wrong with Metabase. Messages say what happened, at which address, and what to do.

No message holds the key or a password: both travel in headers and bodies, and what a server repeats of them is blotted.
"""

from __future__ import annotations


class MetabaseError(Exception):
    """Provisioning stopped. What was done before stays; the same command again goes on from there."""


class UnreachableError(MetabaseError):
    """No answer, or none that means anything; trying again later may help."""


class RefusedError(MetabaseError):
    """The server understood and said no; asking again would get the same answer."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class NotThereError(RefusedError):
    """There is no such object (any more)."""


class ConflictError(RefusedError):
    """Somebody else changed the permissions meanwhile; reading them again and asking again helps."""
