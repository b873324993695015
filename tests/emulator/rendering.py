"""Writes typed values as JSON values, plainly or with a tenant's oddities.

Belongs here: one value at a time. Not here: which values a row has (shapes), how rows are wrapped (listing).
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from tests.emulator.oddities import Oddities
from tests.emulator.values import Absent, Fields, Id, Ids, Row, unix

_EMPTIES = ("", "0", None)


def render(value: Any, oddities: Oddities, turn: int = 0) -> Any:
    """The JSON value; `turn` chooses among the ways to write an empty list of ids."""
    match value:
        case None:
            return "" if oddities.empty_strings else None
        case Absent():
            return _absent(value, oddities)
        case Id():
            return str(int(value)) if oddities.string_ids else int(value)
        case Ids():
            return _ids(value, oddities, turn)
        case datetime():
            return unix(value) if oddities.unix_dates else value.strftime("%Y-%m-%d %H:%M:%S")
        case date():
            return value.strftime("%d/%m/%Y" if oddities.day_first_dates else "%Y-%m-%d")
        case Decimal():
            return f"{float(value):,}" if oddities.thousands_amounts else plain(value)
        case Fields():
            written: Row = {name: render(each, oddities, turn) for name, each in value.items()}
            return written if written or not oddities.empty_objects_as_arrays else []
        case dict():
            return {name: render(each, oddities, turn) for name, each in value.items()}
        case list():
            return [render(each, oddities, turn) for each in value]
        case _:
            return value


def plain(value: Decimal) -> int | float:
    """A number of JSON: whole where it is whole."""
    return int(value) if value == value.to_integral_value() else float(value)


def _absent(value: Absent, oddities: Oddities) -> str | None:
    if oddities.zero_dates:
        return "0000-00-00 00:00:00" if value.has_time else "0000-00-00"
    return "" if oddities.empty_strings else None


def _ids(value: Ids, oddities: Oddities, turn: int) -> Any:
    if not oddities.comma_strings:
        return [str(each) if oddities.string_ids else each for each in value]
    if len(value) > 1:
        return ",".join(map(str, value))
    if value:
        return str(value[0]) if oddities.string_ids else value[0]
    return _EMPTIES[turn % len(_EMPTIES)]
