"""Runs dbt on Spark: a process of the environment that has both, for one command.

Belongs here: how that process is started, heard and ended, and what it left behind. Not here: what runs in it
(`spark_worker.py`), or how the build goes (`spark_plan.py`).
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from orchestration.build_plan import EVERYTHING
from orchestration.dbt_run import (
    DbtError,
    NodeListener,
    dbt_arguments,
    dbt_environment,
    parse_from_here,
    read_run_results,
)
from orchestration.gate import judge
from orchestration.settings import PROJECT_DIR, Settings
from orchestration.spark_plan import spark_target

_STAGING = "path:models/staging"


@dataclass(frozen=True)
class SparkBuild:
    """What dbt says of every node it ran on Spark, by unique id, and why it stopped where it did."""

    results: Mapping[str, Mapping[str, Any]]
    problem: str | None

    def is_good(self, expected: Set[str]) -> bool:
        """Whether these nodes were built, and nothing else failed either."""
        report = judge(expected | self.results.keys(), {"results": list(self.results.values())})
        return self.problem is None and report.is_open


def spark_environment(settings: Settings) -> dict[str, str]:
    """The variables of the target `spark` in profiles.yml that the settings name; the rest is that file's to say."""
    metastore = settings.spark_metastore
    named = {
        "KPI_SPARK_MASTER": settings.spark_master,
        "KPI_SPARK_WAREHOUSE": settings.spark_dir,
        "KPI_SPARK_METASTORE": metastore.get_secret_value() if metastore is not None else None,
        "KPI_SPARK_DRIVER_MEMORY": settings.spark_driver_memory,
        "KPI_SPARK_EXECUTOR_MEMORY": settings.spark_executor_memory,
        "KPI_SPARK_PARTITIONS": settings.spark_partitions,
        "KPI_SPARK_EVENTS": settings.spark_events,
        "KPI_SPARK_UI": "true" if settings.spark_ui else "false",
        "KPI_SPARK_LOG_LEVEL": settings.spark_log_level,
    }
    return {name: str(value) for name, value in named.items() if value is not None}


def spark_arguments(target: Path, mode: str, names: Sequence[str] | None) -> list[str]:
    """The command line of dbt on Spark; `names` of tables, or None for all of them.

    Tests are DuckDB's. Rules are the same ones in a build of changes, and stay as they are.
    """
    kinds = ("model", "seed") if mode == EVERYTHING else ("model",)
    chosen = () if names is None else ("--select", _STAGING, *names)
    extra = ("--target", "spark", *(word for kind in kinds for word in ("--resource-type", kind)), *chosen)
    return dbt_arguments("build", target, extra)


def run_on_spark(
    settings: Settings, as_of: date, mode: str, names: Sequence[str] | None, on_node: NodeListener
) -> SparkBuild:
    """Build tables on Spark, the named ones or all. The writer lock is held.

    Raises DbtError where the environment is missing or its process dies; a failed table is in the results.
    """
    target = spark_target(settings)
    parse_from_here(target)
    results = target / "run_results.json"
    results.unlink(missing_ok=True)  # A file left by an earlier run must not vouch for this one.
    log = target.parent / "logs" / "worker.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    settings.spark_dir.mkdir(parents=True, exist_ok=True)
    if settings.spark_events is not None:
        settings.spark_events.mkdir(parents=True, exist_ok=True)
    command = [str(settings.spark_python), "-m", "orchestration.spark_worker", *spark_arguments(target, mode, names)]
    environment = os.environ | dbt_environment(settings, as_of, mode) | spark_environment(settings)
    problem = _run(command, environment, log, on_node)
    run_results = read_run_results(results) or {"results": []}
    return SparkBuild({result["unique_id"]: result for result in run_results["results"]}, problem)


def _run(command: Sequence[str], environment: Mapping[str, str], log: Path, on_node: NodeListener) -> str | None:
    """Returns why dbt stopped, where it says so itself. The process ends with the end of its input, and so with us."""
    try:
        with log.open("a", encoding="utf-8") as log_file:
            process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log_file,
                text=True,
                encoding="utf-8",
                cwd=PROJECT_DIR,
                env=environment,
            )
    except OSError as error:
        raise DbtError(
            f"dbt on Spark cannot be started from {command[0]}: {error.strerror}. Run `make install-spark`, or name "
            "another environment by KPI_SPARK_PYTHON (docs/spark.md)"
        ) from error
    with process:
        assert process.stdin is not None and process.stdout is not None
        try:
            problem, has_ended = _listen(process.stdout, on_node)
        finally:
            process.stdin.close()
    if not has_ended:
        raise DbtError(f"the process of dbt on Spark ended by itself (exit code {process.returncode}); see {log}")
    return problem


def _listen(said: Iterable[str], on_node: NodeListener) -> tuple[str | None, bool]:
    """Why dbt stopped, and whether it came to an end at all."""
    problem: str | None = None
    for line in said:
        message: dict[str, Any] = json.loads(line)
        if "node" in message:
            on_node(message["node"], message["status"])
        elif "error" in message:
            problem = message["error"]
        elif "exit" in message:
            return problem, True
    return problem, False
