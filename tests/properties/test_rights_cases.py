"""Every edge case of Getfly's permission model, from CRM records to the rows a viewer is shown.

Belongs here: one company in which all of them occur, and one test per case, named by its number. Not here: the same
cases on single models (`unit_tests` beside `core_employee_scope` and its neighbours), or organisations that nobody
thought of (`test_rights.py`).

    sales    chief (1), clerk (2)
    ├ north  lead (1), colead (1), an (2), binh (2), hoa (3), two (2)
    └ south  chi (1), mover (2; until March 29 in north), gone (2; left)
    care     silent (1), two (2)

admin is in no department. Everybody looks after the customer "of <name>"; nobody looks after the customer "of none".
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from orchestration.contract import contract
from orchestration.contract.validation import validate
from orchestration.sources.base import BatchKind, RawTable
from tests.properties.companies import AS_OF, Company, Record, Version
from tests.properties.runner import Project, Row, Warehouse, built_from, land
from tests.unit.checks_company import ZONE

_EARLY, _LATE = datetime(2026, 1, 10, 9), datetime(2026, 3, 30, 9)
_SOLD_ON = date(2026, 2, 10)

_DEPARTMENTS = {"sales": None, "north": "sales", "south": "sales", "care": None}
_PLACES: dict[str, tuple[str | None, int | None]] = {
    "chief": ("sales", 1),
    "clerk": ("sales", 2),
    "lead": ("north", 1),
    "colead": ("north", 1),
    "an": ("north", 2),
    "binh": ("north", 2),
    "hoa": ("north", 3),
    "two": ("north", 2),
    "chi": ("south", 1),
    "gone": ("south", 2),
    "mover": ("north", 2),
    "silent": ("care", 1),
    "admin": (None, None),
}
_REPORTS = ("employee", "department", "customer", "product", "task", "campaign", "telesales", "targets")
_RIGHTS: dict[str, dict[str, str]] = {
    "binh": {"employee": "access"},
    "silent": {"menu": "view_all"},
    "lead": {"employee": "access"},
    "an": {"employee": "view_all"},
    "two": {"department": "access"},
    "chief": {"employee": "access", "department": "access"},
    "clerk": {"employee": "access", "department": "access"},
    "hoa": {"customer": "access"},
    "chi": {"employee": "access"},
    "gone": {"employee": "view_all", "department": "view_all"},
    "admin": dict.fromkeys((*_REPORTS, "menu"), "view_all"),
}
_NORTH_BELOW_LEAD = {"an", "binh", "hoa", "two"}


def _record(row: Row, since: datetime = _EARLY) -> Record:
    return (Version(since, row),)


def _employee(name: str) -> Record:
    department, rank = _PLACES[name]
    row: Row = {
        "employee_id": name,
        "full_name": name.title(),
        "email": f"{name}@example.com",
        "department_id": department,
        "position_rank": rank,
        "is_active": name != "gone",
        "updated_at": _EARLY,
    }
    first = Version(_EARLY, row)
    return (
        (first, Version(_LATE, {**row, "department_id": "south", "updated_at": _LATE})) if name == "mover" else (first,)
    )


def _customer(owner: str | None, creator: str | None = None) -> Row:
    return {
        "customer_id": f"c-{owner or 'none'}",
        "customer_name": f"Customer of {owner or 'none'}",
        "manager_id": owner,
        "creator_id": creator,
        "created_at": _EARLY,
        "updated_at": _EARLY,
    }


def _order(number: int, executor: str, customer: str) -> Row:
    return {
        "order_id": f"o{number}",
        "customer_id": customer,
        "executor_id": executor,
        "order_type": "sale",
        "status": "approved",
        "order_date": _SOLD_ON,
        "created_at": _EARLY,
        "updated_at": _EARLY,
    }


def _company() -> Company:
    orders = [_order(1, "binh", "c-chi"), _order(2, "binh", "c-binh"), _order(3, "mover", "c-mover")]
    lines: list[Row] = [
        {
            "order_line_id": f"l{order['order_id']}",
            "order_id": order["order_id"],
            "product_id": "p1",
            "quantity": Decimal(1),
            "unit_price": Decimal(100 * place),
            "updated_at": _EARLY,
        }
        for place, order in enumerate(orders, start=1)
    ]
    interaction: Row = {
        "interaction_id": "i1",
        "customer_id": "c-colead",
        "employee_id": "hoa",
        "type": "comment",
        "occurred_at": datetime(2026, 2, 1, 9),
        "updated_at": _EARLY,
    }
    records: dict[str, Sequence[Record]] = {
        "departments": [
            _record({"department_id": name, "department_name": name.title(), "parent_department_id": parent})
            for name, parent in _DEPARTMENTS.items()
        ],
        "employees": [_employee(name) for name in _PLACES],
        "department_memberships": [_record({"employee_id": "two", "department_id": "care", "position_rank": 2})],
        "employee_permissions": [
            _record({"employee_id": name, "report": report, "right": right})
            for name, rights in _RIGHTS.items()
            for report, right in rights.items()
        ],
        # hoa created colead's customer, and called it; that makes her a related person and nothing more.
        "customers": [_record(_customer(name, "hoa" if name == "colead" else None)) for name in (*_PLACES, None)],
        "interactions": [_record(interaction)],
        "products": [_record({"product_id": "p1", "product_name": "Product"})],
        "orders": [_record(order) for order in orders],
        "order_lines": [_record(line) for line in lines],
    }
    return Company(records)


class Shown:
    """What the access views show."""

    def __init__(self, warehouse: Warehouse) -> None:
        self.connection = warehouse.connection
        self.views = [
            str(name)
            for (name,) in self.connection.execute(
                "select view_name from duckdb_views() where schema_name = 'access' order by view_name"
            ).fetchall()
        ]

    def to(self, viewer: str, question: str) -> list[tuple[Any, ...]]:
        """The answer to a query of the access views that this person asks."""
        self.connection.execute("set variable kpi_viewer = ?", [f"{viewer}@example.com"])
        return self.connection.execute(question).fetchall()

    def column(self, viewer: str, view: str, column: str) -> set[Any]:
        """The values of one column."""
        return {value for (value,) in self.to(viewer, f"select distinct {column} from access.{view}")}

    def people(self, viewer: str) -> set[str]:
        """Whose customers are shown: everybody has one."""
        of_people = "select distinct manager_id from access.access_dim_customers where not is_placeholder"
        return {owner for (owner,) in self.to(viewer, of_people)}

    def departments(self, viewer: str) -> set[str]:
        """Which departments' figures are shown."""
        return self.column(viewer, "access_kpi_department_month", "department_id")


