"""What dbt is told to run is what the gate then asks for: the few words of the command line find the same nodes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Set
from pathlib import Path
from typing import Any

import pytest

from orchestration.build_plan import CHANGES, EVERYTHING
from orchestration.dbt_run import DBT_PROJECT_DIR, dbt_environment
from orchestration.gate import expected_nodes
from orchestration.selection import Selection, left_alone, select, tables_of_spark
from orchestration.settings import Settings
from tests.support.dbt_server import ask_dbt

PART = frozenset(
    {"model.kpi_warehouse.fct_funnel", "model.kpi_warehouse.access_fct_funnel", "seed.kpi_warehouse.labels"}
)


def _found_by_dbt(home: Path, selection: Selection) -> set[str]:
    arguments = [
        *("--quiet", "--no-version-check", "ls", "--output", "json", "--output-keys", "unique_id"),
        *selection.arguments,
        *("--project-dir", str(DBT_PROJECT_DIR), "--profiles-dir", str(DBT_PROJECT_DIR)),
        *("--target-path", str(home / "target"), "--log-path", str(home / "logs")),
    ]
    answer = ask_dbt(DBT_PROJECT_DIR, arguments, dbt_environment(Settings(home=home, publish_contacts=True)))
    assert answer.exit_code == 0, answer.output
    listed = (json.loads(line)["unique_id"] for line in answer.output.splitlines() if line.startswith("{"))
    return {unique_id for unique_id in listed if unique_id.split(".")[0] in {"model", "seed", "test"}}


@pytest.mark.parametrize(
    ("wanted", "mode", "is_on_spark"),
    [(None, CHANGES, False), (None, EVERYTHING, True), (None, CHANGES, True), (PART, EVERYTHING, True)],
)
def test_dbt_runs_what_is_asked_for(
    manifest: Mapping[str, Any], tmp_path: Path, mode: str, wanted: Set[str] | None, *, is_on_spark: bool
) -> None:
    elsewhere = tables_of_spark(manifest) if is_on_spark else frozenset[str]()
    selection = select(manifest, wanted, mode, elsewhere)
    assert _found_by_dbt(tmp_path, selection) == selection.nodes - elsewhere


def test_a_build_of_changes_leaves_rules_and_views_alone_and_no_table(manifest: Mapping[str, Any]) -> None:
    everything = select(manifest, None, EVERYTHING).nodes
    assert everything == expected_nodes(manifest)
    assert everything - select(manifest, None, CHANGES).nodes == left_alone(manifest)
    alone = {manifest["nodes"][node]["schema"] for node in left_alone(manifest) if node.startswith("model.")}
    assert alone == {"access"}


def test_spark_builds_every_rule_core_table_and_mart(manifest: Mapping[str, Any]) -> None:
    folders = {
        (manifest["nodes"][node]["resource_type"], manifest["nodes"][node]["original_file_path"].split("/")[1])
        for node in tables_of_spark(manifest)
        if node.startswith("model.")
    }
    assert folders == {("model", "core"), ("model", "marts")}
    not_on_spark = {
        manifest["nodes"][node]["original_file_path"].split("/")[1]
        for node in expected_nodes(manifest) - tables_of_spark(manifest)
        if node.startswith("model.")
    }
    assert not_on_spark == {"staging", "access"}
    seeds = {node for node in expected_nodes(manifest) if node.startswith("seed.")}
    assert seeds <= tables_of_spark(manifest)
