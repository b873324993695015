"""The process that judges suites: the same verdicts as in this process, and no night that waits for a dead one."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from orchestration.checks.suite import Expect, Judged, SuiteError, between
from orchestration.checks.suite_process import SuiteProcess

FRAME = pd.DataFrame({"entity": ["orders", "tasks"], "status": ["landed", "landed"], "future_rows": [0.0, 3.0]})


class _EndsTheReader:
    """Ends the process that reads it, as a crash in the middle of a suite would."""

    def __reduce__(self) -> tuple[Any, tuple[int]]:
        return os._exit, (9,)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("suite_process")


@pytest.fixture(scope="module")
def suites(folder: Path) -> Iterator[SuiteProcess]:
    with SuiteProcess(folder / "suites.log") as process:
        yield process


def _judge(suites: SuiteProcess, folder: Path, expect: Expect) -> dict[str, Judged]:
    return suites.run_suite(
        "process", FRAME, "entity", {"batch_future_rows": (expect,)}, folder / "checks" / "data_docs"
    )


def test_the_child_names_the_failing_rows_and_writes_the_docs(suites: SuiteProcess, folder: Path) -> None:
    assert _judge(suites, folder, between("future_rows", 0, 0)) == {"batch_future_rows": Judged(("tasks",))}
    assert (folder / "checks" / "data_docs" / "index.html").is_file()


def test_what_cannot_be_judged_is_an_error_and_the_next_suite_is_judged(suites: SuiteProcess, folder: Path) -> None:
    with pytest.raises(SuiteError, match="suite process, check batch_future_rows"):
        _judge(suites, folder, between("no_such_column", 0, 0))
    assert _judge(suites, folder, between("future_rows", 0, 3)) == {"batch_future_rows": Judged(())}


def test_a_child_that_dies_is_an_error_that_names_its_log(tmp_path: Path) -> None:
    with (
        SuiteProcess(tmp_path / "suites.log") as process,
        pytest.raises(SuiteError, match=r"ended \(exit code 9\); see .*suites\.log"),
    ):
        _judge(process, tmp_path, Expect("ExpectColumnValuesToBeBetween", {"column": _EndsTheReader()}))


@pytest.mark.parametrize("said", [b"", pickle.dumps(FRAME)[:-20]], ids=["between requests", "in the middle of one"])
def test_the_child_ends_with_its_parent(said: bytes) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "orchestration.checks.suite_process"], input=said, capture_output=True, timeout=60
    )
    assert (done.returncode, done.stdout) == (0, b"")
