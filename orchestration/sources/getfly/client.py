"""One GET at a time from a Getfly tenant: key, pace, retries, and telling a passing trouble from a refusal.

Belongs here: everything about a single request. Not here: paging (`listing.py`), or what to ask for (`resources.py`).

The key may change and delete everything in the CRM. So that no mistake anywhere can use it for that, every request
passes `_ReadOnly`, which lets nothing through but GETs of the API of this one tenant.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Self

import httpx
import tenacity

from orchestration.sources.getfly.errors import RefusedError, TransientError, UnexpectedAnswerError
from orchestration.sources.getfly.pace import Pace

# DESIGN section 10: these pass, everything else stays.
_TRANSIENT = frozenset({408, 429, 500, 502, 503, 504})
_API = "/api/v"
_KEY_HEADER = "X-API-KEY"
_SHOWN = 200


@dataclass(frozen=True)
class Politeness:
    """How a tenant is treated. The API's own limits are not documented; these are what working clients keep to.

    `attempts` counts the first one. Without a `Retry-After`, waits double from `first_wait_seconds` to
    `longest_wait_seconds`; a `Retry-After` of more than `longest_retry_after_seconds` ends the run instead.
    """

    per_second: float = 4.0
    at_once: int = 2
    attempts: int = 6
    first_wait_seconds: float = 2.0
    longest_wait_seconds: float = 60.0
    longest_retry_after_seconds: float = 600.0
    timeout_seconds: float = 60.0


@dataclass(frozen=True)
class Answer:
    """A whole answer: the bytes as they came, and what they say."""

    content: bytes
    body: Any
    received_at: datetime


class WriteRefusedError(Exception):
    """Something in this program tried to do more than read. It is a defect, and nothing was sent."""


class _ReadOnly(httpx.BaseTransport):
    """Lets GETs of one tenant's API through, and nothing else."""

    def __init__(self, inner: httpx.BaseTransport, tenant: httpx.URL) -> None:
        self._inner, self._tenant = inner, tenant

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send it, or raise WriteRefusedError."""
        same_tenant = (request.url.scheme, request.url.host, request.url.port) == (
            self._tenant.scheme,
            self._tenant.host,
            self._tenant.port,
        )
        if request.method != "GET" or not same_tenant or not request.url.path.startswith(_API) or request.read():
            raise WriteRefusedError(f"not sent: {request.method} {request.url.host}{request.url.path}")
        return self._inner.handle_request(request)

    def close(self) -> None:
        """Close the connections."""
        self._inner.close()


class Client:
    """A tenant, asked politely. Use it as a context manager; safe for several threads."""

    def __init__(
        self,
        address: str,
        key: str,
        politeness: Politeness | None = None,
        on_wait: Callable[[str], None] | None = None,
        pace: Pace | None = None,
    ) -> None:
        """`on_wait` is told, in words, of every wait before another try. Raises ValueError for no such address or key.

        `https` is required unless the tenant is this machine: the key travels with every request.
        """
        tenant = httpx.URL(address)
        if tenant.userinfo or tenant.query:
            raise ValueError(
                "the Getfly address has a user name or parameters in it; write https://COMPANY.getflycrm.com"
            )
        if tenant.scheme not in {"https", "http"} or not tenant.host or tenant.path not in {"", "/"}:
            raise ValueError(f"a Getfly address is like https://company.getflycrm.com, not {address}")
        if tenant.scheme == "http" and tenant.host not in {"127.0.0.1", "localhost", "::1"}:
            raise ValueError(f"{address} would send the key in the clear; write https://{tenant.host}")
        if not key.strip():
            raise ValueError("the Getfly key is empty")
        if any(not "!" <= character <= "~" for character in key.strip()):
            # HTTP could not carry it, and the library's error would show it.
            raise ValueError("the Getfly key has spaces, line breaks or accents inside; copy it once more from Getfly")
        self._tenant = tenant
        self._politeness = politeness or Politeness()
        self._pace = pace or Pace(self._politeness.per_second)
        self._at_once = threading.BoundedSemaphore(self._politeness.at_once)
        self._on_wait = on_wait or (lambda _text: None)
        self._backoff = tenacity.wait_exponential(
            multiplier=self._politeness.first_wait_seconds, max=self._politeness.longest_wait_seconds
        )
        self._http = httpx.Client(
            base_url=tenant,
            headers={_KEY_HEADER: key.strip(), "Accept": "application/json"},
            timeout=self._politeness.timeout_seconds,
            follow_redirects=False,
            trust_env=False,
            # Loading certificates takes longer than most answers; only https has a use for them.
            transport=_ReadOnly(httpx.HTTPTransport(verify=tenant.scheme == "https"), tenant),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._http.close()

    @property
    def address(self) -> str:
        """Whom it asks."""
        return str(self._tenant)

    def get(self, path: str, parameters: Mapping[str, str] | None = None) -> Answer:
        """The answer to one GET, after as many tries as it takes within the bounds.

        Raises TransientError when the trouble did not pass, RefusedError when the server said no, and
        UnexpectedAnswerError when its answer is something else than data.
        """
        tries = 0
        try:
            for attempt in tenacity.Retrying(
                stop=tenacity.stop_after_attempt(self._politeness.attempts),
                retry=tenacity.retry_if_exception(self._may_pass),
                wait=self._wait_seconds,
                before_sleep=self._before_waiting,
                sleep=self._pause,
                reraise=True,
            ):
                with attempt:
                    tries += 1
                    return self._once(path, parameters or {})
        except TransientError as error:
            raise TransientError(
                f"{error}. It did not pass in {tries} {'try' if tries == 1 else 'tries'}; what was received is kept. "
                "Run the night again when the CRM can be used in a browser.",
                error.retry_after,
            ) from error
        raise AssertionError("retrying ends with an answer or an error")

    def _may_pass(self, error: BaseException) -> bool:
        return isinstance(error, TransientError) and (
            error.retry_after is None or error.retry_after <= self._politeness.longest_retry_after_seconds
        )

    def _wait_seconds(self, state: tenacity.RetryCallState) -> float:
        error = _failure(state)
        asked = error.retry_after if isinstance(error, TransientError) else None
        return self._backoff(state) if asked is None else asked

    def _before_waiting(self, state: tenacity.RetryCallState) -> None:
        self._on_wait(str(_failure(state)))
        # Everybody waits: other threads would be told the same.
        self._pace.hold(state.upcoming_sleep)

    def _pause(self, seconds: float) -> None:
        self._pace.sleep(seconds)

    def _once(self, path: str, parameters: Mapping[str, str]) -> Answer:
        with self._at_once:
            # Inside, because whoever waited for a free place after its moment would begin together with others.
            self._pace.wait()
            try:
                response = self._http.get(path, params=dict(parameters))
            except (httpx.TransportError, httpx.DecodingError) as error:
                raise TransientError(f"{self._shown(path)}: {type(error).__name__}, {error}") from error
        return _judged(response, self._shown(path))

    def _shown(self, path: str) -> str:
        return f"{self._tenant.host}{path}"


def _failure(state: tenacity.RetryCallState) -> BaseException | None:
    return None if state.outcome is None else state.outcome.exception()


def _judged(response: httpx.Response, where: str) -> Answer:
    status = response.status_code
    if status in _TRANSIENT:
        seconds = _retry_after(response)
        asks = "" if seconds is None else f" and asks to wait {seconds:.0f} seconds"
        raise TransientError(f"{where} answered {status}{asks}", seconds)
    if status == 401:
        raise RefusedError(
            f"{where} answered 401: the key is wrong or was withdrawn. Settings > Integration > Other software "
            "integration > Getfly API Key shows the present one.",
            status,
        )
    if response.has_redirect_location:
        raise RefusedError(
            f"{where} answered {status} and sends the request elsewhere, which is not followed. KPI_GETFLY_URL must be "
            "the CRM's own address, as the browser shows it after logging in.",
            status,
        )
    if status == 403:
        raise RefusedError(
            f"{where} answered 403: {_message(response)}. The key's owner needs the right to see it in Getfly.",
            status,
        )
    if status != 200:
        raise RefusedError(f"{where} answered {status}: {_message(response)}", status)
    received_at = datetime.now(UTC)
    if _looks_like_html(response):
        # A page of maintenance passes, a wrong path does not; both look the same.
        raise TransientError(f"{where} answered with a web page, not data: maintenance, or not the CRM's address")
    try:
        body = json.loads(response.content)
    except ValueError as error:
        raise TransientError(f"{where}: the answer breaks off or is not JSON ({error})") from error
    if isinstance(body, dict) and "data" not in body and ("errors" in body or "message" in body):
        raise UnexpectedAnswerError(f"{where} answered 200 with an error: {_message(response)}")
    return Answer(response.content, body, received_at)


def _looks_like_html(response: httpx.Response) -> bool:
    return "html" in response.headers.get("content-type", "") or response.content.lstrip()[:1] == b"<"


def _message(response: httpx.Response) -> str:
    """What the server says, shortened and without the key, should it repeat it; its own words are Vietnamese."""
    return _said(response).replace(response.request.headers[_KEY_HEADER], "[key]")[:_SHOWN]


def _said(response: httpx.Response) -> str:
    try:
        body = json.loads(response.content)
    except ValueError:
        return f"no reason given ({response.headers.get('content-type', 'unknown content')})"
    if not isinstance(body, dict):
        return json.dumps(body, ensure_ascii=False)
    told = [str(body.get("message", "")), json.dumps(body["errors"], ensure_ascii=False) if body.get("errors") else ""]
    return " ".join(filter(None, told)) or "no reason given"


def _retry_after(response: httpx.Response) -> float | None:
    """Seconds to wait, from a number or a date; None where the server says nothing it can be held to."""
    text = response.headers.get("retry-after", "").strip()
    if not text:
        return None
    try:
        return max(0.0, float(text))
    except ValueError:
        pass
    try:
        moment: datetime = parsedate_to_datetime(text)
        return max(0.0, moment.timestamp() - datetime.now(UTC).timestamp())
    except (ValueError, TypeError):
        return None