@pytest.fixture(scope="module")
def shown(project: Project, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shown]:
    home: Path = tmp_path_factory.mktemp("rights")
    landing = land(home, _company().landed_complete())
    with built_from(project, landing, AS_OF, home) as warehouse:
        warehouse.build_views()
        yield Shown(warehouse)


def test_case_01_an_employee_grant_without_anyone_below_shows_oneself(shown: Shown) -> None:
    assert shown.people("clerk") == {"clerk"}
    assert shown.column("clerk", "access_fct_funnel", "employee_id") == {"clerk"}
    assert shown.people("binh") == {"binh", "hoa"}, "hoa has the lower rank, so binh is a superior"


def test_case_02_a_superior_without_the_grant_sees_nothing(shown: Shown) -> None:
    """The menu right is not a grant, view-all of the menu neither; so it is for somebody without any right."""
    for viewer in ("silent", "colead"):
        assert [view for view in shown.views if shown.to(viewer, f"select 1 from access.{view} limit 1")] == []


def test_case_03_a_superior_with_access_sees_lower_ranks_and_no_peers(shown: Shown) -> None:
    assert shown.people("lead") == {"lead"} | _NORTH_BELOW_LEAD


def test_case_04_a_peer_with_view_all_sees_everybody(shown: Shown) -> None:
    assert shown.people("an") == {*_PLACES, "none"}
    assert shown.departments("an") == set(), "view-all of the employee report opens no department's report"


