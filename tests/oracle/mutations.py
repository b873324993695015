"""Marts rebuilt with a rule broken: what the oracle must notice.

Belongs here: how a rule is broken and the marts rebuilt. Not here: which rules (`test_*.py`).
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from orchestration.dbt_run import dbt_environment
from orchestration.settings import PROJECT_DIR
from tests.support.warehouse import DemoWarehouse, copy_warehouse, run_dbt, warehouse_settings


@dataclass(frozen=True)
class Mutation:
    """One rule changed in one mart's file, and what must differ from the oracle then: columns, 'missing', 'surplus'."""

    mart: str
    rule: str
    broken: str
    columns: frozenset[str]
    is_read_by_others: bool = False


def rebuild_mutated(built: DemoWarehouse, root: Path, mutations: Sequence[Mutation], before: str = "") -> Path:
    """A copy of the warehouse in `root` whose marts a copy of the project rebuilt with the rules broken, each its own.

    `before` is SQL that changes the copy first. Marts that other mutated ones read are rebuilt last, so that nothing
    differs for another's reason. Raises AssertionError when a file no longer has its rule once.
    """
    for folder in ("models", "seeds", "dbt_project"):
        shutil.copytree(PROJECT_DIR / folder, root / folder, symlinks=True)
    for mutation in mutations:
        [path] = (root / "models" / "marts").rglob(f"{mutation.mart}.sql")
        text = path.read_text(encoding="utf-8")
        assert text.count(mutation.rule) == 1, f"{path.name} no longer has the rule {mutation.rule!r} once"
        path.write_text(text.replace(mutation.rule, mutation.broken), encoding="utf-8")
    database = copy_warehouse(built, root / "home")
    if before:
        with duckdb.connect(str(database)) as connection:
            connection.execute(before)
    settings = warehouse_settings(root / "home")
    for is_read_by_others in (False, True):
        selection = sorted({m.mart for m in mutations if m.is_read_by_others == is_read_by_others})
        if selection:
            run = run_dbt(
                root / "dbt_project",
                ["run", "--select", *selection],
                dbt_environment(settings, built.as_of),
                settings.warehouse_dir / "target",
            )
            assert run.bad() == []
            assert len(run.nodes) == len(selection)
    return database


def expected_columns(mutations: Iterable[Mutation]) -> dict[str, frozenset[str]]:
    """By mart, what must differ. Several rules of one mart are broken together: each has columns of its own."""
    expected: dict[str, frozenset[str]] = {}
    for mutation in mutations:
        others = expected.get(mutation.mart, frozenset())
        assert not others & mutation.columns, f"{mutation.mart}: two broken rules show in the same columns"
        expected[mutation.mart] = others | mutation.columns
    return expected


def differing_columns(found: Iterable[str]) -> frozenset[str]:
    """The columns that `reading.differences` names; 'missing' and 'surplus' for rows."""
    return frozenset(difference.split("): ", 1)[1].split(" ", 1)[0] for difference in found)
