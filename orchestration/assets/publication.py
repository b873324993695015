"""The published marts: the last asset of the night, and the only one that readers see.

It runs when everything it depends on has been built and no blocking check has failed. The checks of the publication
itself come out before the swap: an error keeps the previous publication.
"""

from collections.abc import Iterator
from datetime import date

import dagster as dg

from orchestration.aside import BuildRefused
from orchestration.assets.quality import FRESHNESS, FROZEN, asset_check_result, asset_check_spec, newest_night
from orchestration.assets.services import Services
from orchestration.assets.writer import POOL, WRITER
from orchestration.checks.catalogue import CHECKS, FRESHNESS_CHECK_NAMES, FROZEN_CHECK_NAMES, PUBLISHED, specs_of
from orchestration.checks.freshness import Freshness, check_freshness, read_freshness, write_freshness
from orchestration.checks.outcome import CheckOutcome
from orchestration.checks.results import save_outcomes
from orchestration.publishing import built_as_of, expected_night, publish_current
from orchestration.serving.publish import RIGHTS_TABLES, SCOPE_TABLES, Publication
from orchestration.settings import Settings

_PUBLISHED_SCHEMAS = frozenset({"marts", "access"})


def published_dependencies(warehouse: dg.AssetsDefinition) -> list[dg.AssetKey]:
    """What a publication is made from, and every asset of the warehouse that a declared check looks at."""
    checked = {dg.AssetKey(list(spec.asset)) for spec in CHECKS}
    return sorted(
        key
        for key in warehouse.keys
        if key.path[0] in _PUBLISHED_SCHEMAS or key.path[-1] in SCOPE_TABLES + RIGHTS_TABLES or key in checked
    )


def _metadata(publication: Publication) -> dict[str, dg.MetadataValue]:
    return {
        "as_of": dg.MetadataValue.text(publication.as_of.isoformat()),
        "generation": dg.MetadataValue.text(publication.generation_id),
        "path": dg.MetadataValue.path(str(publication.path)),
        "dagster/row_count": dg.MetadataValue.int(sum(publication.tables.values())),
        "tables": dg.MetadataValue.json(dict(publication.tables)),
        "bytes": dg.MetadataValue.int(publication.bytes),
        "seconds": dg.MetadataValue.float(round(publication.seconds, 3)),
    }


def record_failure(settings: Settings, message: str) -> None:
    """Tell the outside watchdog that the last run published nothing; what is published stays named."""
    before = read_freshness(settings.home)
    as_of, published_at = (before.as_of, before.published_at) if before is not None else (None, None)
    write_freshness(settings.home, Freshness(as_of, published_at, "failed", message))


def publication_asset(services: Services, warehouse: dg.AssetsDefinition) -> dg.AssetsDefinition:
    """`published/marts`: checked once more, built aside, swapped in by one rename."""

    @dg.asset(
        key=list(PUBLISHED),
        deps=published_dependencies(warehouse),
        check_specs=[asset_check_spec(spec) for spec in specs_of((*FRESHNESS_CHECK_NAMES, *FROZEN_CHECK_NAMES))],
        group_name=PUBLISHED[0],
        kinds={"duckdb"},
        required_resource_keys={WRITER},
        pool=POOL,
        description="marts.duckdb: the marts with their access views, as readers see them.",
    )
    def published_marts() -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
        try:
            as_of = built_as_of(services.settings.warehouse_path)
        except BuildRefused as error:
            raise dg.Failure(str(error), allow_retries=False) from error
        outcomes = [*_freshness(services, as_of), *_frozen(services.settings, as_of)]
        services.progress.checked(outcomes)
        yield from map(asset_check_result, outcomes)
        blocking = [outcome for outcome in outcomes if outcome.blocks]
        if blocking:
            raise dg.Failure("; ".join(outcome.message for outcome in blocking), allow_retries=False)
        publication = publish_current(services.settings, services.landing, as_of, services.progress)
        yield dg.MaterializeResult(metadata=_metadata(publication))

    return published_marts


def _freshness(services: Services, as_of: date) -> list[CheckOutcome]:
    newest = newest_night(services)
    outcomes = check_freshness(as_of, expected_night(services.settings, newest), newest)
    save_outcomes(services.settings.checks_dir, as_of, FRESHNESS, outcomes)
    return outcomes


def _frozen(settings: Settings, as_of: date) -> list[CheckOutcome]:
    from orchestration.checks.frozen import check_frozen
    from orchestration.freezing.store import FrozenStore

    outcomes = check_frozen(FrozenStore(settings.frozen_dir), as_of, settings.warehouse_path, settings.marts_path)
    save_outcomes(settings.checks_dir, as_of, FROZEN, outcomes)
    return outcomes
