"""The dbt project as assets: one `dbt build` per run, every model an asset, every data test an asset check.

The step writes the list of visible batches, runs dbt in its worker, and reports what `run_results.json` says; whether
that is enough is the gate's word. Unit tests are left to the test command: they test code, not a night's data.
"""

from collections.abc import Iterator, Mapping, Sequence, Set
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import dbt_assets

from orchestration.assets.project import Translator, dbt_project
from orchestration.assets.services import Services
from orchestration.assets.writer import POOL, WRITER
from orchestration.build_plan import CHANGES
from orchestration.dbt_run import DBT_PROJECT_DIR, DbtError
from orchestration.engine import Order, engine_of
from orchestration.progress import BuildSummary, Progress
from orchestration.rules.explain import ADVICE, unreadable
from orchestration.selection import left_alone

_UNIQUE_ID = "dagster_dbt/unique_id"


def _selected_nodes(context: dg.AssetExecutionContext) -> frozenset[str] | None:
    """The unique ids of the assets and checks that this run asks for; None when it asks for all of them."""
    if not context.is_subset:
        return None
    definition = context.assets_def
    assets = {definition.specs_by_key[key].metadata[_UNIQUE_ID] for key in context.selected_asset_keys}
    checks = {
        spec.metadata[_UNIQUE_ID] for spec in definition.check_specs if spec.key in context.selected_asset_check_keys
    }
    return frozenset(assets | checks)


def _table_rows(services: Services) -> Mapping[tuple[str, str], int]:
    """Rows per table of the warehouse, from DuckDB's own bookkeeping."""
    import duckdb

    if not services.settings.warehouse_path.exists():
        return {}
    with duckdb.connect(services.settings.warehouse_path, read_only=True) as connection:
        rows = connection.execute("select schema_name, table_name, estimated_size from duckdb_tables()").fetchall()
    return {(schema, name): count for schema, name, count in rows}


def _materialization(
    key: dg.AssetKey, result: Mapping[str, Any], rows: Mapping[tuple[str, str], int]
) -> dg.MaterializeResult[None]:
    metadata: dict[str, dg.MetadataValue] = {
        "seconds": dg.MetadataValue.float(round(float(result["execution_time"]), 3)),
        _UNIQUE_ID: dg.MetadataValue.text(result["unique_id"]),
    }
    table = (key.path[0], key.path[-1])
    if table in rows:
        metadata["dagster/row_count"] = dg.MetadataValue.int(rows[table])
    return dg.MaterializeResult(asset_key=key, metadata=metadata)


def _check_result(
    key: dg.AssetCheckKey, result: Mapping[str, Any], rows: Sequence[Mapping[str, str]], words: Sequence[str]
) -> dg.AssetCheckResult:
    status = str(result["status"])
    shown = {"rows": dg.MetadataValue.json([dict(row) for row in rows])} if rows else {}
    return dg.AssetCheckResult(
        asset_key=key.asset_key,
        check_name=key.name,
        passed=status == "pass",
        severity=dg.AssetCheckSeverity.WARN if status == "warn" else dg.AssetCheckSeverity.ERROR,
        description="\n".join(words) or str(result.get("message") or status),
        metadata={
            "failing_rows": dg.MetadataValue.int(int(result.get("failures") or 0)),
            "seconds": dg.MetadataValue.float(round(float(result["execution_time"]), 3)),
            **shown,
        },
    )


def _events(
    context: dg.AssetExecutionContext,
    results: Mapping[str, Mapping[str, Any]],
    table_rows: Mapping[tuple[str, str], int],
    test_rows: Mapping[str, Sequence[Mapping[str, str]]],
    words: Mapping[str, Sequence[str]],
) -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
    """What dbt did, as Dagster's events; a skipped test did not run and says nothing."""
    definition = context.assets_def
    assets = {spec.metadata[_UNIQUE_ID]: spec.key for spec in definition.specs}
    checks = {spec.metadata[_UNIQUE_ID]: spec.key for spec in definition.check_specs}
    for unique_id, result in results.items():  # In the order dbt finished them, which Dagster asks for as well.
        if assets.get(unique_id) in context.selected_asset_keys and result["status"] == "success":
            yield _materialization(assets[unique_id], result, table_rows)
        elif checks.get(unique_id) in context.selected_asset_check_keys and result["status"] != "skipped":
            yield _check_result(checks[unique_id], result, test_rows.get(unique_id, ()), words.get(unique_id, ()))


