"""Several sources as one: who delivers what, and what is refused."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from orchestration.settings import Settings
from orchestration.sources.base import BatchKind, RawTable, SourceError
from orchestration.sources.combined import CombinedSource
from orchestration.sources.factory import build_source, parts_of
from orchestration.sources.files import FilesSource

NIGHT = date(2026, 3, 31)


@dataclass
class Crm:
    """A CRM that has these tables."""

    tables: dict[str, dict[str, list[object]]]
    kind: BatchKind = BatchKind.COMPLETE
    name: str = "crm"

    def read(self, entity: str, night: date, complete: bool = False) -> RawTable | None:
        if entity not in self.tables:
            return None
        table = pa.table(self.tables[entity])
        return RawTable(entity, self.kind, table, pa.array(range(2, table.num_rows + 2)), f"CRM {entity}")


COMMENTS: dict[str, list[object]] = {
    "interaction_id": ["1", "2"],
    "customer_id": ["7", "7"],
    "type": ["comment", "comment"],
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    calls = "interaction_id,customer_id,type,occurred_at,duration_seconds\nC1,7,call,2026-03-30 09:00,35\n"
    (tmp_path / "interactions.csv").write_text(calls, encoding="utf-8")
    targets = "period_start,period_end,metric,target_value\n2026-03-01,2026-03-31,orders,3\n"
    (tmp_path / "kpi_targets.csv").write_text(targets, encoding="utf-8")
    return tmp_path


def test_each_entity_comes_from_the_first_source_that_has_it(folder: Path) -> None:
    both = CombinedSource([Crm({"interactions": COMMENTS}), FilesSource(folder)], {})
    comments, targets = both.read("interactions", NIGHT), both.read("kpi_targets", NIGHT)
    assert comments is not None
    assert targets is not None
    assert (both.name, comments.input_name, targets.input_name) == ("crm", "CRM interactions", "kpi_targets.csv")
    assert both.read("projects", NIGHT) is None


def test_an_entity_can_come_from_another_source(folder: Path) -> None:
    both = CombinedSource([Crm({"interactions": COMMENTS}), FilesSource(folder)], {"interactions": ("files",)})
    calls = both.read("interactions", NIGHT)
    assert calls is not None
    assert calls.input_name == "interactions.csv"


def test_parts_add_up_to_one_table(folder: Path) -> None:
    crm = Crm({"interactions": {**COMMENTS, "is_odd": [True, None], "ids": [["a", "b"], []]}})
    both = CombinedSource([crm, FilesSource(folder)], {"interactions": ("crm", "files")})
    raw = both.read("interactions", NIGHT)
    assert raw is not None
    rows = raw.table.select(["interaction_id", "type", "is_odd", "ids", "duration_seconds"]).to_pylist()
    assert [tuple(row.values()) for row in rows] == [
        ("1", "comment", "true", "a;b", None),
        ("2", "comment", None, "", None),
        ("C1", "call", None, None, "35"),
    ]
    assert (raw.kind, raw.rows_in, raw.row_numbers.to_pylist()) == (BatchKind.COMPLETE, 3, [2, 3, 2])
    assert raw.input_name == "CRM interactions and interactions.csv"


def test_absence_from_a_part_that_tells_changes_only_says_nothing(folder: Path) -> None:
    crm = Crm({"interactions": COMMENTS}, BatchKind.DELTA)
    raw = CombinedSource([crm, FilesSource(folder)], {"interactions": ("crm", "files")}).read("interactions", NIGHT)
    assert raw is not None
    assert raw.kind is BatchKind.DELTA


def test_one_id_with_two_meanings_is_refused(folder: Path) -> None:
    crm = Crm({"interactions": {**COMMENTS, "interaction_id": ["1", "C1"]}})
    both = CombinedSource([crm, FilesSource(folder)], {"interactions": ("crm", "files")})
    with pytest.raises(SourceError, match=r"interactions C1 is in CRM interactions and in interactions\.csv"):
        both.read("interactions", NIGHT)


def test_a_part_that_is_named_has_to_deliver(folder: Path) -> None:
    both = CombinedSource([Crm({}), FilesSource(folder)], {"interactions": ("crm", "files")})
    with pytest.raises(SourceError, match="is to come from crm and files, and crm has none for 2026-03-31"):
        both.read("interactions", NIGHT)


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ({"calls": ("files",)}, "calls is no entity"),
        ({"orders": ("sap",)}, "there is no source sap; it is crm or files"),
    ],
)
def test_names_that_are_not_there_are_refused(folder: Path, parts: dict[str, tuple[str, ...]], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        CombinedSource([Crm({}), FilesSource(folder)], parts)


def test_the_setting_is_a_list_of_entities_and_their_sources() -> None:
    assert parts_of("") == {}
    assert parts_of(" interactions = getfly + files , tasks=files") == {
        "interactions": ("getfly", "files"),
        "tasks": ("files",),
    }
    for wrong in ("interactions", "interactions=", "tasks=files,tasks=getfly", "tasks=files+"):
        with pytest.raises(ValueError, match="is not like interactions=getfly"):
            parts_of(wrong)


def test_past_nights_are_those_that_every_part_still_has(folder: Path) -> None:
    assert CombinedSource([FilesSource(folder)], {}).nights_between(NIGHT, NIGHT) is None
    (folder / "2026-03-30").mkdir()
    assert CombinedSource([FilesSource(folder)], {}).nights_between(date(2026, 3, 1), NIGHT) == [date(2026, 3, 30)]
    assert CombinedSource([Crm({}), FilesSource(folder)], {}).nights_between(NIGHT, NIGHT) is None


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, "needs KPI_GETFLY_URL"),
        ({"getfly_url": "https://x.getflycrm.com"}, "KPI_GETFLY_KEY_FILE"),
        ({"getfly_url": "https://x.getflycrm.com", "getfly_key_file": "open"}, "is open to others; `chmod 600"),
        ({"getfly_url": "https://x.getflycrm.com", "getfly_key_file": "not there"}, "cannot be read"),
    ],
)
def test_a_tenant_without_address_or_key_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: dict[str, Any], words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "open").write_text("key", encoding="utf-8")
    (tmp_path / "open").chmod(0o644)
    with pytest.raises(ValueError, match=words):
        build_source(Settings(source="getfly", home=tmp_path, **given))
