"""The demo company's warehouse, built once per session, and the oracle's view of the same landing files."""

from __future__ import annotations

import pytest

from tests.oracle.oracle import Company, company
from tests.oracle.reading import landed_batches
from tests.support.warehouse import DemoWarehouse, demo_warehouse


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> DemoWarehouse:
    return demo_warehouse(tmp_path_factory.getbasetemp())


@pytest.fixture(scope="session")
def demo_company(built: DemoWarehouse) -> Company:
    return company(landed_batches(built.landing, "demo", built.as_of), built.as_of)
