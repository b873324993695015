"""dbt on Spark as a process: what it is told, what is heard of it, and that it ends with us. Spark is not needed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from orchestration.build_plan import CHANGES, EVERYTHING
from orchestration.dbt_run import DbtError
from orchestration.settings import PROJECT_DIR, Settings
from orchestration.spark_run import SparkBuild, run_on_spark, spark_arguments, spark_environment

AS_OF = date(2026, 3, 31)


def _worker(tmp_path: Path, body: str) -> Settings:
    """Settings with a program in place of Spark's Python."""
    program = tmp_path / "python"
    program.write_text(f"#!{sys.executable}\nimport json, os, sys, time\n{body}\n")
    program.chmod(0o755)
    return Settings(home=tmp_path / "home", spark_python=program, spark_master="spark://here:7077")


def _run(settings: Settings, heard: list[tuple[str, str]] | None = None) -> SparkBuild:
    listener = (heard if heard is not None else []).append
    return run_on_spark(settings, AS_OF, EVERYTHING, None, lambda node, status: listener((node, status)))


def test_a_build_of_changes_leaves_rules_and_a_part_brings_what_it_reads() -> None:
    target = Path("/home/spark_dbt/target")
    everything = spark_arguments(target, EVERYTHING, None)
    assert everything[-6:] == ["--target", "spark", "--resource-type", "model", "--resource-type", "seed"]
    assert spark_arguments(target, CHANGES, None)[-4:] == ["--target", "spark", "--resource-type", "model"]
    assert spark_arguments(target, EVERYTHING, ["a.core.b"])[-3:] == ["--select", "path:models/staging", "a.core.b"]


def test_what_no_setting_says_is_left_to_the_profile(tmp_path: Path) -> None:
    named = spark_environment(Settings(home=tmp_path))
    assert named == {"KPI_SPARK_WAREHOUSE": str(tmp_path / "warehouse" / "spark"), "KPI_SPARK_UI": "false"}
    settings = Settings(
        home=tmp_path,
        spark_master="yarn",
        spark_warehouse=Path("/shared"),
        spark_metastore="jdbc:postgresql://db/metastore?password=secret",
        spark_partitions=64,
    )
    assert spark_environment(settings) == {
        "KPI_SPARK_MASTER": "yarn",
        "KPI_SPARK_WAREHOUSE": "/shared",
        "KPI_SPARK_METASTORE": "jdbc:postgresql://db/metastore?password=secret",
        "KPI_SPARK_PARTITIONS": "64",
        "KPI_SPARK_UI": "false",
    }
    assert "secret" not in repr(settings)


def test_every_setting_of_spark_reaches_the_profile() -> None:
    profile = (PROJECT_DIR / "dbt_project" / "profiles.yml").read_text(encoding="utf-8")
    fields = {f"KPI_{name.upper()}" for name in Settings.model_fields if name.startswith("spark_")}
    assert [name for name in sorted(fields - {"KPI_SPARK_PYTHON"}) if f"'{name}'" not in profile] == []


def test_nodes_are_heard_and_results_read(tmp_path: Path) -> None:
    settings = _worker(
        tmp_path,
        "target = sys.argv[sys.argv.index('--target-path') + 1]\n"
        "result = {'unique_id': 'model.p.a', 'status': os.environ['KPI_SPARK_MASTER'], 'message': ''}\n"
        "open(target + '/run_results.json', 'w').write(json.dumps({'results': [result]}))\n"
        "print(json.dumps({'node': 'model.p.a', 'status': 'success'}))\n"
        "print(json.dumps({'exit': 0}))",
    )
    heard: list[tuple[str, str]] = []
    build = _run(settings, heard)
    assert heard == [("model.p.a", "success")]
    assert build.results["model.p.a"]["status"] == "spark://here:7077"
    assert build.problem is None


def test_results_of_an_earlier_build_do_not_vouch_for_one_that_left_none(tmp_path: Path) -> None:
    settings = _worker(tmp_path, "print(json.dumps({'error': 'no cluster'}))\nprint(json.dumps({'exit': 2}))")
    results = settings.warehouse_dir / "spark_dbt" / "target" / "run_results.json"
    results.parent.mkdir(parents=True)
    results.write_text('{"results": [{"unique_id": "model.p.a", "status": "success"}]}')
    assert _run(settings) == SparkBuild({}, "no cluster")


@pytest.mark.parametrize(
    ("results", "problem", "is_good"),
    [
        ({"model.p.a": "success"}, None, True),
        ({"model.p.a": "success", "model.p.staged": "error"}, None, False),
        ({"model.p.a": "error"}, None, False),
        ({"model.p.other": "success"}, None, False),
        ({}, None, False),
        ({"model.p.a": "success"}, "no space left", False),
    ],
)
def test_a_build_is_good_when_every_table_was_built_and_nothing_failed(
    results: dict[str, str], problem: str | None, *, is_good: bool
) -> None:
    told = {node: {"unique_id": node, "status": status, "message": ""} for node, status in results.items()}
    assert SparkBuild(told, problem).is_good({"model.p.a"}) == is_good


def test_a_process_that_dies_is_no_end_of_a_build(tmp_path: Path) -> None:
    with pytest.raises(DbtError, match=r"ended by itself \(exit code 7\); see .*worker\.log"):
        _run(_worker(tmp_path, "os._exit(7)"))


def test_a_missing_environment_is_named_with_what_to_do(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, spark_python=tmp_path / "none" / "python")
    with pytest.raises(DbtError, match=r"none/python: No such file.*make install-spark.* KPI_SPARK_PYTHON"):
        _run(settings)


_WORKER_WITHOUT_SPARK = """
import sys, time
from orchestration import spark_worker

def run(arguments, callbacks):
    print("at work", file=sys.stderr, flush=True)
    time.sleep(600)

spark_worker.run = run
sys.exit(spark_worker.main())
"""


def test_the_process_ends_when_nobody_listens_any_more() -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", _WORKER_WITHOUT_SPARK],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=PROJECT_DIR,
    )
    with process:
        assert process.stdin is not None
        assert process.stderr is not None
        try:
            assert process.stderr.readline() == b"at work\n"
            os.kill(process.pid, signal.SIGINT)
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(timeout=1)
            process.stdin.close()
            assert process.wait(timeout=30) == 70
        finally:
            process.kill()
