"""The names of the page's blocks in the page's order, for the command line and its help; imports nothing heavy.

The first blocks are what a team's page shows unasked: what was done, and what the customers look like.
"""

from __future__ import annotations

from enum import StrEnum


class BlockName(StrEnum):
    """One block of the page, as `--block` takes it; the order is the page's."""

    TEAM = "team"
    TARGETS = "targets"
    CONVERSION = "conversion"
    RATIOS = "ratios"
    COHORTS = "cohorts"
    CONVERSION_SOURCES = "conversion-sources"
    PROJECTS = "projects"
    TASK_TYPES = "task-types"
    TASKS = "tasks"
    RATINGS = "ratings"
    RECENCY = "recency"
    RELATIONSHIPS = "relationships"
    SOURCES = "sources"
    INDUSTRIES = "industries"
    PROVINCES = "provinces"
    GENDER = "gender"
    AGES = "ages"
    INTERACTIONS = "interactions"
    CALLS = "calls"
    ORDERS = "orders"
    PRODUCTS = "products"
    CYCLE = "cycle"
    JOURNEY = "journey"
    MOVES = "moves"


FIRST_BLOCKS = (
    BlockName.TEAM,
    BlockName.TARGETS,
    BlockName.CONVERSION,
    BlockName.RATIOS,
    BlockName.TASKS,
    BlockName.RECENCY,
    BlockName.RELATIONSHIPS,
    BlockName.MOVES,
)

ALL, FIRST = "all", "first"
