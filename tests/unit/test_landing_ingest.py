"""One night into the landing zone: what is a failure, and that no entity stops another."""

import threading
from datetime import date, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest

from orchestration.checks.batches import profile_night
from orchestration.contract import contract
from orchestration.contract.validation import Validated
from orchestration.landing.ingest import ingest_entity, ingest_night
from orchestration.landing.manifest import BatchStatus, Manifest
from orchestration.landing.store import Landing
from orchestration.sources.base import BatchKind, RawTable, SourceError

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
NIGHT = date(2026, 3, 31)


class Tables:
    """A source that holds its tables in memory; an exception in place of a table is raised."""

    @property
    def name(self) -> str:
        return "tables"

    def __init__(self, **tables: pa.Table | Exception) -> None:
        self.tables = tables
        self.kind = BatchKind.COMPLETE
        self.asked_complete: list[bool] = []

    def read(self, entity: str, night: date, complete: bool = False) -> RawTable | None:
        self.asked_complete.append(complete)
        table = self.tables.get(entity)
        if isinstance(table, Exception):
            raise table
        if table is None:
            return None
        return RawTable(entity, self.kind, table, pa.array(range(2, 2 + table.num_rows)), f"{entity}.csv")


EMPLOYEES = pa.table({"employee_id": ["e1"], "full_name": ["An"]})
CUSTOMERS = pa.table({"customer_id": ["c1"], "customer_name": ["An"], "created_at": ["2026-01-01"]})


@pytest.fixture
def landing(tmp_path: Path) -> Landing:
    return Landing(tmp_path / "landing")


def test_absent_entities_are_fine_unless_they_must_be_delivered(landing: Landing) -> None:
    source = Tables(employees=EMPLOYEES)
    seen: list[tuple[str, Manifest | None]] = []
    manifests = ingest_night(
        landing, source, NIGHT, ZONE, on_progress=lambda entity, manifest, _: seen.append((entity, manifest))
    )
    assert [(m.entity, m.status) for m in manifests] == [
        ("employees", BatchStatus.LANDED),
        ("customers", BatchStatus.FAILED),
    ]
    assert manifests[1].problem is not None
    assert manifests[1].problem.rule == "missing"
    assert "no warehouse can be built without customers" in manifests[1].problem.message
    assert [entity for entity, _ in seen] == list(contract().entities)
    assert [manifest for _, manifest in seen if manifest is not None] == manifests


def test_what_was_delivered_before_must_come_again(landing: Landing) -> None:
    sources = pa.table({"source_id": ["s"], "source_name": ["x"]})
    first = Tables(employees=EMPLOYEES, customers=CUSTOMERS, sources=sources)
    assert all(m.status is BatchStatus.LANDED for m in ingest_night(landing, first, date(2026, 3, 30), ZONE))
    second = Tables(employees=EMPLOYEES, customers=CUSTOMERS)
    failed = [m for m in ingest_night(landing, second, NIGHT, ZONE) if m.status is BatchStatus.FAILED]
    assert [m.entity for m in failed] == ["sources"]
    assert failed[0].problem is not None
    assert "this source delivered it before, last on 2026-03-30" in failed[0].problem.message
    assert ingest_entity(landing, second, "sources", date(2026, 3, 29), ZONE) is None


def test_an_entity_that_failed_and_then_turns_out_not_to_be_delivered_stops_nothing(landing: Landing) -> None:
    """An empty folder is an error of every entity; once it holds a file, those without one are not delivered."""
    nowhere = SourceError("task_types", "folder", "missing", "the folder holds no data")
    statuses = []
    for found in (nowhere, None, nowhere, pa.table({"task_type_id": ["t1"], "task_type_name": ["Call"]}), None):
        source = Tables(employees=EMPLOYEES, customers=CUSTOMERS, **({} if found is None else {"task_types": found}))
        ingest_night(landing, source, NIGHT, ZONE)
        [profile] = [one for one in profile_night(landing, "tables", NIGHT, {}) if one.entity == "task_types"]
        statuses.append(profile.status)
    # What has landed once is missed when it does not come again.
    assert statuses == ["failed", "absent", "failed", "landed", "failed"]
    assert [m.status.value for m in landing.manifests("tables", "task_types")] == [
        "failed",
        "failed",
        "landed",
        "failed",
    ]


def test_bad_entities_do_not_stop_the_others(landing: Landing) -> None:
    source = Tables(
        employees=SourceError("employees", "employees.csv", "unreadable", "employees.csv is cut short"),
        departments=pa.table({"foo": ["1"]}),
        customers=CUSTOMERS,
    )
    by_entity = {m.entity: m for m in ingest_night(landing, source, NIGHT, ZONE)}
    assert {name: (m.status.value, m.problem.rule if m.problem else None) for name, m in by_entity.items()} == {
        "departments": ("failed", "header"),
        "employees": ("failed", "unreadable"),
        "customers": ("landed", None),
    }
    assert [m.entity for m in landing.visible("tables")] == ["customers"]


