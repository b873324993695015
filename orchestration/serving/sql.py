"""Small pure builders of DuckDB SQL for serving, and the rewriting of access views for another file.

Belongs here: quoting, ATTACH statements, and view bodies as syntax trees. Not here: opening files.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb

from orchestration.serving.errors import PublishError


def identifier(*parts: str) -> str:
    """A quoted, dotted name: `identifier("access", "a b")` is `"access"."a b"`."""
    return ".".join('"' + part.replace('"', '""') + '"' for part in parts)


def literal(text: str) -> str:
    """A quoted text, for the few statements that take no bound parameters (ATTACH, COMMENT)."""
    return "'" + text.replace("'", "''") + "'"


def attach(path: Path, alias: str, *, read_only: bool, block_bytes: int | None = None) -> str:
    """The statement that opens a DuckDB file under a name of our choice; `block_bytes` is for a new file."""
    options = ["read_only"] if read_only else []
    options += [f"block_size {block_bytes}"] if block_bytes is not None else []
    return f"attach {literal(str(path))} as {identifier(alias)}" + (f" ({', '.join(options)})" if options else "")


def view_body(create_view: str) -> str:
    """The select of a stored `CREATE VIEW ... AS ...` statement."""
    _, found, body = create_view.partition(" AS ")
    if not found:
        raise PublishError(f"the stored view is not a CREATE VIEW statement: {create_view[:80]}")
    return body.strip().removesuffix(";")


def _nodes(tree: Any) -> Iterator[dict[str, Any]]:
    if isinstance(tree, dict):
        yield tree
        for child in tree.values():
            yield from _nodes(child)
    elif isinstance(tree, list):
        for child in tree:
            yield from _nodes(child)


def _cte_names(tree: Any) -> set[str]:
    return {str(entry["key"]).lower() for node in _nodes(tree) for entry in node.get("cte_map", {}).get("map", [])}


def rewrite_tables(
    connection: duckdb.DuckDBPyConnection, body: str, view: str, homes: dict[tuple[str, str], tuple[str, str]]
) -> str:
    """`body` with every table replaced by its home in the publication, free of any catalog name.

    `homes` maps (schema, table) of the warehouse to (schema, table) of the publication. A stored view names the
    catalog it was created in, which is the file's name; the publication's views must work under any name.
    Raises PublishError when the view reads something that is not published.
    """
    serialized = connection.execute("select json_serialize_sql(?::varchar)", [body]).fetchall()[0][0]
    tree = json.loads(serialized)
    if tree.get("error"):
        raise PublishError(f"access view {view} cannot be read as a select: {tree.get('error_message')}")
    known_ctes = _cte_names(tree)
    for node in _nodes(tree):
        if node.get("type") != "BASE_TABLE":
            continue
        schema, table = str(node["schema_name"]), str(node["table_name"])
        if not schema and table.lower() in known_ctes:
            continue
        if (schema, table) not in homes:
            raise PublishError(
                f"access view {view} reads {schema or '(no schema)'}.{table}, which is not published; "
                "access views may read marts, core_employee_scope and core_department_scope only"
            )
        node["catalog_name"] = ""
        node["schema_name"], node["table_name"] = homes[schema, table]
    rewritten = connection.execute("select json_deserialize_sql(?::json)", [json.dumps(tree)]).fetchall()[0][0]
    return str(rewritten)
