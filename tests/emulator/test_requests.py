"""The server: its key, its record of requests, its refusals, and connections that are kept."""

from __future__ import annotations

import re
from datetime import date

import httpx
import pytest

from orchestration.sources.base import SourceError
from orchestration.sources.demo import DemoSource
from tests.emulator import Emulator, Oddities, running_emulator
from tests.emulator.conftest import KEY
from tests.support.warehouse import DEMO_LOAD


@pytest.mark.parametrize("headers", [{}, {"X-API-KEY": "wrong"}, {"Authorization": f"Bearer {KEY}"}], ids=str)
def test_without_the_key_nothing_is_told(emulator: Emulator, headers: dict[str, str]) -> None:
    for path in ("/api/v6.1/accounts", "/api/v6.1/nothing"):
        answer = httpx.get(emulator.url + path, headers=headers)
        assert answer.status_code == 401
        assert set(answer.json()) == {"message", "errors"}
    assert [request.path for request in emulator.requests] == ["/api/v6.1/accounts", "/api/v6.1/nothing"]


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"])
def test_only_reading_is_possible(emulator: Emulator, crm: httpx.Client, method: str) -> None:
    answer = crm.request(method, "/api/v6.1/account/restore", content=b"" if method == "HEAD" else b'{"a": 1}')
    assert answer.status_code == 403
    (refused,) = emulator.refused
    assert (refused.method, refused.path) == (method, "/api/v6.1/account/restore")
    assert crm.get("/api/v6.1/users").status_code == 200
    assert len(emulator.refused) == 1


def test_requests_are_recorded_in_order(emulator: Emulator, crm: httpx.Client) -> None:
    crm.get("/api/v6.1/accounts", params={"fields": "id,email", "filtering[updated_at:gte]": "2026-03-01 00:00:00"})
    crm.request("GET", "/api/v6.1/sale_orders", content=b'{"limit": 1}')
    first, second = emulator.requests
    assert (first.method, first.path, first.fault) == ("GET", "/api/v6.1/accounts", None)
    assert first.params == {"fields": "id,email", "filtering[updated_at:gte]": "2026-03-01 00:00:00"}
    assert second.body == b'{"limit": 1}'
    assert first.at < second.at
    emulator.forget_requests()
    assert emulator.requests == ()


def test_wrong_paths(crm: httpx.Client) -> None:
    wrong = crm.get("/api/v6.1/contacts")
    assert wrong.status_code == 404
    assert "could not be found" in wrong.json()["message"]
    for path in ("/", "/account/list", "/api"):
        page = crm.get(path)
        assert page.status_code == 404
        assert page.headers["Content-Type"].startswith("text/html")
    assert crm.get("/api/v3/orders").status_code == 404
    assert crm.get("/api/v6/accounts/424242/comments").status_code == 404


def test_versions_can_be_missing(emulator: Emulator, crm: httpx.Client) -> None:
    emulator.oddities = Oddities(dead_versions=frozenset({"v6.1"}))
    assert crm.get("/api/v6.1/accounts").status_code == 404
    assert crm.get("/api/v6/accounts").status_code == 200


def test_one_connection_serves_many_requests(emulator: Emulator, crm: httpx.Client) -> None:
    ports = set()
    for offset in range(0, 100, 10):
        answer = crm.get("/api/v6.1/accounts", params={"offset": offset})
        ports.add(answer.extensions["network_stream"].get_extra_info("client_addr"))
    crm.post("/api/v6.1/account", json={"account_name": "x"})
    ports.add(crm.get("/api/v6.1/users").extensions["network_stream"].get_extra_info("client_addr"))
    assert len(ports) == 1


def test_the_night_can_be_set(emulator: Emulator, crm: httpx.Client) -> None:
    def newest() -> str:
        account: dict[str, str] = crm.get("/api/v6.1/accounts", params={"fields": "created_at", "limit": 1}).json()[
            "data"
        ][0]
        return account["created_at"]

    assert emulator.night == DEMO_LOAD
    assert newest() <= "2026-03-24 23:59:59"
    emulator.night = date(2025, 6, 30)
    assert newest() <= "2025-06-30 23:59:59"
    with pytest.raises(SourceError):
        emulator.night = date(2031, 1, 1)
    assert emulator.night == date(2025, 6, 30)


def test_it_listens_on_this_machine_alone(emulator: Emulator) -> None:
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+", emulator.url)


def test_it_is_gone_after_the_block(company_source: DemoSource) -> None:
    with running_emulator(company_source, DEMO_LOAD, key=KEY) as emulator:
        url = emulator.url
        assert httpx.get(url).status_code == 401
    with pytest.raises(httpx.ConnectError):
        httpx.get(url)
