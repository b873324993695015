"""Backfills: a range of months asked for again, rebuilt, checked and published once.

Belongs here: the range, its plan, and the work. Not here: Dagster (`assets/backfill.py`) or options (`cli.py`).
"""
