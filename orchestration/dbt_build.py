"""One `dbt build`, run to its end and judged: what a night, a backfill and a build aside have in common.

Belongs here: running dbt in its worker, and reading what it left behind. Not here: where the build takes place and what
becomes of it (`engine.py`, `aside.py`), or Dagster's events.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

from orchestration.bi.affected import dashboards_behind
from orchestration.dbt_run import DBT_PROJECT_DIR, DbtWorker, dbt_arguments, failing_rows, read_run_results
from orchestration.gate import GateReport, NodeProblem, judge, stopped
from orchestration.progress import BuildSummary, Progress
from orchestration.rules.explain import ADVICE, explanations
from orchestration.serving.sql import identifier

BUILT_ONLY = ("--exclude-resource-type", "unit_test", "--exclude-resource-type", "exposure")
"""Unit tests are left to the test command: they test code, not a company's data. Exposures are nothing to build."""


@dataclass(frozen=True)
class BuildPlace:
    """Where one build happens: the database dbt writes, the folder for dbt's own files, and dbt's environment."""

    warehouse_path: Path
    target: Path
    environment: Mapping[str, str]


@dataclass(frozen=True)
class DbtBuild:
    """How a build came out. `results` and `rows` (of failed tests) are by unique id; `problem` is why dbt stopped."""

    report: GateReport
    results: Mapping[str, Mapping[str, Any]]
    rows: Mapping[str, Sequence[Mapping[str, str]]]
    words: Mapping[str, tuple[str, ...]]
    problem: str | None


def run_build(
    worker: DbtWorker,
    place: BuildPlace,
    manifest: Mapping[str, Any],
    expected: frozenset[str],
    arguments: Sequence[str],
    progress: Progress,
    basis: str = "",
    elsewhere: Mapping[str, Mapping[str, Any]] | None = None,
) -> DbtBuild:
    """Build, judge against the nodes that were `expected`, and tell the listener; `basis` says what it is built from.

    `elsewhere` are the results of nodes that another engine has built already. Raises DbtError when dbt cannot run at
    all; a failed model or test is in the report.
    """
    drop_switched_off(place.warehouse_path, manifest)
    run_results_path = place.target / "run_results.json"
    run_results_path.unlink(missing_ok=True)  # A file left by an earlier run must not vouch for this one.
    problem = worker.run(dbt_arguments("build", place.target, arguments), place.environment, progress.node_finished)
    run_results = read_run_results(run_results_path)
    if run_results is not None and elsewhere:
        run_results = {"results": parents_first(manifest, [*elsewhere.values(), *run_results["results"]])}
    return settle_build(place.warehouse_path, manifest, expected, run_results, problem, progress, basis)


def settle_build(
    warehouse_path: Path,
    manifest: Mapping[str, Any],
    expected: frozenset[str],
    run_results: Mapping[str, Any] | None,
    problem: str | None,
    progress: Progress,
    basis: str,
) -> DbtBuild:
    """Judge what dbt left behind and tell the listener. `problem` is why dbt stopped, where it says so itself."""
    report = judge(expected, run_results)
    if problem is not None and (report.is_open or run_results is None):
        report = stopped(problem)
    results = {result["unique_id"]: result for result in (run_results or {"results": []})["results"]}
    # Where nothing ran, the database itself may be what is wrong, and dbt's word on it is the better one.
    rows = failing_rows(warehouse_path, results.values()) if report.built else {}
    words = explanations(manifest, results.values(), rows, DBT_PROJECT_DIR)
    report = report.explained(words)
    waiting = dashboards_behind(manifest, (problem.unique_id for problem in report.problems))
    progress.built(summarize(report, rows, basis, waiting))
    return DbtBuild(report, results, rows, words, problem)


def parents_first(manifest: Mapping[str, Any], results: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Results of several runs in an order in which everything follows what it is made from, as dbt's own do."""
    by_node = {result["unique_id"]: result for result in results}
    parents = {node: manifest["nodes"].get(node, {}).get("depends_on", {}).get("nodes", ()) for node in by_node}
    return [by_node[node] for node in TopologicalSorter(parents).static_order() if node in by_node]


def drop_switched_off(warehouse_path: Path, manifest: Mapping[str, Any]) -> None:
    """Drop the tables and views of disabled models, which dbt leaves as they last were and would be published so."""
    import duckdb

    wanted = {
        (str(node["schema"]), str(node["name"]))
        for nodes in manifest.get("disabled", {}).values()
        for node in nodes
        if node["resource_type"] == "model"
    }
    if not wanted or not warehouse_path.exists():
        return
    with duckdb.connect(warehouse_path) as connection:
        standing = connection.execute(
            "select 'view', schema_name, view_name from duckdb_views() where not internal "
            "union all select 'table', schema_name, table_name from duckdb_tables() order by all desc"
        ).fetchall()
        for kind, schema, name in standing:
            if (schema, name) in wanted:
                connection.execute(f"drop {kind} {identifier(schema, name)}")


def summarize(
    report: GateReport,
    rows: Mapping[str, Sequence[Mapping[str, str]]],
    basis: str = "",
    waiting: Sequence[str] = (),
) -> BuildSummary:
    """The gate's report as a listener hears it, each failed test with its first rows.

    `waiting` are the dashboards made of what failed: they go on showing the last publication, as everything does.
    """
    problems = report.describe().splitlines()
    if any(problem.words for problem in report.problems):
        problems.append(ADVICE)
    for problem in report.problems:
        if problem.words:
            continue
        problems += [
            f"  row of {problem.name}: " + ", ".join(f"{name} {value}" for name, value in row.items())
            for row in rows.get(problem.unique_id, ())
        ]
    if waiting:
        problems.append(f"Dashboards made of this, which go on showing the last publication: {', '.join(waiting)}")
    return BuildSummary(
        built=report.built,
        tests=report.tests,
        warnings=tuple(line for warning in report.warnings for line in _warning_lines(warning)),
        problems=tuple(problems),
        basis=basis,
    )


def _warning_lines(problem: NodeProblem) -> tuple[str, ...]:
    return problem.words or (f"{problem.name}: {problem.message}",)
