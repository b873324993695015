"""The dashboards as typed values: what `bi/dashboards.yml` declares, checked against the catalogue and the marts.

Belongs here: what a dashboard may ask for, and clear errors for one that asks for something wrong. Not here: SQL
(`queries`), what a metric means (the catalogue), and what a BI tool makes of it (`exposures`, `metabase`, `superset`).

A chart shows figures of one mart, or the rows behind a figure. Which rows, whose, and when comes from the catalogue, so
that a chart cannot mean something else than the metric page. What would be wrong on a screen is refused here:

- figures that do not add up (`additive: no`), except rates, which are quotients of two sums;
- a rate without the two figures it is made of beside it;
- a stock added up over months: every chart shows one month, or each month by itself;
- figures of two units on one axis.

A column is written `name` or `name:naming`. A naming says in whose words its values are shown: an entity of the
semantic layer (`source_id:source` needs none: `source_id` is known), a domain of `seeds/labels.csv`, or `metric`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from orchestration.metrics.registry import Metric, Source, read_catalogue
from orchestration.metrics.semantic import ENTITIES
from orchestration.report.labels import Lang
from orchestration.settings import PROJECT_DIR

DASHBOARDS_PATH = PROJECT_DIR / "bi" / "dashboards.yml"
_MARTS = PROJECT_DIR / "models" / "marts"
_LABELS = PROJECT_DIR / "seeds" / "labels.csv"

MONTH, EMPLOYEE, DEPARTMENT = "month", "employee", "department"
STANDARD = (MONTH, EMPLOYEE, DEPARTMENT)

_NAMING_OF_KEY = {key: entity for entity, (_, key) in ENTITIES.items()}
_KEYS = {"name", "title", "about"}
_CHART_KEYS = _KEYS | {"kind", "metrics", "by", "rows_of", "level", "columns", "newest", "opens"}


class DashboardError(ValueError):
    """The file asks for something that cannot be shown; the message names the dashboard, the chart and the mistake."""


class Kind(StrEnum):
    """What a chart is: `line` shows every month, all others one month (or today); `rows` shows single rows."""

    NUMBER = "number"
    LINE = "line"
    BAR = "bar"
    TABLE = "table"
    ROWS = "rows"


@dataclass(frozen=True)
class Words:
    """A text in both languages."""

    en: str
    vi: str

    def of(self, language: Lang) -> str:
        """The text in one of them."""
        return self.vi if language is Lang.VI else self.en


@dataclass(frozen=True)
class Column:
    """A column to group by or to show. `naming` says in whose words its values are shown; empty: as they are.

    `name` is what it is called in a chart's result, `column` the mart's own, empty for the month and the owner's name
    and department. `type` is the data type of what is shown.
    """

    name: str
    column: str
    naming: str
    type: str
    title: Words
    description: str


@dataclass(frozen=True)
class Chart:
    """One picture, number or table.

    `source` says whose rows of which mart these are, `metrics` what is computed of them (none for rows). `newest` is
    the column whose greatest values come first in rows. `opens` is the dashboard a click leads to, with the employee,
    department and month clicked on.
    """

    name: str
    title: Words
    about: Words
    kind: Kind
    source: Source
    metrics: tuple[Metric, ...]
    columns: tuple[Column, ...]
    rows_of: Metric | None
    newest: str
    opens: str

    @property
    def has_month(self) -> bool:
        """Whether its rows belong to months; else they are as of the publication's day."""
        return self.source.date is not None

    @property
    def is_of_one_month(self) -> bool:
        """Whether it must be limited to one month, the running one if none is chosen. Stocks add up over no months."""
        return self.has_month and self.kind is not Kind.LINE

    @property
    def filters(self) -> tuple[str, ...]:
        """Which of the standard filters it obeys. A chart over months obeys no month."""
        owner = (DEPARTMENT,) if is_department(self.source) else (EMPLOYEE, DEPARTMENT)
        return (MONTH, *owner) if self.is_of_one_month else owner


