"""Faults injected by a script: which kind, on which path, at which matching request, how often.

Belongs here: the script and its counting. Not here: making a fault happen on the wire (http_server), or answers that
are merely odd (oddities).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from threading import Lock


class FaultKind(StrEnum):
    """What goes wrong instead of, or with, the right answer."""

    TOO_MANY_REQUESTS = "429"
    SERVER_ERROR = "500"
    BAD_GATEWAY = "502"
    UNAVAILABLE = "503"
    WRONG_KEY = "401"
    FORBIDDEN = "403"
    NOT_FOUND = "404"
    SLOW = "slow"  # the right answer, `seconds` late
    RESET = "reset"  # the connection is reset before a byte of the answer
    CUT_OFF = "cut_off"  # half the body, though Content-Length promised all of it; then the connection closes
    CUT_BODY = "cut_body"  # half the body, with a Content-Length that agrees: only the JSON is broken
    HTML = "html"  # a page of HTML with status 200


@dataclass(frozen=True)
class Fault:
    """One line of the script.

    `path` is a pattern with `*`, `?` and `[…]` over the path; `query`, when set, one over the percent-decoded query.
    The fault strikes at the `nth` matching request and the `times` - 1 matching ones after it; `times` None: for ever.
    `retry_after` is the value of that header, for any kind that has a status; `seconds` is for SLOW.
    """

    kind: FaultKind
    path: str = "*"
    nth: int = 1
    times: int | None = 1
    query: str | None = None
    retry_after: str | None = None
    seconds: float = 0.0

    def __post_init__(self) -> None:
        if self.nth < 1 or (self.times is not None and self.times < 1):
            raise ValueError("a fault strikes at the first request or later, and at least once")

    def matches(self, path: str, query: str) -> bool:
        """Whether a request is one that this fault counts."""
        return fnmatchcase(path, self.path) and (self.query is None or fnmatchcase(query, self.query))

    def strikes(self, count: int) -> bool:
        """Whether it strikes at the `count`th matching request."""
        return count >= self.nth and (self.times is None or count < self.nth + self.times)


class Faults:
    """A script of faults with its counters; the first line that strikes wins, every matching line counts."""

    def __init__(self, *script: Fault) -> None:
        self._script = script
        self._counts = [0] * len(script)
        self._lock = Lock()

    def next(self, path: str, query: str) -> Fault | None:
        """Count a request, and say which fault strikes it."""
        with self._lock:
            struck = None
            for place, fault in enumerate(self._script):
                if not fault.matches(path, query):
                    continue
                self._counts[place] += 1
                if struck is None and fault.strikes(self._counts[place]):
                    struck = fault
            return struck
