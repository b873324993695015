"""Which engine builds the tables, and how a build goes on it: planned, run and judged, recorded as finished.

Belongs here: the two engines a night, a range or a backfill can be built on. Not here: what changed since the last
build (`build_plan.py`), how dbt is started (`dbt_run.py`, `spark_run.py`), or what becomes of what was built.

On Spark the rules, core tables and marts are built there. They are then copied into the warehouse file, where DuckDB
makes the views and runs every test, so the gate, the checks and the publications are the same as ever. Builds aside
(`aside.py`: a rebuild, the figures of a past day) are DuckDB's on either engine.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Protocol

from orchestration import build_plan, spark_plan
from orchestration.build_plan import BuildPlan
from orchestration.dbt_build import BuildPlace, DbtBuild, run_build, settle_build
from orchestration.dbt_run import DbtWorker, dbt_environment, dbt_paths
from orchestration.progress import Progress
from orchestration.selection import names_of, select, tables_of_spark
from orchestration.settings import SPARK, Settings


@dataclass(frozen=True)
class Order:
    """What to build: the day of the figures, the nodes asked for (None: all), and the plan made for it."""

    as_of: date
    wanted: frozenset[str] | None
    plan: BuildPlan


class Engine(Protocol):
    """The caller holds the writer lock all the time. A build counts as finished only when `finish` has said so."""

    def prepare(self, as_of: date, only_everything: str | None = None) -> BuildPlan:
        """Decide how the next build goes; `only_everything` gives a reason to build everything whatever is there."""

    def build(self, worker: DbtWorker, manifest: Mapping[str, Any], order: Order, progress: Progress) -> DbtBuild:
        """Build, test and judge. Raises DbtError when dbt cannot run at all; what failed is in the report."""

    def finish(self, as_of: date) -> None:
        """Record that everything was built and passed."""


def engine_of(settings: Settings) -> Engine:
    """The engine that the settings name."""
    return SparkEngine(settings) if settings.engine == SPARK else DuckDBEngine(settings)


@dataclass(frozen=True)
class DuckDBEngine:
    """Everything in the warehouse file, by one dbt run."""

    settings: Settings

    def prepare(self, as_of: date, only_everything: str | None = None) -> BuildPlan:
        """See Engine."""
        wanted = build_plan.built_now(self.settings, as_of)
        return build_plan.prepare(self.settings, wanted, only_everything=only_everything)

    def build(self, worker: DbtWorker, manifest: Mapping[str, Any], order: Order, progress: Progress) -> DbtBuild:
        """See Engine."""
        selection = select(manifest, order.wanted, order.plan.mode)
        progress.building(order.as_of, len(selection.nodes))
        place = BuildPlace(
            self.settings.warehouse_path,
            dbt_paths(self.settings).target,
            dbt_environment(self.settings, order.as_of, order.plan.mode),
        )
        return run_build(worker, place, manifest, selection.nodes, selection.arguments, progress, order.plan.describe())

    def finish(self, as_of: date) -> None:
        """See Engine."""
        build_plan.finish(self.settings, build_plan.built_now(self.settings, as_of))


@dataclass(frozen=True)
class SparkEngine:
    """Tables on Spark, copied into the warehouse file; views and tests there, by DuckDB."""

    settings: Settings

    def prepare(self, as_of: date, only_everything: str | None = None) -> BuildPlan:
        """See Engine."""
        wanted = spark_plan.built_on_spark(self.settings, as_of)
        return spark_plan.prepare(self.settings, wanted, only_everything=only_everything)

    def build(self, worker: DbtWorker, manifest: Mapping[str, Any], order: Order, progress: Progress) -> DbtBuild:
        """See Engine. Nothing reaches the warehouse file when a table could not be built."""
        from orchestration.spark_run import SparkBuild, run_on_spark
        from orchestration.spark_tables import take_tables

        settings, plan = self.settings, order.plan
        all_tables = tables_of_spark(manifest)
        selection = select(manifest, order.wanted, plan.mode, elsewhere=all_tables)
        tables = selection.nodes & all_tables
        progress.building(order.as_of, len(selection.nodes))
        basis = f"on Spark, {plan.describe()}"
        built = SparkBuild({}, None)
        if tables:
            names = None if order.wanted is None else names_of(manifest, tables)
            built = run_on_spark(
                settings,
                order.as_of,
                plan.mode,
                names,
                lambda node, status: progress.node_finished(node, status) if node in tables else None,
            )
            if not built.is_good(tables):
                run_results = {"results": list(built.results.values())} if built.results else None
                expected = tables | built.results.keys()
                return settle_build(
                    settings.warehouse_path, manifest, expected, run_results, built.problem, progress, basis
                )
            nodes = [manifest["nodes"][unique_id] for unique_id in all_tables]
            take_tables(settings, {f"{node['schema']}.{node['name']}" for node in nodes})
        place = BuildPlace(settings.warehouse_path, dbt_paths(settings).target, dbt_environment(settings, order.as_of))
        done = {node: result for node, result in built.results.items() if node in tables}
        return run_build(worker, place, manifest, selection.nodes, selection.arguments, progress, basis, elsewhere=done)

    def finish(self, as_of: date) -> None:
        """See Engine."""
        from orchestration.spark_tables import record_taken

        record_taken(self.settings)
        spark_plan.finish(self.settings, spark_plan.built_on_spark(self.settings, as_of))
