"""Real data in the contract's form, run through the command line as a user would.

Its licence allows testing only, so it lies beside the checkout or not at all; where it does not, these tests are not
collected, and the summary says so (`tests/conftest.py`).
"""

from tests.real_input import REAL_INPUT

collect_ignore_glob = [] if REAL_INPUT.is_dir() else ["test_*.py"]
