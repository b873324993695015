"""What dbt is told through its environment, besides what the settings say."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from orchestration.dbt_run import dbt_environment
from orchestration.settings import Settings


def test_a_backfill_names_its_months_and_everything_else_names_none(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    night = dbt_environment(settings, date(2026, 3, 31))
    assert (night["KPI_AS_OF"], night["KPI_MONTHS_FROM"], night["KPI_MONTHS_TO"]) == ("2026-03-31", "", "")
    backfill = dbt_environment(settings, date(2026, 3, 31), months=(date(2025, 1, 1), date(2025, 6, 1)))
    assert (backfill["KPI_MONTHS_FROM"], backfill["KPI_MONTHS_TO"]) == ("2025-01-01", "2025-06-01")
    assert {name: value for name, value in backfill.items() if "MONTHS" not in name}.items() <= night.items()


def test_the_database_is_named_whatever_the_environment_says(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    assert dbt_environment(settings)["KPI_WAREHOUSE_PATH"] == str(settings.warehouse_path)
