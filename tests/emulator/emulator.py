"""The running emulator as a test sees it: its address, its night, its oddities and faults, and what it was asked.

Belongs here: starting, stopping and changing it. Not here: HTTP (http_server) or answers (api).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from functools import cache
from hmac import compare_digest
from threading import Event, Lock, Thread

from orchestration.sources.base import Source
from tests.emulator.answers import Answer
from tests.emulator.api import Api
from tests.emulator.company import Company
from tests.emulator.faults import Fault, Faults
from tests.emulator.http_server import Desk, EmulatorServer, RecordedRequest
from tests.emulator.oddities import Oddities
from tests.emulator.query import Query


class Emulator:
    """A CRM server over a source; use `running_emulator`. Setting its night or oddities forgets all interference."""

    def __init__(self, source: Source, night: date, key: str, oddities: Oddities, faults: Faults) -> None:
        self._key = key.encode()
        self._company = cache(lambda of: Company(source, of))
        self._faults = faults
        self._night, self._oddities, self._api = night, oddities, self._open(night, oddities)
        self._requests: list[RecordedRequest] = []
        # One answer at a time: the source is no thread's friend, and changes between pages stay in order.
        self._lock = Lock()
        self._closing = Event()
        self._server = EmulatorServer(Desk(self._has_key, self._next_fault, self._record, self._answer, self._closing))

    @property
    def url(self) -> str:
        """Its base address, without a slash at the end."""
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def requests(self) -> tuple[RecordedRequest, ...]:
        """Every request so far, in order of arrival."""
        with self._lock:
            return tuple(self._requests)

    @property
    def refused(self) -> tuple[RecordedRequest, ...]:
        """The requests that were not GET."""
        return tuple(request for request in self.requests if request.method != "GET")

    def forget_requests(self) -> None:
        """Start the record anew."""
        with self._lock:
            self._requests.clear()

    @property
    def night(self) -> date:
        """The night at whose end the company is shown."""
        return self._night

    @night.setter
    def night(self, night: date) -> None:
        self._become(night, self._oddities)

    @property
    def oddities(self) -> Oddities:
        """How the answers are odd."""
        return self._oddities

    @oddities.setter
    def oddities(self, oddities: Oddities) -> None:
        self._become(self._night, oddities)

    @property
    def faults(self) -> Faults:
        """The script of faults; setting one starts its counters."""
        return self._faults

    @faults.setter
    def faults(self, faults: Faults) -> None:
        with self._lock:
            self._faults = faults

    def _become(self, night: date, oddities: Oddities) -> None:
        with self._lock:
            self._night, self._oddities, self._api = night, oddities, self._open(night, oddities)

    def _open(self, night: date, oddities: Oddities) -> Api:
        company: Company = self._company(night)
        # A night that the source does not know fails here, where it is set, not in an answer.
        company.all("employees")
        return Api(company, oddities)

    def _has_key(self, given: str | None) -> bool:
        return given is not None and compare_digest(given.encode(), self._key)

    def _next_fault(self, path: str, query: str) -> Fault | None:
        with self._lock:
            return self._faults.next(path, query)

    def _record(self, request: RecordedRequest) -> None:
        with self._lock:
            self._requests.append(request)

    def _answer(self, path: str, query: Query) -> Answer:
        with self._lock:
            return self._api.answer(path, query)

    def _serve(self) -> None:
        self._server.serve_forever(poll_interval=0.01)

    def _close(self) -> None:
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()
        for error in self._server.errors:
            raise RuntimeError("the emulator itself failed while it answered") from error


@contextmanager
def running_emulator(
    source: Source,
    night: date,
    *,
    key: str = "k" * 30,
    oddities: Oddities | None = None,
    faults: Faults | None = None,
) -> Iterator[Emulator]:
    """Serve the company as it stood at the end of `night`, until the block ends."""
    emulator = Emulator(source, night, key, oddities or Oddities(), faults or Faults())
    thread = Thread(target=emulator._serve, name="emulator", daemon=True)
    thread.start()
    try:
        yield emulator
    finally:
        emulator._close()
