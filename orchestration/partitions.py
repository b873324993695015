"""Which nights there can be: one per company day, named by the day that has ended.

Belongs here: dates that the command line and Dagster have to agree on. Not here: anything that reads a clock.
"""

from __future__ import annotations

from datetime import date

FIRST_NIGHT = date(2015, 1, 1)
"""The first partition. History reaches the warehouse in complete batches, so older nights are not needed."""
