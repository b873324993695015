"""The dashboards are read as they are declared, what would be wrong on a screen is refused, exposures follow."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from orchestration.bi import exposures
from orchestration.bi.affected import dashboards_behind
from orchestration.bi.definition import DashboardError, Kind, label_domains, read_dashboards
from orchestration.bi.describe import lines
from orchestration.bi.queries import chart_sql, dataset_name, datasets, values_sql
from orchestration.report.labels import Lang

DASHBOARDS = read_dashboards()
CHARTS = [pytest.param(chart, id=f"{board.name}-{chart.name}") for board in DASHBOARDS for chart in board.charts]


def declared(folder: Path, *charts: dict[str, Any], words: dict[str, list[str]] | None = None) -> Path:
    """A file with one dashboard of these charts."""
    path = folder / "dashboards.yml"
    content = {
        "words": {
            "month": ["Month", "Tháng"],
            "employee": ["Employee", "Nhân viên"],
            "department": ["Department", "Phòng ban"],
            "source": ["Source", "Nguồn"],
            **(words or {}),
        },
        "dashboards": [
            {"name": "board", "title": ["Board", "Bảng"], "about": ["About", "Về"], "charts": list(charts)},
        ],
    }
    path.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
    return path


def chart(**changes: Any) -> dict[str, Any]:
    return {"name": "chart", "title": ["Chart", "Biểu đồ"], "kind": "table", **changes}


def test_every_block_of_the_page_has_figures() -> None:
    marts = {chart.source.mart for board in DASHBOARDS for chart in board.charts}
    assert marts >= {
        "fct_funnel",
        "fct_task_status",
        "kpi_customer_structure",
        "kpi_interactions_by_type",
        "fct_product_sales",
        "kpi_customer_cycle",
        "kpi_journey_time",
        "kpi_target_attainment",
        "fct_orders",
    }


def test_a_chart_knows_its_filters_and_whether_it_shows_one_month() -> None:
    charts = {(board.name, chart.name): chart for board in DASHBOARDS for chart in board.charts}
    assert charts["kpi_funnel", "revenue"].filters == ("month", "employee", "department")
    assert charts["kpi_funnel", "revenue"].is_of_one_month
    assert charts["kpi_funnel", "revenue_by_month"].filters == ("employee", "department")
    assert not charts["kpi_funnel", "revenue_by_month"].is_of_one_month
    assert charts["kpi_customers", "recency"].filters == ("employee", "department")
    assert not charts["kpi_customers", "recency"].is_of_one_month
    assert charts["kpi_sales", "by_department"].filters == ("month", "department")


def test_titles_and_descriptions_are_there_in_both_languages() -> None:
    for board in DASHBOARDS:
        texts = [board.title, board.about, *(text for chart in board.charts for text in (chart.title, chart.about))]
        for words in texts:
            assert words.en.strip()
            assert words.vi.strip()
        for chart in board.charts:
            for column in chart.columns:
                assert column.title.en.strip()
                assert column.title.vi.strip()


@pytest.mark.parametrize(
    ("asked", "problem"),
    [
        (chart(metrics=["revenue"], by=["employee"]), "'revenue' is no metric of the catalogue"),
        (chart(metrics=["orders", "tasks_created"], by=["employee"]), "not made of the same rows of one mart"),
        (chart(metrics=["connected_rate"], by=["employee"]), "is a rate: show it in a table, beside calls_connected"),
        (chart(kind="number", metrics=["connected_rate"]), "is a rate"),
        (chart(metrics=["customers_assigned"], by=["employee"]), "does not add up: show its rows"),
        (chart(kind="line", metrics=["orders", "revenue_amount"], by=["month"]), "different units on one axis"),
        (chart(kind="line", metrics=["customers_in_charge"], by=["employee"]), "a line goes by month"),
        (chart(kind="bar", metrics=["orders"], by=["month"]), "bars go by one column, which is not the month"),
        (chart(metrics=["customers_in_charge"], by=["employee", "month"]), "a table shows one month"),
        (chart(kind="number", metrics=["orders"], by=["employee"]), "a number shows one metric, by nothing"),
        (chart(metrics=["orders"], by=["colour"]), "fct_funnel has no column colour"),
        (chart(metrics=["orders"], by=["employee:source"]), "have their own words"),
        (chart(kind="bar", metrics=["gender_customers"], by=["member_id:colour"]), "colour is no entity"),
        (chart(kind="line", metrics=["gender_customers"], by=["month"]), "has no month"),
        (chart(metrics=["department_orders"], by=["employee"]), "belong to departments, not to people"),
        (chart(kind="pie", metrics=["orders"]), "kind 'pie' is none of number, line, bar, table, rows"),
        (chart(kind="rows", rows_of="orders", columns=["status"], newest="status"), "no title for the column status"),
        (chart(kind="rows", rows_of="orders", columns=["employee"], newest="order_date"), "say which rows come first"),
        (chart(kind="rows", rows_of="connected_rate", columns=["employee"], newest="employee"), "is a rate"),
        (chart(kind="rows", rows_of="orders", metrics=["orders"]), "a chart of kind rows has no metrics"),
        (chart(metrics=["orders"], by=["employee"], rows_of="orders"), "a chart of kind table has no rows_of"),
        (chart(kind="rows", rows_of="orders", level="all", columns=["employee"]), "neither detail nor figures"),
        (chart(kind="rows", rows_of="department_orders", columns=["month"], newest="month"), "through another table"),
        (chart(metrics=["orders"], by=["employee"], opens="elsewhere"), "opens 'elsewhere', which is no dashboard"),
        (
            chart(metrics=["orders"], by=["employee"], opens="board"),
            "opens board, which does not have the rows of orders",
        ),
        (chart(metrics=["source_orders"], by=["source_id"], opens="board"), "which has no filter source"),
        (
            chart(kind="rows", rows_of="orders", columns=["collected_amount"], newest="collected_amount"),
            "no title for the column collected_amount",
        ),
        (chart(metrics=["orders"], by=["employee"], colour="red"), "not known: colour"),
        (chart(metrics=["orders"], by=["employee"], title=["Only English"]), "is not two texts"),
        (chart(metrics=["orders"], by=["employee", "employee"]), "two are called employee"),
        ({"name": "chart", "title": ["a", "b"]}, "needs kind"),
    ],
)
def test_what_cannot_be_shown_rightly_is_refused(tmp_path: Path, asked: dict[str, Any], problem: str) -> None:
    with pytest.raises(DashboardError, match="board") as refused:
        read_dashboards(declared(tmp_path, asked))
    assert problem in str(refused.value)


ORDER_ROWS = chart(name="rows", kind="rows", rows_of="orders", columns=["revenue_amount"], newest="revenue_amount")
CALL_ROWS = chart(name="rows", kind="rows", rows_of="calls", columns=["month"], newest="month")


def test_a_click_leads_to_all_the_rows_of_every_figure(tmp_path: Path) -> None:
    asked = chart(metrics=["orders", "sales_amount", "revenue_amount"], by=["employee"], opens="board")
    assert read_dashboards(declared(tmp_path, asked, ORDER_ROWS))
    # Rows of all calls hold those that were missed; rows of counted interactions would not.
    missed = chart(metrics=["calls", "calls_missed"], by=["employee"], opens="board")
    assert read_dashboards(declared(tmp_path, missed, CALL_ROWS))
    counted = chart(name="rows", kind="rows", rows_of="interactions", columns=["month"], newest="month")
    with pytest.raises(DashboardError, match="which does not have the rows of calls"):
        read_dashboards(declared(tmp_path, missed, counted))


def test_a_column_is_called_by_its_naming(tmp_path: Path) -> None:
    words = {"gender": ["Gender", "Giới tính"], "age_band": ["Age", "Độ tuổi"]}
    path = declared(
        tmp_path,
        chart(name="one", kind="bar", metrics=["gender_customers"], by=["member_id:gender"]),
        chart(name="two", kind="bar", metrics=["age_band_customers"], by=["member_id:age_band"]),
        words=words,
    )
    (board,) = read_dashboards(path)
    assert [chart.columns[0].name for chart in board.charts] == ["gender", "age_band"]


def test_a_title_of_one_marts_column_comes_before_the_columns(tmp_path: Path) -> None:
    words = {"dim_customer_cohort.revenue_amount": ["Revenue so far", "Doanh thu đến nay"]}
    rows = chart(kind="rows", rows_of="gender_customers", columns=["revenue_amount"], newest="revenue_amount")
    with pytest.raises(DashboardError, match="no title for the column revenue_amount"):
        read_dashboards(declared(tmp_path, rows))
    (board,) = read_dashboards(declared(tmp_path, rows, words=words))
    assert board.charts[0].columns[0].title.en == "Revenue so far"


def test_two_charts_of_one_name_are_refused(tmp_path: Path) -> None:
    twice = chart(metrics=["orders"], by=["employee"])
    with pytest.raises(DashboardError, match="two charts are called chart"):
        read_dashboards(declared(tmp_path, twice, twice))


def test_charts_of_the_same_rows_share_a_dataset_with_what_each_needs(tmp_path: Path) -> None:
    path = declared(
        tmp_path,
        chart(name="one", metrics=["source_new_customers"], by=["source_id"]),
        chart(name="two", kind="number", metrics=["source_revenue_amount"]),
    )
    (found,) = datasets(read_dashboards(path), Lang.EN).values()
    assert found.name == "fct_funnel_by_source"
    assert found.values == ("new_customers", "revenue_amount")
    names = ("dim_departments", "dim_employees", "dim_labels", "dim_sources")
    assert found.marts == ("dim_date", *names, "fct_funnel_by_source")


def test_words_follow_the_language() -> None:
    english, vietnamese = datasets(DASHBOARDS, Lang.EN), datasets(DASHBOARDS, Lang.VI)
    assert english.keys() == vietnamese.keys()
    assert "label_en" in english["kpi_interactions_by_type"].sql
    assert "label_vi" in vietnamese["kpi_interactions_by_type"].sql
    assert "label_en" not in vietnamese["kpi_interactions_by_type"].sql
    assert "gender" in label_domains()


@pytest.mark.parametrize("chart", CHARTS)
def test_conditions_stand_between_the_rows_and_their_order(chart: Any) -> None:
    dataset = datasets(DASHBOARDS, Lang.EN)[dataset_name(chart.source)]
    text = chart_sql(chart, dataset, ["and employee = 'x'"])
    assert text.index("where true\nand employee = 'x'") > text.index(f"from (\n{dataset.sql}")
    assert ("order by" in text[text.rindex("where true") :]) is (chart.kind is not Kind.NUMBER)


def test_no_value_of_a_filter_stands_in_the_text() -> None:
    for name in ("month", "employee", "department"):
        assert f'as "{name}"' in values_sql(name, Lang.VI)


def test_the_list_names_every_chart_with_its_table() -> None:
    text = list(lines(DASHBOARDS))
    for board in DASHBOARDS:
        assert any(line.startswith(f"{board.name}: {board.title.en} · {board.title.vi}; filters: ") for line in text)
        for chart in board.charts:
            assert any(line.split()[:1] == [chart.name] and line.endswith(f"from {chart.source.mart}") for line in text)


def test_the_exposures_are_up_to_date() -> None:
    assert exposures.PATH.read_text(encoding="utf-8") == exposures.exposures_text(DASHBOARDS), (
        "run: python -m orchestration.bi.exposures"
    )


MANIFEST = {
    "exposures": {
        "exposure.kpi.sales": {"label": "Sales"},
        "exposure.kpi.work": {"label": "Work"},
    },
    "child_map": {
        "model.kpi.core_orders": ["model.kpi.fct_orders", "test.kpi.on_orders"],
        "model.kpi.fct_orders": ["exposure.kpi.sales", "test.kpi.on_orders"],
        "model.kpi.fct_tasks": ["exposure.kpi.work"],
        "test.kpi.on_orders": [],
    },
    "parent_map": {"test.kpi.on_orders": ["model.kpi.fct_orders"], "model.kpi.fct_orders": ["model.kpi.core_orders"]},
}


@pytest.mark.parametrize(
    ("failed", "waiting"),
    [
        (["model.kpi.core_orders"], ("Sales",)),
        (["test.kpi.on_orders"], ("Sales",)),
        (["model.kpi.fct_tasks", "test.kpi.on_orders"], ("Sales", "Work")),
        (["run"], ()),
        ([], ()),
    ],
)
def test_what_fails_names_the_dashboards_made_of_it(failed: list[str], waiting: tuple[str, ...]) -> None:
    assert dashboards_behind(MANIFEST, failed) == waiting
