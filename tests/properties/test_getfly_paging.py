"""Paging over rows that move: whoever was there all the time is read, once or more, whatever happens meanwhile."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestration.sources.getfly.client import Answer, Client
from orchestration.sources.getfly.errors import UnexpectedAnswerError
from orchestration.sources.getfly.listing import read_listing
from orchestration.sources.getfly.pages import Asked, Listing, OpenListing, PageStore
from orchestration.sources.getfly.resources import resource

ACCOUNTS = resource("accounts")


class MovingRows(Client):
    """Answers as a server would whose rows change between two requests; no network is involved."""

    def __init__(self, ids: list[int], moves: list[list[tuple[str, int]]], *, tells: bool, most: int) -> None:
        self.ids, self.moves, self.tells, self.most = ids, list(moves), tells, most
        self.always_there = set(ids) - {number for burst in moves for move, number in burst if move == "delete"}
        self.requests = 0

    def get(self, path: str, parameters: Any = None) -> Answer:
        offset, limit = int(parameters["offset"]), min(int(parameters["limit"]), self.most)
        self.requests += 1
        rows = [{"id": number} for number in self.ids[offset : offset + limit]]
        body: dict[str, Any] = {"data": rows, "offset": offset, "limited": limit}
        if self.tells:
            body["has_more"] = offset + limit < len(self.ids)
        content = json.dumps(body).encode()
        for how, number in self.moves.pop(0) if self.moves else []:
            self.move(how, number)
        return Answer(content, json.loads(content), datetime.now(UTC))

    def move(self, how: str, number: int) -> None:
        if how == "delete" and number in self.ids:
            self.ids.remove(number)
        elif how == "to front" and number in self.ids:
            self.ids.remove(number)
            self.ids.insert(0, number)
        elif how == "insert":
            self.ids.insert(0, 10_000 + number)


def opened(folder: Path) -> OpenListing:
    found = PageStore(folder).open(Asked("2026-03-31", "accounts", ACCOUNTS.path, {}))
    assert isinstance(found, OpenListing)
    return found


COUNT = 120
NUMBER = st.integers(1, COUNT)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    moves=st.lists(
        st.lists(st.tuples(st.sampled_from(["delete", "insert", "to front"]), NUMBER), max_size=20), max_size=12
    ),
    tells=st.booleans(),
    limit=st.integers(8, 40),
    most=st.integers(8, 40),
)
def test_no_row_that_was_there_all_the_time_is_missed(
    tmp_path_factory: pytest.TempPathFactory, moves: list[list[tuple[str, int]]], tells: bool, limit: int, most: int
) -> None:
    server = MovingRows(list(range(COUNT, 0, -1)), moves, tells=tells, most=most)
    found = read_listing(server, opened(tmp_path_factory.mktemp("pages")), ACCOUNTS, ACCOUNTS.path, {}, limit=limit)
    missed = server.always_there - set(map(int, found))
    assert missed == set()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    breaks_at=st.integers(1, 7),
    gone=st.lists(NUMBER, max_size=60, unique=True),
    tells=st.booleans(),
)
def test_a_listing_that_broke_off_goes_on_and_misses_nothing(
    tmp_path_factory: pytest.TempPathFactory, breaks_at: int, gone: list[int], tells: bool
) -> None:
    """Between the two tries anything may have been deleted."""
    folder = tmp_path_factory.mktemp("pages")
    server = MovingRows(list(range(COUNT, 0, -1)), [], tells=tells, most=20)
    with pytest.raises(ConnectionError):
        read_listing(_Breaking(server, breaks_at), opened(folder), ACCOUNTS, ACCOUNTS.path, {}, limit=20)
    first = server.requests
    for number in gone:
        server.move("delete", number)
    found = read_listing(server, opened(folder), ACCOUNTS, ACCOUNTS.path, {}, limit=20)
    assert set(server.ids) - set(map(int, found)) == set()
    if not gone:
        # Not from the beginning: what had been received is not asked for again.
        assert server.requests < first + 12 - breaks_at + 4


class _Breaking(Client):
    def __init__(self, server: MovingRows, at: int) -> None:
        self.server, self.left = server, at

    def get(self, path: str, parameters: Any = None) -> Answer:
        if not self.left:
            raise ConnectionError("as meant")
        self.left -= 1
        return self.server.get(path, parameters)


class _Fixed(Client):
    """Answers what a function of the offset says."""

    def __init__(self, answer: Callable[[int], Any]) -> None:
        self.answer = answer

    def get(self, path: str, parameters: Any = None) -> Answer:
        body = self.answer(int(parameters["offset"]))
        return Answer(json.dumps(body).encode(), body, datetime.now(UTC))


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda _offset: {"data": [{"id": 1}, {"id": 2}], "has_more": True}, "does not follow `offset`"),
        (
            lambda offset: {"data": [{"id": 5_000 * min(offset, 1) + n} for n in range(1000)], "has_more": True},
            "rows vanish faster",
        ),
        (lambda _offset: {"data": [{"name": "x"}], "has_more": False}, "a row has no id or account_id"),
        (lambda _offset: {"data": ["x"]}, "a row is str"),
        (lambda _offset: {"rows": []}, "neither an array nor an object with data"),
    ],
)
def test_what_cannot_be_a_listing_stops_it(tmp_path: Path, answer: Callable[[int], Any], words: str) -> None:
    kept = opened(tmp_path)
    with pytest.raises(UnexpectedAnswerError, match=words):
        read_listing(_Fixed(answer), kept, ACCOUNTS, ACCOUNTS.path, {}, limit=20)
    assert not isinstance(PageStore(tmp_path).open(kept.asked), Listing)


@pytest.mark.parametrize(
    "body",
    [
        [{"id": 1}],
        {"data": [{"id": "1"}], "has_more": False, "limited": 20},
        {"data": [{"account_id": 1}], "limited": False},
        {"data": {"id": 1}},
    ],
)
def test_one_row_in_every_known_shape(tmp_path: Path, body: Any) -> None:
    assert read_listing(_Fixed(lambda _offset: body), opened(tmp_path), ACCOUNTS, ACCOUNTS.path, {}, limit=20) == {"1"}
