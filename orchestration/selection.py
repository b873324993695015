"""Which nodes of the dbt project a build has to run, and how dbt is told so.

Belongs here: pure functions over the manifest. Not here: how a build goes (`build_plan.py`), or running it
(`engine.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass
from typing import Any

from orchestration.build_plan import EVERYTHING
from orchestration.dbt_build import BUILT_ONLY
from orchestration.gate import expected_nodes

SPARK_SCHEMAS = ("seeds", "core", "marts")
"""What is built on Spark when Spark is the engine; staging and access views, and all tests, are DuckDB's."""

_ONLY_NAMED = ("--indirect-selection", "empty")
# dbt compares each name it is given with every node, 500 take nine seconds: these few words find the same.
_LEFT_ALONE = (
    "resource_type:seed",
    "path:models/access,resource_type:model",
    "path:seeds,resource_type:test,config.severity:error",
)
_ON_SPARK = (
    "resource_type:seed",
    "path:models/core,resource_type:model",
    "path:models/marts,resource_type:model",
)


@dataclass(frozen=True)
class Selection:
    """`nodes` are the unique ids that have to be reported; `arguments` have dbt run those of them that DuckDB runs."""

    arguments: tuple[str, ...]
    nodes: frozenset[str]


def left_alone(manifest: Mapping[str, Any]) -> frozenset[str]:
    """Nodes that changed rows cannot change: rules, tests of rules that passed, and views that only name tables."""
    return frozenset(
        unique_id
        for unique_id, node in manifest["nodes"].items()
        if node["resource_type"] == "seed"
        or (node["resource_type"] == "model" and node["schema"] == "access")
        or _is_passed_test_of_rules(node)
    )


def _is_passed_test_of_rules(node: Mapping[str, Any]) -> bool:
    """A test that may only warn has to go on doing so."""
    is_of_rules = node["resource_type"] == "test" and str(node["original_file_path"]).startswith("seeds/")
    return is_of_rules and str(node["config"]["severity"]).lower() == "error"


def tables_of_spark(manifest: Mapping[str, Any]) -> frozenset[str]:
    """Rules, core tables and marts: the nodes that Spark builds when it is the engine."""
    return frozenset(
        unique_id
        for unique_id in expected_nodes(manifest)
        if manifest["nodes"][unique_id]["resource_type"] in {"seed", "model"}
        and manifest["nodes"][unique_id]["schema"] in SPARK_SCHEMAS
    )


def select(
    manifest: Mapping[str, Any],
    wanted: Set[str] | None,
    mode: str = EVERYTHING,
    elsewhere: Set[str] = frozenset(),
) -> Selection:
    """What a build has to do: `wanted` by unique id, or None for the whole project.

    A build of changes leaves alone what cannot have changed; all tests of tables run in it. `elsewhere` are
    nodes that another engine builds, none of them or `tables_of_spark`: dbt is not asked for those.
    """
    everything = expected_nodes(manifest)
    if wanted is not None:
        nodes = frozenset(wanted & everything)
        names = names_of(manifest, nodes - elsewhere)
        return Selection((*BUILT_ONLY, *_ONLY_NAMED, "--select", *names), nodes)
    unchanged = frozenset[str]() if mode == EVERYTHING else left_alone(manifest)
    excluded = [] if mode == EVERYTHING else [*_LEFT_ALONE]
    excluded += [words for words in (_ON_SPARK if elsewhere else ()) if words not in excluded]
    arguments = (*BUILT_ONLY, *_ONLY_NAMED, "--exclude", *excluded) if excluded else BUILT_ONLY
    return Selection(arguments, everything - unchanged)


def names_of(manifest: Mapping[str, Any], nodes: Set[str]) -> list[str]:
    """The nodes as `--select` knows them."""
    return sorted(".".join(manifest["nodes"][unique_id]["fqn"]) for unique_id in nodes)
