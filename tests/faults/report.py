"""What a plan of kills did and found.

Belongs here: counting and telling. Not here: plans (`kill_points.py`, `command_plan.py`).
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field

from orchestration.cli import BROKEN, FAILED_CHECK
from tests.faults.kill_hook import SELF
from tests.faults.killing import Moment, Outcome
from tests.faults.reader import Seen


@dataclass
class Report:
    """What a plan did and found. `problems` is empty when all is well."""

    plan: str
    seed: int
    kills: int = 0
    reads: int = 0
    generations: int = 0
    moments: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)

    def note(self, step: str, moment: Moment, outcome: Outcome) -> None:
        """Count a kill that hit; an operation that was over before its moment came must have ended well."""
        # A command whose dbt process died alone says so and ends with 3, or 1 where dbt was building.
        is_alone = moment.change is not None and moment.scope == SELF
        is_worker = is_alone and outcome.exit_code in (BROKEN, FAILED_CHECK)
        if outcome.killed or is_worker:
            self.kills += 1
            kind = "time" if moment.seconds is not None else "change" if moment.change is not None else moment.sight
            self.moments[f"{step}: {kind}, {moment.scope}"] += 1
        elif outcome.exit_code != 0:
            self.problems.append(f"{step}, to be killed {moment}, ended by itself with {outcome.exit_code}")

    def __str__(self) -> str:
        verdict = "no difference" if not self.problems else f"{len(self.problems)} problems"
        seen = f", {self.reads} reads of {self.generations} generations" if self.reads else ""
        lines = [f"{self.plan} (seed {self.seed}): {self.kills} kills{seen}: {verdict}"]
        lines += [f"  {count:4} {moment}" for moment, count in sorted(self.moments.items())]
        return "\n".join(lines + [f"  ! {problem}" for problem in self.problems])

    def heard(self, seen: Seen) -> None:
        """Add what a reader saw."""
        self.reads += seen.reads
        self.generations += len(seen.generations)
        self.problems += [f"reader: {problem}" for problem in seen.wrong[:5]]
        if list(seen.generations) != sorted(seen.generations):
            self.problems.append(f"reader: generations came out of order: {list(seen.generations)}")


def say(text: str) -> None:
    """A line of progress."""
    print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)
