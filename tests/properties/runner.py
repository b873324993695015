"""Runs the project's own models on a small company in a second: dbt compiles them once, DuckDB runs the result.

Belongs here: landing a generated company, compiling, and running compiled SQL. Not here: companies (`companies.py`) or
what must hold (`test_*.py`).

dbt resolves four things that differ from company to company, and the runner puts its own in their place: the files of
the landing zone, the index of its batches, `as_of`, and the files of frozen months. `test_runner.py` and
`tests/integration/test_frozen_months.py` hold that against a real dbt build.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from orchestration.build_plan import CHANGES, EVERYTHING, Built, finish, plan_build, prepare, record_built
from orchestration.contract import contract
from orchestration.contract.registry import ColumnType
from orchestration.contract.validation import EXACTLY_ONE_OF
from orchestration.dbt_run import DBT_PROJECT_DIR, dbt_environment
from orchestration.landing.index import INDEX, SHELLS, write_index
from orchestration.landing.manifest import BatchStatus
from orchestration.landing.store import DATA, Landing
from orchestration.settings import Settings
from orchestration.sources.base import BatchKind, RawTable
from tests.support.shared import built_once
from tests.support.warehouse import land_nights, run_dbt, warehouse_settings

SOURCE = "generated"
SEEDS = "seeds"
_ACCESS = "access"
COMPILED_NIGHT = date(1999, 12, 30)
_AS_OF = f"'{COMPILED_NIGHT.isoformat()}'"
_ROWS_SHOWN = 5
_NOTHING_FROZEN = " where false) as frozen_files"
_FILES = re.compile(r"read_parquet\(\[(?P<paths>[^\]]*)\], union_by_name = true\)")

_SAMPLES: Mapping[ColumnType, Any] = {
    ColumnType.ID: "sample",
    ColumnType.TEXT: "sample",
    ColumnType.INTEGER: 1,
    ColumnType.DATE: date(1999, 12, 29),
    ColumnType.TIMESTAMP: datetime(1999, 12, 29),
    ColumnType.DECIMAL: Decimal(1),
}

Row = dict[str, Any]
Tables = Mapping[str, Sequence[Row]]
"""Rows by entity, in the contract's columns; a missing column is null."""

Marts = Mapping[str, Sequence[Row]]
"""Rows by mart."""


@dataclass(frozen=True)
class Delivery:
    """What a CRM hands over on one night: every entity it has, complete but for those named in `deltas`."""

    night: date
    tables: Tables
    deltas: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Deliveries:
    """A source that hands over what it was given."""

    nights: Mapping[date, Delivery]
    name: str = SOURCE

    def read(self, entity: str, night: date, complete: bool = False) -> RawTable | None:
        """The entity's rows of that night; None when the night does not have it."""
        delivery = self.nights[night]
        if entity not in delivery.tables:
            return None
        rows = [dict(row) for row in delivery.tables[entity]]
        table = pa.Table.from_pylist(rows, schema=contract()[entity].arrow_schema)
        kind = BatchKind.DELTA if entity in delivery.deltas else BatchKind.COMPLETE
        return RawTable(entity, kind, table, pa.array(range(2, 2 + len(rows)), pa.int64()), f"{entity}.csv")


def land(home: Path, deliveries: Sequence[Delivery]) -> Landing:
    """Land the nights one by one with the project's own code; AssertionError when a batch could not be read."""
    nights = {delivery.night: delivery for delivery in deliveries}
    assert len(nights) == len(deliveries), "two deliveries of one night"
    landing = land_nights(home, Deliveries(nights), sorted(nights))
    failed = [m.entity for m in landing.manifests(SOURCE) if m.status is not BatchStatus.LANDED]
    assert failed == []
    return landing


@dataclass(frozen=True)
class Model:
    """One compiled model: `relation` is its place, as in `"warehouse"."marts"."fct_funnel"`.

    `sql` builds it anew; in a build of changes `changes_sql` does. `update_sql` is instead what brings a table up to
    date, with the model's SQL in it; None for a model that is built anew every time.
    """

    name: str
    schema: str
    relation: str
    materialized: str
    sql: str
    changes_sql: str
    update_sql: str | None = None

    @property
    def kind(self) -> str:
        """`view` or `table`."""
        return "view" if self.materialized == "view" else "table"


