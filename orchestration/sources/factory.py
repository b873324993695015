"""Builds the source that the settings name.

Belongs here: the choice of source. Not here: any source.
"""

from __future__ import annotations

from orchestration.settings import Settings
from orchestration.sources.base import Source


def build_source(settings: Settings) -> Source:
    """The source of KPI_SOURCE; ValueError when it is none, or lacks a setting it needs."""
    match settings.source:
        case "demo":
            from orchestration.sources.demo import DemoSource

            return DemoSource(
                seed=settings.demo_seed, scale=settings.demo_scale, start=settings.demo_start, end=settings.demo_end
            )
        case "files":
            from orchestration.sources.files import FilesSource

            if settings.files_path is None:
                raise ValueError(
                    "the files source needs a folder: set KPI_FILES_PATH, or give --path, to the folder that holds one "
                    "CSV, Parquet or XLSX file per entity"
                )
            return FilesSource(settings.files_path)
        case other:
            raise ValueError(f"there is no source {other!r}; KPI_SOURCE is demo or files")
