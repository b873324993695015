"""Publishing: an equal copy under any name, or nothing at all."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.serving.errors import PublishError, ServingError
from orchestration.serving.publish import Publication, previous_path, publish
from orchestration.serving.reading import open_publication
from tests.unit.checks_company import AS_OF, SOURCE, build_warehouse, corrupted

META = {
    "as_of": AS_OF,
    "source": SOURCE,
    "published_at": datetime(2026, 3, 30, 18, 5, 7, 8, tzinfo=UTC),
    "batch_ids": ["customers/2026-03-30.1", "orders/2026-03-30.2"],
    "code_version": "1.2.3",
}
MARTS = {
    "dim_customer_cohort": 120,
    "dim_customers": 121,
    "dim_date": 181,
    "dim_departments": 3,
    "dim_employees": 6,
    "fct_funnel": 12,
    "fct_interactions": 264,
    "fct_order_lines": 76,
    "fct_orders": 38,
    "fct_payments": 37,
    "fct_relationship_moves": 1,
    "fct_task_status": 12,
    "fct_tasks": 36,
}


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_warehouse(tmp_path_factory.mktemp("warehouse") / "warehouse.duckdb")


@pytest.fixture(scope="module")
def published(warehouse: Path, tmp_path_factory: pytest.TempPathFactory) -> Publication:
    return publish(warehouse, tmp_path_factory.mktemp("home") / "marts.duckdb", META)


def _rows(path: Path, sql: str, viewer: str | None = None) -> list[tuple[Any, ...]]:
    with open_publication(path, viewer) as connection:
        return connection.execute(sql).fetchall()


def test_the_publication_says_what_it_is(published: Publication) -> None:
    assert published.generation_id == "20260330T180507000008Z"
    assert MARTS.items() <= published.tables.items()
    assert published.bytes == published.path.stat().st_size
    [row] = _rows(published.path, "from marts.publication")
    assert row == (
        "20260330T180507000008Z",
        AS_OF,
        SOURCE,
        "2026-03-30T18:05:07+00:00",
        "1.2.3",
        ["customers/2026-03-30.1", "orders/2026-03-30.2"],
    )


def test_only_marts_rights_and_access_are_published(published: Publication) -> None:
    found = _rows(
        published.path,
        "select table_schema, table_name from information_schema.tables "
        "where table_catalog = 'published' and table_schema in ('core', 'staging', 'seeds') order by all",
    )
    assert found == [
        ("core", "core_department_scope"),
        ("core", "core_department_tree"),
        ("core", "core_employee_departments"),
        ("core", "core_employee_permissions"),
        ("core", "core_employee_scope"),
        ("core", "core_viewer_grants"),
    ]


@pytest.mark.parametrize("mart", MARTS)
def test_a_mart_is_equal_row_by_row_type_by_type_in_its_order(
    warehouse: Path, published: Publication, mart: str
) -> None:
    with duckdb.connect() as connection:
        connection.execute(f"attach '{warehouse}' as warehouse (read_only)")
        connection.execute(f"attach '{published.path}' as other (read_only)")
        built, copied = (
            (cursor.description, cursor.fetchall())
            for cursor in (connection.execute(f"from {name}.marts.{mart}") for name in ("warehouse", "other"))
        )
    assert copied == built
    assert len(copied[1]) == MARTS[mart]


@pytest.mark.parametrize(
    ("attach", "queries"),
    [
        pytest.param(None, ["fct_orders", "main.fct_orders", "marts.marts.fct_orders"], id="opened-directly"),
        pytest.param("kpi", ["kpi.fct_orders", "kpi.marts.fct_orders"], id="attached-under-another-name"),
        pytest.param("marts", ["marts.fct_orders", "marts.marts.fct_orders"], id="attached-under-its-own-name"),
    ],
)
def test_tables_and_access_views_work_under_any_name(
    published: Publication, attach: str | None, queries: list[str]
) -> None:
    with duckdb.connect() if attach else duckdb.connect(str(published.path), read_only=True) as connection:
        if attach:
            connection.execute(f"attach '{published.path}' as {attach} (read_only)")
        connection.execute("set variable kpi_viewer = 'E1@kpi.vn'")
        for query in queries:
            assert connection.execute(f"select count(*) from {query}").fetchall() == [(38,)]
        prefix = f"{attach}." if attach else ""
        shown = connection.execute(f"select distinct employee_id from {prefix}access.access_fct_funnel").fetchall()
        assert shown == [("e1",)]


def test_the_reason_for_the_layout_still_holds(published: Publication) -> None:
    with (
        duckdb.connect(str(published.path), read_only=True) as connection,
        pytest.raises(duckdb.BinderException, match="Ambiguous reference to catalog or schema"),
    ):
        connection.execute("from marts.fct_orders")


def test_access_views_show_each_viewer_what_the_warehouse_shows(warehouse: Path, published: Publication) -> None:
    for viewer, employees in (
        ("boss@kpi.vn", ["b1", "e1", "e2"]),
        ("e1@kpi.vn", ["e1"]),
        ("x1@kpi.vn", []),
        (None, []),
    ):
        shown = _rows(published.path, "select employee_id from access.access_dim_employees order by all", viewer)
        assert shown == [(employee,) for employee in employees]
        with duckdb.connect(str(warehouse), read_only=True) as connection:
            connection.execute("set variable kpi_viewer = ?", [viewer])
            for mart in MARTS:
                expected = connection.execute(f"from access.access_{mart} order by all").fetchall()
                assert _rows(published.path, f"from access.access_{mart} order by all", viewer) == expected


def test_descriptions_travel_with_the_columns(published: Publication) -> None:
    assert _rows(
        published.path,
        "select comment from duckdb_columns() where table_name = 'dim_customers' and column_name = 'manager_id' "
        "and schema_name = 'main'",
    ) == [("Người phụ trách: the person in charge's id.",)]
    assert _rows(
        published.path,
        "select comment from duckdb_tables() where table_name = 'dim_customers' and schema_name = 'main'",
    ) == [("One row per customer.",)]


# So many rows that two draws hardly ever come out the same.
_DRAWN_ANEW = """
    create or replace view access.access_fct_interactions as
        select facts.* from marts.fct_interactions as facts, range(100000) as times
        where getvariable('kpi_viewer') is not null and random() < 0.5
