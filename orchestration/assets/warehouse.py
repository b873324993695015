"""The dbt project as assets: one `dbt build` per run, every model an asset, every data test an asset check.

The step writes the list of visible batches, runs dbt in its worker, and reports what `run_results.json` says; whether
that is enough is the gate's word. Unit tests are left to the test command: they test code, not a night's data.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import dbt_assets

from orchestration.assets.project import Translator, dbt_project
from orchestration.assets.services import Services
from orchestration.assets.writer import POOL, WRITER
from orchestration.dbt_run import DBT_PROJECT_DIR, DbtError, dbt_arguments, dbt_environment, dbt_paths, failing_rows
from orchestration.gate import GateReport, NodeProblem, expected_nodes, judge
from orchestration.progress import BuildSummary, Progress
from orchestration.rules.explain import ADVICE, explanations, unreadable

_UNIQUE_ID = "dagster_dbt/unique_id"
_NO_UNIT_TESTS = ("--exclude-resource-type", "unit_test")


def build_selection(manifest: Mapping[str, Any], selected: frozenset[str] | None) -> tuple[list[str], frozenset[str]]:
    """The extra arguments of `dbt build`, and the nodes it must report; `selected` is None for the whole project."""
    everything = expected_nodes(manifest)
    if selected is None:
        return list(_NO_UNIT_TESTS), everything
    nodes = selected & everything
    names = sorted(".".join(manifest["nodes"][unique_id]["fqn"]) for unique_id in nodes)
    return [*_NO_UNIT_TESTS, "--indirect-selection", "empty", "--select", *names], nodes


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


def _warning_lines(problem: NodeProblem) -> tuple[str, ...]:
    return problem.words or (f"{problem.name}: {problem.message}",)


def summarize(report: GateReport, rows: Mapping[str, Sequence[Mapping[str, str]]]) -> BuildSummary:
    """The gate's report as a listener hears it, each failed test with its first rows."""
    problems = report.describe().splitlines()
    if any(problem.words for problem in report.problems):
        problems.append(ADVICE)
    for problem in report.problems:
        if problem.words:
            continue
        problems += [
            f"  row of {problem.name}: " + ", ".join(f"{name} {value}" for name, value in row.items())
            for row in rows.get(problem.unique_id, ())
        ]
    return BuildSummary(
        built=report.built,
        tests=report.tests,
        warnings=tuple(line for warning in report.warnings for line in _warning_lines(warning)),
        problems=tuple(problems),
    )


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


def _run_dbt(services: Services, as_of: date, arguments: list[str]) -> tuple[Mapping[str, Any] | None, str | None]:
    """Run `dbt build` once. Returns its run results, None when it left none, and dbt's own word on why it stopped."""
    paths = dbt_paths(services.settings)
    paths.run_results.unlink(missing_ok=True)  # A file left by an earlier run must not vouch for this one.
    problem = services.worker.run(
        dbt_arguments("build", paths.target, arguments),
        dbt_environment(services.settings, as_of),
        services.progress.node_finished,
    )
    if not paths.run_results.exists():
        return None, problem
    run_results: Mapping[str, Any] = json.loads(paths.run_results.read_text(encoding="utf-8"))
    return run_results, problem


def _prepare(services: Services) -> date:
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
        as_of = _prepare(services)
        refuse_unreadable_rules(services.progress, DBT_PROJECT_DIR)
        arguments, expected = build_selection(manifest, _selected_nodes(context))
        services.progress.building(as_of, len(expected))
        try:
            run_results, problem = _run_dbt(services, as_of, arguments)
        except DbtError as error:
            raise dg.Failure(str(error), allow_retries=False) from error
        report = judge(expected, run_results)
        if problem is not None and report.is_open:
            report = judge(expected, None)
        results = {result["unique_id"]: result for result in (run_results or {"results": []})["results"]}
        # Where nothing ran, the database itself may be what is wrong, and dbt's word on it is the better one.
        rows = failing_rows(services.settings.warehouse_path, results.values()) if report.built else {}
        words = explanations(manifest, results.values(), rows, DBT_PROJECT_DIR)
        report = report.explained(words)
        services.progress.built(summarize(report, rows))
        yield from _events(context, results, _table_rows(services) if report.built else {}, rows, words)
        if not report.is_open:
            raise dg.Failure(
                description="dbt did not build everything it had to." + (f" {problem}" if problem else ""),
                metadata={"nodes": dg.MetadataValue.text(report.describe(limit=200))},
                allow_retries=False,
            )

    return warehouse
