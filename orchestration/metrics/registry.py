"""The metric catalogue as typed values: one `Metric` per row, its little grammar parsed.

Belongs here: what a row of `seeds/metric_catalogue.csv`, or of the published mart `dim_metrics`, may say, and clear
errors for one that says something else. Not here: SQL (`drilldown`).

The grammar: filters are terms joined by " and ". A term is one of

    column    not column    column = value    column != value    column is null    column is not null
    column in last N days               (the N days that end with as_of, as_of included)

and a value is a bare word or number. An owner or date column may be reached through a dimension:
`executor_id.department_id` is the department, in dim_employees, of the employee in executor_id. PATHS lists what can be
reached. `executor_id.department_then_id` is the department that the employee had at the row's own date: at the instant
when the date column's name ends in _at, else at the end of the day. HISTORIES lists what is known through time.
A month column is one whose name ends in month_date; another date column is a day in the month.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from orchestration.settings import PROJECT_DIR

Value = TypeVar("Value")

CATALOGUE_PATH = PROJECT_DIR / "seeds" / "metric_catalogue.csv"

COLUMNS = (
    *("metric", "report", "block", "label_vi", "label_en", "unit", "direction", "owner_role", "date_role", "additive"),
    *("formula", "formula_vi", "mart", "measure", "owner_column", "date_column", "mart_filter"),
    *("detail_mart", "detail_owner_column", "detail_date_column", "detail_filter", "detail_value"),
    *("numerator", "denominator", "crm_difference", "crm_difference_vi"),
)
_MAY_BE_EMPTY = frozenset(
    {
        *("date_column", "mart_filter"),
        *("detail_mart", "detail_owner_column", "detail_date_column", "detail_filter", "detail_value"),
        *("numerator", "denominator"),
    }
)

# What a dotted column reaches: the dimension and its key.
PATHS: Mapping[str, tuple[str, str]] = {
    "department_id": ("dim_employees", "employee_id"),
    "manager_id": ("dim_customers", "customer_id"),
    "created_month_date": ("dim_customers", "customer_id"),
}

# The same for what is known through time: the history, its key, and its column. A stretch of it is half-open, from
# HISTORY_FROM to HISTORY_TO.
HISTORIES: Mapping[str, tuple[str, str, str]] = {
    "department_then_id": ("dim_employee_department_history", "employee_id", "department_id"),
}
HISTORY_FROM, HISTORY_TO = "valid_from_at", "valid_to_at"

ADDITIVE = ("yes", "over people only", "no")
# minus_sum: the sum with its sign turned, for what the rows have as a negative number.
AGGREGATES = ("count", "sum", "minus_sum", "count_distinct", "mean", "median", "none")

_NAME = r"(?!(?:and|in|is|not)\b)[a-z_][a-z0-9_]*"
_TERMS = (
    ("is not null", re.compile(rf"(?P<column>{_NAME}) is not null")),
    ("is null", re.compile(rf"(?P<column>{_NAME}) is null")),
    ("in last", re.compile(rf"(?P<column>{_NAME}) in last (?P<value>[1-9][0-9]*) days")),
    ("!=", re.compile(rf"(?P<column>{_NAME}) != (?P<value>[A-Za-z0-9_.-]+)")),
    ("=", re.compile(rf"(?P<column>{_NAME}) = (?P<value>[A-Za-z0-9_.-]+)")),
    ("not", re.compile(rf"not (?P<column>{_NAME})")),
    ("is", re.compile(rf"(?P<column>{_NAME})")),
)


class MetricError(ValueError):
    """The catalogue says something that cannot be understood; the message names the metric and the column."""


@dataclass(frozen=True)
class Term:
    """One condition on a row. `operator` is one of: is, not, =, !=, is null, is not null, in last (value: days)."""

    column: str
    operator: str
    value: str = ""

    @property
    def words(self) -> str:
        """The term as the catalogue writes it."""
        if self.operator in ("is", "not"):
            return self.column if self.operator == "is" else f"not {self.column}"
        if self.operator == "in last":
            return f"{self.column} in last {self.value} days"
        return f"{self.column} {self.operator} {self.value}".strip()


@dataclass(frozen=True)
class ColumnRef:
    """A column of a mart, or an attribute of the dimension that the column points at."""

    column: str
    attribute: str = ""

    @property
    def name(self) -> str:
        """The column whose values these are: the attribute, where there is one."""
        return self.attribute or self.column


@dataclass(frozen=True)
class DateRef:
    """How a row meets a month.

    Without `until`: `column` is a first day of a month when its name ends in month_date, else a day in the month.
    With it, `column` and `until` are instants, and the row counts when it holds at the end of the month, the running
    month ending with as_of (`until` empty: still does).
    """

    column: ColumnRef
    until: str = ""

    @property
    def is_month(self) -> bool:
        """Whether the column holds first days of months."""
        return self.column.name.endswith("month_date")

    @property
    def is_instant(self) -> bool:
        """Whether the column holds instants, not days."""
        return self.column.name.endswith("_at")


@dataclass(frozen=True)
class Aggregate:
    """What makes a figure of its rows: one of AGGREGATES, and the column it is of (empty for count and none)."""

    function: str
    column: str = ""


@dataclass(frozen=True)
class Source:
    """Rows of one mart: whose they are, when, and which of them."""

    mart: str
    owner: ColumnRef
    date: DateRef | None
    terms: tuple[Term, ...]


@dataclass(frozen=True)
class Metric:
    """One figure: its words, the measure that holds it, and the rows it is made of.

    A rate has `numerator` and `denominator`, names of two other metrics, and no `detail`. `unit` is in words; a rate is
    a share of 1. `row` is the catalogue's row as it stands.
    """

    name: str
    report: str
    block: str
    label_vi: str
    label_en: str
    unit: str
    direction: str
    owner_role: str
    date_role: str
    additive: str
    formula: str
    formula_vi: str
    crm_difference: str
    crm_difference_vi: str
    measure: str
    figure: Source
    detail: Source | None
    detail_value: Aggregate | None
    numerator: str
    denominator: str
    row: Mapping[str, str] = field(repr=False, compare=False)

    @property
    def is_rate(self) -> bool:
        """Whether the figure is the quotient of two other metrics."""
        return bool(self.numerator)


def read_catalogue(path: Path = CATALOGUE_PATH) -> dict[str, Metric]:
    """The metrics of a catalogue file, by name. Raises MetricError, and OSError when the file cannot be read."""
    with path.open(encoding="utf-8", newline="") as file:
        return load_metrics(csv.DictReader(file))


def load_metrics(rows: Iterable[Mapping[str, str | None]]) -> dict[str, Metric]:
    """The metrics of catalogue rows, by name, in their order; an empty value may be None or ''.

    Raises MetricError for the first row that is not understood, with its name and column.
    """
    metrics: dict[str, Metric] = {}
    for row in rows:
        metric = _metric(row)
        if metric.name in metrics:
            raise MetricError(f"{metric.name}, metric: the catalogue has two rows of this name")
        metrics[metric.name] = metric
    for metric in metrics.values():
        for column, name in (("numerator", metric.numerator), ("denominator", metric.denominator)):
            if name and (name not in metrics or metrics[name].is_rate):
                raise MetricError(
                    f"{metric.name}, {column}: {name!r} is no metric of the catalogue with rows of its own"
                )
    return metrics


def parse_filter(text: str) -> tuple[Term, ...]:
    """The terms of a filter, none for an empty one. Raises MetricError that quotes the term not understood."""
    return tuple(_term(part) for part in text.split(" and ")) if text else ()


def parse_column(text: str) -> ColumnRef:
    """A column, or a column and what it reaches. Raises MetricError for anything else."""
    column, dot, attribute = text.partition(".")
    if not re.fullmatch(_NAME, column) or (dot and attribute not in {*PATHS, *HISTORIES}):
        reached = ", ".join([*PATHS, *HISTORIES])
        raise MetricError(f"{text!r} is no column, nor column.attribute with one of {reached}")
    return ColumnRef(column, attribute)


def parse_date(text: str) -> DateRef | None:
    """A date column or a stretch `from_column..to_column`, None for an empty text; MetricError for anything else."""
    if not text:
        return None
    start, dots, until = text.partition("..")
    if dots and not (re.fullmatch(_NAME, start) and re.fullmatch(_NAME, until)):
        raise MetricError(f"{text!r} is no stretch: write from_column..to_column")
    return DateRef(parse_column(start), until)


def parse_aggregate(text: str) -> Aggregate:
    """The value made of the rows. Raises MetricError for anything but the forms of AGGREGATES."""
    function, _, column = text.partition(" ")
    needs_column = function not in ("count", "none")
    if function not in AGGREGATES or needs_column != bool(column) or (column and not re.fullmatch(_NAME, column)):
        raise MetricError(
            f"{text!r} is no value of rows: write count, sum COLUMN, minus_sum COLUMN, count_distinct COLUMN, "
            "mean COLUMN, median COLUMN or none"
        )
    return Aggregate(function, column)


def _term(text: str) -> Term:
    for operator, pattern in _TERMS:
        match = pattern.fullmatch(text)
        if match:
            groups = match.groupdict()
            return Term(groups["column"], operator, groups.get("value", ""))
    raise MetricError(
        f"{text!r} is no term: write column, not column, column = value, column != value, column is null, "
        "column is not null or column in last N days"
    )


def _metric(given: Mapping[str, str | None]) -> Metric:
    name = given.get("metric") or "(a row without a name)"
    if set(given) != set(COLUMNS):
        different = sorted(str(column) for column in set(given) ^ set(COLUMNS))
        raise MetricError(f"{name}: columns missing or not known: {', '.join(different)}")
    row = {column: given[column] or "" for column in COLUMNS}
    for column in COLUMNS:
        if not row[column] and column not in _MAY_BE_EMPTY:
            raise MetricError(f"{name}, {column}: must not be empty")
    if row["additive"] not in ADDITIVE:
        raise MetricError(f"{name}, additive: {row['additive']!r} is none of {', '.join(ADDITIVE)}")
    is_rate = bool(row["numerator"])
    if is_rate != bool(row["denominator"]):
        raise MetricError(f"{name}, numerator: a rate has a numerator and a denominator")
    details = ("detail_mart", "detail_owner_column", "detail_value")
    for column in details if not is_rate else ():
        if not row[column]:
            raise MetricError(f"{name}, {column}: must not be empty, unless the figure is a rate")
    for column in (*details, "detail_date_column", "detail_filter") if is_rate else ():
        if row[column]:
            raise MetricError(f"{name}, {column}: must be empty, a rate has the rows of its numerator and denominator")
    return Metric(
        name=row["metric"],
        report=row["report"],
        block=row["block"],
        label_vi=row["label_vi"],
        label_en=row["label_en"],
        unit=row["unit"],
        direction=row["direction"],
        owner_role=row["owner_role"],
        date_role=row["date_role"],
        additive=row["additive"],
        formula=row["formula"],
        formula_vi=row["formula_vi"],
        crm_difference=row["crm_difference"],
        crm_difference_vi=row["crm_difference_vi"],
        measure=row["measure"],
        figure=_source(row, "mart", "owner_column", "date_column", "mart_filter"),
        detail=None
        if is_rate
        else _source(row, "detail_mart", "detail_owner_column", "detail_date_column", "detail_filter"),
        detail_value=None if is_rate else _parsed(row, "detail_value", parse_aggregate),
        numerator=row["numerator"],
        denominator=row["denominator"],
        row=row,
    )


def _source(row: Mapping[str, str], mart: str, owner: str, date: str, terms: str) -> Source:
    source = Source(
        row[mart],
        _parsed(row, owner, parse_column),
        _parsed(row, date, parse_date),
        _parsed(row, terms, parse_filter),
    )
    at = source.date
    if at is not None and at.column.attribute in HISTORIES:
        raise MetricError(f"{row['metric']}, {date}: {at.column.attribute} is no date")
    if source.owner.attribute in HISTORIES and (at is None or at.column.attribute or at.until or at.is_month):
        raise MetricError(
            f"{row['metric']}, {owner}: {source.owner.attribute} needs a day or an instant of the row's own"
        )
    return source


def _parsed(row: Mapping[str, str], column: str, parse: Callable[[str], Value]) -> Value:
    try:
        return parse(row[column])
    except MetricError as error:
        raise MetricError(f"{row['metric']}, {column}: {error}") from error
