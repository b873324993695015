"""Fourteen nights of the demo company through the API, against the same company read directly.

The tenant changes its ways from night to night. Every entity is compared after every night, and every mart: where short
lists are read whole after every night, else after the last, which is a Sunday's: a contact that was edited without
moving its account's time shows then at the latest. What the API cannot tell is left out on the direct side too
(`tests/support/getfly_visible.py`). Oddities that would change what a record says (spellings of codes and phones) or
delete records are the emulator's own tests'.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from orchestration.checks.batches import skipped_nights
from orchestration.contract import contract
from orchestration.contract.validation import validate
from orchestration.landing.ingest import ingest_night
from orchestration.landing.store import Landing
from orchestration.sources.base import BatchKind, Source, SourceError
from orchestration.sources.demo import DemoSource
from orchestration.sources.getfly import state
from orchestration.sources.getfly.client import Client, Politeness
from orchestration.sources.getfly.mapping import CODES, ENTITIES
from orchestration.sources.getfly.source import GetflySource
from tests.emulator import Emulator, Fault, FaultKind, Faults, Oddities, running_emulator
from tests.properties.comparison import differences
from tests.properties.runner import Marts, Project, built_from, compiled_project
from tests.support.getfly_visible import SUNDAY, VisibleDemo
from tests.support.warehouse import days, warehouse_settings

KEY = "0123456789abcdefghijklmnopqrst"
START, FIRST, LAST = date(2025, 12, 1), date(2026, 3, 16), date(2026, 3, 29)
NIGHTS = days(FIRST, LAST)
# The emulator's own codes, as a company adds those of its tenant.
MORE_CODES = "".join(
    f"{domain},{code},,{value}\n"
    for domain, code, value in (
        ("order_status", 3, "cancelled"),
        ("order_status", 4, "delivering"),
        ("order_status", 5, "partly_delivered"),
        ("order_status", 6, "delivered"),
    )
)

PLAIN = Oddities()
# What excludes each other is in different sets.
ODD = (
    Oddities(
        string_ids=True, comma_strings=True, zero_dates=True, unix_dates=True, empty_objects_as_arrays=True,
        thousands_amounts=True, bare_arrays=True, single_object=True, max_limit=40, ignored_sort=True,
        exclusive_bounds=True, ignored_filters=frozenset({"updated_at", "last_sync"}),
    ),
    Oddities(
        day_first_dates=True, empty_strings=True, enveloped_arrays=True, missing_has_more=True, unpaged=True,
        insert_between_pages=True, ignored_unknown_filters=True, utc_bounds=True,
    ),
    Oddities(
        zero_dates=True, empty_strings=True, comma_strings=True, missing_has_more=True, insert_between_pages=True,
        max_limit=25,
    ),
)  # fmt: skip


def company() -> DemoSource:
    return DemoSource(seed=11, scale=0.05, start=START, end=LAST)


WHOLE, ONLY_CHANGES = 20_000, 0
"""Up to how many rows a list is read whole every night."""


def tenant(
    emulator: Emulator, root: Path, night: date, codes: Path, read_whole: int = ONLY_CHANGES, attempts: int = 6
) -> GetflySource:
    polite = Politeness(per_second=5000, at_once=2, first_wait_seconds=0.01, attempts=attempts)
    return GetflySource(
        lambda: Client(emulator.url, KEY, polite),
        root,
        warehouse_settings(root).zone,
        lambda: night,
        codes=codes,
        page_size=60,
        read_whole=read_whole,
    )


def standing_after(state: dict[Any, Any], source: Source, entity: str, night: date, home: Path) -> None:
    """Apply one night's batch to the rows by key, as the landing zone's readers do."""
    raw = source.read(entity, night, complete=not state)
    assert raw is not None
    judged = validate(contract()[entity], raw, warehouse_settings(home).zone)
    assert judged.quarantined.num_rows == 0, judged.quarantined.to_pylist()[:3]
    if raw.kind is BatchKind.COMPLETE:
        state.clear()
    for row in judged.landed.drop_columns(["_row_number"]).to_pylist():
        key = tuple(row[name] for name in contract()[entity].key)
        if row.get("deleted_at") is not None and entity != "relationships":
            state.pop(key, None)
        else:
            state[key] = row


@dataclass(frozen=True)
class Two:
    """The two warehouses, and what stood after each night by either way."""

    through_api: Path
    direct: Path
    differences: dict[tuple[date, str], list[Any]]


def play(folder: Path, read_whole: int, nights: Sequence[date]) -> Two:
    """Land the nights by either way."""
    codes = folder / "codes.csv"
    codes.write_text(CODES.read_text(encoding="utf-8") + MORE_CODES, encoding="utf-8")
    homes = {name: folder / name for name in ("api", "direct")}
    states: dict[str, dict[str, dict[Any, Any]]] = {name: {entity: {} for entity in ENTITIES} for name in homes}
    odd_rows: dict[tuple[date, str], list[Any]] = {}
    visible = VisibleDemo(company(), reads_whole=read_whole == WHOLE)
    with running_emulator(company(), nights[0], key=KEY) as emulator:
        for number, night in enumerate(nights):
            emulator.night, emulator.oddities = night, (PLAIN, *ODD)[number % 4]
            source = tenant(emulator, folder / "received", night, codes, read_whole)
            for name, one in (("api", source), ("direct", visible)):
                landing = Landing(warehouse_settings(homes[name]).landing_dir)
                ingest_night(landing, one, night, warehouse_settings(homes[name]).zone)
                for entity in ENTITIES:
                    standing_after(states[name][entity], one, entity, night, homes[name])
            for entity in ENTITIES:
                found, wanted = (states[name][entity] for name in ("api", "direct"))
                keys = sorted({*found, *wanted})
                odd = [(key, found.get(key), wanted.get(key)) for key in keys if found.get(key) != wanted.get(key)]
                if odd:
                    odd_rows[night, entity] = odd
        assert [request for request in emulator.requests if request.method != "GET"] == []
    return Two(homes["api"], homes["direct"], odd_rows)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Two:
    """With lists that are short enough to be read whole every night."""
    return play(tmp_path_factory.mktemp("whole"), WHOLE, NIGHTS)


@pytest.fixture(scope="module")
def changes(tmp_path_factory: pytest.TempPathFactory) -> Two:
    """With lists that are asked for what changed, from one Sunday to the next."""
    return play(tmp_path_factory.mktemp("changes"), ONLY_CHANGES, NIGHTS[-8:])


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return compiled_project(tmp_path_factory.getbasetemp())


def marts_after(project: Project, home: Path, night: date) -> Marts:
    """All marts of what had landed by that night."""
    landing = Landing(warehouse_settings(home).landing_dir)
    with built_from(project, landing, night, home, source="getfly") as warehouse:
        return warehouse.marts()


def test_every_entity_stands_as_it_does_in_the_company_after_every_night(whole: Two) -> None:
    assert {f"{night} {entity}": (len(odd), odd[0]) for (night, entity), odd in whole.differences.items()} == {}


def test_with_changes_only_a_contact_may_be_late(changes: Two) -> None:
    """One that was edited without moving its account's time shows when the account is read again."""
    shown = {
        f"{night} {entity}": (len(odd), odd[0])
        for (night, entity), odd in changes.differences.items()
        if entity != "contacts" or night.isoweekday() == SUNDAY
    }
    assert shown == {}
    assert changes.differences, "no contact was late, so nothing shows why short lists are read whole"


