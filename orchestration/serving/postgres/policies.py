"""Row-level security: from a mart's owner rule (`serving/owners.py`) to its policies and indexes.

Belongs here: the expressions. Not here: whom a login may see (`entitlements.py`), or loading.

Every condition asks `session_user`'s rights once per query: a function in a sub-select is an InitPlan, measured at
50 ms on 5 million rows where a function per row took 25 s. Whoever may see everybody is a member of a group with a
policy of its own, because `or` in one policy keeps the index from being used.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from psycopg import sql

from orchestration.serving.owners import OwnerRule
from orchestration.serving.postgres.names import ACCESS, NEW, Roles, compose
from orchestration.serving.postgres.tables import Table
from orchestration.serving.postgres.target import Connection

EMPLOYEE, DEPARTMENT = "employee", "department"
NONE = "none"


def owner_columns(rule: OwnerRule) -> Iterator[tuple[str, tuple[str, ...], str]]:
    """(kind, reports, column) of every owner whose rows are let through whole to those who see everybody.

    Rows that say by another column whose they are (a department's, a level's) keep being looked at one by one.
    """
    if rule.column is None or rule.level_column is not None or rule.department_column is not None:
        return
    if rule.by_department:
        if rule.reports:
            yield DEPARTMENT, rule.reports, rule.column
        return
    yield EMPLOYEE, rule.reports, rule.column


def opening(kind: str, reports: tuple[str, ...], everything: Iterable[str]) -> list[str]:
    """Which reports, of those in which somebody sees everybody, open such rows whole; no `reports` means any."""
    return [
        report
        for report in sorted(everything)
        if (report in reports if reports else (report == DEPARTMENT) == (kind == DEPARTMENT))
    ]


def _array(reports: tuple[str, ...]) -> sql.Composed:
    return sql.SQL("array[{}]::text[]").format(sql.SQL(", ").join(map(sql.Literal, reports)))


def _is_one_of(column: str, function: str, reports: tuple[str, ...]) -> sql.Composed:
    return compose(
        "{column} = any ((select {schema}.{function}({reports}))::text[])",
        column=column,
        schema=ACCESS,
        function=function,
        reports=_array(reports),
    )


def reader_condition(table: Table) -> sql.Composed:
    """What must hold of a row for an ordinary viewer."""
    rule = table.rule
    if rule.column is None:
        return compose("(select {schema}.is_viewer())", schema=ACCESS)
    if rule.by_department and not rule.reports:
        named = _is_named(rule.column)
        return named if table.also is None else compose("{a} and {b}", a=named, b=_is_named(table.also))
    if rule.by_department:
        return _is_one_of(rule.column, "departments", rule.reports)
    if rule.department_column is not None:
        return compose(
            "({department} = {none} and {of_employee}) or ({department} <> {none} and {of_department})",
            department=rule.department_column,
            none=sql.Literal(NONE),
            of_employee=_is_one_of(rule.column, "employees", rule.reports),
            of_department=_is_one_of(rule.department_column, "departments", rule.department_reports),
        )
    if rule.level_column is not None:
        return compose(
            "({level} = 'employee' and {of_employee}) or ({level} = 'department' and {of_department}) "
            "or ({level} = 'company' and (select {schema}.sees_everybody({reports})))",
            level=rule.level_column,
            of_employee=_is_one_of(rule.column, "employees", rule.reports),
            of_department=_is_one_of(rule.column, "departments", rule.department_reports),
            schema=ACCESS,
            reports=_array(rule.reports),
        )
    own = _is_one_of(rule.column, "employees", rule.reports)
    if rule.other_column is None:
        return own
    return compose("{a} or {b}", a=own, b=_is_one_of(rule.other_column, "employees", rule.reports))


def _is_named(column: str) -> sql.Composed:
    return compose("{column} = any ((select {schema}.department_names())::text[])", column=column, schema=ACCESS)


def protect(postgres: Connection, table: Table, roles: Roles, everything: tuple[str, ...]) -> None:
    """Switch row-level security on for a loaded table of `marts__new`, for its owner too, and say who sees what.

    `everything` are the reports that have a group of people who see everybody.
    """
    name = {"schema": NEW, "table": table.name}
    postgres.execute(compose("alter table {schema}.{table} enable row level security", **name))
    postgres.execute(compose("alter table {schema}.{table} force row level security", **name))
    postgres.execute(
        compose(
            "create policy own_rows on {schema}.{table} for select to {reader} using ({condition})",
            reader=roles.reader,
            condition=reader_condition(table),
            **name,
        )
    )
    for kind, reports, _ in owner_columns(table.rule):
        groups = [roles.everything(report) for report in opening(kind, reports, everything)]
        if groups:
            postgres.execute(
                compose(
                    "create policy every_row on {schema}.{table} for select to {groups} using (true)",
                    groups=sql.SQL(", ").join(map(sql.Identifier, groups)),
                    **name,
                )
            )
    postgres.execute(compose("grant select on {schema}.{table} to {reader}", reader=roles.reader, **name))
