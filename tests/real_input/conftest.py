"""Real, anonymised CRM data in the contract's form, run through the command line as a user would.

The data is licensed for testing only and is not part of the project: it lies beside the checkout, or where
KPI_REAL_INPUT points. Where it is not there, these tests are not collected, and the header says so.
"""

import os
from pathlib import Path

_BESIDE = Path(__file__).resolve().parents[3] / "shared" / "data" / "olist_funnel"
REAL_INPUT = Path(os.environ.get("KPI_REAL_INPUT", _BESIDE))

collect_ignore_glob = [] if REAL_INPUT.is_dir() else ["test_*.py"]
