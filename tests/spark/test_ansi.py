"""Spark must not make null of what it cannot compute: dbt-spark would have it do so."""

from __future__ import annotations

import os
import subprocess
from datetime import date
from pathlib import Path

from orchestration.build_plan import EVERYTHING
from orchestration.dbt_run import dbt_environment
from orchestration.settings import Settings
from orchestration.spark_plan import spark_target
from orchestration.spark_run import run_on_spark, spark_arguments, spark_environment
from tests.spark.engine import ENVIRONMENT, spark_settings
from tests.support.warehouse import nodes_of

AS_OF = date(2026, 3, 31)
_SEED = "age_bands"


def _by_dbt_itself(settings: Settings) -> None:
    """dbt's own command, with the arguments and variables of ours."""
    subprocess.run(
        [str(ENVIRONMENT / "bin" / "dbt"), *spark_arguments(spark_target(settings), EVERYTHING, [_SEED])],
        env={**os.environ, **dbt_environment(settings, AS_OF), **spark_environment(settings)},
        timeout=600,
        check=False,
    )


def test_a_build_by_dbt_itself_is_refused(tmp_path: Path) -> None:
    settings = spark_settings(tmp_path / "home")
    (tmp_path / "home" / "events").mkdir(parents=True)
    _by_dbt_itself(settings)
    nodes = {node.name: node for node in nodes_of(spark_target(settings) / "run_results.json")}
    assert nodes[_SEED].status == "error"
    assert "Spark runs without ANSI, which turns errors into nulls" in nodes[_SEED].message
    heard: list[tuple[str, str]] = []
    built = run_on_spark(settings, AS_OF, EVERYTHING, [_SEED], lambda node, status: heard.append((node, status)))
    assert built.results[f"seed.kpi_warehouse.{_SEED}"]["status"] == "success"
    assert (f"seed.kpi_warehouse.{_SEED}", "success") in heard
