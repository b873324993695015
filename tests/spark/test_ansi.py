"""Spark must not make null of what it cannot compute: dbt-spark would have it do so."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from orchestration.build_plan import EVERYTHING
from tests.spark.engine import ENVIRONMENT, PROGRAM, spark_build
from tests.support.warehouse import warehouse_settings

_SEED = ("--select", "age_bands", "--resource-type", "seed")


def test_a_build_by_dbt_itself_is_refused(tmp_path: Path) -> None:
    settings = warehouse_settings(tmp_path)
    by_itself = (str(ENVIRONMENT / "bin" / "dbt"),)
    refused = spark_build(settings, date(2026, 3, 31), EVERYTHING, _SEED, program=by_itself).run
    assert refused.exit_code == 1
    assert "Spark runs without ANSI, which turns errors into nulls" in refused.node("age_bands").message
    built = spark_build(settings, date(2026, 3, 31), EVERYTHING, _SEED, program=PROGRAM).run
    assert built.exit_code == 0, built.bad()
