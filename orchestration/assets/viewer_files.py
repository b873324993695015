"""Every viewer's own file, written anew after each publication; only where the settings say so.

Belongs here: the asset. Not here: building and swapping generations (`serving/generations.py`).
"""

import dagster as dg

from orchestration.assets.services import Services
from orchestration.checks.catalogue import PUBLISHED

VIEWER_FILES = "viewer_files"


def viewer_files_asset(services: Services) -> dg.AssetsDefinition:
    """`published/viewer_files`: built beside the former generation, verified, put in place by one rename.

    It fails for itself: what `published/marts` has published stays, and so does the former generation of files.
    """
    settings = services.settings

    @dg.asset(
        key=[PUBLISHED[0], VIEWER_FILES],
        deps=[list(PUBLISHED)],
        group_name=PUBLISHED[0],
        kinds={"duckdb"},
        description="exports/current: one DuckDB file per viewer, which holds that viewer's rows and no others.",
    )
    def viewer_files() -> dg.MaterializeResult[None]:
        from orchestration.serving.errors import ServingError
        from orchestration.serving.generations import Limits, export_all

        limits = Limits(settings.threads, settings.memory_limit)
        try:
            exported = export_all(
                settings.marts_path, settings.exports_dir, limits, wait_seconds=settings.lock_wait_seconds
            )
        except ServingError as error:
            raise dg.Failure(str(error), allow_retries=False) from error
        files = exported.generation.files
        return dg.MaterializeResult(
            metadata={
                "publication": dg.MetadataValue.text(exported.generation.publication_id),
                "path": dg.MetadataValue.path(str(exported.folder)),
                "files": dg.MetadataValue.int(len(files)),
                "without_file": dg.MetadataValue.int(len(exported.without_file)),
                "dagster/row_count": dg.MetadataValue.int(sum(file.rows for file in files)),
                "bytes": dg.MetadataValue.int(sum(file.bytes for file in files)),
                "seconds": dg.MetadataValue.float(round(exported.seconds, 3)),
            }
        )

    return viewer_files
