"""Every fault of the CRM's server, at the first, a middle and the last page of every listing, and while it is looked at
again: a night is whole and right, or it ends in an error and the next try finishes it.

Belongs here: faults met while a night is received. Not here: rows that move meanwhile (tests/properties), or how one
request is tried again (tests/unit/test_getfly_client.py).

`pytest -s` prints the matrix. A cell reads "4+4": four places where one strike was survived within the run, and four
where the strikes went on, the run failed, and the next run finished the same night from what was kept. A refusal (401,
403) ends a run at the first strike, so those cells begin with 0.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import groupby
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from orchestration.contract import contract
from orchestration.sources.base import RawTable, SourceError
from orchestration.sources.demo import DemoSource
from orchestration.sources.getfly.client import Client, Politeness
from orchestration.sources.getfly.errors import GetflyError
from orchestration.sources.getfly.listing import OVERLAP
from orchestration.sources.getfly.mapping import CODES, ENTITIES
from orchestration.sources.getfly.pages import Listing, PageStore, parents_of
from orchestration.sources.getfly.probe import probe, read_probed, write_probed
from orchestration.sources.getfly.receive import Question, receive
from orchestration.sources.getfly.resources import RESOURCES, Resource, resource
from orchestration.sources.getfly.rows import rows_path
from orchestration.sources.getfly.source import PROBED, GetflySource
from tests.emulator import Emulator, Fault, FaultKind, Faults, RecordedRequest, running_emulator
from tests.support.warehouse import warehouse_settings

KEY = "0123456789abcdefghijklmnopqrst"
# A Monday: a night like most, on which nothing is read for the weekly sweep.
START, NIGHT = date(2025, 9, 1), date(2026, 3, 16)
# The emulator's own order codes.
MORE_CODES = "".join(
    f"order_status,{code},,{value}\n"
    for code, value in ((3, "cancelled"), (4, "delivering"), (5, "partly_delivered"), (6, "delivered"))
)

# What a fault is called in the table, and how the server is told to fail.
FAULTS: dict[str, dict[str, Any]] = {
    "429": {"kind": FaultKind.TOO_MANY_REQUESTS},
    "429 wait": {"kind": FaultKind.TOO_MANY_REQUESTS, "retry_after": "0"},
    "500": {"kind": FaultKind.SERVER_ERROR},
    "502": {"kind": FaultKind.BAD_GATEWAY},
    "503": {"kind": FaultKind.UNAVAILABLE},
    "slow": {"kind": FaultKind.SLOW, "seconds": 1.5},
    "reset": {"kind": FaultKind.RESET},
    "cut_off": {"kind": FaultKind.CUT_OFF},
    "cut_body": {"kind": FaultKind.CUT_BODY},
    "html": {"kind": FaultKind.HTML},
    "401": {"kind": FaultKind.WRONG_KEY},
    "403": {"kind": FaultKind.FORBIDDEN},
}
# Asking again would get the same answer, so the first strike ends the run.
FINAL = {"401", "403"}
# Shorter than what the server then waits, longer than any answer takes that it does not delay.
TIMEOUT = {"slow": 0.25}
NAMES = [one.name for one in RESOURCES]


Rows = list[dict[str, Any]]


class Talkative(DemoSource):
    """The demo company, except that all comments are about three customers, so that theirs fill several pages."""

    def read(self, entity: str, night: date, complete: bool = False) -> RawTable | None:
        raw, customers = super().read(entity, night, complete), super().read("customers", night, True)
        if entity != "interactions":
            return raw
        assert raw is not None
        assert customers is not None
        standing = sorted(row["customer_id"] for row in customers.table.to_pylist() if row["deleted_at"] is None)
        three = [standing[0], standing[len(standing) // 2], standing[-1]]
        column = pa.array([three[number % 3] for number in range(raw.table.num_rows)])
        place = raw.table.column_names.index("customer_id")
        return RawTable(entity, raw.kind, raw.table.set_column(place, "customer_id", column), raw.row_numbers, "")


@dataclass(frozen=True)
class Place:
    """A request of a clean run: `kept` pages of the same listing (and parent) were on disk before it."""

    label: str
    path: str
    nth: int
    kept: int


@dataclass
class Night:
    """One resource's night in a clean run: what was asked, what came of it, and where faults can strike."""

    of: Resource
    page_size: int
    rows: dict[str, Rows]
    standing: Rows
    requests: tuple[RecordedRequest, ...]
    places: list[Place] = field(default_factory=list)


def polite(attempts: int, timeout: float) -> Politeness:
    return Politeness(per_second=5000, attempts=attempts, first_wait_seconds=0.01, timeout_seconds=timeout)


