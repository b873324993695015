"""What is in a page's file and what is not, over a company small enough to know by heart."""

from __future__ import annotations

import hashlib
import os
import re
import stat
from base64 import b64encode
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.page import runtime
from orchestration.page.collect import MOST_MONTHS, TEAM, choose_months
from orchestration.page.drill import DRILLS
from orchestration.page.rows import LISTS, most_rows
from orchestration.page.write import (
    Folder,
    Gone,
    NotWritten,
    Written,
    file_name,
    page_viewers,
    remove_others,
    write_all,
    write_page,
)
from orchestration.report.block_names import BlockName
from orchestration.report.errors import PageError
from orchestration.report.labels import Lang
from tests.page.reading import File, take_apart
from tests.unit.report_publication import AS_OF, DIRECTOR, GONE, MANAGER, OTHER, PEER, SELLER, write_publication

Extra = Mapping[str, Sequence[tuple[Any, ...]]]
RUNTIME = "globalThis.vegaEmbed = null;"


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """A publication, and a chart library that is there already."""
    return folder_of(tmp_path)


def folder_of(path: Path, extra: Extra | None = None, as_of: date = AS_OF) -> Folder:
    marts = write_publication(path, as_of, extra)
    cache = path / "cache"
    cache.mkdir()
    runtime.library_path(cache).write_text(RUNTIME, encoding="utf-8")
    return Folder(marts, path / "pages", cache)


def file_of(folder: Folder, email: str, **asked: Any) -> File:
    return take_apart(write_page(folder, email, **asked).path)


# -- whose -------------------------------------------------------------------------------------------------------------


def test_a_seller_has_one_page_and_a_manager_the_team_and_each(folder: Folder) -> None:
    assert list(file_of(folder, "tuyet@cty.vn").parts) == [SELLER]
    manager = file_of(folder, "quan@cty.vn")
    assert set(manager.parts) == {TEAM, MANAGER, SELLER, PEER, GONE}
    assert next(one["id"] for one in manager.head["subjects"]) == TEAM
    assert list(file_of(folder, "quan@cty.vn", employee="duc").parts) == [PEER]
    assert set(file_of(folder, "giang@cty.vn").parts) >= {DIRECTOR, OTHER, "none", "unknown"}


def test_nothing_of_a_peer_or_of_anybody_else_is_in_the_file(folder: Folder) -> None:
    file = file_of(folder, "tuyet@cty.vn")
    found = set(file.texts())
    everything = "\n".join(found)
    assert "Khách C1" in everything, "the seller's own customer is there"
    people = ("Nguyễn Minh Đức", "Lê Văn Quản", "Trần Thị Giang", "Đỗ Quang Huy", "Vũ Thị Nga", "duc@cty.vn")
    for stranger in (*people, "Khách C6", "Khách C7", "Việc của Đức"):
        assert stranger not in everything
    assert not {PEER, MANAGER, OTHER, DIRECTOR, GONE, "C6", "C7", "O7", "SO-8"} & found


def test_a_right_to_tasks_alone_opens_only_the_own_page(folder: Folder) -> None:
    file = file_of(folder, "huy@cty.vn")
    assert list(file.parts) == [OTHER]
    assert "Gọi lại" not in "\n".join(file.texts()), "the rows of tasks follow the page's right"


def test_the_order_of_anothers_customer_is_there_without_the_name(folder: Folder) -> None:
    """O2 was sold by the seller to a customer of the peer."""
    orders = file_of(folder, "tuyet@cty.vn").parts[SELLER]["lists"]["orders"]["2026-03"]["rows"]
    assert [(row[0], row[2]) for row in orders if row[0] in ("O2", "SO-1")] == [("SO-1", "Khách C1"), ("O2", None)]


@pytest.mark.parametrize("email", ["nobody@cty.vn", "kho@cty.vn", "nga@cty.vn", ""])
def test_who_may_see_nobody_gets_no_file(folder: Folder, email: str) -> None:
    with pytest.raises(PageError, match="may see nobody"):
        write_page(folder, email)
    assert not folder.pages_dir.exists()


