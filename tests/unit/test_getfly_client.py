"""One request to a tenant, against a small HTTP server of this machine: what may leave, what is never shown, how fast,
how often, and what the errors say.

Belongs here: `client.py` and `pace.py`. Not here: whole listings under faults (tests/faults/test_getfly_faults.py).
"""

from __future__ import annotations

import gzip
import json
import logging
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from zoneinfo import ZoneInfo

import httpx
import pytest

from orchestration.sources.getfly.client import Client, Politeness, WriteRefusedError
from orchestration.sources.getfly.errors import GetflyError, RefusedError, TransientError, UnexpectedAnswerError
from orchestration.sources.getfly.pace import Pace
from orchestration.sources.getfly.pages import PageStore
from orchestration.sources.getfly.receive import Question, receive
from orchestration.sources.getfly.resources import resource

KEY = "0123456789abcdefghijklmnopqrst"
PATH = "/api/v6.1/accounts"
DATA = b'{"data": [{"id": 1}], "has_more": false}'


@dataclass(frozen=True)
class Reply:
    status: int = 200
    body: bytes = DATA
    headers: dict[str, str] = field(default_factory=dict)


class Server(ThreadingHTTPServer):
    """Answers what `reply` says for a path, and remembers the request lines of everything that arrived."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.seen: list[str] = []
        self.keys: set[str | None] = set()
        self.reply: Callable[[str], Reply] = lambda _path: Reply()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Server

    def _answer(self) -> None:
        self.server.seen.append(f"{self.command} {self.path}")
        self.server.keys.add(self.headers.get("X-API-KEY"))
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        reply = self.server.reply(self.path)
        self.send_response(reply.status)
        for name, value in {"Content-Type": "application/json", **reply.headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        self.wfile.write(reply.body)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = _answer

    def log_message(self, format: str, *args: object) -> None:
        """Requests are remembered, not printed."""


def always(reply: Reply) -> Callable[[str], Reply]:
    """The same answer, whatever is asked for."""
    return lambda _path: reply


@contextmanager
def running() -> Iterator[Server]:
    server = Server()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def server() -> Iterator[Server]:
    with running() as one:
        yield one


class Clock:
    """Time that passes only where somebody sleeps. `moments` are the times at which each thread looked at it last."""

    def __init__(self) -> None:
        self.now = 0.0
        self.sleeps: list[float] = []
        self.looked: dict[int, float] = {}
        self._lock = threading.Lock()

    def __call__(self) -> float:
        with self._lock:
            self.looked[threading.get_ident()] = self.now
            return self.now

    def sleep(self, seconds: float) -> None:
        until = self.now + seconds
        with self._lock:
            self.sleeps.append(seconds)
            self.now = max(self.now, until)

    def mine(self) -> float:
        """When the calling thread looked last."""
        return self.looked[threading.get_ident()]


def client_of(
    server: Server, politeness: Politeness | None = None, clock: Clock | None = None, waits: list[str] | None = None
) -> Client:
    polite = politeness or Politeness(per_second=10_000, attempts=1)
    clock = clock or Clock()
    pace = Pace(polite.per_second, clock, clock.sleep)
    return Client(server.url, KEY, polite, None if waits is None else waits.append, pace)


# Nothing but reading can leave.


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"])
def test_no_other_method_leaves(server: Server, method: str) -> None:
    with client_of(server) as client, pytest.raises(WriteRefusedError, match=f"not sent: {method} 127"):
        client._http.request(method, PATH)
    assert server.seen == []


def test_no_body_leaves(server: Server) -> None:
    with client_of(server) as client, pytest.raises(WriteRefusedError):
        client._http.request("GET", PATH, content=b"{}")
    assert server.seen == []


@pytest.mark.parametrize("path", ["/", "/login", "/ajax/delete?id=1", "/api/../login", "//api/v6/users"])
def test_no_path_outside_the_api_is_asked(server: Server, path: str) -> None:
    with client_of(server) as client, pytest.raises(WriteRefusedError):
        client._http.get(server.url + path)
    assert server.seen == []


def test_nobody_else_is_asked(server: Server) -> None:
    with running() as other, client_of(server) as client:
        for address in (other.url, f"http://localhost:{server.server_port}", f"https://127.0.0.1:{server.server_port}"):
            with pytest.raises(WriteRefusedError):
                client.get(address + PATH)
        assert other.seen == []
    assert server.seen == []


def test_no_redirect_is_followed(server: Server) -> None:
    with running() as other, client_of(server) as client:
        server.reply = lambda _path: Reply(302, b"", {"Location": other.url + PATH})
        with pytest.raises(RefusedError, match=r"answered 302 and sends the request elsewhere.*KPI_GETFLY_URL"):
            client.get(PATH)
        assert server.seen == [f"GET {PATH}"]
        # Even where the library were told to follow it.
        with pytest.raises(WriteRefusedError):
            client._http.get(PATH, follow_redirects=True)
        assert other.seen == []


def test_no_proxy_of_the_environment_sees_the_key(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    with running() as proxy:
        for name in ("NO_PROXY", "no_proxy", "http_proxy", "all_proxy"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.setenv("ALL_PROXY", proxy.url)
        with client_of(server) as client:
            client.get(PATH)
        assert proxy.seen == []
    assert server.seen == [f"GET {PATH}"]
    assert server.keys == {KEY}


@pytest.mark.parametrize(
    "address",
    [
        "http://company.getflycrm.com",
        "http://127.0.0.1.getflycrm.com",
        "http://10.0.0.1",
        "http://0.0.0.0",
    ],
)
def test_the_key_is_not_sent_in_the_clear(address: str) -> None:
    with pytest.raises(ValueError, match="would send the key in the clear; write https://"):
        Client(address, KEY)


@pytest.mark.parametrize("address", ["", "company.getflycrm.com", "ftp://company.getflycrm.com", "https://a.vn/crm"])
def test_an_address_that_is_none(address: str) -> None:
    with pytest.raises(ValueError, match=r"a Getfly address is like https://company\.getflycrm\.com"):
        Client(address, KEY)


def test_certificates_are_checked_where_there_are_any(monkeypatch: pytest.MonkeyPatch, server: Server) -> None:
    """They are not loaded for this machine's own address, which is most of a small request's time."""
    checked: list[object] = []
    real = httpx.HTTPTransport

    def transport(verify: bool) -> httpx.HTTPTransport:
        checked.append(verify)
        return real(verify=verify)

    monkeypatch.setattr("orchestration.sources.getfly.client.httpx.HTTPTransport", transport)
    for address in ("https://company.getflycrm.com", server.url):
        with Client(address, KEY):
            pass
    assert checked == [True, False]


# The key is never shown.


def chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def test_the_key_is_in_no_error_record_or_file(
    server: Server, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("", "httpx", "httpcore", "orchestration"):
        caplog.set_level(logging.DEBUG, logger=name)
    told = json.dumps({"message": f"the key {KEY} is no good", "errors": {"key": KEY}}).encode()
    replies = [
        *(Reply(status, told) for status in (400, 401, 403, 404, 422, 429, 500, 503)),
        Reply(302, told, {"Location": "/login"}),
        Reply(200, told),
        Reply(200, b"<html>" + told),
        Reply(200, told[:-9]),
        Reply(200, json.dumps([KEY]).encode()),
        Reply(418, json.dumps([KEY]).encode()),
    ]
    waits: list[str] = []
    shown: list[str] = []
    with client_of(server, Politeness(attempts=2, per_second=100), waits=waits) as client:
        store, zone, of = PageStore(tmp_path), ZoneInfo("Asia/Ho_Chi_Minh"), resource("accounts")
        for reply in replies:
            server.reply = always(reply)
            with pytest.raises(GetflyError) as caught:
                receive(client, store, Question(of), date(2026, 3, 31), zone)
            shown += [text for error in chain(caught.value) for text in (str(error), repr(error))]
            shown += traceback.format_exception(caught.value)
        server.reply = lambda _path: Reply()
        receive(client, store, Question(of), date(2026, 3, 31), zone)
        shown += [repr(client), str(client), repr(client._http), client.address, *waits]
        with pytest.raises(WriteRefusedError) as refused:
            client._http.post(PATH)
        shown += traceback.format_exception(refused.value)
    assert server.keys == {KEY}
    assert waits
    assert [text for text in shown if KEY in text] == []
    assert [record for record in caplog.records if KEY in record.getMessage() or KEY in str(record.__dict__)] == []
    assert {record.name.split(".")[0] for record in caplog.records} >= {"httpx", "httpcore"}
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(files) > 3
    for path in files:
        content = path.read_bytes()
        assert KEY.encode() not in (gzip.decompress(content) if path.suffix == ".gz" else content)


@pytest.mark.parametrize("key", [f"{KEY}\nsecond line", f"{KEY} x", f"{KEY}é", f"{KEY}\x00"])
def test_a_key_that_http_cannot_carry_is_refused_and_not_shown(key: str) -> None:
    with pytest.raises(ValueError, match="copy it once more from Getfly") as caught:
        Client("https://company.getflycrm.com", key)
    assert KEY not in repr(caught.value)


def test_an_empty_key_is_refused_and_space_around_one_is_not_sent(server: Server) -> None:
    with pytest.raises(ValueError, match="key is empty"):
        Client(server.url, " \n")
    with Client(server.url, f" {KEY}\n", Politeness(attempts=1)) as client:
        client.get(PATH)
    assert server.keys == {KEY}


# How often, and how long between.


def test_waits_double_and_are_bounded(server: Server) -> None:
    server.reply = lambda _path: Reply(500, b"")
    clock, waits = Clock(), list[str]()
    polite = Politeness(per_second=4, attempts=6, first_wait_seconds=2, longest_wait_seconds=10)
    with (
        client_of(server, polite, clock, waits) as client,
        pytest.raises(TransientError, match=r"answered 500\. It did not pass in 6 tries"),
    ):
        client.get(PATH)
    assert clock.sleeps == [2, 4, 8, 10, 10]
    assert len(server.seen) == 6
    assert waits == [f"127.0.0.1{PATH} answered 500"] * 5


def in_turn(*replies: Reply) -> Callable[[str], Reply]:
    """One after the other, the last for ever."""
    left = list(replies)
    return lambda _path: left.pop(0) if len(left) > 1 else left[0]


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_in_seconds_is_obeyed(server: Server, status: int) -> None:
    server.reply = in_turn(Reply(status, b"", {"Retry-After": "37"}), Reply())
    clock, waits = Clock(), list[str]()
    with client_of(server, Politeness(attempts=2, first_wait_seconds=1), clock, waits) as client:
        assert client.get(PATH).body["data"] == [{"id": 1}]
    assert clock.sleeps == [37]
    assert waits == [f"127.0.0.1{PATH} answered {status} and asks to wait 37 seconds"]


def test_retry_after_as_a_date_is_obeyed(server: Server) -> None:
    server.reply = lambda _path: Reply(
        *(429, b""), {"Retry-After": format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)}
    )
    clock = Clock()
    with client_of(server, Politeness(attempts=2), clock) as client, pytest.raises(TransientError):
        client.get(PATH)
    [slept] = clock.sleeps
    assert 80 < slept <= 90


@pytest.mark.parametrize("words", ["soon", "-5", "Tue, 24 Mar 2020 17:00:07 GMT", "nan", ""])
def test_a_retry_after_that_says_nothing_does_not_stop_or_hurry(server: Server, words: str) -> None:
    """Words are as no header, a moment that is over as none to wait for."""
    server.reply = in_turn(Reply(429, b"", {"Retry-After": words}), Reply())
    clock = Clock()
    with client_of(server, Politeness(attempts=2, first_wait_seconds=3), clock) as client:
        client.get(PATH)
    assert clock.sleeps[:1] == ([3] if words in ("soon", "") else [0])


@pytest.mark.parametrize("words", ["601", "1e9", "inf", "Tue, 24 Mar 2099 17:00:07 GMT"])
def test_too_long_a_retry_after_ends_the_run_at_once(server: Server, words: str) -> None:
    server.reply = lambda _path: Reply(429, b"", {"Retry-After": words})
    clock = Clock()
    with (
        client_of(server, Politeness(attempts=6), clock) as client,
        pytest.raises(TransientError, match=r"asks to wait .* seconds\. It did not pass in 1 try; what was"),
    ):
        client.get(PATH)
    assert clock.sleeps == []
    assert len(server.seen) == 1


# How fast.


def most_in_a_second(moments: list[float]) -> int:
    return max(sum(begin <= other < begin + 1 for other in moments) for begin in moments)


def test_never_more_requests_in_a_second_over_all_threads() -> None:
    clock = Clock()
    pace = Pace(4, clock, clock.sleep)
    moments: list[float] = []

    def ask(_number: int) -> None:
        for _ in range(15):
            pace.wait()
            moments.append(clock.mine())

    with ThreadPoolExecutor(5) as pool:
        list(pool.map(ask, range(5)))
    assert len(moments) == 75
    assert most_in_a_second(moments) == 4
    # Nor slower than that.
    assert max(moments) == pytest.approx(74 / 4)


@pytest.mark.parametrize("per_second", [0, -1])
def test_no_pace_at_all_is_a_mistake(per_second: float) -> None:
    with pytest.raises(ValueError, match="must be more than 0"):
        Pace(per_second)


def test_everybody_waits_after_too_many_requests(server: Server) -> None:
    """Also whoever was about to begin: a thread that sleeps towards its moment looks again when it wakes."""
    clock = Clock()
    arrived: dict[str, float] = {}

    def reply(path: str) -> Reply:
        arrived.setdefault(path, clock.now)
        return Reply(429, b"", {"Retry-After": "30"}) if path == "/api/v6/a" and clock.now < 30 else Reply()

    server.reply = reply
    client = client_of(server, Politeness(per_second=1, attempts=2), clock)
    other = threading.Thread(target=lambda: client.get("/api/v6/b"))
    real_sleep, asleep = clock.sleep, list[float]()

    def sleep(seconds: float) -> None:
        if seconds == 30 and not asleep:
            asleep.append(seconds)
            # Meanwhile another thread wants to ask something else.
            other.start()
            other.join(10)
        real_sleep(seconds)

    client._pace._sleep = sleep
    with client:
        client.get("/api/v6/a")
    assert not other.is_alive()
    assert arrived["/api/v6/b"] >= 30

    pace = Pace(1, clock, lambda seconds: holding(seconds))
    held: list[float] = []

    def holding(seconds: float) -> None:
        if not held:
            held.append(seconds)
            pace.hold(50)
        real_sleep(seconds)

    begin = clock.now
    pace.wait()
    pace.wait()
    assert held
    assert clock.now >= begin + 50


def test_no_more_at_once_than_agreed(server: Server) -> None:
    lock, now, most = threading.Lock(), [0], [0]

    def reply(_path: str) -> Reply:
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        time.sleep(0.03)
        with lock:
            now[0] -= 1
        return Reply()

    server.reply = reply
    with (
        Client(server.url, KEY, Politeness(per_second=10_000, at_once=3)) as client,
        ThreadPoolExecutor(9) as pool,
    ):
        list(pool.map(lambda _: client.get(PATH), range(27)))
    assert len(server.seen) == 27
    assert most[0] == 3


def test_whoever_waited_for_a_place_does_not_begin_together_with_others(server: Server) -> None:
    """While one answer is slow the others' moments pass; they still begin one after the other."""
    clock = Clock()
    began, waiting = list[float](), threading.Event()

    def reply(path: str) -> Reply:
        began.append(clock.now)
        if path.endswith("slow"):
            waiting.set()
            time.sleep(0.2)
            clock.now = 10
        return Reply()

    server.reply = reply
    with client_of(server, Politeness(per_second=1, at_once=1), clock) as client, ThreadPoolExecutor(3) as pool:
        first = pool.submit(client.get, "/api/v6/slow")
        assert waiting.wait(10)
        others = [pool.submit(client.get, PATH) for _ in range(2)]
        for one in (first, *others):
            one.result()
    assert began == [0, 10, 11]