def _still_there(context: dg.AssetExecutionContext, unchanged: Set[str]) -> Iterator[dg.MaterializeResult[None]]:
    """What the build left alone is as good as built, and what depends on it may run."""
    for spec in context.assets_def.specs:
        if spec.metadata[_UNIQUE_ID] in unchanged and spec.key in context.selected_asset_keys:
            yield dg.MaterializeResult(asset_key=spec.key, metadata={"left_alone": dg.MetadataValue.bool(True)})


def _list_batches(services: Services) -> date:
    """List the visible batches for dbt. The marts are as of the newest landed night, whichever was landed last."""
    from orchestration.freezing.index import list_frozen
    from orchestration.freezing.manifest import FrozenError
    from orchestration.landing.index import write_index

    as_of = services.landing.latest_night(services.source.name)
    if as_of is None:
        raise dg.Failure(
            f"No batch of source {services.source.name} has landed, so there is nothing to build.", allow_retries=False
        )
    write_index(services.landing, services.source.name, as_of, services.settings.warehouse_dir)
    try:
        list_frozen(services.settings, as_of)
    except FrozenError as error:
        raise dg.Failure(str(error), allow_retries=False) from error
    return as_of


def refuse_unreadable_rules(progress: Progress, project_dir: Path) -> None:
    """Stop before dbt does where a rule file cannot be loaded, with a sentence for whoever edited it."""
    wrong = unreadable(project_dir)
    if wrong:
        progress.built(BuildSummary(built=0, tests=0, warnings=(), problems=(*wrong, ADVICE)))
        raise dg.Failure(
            description="Rules cannot be loaded, so nothing was built.",
            metadata={"rules": dg.MetadataValue.text("\n".join(wrong))},
            allow_retries=False,
        )


def warehouse_assets(services: Services, manifest: Mapping[str, Any]) -> dg.AssetsDefinition:
    """The whole dbt project as one step."""

    @dbt_assets(
        manifest=manifest,
        name="warehouse",
        project=dbt_project(services.settings),
        dagster_dbt_translator=Translator(),
        required_resource_keys={WRITER},
        pool=POOL,
    )
    def warehouse(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
        as_of = _list_batches(services)
        refuse_unreadable_rules(services.progress, DBT_PROJECT_DIR)
        wanted = _selected_nodes(context)
        engine = engine_of(services.settings)
        # A part of the tables alone is built anew, since the rest does not follow.
        plan = engine.prepare(as_of, None if wanted is None else "only some of the tables were asked for")
        try:
            build = engine.build(services.worker, manifest, Order(as_of, wanted, plan), services.progress)
        except DbtError as error:
            raise dg.Failure(str(error), allow_retries=False) from error
        report = build.report
        unchanged = left_alone(manifest) if plan.mode == CHANGES else frozenset[str]()
        # Dagster asks for what something is made from before the thing itself: rules first, views last.
        yield from _still_there(context, {node for node in unchanged if node.startswith("seed.")})
        yield from _events(
            context, build.results, _table_rows(services) if report.built else {}, build.rows, build.words
        )
        if report.is_open:
            yield from _still_there(context, {node for node in unchanged if not node.startswith("seed.")})
        if not report.is_open:
            raise dg.Failure(
                description="dbt did not build everything it had to." + (f" {build.problem}" if build.problem else ""),
                metadata={"nodes": dg.MetadataValue.text(report.describe(limit=200))},
                allow_retries=False,
            )
        if wanted is None:
            engine.finish(as_of)

    return warehouse
