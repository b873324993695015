"""Frozen months: immutable files outside everything that is rebuilt, chained by hashes.

Belongs here: what a frozen version is (`manifest`), where it lies (`store`), what is copied into it (`figures`), what
dbt reads of it (`index`), and freezing itself (`freeze`). Not here: what a figure means (`models/`).
"""
