"""Backfills as Dagster sees them: what becomes of months that somebody selects in the UI. Nothing is run here."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.definitions.automation_tick_evaluation_context import build_run_requests_with_backfill_policies
from dagster._core.definitions.events import AssetKeyPartitionKey

from orchestration.assets.backfill import BACKFILL_KEY, backfill_asset
from orchestration.assets.services import Services
from orchestration.assets.writer import POOL, WRITER
from orchestration.settings import Settings


@pytest.fixture
def asset(tmp_path: Path) -> dg.AssetsDefinition:
    return backfill_asset(Services.of(Settings(home=tmp_path, timezone="Asia/Ho_Chi_Minh")), ())


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as one:
        yield one


def _ranges(
    asset: dg.AssetsDefinition, instance: dg.DagsterInstance, months: list[str]
) -> list[tuple[str | None, str | None]]:
    """The first and last month of every run that a selection in the UI starts."""
    definitions = dg.Definitions(assets=[asset], resources={WRITER: dg.ResourceDefinition.none_resource()})
    requests = build_run_requests_with_backfill_policies(
        asset_partitions=[AssetKeyPartitionKey(BACKFILL_KEY, month) for month in months],
        asset_graph=definitions.resolve_asset_graph(),
        dynamic_partitions_store=instance,
    )
    tag = "dagster/asset_partition_range_"
    return [(request.tags.get(f"{tag}start"), request.tags.get(f"{tag}end")) for request in requests]


def test_a_range_of_months_is_one_run(asset: dg.AssetsDefinition, instance: dg.DagsterInstance) -> None:
    months = ["2025-01", "2025-02", "2025-03", "2025-04", "2025-05", "2025-06"]
    assert _ranges(asset, instance, months) == [("2025-01", "2025-06")]


def test_months_with_a_hole_between_them_are_two_runs(asset: dg.AssetsDefinition, instance: dg.DagsterInstance) -> None:
    assert _ranges(asset, instance, ["2025-01", "2025-02", "2025-05"]) == [
        ("2025-01", "2025-02"),
        ("2025-05", "2025-05"),
    ]


def test_it_writes_under_the_one_writer(asset: dg.AssetsDefinition) -> None:
    assert asset.op.pool == POOL
    assert WRITER in asset.required_resource_keys
