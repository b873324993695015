"""The catalogue of checks: complete, cheap, and what docs/checks.md says."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from orchestration.checks.catalogue import (
    BATCH_CHECK_NAMES,
    CHECKS,
    FRESHNESS_CHECK_NAMES,
    FROZEN_CHECK_NAMES,
    MART_CHECK_NAMES,
    RECONCILIATION_CHECK_NAMES,
    spec_of,
    specs_of,
)
from orchestration.checks.outcome import Severity
from orchestration.contract import contract
from tests.unit import test_checks_freshness, test_checks_reconciliation, test_checks_suites, test_freezing_checks

DOCS = Path(__file__).parents[2] / "docs" / "checks.md"


def test_a_check_is_declared_once() -> None:
    keys = [(spec.name, spec.asset) for spec in CHECKS]
    assert len(keys) == len(set(keys))


def test_every_name_belongs_to_one_module() -> None:
    names = [*BATCH_CHECK_NAMES, *RECONCILIATION_CHECK_NAMES, *MART_CHECK_NAMES, *FRESHNESS_CHECK_NAMES]
    names += FROZEN_CHECK_NAMES
    assert len(names) == len(set(names))
    assert {spec.name for spec in CHECKS} == set(names)


def test_a_name_has_one_severity_and_one_reason_everywhere() -> None:
    by_name = {spec.name: (spec.severity, spec.reason) for spec in CHECKS}
    assert [spec.name for spec in CHECKS if (spec.severity, spec.reason) != by_name[spec.name]] == []


def test_every_entity_has_the_checks_that_need_nothing_but_a_batch() -> None:
    everywhere = [
        name for name in BATCH_CHECK_NAMES if {spec.asset[-1] for spec in specs_of((name,))} == set(contract().entities)
    ]
    assert everywhere == [
        "batch_landed",
        "batch_accounting",
        "batch_no_gap",
        "batch_quarantine_rate",
        "batch_rows_kept",
        "batch_quarantined_rows",
        "batch_unknown_columns",
    ]


def test_a_check_is_declared_only_where_it_can_say_something() -> None:
    assert [spec.name for spec in specs_of(BATCH_CHECK_NAMES, ("landing", "provinces"))] == [
        "batch_landed",
        "batch_accounting",
        "batch_no_gap",
        "batch_quarantine_rate",
        "batch_rows_kept",
        "batch_quarantined_rows",
        "batch_unknown_columns",
    ]


def test_a_name_with_several_assets_must_be_asked_for_with_one() -> None:
    assert spec_of("batch_landed", ("landing", "orders")).severity is Severity.ERROR
    with pytest.raises(KeyError, match="23 checks are called batch_landed"):
        spec_of("batch_landed")


def test_every_check_is_seen_failing_in_a_test() -> None:
    failing = {
        *test_checks_suites.BATCH_FAILURES,
        *test_checks_suites.MART_FAILURES,
        *test_checks_reconciliation.FAILURES,
        *test_checks_freshness.FAILURES,
        *test_freezing_checks.FAILURES,
    }
    assert failing == {spec.name for spec in CHECKS}


def test_the_table_of_the_docs_is_the_catalogue() -> None:
    documented = {
        match[1]: (match[2], match[3])
        for match in re.finditer(
            r"^\| `(\w+)` \|[^|]*\| (error|warn) \| (.*) \|$", DOCS.read_text("utf-8"), re.MULTILINE
        )
    }
    assert documented == {spec.name: (spec.severity.value, spec.reason) for spec in CHECKS}


@pytest.mark.parametrize(
    ("modules", "heavy"),
    [
        ("catalogue", ("great_expectations", "pandas", "duckdb", "dagster", "dbt")),
        ("batches, marts, reconciliation, freshness, results, suite", ("great_expectations", "dagster", "dbt")),
    ],
)
def test_declaring_checks_imports_nothing_heavy(modules: str, heavy: tuple[str, ...]) -> None:
    code = f"import sys; from orchestration.checks import {modules}; print([n for n in {heavy!r} if n in sys.modules])"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"
