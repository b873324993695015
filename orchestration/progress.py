"""What a night tells while it runs: one object that every stage reports to.

Belongs here: the listener's interface and the one that keeps what it hears. Not here: how it looks in a terminal
(`cli/`), or Dagster's own events and metadata (`assets/`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from orchestration.checks.outcome import CheckOutcome
    from orchestration.landing.manifest import Manifest
    from orchestration.serving.publish import Publication


@dataclass(frozen=True)
class BuildSummary:
    """What dbt did: models and seeds built, data tests passed, warnings and problems as readable lines.

    `basis` says in a few words what it was built from: changed records, or everything and why.
    """

    built: int
    tests: int
    warnings: tuple[str, ...]
    problems: tuple[str, ...]
    basis: str = ""


class Progress:
    """Hears of every step of a night; this one stays silent."""

    def waiting(self, message: str) -> None:
        """Another run holds the writer's lock; the message says which."""

    def ingesting(self, night: date, entities: int) -> None:
        """The rows of one night are about to be landed."""

    def receiving(self, what: str) -> None:
        """A CRM's API is being read: what of it, how far, and how long it may take."""

    def ingested(self, entity: str, manifest: Manifest | None) -> None:
        """One entity has landed, or has failed to; None when the source does not have it."""

    def checking(self, what: str) -> None:
        """A group of checks begins."""

    def checked(self, outcomes: Sequence[CheckOutcome]) -> None:
        """A group of checks has come out."""

    def building(self, as_of: date, nodes: int) -> None:
        """The dbt run begins: `nodes` models, seeds and tests."""

    def node_finished(self, unique_id: str, status: str) -> None:
        """The dbt run has finished one node."""

    def built(self, summary: BuildSummary) -> None:
        """The dbt run is over and has been judged."""

    def publishing(self) -> None:
        """The publication is about to be built aside."""

    def removed(self, paths: Sequence[Path]) -> None:
        """Files that may hold contact details, which are published no longer, were deleted."""

    def published(self, publication: Publication) -> None:
        """The new publication answers."""


@dataclass
class RecordedProgress(Progress):
    """Keeps what it hears, for a summary at the end."""

    manifests: list[Manifest] = field(default_factory=list)
    outcomes: list[CheckOutcome] = field(default_factory=list)
    build: BuildSummary | None = None
    publication: Publication | None = None

    def ingested(self, entity: str, manifest: Manifest | None) -> None:
        """Keep the manifest."""
        if manifest is not None:
            self.manifests.append(manifest)

    def checked(self, outcomes: Sequence[CheckOutcome]) -> None:
        """Keep the outcomes."""
        self.outcomes.extend(outcomes)

    def built(self, summary: BuildSummary) -> None:
        """Keep what dbt did."""
        self.build = summary

    def published(self, publication: Publication) -> None:
        """Keep the publication."""
        self.publication = publication
