"""What a block may ask a publication: rows of the people shown, under the viewer's rights, with the page's filters.

Belongs here: the one way a block queries, and what the reader asked for beside the month. Not here: any block's query.

A block is read for many pages at once, of several subjects (a person, or a team added up) and months: one query then
serves them all. A single page is the case of one subject and one month.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeVar

import duckdb

from orchestration.report.errors import PageError
from orchestration.report.months import previous_month
from orchestration.report.people import Person, bare, one_line

_T = TypeVar("_T")
Row = tuple[Any, ...]
# One page among several: whose figures, and of which month.
Key = tuple[str, date]

SHORTEST_WINDOW, LONGEST_WINDOW = 4, 84
_WINDOW = re.compile(r"([0-9]{1,6}) ?([dw]?)")


@dataclass(frozen=True)
class Member:
    """A source or a relationship that the reader picked."""

    member_id: str
    name: str


@dataclass(frozen=True)
class Asked:
    """The filters as typed; None where the reader gave none."""

    window: str | None = None
    source: str | None = None
    relationship: str | None = None


@dataclass(frozen=True)
class Filters:
    """The filters understood: days of the window that ends with as_of, and whom the customer cycle is limited to."""

    window_days: int = LONGEST_WINDOW
    source: Member | None = None
    relationship: Member | None = None


@dataclass(frozen=True)
class Readings:
    """Pages being read together: whose rows, which months, as known at the end of which day, with which filters.

    `subjects` says whose rows are added up under which name; a person may belong to several.
    """

    connection: duckdb.DuckDBPyConnection
    subjects: Mapping[str, tuple[Person, ...]]
    months: tuple[date, ...]
    as_of: date
    filters: Filters = Filters()

    @property
    def first_month(self) -> date:
        """The first of the months."""
        return min(self.months)

    @property
    def month_before(self) -> date:
        """The month before the first of the months, which that one is compared with."""
        return previous_month(self.first_month)

    @property
    def last_month(self) -> date:
        """The last of the months."""
        return max(self.months)

    def is_team(self, subject: str) -> bool:
        """Whether several people's rows are added up."""
        return len(self.subjects[subject]) > 1

    def rows(self, query: str, **values: object) -> list[Row]:
        """The rows of a query over `access` views and `asked`, the people shown: `subject`, `employee_id`."""
        pairs = [(subject, one.employee_id) for subject, people in self.subjects.items() for one in people]
        asked = {"subjects": [subject for subject, _ in pairs], "ids": [employee for _, employee in pairs]}
        return self.connection.execute(_with_asked(query), {**asked, **values}).fetchall()

    def each(self, make: Callable[[str, date], _T]) -> dict[Key, _T]:
        """What `make` makes of every subject and month."""
        return {(subject, month): make(subject, month) for subject in self.subjects for month in self.months}

    def whatever_month(self, make: Callable[[str], _T]) -> dict[Key, _T]:
        """The same for every month: what `make` makes of every subject."""
        made = {subject: make(subject) for subject in self.subjects}
        return self.each(lambda subject, _: made[subject])


@dataclass(frozen=True)
class Reading:
    """One page being read: whose rows, which month, as known at the end of which day, with which filters."""

    connection: duckdb.DuckDBPyConnection
    people: tuple[Person, ...]
    month: date
    as_of: date
    filters: Filters = Filters()

    @property
    def alone(self) -> tuple[Readings, Key]:
        """The page as the only one of several, and its key."""
        key = ("page", self.month)
        return Readings(self.connection, {key[0]: self.people}, (self.month,), self.as_of, self.filters), key


# Parallel lists: DuckDB unnests them side by side.
_ASKED = """asked as materialized (
    select unnest($subjects::varchar[]) as subject, unnest($ids::varchar[]) as employee_id
)"""


def _with_asked(query: str) -> str:
    """The query with the step `asked` before its own."""
    first, _, rest = query.strip().partition(" ")
    return f"with {_ASKED}, {rest}" if first == "with" else f"with {_ASKED} {query}"


def by_subject(rows: Iterable[Row]) -> dict[str, list[Row]]:
    """Rows by their first column, which is left out."""
    found: dict[str, list[Row]] = defaultdict(list)
    for subject, *rest in rows:
        found[subject].append(tuple(rest))
    return found


def by_month(rows: Iterable[Row]) -> dict[Key, list[Row]]:
    """Rows by their first two columns, subject and month, which are left out."""
    found: dict[Key, list[Row]] = defaultdict(list)
    for subject, month, *rest in rows:
        found[subject, month].append(tuple(rest))
    return found


def parse_window(text: str) -> int:
    """`30`, `30d` or `4w` as days; PageError, saying what is allowed, for anything else."""
    match = _WINDOW.fullmatch(text.strip().lower())
    days = int(match[1]) * (7 if match[2] == "w" else 1) if match else 0
    if not SHORTEST_WINDOW <= days <= LONGEST_WINDOW:
        raise PageError(
            f"{text!r} is no window.",
            f"A window is {SHORTEST_WINDOW} to {LONGEST_WINDOW} days, which is 12 weeks: write days, like 30, "
            "or weeks, like 4w.",
        )
    return days


def read_filters(connection: duckdb.DuckDBPyConnection, asked: Asked) -> Filters:
    """The filters by the company's own lists. PageError for a window, a source or a relationship that is none."""
    days = LONGEST_WINDOW if asked.window is None else parse_window(asked.window)
    sources = "select source_id, source_name from access.access_dim_sources order by source_name, source_id"
    relationships = (
        "select relationship_id, relationship_name from access.access_dim_relationships "
        "order by relationship_order nulls last, relationship_id"
    )
    return Filters(
        window_days=days,
        source=_choose(connection, sources, "source", asked.source),
        relationship=_choose(connection, relationships, "relationship", asked.relationship),
    )


def _choose(connection: duckdb.DuckDBPyConnection, query: str, kind: str, wanted: str | None) -> Member | None:
    """The one member meant by an id, a name or a part of a name; marks and case do not matter."""
    if wanted is None:
        return None
    members = [Member(key, one_line(name or key)) for key, name in connection.execute(query).fetchall()]
    text = bare(wanted)
    ways = (
        [member for member in members if member.member_id == wanted.strip()],
        [member for member in members if bare(member.name) == text],
        [member for member in members if text and text in bare(member.name)],
    )
    found = next((way for way in ways if way), [])
    if not found:
        raise PageError(f"There is no {kind} {wanted!r}.", f"There are: {_listed(members)}.")
    if len(found) > 1:
        raise PageError(f"{wanted!r} fits {len(found)} {kind}s: {_listed(found)}.", "Give the id, or more of the name.")
    return found[0]


def _listed(members: Sequence[Member]) -> str:
    return ", ".join(
        member.name if member.name == f"({member.member_id})" else f"{member.name} ({member.member_id})"
        for member in members
    )
