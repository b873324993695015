"""What is copied into a frozen version: one month's figures and the rows behind them, read from a publication.

Belongs here: reading, the proof that rows and figures agree, and comparing two copies. Not here: what a figure means
(the mart `kpi_month_figures` and the metric catalogue), or where the copy goes (`store.py`).
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from orchestration.freezing.manifest import FrozenError
from orchestration.metrics.drilldown import Query, detail_parts_sql
from orchestration.metrics.registry import Metric, load_metrics
from orchestration.serving.reading import open_publication
from orchestration.settings import PROJECT_DIR

if TYPE_CHECKING:
    import pyarrow as pa

SEED = PROJECT_DIR / "seeds" / "snapshot_metrics.csv"

# What a copy says of itself and of how it was made; two copies may differ in it and hold the same figures.
_ABOUT_THE_COPY = ("version", "input_batches")
_SHOWN = 5


@dataclass(frozen=True)
class Listed:
    """A row of the seed snapshot_metrics: the metric, the column that names its rows, and its tables in the CRM."""

    metric: str
    detail_key: str
    entities: tuple[str, ...]


@dataclass(frozen=True)
class PublicationFacts:
    """What a publication says about itself. `batches` are `entity/batch_id`."""

    as_of: date
    source: str
    code_version: str
    batches: tuple[str, ...]


@dataclass(frozen=True)
class MonthCopy:
    """One month as a publication has it, ready to be frozen, in a fixed order of rows and columns."""

    facts: PublicationFacts
    metrics: tuple[str, ...]
    figures: pa.Table
    rows: pa.Table


@dataclass(frozen=True)
class Difference:
    """Rows of one kind (figures or rows) that only one of two copies has; `examples` are some of them, as text."""

    what: str
    only_frozen: int
    only_other: int
    examples: tuple[str, ...]


def read_listed(path: Path = SEED) -> tuple[Listed, ...]:
    """The metrics that are frozen. Raises OSError when the seed cannot be read, KeyError when a column is missing."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        return tuple(
            Listed(row["metric"], row["detail_key"] or "", tuple(row["entities"].split()))
            for row in csv.DictReader(file)
        )


def read_facts(marts_path: Path) -> PublicationFacts:
    """What the publication at this path says about itself. Raises ServingError when there is none."""
    with open_publication(marts_path) as connection:
        return _facts(connection)


def copy_month(marts_path: Path, month: date, version: int, listed: tuple[Listed, ...] | None = None) -> MonthCopy:
    """Read a month's figures and their rows, and prove that the rows make the figures.

    Raises FrozenError when they do not, when the publication has other metrics than the seed lists, or has nothing of
    the month; ServingError when there is no publication.
    """
    listed = listed if listed is not None else read_listed()
    with open_publication(marts_path) as connection:
        facts = _facts(connection)
        figures = _read_figures(connection, month, version, input_batches(listed, facts.batches))
        _refuse_other_metrics(connection, month, listed)
        rows = _read_rows(connection, month, version, listed)
    _prove(figures, rows)
    return MonthCopy(facts, tuple(sorted(one.metric for one in listed)), figures, rows)


def input_batches(listed: Iterable[Listed], batches: Iterable[str]) -> dict[str, str]:
    """Per metric the newest batch of each of its tables, as one text in the order of the tables' names.

    A table without a batch, which a source need not have, is left out.
    """
    newest: dict[str, tuple[str, int]] = {}
    for name in batches:
        entity, _, batch_id = name.partition("/")
        night, _, attempt = batch_id.rpartition(".")
        newest[entity] = max(newest.get(entity, ("", 0)), (night, int(attempt)))
    return {
        one.metric: " ".join(
            f"{entity}/{newest[entity][0]}.{newest[entity][1]}" for entity in sorted(one.entities) if entity in newest
        )
        for one in listed
    }


def differences(frozen: tuple[pa.Table, pa.Table], other: tuple[pa.Table, pa.Table]) -> list[Difference]:
    """How figures and rows of two copies differ, without what they say of themselves; empty when they are the same."""
    found = []
    with duckdb.connect(":memory:") as connection:
        for what, left, right in zip(("figures", "rows"), frozen, other, strict=True):
            names = [name for name in left.column_names if name not in _ABOUT_THE_COPY]
            missing = set(names) ^ {name for name in right.column_names if name not in _ABOUT_THE_COPY}
            if missing:
                found.append(Difference(what, left.num_rows, right.num_rows, (f"columns {sorted(missing)}",)))
                continue
            connection.register("frozen_side", left.select(names))
            connection.register("other_side", right.select(names))
            only_frozen = connection.execute("from frozen_side except all from other_side order by all").fetchall()
            only_other = connection.execute("from other_side except all from frozen_side order by all").fetchall()
            if only_frozen or only_other:
                examples = [f"frozen {_text(names, row)}" for row in only_frozen[:_SHOWN]]
                examples += [f"now {_text(names, row)}" for row in only_other[:_SHOWN]]
                found.append(Difference(what, len(only_frozen), len(only_other), tuple(examples)))
    return found


