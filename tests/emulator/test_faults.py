"""Every fault happens on the wire as a client would meet it, at the request that the script names, and then no more."""

from __future__ import annotations

import json
import time

import httpx
import pytest

from orchestration.sources.demo import DemoSource
from tests.emulator import Emulator, Fault, FaultKind, Faults, running_emulator
from tests.emulator.conftest import KEY
from tests.support.warehouse import DEMO_LOAD

ACCOUNTS, USERS = "/api/v6.1/accounts", "/api/v6.1/users"


def statuses(crm: httpx.Client, path: str, times: int) -> list[int]:
    return [crm.get(path).status_code for _ in range(times)]


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (FaultKind.TOO_MANY_REQUESTS, 429),
        (FaultKind.SERVER_ERROR, 500),
        (FaultKind.BAD_GATEWAY, 502),
        (FaultKind.UNAVAILABLE, 503),
        (FaultKind.WRONG_KEY, 401),
        (FaultKind.FORBIDDEN, 403),
        (FaultKind.NOT_FOUND, 404),
    ],
)
def test_statuses(emulator: Emulator, crm: httpx.Client, kind: FaultKind, status: int) -> None:
    emulator.faults = Faults(Fault(kind))
    answer = crm.get(ACCOUNTS)
    assert answer.status_code == status
    assert "Retry-After" not in answer.headers
    if status in (502, 503):  # from what stands in front of the CRM
        assert answer.headers["Content-Type"].startswith("text/html")
    else:
        assert set(answer.json()) == {"message", "errors"}
    assert crm.get(ACCOUNTS).status_code == 200
    assert [request.fault for request in emulator.requests] == [kind, None]


def test_retry_after(emulator: Emulator, crm: httpx.Client) -> None:
    date = "Tue, 24 Mar 2026 17:00:07 GMT"
    emulator.faults = Faults(
        Fault(FaultKind.TOO_MANY_REQUESTS, retry_after="7"),
        Fault(FaultKind.UNAVAILABLE, nth=2, retry_after=date),
    )
    first, second = crm.get(ACCOUNTS), crm.get(ACCOUNTS)
    assert (first.status_code, first.headers["Retry-After"]) == (429, "7")
    assert (second.status_code, second.headers["Retry-After"]) == (503, date)


def test_a_slow_answer_is_right_but_late(emulator: Emulator, crm: httpx.Client) -> None:
    right = crm.get(ACCOUNTS).content
    emulator.faults = Faults(Fault(FaultKind.SLOW, seconds=0.3, times=2))
    begin = time.monotonic()
    assert crm.get(ACCOUNTS).content == right
    assert time.monotonic() - begin >= 0.3
    with pytest.raises(httpx.ReadTimeout):
        crm.get(ACCOUNTS, timeout=0.05)
    assert crm.get(ACCOUNTS, timeout=5).content == right


def test_a_slow_answer_does_not_hold_up_the_end(company_source: DemoSource) -> None:
    begin = time.monotonic()
    with (
        running_emulator(
            company_source, DEMO_LOAD, key=KEY, faults=Faults(Fault(FaultKind.SLOW, seconds=60))
        ) as emulator,
        pytest.raises(httpx.ReadTimeout),
    ):
        httpx.get(emulator.url + ACCOUNTS, headers={"X-API-KEY": KEY}, timeout=0.1)
    assert time.monotonic() - begin < 30


def test_a_reset_connection(emulator: Emulator, crm: httpx.Client) -> None:
    crm.get(ACCOUNTS)
    emulator.faults = Faults(Fault(FaultKind.RESET))
    with pytest.raises(httpx.ReadError, match="reset by peer"):
        crm.get(ACCOUNTS)
    assert crm.get(ACCOUNTS).status_code == 200


def test_a_body_that_ends_too_early(emulator: Emulator, crm: httpx.Client) -> None:
    emulator.faults = Faults(Fault(FaultKind.CUT_OFF))
    with pytest.raises(httpx.RemoteProtocolError, match="without sending complete message body"):
        crm.get(ACCOUNTS)
    assert crm.get(ACCOUNTS).json()["data"]


def test_a_body_that_is_cut_but_consistent(emulator: Emulator, crm: httpx.Client) -> None:
    whole = crm.get(ACCOUNTS).content
    emulator.faults = Faults(Fault(FaultKind.CUT_BODY))
    cut = crm.get(ACCOUNTS)
    assert cut.status_code == 200
    assert cut.headers["Content-Length"] == str(len(cut.content))
    assert cut.content == whole[: len(whole) // 2]
    with pytest.raises(json.JSONDecodeError):
        json.loads(cut.content)
    assert crm.get(ACCOUNTS).content == whole


def test_a_page_of_html(emulator: Emulator, crm: httpx.Client) -> None:
    emulator.faults = Faults(Fault(FaultKind.HTML))
    page = crm.get(ACCOUNTS)
    assert page.status_code == 200
    assert page.headers["Content-Type"].startswith("text/html")
    assert page.text.startswith("<!DOCTYPE html>")


def test_the_script_says_where_when_and_how_often(emulator: Emulator, crm: httpx.Client) -> None:
    emulator.faults = Faults(
        Fault(FaultKind.SERVER_ERROR, path="/api/v6.1/acc*", nth=2, times=2),
        Fault(FaultKind.BAD_GATEWAY, path=USERS, times=None),
    )
    assert statuses(crm, ACCOUNTS, 5) == [200, 500, 500, 200, 200]
    assert statuses(crm, USERS, 4) == [502] * 4
    assert statuses(crm, "/api/v6.1/sale_orders", 2) == [200, 200]
    # Setting a script starts its counters, and an empty one ends all faults.
    emulator.faults = Faults(Fault(FaultKind.SERVER_ERROR, path=ACCOUNTS, nth=2))
    assert statuses(crm, ACCOUNTS, 3) == [200, 500, 200]
    emulator.faults = Faults()
    assert statuses(crm, USERS, 1) == [200]


def test_a_fault_may_wait_for_a_query(emulator: Emulator, crm: httpx.Client) -> None:
    emulator.faults = Faults(Fault(FaultKind.UNAVAILABLE, path=ACCOUNTS, query="*offset=20*"))
    found = [crm.get(ACCOUNTS, params={"limit": 20, "offset": offset}).status_code for offset in (0, 20, 20, 40)]
    assert found == [200, 503, 200, 200]


def test_the_first_line_that_strikes_wins_and_all_count(emulator: Emulator, crm: httpx.Client) -> None:
    emulator.faults = Faults(Fault(FaultKind.SERVER_ERROR, nth=1), Fault(FaultKind.UNAVAILABLE, nth=1, times=2))
    assert statuses(crm, ACCOUNTS, 3) == [500, 503, 200]


@pytest.mark.parametrize(("nth", "times"), [(0, 1), (1, 0)])
def test_a_script_that_never_strikes_is_a_mistake(nth: int, times: int) -> None:
    with pytest.raises(ValueError, match="first request"):
        Fault(FaultKind.RESET, nth=nth, times=times)


def test_a_failure_of_the_emulator_itself_is_not_taken_for_the_crms(
    company_source: DemoSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise KeyError("a mistake in the emulator")

    running = running_emulator(company_source, DEMO_LOAD, key=KEY)
    emulator = running.__enter__()
    monkeypatch.setattr("tests.emulator.api.Api.answer", broken)
    with pytest.raises(httpx.RemoteProtocolError):
        httpx.get(emulator.url + ACCOUNTS, headers={"X-API-KEY": KEY})
    with pytest.raises(RuntimeError, match="emulator itself"):
        running.__exit__(None, None, None)
