"""HTTP/1.1 with kept connections: reads requests, records them, checks the key, injects faults, writes answers.

Belongs here: the wire. Not here: what is answered (api), or which fault is due (faults).
"""

from __future__ import annotations

import json
import os
import socket
import struct
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event
from typing import Any
from urllib.parse import parse_qsl, unquote_plus

from tests.emulator.answers import HTML_PAGE, HTML_TYPE, JSON_TYPE, Answer, Refused
from tests.emulator.faults import Fault, FaultKind
from tests.emulator.query import read_query

KEY_HEADER = "X-API-KEY"
_MESSAGES = {
    FaultKind.TOO_MANY_REQUESTS: "Too Many Attempts.",
    FaultKind.WRONG_KEY: "API key không hợp lệ",
    FaultKind.FORBIDDEN: "Không có quyền truy cập",
    FaultKind.NOT_FOUND: "Không tồn tại",
    FaultKind.SERVER_ERROR: "Server Error",
}
# Answered by what stands in front of the CRM, not by the CRM.
_GATEWAY = frozenset({FaultKind.BAD_GATEWAY, FaultKind.UNAVAILABLE})


@dataclass(frozen=True)
class RecordedRequest:
    """One request as it arrived; `at` is a monotonic clock's seconds, `fault` what was injected."""

    method: str
    path: str
    query: str
    at: float
    fault: FaultKind | None = None
    body: bytes = b""

    @property
    def params(self) -> Mapping[str, str]:
        """The query's parameters; of one that is repeated, the last."""
        return dict(parse_qsl(self.query, keep_blank_values=True))


@dataclass(frozen=True)
class Desk:
    """What the handler needs of the emulator."""

    has_key: Callable[[str | None], bool]
    next_fault: Callable[[str, str], Fault | None]
    record: Callable[[RecordedRequest], None]
    answer: Callable[[str, Any], Answer]
    closing: Event


class EmulatorServer(ThreadingHTTPServer):
    """Listens on a free port of the loopback address."""

    # A slow answer must not hold up the end of a test.
    daemon_threads = True

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.errors: list[BaseException] = []
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Keep a fault of the emulator itself: the test that met it must not take it for the CRM's."""
        if error := sys.exc_info()[1]:
            self.errors.append(error)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "emulator"
    sys_version = ""
    disable_nagle_algorithm = True
    server: EmulatorServer

    def handle(self) -> None:
        try:
            super().handle()
        except ConnectionError:
            # The client hung up in the middle, as it may.
            self.close_connection = True

    def do_GET(self) -> None:
        path, query, body = self._request()
        desk = self.server.desk
        fault = desk.next_fault(path, unquote_plus(query))
        desk.record(RecordedRequest("GET", path, query, time.monotonic(), fault.kind if fault else None, body))
        if fault is not None and fault.kind is FaultKind.SLOW:
            desk.closing.wait(fault.seconds)
        elif fault is not None and fault.kind is FaultKind.RESET:
            self._reset()
            return
        elif fault is not None and fault.kind not in (FaultKind.CUT_OFF, FaultKind.CUT_BODY):
            self._send(_failed(fault))
            return
        self._send(self._right_answer(path, query, body), fault.kind if fault else None)

    def _right_answer(self, path: str, query: str, body: bytes) -> Answer:
        if not self.server.desk.has_key(self.headers.get(KEY_HEADER)):
            return Refused(401, _MESSAGES[FaultKind.WRONG_KEY]).answer
        try:
            return self.server.desk.answer(path, read_query(query, body))
        except Refused as refused:
            return refused.answer

    def _refuse(self) -> None:
        """Anything that is not GET: recorded, and refused whatever the key."""
        path, query, body = self._request()
        self.server.desk.record(RecordedRequest(self.command, path, query, time.monotonic(), None, body))
        self._send(Refused(403, "Phương thức không được chấp nhận").answer)

    do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = _refuse

    def _request(self) -> tuple[str, str, bytes]:
        path, _, query = self.path.partition("?")
        return path, query, self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _reset(self) -> None:
        """Close with the pending data thrown away, so that the client gets a reset and no orderly end."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        os.close(self.connection.detach())
        self.close_connection = True

    def _send(self, answer: Answer, fault: FaultKind | None = None) -> None:
        is_html = answer.html is not None
        content = answer.html if is_html else json.dumps(answer.content, ensure_ascii=False)
        body = str(content).encode()
        promised = len(body)
        if fault in (FaultKind.CUT_OFF, FaultKind.CUT_BODY):
            body = body[: len(body) // 2]
            promised = len(body) if fault is FaultKind.CUT_BODY else promised
        self.send_response(answer.status)
        self.send_header("Content-Type", HTML_TYPE if is_html else JSON_TYPE)
        self.send_header("Content-Length", str(promised))
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if promised != len(body):
            self.close_connection = True
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Requests are recorded, not printed."""


def _failed(fault: Fault) -> Answer:
    headers = {} if fault.retry_after is None else {"Retry-After": fault.retry_after}
    if fault.kind is FaultKind.HTML:
        return Answer(200, html=HTML_PAGE.format("Đăng nhập"), headers=headers)
    status = int(fault.kind.value)
    if fault.kind in _GATEWAY:
        return Answer(status, html=HTML_PAGE.format(status), headers=headers)
    return Answer(status, {"message": _MESSAGES[fault.kind], "errors": {}}, headers=headers)
