"""The worked examples of the metrics, and the pages made of them."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from orchestration.metrics.examples import EXAMPLES_PATH, ExampleError, Examples, read_examples
from orchestration.metrics.pages import FOLDER, pages, write_pages
from orchestration.metrics.registry import read_catalogue

CATALOGUE = read_catalogue()
WITH_ROWS = [name for name, metric in CATALOGUE.items() if not metric.is_rate]


@pytest.fixture(scope="module")
def examples() -> Examples:
    return read_examples()


def changed(folder: Path, change: Mapping[str, Any]) -> Path:
    """The examples with the set of fct_orders changed."""
    sets = yaml.safe_load(EXAMPLES_PATH.read_text(encoding="utf-8"))
    for given in sets:
        if given["mart"] == "fct_orders":
            given.update(change)
    path = folder / "examples.yml"
    path.write_text(yaml.safe_dump(sets), encoding="utf-8")
    return path


def orders() -> dict[str, Any]:
    sets = yaml.safe_load(EXAMPLES_PATH.read_text(encoding="utf-8"))
    (given,) = (given for given in sets if given["mart"] == "fct_orders")
    assert isinstance(given, dict)
    return given


@pytest.mark.parametrize("name", WITH_ROWS)
def test_the_drill_down_of_a_metric_gives_the_figure_worked_out_by_hand(name: str, examples: Examples) -> None:
    example = examples.example(CATALOGUE[name])
    value = CATALOGUE[name].detail_value
    assert value is not None
    assert example.figure == (None if value.function == "none" else example.by_hand.value)
    assert any(example.counting)


def test_every_example_has_rows_that_do_not_count(examples: Examples) -> None:
    every_row = [name for name in WITH_ROWS if all(examples.example(CATALOGUE[name]).counting)]
    assert every_row == []


def test_examples_are_of_metrics_that_exist(examples: Examples) -> None:
    assert examples.metrics == set(WITH_ROWS)


def test_another_row_is_another_figure(tmp_path: Path) -> None:
    rows = orders()["rows"]
    rows[4]["executor_id"] = "an"
    example = read_examples(changed(tmp_path, {"rows": rows})).example(CATALOGUE["revenue_amount"])
    assert (example.figure, example.by_hand.value) == (Decimal("201.4"), Decimal("131.4"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rows": []}, "fct_orders: 0 rows; an example has 5"),
        ({"rows": [{"order_id": "o1", "why": ""}] * 5}, "fct_orders, row 1: no `why`"),
        ({"figures": {"collected_amount": 1}}, "collected_amount has a figure in another set of rows too"),
    ],
)
def test_a_wrong_file_says_where(change: Mapping[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(ExampleError) as raised:
        read_examples(changed(tmp_path, change))
    assert message in str(raised.value)


def test_a_figure_without_rows_of_its_mart_says_so(tmp_path: Path) -> None:
    without = read_examples(changed(tmp_path, {"figures": {"orders": 2}}))
    with pytest.raises(ExampleError, match="revenue_amount: no example; it drills down to fct_orders"):
        without.example(CATALOGUE["revenue_amount"])
    misplaced = read_examples(changed(tmp_path, {"mart": "fct_order_lines"}))
    with pytest.raises(ExampleError, match="orders: its example is of fct_order_lines, its rows are of fct_orders"):
        misplaced.example(CATALOGUE["orders"])


def test_the_pages_are_up_to_date(examples: Examples) -> None:
    written = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.md")}
    expected = pages(CATALOGUE, examples)
    assert written == expected, "run: python -m orchestration.metrics.pages"
    assert set(expected) == {"README.md", *(f"{name}.md" for name in CATALOGUE)}


def test_a_page_has_all_that_a_reader_looks_for(examples: Examples) -> None:
    page = pages(CATALOGUE, examples)["revenue_amount.md"]
    for words in (
        "# Revenue · Doanh thu",
        "| whose | executor |",
        "| by date | order date |",
        "the sum of `revenue_amount` of `fct_orders` where `executor_id` is the owner, `month_date` is the month",
        "| o3 | an | 2026-03-01 | yes | -21.60 | yes | a return: negative, on its own date |",
        "**Figure: 131.40 currency**",
        "kpi explain revenue_amount --employee WHO --month 2026-03",
    ):
        assert words in page
    assert "**2 customers / 3 customers = 0.6667**" in pages(CATALOGUE, examples)["cohort_with_order_rate.md"]


def test_pages_of_metrics_that_are_no_more_go(tmp_path: Path) -> None:
    (tmp_path / "gone.md").write_text("old", encoding="utf-8")
    write_pages(tmp_path, {"README.md": "new"})
    assert {path.name: path.read_text(encoding="utf-8") for path in tmp_path.iterdir()} == {"README.md": "new"}
