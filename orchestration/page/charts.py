"""Which columns of a block's tables are drawn, and how.

Belongs here: the choice, as data that `assets/charts.js` turns into Vega-Lite. Not here: any figure: a chart is made
of the very cells of the table beside it.

Kinds: `bars` (one column), `grouped` (several columns side by side), `shares` (counts with their shares, a line per
row), `rates` (percentages beside a mark at 100%).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from orchestration.report.block_names import BlockName

Chart = dict[str, Any]


def _chart(kind: str, columns: list[int], table: int = 0, **more: Any) -> Chart:
    return {"kind": kind, "table": table, "columns": columns, **more}


CHARTS: Mapping[BlockName, list[Chart]] = {
    BlockName.TEAM: [_chart("bars", [6])],
    BlockName.TARGETS: [_chart("rates", [-2])],
    BlockName.CONVERSION: [
        _chart(
            "grouped",
            [1, 2],
            keys=["new_customers", "interactions", "activities", "orders"],
        ),
        _chart("grouped", [1, 2], keys=["revenue_amount", "sales_amount", "collected_amount"]),
    ],
    BlockName.COHORTS: [_chart("shares", [1, 2, 3, 4, 5])],
    BlockName.CONVERSION_SOURCES: [_chart("bars", [1]), _chart("bars", [3])],
    BlockName.PROJECTS: [_chart("bars", [1])],
    BlockName.TASK_TYPES: [_chart("bars", [1])],
    BlockName.TASKS: [_chart("bars", [1])],
    BlockName.RECENCY: [_chart("bars", [1])],
    BlockName.RELATIONSHIPS: [_chart("grouped", [1, 2, 3, 4, 5])],
    BlockName.SOURCES: [_chart("bars", [1]), _chart("bars", [3])],
    BlockName.INDUSTRIES: [_chart("bars", [1]), _chart("bars", [3])],
    BlockName.PROVINCES: [_chart("bars", [1])],
    BlockName.GENDER: [_chart("bars", [1])],
    BlockName.AGES: [_chart("grouped", [1, 3])],
    BlockName.INTERACTIONS: [_chart("grouped", [1, 3])],
    BlockName.CALLS: [_chart("grouped", [1, 3], rows=6)],
    BlockName.ORDERS: [_chart("bars", [2], keys=["counted", "returned", "pending", "left_out"])],
    BlockName.PRODUCTS: [_chart("bars", [4])],
    BlockName.CYCLE: [_chart("grouped", [4, 5, 6])],
    BlockName.JOURNEY: [_chart("grouped", [1, 2]), _chart("grouped", [4, 5])],
    BlockName.MOVES: [_chart("bars", [2])],
}
