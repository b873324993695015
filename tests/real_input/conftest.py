"""Real data in the contract's form, run through the command line as a user would.

Its licence allows testing only, so it lies beside the checkout or not at all; where it does not, these tests are not
collected, and the summary says so (`tests/conftest.py`).
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.real_input import OLIST_NIGHT, REAL_INPUT

collect_ignore_glob = [] if REAL_INPUT.is_dir() else ["test_*.py"]


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The state folder after one night of the whole data, with the warehouse that dbt built; for reading only."""
    home = tmp_path_factory.mktemp("olist")
    kpi = str(Path(sys.executable).with_name("kpi"))
    done = subprocess.run(
        [kpi, "run", "--source", "files", "--path", str(REAL_INPUT), "--date", OLIST_NIGHT.isoformat()],
        env={**os.environ, "KPI_HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return home
