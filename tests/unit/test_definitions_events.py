"""The event log with open connections: the same files as Dagster's own, read and written by either."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.instance.ref import InstanceRef

from orchestration.event_storage import PooledSqliteEventLogStorage, storage_override
from orchestration.night import prepare_instance_home
from orchestration.settings import PROJECT_DIR, Settings


@dg.multi_asset(specs=[dg.AssetSpec("rows")], check_specs=[dg.AssetCheckSpec("filled", asset="rows")])
def _rows() -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
    yield dg.MaterializeResult(asset_key="rows", metadata={"count": 7})
    yield dg.AssetCheckResult(asset_key="rows", check_name="filled", passed=False, severity=dg.AssetCheckSeverity.WARN)


def _seen(instance: dg.DagsterInstance) -> tuple[object, object, int]:
    materialization = instance.get_latest_materialization_event(dg.AssetKey("rows"))
    assert materialization is not None
    assert materialization.asset_materialization is not None
    checks = instance.event_log_storage.get_asset_check_execution_history(
        dg.AssetCheckKey(dg.AssetKey("rows"), "filled"), limit=5
    )
    return materialization.asset_materialization.metadata["count"].value, checks[0].status, len(checks)


def test_what_it_writes_the_stock_storage_reads_and_the_other_way_round(tmp_path: Path) -> None:
    (tmp_path / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    pooled_ref = InstanceRef.from_dir(str(tmp_path), overrides=storage_override(tmp_path))
    with dg.DagsterInstance.from_ref(pooled_ref) as pooled:
        assert isinstance(pooled.event_log_storage, PooledSqliteEventLogStorage)
        assert dg.materialize([_rows], instance=pooled).success
        seen = _seen(pooled)
    with dg.DagsterInstance.from_config(str(tmp_path)) as stock:
        assert not isinstance(stock.event_log_storage, PooledSqliteEventLogStorage)
        assert _seen(stock) == seen
        assert seen[0] == 7
        assert dg.materialize([_rows], instance=stock).success
        assert _seen(stock)[2] == 2
    with dg.DagsterInstance.from_ref(pooled_ref) as pooled:
        assert _seen(pooled)[2] == 2


def test_only_the_files_used_last_stay_open(tmp_path: Path) -> None:
    storage = PooledSqliteEventLogStorage(str(tmp_path))
    for number in range(30):
        with storage.run_connection(f"run-{number}"):
            pass
    assert len(storage._engines) == 8
    assert "run-29" in storage._engines
    storage.dispose()
    assert not storage._engines


def test_a_home_gets_its_copy_once_and_keeps_what_a_person_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(home=tmp_path)
    home = prepare_instance_home(settings)
    monkeypatch.setenv("DAGSTER_HOME", str(home))
    with dg.DagsterInstance.get() as instance:
        assert isinstance(instance.event_log_storage, PooledSqliteEventLogStorage)
        assert instance.telemetry_enabled is False
    (home / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    assert prepare_instance_home(settings) == home
    assert (home / "dagster.yaml").read_text() == "telemetry: {enabled: false}\n"


def test_the_template_loads_without_a_dagster_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    reference = InstanceRef.from_dir(str(tmp_path), config_dir=str(PROJECT_DIR))
    with dg.DagsterInstance.from_ref(reference) as instance:
        assert instance.global_op_concurrency_default_limit == 1
