"""What the probe says of tenants that behave differently, and what nights then ask of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import pytest

from orchestration.sources.base import SourceError
from orchestration.sources.demo import DemoSource
from orchestration.sources.getfly.client import Client, Politeness
from orchestration.sources.getfly.errors import GetflyError, RefusedError
from orchestration.sources.getfly.mapping import ENTITIES
from orchestration.sources.getfly.pages import Asked, Listing
from orchestration.sources.getfly.plan import COMPLETE_MODES, Mode, plan_resource
from orchestration.sources.getfly.probe import (
    Finding,
    Probed,
    optional_fields,
    probe,
    read_probed,
    write_probed,
)
from orchestration.sources.getfly.receive import Meter
from orchestration.sources.getfly.resources import resource
from orchestration.sources.getfly.source import GetflySource, _refuse_one_list_of_users
from tests.emulator import Emulator, Fault, FaultKind, Faults, Oddities, running_emulator
from tests.support.warehouse import DEMO_AS_OF, DEMO_LOAD, DEMO_START

KEY = "0123456789abcdefghijklmnopqrst"
ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
QUICK = Politeness(per_second=5000, attempts=1)


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    company = DemoSource(seed=20260101, scale=0.02, start=DEMO_START, end=DEMO_AS_OF)
    with running_emulator(company, DEMO_LOAD, key=KEY) as running:
        yield running


def asked(emulator: Emulator, oddities: Oddities, key: str = KEY) -> Probed:
    emulator.oddities = oddities
    emulator.forget_requests()
    heard: list[Finding] = []
    with Client(emulator.url, key, QUICK) as client:
        probed = probe(client, ZONE, heard.append)
    assert tuple(heard) == probed.findings
    return probed


def test_a_tenant_as_documented(emulator: Emulator) -> None:
    probed = asked(emulator, Oddities())
    assert {finding.name: finding.value for finding in probed.findings} == {
        "versions": "v6.1,v6",
        "accounts_filter": "followed",
        "sale_orders_filter": "followed",
        "bounds": "inclusive",
        "time_zone": "Asia/Ho_Chi_Minh",
        "page_size": "200",
        "sort": "sort=id:asc",
        "users_filter": "followed",
        "comments_move": "no",
        "comments_activate": "no",
        "payments_move": "no",
        "sale_orders_codes": "1,3,6",
        "tasks_codes": "1,11,12,2",
        "accounts_fields": "creator_id,last_active",
        "tasks_fields": "created_at,updated_at",
        "opportunities_fields": "updated_at,status,status_label",
        "deleted": "hidden",
    }
    assert emulator.refused == ()
    # A question costs little: nobody reads a whole tenant to find out how it behaves.
    assert len(emulator.requests) < 150


@pytest.mark.parametrize(
    ("oddities", "name", "value"),
    [
        (Oddities(ignored_filters=frozenset({"updated_at"})), "accounts_filter", "ignored"),
        (Oddities(ignored_filters=frozenset({"updated_at"})), "sale_orders_filter", "ignored"),
        (Oddities(ignored_filters=frozenset({"valid"})), "users_filter", "ignored"),
        (Oddities(exclusive_bounds=True), "bounds", "exclusive"),
        (Oddities(max_limit=37), "page_size", "37"),
        (Oddities(ignored_sort=True), "sort", "none"),
        (Oddities(children_move_parents=True), "comments_move", "perhaps"),
        (Oddities(children_move_parents=True), "payments_move", "perhaps"),
        (Oddities(comments_activate=True), "comments_activate", "perhaps"),
        (Oddities(hidden_times=True), "tasks_fields", "none"),
        (Oddities(hidden_times=True), "opportunities_fields", "status,status_label"),
        (Oddities(dead_versions=frozenset({"v6"})), "versions", "v6.1"),
    ],
)
def test_a_tenant_with_ways_of_its_own(emulator: Emulator, oddities: Oddities, name: str, value: str) -> None:
    """Each differs from the documented tenant in this finding, so that a question that cannot fail is noticed."""
    assert asked(emulator, Oddities()).value(name) != value
    assert asked(emulator, oddities).value(name) == value


def test_a_wrong_key_ends_the_probe(emulator: Emulator) -> None:
    with pytest.raises(RefusedError, match="401: the key is wrong") as caught:
        asked(emulator, Oddities(), key="another-key")
    assert "another-key" not in str(caught.value)


def test_what_cannot_be_asked_is_unknown_and_says_why(emulator: Emulator) -> None:
    probed = asked(emulator, Oddities(dead_versions=frozenset({"v6.1"})))
    assert probed.value("versions") == "v6"
    unknown = [finding for finding in probed.findings if finding.value == "unknown"]
    assert {"accounts_filter", "time_zone", "deleted"} <= {finding.name for finding in unknown}
    assert all("404" in finding.text for finding in unknown)


def test_it_is_kept_and_read_again(emulator: Emulator, tmp_path: Path) -> None:
    probed = asked(emulator, Oddities())
    path = tmp_path / "new" / "probe.json"
    assert read_probed(path) is None
    write_probed(path, probed)
    assert read_probed(path) == probed
    assert KEY not in path.read_text(encoding="utf-8")
    path.write_text("{", encoding="utf-8")
    with pytest.raises(GetflyError, match="`kpi getfly probe` writes it anew"):
        read_probed(path)


def found(**values: str) -> Probed:
    return Probed("https://x", "2026-04-01", tuple(Finding(name, value, "") for name, value in values.items()))


def received(name: str, night: str, *, is_complete: bool = True) -> Listing:
    return Listing(Path(), Asked(night, name, "", {}, is_complete), datetime(2030, 1, 1, tzinfo=ZONE), 1, 1)


MONDAY, TUESDAY, SUNDAY = date(2026, 3, 23), date(2026, 3, 24), date(2026, 3, 29)
FOLLOWED = found(accounts_filter="followed", comments_move="perhaps")
ACTIVE = found(accounts_filter="followed", comments_move="no", comments_activate="perhaps")
EARLIER = [received("any", "2026-03-21"), received("any", "2026-03-23")]


@pytest.mark.parametrize(
    ("name", "night", "probed", "last", "mode"),
    [
        ("accounts", TUESDAY, FOLLOWED, [], Mode.COMPLETE),
        ("accounts", TUESDAY, FOLLOWED, EARLIER, Mode.CHANGED),
        ("accounts", SUNDAY, FOLLOWED, EARLIER, Mode.COMPLETE),
        ("accounts", TUESDAY, found(accounts_filter="ignored"), EARLIER, Mode.COMPLETE),
        ("accounts", TUESDAY, found(), EARLIER, Mode.COMPLETE),
        ("accounts_deleted", SUNDAY, found(), EARLIER, Mode.CHANGED),
        ("accounts_deleted", TUESDAY, found(), [], Mode.COMPLETE),
        ("relations", TUESDAY, FOLLOWED, EARLIER, Mode.COMPLETE),
        ("comments", TUESDAY, FOLLOWED, [], Mode.OF_ALL_PARENTS),
        ("comments", TUESDAY, FOLLOWED, EARLIER, Mode.OF_CHANGED_PARENTS),
        ("comments", SUNDAY, FOLLOWED, EARLIER, Mode.OF_ALL_PARENTS),
        ("comments", TUESDAY, ACTIVE, EARLIER, Mode.OF_ACTIVE_PARENTS),
        ("comments", SUNDAY, ACTIVE, EARLIER, Mode.OF_ALL_PARENTS),
        ("accounts", TUESDAY, ACTIVE, EARLIER, Mode.COMPLETE),
        ("comments", TUESDAY, found(comments_move="no", comments_activate="no"), EARLIER, Mode.OF_ALL_PARENTS),
        ("comments", TUESDAY, found(comments_move="unknown"), EARLIER, Mode.OF_ALL_PARENTS),
    ],
)
def test_a_night_asks_for_changes_only_where_the_tenant_was_seen_to_tell_them(
    name: str, night: date, probed: Probed, last: list[Listing], mode: Mode
) -> None:
    planned = plan_resource(resource(name), night, probed, last, ZONE, read_whole=0)
    assert planned.mode is mode
    # The beginning of the newest night that is there, whenever it was received.
    assert planned.since == (datetime(2026, 3, 23, tzinfo=ZONE) if mode is Mode.CHANGED else None)


@pytest.mark.parametrize(("name", "probed"), [("accounts", FOLLOWED), ("comments", FOLLOWED), ("comments", ACTIVE)])
def test_a_sunday_that_was_not_played_is_made_up_for(name: str, probed: Probed) -> None:
    """Everything on Sunday the 15th, changes on Tuesday the 17th, then nothing until Monday the 23rd."""
    last = [received(name, "2026-03-15"), received(name, "2026-03-17", is_complete=False)]
    for night, is_complete in ((date(2026, 3, 21), False), (MONDAY, True)):
        planned = plan_resource(resource(name), night, probed, last, ZONE, read_whole=0)
        assert (planned.mode in COMPLETE_MODES) == is_complete, night


@pytest.mark.parametrize(
    ("rows", "read_whole", "mode"), [(500, 500, Mode.COMPLETE), (501, 500, Mode.CHANGED), (0, 0, Mode.COMPLETE)]
)
def test_a_list_that_is_short_is_read_whole(rows: int, read_whole: int, mode: Mode) -> None:
    """As long as it was when it was read whole; how much has changed since says nothing."""
    last = [
        replace(received("accounts", "2026-03-22"), rows=rows),
        replace(received("accounts", "2026-03-23", is_complete=False), rows=0),
    ]
    for name in ("accounts", "sale_orders"):
        probed = found(accounts_filter="followed", sale_orders_filter="followed", comments_move="perhaps")
        assert plan_resource(resource(name), TUESDAY, probed, last, ZONE, read_whole).mode is mode
    assert plan_resource(resource("comments"), TUESDAY, FOLLOWED, last, ZONE, 500).mode is Mode.OF_CHANGED_PARENTS
    assert plan_resource(resource("accounts_deleted"), TUESDAY, FOLLOWED, last, ZONE, 500).mode is Mode.CHANGED


def test_the_night_itself_is_no_watermark() -> None:
    last = [*EARLIER, received("accounts", TUESDAY.isoformat())]
    planned = plan_resource(resource("accounts"), TUESDAY, FOLLOWED, last, ZONE, read_whole=0)
    assert planned.since == datetime(2026, 3, 23, tzinfo=ZONE)


def test_optional_fields_are_those_that_were_seen() -> None:
    tasks = resource("tasks")
    assert optional_fields(found(tasks_fields="created_at,updated_at"), tasks) == ("created_at", "updated_at")
    assert optional_fields(found(tasks_fields="none"), tasks) == ()
    assert optional_fields(found(), replace(tasks)) == ()


def test_payments_that_do_not_add_up_to_what_was_paid_are_named(emulator: Emulator, tmp_path: Path) -> None:
    """Somebody pays between reading the orders and reading the payments."""
    emulator.oddities = Oddities()
    source = GetflySource(lambda: Client(emulator.url, KEY, QUICK), tmp_path, ZONE, lambda: DEMO_LOAD)
    assert source.unequal_payments() == (None, [])
    for entity in ("orders", "payments"):
        assert source.read(entity, DEMO_LOAD) is not None
    assert source.unequal_payments() == (DEMO_LOAD, [])
    later = GetflySource(lambda: Client(emulator.url, KEY, QUICK), tmp_path / "later", ZONE, lambda: DEMO_LOAD)
    later.read("orders", DEMO_LOAD)
    emulator.night = DEMO_AS_OF
    later.read("payments", DEMO_LOAD)
    _, unequal = later.unequal_payments()
    assert unequal
    assert all(paid != total for _, paid, total in unequal)
    emulator.night = DEMO_LOAD


def test_a_past_night_is_mapped_from_what_was_kept_and_never_asked_for(emulator: Emulator, tmp_path: Path) -> None:
    emulator.oddities = Oddities()
    tonight = GetflySource(lambda: Client(emulator.url, KEY, QUICK), tmp_path, ZONE, lambda: DEMO_LOAD)
    for entity in ENTITIES:
        assert tonight.read(entity, DEMO_LOAD) is not None
    emulator.forget_requests()
    later = GetflySource(lambda: Client(emulator.url, KEY, QUICK), tmp_path, ZONE, lambda: DEMO_AS_OF)
    assert later.nights_between(date(2026, 1, 1), DEMO_AS_OF) == [DEMO_LOAD]
    for entity in ENTITIES:
        assert later.read(entity, DEMO_LOAD) == tonight.read(entity, DEMO_LOAD)
    with pytest.raises(SourceError, match=r"shows only its present state.*kpi run --date 2026-03-31"):
        later.read("customers", DEMO_LOAD + timedelta(days=1))
    assert emulator.requests == ()


def test_a_part_that_is_switched_off_says_nothing_of_the_others(emulator: Emulator) -> None:
    emulator.faults = Faults(Fault(FaultKind.FORBIDDEN, path="*/opportunities", times=None))
    try:
        probed = asked(emulator, Oddities())
    finally:
        emulator.faults = Faults()
    assert probed.value("opportunities_fields") == "unknown"
    assert probed.value("tasks_fields") == "created_at,updated_at"
    assert probed.value("accounts_fields") == "creator_id,last_active"
    asked_at = datetime.fromisoformat(probed.asked_at)
    # What could not be asked is asked again the next day, everything after a week.
    assert [probed.is_old(asked_at + timedelta(hours=hours)) for hours in (1, 20)] == [False, True]
    whole = asked(emulator, Oddities())
    asked_at = datetime.fromisoformat(whole.asked_at)
    assert [whole.is_old(asked_at + timedelta(days=days)) for days in (6, 8)] == [False, True]


def test_two_tenants_are_not_mixed(emulator: Emulator, tmp_path: Path) -> None:
    emulator.oddities = Oddities()
    source = GetflySource(lambda: Client(emulator.url, KEY, QUICK), tmp_path, ZONE, lambda: DEMO_LOAD)
    write_probed(tmp_path / "probe.json", replace(asked(emulator, Oddities()), address="https://trial.getflycrm.com"))
    with pytest.raises(SourceError, match=r"is of https://trial\.getflycrm\.com, and KPI_GETFLY_URL is http://127"):
        source.read("relationships", DEMO_LOAD)


def test_a_tenant_whose_lists_show_deleted_accounts_is_refused(emulator: Emulator, tmp_path: Path) -> None:
    findings = (*asked(emulator, Oddities()).findings[:-1], Finding("deleted", "shown", ""))
    write_probed(tmp_path / "probe.json", replace(asked(emulator, Oddities()), findings=findings))
    source = GetflySource(lambda: Client(emulator.url, KEY, QUICK), tmp_path, ZONE, lambda: DEMO_LOAD)
    with pytest.raises(SourceError, match="nothing tells which of the two holds"):
        source.read("customers", DEMO_LOAD)


def test_the_lists_of_users_may_overlap_by_who_left_meanwhile_and_not_by_more() -> None:
    for former, is_refused in ((["2"], False), (["2", "3", "9"], True)):
        with duckdb.connect(":memory:") as connection:
            for name, ids in (("users_active_now", ["1", "2", "3", "4"]), ("users_inactive_now", former)):
                connection.execute(f"create table {name} as select unnest(?::varchar[]) as id", [ids])
            if is_refused:
                with pytest.raises(GetflyError, match="ignores filtering"):
                    _refuse_one_list_of_users(connection)
            else:
                _refuse_one_list_of_users(connection)


def test_how_far_it_is_and_how_long_it_takes() -> None:
    moments = iter([0.0, 0.5, 10.0, 20.0, 20.0])
    meter = Meter("comments", 2600, lambda: next(moments))
    assert meter.text(100) == "comments 100 of 2,600"
    assert meter.text(200) == "comments 200 of 2,600, about 4 min left"
    assert meter.text(1600) == "comments 1,600 of 2,600, about 13 s left"
    assert meter.text(2600) == "comments 2,600"
    assert Meter("accounts", None).text(1234) == "accounts 1,234"