@dataclass
class Tenant:
    """The emulated tenant, a store in which everything but the resource at hand is there, and the clean nights."""

    emulator: Emulator
    root: Path
    codes: Path
    clean: dict[str, Night] = field(default_factory=dict)
    outcomes: dict[tuple[str, str], str] = field(default_factory=dict)

    def source(self, page_size: int, attempts: int, timeout: float) -> GetflySource:
        return GetflySource(
            lambda: Client(self.emulator.url, KEY, polite(attempts, timeout)),
            self.root,
            warehouse_settings(self.root).zone,
            lambda: NIGHT,
            codes=self.codes,
            page_size=page_size,
        )

    def read(self, of: Resource, entity: str, page_size: int, attempts: int = 4, timeout: float = 30.0) -> Rows:
        """The rows of an entity that is made of the resource, which is received if it is not there."""
        if entity:
            raw = self.source(page_size, attempts, timeout).read(entity, NIGHT)
            assert raw is not None
            return in_order_of_keys(entity, raw.table.to_pylist())
        # No entity is made of it yet; what a run would do with it is this.
        with Client(self.emulator.url, KEY, polite(attempts, timeout)) as client:
            zone = warehouse_settings(self.root).zone
            try:
                receive(client, PageStore(self.root), Question(of), NIGHT, zone, limit=page_size)
            except GetflyError as error:
                raise SourceError(of.name, of.name, "getfly", str(error)) from error
        return []

    def forget(self, of: Resource) -> None:
        """As if the resource had never been asked for."""
        shutil.rmtree(self.root / of.name, ignore_errors=True)

    def whole(self, of: Resource) -> Listing | None:
        return next(iter(PageStore(self.root).whole(of.name)), None)

    def standing(self, of: Resource) -> Rows:
        """The whole listing's rows, without when they came."""
        listing = self.whole(of)
        assert listing is not None
        rows: Rows = pq.read_table(rows_path(listing)).drop_columns(["received_at"]).to_pylist()
        assert listing.rows == len(rows) == len({(row["parent"], row["id"]) for row in rows})
        return sorted(rows, key=lambda row: (row["parent"], row["id"]))


def in_order_of_keys(entity: str, rows: Rows) -> Rows:
    """A statement may give its rows in any order; no key may come twice."""
    by_key = {tuple(str(row[name]) for name in contract()[entity].key): row for row in rows}
    assert len(by_key) == len(rows)
    return [by_key[key] for key in sorted(by_key)]


def entities_of(of: Resource) -> list[str]:
    """The entities that are made of a resource."""
    return [entity for entity, names in ENTITIES.items() if of.name in names] or [""]