def test_an_unseen_persons_page_is_refused_like_that_of_nobody(folder: Folder) -> None:
    for wanted in ("duc", "no such person"):
        with pytest.raises(PageError, match="No employee you may see"):
            write_page(folder, "tuyet@cty.vn", employee=wanted)


# -- which months ------------------------------------------------------------------------------------------------------


def test_the_last_24_known_months() -> None:
    march = date(2026, 3, 1)
    assert choose_months(march, None, date(2026, 1, 1)) == (date(2026, 1, 1), date(2026, 2, 1), march)
    full = choose_months(march, None, date(2020, 1, 1))
    assert (len(full), full[0], full[-1]) == (MOST_MONTHS, date(2024, 4, 1), march)
    assert choose_months(march, date(2025, 5, 1), date(2020, 1, 1)) == full, "it is among them"
    early = choose_months(march, date(2022, 5, 1), date(2020, 1, 1))
    assert (len(early), early[-1]) == (MOST_MONTHS, date(2022, 5, 1))
    assert choose_months(march, None, None) == (march,), "nothing is known, and the page says so"
    assert choose_months(march, date(2019, 5, 1), date(2020, 1, 1)) == (date(2019, 5, 1),)


def test_months_and_the_one_to_open_with(folder: Folder) -> None:
    file = file_of(folder, "tuyet@cty.vn", month="2026-02")
    assert [one["month"] for one in file.head["months"]] == ["2026-02", "2026-03"]
    assert file.head["month"] == "2026-02"
    assert set(file.parts[SELLER]["months"]) == {"2026-02", "2026-03"}
    with pytest.raises(PageError, match="is no month"):
        write_page(folder, "tuyet@cty.vn", month="02/2026")


def test_a_month_that_is_not_over_says_so(tmp_path: Path) -> None:
    file = file_of(folder_of(tmp_path, as_of=date(2026, 3, 15)), "tuyet@cty.vn")
    assert file.head["months"][-1]["how_much"] == ["day 1 to 15 of 31", "ngày 1 đến 15 trên 31"]
    assert [one["is_whole"] for one in file.head["months"]] == [True, False]


# -- figures -----------------------------------------------------------------------------------------------------------


def test_the_hand_counted_figures_in_both_languages(folder: Folder) -> None:
    file = file_of(folder, "tuyet@cty.vn")
    rows = file.table(SELLER, "conversion", "2026-03")
    assert rows[0][:4] == ["1 New customers", "12", "10", "+20.0%"]
    assert [row[1] for row in rows if row[0] == "5 Revenue"] == ["130,000,000"]
    vietnamese = file.block(SELLER, "conversion", "2026-03")["items"][0]["rows"][0][0]
    assert file.words(SELLER, vietnamese, 1) == "1 Khách hàng mới"
    assert [row[1] for row in file.table(SELLER, "tasks", "2026-03")] == ["1", "2", "3", "4", "14", "2", "1", "25"]
    team = file_of(folder, "quan@cty.vn").table(TEAM, "tasks", "2026-03")
    assert team[-1][1] == "38", "25 + 9 + 4 of exactly the people shown"


def test_unknown_is_not_zero(folder: Folder) -> None:
    """Nothing can be held against a target without an actual, and there is no share of nothing."""
    rows = {row[0]: row[1:] for row in file_of(folder, "tuyet@cty.vn").table(SELLER, "targets", "2026-03")}
    assert rows["smiles"] == ["–", "–", "–", "–"]
    gone = file_of(folder, "quan@cty.vn")
    assert gone.block(GONE, "tasks", "2026-03") == {"empty": gone.block(GONE, "tasks", "2026-03")["empty"]}
    assert gone.words(GONE, gone.block(GONE, "tasks", "2026-03")["empty"]) == "None in this month."


