"""Whose rows a night asks for: which accounts show that they have new comments.

Belongs here: looking at rows that were received. Not here: whether they can be trusted to show it (`plan.py`). Tables
are those of `state.py` (id, body); times are read by `moment_of` (`mapping.py`).
"""

from __future__ import annotations

from datetime import date

import duckdb


def active_since(connection: duckdb.DuckDBPyConnection, now: str, since: date) -> set[str]:
    """Ids in the table `now` that were active on that day or later."""
    query = f"select id from {now} where moment_of(body, '$.last_active') >= ?"
    return {str(one) for (one,) in connection.execute(query, [since.isoformat()]).fetchall()}


def changed_since(connection: duckdb.DuckDBPyConnection, now: str, then: str, last: date) -> set[str]:
    """Ids in `now` that are not in `then`, the table after the night `last`, or have another `updated_at` there, or one
    of that day or later: what changes twice within the second in which it was read shows nothing else."""
    found = connection.execute(
        f"""
        select id from {now} as present left join {then} as past using (id)
        where past.id is null
            or moment_of(present.body, '$.updated_at') is distinct from moment_of(past.body, '$.updated_at')
            or moment_of(present.body, '$.updated_at') >= ?
        """,
        [last.isoformat()],
    ).fetchall()
    return {str(one) for (one,) in found}
