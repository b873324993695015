"""One figure taken apart: what it means, what it is, which rows make it, and the lines that join it to other figures.

Reads the publication's catalogue (`dim_metrics`), marts and `kpi_reconciliation`, through the `access` views when
somebody is named who looks, else as the file's operator. How it looks belongs in `explain_terminal.py`; how a figure
and its rows are found belongs in `orchestration.metrics`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from difflib import get_close_matches
from pathlib import Path

import duckdb

from orchestration.metrics.drilldown import Query, detail_sql, detail_value_sql, figure_sql
from orchestration.metrics.labels import DOMAIN
from orchestration.metrics.registry import Metric, MetricError, Source, load_metrics
from orchestration.report.errors import PageError
from orchestration.report.months import parse_month
from orchestration.report.people import choose_person, read_everybody, read_viewer
from orchestration.report.publication import Publication, open_publication, read_publication
from orchestration.serving.owners import OWNERS

Value = Decimal | int | float | None


@dataclass(frozen=True)
class Marts:
    """Where the rows are read: the access views of one viewer, or every row as the file's operator."""

    viewer_email: str | None

    @property
    def schema(self) -> str:
        """The schema of the relations."""
        return "marts" if self.viewer_email is None else "access"

    @property
    def prefix(self) -> str:
        """What stands before a mart's name there."""
        return "" if self.viewer_email is None else "access_"


@dataclass(frozen=True)
class Owner:
    """Whose figure it is: an employee, or a department."""

    owner_id: str
    name: str


@dataclass(frozen=True)
class Part:
    """One measured figure and its rows.

    `value` is None when there is no figure at all. `from_rows` is what the rows come to by themselves, None when they
    are not the figure's sum, count, mean or median. `total_rows` counts all of them, `rows` holds the first ones.
    """

    metric: Metric
    value: Value
    from_rows: Value
    columns: tuple[str, ...]
    rows: tuple[tuple[object, ...], ...]
    total_rows: int

    @property
    def agrees(self) -> bool | None:
        """Whether figure and rows are equal; None when they cannot be compared, or there is no figure."""
        if self.value is None or self.metric.detail_value is None or self.metric.detail_value.function == "none":
            return None
        if self.from_rows is None:
            return not self.value
        if isinstance(self.value, float) or isinstance(self.from_rows, float):
            return abs(float(self.value) - float(self.from_rows)) <= 1e-9 * max(1.0, abs(float(self.value)))
        return self.value == self.from_rows


@dataclass(frozen=True)
class ReconciliationLine:
    """One line of a comparison of two figures; the lines between the two add up to their difference."""

    topic_en: str
    topic_vi: str
    metric: str
    kind: str
    label_en: str
    label_vi: str
    value: Decimal
    unit: str


@dataclass(frozen=True)
class Explanation:
    """Everything `kpi explain` shows of one metric of one owner in one month.

    A rate has two parts, numerator and denominator, and `rate` is their quotient; any other metric has one part.
    `month` is None for a figure that exists as of only. `names` are customers' names by id, for the rows. `labels` are
    Vietnamese words by column of the catalogue and code.
    """

    metric: Metric
    publication: Publication
    viewer_email: str | None
    owner: Owner
    month: date | None
    parts: tuple[Part, ...]
    reconciliation: tuple[tuple[ReconciliationLine, ...], ...]
    names: Mapping[str, str]
    labels: Mapping[tuple[str, str], str]

    @property
    def rate(self) -> float | None:
        """The quotient of a rate's two parts; None over nothing, and over less than nothing (returns beyond sales)."""
        numerator, denominator = (part.value for part in self.parts)
        return float(numerator or 0) / float(denominator) if denominator is not None and denominator > 0 else None


