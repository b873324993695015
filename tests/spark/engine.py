"""Spark for tests: a cluster of two executor processes on this machine, started anew for every build.

Belongs here: the settings of such a cluster, and what its event log says. Not here: what the tables should hold.
"""

from __future__ import annotations

import json
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

from orchestration.settings import PROJECT_DIR, Settings

ENVIRONMENT = PROJECT_DIR / ".venv-spark"
_FOR_FEW_ROWS = {"spark.sql.codegen.wholeStage": "false", "spark.sql.adaptive.enabled": "false"}
"""Compiling a query, and planning it anew after each step, takes longer than running it over a small company's rows."""


def spark_settings(home: Path, **of_the_source: Any) -> Settings:
    """A home whose tables are built by two executor processes, with a log of their tasks."""
    return Settings(
        home=home,
        timezone="Asia/Ho_Chi_Minh",
        environment="local",
        threads=2,
        memory_limit="2GB",
        engine="spark",
        spark_python=ENVIRONMENT / "bin" / "python",
        spark_master="local-cluster[2,1,700]",
        spark_driver_memory="3g",
        spark_executor_memory="700m",
        spark_partitions=2,
        spark_events=home / "events",
        **of_the_source,
    )


def write_defaults(folder: Path) -> None:
    """Spark's own settings, for SPARK_CONF_DIR to name."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = "".join(f"{name} {value}\n" for name, value in _FOR_FEW_ROWS.items())
    (folder / "spark-defaults.conf").write_text(lines, encoding="utf-8")


def completed_tasks(log: Path) -> Counter[str]:
    """How many tasks each executor completed in one session, by the session's event log."""
    tasks: Counter[str] = Counter()
    with log.open(encoding="utf-8") as lines:
        for line in lines:
            if '"SparkListenerTaskEnd"' in line:
                event = json.loads(line)
                tasks[event["Task Info"]["Executor ID"]] += event["Task End Reason"]["Reason"] == "Success"
    return tasks


def day_after(day: date, days: int) -> date:
    """The day so many days later."""
    return date.fromordinal(day.toordinal() + days)
