"""Loaded by Python at its start when a test puts this folder on PYTHONPATH: arms `kill_hook` in a `kpi` process."""

import importlib.util
from pathlib import Path

_spec = importlib.util.spec_from_file_location("kill_hook", Path(__file__).parent.parent / "kill_hook.py")
assert _spec is not None and _spec.loader is not None  # noqa: PT018
_hook = importlib.util.module_from_spec(_spec)
import sys  # noqa: E402

sys.modules["kill_hook"] = _hook
_spec.loader.exec_module(_hook)
_hook.install_from_environment()
