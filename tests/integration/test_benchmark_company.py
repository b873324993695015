"""The benchmark on a small company: contestants make the four marts as the models do, and its processes do their work.

The demo warehouse's first night is one complete batch, which is what contestants get; the marts of that night are
built here.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

from benchmarks import changed_night, dashboards, landing
from benchmarks.cards.check import check_same
from benchmarks.cards.inputs import MARTS, Given
from benchmarks.cards.sqlmesh_peer import write_project
from benchmarks.measure import Limits
from benchmarks.pages import broadest_viewer
from orchestration.contract import contract
from orchestration.landing.store import Landing
from orchestration.serving.postgres.tables import read_tables
from orchestration.serving.publish import publish
from orchestration.serving.reading import open_publication
from orchestration.settings import PROJECT_DIR
from tests.support.warehouse import DEMO_LOAD, DemoWarehouse, dbt_build, demo_warehouse

_LIMITS = Limits(memory_limit="1GB")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> DemoWarehouse:
    return demo_warehouse(tmp_path_factory.getbasetemp())


@pytest.fixture(scope="module")
def home(built: DemoWarehouse) -> Path:
    return built.home


@pytest.fixture(scope="module")
def ours(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("cards") / "ours"
    shutil.copytree(home / "landing", target / "landing")
    run = dbt_build(target, DEMO_LOAD, select=[f"+{mart}" for mart in MARTS], exclude=["resource_type:test"])
    assert run.bad() == []
    return target


@pytest.mark.parametrize("module", ["floor", "polars_peer", "pandas_peer"])
def test_a_contestant_makes_the_same_marts(module: str, home: Path, ours: Path, tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", f"benchmarks.cards.{module}", str(home), DEMO_LOAD.isoformat(), str(tmp_path)],
        cwd=PROJECT_DIR,
        env={**os.environ, **_LIMITS.environment()},
        check=True,
    )
    rows = check_same(module, tmp_path, ours)
    assert min(rows.values()) > 100


def test_models_for_sqlmesh_make_the_same_marts(home: Path, ours: Path, tmp_path: Path) -> None:
    """Its environment is not installed here: its models are run in the order of the floor they are written from."""
    write_project(tmp_path / "project", Given(home, DEMO_LOAD, tmp_path, _LIMITS.threads, _LIMITS.memory_limit))
    models = {path.stem: path.read_text(encoding="utf-8") for path in (tmp_path / "project" / "models").iterdir()}
    assert len(models) == 11
    assert not [name for name, text in models.items() if "getvariable" in text]
    with duckdb.connect(str(tmp_path / "cards.duckdb")) as connection:
        connection.execute("create schema core; create schema marts")
        waiting = dict(models)
        while waiting:
            ready = [
                name
                for name, text in waiting.items()
                if not set(re.findall(r"\bcore\.\w+", text)) - {name} & set(waiting)
            ]
            assert ready, f"none of {sorted(waiting)} can be built"
            for name in ready:
                _, _, query = waiting.pop(name).partition(";\n")
                connection.execute(f"create table {name} as {query}")
    check_same("models for SQLMesh", tmp_path, ours)


def test_a_delivery_lands_and_is_copied_whole_in_both_formats(home: Path, tmp_path: Path) -> None:
    rows = landing.write_delivery(home, DEMO_LOAD, tmp_path / "delivery")
    assert rows > 10_000
    for form in landing.FORMATS:
        delivered = tmp_path / "delivery" / form
        assert landing.land(delivered, DEMO_LOAD, tmp_path / form) == rows
        assert landing.copy(delivered, tmp_path / f"{form}-copied", _LIMITS) == rows
    landed = Landing(tmp_path / "csv" / "landing")
    [batch] = landed.visible("files", DEMO_LOAD, "customers")
    original = Landing(home / "landing")
    [first] = original.visible("demo", DEMO_LOAD, "customers")
    listed = ", ".join(column.name for column in contract()["customers"].columns)
    differing = duckdb.execute(
        f"select count(*) from (select {listed} from read_parquet(?) except all select {listed} from read_parquet(?))",
        [str(landed.data_path(batch)), str(original.data_path(first))],
    ).fetchall()
    assert differing == [(0,)]


def test_a_rejected_row_ends_the_landing(home: Path, tmp_path: Path) -> None:
    landing.write_delivery(home, DEMO_LOAD, tmp_path)
    projects = tmp_path / "csv" / "projects.csv"
    projects.write_text(projects.read_text(encoding="utf-8") + "P99,\n", encoding="utf-8")
    with pytest.raises(SystemExit, match="projects: 1 rows rejected"):
        landing.land(tmp_path / "csv", DEMO_LOAD, tmp_path / "home")


def test_every_question_has_an_answer_with_and_without_a_policy(built: DemoWarehouse, tmp_path: Path) -> None:
    marts = tmp_path / "marts.duckdb"
    publish(built.database, marts, {"as_of": built.as_of, "source": "demo"})
    month = built.as_of.replace(day=1)
    with open_publication(marts, broadest_viewer(marts)) as connection:
        for relation in (lambda mart: f"marts.{mart}", lambda mart: f"access.access_{mart}"):
            for name, text in dashboards.questions(month, relation).items():
                assert connection.execute(text).fetchall(), name


def test_only_marts_that_no_question_reads_stay_off_the_server(built: DemoWarehouse, tmp_path: Path) -> None:
    marts = tmp_path / "marts.duckdb"
    publish(built.database, marts, {"as_of": built.as_of, "source": "demo"})
    read: set[str] = set()

    def named(mart: str) -> str:
        read.add(mart)
        return mart

    dashboards.questions(built.as_of, named)
    with open_publication(marts) as connection:
        figures = {table.name for table in read_tables(connection) if table.name.startswith(("fct_", "kpi_"))}
    left_out = dashboards.not_asked(marts)
    assert {"fct_interactions", "fct_journey"} < left_out
    assert (read | left_out, read & left_out) == (figures, set())


def test_several_companies_land_in_parts_as_they_would_whole(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, whole, parts = (Landing(path) for path in (home / "landing", tmp_path / "whole", tmp_path / "parts"))
    changed_night.several_companies(one, whole, 3, DEMO_LOAD)
    monkeypatch.setattr(changed_night, "_ROWS_AT_ONCE", 1000)
    changed_night.several_companies(one, parts, 3, DEMO_LOAD)
    parts.verify_all(parts.visible("demo"), content=True)
    for entity in contract():
        [[alone], [first], [second]] = [found.visible("demo", DEMO_LOAD, entity.name) for found in (one, whole, parts)]
        assert first.rows_landed == second.rows_landed == alone.rows_landed * (1 if entity.is_lookup else 3)
        files = [pq.ParquetFile(found.data_path(batch)) for found, batch in ((whole, first), (parts, second))]
        assert files[0].read().equals(files[1].read())
        keys = files[0].read(columns=list(entity.key)).group_by(list(entity.key)).aggregate([])
        assert keys.num_rows == first.rows_landed
    assert pq.ParquetFile(parts.data_path(parts.visible("demo", DEMO_LOAD, "interactions")[0])).num_row_groups > 10


def test_the_edited_rows_do_not_depend_on_how_the_file_is_cut(home: Path, tmp_path: Path) -> None:
    one = Landing(home / "landing")
    [batch] = one.visible("demo", DEMO_LOAD, "orders")
    cut = Landing(tmp_path)
    for entity in contract():
        [whole] = one.visible("demo", DEMO_LOAD, entity.name)
        shutil.copytree(one.data_path(whole).parent, cut.data_path(whole).parent)
    pq.write_table(pq.read_table(one.data_path(batch)), cut.data_path(batch), row_group_size=100)
    night = DEMO_LOAD + changed_night.A_DAY
    found = [changed_night.EditedNight(landing, 0.01, 60).read("orders", night) for landing in (one, cut)]
    tables = [edited.table for edited in found if edited is not None]
    assert tables[0].num_rows > 5
    assert tables[0].equals(tables[1])