def test_the_rest_of_the_provinces_opens_nothing_and_those_without_one_their_own(folder: Folder) -> None:
    tables = {
        who: file.block(who, "provinces", "2026-03")["items"][0]
        for file in [file_of(folder, "quan@cty.vn")]
        for who in (TEAM, MANAGER)
    }
    assert tables[MANAGER]["keys"] == ["V2", "V3", "V4", "V5", "V6", ""]
    assert tables[TEAM]["keys"] == ["V2", "V1", "V3", "V4", "V5", "", "none"]


def test_a_long_list_says_how_many_rows_there_are(tmp_path: Path) -> None:
    day = date(2026, 3, 2)
    count = most_rows(1) + 5
    many = [(f"X{at}", f"Việc {at}", SELLER, "P1", "T1", "new", day.replace(day=1), day) for at in range(count)]
    file = file_of(folder_of(tmp_path, {"marts.fct_tasks": many}), "tuyet@cty.vn")
    tasks = file.parts[SELLER]["lists"]["tasks"]["2026-03"]
    assert (tasks["total"], len(tasks["rows"])) == (len(many) + 2, most_rows(1))


def test_two_of_one_name_open_their_own_rows(tmp_path: Path) -> None:
    """Two of everything that has an id; P1 and the like have rows already."""
    march, day = date(2026, 3, 1), date(2026, 3, 2)
    extra: Extra = {
        "marts.dim_projects": [("P2", "Mở rộng", False)],
        "marts.dim_task_types": [("T3", "Gọi điện", False)],
        "marts.dim_products": [("A3", "Mực in", False)],
        "marts.dim_sources": [("S4", "Facebook", False)],
        "marts.dim_industries": [("I2", "Bán lẻ", False)],
        "marts.dim_relationships": [("R4", "Tiềm năng", 4)],
        "marts.fct_task_status": [(march, SELLER, "P2", "T3", 1, 1, 0, 0, 0, 0, 0, 0)],
        "marts.fct_tasks": [("W4", "Việc khác", SELLER, "P2", "T3", "new", march, day, None, None, False)],
        "marts.fct_product_sales": [(march, SELLER, "A3", 1, 0, 1, 500)],
        "marts.fct_order_lines": [("L3", "O1", "A3", "C1", SELLER, day, march, True, 1, 500)],
        "marts.kpi_customer_structure": [
            (SELLER, "source", "S4", 1, 1, 1, 0, 0),
            (SELLER, "industry", "I1", 1, 1, 1, 0, 0),
            (SELLER, "industry", "I2", 1, 1, 1, 0, 0),
        ],
        "marts.fct_customer_sources": [("C3", "S4", SELLER)],
        "marts.fct_customer_industries": [("C3", "I2", SELLER)],
        "marts.dim_customers": [
            ("C8", SELLER, "R5", "Đã mua", 2, False, "Khách C8", "An Giang"),
            ("C9", SELLER, "R4", "Tiềm năng", 4, False, "Khách C9", "An Giang"),
        ],
        "marts.dim_customer_cohort": [
            ("C8", SELLER, "R5", 1, "0_to_6_days", False, "V1"),
            ("C9", SELLER, "R4", 1, "0_to_6_days", False, "V8"),
        ],
        "marts.dim_provinces": [("V8", "An Giang", False)],
        "marts.kpi_province_top": [(SELLER, 2, "province", "V8", "An Giang", 1, 1)],
        "marts.fct_journey": [(AS_OF, SELLER, "R4", None, 1)],
        "marts.kpi_journey_time": [(SELLER, "R4", 1, 0, 0, 0, 0, 0, 0, 0, 0)],
        "marts.fct_relationship_moves": [("M9", "C4", SELLER, "R4", "R5", day, march, "forward")],
    }
    file = file_of(folder_of(tmp_path, extra), "tuyet@cty.vn")
    for name, way, others in (
        (BlockName.PROJECTS, ("tasks", "project_id", "project"), {"P1": ["Gọi lại"], "P2": ["Việc khác"]}),
        (BlockName.TASK_TYPES, ("tasks", "type_id", "type"), {"T1": ["Gọi lại"], "T3": ["Việc khác"]}),
        (BlockName.PRODUCTS, ("lines", "product_id", "product"), {"A2": ["SO-1"], "A3": ["SO-1"]}),
        (
            BlockName.SOURCES,
            ("customers", "source_ids", "sources"),
            {"S1": ["Khách C1", "Khách C2"], "S4": ["Khách C3"]},
        ),
        (BlockName.INDUSTRIES, ("customers", "industry_ids", None), {"I1": ["Khách C1"], "I2": ["Khách C3"]}),
        (
            BlockName.RELATIONSHIPS,
            ("customers", "relationship_id", "relationship"),
            {"R9": ["Khách C1", "Khách C2"], "R4": ["Khách C9"]},
        ),
        (
            BlockName.JOURNEY,
            ("customers", "relationship_id", "relationship"),
            {"R9": ["Khách C1", "Khách C2"], "R4": ["Khách C9"]},
        ),
        (
            BlockName.PROVINCES,
            ("customers", "province_id", "province"),
            {"V1": ["Khách C8"], "V8": ["Khách C9"]},
        ),
        (
            BlockName.MOVES,
            ("moves", "pair_key", "pair"),
            {"R9\nR5\nforward": ["2026-03-02", "2026-03-03"], "R4\nR5\nforward": ["2026-03-02"]},
        ),
    ):
        listed, field, shown = way
        drill = DRILLS[name][0]
        assert drill.of_key is not None
        assert (drill.of_key.list_name, drill.of_key.field) == (listed, field)
        names = [one.name for one in LISTS[listed].fields]
        rows = file.parts[SELLER]["lists"][listed]["2026-03" if LISTS[listed].is_monthly else "now"]["rows"]
        table = file.block(SELLER, name, "2026-03")["items"][0]
        labels = {key: row[0] for key, row in zip(table["keys"], table["rows"], strict=False)}
        of = {key: [row for row in rows if key in _listed(row[names.index(field)])] for key in others}
        assert {key: sorted(row[0] for row in found) for key, found in of.items()} == others, name
        assert len({labels[key] for key in others}) == 1, "they have one name"
        if shown is not None:
            assert {str(row[names.index(shown)]) for found in of.values() for row in found}, "and it is shown"


