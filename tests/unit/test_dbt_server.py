"""The project parsed once for many commands is the project that every one of them would have parsed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from orchestration.build_plan import CHANGES
from orchestration.dbt_run import DBT_PROJECT_DIR, dbt_environment
from orchestration.settings import Settings
from tests.support.dbt_server import PARSED_WITH, ask_dbt
from tests.support.warehouse import run_dbt, warehouse_settings

# What says when a part was parsed, and what one command compiled.
_OF_ONE_COMMAND = frozenset(
    {"created_at", "compiled", "compiled_path", "compiled_code", "extra_ctes_injected", "extra_ctes"}
)


def _lasting(parsed: object) -> object:
    if isinstance(parsed, Mapping):
        return {key: _lasting(value) for key, value in parsed.items() if key not in _OF_ONE_COMMAND}
    if isinstance(parsed, list):
        return [_lasting(value) for value in parsed]
    return parsed


def test_no_variable_but_one_is_in_the_parsed_project(manifest: Mapping[str, Any], tmp_path: Path) -> None:
    """Another home, zone, memory, day and mode than those it was parsed with, and than a command parses for itself."""
    settings = Settings(
        home=tmp_path, timezone="Pacific/Auckland", threads=1, memory_limit="321MB", publish_contacts=True
    )
    settings.warehouse_dir.mkdir()
    environment = dbt_environment(settings, date(2001, 2, 3), CHANGES)
    target = tmp_path / "target"
    answer = ask_dbt(
        DBT_PROJECT_DIR,
        [
            *("compile", "--select", "dim_date", "--no-populate-cache", "--no-introspect"),
            *("--project-dir", str(DBT_PROJECT_DIR), "--profiles-dir", str(DBT_PROJECT_DIR)),
            *("--target-path", str(target), "--log-path", str(tmp_path / "logs")),
        ],
        environment,
    )
    assert answer.exit_code == 0, answer.output
    used: Mapping[str, Any] = json.loads((target / "manifest.json").read_text(encoding="utf-8"))
    assert used.keys() == manifest.keys()
    different = [section for section in manifest if _lasting(used[section]) != _lasting(manifest[section])]
    assert different == ["metadata"]
    assert set(environment) - {PARSED_WITH} > {"KPI_HOME", "KPI_AS_OF", "KPI_TIMEZONE", "KPI_BUILD", "KPI_THREADS"}


def _project(root: Path, number: int) -> Path:
    """A project of one model, whose folder and home are its own."""
    project = root / "project"
    (project / "models").mkdir(parents=True)
    (project / "dbt_project.yml").write_text("name: small\nversion: '1.0'\nprofile: kpi\n", encoding="utf-8")
    (project / "profiles.yml").write_text((DBT_PROJECT_DIR / "profiles.yml").read_text(encoding="utf-8"))
    sql = f"{{{{ config(materialized='table') }}}} select {number} as number, '{{{{ env_var('KPI_HOME') }}}}' as home"
    (project / "models" / "numbers.sql").write_text(sql, encoding="utf-8")
    return project


def test_of_another_project_what_differs_is_parsed_and_no_home_is_taken_for_another(tmp_path: Path) -> None:
    for number in (1, 2):
        root = tmp_path / str(number)
        project, settings = _project(root, number), warehouse_settings(root / "home")
        settings.warehouse_dir.mkdir(parents=True)
        run = run_dbt(project, ["run"], dbt_environment(settings), settings.warehouse_dir / "target")
        assert run.bad() == []
        is_from_nothing = "Starting full parse" in (settings.warehouse_dir / "logs" / "dbt.log").read_text()
        assert is_from_nothing == (number == 1)
    for number in (1, 2):
        path = warehouse_settings(tmp_path / str(number) / "home").warehouse_path
        with duckdb.connect(str(path), read_only=True) as connection:
            [(found, home)] = connection.execute("from main.numbers").fetchall()
        assert found == number
        assert not Path(home).exists(), "what a command stored of its home has to lead nowhere, not to the next one's"