def test_only_named_entities(landing: Landing) -> None:
    source = Tables(employees=EMPLOYEES, customers=CUSTOMERS)
    assert [m.entity for m in ingest_night(landing, source, NIGHT, ZONE, entities=["customers"])] == ["customers"]
    with pytest.raises(KeyError, match="the contract has no entity 'clients'"):
        ingest_night(landing, source, NIGHT, ZONE, entities=["clients"])


def test_warnings_reach_the_manifest(landing: Landing) -> None:
    source = Tables(customers=CUSTOMERS.append_column("vip", pa.array(["x"])))
    manifest = ingest_entity(landing, source, "customers", NIGHT, ZONE)
    assert manifest is not None
    assert manifest.warnings == ("customers.csv: column vip is not in the contract and was ignored",)


def test_defects_of_the_program_are_not_taken_for_bad_input(landing: Landing) -> None:
    with pytest.raises(ZeroDivisionError):
        ingest_night(landing, Tables(departments=ZeroDivisionError()), NIGHT, ZONE)


class _Meeting(Landing):
    """A landing zone that stores a batch only once the source has been asked for the next entity."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.asked = threading.Event()

    def write(self, source: str, night: date, raw: RawTable, validated: Validated) -> Manifest:
        if raw.entity == "employees":
            assert self.asked.wait(30), "the next entity is asked for only after this one is stored"
        return super().write(source, night, raw, validated)


class _Announcing(Tables):
    """Says when it is asked for customers."""

    def __init__(self, asked: threading.Event, **tables: pa.Table | Exception) -> None:
        super().__init__(**tables)
        self.asked = asked

    def read(self, entity: str, night: date, complete: bool = False) -> RawTable | None:
        if entity == "customers":
            self.asked.set()
        return super().read(entity, night, complete)


def test_a_batch_is_stored_while_the_next_entity_is_read(tmp_path: Path) -> None:
    landing = _Meeting(tmp_path / "landing")
    source = _Announcing(landing.asked, employees=EMPLOYEES, customers=CUSTOMERS)
    only_these = ["employees", "customers"]
    seen: list[str] = []
    manifests = ingest_night(
        landing, source, NIGHT, ZONE, only_these, lambda entity, _, seconds: seen.append(f"{entity} {seconds > 0}")
    )
    assert [(m.entity, m.status) for m in manifests] == [(name, BatchStatus.LANDED) for name in only_these]
    assert seen == ["employees True", "customers True"]


def test_what_was_judged_before_a_defect_is_stored_and_told(tmp_path: Path) -> None:
    landing = _Meeting(tmp_path / "landing")
    source = _Announcing(landing.asked, employees=EMPLOYEES, customers=ZeroDivisionError())
    seen: list[str] = []
    with pytest.raises(ZeroDivisionError):
        ingest_night(landing, source, NIGHT, ZONE, ["employees", "customers"], lambda entity, *_: seen.append(entity))
    assert seen == ["employees"]
    assert [m.entity for m in landing.visible("tables")] == ["employees"]


def test_nothing_is_stored_after_a_batch_that_could_not_be(tmp_path: Path) -> None:
    class Full(Landing):
        def write(self, source: str, night: date, raw: RawTable, validated: Validated) -> Manifest:
            if raw.entity == "employees":
                raise OSError(28, "No space left on device")
            return super().write(source, night, raw, validated)

    landing = Full(tmp_path / "landing")
    with pytest.raises(OSError, match="No space left"):
        ingest_night(landing, Tables(employees=EMPLOYEES, customers=CUSTOMERS), NIGHT, ZONE)
    assert landing.manifests("tables") == []


def test_changes_alone_are_refused_until_all_rows_have_landed_on_an_earlier_night(landing: Landing) -> None:
    source = Tables(employees=EMPLOYEES)
    source.kind = BatchKind.DELTA
    refused = ingest_entity(landing, source, "employees", NIGHT, ZONE)
    assert refused is not None
    assert refused.problem is not None
    assert (refused.status, refused.problem.rule) == (BatchStatus.FAILED, "first_batch")
    assert "Deliver all rows once, then changes" in refused.problem.message

    source.kind = BatchKind.COMPLETE
    assert ingest_entity(landing, source, "employees", NIGHT, ZONE) is not None
    source.kind = BatchKind.DELTA
    next_night = NIGHT + timedelta(days=1)
    landed = ingest_entity(landing, source, "employees", next_night, ZONE)
    assert landed is not None
    assert (landed.status, landed.kind) == (BatchStatus.LANDED, BatchKind.DELTA)
    # Running the first night again must not replace its rows by changes.
    again = ingest_entity(landing, source, "employees", NIGHT, ZONE)
    assert again is not None
    assert again.status is BatchStatus.FAILED
    assert source.asked_complete == [True, True, False, True]
