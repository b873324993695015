"""The monthly report in Dagster: written after a month is frozen, and sent where that is set up.

Belongs here: turning a report into a materialization. Not here: the report (`monthly/`).
"""

from collections.abc import Iterator
from datetime import date

import dagster as dg

from orchestration.assets.backfill import month_partitions
from orchestration.assets.freezing import FREEZE_KEY
from orchestration.assets.services import Services

REPORT_KEY = dg.AssetKey(["frozen", "monthly_report"])


def report_asset(services: Services) -> dg.AssetsDefinition:
    """`frozen/monthly_report`: the report of its partition's month, from its latest frozen version."""

    @dg.asset(
        key=REPORT_KEY,
        deps=[FREEZE_KEY],
        partitions_def=month_partitions(services.settings.timezone),
        group_name="frozen",
        description=(
            "A frozen month for leadership, as HTML, PDF and XLSX under KPI_HOME/reports; sent to KPI_REPORT_TO where "
            "that is set. Only frozen figures and the publication are read."
        ),
    )
    def monthly_report(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[None]]:
        from orchestration.freezing.manifest import FrozenError
        from orchestration.monthly.mail import MailError, recipients, send_report
        from orchestration.monthly.write import write_report
        from orchestration.report.errors import PageError
        from orchestration.report.labels import Lang

        settings, lang = services.settings, Lang(services.settings.report_lang)
        try:
            written = write_report(settings, date.fromisoformat(f"{context.partition_key}-01"), lang=lang)
            sent_to = send_report(settings, written, lang) if recipients(settings) else ()
        except (FrozenError, PageError) as error:
            raise dg.Failure(str(error), allow_retries=False) from error
        except MailError as error:
            # Sent or not, the files are there.
            raise dg.Failure(f"the report is written, but was not sent: {error}", allow_retries=False) from error
        yield dg.MaterializeResult(
            metadata={
                "version": written.version,
                "as_of": written.as_of.isoformat(),
                "sent_to": ", ".join(sent_to) or "nobody",
                "pdf": dg.MetadataValue.path(str(written.pdf)),
                "html": dg.MetadataValue.path(str(written.html)),
                "xlsx": dg.MetadataValue.path(str(written.workbook)),
            }
        )

    return monthly_report
