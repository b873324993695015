"""Histories of so many million rows: the demo company, longer and larger, then several of them under one roof.

Belongs here: which company has how many rows. Not here: landing or building it (`changed_night.py`).
"""

from __future__ import annotations

from datetime import date

from benchmarks.changed_night import Size

_NIGHT = date(2026, 3, 18)
_SHORT, _LONG = date(2024, 10, 1), date(2018, 10, 1)
# Rows of the demo company at scale 1 from each of these days to the night.
_MILLIONS_FROM_SHORT, _MILLIONS_FROM_LONG = 0.3155, 3.0455
_LARGEST = 10.0


def size_of(millions: float) -> Size:
    """About so many million rows. Up to one million it is eighteen months, from there on more than seven years."""
    if millions <= 0:
        raise ValueError(f"{millions:g} million rows are no history; give a number above 0")
    copies = max(1, round(millions / _LARGEST))
    start, of_scale_1 = (_SHORT, _MILLIONS_FROM_SHORT) if millions <= 1 else (_LONG, _MILLIONS_FROM_LONG)
    scale = round(millions / copies / of_scale_1, 2)
    if scale == 0:
        raise ValueError(f"{millions:g} million rows are less than the smallest company; give 0.01 or more")
    return Size(scale, start, _NIGHT, copies, share=0.001, reach=60)
