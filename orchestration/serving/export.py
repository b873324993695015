"""One file per viewer, which physically holds only that viewer's rows, and so may be handed out.

Belongs here: building such a file from the access views and proving what is in it. Not here: who may see what.

The file is built new, table by table. Copying the publication and deleting rows from it would leave the deleted rows'
text in the file's free blocks, for anyone with a hex editor.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import duckdb

from orchestration.landing.durable import replace_durably
from orchestration.serving import files
from orchestration.serving.errors import ExportError
from orchestration.serving.owners import OWNERS, OwnerRule
from orchestration.serving.publish import PUBLICATION_TABLE, generation_id
from orchestration.serving.reading import ALIAS, open_publication
from orchestration.serving.sql import attach, identifier
from orchestration.serving.viewers import Viewer, resolve_viewer

_EXPORT = "viewer_export"
# A file that may hold customers' names is its owner's alone until somebody decides otherwise.
FILE_MODE = 0o600
_LONGEST_NAME = 200
# DuckDB gives every column at least one block. Many small tables in its usual 256 kB blocks make a file of 20 MB out of
# 14,000 rows; in the smallest blocks it is 4 MB, and written faster. Drivers read either since 1.2.
_BLOCK_BYTES = 16384


def file_name(email: str) -> str:
    """The name of a viewer's file. An e-mail comes from outside: what could lead to another folder is encoded.

    Raises ExportError for an e-mail too long for a file's name.
    """
    name = quote(email.strip().lower(), safe="@+") + ".duckdb"
    if len(name) > _LONGEST_NAME:
        raise ExportError(f"the e-mail {email[:40]}... is too long to name a file; correct it in the CRM")
    return name


@dataclass(frozen=True)
class Export:
    """What was written. `rows` maps each mart to its rows in the file; `generation_id` is the publication's."""

    path: Path
    viewer: Viewer
    generation_id: str
    rows: Mapping[str, int]
    bytes: int


def export_viewer(marts_path: Path, email: str, target: Path) -> Export:
    """Write the rows `email` may see to a new DuckDB file at `target`, replacing what was there in one rename.

    What a killed export to the same file had begun to write is removed.
    Raises ExportError for a viewer who may see nothing, and when the finished file holds anything but the viewer's
    rows; then `target` is as it was.
    """
    if target.resolve() == marts_path.resolve():
        raise ExportError(f"{target} is the publication itself; name another file")
    viewer = resolve_viewer(marts_path, email)
    target.parent.mkdir(parents=True, exist_ok=True)
    files.remove_dead(target)
    temporary = files.temporary_path(target, generation_id(datetime.now(UTC)))
    try:
        with open_publication(marts_path, viewer.email) as connection:
            generation = str(connection.execute("select generation_id from main.publication").fetchall()[0][0])
            rows = build_export(connection, viewer, temporary)
        os.chmod(temporary, FILE_MODE)
        replace_durably(temporary, target)
    except BaseException:
        files.discard(temporary)
        raise
    return Export(target, viewer, generation, rows, target.stat().st_size)


def build_export(connection: duckdb.DuckDBPyConnection, viewer: Viewer, path: Path) -> dict[str, int]:
    """Fill the new file at `path` from the access views of an open publication and verify it; rows per mart.

    Raises ExportError when the file differs from the views, or holds a row outside the viewer's scope.
    """
    connection.execute(attach(path, _EXPORT, read_only=False, block_bytes=_BLOCK_BYTES))
    marts = _marts(connection)
    connection.execute(f"create schema {identifier(_EXPORT, 'marts')}")
    for mart in marts:
        connection.execute(
            f"create table {identifier(_EXPORT, 'main', mart)} as "
            f"select * from {identifier(ALIAS, 'access', f'access_{mart}')}"
        )
    connection.execute(
        f"create table {identifier(_EXPORT, 'main', PUBLICATION_TABLE)} as "
        f"select *, cast(? as varchar) as viewer_email from {identifier(ALIAS, 'main', PUBLICATION_TABLE)}",
        [viewer.email],
    )
    connection.execute(f"use {identifier(_EXPORT)}")
    for name in [*marts, PUBLICATION_TABLE]:
        connection.execute(
            f"create view {identifier(_EXPORT, 'marts', name)} as select * from {identifier('main', name)}"
        )
    connection.execute(f"use {identifier(ALIAS)}")
    rows = {mart: verify_mart(connection, viewer, mart) for mart in marts}
    connection.execute(f"checkpoint {identifier(_EXPORT)}")
    connection.execute(f"detach {identifier(_EXPORT)}")
    return rows


