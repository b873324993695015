"""What happens to the data while somebody pages through it.

Belongs here: the one insert, delete and edit per list, and remembering them. Once a change has happened it stays, so a
client that reads again finds it. Not here: when a list is asked for (listing).
"""

from __future__ import annotations

from datetime import datetime

from tests.emulator.oddities import Oddities
from tests.emulator.resources import Resource
from tests.emulator.values import Row


class Interference:
    """The changes of one night; each happens when the second page of its list is asked for."""

    def __init__(self, oddities: Oddities, at: datetime) -> None:
        self._oddities = oddities
        self._at = at
        self._disturbed: set[str] = set()
        self._deleted: dict[str, set[int]] = {}
        self._edited: dict[str, set[int]] = {}

    def seen(self, resource: Resource, rows: list[Row]) -> list[Row]:
        """The rows as they stand now."""
        deleted = self._deleted.get(resource.name, set())
        edited = self._edited.get(resource.name, set())
        if not deleted and not edited:
            return rows
        return [
            {**row, "updated_at": self._at} if int(row[resource.key]) in edited and "updated_at" in row else row
            for row in rows
            if int(row[resource.key]) not in deleted
        ]

    def before_insert(self, resource: Resource, listing: str, ordered: list[Row]) -> list[Row]:
        """The rows of a first page that others follow: without the newest one while it has not appeared yet."""
        if not self._oddities.insert_between_pages or listing in self._disturbed:
            return ordered
        newest = max(int(row[resource.key]) for row in ordered)
        return [row for row in ordered if int(row[resource.key]) != newest]

    def disturb(self, resource: Resource, listing: str, ordered: list[Row]) -> bool:
        """Let happen what is due; whether anything did."""
        oddities = self._oddities
        # An insert is due, too, though all it takes is to be remembered.
        is_due = oddities.insert_between_pages or oddities.delete_between_pages or oddities.edit_between_pages
        if not is_due or listing in self._disturbed:
            return False
        self._disturbed.add(listing)
        if ordered and oddities.delete_between_pages:
            self._deleted.setdefault(resource.name, set()).add(int(ordered[0][resource.key]))
        if ordered and oddities.edit_between_pages:
            self._edited.setdefault(resource.name, set()).add(int(ordered[-1][resource.key]))
        return True

    def deleted(self, resource: Resource) -> frozenset[int]:
        """Which records were deleted in this way."""
        return frozenset(self._deleted.get(resource.name, ()))
