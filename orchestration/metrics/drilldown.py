"""SQL for a figure and for the rows it is made of.

Belongs here: pure functions from a `Metric` to a query with parameters; every name is quoted, no value is ever written
into the text. Not here: running a query, and whose rows a reader may see: `prefix` reads the access views, which know.

The two sides mean the same months and owners, so that they can be compared row by row: `owner` and `month` (its
first day; null where the figure is as of only), then the columns of `by`, then `value`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from orchestration.metrics.registry import (
    HISTORIES,
    HISTORY_FROM,
    HISTORY_TO,
    PATHS,
    Aggregate,
    ColumnRef,
    DateRef,
    Metric,
    MetricError,
    Source,
    Term,
)


@dataclass(frozen=True)
class Query:
    """A query, and the values of its `?` in their order."""

    sql: str
    parameters: tuple[object, ...]


def figure_sql(
    metric: Metric,
    schema: str,
    prefix: str = "",
    *,
    owner: str | None = None,
    month: date | None = None,
    where: Mapping[str, str] | None = None,
    by: Sequence[str] = (),
) -> Query:
    """The figure as its mart holds it, for one owner and month, or for all of them where None.

    A measure that adds up gives one row per owner and month. One that does not (`additive` no) gives the mart's own
    values: more than one row means that the figure is one per another column of the mart too, to be named in `where`
    ({column: value}).
    `schema` and `prefix` say where the marts are: ("marts", "") or ("access", "access_").
    Raises MetricError for a rate: its figure is the quotient of those of its numerator and denominator.
    """
    if metric.is_rate:
        raise MetricError(f"{metric.name} is a rate: ask for {metric.numerator} and {metric.denominator}")
    function = "only" if metric.additive == "no" else "sum"
    return _values(metric.figure, Aggregate(function, metric.measure), schema, prefix, owner, month, where, by)


def detail_value_sql(
    metric: Metric,
    schema: str,
    prefix: str = "",
    *,
    owner: str | None = None,
    month: date | None = None,
    where: Mapping[str, str] | None = None,
    by: Sequence[str] = (),
) -> Query:
    """What the figure's rows make of it: the same rows and columns as `figure_sql`, computed from the detail mart.

    A metric whose rows do not make the figure (detail_value `none`) gives the number of rows.
    Raises MetricError for a rate.
    """
    detail, value = _detail(metric)
    count = Aggregate("count") if value.function == "none" else value
    return _values(detail, count, schema, prefix, owner, month, where, by)


def detail_sql(
    metric: Metric,
    schema: str,
    prefix: str = "",
    *,
    owner: str,
    month: date | None,
    where: Mapping[str, str] | None = None,
) -> Query:
    """The rows of the detail mart behind one owner's figure of one month, every column.

    `month` is not looked at where the rows are as of only. Raises MetricError for a rate.
    """
    detail, _ = _detail(metric)
    parts = _Parts(detail, schema, prefix, owner, month, where)
    return Query(f"select rows.*\n{parts.text}", tuple(parts.parameters))


def detail_parts_sql(metric: Metric, key: str, schema: str, prefix: str = "", *, month: date) -> Query:
    """The rows behind the figures of all owners in one month: `owner`, the row's `detail_key`, and its part as `value`.

    The parts of an owner add up to the figure; rows that add nothing are left out. `key` is the detail mart's column
    that names a row; a figure that counts distinct values has one row for each of them.
    Raises MetricError for a rate, and for a figure whose rows have no such part.
    """
    detail, value = _detail(metric)
    if value.function == "count_distinct" and value.column != key:
        raise MetricError(f"{metric.name} counts distinct {value.column}; its rows are not named by {key}")
    column = f"rows.{quoted(value.column)}" if value.column else ""
    expression = {"count": "1", "count_distinct": "1", "sum": column, "minus_sum": f"-{column}"}.get(value.function)
    if expression is None:
        raise MetricError(f"{metric.name} is the {value.function} of its rows: no row has a part of it")
    parts = _Parts(detail, schema, prefix, None, month, None)
    inner = f"select distinct {parts.owner} as owner, rows.{quoted(key)} as detail_key, {expression} as value"
    if value.function != "count_distinct":
        inner = inner.replace("select distinct", "select", 1)
    return Query(f"select * from (\n{inner}\n{parts.text}\n) as parts where value <> 0", tuple(parts.parameters))


def _detail(metric: Metric) -> tuple[Source, Aggregate]:
    if metric.detail is None or metric.detail_value is None:
        raise MetricError(f"{metric.name} is a rate: ask for {metric.numerator} and {metric.denominator}")
    return metric.detail, metric.detail_value


def _values(
    source: Source,
    value: Aggregate,
    schema: str,
    prefix: str,
    owner: str | None,
    month: date | None,
    where: Mapping[str, str] | None,
    by: Sequence[str],
) -> Query:
    parts = _Parts(source, schema, prefix, owner, month, where)
    columns = [f"{parts.owner} as owner", f"{parts.month} as month", *(f"rows.{quoted(column)}" for column in by)]
    column = f"rows.{quoted(value.column)}" if value.column else ""
    expression = {
        "only": column,
        "count": "count(*)",
        "sum": f"coalesce(sum({column}), 0)",
        "minus_sum": f"-coalesce(sum({column}), 0)",
        "count_distinct": f"count(distinct {column})",
        "mean": f"avg({column})",
        "median": f"percentile_cont(0.5) within group (order by {column})",
    }[value.function]
    keys = ", ".join(str(number + 1) for number in range(len(columns)))
    grouped = "" if value.function == "only" else f"\ngroup by {keys}"
    selected = ", ".join([*columns, f"{expression} as value"])
    return Query(f"select {selected}\n{parts.text}{grouped}\norder by {keys}", tuple(parts.parameters))


class _Parts:
    """The `from` and `where` of a query over the rows of one source, with the expressions of their owner and month."""

    def __init__(
        self,
        source: Source,
        schema: str,
        prefix: str,
        owner: str | None,
        month: date | None,
        where: Mapping[str, str] | None,
    ) -> None:
        self._schema = schema
        self._prefix = prefix
        self._joins: dict[tuple[str, str], str] = {}
        self.parameters: list[object] = []
        conditions: list[str] = []
        self.owner = self._owner(source.owner, source.date)
        self.month, stretch = self._month(source.date)
        conditions += [stretch] if stretch else []
        for term in source.terms:
            conditions.append(self._condition(term))
        for column, value in (where or {}).items():
            conditions.append(self._condition(Term(column, "=", value)))
        if owner is not None:
            conditions.append(f"{self.owner} = ?")
            self.parameters.append(owner)
        if month is not None and source.date is not None:
            conditions.append(f"{self.month} = cast(? as date)")
            self.parameters.append(month)
        lines = [f"from {self._relation(source.mart)} as rows", *self._joins.values()]
        if source.date is not None and source.date.until:
            lines.append(f"cross join ({self._month_ends()}) as months")
        if conditions:
            lines.append("where " + "\n    and ".join(conditions))
        self.text = "\n".join(lines)

    def _relation(self, mart: str) -> str:
        return f"{quoted(self._schema)}.{quoted(self._prefix + mart)}"

    def _column(self, reference: ColumnRef) -> str:
        if not reference.attribute:
            return f"rows.{quoted(reference.column)}"
        dimension, key = PATHS[reference.attribute]
        alias = quoted(f"{reference.column}_{dimension}")
        self._joins[(reference.column, dimension)] = (
            f"inner join {self._relation(dimension)} as {alias} "
            f"on rows.{quoted(reference.column)} = {alias}.{quoted(key)}"
        )
        return f"{alias}.{quoted(reference.attribute)}"

    def _owner(self, reference: ColumnRef, at: DateRef | None) -> str:
        if reference.attribute not in HISTORIES or at is None:
            return self._column(reference)
        history, key, column = HISTORIES[reference.attribute]
        alias = quoted(f"{reference.column}_{history}")
        since, until = f"{alias}.{quoted(HISTORY_FROM)}", f"{alias}.{quoted(HISTORY_TO)}"
        # What holds at the end of a day began before the next one, and did not end before it.
        moment = self._column(at.column) if at.is_instant else f"{self._column(at.column)} + 1"
        before, after = ("<=", ">") if at.is_instant else ("<", ">=")
        self._joins[(reference.column, history)] = (
            f"inner join {self._relation(history)} as {alias} "
            f"on rows.{quoted(reference.column)} = {alias}.{quoted(key)} "
            f"and {since} {before} {moment} and ({until} is null or {until} {after} {moment})"
        )
        return f"{alias}.{quoted(column)}"

    def _month(self, reference: DateRef | None) -> tuple[str, str]:
        if reference is None:
            return "cast(null as date)", ""
        column = self._column(reference.column)
        if reference.until:
            until = f"rows.{quoted(reference.until)}"
            return "months.month_date", f"{column} < months.ends_at and ({until} is null or {until} >= months.ends_at)"
        return (column, "") if reference.is_month else (f"cast(date_trunc('month', {column}) as date)", "")

    def _month_ends(self) -> str:
        """Every month up to as_of with the first day after it; the running month ends with as_of."""
        return (
            f"select month_date, max(calendar_date) + 1 as ends_at from {self._relation('dim_date')} "
            f"where calendar_date <= {self._as_of()} group by month_date"
        )

    def _as_of(self) -> str:
        return f"(select calendar_date from {self._relation('dim_date')} where is_as_of)"

    def _condition(self, term: Term) -> str:
        column = f"rows.{quoted(term.column)}"
        if term.operator in ("=", "!="):
            self.parameters.append(term.value)
            return f"cast({column} as varchar) {'=' if term.operator == '=' else '<>'} ?"
        if term.operator == "in last":
            return f"{column} > {self._as_of()} - {int(term.value)} and {column} <= {self._as_of()}"
        return {
            "is": column,
            "not": f"not {column}",
            "is null": f"{column} is null",
            "is not null": f"{column} is not null",
        }[term.operator]


def quoted(name: str) -> str:
    """An SQL identifier, quoted."""
    escaped = name.replace('"', '""')
    return f'"{escaped}"'
