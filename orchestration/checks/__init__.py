"""Checks at the two borders of the warehouse: what came in, and what goes out.

Belongs here: Great Expectations suites, reconciliation, freshness, and the list of all checks with their severity.
Not here: row rules (the contract's and dbt's), or Dagster's wrapping of the results (`assets/`).
"""