def explain(
    marts_path: Path,
    metric_name: str,
    *,
    employee: str | None = None,
    department: str | None = None,
    month: str | None = None,
    viewer_email: str | None = None,
    only: Mapping[str, str] | None = None,
    most_rows: int | None = None,
) -> Explanation:
    """Take one figure apart. `only` narrows figure and rows by columns of theirs; `most_rows` None reads every row.

    Raises PageError, with what to do: no publication, no such metric, month or owner, an owner that the viewer may not
    see, or a figure that is one per something that `only` must name.
    """
    asked = parse_month(month) if month is not None else None
    viewer_email = viewer_email.strip() if viewer_email is not None else None
    with open_publication(marts_path, viewer_email) as connection:
        publication = read_publication(connection)
        marts = Marts(viewer_email)
        metrics = _read_metrics(connection)
        metric = _choose_metric(metrics, metric_name)
        owner = _choose_owner(connection, metric, employee, department, viewer_email)
        parts = [metrics[name] for name in (metric.numerator, metric.denominator)] if metric.is_rate else [metric]
        has_month = any(part.figure.date is not None for part in parts)
        chosen = (asked or publication.as_of.replace(day=1)) if has_month else None
        if asked is not None and not has_month:
            raise PageError(
                f"{metric.name} is known as of {publication.as_of} only, and for no month.", "Leave out --month."
            )
        return Explanation(
            metric=metric,
            publication=publication,
            viewer_email=viewer_email,
            owner=owner,
            month=chosen,
            parts=(read := tuple(_part(connection, marts, one, owner, chosen, only or {}, most_rows) for one in parts)),
            reconciliation=_reconciliation(
                connection, marts, metric, owner, chosen or publication.as_of.replace(day=1)
            ),
            names=_customer_names(connection, marts, read),
            labels=_read_labels(connection),
        )


def list_metrics(marts_path: Path) -> tuple[Metric, ...]:
    """Every metric of the publication's catalogue, in its order. Raises PageError when there is no publication."""
    with open_publication(marts_path) as connection:
        return tuple(_read_metrics(connection).values())


def _read_metrics(connection: duckdb.DuckDBPyConnection) -> dict[str, Metric]:
    # Words about figures are nobody's data: everybody may read the catalogue.
    cursor = connection.execute("select * from marts.dim_metrics order by report, block, metric")
    names = [str(column[0]) for column in cursor.description or []]
    try:
        return load_metrics(dict(zip(names, row, strict=True)) for row in cursor.fetchall())
    except MetricError as error:
        raise PageError(
            f"The publication's metric catalogue is not understood: {error}.", "Publish again with `kpi run`."
        ) from error


def _read_labels(connection: duckdb.DuckDBPyConnection) -> dict[tuple[str, str], str]:
    rows = connection.execute(
        "select domain, code, label_vi from marts.dim_labels where starts_with(domain, ?)", [DOMAIN]
    ).fetchall()
    return {(str(domain).removeprefix(DOMAIN), str(code)): str(label) for domain, code, label in rows}


def _choose_metric(metrics: Mapping[str, Metric], wanted: str) -> Metric:
    if wanted in metrics:
        return metrics[wanted]
    similar = get_close_matches(wanted, metrics, n=3, cutoff=0.5) or [name for name in metrics if wanted in name][:3]
    guess = f"Did you mean {', '.join(similar)}? " if similar else ""
    raise PageError(f"There is no metric {wanted!r}.", f"{guess}`kpi metrics` lists all {len(metrics)}.")


# The mart of what belongs to no department: it has rows of these two only.
_WITHOUT_DEPARTMENT = "kpi_department_reconciliation"
_NO_DEPARTMENTS = ("none", "unknown")


def _is_department(metric: Metric) -> bool:
    return metric.figure.owner.name == "department_id"


