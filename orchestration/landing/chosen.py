"""The landing zone as it looks when exactly some batches are visible.

Belongs here: naming batches and choosing them. Not here: what is visible on a normal night (`store.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from orchestration.landing.manifest import BatchStatus, LandingError, Manifest
from orchestration.landing.store import Landing


def batch_name(manifest: Manifest) -> str:
    """`entity/batch_id`, as publications list what they were made from."""
    return f"{manifest.entity}/{manifest.batch_id}"


class ChosenBatches(Landing):
    """The batches of one landing zone that were chosen, and no others, whatever lands meanwhile.

    Also a batch that was superseded or refused later can be chosen: it is still on disk as it was written.
    """

    def __init__(self, landing: Landing, chosen: Sequence[Manifest]) -> None:
        super().__init__(landing.root)
        self._chosen = sorted(chosen, key=lambda manifest: (manifest.entity, manifest.batch_date))

    def visible(self, source: str, as_of: date | None = None, entity: str | None = None) -> list[Manifest]:
        """The chosen batches of this source, by entity and date."""
        return [
            manifest
            for manifest in self._chosen
            if manifest.source == source
            and (as_of is None or manifest.batch_date <= as_of)
            and (entity is None or manifest.entity == entity)
        ]


def choose_batches(landing: Landing, source: str, names: Sequence[str]) -> ChosenBatches:
    """The batches with these names (`entity/batch_id`).

    Raises LandingError for a name that no landed batch has, and for two attempts of the same entity and date.
    """
    landed = {
        batch_name(manifest): manifest
        for manifest in landing.manifests(source)
        if manifest.status is BatchStatus.LANDED
    }
    unknown = sorted(set(names) - landed.keys())
    if unknown:
        raise LandingError(
            f"{len(unknown)} of the {len(names)} batches are not in {landing.root / source}: {', '.join(unknown[:5])}. "
            "Restore them from a backup of the landing zone."
        )
    chosen = [landed[name] for name in sorted(set(names))]
    by_night: dict[tuple[str, date], str] = {}
    for manifest in chosen:
        other = by_night.setdefault((manifest.entity, manifest.batch_date), manifest.batch_id)
        if other != manifest.batch_id:
            raise LandingError(
                f"{manifest.entity}: {other} and {manifest.batch_id} are attempts of the same night; choose one of them"
            )
    return ChosenBatches(landing, chosen)
