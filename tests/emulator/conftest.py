"""The company that the emulator's own tests are about, and a client that knows its key.

Its life is drawn once; an emulator over it starts in milliseconds.
"""

from collections.abc import Iterator

import httpx
import pytest

from orchestration.sources.demo import DemoSource
from tests.emulator import Emulator, running_emulator
from tests.support.warehouse import DEMO_AS_OF, DEMO_LOAD, DEMO_START

KEY = "0123456789abcdefghijklmnopqrst"


@pytest.fixture(scope="session")
def company_source() -> DemoSource:
    return DemoSource(seed=20260101, scale=0.02, start=DEMO_START, end=DEMO_AS_OF)


@pytest.fixture
def emulator(company_source: DemoSource) -> Iterator[Emulator]:
    with running_emulator(company_source, DEMO_LOAD, key=KEY) as running:
        yield running


@pytest.fixture
def crm(emulator: Emulator) -> Iterator[httpx.Client]:
    """A client of the emulator that sends the key."""
    # No certificates are needed on loopback, and loading them takes longer than most tests.
    with httpx.Client(base_url=emulator.url, headers={"X-API-KEY": KEY}, timeout=10, verify=False) as client:
        yield client
