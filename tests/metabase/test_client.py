"""One request to Metabase: what may leave, what is never shown, how often, and what the errors say.

Belongs here: `client.py` and `server.py` of `orchestration/bi/metabase`. Not here: what is provisioned.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from orchestration.bi.metabase.client import Client, Patience
from orchestration.bi.metabase.errors import (
    ConflictError,
    MetabaseError,
    NotThereError,
    RefusedError,
    UnreachableError,
)
from orchestration.bi.metabase.server import client_of, key_of
from orchestration.settings import Settings
from tests.metabase.server import KEY, Metabase, Refusal, serving

QUICK = Patience(attempts=3, first_wait_seconds=0.01, longest_wait_seconds=0.01, timeout_seconds=5)
CONNECTION = {"host": "db", "port": 5432, "dbname": "kpi", "user": "kpi_v_1"}
DATABASE: dict[str, Any] = {
    "name": "KPI",
    "engine": "postgres",
    "is_full_sync": True,
    "is_on_demand": False,
    "connection_source": "admin",
}


@pytest.fixture
def metabase() -> Metabase:
    return Metabase(passwords={"kpi_v_1": "right"})


@pytest.fixture
def address(metabase: Metabase) -> Iterator[str]:
    with serving(metabase) as there:
        yield there


@pytest.fixture
def client(address: str) -> Iterator[Client]:
    with Client(address, KEY, QUICK) as one:
        yield one


def failing(status: int, times: int, method: str = "GET") -> Callable[[str, str], None]:
    """The first requests of this method are answered with a status."""
    left = [times]

    def before(asked: str, _path: str) -> None:
        if asked == method and left[0] > 0:
            left[0] -= 1
            raise Refusal(status, "busy")

    return before


def test_it_asks_with_the_key_and_reads_the_answer(client: Client, metabase: Metabase) -> None:
    metabase.add_user("lan@congty.example")
    assert client.get("/api/user", limit=10, offset=0)["total"] == 1
    made = client.post("/api/permissions/group", {"name": "KPI"})
    assert client.put(f"/api/permissions/group/{made['id']}", {"name": "KPI 2"})["name"] == "KPI 2"
    client.delete(f"/api/permissions/group/{made['id']}")
    assert metabase.groups.keys() == {1, 2}


def test_an_address_may_have_a_path(address: str, metabase: Metabase) -> None:
    with Client(f"{address}/metabase", KEY, QUICK) as client, pytest.raises(NotThereError):
        client.get("/api/user")
    assert [one.path for one in metabase.seen] == ["/metabase/api/user"]


def test_a_wrong_key_says_where_keys_are(address: str) -> None:
    with (
        Client(address, "mb_wrong", QUICK) as client,
        pytest.raises(RefusedError, match="the key is wrong or was deleted") as raised,
    ):
        client.get("/api/user")
    assert raised.value.status == 401
    assert "mb_wrong" not in str(raised.value)


def test_a_key_without_rights_says_which_group_it_needs(client: Client, metabase: Metabase) -> None:
    metabase.before = failing(403, 1)
    with pytest.raises(RefusedError, match="must belong to the group Administrators"):
        client.get("/api/user")


def test_a_conflict_is_told_from_other_refusals(client: Client) -> None:
    with pytest.raises(ConflictError, match=r"PUT 127\.0\.0\.1/api/permissions/graph answered 409"):
        client.put("/api/permissions/graph", {"revision": 7, "groups": {}})


def test_a_body_that_does_not_fit_is_refused_with_the_servers_words(client: Client) -> None:
    with pytest.raises(RefusedError, match=r"answered 400: .*'name' is a required property"):
        client.post("/api/permissions/group", {})


def test_no_password_is_shown_even_if_the_server_repeats_it(client: Client) -> None:
    wrong = {**DATABASE, "details": {**CONNECTION, "password": "s3cr3t-of-lan"}}
    with pytest.raises(RefusedError, match="password authentication failed") as raised:
        client.post("/api/database", wrong)
    shown = "".join(traceback.format_exception(raised.value))
    assert "s3cr3t-of-lan" not in shown
    assert "[secret]" in str(raised.value)


@pytest.mark.parametrize("status", [408, 429, 502, 503, 504])
def test_a_passing_trouble_is_waited_for(status: int, address: str, metabase: Metabase) -> None:
    metabase.before = failing(status, 2)
    waits: list[str] = []
    with Client(address, KEY, QUICK, waits.append) as client:
        assert client.get("/api/user")["total"] == 0
    assert len(waits) == 2
    assert f"answered {status}" in waits[0]


def test_what_does_not_pass_ends_with_what_to_do(client: Client, metabase: Metabase) -> None:
    metabase.before = failing(503, 99)
    with pytest.raises(UnreachableError, match="did not pass in 3 tries; see whether http"):
        client.get("/api/user")
    assert len(metabase.seen) == 3


def test_a_refusal_is_not_asked_again(client: Client, metabase: Metabase) -> None:
    metabase.before = failing(500, 1)
    with pytest.raises(RefusedError, match="answered 500"):
        client.get("/api/user")
    assert len(metabase.seen) == 1


def test_a_server_that_is_not_there_says_so() -> None:
    with Client("http://127.0.0.1:9", KEY, QUICK) as client, pytest.raises(UnreachableError, match="no connection"):
        client.get("/api/user")


def test_a_post_that_may_have_arrived_is_not_sent_again(address: str, metabase: Metabase) -> None:
    def slow(method: str, _path: str) -> None:
        if method == "POST":
            time.sleep(0.5)

    metabase.before = slow
    patience = Patience(attempts=3, first_wait_seconds=0.01, longest_wait_seconds=0.01, timeout_seconds=0.1)
    with (
        Client(address, KEY, patience) as client,
        pytest.raises(UnreachableError, match="may have been done all the same"),
    ):
        client.post("/api/permissions/group", {"name": "KPI"})
    assert metabase.changes() == ["POST /api/permissions/group"]


def test_something_else_at_the_address_is_no_metabase(address: str, metabase: Metabase) -> None:
    def page(_method: str, _path: str) -> None:
        raise Refusal(200, "<html>welcome</html>")

    metabase.before = page
    with Client(address, KEY, QUICK) as client, pytest.raises(UnreachableError, match="something else than data"):
        client.get("/api/user")


@pytest.mark.parametrize(
    ("tag", "said"),
    [
        ("v0.49.12", "runs Metabase v0.49.12; 57 is the oldest"),
        ("vLOCAL_DEV", "does not say which Metabase it is"),
    ],
)
def test_another_version_is_refused(tag: str, said: str, client: Client, metabase: Metabase) -> None:
    metabase.tag = tag
    with pytest.raises(MetabaseError, match=said):
        client.version()


@pytest.mark.parametrize("tag", ["v0.57.0", "v1.58.2.1", "v0.63.19"])
def test_versions_that_are_known_are_not(tag: str, client: Client, metabase: Metabase) -> None:
    metabase.tag = tag
    assert client.version() == tag


@pytest.mark.parametrize(
    ("address", "key", "said"),
    [
        ("http://bi.company.example", KEY, "in the clear"),
        ("ftp://bi.company.example", KEY, "is like https"),
        ("bi.company.example", KEY, "is like https"),
        ("https://me:secret@bi.company.example", KEY, "user name"),
        ("https://bi.company.example", " ", "is empty"),
        ("https://bi.company.example", "mb_ví dụ", "copy it once more"),
    ],
)
def test_what_cannot_work_is_refused_before_anything_is_sent(address: str, key: str, said: str) -> None:
    with pytest.raises(ValueError, match=said) as raised:
        Client(address, key)
    assert "secret" not in str(raised.value)
    assert "ví dụ" not in str(raised.value)


def test_the_key_comes_from_a_file_that_nobody_else_may_read(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text("mb_of_the_file\n", encoding="utf-8")
    path.chmod(0o600)
    settings = Settings(home=tmp_path, metabase_api_key_file=path)
    assert key_of(settings) == "mb_of_the_file"
    path.chmod(0o640)
    with pytest.raises(MetabaseError, match="open to others"):
        key_of(settings)
    path.unlink()
    with pytest.raises(MetabaseError, match="cannot be read"):
        key_of(settings)
    with pytest.raises(MetabaseError, match="KPI_METABASE_API_KEY_FILE"):
        key_of(Settings(home=tmp_path))
    with pytest.raises(MetabaseError, match="KPI_METABASE_URL"):
        client_of(Settings(home=tmp_path))
