"""The compiled project, made once per session."""

from __future__ import annotations

import pytest

from tests.properties.runner import Project, compile_project


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return compile_project(tmp_path_factory.mktemp("compiled"))