# What passes, what stays, and what the errors say.


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_what_may_pass_is_tried_again(server: Server, status: int) -> None:
    server.reply = in_turn(Reply(status, b"<html>"), Reply())
    with client_of(server, Politeness(attempts=2)) as client:
        assert client.get(PATH).content == DATA
    assert len(server.seen) == 2


@pytest.mark.parametrize("status", [201, 204, 301, 304, 400, 401, 403, 404, 405, 409, 422, 501, 505])
def test_what_stays_is_asked_once(server: Server, status: int) -> None:
    server.reply = lambda _path: Reply(status, b"" if status in (204, 304) else b'{"message": "so"}')
    with client_of(server, Politeness(attempts=5)) as client, pytest.raises(RefusedError) as caught:
        client.get(PATH)
    assert len(server.seen) == 1
    assert caught.value.status == status
    assert f"127.0.0.1{PATH} answered {status}" in str(caught.value)


GZIP = {"Content-Encoding": "gzip"}


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (Reply(200, b"<html>Maintenance"), "answered with a web page, not data: maintenance, or not the CRM's address"),
        (Reply(200, DATA, {"Content-Type": "text/html"}), "answered with a web page, not data"),
        (Reply(200, b" \n <!DOCTYPE html>"), "answered with a web page, not data"),
        (Reply(200, DATA[:-7]), "the answer breaks off or is not JSON"),
        (Reply(200, b""), "the answer breaks off or is not JSON"),
        (Reply(200, gzip.compress(DATA)[:25], GZIP), "the answer breaks off or is not JSON"),
        (Reply(200, b"not compressed", GZIP), "DecodingError"),
        (Reply(200, b'{"data": ["\xff"]}'), "the answer breaks off or is not JSON"),
    ],
)
def test_answers_that_may_be_better_next_time(server: Server, reply: Reply, words: str) -> None:
    server.reply = in_turn(reply, Reply())
    waits: list[str] = []
    with client_of(server, Politeness(attempts=2), waits=waits) as client:
        assert client.get(PATH).content == DATA
        server.reply = lambda _path: reply
        with pytest.raises(TransientError, match=rf"127\.0\.0\.1{PATH}.*{words}.*2 tries; what was received is kept"):
            client.get(PATH)
    assert waits[0].startswith(f"127.0.0.1{PATH}")