def test_case_05_a_department_grant_shows_both_departments_of_somebody_in_two(shown: Shown) -> None:
    assert shown.departments("two") == {"north", "care"}
    assert shown.people("two") == set(), "a department's figures are not its members' figures"


def test_case_06_the_head_of_a_parent_department_sees_those_below_and_its_members_do_not(shown: Shown) -> None:
    assert shown.departments("chief") == {"sales", "north", "south"}
    assert shown.departments("clerk") == {"sales"}
    assert shown.people("chief") == set(_PLACES) - {"silent", "admin"}
    assert "an" not in shown.people("clerk")


def test_case_07_a_right_to_the_customers_of_a_department_is_no_right_the_contract_knows() -> None:
    """It would open customer lists and no KPI; until the contract has it, its row is set aside and opens nothing."""
    entity = contract()["employee_permissions"]
    given = [("hoa", "customer", "access"), ("hoa", "customer", "department_customers")]
    table = pa.table({name: [row[place] for row in given] for place, name in enumerate(entity.column_names)})
    raw = RawTable("employee_permissions", BatchKind.COMPLETE, table, pa.array([2, 3], pa.int64()), "rights.csv")
    judged = validate(entity, raw, ZONE)
    assert judged.landed.column("right").to_pylist() == ["access"]
    assert judged.quarantined.num_rows == 1


def test_case_07_access_to_the_customer_report_shows_no_peers_customers(shown: Shown) -> None:
    assert shown.people("hoa") == {"hoa"}
    assert shown.column("hoa", "access_fct_funnel", "employee_id") == set(), "nor any KPI of the employee report"


def test_case_08_a_related_person_gains_neither_the_customer_nor_its_kpi(shown: Shown) -> None:
    """hoa created colead's customer and called it: the call is hers, the customer is not."""
    assert shown.to("admin", "select employee_id, customer_id from access.access_fct_interactions") == [
        ("hoa", "c-colead")
    ]
    assert "c-colead" not in shown.column("hoa", "access_dim_customers", "customer_id")
    in_charge = "select sum(new_customers)::int from access.access_fct_funnel where employee_id = '{}'"
    assert shown.to("admin", in_charge.format("hoa")) == [(1,)], "her own customer"
    assert shown.to("admin", in_charge.format("colead")) == [(1,)]


def test_case_09_a_customer_of_nobody_is_in_no_employees_kpi_and_in_the_totals_of_view_all(shown: Shown) -> None:
    seers = {viewer for viewer in _PLACES if "none" in shown.people(viewer)}
    assert seers == {"an", "admin"}
    total = "select sum(new_customers)::int from access.access_fct_funnel"
    assert shown.to("an", total) == [(len(_PLACES) + 1,)]
    assert shown.to("an", f"{total} where employee_id <> 'none'") == [(len(_PLACES),)]
    assert shown.to("chief", total) == [(len(_PLACES) - 2,)]


def test_case_10_somebody_who_left_sees_nothing_and_stays_in_the_figures_of_superiors(shown: Shown) -> None:
    assert [view for view in shown.views if shown.to("gone", f"select 1 from access.{view} limit 1")] == []
    assert {"chief", "chi", "an"} <= {viewer for viewer in _PLACES if "gone" in shown.people(viewer)}


def test_case_11_a_row_whose_customer_is_hidden_stays_in_the_total(shown: Shown) -> None:
    """binh sold to a customer of chi: lead sees the order and its money, and not who the customer is."""
    orders = "select order_id, customer_id from access.access_fct_orders where executor_id = 'binh' order by 1"
    assert shown.to("lead", orders) == [("o1", "c-chi"), ("o2", "c-binh")]
    assert "c-chi" not in shown.column("lead", "access_dim_customers", "customer_id")
    revenue = "select sum(revenue_amount) from access.{} where {} = 'binh'"
    assert shown.to("lead", revenue.format("access_fct_orders", "executor_id")) == [(Decimal(300),)]
    assert shown.to("lead", revenue.format("access_fct_funnel", "employee_id")) == [(Decimal(300),)]


