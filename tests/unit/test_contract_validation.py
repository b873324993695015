"""Judging rows: what each type reads, what each rule rejects, and that no row is ever lost."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestration.contract import contract
from orchestration.contract.validation import QUARANTINE_SCHEMA, Validated, _engine, landed_schema, validate
from orchestration.sources.base import BatchKind, RawTable, RejectedRow, SourceError

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")


def judge(entity: str, columns: dict[str, Any], rejected: tuple[RejectedRow, ...] = ()) -> Validated:
    table = pa.table(columns)
    numbers = pa.array(range(2, 2 + table.num_rows), pa.int64())
    raw = RawTable(entity, BatchKind.COMPLETE, table, numbers, f"{entity}.csv", rejected)
    validated = validate(contract()[entity], raw, ZONE)
    assert validated.landed.schema == landed_schema(contract()[entity])
    assert validated.quarantined.schema == QUARANTINE_SCHEMA
    assert validated.landed.num_rows + validated.quarantined.num_rows == raw.rows_in
    return validated


def one(entity: str, required: dict[str, Any], column: str, value: Any) -> Any:
    """What one value lands as; the quarantine row when it does not."""
    data = value if isinstance(value, pa.Array) else pa.array([value])
    validated = judge(entity, {**{name: [given] for name, given in required.items()}, column: data})
    if validated.landed.num_rows:
        return validated.landed[column][0].as_py()
    return validated.quarantined.to_pylist()[0]


CUSTOMER = {"customer_id": "c1", "customer_name": "An", "created_at": "2026-01-01"}
EMPLOYEE = {"employee_id": "e1", "full_name": "An"}
LINE = {"order_line_id": "l1", "order_id": "o1", "quantity": "1", "unit_price": "1"}


@pytest.mark.parametrize(
    ("given_value", "landed"),
    [
        ("2026-03-31T17:05:00", datetime(2026, 3, 31, 17, 5)),
        ("2026-03-31 17:05:00", datetime(2026, 3, 31, 17, 5)),
        ("2026-03-31 17:05", datetime(2026, 3, 31, 17, 5)),
        ("2026-03-31", datetime(2026, 3, 31)),
        ("2026-03-31T17:05:00.5", datetime(2026, 3, 31, 17, 5, 0, 500000)),
        ("2026-03-31T17:05:00.123456789", datetime(2026, 3, 31, 17, 5, 0, 123456)),
        ("2026-03-31T17:05:00Z", datetime(2026, 4, 1, 0, 5)),
        ("2026-03-31T17:05Z", datetime(2026, 4, 1, 0, 5)),
        ("2026-03-31T17:05:00+07:00", datetime(2026, 3, 31, 17, 5)),
        ("2026-03-31T17:05:00.25+0900", datetime(2026, 3, 31, 15, 5, 0, 250000)),
        ("2026-03-31 17:05:00 +09", datetime(2026, 3, 31, 15, 5)),
        ("2026-03-31T17:05:00-03:30", datetime(2026, 4, 1, 3, 35)),
        (date(2026, 3, 31), datetime(2026, 3, 31)),
        (datetime(2026, 3, 31, 17, 5), datetime(2026, 3, 31, 17, 5)),
        (datetime(2026, 3, 31, 17, 5, tzinfo=UTC), datetime(2026, 4, 1, 0, 5)),
        (pa.array([1_774_976_700], pa.timestamp("s")), datetime(2026, 3, 31, 17, 5)),
        (pa.array([1_774_976_700 * 10**9], pa.timestamp("ns")), datetime(2026, 3, 31, 17, 5)),
        ("  ", None),
        ("", None),
    ],
)
def test_timestamps(given_value: Any, landed: Any) -> None:
    assert one("customers", CUSTOMER, "updated_at", given_value) == landed


@pytest.mark.parametrize(
    ("given_value", "advice"),
    [
        ("0000-00-00 00:00:00", "a zero date is no date"),
        ("2026-02-30T10:00:00", "there is no such day or time"),
        ("2026-03-31T24:00:00", "there is no such day or time"),
        ("2026-03-31T17:60:00", "there is no such day or time"),
        ("2026-03-31T17:05:00+99:00", "there is no such day or time"),
        ("31/03/2026 17:05", "write the year first"),
        ("1774976700", "expected a time as YYYY-MM-DDTHH:MM:SS"),
        ("infinity", "expected a time"),
        ("epoch", "expected a time"),
        ("NA", "expected a time"),
        ("1899-12-30T00:00:00", "the year 1899 is impossible"),
        ("2201-01-01T00:00:00", "the year 2201 is impossible"),
        (1774976700, "expected a time"),
        (True, "expected a time"),
    ],
)
def test_impossible_timestamps_are_rejected(given_value: Any, advice: str) -> None:
    row = one("customers", CUSTOMER, "updated_at", given_value)
    assert (row["column_name"], row["rule"], row["_row_number"]) == ("updated_at", "type", 2)
    assert row["reason"].startswith("customers.csv, row 2, column updated_at, rule type: ")
    assert advice in row["reason"]


@pytest.mark.parametrize(
    ("given_value", "landed"),
    [
        ("1990-02-28", date(1990, 2, 28)),
        (" 1990-02-28 ", date(1990, 2, 28)),
        ("1990-02-28 00:00:00", date(1990, 2, 28)),
        ("1990-02-28T00:00:00.000", date(1990, 2, 28)),
        ("1990-02-27T17:00:00Z", date(1990, 2, 28)),
        ("1900-01-01", date(1900, 1, 1)),
        ("2200-12-31", date(2200, 12, 31)),
        (date(1990, 2, 28), date(1990, 2, 28)),
        (datetime(1990, 2, 28), date(1990, 2, 28)),
        (datetime(1990, 2, 27, 17, tzinfo=UTC), date(1990, 2, 28)),
        (None, None),
    ],
)
def test_dates(given_value: Any, landed: Any) -> None:
    assert one("customers", CUSTOMER, "birthday", given_value) == landed


@pytest.mark.parametrize(
    ("given_value", "advice"),
    [
        ("0000-00-00", "a zero date is no date"),
        ("1990-02-30", "there is no such day"),
        ("1990-2-3", "expected a day as YYYY-MM-DD"),
        ("1990/02/03", "expected a day as YYYY-MM-DD"),
        ("03.02.1990", "write the year first"),
        ("1990-02-28T08:00:00", "a day must come alone or with midnight"),
        (datetime(1990, 2, 28, 8), "a day must come alone or with midnight"),
        ("1899-12-31", "the year 1899 is impossible"),
        (date(2201, 1, 1), "the year 2201 is impossible"),
        (32933, "expected a day"),
    ],
)
def test_impossible_dates_are_rejected(given_value: Any, advice: str) -> None:
    row = one("customers", CUSTOMER, "birthday", given_value)
    assert (row["column_name"], row["rule"]) == ("birthday", "type")
    assert advice in row["reason"]


@pytest.mark.parametrize(
    ("given_value", "landed"),
    [
        ("1000.5", "1000.50"),
        ("-1000", "-1000.00"),
        ("+.5", "0.50"),
        ("5.", "5.00"),
        ("1.5000", "1.50"),
        ("1e3", "1000.00"),
        ("0.30000000000000004", "0.30"),
        ("9999999999999999.99", "9999999999999999.99"),
        (150.0, "150.00"),
        (0.1 + 0.2, "0.30"),
        (pa.array([0.1], pa.float32()), "0.10"),
        (pa.array([0.5], pa.float16()), "0.50"),
        (12, "12.00"),
        (Decimal("1500.000"), "1500.00"),
        (pa.array([Decimal("1.50")], pa.decimal256(50, 2)), "1.50"),
    ],
)
def test_money(given_value: Any, landed: Any) -> None:
    assert one("order_lines", LINE, "discount_amount", given_value) == Decimal(landed)


@pytest.mark.parametrize(
    ("given_value", "advice"),
    [
        ("1,000.50", "thousands separators are not read; write 1000.50"),
        ("1.000.000", "thousands separators are not read; write 1000000"),
        ("1,5", "a decimal comma is not read; write 1.5"),
        ("150.000", "it can mean 150000 or 150.00"),
        ("1.005", "it can mean 1005"),
        ("1000.555", "more digits than the column keeps"),
        ("99999999999999999", "at most 16 digits before the point"),
        ("1_000", "expected a number"),
        ("0x10", "expected a number"),
        ("nan", "expected a number"),
        ("inf", "expected a number"),
        ("NA", "expected a number"),
        (1000.555, "more digits than the column keeps"),
        (float("inf"), "expected a number"),
        (Decimal("1.005"), "expected a number"),
        (True, "expected a number"),
    ],
)
def test_numbers_are_never_rounded_or_guessed(given_value: Any, advice: str) -> None:
    row = one("order_lines", LINE, "discount_amount", given_value)
    assert (row["column_name"], row["rule"]) == ("discount_amount", "type")
    assert advice in row["reason"]


def test_three_decimals_are_fine_where_the_column_keeps_them() -> None:
    assert one("order_lines", {**LINE, "quantity": "1.500"}, "quantity", "1.500") == Decimal("1.5000")


@pytest.mark.parametrize(
    ("given_value", "landed"), [("3", 3), ("3.0", 3), ("-3", -3), ("003", 3), (3, 3), (3.0, 3), (float("nan"), None)]
)
def test_integers(given_value: Any, landed: Any) -> None:
    assert one("employees", EMPLOYEE, "position_rank", given_value) == landed


@pytest.mark.parametrize(
    "given_value",
    ["3.5", "1e3", "0x10", "1_000", "three", "99999999999999999999", 3.5, 2.0**60, True, date(2026, 1, 1)],
)
def test_integers_are_whole(given_value: Any) -> None:
    assert one("employees", EMPLOYEE, "position_rank", given_value)["rule"] == "type"


@pytest.mark.parametrize(
    ("given_value", "landed"),
    [
        *[(word, True) for word in ("true", "TRUE", "t", "1", "yes", "Yes", 1, 1.0, True)],
        *[(word, False) for word in ("false", "False", "f", "0", "no", "NO", 0, 0.0, False)],
    ],
)
def test_booleans(given_value: Any, landed: Any) -> None:
    assert one("employees", EMPLOYEE, "is_active", given_value) is landed


@pytest.mark.parametrize("given_value", ["maybe", "2", 2, "có"])
def test_booleans_are_one_of_two(given_value: Any) -> None:
    assert one("employees", EMPLOYEE, "is_active", given_value)["rule"] == "type"


@pytest.mark.parametrize(
    ("given_value", "landed"),
    [
        ("a;b", ["a", "b"]),
        (" b ; a;;b ;", ["b", "a"]),
        (";", None),
        ("", None),
        ("7", ["7"]),
        (7, ["7"]),
        (7.0, ["7"]),
        (["b", "a", "b", " ", None], ["b", "a"]),
        ([3, 1], ["3", "1"]),
        ([3.0, 1.0], ["3", "1"]),
        ([], None),
    ],
)
def test_lists_of_ids(given_value: Any, landed: Any) -> None:
    assert one("customers", CUSTOMER, "source_ids", given_value) == landed


@pytest.mark.parametrize(
    ("given_value", "landed"),
    [
        ("007", "007"),
        ("\u00a0 x\u200b\t", "x"),
        ("NA", "NA"),
        ("null", "null"),
        ("12.0", "12.0"),
        (12, "12"),
        (12.0, "12"),
        (12.5, "12.5"),
        (Decimal("12.00"), "12"),
        (Decimal("120"), "120"),
        (b"abc", "abc"),
        (pa.array(["x"]).dictionary_encode(), "x"),
        (pa.array(["x"], pa.large_string()), "x"),
        (pa.nulls(1), None),
    ],
)
def test_ids_and_texts_keep_what_was_written(given_value: Any, landed: Any) -> None:
    assert one("customers", CUSTOMER, "manager_id", given_value) == landed


@pytest.mark.parametrize("given_value", [["a"], {"a": 1}, b"\xff"])
def test_values_that_are_no_text_are_rejected(given_value: Any) -> None:
    assert one("customers", CUSTOMER, "manager_id", given_value)["rule"] == "type"


def test_a_structure_is_no_list_of_ids() -> None:
    assert one("customers", CUSTOMER, "source_ids", {"a": 1})["rule"] == "type"


def test_required_value_missing() -> None:
    row = one("customers", {**CUSTOMER, "customer_name": " "}, "phone", "1")
    assert (row["rule"], row["column_name"], row["entity_key"]) == ("required", "customer_name", ["c1"])
    assert row["value"] is None


def test_an_order_without_a_date_is_rejected_and_gets_no_other() -> None:
    order = {"order_id": "o1", "order_type": "sale", "status": "approved", "created_at": "2026-03-31", "order_date": ""}
    row = one("orders", order, "order_code", "1")
    assert (row["rule"], row["column_name"], row["entity_key"]) == ("required", "order_date", ["o1"])


def test_value_not_allowed() -> None:
    row = one("customers", CUSTOMER, "gender", "Male")
    assert (row["rule"], row["value"]) == ("allowed_values", "Male")
    assert row["reason"].endswith('"Male" is not allowed; expected one of male, female (write male)')


@pytest.mark.parametrize("reserved", ["none", "unknown", " unknown "])
def test_reserved_ids_are_rejected(reserved: str) -> None:
    row = one("customers", {**CUSTOMER, "customer_id": reserved}, "phone", "1")
    assert (row["rule"], row["column_name"]) == ("reserved_id", "customer_id")


@pytest.mark.parametrize("reserved", ["none", "unknown"])
def test_a_plain_list_of_names_may_have_a_member_of_that_name(reserved: str) -> None:
    landed = judge("sources", {"source_id": [reserved, "s2"], "source_name": ["Unknown origin", "Web"]}).landed
    assert landed["source_id"].to_pylist() == [reserved, "s2"]


def test_reserved_ids_as_references_are_not_judged() -> None:
    assert one("customers", CUSTOMER, "manager_id", "unknown") == "unknown"


@pytest.mark.parametrize(("employee", "department", "found"), [("e1", "d1", "both"), (None, "", "neither")])
def test_a_target_has_exactly_one_owner(employee: str | None, department: str, found: str) -> None:
    row = judge(
        "kpi_targets",
        {
            "period_start": ["2026-01-01"],
            "period_end": ["2026-01-31"],
            "employee_id": pa.array([employee], pa.string()),
            "department_id": [department],
            "metric": ["orders"],
            "target_value": ["5"],
        },
    ).quarantined.to_pylist()[0]
    assert (row["rule"], row["column_name"]) == ("exactly_one_owner", "employee_id")
    assert f"{found} " in row["reason"]


def test_defaults_fill_nulls_only() -> None:
    landed = judge(
        "employees",
        {"employee_id": ["1", "2", "3"], "full_name": ["a", "b", "c"], "is_active": ["", "false", "true"]},
    ).landed
    assert landed["is_active"].to_pylist() == [True, False, True]
    assert judge("employees", {"employee_id": ["1"], "full_name": ["a"]}).landed["is_active"].to_pylist() == [True]
    lines = judge("order_lines", {name: [value] for name, value in LINE.items()}).landed
    assert lines["vat_amount"].to_pylist() == [Decimal("0.00")]


def test_default_of_a_text_column() -> None:
    columns = {
        "period_start": ["2026-01-01"] * 2,
        "period_end": ["2026-01-31"] * 2,
        "employee_id": ["e1", "e2"],
        "metric": ["orders"] * 2,
        "target_value": [5, 6],
        "direction": ["", "decrease"],
    }
    assert judge("kpi_targets", columns).landed["direction"].to_pylist() == ["increase", "decrease"]


def test_newest_of_a_key_lands_then_the_last() -> None:
    validated = judge(
        "customers",
        {
            "customer_id": ["a", "a", "a", "b", "b", "c"],
            "customer_name": ["old", "new", "no date", "first", "last", "only"],
            "created_at": ["2026-01-01"] * 6,
            "updated_at": ["2026-01-01", "2026-01-02", "", "2026-01-01", "2026-01-01", ""],
        },
    )
    assert validated.landed["customer_name"].to_pylist() == ["new", "last", "only"]
    assert validated.landed["_row_number"].to_pylist() == [3, 6, 7]
    quarantined = validated.quarantined.to_pylist()
    assert [(row["_row_number"], row["rule"], row["entity_key"]) for row in quarantined] == [
        (2, "duplicate_key", ["a"]),
        (4, "duplicate_key", ["a"]),
        (5, "duplicate_key", ["b"]),
    ]
    assert '"a" is also the key of row 3, which is newer' in quarantined[0]["reason"]


def test_broken_rows_do_not_push_out_good_ones() -> None:
    validated = judge(
        "customers",
        {
            "customer_id": ["a", "a"],
            "customer_name": ["good", "bad"],
            "created_at": ["2026-01-01", "0000-00-00"],
        },
    )
    assert validated.landed["customer_name"].to_pylist() == ["good"]


def test_keys_of_several_columns_and_with_nulls() -> None:
    columns = {
        "period_start": ["2026-01-01"] * 3,
        "period_end": ["2026-01-31"] * 3,
        "employee_id": ["e1", "e1", "e2"],
        "department_id": pa.nulls(3, pa.string()),
        "metric": ["orders"] * 3,
        "target_value": [1, 2, 3],
    }
    validated = judge("kpi_targets", columns)
    assert validated.landed["target_value"].to_pylist() == [Decimal(2), Decimal(3)]
    row = validated.quarantined.to_pylist()[0]
    assert row["column_name"] == "period_start, period_end, employee_id, department_id, metric"
    assert row["entity_key"] == ["2026-01-01", "2026-01-31", "e1", None, "orders"]


def test_one_quarantine_row_per_source_row_with_every_violation() -> None:
    row = judge(
        "customers",
        {"customer_id": [""], "customer_name": ["x"], "created_at": ["soon"], "gender": ["x"], "Note": ["kept"]},
    ).quarantined.to_pylist()
    assert len(row) == 1
    assert (row[0]["rule"], row[0]["column_name"]) == ("required", "customer_id")
    assert "Also column gender, rule allowed_values" in row[0]["reason"]
    assert "; column created_at, rule type" in row[0]["reason"]
    assert json.loads(row[0]["content"]) == {
        "customer_id": "",
        "customer_name": "x",
        "created_at": "soon",
        "gender": "x",
        "Note": "kept",
    }


def test_rows_the_source_could_not_read_join_the_quarantine_in_place() -> None:
    rejected = (RejectedRow(9, "customer_name", "encoding", "customers.csv, row 9, …", "{}"),)
    columns = {"customer_id": ["1", ""], "customer_name": ["a", "b"], "created_at": ["2026-01-01"] * 2}
    quarantined = judge("customers", columns, rejected).quarantined.to_pylist()
    assert [(row["_row_number"], row["rule"]) for row in quarantined] == [(3, "required"), (9, "encoding")]
    assert quarantined[1]["entity_key"] is None


def test_unknown_columns_are_ignored_and_named() -> None:
    validated = judge(
        "departments", {"department_id": ["1"], "department_name": ["a"], "Department_nme": ["x"], "": [1]}
    )
    assert validated.warnings == (
        "departments.csv: column Department_nme is not in the contract and was ignored; did you mean department_name?",
        "departments.csv: column 4 has no name and was ignored",
    )


@pytest.mark.parametrize(
    ("columns", "problem"),
    [
        ({"department_id": ["1"]}, "required column department_name is missing"),
        ({"foo": ["1"]}, "none of its columns is one of the contract's"),
    ],
)
def test_a_wrong_header_says_what_was_found_and_expected(columns: dict[str, list[str]], problem: str) -> None:
    with pytest.raises(SourceError, match=problem) as raised:
        judge("departments", columns)
    assert raised.value.rule == "header"
    assert f"Found: {', '.join(columns)}." in raised.value.message
    assert "department_id!, department_name!, parent_department_id" in raised.value.message


def test_no_rows_are_a_valid_table() -> None:
    validated = judge("departments", {"department_id": pa.nulls(0), "department_name": pa.array([], pa.string())})
    assert validated.landed.num_rows == validated.quarantined.num_rows == 0


def test_order_is_kept_over_many_rows() -> None:
    rows = 300_000
    validated = judge(
        "industries",
        {"industry_id": [str(n) for n in range(rows)], "industry_name": ["x" if n % 1000 else "" for n in range(rows)]},
    )
    numbers = validated.landed["_row_number"].to_pylist()
    assert numbers == [n + 2 for n in range(rows) if n % 1000]
    assert validated.landed["industry_id"].to_pylist() == [str(number - 2) for number in numbers]
    assert validated.quarantined["_row_number"].to_pylist() == list(range(2, rows + 2, 1000))


def test_a_judgement_leaves_no_rows_behind_for_the_next() -> None:
    """All of a process share one engine, where the rows of a former batch must not be found, nor take memory."""
    judge("industries", {"industry_id": ["1"], "industry_name": ["kept to itself"]})
    with _engine().cursor() as connection:
        for name in ("delivered", "judged"):
            with pytest.raises(duckdb.CatalogException):
                connection.execute(f"select * from {name}")


def test_batches_judged_at_once_do_not_see_each_other() -> None:
    with ThreadPoolExecutor(4) as pool:
        found = list(
            pool.map(lambda n: judge("industries", {"industry_id": [str(n)], "industry_name": ["x"]}), range(40))
        )
    assert [one.landed["industry_id"].to_pylist() for one in found] == [[str(n)] for n in range(40)]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["1", "2", "none", "", " 1"]),
            st.text(max_size=5).filter(lambda text: "\0" not in text),
            st.sampled_from(["2026-01-01", "0000-00-00", "2026-01-01T10:00:00Z", ""]),
        ),
        max_size=12,
    )
)
def test_rows_in_are_rows_out_and_keys_are_unique(rows: list[tuple[str, str, str]]) -> None:
    texts = [pa.array([row[place] for row in rows], pa.string()) for place in range(3)]
    validated = judge("customers", dict(zip(["customer_id", "customer_name", "created_at"], texts, strict=True)))
    landed = validated.landed["customer_id"].to_pylist()
    assert len(set(landed)) == len(landed)
    numbers = validated.landed["_row_number"].to_pylist() + validated.quarantined["_row_number"].to_pylist()
    assert sorted(numbers) == list(range(2, 2 + len(rows)))
    assert all(row["reason"].startswith("customers.csv, row ") for row in validated.quarantined.to_pylist())
