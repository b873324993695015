"""The project parsed once for many commands is the project that every one of them would have parsed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from orchestration.build_plan import CHANGES
from orchestration.dbt_run import DBT_PROJECT_DIR, dbt_environment
from orchestration.settings import Settings
from tests.support.dbt_server import PARSED_WITH, ask_dbt

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
