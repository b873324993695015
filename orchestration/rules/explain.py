"""What dbt found wrong with the rule files, in the words of somebody who edits them.

Belongs here: from dbt's manifest and results to sentences. Not here: files and lines (`files.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from orchestration.rules.files import RuleFile, file_problems, row_problems, rule_files

ADVICE = "Correct the file and run again; `kpi check-rules` says within seconds whether it is right."

_FIELDS = {"accepted_values": "value_field", "relationships": "from_field", "unique": "unique_field"}
"""Under which name dbt's own tests give the value that is wrong."""

_FAILED = frozenset({"fail", "error", "warn"})


def unreadable(project_dir: Path) -> list[str]:
    """Why rule files cannot be loaded. dbt fills a table by position, so columns that changed places would load."""
    return [problem for file in rule_files(project_dir).values() for problem in file_problems(file)]


def explanations(
    manifest: Mapping[str, Any],
    results: Iterable[Mapping[str, Any]],
    rows: Mapping[str, Sequence[Mapping[str, str]]],
    project_dir: Path,
) -> dict[str, tuple[str, ...]]:
    """Sentences for every failed or warning node that is about a rule file; other nodes are left to dbt's own words."""
    files = rule_files(project_dir)
    found: dict[str, tuple[str, ...]] = {}
    for result in results:
        unique_id = result["unique_id"]
        file = _file_of(manifest, unique_id, files)
        if file is None or result["status"] not in _FAILED:
            continue
        if unique_id in rows:
            told = [_in_words(manifest["nodes"][unique_id], row) for row in rows[unique_id]]
            found[unique_id] = tuple(row_problems(file, told, int(result.get("failures") or 0)))
        else:
            words = " ".join(str(result.get("message") or "no message").split())
            found[unique_id] = (f"{file.shown} could not be loaded or tested: {words}",)
    return found


def _in_words(node: Mapping[str, Any], row: Mapping[str, str]) -> Mapping[str, str]:
    """A failing row of one of dbt's own tests, with the column's name and a `problem`, as this project's tests have."""
    test = node.get("test_metadata") or {}
    column, arguments = node.get("column_name"), test.get("kwargs", {})
    value = row.get(_FIELDS.get(str(test.get("name")), ""))
    if column is None or "problem" in row:
        return row
    match test["name"]:
        case "accepted_values":
            words = ", ".join(map(str, arguments["values"]))
            return {column: str(value), "problem": f"{column} '{value}' is not known: write one of {words}"}
        case "relationships":
            return {
                column: str(value),
                "problem": f"{column} '{value}' is not among the values of {arguments['field']}",
            }
        case "unique":
            return {column: str(value), "problem": f"{row['n_records']} rows have the same {column}: there may be one"}
        case "not_null":
            return {"column_name": column, "problem": f"{column} is empty: every row needs a value there"}
    return row


def _file_of(manifest: Mapping[str, Any], unique_id: str, files: Mapping[str, RuleFile]) -> RuleFile | None:
    """The seed itself, the seed a generic test is attached to, or the one seed that a test called after it reads."""
    if unique_id in files:
        return files[unique_id]
    node = manifest["nodes"].get(unique_id)
    if node is None or node["resource_type"] != "test":
        return None
    if node.get("attached_node"):
        return files.get(node["attached_node"])
    read = [parent for parent in node["depends_on"]["nodes"] if parent in files]
    return files[read[0]] if len(read) == 1 and node["name"].startswith(files[read[0]].name) else None
