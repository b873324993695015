"""Exports: a viewer's file holds that viewer's rows, and not a byte of anybody else's."""

from __future__ import annotations

import stat
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from orchestration.serving.errors import ExportError
from orchestration.serving.export import Export, build_export, export_viewer
from orchestration.serving.owners import OWNERS
from orchestration.serving.publish import publish
from orchestration.serving.reading import open_publication
from orchestration.serving.viewers import Viewer, list_viewers, resolve_viewer
from orchestration.settings import PROJECT_DIR
from tests.unit.checks_company import AS_OF, SOURCE, access_view, build_warehouse, corrupted, customer_rows

META = {"as_of": AS_OF, "source": SOURCE}
NAMES = {
    owner: [str(row["customer_name"]).encode() for row in customer_rows() if row["manager_id"] == owner]
    for owner in ("e1", "e2")
}


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_warehouse(tmp_path_factory.mktemp("warehouse") / "warehouse.duckdb")


@pytest.fixture(scope="module")
def marts(warehouse: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return publish(warehouse, tmp_path_factory.mktemp("home") / "marts.duckdb", META).path


@pytest.fixture(scope="module")
def export(marts: Path, tmp_path_factory: pytest.TempPathFactory) -> Export:
    return export_viewer(marts, " E1@KPI.vn", tmp_path_factory.mktemp("exports") / "e1.duckdb")


def _published_after(warehouse: Path, folder: Path, sql: str) -> Path:
    return publish(corrupted(warehouse, folder / "warehouse", sql), folder / "home" / "marts.duckdb", META).path


def test_viewers_are_those_with_rights(marts: Path) -> None:
    assert list_viewers(marts) == [
        Viewer("boss@kpi.vn", "Trưởng phòng", "b1", ("department", "employee", "task")),
        Viewer("e1@kpi.vn", "Nhân viên Một", "e1", ("customer", "employee")),
    ]


def test_an_export_counts_the_viewers_rows(export: Export) -> None:
    assert export.viewer.employee_id == "e1"
    assert export.rows == {
        "dim_customer_cohort": 60,
        "dim_customers": 60,
        "dim_date": 181,
        "dim_departments": 0,
        "dim_employees": 1,
        "fct_funnel": 6,
        "fct_interactions": 132,
        "fct_journey": export.rows["fct_journey"],
        "fct_order_lines": 38,
        "fct_orders": 19,
        "fct_payments": 19,
        "fct_relationship_moves": 0,
        "fct_task_status": 6,
        "fct_tasks": 18,
    }


def test_an_export_holds_tables_of_the_marts_own_names_and_nothing_else(export: Export) -> None:
    with duckdb.connect(str(export.path), read_only=True) as connection:
        tables = connection.execute("select schema_name, table_name from duckdb_tables() order by all").fetchall()
        assert tables == [("main", mart) for mart in sorted([*export.rows, "publication"])]
        views = connection.execute(
            "select view_name from duckdb_views() where schema_name = 'marts' order by all"
        ).fetchall()
        assert views == [(mart,) for mart in sorted([*export.rows, "publication"])]
        counted = {
            mart: connection.execute(f"select count(*) from marts.{mart}").fetchall()[0][0] for mart in export.rows
        }
    assert counted == export.rows


def test_every_row_of_an_export_is_the_viewers(export: Export) -> None:
    with duckdb.connect(str(export.path), read_only=True) as connection:
        for mart, rows in export.rows.items():
            rule = OWNERS[mart]
            if rule.column is None or rule.by_department or not rows:
                continue
            owners = connection.execute(f"select distinct {rule.column} from {mart}").fetchall()
            assert owners == [("e1",)], mart


def test_an_export_says_which_publication_and_for_whom(marts: Path, export: Export) -> None:
    with duckdb.connect(str(export.path), read_only=True) as connection:
        [row] = connection.execute("select generation_id, as_of, viewer_email from publication").fetchall()
    assert row == (export.generation_id, AS_OF, "e1@kpi.vn")
    with open_publication(marts) as connection:
        assert connection.execute("select generation_id from publication").fetchall() == [(export.generation_id,)]


def test_no_byte_of_anybody_elses_customers_is_in_the_file(export: Export) -> None:
    content = export.path.read_bytes()
    assert [name for name in NAMES["e2"] if name in content] == []
    with duckdb.connect(str(export.path), read_only=True) as connection:
        names = {name.encode() for (name,) in connection.execute("select customer_name from dim_customers").fetchall()}
    assert names == set(NAMES["e1"])


def test_the_search_for_bytes_would_have_found_them(marts: Path, tmp_path: Path) -> None:
    """DuckDB compresses text, so an absent name proves little; uncompressed, the viewer's own names are found."""
    path = tmp_path / "plain.duckdb"
    viewer = resolve_viewer(marts, "e1@kpi.vn")
    with open_publication(marts, viewer.email) as connection:
        connection.execute("set force_compression = 'uncompressed'")
        build_export(connection, viewer, path)
    content = path.read_bytes()
    assert [name for name in NAMES["e1"] if name not in content] == []
    assert [name for name in NAMES["e2"] if name in content] == []


def test_an_export_is_readable_by_its_owner_only(export: Export) -> None:
    assert stat.S_IMODE(export.path.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("email", "message"),
    [
        pytest.param(
            "nobody@kpi.vn", "nobody has the e-mail 'nobody@kpi.vn'; `kpi viewers` lists who has rights", id="?"
        ),
        pytest.param("", "nobody has the e-mail ''", id="empty"),
        pytest.param("' or '1'='1", "nobody has the e-mail", id="injection"),
        pytest.param("%", "nobody has the e-mail", id="wildcard"),
        pytest.param(
            "x1@kpi.vn", "x1@kpi.vn belongs to x1, who is inactive or deleted and sees nothing", id="inactive"
        ),
        pytest.param("n1@kpi.vn", r"n1@kpi.vn \(n1\) has no right to any report", id="no-rights"),
    ],
)
def test_who_may_see_nothing_gets_no_file(marts: Path, tmp_path: Path, email: str, message: str) -> None:
    with pytest.raises(ExportError, match=message):
        export_viewer(marts, email, tmp_path / "exports" / "file.duckdb")
    assert list(tmp_path.iterdir()) == []


def test_an_email_shared_by_two_active_people_is_refused(warehouse: Path, tmp_path: Path) -> None:
    marts = _published_after(
        warehouse, tmp_path, "update marts.dim_employees set email = 'E1@kpi.vn' where employee_id = 'e2'"
    )
    with pytest.raises(ExportError, match=r"several active people \(e1, e2\)"):
        export_viewer(marts, "e1@kpi.vn", tmp_path / "e1.duckdb")


def test_an_email_of_somebody_who_left_and_somebody_who_came_is_the_latters(warehouse: Path, tmp_path: Path) -> None:
    marts = _published_after(
        warehouse, tmp_path, "update marts.dim_employees set email = 'e1@kpi.vn' where employee_id = 'x1'"
    )
    assert export_viewer(marts, "e1@kpi.vn", tmp_path / "e1.duckdb").viewer.employee_id == "e1"


@pytest.mark.parametrize(
    ("mart", "column", "leak", "rows"),
    [
        ("fct_orders", "executor_id", "order_id = 'o04'", 1),
        ("dim_customers", "manager_id", "customer_id in ('c001', 'c003')", 2),
        ("fct_tasks", "assignee_id", "assignee_id = 'e2'", 18),
        ("dim_employees", "employee_id", "employee_id = 'e2'", 1),
    ],
)
def test_a_view_that_shows_too_much_is_found_before_the_file_exists(
    warehouse: Path, tmp_path: Path, mart: str, column: str, leak: str, rows: int
) -> None:
    marts = _published_after(warehouse, tmp_path, access_view(mart, column, ["employee", "customer"], also=leak))
    target = tmp_path / "exports" / "e1.duckdb"
    with pytest.raises(ExportError, match=f"{mart}: {rows} rows belong to people outside the scope of e1@kpi.vn"):
        export_viewer(marts, "e1@kpi.vn", target)
    assert list(target.parent.iterdir()) == []


def test_a_view_that_forgets_the_report_is_found(warehouse: Path, tmp_path: Path) -> None:
    """A right to the task report opens somebody's tasks, not their orders."""
    marts = _published_after(
        warehouse,
        tmp_path,
        "insert into core.core_employee_scope values ('e1', 'e1@kpi.vn', 'task', 'e2', 'test');"
        + access_view("fct_orders", "executor_id", ["employee", "task"]),
    )
    with pytest.raises(ExportError, match="fct_orders: 19 rows belong to people outside"):
        export_viewer(marts, "e1@kpi.vn", tmp_path / "e1.duckdb")


def test_a_department_outside_the_scope_is_found(warehouse: Path, tmp_path: Path) -> None:
    marts = _published_after(
        warehouse,
        tmp_path,
        "create or replace view access.access_dim_departments as select * from marts.dim_departments "
        "where getvariable('kpi_viewer') is not null",
    )
    with pytest.raises(ExportError, match="dim_departments: 1 rows belong"):
        export_viewer(marts, "boss@kpi.vn", tmp_path / "boss.duckdb")


EVENTS_OF_TWO = """
    create table marts.fct_customer_events as
    select * from (values ('both', 'e1', 'e1'), ('then', 'e1', 'e2'), ('now', 'e2', 'e1'), ('other', 'e2', 'e2'))
        as events (event_id, manager_id, manager_current_id);
    create view access.access_fct_customer_events as
    select * from marts.fct_customer_events
    where getvariable('kpi_viewer') is not null and ({});
"""


def test_a_row_of_two_owners_is_written_for_either(warehouse: Path, tmp_path: Path) -> None:
    marts = _published_after(warehouse, tmp_path, EVENTS_OF_TWO.format("'e1' in (manager_id, manager_current_id)"))
    assert export_viewer(marts, "e1@kpi.vn", tmp_path / "e1.duckdb").rows["fct_customer_events"] == 3


def test_a_row_of_two_others_is_found(warehouse: Path, tmp_path: Path) -> None:
    marts = _published_after(warehouse, tmp_path, EVENTS_OF_TWO.format("true"))
    with pytest.raises(ExportError, match="fct_customer_events: 1 rows belong to people outside"):
        export_viewer(marts, "e1@kpi.vn", tmp_path / "e1.duckdb")


def test_a_mart_without_a_declared_owner_is_refused(warehouse: Path, tmp_path: Path) -> None:
    marts = _published_after(
        warehouse,
        tmp_path,
        "create table marts.fct_new as select 1 as figure;"
        "create view access.access_fct_new as select * from marts.fct_new where false",
    )
    with pytest.raises(ExportError, match=r"no owner is declared for fct_new; add them to .*owners\.py"):
        export_viewer(marts, "e1@kpi.vn", tmp_path / "e1.duckdb")


def test_an_owner_is_declared_for_every_access_view() -> None:
    views = {path.stem.removeprefix("access_") for path in (PROJECT_DIR / "models" / "access").rglob("access_*.sql")}
    assert views == set(OWNERS)


def test_a_new_export_replaces_the_old_one_whole(warehouse: Path, tmp_path: Path) -> None:
    target = tmp_path / "e1.duckdb"
    target.write_text("an old export")
    marts = publish(warehouse, tmp_path / "marts.duckdb", META).path
    export_viewer(marts, "e1@kpi.vn", target)
    with duckdb.connect(str(target), read_only=True) as connection:
        assert connection.execute("select count(*) from fct_orders").fetchall() == [(19,)]
    assert sorted(child.name for child in tmp_path.iterdir()) == ["e1.duckdb", "marts.duckdb"]


def test_what_a_killed_export_had_begun_is_removed_and_what_another_is_writing_is_not(
    marts: Path, tmp_path: Path
) -> None:
    target = tmp_path / "e1.duckdb"
    dead, alive = (tmp_path / f"e1.duckdb.2026033{day}T030000000000Z.tmp" for day in (0, 1))
    others = [tmp_path / "b1.duckdb.20260331T030000000000Z.tmp", tmp_path / "e1.duckdb.tmp"]
    for path in (dead, dead.with_name(dead.name + ".wal"), *others):
        path.write_bytes(b"half")
    code = (
        "import duckdb, sys; c = duckdb.connect(sys.argv[1]); c.execute('create table t as select 1'); "
        "print('open', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(alive)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdin is not None
        assert other.stdout is not None
        assert other.stdout.readline() == "open\n"
        export_viewer(marts, "e1@kpi.vn", target)
        left = sorted(tmp_path.iterdir())
        other.stdin.close()
    assert left == sorted([target, alive, alive.with_name(alive.name + ".wal"), *others])
    export_viewer(marts, "e1@kpi.vn", target)
    assert sorted(tmp_path.iterdir()) == sorted([target, *others])


def test_the_publication_itself_is_never_the_target(warehouse: Path, tmp_path: Path) -> None:
    marts = publish(warehouse, tmp_path / "marts.duckdb", META).path
    with pytest.raises(ExportError, match="is the publication itself"):
        export_viewer(marts, "e1@kpi.vn", tmp_path / "sub" / ".." / "marts.duckdb")
