"""The compiled project, made once per test run."""

from __future__ import annotations

import pytest

from tests.properties.runner import Project, compiled_project


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return compiled_project(tmp_path_factory.getbasetemp())
