"""dbt's findings about rule files in words: which file a test is about, and what dbt's own tests say."""

from __future__ import annotations

from typing import Any

import pytest

from orchestration.dbt_run import DBT_PROJECT_DIR
from orchestration.rules.explain import explanations

SEED = "seed.kpi_warehouse.report_scope_rules"
TEST = "test.kpi_warehouse.some_test.1"
LINE = "seeds/report_scope_rules.csv, line 2 (employee,hierarchy)"


def told(node: dict[str, Any], rows: list[dict[str, str]], status: str = "fail") -> dict[str, tuple[str, ...]]:
    manifest = {"nodes": {TEST: {"resource_type": "test", "name": "some_test", **node}}}
    result = {
        "unique_id": TEST,
        "status": status,
        "failures": len(rows),
        "message": "Got 1 result,\nconfigured to fail",
    }
    return explanations(manifest, [result], {TEST: rows} if rows else {}, DBT_PROJECT_DIR)


@pytest.mark.parametrize(
    ("test", "arguments", "row", "problem"),
    [
        (
            "accepted_values",
            {"values": ["a", "b"]},
            {"value_field": "employee", "n_records": "1"},
            f"{LINE}: report 'employee' is not known: write one of a, b",
        ),
        (
            "relationships",
            {"to": "ref('labels')", "field": "code"},
            {"from_field": "employee"},
            f"{LINE}: report 'employee' is not among the values of code",
        ),
        (
            "unique",
            {},
            {"unique_field": "employee", "n_records": "2"},
            f"{LINE}: 2 rows have the same report: there may be one",
        ),
        (
            "not_null",
            {},
            {"report": "None"},
            "seeds/report_scope_rules.csv: report is empty: every row needs a value there",
        ),
        ("one_of", {}, {"report": "employee", "problem": "wrong"}, f"{LINE}: wrong"),
        ("somebody_elses", {}, {"report": "employee"}, f"{LINE}: this row breaks a rule: report employee"),
    ],
)
def test_a_test_of_a_seed_is_told_in_words(
    test: str, arguments: dict[str, Any], row: dict[str, str], problem: str
) -> None:
    node = {
        "attached_node": SEED,
        "column_name": "report",
        "test_metadata": {"name": test, "kwargs": arguments},
    }
    assert told(node, [row]) == {TEST: (problem,)}


def test_a_test_that_could_not_run_gives_dbts_words_with_the_file() -> None:
    node = {"attached_node": SEED, "column_name": None}
    words = "seeds/report_scope_rules.csv could not be loaded or tested: Got 1 result, configured to fail"
    assert told(node, [], "error") == {TEST: (words,)}


def test_a_test_called_after_its_seed_is_about_it_and_any_other_is_not() -> None:
    depends_on = {"nodes": [SEED, "model.kpi_warehouse.core_employees"]}
    row = {"report": "employee", "problem": "wrong"}
    assert told({"name": "report_scope_rules_are_used", "depends_on": depends_on}, [row]) == {TEST: (f"{LINE}: wrong",)}
    assert told({"name": "viewers_have_scopes", "depends_on": depends_on}, [row]) == {}


def test_a_test_of_a_model_and_a_passing_test_are_left_alone() -> None:
    assert told({"attached_node": "model.kpi_warehouse.fct_funnel"}, [{"problem": "wrong"}]) == {}
    assert told({"attached_node": SEED}, [], "pass") == {}
