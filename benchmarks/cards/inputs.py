"""What every contestant is given: the landed files of one complete batch, the day, and where its marts go.

Belongs here: arguments and limits common to all contestants. Not here: what any of them computes.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from orchestration.landing.store import Landing

MARTS = ("fct_funnel", "fct_task_status", "dim_customer_cohort", "fct_journey")
ENTITIES = (
    "contacts",
    "customer_changes",
    "customers",
    "employees",
    "interactions",
    "order_lines",
    "orders",
    "payments",
    "projects",
    "provinces",
    "relationships",
    "task_types",
    "tasks",
)
"""What the four marts are made of. Opportunities and all else are in no figure under the shipped rules."""


@dataclass(frozen=True)
class Given:
    """One contestant's task. `home` is a KPI_HOME with one complete batch on `as_of`; `target` an empty folder."""

    home: Path
    as_of: date
    target: Path
    threads: int
    memory_limit: str

    @classmethod
    def from_arguments(cls) -> Given:
        """As `arguments` wrote them, and the limits of the environment."""
        home, as_of, target = sys.argv[1:4]
        return cls(
            Path(home),
            date.fromisoformat(as_of),
            Path(target),
            int(os.environ["KPI_THREADS"]),
            os.environ["KPI_MEMORY_LIMIT"],
        )

    def files(self) -> dict[str, str]:
        """The landed file of every entity the marts need."""
        landing = Landing(self.home / "landing")
        found = {}
        for entity in ENTITIES:
            [batch] = landing.visible("demo", self.as_of, entity)
            found[entity] = str(landing.data_path(batch))
        return found
