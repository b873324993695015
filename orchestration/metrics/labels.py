"""What people call the codes of the catalogue: its reports, blocks, units and roles, from `seeds/labels.csv`.

Belongs here: reading those words. Not here: the words themselves.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

from orchestration.settings import PROJECT_DIR

LABELS_PATH = PROJECT_DIR / "seeds" / "labels.csv"

# Domains of the labels that belong to a column of the catalogue: metric_unit to unit.
DOMAIN = "metric_"


def read_labels_vi(path: Path = LABELS_PATH) -> Mapping[tuple[str, str], str]:
    """Vietnamese words by column of the catalogue and code. Raises OSError when the file cannot be read."""
    with path.open(encoding="utf-8", newline="") as file:
        return {
            (row["domain"].removeprefix(DOMAIN), row["code"]): row["label_vi"]
            for row in csv.DictReader(file)
            if row["domain"].startswith(DOMAIN)
        }
