"""The landing zone: immutable Parquet batches with manifests; the only state that cannot be rebuilt.

Belongs here: writing, reading and listing batches, quarantine, and the index a dbt run reads.
Not here: deciding which rows are good (`contract/validation.py`) or where they come from (`sources/`).
"""
