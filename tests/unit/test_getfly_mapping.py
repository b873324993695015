"""Fields in every spelling the API is known to use, code maps, and what no map knows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pytest

from orchestration.contract import contract
from orchestration.contract.validation import validate
from orchestration.sources.base import BatchKind, RawTable
from orchestration.sources.getfly.errors import GetflyError
from orchestration.sources.getfly.mapping import (
    BY_NIGHT,
    CODES,
    ENTITIES,
    STATEMENTS,
    load_codes,
    make_functions,
    run_statement,
)

COMPANY = ZoneInfo("Asia/Ho_Chi_Minh")


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(":memory:") as one:
        make_functions(one, COMPANY, COMPANY)
        load_codes(one, CODES)
        yield one


def value(connection: duckdb.DuckDBPyConnection, function: str, field: Any) -> Any:
    [(found,)] = connection.execute(f"select {function}(cast(? as json), '$.x')", [json.dumps({"x": field})]).fetchall()
    return found


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("2025-03-06 17:34:43", "2025-03-06 17:34:43"),
        ("0000-00-00 00:00:00", None),
        ("0000-00-00", None),
        ("00/00/0000", None),
        ("", None),
        (None, None),
        (0, None),
        ("0", None),
        # 10:34:43 in London is 17:34:43 in Hà Nội.
        (1741257283, "2025-03-06 17:34:43"),
        ("1741257283", "2025-03-06 17:34:43"),
        ("06-03-2025 17:34:43", "2025-03-06 17:34:43"),
        ("6/3/2025", "2025-03-06"),
        ("6/3/2025 9:34", "2025-03-06 9:34"),
        ("26/11/2025 17:34:43", "2025-11-26 17:34:43"),
        ("no date", "no date"),
    ],
)
def test_a_moment_in_every_spelling(connection: duckdb.DuckDBPyConnection, field: Any, text: str | None) -> None:
    assert value(connection, "moment_of", field) == text


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("2025-03-06", "2025-03-06"),
        ("2025-03-06 00:00:00", "2025-03-06"),
        ("06/03/2025", "2025-03-06"),
        ("06-03-2025", "2025-03-06"),
        ("6/3/2025 10:00", "2025-03-06"),
        ("16/3/2025 10:00", "2025-03-16"),
        ("6/10/2025", "2025-10-06"),
        # 23:30 UTC on the 5th is the 6th in Hà Nội.
        (1741217400, "2025-03-06"),
        ("0000-00-00", None),
        ("", None),
    ],
)
def test_a_day_in_every_spelling(connection: duckdb.DuckDBPyConnection, field: Any, text: str | None) -> None:
    assert value(connection, "day_of", field) == text


def test_times_of_a_tenant_in_another_zone_become_the_companys() -> None:
    with duckdb.connect(":memory:") as one:
        make_functions(one, COMPANY, ZoneInfo("UTC"))
        assert value(one, "moment_of", "2025-03-06 20:00:00") == "2025-03-07 03:00:00"
        assert value(one, "moment_of", 1741257283) == "2025-03-06 17:34:43"
        assert value(one, "moment_of", "no date") == "no date"
        # A day has no time that could move it into another.
        assert value(one, "day_of", "2025-03-06") == "2025-03-06"


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ([1, 5], "1;5"),
        (["1", " 5 "], "1;5"),
        ("1,5", "1;5"),
        (" 1 , 5 ", "1;5"),
        (5, "5"),
        ("5", "5"),
        ("0", ""),
        (0, ""),
        ("", ""),
        ([], ""),
        ([0], ""),
        (None, ""),
    ],
)
def test_several_ids_in_every_spelling(connection: duckdb.DuckDBPyConnection, field: Any, text: str) -> None:
    assert value(connection, "ids_of", field) == text


@pytest.mark.parametrize(
    ("field", "text"), [(12, "12"), ("12", "12"), ("KH/1", "KH/1"), (0, None), ("0", None), ("", None), (None, None)]
)
def test_a_reference_in_every_spelling(connection: duckdb.DuckDBPyConnection, field: Any, text: str | None) -> None:
    assert value(connection, "reference_of", field) == text


@pytest.mark.parametrize(
    ("field", "text"), [(83706.5, "83706.5"), ("1,000,000.0", "1000000.0"), ("65000", "65000"), ("", None)]
)
def test_an_amount_in_every_spelling(connection: duckdb.DuckDBPyConnection, field: Any, text: str | None) -> None:
    assert value(connection, "amount_of", field) == text


@pytest.mark.parametrize(
    ("field", "count"), [([{"a": 1}, {"a": 2}], 2), ({"a": 1}, 1), ({}, 0), ([], 0), (None, 0), ("", 0)]
)
def test_rows_inside_a_row_in_every_spelling(connection: duckdb.DuckDBPyConnection, field: Any, count: int) -> None:
    [(found,)] = connection.execute("select len(rows_in(cast(? as json)))", [json.dumps(field)]).fetchall()
    assert found == count


def rows(connection: duckdb.DuckDBPyConnection, entity: str, **resources: list[dict[str, Any]]) -> list[dict[str, Any]]:
    for name, bodies in resources.items():
        for table in (name, f"{name}_now"):
            connection.execute(f"create table {table} (id varchar, parent varchar, body json, deleted_at varchar)")
            for body in bodies:
                connection.execute(f"insert into {table} values (?, '', ?, null)", [str(body["id"]), json.dumps(body)])
    found: list[dict[str, Any]] = run_statement(connection, entity).to_pylist()
    return found


def order(**fields: Any) -> dict[str, Any]:
    return {"id": 1, "order_date": "2025-02-03", "status": 1, "status_label": "Chờ duyệt", **fields}


@pytest.mark.parametrize(
    ("status", "label", "mapped"),
    [
        (1, "Chờ duyệt", "pending"),
        ("2", "anything", "approved"),
        (9, "Đã hủy", "cancelled"),
        (7, "Đã giao", "Getfly 7 (Đã giao)"),
        (None, "", "Getfly (empty)"),
    ],
)
def test_the_code_speaks_before_the_label_and_an_unknown_one_is_kept(
    connection: duckdb.DuckDBPyConnection, status: Any, label: str, mapped: str
) -> None:
    [row] = rows(connection, "orders", sale_orders=[order(status=status, status_label=label)])
    assert row["status"] == mapped


def test_an_order_of_an_unknown_status_is_set_aside_with_its_code_and_label(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    connection.execute("create table kept as select 1")
    orders = [order(), order(id=2, status=7, status_label="Đã giao")]
    found = rows(connection, "orders", sale_orders=orders)
    table = connection.execute("from sale_orders").to_arrow_table()
    assert table.num_rows == 2
    raw = RawTable("orders", BatchKind.COMPLETE, run_statement(connection, "orders"), range_of(len(found)), "Getfly")
    judged = validate(contract()["orders"], raw, COMPANY)
    [rejected] = judged.quarantined.to_pylist()
    assert judged.landed["order_id"].to_pylist() == ["1"]
    assert (rejected["entity_key"], rejected["column_name"], rejected["value"]) == (
        ["2"],
        "status",
        "Getfly 7 (Đã giao)",
    )


def range_of(count: int) -> Any:
    import pyarrow as pa

    return pa.array(range(2, count + 2))


@pytest.mark.parametrize(
    ("line", "discount"),
    [
        ({"quantity": 1, "price": 65000, "product_sale_off": 1, "cash_discount": 0}, "650.00"),
        ({"quantity": "3.0000", "price": "1,000,000.0", "product_sale_off": "12.5"}, "375000.00"),
        ({"quantity": 2, "price": 10, "cash_discount": "1,500"}, "1500.00"),
        ({"quantity": 3, "price": 0.37, "product_sale_off": 50}, "0.56"),
        ({"quantity": 2, "price": 10}, "0.00"),
        ({"quantity": "two", "price": 10, "product_sale_off": 5}, "0 and 5 percent"),
    ],
)
def test_a_lines_discount_is_exact_and_what_is_no_number_is_shown(
    connection: duckdb.DuckDBPyConnection, line: dict[str, Any], discount: str
) -> None:
    [row] = rows(connection, "order_lines", sale_orders=[order(order_details=[{"id": 5, "product_id": 7, **line}])])
    assert (row["order_line_id"], row["order_id"], row["discount_amount"]) == ("5", "1", discount)


def test_contacts_without_ids_are_told_apart(connection: duckdb.DuckDBPyConnection) -> None:
    people = [{"first_name": "An", "last_name": "Lê Thị"}, {"first_name": "Bình", "is_primary": 1}]
    found = rows(connection, "contacts", accounts=[{"id": 9, "contacts": people}])
    assert [(row["contact_id"], row["full_name"], row["is_primary"]) for row in found] == [
        ("9/1", "Lê Thị An", "false"),
        ("9/2", "Bình", "true"),
    ]


def test_somebody_in_both_lists_of_users_has_left(connection: duckdb.DuckDBPyConnection) -> None:
    found = rows(
        connection,
        "employees",
        users_active=[{"id": 1, "contact_name": "An"}, {"id": 2, "contact_name": "Bình"}],
        users_inactive=[{"id": 2, "contact_name": "Bình"}],
    )
    assert {row["employee_id"]: row["is_active"] for row in found} == {"1": "true", "2": "false"}


def test_every_entity_has_a_statement_and_every_statement_an_entity() -> None:
    assert {path.stem for path in STATEMENTS.glob("*.sql")} == set(ENTITIES)
    assert set(BY_NIGHT) <= set(ENTITIES) <= set(contract().entities)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("domain,code,value\n", "must have the columns"),
        ("domain,code,label,value\norder_status,,,pending\n", "row 2: a domain, a value, and a code or a label"),
        ("domain,code,label,value\norder_status,1,,pending\norder_status,1,,approved\n", "row 3: code 1 .* twice"),
        (
            "domain,code,label,value\ngender,,Nam,male\ngender,,Nam,female\n",
            "row 3: label Nam of gender is there twice",
        ),
        (
            "domain,code,label,value\norder_status,3,,canceled\n",
            "row 2: canceled is no order_status; it is one of",
        ),
        ("domain,code,label,value\norders,3,,cancelled\n", "row 2: orders is no domain; it is one of gender, order"),
    ],
)
def test_a_code_map_that_says_two_things_is_refused(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "codes.csv"
    path.write_text(text, encoding="utf-8")
    with duckdb.connect(":memory:") as one, pytest.raises(GetflyError, match=words):
        load_codes(one, path)


def test_a_statement_that_fails_says_which(connection: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(GetflyError, match=r"models/staging/getfly/orders\.sql: Catalog Error"):
        run_statement(connection, "orders")
