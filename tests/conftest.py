"""What every test run says at its end. Fixtures live beside the tests that use them."""

import pytest

from tests.real_input import REAL_INPUT


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say aloud when the real input is not there: tests that did not run must not look as if they had."""
    if not REAL_INPUT.is_dir():
        terminalreporter.write_line(
            f"No real input at {REAL_INPUT}: tests/real_input was not collected. KPI_REAL_INPUT may point elsewhere."
        )
