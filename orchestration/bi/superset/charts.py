"""How a chart of the definition looks in Superset: its kind of picture, its settings, and its query.

Belongs here: pure functions from charts to Superset's settings. Not here: SQL (`queries`), places on the dashboard
(`layout`).

A chart is told twice: `params` is what the page in the browser makes its query of, `query_context` is the query itself,
for everything that asks without a browser (the API, reports by mail).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from orchestration.bi.definition import MONTH, Chart, Column, Kind, mart_columns
from orchestration.bi.queries import Dataset
from orchestration.metrics.registry import Metric

MONTH_DATE = "month_date"
ROWS_SHOWN = 10_000
MEMBERS_SHOWN = 1_000
BARS_SHOWN = 20

_WHOLE, _ONE_DECIMAL, _TWO_DECIMALS, _SHARE = ",.0f", ",.1f", ",.2f", ".1%"
_AS_NEEDED = ",.2~f"
_SHORT = "SMART_NUMBER"
_PICTURES: Mapping[Kind, str] = {
    Kind.NUMBER: "big_number_total",
    Kind.LINE: "echarts_timeseries_line",
    Kind.BAR: "echarts_timeseries_bar",
    Kind.TABLE: "table",
    Kind.ROWS: "table",
}
_INTEGERS = frozenset({"bigint", "integer", "hugeint", "smallint"})


def picture(chart: Chart) -> str:
    """Superset's name for this kind of chart."""
    return _PICTURES[chart.kind]


def metric_format(metric: Metric) -> str:
    """How a figure is written: money without decimals, shares in percent, whole things whole."""
    if metric.unit == "rate":
        return _SHARE
    if metric.unit == "currency":
        return _WHOLE
    if metric.unit == "quantity":
        return _AS_NEEDED
    if metric.is_rate:
        return _TWO_DECIMALS if metric.unit == "stars" else _ONE_DECIMAL
    data_type, _ = mart_columns()[metric.figure.mart][metric.measure]
    return _WHOLE if data_type in _INTEGERS else _ONE_DECIMAL


def column_format(column: Column) -> str:
    """How a number in a row is written; empty for what is no number."""
    if column.name.endswith("_rate"):
        return _SHARE
    if column.name.endswith("_amount") or column.name.endswith("_value") or column.type in _INTEGERS:
        return _WHOLE
    return _ONE_DECIMAL if column.type == "double" or column.type.startswith("decimal") else ""


def params(chart: Chart, dataset: Dataset) -> dict[str, Any]:
    """The settings from which the page makes picture and query."""
    made = {
        Kind.NUMBER: _number,
        Kind.LINE: _line,
        Kind.BAR: _bars,
        Kind.TABLE: _table,
        Kind.ROWS: _rows,
    }[chart.kind](chart, dataset)
    return {"viz_type": picture(chart), "adhoc_filters": _no_time_range(chart), "annotation_layers": [], **made}


def query_context(chart: Chart, dataset: Dataset, settings: Mapping[str, Any]) -> str:
    """The chart's own query as JSON. Superset fills in the dataset's number at import."""
    query: dict[str, Any] = {
        "columns": _query_columns(chart),
        "metrics": [metric.name for metric in chart.metrics],
        "filters": [],
        "extras": {"having": "", "where": ""},
        "orderby": _query_order(chart, dataset),
        "row_limit": _limit(chart),
        "is_timeseries": False,
        "order_desc": True,
        "annotation_layers": [],
        "applied_time_extras": {},
        "url_params": {},
    }
    return json.dumps(
        {
            "datasource": {"id": 0, "type": "table"},
            "force": False,
            "queries": [query],
            "form_data": dict(settings),
            "result_format": "json",
            "result_type": "full",
        },
        ensure_ascii=False,
    )


def _query_columns(chart: Chart) -> list[Any]:
    if chart.kind is Kind.LINE:
        return [
            {
                "timeGrain": "P1M",
                "columnType": "BASE_AXIS",
                "sqlExpression": MONTH_DATE,
                "label": MONTH_DATE,
                "expressionType": "SQL",
            }
        ]
    return _shown_columns(chart) if chart.kind is Kind.ROWS else [column.name for column in chart.columns]


def _shown_columns(chart: Chart) -> list[str]:
    """The columns of a row, the month first: opened without the dashboard, the chart has the rows of all months."""
    names = [column.name for column in chart.columns]
    return [MONTH, *(name for name in names if name != MONTH)] if chart.has_month else names


def _query_order(chart: Chart, dataset: Dataset) -> list[list[Any]]:
    if chart.kind is Kind.ROWS:
        return [[chart.newest, False]]
    if chart.kind in (Kind.BAR, Kind.TABLE):
        order = order_metric(chart, dataset)
        return [[order, True]] if order else [[chart.metrics[0].name, False]]
    return []


