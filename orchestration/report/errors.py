"""The one error a reader of a page can get; nothing else belongs here."""

from __future__ import annotations


class PageError(Exception):
    """A page that cannot be shown: what happened, and in `hint` what to do about it."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __reduce__(self) -> tuple[type[PageError], tuple[str, str]]:
        """Whole again in another process: an exception is otherwise made anew of its message alone."""
        return type(self), (self.message, self.hint)
