"""Where a dashboard's charts stand, and which filters move them.

Belongs here: pure functions to Superset's grid of twelve columns and to its filters. Not here: what a chart shows
(`charts`), names that last (`names`).

Superset numbers charts when it imports them. Until then each has a number of the bundle's own (`numbered`), by which
filters say which charts they leave alone; the import puts its own numbers there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from math import ceil
from typing import Any

from orchestration.bi.definition import DEPARTMENT, EMPLOYEE, MONTH, Chart, Dashboard, Kind

COLUMNS = 12
_NOTE_WIDTH, _AS_OF_WIDTH, _NOTE_HEIGHT = 10, 2, 15
_HEIGHTS: Mapping[Kind, int] = {Kind.NUMBER: 16, Kind.LINE: 46, Kind.BAR: 52, Kind.TABLE: 50, Kind.ROWS: 62}
_WIDE_TABLE = 5
_NUMBERS_IN_A_ROW = 4


@dataclass(frozen=True)
class Placed:
    """A chart on the grid: its lasting identity, its title, and how wide and high it is."""

    uuid: str
    title: str
    width: int
    height: int


def rows_of(charts: Sequence[Chart]) -> list[list[tuple[Chart, int]]]:
    """The charts in rows of twelve columns, in their order: numbers among themselves, what is left over is filled."""
    rows: list[list[Chart]] = []
    for is_number, group in groupby(charts, key=lambda chart: chart.kind is Kind.NUMBER):
        members = list(group)
        rows.extend(_rows_of_numbers(members) if is_number else _rows_by_width(members))
    return [_filled(row) for row in rows]


def _rows_of_numbers(charts: Sequence[Chart]) -> list[list[Chart]]:
    """As few rows as hold them with room for their titles, about equally long."""
    rows = ceil(len(charts) / _NUMBERS_IN_A_ROW)
    length = ceil(len(charts) / rows)
    return [list(charts[start : start + length]) for start in range(0, len(charts), length)]


def _rows_by_width(charts: Sequence[Chart]) -> list[list[Chart]]:
    rows: list[list[Chart]] = []
    for chart in charts:
        if rows and sum(map(_width, rows[-1])) + _width(chart) <= COLUMNS:
            rows[-1].append(chart)
        else:
            rows.append([chart])
    return rows


def _width(chart: Chart) -> int:
    is_wide = chart.kind is Kind.ROWS or len(chart.columns) + len(chart.metrics) >= _WIDE_TABLE
    return COLUMNS if is_wide else COLUMNS // 2


def _filled(row: Sequence[Chart]) -> list[tuple[Chart, int]]:
    """The row over all twelve columns, evenly; what cannot be divided goes to the last ones."""
    width, left = divmod(COLUMNS, len(row))
    return [(chart, width + (index >= len(row) - left)) for index, chart in enumerate(row)]


def numbered(charts: Sequence[Placed]) -> dict[str, int]:
    """A number of the bundle's own for every chart."""
    return {chart.uuid: index for index, chart in enumerate(charts, start=1)}


def position(title: str, note: str, as_of: Placed, rows: Sequence[Sequence[Placed]]) -> dict[str, Any]:
    """Superset's grid: a note and the day the figures are of, then the rows of charts."""
    numbers = numbered([as_of, *(chart for row in rows for chart in row)])
    grid: dict[str, Any] = {
        "DASHBOARD_VERSION_KEY": "v2",
        "ROOT_ID": {"type": "ROOT", "id": "ROOT_ID", "children": ["GRID_ID"]},
        "HEADER_ID": {"type": "HEADER", "id": "HEADER_ID", "meta": {"text": title}},
    }
    row_ids = [f"ROW-{index}" for index in range(len(rows) + 1)]
    grid["GRID_ID"] = {"type": "GRID", "id": "GRID_ID", "children": row_ids, "parents": ["ROOT_ID"]}
    note_meta = {"width": _NOTE_WIDTH, "height": _NOTE_HEIGHT, "code": note}
    grid["MARKDOWN-note"] = _part("MARKDOWN", "MARKDOWN-note", row_ids[0], note_meta)
    _add_row(grid, row_ids[0], ["MARKDOWN-note"], [as_of], numbers)
    for row_id, row in zip(row_ids[1:], rows, strict=True):
        _add_row(grid, row_id, [], row, numbers)
    return grid


