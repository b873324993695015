"""What several unit tests look at."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from orchestration.dbt_run import DBT_PROJECT_DIR, dbt_environment
from orchestration.settings import Settings
from tests.support.shared import built_once


@pytest.fixture(scope="session")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Any]:
    """The manifest of the project as it stands, parsed in a home of its own: no landing zone, no warehouse.

    With the marts that a setting can switch on: they follow the same rules.
    """
    path = built_once(tmp_path_factory.getbasetemp(), "parse", _parse)
    parsed: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return parsed


def _parse(home: Path) -> Path:
    target = home / "target"
    command = [
        *(sys.executable, "-m", "dbt.cli.main", "--quiet", "parse"),
        *("--project-dir", str(DBT_PROJECT_DIR), "--profiles-dir", str(DBT_PROJECT_DIR)),
        *("--target-path", str(target), "--log-path", str(home / "logs")),
    ]
    environment = {**os.environ, **dbt_environment(Settings(home=home, publish_contacts=True))}
    finished = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return target / "manifest.json"
