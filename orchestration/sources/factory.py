"""Builds the source that the settings name.

Belongs here: the choice of source. Not here: any source.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from orchestration.settings import Settings
from orchestration.sources.base import Source

if TYPE_CHECKING:
    from orchestration.sources.getfly.source import GetflySource


def build_source(settings: Settings, on_receiving: Callable[[str], None] = lambda _what: None) -> Source:
    """The source of KPI_SOURCE; `on_receiving` hears how far an API has been read.

    Raises ValueError when there is no such source, or it lacks a setting it needs.
    """
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
        case "getfly":
            return _getfly(settings, on_receiving)
        case other:
            raise ValueError(f"there is no source {other!r}; KPI_SOURCE is demo, files or getfly")


def _getfly(settings: Settings, on_receiving: Callable[[str], None]) -> Source:
    """The tenant, and beside it the files of what its API does not offer, where there is a folder for them."""
    from orchestration.sources.combined import CombinedSource
    from orchestration.sources.files import FilesSource

    beside: list[Source] = [FilesSource(settings.files_path)] if settings.files_path is not None else []
    return CombinedSource([getfly_of(settings, on_receiving), *beside], parts_of(settings.combine))


def getfly_of(settings: Settings, on_receiving: Callable[[str], None] = lambda _what: None) -> GetflySource:
    """The tenant alone. Raises ValueError where its address or key is missing."""
    from orchestration.sources.getfly.mapping import CODES
    from orchestration.sources.getfly.source import GetflySource
    from orchestration.sources.getfly.tenant import client_of, refuse_unreachable

    refuse_unreachable(settings)
    return GetflySource(
        lambda: client_of(settings, lambda text: on_receiving(f"again in a moment: {text}")),
        settings.received_dir / "getfly",
        settings.zone,
        settings.yesterday,
        codes=settings.getfly_codes or CODES,
        page_size=settings.getfly_page_size,
        at_once=settings.getfly_at_once,
        read_whole=settings.getfly_read_whole,
        on_receiving=on_receiving,
    )


def parts_of(text: str) -> dict[str, tuple[str, ...]]:
    """`interactions=getfly+files,tasks=files` as a table. Raises ValueError for anything else."""
    parts: dict[str, tuple[str, ...]] = {}
    for one in filter(None, map(str.strip, text.split(","))):
        entity, equals, names = one.partition("=")
        listed = tuple(name.strip() for name in names.split("+"))
        if not equals or not all(listed) or entity.strip() in parts or len(set(listed)) < len(listed):
            raise ValueError(f"KPI_COMBINE: {one!r} is not like interactions=getfly+files, once per entity")
        parts[entity.strip()] = listed
    return parts
