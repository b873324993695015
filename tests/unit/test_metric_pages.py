"""The worked examples of the metrics, and the pages made of them, in English and in Vietnamese."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from orchestration.metrics.examples import EXAMPLES_PATH, ExampleError, Examples, read_examples
from orchestration.metrics.labels import read_labels_vi
from orchestration.metrics.page_words import ENGLISH, vietnamese
from orchestration.metrics.pages import FOLDER, pages, write_pages
from orchestration.metrics.registry import read_catalogue

CATALOGUE = read_catalogue()
WITH_ROWS = [name for name, metric in CATALOGUE.items() if not metric.is_rate]


@pytest.fixture(scope="module")
def examples() -> Examples:
    return read_examples()


@pytest.fixture(scope="module")
def made(examples: Examples) -> Mapping[str, str]:
    """Every page, as it would be written now."""
    return pages(CATALOGUE, examples)


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
        ({"rows": [{"order_id": "o1", "why": "", "why_vi": "vì"}] * 5}, "fct_orders, row 1: no `why`"),
        ({"rows": [{"order_id": "o1", "why": "because"}] * 5}, "fct_orders, row 1: no `why_vi`"),
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


def test_the_pages_are_up_to_date(made: Mapping[str, str]) -> None:
    written = {path.relative_to(FOLDER).as_posix(): path.read_text(encoding="utf-8") for path in FOLDER.rglob("*.md")}
    expected = dict(made)
    assert written == expected, "run: python -m orchestration.metrics.pages"
    names = {"README.md", *(f"{name}.md" for name in CATALOGUE)}
    assert set(expected) == names | {f"vi/{name}" for name in names}


def test_a_page_has_all_that_a_reader_looks_for(made: Mapping[str, str]) -> None:
    page = made["revenue_amount.md"]
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
    assert "**2 customers / 3 customers = 0.6667**" in made["cohort_with_order_rate.md"]


def test_a_page_in_vietnamese_has_the_same_figures(made: Mapping[str, str]) -> None:
    page = made["vi/revenue_amount.md"]
    for words in (
        "# Doanh thu · Revenue",
        "`revenue_amount`: KPI nhân viên, mục Bảng tỷ lệ chuyển đổi.",
        "| của ai | người thực hiện đơn hàng |",
        "| theo ngày | ngày đơn hàng |",
        "tổng `revenue_amount` của `fct_orders` với `executor_id` là nhân viên đó, `month_date` là tháng đó",
        "Của nhân viên `an`, tháng 3/2026:",
        "| o3 | an | 2026-03-01 | có | -21.60 | có | đơn trả hàng: tính âm, theo ngày của chính nó |",
        "**Số liệu: 131.40**",
        "kpi explain revenue_amount --employee TÊN --month 2026-03 --lang vi",
    ):
        assert words in page
    assert "**2 khách hàng / 3 khách hàng = 0.6667**" in made["vi/cohort_with_order_rate.md"]


@pytest.mark.parametrize("name", ["README", *CATALOGUE])
def test_each_page_and_its_sister_lead_to_each_other(name: str, made: Mapping[str, str]) -> None:
    assert f"\n\n[Tiếng Việt](vi/{name}.md)\n\n" in made[f"{name}.md"]
    assert f"\n\n[English](../{name}.md)\n\n" in made[f"vi/{name}.md"]


@pytest.mark.parametrize("name", CATALOGUE)
def test_a_page_in_vietnamese_loses_no_column_and_no_row(name: str, made: Mapping[str, str]) -> None:
    english, sister = (made[f"{folder}{name}.md"].partition("```")[0] for folder in ("", "vi/"))
    # Names of marts, of columns and of conditions; the rows' cells; which rows count is a word of its language.
    assert re.findall("`[^`]+`", english) == re.findall("`[^`]+`", sister)
    answers = {"yes": "có", "no": "không", "counts": "được tính", "why": "vì sao"}
    tables = [
        [
            [answers.get(cell, cell) for cell in line.split(" | ")[:-1]]
            for line in text.split("| --- |", 1)[1].splitlines()
            if line.startswith("|")
        ]
        for text in (english, sister)
    ]
    assert tables[0] == tables[1]


def test_every_row_says_why_in_vietnamese_with_the_same_numbers() -> None:
    rows = [row for given in yaml.safe_load(EXAMPLES_PATH.read_text(encoding="utf-8")) for row in given["rows"]]
    wrong = [
        row["why_vi"]
        for row in rows
        if row["why"] == row["why_vi"] or numbers(row["why"]) - numbers(row["why_vi"]) != set()
    ]
    assert wrong == []
    meant: dict[str, set[str]] = {}
    for row in rows:
        meant.setdefault(row["why"], set()).add(row["why_vi"])
    assert [why for why, said in meant.items() if len(said) > 1] == []


def numbers(sentence: str) -> set[str]:
    return set(re.findall(r"\d+(?:\.\d+)?", sentence))


def test_both_languages_have_every_phrase_with_the_same_places() -> None:
    sister = vietnamese()
    for field, english in vars(ENGLISH).items():
        other = getattr(sister, field)
        if isinstance(english, Mapping):
            assert set(other) == set(english), field
            pairs = [(english[key], other[key]) for key in english]
        else:
            pairs = [(english, other)] if isinstance(english, str) else []
        for one, two in pairs:
            assert set(re.findall(r"{\w+}", one)) == set(re.findall(r"{\w+}", two)), field


def test_a_code_without_a_label_is_noticed() -> None:
    labels = read_labels_vi()
    assert labels["owner_role", "executor"] == "người thực hiện đơn hàng"
    with pytest.raises(KeyError, match="nobody"):
        vietnamese().code("owner_role", "nobody")


def test_pages_of_metrics_that_are_no_more_go(tmp_path: Path) -> None:
    (tmp_path / "vi").mkdir()
    for name in ("gone.md", "vi/gone.md", "vi/stays.md"):
        (tmp_path / name).write_text("old", encoding="utf-8")
    (tmp_path / "examples.yml").write_text("rows", encoding="utf-8")
    write_pages(tmp_path, {"README.md": "new", "vi/stays.md": "new"})
    left = {path.relative_to(tmp_path).as_posix(): path.read_text(encoding="utf-8") for path in tmp_path.rglob("*.*")}
    assert left == {"README.md": "new", "vi/stays.md": "new", "examples.yml": "rows"}
