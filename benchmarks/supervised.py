"""Starts one command, waits for it, and tells what it took: JSON to the pipe whose number is the first argument.

Belongs here: only what has to happen in a small process. Linux counts the memory of the process that starts a command
as the command's own, up to the start; a benchmark that has held a company in memory would be in every figure.
Not here: what is made of the figures (`measure.py`). Nothing is imported beyond Python's own.
"""

import json
import os
import sys
import time


def main() -> None:
    """Run the command of the further arguments, with this process's environment, input and output."""
    pipe, command = int(sys.argv[1]), sys.argv[2:]
    since = time.monotonic()
    pid = os.posix_spawnp(command[0], command, os.environ, file_actions=[(os.POSIX_SPAWN_CLOSE, pipe)])
    # Ended but not yet cleared away, the process still tells its bytes, and those of its own ended children.
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    wall = time.monotonic() - since
    counts = f"/proc/{pid}/io"
    told = ""
    if os.path.exists(counts):
        with open(counts, encoding="ascii") as file:
            told = file.read()
    _, status, used = os.wait4(pid, 0)
    figures = {
        "wall_seconds": wall,
        "cpu_seconds": used.ru_utime + used.ru_stime,
        "largest": used.ru_maxrss,
        "bytes": told,
        "code": os.waitstatus_to_exitcode(status),
    }
    os.write(pipe, json.dumps(figures).encode())


if __name__ == "__main__":
    main()
