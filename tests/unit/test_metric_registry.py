"""The metric catalogue and the marts name the same figures; its grammar is read strictly; its SQL is made safely."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

import duckdb
import pytest

from orchestration.metrics.drilldown import detail_parts_sql, detail_sql, detail_value_sql, figure_sql, quoted
from orchestration.metrics.registry import (
    CATALOGUE_PATH,
    COLUMNS,
    HISTORIES,
    HISTORY_FROM,
    HISTORY_TO,
    PATHS,
    Aggregate,
    ColumnRef,
    MetricError,
    Source,
    Term,
    load_metrics,
    parse_aggregate,
    parse_column,
    parse_date,
    parse_filter,
    read_catalogue,
)

CATALOGUE = read_catalogue()

_FIGURE_COLUMNS = (
    *("value", "numerator", "denominator", "target_value", "target_weight"),
    *("attainment_rate", "actual_value_with_below", "attainment_with_below_rate"),
)

# Numbers of one row of a mart that are no measure of anybody: why.
NO_MEASURES: Mapping[tuple[str, str], str] = {
    ("dim_customer_cohort", "age_years"): "an attribute of one customer; its band is counted",
    ("dim_customer_cohort", "care_recency_days"): "an attribute of one customer; its bucket is counted",
    ("fct_campaign_interactions", "campaign_interactions"): "always 1; the interactions are counted, each once",
    ("fct_campaign_interactions", "open_opportunities"): "an attribute of one interaction",
    ("fct_card_interactions", "interactions"): "what of it is a KPI interaction; interactions has its row",
    ("fct_customer_cycle", "days_observed"): "how long one customer has been followed; in the Kaplan-Meier median",
    ("fct_customer_industries", "industry_count"): "among how many the split columns divide",
    ("fct_customer_owners", "owner_number"): "part of a key",
    ("fct_customer_persons", "age_years"): "an attribute of one person; its band is counted",
    ("fct_customer_persons", "person_count"): "among how many the split columns divide",
    ("fct_customer_persons", "revenue_amount"): "repeated on each person of a customer: its sum is no figure",
    ("fct_customer_sources", "source_count"): "among how many the split columns divide",
    ("fct_customer_stages", "stay_number"): "part of a key",
    ("fct_new_customer_sources", "source_count"): "among how many the split columns divide",
    ("fct_opportunities", "stage_order"): "an attribute of one opportunity's stage",
    ("fct_order_lines", "unit_price"): "an attribute of one line",
    ("fct_order_sources", "source_count"): "among how many the split columns divide",
    ("fct_relationship_moves", "days_in_previous"): "an attribute of one move; the stay's days are counted",
    ("fct_relationship_moves", "steps"): "an attribute of one move; its direction is counted",
    ("fct_relationship_stays", "stay_number"): "part of a key",
    ("kpi_customer_cycle", "window_days"): "part of a key",
    ("kpi_department_member_month", "department_revenue_amount"): "the department's, repeated on each of its people",
    ("kpi_department_member_month", "revenue_rank"): "a place among the department's people",
    **{
        (mart, column): "a copy of a figure that has its row, beside its target or as it was frozen"
        for mart, columns in {
            "kpi_month_figures": _FIGURE_COLUMNS,
            "kpi_monthly_snapshot": _FIGURE_COLUMNS,
            "kpi_restatement": [
                f"{side}_{column}"
                for side in ("frozen", "now")
                for column in _FIGURE_COLUMNS
                if column not in ("target_weight", "actual_value_with_below")
            ],
            "fct_restatement_rows": ["frozen_value", "now_value"],
        }.items()
        for column in columns
    },
    ("fct_restatement_rows", "difference_value"): "the difference of two copies of a figure's row",
    ("fct_restatement_rows", "version"): "part of a key",
    ("kpi_monthly_snapshot", "version"): "part of a key",
    ("kpi_restatement", "difference_value"): "the difference of two copies of a figure",
    ("kpi_restatement", "version"): "part of a key",
    ("kpi_product_period", "previous_orders"): "what product_period_orders is in the period before",
    ("kpi_product_period", "previous_sales_amount"): "what product_period_sales_amount is in the period before",
    ("kpi_product_period", "previous_sold_quantity"): "what product_period_sold_quantity is in the period before",
    ("kpi_product_top", "period_revenue_amount"): "the whole of the shares, repeated on each row: its sum is no figure",
    ("kpi_product_top", "products"): "how many products a row stands for",
    ("kpi_product_top", "sort_order"): "part of a key",
    ("kpi_province_top", "provinces"): "how many provinces a row stands for",
    ("kpi_province_top", "sort_order"): "part of a key",
    ("kpi_reconciliation", "line_number"): "part of a key",
    ("kpi_reconciliation", "value"): "a comparison of figures that have rows of their own",
    ("kpi_target_attainment", "actual_value_with_below"): "of a department's target, not a person's",
    ("kpi_target_attainment", "attainment_with_below_rate"): "of a department's target, not a person's",
    ("kpi_target_attainment", "target_number"): "part of a key",
}
NUMBERS = ("bigint", "integer", "double", "decimal")

ROW: Mapping[str, str] = {
    **CATALOGUE["orders"].row,
    "mart_filter": "is_active and not is_deleted",
    "detail_filter": "month_date is not null and status != cancelled",
}


def marts(manifest: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """Data types by mart and column."""
    return {
        node["name"]: {name: column["data_type"] for name, column in node["columns"].items()}
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model" and node["fqn"][1] == "marts"
    }


def sources() -> list[tuple[str, Source, list[str]]]:
    """Every side of every metric: its name, its rows, and the columns it takes a value of."""
    found = [(metric.name, metric.figure, [metric.measure]) for metric in CATALOGUE.values()]
    for metric in CATALOGUE.values():
        if metric.detail is not None and metric.detail_value is not None:
            found.append(
                (metric.name, metric.detail, [metric.detail_value.column] if metric.detail_value.column else [])
            )
    return found


def test_every_measure_of_every_mart_is_in_the_catalogue(manifest: Mapping[str, Any]) -> None:
    covered = {(source.mart, column) for _, source, columns in sources() for column in columns}
    numbers = {
        (mart, column)
        for mart, columns in marts(manifest).items()
        for column, data_type in columns.items()
        if data_type.split("(")[0] in NUMBERS and (not mart.startswith("dim_") or mart == "dim_customer_cohort")
    }
    missing = sorted(f"{mart}.{column}" for mart, column in numbers - covered - set(NO_MEASURES))
    assert missing == [], f"add these to {CATALOGUE_PATH.name}, or to NO_MEASURES with the reason"
    assert set(NO_MEASURES) - numbers == set(), "NO_MEASURES names what no mart has"
    assert set(NO_MEASURES) & covered == set(), "NO_MEASURES names what the catalogue has"


def test_every_name_in_the_catalogue_is_in_the_marts(manifest: Mapping[str, Any]) -> None:
    there = marts(manifest)
    wrong = []
    for name, source, values in sources():
        if source.mart not in there:
            wrong.append(f"{name}: no mart {source.mart}")
            continue
        used = [source.owner.column, *values, *(term.column for term in source.terms)]
        if source.date is not None:
            used += [source.date.column.column, source.date.until or source.owner.column]
        wrong += [f"{name}: no column {source.mart}.{column}" for column in used if column not in there[source.mart]]
    assert wrong == []
    assert {attribute for attribute, (mart, key) in PATHS.items() if not {attribute, key} <= set(there[mart])} == set()
    for history, *columns in HISTORIES.values():
        assert {*columns, HISTORY_FROM, HISTORY_TO} <= set(there[history])


def test_the_mart_has_the_columns_of_the_grammar(manifest: Mapping[str, Any]) -> None:
    assert tuple(marts(manifest)["dim_metrics"]) == COLUMNS


def test_labels_and_formulas_are_sentences_of_their_own() -> None:
    wrong = [
        metric.name
        for metric in CATALOGUE.values()
        if not metric.formula.endswith(".")
        or not metric.formula_vi.endswith(".")
        or not (metric.crm_difference.endswith(".") or metric.crm_difference == "same")
        or not (metric.crm_difference_vi.endswith(".") or metric.crm_difference_vi == "giống nhau")
    ]
    assert wrong == []


def numbers_and_names(sentence: str, *, also: frozenset[str] = frozenset()) -> set[str]:
    """Numbers, and names of columns, seeds and metrics: what has an underscore, and the words of `also`."""
    words = re.findall(r"-?\d+|\b[a-z]\w*", sentence)
    return {word for word in words if word[-1].isdigit() or "_" in word or word in also}


@pytest.mark.parametrize("name", CATALOGUE)
def test_sentences_in_vietnamese_say_the_same(name: str) -> None:
    metric = CATALOGUE[name]
    # A target names the metric it is of, which may be a word like "orders".
    also = frozenset(CATALOGUE) if metric.report == "targets" else frozenset()
    for english, vietnamese in (
        (metric.formula, metric.formula_vi),
        (metric.crm_difference, metric.crm_difference_vi),
    ):
        assert english != vietnamese
        assert vietnamese != vietnamese.encode("ascii", "ignore").decode(), vietnamese
        assert numbers_and_names(english, also=also) == numbers_and_names(vietnamese, also=also)


def test_what_is_the_same_in_english_is_the_same_in_vietnamese() -> None:
    for one, other in (("formula", "formula_vi"), ("crm_difference", "crm_difference_vi")):
        pairs = {(metric.row[one], metric.row[other]) for metric in CATALOGUE.values()}
        assert len(pairs) == len({english for english, _ in pairs}), one


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("", ()),
        ("is_late", (Term("is_late", "is"),)),
        ("not is_deleted", (Term("is_deleted", "not"),)),
        ("task_state = new", (Term("task_state", "=", "new"),)),
        ("window_days = 84", (Term("window_days", "=", "84"),)),
        ("member_id != none", (Term("member_id", "!=", "none"),)),
        ("rating is null", (Term("rating", "is null"),)),
        ("rating is not null", (Term("rating", "is not null"),)),
        ("moved_date in last 84 days", (Term("moved_date", "in last", "84"),)),
        ("is_late and not is_new", (Term("is_late", "is"), Term("is_new", "not"))),
    ],
)
def test_filters_are_read(text: str, terms: tuple[Term, ...]) -> None:
    assert parse_filter(text) == terms


@pytest.mark.parametrize(
    "text",
    [
        *(
            "a or b",
            "a = 'b'",
            "a = b; drop table c",
            "a == b",
            "(a)",
            "a in (b)",
            "a = ",
            "a  = b",
            "not",
            "a and ",
            "A",
        ),
        *(
            "a in last 0 days",
            "a in last days",
            "a is",
            "a.b = c",
            "a = b and",
            "a like b",
            'a = "b"',
            "a > 1",
            "a -- b",
        ),
    ],
)
def test_filters_are_read_strictly(text: str) -> None:
    with pytest.raises(MetricError, match="is no term"):
        parse_filter(text)


def test_columns_dates_and_values_are_read() -> None:
    assert parse_column("executor_id.department_id") == ColumnRef("executor_id", "department_id")
    stretch = parse_date("valid_from_at..valid_to_at")
    assert stretch is not None
    assert (stretch.column, stretch.until) == (ColumnRef("valid_from_at"), "valid_to_at")
    assert parse_date("") is None
    assert [date.is_month for text in ("cohort_month_date", "paid_date") if (date := parse_date(text))] == [True, False]
    assert parse_aggregate("sum sales_amount") == Aggregate("sum", "sales_amount")
    assert parse_aggregate("minus_sum sold_quantity") == Aggregate("minus_sum", "sold_quantity")
    assert parse_aggregate("count") == Aggregate("count")


@pytest.mark.parametrize(
    ("column", "text"),
    [
        ("owner_column", "executor_id.email"),
        ("owner_column", 'a"; --'),
        ("detail_owner_column", "a.b.c"),
        ("date_column", "a..b..c"),
        ("detail_date_column", "a.."),
        ("detail_value", "sum"),
        ("detail_value", "count orders"),
        ("detail_value", "max orders"),
        ("detail_value", "minus_sum"),
        ("detail_owner_column", "executor_id.department_then_id"),
        ("date_column", "executor_id.department_then_id"),
        ("detail_value", "sum orders, returns"),
        ("mart_filter", "a or b"),
        ("detail_filter", "a or b"),
        ("additive", "maybe"),
        ("label_vi", ""),
        ("formula_vi", ""),
        ("crm_difference_vi", ""),
        ("detail_mart", ""),
        ("numerator", "orders"),
    ],
)
def test_a_row_that_is_not_understood_is_named_with_its_column(column: str, text: str) -> None:
    with pytest.raises(MetricError, match=rf"^orders, {column}: "):
        load_metrics([{**ROW, column: text}])


def test_rows_that_contradict_each_other_are_refused() -> None:
    rate = {**CATALOGUE["connected_rate"].row}
    with pytest.raises(MetricError, match="two rows of this name"):
        load_metrics([ROW, ROW])
    with pytest.raises(MetricError, match=r"^connected_rate, numerator: 'calls_connected' is no metric"):
        load_metrics([rate])
    with pytest.raises(MetricError, match=r"^connected_rate, detail_value: must be empty"):
        load_metrics([{**rate, "detail_value": "count"}])
    with pytest.raises(MetricError, match=r"^orders: columns missing or not known: formula, note"):
        load_metrics([{"note": "", **{column: value for column, value in ROW.items() if column != "formula"}}])


def test_null_and_nothing_mean_the_same() -> None:
    rows: list[dict[str, str | None]] = [{column: value or None for column, value in ROW.items()}]
    assert load_metrics(rows) == load_metrics([ROW])


def test_values_are_parameters_and_names_are_quoted() -> None:
    metric = load_metrics([ROW])["orders"]
    query = detail_sql(metric, "access", "access_", owner="o'1", month=date(2026, 3, 1), where={"order_type": "sale"})
    assert query.parameters == ("cancelled", "sale", "o'1", date(2026, 3, 1))
    assert query.sql.count("?") == len(query.parameters)
    assert "'" not in query.sql
    assert 'from "access"."access_fct_orders" as rows' in query.sql
    assert 'rows."executor_id" = ?' in query.sql
    assert quoted('a"b') == '"a""b"'


@pytest.mark.parametrize(
    ("date_column", "value", "department"),
    [
        ("occurred_at", "2026-03-15 11:59:59.999999", "north"),
        ("occurred_at", "2026-03-15 12:00:00", "south"),
        ("occurred_at", "2026-03-20 00:00:00", "east"),
        ("order_date", "2026-03-14", "north"),
        ("order_date", "2026-03-15", "south"),
        # The move of the midnight after it is the next day's.
        ("order_date", "2026-03-19", "south"),
        ("order_date", "2026-03-20", "east"),
    ],
)
def test_the_department_then_is_that_of_the_instant_or_of_the_end_of_the_day(
    date_column: str, value: str, department: str
) -> None:
    row = {
        **ROW,
        "detail_owner_column": "executor_id.department_then_id",
        "detail_date_column": date_column,
        "detail_filter": "",
        "detail_value": "minus_sum sold",
    }
    metric = load_metrics([row])["orders"]
    column_type = "timestamp" if date_column.endswith("_at") else "date"
    with duckdb.connect(":memory:") as connection:
        connection.execute(
            f"""
            create schema marts;
            create table marts.fct_orders as
            select 'an' as executor_id, cast('{value}' as {column_type}) as {date_column}, -3 as sold;
            create table marts.dim_employee_department_history as
            select * from (
                values
                ('an', 'north', timestamp '1900-01-01', timestamp '2026-03-15 12:00:00'),
                ('an', 'south', timestamp '2026-03-15 12:00:00', timestamp '2026-03-20'),
                ('an', 'east', timestamp '2026-03-20', null),
                ('binh', 'west', timestamp '1900-01-01', null)
            ) as places (employee_id, department_id, valid_from_at, valid_to_at);
            """
        )
        query = detail_value_sql(metric, "marts")
        assert connection.execute(query.sql, query.parameters).fetchall() == [(department, date(2026, 3, 1), 3)]


@pytest.mark.parametrize("date_column", ["", "month_date", "created_at..closed_at", "customer_id.created_month_date"])
def test_the_department_then_needs_a_date_of_the_row(date_column: str) -> None:
    row = {**ROW, "detail_owner_column": "executor_id.department_then_id", "detail_date_column": date_column}
    with pytest.raises(
        MetricError, match=r"^orders, detail_owner_column: department_then_id needs a day or an instant"
    ):
        load_metrics([row])


def test_a_rate_has_no_rows_of_its_own() -> None:
    rate = CATALOGUE["connected_rate"]
    for build in (figure_sql, detail_value_sql):
        with pytest.raises(MetricError, match="ask for calls_connected and calls"):
            build(rate, "marts")


def test_the_rows_of_a_month_are_its_parts_and_only_those_that_add_something() -> None:
    with duckdb.connect(":memory:") as connection:
        connection.execute(
            """
            create schema marts;
            create table marts.fct_orders as
            select * from (
                values ('O1', 'an', date '2026-03-01', true, 1, 'KH1'), ('O2', 'an', date '2026-03-01', true, 0, 'KH1'),
                ('O3', 'an', date '2026-02-01', true, 1, 'KH1'), ('O4', 'an', date '2026-03-01', false, 1, 'KH2')
            ) as orders (order_id, executor_id, month_date, is_counted, orders, customer_id);
            """
        )

        def parts(key: str, **changes: str) -> list[tuple[object, ...]]:
            row = {**CATALOGUE["orders"].row, **changes}
            query = detail_parts_sql(load_metrics([row])["orders"], key, "marts", month=date(2026, 3, 1))
            return sorted(connection.execute(query.sql, query.parameters).fetchall())

        assert parts("order_id") == [("an", "O1", 1)]
        assert parts("order_id", detail_value="minus_sum orders") == [("an", "O1", -1)]
        assert parts("order_id", detail_value="count") == [("an", "O1", 1), ("an", "O2", 1)]
        assert parts("customer_id", detail_value="count_distinct customer_id") == [("an", "KH1", 1)]
        for key, value in (("order_id", "count_distinct customer_id"), ("order_id", "mean orders")):
            with pytest.raises(MetricError, match=r"^orders (counts distinct customer_id|is the mean of its rows)"):
                parts(key, detail_value=value)
    with pytest.raises(MetricError, match="ask for calls_connected and calls"):
        detail_parts_sql(CATALOGUE["connected_rate"], "order_id", "marts", month=date(2026, 3, 1))
