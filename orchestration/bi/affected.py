"""Which dashboards wait for a node of dbt's graph, or read one of some marts.

Belongs here: walking dbt's manifest from nodes to the exposures made of them; looking through the dashboards' tables.
Not here: whether a run may be published (`orchestration/gate.py`): nothing is, while any node fails.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any


def dashboards_behind(manifest: Mapping[str, Any], unique_ids: Iterable[str]) -> tuple[str, ...]:
    """The labels of the dashboards that read what these nodes build, test, or are the source of, in their order.

    Nodes that the manifest does not know have none. A test stands for the tables it looks at.
    """
    children: Mapping[str, list[str]] = manifest["child_map"]
    parents: Mapping[str, list[str]] = manifest["parent_map"]
    ahead = [
        node
        for unique_id in unique_ids
        for node in ([unique_id] if not unique_id.startswith("test.") else parents.get(unique_id, []))
    ]
    seen: set[str] = set()
    while ahead:
        node = ahead.pop()
        if node not in seen:
            seen.add(node)
            ahead += children.get(node, [])
    return tuple(str(item["label"]) for unique_id, item in manifest["exposures"].items() if unique_id in seen)


def dashboards_reading(marts: Iterable[str]) -> tuple[str, ...]:
    """The titles of the dashboards that read one of these marts, in their order."""
    # Nights without such marts do not read the dashboards.
    from orchestration.bi.definition import read_dashboards
    from orchestration.bi.exposures import marts_of

    looked_for = set(marts)
    return tuple(board.title.en for board in read_dashboards() if looked_for.intersection(marts_of(board)))
