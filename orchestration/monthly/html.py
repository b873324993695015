"""The report as one HTML file: no script, no network, prints well.

Belongs here: from a document to text. Not here: what it says. Everything from the data is escaped by the template.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import jinja2
from markupsafe import Markup

from orchestration.monthly.charts import picture_of
from orchestration.monthly.document import Chart, Document, Note, Table, text_of

TEMPLATES = Path(__file__).parent / "templates"


def html_of(document: Document) -> str:
    """The whole page."""
    return _environment().get_template("report.html.j2").render(document=document)


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.tests["table"] = lambda part: isinstance(part, Table)
    environment.tests["chart"] = lambda part: isinstance(part, Chart)
    environment.tests["note"] = lambda part: isinstance(part, Note)
    environment.filters["shown"] = text_of
    # The chart library writes it and escapes what is in it.
    environment.filters["picture"] = lambda chart: Markup(picture_of(chart.spec))
    return environment
