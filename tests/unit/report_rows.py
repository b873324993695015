"""Rows of the marts behind the page's further blocks, small enough to add up by hand; see `report_publication.py`.

Per mart: its columns as far as a page reads them, its owner column (None: a list of names, nobody's), the reports that
open it, and its rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

MANAGER, SELLER, PEER, OTHER = "E02", "E03", "E04", "E05"

_OCTOBER, _SEPTEMBER = date(2025, 10, 1), date(2025, 9, 1)
_APRIL, _MARCH, _FEBRUARY = date(2026, 4, 1), date(2026, 3, 1), date(2026, 2, 1)


@dataclass(frozen=True)
class Mart:
    """One mart of the publication."""

    columns: str
    owner: str | None
    reports: Sequence[str]
    rows: Sequence[tuple[Any, ...]]


def _names(columns: str, *rows: tuple[Any, ...]) -> Mart:
    return Mart(columns, None, (), [*rows, ("none", "(none)", True), ("unknown", "(unknown)", True)])


_STRUCTURE = [
    # manager, dimension, member, customers, split, persons, revenue, revenue split
    (SELLER, "source", "S1", 3, "2.5", 3, 300, 250),
    (SELLER, "source", "S2", 2, "1.5", 2, 200, 150),
    (SELLER, "industry", "none", 4, 4, 4, 400, 400),
    (SELLER, "province", "V1", 2, 2, 2, 300, 300),
    (SELLER, "province", "none", 2, 2, 2, 100, 100),
    (SELLER, "gender", "male", 1, 1, 1, 100, 100),
    (SELLER, "gender", "female", 1, 1, 1, 100, 100),
    (SELLER, "gender", "unknown", 2, 2, 2, 200, 200),
    (SELLER, "age_band", "25_to_34", 1, 1, 1, 100, 100),
    (SELLER, "age_band", "unknown", 3, 3, 3, 300, 300),
    (SELLER, "contact_age_band", "under_18", 1, "0.5", 2, 100, 50),
    (SELLER, "contact_age_band", "25_to_34", 1, "0.5", 1, 100, 50),
    (SELLER, "contact_age_band", "unknown", 3, 3, 3, 300, 300),
    (PEER, "source", "S2", 1, 1, 1, 50, 50),
    (PEER, "industry", "I1", 1, 1, 1, 50, 50),
    (PEER, "province", "V2", 1, 1, 1, 50, 50),
    (PEER, "gender", "male", 1, 1, 1, 50, 50),
    (PEER, "age_band", "25_to_34", 1, 1, 1, 50, 50),
    (PEER, "contact_age_band", "25_to_34", 1, 1, 1, 50, 50),
    *((MANAGER, "province", f"V{at}", 2 if at < 5 else 1, 1, 1, 1, 1) for at in range(2, 8)),
    (OTHER, "source", "S1", 1, 1, 1, 70, 70),
    (OTHER, "industry", "I1", 1, 1, 1, 70, 70),
    (OTHER, "province", "V1", 1, 1, 1, 70, 70),
    (OTHER, "gender", "male", 1, 1, 1, 70, 70),
    (OTHER, "age_band", "25_to_34", 1, 1, 1, 70, 70),
    (OTHER, "contact_age_band", "25_to_34", 1, 1, 1, 70, 70),
]

_PROVINCE_TOP = [
    (SELLER, 1, "province", "V1", "An Giang", 1, 2),
    (SELLER, 7, "none", "none", "(none)", 0, 2),
    (PEER, 1, "province", "V2", "Bắc Ninh", 1, 1),
    (MANAGER, 1, "province", "V2", "Bắc Ninh", 1, 2),
    (MANAGER, 2, "province", "V3", "Cà Mau", 1, 2),
    (MANAGER, 3, "province", "V4", "Gia Lai", 1, 2),
    (MANAGER, 4, "province", "V5", "Huế", 1, 1),
    (MANAGER, 5, "province", "V6", "Lai Châu", 1, 1),
    (MANAGER, 6, "other", None, "(other)", 1, 1),
    (OTHER, 1, "province", "V1", "An Giang", 1, 1),
]

# Customer, manager, created, days to the first order, days followed in vain, negative, sources, relationship now.
# The eight of the worked example in docs/cycle_and_journey.md, with the window's first day and the day before it.
_CYCLE: Sequence[tuple[str, str, date, int | None, int | None, bool, Sequence[str], str]] = [
    ("K01", SELLER, date(2026, 1, 7), 2, None, False, ["S1"], "R5"),
    ("K02", SELLER, date(2026, 2, 20), 2, None, False, ["S1"], "R5"),
    ("K03", SELLER, date(2026, 3, 1), 5, None, False, ["S1"], "R5"),
    ("K04", SELLER, date(2026, 3, 10), 9, None, False, ["S1"], "R5"),
    ("K05", SELLER, date(2026, 3, 29), None, 2, False, ["S1", "S2"], "R9"),
    ("K06", SELLER, date(2026, 3, 28), None, 3, False, ["S2"], "R9"),
    ("K07", SELLER, date(2026, 3, 24), None, 7, False, ["S2"], "R9"),
    ("K08", SELLER, date(2026, 3, 21), None, 10, False, ["S2"], "R9"),
    ("K09", SELLER, date(2026, 3, 15), None, None, True, ["S2"], "R9"),
    ("K10", SELLER, date(2026, 1, 6), 1, None, False, ["S1"], "R5"),
    ("K11", PEER, date(2026, 3, 20), 4, None, False, ["S2"], "R9"),
    ("K12", OTHER, date(2026, 3, 20), None, 11, False, ["none"], "R9"),
]


def _cycle_rows() -> list[tuple[Any, ...]]:
    rows: list[tuple[Any, ...]] = []
    for customer, manager, created, days, observed, negative, _, _ in _CYCLE:
        rows.append((customer, "order", "order", manager, created, days, observed, days is not None, negative))
        # All were created in R9; only K02 came to R5, on its fourth day.
        rows.append((customer, "relationship", "R9", manager, created, 0, None, True, False))
        reached = customer == "K02"
        waited = None if reached else (date(2026, 3, 31) - created).days
        rows.append((customer, "relationship", "R5", manager, created, 3 if reached else None, waited, reached, False))
    return rows


def _member_rows() -> list[tuple[Any, ...]]:
    rows: list[tuple[Any, ...]] = []
    for customer, manager, _, _, _, _, sources, relationship in _CYCLE:
        rows.append((customer, "all", "all", manager))
        rows += [(customer, "source", source, manager) for source in sources]
        rows.append((customer, "relationship", relationship, manager))
    return rows


def _target(
    employee: str,
    metric: str,
    direction: str,
    target: int,
    actual: int | None,
    rate: float | None,
    weight: str | None,
    department: str = "none",
    month: date = _MARCH,
) -> tuple[Any, ...]:
    """A target of a whole month, gone by at as_of unless it is April's."""
    weighted = rate * float(weight) if rate is not None and weight is not None else None
    days = 31 if month == _MARCH else 30
    elapsed = days if month == _MARCH else 0
    owner = (employee, department)
    figures = (metric, direction, target, actual, rate, weight, weighted, days, elapsed)
    return (month, month.replace(day=days), *owner, *figures)


