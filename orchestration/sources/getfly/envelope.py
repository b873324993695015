"""Rows out of an answer, in any of the shapes the API is known to use (docs/getfly.md, "Shapes").

Belongs here: finding the rows and what the answer says about more of them. Not here: what a row means.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from orchestration.sources.getfly.errors import UnexpectedAnswerError

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Page:
    """One answer to a listing. `has_more` is None where the answer does not say; `is_everything` where it says so."""

    rows: tuple[Row, ...]
    has_more: bool | None
    is_everything: bool


def read_page(body: Any, where: str) -> Page:
    """The rows of an answer: a bare array, or `data` holding an array or a single object.

    Raises UnexpectedAnswerError when there are no rows to find, or a row is no object.
    """
    if isinstance(body, list):
        return Page(_rows(body, where), None, False)
    if not isinstance(body, dict) or "data" not in body:
        raise UnexpectedAnswerError(f"{where}: neither an array nor an object with data came back")
    data = body["data"]
    if data is None:
        data = []
    if isinstance(data, dict):
        # Campaigns come as one object; an empty PHP array of keys is no row.
        data = [data] if data else []
    if not isinstance(data, list):
        raise UnexpectedAnswerError(f"{where}: data is {type(data).__name__}, not an array or an object")
    has_more = body.get("has_more")
    return Page(
        _rows(data, where),
        has_more if isinstance(has_more, bool) else None,
        body.get("limited") is False and not has_more,
    )


def _rows(data: list[Any], where: str) -> tuple[Row, ...]:
    for row in data:
        if not isinstance(row, dict):
            raise UnexpectedAnswerError(f"{where}: a row is {type(row).__name__}, not an object")
    return tuple(data)


def id_of(row: Row, keys: tuple[str, ...], where: str) -> str:
    """A row's id as text, from the first of these names it has; ids come as numbers or as text.

    Raises UnexpectedAnswerError when it has none: such a row could be neither kept nor told from another.
    """
    for key in keys:
        value = row.get(key)
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        if isinstance(value, str) and value.strip():
            return value.strip()
    raise UnexpectedAnswerError(f"{where}: a row has no {' or '.join(keys)}; it has {', '.join(sorted(row))[:200]}")
