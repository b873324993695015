"""Every viewer's own file, written anew after each publication; only where the settings say so.

Belongs here: the asset. Not here: building and swapping generations (`serving/generations.py`).
"""

from typing import TYPE_CHECKING

import dagster as dg

from orchestration.assets.services import Services
from orchestration.checks.catalogue import PUBLISHED
from orchestration.delivery import write_viewer_files
from orchestration.serving.errors import ServingError

if TYPE_CHECKING:
    from orchestration.serving.generations import Exported

FILES_KEY = dg.AssetKey([PUBLISHED[0], "viewer_files"])


def files_metadata(exported: "Exported") -> dict[str, dg.MetadataValue]:
    """What a generation of files shows in Dagster."""
    files = exported.generation.files
    return {
        "publication": dg.MetadataValue.text(exported.generation.publication_id),
        "path": dg.MetadataValue.path(str(exported.folder)),
        "files": dg.MetadataValue.int(len(files)),
        "without_file": dg.MetadataValue.int(len(exported.without_file)),
        "dagster/row_count": dg.MetadataValue.int(sum(file.rows for file in files)),
        "bytes": dg.MetadataValue.int(sum(file.bytes for file in files)),
        "seconds": dg.MetadataValue.float(round(exported.seconds, 3)),
    }


def viewer_files_asset(services: Services) -> dg.AssetsDefinition:
    """`published/viewer_files`: built beside the former generation, verified, put in place by one rename.

    It fails for itself: what `published/marts` has published stays, and so does the former generation of files.
    """
    settings = services.settings

    @dg.asset(
        key=FILES_KEY,
        deps=[list(PUBLISHED)],
        group_name=PUBLISHED[0],
        kinds={"duckdb"},
        description="exports/current: one DuckDB file per viewer, which holds that viewer's rows and no others.",
    )
    def viewer_files() -> dg.MaterializeResult[None]:
        try:
            exported = write_viewer_files(settings)
        except ServingError as error:
            raise dg.Failure(str(error), allow_retries=False) from error
        return dg.MaterializeResult(metadata=files_metadata(exported))

    return viewer_files
