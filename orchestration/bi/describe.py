"""The dashboards in words, for the terminal.

Belongs here: one line for each dashboard and chart. Not here: what they show (`bi/dashboards.yml`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from orchestration.bi.definition import Chart, Dashboard


def lines(dashboards: Sequence[Dashboard]) -> Iterator[str]:
    """A dashboard's line with its filters, then a line for each chart: its kind, its figures, and their table."""
    for number, board in enumerate(dashboards):
        if number:
            yield ""
        yield f"{board.name}: {board.title.en} · {board.title.vi}; filters: {', '.join(board.filters)}"
        width = max(len(chart.name) for chart in board.charts)
        for chart in board.charts:
            yield f"  {chart.name:<{width}}  {chart.kind:<6}  {_made_of(chart)}"


def _made_of(chart: Chart) -> str:
    if chart.rows_of is not None:
        return f"rows behind {chart.rows_of.name}, from {chart.source.mart}"
    by = f" by {', '.join(column.name for column in chart.columns)}" if chart.columns else ""
    return f"{', '.join(metric.name for metric in chart.metrics)}{by}, from {chart.source.mart}"
