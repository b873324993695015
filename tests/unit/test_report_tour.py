"""Whose pages the first run shows."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.report.errors import PageError
from orchestration.report.tour import Tour, choose_tour
from tests.unit.report_publication import MANAGER, OTHER, PEER, write_publication

_MARCH = date(2026, 3, 1)


def funnel_row(employee: str, revenue: int) -> tuple[Any, ...]:
    return (_MARCH, employee, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, Decimal(revenue), Decimal(revenue), Decimal(0))


def change(path: Path, statement: str) -> None:
    with duckdb.connect(str(path)) as connection:
        connection.execute(statement)


def test_the_best_seller_of_the_month_and_the_nearest_superior(tmp_path: Path) -> None:
    assert choose_tour(write_publication(tmp_path)) == Tour("tuyet@cty.vn", "quan@cty.vn")


def test_a_superior_of_a_team_comes_before_a_superior_of_one(tmp_path: Path) -> None:
    path = write_publication(tmp_path)
    sees = [(OTHER, "huy@cty.vn", "employee", "E03", "head of A above B")]
    change(path, f"insert into core.core_employee_scope values {sees[0]}")
    assert choose_tour(path) == Tour("tuyet@cty.vn", "quan@cty.vn")
    change(path, "delete from core.core_employee_scope where viewer_id = 'E02'")
    assert choose_tour(path) == Tour("tuyet@cty.vn", "huy@cty.vn")


def test_a_better_seller_without_a_superior_below_view_all_is_passed_over(tmp_path: Path) -> None:
    path = write_publication(tmp_path, extra={"marts.fct_funnel": [funnel_row(OTHER, 10**12)]})
    assert choose_tour(path).salesperson_email == "tuyet@cty.vn"


def test_without_sales_in_as_ofs_month_the_month_before_decides(tmp_path: Path) -> None:
    path = write_publication(tmp_path, as_of=date(2026, 3, 31))
    change(path, "update main.fct_funnel set revenue_amount = 0 where month_date = date '2026-03-01'")
    assert choose_tour(path) == Tour("duc@cty.vn", "quan@cty.vn"), "440 in February against nothing"


def test_a_tie_goes_to_the_smaller_id(tmp_path: Path) -> None:
    path = write_publication(tmp_path)
    change(path, "update main.fct_funnel set revenue_amount = 5")
    change(path, f"delete from main.fct_funnel where employee_id = '{PEER}' and month_date = date '2026-02-01'")
    change(path, "delete from main.fct_funnel where employee_id = 'E03' and month_date = date '2026-02-01'")
    assert choose_tour(path).salesperson_email == "tuyet@cty.vn"


def test_who_left_is_no_guide(tmp_path: Path) -> None:
    path = write_publication(tmp_path)
    change(path, "update main.dim_employees set is_active = false where employee_id = 'E03'")
    assert choose_tour(path).salesperson_email == "duc@cty.vn"


def test_without_a_fitting_pair_the_reader_is_told_what_is_missing(tmp_path: Path) -> None:
    path = write_publication(tmp_path)
    change(path, f"delete from core.core_employee_scope where viewer_id = '{MANAGER}'")
    with pytest.raises(PageError, match="superior") as caught:
        choose_tour(path)
    assert "position_rank" in caught.value.hint
