"""What the published tables and columns mean, in dbt's words.

Belongs here: reading it from the marts' YAML. Not here: putting it anywhere (`provision.py`).
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

import yaml

from orchestration.bi.definition import Dashboard, mart_columns
from orchestration.bi.exposures import marts_of
from orchestration.bi.metabase.provision import Descriptions
from orchestration.settings import PROJECT_DIR

_MARTS = PROJECT_DIR / "models" / "marts"


def descriptions_of(dashboards: Iterable[Dashboard]) -> Descriptions:
    """Those of the tables that dashboards read."""
    read = {mart for dashboard in dashboards for mart in marts_of(dashboard)}
    return {table: words for table, words in all_descriptions().items() if table in read}


@cache
def all_descriptions() -> Descriptions:
    """Every mart's own description and those of its columns, each on one line."""
    tables = {
        str(model["name"]): " ".join(str(model["description"]).split())
        for path in sorted(_MARTS.rglob("*.yml"))
        for model in yaml.safe_load(path.read_text(encoding="utf-8")).get("models", [])
    }
    columns = mart_columns()
    return {
        name: (text, {column: words for column, (_, words) in columns.get(name, {}).items()})
        for name, text in tables.items()
    }
