"""Whole nights, played as `kpi run` and the schedule play them: the graph, the order, and what stops publishing."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import dagster as dg
import duckdb
import pytest

from orchestration.checks.catalogue import CHECKS
from orchestration.checks.freshness import read_freshness
from orchestration.contract import contract
from orchestration.dbt_run import DbtWorker, dbt_paths, ensure_manifest, manifest_is_current
from orchestration.definitions import build_defs
from orchestration.night import NightPlayer, RunResult, Services, open_instance
from orchestration.progress import RecordedProgress
from orchestration.settings import Settings
from orchestration.sources.base import RawTable, Source
from orchestration.sources.demo import DemoSource

START, FIRST, SECOND, THIRD = date(2025, 12, 1), date(2026, 3, 29), date(2026, 3, 30), date(2026, 3, 31)


@dataclass
class _Truncated:
    """A CRM whose extract broke off: most customers are missing from a complete batch."""

    whole: DemoSource

    @property
    def name(self) -> str:
        return self.whole.name

    def read(self, entity: str, night: date, complete: bool = False) -> RawTable | None:
        raw = self.whole.read(entity, night, complete or entity == "customers")
        if raw is None or entity != "customers":
            return raw
        kept = raw.table.num_rows // 5
        return replace(raw, table=raw.table.slice(0, kept), row_numbers=raw.row_numbers.slice(0, kept))


@dataclass
class _Played:
    """One home with its player; the first night has been played."""

    settings: Settings
    services: Services
    progress: RecordedProgress
    instance: dg.DagsterInstance
    player: NightPlayer
    first: RunResult

    def publication(self) -> tuple[str, date]:
        with duckdb.connect(self.settings.marts_path, read_only=True) as connection:
            rows = connection.execute("select generation_id, as_of from main.publication").fetchall()
        return rows[0]

    def play_from(self, source: Source, night: date) -> RunResult:
        """Play a night from another source, then go back to the whole one."""
        self.progress.manifests, self.progress.outcomes = [], []
        self.progress.build = self.progress.publication = None
        whole = self.services.source
        self.services.source = source
        try:
            return self.player.play(night)
        finally:
            self.services.source = whole


@contextmanager
def _opened_by_somebody_else(path: Path) -> Iterator[None]:
    """Another process has the warehouse open: the most common way in which a build dies."""
    code = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('open', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", code, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdin is not None
        assert other.stdout is not None
        assert other.stdout.readline() == "open\n"
        yield
        other.stdin.close()


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[_Played]:
    settings = Settings(
        home=tmp_path_factory.mktemp("night"),
        source="demo",
        demo_scale=0.1,
        demo_start=START,
        demo_end=THIRD,
        lock_wait_seconds=0,
        environment="local",
    )
    progress = RecordedProgress()
    with DbtWorker(settings) as worker, open_instance(settings) as instance:
        services = Services(settings, progress, worker)
        player = NightPlayer(services, instance)
        yield _Played(settings, services, progress, instance, player, player.play(FIRST))


def test_a_night_publishes_what_landed(played: _Played) -> None:
    assert played.first.success, played.first.failures
    assert played.publication()[1] == FIRST
    assert played.progress.build is not None
    assert played.progress.build.problems == ()
    assert len(played.progress.manifests) == 23
    assert [outcome.message for outcome in played.progress.outcomes if outcome.blocks] == []
    assert len(played.progress.outcomes) == len(CHECKS)
    freshness = read_freshness(played.settings.home)
    assert freshness is not None
    assert (freshness.as_of, freshness.status) == (FIRST, "published")


def test_the_manifest_is_written_when_it_is_missing_only_after_dbt_has_started(played: _Played) -> None:
    settings, paths = played.settings, dbt_paths(played.settings)
    with DbtWorker(settings) as worker:
        worker.start()  # It is current, so this parse writes none.
        for path in (paths.manifest, paths.fingerprint, paths.target / "manifest.json"):
            path.unlink()
        ensure_manifest(settings, worker)
    assert manifest_is_current(settings)
    assert "model.kpi_warehouse.fct_funnel" in json.loads(paths.manifest.read_text(encoding="utf-8"))["nodes"]


def test_the_run_shows_in_the_ui_with_rows_seconds_and_quarantine(played: _Played) -> None:
    run = played.instance.get_run_by_id(played.first.run_id)
    assert run is not None
    assert run.status is dg.DagsterRunStatus.SUCCESS
    assert run.tags["dagster/partition"] == FIRST.isoformat()
    landed = played.instance.get_latest_materialization_event(dg.AssetKey(["landing", "customers"]))
    assert landed is not None
    assert landed.asset_materialization is not None
    metadata = landed.asset_materialization.metadata
    manifest = next(manifest for manifest in played.progress.manifests if manifest.entity == "customers")
    assert landed.asset_materialization.partition == FIRST.isoformat()
    assert metadata["rows_in"].value == manifest.rows_in
    assert metadata["rows_quarantined"].value == manifest.rows_quarantined
    assert {"seconds", "preview", "batch", "input"} <= set(metadata)
    mart = played.instance.get_latest_materialization_event(dg.AssetKey(["marts", "dim_customers"]))
    assert mart is not None
    assert mart.asset_materialization is not None
    with duckdb.connect(played.settings.warehouse_path, read_only=True) as connection:
        rows = connection.execute("select count(*) from marts.dim_customers").fetchall()[0][0]
    assert mart.asset_materialization.metadata["dagster/row_count"].value == rows


def test_a_failing_batch_check_publishes_nothing_and_builds_nothing(played: _Played) -> None:
    before = played.publication()
    result = played.play_from(_Truncated(DemoSource(20260101, 0.1, START, THIRD)), SECOND)
    assert not result.success
    assert [failure.step for failure in result.failures] == ["batch_checks"]
    assert {outcome.spec.name for outcome in played.progress.outcomes if outcome.blocks} >= {"batch_rows_kept"}
    assert played.progress.build is None
    assert played.publication() == before
    freshness = read_freshness(played.settings.home)
    assert freshness is not None
    assert (freshness.as_of, freshness.status) == (FIRST, "failed")


def test_dbt_that_cannot_build_publishes_nothing(played: _Played) -> None:
    before = played.publication()
    with _opened_by_somebody_else(played.settings.warehouse_path):
        result = played.player.play(SECOND)
    assert not result.success
    assert [failure.step for failure in result.failures] == ["warehouse"]
    assert "Could not set lock on file" in result.failures[0].message
    assert played.publication() == before


def test_the_night_after_a_failure_publishes_and_supersedes_the_broken_batch(played: _Played) -> None:
    result = played.player.play(SECOND)
    assert result.success, result.failures
    assert played.publication()[1] == SECOND


def test_an_older_night_does_not_turn_the_marts_back(played: _Played) -> None:
    result = played.player.play(FIRST)
    assert result.success, result.failures
    assert played.publication()[1] == SECOND


def test_a_range_lands_every_night_and_builds_once(played: _Played) -> None:
    played.progress.manifests = []
    result = played.player.play_range(SECOND, THIRD)
    assert result.success, result.failures
    assert {manifest.batch_date for manifest in played.progress.manifests} == {SECOND, THIRD}
    assert played.publication()[1] == THIRD


def freeze(played: _Played, month: str) -> dg.ExecuteInProcessResult:
    job = build_defs(services=played.services).resolve_job_def("freeze")
    return job.execute_in_process(instance=played.instance, partition_key=month, raise_on_error=False)


def said(result: dg.ExecuteInProcessResult) -> str:
    [event] = result.get_step_failure_events()
    assert event.step_failure_data.user_failure_data is not None
    return event.step_failure_data.user_failure_data.description or ""


def test_the_job_freezes_a_month_that_is_over_once(played: _Played) -> None:
    published = played.publication()
    assert freeze(played, "2026-03").success
    event = played.instance.get_latest_materialization_event(dg.AssetKey(["frozen", "months"]))
    assert event is not None
    assert event.asset_materialization is not None
    assert event.asset_materialization.partition == "2026-03"
    metadata = {name: value.value for name, value in event.asset_materialization.metadata.items()}
    assert (metadata["version"], metadata["as_of"], metadata["built_as_known_then"]) == (1, "2026-03-31", 0)
    again = freeze(played, "2026-03")
    assert not again.success
    assert "2026-03 is frozen already: version 1 as of 2026-03-31" in said(again)
    before_the_first_night = freeze(played, "2026-02")
    assert not before_the_first_night.success
    assert "Nothing was known at the end of 2026-02-28" in said(before_the_first_night)
    assert played.publication() == published


def test_a_night_does_not_build_over_a_damaged_frozen_month(played: _Played) -> None:
    before = played.publication()
    path = played.settings.frozen_dir / "2026-03" / "v1" / "rows.parquet"
    content = path.read_bytes()
    path.chmod(0o644)
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    result = played.player.play(THIRD)
    assert not result.success
    assert [failure.step for failure in result.failures] == ["warehouse"]
    assert f"{path} does not have the content that was written" in result.failures[0].message
    assert played.publication() == before
    path.write_bytes(content)


def test_the_graph_reaches_from_every_entity_to_the_publication(played: _Played) -> None:
    graph = build_defs(services=played.services).resolve_asset_graph()
    landing = {dg.AssetKey(["landing", entity.name]) for entity in contract()}
    published = dg.AssetKey(["published", "marts"])
    assert {key for key in graph.get_all_asset_keys() if key.path[0] == "landing"} == landing
    ancestors: set[dg.AssetKey] = set()
    todo = {published}
    while todo:
        todo = {parent for key in todo for parent in graph.get(key).parent_keys} - ancestors
        ancestors |= todo
    assert landing <= ancestors
    assert {key.path[0] for key in graph.get_all_asset_keys()} == {
        "landing", "staging", "core", "marts", "access", "seeds", "published", "backfill", "frozen",
    }  # fmt: skip


def test_every_declared_check_and_every_dbt_test_is_an_asset_check(played: _Played) -> None:
    defs = build_defs(services=played.services)
    keys = {(key.name, tuple(key.asset_key.path)) for key in defs.resolve_asset_graph().asset_check_keys}
    assert {(spec.name, spec.asset) for spec in CHECKS} <= keys
    assert any(name.startswith("key_and_values_fct_funnel") for name, _ in keys)


def test_publishing_waits_for_every_step_that_checks(played: _Played) -> None:
    job = build_defs(services=played.services).resolve_job_def("night")
    structure = job.graph.dependency_structure
    feeds = {
        output.node_name
        for node_input, outputs in structure.input_to_upstream_outputs_for_node("published__marts").items()
        for output in outputs
        if node_input is not None
    }
    assert feeds == {"warehouse", "mart_checks"}
    before_dbt = {
        output.node_name
        for outputs in structure.input_to_upstream_outputs_for_node("warehouse").values()
        for output in outputs
    }
    assert before_dbt == {"landing", "batch_checks"}


@pytest.mark.parametrize(
    ("environment", "schedules"),
    [("local", []), ("staging", []), ("production", ["freeze_months", "nightly"])],
)
def test_the_schedules_exist_where_the_environment_declares_it(
    played: _Played, environment: str, schedules: list[str]
) -> None:
    settings = played.settings.model_copy(update={"environment": environment})
    repository = build_defs(settings).get_repository_def()
    assert sorted(schedule.name for schedule in repository.schedule_defs) == schedules
    for schedule in repository.schedule_defs:
        assert schedule.cron_schedule == {"nightly": "0 1 * * *", "freeze_months": "0 3 * * *"}[schedule.name]
        assert schedule.execution_timezone == "Asia/Ho_Chi_Minh"
        assert schedule.default_status is dg.DefaultScheduleStatus.RUNNING
    assert {job.name for job in repository.get_all_jobs()} >= {"night", "nights", "backfill", "freeze"}
    assert [sensor.name for sensor in repository.sensor_defs] == ["failed_runs"]


def test_no_definition_needs_data(tmp_path: Path, played: _Played) -> None:
    settings = played.settings.model_copy(update={"source": "files", "files_path": tmp_path / "not there"})
    assert build_defs(settings).resolve_asset_graph().get_all_asset_keys()