"""


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        pytest.param("drop view access.access_fct_orders", "lacks access.access_fct_orders", id="no-access-view"),
        pytest.param("drop table core.core_department_scope", "lacks core.core_department_scope", id="no-scope"),
        pytest.param("drop table core.core_viewer_grants", "lacks core.core_viewer_grants", id="no-rights"),
        pytest.param("drop schema marts cascade", "has no schema marts", id="no-marts"),
        pytest.param(
            "create or replace view access.access_fct_tasks as select * from core.core_tasks",
            r"access_fct_tasks reads core.core_tasks, which is not published",
            id="view-of-core",
        ),
        pytest.param(
            "create or replace view access.access_fct_tasks as select * from marts.fct_tasks",
            r"access.access_fct_tasks shows 36 rows to nobody",
            id="view-without-filter",
        ),
        pytest.param(
            _DRAWN_ANEW,
            r"access.access_fct_interactions shows .* \d+ rows in the publication and \d+ in the warehouse",
            id="view-that-shows-other-rows",
        ),
        pytest.param(
            "create or replace view marts.lottery as select random() as number;"
            "create view access.access_lottery as select * from marts.lottery where false",
            r"lottery: the copy has 1 rows \(fingerprint",
            id="copy-that-differs",
        ),
        pytest.param(
            "drop view access.access_fct_tasks; create table access.access_fct_tasks as select * from marts.fct_tasks",
            "access.access_fct_tasks of the warehouse is a table",
            id="access-table",
        ),
    ],
)
def test_a_publication_that_would_be_wrong_changes_nothing(
    warehouse: Path, tmp_path: Path, sql: str, message: str
) -> None:
    marts = tmp_path / "marts.duckdb"
    publish(warehouse, marts, META)
    before = marts.read_bytes()
    broken = corrupted(warehouse, tmp_path / "broken", sql)
    with pytest.raises(PublishError, match=message):
        publish(broken, marts, META)
    assert marts.read_bytes() == before
    assert sorted(child.name for child in tmp_path.iterdir()) == ["broken", "marts.duckdb"]


def test_an_interruption_just_before_the_swap_changes_nothing(warehouse: Path, tmp_path: Path) -> None:
    marts = tmp_path / "marts.duckdb"
    publish(warehouse, marts, META)
    before = marts.read_bytes()
    built: list[str] = []

    def interrupt() -> None:
        built.extend(child.name for child in tmp_path.iterdir() if child.suffix == ".tmp")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        publish(warehouse, marts, {**META, "source": "other"}, before_swap=interrupt)
    assert built == ["marts.duckdb.20260330T180507000009Z.tmp"]
    assert marts.read_bytes() == before
    assert [child.name for child in tmp_path.iterdir()] == ["marts.duckdb"]


def test_the_former_publication_is_kept_for_a_way_back(warehouse: Path, tmp_path: Path) -> None:
    marts = tmp_path / "marts.duckdb"
    for source in ("first", "second", "third"):
        publish(warehouse, marts, {**META, "source": source})
    assert _rows(marts, "select source from publication") == [("third",)]
    assert _rows(previous_path(marts), "select source from publication") == [("second",)]
    assert sorted(child.name for child in tmp_path.iterdir()) == ["marts.duckdb", "marts.previous.duckdb"]


def test_leftovers_of_killed_builds_go_and_nothing_else_does(warehouse: Path, tmp_path: Path) -> None:
    marts = tmp_path / "marts.duckdb"
    leftovers = ["marts.duckdb.20250101T000000000000Z.tmp", "marts.duckdb.20250101T000000000000Z.tmp.wal"]
    others = ["marts.duckdb.bak", "marts.duckdb.mine.tmp", "other.duckdb.20250101T000000000000Z.tmp", "notes.tmp"]
    for name in leftovers + others:
        (tmp_path / name).write_text("x")
    publish(warehouse, marts, META)
    assert sorted(child.name for child in tmp_path.iterdir()) == sorted([*others, "marts.duckdb"])


@pytest.mark.parametrize(
    ("meta", "message"),
    [
        ({"source": SOURCE}, "needs as_of"),
        ({"as_of": "2026-03-30", "source": SOURCE}, "needs as_of"),
        ({"as_of": AS_OF}, "needs as_of"),
        ({"as_of": AS_OF, "source": SOURCE, "published_at": datetime(2026, 3, 30)}, "no time zone"),
    ],
)
def test_a_publication_that_cannot_say_what_it_is_is_refused(
    warehouse: Path, tmp_path: Path, meta: dict[str, Any], message: str
) -> None:
    with pytest.raises(PublishError, match=message):
        publish(warehouse, tmp_path / "marts.duckdb", meta)
    assert list(tmp_path.iterdir()) == []


def test_a_missing_warehouse_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(PublishError, match=r"there is no warehouse at .*; build it first"):
        publish(tmp_path / "warehouse.duckdb", tmp_path / "marts.duckdb", META)


def test_paths_with_quotes_and_spaces_work(warehouse: Path, tmp_path: Path) -> None:
    odd = corrupted(warehouse, tmp_path / "Lan's data; drop", "select 1")
    marts = tmp_path / "it's here" / "marts.duckdb"
    publish(odd, marts, META)
    assert _rows(marts, "select count(*) from marts.fct_orders") == [(38,)]


def test_resources_are_passed_on(warehouse: Path, tmp_path: Path) -> None:
    published = publish(warehouse, tmp_path / "marts.duckdb", META, threads=1, memory_limit="200MB")
    assert published.tables["fct_orders"] == 38
    with pytest.raises(duckdb.Error, match="Memory must have a number"):
        publish(warehouse, tmp_path / "marts.duckdb", META, memory_limit="no memory")


def test_reading_without_a_publication_says_what_to_do(tmp_path: Path) -> None:
    with (
        pytest.raises(ServingError, match=r"there is no publication at .*; make one with `kpi run`"),
        open_publication(tmp_path / "marts.duckdb"),
    ):
        pytest.fail("opened nothing")


def test_reading_something_else_says_so(tmp_path: Path) -> None:
    path = tmp_path / "marts.duckdb"
    path.write_bytes(b"not a database at all, but long enough to be read as one" * 100)
    with pytest.raises(ServingError, match="cannot be read as a DuckDB file"), open_publication(path):
        pytest.fail("opened nonsense")


def test_a_process_that_read_the_former_publication_sees_the_new_one(warehouse: Path, tmp_path: Path) -> None:
    marts = tmp_path / "marts.duckdb"
    publish(warehouse, marts, {**META, "source": "first"})
    with open_publication(marts) as former:
        publish(warehouse, marts, {**META, "source": "second"})
        assert former.execute("select source from publication").fetchall() == [("first",)]
        assert _rows(marts, "select source from publication") == [("second",)]


def test_published_at_defaults_to_now_with_an_offset(warehouse: Path, tmp_path: Path) -> None:
    published = publish(warehouse, tmp_path / "marts.duckdb", {"as_of": date(2026, 3, 30), "source": SOURCE})
    assert datetime.fromisoformat(published.published_at).utcoffset() is not None
