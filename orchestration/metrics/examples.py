"""Worked examples of figures: five rows per detail mart, and what a metric's drill-down makes of them.

Belongs here: reading docs/metrics/examples.yml and running a metric's own drill-down over its rows. Not here: the rows,
and the figures worked out by hand (they stand beside the rows); the pages (`pages`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import yaml

from orchestration.metrics.drilldown import detail_sql, detail_value_sql, quoted
from orchestration.metrics.registry import Metric
from orchestration.settings import PROJECT_DIR

EXAMPLES_PATH = PROJECT_DIR / "docs" / "metrics" / "examples.yml"
MONTH = date(2026, 3, 1)
AS_OF = date(2026, 3, 31)
EMPLOYEE = "an"
DEPARTMENT = "north"
ROWS = 5
# Why a row counts or not, in English and in Vietnamese: said of each row, and no column of the mart.
WHY = ("why", "why_vi")
# What other marts' rows are looked up in.
_DIMENSIONS = ("dim_employees", "dim_customers", "dim_employee_department_history")

_TYPES: Mapping[type, str] = {
    bool: "boolean",
    int: "bigint",
    Decimal: "decimal(18, 6)",
    datetime: "timestamp",
    date: "date",
    str: "varchar",
}

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Figure:
    """A figure worked out by hand: of whom, and narrowed by what."""

    value: Decimal
    owner: str
    only: Mapping[str, str]


@dataclass(frozen=True)
class ExampleSet:
    """Five rows of one mart, and the figures they show, by metric."""

    mart: str
    rows: tuple[Row, ...]
    figures: Mapping[str, Mapping[str, Any] | float]


@dataclass(frozen=True)
class Example:
    """A metric's example: the rows, which of them count, and the figure.

    `figure` is what the metric's drill-down makes of the rows, None where they do not make it (detail_value none).
    """

    metric: Metric
    rows: tuple[Row, ...]
    counting: tuple[bool, ...]
    figure: Decimal | None
    by_hand: Figure


class ExampleError(ValueError):
    """The examples lack something, or are not of the form they should have; the message says what and where."""


class Examples:
    """All examples, in a database of their own: one schema per set, the dimensions in each."""

    def __init__(self, sets: Sequence[ExampleSet]) -> None:
        """Raises ExampleError when a metric has two figures."""
        self._sets = tuple(sets)
        self._number: dict[str, int] = {}
        for number, given in enumerate(sets):
            for metric in given.figures:
                if metric in self._number:
                    raise ExampleError(f"{given.mart}: {metric} has a figure in another set of rows too")
                self._number[metric] = number
        dimensions = [given for given in sets if given.mart in _DIMENSIONS]
        self._connection = duckdb.connect(":memory:")
        for number, given in enumerate(sets):
            schema = _schema(number)
            self._connection.execute(f"create schema {schema}")
            self._connection.execute(
                f"create table {schema}.dim_date as "
                f"select date '{AS_OF}' as calendar_date, date '{MONTH}' as month_date, true as is_as_of"
            )
            for one in [given, *(dimension for dimension in dimensions if dimension.mart != given.mart)]:
                _create(self._connection, schema, one)

    @property
    def metrics(self) -> frozenset[str]:
        """Every metric that has a figure."""
        return frozenset(self._number)

    def example(self, metric: Metric) -> Example:
        """The example of a metric that has rows. Raises ExampleError when it has none, or rows of another mart."""
        if metric.detail is None or metric.detail_value is None:
            raise ExampleError(f"{metric.name} is a rate: its numerator and denominator have examples")
        if metric.name not in self._number:
            raise ExampleError(f"{metric.name}: no example; it drills down to {metric.detail.mart}")
        number = self._number[metric.name]
        given = self._sets[number]
        if given.mart != metric.detail.mart:
            raise ExampleError(f"{metric.name}: its example is of {given.mart}, its rows are of {metric.detail.mart}")
        by_hand = _figure(metric, given.figures[metric.name])
        month = MONTH if metric.figure.date is not None else None
        rows_query = detail_sql(metric, _schema(number), owner=by_hand.owner, month=month, where=by_hand.only)
        cursor = self._connection.execute(rows_query.sql, list(rows_query.parameters))
        place = [column[0] for column in cursor.description or []].index("_row")
        counting = {row[place] for row in cursor.fetchall()}
        figure = None
        if metric.detail_value.function != "none":
            query = detail_value_sql(metric, _schema(number), owner=by_hand.owner, month=month, where=by_hand.only)
            found = self._connection.execute(query.sql, list(query.parameters)).fetchall()
            figure = Decimal(str(found[0][-1])) if found and found[0][-1] is not None else None
        return Example(
            metric=metric,
            rows=given.rows,
            counting=tuple(at in counting for at in range(len(given.rows))),
            figure=figure,
            by_hand=by_hand,
        )


def read_examples(path: Path = EXAMPLES_PATH) -> Examples:
    """The examples of a file. Raises ExampleError when a set has not five rows, or a row no reason."""
    sets = []
    for given in yaml.safe_load(path.read_text(encoding="utf-8")):
        mart, rows = given["mart"], given["rows"]
        if len(rows) != ROWS:
            raise ExampleError(f"{mart}: {len(rows)} rows; an example has {ROWS}")
        for at, row in enumerate(rows, start=1):
            for why in WHY:
                if not str(row.get(why, "")).strip():
                    raise ExampleError(f"{mart}, row {at}: no `{why}`")
        sets.append(ExampleSet(mart, tuple(_exact(row) for row in rows), given["figures"]))
    return Examples(sets)


def _figure(metric: Metric, given: Mapping[str, Any] | float) -> Figure:
    owner = DEPARTMENT if metric.figure.owner.name == "department_id" else EMPLOYEE
    if isinstance(given, Mapping):
        return Figure(Decimal(str(given["figure"])), given.get("owner", owner), given.get("only", {}))
    return Figure(Decimal(str(given)), owner, {})


def _schema(number: int) -> str:
    return f"example_{number}"


def _exact(row: Row) -> dict[str, Any]:
    return {name: Decimal(str(value)) if isinstance(value, float) else value for name, value in row.items()}


def _create(connection: duckdb.DuckDBPyConnection, schema: str, given: ExampleSet) -> None:
    names = [name for name in given.rows[0] if name not in WHY]
    types = [_column_type([row[name] for row in given.rows]) for name in names]
    columns = ", ".join(f"{quoted(name)} {kind}" for name, kind in zip(names, types, strict=True))
    table = f"{schema}.{quoted(given.mart)}"
    connection.execute(f"create table {table} ({columns}, _row bigint)")
    places = ", ".join("?" * (len(names) + 1))
    for at, row in enumerate(given.rows):
        connection.execute(f"insert into {table} values ({places})", [*(row[name] for name in names), at])


def _column_type(values: Sequence[object]) -> str:
    kinds = {type(value) for value in values if value is not None} or {str}
    if kinds == {int, Decimal}:
        return _TYPES[Decimal]
    (kind,) = kinds
    return _TYPES[kind]
