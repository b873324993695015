"""The oracle notices a changed rule of last contact: the cohort mart differs where the last contact shows."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from orchestration.dbt_run import dbt_environment
from orchestration.settings import PROJECT_DIR
from tests.oracle.oracle import Company, cohort
from tests.oracle.reading import KEYS, differences, mart
from tests.support.warehouse import DemoWarehouse, copy_warehouse, run_dbt, warehouse_settings

REBUILT = ("last_contact_rules", "core_customer_last_contact", "dim_customer_cohort")
SHOWN_IN = frozenset({"last_contact_at", "care_recency_days", "care_recency_bucket"})
# A contact some days earlier, and nobody in another bucket for it.
IN_THE_SAME_BUCKET = SHOWN_IN - {"care_recency_bucket"}


@pytest.mark.parametrize(
    ("rule", "changed", "shown_in"),
    [
        ("reported_by_crm,*,true,1", "reported_by_crm,*,true,2", SHOWN_IN),
        ("reported_by_crm,*,true,1", "reported_by_crm,*,false,1", SHOWN_IN),
        ("sale_order,*,true,2", "sale_order,*,false,2", IN_THE_SAME_BUCKET),
        ("completed_task,*,false,2", "completed_task,*,true,2", SHOWN_IN),
    ],
)
def test_the_oracle_notices_a_changed_rule(
    rule: str, changed: str, shown_in: frozenset[str], built: DemoWarehouse, demo_company: Company, tmp_path: Path
) -> None:
    for folder in ("models", "seeds", "dbt_project"):
        shutil.copytree(PROJECT_DIR / folder, tmp_path / folder, symlinks=True)
    path = tmp_path / "seeds" / "last_contact_rules.csv"
    text = path.read_text(encoding="utf-8")
    assert text.count(rule) == 1
    path.write_text(text.replace(rule, changed), encoding="utf-8")
    database = copy_warehouse(built, tmp_path / "home")
    settings = warehouse_settings(tmp_path / "home")
    run = run_dbt(
        tmp_path / "dbt_project",
        ["build", "--select", *REBUILT, "--exclude-resource-type", "test", "--exclude-resource-type", "unit_test"],
        dbt_environment(settings, built.as_of),
        settings.warehouse_dir / "target",
    )
    assert run.bad() == []
    assert {node.name for node in run.nodes} == set(REBUILT)
    found = differences(cohort(demo_company), mart(database, "dim_customer_cohort"), KEYS["dim_customer_cohort"])
    assert {difference.split("): ", 1)[1].split(" ", 1)[0] for difference in found} == shown_in
