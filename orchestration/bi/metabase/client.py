"""One request at a time to a Metabase server: key, tries, and telling a passing trouble from a refusal.

Belongs here: everything about a single request. Not here: which requests (`provision.py`), or what is in them
(`wanted.py`).

The key is an administrator's, and bodies carry viewers' passwords: neither is ever in a message, and both leave this
machine encrypted only.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

import httpx
import tenacity

from orchestration.bi.metabase.errors import (
    ConflictError,
    MetabaseError,
    NotThereError,
    RefusedError,
    UnreachableError,
)

# The first release line whose published API description was followed. Requests to an older one might be taken
# differently, and permissions are among them.
OLDEST_VERSION = 57
_VERSION = re.compile(r"v[01]\.(\d+)\b")
_KEY_HEADER = "x-api-key"
# DESIGN section 10, without 500: Metabase says that of what will never work, too.
_PASSING = frozenset({408, 429, 502, 503, 504})
_DONE = frozenset({200, 201, 202, 204})
_THIS_MACHINE = frozenset({"127.0.0.1", "localhost", "::1"})
_SHOWN = 300


@dataclass(frozen=True)
class Patience:
    """How a server is waited for. `attempts` counts the first one; waits double from the first to the longest."""

    attempts: int = 4
    first_wait_seconds: float = 1.0
    longest_wait_seconds: float = 10.0
    timeout_seconds: float = 60.0


class Client:
    """A Metabase server. Use it as a context manager."""

    def __init__(
        self,
        address: str,
        key: str,
        patience: Patience | None = None,
        on_wait: Callable[[str], None] | None = None,
    ) -> None:
        """`on_wait` is told, in words, of every wait for another try. Raises ValueError for no such address or key."""
        server = httpx.URL(address)
        if server.userinfo or server.query or server.fragment:
            raise ValueError(
                "KPI_METABASE_URL has a user name or parameters in it; write https://metabase.company.example"
            )
        if server.scheme not in {"https", "http"} or not server.host:
            raise ValueError(f"KPI_METABASE_URL is like https://metabase.company.example, not {address}")
        if server.scheme == "http" and server.host not in _THIS_MACHINE:
            raise ValueError(
                f"{address} would send the key and viewers' passwords in the clear; write https://{server.host}, or "
                "run this on the machine of Metabase and write http://127.0.0.1:3000"
            )
        if not key.strip():
            raise ValueError("the Metabase key is empty")
        if any(not "!" <= character <= "~" for character in key.strip()):
            # HTTP could not carry it, and the library's error would show it.
            raise ValueError("the Metabase key has spaces, line breaks or accents inside; copy it once more")
        self._server = server
        self._key = key.strip()
        self._patience = patience or Patience()
        self._on_wait = on_wait or (lambda _text: None)
        self._http = httpx.Client(
            base_url=server,
            headers={_KEY_HEADER: self._key, "Accept": "application/json"},
            timeout=self._patience.timeout_seconds,
            follow_redirects=False,
            trust_env=False,
            # Loading certificates takes longer than most answers; only https has a use for them.
            transport=httpx.HTTPTransport(verify=server.scheme == "https"),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._http.close()

    @property
    def address(self) -> str:
        """Whom it asks."""
        return str(self._server)

    def get(self, path: str, **parameters: str | int | bool) -> Any:
        """What is there."""
        return self._ask("GET", path, None, parameters)

    def post(self, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Make something new. Never sent twice where the first may have arrived: it would make a second one."""
        return self._ask("POST", path, body, {})

    def put(self, path: str, body: Mapping[str, Any]) -> Any:
        """Change what is there."""
        return self._ask("PUT", path, body, {})

    def delete(self, path: str) -> None:
        """Take something away for good."""
        self._ask("DELETE", path, None, {})

    def version(self) -> str:
        """The server's release, like v0.58.3. Raises MetabaseError for one that is too old, or is none."""
        properties = self.get("/api/session/properties")
        tag = properties.get("version", {}).get("tag") if isinstance(properties, dict) else None
        found = _VERSION.match(tag) if isinstance(tag, str) else None
        if found is None:
            raise MetabaseError(
                f"{self._server.host} does not say which Metabase it is (version tag {tag!r}); KPI_METABASE_URL must "
                "be the address of a released Metabase"
            )
        if int(found.group(1)) < OLDEST_VERSION:
            raise MetabaseError(
                f"{self._server.host} runs Metabase {tag}; {OLDEST_VERSION} is the oldest whose API this is made for. "
                "Nothing was changed; upgrade Metabase first"
            )
        return str(tag)

    def _ask(self, method: str, path: str, body: Mapping[str, Any] | None, parameters: Mapping[str, Any]) -> Any:
        where = f"{method} {self._server.host}{path}"
        secrets = [self._key, *_passwords(body)]

        def once() -> Any:
            try:
                response = self._http.request(method, path, json=body, params=_as_text(parameters))
            except httpx.ConnectError as error:
                raise _Passing(f"{where}: no connection ({error})") from error
            except (httpx.TransportError, httpx.DecodingError) as error:
                text = f"{where}: {type(error).__name__} {error}".rstrip()
                if method == "POST":
                    raise UnreachableError(
                        f"{text}. It may have been done all the same; run the command again"
                    ) from error
                raise _Passing(text) from error
            return _judged(response, where, secrets)

        return self._with_patience(once)

    def _with_patience(self, once: Callable[[], Any]) -> Any:
        tries = 0
        try:
            for attempt in tenacity.Retrying(
                stop=tenacity.stop_after_attempt(self._patience.attempts),
                retry=tenacity.retry_if_exception_type(_Passing),
                wait=tenacity.wait_exponential(
                    multiplier=self._patience.first_wait_seconds, max=self._patience.longest_wait_seconds
                ),
                before_sleep=self._before_waiting,
                reraise=True,
            ):
                with attempt:
                    tries += 1
                    return once()
        except _Passing as error:
            raise UnreachableError(
                f"{error}. It did not pass in {tries} {'try' if tries == 1 else 'tries'}; see whether {self.address} "
                "opens in a browser of this machine, then run the command again"
            ) from error
        raise AssertionError("retrying ends with an answer or an error")

    def _before_waiting(self, state: tenacity.RetryCallState) -> None:
        self._on_wait(str(state.outcome.exception() if state.outcome else ""))


