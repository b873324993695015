"""How a night looks in a terminal: one line per stage, a moving line while it works, the reasons when it stops.

Belongs here: words and layout. Not here: what a night does, or how a KPI page looks (`report/terminal.py`).
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING

from rich.console import Console
from rich.status import Status
from rich.table import Table
from rich.text import Text

from orchestration.progress import BuildSummary, RecordedProgress

if TYPE_CHECKING:
    from pathlib import Path

    from orchestration.checks.outcome import CheckOutcome
    from orchestration.landing.manifest import Manifest
    from orchestration.serving.publish import Publication

_LABEL_WIDTH = 10
_ROWS_SHOWN = 5
_LINES_SHOWN = 12


def plural(number: int, noun: str, nouns: str | None = None) -> str:
    """`1 row`, `2 rows`, with thousands separated."""
    return f"{number:,} {noun if number == 1 else nouns or noun + 's'}"


class ConsoleProgress(RecordedProgress):
    """Prints each stage of one night as it ends, and shows where it is meanwhile."""

    def __init__(self, console: Console) -> None:
        super().__init__()
        self._console = console
        self._status: Status | None = None
        self._since = time.monotonic()
        self._entities = self._seen = self._nodes = 0
        self._stage_manifests: list[Manifest] = []
        self._night: date | None = None

    def forget(self) -> None:
        """Start over for the next night."""
        self.close()
        self.manifests, self.outcomes, self.build, self.publication = [], [], None, None
        self._since = time.monotonic()

    def close(self) -> None:
        """Take the moving line away."""
        if self._status is not None:
            self._status.stop()
            self._status = None

    def _show(self, text: str) -> None:
        if not self._console.is_terminal:
            return
        if self._status is None:
            self._status = self._console.status(text, spinner="dots")
            self._status.start()
        else:
            self._status.update(text)

    def _line(self, label: str, text: str, style: str = "") -> None:
        seconds = time.monotonic() - self._since
        self._since = time.monotonic()
        body = Text.assemble((f"  {label:<{_LABEL_WIDTH}} ", "bold"), (text, style), (f"  {seconds:.1f} s", "dim"))
        self.close()
        self._console.print(body, soft_wrap=True)

    def waiting(self, message: str) -> None:
        """Say who else writes."""
        self.close()
        self._console.print(f"  [yellow]{message}[/yellow]")

    def ingesting(self, night: date, entities: int) -> None:
        """Begin the landing line."""
        self._entities, self._seen, self._stage_manifests = entities, 0, []
        self._night = night
        self._show(f"landing {night}")

    def receiving(self, what: str) -> None:
        """Show how far reading an API is."""
        self._show(f"receiving {what}")

    def ingested(self, entity: str, manifest: Manifest | None) -> None:
        """Count one entity; the last one ends the line."""
        super().ingested(entity, manifest)
        self._seen += 1
        self._show(f"landing {entity}  {self._seen}/{self._entities}")
        if manifest is not None:
            self._stage_manifests.append(manifest)
        if self._seen == self._entities:
            self._line("landed", f"{self._night}: {landed_words(self._stage_manifests, self._entities)}")

    def checking(self, what: str) -> None:
        """Show which checks run."""
        self._show(f"checking the {what}")

    def checked(self, outcomes: Sequence[CheckOutcome]) -> None:
        """Count a group of checks."""
        super().checked(outcomes)
        blocking = sum(outcome.blocks for outcome in outcomes)
        warnings = sum(not outcome.passed and not outcome.blocks for outcome in outcomes)
        words = plural(len(outcomes), "check")
        words += f", {plural(warnings, 'warning')}" if warnings else ""
        words += f", {blocking} FAILED" if blocking else ""
        self._line("checked", words, "red" if blocking else "yellow" if warnings else "")

    def building(self, as_of: date, nodes: int) -> None:
        """Begin the dbt line."""
        self._nodes, self._seen = nodes, 0
        self._show(f"dbt as of {as_of}  0/{nodes}")

    def node_finished(self, unique_id: str, status: str) -> None:
        """Show how far dbt is."""
        self._seen += 1
        self._show(f"dbt {self._seen}/{self._nodes}  {unique_id.split('.')[2]}")

    def built(self, summary: BuildSummary) -> None:
        """End the dbt line."""
        super().built(summary)
        words = f"{plural(summary.built, 'table or view', 'tables and views')}, {plural(summary.tests, 'test')} passed"
        words += f", {plural(len(summary.warnings), 'warning')}" if summary.warnings else ""
        words += f"; {summary.basis}" if summary.basis else ""
        self._line("built", words + (", NOT COMPLETE" if summary.problems else ""), "red" if summary.problems else "")

    def publishing(self) -> None:
        """Show that the publication is being copied."""
        self._show("publishing")

    def removed(self, paths: Sequence[Path]) -> None:
        """Say which files are no longer there."""
        if paths:
            names = ", ".join(path.name for path in paths)
            self._line("removed", f"{names}: may hold customers' contact details, which are published no longer")

    def published(self, publication: Publication) -> None:
        """End with what answers now."""
        super().published(publication)
        tables, rows = len(publication.tables), sum(publication.tables.values())
        self._line("published", f"{tables} tables, {rows:,} rows, as of {publication.as_of}", "green")


def landed_words(manifests: Sequence[Manifest], entities: int) -> str:
    """What one night brought, in one line."""
    landed = [manifest for manifest in manifests if manifest.status == "landed"]
    failed = len(manifests) - len(landed)
    rejected = sum(manifest.rows_quarantined for manifest in landed)
    words = f"{len(landed)} of {entities} entities, {plural(sum(m.rows_landed for m in landed), 'row')}"
    words += f", {rejected:,} in quarantine" if rejected else ""
    return words + (f", {failed} unreadable" if failed else "")


def warnings_text(outcomes: Sequence[CheckOutcome], build: BuildSummary | None) -> Text | None:
    """The night's warnings, grouped by check; None when there are none."""
    lines: list[str] = list(build.warnings) if build is not None else []
    warned = [outcome for outcome in outcomes if not outcome.passed and not outcome.blocks]
    counts = Counter(outcome.spec.name for outcome in warned)
    for name, count in counts.most_common():
        first = next(outcome for outcome in warned if outcome.spec.name == name)
        more = f" (and {count - 1} more like it)" if count > 1 else ""
        lines.append(f"{name}: {first.message}{more}")
    if not lines:
        return None
    text = Text("Warnings, which stopped nothing:", style="yellow")
    for line in lines[:_LINES_SHOWN]:
        text.append(f"\n  {line}", style="default")
    if len(lines) > _LINES_SHOWN:
        text.append(f"\n  and {len(lines) - _LINES_SHOWN} more: kpi doctor", style="default")
    return text


def print_blocking(console: Console, outcomes: Sequence[CheckOutcome]) -> None:
    """Every blocking outcome: which check, on what, why it blocks, and the rows."""
    for outcome in [outcome for outcome in outcomes if outcome.blocks][:_LINES_SHOWN]:
        console.print(Text(f"{outcome.spec.name} on {'/'.join(outcome.spec.asset)}", style="bold red"))
        console.print(Text(f"  {outcome.message}"), soft_wrap=True)
        console.print(Text(f"  why this stops the night: {outcome.spec.reason}", style="dim"), soft_wrap=True)
        if outcome.rows:
            console.print(rows_table(outcome.rows))


def rows_table(rows: Sequence[Mapping[str, object]]) -> Table:
    """The first failing rows as a table."""
    shown = rows[:_ROWS_SHOWN]
    table = Table(box=None, padding=(0, 2), caption=f"{len(rows)} shown at most" if len(rows) > _ROWS_SHOWN else None)
    for column in shown[0]:
        table.add_column(str(column), style="dim")
    for row in shown:
        table.add_row(*(str(value) for value in row.values()))
    return table
