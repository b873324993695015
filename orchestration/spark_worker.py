"""One dbt command on Spark, for `spark_run.py`: says what it has built, and ends when nobody listens any more.

Belongs here: the protocol, which is that of `dbt_worker.py`. Not here: what surrounds dbt on Spark (`spark_dbt.py`).
Out: `{"node": unique id, "status": ...}` for every finished node, `{"error": text}` when dbt stopped with an
exception, then `{"exit": code}`. The end of standard input ends this process at once and Spark's with it, so that no
build outlives the process that holds the writer's lock.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

from orchestration.dbt_worker import NODE_FINISHED, ending_with_parent, say
from orchestration.spark_dbt import run


def main() -> int:
    """Run the command that the arguments are; returns dbt's exit code."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the parent, which then closes our input.
    protocol_fd = os.dup(1)
    os.dup2(2, 1)  # What dbt and Spark print goes to the log.

    def on_event(event: Any) -> None:
        if event.info.name == NODE_FINISHED:
            node = event.data.node_info
            say(protocol_fd, {"node": node.unique_id, "status": node.node_status})

    with ending_with_parent():
        code, problem = run(sys.argv[1:], [on_event])
    if problem is not None:
        say(protocol_fd, {"error": problem})
    say(protocol_fd, {"exit": code})
    return code


if __name__ == "__main__":
    sys.exit(main())
