"""Which rows meet a filter.

Belongs here: operators and how a filter's text is compared with a typed value. Not here: which endpoint knows which
filter (resources). A date alone stands for its first moment.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import Any

from tests.emulator.answers import bad_value
from tests.emulator.oddities import ALL_FILTERS, Oddities
from tests.emulator.query import Filter
from tests.emulator.values import COMPANY_ZONE, Absent, Ids, Row

Documented = Mapping[str, frozenset[str]]


def field_of(row: Row, name: str) -> Any:
    """The value that a filter or an order of this name looks at: the field, or what stands in for it."""
    return row[name] if name in row else row.get(f"_{name}")


def met_by(rows: list[Row], filters: tuple[Filter, ...], documented: Documented, oddities: Oddities) -> list[Row]:
    """The rows that meet every filter; Refused for one that the endpoint does not document."""
    for condition in filters:
        if condition.op not in documented.get(condition.field, ()) or condition.word != "filtering":
            if oddities.ignored_unknown_filters:
                continue
            raise bad_value(f"{condition.word}[{condition.field}:{condition.op}]", "bộ lọc không được hỗ trợ")
        if condition.field in oddities.ignored_filters or oddities.ignored_filters == ALL_FILTERS:
            continue
        rows = [row for row in rows if _meets(field_of(row, condition.field), condition, oddities)]
    return rows


def _meets(value: Any, condition: Filter, oddities: Oddities) -> bool:
    if value is None or isinstance(value, Absent):
        return False
    if isinstance(value, Ids):
        return any(_meets(member, condition, oddities) for member in value)
    wanted = [_like(value, text, condition, oddities) for text in condition.values]
    if condition.op == "between" and len(wanted) != 2:
        raise bad_value(condition.field, "between cần hai giá trị")
    return _OPERATORS[condition.op](value, wanted, oddities.exclusive_bounds)


def _contains(value: Any, wanted: list[Any], exclusive: bool) -> bool:
    return str(wanted[0]).lower() in str(value).lower()


def _at_least(value: Any, wanted: list[Any], exclusive: bool) -> bool:
    return bool(value > wanted[0] if exclusive else value >= wanted[0])


def _at_most(value: Any, wanted: list[Any], exclusive: bool) -> bool:
    return bool(value < wanted[-1] if exclusive else value <= wanted[-1])


_OPERATORS: Mapping[str, Callable[[Any, list[Any], bool], bool]] = {
    "eq": lambda value, wanted, _: bool(value == wanted[0]),
    "is": lambda value, wanted, _: bool(value == wanted[0]),
    "in": lambda value, wanted, _: value in wanted,
    "not_in": lambda value, wanted, _: value not in wanted,
    "contains": _contains,
    "gte": _at_least,
    "lte": _at_most,
    "between": lambda value, wanted, exclusive: (
        _at_least(value, wanted, exclusive) and _at_most(value, wanted, exclusive)
    ),
}


def _like(value: Any, text: str, condition: Filter, oddities: Oddities) -> Any:
    """The filter's text as the kind of value it is compared with."""
    try:
        match value:
            case datetime():
                moment = datetime.fromisoformat(text)
                if oddities.utc_bounds:
                    return moment.replace(tzinfo=UTC).astimezone(COMPANY_ZONE).replace(tzinfo=None)
                return moment.replace(tzinfo=None)
            case date():
                return date.fromisoformat(text[:10])
            case int():
                return int(text)
            case _:
                return text
    except ValueError as error:
        raise bad_value(f"{condition.field}:{condition.op}", f"giá trị không hợp lệ: {text}") from error
