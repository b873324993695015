"""Customers' contact details: which marts hold them, and taking them out of what was published before.

Belongs here: the names, the marker that says they were published, and removing files that hold them. Not here: whose
rows they are (`owners.py`), building them (`models/marts/contacts/`), or a server's former publication
(`postgres/swap.py`).

Where KPI_PUBLISH_CONTACTS is off, the models are disabled: there is no table. What was written while it was on goes
with the next publication: the former generation, which would be the way back, and the files of viewers. The marker is
written before the first publication with contact details and taken away after the last such file, so that a kill in
between leaves the work to the next run.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb

from orchestration.landing.durable import write_durably
from orchestration.serving.errors import PublishError
from orchestration.serving.generations import remove_generations, viewers_lock
from orchestration.serving.publish import previous_path
from orchestration.serving.sql import attach
from orchestration.settings import Settings

CONTACT_MARTS = frozenset({"dim_customer_contact_details"})


def announce(settings: Settings) -> None:
    """Write down that contact details are about to be published."""
    if not settings.contacts_marker_path.exists():
        write_durably(settings.contacts_marker_path, b"Contact details of customers are published.\n")


def were_published(settings: Settings) -> bool:
    """Whether a publication with contact details, or something made from one, may still be there."""
    return settings.contacts_marker_path.exists()


def refuse_leftover(settings: Settings) -> None:
    """Raise PublishError where the publication may hold contact details that are not to be published any more."""
    if were_published(settings) and not settings.publish_contacts:
        raise PublishError(
            "KPI_PUBLISH_CONTACTS is off, and the publication still holds customers' phone numbers and e-mails; "
            "run `kpi run` first, which takes them out"
        )


def remove_made_before(settings: Settings) -> tuple[Path, ...]:
    """Delete what a publication with contact details left: the former one, the generation of viewers' files, and every
    single file that holds contact details or cannot be looked into. Returns what was deleted.

    Whoever has one open keeps it until it is closed. Raises LockHeldError when an export does not end.
    """
    previous = previous_path(settings.marts_path)
    removed = [previous] if previous.exists() else []
    previous.unlink(missing_ok=True)
    if settings.exports_dir.is_dir():
        with viewers_lock(settings.exports_dir, settings.lock_wait_seconds):
            removed += remove_generations(settings.exports_dir)
            for path in exports_with_contacts(settings.exports_dir):
                path.unlink(missing_ok=True)
                removed.append(path)
    return tuple(removed)


def exports_with_contacts(exports_dir: Path) -> Iterator[Path]:
    """Single files of `kpi export` that hold contact details, or that nobody can look into to tell."""
    for path in sorted(exports_dir.glob("*.duckdb")):
        if path.is_file() and not _is_free(path):
            yield path


def _is_free(path: Path) -> bool:
    with duckdb.connect(":memory:") as connection:
        try:
            connection.execute(attach(path, "looked_at", read_only=True))
        except duckdb.Error:
            # Open for writing in another program, or damaged: nothing proves it free.
            return False
        [(found,)] = connection.execute(
            "select count(*) from duckdb_tables() "
            "where database_name = 'looked_at' and table_name in (select unnest(?))",
            [sorted(CONTACT_MARTS)],
        ).fetchall()
    return int(found) == 0


def forget(settings: Settings) -> None:
    """Write down that nothing with contact details is left."""
    settings.contacts_marker_path.unlink(missing_ok=True)
