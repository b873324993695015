"""When a build may look at changes only, and which records those are: hand-made batches, every reason, every case."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.build_plan import CHANGES, EVERYTHING, BuildPlan, Built, built_now, finish, prepare, why_everything
from orchestration.contract import contract
from orchestration.dbt_run import dbt_paths
from orchestration.landing.changes import record_key_sql, rejected_key_sql
from orchestration.landing.index import write_index
from orchestration.landing.store import Landing
from tests.properties.runner import SOURCE, Delivery, Row, land
from tests.support.warehouse import warehouse_settings

FIRST, SECOND, THIRD = date(2026, 3, 1), date(2026, 3, 2), date(2026, 3, 3)
NOON = datetime(2026, 3, 1, 12)


def province(number: int, name: str = "Name") -> Row:
    return {"province_id": f"p{number}", "province_name": name}


def customer(number: int, updated_at: datetime | None = NOON, name: str = "Name") -> Row:
    return {
        "customer_id": f"c{number}",
        "customer_name": name,
        "created_at": datetime(2026, 2, 1),
        "updated_at": updated_at,
    }


class Home:
    """A landing zone and an empty warehouse, built from night after night."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.settings = warehouse_settings(root)
        self.warehouse = self.settings.warehouse_path
        self.landing = Landing(root / "landing")

    def land(self, night: date, deltas: frozenset[str] = frozenset(), **tables: list[Row]) -> None:
        """Entities not given deliver nothing new; the first night has all of them, whole."""
        others = {entity.name for entity in contract()} - tables.keys()
        is_first = all(batch.batch_date >= night for batch in self.landing.visible(SOURCE))
        whole = {**{name: list[Row]() for name in others}, **tables}
        self.landing = land(self.root, [Delivery(night, whole, deltas if is_first else deltas | others)])

    def index(self, as_of: date) -> Path:
        return write_index(self.landing, SOURCE, as_of, self.warehouse.parent)

    def build(self, as_of: date, project: str = "p") -> None:
        self.index(as_of)
        duckdb.connect(self.warehouse).close()
        finish(self.settings, built(as_of, project))

    def prepare(self, as_of: date, only_everything: str | None = None) -> BuildPlan:
        self.index(as_of)
        return prepare(self.settings, built(as_of), only_everything=only_everything)

    def changed(self, as_of: date) -> set[tuple[str, str]]:
        plan = self.prepare(as_of)
        assert plan.mode == CHANGES, plan.reason
        with duckdb.connect(self.warehouse, read_only=True) as connection:
            found = connection.execute("select distinct entity, _record_key from changes._records").fetchall()
        assert sum(plan.records.values()) == len(found)
        return set(found)


def built(as_of: date, project: str = "p") -> Built:
    return Built(as_of, project, contract().fingerprint, "run")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"contract": "another"}, "contract"),
        ({"project": "another"}, "models, rules or settings"),
        ({"invocation": "another"}, "by hand"),
        ({"as_of": FIRST}, "later"),
    ],
)
def test_what_makes_a_build_of_everything(change: dict[str, Any], reason: str) -> None:
    before = built(SECOND)
    assert why_everything(before, before) is None
    assert why_everything(before, replace(before, as_of=THIRD)) is None
    assert reason in str(why_everything(before, replace(before, **change)))
    assert "no finished build" in str(why_everything(None, before))


def test_without_a_warehouse_everything_is_built(home: Home) -> None:
    home.land(FIRST, provinces=[province(1)])
    assert home.prepare(FIRST).reason == "there is no warehouse yet"


def test_a_build_that_was_begun_and_not_finished_leaves_nothing_to_start_from(home: Home) -> None:
    home.land(FIRST, provinces=[province(1)])
    home.build(FIRST)
    assert home.prepare(FIRST).mode == CHANGES
    second = home.prepare(FIRST)
    assert (second.mode, second.reason) == (EVERYTHING, "no finished build to start from")


