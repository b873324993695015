"""Tests on real, anonymised CRM data that is not part of the project."""

import os
from pathlib import Path

_BESIDE = Path(__file__).resolve().parents[3] / "shared" / "data" / "olist_funnel"
REAL_INPUT = Path(os.environ.get("KPI_REAL_INPUT", _BESIDE))
"""Where the data lies: beside the checkout, or where KPI_REAL_INPUT points."""
