"""Backfills of months, as `kpi backfill` and Dagster's month partitions run them; at the end, a rebuild says the same.

One company is played through the whole file in this order: a dry run, a refused backfill, one that empties a month, and
a rebuild over a warehouse that somebody has damaged.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime

import dagster as dg
import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from orchestration.backfill.months import MonthRange
from orchestration.cli import main
from orchestration.dbt_run import DbtWorker
from orchestration.landing.store import Landing
from orchestration.night import NightPlayer, RunResult, Services, open_instance
from orchestration.progress import RecordedProgress
from orchestration.serving.lock import writer_lock
from orchestration.settings import Settings
from orchestration.sources.base import RawTable, Source
from orchestration.sources.demo import DemoSource
from tests.support.copies import company_of_its_own, differing_rows, hashes, marts_of
from tests.support.warehouse import DEMO_AS_OF, DEMO_LOAD, DemoWarehouse, days, demo_source, demo_warehouse

MARCH = MonthRange(date(2026, 3, 1), date(2026, 3, 1))
NIGHTS = days(DEMO_LOAD, DEMO_AS_OF)

# What happened on a day, by the column that says when.
EVENTS = {"orders": "order_date", "payments": "paid_on", "interactions": "occurred_at", "tasks": "created_at"}
EMPTIED = [
    "fct_interactions",
    "fct_order_lines",
    "fct_order_sources",
    "fct_orders",
    "fct_payments",
    "fct_product_sales",
    "fct_task_status",
    "fct_tasks",
    "kpi_interactions_by_type",
    "kpi_product_source_month",
]
# Rows of one month that hold figures of all months, on purpose.
ABOUT_OTHER_MONTHS = {"kpi_reconciliation"}
# What has been paid for an order, in whatever month.
OF_OTHER_MONTHS = {"fct_orders": "exclude (collected_amount)"}


@dataclass
class _Emptied:
    """The company with nothing happening in March, which keeps only its last nights."""

    whole: DemoSource

    @property
    def name(self) -> str:
        return self.whole.name

    def nights_between(self, first: date, last: date) -> list[date]:
        return [night for night in NIGHTS if first <= night <= last]

    def read(self, entity: str, night: date, complete: bool = False) -> RawTable | None:
        raw = self.whole.read(entity, night, complete)
        if raw is None or entity not in (*EVENTS, "order_lines"):
            return raw
        return _only(raw, self._kept(entity, raw.table, night))

    def _kept(self, entity: str, table: pa.Table, night: date) -> pa.Array:
        if entity == "order_lines":
            orders = self.whole.read("orders", night, complete=True)
            assert orders is not None
            kept = pc.filter(orders.table["order_id"], self._kept("orders", orders.table, night))
            return pc.is_in(table["order_id"], value_set=pa.array(kept.to_pylist(), pa.string()))
        column = table[EVENTS[entity]]
        start = MARCH.first if pa.types.is_date(column.type) else datetime(2026, 3, 1)
        return pc.less(column, pa.scalar(start, column.type))


@dataclass
class _Truncated(_Emptied):
    """An extract of the customers that broke off, on the last night."""

    def nights_between(self, first: date, last: date) -> list[date]:
        return [DEMO_AS_OF]

    def read(self, entity: str, night: date, complete: bool = False) -> RawTable | None:
        raw = self.whole.read(entity, night, complete or entity == "customers")
        if raw is None or entity != "customers":
            return raw
        return _only(raw, pa.array([number < raw.table.num_rows // 5 for number in range(raw.table.num_rows)]))


def _only(raw: RawTable, kept: pa.Array | pa.ChunkedArray) -> RawTable:
    mask = pa.array(kept.to_pylist(), pa.bool_())
    return replace(raw, table=raw.table.filter(mask), row_numbers=raw.row_numbers.filter(mask))


@dataclass
class _Listener(RecordedProgress):
    """Keeps whom a run waited for, and lets the holder go."""

    waited: list[str] = field(default_factory=list)
    let_go: threading.Event = field(default_factory=threading.Event)

    def waiting(self, message: str) -> None:
        self.waited.append(message)
        self.let_go.set()


@dataclass
class _Company:
    settings: Settings
    built: DemoWarehouse
    services: Services
    progress: _Listener
    instance: dg.DagsterInstance
    player: NightPlayer

    def backfill(self, source: Source) -> RunResult:
        self.services.source = source
        self.progress.outcomes, self.progress.build, self.progress.publication = [], None, None
        return self.player.backfill(MARCH, reingest=True)

    def generation(self) -> str:
        with duckdb.connect(str(self.settings.marts_path), read_only=True) as connection:
            [(generation,)] = connection.execute("select generation_id from publication").fetchall()
        return str(generation)


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[_Company]:
    built = demo_warehouse(tmp_path_factory.getbasetemp())
    settings = company_of_its_own(built, tmp_path_factory.mktemp("backfill"))
    progress = _Listener()
    with DbtWorker(settings) as worker, open_instance(settings) as instance:
        services = Services(settings, progress, worker)
        yield _Company(settings, built, services, progress, instance, NightPlayer(services, instance))


def _kpi(settings: Settings, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    for name, value in settings.model_dump(mode="json").items():
        if value is not None:
            monkeypatch.setenv(f"KPI_{name.upper()}", str(value))
    with pytest.raises(SystemExit) as left:
        main(arguments)
    assert isinstance(left.value.code, int)
    return left.value.code


def test_a_dry_run_prints_the_plan_and_changes_nothing(
    company: _Company, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    home = company.settings.home
    folders = [home / "landing", home / "warehouse", home / "checks"]
    files = [path for folder in folders for path in folder.rglob("*")]
    before = hashes([*files, company.settings.marts_path])
    code = _kpi(
        company.settings, monkeypatch, "backfill", "--from", "2026-03", "--to", "2026-03", "--reingest", "--dry-run"
    )
    shown = " ".join(capsys.readouterr().out.split())
    assert code == 0
    assert "months 1 month partition: 2026-03" in shown
    assert (
        "31 nights asked for again, 2026-03-01 to 2026-03-31: 8 landed before and will be superseded, 23 new" in shown
    )
    assert "time unknown: no run has ended well here yet" in shown
    assert "Nothing was changed: this was a dry run." in shown
    files = [path for folder in folders for path in folder.rglob("*")]
    assert hashes([*files, company.settings.marts_path]) == before


def test_months_are_partitions_and_a_range_of_them_is_one_run(company: _Company) -> None:
    asset = company.player.definitions.resolve_assets_def(dg.AssetKey(["backfill", "months"]))
    partitions = asset.partitions_def
    assert isinstance(partitions, dg.MonthlyPartitionsDefinition)
    assert partitions.timezone == "Asia/Ho_Chi_Minh"
    assert partitions.get_partition_keys(current_time=datetime(2025, 3, 15))[-1] == "2025-03"
    assert asset.backfill_policy == dg.BackfillPolicy.single_run()
    for job in ("night", "nights"):
        selected = company.player.definitions.resolve_job_def(job).asset_layer.selected_asset_keys
        assert dg.AssetKey(["backfill", "months"]) not in selected


def test_a_night_that_a_check_refuses_stops_a_backfill_before_it_builds(company: _Company) -> None:
    before = company.generation()
    result = company.backfill(_Truncated(demo_source()))
    assert not result.success
    assert {outcome.spec.name for outcome in company.progress.outcomes if outcome.blocks} == {"batch_rows_kept"}
    assert company.progress.build is None
    assert company.generation() == before
    landing = Landing(company.settings.landing_dir)
    visible = {manifest.batch_id for manifest in landing.visible("demo", entity="customers")}
    assert "2026-03-31.1" in visible


def test_a_backfill_waits_for_whoever_writes_and_says_for_whom(company: _Company) -> None:
    held = threading.Event()

    def write_until_somebody_waits() -> None:
        with writer_lock(company.settings.lock_path):
            held.set()
            company.progress.let_go.wait(timeout=60)

    writer = threading.Thread(target=write_until_somebody_waits)
    writer.start()
    assert held.wait(timeout=60)
    result = company.backfill(_Emptied(demo_source()))
    writer.join()
    assert result.success, result.failures
    assert [message.split(" (")[0] for message in company.progress.waited] == [f"waiting for process {os.getpid()}"]


def test_it_published_once_and_shows_in_dagster_with_its_plan(company: _Company) -> None:
    publication = company.progress.publication
    assert publication is not None
    assert company.generation() == publication.generation_id
    assert publication.as_of == DEMO_AS_OF
    event = company.instance.get_latest_materialization_event(dg.AssetKey(["backfill", "months"]))
    assert event is not None
    assert event.asset_materialization is not None
    assert event.asset_materialization.partition == "2026-03"
    assert "8 nights asked for again" in str(event.asset_materialization.metadata["plan"].value)
    published = company.instance.get_latest_materialization_event(dg.AssetKey(["published", "marts"]))
    assert published is not None
    assert published.asset_materialization is not None
    assert published.asset_materialization.metadata["generation"].value == publication.generation_id


@pytest.fixture
def both(company: _Company) -> Iterator[duckdb.DuckDBPyConnection]:
    """What is published now, and the warehouse as it was before the backfill."""
    with duckdb.connect() as connection:
        connection.execute(f"attach '{company.settings.marts_path}' as now (read_only)")
        connection.execute(f"attach '{company.built.database}' as warehouse (read_only)")
        yield connection


@pytest.mark.parametrize("mart", EMPTIED)
def test_the_emptied_month_is_empty(both: duckdb.DuckDBPyConnection, mart: str) -> None:
    [(before,)] = both.execute(
        f"select count(*) from warehouse.marts.{mart} where month_date = '2026-03-01'"
    ).fetchall()
    [(now,)] = both.execute(f"select count(*) from now.main.{mart} where month_date >= '2026-03-01'").fetchall()
    assert before > 0
    assert now == 0


def test_the_funnel_of_the_emptied_month_counts_nothing(both: duckdb.DuckDBPyConnection) -> None:
    [figures] = both.execute(
        "select sum(interactions), sum(activities), sum(orders), sum(revenue_amount), sum(collected_amount) "
        "from now.main.fct_funnel where month_date = '2026-03-01'"
    ).fetchall()
    assert set(figures) == {0}


def test_other_months_are_untouched_in_every_mart(both: duckdb.DuckDBPyConnection) -> None:
    dated = [
        mart
        for mart in marts_of(both, "warehouse", "marts")
        if both.execute(
            "select count(*) from duckdb_columns() where database_name = 'warehouse' and schema_name = 'marts' "
            "and table_name = ? and column_name = 'month_date'",
            [mart],
        ).fetchall()
        == [(1,)]
    ]
    differing = {}
    for mart in set(dated) - ABOUT_OTHER_MONTHS:
        rows = f"select * {OF_OTHER_MONTHS.get(mart, '')} from {{}}.{mart} where month_date < '2026-03-01'"
        if found := differing_rows(both, rows.format("warehouse.marts"), rows.format("now.main")):
            differing[mart] = found
    assert set(EMPTIED) < set(dated)
    assert differing == {}


def test_a_rebuild_finds_what_the_backfill_built_and_what_somebody_damaged(
    company: _Company, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with duckdb.connect(str(company.settings.warehouse_path)) as connection:
        [(orders,)] = connection.execute("select count(*) from marts.fct_orders").fetchall()
        connection.execute(
            "delete from marts.fct_orders where order_id in (select min(order_id) from marts.fct_orders)"
        )
        connection.execute("insert into core.core_payments from core.core_payments limit 2")
    before = company.generation()
    assert _kpi(company.settings, monkeypatch, "rebuild") == 4
    shown = capsys.readouterr().out
    differing = [line.split() for line in shown.splitlines() if line.startswith("!")]
    assert [line[1] for line in differing] == ["core.core_payments", "marts.fct_orders"]
    assert differing[0][-2:] == ["2", "0"]
    assert differing[1][-4:] == [f"{orders - 1:,}", f"{orders:,}", "0", "1"]
    assert "DIFFERENT: 2 of " in shown
    with duckdb.connect(str(company.settings.warehouse_path), read_only=True) as connection:
        assert connection.execute("select count(*) from marts.fct_orders").fetchall() == [(orders,)]
        assert connection.execute("select count(*) > 0 from staging.stg_contract__orders").fetchall() == [(True,)]
    assert company.generation() != before
    assert [path.name for path in (company.settings.home / "scratch").iterdir()] == ["rebuild.lock"]