def read_back(path: Path, viewer: Viewer, publication: str, rows: Mapping[str, int]) -> None:
    """Open a finished file anew and compare it with what was written. Raises ExportError where it differs."""
    with duckdb.connect(":memory:") as connection:
        connection.execute(attach(path, _EXPORT, read_only=True))
        says = connection.execute(
            f"select generation_id, viewer_email from {identifier(_EXPORT, 'main', PUBLICATION_TABLE)}"
        ).fetchall()
        found = {
            mart: connection.execute(f"select count(*) from {identifier(_EXPORT, 'main', mart)}").fetchall()[0][0]
            for mart in rows
        }
    if says != [(publication, viewer.email)] or found != rows:
        raise ExportError(
            f"{path.name}: the finished file does not hold what was written into it; nothing was exported, run again"
        )


def _marts(connection: duckdb.DuckDBPyConnection) -> list[str]:
    found = connection.execute(
        "select view_name from duckdb_views() where database_name = ? and schema_name = 'access' order by view_name",
        [ALIAS],
    ).fetchall()
    marts = [str(name).removeprefix("access_") for (name,) in found]
    unknown = [mart for mart in marts if mart not in OWNERS]
    if unknown:
        raise ExportError(f"no owner is declared for {', '.join(unknown)}; add them to orchestration/serving/owners.py")
    return marts


def verify_mart(connection: duckdb.DuckDBPyConnection, viewer: Viewer, mart: str) -> int:
    """Rows of one mart in the new file, after counting them against the view and looking for rows of others.

    Raises ExportError when either differs.
    """
    table = identifier(_EXPORT, "main", mart)
    view = identifier(ALIAS, "access", f"access_{mart}")
    [(written, shown)] = connection.execute(
        f"select (select count(*) from {table}), (select count(*) from {view})"
    ).fetchall()
    if written != shown:
        raise ExportError(f"{mart}: {written} rows were written, the access view shows {shown}; nothing was exported")
    outside = _rows_outside(connection, viewer, mart, OWNERS[mart])
    if outside:
        raise ExportError(
            f"{mart}: {outside} rows belong to people outside the scope of {viewer.email}; nothing was exported. "
            f"The view access_{mart} and orchestration/serving/owners.py disagree."
        )
    return int(written)


def _rows_outside(connection: duckdb.DuckDBPyConnection, viewer: Viewer, mart: str, rule: OwnerRule) -> int:
    if rule.column is None:
        return 0
    table = identifier(_EXPORT, "main", mart)
    columns = {row[0] for row in connection.execute(f"describe {table}").fetchall()}
    # The members "none" and "unknown" of a dimension carry nobody's data.
    placeholder = "and not is_placeholder" if "is_placeholder" in columns else ""
    departments = _scope("department", "$reports")
    if rule.by_department and not rule.reports:
        # Names only: the departments of the people the viewer sees, too.
        departments += f" union select department_id from {identifier(_EXPORT, 'main', 'dim_employees')}"
    outside = _outside(departments if rule.by_department else _scope("employee", "$reports"), rule.column)
    if rule.other_column is not None:
        outside += f" and {_outside(_scope('employee', '$reports'), rule.other_column)}"
    parameters: dict[str, object] = {"email": viewer.email, "reports": list(rule.reports)}
    if rule.department_column is not None:
        of_department = _outside(_scope("department", "$department_reports"), rule.department_column)
        outside = (
            f"case when written.{identifier(rule.department_column)} = 'none' then {outside} else {of_department} end"
        )
        parameters["department_reports"] = list(rule.department_reports)
    if rule.level_column is not None:
        outside = _outside_of_level(rule, outside)
        parameters["department_reports"] = list(rule.department_reports)
    counted = connection.execute(
        f"select count(*) from {table} as written where {outside} {placeholder}", parameters
    ).fetchall()
    return int(counted[0][0])


def _outside_of_level(rule: OwnerRule, of_employee: str) -> str:
    """Of rows that are an employee's, a department's or the company's; any other level is outside."""
    assert rule.column is not None and rule.level_column is not None
    of_department = _outside(_scope("department", "$department_reports"), rule.column)
    # Only a right over everybody reaches unknown people.
    of_company = f"not exists (select 1 from ({_scope('employee', '$reports')}) as allowed (id) where id = 'unknown')"
    return (
        f"case written.{identifier(rule.level_column)} when 'employee' then {of_employee} "
        f"when 'department' then {of_department} when 'company' then {of_company} else true end"
    )


def _scope(owner: str, reports: str) -> str:
    """The employees or departments the viewer sees through the reports of this parameter; none of them means any."""
    return (
        f"select {identifier(f'{owner}_id')} from {identifier(ALIAS, 'core', f'core_{owner}_scope')} "
        f"where lower(trim(viewer_email)) = $email and (len({reports}) = 0 or list_contains({reports}, report))"
    )


def _outside(allowed: str, column: str) -> str:
    # An anti-join, not NOT IN: a null among the allowed ids would make NOT IN let everything pass.
    return f"not exists (select 1 from ({allowed}) as allowed (id) where allowed.id = written.{identifier(column)})"