def test_case_12_somebody_who_moved_is_seen_by_the_new_superior_and_not_by_the_old_one(shown: Shown) -> None:
    """Rights follow today's organisation, for the months before the move too; the order keeps who made it."""
    order = "select order_id, executor_id from access.access_fct_orders where order_id = 'o3'"
    assert shown.to("chi", order) == [("o3", "mover")]
    assert shown.to("lead", order) == []
    then = "select department_id from access.access_dim_employee_department_history where employee_id = 'mover'"
    assert {"north", "south"} <= {department for (department,) in shown.to("admin", then)}


def test_case_13_an_administrator_sees_every_row_of_every_mart(shown: Shown) -> None:
    counts = {
        view: (
            shown.to("admin", f"select count(*) from access.{view}"),
            shown.to("admin", f"select count(*) from marts.{view.removeprefix('access_')}"),
        )
        for view in shown.views
    }
    assert {view for view, (seen, there) in counts.items() if seen != there} == set()
    assert sum(seen != [(0,)] for seen, _ in counts.values()) > 40


def test_case_14_nothing_that_is_visible_by_role_names_a_customer_that_is_hidden(shown: Shown) -> None:
    """Quotes are not in the contract. What would hide a quote hides the customer of an order, a task, a call."""
    assert [entity.name for entity in contract() if "quote" in entity.name] == []
    hidden_somewhere = 0
    for viewer in _PLACES:
        visible = shown.column(viewer, "access_dim_customers", "customer_name")
        hidden = {f"Customer of {name}" for name in (*_PLACES, "none")} - visible
        hidden_somewhere += bool(hidden)
        for view in shown.views:
            texts = "\n".join(str(row) for row in shown.to(viewer, f"from access.{view}"))
            # Quoted: a name may be the beginning of another one.
            assert [name for name in hidden if f"'{name}'" in texts] == [], (viewer, view)
    assert hidden_somewhere > 10


@dataclass(frozen=True)
class Mistake:
    """One rule changed, and a row that somebody then sees without a right: column and value of an access view."""

    model: str
    rule: str
    instead: str
    viewer: str
    leak: tuple[str, str, str]


MISTAKES = {
    "peers are seen": Mistake(
        "core_employee_scope",
        "seen.position_rank > seers.position_rank",
        "true",
        "lead",
        ("access_dim_customers", "manager_id", "colead"),
    ),
    "members of a parent department see what is below": Mistake(
        "core_employee_scope",
        "where heads.is_head",
        "where true",
        "clerk",
        ("access_dim_customers", "manager_id", "an"),
    ),
    "a former employee still looks": Mistake(
        "core_viewer_grants", "is_active\n", "true\n", "gone", ("access_dim_customers", "manager_id", "an")
    ),
    "access counts as view-all": Mistake(
        "core_employee_scope",
        "where grants.has_view_all",
        "where true",
        "lead",
        ("access_dim_customers", "manager_id", "chi"),
    ),
    "a right to one report opens another": Mistake(
        "access_fct_funnel",
        "in ('employee')",
        "in ('employee', 'customer')",
        "hoa",
        ("access_fct_funnel", "employee_id", "hoa"),
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_noticed(mistake: Mistake, shown: Shown, project: Project, tmp_path: Path) -> None:
    """The rules on which the cases rest: with another one, somebody is seen who is not seen above."""
    view, column, value = mistake.leak
    assert value not in shown.column(mistake.viewer, view, column)
    landing = land(tmp_path, _company().landed_complete())
    broken = project.broken(mistake.model, mistake.rule, mistake.instead)
    with built_from(broken, landing, AS_OF, tmp_path) as warehouse:
        warehouse.build_views()
        assert value in Shown(warehouse).column(mistake.viewer, view, column)
