"""The report's charts, as Vega-Lite specifications, and as pictures.

Belongs here: shapes and colours. Not here: which figures they show (`content.py`). Values are drawn as they are in the
tables; a chart is never the only place of a figure.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

BLUE, GREY, GREEN = "#2b5f9e", "#b8c2cc", "#3d8b5f"
_WIDTH, _BAR_HEIGHT = 620, 150
_CONFIG: dict[str, Any] = {
    "font": "Liberation Sans, Arial, DejaVu Sans, sans-serif",
    "view": {"stroke": None},
    "axis": {"labelFontSize": 11, "titleFontSize": 11, "titleFontWeight": "normal", "domainColor": "#888888"},
    "legend": {"labelFontSize": 11, "orient": "top", "title": None},
}


def months_chart(values: Sequence[tuple[str, Decimal]], this_month: str, axis: str) -> dict[str, Any]:
    """One bar per month, in the order given, this month's in colour."""
    rows = [{"month": month, "value": float(value), "is_this": month == this_month} for month, value in values]
    return _bars(rows, axis, {"color": {"condition": {"test": "datum.is_this", "value": BLUE}, "value": GREY}})


def parts_chart(rows: Sequence[tuple[str, str, int]], parts: Sequence[str], axis: str) -> dict[str, Any]:
    """One bar per month, made up of parts: rows are month, part and its size; parts in the order they are stacked."""
    order = {part: number for number, part in enumerate(parts)}
    colours = {"domain": list(parts), "range": [GREEN, GREY][: len(parts)]}
    return _bars(
        [{"month": month, "part": part, "value": value, "order": order[part]} for month, part, value in rows],
        axis,
        {
            "color": {"field": "part", "type": "nominal", "scale": colours},
            "order": {"field": "order", "type": "quantitative"},
        },
    )


def _number_axis(title: str) -> dict[str, Any]:
    return {"title": title, "format": ",~f", "tickCount": 4, "grid": True, "gridColor": "#e3e6ea", "domain": False}


def _bars(rows: list[dict[str, Any]], axis: str, more: dict[str, Any]) -> dict[str, Any]:
    """Bars of `value` by `month`, in the order of the rows; `more` are further encodings."""
    months = {"title": None, "labelAngle": 0, "ticks": False}
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
        "width": _WIDTH,
        "height": _BAR_HEIGHT,
        "data": {"values": rows},
        "config": _CONFIG,
        "mark": {"type": "bar", "width": {"band": 0.7}},
        "encoding": {
            "x": {"field": "month", "type": "ordinal", "sort": None, "axis": months},
            "y": {"field": "value", "type": "quantitative", "axis": _number_axis(axis)},
            **more,
        },
    }


def picture_of(spec: dict[str, Any]) -> str:
    """A chart as SVG."""
    import vl_convert

    return str(vl_convert.vegalite_to_svg(spec))
