"""What every test run says at its end, and what is started once for tests of several folders.

Other fixtures live beside the tests that use them.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.real_input import REAL_INPUT
from tests.support.postgres import Server, running_server
from tests.support.postgres_company import demo_publication


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Server]:
    """One PostgreSQL for all tests of this process; each makes a database of its own in it."""
    with running_server() as server:
        yield server


@pytest.fixture(scope="session")
def small_publication(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`marts.duckdb` of a small demo company, for reading only."""
    return demo_publication(tmp_path_factory.mktemp("small_publication"))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say aloud when the real input is not there: tests that did not run must not look as if they had."""
    if not REAL_INPUT.is_dir():
        terminalreporter.write_line(
            f"No real input at {REAL_INPUT}: tests/real_input was not collected. KPI_REAL_INPUT may point elsewhere."
        )
