"""What every test run says at its end, and what is started once for tests of several folders.

Other fixtures live beside the tests that use them.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.real_input import REAL_INPUT
from tests.support.postgres import Server, running_server
from tests.support.postgres_company import demo_publication
from tests.support.shared import broken_seals, built_once


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Server]:
    """One PostgreSQL for all tests of this process; each makes a database of its own in it."""
    with running_server() as server:
        yield server


@pytest.fixture(scope="session")
def small_publication(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`marts.duckdb` of a small demo company, for reading only."""
    return built_once(tmp_path_factory.getbasetemp(), "small_publication", demo_publication)


@pytest.fixture(scope="module", autouse=True)
def _shared_folders_stay_as_built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What one file of tests changes, those that read it afterwards would take for the company's figures."""
    yield
    broken = broken_seals(tmp_path_factory.getbasetemp())
    assert broken == [], "shared with other tests, so take a copy; while this file ran, it or one beside it changed it"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say aloud when the real input is not there: tests that did not run must not look as if they had."""
    if not REAL_INPUT.is_dir():
        terminalreporter.write_line(
            f"No real input at {REAL_INPUT}: tests/real_input was not collected. KPI_REAL_INPUT may point elsewhere."
        )
