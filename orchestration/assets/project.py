"""The dbt project as Dagster sees it: its place, its manifest, and how its nodes are named in the asset graph.

`DbtProject` is alone here on purpose: files that hold `@dbt_assets` read the manifest while they are imported. The
project is not prepared by `prepare_if_dev()`, which looks for `dbt` on PATH and, outside `dagster dev`, keeps running
a stale manifest; `dbt_run.ensure_manifest` compares the files instead, everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DbtProject

from orchestration.dbt_run import DBT_PROJECT_DIR, dbt_paths
from orchestration.settings import Settings


class Translator(DagsterDbtTranslator):
    """Models are `<schema>/<name>`, as in the database; sources are the landed entities they read."""

    def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> dg.AssetKey:
        """The key under `meta.dagster.asset_key` where there is one, else schema and name."""
        meta = dbt_resource_props.get("config", {}).get("meta", {}) or dbt_resource_props.get("meta", {})
        given = meta.get("dagster", {}).get("asset_key")
        if given:
            return dg.AssetKey(given)
        return dg.AssetKey([dbt_resource_props["schema"], dbt_resource_props["name"]])

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str | None:
        """The layer, which is the schema."""
        return str(dbt_resource_props["schema"])


def dbt_project(settings: Settings) -> DbtProject:
    """The project in place, with its files under KPI_HOME."""
    return DbtProject(
        project_dir=DBT_PROJECT_DIR,
        profiles_dir=DBT_PROJECT_DIR,
        target_path=dbt_paths(settings).target,
    )