def _listed(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]


# -- the file ----------------------------------------------------------------------------------------------------------

HOSTILE = '</script><script>alert("1")</script>\u202egnp.exe & <b>"bold\'</b>\u2028<!--'


def test_names_cannot_become_markup(tmp_path: Path) -> None:
    extra: Extra = {
        "marts.dim_customers": [("C9", SELLER, "R9", "Tiềm năng", 1, False, HOSTILE)],
        "marts.dim_customer_cohort": [("C9", SELLER, "R9", 1, "0_to_6_days", False)],
    }
    file = file_of(folder_of(tmp_path, extra), "tuyet@cty.vn")
    assert 'alert("1")' in "\n".join(file.texts()), "the name is there, as a text"
    assert "alert(" not in file.text.split("<body>")[1].split(RUNTIME)[0]
    assert "\u202e" not in "".join(file.texts()), "a name cannot turn the line around"
    assert file.text.count("</script>") == len(re.findall("<script", file.text)) == 4


def test_the_title_and_the_subjects_are_escaped(tmp_path: Path) -> None:
    nasty = "</script><b>nasty</b>"
    extra: Extra = {
        "marts.dim_employees": [('E"<9', nasty, "nasty@cty.vn", "D1", "K1", 3, "NV", True, False, False)],
        "core.core_employee_scope": [('E"<9', "nasty@cty.vn", "employee", 'E"<9', "self")],
    }
    file = file_of(folder_of(tmp_path, extra), "nasty@cty.vn")
    assert list(file.parts) == ['E"<9']
    assert file.head["subjects"][0]["name"] == nasty
    assert "<" not in file.text.split('id="head">')[1].split("</script>")[0]
    assert nasty not in file.text


