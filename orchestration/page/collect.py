"""Everything one viewer's file holds: the blocks of every person and month, and the rows behind them.

Belongs here: whose and which months. Not here: a block's figures (`report/blocks`), rows (`rows.py`), JSON.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb

from orchestration.page.rows import Listed, read_lists
from orchestration.report.block import Block
from orchestration.report.block_names import BlockName
from orchestration.report.blocks import BLOCKS
from orchestration.report.months import months_back, next_month, parse_month
from orchestration.report.people import Person, Viewer, choose_person, read_viewer
from orchestration.report.publication import Publication, open_publication, read_publication
from orchestration.report.reading import Key, Readings
from orchestration.serving.reading import look_as

MOST_MONTHS = 24
# No employee has this id: the contract's ids are stripped, and an empty one is none.
TEAM = ""


@dataclass(frozen=True)
class Collected:
    """A viewer's pages. `subjects` is the team first where there is one, then each person; `months` oldest first.

    `month` is the one to open with.
    """

    publication: Publication
    viewer: Viewer
    subjects: Mapping[str, tuple[Person, ...]]
    months: tuple[date, ...]
    month: date
    blocks: Mapping[BlockName, Mapping[Key, Block]]
    lists: Mapping[str, Listed]

    def is_team(self, subject: str) -> bool:
        """Whether several people's figures are added up."""
        return len(self.subjects[subject]) > 1

    def blocks_of(self, subject: str, month: date) -> list[Block]:
        """One page's blocks, in the page's order; a person is no team."""
        return [
            pages[subject, month]
            for name, pages in self.blocks.items()
            if name is not BlockName.TEAM or self.is_team(subject)
        ]


def collect(marts_path: Path, viewer_email: str, employee: str | None = None, month: str | None = None) -> Collected:
    """The pages of everybody the viewer may see, or of `employee` alone, for the last months.

    Raises PageError as `load_page` does.
    """
    with open_publication(marts_path) as connection:
        return collect_from(connection, viewer_email, employee, month)


def collect_from(
    connection: duckdb.DuckDBPyConnection, viewer_email: str, employee: str | None = None, month: str | None = None
) -> Collected:
    """The same from a publication that is open already, for whomever it was used before."""
    viewer_email = viewer_email.strip()
    wanted = parse_month(month) if month is not None else None
    look_as(connection, viewer_email)
    publication = read_publication(connection)
    viewer = read_viewer(connection, viewer_email)
    people = viewer.people if employee is None else (choose_person(viewer.people, employee),)
    subjects = {TEAM: people} if len(people) > 1 else {}
    subjects |= {person.employee_id: (person,) for person in people}
    now = publication.as_of.replace(day=1)
    everybody = Readings(connection, {TEAM: people}, (now,), publication.as_of)
    months = choose_months(now, wanted, _first_month(everybody))
    readings = Readings(connection, subjects, months, publication.as_of)
    return Collected(
        publication=publication,
        viewer=viewer,
        subjects=subjects,
        months=months,
        month=wanted or now,
        blocks={name: kind.read_all(readings) for name, kind in BLOCKS.items()},
        lists=read_lists(readings, TEAM),
    )


def choose_months(now: date, wanted: date | None, first_known: date | None) -> tuple[date, ...]:
    """The last 24 months that are known, oldest first; a wanted one outside them is the last of 24."""
    usual = [months_back(now, back) for back in range(MOST_MONTHS)]
    last = now if wanted is None or wanted in usual else wanted
    months = [months_back(last, back) for back in range(MOST_MONTHS)]
    known = [month for month in months if first_known is not None and month >= first_known]
    return tuple(sorted({*known, wanted or now}))


def _first_month(readings: Readings) -> date | None:
    """The first month in which one of the people has a row of the conversion."""
    rows = readings.rows(
        """
        select min(funnel.month_date)
        from access.access_fct_funnel as funnel
        inner join asked on funnel.employee_id = asked.employee_id
        where funnel.month_date < $end
        """,
        end=next_month(readings.as_of),
    )
    first: date | None = rows[0][0]
    return first