@dataclass(frozen=True)
class Dashboard:
    """Charts under one title. `name` is its lasting identity, in every tool."""

    name: str
    title: Words
    about: Words
    charts: tuple[Chart, ...]

    @property
    def filters(self) -> tuple[str, ...]:
        """The filters that at least one chart obeys."""
        return tuple(name for name in STANDARD if any(name in chart.filters for chart in self.charts))


def is_department(source: Source) -> bool:
    """Whether the rows belong to departments, not to people."""
    return source.owner.name == "department_id"


def read_dashboards(path: Path = DASHBOARDS_PATH) -> tuple[Dashboard, ...]:
    """The dashboards of a file, in their order. Raises DashboardError, and OSError when it cannot be read."""
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    if not isinstance(content, dict) or set(content) != {"words", "dashboards"}:
        raise DashboardError(f"{path}: needs `words` and `dashboards`, and nothing else")
    words = {name: _pair(pair, f"words, {name}") for name, pair in content["words"].items()}
    reader = _Reader(words, read_catalogue())
    dashboards = tuple(reader.dashboard(item) for item in content["dashboards"])
    _check_names([dashboard.name for dashboard in dashboards], "two dashboards are")
    for dashboard in dashboards:
        for chart in dashboard.charts:
            _check_opens(dashboard, chart, {other.name: other for other in dashboards})
    return dashboards


@cache
def mart_columns() -> Mapping[str, Mapping[str, tuple[str, str]]]:
    """Data type and description by mart and column, as the marts' YAML has them."""
    return {
        model["name"]: {
            column["name"]: (column["data_type"], " ".join(column["description"].split()))
            for column in model["columns"]
        }
        for path in sorted(_MARTS.rglob("*.yml"))
        for model in yaml.safe_load(path.read_text(encoding="utf-8")).get("models", [])
    }


@cache
def label_domains() -> frozenset[str]:
    """The domains of `seeds/labels.csv`."""
    return frozenset(line.split(",", 1)[0] for line in _LABELS.read_text(encoding="utf-8").splitlines()[1:])


def _check_opens(dashboard: Dashboard, chart: Chart, boards: Mapping[str, Dashboard]) -> None:
    """A click leads to rows of every figure in the chart, with none of them left out."""
    if not chart.opens:
        return
    where = f"{dashboard.name}, {chart.name}"
    if chart.opens not in boards:
        raise DashboardError(f"{where}: opens {chart.opens!r}, which is no dashboard")
    odd = [column.name for column in chart.columns if column.name not in STANDARD]
    if odd:
        raise DashboardError(f"{where}: opens {chart.opens}, which has no filter {', '.join(odd)}")
    shown = [other.source for other in boards[chart.opens].charts if other.kind is Kind.ROWS]
    for metric in chart.metrics:
        rows = metric.detail
        if rows is not None and not any(
            (source.mart, source.owner) == (rows.mart, rows.owner) and set(source.terms) <= set(rows.terms)
            for source in shown
        ):
            raise DashboardError(f"{where}: opens {chart.opens}, which does not have the rows of {metric.name}")


def _pair(value: object, where: str) -> Words:
    if isinstance(value, list) and len(value) == 2 and all(isinstance(text, str) and text.strip() for text in value):
        return Words(*(" ".join(text.split()) for text in value))
    raise DashboardError(f"{where}: {value!r} is not two texts, the English and the Vietnamese one")


def _check_names(names: Sequence[str], what: str) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DashboardError(f"{what} called {', '.join(twice)}")


