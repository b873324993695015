"""The writer lock: one holder at a time, named to whoever waits, and gone with its process."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestration.serving.errors import LockHeldError
from orchestration.serving.lock import holder, writer_lock

_HOLDER = """
import sys
from pathlib import Path
from orchestration.serving.lock import writer_lock
with writer_lock(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def lock_path(tmp_path: Path) -> Path:
    return tmp_path / "home" / "writer.lock"


@pytest.fixture
def other(lock_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the lock until it reads a line."""
    process = subprocess.Popen(
        [sys.executable, "-c", _HOLDER, str(lock_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.communicate()


def test_the_lock_is_free_again_after_the_body(lock_path: Path) -> None:
    with writer_lock(lock_path):
        assert f"process {os.getpid()} (" in holder(lock_path)
    with writer_lock(lock_path):
        pass
    assert lock_path.read_text() == ""


def test_the_lock_is_free_again_after_an_error(lock_path: Path) -> None:
    with pytest.raises(RuntimeError, match="broke"), writer_lock(lock_path):
        raise RuntimeError("broke")
    with writer_lock(lock_path):
        pass


def test_a_second_writer_is_told_who_holds_it(lock_path: Path, other: subprocess.Popen[str]) -> None:
    said: list[str] = []
    with pytest.raises(LockHeldError) as error, writer_lock(lock_path, 0.3, said.append):
        pytest.fail("the lock was taken twice")
    assert re.search(rf"is held by process {other.pid} \(-c .*\), since 20\d\d-", str(error.value))
    assert "waited 0.3 seconds" in str(error.value)
    [waiting] = said
    assert waiting.startswith(f"waiting for process {other.pid} (")
    assert waiting.endswith("up to 0.3 seconds")


def test_a_waiting_writer_gets_the_lock_when_it_is_released(lock_path: Path, other: subprocess.Popen[str]) -> None:
    def release(_message: str) -> None:
        assert other.stdin is not None
        other.stdin.write("\n")
        other.stdin.flush()

    with writer_lock(lock_path, 30, release):
        assert f"process {os.getpid()} " in holder(lock_path)


def test_a_killed_holder_leaves_no_lock_behind(lock_path: Path, other: subprocess.Popen[str]) -> None:
    other.send_signal(signal.SIGKILL)
    other.wait()
    with writer_lock(lock_path):
        assert f"process {os.getpid()} " in holder(lock_path)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}"])
def test_a_holder_that_has_not_written_its_name_is_said_so(lock_path: Path, text: str) -> None:
    lock_path.parent.mkdir()
    lock_path.write_text(text)
    assert holder(lock_path) == "a process that has not written its name yet"
