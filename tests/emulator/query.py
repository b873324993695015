"""Reads a request's parameters: fields, filters, order, limit and offset.

Belongs here: spellings. A list in a filter has no documented spelling: this server takes a comma list, the parameter
repeated, `[]` behind its name, and a JSON body on the GET, which a working client uses. For `sort`, whose form is not
documented either, it takes `sort=id:desc`, `sort=id desc` and `sort[id]=DESC`. Not here: what a filter means (listing).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from tests.emulator.answers import bad_value

_FILTER = re.compile(r"(?P<word>filtering|filter)\[(?P<field>\w+)(?::(?P<op>\w+))?\](?:\[\d*\])?")
_SORT = re.compile(r"sort\[(?P<field>\w+)\]")
DEFAULT_LIMIT = 20


@dataclass(frozen=True)
class Filter:
    """One condition; `values` has one member for operators that take one."""

    field: str
    op: str
    values: tuple[str, ...]
    word: str = "filtering"


@dataclass(frozen=True)
class Query:
    """What was asked; None where a parameter was not sent."""

    fields: tuple[str, ...] | None
    filters: tuple[Filter, ...]
    sort: tuple[str, bool] | None  # field, and whether it is descending
    sorted_by_word: bool  # whether `sort_by` and `order` said so, or `sort`
    limit: int | None
    offset: int
    params: Mapping[str, str]  # everything else

    def value(self, name: str) -> str | None:
        """A parameter that is not one of the above."""
        return self.params.get(name)


def read_query(raw: str, body: bytes = b"") -> Query:
    """The query of `?raw`, and of a JSON body when there is one; Refused when it cannot be read."""
    pairs = [*parse_qsl(raw, keep_blank_values=True), *_body_pairs(body)]
    collected: dict[tuple[str, str, str], list[str]] = {}
    params: dict[str, str] = {}
    sort: tuple[str, bool] | None = None
    for name, value in pairs:
        if found := _FILTER.fullmatch(name):
            key = (found["word"], found["field"], found["op"] or "eq")
            collected.setdefault(key, []).append(value)
        elif found := _SORT.fullmatch(name):
            sort = (found["field"], value.lower() == "desc")
        else:
            params[name] = value
    by_word = "sort_by" in params
    if by_word:
        sort = (params["sort_by"], params.get("order", "asc").lower() == "desc")
    elif params.get("sort"):
        field, _, direction = params["sort"].replace(" ", ":").partition(":")
        sort = (field, direction.lower() == "desc")
    return Query(
        fields=tuple(each.strip() for each in params["fields"].split(",")) if params.get("fields") else None,
        filters=tuple(Filter(field, op, _members(op, values), word) for (word, field, op), values in collected.items()),
        sort=sort,
        sorted_by_word=by_word,
        limit=_whole(params, "limit"),
        offset=_whole(params, "offset") or 0,
        params=params,
    )


def _members(op: str, values: list[str]) -> tuple[str, ...]:
    if op in ("in", "not_in", "between"):
        return tuple(member.strip() for value in values for member in value.split(","))
    return tuple(values[-1:])


def _whole(params: Mapping[str, str], name: str) -> int | None:
    text = params.get(name)
    if text is None:
        return None
    if not text.isdecimal():
        raise bad_value(name, "phải là số nguyên không âm")
    return int(text)


def _body_pairs(body: bytes) -> Iterable[tuple[str, str]]:
    """The members of a JSON body as parameters."""
    if not body:
        return
    try:
        content = json.loads(body)
    except ValueError as error:
        raise bad_value("body", "không phải JSON") from error
    if not isinstance(content, dict):
        raise bad_value("body", "không phải đối tượng JSON")
    for name, value in content.items():
        if isinstance(value, dict) and name in ("filtering", "filter", "sort"):
            for inner, each in value.items():
                yield f"{name}[{inner}]", _joined(each)
        else:
            yield name, _joined(value)


def _joined(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)