class _Reader:
    """Reads dashboards with the words of columns and the metrics of the catalogue at hand."""

    def __init__(self, words: Mapping[str, Words], catalogue: Mapping[str, Metric]) -> None:
        self._words = words
        self._catalogue = catalogue

    def dashboard(self, item: Mapping[str, Any]) -> Dashboard:
        where = f"dashboard {item.get('name', '(without a name)')}"
        _check_keys(item, _KEYS | {"charts"}, _KEYS | {"charts"}, where)
        charts = tuple(self._chart(chart, where) for chart in item["charts"])
        _check_names([chart.name for chart in charts], f"{where}: two charts are")
        return Dashboard(item["name"], _pair(item["title"], where), _pair(item["about"], where), charts)

    def _chart(self, item: Mapping[str, Any], dashboard: str) -> Chart:
        where = f"{dashboard}, chart {item.get('name', '(without a name)')}"
        _check_keys(item, {"name", "title", "kind"}, _CHART_KEYS, where)
        if item["kind"] not in set(Kind):
            raise DashboardError(f"{where}: kind {item['kind']!r} is none of {', '.join(Kind)}")
        kind = Kind(item["kind"])
        of_rows, of_figures = {"rows_of", "level", "columns", "newest"}, {"metrics", "by"}
        wrong = sorted(set(item) & (of_figures if kind is Kind.ROWS else of_rows))
        if wrong:
            raise DashboardError(f"{where}: a chart of kind {kind} has no {', '.join(wrong)}")
        return self._rows(item, where) if kind is Kind.ROWS else self._figures(item, kind, where)

    def _figures(self, item: Mapping[str, Any], kind: Kind, where: str) -> Chart:
        metrics = tuple(self._metric(name, where) for name in item.get("metrics", ()))
        if not metrics:
            raise DashboardError(f"{where}: no metrics")
        source = metrics[0].figure
        for metric in metrics:
            if metric.figure != source:
                raise DashboardError(
                    f"{where}: {metric.name} and {metrics[0].name} are not made of the same rows of one mart"
                )
        by = tuple(self._column(text, source, where) for text in item.get("by", ()))
        _check_figures(metrics, by, kind, where)
        return self._made(item, kind, source, metrics, by, None, "", where)

    def _rows(self, item: Mapping[str, Any], where: str) -> Chart:
        metric = self._metric(item.get("rows_of"), where)
        level = item.get("level", "detail")
        if level not in ("detail", "figures"):
            raise DashboardError(f"{where}: level {level!r} is neither detail nor figures")
        source = metric.detail if level == "detail" else metric.figure
        if source is None:
            raise DashboardError(f"{where}: {metric.name} is a rate; show the rows of {metric.numerator}")
        columns = tuple(self._column(text, source, where) for text in item.get("columns", ()))
        if not columns:
            raise DashboardError(f"{where}: no columns")
        newest = str(item.get("newest", ""))
        if newest not in {column.name for column in columns}:
            raise DashboardError(f"{where}: newest {newest!r} is none of the columns; say which rows come first")
        return self._made(item, Kind.ROWS, source, (), columns, metric, newest, where)

    def _made(
        self,
        item: Mapping[str, Any],
        kind: Kind,
        source: Source,
        metrics: tuple[Metric, ...],
        columns: tuple[Column, ...],
        rows_of: Metric | None,
        newest: str,
        where: str,
    ) -> Chart:
        _check_source(source, where)
        _check_names([*(column.name for column in columns), *(metric.name for metric in metrics)], f"{where}: two are")
        shown = metrics or ((rows_of,) if rows_of else ())
        about = _pair(item["about"], where) if "about" in item else _described(shown)
        title = _pair(item["title"], where)
        opens = str(item.get("opens", ""))
        return Chart(item["name"], title, about, kind, source, metrics, columns, rows_of, newest, opens)

    def _metric(self, name: object, where: str) -> Metric:
        if not isinstance(name, str) or name not in self._catalogue:
            raise DashboardError(f"{where}: {name!r} is no metric of the catalogue")
        return self._catalogue[name]

    def _column(self, text: str, source: Source, where: str) -> Column:
        name, colon, naming = text.partition(":")
        if name in STANDARD:
            _check_standard(text, source, where)
            return Column(name, "", "", "varchar", self._title(name, where), "")
        known = mart_columns()[source.mart]
        if name not in known:
            raise DashboardError(f"{where}: {source.mart} has no column {name}")
        naming = naming if colon else _NAMING_OF_KEY.get(name, "")
        if naming and naming not in {*ENTITIES, *label_domains(), "metric"}:
            raise DashboardError(f"{where}: {text!r}: {naming} is no entity, no domain of labels.csv and not metric")
        # `member_id` of two groupings is two columns: filters go by the name.
        called = naming if colon else name.removesuffix("_id") if naming else name
        data_type, description = known[name]
        title = self._title(called, where, source)
        return Column(called, name, naming, "varchar" if naming else data_type, title, description)

    def _title(self, name: str, where: str, source: Source | None = None) -> Words:
        if source is not None and f"{source.mart}.{name}" in self._words:
            return self._words[f"{source.mart}.{name}"]
        if name in self._words:
            return self._words[name]
        metric = self._catalogue.get(name)
        if metric is not None and source is not None and _holds(source, metric):
            return Words(metric.label_en, metric.label_vi)
        raise DashboardError(f"{where}: `words` has no title for the column {name}")


