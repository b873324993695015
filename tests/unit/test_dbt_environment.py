"""What dbt is told through its environment, besides what the settings say."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from orchestration.build_plan import CHANGES
from orchestration.dbt_run import dbt_environment
from orchestration.settings import Settings


def test_a_build_names_its_day_and_how_it_goes(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    night = dbt_environment(settings, date(2026, 3, 31), CHANGES)
    assert (night["KPI_AS_OF"], night["KPI_BUILD"]) == ("2026-03-31", "changes")
    assert dbt_environment(settings)["KPI_BUILD"] == "everything"
    assert "KPI_AS_OF" not in dbt_environment(settings)


def test_the_database_is_named_whatever_the_environment_says(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    assert dbt_environment(settings)["KPI_WAREHOUSE_PATH"] == str(settings.warehouse_path)
