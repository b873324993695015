"""From a frozen month to three files.

Belongs here: names and places. Not here: what is in them.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from orchestration.landing.durable import write_durably
from orchestration.monthly.content import make_document
from orchestration.monthly.facts import read_facts
from orchestration.monthly.html import html_of
from orchestration.monthly.pdf import pdf_of
from orchestration.monthly.workbook import workbook_of
from orchestration.report.errors import PageError
from orchestration.report.labels import Lang
from orchestration.settings import Settings


@dataclass(frozen=True)
class Written:
    """One report's files, and what it is of: the frozen version, like 2026-02/v1, and the day the rest is as of."""

    title: str
    version: str
    as_of: date
    html: Path
    pdf: Path
    workbook: Path

    @property
    def paths(self) -> tuple[Path, ...]:
        """All files."""
        return (self.html, self.pdf, self.workbook)


def write_report(
    settings: Settings, month: date, *, lang: Lang, folder: Path | None = None, version: int | None = None
) -> Written:
    """Write a frozen month's report into `folder`, by default one for each month under `settings.reports_dir`.

    A report that is there already is replaced whole: its frozen figures are the same, what is as of the publication may
    not be. The files hold everybody's figures, so only their owner may read them, except in KPI_REPORT_FOLDER, whose
    own rights say who may.
    Raises what `read_facts` raises, and PageError when KPI_REPORT_FOLDER is not there.
    """
    is_delivered = folder is None and settings.report_folder is not None
    if is_delivered and not settings.reports_dir.is_dir():
        # Made here, it would hide a share that is not mounted.
        raise PageError(f"KPI_REPORT_FOLDER: {settings.reports_dir} is no folder.", "Mount or make it, then ask again.")
    facts = read_facts(settings, month, version)
    document = make_document(facts, lang)
    frozen = facts.this.version
    into = folder if folder is not None else settings.reports_dir / f"{month:%Y-%m}"
    into.mkdir(mode=0o777 if is_delivered else 0o700, parents=True, exist_ok=True)
    name = f"kpi-{month:%Y-%m}-v{frozen.version}.{lang.value}"
    written = Written(
        document.title,
        frozen.name,
        facts.publication.as_of,
        *(into / f"{name}.{ending}" for ending in ("html", "pdf", "xlsx")),
    )
    created = datetime.fromisoformat(frozen.frozen_at).replace(tzinfo=None, microsecond=0)
    contents = (html_of(document).encode(), pdf_of(document), workbook_of(document, created))
    for path, content in zip(written.paths, contents, strict=True):
        write = write_durably if is_delivered else _write_for_owner
        write(path, content)
    return written


def _write_for_owner(path: Path, content: bytes) -> None:
    before = os.umask(0o077)
    try:
        write_durably(path, content)
    finally:
        os.umask(before)
