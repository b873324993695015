"""What several unit tests look at."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import pytest

from orchestration.dbt_run import DBT_PROJECT_DIR, dbt_environment
from orchestration.settings import Settings


@pytest.fixture(scope="session")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Any]:
    """The manifest of the project as it stands, parsed in a home of its own: no landing zone, no warehouse.

    With the marts that a setting can switch on: they follow the same rules.
    """
    home = tmp_path_factory.mktemp("parse")
    target = home / "target"
    command = [
        *(sys.executable, "-m", "dbt.cli.main", "--quiet", "parse"),
        *("--project-dir", str(DBT_PROJECT_DIR), "--profiles-dir", str(DBT_PROJECT_DIR)),
        *("--target-path", str(target), "--log-path", str(home / "logs")),
    ]
    environment = {**os.environ, **dbt_environment(Settings(home=home, publish_contacts=True))}
    finished = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    parsed: Mapping[str, Any] = json.loads((target / "manifest.json").read_text(encoding="utf-8"))
    return parsed