def test_a_compressed_answer_is_kept_as_what_it_says(server: Server) -> None:
    server.reply = lambda _path: Reply(200, gzip.compress(DATA), GZIP)
    with client_of(server) as client:
        assert client.get(PATH, {"limit": "1", "filtering[valid]": "0"}).content == DATA
    assert server.seen == [f"GET {PATH}?limit=1&filtering%5Bvalid%5D=0"]


@pytest.mark.parametrize(
    "body", [b'{"message": "H\\u1ebft h\\u1ea1n"}', b'{"errors": {"limit": ["no"]}, "message": ""}']
)
def test_a_success_that_tells_of_an_error_is_none(server: Server, body: bytes) -> None:
    server.reply = lambda _path: Reply(200, body)
    with client_of(server, Politeness(attempts=5)) as client, pytest.raises(UnexpectedAnswerError) as caught:
        client.get(PATH)
    assert len(server.seen) == 1
    assert str(caught.value) in (
        f"127.0.0.1{PATH} answered 200 with an error: Hết hạn",
        f'127.0.0.1{PATH} answered 200 with an error: {{"limit": ["no"]}}',
    )


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (Reply(401, b"{}"), "the key is wrong or was withdrawn. Settings > Integration > "),
        (Reply(403, b'{"message": "No"}'), "answered 403: No. The key's owner needs the right to see it in Getfly"),
        (Reply(404, b'{"message": "No"}'), "answered 404: No"),
        (Reply(400, b'{"message": "No", "errors": {"fields": "x"}}'), 'answered 400: No {"fields": "x"}'),
        (Reply(400, b"<html>", {"Content-Type": "text/html"}), "answered 400: no reason given (text/html)"),
        (Reply(400, b"{}"), "answered 400: no reason given"),
        (Reply(429, b"{}"), "Run the night again when the CRM can be used in a browser."),
    ],
)
def test_errors_say_where_and_what_to_do(server: Server, reply: Reply, words: str) -> None:
    server.reply = lambda _path: reply
    with client_of(server) as client, pytest.raises(GetflyError) as caught:
        client.get(PATH)
    assert f"127.0.0.1{PATH} answered {reply.status}" in str(caught.value)
    assert words in str(caught.value)


def test_what_a_server_says_is_shortened(server: Server) -> None:
    server.reply = lambda _path: Reply(400, json.dumps({"message": "x" * 10_000}).encode())
    with client_of(server) as client, pytest.raises(RefusedError) as caught:
        client.get(PATH)
    assert len(str(caught.value)) < 300


def test_nobody_at_the_address(server: Server) -> None:
    with running() as other:
        url = other.url
    clock = Clock()
    with (
        Client(url, KEY, Politeness(attempts=2), pace=Pace(10, clock, clock.sleep)) as client,
        pytest.raises(TransientError, match=r"127\.0\.0\.1/api/v6\.1/accounts: ConnectError, .*refused"),
    ):
        client.get(PATH)
    assert clock.sleeps == [2]


@pytest.mark.parametrize("address", ["https://me:word@company.getflycrm.com", "https://company.getflycrm.com?key=word"])
def test_an_address_with_a_secret_in_it_is_refused_without_repeating_it(address: str) -> None:
    with pytest.raises(ValueError, match="has a user name or parameters in it") as caught:
        Client(address, KEY)
    assert "word" not in str(caught.value)
