"""Filters, orders, pages and wraps the rows of one list.

Belongs here: what all lists have in common. Not here: what each list has of its own (resources).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from tests.emulator.answers import Answer, Refused, bad_value, unknown_field
from tests.emulator.filters import field_of, met_by
from tests.emulator.interference import Interference
from tests.emulator.oddities import Oddities
from tests.emulator.query import DEFAULT_LIMIT, Filter, Query
from tests.emulator.rendering import render
from tests.emulator.resources import Resource, Wrapping
from tests.emulator.values import Absent, Row

_HIDDEN_TIMES = {"tasks": frozenset({"created_at", "updated_at"}), "opportunities": frozenset({"updated_at"})}


class Lister:
    """Answers lists, as of the state that `interference` holds."""

    def __init__(self, oddities: Oddities, interference: Interference) -> None:
        self._oddities = oddities
        self._interference = interference

    def answer(
        self,
        resource: Resource,
        rows: list[Row],
        query: Query,
        listing: str | None = None,
        keep: Callable[[Row], bool] | None = None,
    ) -> Answer:
        """One page. `listing` tells apart lists of the same resource; `keep` is a condition that is no filter."""
        listing = listing or resource.name
        fields = self._fields(resource, rows, query)
        direction = self._order(resource, query)

        def standing() -> list[Row]:
            seen = self._interference.seen(resource, rows)
            kept = met_by(seen, self._filters(resource, query), resource.filters, self._oddities)
            return _ordered([row for row in kept if keep is None or keep(row)], resource.key, *direction)

        ordered = standing()
        if query.offset and self._interference.disturb(resource, listing, ordered):
            ordered = standing()
        window = self._window(resource, query)
        if query.offset == 0 and window is not None and len(ordered) > window[1]:
            ordered = self._interference.before_insert(resource, listing, ordered)
        return Answer(200, self._wrapped(resource, ordered, window, fields, direction))

    def single(self, resource: Resource, row: Row, query: Query, more: Row | None = None) -> Answer:
        """One record, bare; `more` are fields that only the record itself has."""
        whole = {**row, **(more or {})}
        if resource.detail_fields_required and query.fields is None:
            raise bad_value("fields", "bắt buộc")
        fields = query.fields or [
            name for name in self._available(resource, [whole]) if name not in resource.only_on_demand
        ]
        self._check(resource, fields, [whole])
        return Answer(200, self._rendered(resource, whole, fields))

    def _filters(self, resource: Resource, query: Query) -> tuple[Filter, ...]:
        asked = {each.field for each in query.filters}
        added = (
            Filter(name, "eq", (str(value),)) for name, value in resource.default_filters.items() if name not in asked
        )
        # Where the endpoint knows `last_sync`, its caller has seen to it.
        own = (
            each
            for each in query.filters
            if "last_sync" not in resource.filters or each.field != "last_sync" or each.op != "eq"
        )
        return (*own, *added)

    def _order(self, resource: Resource, query: Query) -> tuple[str, bool]:
        if query.sort is None or self._oddities.ignored_sort:
            return resource.order
        field, _ = query.sort
        if query.sorted_by_word != resource.sorts_by_word or field not in resource.sorts:
            raise bad_value("sort", f"không sắp xếp được theo {field}")
        return query.sort

    def _available(self, resource: Resource, rows: list[Row]) -> list[str]:
        hidden = _HIDDEN_TIMES.get(resource.name, frozenset()) if self._oddities.hidden_times else frozenset()
        return [name for name in (rows[0] if rows else ()) if not name.startswith("_") and name not in hidden]

    def _check(self, resource: Resource, fields: Iterable[str], rows: list[Row]) -> None:
        available = self._available(resource, rows)
        unknown = [name for name in fields if name not in available]
        if unknown and rows:
            raise unknown_field(unknown, available)

    def _fields(self, resource: Resource, rows: list[Row], query: Query) -> list[str]:
        available = self._available(resource, rows)
        if query.fields is not None:
            self._check(resource, query.fields, rows)
            return list(query.fields)
        if resource.fields_required:
            raise unknown_field(["fields"], available)
        if resource.name == "accounts" and self._oddities.fields_required:
            raise Refused(400, "custom_fields không hợp lệ", {"custom_fields": ["custom_fields không hợp lệ"]})
        if resource.without_fields is not None:
            return list(resource.without_fields)
        return [name for name in available if name not in resource.only_on_demand]

    def _rendered(self, resource: Resource, row: Row, fields: Iterable[str]) -> Row:
        asked = list(fields)
        turn = int(row[resource.key])
        return {
            name: render(row[name], self._oddities, turn)
            for name in asked
            # A field that needs another one beside it is left out when that one was not asked for.
            if resource.companions.get(name, name) in asked
        }

    def _window(self, resource: Resource, query: Query) -> tuple[int, int] | None:
        """Offset and limit; None for a list that is answered whole."""
        is_whole = resource.wrapping in (Wrapping.WHOLE, Wrapping.ARRAY) and query.limit is None
        if is_whole or (resource.wrapping is Wrapping.WHOLE and self._oddities.unpaged):
            return None
        return query.offset, min(DEFAULT_LIMIT if query.limit is None else query.limit, self._oddities.max_limit)

    def _wrapped(
        self,
        resource: Resource,
        ordered: list[Row],
        window: tuple[int, int] | None,
        fields: list[str],
        direction: tuple[str, bool],
    ) -> Any:
        oddities = self._oddities
        offset, limit = window or (0, len(ordered))
        page = ordered[offset : offset + limit]
        data: Any = [self._rendered(resource, row, fields) for row in page]
        is_array = resource.wrapping in (Wrapping.ARRAY, Wrapping.PAGED_ARRAY) and not oddities.enveloped_arrays
        if is_array or oddities.bare_arrays:
            return data
        if oddities.single_object and len(data) == 1:
            data = data[0]
        envelope: Row = {"data": data}
        if window is not None and not oddities.missing_has_more:
            envelope["has_more"] = offset + limit < len(ordered)
        field, is_descending = direction
        envelope["offset"] = offset
        envelope["limited"] = False if window is None else limit
        envelope["sorted"] = {field: "DESC" if is_descending else "ASC"}
        return envelope


def _ordered(rows: list[Row], key: str, field: str, is_descending: bool) -> list[Row]:
    """By the field and, where equal, by key; rows without a value come last either way."""
    by_key = sorted(rows, key=lambda row: int(row[key]), reverse=is_descending)
    valued = [row for row in by_key if not _is_missing(field_of(row, field))]
    missing = [row for row in by_key if _is_missing(field_of(row, field))]
    return [*sorted(valued, key=lambda row: field_of(row, field), reverse=is_descending), *missing]


def _is_missing(value: Any) -> bool:
    return value is None or isinstance(value, Absent)