def placed_as_of(uuid: str, title: str) -> Placed:
    """The day the figures are of, beside the note."""
    return Placed(uuid, title, _AS_OF_WIDTH, _NOTE_HEIGHT)


def placed(chart: Chart, width: int, uuid: str, title: str) -> Placed:
    """A chart in its row."""
    return Placed(uuid, title, width, _HEIGHTS[chart.kind])


def _add_row(
    grid: dict[str, Any], row_id: str, before: Sequence[str], charts: Sequence[Placed], numbers: Mapping[str, int]
) -> None:
    children = list(before)
    for chart in charts:
        name = f"CHART-{numbers[chart.uuid]}"
        meta = {
            "chartId": numbers[chart.uuid],
            "uuid": chart.uuid,
            "sliceName": chart.title,
            "width": chart.width,
            "height": chart.height,
        }
        grid[name] = _part("CHART", name, row_id, meta)
        children.append(name)
    grid[row_id] = {
        "type": "ROW",
        "id": row_id,
        "children": children,
        "parents": ["ROOT_ID", "GRID_ID"],
        "meta": {"background": "BACKGROUND_TRANSPARENT"},
    }


def _part(kind: str, name: str, row_id: str, meta: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": kind, "id": name, "children": [], "parents": ["ROOT_ID", "GRID_ID", row_id], "meta": dict(meta)}


def native_filter(name: str, title: str, dataset_uuid: str, left_alone: Sequence[int]) -> dict[str, Any]:
    """One of the standard filters, over the values of a dataset of its own. A month has to be chosen, the newest is."""
    is_month = name == MONTH
    return {
        "id": f"NATIVE_FILTER-{name}",
        "type": "NATIVE_FILTER",
        "filterType": "filter_select",
        "name": title,
        "description": "",
        "targets": [{"column": {"name": name}, "datasetUuid": dataset_uuid}],
        "scope": {"rootPath": ["ROOT_ID"], "excluded": sorted(left_alone)},
        "cascadeParentIds": [],
        # Chosen before the charts are drawn, not only offered.
        "requiredFirst": is_month,
        "controlValues": {
            # Figures of several months are no figures of one: a stock would be added up over them.
            "enableEmptyFilter": is_month,
            "defaultToFirstItem": is_month,
            "multiSelect": not is_month,
            "sortAscending": not is_month,
            "searchAllOptions": False,
            "inverseSelection": False,
        },
        "defaultDataMask": {"extraFormData": {}, "filterState": {}, "ownState": {}},
    }


def cross_filters(dashboard: Dashboard, uuid_of: Mapping[str, str], numbers: Mapping[str, int]) -> dict[str, Any]:
    """Which charts a click on a chart's member narrows: those that know at least one of the columns clicked on."""
    known = {chart.name: _known(chart) for chart in dashboard.charts}
    of_as_of = [number for uuid, number in numbers.items() if uuid not in set(uuid_of.values())]
    made: dict[str, Any] = {}
    for chart in dashboard.charts:
        if chart.kind in (Kind.NUMBER, Kind.LINE):
            continue
        given = {column.name for column in chart.columns}
        left_alone = [
            numbers[uuid_of[other.name]]
            for other in dashboard.charts
            if other.name == chart.name or not given & known[other.name]
        ]
        number = numbers[uuid_of[chart.name]]
        made[str(number)] = {
            "id": number,
            "crossFilters": {
                "scope": {"rootPath": ["ROOT_ID"], "excluded": sorted([*of_as_of, *left_alone])},
                "chartsInScope": [],
            },
        }
    return made


def _known(chart: Chart) -> set[str]:
    """The columns by which a chart can be narrowed without changing what it means."""
    return {column.name for column in chart.columns} | ({EMPLOYEE, DEPARTMENT} & set(chart.filters))
