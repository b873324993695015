"""Publishing a test's warehouse, and building what is about frozen months, without a whole night.

Belongs here: these two steps. Not here: what should come out.
"""

from __future__ import annotations

from orchestration.dbt_run import DBT_PROJECT_DIR, dbt_environment
from orchestration.freezing.index import list_frozen
from orchestration.serving.publish import publish
from orchestration.settings import Settings
from tests.support.warehouse import DEMO_AS_OF, DbtRun, run_dbt

# What a changed order goes through, and everything about frozen months with their tests.
REBUILT = (
    *("fct_funnel", "kpi_department_month", "kpi_month_figures"),
    *("stg_frozen__versions", "stg_frozen__figures", "stg_frozen__rows"),
    *("kpi_monthly_snapshot", "kpi_restatement", "fct_restatement_rows", "access.frozen"),
)


def publish_warehouse(settings: Settings, batches: list[str]) -> None:
    """Publish the warehouse of `settings` as of the demo's last day."""
    meta = {"as_of": DEMO_AS_OF, "source": "demo", "batch_ids": batches}
    publish(settings.warehouse_path, settings.marts_path, meta, threads=2, memory_limit="2GB")


def build_frozen(settings: Settings) -> DbtRun:
    """The models about frozen months and those before them, with the tests that look at nothing else."""
    list_frozen(settings, DEMO_AS_OF)
    return run_dbt(
        DBT_PROJECT_DIR,
        ["build", "--select", *REBUILT, "--exclude-resource-type", "unit_test", "--indirect-selection", "cautious"],
        dbt_environment(settings, DEMO_AS_OF),
        settings.warehouse_dir / "target",
    )
