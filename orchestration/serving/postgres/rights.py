"""Who may see whom, as the server needs it: the viewers, and for each the employees and departments that are theirs.

Belongs here: reading the scope tables of a publication, and checking that "sees everybody" can be enforced as such. Not
here: working out scopes (`models/core`), or storing them on the server (`entitlements.py`).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import duckdb

from orchestration.serving.errors import PublishError
from orchestration.serving.postgres.policies import opening, owner_columns
from orchestration.serving.postgres.tables import Table
from orchestration.serving.sql import identifier

# Nobody's employee: only a right over everybody reaches it.
_UNKNOWN = "unknown"

_SCOPES = """
    select lower(viewer_email) as email, viewer_id, 'employee' as kind, report, employee_id as value
    from core.core_employee_scope where viewer_email is not null
    union all
    select lower(viewer_email), viewer_id, 'department', report, department_id
    from core.core_department_scope where viewer_email is not null
"""


@dataclass(frozen=True)
class Viewer:
    """One person with a right to something. `everything` names the reports in which it is everybody."""

    employee_id: str
    email: str
    everything: frozenset[str]


@dataclass(frozen=True, order=True)
class Entitlement:
    """One thing a viewer may see. `kind` is employee, department, or department_name (readable, but no figures)."""

    employee_id: str
    kind: str
    report: str
    value: str


@dataclass(frozen=True)
class Rights:
    """Everybody's rights. `refused` are people who get no login, with the reason; `known` are all live employees."""

    viewers: tuple[Viewer, ...]
    entitlements: frozenset[Entitlement]
    refused: tuple[tuple[str, str], ...]
    known: frozenset[str]

    @property
    def reports(self) -> tuple[str, ...]:
        """Every report in which somebody sees everybody."""
        return tuple(sorted({report for viewer in self.viewers for report in viewer.everything}))


def read_rights(duck: duckdb.DuckDBPyConnection) -> Rights:
    """The rights that an open publication holds. Whoever shares an e-mail with another viewer is refused."""
    people = {
        (str(key), str(email).strip())
        for key, email in duck.execute(f"select distinct viewer_id, email from ({_SCOPES})").fetchall()
    }
    shared = {email for email, count in Counter(email for _, email in people).items() if count > 1}
    refused = {key: f"{email} is the e-mail of several viewers" for key, email in people if email in shared}
    refused |= {key: "has a right, but no e-mail" for key, email in people if not email}
    rows = duck.execute(
        f"""
        select viewer_id, kind, report, value from ({_SCOPES})
        union
        select viewer_id, 'department_name', '', value from ({_SCOPES}) where kind = 'department'
        union
        select scopes.viewer_id, 'department_name', '', people.department_id
        from ({_SCOPES}) as scopes
        inner join main.dim_employees as people on scopes.value = people.employee_id
        where scopes.kind = 'employee'
        """
    ).fetchall()
    entitlements = {Entitlement(*map(str, row)) for row in rows if row[0] not in refused}
    everything: dict[str, set[str]] = {}
    for entitlement in entitlements:
        if entitlement.value == _UNKNOWN and entitlement.kind in {"employee", "department"}:
            everything.setdefault(entitlement.employee_id, set()).add(entitlement.report)
    known = {str(key) for (key,) in duck.execute(_KNOWN).fetchall()}
    return Rights(
        viewers=tuple(
            Viewer(key, email, frozenset(everything.get(key, ())))
            for key, email in sorted(people)
            if key not in refused
        ),
        entitlements=frozenset(entitlements),
        refused=tuple(sorted(refused.items())),
        known=frozenset(known),
    )


_KNOWN = "select employee_id from main.dim_employees where not is_deleted and not is_placeholder"


def check_everything(duck: duckdb.DuckDBPyConnection, tables: tuple[Table, ...], rights: Rights) -> None:
    """Make sure that no row is outside everybody: who may see everybody is let through without looking at the owner.

    Raises PublishError when a row's owner is missing or is nobody that "everybody" holds.
    """
    for viewer in _one_of_each_everybody(rights):
        for table in tables:
            for kind, reports, column in owner_columns(table.rule):
                for report in opening(kind, reports, viewer.everything):
                    _check_owners(duck, table, kind, report, column, viewer)


def _one_of_each_everybody(rights: Rights) -> list[Viewer]:
    """Viewers whose "everybody" is not the same as that of one listed before: as a rule, a single one."""
    seen_by: dict[str, set[tuple[str, str, str]]] = {}
    for entitlement in rights.entitlements:
        seen_by.setdefault(entitlement.employee_id, set()).add(
            (entitlement.kind, entitlement.report, entitlement.value)
        )
    different: dict[frozenset[tuple[str, str, str]], Viewer] = {}
    for viewer in rights.viewers:
        whole = frozenset(seen for seen in seen_by[viewer.employee_id] if seen[1] in viewer.everything)
        if whole:
            different.setdefault(whole, viewer)
    return list(different.values())


def _check_owners(
    duck: duckdb.DuckDBPyConnection, table: Table, kind: str, report: str, column: str, viewer: Viewer
) -> None:
    name = identifier(column)
    [(outside,)] = duck.execute(
        f"""
        select count(*) from ({table.query}) as published
        where {name} is null or not exists (
            select 1 from ({_SCOPES}) as scopes
            where scopes.viewer_id = $viewer and scopes.kind = $kind and scopes.report = $report
                and scopes.value = published.{name}
        )
        """,
        {"viewer": viewer.employee_id, "kind": kind, "report": report},
    ).fetchall()
    if outside:
        raise PublishError(
            f"{table.name}: {outside} rows have an owner in {column} outside everybody, as {viewer.email} sees it "
            f"through the {report} report; nothing was published. Every owner must be an employee, 'none' or 'unknown'."
        )
