"""Tests on real, anonymised CRM data that is not part of the project."""

import os
from datetime import date
from pathlib import Path

_BESIDE = Path(__file__).resolve().parents[3] / "shared" / "data" / "olist_funnel"
REAL_INPUT = Path(os.environ.get("KPI_REAL_INPUT", _BESIDE))
"""Where the data lies: beside the checkout, or where KPI_REAL_INPUT points."""

OLIST_NIGHT = date(2018, 11, 30)
"""The night on which the data is landed; all of it is older."""
