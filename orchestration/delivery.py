"""What follows a publication where the settings ask for it: every viewer's file, then the PostgreSQL server.

Belongs here: that both happen after every way to publish, in this order. A night has an asset for each; a backfill and
a rebuild, which are one step each, call `deliver`. Not here: how either is done (`serving/`).

What has been published stays when this fails, and so do the former files and the server's former publication.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestration.settings import Settings

if TYPE_CHECKING:
    from orchestration.serving.generations import Exported
    from orchestration.serving.postgres.publish import ServerPublication


AFTER_PUBLISHING = "The marts were published; what follows them failed"


@dataclass(frozen=True)
class Delivered:
    """What was asked for and done; None where the settings do not ask for it."""

    files: Exported | None
    server: ServerPublication | None

    def lines(self) -> list[str]:
        """What happened, for people."""
        files = self.files
        told = [] if files is None else [f"{files.folder}: {len(files.generation.files)} viewers' files"]
        return told + ([] if self.server is None else self.server.lines())


def deliver(settings: Settings) -> Delivered:
    """Do what the settings ask for. Raises ServingError at the first that fails."""
    files = write_viewer_files(settings) if settings.export_viewers else None
    server = publish_to_server(settings) if settings.postgres_url is not None else None
    return Delivered(files, server)


def write_viewer_files(settings: Settings) -> Exported:
    """Every viewer's file of the current publication. Raises ServingError; the former files stay then."""
    from orchestration.serving.contacts import refuse_leftover
    from orchestration.serving.generations import Limits, export_all

    refuse_leftover(settings)
    limits = Limits(settings.threads, settings.memory_limit)
    return export_all(settings.marts_path, settings.exports_dir, limits, wait_seconds=settings.lock_wait_seconds)


def publish_to_server(settings: Settings) -> ServerPublication:
    """The current publication on the server of the settings. Raises PublishError; what was live stays then."""
    # Imported only where there is a server: the client library costs every other night a moment.
    from orchestration.serving.contacts import refuse_leftover
    from orchestration.serving.postgres.publish import publish_to
    from orchestration.serving.postgres.target import Target

    refuse_leftover(settings)
    return publish_to(Target.of(settings), settings.marts_path)
