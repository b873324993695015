"""How fast the tenant is asked: requests a second over all threads, and a pause for everybody after "too many".

Belongs here: waiting. Not here: which answers mean "too many" (`client.py`).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class Pace:
    """Hands out moments at which a request may begin, never more than `per_second` of them in a second."""

    def __init__(
        self,
        per_second: float,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        if per_second <= 0:
            raise ValueError(f"requests per second must be more than 0, not {per_second}")
        self._gap = 1.0 / per_second
        self._clock, self._sleep = clock, sleep
        self._lock = threading.Lock()
        self._next = clock()

    def wait(self) -> None:
        """Return when the next request may begin."""
        while True:
            with self._lock:
                now = self._clock()
                if now >= self._next:
                    self._next = now + self._gap
                    return
                pause = self._next - now
            # Then look again: others may have begun meanwhile, or everybody has been told to hold.
            self._sleep(pause)

    def sleep(self, seconds: float) -> None:
        """Wait before the same request is tried again."""
        self._sleep(seconds)

    def hold(self, seconds: float) -> None:
        """Let nobody begin a request for that long."""
        with self._lock:
            self._next = max(self._next, self._clock() + seconds)