def rows_query(metrics: Mapping[str, Metric], listed: Iterable[Listed], month: date) -> Query:
    """The rows behind all listed figures of a month: metric, owner, detail_mart, detail_key, value; rates have none."""
    parts, parameters = [], []
    for one in listed:
        metric = metrics[one.metric]
        if metric.is_rate or metric.detail is None:
            continue
        query = detail_parts_sql(metric, one.detail_key, "marts", month=month)
        parts.append(
            f"select ? as metric, owner, ? as detail_mart, cast(detail_key as varchar) as detail_key, "
            f"cast(value as decimal(24, 6)) as value from ({query.sql}) as behind"
        )
        parameters += [metric.name, metric.detail.mart, *query.parameters]
    return Query("\nunion all\n".join(parts), tuple(parameters))


def _facts(connection: duckdb.DuckDBPyConnection) -> PublicationFacts:
    rows = connection.execute("select as_of, source, code_version, batch_ids from main.publication").fetchall()
    as_of, source, code_version, batches = rows[0]
    return PublicationFacts(as_of, str(source), str(code_version), tuple(sorted(str(batch) for batch in batches)))


def _read_figures(
    connection: duckdb.DuckDBPyConnection, month: date, version: int, batches: Mapping[str, str]
) -> pa.Table:
    try:
        figures = connection.execute(
            "select month_date, cast($version as integer) as version, * exclude (month_date), "
            "cast($batches as map(varchar, varchar))[metric] as input_batches "
            "from marts.kpi_month_figures where month_date = $month order by subject_level, subject_id, metric",
            {"version": version, "batches": dict(batches), "month": month},
        ).to_arrow_table()
    except duckdb.CatalogException as error:
        raise FrozenError(
            f"The publication has no month figures ({error}). An older program made it: `kpi run` first."
        ) from error
    if not figures.num_rows:
        raise FrozenError(f"Nothing is known of {month:%Y-%m}: no figure of it is anything but 0.")
    return figures


def _refuse_other_metrics(connection: duckdb.DuckDBPyConnection, month: date, listed: Iterable[Listed]) -> None:
    rows = connection.execute(
        "select distinct metric from marts.kpi_month_figures where month_date = ? and subject_level = 'company'",
        [month],
    ).fetchall()
    different = {str(row[0]) for row in rows} ^ {one.metric for one in listed}
    if different:
        raise FrozenError(
            f"{SEED.name} and the publication have different metrics ({', '.join(sorted(different))}): the seed was "
            "changed since. Publish again with `kpi run`, then freeze."
        )


def _read_rows(
    connection: duckdb.DuckDBPyConnection, month: date, version: int, listed: tuple[Listed, ...]
) -> pa.Table:
    cursor = connection.execute("select * from marts.dim_metrics")
    names = [str(column[0]) for column in cursor.description or ()]
    metrics = load_metrics(dict(zip(names, row, strict=True)) for row in cursor.fetchall())
    query = rows_query(metrics, listed, month)
    return connection.execute(
        "select cast(? as date) as month_date, cast(? as integer) as version, behind.metric, "
        "behind.owner as employee_id, employees.department_id, behind.detail_mart, behind.detail_key, behind.value "
        f"from ({query.sql}) as behind "
        "inner join marts.dim_employees as employees on behind.owner = employees.employee_id "
        "order by behind.metric, behind.owner, behind.detail_key",
        [month, version, *query.parameters],
    ).to_arrow_table()


def _prove(figures: pa.Table, rows: pa.Table) -> None:
    """Raise FrozenError unless the rows of every employee, department and of the company add up to their figures."""
    with duckdb.connect(":memory:") as connection:
        connection.register("figures", figures)
        connection.register("behind", rows)
        wrong = connection.execute(
            """
            with summed as (
                select 'employee' as subject_level, employee_id as subject_id, metric, sum(value) as value
                from behind group by all
                union all
                select 'department', department_id, metric, sum(value) from behind group by all
                union all
                select 'company', 'all', metric, sum(value) from behind group by all
            )
            select subject_level, subject_id, metric, figures.value, summed.value
            from (select * from figures where denominator is null) as figures
            full outer join summed using (subject_level, subject_id, metric)
            where coalesce(figures.value, 0) <> coalesce(summed.value, 0)
            order by all
            """
        ).fetchall()
    if wrong:
        shown = "; ".join(
            f"{level} {subject}, {metric}: {figure} and {total}"
            for level, subject, metric, figure, total in wrong[:_SHOWN]
        )
        raise FrozenError(
            f"{len(wrong)} figures are not what their rows add up to ({shown}). Nothing was frozen; this is a defect "
            "of the program, please report it."
        )


def _text(names: list[str], row: tuple[object, ...]) -> str:
    return ", ".join(f"{name} {value}" for name, value in zip(names, row, strict=True) if value is not None)