def _choose_owner(
    connection: duckdb.DuckDBPyConnection,
    metric: Metric,
    employee: str | None,
    department: str | None,
    viewer_email: str | None,
) -> Owner:
    if _is_department(metric):
        if department is None:
            raise PageError(f"{metric.name} is a figure of a department.", "Say which with --department.")
        if metric.figure.mart == _WITHOUT_DEPARTMENT and department not in _NO_DEPARTMENTS:
            raise PageError(
                f"{metric.name} is a figure of what belongs to no department.",
                f"Say --department {' or --department '.join(_NO_DEPARTMENTS)}.",
            )
        return _choose_department(connection, department, viewer_email)
    if employee is None:
        raise PageError(f"{metric.name} is a figure of one person.", "Say whose with --employee.")
    reports = OWNERS[metric.figure.mart].reports
    people = (
        read_everybody(connection) if viewer_email is None else read_viewer(connection, viewer_email, reports).people
    )
    person = choose_person(people, employee)
    return Owner(person.employee_id, person.full_name)


def _choose_department(connection: duckdb.DuckDBPyConnection, wanted: str, viewer_email: str | None) -> Owner:
    rows = connection.execute(
        """
        select departments.department_id, departments.department_name
        from marts.dim_departments as departments
        where
            $viewer is null
            or departments.department_id in (
                select scope.department_id
                from core.core_department_scope as scope
                where scope.report = 'department' and lower(scope.viewer_email) = lower($viewer)
            )
        order by departments.department_name, departments.department_id
        """,
        {"viewer": viewer_email},
    ).fetchall()
    text = wanted.strip().casefold()
    exact = [row for row in rows if text in (str(row[0]).casefold(), str(row[1]).casefold())]
    found = exact or [row for row in rows if text in str(row[1]).casefold()]
    if len(found) == 1:
        return Owner(str(found[0][0]), str(found[0][1]))
    if found:
        listed = ", ".join(f"{name} ({key})" for key, name in found[:5])
        raise PageError(f"{wanted!r} fits {len(found)} departments: {listed}.", "Give the id.")
    who = "" if viewer_email is None else f" among those that {viewer_email} may see"
    raise PageError(f"There is no department {wanted!r}{who}.", "Give its id, its name or a part of the name.")


def _part(
    connection: duckdb.DuckDBPyConnection,
    marts: Marts,
    metric: Metric,
    owner: Owner,
    month: date | None,
    only: Mapping[str, str],
    most_rows: int | None,
) -> Part:
    where = dict(only)
    _check_columns(connection, marts, metric, where)
    at = month if metric.figure.date is not None else None
    figures = _run(
        connection, figure_sql(metric, marts.schema, marts.prefix, owner=owner.owner_id, month=at, where=where)
    )
    if len(figures) > 1:
        shared = ", ".join(_narrowing_columns(connection, marts, metric))
        raise PageError(
            f"{metric.name} of {owner.name} is {len(figures)} figures that do not add up.",
            f"Narrow it with --only COLUMN=VALUE, by one of: {shared}.",
        )
    nothing: Value = 0 if metric.additive != "no" else None
    value = _number(figures[0][-1]) if figures else nothing
    details = _run(
        connection, detail_value_sql(metric, marts.schema, marts.prefix, owner=owner.owner_id, month=at, where=where)
    )
    columns, rows, total = _rows(
        connection,
        detail_sql(metric, marts.schema, marts.prefix, owner=owner.owner_id, month=at, where=where),
        most_rows,
    )
    is_aggregate = metric.detail_value is not None and metric.detail_value.function != "none"
    from_rows = (_number(details[0][-1]) if details else nothing) if is_aggregate else None
    return Part(metric, value, from_rows, columns, rows, total)


def _number(value: object) -> Value:
    if value is None or isinstance(value, Decimal | int | float):
        return value
    raise TypeError(f"a figure is {value!r}, which is no number")


def _run(connection: duckdb.DuckDBPyConnection, query: Query) -> list[tuple[object, ...]]:
    return connection.execute(query.sql, list(query.parameters)).fetchall()


def _rows(
    connection: duckdb.DuckDBPyConnection, query: Query, most: int | None
) -> tuple[tuple[str, ...], tuple[tuple[object, ...], ...], int]:
    cursor = connection.execute(f"select * from ({query.sql}) order by all", list(query.parameters))
    columns = tuple(str(column[0]) for column in cursor.description or [])
    rows = cursor.fetchall()
    return columns, tuple(rows if most is None else rows[:most]), len(rows)


