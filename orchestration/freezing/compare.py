"""Frozen months beside what the landing zone makes of them now, for `kpi rebuild`.

Belongs here: every version as a section of a comparison. Not here: making a version once more (`freeze.py`), or how a
comparison looks.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from orchestration.compare import Limits, Section, TableDifference
from orchestration.freezing.freeze import verify_against_landing
from orchestration.freezing.store import FrozenStore
from orchestration.progress import Progress
from orchestration.settings import Settings

if TYPE_CHECKING:
    from orchestration.freezing.figures import Difference
    from orchestration.freezing.manifest import FrozenVersion


def compare_frozen(
    settings: Settings, _built: Path, _limits: Limits, progress: Progress
) -> tuple[Sequence[Section], str]:
    """Every frozen version against itself, built from exactly its batches; a whole build per version.

    Raises FrozenError when a frozen file is not as it was written: then there is nothing to compare with.
    """
    store = FrozenStore(settings.frozen_dir)
    store.verify()
    versions = store.versions()
    if not versions:
        return [], ""
    tables: list[TableDifference] = []
    for number, version in enumerate(versions, start=1):
        progress.checking(f"frozen figures of {version.name} against its batches ({number} of {len(versions)})")
        tables += version_tables(version, verify_against_landing(settings, version.month, version.version, progress))
    return [Section("frozen months", tuple(tables))], ""


def version_tables(version: FrozenVersion, differences: Sequence[Difference]) -> list[TableDifference]:
    """Figures and rows of a version, as tables of a comparison."""
    found = {difference.what: difference for difference in differences}
    tables = []
    for file in version.files:
        what = file.name.partition(".")[0]
        only_before, only_now = (found[what].only_frozen, found[what].only_other) if what in found else (0, 0)
        tables.append(
            TableDifference(
                name=f"{version.name} {what}",
                before=file.rows,
                now=file.rows - only_before + only_now,
                only_before=only_before,
                only_now=only_now,
            )
        )
    return tables