@dataclass(frozen=True)
class DataTest:
    """One compiled dbt test that blocks a night when it finds rows."""

    name: str
    sql: str


@dataclass(frozen=True)
class Project:
    """The dbt project, compiled: models in an order in which each finds those it reads, its tests and access views.

    `home` is the folder it was compiled for: its seeds are built there, and the compiled SQL names its files.
    """

    home: Path
    models: tuple[Model, ...]
    tests: tuple[DataTest, ...]
    seeds: tuple[str, ...] = field(default=())
    views: tuple[Model, ...] = field(default=())

    def broken(self, model: str, rule: str, instead: str) -> Project:
        """The project with one text of one compiled model replaced; AssertionError when the text is not there once."""
        found = [known for known in (*self.models, *self.views) if known.name == model]
        assert len(found) == 1, f"{len(found)} models are called {model}"
        (known,) = found
        assert known.sql.count(rule) == 1, f"{model} has the rule {rule!r} {known.sql.count(rule)} times"
        changed = replace(known, sql=known.sql.replace(rule, instead))
        return replace(
            self,
            models=tuple(changed if one is known else one for one in self.models),
            views=tuple(changed if one is known else one for one in self.views),
        )

    def broken_update(self, model: str, rule: str, instead: str) -> Project:
        """The project with one text of a model's build of changes replaced; AssertionError when it is nowhere."""
        changed = []
        for known in self.models:
            if known.name == model:
                assert known.update_sql is not None, f"{model} is built anew every time"
                assert rule in known.update_sql, f"{model} has no {rule!r}"
                known = replace(known, update_sql=known.update_sql.replace(rule, instead))
            changed.append(known)
        assert model in {known.name for known in self.models}, model
        return replace(self, models=tuple(changed))

    def with_frozen(self, index_path: Path) -> Project:
        """The project that reads the frozen months of an index, where the compiled one reads none."""
        rows = pq.read_table(index_path).to_pylist()
        files = {
            "stg_frozen__versions": [str(index_path)],
            "stg_frozen__figures": [row["figures_path"] for row in rows],
            "stg_frozen__rows": [row["rows_path"] for row in rows],
        }
        project = self
        for model, paths in files.items():
            quoted = ", ".join(f"'{path}'" for path in paths)
            frozen = (
                f" where false union all by name from read_parquet([{quoted}], union_by_name=true)) as frozen_files"
            )
            project = project.broken(model, _NOTHING_FROZEN, frozen) if paths else project
        return project

    @property
    def marts(self) -> tuple[str, ...]:
        """Names of the marts."""
        return tuple(model.name for model in self.models if model.schema == "marts")


def compiled_project(base: Path) -> Project:
    """The project, compiled on the first call of this test run; `base` is pytest's base folder of this process."""
    return built_once(base, "compiled", compile_project)


def compile_project(home: Path) -> Project:
    """Compile the project in `home`, over one good and one rejected row of every entity, and build its seeds there.

    With every mart that a setting can switch on. Every entity then has a file of each kind, so that the compiled SQL
    says where which entity's files belong.
    """
    landing = land(home, [Delivery(COMPILED_NIGHT, {entity.name: _sample_rows(entity.name) for entity in contract()})])
    settings = warehouse_settings(home).model_copy(update={"publish_contacts": True})
    write_index(landing, SOURCE, COMPILED_NIGHT, settings.warehouse_dir)
    target = settings.warehouse_dir / "target"
    nodes = _build(settings, EVERYTHING, ["build", "--exclude-resource-type", "unit_test"])
    ordered = [nodes[name] for name in _in_order(nodes)]
    models = [node for node in ordered if node["schema"] != _ACCESS]
    views = [node for node in ordered if node["schema"] == _ACCESS]
    finish(settings, _built(COMPILED_NIGHT))
    plan = prepare(settings, _built(COMPILED_NIGHT))
    assert plan.mode == CHANGES, plan
    changes = _build(settings, CHANGES, ["run", "--exclude", "access"])
    tests = [
        node
        for node in nodes.values()
        if node["resource_type"] == "test"
        and str(node["config"]["severity"]).lower() == "error"
        and not any(".access_" in name for name in node["depends_on"]["nodes"])
    ]
    for test in tests:
        judged = test["config"]
        assert (judged["fail_calc"], judged["error_if"], judged["limit"]) == ("count(*)", "!= 0", None), test["name"]
    assert models
    assert views
    assert tests
    return Project(
        home,
        tuple(_model(n, changes[n["unique_id"]], target) for n in models),
        tuple(DataTest(test["name"], test["compiled_code"]) for test in tests),
        tuple(n["name"] for n in nodes.values() if n["resource_type"] == "seed"),
        tuple(_model(n, n, target) for n in views),
    )