def test_every_mart_is_the_companys_own_after_every_night(whole: Two, project: Project) -> None:
    different, rows = {}, []
    for night in NIGHTS:
        found, wanted = (marts_after(project, home, night) for home in (whole.through_api, whole.direct))
        if odd := differences(found, wanted):
            different[night.isoformat()] = odd
        rows.append(sum(len(mart) for mart in found.values()))
    assert different == {}
    assert rows[0] > 1000
    assert rows[-1] > rows[0]


def test_with_changes_only_every_mart_is_the_same_after_a_sunday(changes: Two, project: Project) -> None:
    assert LAST.isoweekday() == SUNDAY
    found, wanted = (marts_after(project, home, LAST) for home in (changes.through_api, changes.direct))
    assert len(found["fct_orders"]) > 0
    assert differences(found, wanted) == []


@pytest.mark.parametrize(
    "oddities",
    [Oddities(children_move_parents=True), Oddities(comments_activate=True)],
    ids=["updated_at", "last_active"],
)
@pytest.mark.parametrize("read_whole", [ONLY_CHANGES, WHOLE], ids=["changes", "whole"])
def test_comments_are_asked_only_of_accounts_that_show_new_ones(
    oddities: Oddities, read_whole: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the probe has seen that accounts show new comments, a night reads only the comments of those that do."""
    monkeypatch.setattr(state, "SUM_UP_AFTER", 2)
    visible = VisibleDemo(company(), reads_whole=False)
    stood: dict[str, dict[Any, Any]] = {"api": {}, "direct": {}}
    asked = []
    with running_emulator(company(), FIRST, key=KEY, oddities=oddities) as emulator:
        for night in NIGHTS[:6]:
            emulator.night = night
            emulator.forget_requests()
            source = tenant(emulator, tmp_path, night, CODES, read_whole)
            standing_after(stood["api"], source, "interactions", night, tmp_path)
            standing_after(stood["direct"], visible, "interactions", night, tmp_path)
            assert stood["api"] == stood["direct"], night
            asked.append(len({request.path for request in emulator.requests if request.path.endswith("/comments")}))
    assert len(list(tmp_path.glob("comments/*/standing.parquet"))) > 1
    assert len(stood["api"]) > 100
    assert max(asked[1:]) < asked[0] / 2


@pytest.mark.parametrize(
    "oddities",
    [Oddities(children_move_parents=True), Oddities(comments_activate=True)],
    ids=["updated_at", "last_active"],
)
@pytest.mark.parametrize("read_whole", [ONLY_CHANGES, WHOLE], ids=["changes", "whole"])
def test_a_night_that_failed_is_made_up_for_by_the_next(oddities: Oddities, read_whole: int, tmp_path: Path) -> None:
    """Comments cannot be read for two nights while accounts can. Neither night can be received later; the third brings
    what they would have brought, and the check that finds lost nights is content."""
    visible = VisibleDemo(company(), reads_whole=False)
    home = tmp_path / "home"
    settings = warehouse_settings(home)
    landing = Landing(settings.landing_dir)
    stood: dict[Any, Any] = {}
    with running_emulator(company(), FIRST, key=KEY, oddities=oddities) as emulator:
        for number, night in enumerate(NIGHTS[:5]):
            emulator.night = night
            broken = number in (1, 2)
            script = [Fault(FaultKind.UNAVAILABLE, path="*/comments", times=None)] if broken else []
            emulator.faults = Faults(*script)
            source = tenant(emulator, tmp_path / "received", night, CODES, read_whole, attempts=1)
            ingest_night(landing, source, night, settings.zone, ["customers", "interactions"])
            wanted = visible.read("interactions", night)
            assert wanted is not None
            landed = [one for one in landing.visible("getfly", entity="interactions") if one.batch_date == night]
            assert (not landed) == broken, night
            if broken:
                continue
            [batch] = landed
            assert batch.kind is (BatchKind.DELTA if number == 4 else BatchKind.COMPLETE), night
            if batch.kind is BatchKind.COMPLETE:
                stood.clear()
            stood |= {row["interaction_id"]: row for row in pq.read_table(landing.data_path(batch)).to_pylist()}
            standing = {key for key, row in stood.items() if row["deleted_at"] is None}
            assert standing == set(wanted.table["interaction_id"].to_pylist()), night
    assert skipped_nights(batch, landing.visible("getfly", entity="interactions"), landing.manifests("getfly")) == ()


def test_a_quiet_night_whose_only_changed_account_is_gone_meanwhile_is_no_failure(tmp_path: Path) -> None:
    with running_emulator(company(), FIRST, key=KEY, oddities=Oddities(children_move_parents=True)) as emulator:
        tenant(emulator, tmp_path, FIRST, CODES).read("interactions", FIRST)
        night = NIGHTS[1]
        emulator.night = night
        source = tenant(emulator, tmp_path, night, CODES)
        assert source.read("customers", night) is not None
        emulator.faults = Faults(Fault(FaultKind.NOT_FOUND, path="*/comments", times=None))
        raw = source.read("interactions", night)
        assert raw is not None
        assert (raw.kind, raw.rows_in) == (BatchKind.DELTA, 0)


def test_a_tenant_without_comments_is_an_error_and_not_an_empty_one(tmp_path: Path) -> None:
    faults = Faults(Fault(FaultKind.NOT_FOUND, path="*/comments", times=None))
    with (
        running_emulator(company(), FIRST, key=KEY, faults=faults) as emulator,
        pytest.raises(SourceError, match="this tenant has no such path"),
    ):
        tenant(emulator, tmp_path, FIRST, CODES).read("interactions", FIRST)


def test_a_damaged_file_of_rows_is_named_and_made_anew(tmp_path: Path) -> None:
    """It follows from the answers, which are kept: nothing is asked again."""
    with running_emulator(company(), FIRST, key=KEY) as emulator:
        source = tenant(emulator, tmp_path, FIRST, CODES)
        good = source.read("relationships", FIRST)
        [path] = (tmp_path / "relations").glob("*/rows.parquet")
        path.write_bytes(path.read_bytes()[:-20])
        emulator.forget_requests()
        with pytest.raises(SourceError, match=r"relations.*rows\.parquet and standing\.parquet are made anew"):
            source.read("relationships", FIRST)
        path.unlink()
        again = source.read("relationships", FIRST)
        assert good is not None
        assert again is not None
        assert again.table.equals(good.table)
        assert [*emulator.requests] == []
