"""dbt on a Spark cluster for tests: two executor processes on this machine, started anew for every build.

Belongs here: running a build there, and what the cluster's event log says of it. Not here: what the tables should hold.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from orchestration.dbt_run import DBT_PROJECT_DIR, dbt_environment
from orchestration.settings import PROJECT_DIR, Settings
from orchestration.spark_plan import spark_target
from tests.support.warehouse import DbtRun, nodes_of

ENVIRONMENT = PROJECT_DIR / ".venv-spark"
PROGRAM = (str(ENVIRONMENT / "bin" / "python"), "-m", "orchestration.spark_dbt")
_MASTER = "local-cluster[2,1,700]"
_SECONDS = 3600
_FOR_FEW_ROWS = {"spark.sql.codegen.wholeStage": "false", "spark.sql.adaptive.enabled": "false"}
"""Compiling a query, and planning it anew after each step, takes longer than running it over a small company's rows."""


@dataclass(frozen=True)
class SparkBuild:
    """One dbt command on Spark. `tasks` counts the tasks that each executor process completed."""

    run: DbtRun
    tasks: Mapping[str, int]


def spark_build(
    settings: Settings, as_of: date, mode: str, arguments: Sequence[str], program: Sequence[str] = PROGRAM
) -> SparkBuild:
    """`dbt build` on the cluster, over what the landing index lists; `program` is what runs dbt."""
    target = spark_target(settings)
    events = settings.warehouse_dir / "spark_dbt" / "events"
    events.mkdir(parents=True, exist_ok=True)
    before = set(events.iterdir())
    defaults = target.parent / "conf" / "spark-defaults.conf"
    defaults.parent.mkdir(exist_ok=True)
    defaults.write_text("".join(f"{name} {value}\n" for name, value in _FOR_FEW_ROWS.items()), encoding="utf-8")
    finished = subprocess.run(
        [
            *program,
            *("--no-use-colors", "--no-version-check", "build", *arguments, "--target", "spark"),
            *("--project-dir", str(DBT_PROJECT_DIR), "--profiles-dir", str(DBT_PROJECT_DIR)),
            *("--target-path", str(target), "--log-path", str(target.parent / "logs")),
        ],
        cwd=PROJECT_DIR,
        env={
            **os.environ,
            **dbt_environment(settings, as_of, mode),
            "KPI_SPARK_WAREHOUSE": str(spark_warehouse(settings)),
            "KPI_SPARK_MASTER": _MASTER,
            "KPI_SPARK_EXECUTOR_MEMORY": "700m",
            "KPI_SPARK_DRIVER_MEMORY": "3g",
            "KPI_SPARK_PARTITIONS": "2",
            "KPI_SPARK_EVENTS": str(events),
            "SPARK_CONF_DIR": str(defaults.parent),
        },
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )
    results = target / "run_results.json"
    assert results.exists(), finished.stdout + finished.stderr
    run = DbtRun(finished.returncode, tuple(nodes_of(results)), finished.stdout + finished.stderr)
    logs = set(events.iterdir()) - before
    assert len(logs) == 1, logs
    return SparkBuild(run, _completed_tasks(logs.pop()))


def spark_warehouse(settings: Settings) -> Path:
    """The folder of the tables."""
    return settings.warehouse_dir / "spark"


def _completed_tasks(log: Path) -> Counter[str]:
    tasks: Counter[str] = Counter()
    with log.open(encoding="utf-8") as lines:
        for line in lines:
            if '"SparkListenerTaskEnd"' in line:
                event = json.loads(line)
                tasks[event["Task Info"]["Executor ID"]] += event["Task End Reason"]["Reason"] == "Success"
    return tasks