def test_results_that_dbt_was_killed_while_writing_are_no_results(home: Home) -> None:
    """Half a file is left at its place, and no build may stop at it."""
    results = dbt_paths(home.settings).run_results
    results.parent.mkdir(parents=True)
    text = json.dumps({"metadata": {"invocation_id": "i"}, "results": []})
    for written, invocation in ((text, "i"), (text[: len(text) // 2], ""), ("", "")):
        results.write_text(written, encoding="utf-8")
        assert built_now(home.settings, FIRST).invocation == invocation


def test_a_reason_given_goes_before_all_others(home: Home) -> None:
    home.land(FIRST, provinces=[province(1)])
    home.build(FIRST)
    plan = home.prepare(FIRST, only_everything="asked for")
    assert (plan.mode, plan.reason) == (EVERYTHING, "asked for")


def test_rows_delivered_again_are_no_change(home: Home) -> None:
    for night in (FIRST, SECOND):
        home.land(night, provinces=[province(1), province(2)], customers=[customer(1)])
        if night == FIRST:
            home.build(FIRST)
    assert home.changed(SECOND) == set()


def test_new_edited_and_vanished_rows_of_a_complete_batch(home: Home) -> None:
    home.land(FIRST, provinces=[province(1), province(2), province(3)])
    home.build(FIRST)
    home.land(SECOND, provinces=[province(1), province(2, "Renamed"), province(4)])
    assert home.changed(SECOND) == {("provinces", "p2"), ("provinces", "p3"), ("provinces", "p4")}


def test_absence_from_a_delta_is_no_change(home: Home) -> None:
    home.land(FIRST, provinces=[province(1), province(2)])
    home.build(FIRST)
    home.land(SECOND, frozenset({"provinces"}), provinces=[province(2, "Renamed")])
    assert home.changed(SECOND) == {("provinces", "p2")}


def test_what_a_delta_brought_and_the_next_complete_batch_lacks(home: Home) -> None:
    home.land(FIRST, provinces=[province(1)])
    home.land(SECOND, frozenset({"provinces"}), provinces=[province(2)])
    home.build(SECOND)
    home.land(THIRD, provinces=[province(1)])
    assert home.changed(THIRD) == {("provinces", "p2")}


def test_a_row_compared_with_its_last_delivery_not_with_the_last_complete_one(home: Home) -> None:
    home.land(FIRST, provinces=[province(1)])
    home.land(SECOND, frozenset({"provinces"}), provinces=[province(1, "Renamed")])
    home.build(SECOND)
    home.land(THIRD, provinces=[province(1, "Renamed")])
    assert home.changed(THIRD) == set()


def test_a_clock_that_was_ahead_is_judged_again(home: Home) -> None:
    home.land(FIRST, customers=[customer(1, datetime(2026, 3, 5)), customer(2)])
    home.build(FIRST)
    home.land(SECOND, customers=[customer(1, datetime(2026, 3, 5)), customer(2)])
    assert home.changed(SECOND) == {("customers", "c1")}


def test_a_deletion_ahead_of_its_batch_is_judged_again(home: Home) -> None:
    gone = {**customer(1, None), "deleted_at": datetime(2026, 3, 2, 12)}
    home.land(FIRST, customers=[gone, customer(2)])
    home.build(FIRST)
    home.land(SECOND, customers=[gone, customer(2)])
    assert home.changed(SECOND) == {("customers", "c1")}


def test_a_row_that_can_no_longer_be_read_is_a_change(home: Home) -> None:
    home.land(FIRST, customers=[customer(1), customer(2)])
    home.build(FIRST)
    spoiled = {**customer(1), "created_at": None}
    home.land(SECOND, customers=[spoiled, customer(2)])
    assert home.changed(SECOND) == {("customers", "c1")}


def test_a_night_delivered_again_is_compared_as_it_was_and_as_it_is(home: Home) -> None:
    home.land(FIRST, provinces=[province(1)])
    home.land(SECOND, frozenset({"provinces"}), provinces=[province(2)])
    home.build(SECOND)
    home.land(SECOND, frozenset({"provinces"}), provinces=[province(2, "Renamed"), province(3)])
    assert home.changed(SECOND) == {("provinces", "p2"), ("provinces", "p3")}


def test_a_record_that_no_batch_has_any_more_makes_a_build_of_everything(home: Home) -> None:
    home.land(FIRST, provinces=[province(1)])
    home.land(SECOND, frozenset({"provinces"}), provinces=[province(2)])
    home.build(SECOND)
    home.land(SECOND, frozenset({"provinces"}), provinces=[province(3)])
    plan = home.prepare(SECOND)
    assert (plan.mode, plan.reason) == (EVERYTHING, "1 record(s) of provinces are in no batch any more")


def test_a_night_that_arrives_late_is_compared_with_what_followed(home: Home) -> None:
    home.land(FIRST, provinces=[province(1)])
    home.land(THIRD, frozenset({"provinces"}), provinces=[province(3)])
    home.build(THIRD)
    home.land(SECOND, frozenset({"provinces"}), provinces=[province(2)])
    assert home.changed(THIRD) == {("provinces", "p2"), ("provinces", "p3")}


def test_a_first_night_delivered_again_puts_every_record_in_question(home: Home) -> None:
    home.land(FIRST, provinces=[province(1)])
    home.build(FIRST)
    home.land(FIRST, provinces=[province(1), province(2)])
    assert home.changed(FIRST) == {("provinces", "p1"), ("provinces", "p2")}


def test_a_refused_night_gives_back_what_it_changed(home: Home) -> None:
    home.land(FIRST, provinces=[province(1), province(2)])
    home.land(SECOND, provinces=[province(1, "Renamed")])
    home.build(SECOND)
    (refused,) = (b for b in home.landing.visible(SOURCE, SECOND, "provinces") if b.batch_date == SECOND)
    home.landing.refuse(refused, {"check": "because"})
    assert home.changed(SECOND) == {("provinces", "p1"), ("provinces", "p2")}


def test_a_first_delivery_is_all_new(home: Home) -> None:
    home.land(FIRST, provinces=[province(1)])
    home.build(FIRST)
    home.land(SECOND, customers=[customer(1)])
    assert home.changed(SECOND) == {("customers", "c1")}


def test_a_batch_that_is_no_longer_there_makes_a_build_of_everything(home: Home) -> None:
    home.land(FIRST, provinces=[province(1)])
    home.build(FIRST)
    (old,) = home.landing.visible(SOURCE, FIRST, "provinces")
    home.land(FIRST, provinces=[province(2)])
    home.landing.data_path(old).unlink()
    plan = home.prepare(FIRST)
    assert plan.mode == EVERYTHING
    assert "no longer there" in plan.reason


def test_keys_are_written_as_the_models_write_them() -> None:
    changes = contract()["customer_changes"]
    assert changes.key == ("customer_id", "field", "changed_at")
    with duckdb.connect() as connection:
        connection.execute(
            "create table landed as "
            "select 'c1' as customer_id, 'manager_id' as field, timestamp '2026-03-01' as changed_at"
        )
        landed = connection.execute(f"select {record_key_sql(changes)} from landed").fetchall()
        rejected = connection.execute(
            f"select {rejected_key_sql(changes)} "
            "from (select ['c1', 'manager_id', '2026-03-01T00:00:00'] as entity_key)"
        ).fetchall()
    assert landed == rejected == [("c1\x1fmanager_id\x1f2026-03-01 00:00:00",)]