class _Passing(Exception):
    """A trouble that may be over at the next try."""


def _judged(response: httpx.Response, where: str, secrets: list[str]) -> Any:
    status = response.status_code
    if status in _PASSING:
        raise _Passing(f"{where} answered {status}")
    if response.has_redirect_location:
        raise RefusedError(
            f"{where} answered {status} and sends the request elsewhere, which is not followed. KPI_METABASE_URL must "
            "be Metabase's own address, as the browser shows it",
            status,
        )
    said = _said(response, secrets)
    if status == 401:
        raise RefusedError(
            f"{where} answered 401: the key is wrong or was deleted. Metabase shows its keys under Admin settings > "
            "Authentication > API keys; write the new one into the file that KPI_METABASE_API_KEY_FILE names",
            status,
        )
    if status == 403:
        raise RefusedError(f"{where} answered 403: {said}. The key must belong to the group Administrators", status)
    if status == 404:
        raise NotThereError(f"{where} answered 404: {said}", status)
    if status == 409:
        raise ConflictError(f"{where} answered 409: {said}", status)
    if status not in _DONE:
        raise RefusedError(f"{where} answered {status}: {said}", status)
    if not response.content:
        return None
    try:
        return json.loads(response.content)
    except ValueError as error:
        raise UnreachableError(
            f"{where} answered with something else than data ({response.headers.get('content-type', 'of no kind')}): "
            "KPI_METABASE_URL must be Metabase's own address"
        ) from error


def _said(response: httpx.Response, secrets: list[str]) -> str:
    """What the server gives as its reason, on one line, shortened, without anything secret it may repeat."""
    text = " ".join(response.text.split())
    try:
        body = json.loads(response.content)
    except ValueError:
        body = None
    if isinstance(body, dict):
        told = [body.get("message"), body.get("errors"), body.get("specific-errors")]
        parts = [one if isinstance(one, str) else json.dumps(one, ensure_ascii=False) for one in told if one]
        text = "; ".join(parts) or text
    for secret in secrets:
        text = text.replace(secret, "[secret]")
    return text[:_SHOWN] or "no reason given"


def _passwords(value: Any) -> Iterator[str]:
    """Every password in a body."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if key == "password" and isinstance(inner, str) and inner:
                yield inner
            else:
                yield from _passwords(inner)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from _passwords(inner)


def _as_text(parameters: Mapping[str, Any]) -> dict[str, str]:
    """Query parameters as the API reads them."""
    return {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in parameters.items()}