def _holds(source: Source, metric: Metric) -> bool:
    """Whether the column of the metric's name is the metric there, or a row's part of it."""
    if metric.figure.mart == source.mart:
        return metric.measure == metric.name
    value = metric.detail_value
    return metric.detail is not None and metric.detail == source and value is not None and value.column == metric.name


def _described(metrics: Sequence[Metric]) -> Words:
    """What the metrics mean, as the catalogue says it."""
    lines = [f"{metric.label_en}: {metric.formula}" for metric in metrics]
    return Words(" ".join(lines), " ".join(f"{metric.label_vi}: {metric.formula_vi}" for metric in metrics))


def _check_keys(item: Mapping[str, Any], needed: set[str], allowed: set[str], where: str) -> None:
    missing, unknown = sorted(needed - set(item)), sorted(set(item) - allowed)
    if missing:
        raise DashboardError(f"{where}: needs {', '.join(missing)}")
    if unknown:
        raise DashboardError(f"{where}: not known: {', '.join(unknown)}")


def _check_source(source: Source, where: str) -> None:
    at = source.date
    if source.owner.attribute or (at is not None and (at.until or at.column.attribute)):
        raise DashboardError(f"{where}: owner or month of {source.mart} are reached through another table")


def _check_standard(text: str, source: Source, where: str) -> None:
    if text == MONTH and source.date is None:
        raise DashboardError(f"{where}: {source.mart} has no month: its figures are as of the publication's day")
    if text == EMPLOYEE and is_department(source):
        raise DashboardError(f"{where}: the rows of {source.mart} belong to departments, not to people")
    if ":" in text:
        raise DashboardError(f"{where}: {text!r}: month, employee and department have their own words")


def _check_figures(metrics: Sequence[Metric], by: Sequence[Column], kind: Kind, where: str) -> None:
    for problem in _figure_problems(metrics, by, kind):
        raise DashboardError(f"{where}: {problem}")


def _figure_problems(metrics: Sequence[Metric], by: Sequence[Column], kind: Kind) -> Iterator[str]:
    names = {metric.name for metric in metrics}
    for metric in metrics:
        if metric.is_rate and (kind is not Kind.TABLE or not {metric.numerator, metric.denominator} <= names):
            yield f"{metric.name} is a rate: show it in a table, beside {metric.numerator} and {metric.denominator}"
        if not metric.is_rate and metric.additive == "no":
            yield f"{metric.name} does not add up: show its rows"
    if kind in (Kind.LINE, Kind.BAR) and len({metric.unit for metric in metrics}) > 1:
        yield f"different units on one axis: {', '.join(sorted({metric.unit for metric in metrics}))}"
    named = [column.name for column in by]
    if kind is Kind.NUMBER and (len(metrics) != 1 or by):
        yield "a number shows one metric, by nothing"
    if kind is Kind.LINE and named != [MONTH]:
        yield "a line goes by month, and nothing else"
    if kind is Kind.BAR and (len(by) != 1 or named == [MONTH]):
        yield "bars go by one column, which is not the month (that is a line)"
    if kind is Kind.TABLE and (not by or MONTH in named):
        yield "a table shows one month by at least one column, which is not the month"