def _columns(connection: duckdb.DuckDBPyConnection, marts: Marts, mart: str) -> list[str]:
    rows = connection.execute(
        "select column_name from duckdb_columns() where database_name = current_database() and schema_name = ? "
        "and table_name = ? order by column_index",
        [marts.schema, f"{marts.prefix}{mart}"],
    ).fetchall()
    return [str(name) for (name,) in rows]


def _narrowing_columns(connection: duckdb.DuckDBPyConnection, marts: Marts, metric: Metric) -> list[str]:
    """Columns by which figure and rows can both be narrowed: of both marts, not the owner, the date or the figure."""
    sources = [source for source in (metric.figure, metric.detail) if source is not None]
    taken = {metric.measure, *(name for source in sources for name in _fixed_columns(source))}
    first, *others = (_columns(connection, marts, source.mart) for source in sources)
    return [name for name in first if name not in taken and all(name in other for other in others)]


def _fixed_columns(source: Source) -> list[str]:
    at = source.date
    return [source.owner.column, *([at.column.column, at.until] if at is not None else [])]


def _check_columns(
    connection: duckdb.DuckDBPyConnection, marts: Marts, metric: Metric, where: Mapping[str, str]
) -> None:
    if not where:
        return
    allowed = _narrowing_columns(connection, marts, metric)
    for column in where:
        if column not in allowed:
            can = (
                f"one of: {', '.join(allowed)}" if allowed else "nothing: its rows have no column of the figure's mart"
            )
            raise PageError(f"{metric.name} cannot be narrowed by {column!r}.", f"It can be narrowed by {can}.")


def _reconciliation(
    connection: duckdb.DuckDBPyConnection, marts: Marts, metric: Metric, owner: Owner, month: date
) -> tuple[tuple[ReconciliationLine, ...], ...]:
    """The comparisons in which this metric is one of the two figures, for this owner and month."""
    columns = ("department_id", "employee_id") if _is_department(metric) else ("employee_id", "department_id")
    owner_column, other_column = columns
    rows = connection.execute(
        f"""
        with lines as (
            select * from {marts.schema}.{marts.prefix}kpi_reconciliation
            where month_date = $month and {owner_column} = $owner and {other_column} = 'none'
        ),

        meant as (
            select distinct topic, metric from lines where figure_metric = $metric
        )

        select
            lines.topic, lines.metric, topics.label_en, topics.label_vi, lines.line_kind,
            words.label_en, words.label_vi, lines.value, lines.unit
        from lines
        inner join meant on lines.topic = meant.topic and lines.metric = meant.metric
        inner join marts.dim_labels as topics
            on lines.topic = topics.code and topics.domain = 'reconciliation_topic'
        inner join marts.dim_labels as words
            on lines.line = words.code and words.domain = 'reconciliation_line'
        order by lines.topic, lines.metric, lines.line_number
        """,
        {"month": month, "owner": owner.owner_id, "metric": metric.name},
    ).fetchall()
    groups: dict[tuple[str, str], list[ReconciliationLine]] = {}
    for topic, name, topic_en, topic_vi, kind, label_en, label_vi, value, unit in rows:
        line = ReconciliationLine(topic_en, topic_vi, name, kind, label_en, label_vi, value, unit)
        groups.setdefault((topic, name), []).append(line)
    return tuple(tuple(lines) for lines in groups.values())


def _customer_names(connection: duckdb.DuckDBPyConnection, marts: Marts, parts: Sequence[Part]) -> dict[str, str]:
    ids = {
        str(row[part.columns.index("customer_id")])
        for part in parts
        if "customer_id" in part.columns
        for row in part.rows
    }
    rows = connection.execute(
        f"select customer_id, customer_name from {marts.schema}.{marts.prefix}dim_customers "
        "where customer_id in (select unnest(?::varchar[])) and customer_name is not null",
        [sorted(ids)],
    ).fetchall()
    return {str(key): str(name) for key, name in rows}
