"""The company's tables at the end of one night, as the shapes need them.

Belongs here: reading the source, and looking rows up. Not here: the API's names (shapes).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import date, datetime, time
from functools import cache

from orchestration.sources.base import Source, SourceError
from tests.emulator.values import Row


class Company:
    """The contract's tables of one night; rows that carry deleted_at are told apart from those that stand."""

    def __init__(self, source: Source, night: date) -> None:
        self.night = night
        self.end = datetime.combine(night, time(23, 59, 59))
        self._source = source
        # Per instance, so that a company that is no longer served is freed.
        self.all = cache(self._all)
        self.standing = cache(self._standing)
        self.by_id = cache(self._by_id)
        self.grouped = cache(self._grouped)

    def _all(self, entity: str) -> list[Row]:
        """Every row, soft-deleted ones included."""
        raw = self._source.read(entity, self.night, complete=True)
        if raw is None:
            raise SourceError(
                entity, entity, "missing", f"The emulator needs {entity}, which its source does not have."
            )
        rows: list[Row] = raw.table.to_pylist()
        return rows

    def _standing(self, entity: str) -> list[Row]:
        """The rows that are not deleted."""
        return [row for row in self.all(entity) if row.get("deleted_at") is None]

    def _by_id(self, entity: str) -> Mapping[str, Row]:
        """All rows by their first column, which is their key."""
        rows = self.all(entity)
        key = next(iter(rows[0])) if rows else ""
        return {row[key]: row for row in rows}

    def _grouped(self, entity: str, column: str, with_deleted: bool = False) -> Mapping[str, list[Row]]:
        """The standing rows, or all, by a column; a value that no row has is no key."""
        groups: dict[str, list[Row]] = defaultdict(list)
        for row in self.all(entity) if with_deleted else self.standing(entity):
            groups[row[column]].append(row)
        return dict(groups)

    def name(self, entity: str, key: str | None, column: str) -> str | None:
        """A column of the row that a reference points at; None for no reference, or one that points at nobody."""
        row = self.by_id(entity).get(key or "")
        return None if row is None else row[column]


def latest(company: Company, row: Row, key: str, *children: str) -> datetime:
    """When the row or any of its children was last changed, or deleted."""
    moments: list[datetime] = [row["updated_at"]]
    for entity in children:
        moments += [child["updated_at"] for child in company.grouped(entity, key, True).get(row[key], [])]
    return max(moments)
