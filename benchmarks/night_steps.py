"""Plays one night as `kpi run` does, and writes down when each step ended: a list of [step, wall s, CPU s].

Belongs here: the listener with the clock. Not here: what is done with the figures (`night.py`).

The processor seconds are those of every process of the night in the meantime: what dbt's process does while rows are
landed is in the landing's line.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.measure import tree_cpu_seconds
from orchestration.checks.suite_process import SuiteProcess
from orchestration.dbt_run import DbtWorker
from orchestration.progress import BuildSummary, Progress
from orchestration.settings import Settings

if TYPE_CHECKING:
    from orchestration.checks.outcome import CheckOutcome
    from orchestration.serving.publish import Publication


class Stopwatch(Progress):
    """Ends a step at every report that ends one."""

    def __init__(self) -> None:
        self.steps: list[tuple[str, float, float]] = []
        self._wall, self._cpu = time.monotonic(), tree_cpu_seconds(os.getpid())

    def end(self, step: str) -> None:
        """What happened since the step before ended was `step`."""
        wall, cpu = time.monotonic(), tree_cpu_seconds(os.getpid())
        self.steps.append((step, round(wall - self._wall, 3), round(cpu - self._cpu, 3)))
        self._wall, self._cpu = wall, cpu

    def ingesting(self, night: date, entities: int) -> None:
        """Dagster has begun the run."""
        self.end("Dagster begins the run")

    def checking(self, what: str) -> None:
        """Landing, or Dagster's record of what dbt did, is over."""
        self.end("landed and recorded" if what == "batches" else "dbt's results recorded by Dagster")

    def checked(self, outcomes: Sequence[CheckOutcome]) -> None:
        """The batches, the marts or the publication have been checked."""
        self.end(f"{outcomes[0].spec.asset[0]}: {len(outcomes)} checks")

    def building(self, as_of: date, nodes: int) -> None:
        """Dagster has recorded the checks; dbt begins."""
        self.end("checks recorded by Dagster")

    def built(self, summary: BuildSummary) -> None:
        """dbt is done."""
        self.end(f"dbt: {summary.built} tables and views, {summary.tests} tests")

    def publishing(self) -> None:
        """The publication begins."""
        self.end("publication's checks recorded by Dagster")

    def published(self, publication: Publication) -> None:
        """The publication answers."""
        self.end(f"published {len(publication.tables)} tables")


def main(night: date, target: Path) -> None:
    """Play the night and write the steps to `target`. Ends with exit code 1 when the night fails."""
    settings = Settings()
    watch = Stopwatch()
    log = settings.home / "logs" / "kpi.log"
    with DbtWorker(settings) as worker, SuiteProcess(log) as suites:
        worker.start()
        suites.start()
        from orchestration.night import NightPlayer, Services, open_instance, quiet_libraries

        watch.end("Dagster and this project imported")
        with quiet_libraries(log), open_instance(settings) as instance:
            player = NightPlayer(Services(settings, watch, worker, suites.run_suite), instance)
            watch.end("definitions built")
            result = player.play(night)
            watch.end("Dagster ends the run")
    if not result.success:
        raise SystemExit(f"the night failed: {result.failures}")
    target.write_text(json.dumps(watch.steps), encoding="utf-8")


if __name__ == "__main__":
    main(date.fromisoformat(sys.argv[1]), Path(sys.argv[2]))