_OF_MANAGERS = ("employee", "customer")
_OF_EXECUTORS = ("employee", "product")

MARTS: Mapping[str, Mart] = {
    "dim_sources": _names(
        "source_id varchar, source_name varchar, is_placeholder boolean",
        ("S1", "Facebook", False),
        ("S2", "Hội chợ", False),
        ("S3", "Hội thảo", False),
    ),
    "dim_industries": _names(
        "industry_id varchar, industry_name varchar, is_placeholder boolean", ("I1", "Bán lẻ", False)
    ),
    "dim_provinces": _names(
        "province_id varchar, province_name varchar, is_placeholder boolean",
        *(
            (f"V{at}", name, False)
            for at, name in enumerate(
                ("An Giang", "Bắc Ninh", "Cà Mau", "Gia Lai", "Huế", "Lai Châu", "Sơn La"), start=1
            )
        ),
    ),
    "dim_projects": _names(
        "project_id varchar, project_name varchar, is_placeholder boolean", ("P1", "Mở rộng", False)
    ),
    "dim_task_types": _names(
        "task_type_id varchar, task_type_name varchar, is_placeholder boolean",
        ("T1", "Gọi điện", False),
        ("T2", "Gặp khách", False),
    ),
    "dim_products": _names(
        "product_id varchar, product_name varchar, is_placeholder boolean",
        ("A1", "Máy in", False),
        ("A2", "Mực in", False),
    ),
    # The ids sort the other way round; R0 is not in the list.
    "dim_relationships": Mart(
        "relationship_id varchar, relationship_name varchar, relationship_order integer",
        None,
        (),
        [("R9", "Tiềm năng", 1), ("R5", "Đã mua", 2), ("R1", "Thân thiết", 3)],
    ),
    "fct_funnel_by_source": Mart(
        "month_date date, employee_id varchar, source_id varchar, new_customers bigint,"
        "new_customers_split decimal(18, 6), revenue_amount decimal(18, 2), revenue_split_amount decimal(18, 2)",
        "employee_id",
        ("employee",),
        [
            (_MARCH, SELLER, "S1", 8, "6.5", 90000000, 70000000),
            (_MARCH, SELLER, "S2", 7, "5.5", 80000000, 60000000),
            (_MARCH, SELLER, "S3", 0, 0, 0, 0),
            (_MARCH, MANAGER, "S1", 2, 2, 1100, 1100),
            (_MARCH, OTHER, "none", 4, 4, 770, 770),
            (_FEBRUARY, SELLER, "S1", 10, 10, 0, 0),
        ],
    ),
    "fct_interactions": Mart(
        "month_date date, employee_id varchar, interaction_type varchar, customer_id varchar, is_counted boolean,"
        "occurred_date date, occurred_at timestamp, interaction_key varchar",
        "employee_id",
        ("employee",),
        [
            (month, who, kind, customer, is_counted, month, None, f"I{at}")
            for at, (month, who, kind, customer, is_counted) in enumerate(
                (
                    (_MARCH, SELLER, "call", "C1", True),
                    (_MARCH, SELLER, "call", "C2", True),
                    (_MARCH, SELLER, "call", "C2", True),
                    (_MARCH, SELLER, "call", "C3", False),
                    (_MARCH, SELLER, "comment", "C1", True),
                    (_FEBRUARY, SELLER, "call", "C4", True),
                    (_MARCH, PEER, "call", "C1", True),
                    (_MARCH, OTHER, "call", "C7", True),
                )
            )
        ],
    ),
    # Whose rows a person's page lists; O1 has both products.
    "fct_tasks": Mart(
        "task_id varchar, task_name varchar, assignee_id varchar, project_id varchar, task_type_id varchar,"
        "task_state varchar, month_date date, created_date date, due_date date, completed_date date,"
        "is_completed_late boolean",
        "assignee_id",
        ("employee", "task"),
        [
            ("W1", "Gọi lại", SELLER, "P1", "T1", "late", _MARCH, date(2026, 3, 2), date(2026, 3, 9), None, False),
            ("W2", "Gặp", SELLER, "none", "T2", "completed", _MARCH, date(2026, 3, 3), None, date(2026, 3, 4), True),
            ("W3", "Việc của Đức", PEER, "P1", "T1", "new", _MARCH, date(2026, 3, 4), None, None, False),
        ],
    ),
    "fct_payments": Mart(
        "payment_id varchar, order_id varchar, customer_id varchar, executor_id varchar, paid_date date,"
        "month_date date, collected_amount decimal(18, 2), is_counted boolean",
        "executor_id",
        _OF_EXECUTORS,
        [
            ("Y1", "O1", "C1", SELLER, date(2026, 3, 6), _MARCH, 98765432, True),
            ("Y2", "O8", "C7", OTHER, date(2026, 3, 6), _MARCH, 770, True),
        ],
    ),
    "fct_order_lines": Mart(
        "order_line_id varchar, order_id varchar, product_id varchar, customer_id varchar, executor_id varchar,"
        "order_date date, month_date date, is_counted boolean, sold_quantity decimal(18, 4),"
        "revenue_amount decimal(18, 2)",
        "executor_id",
        _OF_EXECUTORS,
        [
            ("L1", "O1", "A2", "C1", SELLER, date(2026, 3, 5), _MARCH, True, "3.5", "90000000.25"),
            ("L2", "O1", "A1", "C1", SELLER, date(2026, 3, 5), _MARCH, True, 4, "9999999.75"),
            ("L8", "O8", "none", "C7", OTHER, date(2026, 3, 9), _MARCH, True, 1, 770),
        ],
    ),
    "fct_customer_sources": Mart(
        "customer_id varchar, source_id varchar, manager_id varchar",
        "manager_id",
        _OF_MANAGERS,
        [("C1", "S1", SELLER), ("C1", "S2", SELLER), ("C2", "S1", SELLER), ("C7", "S1", OTHER)],
    ),
    "fct_customer_industries": Mart(
        "customer_id varchar, industry_id varchar, manager_id varchar",
        "manager_id",
        _OF_MANAGERS,
        [("C1", "I1", SELLER), ("C7", "I1", OTHER)],
    ),
    "fct_new_customer_sources": Mart(
        "customer_id varchar, source_id varchar, employee_id varchar, created_date date, month_date date",
        "employee_id",
        ("employee",),
        [
            ("C1", "S1", SELLER, date(2026, 3, 2), _MARCH),
            ("C1", "S2", SELLER, date(2026, 3, 2), _MARCH),
            ("C7", "S1", OTHER, date(2026, 3, 2), _MARCH),
        ],
    ),
    "kpi_interactions_by_type": Mart(
        "month_date date, employee_id varchar, interaction_type varchar, interactions bigint,"
        "interactions_logged bigint, interacted_customers bigint",
        "employee_id",
        ("employee",),
        [
            (_MARCH, SELLER, "call", 100, 150, 2),
            (_MARCH, SELLER, "comment", 70, 70, 1),
            (_FEBRUARY, SELLER, "call", 200, 210, 1),
            (_MARCH, PEER, "call", 60, 60, 1),
            (_MARCH, OTHER, "call", 3, 3, 1),
        ],
    ),
    "kpi_call_day": Mart(
        "occurred_date date, employee_id varchar, calls bigint, calls_outbound bigint, calls_inbound bigint,"
        "calls_connected bigint, calls_missed bigint, calls_failed bigint, talk_seconds bigint",
        "employee_id",
        ("employee", "telesales"),
        [
            (date(2026, 3, 1), SELLER, 100, 80, 20, 60, 30, 10, 3661),
            (date(2026, 3, 31), SELLER, 50, 40, 10, 40, 10, 0, 2339),
            (date(2026, 2, 28), SELLER, 10, 10, 0, 0, 10, 0, 0),
            (date(2026, 4, 1), SELLER, 999, 999, 0, 0, 999, 0, 0),
            (date(2026, 1, 31), SELLER, 999, 999, 0, 0, 999, 0, 0),
            (date(2026, 3, 2), PEER, 60, 60, 0, 60, 0, 0, 600),
            (date(2026, 3, 2), OTHER, 3, 3, 0, 3, 0, 0, 9),
        ],
    ),
    "kpi_task_month": Mart(
        "month_date date, employee_id varchar, tasks_confirmed bigint, rated_tasks bigint, total_rating bigint,"
        "total_rating_with_default bigint",
        "employee_id",
        ("employee", "task"),
        [
            (_MARCH, SELLER, 10, 4, 18, 30),
            (_FEBRUARY, SELLER, 5, 0, 0, 10),
            (_MARCH, PEER, 2, 2, 6, 6),
            (_MARCH, OTHER, 1, 1, 1, 1),
        ],
    ),
    "fct_orders": Mart(
        "order_id varchar, order_code varchar, customer_id varchar, executor_id varchar, order_date date,"
        "month_date date, status varchar, orders bigint, returns bigint, pending_orders bigint,"
        "revenue_amount decimal(18, 2), pending_revenue_amount decimal(18, 2), billed_amount decimal(18, 2),"
        "sales_amount decimal(18, 2)",
        "executor_id",
        _OF_EXECUTORS,
        [
            (
                "O1",
                "SO-1",
                "C1",
                SELLER,
                date(2026, 3, 5),
                _MARCH,
                "delivered",
                1,
                0,
                0,
                100000000,
                0,
                100000000,
                90000000,
            ),
            (
                "O2",
                None,
                "C6",
                SELLER,
                date(2026, 3, 6),
                _MARCH,
                "delivering",
                1,
                0,
                0,
                40000000,
                0,
                40000000,
                38456789,
            ),
            (
                "O3",
                "SO-3",
                "C1",
                SELLER,
                date(2026, 3, 7),
                _MARCH,
                "delivered",
                0,
                1,
                0,
                -10000000,
                0,
                -10000000,
                -5000000,
            ),
            ("O4", "SO-4", "C2", SELLER, date(2026, 3, 8), _MARCH, "pending", 0, 0, 1, 0, 7000000, 7000000, 0),
            ("O5", "SO-5", "C2", SELLER, date(2026, 3, 9), _MARCH, "cancelled", 0, 0, 0, 0, 0, 3000000, 0),
            ("O6", "SO-6", "none", MANAGER, date(2026, 3, 9), _MARCH, "on_its_way", 1, 0, 0, 1100, 0, 1100, 1000),
            ("O7", "SO-7", "C6", PEER, date(2026, 2, 9), _FEBRUARY, "delivered", 1, 0, 0, 440, 0, 440, 400),
            ("O8", "SO-8", "C7", OTHER, date(2026, 3, 9), _MARCH, "delivered", 1, 0, 0, 770, 0, 770, 700),
        ],
    ),
    "fct_product_sales": Mart(
        "month_date date, executor_id varchar, product_id varchar, orders bigint, returns bigint,"
        "sold_quantity decimal(18, 4), revenue_amount decimal(18, 2)",
        "executor_id",
        _OF_EXECUTORS,
        [
            (_MARCH, SELLER, "A2", 2, 0, "3.5", "120000000.25"),
            (_MARCH, SELLER, "A1", 1, 1, 4, "9999999.75"),
            (_MARCH, MANAGER, "A1", 1, 0, 1, 1100),
            (_FEBRUARY, PEER, "A1", 2, 0, 2, 440),
            (_MARCH, OTHER, "none", 1, 0, 1, 770),
        ],
    ),
    "kpi_customer_structure": Mart(
        "manager_id varchar, dimension varchar, member_id varchar, customers bigint, customers_split decimal(18, 6),"
        "persons bigint, revenue_amount decimal(18, 2), revenue_split_amount decimal(18, 2)",
        "manager_id",
        _OF_MANAGERS,
        _STRUCTURE,
    ),
    "kpi_province_top": Mart(
        "manager_id varchar, sort_order integer, row_type varchar, province_id varchar, province_name varchar,"
        "provinces bigint, customers bigint",
        "manager_id",
        _OF_MANAGERS,
        _PROVINCE_TOP,
    ),
    "fct_customer_persons": Mart(
        "manager_id varchar, age_band varchar, age_years integer",
        "manager_id",
        _OF_MANAGERS,
        [
            (SELLER, "25_to_34", 30),
            (SELLER, "under_18", 17),
            (SELLER, "unknown", None),
            (PEER, "25_to_34", 31),
            (OTHER, "25_to_34", 31),
        ],
    ),
    "fct_customer_cycle": Mart(
        "customer_id varchar, result_type varchar, result_id varchar, manager_id varchar, created_date date,"
        "days_to_event bigint, days_observed bigint, is_converted boolean, has_negative_duration boolean",
        "manager_id",
        _OF_MANAGERS,
        _cycle_rows(),
    ),
    "fct_cycle_members": Mart(
        "customer_id varchar, breakdown varchar, member_id varchar, manager_id varchar",
        "manager_id",
        _OF_MANAGERS,
        _member_rows(),
    ),
    "kpi_journey_time": Mart(
        "manager_id varchar, relationship_id varchar, customers bigint, total_open_days bigint, closed_stays bigint,"
        "total_closed_days bigint, moves_in bigint, moves_out bigint, moves_forward bigint, moves_backward bigint,"
        "moves_skipping bigint",
        "manager_id",
        _OF_MANAGERS,
        [
            (SELLER, "R5", 2, 100, 1, 7, 2, 1, 0, 1, 0),
            (SELLER, "R9", 2, 30, 4, 24, 1, 2, 2, 0, 1),
            (PEER, "R9", 1, 3, 0, 0, 0, 0, 0, 0, 0),
            (OTHER, "R9", 1, 9, 1, 99, 0, 0, 0, 0, 0),
        ],
    ),
    "fct_customer_stages": Mart(
        "manager_id varchar, relationship_id varchar, days_in_stage bigint",
        "manager_id",
        _OF_MANAGERS,
        [
            (SELLER, "R9", 10),
            (SELLER, "R9", 20),
            (SELLER, "R5", 40),
            (SELLER, "R5", 60),
            (PEER, "R9", 3),
            (OTHER, "R9", 9),
        ],
    ),
    "fct_relationship_stays": Mart(
        "manager_id varchar, relationship_id varchar, days_in_stage bigint, has_moved_on boolean",
        "manager_id",
        _OF_MANAGERS,
        [
            *((SELLER, "R9", days, True) for days in (2, 4, 6, 12)),
            (SELLER, "R9", 1000, False),
            (SELLER, "R5", 7, True),
            (OTHER, "R9", 99, True),
        ],
    ),
    "kpi_cohort_funnel": Mart(
        "cohort_month_date date, manager_id varchar, customers bigint, with_interaction bigint, with_task bigint,"
        "with_order bigint, with_payment bigint, revenue_amount decimal(18, 2)",
        "manager_id",
        _OF_MANAGERS,
        [
            (_MARCH, SELLER, 12, 9, 6, 3, 0, 500),
            (_FEBRUARY, SELLER, 10, 10, 9, 5, 4, 900),
            (_FEBRUARY, PEER, 5, 4, 3, 2, 1, 440),
            (_OCTOBER, SELLER, 1, 1, 1, 1, 1, 7),
            (_SEPTEMBER, SELLER, 99, 99, 99, 99, 99, 99),
            (_APRIL, SELLER, 99, 99, 99, 99, 99, 99),
            (_MARCH, OTHER, 4, 4, 4, 4, 4, 4),
        ],
    ),
    "kpi_target_attainment": Mart(
        "period_start date, period_end date, employee_id varchar, department_id varchar, metric varchar,"
        "direction varchar, target_value decimal(18, 4), actual_value decimal(18, 2), attainment_rate double,"
        "weight decimal(9, 6), weighted_rate double, period_days bigint, elapsed_days bigint",
        "employee_id",
        ("employee", "targets"),
        [
            _target(SELLER, "revenue_amount", "increase", 100000000, 130000000, 1.3, "0.5"),
            _target(SELLER, "orders", "increase", 10, 8, 0.8, "0.4"),
            _target(SELLER, "tasks_late", "decrease", 5, 4, 1.2, "0.1"),
            _target(SELLER, "smiles", "increase", 3, None, None, None),
            _target(PEER, "orders", "increase", 6, 9, 1.5, "0.4"),
            _target(OTHER, "orders", "increase", 6, 1, 1 / 6, None),
            _target("none", "orders", "increase", 99, 9, 9 / 99, None, department="D1"),
            _target(SELLER, "orders", "increase", 77, 0, 0.0, None, month=_APRIL),
        ],
    ),
}
