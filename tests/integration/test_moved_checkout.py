"""A checkout that moves while its state stays where it is: what dbt keeps of the old folder is given up."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from orchestration.aside import worker_aside
from orchestration.dbt_run import copy_parsed, parse_from_here
from orchestration.settings import PROJECT_DIR
from tests.support.warehouse import warehouse_settings

_PARTS = ("orchestration", "dbt_project", "models", "seeds")
_LOAD_RULES = """
from orchestration.dbt_run import DbtWorker, dbt_arguments, dbt_environment, dbt_paths, ensure_manifest
from orchestration.settings import settings

with DbtWorker(settings()) as worker:
    ensure_manifest(settings(), worker)
    print(dbt_paths(settings()).manifest.read_text())
    arguments = dbt_arguments("seed", dbt_paths(settings()).target, ("--select", "age_bands"))
    problem = worker.run(arguments, dbt_environment(settings()))
    assert problem is None, problem
"""


def _checkout(folder: Path) -> Path:
    """The parts of the project that dbt and its worker read."""
    for part in _PARTS:
        shutil.copytree(
            PROJECT_DIR / part, folder / part, symlinks=True, ignore=shutil.ignore_patterns("__pycache__", "logs")
        )
    return folder


def _load_rules(checkout: Path, home: Path) -> str:
    """Load one rule file from this checkout; returns the manifest that its definitions would be made from."""
    finished = subprocess.run(
        [sys.executable, "-c", _LOAD_RULES],
        cwd=checkout,
        env={**os.environ, "PYTHONPATH": str(checkout), "KPI_HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr + (home / "warehouse/logs/worker.log").read_text()
    return finished.stdout


def test_rules_are_loaded_from_where_the_checkout_is_now(tmp_path: Path) -> None:
    home, old, new = tmp_path / "home", tmp_path / "old", tmp_path / "new"
    assert str(old) in _load_rules(_checkout(old), home)
    old.rename(new)
    assert str(old) not in _load_rules(new, home)
    with duckdb.connect(home / "warehouse" / "warehouse.duckdb", read_only=True) as connection:
        assert connection.sql("select count(*) from seeds.age_bands").fetchall() != [(0,)]


@pytest.mark.parametrize(("parsed_from", "is_kept"), [("here", True), ("elsewhere", False)])
def test_what_was_parsed_is_kept_where_it_was_parsed_from_here(
    tmp_path: Path, parsed_from: str, *, is_kept: bool
) -> None:
    target = tmp_path / "target"
    parse_from_here(target, tmp_path / parsed_from)
    (target / "partial_parse.msgpack").write_bytes(b"parsed")
    copied = tmp_path / "aside"
    copy_parsed(target, copied)
    for folder in (target, copied):
        parse_from_here(folder, tmp_path / "here")
        assert (folder / "partial_parse.msgpack").exists() == is_kept


def test_a_build_aside_begins_with_what_the_last_night_parsed(tmp_path: Path) -> None:
    settings, scratch = warehouse_settings(tmp_path / "home"), warehouse_settings(tmp_path / "scratch")
    target = settings.warehouse_dir / "target"
    parse_from_here(target)
    (target / "partial_parse.msgpack").write_bytes(b"parsed")
    with worker_aside(settings, scratch):
        assert (scratch.warehouse_dir / "target" / "partial_parse.msgpack").read_bytes() == b"parsed"
