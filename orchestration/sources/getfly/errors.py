"""What can go wrong while reading from Getfly. Messages say what happened, at which address, and what to do.

No message holds the key: it travels in a header, and addresses are shown without one.
"""

from __future__ import annotations


class GetflyError(Exception):
    """Reading stopped. What was received before is kept, and the next run goes on from there."""


class TransientError(GetflyError):
    """Trying again may help. `retry_after` is what the server asked for, in seconds."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class RefusedError(GetflyError):
    """The server understood and said no; asking again would get the same answer."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class UnexpectedAnswerError(GetflyError):
    """The answer is whole, and not what the API is known to say."""
