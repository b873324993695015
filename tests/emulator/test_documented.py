"""The emulator answers exactly what is documented: spellings, types, filters, orders and envelopes, list by list.

Every fact stands in `documented`, with the section that states it. A field that the emulator gains, loses, renames or
retypes fails here, and so does a filter.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from tests.emulator import Emulator
from tests.emulator.api import PATHS
from tests.emulator.asking import Row, rows_of
from tests.emulator.documented import (
    BOOL,
    DAY,
    DETAILS,
    DOCUMENTED,
    INT,
    INTS,
    LABEL,
    NULL,
    NUMBER,
    OBJECT,
    TEXT,
    WHEN,
    Documented,
    Kind,
    Listed,
)
from tests.support.warehouse import DEMO_AS_OF, DEMO_LOAD, days

# A customer of the company who has comments.
ACCOUNT = "2"
_PATTERNS = {WHEN: r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", DAY: r"\d{4}-\d\d-\d\d"}
_BY_PATH = {entry.path: entry for entry in DOCUMENTED}
_OPERATORS = ("eq", "is", "in", "not_in", "contains", "between", "not_between", "gte", "gt", "lte", "lt")

each_list = pytest.mark.parametrize("entry", DOCUMENTED, ids=lambda entry: entry.section)


def is_of(kind: Kind, value: Any) -> bool:
    """Whether a JSON value has exactly the documented type."""
    if isinstance(kind, Listed):
        return isinstance(value, list) and all(has_exactly(kind.fields, each) for each in value)
    if kind.endswith("?"):
        return value is None or is_of(kind[:-1], value)
    if kind in _PATTERNS:
        return isinstance(value, str) and re.fullmatch(_PATTERNS[kind], value) is not None
    if kind == LABEL:
        return has_exactly({"id": INT, "label": TEXT}, value)
    if kind == INTS:
        return isinstance(value, list) and all(type(each) is int for each in value)
    if kind == NUMBER:
        return type(value) in (int, float)
    return type(value) is {INT: int, TEXT: str, BOOL: bool, NULL: type(None), OBJECT: dict}[kind]


def has_exactly(fields: dict[str, Any] | Any, value: Any) -> bool:
    return (
        isinstance(value, dict)
        and set(value) == set(fields)
        and all(is_of(kind, value[name]) for name, kind in fields.items())
    )


def url(entry: Documented) -> str:
    return entry.path.replace("{account}", ACCOUNT)


def everything(crm: httpx.Client, entry: Documented, fields: dict[str, Kind]) -> list[Row]:
    found: list[Row] = []
    while True:
        page = rows_of(crm.get(url(entry), params={"fields": ",".join(fields), "limit": 200, "offset": len(found)}))
        found += page
        if len(page) < 200:
            return found


def sample(field: str, operator: str) -> str:
    value = {"order_date": "2026-01-01", "last_sync": "1760000000"}.get(field, "1")
    value = "2026-01-01 00:00:00" if field.endswith("_at") else value
    return f"{value},{value}" if operator == "between" else value


def test_every_list_of_the_emulator_is_in_the_table() -> None:
    singles = {path.partition("?")[0] for _, _, path, _, _ in DETAILS}
    # Asked for in tests of their own below, or the same as the list they stand beside.
    others = {
        "/api/v6.1/account/count_orders_status",
        "/api/v6/accounts/custom_fields/{id}",
        "/api/v6/accounts",
        "/api/v6.1/account_types",
    }
    listed = {entry.path.replace("{account}", "{id}") for entry in DOCUMENTED}
    assert listed | singles | others == PATHS


@each_list
def test_rows_have_the_documented_fields_and_types(crm: httpx.Client, entry: Documented) -> None:
    fields = {**entry.fields, **entry.seen}
    rows = everything(crm, entry, fields)
    assert rows
    for name, kind in fields.items():
        values = [row[name] for row in rows]
        wrong = [value for value in values if not is_of(kind, value)]
        assert not wrong, f"{entry.section}: {name} should be {kind}, but is {wrong[0]!r}"
        # A field that is never there would prove nothing about its type.
        assert kind == NULL or any(value is not None for value in values), f"{entry.section}: {name} is always null"
    assert all(set(row) == set(fields) for row in rows)


@each_list
def test_no_other_field_can_be_asked_for(crm: httpx.Client, entry: Documented) -> None:
    answer = crm.get(url(entry), params={"fields": "id_of_nothing"})
    assert answer.status_code == 400
    assert set(answer.json()) == {"message", "errors", "available_fields"}
    assert set(answer.json()["available_fields"]) == {*entry.fields, *entry.seen}


@each_list
def test_only_documented_filters_are_accepted(crm: httpx.Client, entry: Documented) -> None:
    asked = {**dict.fromkeys((*entry.fields, *entry.seen), ""), **entry.filters}
    basic = {"fields": next(iter(entry.fields))}
    for name, operators in asked.items():
        for operator in _OPERATORS:
            answer = crm.get(url(entry), params={**basic, f"filtering[{name}:{operator}]": sample(name, operator)})
            expected = 200 if operator in operators.split() else 400
            assert answer.status_code == expected, f"{entry.section}: {name}:{operator}: {answer.text}"


@each_list
def test_only_documented_orders_are_accepted(crm: httpx.Client, entry: Documented) -> None:
    for name in {*entry.fields, *entry.seen, *entry.sorts.split()}:
        answer = crm.get(url(entry), params={"fields": next(iter(entry.fields)), "sort": f"{name}:asc"})
        assert answer.status_code == (200 if name in entry.sorts.split() else 400), f"{entry.section}: {name}"


def test_tasks_sort_by_other_words(crm: httpx.Client) -> None:  # section 1.3, 5.1
    for name in _BY_PATH["/api/v6.1/tasks"].fields.keys() | {"created_at", "updated_at"}:
        answer = crm.get("/api/v6.1/tasks", params={"sort_by": name, "order": "desc"})
        is_known = name in ("task_start_date", "task_end_date", "created_at", "updated_at")
        assert answer.status_code == (200 if is_known else 400), name
    # The filters of tasks have a word of their own, and none of them is known.
    assert crm.get("/api/v6.1/tasks", params={"filter[task_status]": 1}).status_code == 400


@each_list
def test_lists_are_wrapped_as_documented(crm: httpx.Client, entry: Documented) -> None:  # section 1.4
    content = crm.get(url(entry), params={"fields": next(iter(entry.fields)), "limit": 1}).json()
    if not entry.envelope:
        assert isinstance(content, list)
        assert len(content) == 1
        return
    assert list(content) == ["data", "has_more", "offset", "limited", "sorted"]
    assert is_of(BOOL, content["has_more"])
    assert content["offset"] == 0
    assert content["limited"] == 1
    assert len(content["data"]) == 1
    (direction,) = content["sorted"].values()
    assert direction in ("ASC", "DESC")


@pytest.mark.parametrize("path", ["/api/v6.1/users", "/api/v6/accounts/sources", "/api/v6.1/campaigns"])
def test_three_lists_come_whole_when_no_limit_is_sent(crm: httpx.Client, path: str) -> None:  # section 1.4
    content = crm.get(path).json()
    assert content["limited"] is False
    assert "has_more" not in content
    assert len(content["data"]) > 1


def test_the_default_order_is_newest_first(crm: httpx.Client) -> None:  # section 1.3
    for path in ("/api/v6.1/accounts", "/api/v6.1/sale_orders"):
        content = crm.get(path).json()
        assert content["sorted"] == {"id": "DESC"}
        assert content["limited"] == 20
        found = [row["id"] for row in content["data"]]
        assert found == sorted(found, reverse=True)
    assert crm.get("/api/v6.1/campaigns").json()["sorted"] == {"updated_at": "DESC"}


@pytest.mark.parametrize(("section", "path", "single", "key", "more"), DETAILS, ids=[each[0] for each in DETAILS])
def test_single_records(
    crm: httpx.Client, section: str, path: str, single: str, key: str, more: dict[str, Kind]
) -> None:
    entry = _BY_PATH[path]
    fields = {**entry.fields, **entry.seen}
    wanted = ",".join([*fields, *more])
    for row in rows_of(crm.get(path, params={"fields": ",".join(fields), "limit": 5})):
        place = single.replace("{" + key + "}", quote(str(row[key]), safe=""))
        record = crm.get(f"{place}{'&' if '?' in place else '?'}fields={wanted}").json()
        assert {name: record[name] for name in fields} == row
        assert set(record) == {*fields, *more}
        assert has_exactly(more, {name: record[name] for name in more}), record
    missing = single.replace("{" + key + "}", "999999")
    assert crm.get(f"{missing}{'&' if '?' in missing else '?'}fields={wanted}").status_code == 404


def test_orders_of_one_customer_by_status(crm: httpx.Client) -> None:  # section 2.5
    order = rows_of(crm.get("/api/v6.1/sale_orders", params={"limit": 1}))[0]
    counts = crm.get("/api/v6.1/account/count_orders_status", params={"account_id": order["account_id"]}).json()
    assert has_exactly(
        {"total_orders_pending": INT, "total_orders_approved": INT, "total_orders_canceled": INT}, counts
    )
    assert sum(counts.values()) >= 1


def test_one_custom_field(crm: httpx.Client) -> None:  # section 2.5
    definitions = rows_of(crm.get("/api/v6/accounts/custom_fields"))
    fields = {**_BY_PATH["/api/v6/accounts/custom_fields"].fields, "field_label": TEXT}
    for definition in definitions:
        found = crm.get(f"/api/v6/accounts/custom_fields/{definition['id']}").json()
        assert has_exactly({**fields, "field_options": Listed({"id": INT, "label": TEXT})}, found)
    codes = {definition["field_name"] for definition in definitions}
    accounts = rows_of(crm.get("/api/v6.1/accounts", params={"fields": "detail_custom_fields", "limit": 200}))
    used = {code for account in accounts for code in account["detail_custom_fields"]}
    assert used == codes
    assert crm.get("/api/v6/accounts/custom_fields/99").status_code == 404


def test_account_types_have_integer_ids_under_their_newer_path(crm: httpx.Client) -> None:  # section 2.5
    older = rows_of(crm.get("/api/v6/accounts/types"))
    newer = rows_of(crm.get("/api/v6.1/account_types"))
    assert [int(row["account_type_id"]) for row in older] == [row["id"] for row in newer]
    assert [row["account_type_name"] for row in older] == [row["account_type_name"] for row in newer]


def test_what_comes_without_fields(crm: httpx.Client) -> None:  # section 1.1
    assert all(set(row) == {"id", "account_name"} for row in rows_of(crm.get("/api/v6.1/accounts")))
    assert all(set(row) == {"id"} for row in rows_of(crm.get("/api/v6.1/accounts/sync")))
    assert crm.get("/api/v6.1/products").status_code == 400
    code = rows_of(crm.get("/api/v6.1/opportunities", params={"limit": 1}))[0]["opportunity_code"]
    assert crm.get("/api/v6.1/opportunity", params={"opportunity_code": code}).status_code == 400
    without = rows_of(crm.get("/api/v6.1/sale_orders"))[0]
    assert set(without) == set(_BY_PATH["/api/v6.1/sale_orders"].fields)
    assert set(rows_of(crm.get("/api/v6.1/tasks"))[0]) == set(_BY_PATH["/api/v6.1/tasks"].fields)


def test_the_state_of_payment_needs_its_companion(crm: httpx.Client) -> None:  # section 1.1
    alone = rows_of(crm.get("/api/v6.1/sale_orders", params={"fields": "id,payment_status"}))
    assert set(alone[0]) == {"id"}
    both = rows_of(crm.get("/api/v6.1/sale_orders", params={"fields": "id,payment_status,has_pay_off"}))
    assert set(both[0]) == {"id", "payment_status", "has_pay_off"}


def test_documented_status_codes_and_genders(emulator: Emulator, crm: httpx.Client) -> None:  # sections 2.1 and 8.1
    labels = {}
    for night in days(DEMO_LOAD, DEMO_AS_OF):  # not every status is there every night
        emulator.night = night
        orders = rows_of(crm.get("/api/v6.1/sale_orders", params={"limit": 200, "fields": "status,status_label"}))
        labels.update({order["status"]: order["status_label"] for order in orders})
    assert labels[1] == "Chờ duyệt"
    assert labels[2] == "Đã duyệt"
    assert "Đã hủy" in labels.values()
    accounts = rows_of(crm.get("/api/v6.1/accounts", params={"limit": 200, "fields": "gender,gender_detail"}))
    assert {each["gender"] for each in accounts} == {0, 1, 2}
    assert all((each["gender_detail"] is None) == (each["gender"] == 0) for each in accounts)
