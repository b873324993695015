"""Every name that a page of docs may point at, read from the files themselves: models, columns, seeds, macros, tests.

Belongs here: collecting names and looking one up. Not here: what a page has to name (the page's own test).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from orchestration.settings import PROJECT_DIR

_MACRO = re.compile(r"{%-?\s*macro\s+(\w+)")
_PYTEST = re.compile(r"^\s*(?:async )?def (test_\w+)", re.MULTILINE)
_QUOTED = re.compile(r"`([^`]+)`")


@dataclass(frozen=True)
class Names:
    """Columns by model or seed, macros, tests by any name they can be run with, and how a model's name is spelled."""

    columns: dict[str, frozenset[str]]
    macros: frozenset[str]
    tests: frozenset[str]

    def has_place(self, name: str) -> bool:
        """Whether `name` is a model or seed, one of its columns (`model.column`), a macro, or a file."""
        if "/" in name:
            return (PROJECT_DIR / name).exists()
        table, _, column = name.partition(".")
        if column:
            return column in self.columns.get(table, ())
        return name in self.columns or name.removesuffix("()") in self.macros


def _properties() -> Iterator[dict[str, Any]]:
    for folder in ("models", "seeds"):
        for path in sorted((PROJECT_DIR / folder).rglob("*.yml")):
            content: dict[str, Any] = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
            yield content


def _named(tests: list[Any]) -> Iterator[str]:
    """The names that generic tests are given in YAML; the generated ones are nobody's to write."""
    for test in tests:
        for settings in test.values() if isinstance(test, dict) else ():
            if isinstance(settings, dict) and "name" in settings:
                yield settings["name"]


@cache
def names() -> Names:
    """The names as the repository has them now."""
    columns: dict[str, frozenset[str]] = {}
    tests: set[str] = set()
    for content in _properties():
        for table in [*content.get("models", ()), *content.get("seeds", ())]:
            columns[table["name"]] = frozenset(column["name"] for column in table.get("columns", ()))
            tests |= set(_named(table.get("data_tests", [])))
        tests |= {test["name"] for test in content.get("unit_tests", ())}
    project = PROJECT_DIR / "dbt_project"
    tests |= {path.stem for path in (project / "tests").rglob("*.sql") if path.parent.name != "generic"}
    for path in (PROJECT_DIR / "tests").rglob("test_*.py"):
        tests |= set(_PYTEST.findall(path.read_text(encoding="utf-8")))
    macros = {name for path in (project / "macros").rglob("*.sql") for name in _MACRO.findall(path.read_text())}
    return Names(columns, frozenset(macros), frozenset(tests))


def table_rows(page: Path, width: int) -> list[list[str]]:
    """The rows of every table of `width` columns on a page of docs, without heads and rules."""
    lines = [line.strip() for line in page.read_text(encoding="utf-8").splitlines()]
    tables = [[cell.strip() for cell in line.strip("|").split("|")] if line.startswith("|") else [] for line in lines]
    rows = []
    for before, row in zip([[], *tables], tables, strict=False):
        is_rule = all(set(cell) <= set("-: ") for cell in row)
        if len(row) == width and before and not is_rule:
            rows.append(row)
    return rows


def quoted(cell: str) -> list[str]:
    """What stands between backticks in a cell."""
    return _QUOTED.findall(cell)
