"""SQL of the dashboards, over the published marts on PostgreSQL.

Belongs here: pure functions from charts to SQL text. Names come from the marts' own YAML, values from the catalogue's
filters; nothing that a person types is ever in it. Not here: what a chart may ask for (`definition`).

A dataset is the rows of one mart, as far as charts need them, with names in place of keys and the same columns
everywhere: `month` (text, 2026-03), `month_date` (its first day), `is_running_month`, `employee`, `department`. It has
no month after the publication's. Two people, sources or products of one name are told apart by their key. Where an
order of values is known, `NAME_order` has it. All of it is plain SQL that DuckDB understands too, so that the same text
can be checked on a viewer's own file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from orchestration.bi.definition import (
    DEPARTMENT,
    EMPLOYEE,
    MONTH,
    Chart,
    Column,
    Dashboard,
    Kind,
    is_department,
)
from orchestration.metrics.drilldown import quoted
from orchestration.metrics.registry import Metric, Source, Term
from orchestration.metrics.semantic import ENTITIES
from orchestration.report.labels import Lang

SCHEMA = "marts"
_AS_OF = f"(select calendar_date from {SCHEMA}.dim_date where is_as_of)"

# The column that names an entity, and where one is known, the order its members are shown in.
_NAMES: Mapping[str, tuple[str, str]] = {
    "campaign": ("campaign_name", ""),
    "customer": ("customer_name", ""),
    "department": ("department_name", ""),
    "employee": ("full_name", ""),
    "industry": ("industry_name", ""),
    "product": ("product_name", ""),
    "project": ("project_name", ""),
    "province": ("province_name", ""),
    "relationship": ("relationship_name", "relationship_order"),
    "source": ("source_name", ""),
    "task_type": ("task_type_name", ""),
}


@dataclass(frozen=True)
class Measure:
    """A metric as an expression over a dataset: an aggregate, or for a rate the quotient of two."""

    metric: Metric
    expression: str


@dataclass(frozen=True)
class Dataset:
    """The rows of one mart that charts share. `sql` is a whole select; `columns` are those to show or group by.

    `values` are the numbers that the measures aggregate, `orders` the columns that hold an order of values.
    """

    name: str
    source: Source
    columns: tuple[Column, ...]
    values: tuple[str, ...]
    measures: tuple[Measure, ...]
    orders: tuple[str, ...]
    sql: str

    @property
    def marts(self) -> tuple[str, ...]:
        """The published tables it reads."""
        return tuple(sorted(set(re.findall(rf"\b{SCHEMA}\.([a-z_]+)", self.sql))))


def dataset_name(source: Source) -> str:
    """The name of the rows of a source: its mart, and what they are limited to."""
    limits = "_and_".join(re.sub(r"[^a-z0-9]+", "_", term.words.lower()) for term in source.terms)
    return f"{source.mart}__{limits}" if limits else source.mart


def datasets(dashboards: Sequence[Dashboard], language: Lang) -> dict[str, Dataset]:
    """The datasets of all charts, by name, each with what any of its charts needs."""
    charts = [chart for dashboard in dashboards for chart in dashboard.charts]
    names = sorted({dataset_name(chart.source) for chart in charts})
    return {
        name: _dataset([chart for chart in charts if dataset_name(chart.source) == name], language) for name in names
    }


def measure(metric: Metric) -> Measure:
    """The metric over a dataset of its rows; a rate is empty where there is nothing to divide by."""
    return Measure(metric, f"sum({quoted(metric.measure)})")


def rate(metric: Metric, catalogue: Mapping[str, Metric]) -> Measure:
    """A rate as the quotient of two sums, empty where there is nothing to divide by."""
    above, below = (catalogue[name] for name in (metric.numerator, metric.denominator))
    return Measure(
        metric,
        f"cast(sum({quoted(above.measure)}) as double precision) / nullif(sum({quoted(below.measure)}), 0)",
    )


def measures(metrics: Sequence[Metric]) -> tuple[Measure, ...]:
    """Metrics as expressions. The parts of every rate are among them, which the definition sees to."""
    by_name = {metric.name: metric for metric in metrics}
    return tuple(rate(metric, by_name) if metric.is_rate else measure(metric) for metric in metrics)


def chart_sql(chart: Chart, dataset: Dataset, conditions: Sequence[str] = (), orders: bool = True) -> str:
    """The chart's own query: its columns, then its metrics, under their names, each condition on a line of its own.

    `conditions` are lines such as `and month = '2026-03'`, over the dataset's columns.
    """
    if chart.kind is Kind.ROWS:
        selected = [quoted(column.name) for column in chart.columns]
        ending = f"order by {quoted(chart.newest)} desc nulls last"
    else:
        selected = [
            *(quoted(column.name) for column in chart.columns),
            *(f"{item.expression} as {quoted(item.metric.name)}" for item in measures(chart.metrics)),
        ]
        ending = "\n".join(_grouping(chart, dataset))
    lines = [
        "select\n    " + ",\n    ".join(selected),
        f"from (\n{dataset.sql}\n) as figures",
        "where true",
        *conditions,
        *([ending] if orders and ending else []),
    ]
    return "\n".join(lines)


def _grouping(chart: Chart, dataset: Dataset) -> Iterator[str]:
    if not chart.columns:
        return
    yield "group by " + ", ".join(quoted(column.name) for column in chart.columns)
    first = chart.columns[0].name
    if f"{first}_order" in dataset.orders:
        yield f"order by min({quoted(first + '_order')}), {quoted(first)}"
    elif first == MONTH:
        yield f"order by {quoted(MONTH)}"
    else:
        yield f"order by {quoted(chart.metrics[0].name)} desc nulls last, {quoted(first)}"


def _dataset(charts: Sequence[Chart], language: Lang) -> Dataset:
    source = charts[0].source
    columns = {column.name: column for chart in charts for column in chart.columns if column.column}
    figures = {metric.name: metric for chart in charts for metric in chart.metrics}
    made = measures(tuple(figures.values()))
    values = tuple(dict.fromkeys(metric.measure for metric in figures.values() if not metric.is_rate))
    plain = tuple(value for value in values if value not in columns)
    parts = _Parts(source, language)
    for column in columns.values():
        parts.add(column)
    for value in plain:
        parts.value(value)
    return Dataset(
        name=dataset_name(source),
        source=source,
        columns=tuple(columns.values()),
        values=values,
        measures=made,
        orders=tuple(parts.orders),
        sql=parts.sql(),
    )


class _Parts:
    """The select list and joins of a dataset, as columns are added."""

    def __init__(self, source: Source, language: Lang) -> None:
        self._source = source
        self._language = language
        self._selected: list[str] = []
        self._joins: list[str] = []
        self.orders: list[str] = []
        self._standard()

    def add(self, column: Column) -> None:
        """A column of the mart, in the words it is shown in."""
        own = f"rows.{quoted(column.column)}"
        if not column.naming:
            self._select(own, column.name)
        elif column.naming in ENTITIES:
            self._named(own, column.name, column.naming)
        else:
            self._labelled(own, column.name, column.naming)

    def value(self, name: str) -> None:
        """A number as it is."""
        self._select(f"rows.{quoted(name)}", name)

    def sql(self) -> str:
        """The whole select."""
        conditions = [_condition(term) for term in self._source.terms]
        if self._source.date is not None:
            conditions.append(f"{self._month()} <= {_AS_OF}")
        lines = [
            "    select\n        " + ",\n        ".join(self._selected),
            f"    from {SCHEMA}.{self._source.mart} as rows",
            *(f"    {join}" for join in self._joins),
        ]
        if conditions:
            lines.append("    where " + "\n        and ".join(conditions))
        return "\n".join(lines)

    def _standard(self) -> None:
        if self._source.date is not None:
            month = self._month()
            self._select(f"substr(cast({month} as varchar), 1, 7)", MONTH)
            self._select(month, "month_date")
            self._select(f"{month} = cast(date_trunc('month', {_AS_OF}) as date)", "is_running_month")
        own = f"rows.{quoted(self._source.owner.column)}"
        if is_department(self._source):
            self._named(own, DEPARTMENT, "department")
            return
        self._named(own, EMPLOYEE, "employee")
        key = ENTITIES["employee"][1]
        self._joins.append(f"left join {SCHEMA}.dim_employees as of_employee on {own} = of_employee.{quoted(key)}")
        self._named("of_employee.department_id", DEPARTMENT, "department")

    def _month(self) -> str:
        date = self._source.date
        if date is None:
            raise ValueError(f"{self._source.mart} has no month")
        column = f"rows.{quoted(date.column.name)}"
        return column if date.is_month else f"cast(date_trunc('month', {column}) as date)"

    def _named(self, key: str, name: str, entity: str) -> None:
        _, order = _NAMES[entity]
        alias = quoted(f"{name}_names")
        members = _members(entity, self._language)
        self._joins.append(f"left join ({members}) as {alias} on {key} = {alias}.member_key")
        self._select(f"coalesce({alias}.shown, cast({key} as varchar), '–')", name)
        if order:
            self._order(alias, name)

    def _labelled(self, key: str, name: str, domain: str) -> None:
        alias = quoted(f"{name}_labels")
        text = _label(self._language)
        if domain == "metric":
            table = (
                f"select metrics.metric as code, metrics.{text} || ' (' || coalesce(units.{text}, metrics.unit) || ')' "
                f"as shown from {SCHEMA}.dim_metrics as metrics left join {SCHEMA}.dim_labels as units "
                "on units.domain = 'metric_unit' and units.code = metrics.unit"
            )
        else:
            table = (
                f"select code, {text} as shown, sort_order as shown_order from {SCHEMA}.dim_labels "
                f"where domain = '{domain}'"
            )
        self._joins.append(f"left join ({table}) as {alias} on {key} = {alias}.code")
        self._select(f"coalesce({alias}.shown, cast({key} as varchar), '–')", name)
        if domain != "metric":
            self._order(alias, name)

    def _order(self, alias: str, name: str) -> None:
        self._select(f"{alias}.shown_order", f"{name}_order")
        self.orders.append(f"{name}_order")

    def _select(self, expression: str, name: str) -> None:
        self._selected.append(f"{expression} as {quoted(name)}")


def _condition(term: Term) -> str:
    column = f"rows.{quoted(term.column)}"
    if term.operator in ("=", "!="):
        sign = "=" if term.operator == "=" else "<>"
        return f"cast({column} as varchar) {sign} '{term.value}'"
    if term.operator == "in last":
        return f"{column} > {_AS_OF} - {int(term.value)} and {column} <= {_AS_OF}"
    return {
        "is": column,
        "not": f"not {column}",
        "is null": f"{column} is null",
        "is not null": f"{column} is not null",
    }[term.operator]


def values_sql(name: str, language: Lang) -> str:
    """The values a standard filter offers: months up to the publication's day, people or departments that are seen."""
    if name == MONTH:
        return (
            f"select distinct substr(cast(month_date as varchar), 1, 7) as {quoted(MONTH)} from {SCHEMA}.dim_date "
            f"where calendar_date <= {_AS_OF} order by 1 desc"
        )
    members = _members(EMPLOYEE if name == EMPLOYEE else DEPARTMENT, language)
    return f"select shown as {quoted(name)} from ({members}) as members order by 1"


