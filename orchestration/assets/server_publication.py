"""The marts on the team's PostgreSQL server: after the publication, and only where the settings name a server.

Belongs here: the asset. Not here: how it is published (`serving/postgres`). It takes what was published, so it cannot
show what the checks refused; a night whose last step fails here keeps the former publication on the server.
"""

from typing import TYPE_CHECKING

import dagster as dg

from orchestration.assets.services import Services
from orchestration.checks.catalogue import PUBLISHED
from orchestration.delivery import publish_to_server
from orchestration.serving.errors import PublishError

if TYPE_CHECKING:
    from orchestration.serving.postgres.publish import ServerPublication

SERVER_KEY = dg.AssetKey([PUBLISHED[0], "postgresql"])


def server_metadata(published: "ServerPublication") -> dict[str, dg.MetadataValue]:
    """What a publication to the server shows in Dagster."""
    return {
        "generation": dg.MetadataValue.text(published.generation_id),
        "server": dg.MetadataValue.text(published.shown),
        "dagster/row_count": dg.MetadataValue.int(sum(published.rows.values())),
        "tables": dg.MetadataValue.json(dict(published.rows)),
        "logins_created": dg.MetadataValue.int(published.created),
        "logins_locked": dg.MetadataValue.int(published.locked),
        "logins_dropped": dg.MetadataValue.int(published.dropped),
        "logins_without_password": dg.MetadataValue.int(published.without_password),
        "sessions_ended": dg.MetadataValue.int(published.sessions_ended),
        "stall_ms": dg.MetadataValue.float(round(published.stall_ms, 1)),
        "seconds": dg.MetadataValue.float(round(published.seconds, 3)),
    }


def server_assets(services: Services) -> list[dg.AssetsDefinition]:
    """`published/postgresql`, or nothing where no server is configured."""
    if services.settings.postgres_url is None:
        return []

    @dg.asset(
        key=SERVER_KEY,
        deps=[dg.AssetKey(list(PUBLISHED))],
        group_name=PUBLISHED[0],
        kinds={"postgres"},
        description="The marts on PostgreSQL, where every viewer has a login and sees their own rows only.",
    )
    def published_postgresql() -> dg.MaterializeResult[None]:
        try:
            published = publish_to_server(services.settings)
        except PublishError as error:
            raise dg.Failure(str(error), allow_retries=False) from error
        return dg.MaterializeResult(metadata=server_metadata(published))

    return [published_postgresql]
