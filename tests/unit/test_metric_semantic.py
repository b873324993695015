"""The semantic layer's files are those that the catalogue and the marts make."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from orchestration.metrics.registry import read_catalogue
from orchestration.metrics.semantic import FOLDER, semantic_files

CATALOGUE = read_catalogue()


@pytest.fixture(scope="module")
def parsed() -> list[dict[str, Any]]:
    return [yaml.safe_load(text) for text in semantic_files().values()]


def measures(parsed: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    models = [model for content in parsed for model in content.get("semantic_models", [])]
    return {
        measure["name"]: {**measure, "model": model["name"]}
        for model in models
        for measure in model.get("measures", [])
    }


def test_the_files_are_up_to_date() -> None:
    assert {path: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.yml")} == semantic_files(), (
        "run: python -m orchestration.metrics.semantic"
    )


def test_every_metric_is_there_once(parsed: list[dict[str, Any]]) -> None:
    names = [metric["name"] for content in parsed for metric in content.get("metrics", [])]
    assert sorted(names) == sorted(CATALOGUE)
    assert set(measures(parsed)) == {name for name, metric in CATALOGUE.items() if not metric.is_rate}


@pytest.mark.parametrize(
    ("name", "model", "aggregation", "expression"),
    [
        ("revenue_amount", "fct_funnel", "sum", "revenue_amount"),
        (
            "interactions_call",
            "kpi_interactions_by_type",
            "sum",
            "case when interaction_type = 'call' then interactions end",
        ),
        (
            "interacted_customers_call",
            "fct_interactions",
            "count_distinct",
            "case when interaction_type = 'call' and is_counted then customer_id end",
        ),
        ("median_closed_days", "fct_relationship_stays", "median", "case when has_moved_on then days_in_stage end"),
        (
            "cycle_km_median_days",
            "kpi_customer_cycle",
            "max",
            "case when window_days = 84 and result_type = 'order' and breakdown = 'all' then km_median_days end",
        ),
    ],
)
def test_a_figure_that_does_not_add_up_comes_from_its_rows(
    name: str, model: str, aggregation: str, expression: str, parsed: list[dict[str, Any]]
) -> None:
    measure = measures(parsed)[name]
    assert (measure["model"], measure["agg"], measure["expr"]) == (model, aggregation, expression)


def test_stocks_are_not_added_up_over_time(parsed: list[dict[str, Any]]) -> None:
    stocks = {name for name, measure in measures(parsed).items() if "non_additive_dimension" in measure}
    in_charge = {
        f"{whose}customers_in_charge{by}"
        for whose in ("", "customer_", "department_", "member_")
        for by in ("", "_current")
    }
    assert stocks == in_charge | {"department_members", "journey_customers"}


def test_what_is_right_for_one_owner_only_is_known(parsed: list[dict[str, Any]]) -> None:
    only = {name for name, measure in measures(parsed).items() if measure["agg"] == "max"}
    assert only == {
        "attainment_capped_rate",
        "cycle_km_median_days",
        "member_revenue_share_rate",
        "product_top_revenue_share_rate",
        "tasks_late_attainment_rate",
    }


def test_no_personal_contact_is_a_dimension(parsed: list[dict[str, Any]]) -> None:
    names = {
        dimension["name"]
        for content in parsed
        for model in content.get("semantic_models", [])
        for dimension in model["dimensions"]
    }
    assert {"email", "birthday"}.isdisjoint(names)
    assert {"department_name", "relationship_name"} <= names
