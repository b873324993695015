"""What every test run says at its end, in which order it goes, and what is started once for tests of several folders.

Other fixtures live beside the tests that use them.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.real_input import REAL_INPUT
from tests.support.postgres import Server, running_server
from tests.support.postgres_company import demo_publication
from tests.support.shared import broken_seals, built_once

# Files of a minute and more, slowest first: `make test` hands out whole files in this order, and what comes last
# decides how long one process waits for the other. The first builds what many read; the second needs nothing of it.
SLOW_FILES = (
    "integration/test_explain.py",
    "properties/test_changes.py",
    "faults/test_command_plan.py",
    "faults/test_getfly_faults.py",
    "page/test_browser.py",
    "integration/test_getfly_nights.py",
    "integration/test_dagster_server.py",
    "integration/test_night_play.py",
    "properties/test_landing_order.py",
    "properties/test_rights_rows.py",
    "integration/test_backfill.py",
    "integration/test_contacts_night.py",
    "integration/test_replay.py",
    "real_input/test_olist_oracle.py",
    "oracle/test_sisters.py",
    "properties/test_frozen_months.py",
    "integration/test_getfly_ways_in.py",
    "oracle/test_rule_mutations.py",
    "integration/test_rules_check.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Slow files first; all others as they were, and the tests of a file too."""
    tests, places = Path(__file__).parent, {name: place for place, name in enumerate(SLOW_FILES)}

    def place(item: pytest.Item) -> int:
        return places.get(item.path.relative_to(tests).as_posix(), len(places))

    items.sort(key=place)


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