def page_size_for(rows: int) -> int:
    """So many rows a page that a listing has about three pages, which share OVERLAP rows each."""
    return max(OVERLAP + 1, -(-(rows + 2 * OVERLAP) // 3))


def pattern(of: Resource) -> str | None:
    """What tells a resource's requests from others on the same path."""
    return f"*valid?={of.always[0][1]}*" if of.always else None


def places_of(night: Night) -> Iterator[Place]:
    """First, middle and last page, and the look at the beginning afterwards; of three parents where rows have one."""
    paths = [path for path, _ in groupby(sorted(request.path for request in night.requests))]
    if night.of.parent is not None:
        # Parents without rows answer with one empty page: those with more are where a fault can do harm.
        counts = {path: sum(request.path == path for request in night.requests) for path in paths}
        in_order = sorted((path for path in paths if counts[path] > 1), key=lambda path: int(path.split("/")[4]))
        assert len(in_order) == 3
        paths = in_order
    for number, path in enumerate(paths):
        asked = [request for request in night.requests if request.path == path]
        offsets = [int(request.params["offset"]) for request in asked]
        new = [at for at, offset in enumerate(offsets) if offset not in offsets[:at]]
        chosen = {"first": new[0], "middle": new[len(new) // 2], "last": new[-1], "again": len(asked) - 1}
        if night.of.parent is not None:
            # The first page of the first parent, and so on; the last parent is looked at again as well.
            labels = (("first",), ("middle",), ("last", "again"))[number]
            chosen = {label: chosen[label] for label in labels}
        seen: set[int] = set()
        for label, at in chosen.items():
            if at not in seen:
                seen.add(at)
                yield Place(label, path, at + 1, min(at, len(new)))


@pytest.fixture(scope="module")
def tenant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tenant]:
    folder = tmp_path_factory.mktemp("getfly")
    codes = folder / "codes.csv"
    codes.write_text(CODES.read_text(encoding="utf-8") + MORE_CODES, encoding="utf-8")
    with running_emulator(Talkative(seed=11, scale=0.006, start=START, end=NIGHT), NIGHT, key=KEY) as emulator:
        tenant = Tenant(emulator, folder / "received", codes)
        for of in RESOURCES:
            tenant.clean[of.name] = clean_night(tenant, of)
        yield tenant
        assert emulator.refused == ()
    print("\n" + table(tenant.outcomes))


def clean_night(tenant: Tenant, of: Resource) -> Night:
    """Read the resource twice without a fault: once to know its size, once in pages of the size that follows."""
    entities = entities_of(of)
    # The probe, and what the entity needs besides, are received first.
    tenant.read(of, entities[0], 1000)
    largest = max(
        (len(list(rows)) for _, rows in groupby(tenant.standing(of), key=lambda row: row["parent"])), default=0
    )
    page_size = page_size_for(largest)
    tenant.forget(of)
    tenant.emulator.forget_requests()
    tenant.read(of, entities[0], page_size)
    night = Night(of, page_size, {}, tenant.standing(of), tenant.emulator.requests)
    for entity in entities:
        # An entity may need more than this resource; a night that is there is not asked for again.
        night.rows[entity] = tenant.read(of, entity, 1000)
    night.places += places_of(night)
    return night


def table(outcomes: dict[tuple[str, str], str]) -> str:
    """The matrix as text: a line per resource, a column per fault."""
    width = max(map(len, NAMES))
    lines = [" " * width + "".join(f"{name:>10}" for name in FAULTS)]
    for name in NAMES:
        lines.append(f"{name:{width}}" + "".join(f"{outcomes.get((name, fault), '-'):>10}" for fault in FAULTS))
    return "\n".join(lines)


def strike(tenant: Tenant, night: Night, place: Place, fault: str, *, times: int | None) -> None:
    tenant.forget(night.of)
    tenant.emulator.faults = Faults(
        Fault(**FAULTS[fault], path=place.path, nth=place.nth, times=times, query=pattern(night.of))
    )
    tenant.emulator.forget_requests()


def survives(tenant: Tenant, night: Night, place: Place, fault: str, entity: str) -> None:
    """Struck once, the run goes on by itself, asks one request more, and has every row once."""
    strike(tenant, night, place, fault, times=1)
    rows = tenant.read(night.of, entity, night.page_size, timeout=TIMEOUT.get(fault, 30.0))
    struck = [request for request in tenant.emulator.requests if request.fault is not None]
    assert [request.path for request in struck] == [place.path]
    check_clean(tenant, night, entity, rows)


def stops_and_goes_on(tenant: Tenant, night: Night, place: Place, fault: str, entity: str) -> None:
    """Struck for ever, the run fails and nothing looks whole; afterwards it is finished from what was kept."""
    strike(tenant, night, place, fault, times=None)
    with pytest.raises(SourceError) as caught:
        tenant.read(night.of, entity, night.page_size, attempts=2, timeout=TIMEOUT.get(fault, 30.0))
    assert "127.0.0.1/api/v" in caught.value.message
    assert KEY not in caught.value.message
    assert sum(request.fault is not None for request in tenant.emulator.requests) == (1 if fault in FINAL else 2)
    assert tenant.whole(night.of) is None
    [folder] = (tenant.root / night.of.name).iterdir()
    kept = pages_kept(folder)
    done = {str(request["parent"]) for request in lines_of(folder / "parents.jsonl")}

    tenant.emulator.faults = Faults()
    tenant.emulator.forget_requests()
    rows = tenant.read(night.of, entity, night.page_size)
    check_clean(tenant, night, entity, rows)
    again = [request for request in tenant.emulator.requests if request.path == place.path]
    # Pages that were kept are not asked for again, but for the last one's end and the look at the beginning.
    offsets = kept.get(place.path, [])
    assert len(offsets) == place.kept
    clean = [request for request in night.requests if request.path == place.path]
    assert len(again) <= len(clean) - len(offsets) + 2
    asked_again = [int(request.params["offset"]) for request in again]
    assert set(asked_again) & set(offsets) <= {0, *offsets[-1:]}
    # Nor is any parent whose rows were all there.
    listing = tenant.whole(night.of)
    assert listing is not None
    if night.of.parent is not None:
        assert not done & {request.path.split("/")[4] for request in tenant.emulator.requests}
        parents = parents_of(listing)
        assert len(parents) == len(set(parents))


def lines_of(path: Path) -> Rows:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []


def pages_kept(folder: Path) -> dict[str, list[int]]:
    """The offsets of the pages on disk, by the path they were asked for at."""
    asked = lines_of(folder / "pages.jsonl")
    of = resource(folder.parent.name)
    kept: dict[str, list[int]] = {}
    for line in asked:
        kept.setdefault(of.path.replace("{parent}", line["parent"]), []).append(line["offset"])
    return kept


def check_clean(tenant: Tenant, night: Night, entity: str, rows: Rows) -> None:
    """The resource, and an entity made of it, have the rows of a clean run: none missing, none twice."""
    assert rows == night.rows[entity]
    assert tenant.standing(night.of) == night.standing


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("name", NAMES)
def test_a_night_is_right_or_fails_and_is_finished_later(tenant: Tenant, name: str, fault: str) -> None:
    night = tenant.clean[name]
    entities = entities_of(night.of)
    went_on = resumed = 0
    for number, place in enumerate(night.places):
        # Every entity of the resource in turn.
        entity = entities[(number + list(FAULTS).index(fault)) % len(entities)]
        if fault not in FINAL:
            survives(tenant, night, place, fault, entity)
            went_on += 1
        stops_and_goes_on(tenant, night, place, fault, entity)
        resumed += 1
    tenant.outcomes[name, fault] = f"{went_on}+{resumed}"


# What a night depends on, by what the probe asks to find it out.
DECISIVE = {
    "accounts_filter": ("/api/v6.1/accounts", "*updated_at:gte]=2100*"),
    "sale_orders_filter": ("/api/v6.1/sale_orders", "*updated_at:gte]=2100*"),
    "time_zone": ("/api/v6.1/accounts/sync", None),
    "comments_move": ("/api/v6/accounts/*/comments", None),
    "fields": ("/api/v6.1/tasks", "*task_creator*"),
}


@pytest.mark.parametrize("question", DECISIVE)
def test_the_first_night_does_not_take_trouble_for_the_tenants_way(
    tenant: Tenant, tmp_path: Path, question: str
) -> None:
    """Taken so, fields that the tenant has would be left out on every night to come."""
    path, query = DECISIVE[question]
    first = replace(tenant, root=tmp_path)
    tenant.emulator.faults = Faults(Fault(FaultKind.UNAVAILABLE, path=path, query=query, times=None))
    with pytest.raises(SourceError, match=r"what this tenant does could not be found out: 127\.0\.0\.1.* 503.*again"):
        first.read(resource("relations"), "relationships", 100, attempts=1)
    assert list(tmp_path.iterdir()) == []
    tenant.emulator.faults = Faults()
    first.read(resource("relations"), "relationships", 100)
    found, clean = (read_probed(root / PROBED) for root in (tmp_path, tenant.root))
    assert found is not None
    assert clean is not None
    assert found.findings == clean.findings


def test_the_probe_of_a_person_keeps_what_it_can_find_out(tenant: Tenant, tmp_path: Path) -> None:
    """A tenant may answer one question with an error for ever: whoever has seen that can go on."""
    path, query = DECISIVE["fields"]
    tenant.emulator.faults = Faults(Fault(FaultKind.SERVER_ERROR, path=path, query=query, times=None))
    with Client(tenant.emulator.url, KEY, polite(1, 30.0)) as client:
        found = probe(client, warehouse_settings(tmp_path).zone)
    write_probed(tmp_path / PROBED, found)
    assert read_probed(tmp_path / PROBED) == found
    assert len(found.troubles) == 1
    first = replace(tenant, root=tmp_path)
    assert first.read(resource("relations"), "relationships", 100) == tenant.clean["relations"].rows["relationships"]
    tenant.emulator.faults = Faults()


def test_the_matrix_reaches_first_middle_and_last_pages(tenant: Tenant) -> None:
    """Else the matrix would show less than it says."""
    places = {name: tuple(place.label for place in night.places) for name, night in tenant.clean.items()}
    one_page = {"users_inactive", "product_categories", "campaigns", "opportunities"}
    # A bare array does not say that it was the last page, so these are asked for twice.
    two_pages = {"account_types", "accounts_deleted"}
    assert {name for name, labels in places.items() if labels == ("first",)} == one_page
    assert {name for name, labels in places.items() if labels == ("first", "middle", "again")} == two_pages
    assert {places[name] for name in set(NAMES) - one_page - two_pages} == {("first", "middle", "last", "again")}
    assert all(night.standing for night in tenant.clean.values())
    # What is not there is an answer and no fault: a parent that is gone, or a tenant without that part.
    assert set(FaultKind) - {FaultKind.NOT_FOUND} == {fault["kind"] for fault in FAULTS.values()}