def _limit(chart: Chart) -> int:
    return {Kind.ROWS: ROWS_SHOWN, Kind.BAR: BARS_SHOWN}.get(chart.kind, MEMBERS_SHOWN)


def order_metric(chart: Chart, dataset: Dataset) -> str:
    """The metric that holds the known order of the first column's members; empty where there is none."""
    name = f"{chart.columns[0].name}_order" if chart.columns else ""
    return name if name in dataset.orders else ""


def _no_time_range(chart: Chart) -> list[dict[str, Any]]:
    """Which column a time range chosen in Superset would be over."""
    if not chart.has_month:
        return []
    return [
        {
            "clause": "WHERE",
            "comparator": "No filter",
            "expressionType": "SIMPLE",
            "operator": "TEMPORAL_RANGE",
            "subject": MONTH_DATE,
        }
    ]


def _number(chart: Chart, dataset: Dataset) -> dict[str, Any]:
    return {
        "metric": chart.metrics[0].name,
        "y_axis_format": metric_format(chart.metrics[0]),
        "header_font_size": 0.5,
        "subheader_font_size": 0.125,
        "subtitle": "",
    }


def _axes(chart: Chart) -> dict[str, Any]:
    [unit] = {metric.unit for metric in chart.metrics}
    # Whole numbers have half ones between them on an axis: rounded, two marks would say the same.
    written = {"currency": _SHORT, "rate": _SHARE}.get(unit, _AS_NEEDED)
    return {
        "metrics": [metric.name for metric in chart.metrics],
        "groupby": [],
        "row_limit": _limit(chart),
        "color_scheme": "supersetColors",
        "show_legend": len(chart.metrics) > 1,
        "legendOrientation": "top",
        "legendType": "scroll",
        "rich_tooltip": True,
        "truncate_metric": True,
        "show_empty_columns": True,
        "comparison_type": "values",
        "y_axis_format": written,
        "y_axis_bounds": [0, None],
        "truncateYAxis": False,
        "x_axis_title_margin": 15,
        "y_axis_title_margin": 15,
    }


def _line(chart: Chart, dataset: Dataset) -> dict[str, Any]:
    return {
        **_axes(chart),
        "x_axis": MONTH_DATE,
        "time_grain_sqla": "P1M",
        "x_axis_time_format": "%Y-%m",
        "tooltipTimeFormat": "%Y-%m",
        "x_axis_sort_asc": True,
        "seriesType": "line",
        "markerEnabled": True,
        "markerSize": 6,
    }


def _bars(chart: Chart, dataset: Dataset) -> dict[str, Any]:
    order = order_metric(chart, dataset)
    by_order = {"x_axis_sort": order, "timeseries_limit_metric": order, "x_axis_sort_asc": False, "order_desc": False}
    by_size = {"x_axis_sort": chart.metrics[0].name, "x_axis_sort_asc": True, "order_desc": True}
    return {
        **_axes(chart),
        "x_axis": chart.columns[0].name,
        "seriesType": "bar",
        "show_value": True,
        # Long names fit beside bars, not below columns. The first is drawn at the bottom: sorted the other way round.
        "orientation": "horizontal",
        "xAxisLabelInterval": "0",
        **(by_order if order else by_size),
    }


def _table(chart: Chart, dataset: Dataset) -> dict[str, Any]:
    order = order_metric(chart, dataset)
    return {
        **_as_table(chart),
        "query_mode": "aggregate",
        "groupby": [column.name for column in chart.columns],
        "metrics": [metric.name for metric in chart.metrics],
        "timeseries_limit_metric": order or chart.metrics[0].name,
        "order_desc": not order,
        "show_totals": True,
        "show_cell_bars": True,
        "column_config": {metric.name: {"d3NumberFormat": metric_format(metric)} for metric in chart.metrics},
    }


def _rows(chart: Chart, dataset: Dataset) -> dict[str, Any]:
    formats = {column.name: column_format(column) for column in chart.columns}
    return {
        **_as_table(chart),
        "query_mode": "raw",
        "all_columns": _shown_columns(chart),
        "order_by_cols": [json.dumps([chart.newest, False])],
        "show_cell_bars": False,
        "column_config": {name: {"d3NumberFormat": text} for name, text in formats.items() if text},
    }


def _as_table(chart: Chart) -> dict[str, Any]:
    with_time = any(column.type == "timestamp" for column in chart.columns)
    return {
        "row_limit": _limit(chart),
        "page_length": 20,
        "include_search": True,
        "table_timestamp_format": "%Y-%m-%d %H:%M" if with_time else "%Y-%m-%d",
        "color_pn": True,
        "percent_metrics": [],
        "allow_rearrange_columns": True,
    }
