"""Which figure of a block opens which rows.

Belongs here: the way from a table's cell to a list and the value its rows must have. Not here: the rows (`rows.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from orchestration.report.block_names import BlockName


@dataclass(frozen=True)
class Way:
    """Rows of `list_name` whose `field` has one of `values`; all of them without a field.

    What they come to is the figure: `adds` added up, or their number without it.
    """

    list_name: str
    field: str | None = None
    values: tuple[str, ...] = ()
    adds: str | None = None


@dataclass(frozen=True)
class Drill:
    """Cells of one column of a block's table, by what their rows stand for (`Table.keys`).

    `of_key` is the way of every row, with the row's key as the value; `ways` are those of single keys and go first.
    """

    table: int
    column: int
    of_key: Way | None = None
    ways: Mapping[str, Way] = field(default_factory=dict)
    # Only the last day of the block is of now, as the customers' rows are.
    only_as_of: bool = False


_COUNTED = ("counted",)
_NET = ("counted", "returned")

DRILLS: Mapping[BlockName, tuple[Drill, ...]] = {
    BlockName.CONVERSION: (
        Drill(
            0,
            1,
            ways={
                "new_customers": Way("created"),
                "interactions": Way("interactions"),
                "activities": Way("tasks"),
                "orders": Way("orders", "kind", _COUNTED),
                "returns": Way("orders", "kind", ("returned",)),
                "pending_orders": Way("orders", "kind", ("pending",)),
                "revenue_amount": Way("orders", "kind", _NET, adds="amount"),
                "sales_amount": Way("orders", "kind", _NET, adds="sales"),
                "collected_amount": Way("payments", adds="amount"),
            },
        ),
    ),
    BlockName.PROJECTS: (Drill(0, 1, Way("tasks", "project_id")),),
    BlockName.TASK_TYPES: (Drill(0, 1, Way("tasks", "type_id")),),
    BlockName.TASKS: (
        Drill(0, 1, Way("tasks", "state"), ways={"completed_late": Way("tasks", "is_late", ("completed_late",))}),
    ),
    BlockName.RECENCY: (Drill(0, 1, Way("customers", "bucket")),),
    BlockName.RELATIONSHIPS: (Drill(0, -1, Way("customers", "relationship_id"), only_as_of=True),),
    BlockName.SOURCES: (Drill(0, 1, Way("customers", "source_ids")),),
    BlockName.INDUSTRIES: (Drill(0, 1, Way("customers", "industry_ids")),),
    BlockName.PROVINCES: (Drill(0, 1, Way("customers", "province_id")),),
    BlockName.GENDER: (Drill(0, 1, Way("customers", "gender")),),
    BlockName.AGES: (Drill(0, 1, Way("customers", "age")),),
    BlockName.INTERACTIONS: (Drill(0, 1, Way("interactions", "type")),),
    BlockName.ORDERS: (
        Drill(0, 1, Way("orders", "kind")),
        Drill(0, 2, Way("orders", "kind", adds="amount"), ways={"net": Way("orders", "kind", _NET, adds="amount")}),
    ),
    BlockName.PRODUCTS: (Drill(0, 4, Way("lines", "product_id", adds="revenue")),),
    BlockName.JOURNEY: (Drill(0, 1, Way("customers", "relationship_id")),),
    BlockName.MOVES: (Drill(0, 2, Way("moves", "pair_key")),),
}