def _build(settings: Settings, mode: str, arguments: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Run one dbt command; the manifest's nodes, with the SQL it compiled."""
    environment = dbt_environment(settings, COMPILED_NIGHT, mode)
    target = settings.warehouse_dir / "target"
    run = run_dbt(DBT_PROJECT_DIR, arguments, environment, target)
    assert not run.bad(), run.bad()
    nodes: dict[str, dict[str, Any]] = json.loads((target / "manifest.json").read_text(encoding="utf-8"))["nodes"]
    return nodes


def _built(as_of: date) -> Built:
    return Built(as_of, "compiled", contract().fingerprint, "compiled")


def _model(node: Mapping[str, Any], changes: Mapping[str, Any], target: Path) -> Model:
    update = None
    if node["config"]["materialized"] == "updated":
        update = (target / "run" / node["package_name"] / node["original_file_path"]).read_text(encoding="utf-8")
    return Model(
        node["name"],
        node["schema"],
        node["relation_name"],
        node["config"]["materialized"],
        node["compiled_code"],
        changes["compiled_code"],
        update,
    )


def _sample_rows(entity_name: str) -> list[Row]:
    """A row that lands, and one without anything, which does not."""
    required = [column for column in contract()[entity_name].columns if column.required]
    row: Row = {column.name: column.values[0] if column.values else _SAMPLES[column.type] for column in required}
    if entity_name in EXACTLY_ONE_OF:
        row[EXACTLY_ONE_OF[entity_name][0]] = _SAMPLES[ColumnType.ID]
    return [row, {}]


def _in_order(nodes: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Models, each after all it reads."""
    ordered: dict[str, None] = {}

    def visit(name: str) -> None:
        if name in ordered or name not in nodes or nodes[name]["resource_type"] != "model":
            return
        for parent in nodes[name]["depends_on"]["nodes"]:
            visit(parent)
        ordered[name] = None

    for name in sorted(nodes):
        visit(name)
    return list(ordered)


@dataclass(frozen=True)
class _Company:
    """What differs from company to company, in the place of what the project was compiled for."""

    compiled_home: Path
    as_of: date
    index_path: Path
    paths: Mapping[tuple[str, str], Sequence[str]]

    def put_into(self, sql: str) -> str:
        return _FILES.sub(self._expression, sql).replace(_AS_OF, f"'{self.as_of.isoformat()}'")

    def _expression(self, match: re.Match[str]) -> str:
        compiled = _compiled_settings(self.compiled_home)
        found: list[str] = []
        for quoted in match["paths"].split(", "):
            path = Path(quoted.strip("'"))
            if path == compiled.warehouse_dir / INDEX:
                found.append(str(self.index_path))
            elif path.parent == compiled.warehouse_dir / SHELLS:
                found.append(str(path))
            else:
                source, entity, _, name = path.relative_to(compiled.landing_dir.resolve()).parts
                assert source == SOURCE
                found += self.paths.get((entity, name), [])
        return "read_parquet([" + ", ".join(f"'{path}'" for path in found) + "], union_by_name = true)"


@cache
def _compiled_settings(home: Path) -> Settings:
    """Made once: reading the environment takes longer than what a model is compiled for."""
    return warehouse_settings(home)


def _company(project: Project, landing: Landing, as_of: date, folder: Path, source: str = SOURCE) -> _Company:
    index_path = write_index(landing, source, as_of, folder)
    paths: dict[tuple[str, str], list[str]] = {}
    for batch in pq.read_table(index_path).to_pylist():
        for column, rows in (("data_path", "rows_landed"), ("quarantine_path", "rows_quarantined")):
            if batch[rows] > 0:
                path = Path(batch[column])
                paths.setdefault((batch["entity"], path.name), []).append(str(path))
    assert any(name == DATA for _, name in paths), "nothing landed"
    return _Company(project.home, as_of, index_path, paths)


class Warehouse:
    """A company's warehouse in memory, built by the compiled models."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, project: Project, company: _Company) -> None:
        self.connection = connection
        self._project = project
        self._company = company

    def build_everything(self) -> None:
        """Build every model anew, as a night without a finished build before it does."""
        for model in self._project.models:
            sql = self._company.put_into(model.sql)
            self.connection.execute(f"create or replace {model.kind} {model.relation} as ({sql}\n)")
        record_built(self.connection, self._company.index_path, _built(self._company.as_of))

    def build_changes(self, landing: Landing, as_of: date, folder: Path) -> None:
        """Bring every model up to date with what had landed by `as_of`, as a night does; `folder` takes the index."""
        self._company = _company(self._project, landing, as_of, folder)
        plan = plan_build(self.connection, self._company.index_path, _built(self._company.as_of))
        assert plan.mode == CHANGES, plan
        for model in self._project.models:
            if model.update_sql is None:
                sql = self._company.put_into(model.changes_sql)
                self.connection.execute(f"create or replace {model.kind} {model.relation} as ({sql}\n)")
            else:
                self.connection.execute(self._company.put_into(model.update_sql))
        record_built(self.connection, self._company.index_path, _built(self._company.as_of))

    def build_views(self) -> None:
        """Add the access views, which a warehouse has and most properties do not look at."""
        self.connection.execute(f"create schema {_ACCESS}")
        for view in self._project.views:
            self.connection.execute(f"create view {view.relation} as ({view.sql}\n)")

    def tables(self) -> Marts:
        """Every row of every table, by `schema.name`."""
        names = [f"{m.schema}.{m.name}" for m in self._project.models if m.kind == "table"]
        return {name: [_hashable(row) for row in self._rows(name)] for name in names}

    def marts(self) -> Marts:
        """Every row of every mart."""
        return {name: self._rows(f"marts.{name}") for name in self._project.marts}

    def _rows(self, relation: str) -> list[Row]:
        cursor = self.connection.execute(f"from {relation}")
        columns = [str(column[0]) for column in cursor.description or []]
        return [dict(zip(columns, values, strict=True)) for values in cursor.fetchall()]

    def failing_tests(self, only: str | None = None) -> dict[str, list[tuple[Any, ...]]]:
        """Rows by test, of those dbt tests that find any; of one test only, if it is named."""
        tests = [test for test in self._project.tests if only in (None, test.name)]
        assert tests, only
        found = {
            test.name: self.connection.execute(self._company.put_into(test.sql)).fetchmany(_ROWS_SHOWN)
            for test in tests
        }
        return {name: rows for name, rows in found.items() if rows}


def _hashable(row: Row) -> Row:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in row.items()}


@contextmanager
def built(project: Project, deliveries: Sequence[Delivery], as_of: date) -> Iterator[Warehouse]:
    """Land the nights in a folder of their own, run all models over them, and give the result; nothing stays."""
    home = Path(mkdtemp(prefix="company"))
    try:
        landing = land(home, deliveries)
        with built_from(project, landing, as_of, home) as warehouse:
            yield warehouse
    finally:
        shutil.rmtree(home)


@contextmanager
def built_from(
    project: Project,
    landing: Landing,
    as_of: date,
    folder: Path,
    database: Path | None = None,
    source: str = SOURCE,
) -> Iterator[Warehouse]:
    """Run all models over what `source` had landed by `as_of`; `folder` takes the index, `database` the warehouse.

    Without a `database` the warehouse is in memory.
    """
    company = _company(project, landing, as_of, folder, source)
    seeds_path = warehouse_settings(project.home).warehouse_path
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.execute(f"attach '{seeds_path}' as compiled (read_only)")
        connection.execute(f"attach '{database or ':memory:'}' as warehouse")
        connection.execute("use warehouse")
        for schema in (SEEDS, *dict.fromkeys(model.schema for model in project.models)):
            connection.execute(f"create schema {schema}")
        for seed in project.seeds:
            connection.execute(f"create table {SEEDS}.{seed} as from compiled.{SEEDS}.{seed}")
        warehouse = Warehouse(connection, project, company)
        warehouse.build_everything()
        yield warehouse


def marts_of(project: Project, deliveries: Sequence[Delivery], as_of: date) -> Marts:
    """All marts of what had landed by `as_of`."""
    with built(project, deliveries, as_of) as warehouse:
        return warehouse.marts()
