"""A child process with Great Expectations imported, which runs one suite at a time.

Belongs here: starting it, handing it a suite, getting back what was judged. Not here: what a suite is (`suite.py`).

Importing Great Expectations takes seconds of processor time. The process does it on the second core while the night's
rows are being landed, and serves several nights in a row. Requests and answers are pickled objects on its standard
input and output: both ends are this program. The end of standard input ends the process, whatever it is doing, so that
it never outlives the process that holds the writer's lock.
"""

from __future__ import annotations

import contextlib
import gc
import os
import pickle
import queue
import signal
import subprocess
import sys
import threading
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, BinaryIO, Self

from orchestration.checks.suite import Expect, Judged, SuiteError, run_suite

if TYPE_CHECKING:
    import pandas as pd

_EXIT_UNHANDLED = 70


class SuiteProcess:
    """The parent's end: a context manager whose `run_suite` is that of `suite.py`, done by the child."""

    def __init__(self, log_path: Path) -> None:
        """What the child and its libraries say goes to `log_path`."""
        self._log_path = log_path
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def start(self) -> None:
        """Start importing; returns at once, and does nothing when the child runs."""
        if self._process is not None and self._process.poll() is None:
            return
        self.close()
        self._log_path.parent.mkdir(parents=True, exist_ok=True)
        with self._log_path.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "orchestration.checks.suite_process"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                cwd=Path(__file__).parents[2],
            )

    def run_suite(
        self, name: str, frame: pd.DataFrame, key: str, expectations: Mapping[str, Sequence[Expect]], docs_dir: Path
    ) -> dict[str, Judged]:
        """Have the child judge `frame`; see `suite.run_suite`. Raises SuiteError also when the child dies."""
        self.start()
        assert self._process is not None and self._process.stdin is not None and self._process.stdout is not None
        try:
            pickle.dump((name, frame, key, dict(expectations), docs_dir), self._process.stdin)
            self._process.stdin.flush()
            answer: dict[str, Judged] | str = pickle.load(self._process.stdout)
        except (BrokenPipeError, EOFError, pickle.UnpicklingError) as error:
            code = self._process.wait()
            raise SuiteError(
                f"suite {name}: the process that judges it ended (exit code {code}); see {self._log_path}"
            ) from error
        if isinstance(answer, str):
            raise SuiteError(answer)
        return answer

    def close(self) -> None:
        """End the child and whatever it is doing."""
        if self._process is None:
            return
        assert self._process.stdin is not None and self._process.stdout is not None
        with contextlib.suppress(BrokenPipeError):  # It is gone already, with a request half written.
            self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()
        self._process = None


def _read_requests(source: BinaryIO, requests: queue.SimpleQueue[Any]) -> None:
    code = _EXIT_UNHANDLED
    try:
        while True:
            requests.put(pickle.load(source))
    except (EOFError, pickle.UnpicklingError):  # The parent is gone, perhaps in the middle of a request.
        code = 0
    finally:
        os._exit(code)


def _answer(request: Any) -> dict[str, Judged] | str:
    try:
        return run_suite(*request)
    except Exception as error:
        traceback.print_exc()
        return str(error) if isinstance(error, SuiteError) else f"suite {request[0]}: {type(error).__name__}: {error}"


def main() -> None:
    """Import Great Expectations, then serve requests until standard input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the parent, which then closes our input.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # Whatever a library prints goes to the log.
    requests: queue.SimpleQueue[Any] = queue.SimpleQueue()
    threading.Thread(target=_read_requests, args=(sys.stdin.buffer, requests), daemon=True).start()
    gc.disable()  # What importing makes stays until the end.
    import great_expectations  # noqa: F401

    gc.freeze()
    gc.enable()
    while True:
        pickle.dump(_answer(requests.get()), answers)
        answers.flush()


if __name__ == "__main__":
    main()
