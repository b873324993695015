"""Which engine builds, and what a build on Spark leaves where it fails. Spark itself is in `tests/spark`."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration import spark_plan
from orchestration.build_plan import EVERYTHING, everything
from orchestration.dbt_build import parents_first
from orchestration.dbt_run import DbtWorker
from orchestration.engine import DuckDBEngine, Order, SparkEngine, engine_of
from orchestration.landing.index import write_index
from orchestration.landing.store import Landing
from orchestration.progress import RecordedProgress
from orchestration.settings import Settings
from orchestration.spark_tables import LIST

AS_OF = date(2026, 3, 31)
_FAILING = """
import json, sys
target = sys.argv[sys.argv.index("--target-path") + 1]
results = [
    {"unique_id": "model.kpi_warehouse.core_orders", "status": "error", "message": "a sum was too large"},
    {"unique_id": "model.kpi_warehouse.fct_orders", "status": "skipped", "message": None},
]
json.dump({"metadata": {"invocation_id": "1"}, "results": results}, open(target + "/run_results.json", "w"))
print(json.dumps({"exit": 1}))
"""


def _settings(tmp_path: Path, program: str = "") -> Settings:
    python = tmp_path / "python"
    python.write_text(f"#!{sys.executable}\n{program}")
    python.chmod(0o755)
    return Settings(home=tmp_path / "home", engine="spark", spark_python=python)


def test_the_setting_chooses(tmp_path: Path) -> None:
    assert isinstance(engine_of(Settings(home=tmp_path)), DuckDBEngine)
    assert isinstance(engine_of(_settings(tmp_path)), SparkEngine)


def test_nothing_of_a_build_that_failed_on_spark_reaches_the_warehouse(
    manifest: Mapping[str, Any], tmp_path: Path
) -> None:
    settings = _settings(tmp_path, _FAILING)
    settings.warehouse_dir.mkdir(parents=True)
    with duckdb.connect(settings.warehouse_path) as warehouse:
        warehouse.execute("create schema core; create table core.core_orders as select 1 as standing")
    progress = RecordedProgress()
    order = Order(AS_OF, None, everything("there is nothing yet"))
    build = SparkEngine(settings).build(DbtWorker(settings), manifest, order, progress)
    assert not build.report.is_open
    assert progress.build is not None
    assert progress.build.basis == "on Spark, everything: there is nothing yet"
    assert "core_orders: error: a sum was too large" in progress.build.problems
    with duckdb.connect(settings.warehouse_path) as warehouse:
        assert warehouse.execute("select * from core.core_orders").fetchall() == [(1,)]


@pytest.mark.parametrize("gone", ["nothing", "tables", "record", "another folder"])
def test_changes_follow_only_a_build_whose_tables_are_there(tmp_path: Path, gone: str) -> None:
    settings = _settings(tmp_path)
    write_index(Landing(settings.landing_dir), "demo", AS_OF, settings.warehouse_dir)
    settings.spark_dir.mkdir()
    (settings.spark_dir / LIST).write_text("{}")
    spark_plan.finish(settings, spark_plan.built_on_spark(settings, AS_OF))
    if gone == "tables":
        (settings.spark_dir / LIST).unlink()
    elif gone == "record":
        spark_plan.forget(settings)
    elif gone == "another folder":
        settings = settings.model_copy(update={"spark_warehouse": tmp_path / "shared"})
        settings.spark_dir.mkdir()
        (settings.spark_dir / LIST).write_text("{}")
    plan = SparkEngine(settings).prepare(AS_OF)
    assert (plan.mode == EVERYTHING) == (gone != "nothing"), plan.reason


def test_results_of_two_runs_come_parents_first() -> None:
    parents = {"seed.a": [], "model.staged": ["source.x"], "model.core": ["model.staged", "seed.a"]}
    manifest = {"nodes": {node: {"depends_on": {"nodes": above}} for node, above in parents.items()}}
    manifest["nodes"]["test.of_core"] = {"depends_on": {"nodes": ["model.core"]}}
    results = [{"unique_id": node} for node in ("model.core", "test.of_core", "seed.a", "model.staged")]
    order = [result["unique_id"] for result in parents_first(manifest, results)]
    assert sorted(order) == sorted(result["unique_id"] for result in results)
    assert order.index("model.staged") < order.index("model.core") < order.index("test.of_core")
    assert order.index("seed.a") < order.index("model.core")