def test_only_the_files_own_scripts_may_run_and_nothing_is_loaded(folder: Folder) -> None:
    text = file_of(folder, "tuyet@cty.vn").text
    policy = re.search(r'http-equiv="Content-Security-Policy" content="(.*?)"', text)
    assert policy is not None
    scripts = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    hashes = [f"'sha256-{b64encode(hashlib.sha256(script.encode()).digest()).decode()}'" for script in scripts]
    assert policy[1].split("; ")[:2] == ["default-src 'none'", f"script-src {' '.join(hashes)}"]
    assert "unsafe-eval" not in text
    assert not re.findall(r'(?:src|href)="(?!#)', text)


def test_the_file_is_its_owners_alone_and_replaced_whole(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    first = write_page(folder, "tuyet@cty.vn")
    assert stat.S_IMODE(first.path.stat().st_mode) == 0o600
    assert first.path == folder.pages_dir / "tuyet@cty.vn.html"
    before = first.path.read_bytes()

    def torn(*_: object) -> None:
        raise OSError("no room")

    monkeypatch.setattr("orchestration.page.write.replace_durably", torn)
    with pytest.raises(OSError, match="no room"):
        write_page(folder, "tuyet@cty.vn", month="2026-02")
    assert first.path.read_bytes() == before
    assert [path.name for path in folder.pages_dir.iterdir()] == [first.path.name], "nothing is left behind"


def test_what_a_killed_process_left_goes_with_the_next_page(folder: Folder) -> None:
    folder.pages_dir.mkdir()
    old, new, others = (
        folder.pages_dir / f".{name}.tmp" for name in ("tuyet@cty.vn.html.a", "tuyet@cty.vn.html.b", "x")
    )
    for path in (old, new, others):
        path.write_text("half a page", encoding="utf-8")
    for path in (old, others):
        os.utime(path, (0, 0))
    write_page(folder, "tuyet@cty.vn")
    assert not old.exists()
    assert new.exists(), "another process may still be writing it"
    assert others.exists(), "it is none of this page's"


def test_the_same_publication_makes_the_same_file(folder: Folder) -> None:
    first, second = (write_page(folder, "quan@cty.vn").path.read_bytes() for _ in range(2))
    assert first == second


def test_where_a_page_goes(folder: Folder, tmp_path: Path) -> None:
    assert write_page(folder, "quan@cty.vn", employee="duc").path.name == f"quan@cty.vn,{PEER}.html"
    assert write_page(folder, "tuyet@cty.vn", target=tmp_path / "new" / "x.html").path == tmp_path / "new" / "x.html"
    assert file_name("../../etc/Passwd@x") == "..%2F..%2Fetc%2Fpasswd@x.html"
    with pytest.raises(PageError, match="too long"):
        file_name("x" * 300 + "@y")
    with pytest.raises(PageError, match="is a folder"):
        write_page(folder, "tuyet@cty.vn", target=tmp_path)


def test_the_language_it_opens_in(folder: Folder) -> None:
    assert '<html lang="en">' in file_of(folder, "tuyet@cty.vn", lang=Lang.EN).text
    assert file_of(folder, "tuyet@cty.vn").head["lang"] is None, "the reader's own"


# -- everybody's -------------------------------------------------------------------------------------------------------


def test_everybody_who_may_see_a_page_gets_their_own(folder: Folder) -> None:
    emails = page_viewers(folder.marts_path)
    assert emails == ["duc@cty.vn", "giang@cty.vn", "huy@cty.vn", "quan@cty.vn", "tuyet@cty.vn"]
    written = list(write_all(folder, processes=2))
    assert [one.email for one in written] == emails
    assert [one.people for one in written if isinstance(one, Written)] == [1, 9, 1, 4, 1]


def test_a_page_is_the_same_whoever_was_looked_as_before(folder: Folder) -> None:
    """One process writes them all: the one who sees everybody comes before those who see little."""
    written = [one for one in write_all(folder, processes=1) if isinstance(one, Written)]
    together = {one.email: one.path.read_bytes() for one in written}
    assert len(together) == 5
    assert together == {email: write_page(folder, email).path.read_bytes() for email in together}


def test_a_page_of_somebody_who_may_see_nothing_any_more_is_deleted(folder: Folder) -> None:
    for email in ("duc@cty.vn", "quan@cty.vn"):
        write_page(folder, email)
    write_page(folder, "quan@cty.vn", employee="duc")
    (folder.pages_dir / "notes.html").write_text("mine", encoding="utf-8")
    assert remove_others(folder, ["duc@cty.vn"]) == [Gone("quan@cty.vn", None)] * 2
    assert sorted(path.name for path in folder.pages_dir.iterdir()) == ["duc@cty.vn.html", "notes.html"]


def test_one_persons_page_is_deleted_once_its_viewer_may_not_see_that_person(folder: Folder) -> None:
    for who in ("duc", "tuyet@cty.vn"):
        write_page(folder, "quan@cty.vn", employee=who)
    write_page(folder, "quan@cty.vn")
    with duckdb.connect(str(folder.marts_path)) as connection:
        connection.execute(
            "delete from core.core_employee_scope where viewer_id = ? and employee_id = ?", [MANAGER, PEER]
        )
        # A right to the tasks alone opens no page.
        connection.execute(
            "insert into core.core_employee_scope values (?, 'Quan@Cty.vn', 'task', ?, 'view_all')", [MANAGER, PEER]
        )
    assert remove_others(folder, page_viewers(folder.marts_path)) == [Gone("quan@cty.vn", PEER)]
    assert sorted(path.name for path in folder.pages_dir.iterdir()) == [
        f"quan@cty.vn,{SELLER}.html",
        "quan@cty.vn.html",
    ]


def test_an_address_of_several_people_stops_nobody_elses_page(tmp_path: Path) -> None:
    shared: Extra = {"core.core_employee_scope": [(OTHER, "giang@cty.vn", "employee", OTHER, "self")]}
    folder = folder_of(tmp_path, shared)
    folder.pages_dir.mkdir()
    for name in ("giang@cty.vn.html", f"giang@cty.vn,{SELLER}.html", "xgiang@cty.vn.html"):
        (folder.pages_dir / name).write_text("of another day", encoding="utf-8")
    results = list(write_all(folder, processes=2))
    assert [one.email for one in results] == page_viewers(folder.marts_path)
    assert len(results) == 5
    (refused,) = (one for one in results if isinstance(one, NotWritten))
    assert (refused.email, refused.deleted) == ("giang@cty.vn", 2)
    assert str(refused.error) == f"giang@cty.vn is the address of several people: {DIRECTOR}, {OTHER}."
    assert refused.error.hint.startswith("Give each their own address")
    assert sorted(path.name for path in folder.pages_dir.iterdir()) == [
        "duc@cty.vn.html",
        "huy@cty.vn.html",
        "quan@cty.vn.html",
        "tuyet@cty.vn.html",
        "xgiang@cty.vn.html",
    ]


def test_without_a_publication_no_page_is_deleted_and_the_reason_is_told(folder: Folder) -> None:
    """It is nobody's own fault, so nobody's page goes."""
    kept = write_page(folder, "quan@cty.vn").path
    folder.marts_path.unlink()
    with pytest.raises(PageError, match="The publication cannot be read: there is no publication at") as found:
        list(write_all(folder, processes=1, emails=["quan@cty.vn"]))
    assert "kpi run" in found.value.hint
    assert kept.is_file()


# -- the chart library -------------------------------------------------------------------------------------------------


def test_the_chart_library_is_bundled_once_without_a_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = tmp_path / "cache"
    bundled = runtime.chart_runtime(cache)
    assert len(bundled) < 1_000_000
    assert "vegaEmbed" in bundled
    assert "</script" not in bundled.lower()
    monkeypatch.setattr("vl_convert.javascript_bundle", None)
    assert runtime.chart_runtime(cache) == bundled
