"""From a checked warehouse to the current publication: freshness, the swap, and the file the watchdog reads.

Belongs here: the last steps that every way to the current publication shares outside Dagster's night. Not here: how a
publication is built (`serving/publish.py`), or checks of what is in it (`aside.py`).
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

from orchestration.aside import BuildRefused, CheckedMarts, refuse_blocking
from orchestration.checks.freshness import Freshness, check_freshness, write_freshness
from orchestration.checks.frozen import check_frozen
from orchestration.checks.results import save_outcomes
from orchestration.freezing.store import FrozenStore
from orchestration.landing.chosen import batch_name
from orchestration.landing.store import Landing
from orchestration.progress import Progress
from orchestration.serving import contacts
from orchestration.serving.publish import Publication, publish
from orchestration.settings import Settings

# The stages under which a night's outcomes are kept; a backfill or a rebuild replaces those of its night.
BATCHES, MARTS, RECONCILIATION, FRESHNESS, FROZEN = "batches", "marts", "reconciliation", "freshness", "frozen"
_PRODUCTION = "production"


def built_as_of(warehouse_path: Path) -> date:
    """The night the marts were built as of, as they say themselves. Raises BuildRefused when they do not."""
    import duckdb

    with duckdb.connect(warehouse_path, read_only=True) as connection:
        rows = connection.execute("select calendar_date from marts.dim_date where is_as_of").fetchall()
    if len(rows) != 1:
        raise BuildRefused(f"marts.dim_date marks {len(rows)} days as as_of instead of one.")
    as_of: date = rows[0][0]
    return as_of


def expected_night(settings: Settings, newest: date) -> date:
    """The night that should be published: yesterday where a schedule runs, elsewhere whatever has landed."""
    return settings.yesterday() if settings.environment == _PRODUCTION else newest


def save_checked(settings: Settings, as_of: date, checked: CheckedMarts) -> None:
    """Keep the outcomes as those of the night `as_of`."""
    save_outcomes(settings.checks_dir, as_of, MARTS, checked.marts)
    save_outcomes(settings.checks_dir, as_of, RECONCILIATION, checked.reconciliation)


def refuse_stale(settings: Settings, landing: Landing, warehouse_path: Path, progress: Progress) -> date:
    """Compare the built date with what landed; returns it. Raises BuildRefused when the warehouse is behind.

    Frozen months are looked at as well: where one is damaged, nothing is published either.
    """
    as_of, newest = built_as_of(warehouse_path), landing.latest_night(settings.source)
    outcomes = check_freshness(as_of, expected_night(settings, newest or as_of), newest)
    save_outcomes(settings.checks_dir, as_of, FRESHNESS, outcomes)
    frozen = check_frozen(FrozenStore(settings.frozen_dir), as_of, warehouse_path, settings.marts_path)
    save_outcomes(settings.checks_dir, as_of, FROZEN, frozen)
    outcomes += frozen
    progress.checked(outcomes)
    refuse_blocking(outcomes)
    return as_of


def publish_current(settings: Settings, landing: Landing, as_of: date, progress: Progress) -> Publication:
    """Swap the current warehouse's marts in. The caller holds the writer lock. Raises PublishError.

    Where contact details are published no longer, what was made while they were goes before the swap.
    """
    progress.publishing()
    if settings.publish_contacts:
        contacts.announce(settings)
    ends_contacts = not settings.publish_contacts and contacts.were_published(settings)
    publication = publish(
        settings.warehouse_path,
        settings.marts_path,
        {
            "as_of": as_of,
            "source": settings.source,
            "batch_ids": [batch_name(manifest) for manifest in landing.visible(settings.source, as_of)],
        },
        threads=settings.threads,
        memory_limit=settings.memory_limit,
        before_swap=(lambda: progress.removed(contacts.remove_made_before(settings))) if ends_contacts else None,
        keeps_previous=not ends_contacts,
        leave_out=frozenset() if settings.publish_contacts else contacts.CONTACT_MARTS,
    )
    if ends_contacts:
        contacts.forget(settings)
    write_freshness(settings.home, Freshness(publication.as_of, publication.published_at, "published"))
    progress.published(publication)
    return publication
