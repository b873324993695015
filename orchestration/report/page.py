"""One KPI page as plain data: whose, which month, from which publication, and the figures of its blocks.

Reads the `access` views, the viewer's own scope and the publication's row; nothing else, and never the marts behind
the views. A block's figures belong in `blocks/`; what a number means is decided in the models.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TypeVar

from orchestration.report.block import Block
from orchestration.report.block_names import BlockName
from orchestration.report.blocks import BLOCKS, choose_blocks
from orchestration.report.errors import PageError
from orchestration.report.months import month_end, parse_month
from orchestration.report.people import Person, Viewer, choose_person, read_viewer
from orchestration.report.publication import Publication, open_publication, read_publication
from orchestration.report.reading import Asked, Reading, read_filters

_B = TypeVar("_B", bound=Block)

_FILTERED: dict[str, tuple[BlockName, ...]] = {
    "window": (BlockName.CYCLE, BlockName.JOURNEY),
    "source": (BlockName.CYCLE,),
    "relationship": (BlockName.CYCLE,),
}


@dataclass(frozen=True)
class Page:
    """Everything a KPI page shows; every figure is over `subjects`.

    `others` are blocks it could show as well; `is_whole` says that it shows all because nobody chose.
    """

    publication: Publication
    viewer: Viewer
    subjects: tuple[Person, ...]
    month: date
    blocks: tuple[Block, ...]
    others: tuple[BlockName, ...] = field(default=())
    is_whole: bool = False

    @property
    def is_team(self) -> bool:
        """Whether several people's figures are added up."""
        return len(self.subjects) > 1

    @property
    def month_end(self) -> date:
        """The last day of the month."""
        return month_end(self.month)

    def block(self, kind: type[_B]) -> _B:
        """The page's block of a kind; LookupError when the page does not show it."""
        for block in self.blocks:
            if isinstance(block, kind):
                return block
        raise LookupError(f"the page has no block {kind.name}")


def load_page(
    marts_path: Path,
    viewer_email: str,
    employee: str | None = None,
    month: str | None = None,
    blocks: Sequence[str] = (),
    asked: Asked | None = None,
) -> Page:
    """The page of `employee`, or of everybody the viewer may see, for a month like `2026-03`.

    Without a month, the month of the publication's `as_of`; without blocks, those `choose_blocks` finds fit. Raises
    PageError when there is no publication, the viewer may see nobody, the month is none, `employee` fits no visible
    person or several, a block or a filter is unknown, or a filter is given for blocks that are not shown.
    """
    viewer_email = viewer_email.strip()
    asked = asked or Asked()
    wanted = parse_month(month) if month is not None else None
    with open_publication(marts_path, viewer_email) as connection:
        publication = read_publication(connection)
        viewer = read_viewer(connection, viewer_email)
        subjects = viewer.people if employee is None else (choose_person(viewer.people, employee),)
        kinds = choose_blocks(blocks, is_team=len(subjects) > 1)
        _refuse_idle_filters(asked, [kind.name for kind in kinds])
        reading = Reading(
            connection=connection,
            people=subjects,
            month=wanted or publication.as_of.replace(day=1),
            as_of=publication.as_of,
            filters=read_filters(connection, asked),
        )
        shown = tuple(kind.read(reading) for kind in kinds)
    return Page(
        publication=publication,
        viewer=viewer,
        subjects=subjects,
        month=reading.month,
        blocks=shown,
        others=_others(blocks, kinds, is_team=len(subjects) > 1),
        is_whole=not blocks and len(subjects) == 1,
    )


def _refuse_idle_filters(asked: Asked, shown: Sequence[BlockName]) -> None:
    """A filter that changes nothing on the page would mislead."""
    for option, names in _FILTERED.items():
        if getattr(asked, option) is not None and not set(names) & set(shown):
            raise PageError(
                f"--{option} changes nothing here: it is for {' and '.join(names)}, which the page does not show.",
                f"Add {' '.join(f'--block {name}' for name in names)}.",
            )


def _others(asked: Sequence[str], shown: Sequence[type[Block]], *, is_team: bool) -> tuple[BlockName, ...]:
    """The blocks that a page nobody chose the blocks of leaves out."""
    if set(asked) & set(BlockName):
        return ()
    return tuple(name for name, kind in BLOCKS.items() if kind not in shown and (is_team or name is not BlockName.TEAM))
