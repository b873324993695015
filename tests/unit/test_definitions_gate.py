"""The gate: a dbt run counts only when every selected node is there and passed, and there was at least one."""

from __future__ import annotations

from typing import Any

from orchestration.gate import expected_nodes, judge, stopped

EXPECTED = frozenset({"seed.p.labels", "model.p.stg", "model.p.mart", "test.p.unique_mart.1"})


def _results(**statuses: str) -> dict[str, Any]:
    """Run results in which everything passed, but for the nodes named by their last-but-one part."""
    rows = []
    for unique_id in sorted(EXPECTED):
        status = statuses.get(unique_id.split(".")[2], "pass" if unique_id.startswith("test.") else "success")
        if status != "absent":
            rows.append({"unique_id": unique_id, "status": status, "message": f"it is\n {status}", "failures": None})
    return {"results": rows}


def test_everything_there_and_passed_opens_it() -> None:
    report = judge(EXPECTED, _results())
    assert report.is_open
    assert (report.built, report.tests, report.warnings) == (3, 1, ())


def test_nothing_done_is_refused_although_nothing_failed() -> None:
    report = judge(frozenset(), {"results": []})
    assert not report.is_open
    assert "no node at all" in report.describe()


def test_nothing_reported_is_refused_although_dbt_was_content() -> None:
    report = judge(EXPECTED, {"results": []})
    assert not report.is_open
    assert [problem.status for problem in report.problems].count("missing") == len(EXPECTED)


def test_no_results_file_is_refused() -> None:
    report = judge(EXPECTED, None)
    assert not report.is_open
    assert "no run_results.json" in report.describe()


def test_results_of_a_dbt_that_then_stopped_are_refused_with_its_words() -> None:
    report = stopped("IO Error: No space left on device")
    assert not report.is_open
    assert "dbt stopped: IO Error: No space left on device" in report.describe()


def test_a_node_that_is_not_reported_is_named() -> None:
    report = judge(EXPECTED, _results(mart="absent"))
    assert [(problem.name, problem.status) for problem in report.problems] == [("mart", "missing")]


def test_a_node_that_the_definitions_do_not_know_is_refused() -> None:
    results = _results()
    results["results"].append({"unique_id": "model.p.new", "status": "success", "message": "OK"})
    report = judge(EXPECTED, results)
    assert [(problem.name, problem.status) for problem in report.problems] == [("new", "unknown")]


def test_failures_are_told_with_dbts_words_and_skipped_nodes_counted() -> None:
    report = judge(EXPECTED, _results(stg="error", mart="skipped", unique_mart="skipped"))
    assert not report.is_open
    assert report.describe().splitlines() == [
        "stg: error: it is error",
        "2 node(s) skipped because of these",
    ]


def test_better_words_replace_dbts_for_the_nodes_that_have_some() -> None:
    report = judge(EXPECTED, _results(labels="fail", stg="error", unique_mart="warn"))
    told = report.explained(
        {"seed.p.labels": ("line 2: write 7", "line 3: write 8"), "test.p.unique_mart.1": ("twice",)}
    )
    assert set(told.describe().splitlines()) == {"stg: error: it is error", "line 2: write 7", "line 3: write 8"}
    assert [warning.lines() for warning in told.warnings] == [("twice",)]
    assert (told.built, told.tests, told.is_open) == (report.built, report.tests, False)


def test_states_that_neither_failed_nor_built_are_refused() -> None:
    for status in ("no-op", "reused", "partial success", "runtime error"):
        assert not judge(EXPECTED, _results(mart=status)).is_open, status


def test_a_warning_is_kept_and_opens_it() -> None:
    report = judge(EXPECTED, _results(unique_mart="warn"))
    assert report.is_open
    assert [warning.name for warning in report.warnings] == ["unique_mart"]


def test_expected_are_the_built_and_tested_nodes_of_the_manifest() -> None:
    def node(kind: str, **config: object) -> dict[str, object]:
        return {"resource_type": kind, "config": config}

    manifest = {
        "nodes": {
            "model.p.a": node("model", materialized="table"),
            "model.p.inline": node("model", materialized="ephemeral"),
            "model.p.off": node("model", enabled=False),
            "seed.p.s": node("seed"),
            "test.p.t.1": node("test"),
            "operation.p.hook": node("operation"),
        }
    }
    assert expected_nodes(manifest) == {"model.p.a", "seed.p.s", "test.p.t.1"}
