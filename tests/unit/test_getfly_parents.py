"""Which accounts are asked for their comments: each way in which one shows new ones, by itself."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import date
from zoneinfo import ZoneInfo

import duckdb
import pytest

from orchestration.sources.getfly.mapping import make_functions
from orchestration.sources.getfly.parents import active_since, changed_since

LAST = date(2026, 3, 20)


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    zone = ZoneInfo("Asia/Ho_Chi_Minh")
    with duckdb.connect(":memory:") as one:
        make_functions(one, zone, zone)
        yield one


def table(connection: duckdb.DuckDBPyConnection, name: str, field: str, values: Mapping[str, object]) -> str:
    connection.execute(f"create table {name} (id varchar, body json)")
    for key, value in values.items():
        connection.execute(f"insert into {name} values (?, ?)", [key, json.dumps({field: value})])
    return name


def test_new_moved_and_recent_accounts_have_changed(connection: duckdb.DuckDBPyConnection) -> None:
    then = {
        "same": "2026-03-01 10:00:00", "spelt": "2026-03-01 10:00:00", "recent": "2026-03-20 00:00:00",
        "back": "2026-03-02 10:00:00", "late": "2026-03-02 10:00:00", "never": None, "zero": "0000-00-00 00:00:00",
        "first": None, "gone": "2026-03-01 10:00:00",
    }  # fmt: skip
    now = {
        "same": "2026-03-01 10:00:00", "spelt": "01-03-2026 10:00:00", "recent": "2026-03-20 00:00:00",
        # A tenant whose clock is behind moves times that are before the night all the same.
        "back": "2026-03-01 10:00:00", "late": "2026-03-02 10:00:01", "never": None, "zero": "",
        "first": "2026-03-02 10:00:00", "new": None,
    }  # fmt: skip
    tables = [table(connection, name, "updated_at", one) for name, one in (("now", now), ("then_", then))]
    assert changed_since(connection, tables[0], tables[1], LAST) == {"recent", "back", "late", "first", "new"}


def test_accounts_are_active_from_that_day_on(connection: duckdb.DuckDBPyConnection) -> None:
    shown = {"before": "2026-03-19 23:59:59", "that_day": "2026-03-20 00:00:00", "never": None, "zero": "0"}
    assert active_since(connection, table(connection, "now", "last_active", shown), LAST) == {"that_day"}
