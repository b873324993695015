"""Every generic test of the dbt project, run by dbt on tables that it must pass and on tables that it must fail."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from orchestration.dbt_run import DBT_PROJECT_DIR, dbt_environment
from tests.support.warehouse import DbtRun, run_dbt, warehouse_settings


@dataclass(frozen=True)
class Case:
    """A table, a test with its arguments, and how many rows it must find. `column` is set for a test of one column."""

    name: str
    test: str
    header: str
    rows: str
    failures: int
    arguments: Mapping[str, object]
    column: str | None = None


KEY = {"columns": ["a", "b"]}
KEY_AND_B = {"key": ["a", "b"], "required": ["b"]}
FROM_0_TO_1 = {"min_value": 0, "max_value": 1}
A_BELOW_B = {"expression": "a < b"}
AS_MANY = {"compare_model": "ref('two_rows')"}
BIG_ONES = {**AS_MANY, "where": "a > 1", "compare_where": "a > 1"}
BY_KEY = {"key": "key"}
FROM_DAY_0 = {"start": 0, "starts_at": "from_days", "ends_at": "to_days"}
TWO_COMBINATIONS = {"values": {"a": ["x"], "b": ["u", "v"]}}
FOUR_COMBINATIONS = {"values": {"a": ["x", "y"], "b": ["u", "v"]}}
ONE_OF_UV = {"values": ["u", "v"]}
WITH_WORDS = {"labels": "ref('words')", "domain": "letter"}
HAS_U = {"column": "b", "value": "u", "meaning": "nothing at all"}
IN_WORDS = {**A_BELOW_B, "problem": "a isn't below b"}
FROM_4_TO_84 = {"min_days": 4, "max_days": 84}
AS_CURRENT = {"compare_model": "ref('current_rows')", "key": "a"}

SPAN = "key, valid_from_at, valid_to_at"
BUCKET = "from_days, to_days"
VERSION = "a, b, is_current"

CASES = (
    Case("unique_passes", "unique_combination", "a, b", "(1, 'x'), (1, 'y')", 0, KEY),
    Case("unique_fails", "unique_combination", "a, b", "(1, 'x'), (1, 'x'), (1, 'y')", 1, KEY),
    Case("unique_nulls", "unique_combination", "a, b", "(1, null), (1, null)", 1, KEY),
    Case("promised_passes", "key_and_values", "a, b", "(1, 'x'), (null, 'x')", 0, KEY_AND_B),
    Case("promised_shared_key", "key_and_values", "a, b", "(1, 'x'), (1, 'x'), (1, 'y')", 1, KEY_AND_B),
    Case("promised_shared_nulls", "key_and_values", "a, b", "(null, 'x'), (null, 'x')", 1, KEY_AND_B),
    Case("promised_no_value", "key_and_values", "a, b", "(1, null), (2, null)", 1, KEY_AND_B),
    Case("promised_both", "key_and_values", "a, b", "(1, null), (1, null)", 2, KEY_AND_B),
    Case("promised_keyword", "key_and_values", 'a, "right"', "(1, null)", 1, {"key": ["a"], "required": ["right"]}),
    Case("not_null_passes", "not_null_columns", "a, b", "(1, 'x'), (2, 'y')", 0, KEY),
    Case("not_null_fails", "not_null_columns", "a, b", "(null, 'x'), (null, null), (3, 'y')", 2, KEY),
    Case("not_null_keyword", "not_null_columns", '"right", b', "(null, 'x')", 1, {"columns": ["right"]}),
    Case("range_passes", "accepted_range", "a", "(0), (1), (null)", 0, FROM_0_TO_1, "a"),
    Case("range_fails", "accepted_range", "a", "(-1), (0), (2)", 2, FROM_0_TO_1, "a"),
    Case("range_open_above", "accepted_range", "a", "(-1), (5)", 1, {"min_value": 0}, "a"),
    Case("range_open_below", "accepted_range", "a", "(-1), (5)", 1, {"max_value": 4}, "a"),
    Case("expression_passes", "expression_is_true", "a, b", "(1, 2)", 0, A_BELOW_B),
    Case("expression_fails", "expression_is_true", "a, b", "(1, 2), (3, 2), (null, 2)", 2, A_BELOW_B),
    Case("expression_in_words_passes", "expression_is_true", "a, b", "(1, 2)", 0, IN_WORDS),
    Case("expression_in_words_fails", "expression_is_true", "a, b", "(3, 2)", 1, IN_WORDS),
    Case("no_rows_passes", "no_rows", "a", "(1) limit 0", 0, {}),
    Case("no_rows_fails", "no_rows", "a", "(1), (2)", 2, {}),
    Case("rowcount_passes", "equal_rowcount", "a", "(1), (2)", 0, AS_MANY),
    Case("rowcount_fails", "equal_rowcount", "a", "(1)", 1, AS_MANY),
    Case("rowcount_where", "equal_rowcount", "a", "(1), (5)", 0, BIG_ONES),
    Case("overlap_passes", "no_overlap", SPAN, "(1, 1, 2), (1, 2, 4), (1, 6, null), (2, 1, null)", 0, BY_KEY),
    Case("overlap_fails", "no_overlap", SPAN, "(1, 1, 3), (1, 2, null)", 1, BY_KEY),
    Case("overlap_open_before_another", "no_overlap", SPAN, "(1, 1, null), (1, 2, 3)", 1, BY_KEY),
    Case("overlap_same_start", "no_overlap", SPAN, "(1, 1, 2), (1, 1, null)", 1, BY_KEY),
    Case("overlap_ends_before_it_starts", "no_overlap", SPAN, "(1, 3, 3), (2, 5, 4)", 2, BY_KEY),
    Case("overlap_without_a_start", "no_overlap", SPAN, "(1, cast(null as integer), 3)", 1, BY_KEY),
    Case("gap_passes", "no_gap", SPAN, "(1, 1, 2), (1, 2, null), (2, 7, 9)", 0, BY_KEY),
    Case("gap_fails", "no_gap", SPAN, "(1, 1, 2), (1, 3, null)", 1, BY_KEY),
    Case("gap_after_an_open_end", "no_gap", SPAN, "(1, 1, null), (1, 3, null)", 1, BY_KEY),
    Case("buckets_pass", "covers_from", BUCKET, "(0, 7), (7, null), (null, null)", 0, FROM_DAY_0),
    Case("buckets_gap", "covers_from", BUCKET, "(0, 7), (8, null)", 1, FROM_DAY_0),
    Case("buckets_overlap", "covers_from", BUCKET, "(0, 8), (7, null)", 1, FROM_DAY_0),
    Case("buckets_late_start", "covers_from", BUCKET, "(1, 7), (7, null)", 1, FROM_DAY_0),
    Case("buckets_closed_end", "covers_from", BUCKET, "(0, 7), (7, 14)", 1, FROM_DAY_0),
    Case("buckets_open_before_the_last", "covers_from", BUCKET, "(0, null), (7, null)", 1, FROM_DAY_0),
    Case("buckets_end_before_they_start", "covers_from", BUCKET, "(0, 7), (7, 7), (7, null)", 1, FROM_DAY_0),
    Case("one_of_passes", "one_of", "b", "('u'), ('v'), (null)", 0, ONE_OF_UV, "b"),
    Case("one_of_fails", "one_of", "b", "('u'), ('U'), ('v ')", 2, ONE_OF_UV, "b"),
    Case("labelled_passes", "labelled", "b", "('u')", 0, WITH_WORDS, "b"),
    Case("labelled_fails", "labelled", "b", "('u'), ('v')", 1, WITH_WORDS, "b"),
    Case("has_row_passes", "has_row", "b", "('u'), ('v')", 0, HAS_U),
    Case("has_row_fails", "has_row", "b", "('v'), (null)", 1, HAS_U),
    Case("covers_passes", "covers_combinations", "a, b", "('x', 'u'), ('x', 'v')", 0, TWO_COMBINATIONS),
    Case("covers_fails", "covers_combinations", "a, b", "('x', 'u'), ('y', 'v')", 2, FOUR_COMBINATIONS),
    Case("windows_pass", "windows_within", "days", "(4), (7), (84)", 0, FROM_4_TO_84, "days"),
    Case("windows_fail", "windows_within", "days", "(3), (4.5), (85), (null), (28)", 4, FROM_4_TO_84, "days"),
    Case(
        "current_passes",
        "current_rows_equal",
        VERSION,
        "(1, 'x', true), (2, null, true), (2, 'z', false)",
        0,
        AS_CURRENT,
    ),
    Case("current_other_content", "current_rows_equal", VERSION, "(1, 'z', true), (2, null, true)", 2, AS_CURRENT),
    Case("current_missing_row", "current_rows_equal", VERSION, "(1, 'x', true)", 1, AS_CURRENT),
)

MODELS = {
    "two_rows": "select * from (values (1), (2)) as given (a)",
    "words": "select * from (values ('letter', 'u'), ('digit', 'v')) as given (domain, code)",
    "current_rows": "select * from (values (1, 'x', 0), (2, null, 0)) as given (a, b, elsewhere_only)",
}


def write_project(project: Path) -> None:
    """A dbt project with the real generic tests and profile, and one small table per case."""
    shutil.copytree(DBT_PROJECT_DIR / "tests" / "generic", project / "tests" / "generic")
    (project / "macros").mkdir()
    shutil.copy(DBT_PROJECT_DIR / "macros" / "changes.sql", project / "macros")
    shutil.copy(DBT_PROJECT_DIR / "profiles.yml", project)
    configuration = {"name": "generic_tests", "profile": "kpi"}
    (project / "dbt_project.yml").write_text(yaml.safe_dump(configuration))
    models = project / "models"
    models.mkdir()
    for name, sql in MODELS.items():
        (models / f"{name}.sql").write_text(sql)
    properties = []
    for given in CASES:
        (models / f"{given.name}.sql").write_text(f"select * from (values {given.rows}) as given ({given.header})")
        test = {given.test: {"name": f"test_{given.name}", "arguments": dict(given.arguments)}}
        if given.column is None:
            properties.append({"name": given.name, "data_tests": [test]})
        else:
            properties.append({"name": given.name, "columns": [{"name": given.column, "data_tests": [test]}]})
    (models / "cases.yml").write_text(yaml.safe_dump({"models": properties}))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> DbtRun:
    home = tmp_path_factory.mktemp("generic_tests")
    project = home / "project"
    project.mkdir()
    write_project(project)
    settings = warehouse_settings(home)
    settings.warehouse_dir.mkdir()
    return run_dbt(project, ["build"], dbt_environment(settings), settings.warehouse_dir / "target")


@pytest.mark.parametrize("given", CASES, ids=lambda given: given.name)
def test_finds_exactly_the_wrong_rows(given: Case, run: DbtRun) -> None:
    node = run.node(f"test_{given.name}")
    assert (node.status, node.failures) == ("fail" if given.failures else "pass", given.failures), node.message


def test_every_generic_test_is_seen_passing_and_failing() -> None:
    texts = [path.read_text() for path in (DBT_PROJECT_DIR / "tests" / "generic").glob("*.sql")]
    written = {name for text in texts for name in re.findall(r"{%-? test (\w+)\(", text)}
    assert written == {given.test for given in CASES if given.failures}
    assert written == {given.test for given in CASES if not given.failures}
