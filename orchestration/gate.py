"""The gate: whether a dbt run did everything it was asked to do, judged from `run_results.json` alone.

Belongs here: pure functions over dbt's artifacts. Not here: running dbt, or emitting Dagster events. dbt and Dagster
can both end green with nothing built, so success is what this file says: every selected node is there, each one
passed, and there was at least one.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass, replace
from typing import Any

_DONE = frozenset({"success", "pass"})
_TOLERATED = frozenset({"warn"})
_BUILT_TYPES = frozenset({"model", "seed", "snapshot"})


@dataclass(frozen=True)
class NodeProblem:
    """One node that keeps the gate shut. `rows` is how many failing rows a test found, if it says so; `words` are
    sentences that say it better than dbt's message, where somebody has them."""

    unique_id: str
    status: str
    message: str
    rows: int | None = None
    words: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The node's name without its type and project, as in `--select`."""
        parts = self.unique_id.split(".")
        return parts[2] if len(parts) > 2 else self.unique_id

    def lines(self) -> tuple[str, ...]:
        """What to show of it: its sentences, else its name, how it ended, and dbt's own message."""
        return self.words or (f"{self.name}: {self.status}: {self.message}",)


@dataclass(frozen=True)
class GateReport:
    """What came out: counts of what passed, and every problem. The gate is open only when there is no problem."""

    built: int
    tests: int
    warnings: tuple[NodeProblem, ...]
    problems: tuple[NodeProblem, ...]

    @property
    def is_open(self) -> bool:
        """Whether the run may go on towards publishing."""
        return not self.problems

    def explained(self, words: Mapping[str, tuple[str, ...]]) -> GateReport:
        """The same report with sentences for the nodes that have some, by unique id."""

        def say(problems: tuple[NodeProblem, ...]) -> tuple[NodeProblem, ...]:
            return tuple(replace(problem, words=words.get(problem.unique_id, ())) for problem in problems)

        return replace(self, warnings=say(self.warnings), problems=say(self.problems))

    def describe(self, limit: int = 20) -> str:
        """The problems as lines: what, how, and dbt's own message; skipped nodes are counted, not listed."""
        causes = [problem for problem in self.problems if problem.status != "skipped"]
        skipped = len(self.problems) - len(causes)
        lines = [line for problem in causes[:limit] for line in problem.lines()]
        if len(causes) > limit:
            lines.append(f"and {len(causes) - limit} more")
        if skipped:
            lines.append(f"{skipped} node(s) skipped because of these")
        return "\n".join(lines)


def expected_nodes(manifest: Mapping[str, Any]) -> frozenset[str]:
    """The unique ids a whole `dbt build` without unit tests has to report: models, seeds, snapshots and data tests."""
    return frozenset(
        unique_id
        for unique_id, node in manifest["nodes"].items()
        if (node["resource_type"] in _BUILT_TYPES or node["resource_type"] == "test")
        and node["config"].get("materialized") != "ephemeral"
        and node["config"].get("enabled", True)
    )


def _problem(result: Mapping[str, Any]) -> NodeProblem:
    return NodeProblem(
        unique_id=result["unique_id"],
        status=str(result["status"]),
        message=" ".join(str(result.get("message") or "no message").split()),
        rows=result.get("failures"),
    )


def stopped(problem: str) -> GateReport:
    """dbt ended without results, or after good ones: its database may not hold what it reports."""
    return GateReport(0, 0, (), (NodeProblem("run", "stopped", f"dbt stopped: {problem}"),))


def judge(expected: Set[str], run_results: Mapping[str, Any] | None) -> GateReport:
    """Compare what dbt reports with what it had to do. `run_results` is None when dbt left none behind."""
    nothing = NodeProblem("run", "nothing done", "dbt reported no node at all; is the selection empty?")
    if run_results is None:
        missing_file = NodeProblem("run", "no result", "dbt left no run_results.json; it stopped before the first node")
        return GateReport(0, 0, (), (missing_file,))
    results = {result["unique_id"]: result for result in run_results["results"]}
    passed = {unique_id for unique_id, result in results.items() if result["status"] in _DONE | _TOLERATED}
    problems = [_problem(result) for unique_id, result in results.items() if unique_id not in passed]
    problems += [
        NodeProblem(unique_id, "missing", "was to run, and dbt reports nothing about it")
        for unique_id in sorted(expected - results.keys())
    ]
    problems += [
        NodeProblem(unique_id, "unknown", "ran, but is not in the loaded manifest; reload the definitions")
        for unique_id in sorted(results.keys() - expected)
    ]
    if not expected or not results:
        problems.append(nothing)
    tests = {unique_id for unique_id in passed if unique_id.startswith("test.")}
    return GateReport(
        built=len(passed) - len(tests),
        tests=len(tests),
        warnings=tuple(_problem(result) for result in results.values() if result["status"] in _TOLERATED),
        problems=tuple(problems),
    )
