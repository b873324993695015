"""What all builds on Spark in these tests share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.spark.engine import write_defaults


@pytest.fixture(scope="session", autouse=True)
def spark_defaults(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Every Spark that is started from here finds its own settings in one folder."""
    folder = tmp_path_factory.mktemp("conf")
    write_defaults(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPARK_CONF_DIR", str(folder))
        yield
