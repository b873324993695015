"""What all assets of one code location share: the settings, the source, the landing zone, dbt's process, the listener.

Nothing is opened before the first asset asks for it: definitions load without touching data.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Self

from orchestration.checks.suite import RunSuite, run_suite
from orchestration.dbt_run import DbtWorker
from orchestration.progress import Progress
from orchestration.settings import Settings

if TYPE_CHECKING:
    from orchestration.landing.store import Landing
    from orchestration.sources.base import Source


@dataclass
class Services:
    """Handed to every asset factory. `worker` and `source` serve all nights that this process plays.

    `run_suite` evaluates Great Expectations suites, by default in this process.
    """

    settings: Settings
    progress: Progress
    worker: DbtWorker
    run_suite: RunSuite = field(default=run_suite)

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Silent services with a dbt process of their own, which starts with its first command."""
        return cls(settings, Progress(), DbtWorker(settings))

    @cached_property
    def source(self) -> Source:
        """The CRM the settings name. Raises ValueError or SourceError when it cannot be there."""
        from orchestration.sources.factory import build_source

        return build_source(self.settings, self.progress.receiving)

    @cached_property
    def landing(self) -> Landing:
        """The landing zone under KPI_HOME."""
        from orchestration.landing.store import Landing

        return Landing(self.settings.landing_dir)

    @property
    def data_docs(self) -> Path:
        """Where Great Expectations writes its readable reports."""
        return self.settings.checks_dir / "data_docs"