def _label(language: Lang) -> str:
    return "label_vi" if language is Lang.VI else "label_en"


def _members(entity: str, language: Lang) -> str:
    """Every member of an entity by its key, as it is shown; no two alike.

    The key stands behind a name that two have, and behind one that reads like a name with a key. Of customers, who are
    too many to compare, the code always does. Who is none or unknown is so in the reader's language.
    """
    dimension, key = ENTITIES[entity]
    named, order = _NAMES[entity]
    with_key = f"{quoted(named)} || ' (' || {quoted(key)} || ')'"
    if entity == "customer":
        shown = f"{quoted(named)} || ' (' || coalesce(customer_code, {quoted(key)}) || ')'"
    else:
        alone = f"count(*) over (partition by {quoted(named)}) = 1"
        like_another = f"{quoted(named)} in (select {with_key} from {SCHEMA}.{dimension})"
        shown = f"case when {alone} and not {like_another} then {quoted(named)} else {with_key} end"
    ordered = f", {quoted(order)} as shown_order" if order else ""
    words = f"select code, {_label(language)} as word from {SCHEMA}.dim_labels where domain = 'member'"
    return (
        f"select {quoted(key)} as member_key, coalesce(words.word, {shown}) as shown{ordered} "
        f"from {SCHEMA}.{dimension} left join ({words}) as words on {quoted(key)} = words.code"
    )
