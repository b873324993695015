"""Indexes of the published tables.

Belongs here: which there are. Every one begins with a column of the table's policy, and not only for speed: EXPLAIN
ANALYZE says how many rows an index found and the policy then removed, which counts other people's rows. Not here:
unique keys, whose violations would tell the same; dbt tested them.
"""

from __future__ import annotations

from psycopg import sql

from orchestration.serving.postgres.names import NEW, compose
from orchestration.serving.postgres.tables import Table
from orchestration.serving.postgres.target import Connection

# The date people filter by comes second; the first of these that a table has.
_DATES = ("month_date", "as_of_date", "occurred_date", "call_date", "day_date", "order_date", "created_date")


def policy_columns(table: Table) -> tuple[tuple[str, ...], ...]:
    """The leading columns of each index: those by which the policy finds a viewer's rows."""
    rule = table.rule
    if rule.column is None:
        return ()
    if rule.level_column is not None:
        return ((rule.column,),)
    others = [column for column in (rule.other_column, rule.department_column) if column is not None]
    return ((rule.column,), *((column,) for column in others))


def create_indexes(postgres: Connection, table: Table) -> None:
    """One index per column of the policy, with the table's date behind it."""
    date = next((name for name in _DATES if name in table.column_names), None)
    for leading in policy_columns(table):
        columns = [*leading, *([date] if date is not None and date not in leading else [])]
        postgres.execute(
            compose(
                "create index on {schema}.{table} ({columns})",
                schema=NEW,
                table=table.name,
                columns=sql.SQL(", ").join(map(sql.Identifier, columns)),
            )
        )
