"""The blocks of the page, one file for each or for a few that share their figures.

Belongs here: a block's figures, its queries over `access` views and its drawing; and below, the list of all of them.
Does not: computing a KPI (the models do), or words (`labels.py`).
"""

from __future__ import annotations

from collections.abc import Sequence

from orchestration.report.block import Block
from orchestration.report.block_names import ALL, FIRST, FIRST_BLOCKS, BlockName
from orchestration.report.blocks.activities import Projects, TaskTypes
from orchestration.report.blocks.calls import Calls
from orchestration.report.blocks.cohorts import Cohorts
from orchestration.report.blocks.conversion import Conversion, Ratios
from orchestration.report.blocks.cycle import Cycle
from orchestration.report.blocks.interactions import Interactions
from orchestration.report.blocks.journey import Journey
from orchestration.report.blocks.orders import Orders
from orchestration.report.blocks.persons import Ages, Gender
from orchestration.report.blocks.products import Products
from orchestration.report.blocks.provinces import Provinces
from orchestration.report.blocks.recency import Recency
from orchestration.report.blocks.relationships import Moves, Relationships
from orchestration.report.blocks.sources import ConversionSources, Industries, Sources
from orchestration.report.blocks.targets import Targets
from orchestration.report.blocks.tasks import Ratings, Tasks
from orchestration.report.blocks.team import Team
from orchestration.report.errors import PageError

_KINDS: tuple[type[Block], ...] = (
    Ages,
    Calls,
    Cohorts,
    Conversion,
    ConversionSources,
    Cycle,
    Gender,
    Industries,
    Interactions,
    Journey,
    Moves,
    Orders,
    Products,
    Projects,
    Provinces,
    Ratings,
    Ratios,
    Recency,
    Relationships,
    Sources,
    Targets,
    TaskTypes,
    Tasks,
    Team,
)

# Every block under its name, in the page's order.
BLOCKS: dict[BlockName, type[Block]] = {name: kind for name in BlockName for kind in _KINDS if kind.name is name}


def choose_blocks(asked: Sequence[str], *, is_team: bool) -> tuple[type[Block], ...]:
    """The blocks a page shows, each once, in the page's order.

    Unasked, one person's page shows all and a team's the first ones. PageError for a name that no block has.
    """
    names = [name.strip().lower() for name in asked] or [FIRST if is_team else ALL]
    wanted: set[str] = set()
    for name in names:
        if name == ALL:
            wanted.update(BlockName)
        elif name == FIRST:
            wanted.update(FIRST_BLOCKS)
        elif name in set(BlockName):
            wanted.add(name)
        else:
            raise PageError(
                f"The page has no block {name!r}.", f"Its blocks are: {', '.join(BlockName)}; or {ALL}, or {FIRST}."
            )
    if not is_team and not {BlockName.TEAM.value} & set(names):
        wanted.discard(BlockName.TEAM)
    return tuple(kind for name, kind in BLOCKS.items() if name in wanted)
