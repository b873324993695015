"""Filters, orders, pages and fields: what comes back is what was asked for, however it is spelled."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from tests.emulator import ALL_FILTERS, Emulator, Oddities
from tests.emulator.asking import all_rows, get_rows, ids, pages
from tests.emulator.values import COMPANY_ZONE

ACCOUNTS, ORDERS, TASKS = "/api/v6.1/accounts", "/api/v6.1/sale_orders", "/api/v6.1/tasks"
MOMENTS = {"fields": "id,created_at,updated_at"}


def filtering(**conditions: object) -> dict[str, str]:
    """`updated_at__gte=x` as `filtering[updated_at:gte]=x`; without an operator eq is meant."""
    return {f"filtering[{name.replace('__', ':')}]": str(value) for name, value in conditions.items()}


def test_bounds_are_inclusive(emulator: Emulator, crm: httpx.Client) -> None:
    rows = all_rows(crm, ACCOUNTS, **MOMENTS)
    moments = sorted(row["updated_at"] for row in rows)
    low, high = moments[len(moments) // 4], moments[len(moments) // 2]

    def found(**conditions: object) -> set[str]:
        return {row["updated_at"] for row in all_rows(crm, ACCOUNTS, **MOMENTS, **filtering(**conditions))}

    assert found(updated_at__gte=low) == {each for each in moments if each >= low}
    assert found(updated_at__lte=low) == {each for each in moments if each <= low}
    assert found(updated_at__between=f"{low},{high}") == {each for each in moments if low <= each <= high}
    assert found(updated_at__gte=low, updated_at__lte=high) == {each for each in moments if low <= each <= high}
    assert found(updated_at=low) == {low}
    assert found(updated_at__gte="2099-01-01") == set()
    emulator.oddities = Oddities(exclusive_bounds=True)
    assert found(updated_at__gte=low) == {each for each in moments if each > low}
    assert found(updated_at__between=f"{low},{high}") == {each for each in moments if low < each < high}


def test_a_bound_may_be_a_day(crm: httpx.Client) -> None:
    day = "2026-03-01"
    for path, field in ((ORDERS, "order_date"), (ORDERS, "updated_at"), (ACCOUNTS, "created_at")):
        rows = all_rows(crm, path, fields=f"id,{field}")
        found = all_rows(crm, path, fields=f"id,{field}", **filtering(**{f"{field}__gte": day}))
        assert set(ids(found)) == {row["id"] for row in rows if row[field] >= day}
        assert 0 < len(found) < len(rows)


def test_bounds_can_be_read_as_utc(emulator: Emulator, crm: httpx.Client) -> None:
    rows = all_rows(crm, ACCOUNTS, **MOMENTS)
    # An hour before a change: as company time it lets the change in, as UTC, which is six hours after it, it does not.
    bound = datetime.fromisoformat(rows[len(rows) // 2]["updated_at"]) - timedelta(hours=1)
    emulator.oddities = Oddities(utc_bounds=True)
    found = all_rows(crm, ACCOUNTS, **MOMENTS, **filtering(updated_at__gte=bound.isoformat(" ")))
    local = bound.replace(tzinfo=UTC).astimezone(COMPANY_ZONE).replace(tzinfo=None)
    assert local - bound == timedelta(hours=7)
    assert set(ids(found)) == {row["id"] for row in rows if row["updated_at"] >= local.isoformat(" ")}
    assert set(ids(found)) != {row["id"] for row in rows if row["updated_at"] >= bound.isoformat(" ")}


@pytest.mark.parametrize(
    "spelling",
    [
        [("filtering[id:in]", "3,5,8")],
        [("filtering[id:in]", "3"), ("filtering[id:in]", "5"), ("filtering[id:in]", "8")],
        [("filtering[id:in][]", "3"), ("filtering[id:in][]", "5"), ("filtering[id:in][]", "8")],
        [("filtering[id:in][0]", "3"), ("filtering[id:in][1]", "5"), ("filtering[id:in][2]", "8")],
    ],
)
def test_a_list_may_be_spelled_in_many_ways(
    crm: httpx.Client, spelling: list[tuple[str, str | int | float | bool | None]]
) -> None:
    answer = crm.get(ACCOUNTS, params=spelling)
    assert ids(answer.json()["data"]) == [8, 5, 3]


def test_the_query_may_be_the_body_of_the_get(crm: httpx.Client) -> None:
    body = {
        "fields": "id,account_manager",
        "limit": 2,
        "offset": 1,
        "filtering": {"id:in": [3, 5, 8], "id:not_in": [99]},
    }
    found = crm.request("GET", ACCOUNTS, content=json.dumps(body)).json()
    assert ids(found["data"]) == [5, 3]
    assert set(found["data"][0]) == {"id", "account_manager"}
    assert crm.request("GET", ACCOUNTS, content="{").status_code == 400


def test_operators(crm: httpx.Client) -> None:
    rows = all_rows(crm, ACCOUNTS, fields="id,account_source,account_manager,email,account_code,gender")

    def found(**conditions: object) -> set[int]:
        return set(ids(all_rows(crm, ACCOUNTS, **filtering(**conditions))))

    everybody = {row["id"] for row in rows}
    assert found(id__not_in="3,5") == everybody - {3, 5}
    assert found(account_source__in="2,4") == {row["id"] for row in rows if {2, 4} & set(row["account_source"])}
    assert found(account_source=3) == {row["id"] for row in rows if 3 in row["account_source"]}
    assert found(account_manager=0) == {row["id"] for row in rows if not row["account_manager"]}
    assert found(email__contains="00025") == {row["id"] for row in rows if row["email"] and "00025" in row["email"]}
    assert found(account_code="KH-000005") == {5}
    assert found(gender=2) == {row["id"] for row in rows if row["gender"] == 2}
    with_pending = {row["account_id"] for row in all_rows(crm, ORDERS) if row["status"] == 1}
    assert found(sale_order_status=1) == with_pending & everybody != set()


def test_payments_by_order_and_creation(crm: httpx.Client) -> None:
    rows = all_rows(crm, "/api/v6.1/sale_order_payments")
    orders = sorted({row["order_id"] for row in rows})[:3]
    found = all_rows(crm, "/api/v6.1/sale_order_payments", **filtering(order_id__in=",".join(map(str, orders))))
    assert ids(found) == [row["id"] for row in rows if row["order_id"] in orders]
    late = all_rows(crm, "/api/v6.1/sale_order_payments", **filtering(created_at__gte="2026-03-01 00:00:00"))
    assert {row["id"] for row in rows if row["pay_date"] >= "2026-03-01"} <= set(ids(late)) < set(ids(rows))


@pytest.mark.parametrize(
    "params",
    [
        filtering(updated_at__gte="yesterday"),
        filtering(id__in="3,x"),
        filtering(updated_at__between="2026-01-01"),
        filtering(nothing=1),
        {"limit": "-1"},
        {"offset": "x"},
        {"fields": "id,nothing"},
        {"sort": "updated_at:desc"},
    ],
    ids=str,
)
def test_what_cannot_be_read_is_refused(crm: httpx.Client, params: dict[str, str]) -> None:
    answer = crm.get(ACCOUNTS, params=params)
    assert answer.status_code == 400
    assert {"message", "errors"} <= set(answer.json())
    assert answer.json()["errors"]


def test_filters_can_be_ignored(emulator: Emulator, crm: httpx.Client) -> None:
    everything = ids(all_rows(crm, ACCOUNTS))
    future = filtering(updated_at__gte="2099-01-01 00:00:00")
    sync = {"filtering[last_sync]": str(2**40)}
    assert all_rows(crm, ACCOUNTS, **future) == []
    emulator.oddities = Oddities(ignored_filters=frozenset({"updated_at"}))
    assert ids(all_rows(crm, ACCOUNTS, **future)) == everything
    assert ids(all_rows(crm, ACCOUNTS, **future, **filtering(id=5))) == [5]
    assert all_rows(crm, "/api/v6.1/accounts/sync", **sync) == []
    emulator.oddities = Oddities(ignored_filters=ALL_FILTERS)
    assert ids(all_rows(crm, ACCOUNTS, **future, **filtering(id=5))) == everything
    assert ids(all_rows(crm, "/api/v6.1/accounts/sync", **sync)) == everything
    assert all_rows(crm, "/api/v6.1/accounts/deleted_ids", **sync)
    assert crm.get(ACCOUNTS, params=filtering(nothing=1)).status_code == 400
    emulator.oddities = Oddities(ignored_unknown_filters=True)
    assert ids(all_rows(crm, ACCOUNTS, **filtering(nothing=1))) == everything
    assert ids(all_rows(crm, ACCOUNTS, **filtering(nothing=1, id=5))) == [5]


@pytest.mark.parametrize("spelling", ["order_date:asc", "order_date asc", {"sort[order_date]": "ASC"}], ids=str)
def test_orders_are_sorted(emulator: Emulator, crm: httpx.Client, spelling: str | dict[str, str]) -> None:
    params = spelling if isinstance(spelling, dict) else {"sort": spelling}
    content = crm.get(ORDERS, params={**params, "limit": 200}).json()
    assert content["sorted"] == {"order_date": "ASC"}
    found = [row["order_date"] for row in content["data"]]
    assert found == sorted(found) != sorted(found, reverse=True)
    emulator.oddities = Oddities(ignored_sort=True)
    content = crm.get(ORDERS, params={**params, "limit": 200}).json()
    assert content["sorted"] == {"id": "DESC"}
    assert ids(content["data"]) == sorted(ids(content["data"]), reverse=True)


def test_tasks_are_sorted_by_change(crm: httpx.Client) -> None:
    params = {"fields": "id,updated_at,task_start_date", "order": "desc"}
    found = all_rows(crm, TASKS, sort_by="updated_at", **params)
    assert [row["updated_at"] for row in found] == sorted((row["updated_at"] for row in found), reverse=True)
    starts = [row["task_start_date"] for row in all_rows(crm, TASKS, sort_by="task_start_date", **params)]
    without = starts.count(None)
    assert starts[: len(starts) - without] == sorted((each for each in starts if each), reverse=True)
    assert without > 0


@pytest.mark.parametrize(
    "path", [ACCOUNTS, ORDERS, TASKS, "/api/v6.1/accounts/deleted_ids", "/api/v6/accounts/2/comments"]
)
def test_pages_make_up_the_whole(crm: httpx.Client, path: str) -> None:
    key = "account_id" if path.endswith("deleted_ids") else "id"
    whole = ids(all_rows(crm, path), key)
    found = pages(crm, path, limit=3 if len(whole) < 40 else 17)
    assert [each for page in found for each in ids(page, key)] == whole
    assert len(set(whole)) == len(whole)
    assert len(found) > 1


def test_has_more_is_true_until_the_last_page(crm: httpx.Client) -> None:
    size = len(all_rows(crm, ORDERS))
    for offset in (0, size - 10, size - 9, size, size + 50):
        content = crm.get(ORDERS, params={"limit": 10, "offset": offset}).json()
        assert content["has_more"] is (offset + 10 < size)
        assert content["offset"] == offset
        assert len(content["data"]) == max(0, min(10, size - offset))


def test_a_long_limit_is_cut(emulator: Emulator, crm: httpx.Client) -> None:
    content = crm.get(ACCOUNTS, params={"limit": 10_000}).json()
    assert (content["limited"], len(content["data"])) == (200, 200)
    emulator.oddities = Oddities(max_limit=50)
    content = crm.get(ACCOUNTS, params={"limit": 10_000}).json()
    assert (content["limited"], len(content["data"]), content["has_more"]) == (50, 50, True)


def test_fields_come_in_any_order_and_encoding(crm: httpx.Client) -> None:
    row = crm.get(f"{ACCOUNTS}?fields=email%2Cid,account_name&limit=1").json()["data"][0]
    assert set(row) == {"email", "id", "account_name"}
    assert get_rows(crm, ACCOUNTS, limit=1, fields="id, email")[0].keys() == {"id", "email"}


def test_equal_values_are_in_the_order_of_their_ids(crm: httpx.Client) -> None:
    products = all_rows(crm, "/api/v6.1/products", fields="id,updated_at", sort="updated_at:desc")
    assert len({row["updated_at"] for row in products}) == 1
    assert ids(products) == sorted(ids(products), reverse=True)
