"""Several sources as one: each entity comes from those that are named for it.

Belongs here: putting parts together. Not here: reading any of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

import pyarrow as pa

from orchestration.contract import contract
from orchestration.sources.base import BatchKind, PastNights, RawTable, Source, SourceError


class CombinedSource:
    """One source under the name of the first; `parts` names the sources of an entity, in that order.

    An entity that is not named comes from the first source that has it.
    """

    def __init__(self, sources: Sequence[Source], parts: Mapping[str, Sequence[str]]) -> None:
        """Raises ValueError when `parts` names an entity or a source that is not there."""
        self._sources = {source.name: source for source in sources}
        self._parts = parts
        for entity, names in parts.items():
            if entity not in contract().entities:
                raise ValueError(f"{entity} is no entity of the contract; docs/contract.md lists them")
            for name in names:
                if name not in self._sources:
                    raise ValueError(f"{entity}: there is no source {name}; it is {' or '.join(self._sources)}")

    @property
    def name(self) -> str:
        """Folder name of its batches."""
        return next(iter(self._sources))

    def read(self, entity: str, night: date, complete: bool = False) -> RawTable | None:
        """The rows of all parts; None when none has any. Complete only when every part is.

        Raises SourceError when a part that is named does not deliver, or two parts deliver the same key.
        """
        if entity not in self._parts:
            found = (source.read(entity, night, complete) for source in self._sources.values())
            return next((raw for raw in found if raw is not None), None)
        raws = [(name, self._sources[name].read(entity, night, complete)) for name in self._parts[entity]]
        missing = [name for name, raw in raws if raw is None]
        if missing:
            raise SourceError(
                entity,
                entity,
                "missing",
                f"{entity} is to come from {' and '.join(self._parts[entity])}, and {', '.join(missing)} has none for "
                f"{night}. Deliver it (a file with its header alone is an empty part), or change KPI_COMBINE.",
            )
        return _together(entity, [raw for _, raw in raws if raw is not None])

    def nights_between(self, first: date, last: date) -> list[date] | None:
        """The nights that every part can still give; None where one knows its present state only."""
        nights: set[date] | None = None
        for source in self._sources.values():
            given = source.nights_between(first, last) if isinstance(source, PastNights) else None
            if given is None:
                return None
            nights = set(given) if nights is None else nights & set(given)
        return sorted(nights or ())


def _together(entity: str, raws: Sequence[RawTable]) -> RawTable:
    if len(raws) == 1:
        return raws[0]
    for raw in raws[1:]:
        if raw.kind is BatchKind.DELTA:
            raise SourceError(
                entity,
                raw.input_name,
                "delta_part",
                f"{raw.input_name} holds changes only; beside another source it has to hold all rows, every night.",
            )
    _refuse_shared_keys(entity, raws)
    kinds = {raw.kind for raw in raws}
    return RawTable(
        entity,
        BatchKind.COMPLETE if kinds == {BatchKind.COMPLETE} else BatchKind.DELTA,
        pa.concat_tables([_as_text(raw.table) for raw in raws], promote_options="default"),
        pa.concat_arrays([_one_array(raw.row_numbers) for raw in raws]),
        " and ".join(raw.input_name for raw in raws),
        tuple(row for raw in raws for row in raw.rejected),
    )


def _one_array(numbers: pa.Array | pa.ChunkedArray) -> pa.Array:
    return numbers.combine_chunks() if isinstance(numbers, pa.ChunkedArray) else numbers


def _as_text(table: pa.Table) -> pa.Table:
    """As a CSV file would hold it: parts of different formats have different types for the same column."""
    columns = {}
    for name in table.column_names:
        column = table[name]
        if pa.types.is_list(column.type):
            rows = [None if row is None else ";".join(map(str, row)) for row in column.to_pylist()]
            columns[name] = pa.chunked_array([pa.array(rows, pa.string())])
        else:
            columns[name] = column.cast(pa.string())
    return pa.table(columns)


def _refuse_shared_keys(entity: str, raws: Sequence[RawTable]) -> None:
    """One id that means two things would make one row of two."""
    key = contract()[entity].key
    seen: dict[tuple[str, ...], str] = {}
    for raw in raws:
        if any(name not in raw.table.column_names for name in key):
            continue
        for row in zip(*(raw.table[name].to_pylist() for name in key), strict=True):
            one = tuple(str(part).strip() for part in row)
            if seen.setdefault(one, raw.input_name) != raw.input_name:
                raise SourceError(
                    entity,
                    raw.input_name,
                    "shared_key",
                    f"{entity} {', '.join(one)} is in {seen[one]} and in {raw.input_name}. Give the rows of one of "
                    "them other ids, for example with a letter in front.",
                )
