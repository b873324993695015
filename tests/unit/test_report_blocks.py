"""Which blocks a page shows, with which filters, whose rows, and how they fit: what holds for every block alike."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple, cast

import duckdb
import pytest
from rich.cells import cell_len
from rich.console import Console

from orchestration.report.block import Block
from orchestration.report.block_names import ALL, FIRST, FIRST_BLOCKS, BlockName
from orchestration.report.blocks import BLOCKS, choose_blocks
from orchestration.report.blocks.conversion import Conversion
from orchestration.report.errors import PageError
from orchestration.report.figures import first_and_rest, percent, quantities, quantity
from orchestration.report.labels import Lang, age_name, gender_name, metric_name, order_status_name
from orchestration.report.page import Page, load_page
from orchestration.report.people import Person, read_viewer
from orchestration.report.publication import open_publication
from orchestration.report.reading import Asked, Filters, Member, Reading, parse_window
from orchestration.report.terminal import render
from tests.unit.report_publication import GONE, MANAGER, OTHER, PEER, SELLER, write_publication

MARCH, AS_OF = date(2026, 3, 1), date(2026, 3, 31)


@pytest.fixture(scope="module")
def marts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_publication(tmp_path_factory.mktemp("publication"))


def person(employee_id: str) -> Person:
    return Person(employee_id, employee_id, None, None, None, True, False, "self")


def names(page: Page) -> list[str]:
    return [block.name.value for block in page.blocks]


def shown(page: Page, width: int = 80, lang: Lang = Lang.EN) -> str:
    file = io.StringIO()
    Console(file=file, width=width, _environ={}).print(render(page, width, lang), crop=False)
    return file.getvalue()


def refusal(marts: Path, blocks: Sequence[str] = (), asked: Asked | None = None) -> PageError:
    with pytest.raises(PageError) as caught:
        load_page(marts, "tuyet@cty.vn", None, None, blocks, asked)
    return caught.value


# -- which blocks ------------------------------------------------------------------------------------------------------


def test_every_name_has_one_block_in_the_pages_order() -> None:
    assert list(BLOCKS) == list(BlockName)
    assert len(set(BLOCKS.values())) == len(BlockName)


def test_one_persons_page_shows_everything_and_says_how_to_shorten_it(marts: Path) -> None:
    page = load_page(marts, "tuyet@cty.vn")
    assert names(page) == [name for name in BlockName if name is not BlockName.TEAM]
    assert "Shorter: --block first." in shown(page)
    assert "Also:" not in shown(page)


def test_a_teams_page_shows_the_first_blocks_and_names_the_others(marts: Path) -> None:
    page = load_page(marts, "quan@cty.vn")
    assert names(page) == list(FIRST_BLOCKS)
    assert set(page.others) == set(BlockName) - set(FIRST_BLOCKS)
    text = " ".join(shown(page).split())
    assert f"Also: {', '.join(page.others)}. One of them: --block NAME; all: --block all." in text
    assert "Shorter" not in text


def test_chosen_blocks_come_in_the_pages_order_once_and_alone(marts: Path) -> None:
    page = load_page(marts, "quan@cty.vn", blocks=["orders", " Tasks", "orders"])
    assert names(page) == ["tasks", "orders"]
    assert page.others == ()
    assert "Also:" not in shown(page)
    assert names(load_page(marts, "quan@cty.vn", blocks=[ALL])) == list(BlockName)
    assert names(load_page(marts, "tuyet@cty.vn", blocks=[FIRST])) == [name for name in FIRST_BLOCKS if name != "team"]
    assert names(load_page(marts, "tuyet@cty.vn", blocks=[FIRST, "gender"]))[-2:] == ["gender", "moves"]


def test_an_unknown_block_is_refused_with_the_names_there_are(marts: Path) -> None:
    error = refusal(marts, ["funnel"])
    assert error.message == "The page has no block 'funnel'."
    assert all(name in error.hint for name in (*BlockName, ALL, FIRST))
    with pytest.raises(PageError):
        choose_blocks([""], is_team=True)


def test_asking_a_page_for_a_block_it_does_not_show_is_an_error(marts: Path) -> None:
    with pytest.raises(LookupError, match="conversion"):
        load_page(marts, "tuyet@cty.vn", blocks=["tasks"]).block(Conversion)


def test_the_team_of_one_person_is_one_line(marts: Path) -> None:
    assert "One person is no team" in shown(load_page(marts, "tuyet@cty.vn", blocks=["team"]))


# -- filters -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "days"), [("4", 4), ("84", 84), ("30d", 30), ("1w", 7), ("12w", 84), (" 12 W ", 84), ("012", 12)]
)
def test_a_window_is_days_or_weeks(text: str, days: int) -> None:
    assert parse_window(text) == days


@pytest.mark.parametrize("text", ["3", "85", "13w", "0", "-7", "4.5", "w", "", "12 weeks", "1m", "9" * 40, "٤٤"])
def test_any_other_window_is_refused_saying_what_is_allowed(marts: Path, text: str) -> None:
    error = refusal(marts, asked=Asked(window=text))
    assert error.message == f"{text!r} is no window."
    assert "4 to 84 days, which is 12 weeks" in error.hint


def test_sources_and_relationships_are_found_by_id_name_or_part(marts: Path) -> None:
    for asked, name in (("S2", "Hội chợ"), ("hoi cho", "Hội chợ"), ("FACE", "Facebook")):
        page = load_page(marts, "tuyet@cty.vn", blocks=["cycle"], asked=Asked(source=asked))
        assert f"Only source: {name}." in shown(page)
    page = load_page(marts, "tuyet@cty.vn", blocks=["cycle"], asked=Asked(source="none"))
    assert "was created in the window with what was asked for" in shown(page)
    page = load_page(marts, "tuyet@cty.vn", blocks=["cycle"], asked=Asked(relationship="tiem nang"))
    assert "Only those now in: Tiềm năng." in shown(page)


def test_a_source_that_is_none_or_several_is_refused_with_the_names(marts: Path) -> None:
    unknown = refusal(marts, asked=Asked(source="Zalo"))
    assert unknown.message == "There is no source 'Zalo'."
    assert "Facebook (S1), Hội chợ (S2), Hội thảo (S3)" in unknown.hint
    assert refusal(marts, asked=Asked(source="hội")).message == ("'hội' fits 2 sources: Hội chợ (S2), Hội thảo (S3).")
    assert refusal(marts, asked=Asked(relationship=" ")).message == "There is no relationship ' '."


@pytest.mark.parametrize("asked", [Asked(window="4w"), Asked(source="S1"), Asked(relationship="R9")])
def test_a_filter_of_blocks_that_are_not_shown_is_refused(marts: Path, asked: Asked) -> None:
    error = refusal(marts, ["tasks"], asked)
    assert "changes nothing here" in error.message
    assert "--block cycle" in error.hint


# -- rights ------------------------------------------------------------------------------------------------------------


class Query(NamedTuple):
    """One statement a block sent."""

    text: str
    values: Any


class Spy:
    """A connection that keeps every statement it is given."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.connection = connection
        self.queries: list[Query] = []

    def execute(self, query: str, values: Any = None) -> duckdb.DuckDBPyConnection:
        self.queries.append(Query(query, values))
        return self.connection.execute(query, values) if values is not None else self.connection.execute(query)


def read(marts: Path, kind: type[Block], viewer: str, *ids: str, spy: list[Query] | None = None) -> Block:
    with open_publication(marts, viewer) as connection:
        spying = Spy(connection)
        people = tuple(person(one) for one in ids)
        block = kind.read(Reading(cast(duckdb.DuckDBPyConnection, spying), people, MARCH, AS_OF))
        if spy is not None:
            spy += spying.queries
    return block


def tables(query: str) -> set[tuple[str, str]]:
    """Schema and name of every table and view that a query reads, without its own steps."""
    with duckdb.connect() as connection:
        (text,) = connection.execute("select json_serialize_sql(?::varchar)", [query]).fetchone() or ("{}",)
    tree = json.loads(text)
    assert not tree["error"], tree

    def nodes(part: Any) -> list[dict[str, Any]]:
        if isinstance(part, dict):
            return [part, *(node for child in part.values() for node in nodes(child))]
        return [node for child in part for node in nodes(child)] if isinstance(part, list) else []

    found = nodes(tree)
    steps = {entry["key"] for node in found for entry in node.get("cte_map", {}).get("map", [])}
    return {
        (node["schema_name"], node["table_name"])
        for node in found
        if node.get("type") == "BASE_TABLE" and not (node["schema_name"] == "" and node["table_name"] in steps)
    }


@pytest.mark.parametrize("name", list(BlockName))
@pytest.mark.parametrize("ids", [(SELLER,), (SELLER, PEER)])
def test_a_block_reads_access_views_only(marts: Path, name: BlockName, ids: Sequence[str]) -> None:
    queries: list[Query] = []
    read(marts, BLOCKS[name], "giang@cty.vn", *ids, spy=queries)
    assert queries or (name is BlockName.TEAM and len(ids) == 1)
    for query in queries:
        sources = tables(query.text)
        assert sources
        assert {schema for schema, _ in sources} == {"access"}, sources


def test_the_rest_of_the_page_reads_the_scope_the_publications_row_and_access_views(
    marts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    queries: list[Query] = []

    @contextmanager
    def spied(path: Path, viewer: str) -> Iterator[Spy]:
        with open_publication(path, viewer) as connection:
            spy = Spy(connection)
            yield spy
            queries.extend(spy.queries)

    monkeypatch.setattr("orchestration.report.page.open_publication", spied)
    load_page(marts, "quan@cty.vn", "tuyet", "2026-02", [ALL], Asked("4w", "S1", "R9"))
    read_from = {source for query in queries for source in tables(query.text)}
    assert {source for source in read_from if source[0] != "access"} == {
        ("core", "core_employee_scope"),
        ("marts", "publication"),
    }
    assert len(read_from) > 25


def test_the_guard_sees_a_table_behind_the_views() -> None:
    query = "with a as (select * from marts.fct_orders) select * from a join access.access_dim_sources using (x)"
    assert tables(query) == {("marts", "fct_orders"), ("access", "access_dim_sources")}


@pytest.mark.parametrize("name", list(BlockName))
def test_the_rights_hold_even_for_people_who_should_not_have_been_asked_for(marts: Path, name: BlockName) -> None:
    kind = BLOCKS[name]
    if name is BlockName.TEAM:
        return
    assert not read(marts, kind, "giang@cty.vn", OTHER).is_empty, "there is something to see"
    assert read(marts, kind, "tuyet@cty.vn", OTHER) == read(marts, kind, "tuyet@cty.vn", "E99")
    assert read(marts, kind, "nobody@cty.vn", SELLER).is_empty
    assert read(marts, kind, "tuyet@cty.vn", SELLER) == read(marts, kind, "giang@cty.vn", SELLER) or (
        name is BlockName.ORDERS
    ), "her own page is the same whoever looks; only a customer's name may be hidden"


@pytest.mark.parametrize("name", list(BlockName))
def test_a_right_to_another_report_adds_nobody_to_a_block(marts: Path, name: BlockName) -> None:
    page = load_page(marts, "huy@cty.vn", blocks=[name])
    (block,) = page.blocks
    assert block == read(marts, BLOCKS[name], "giang@cty.vn", OTHER)


@pytest.mark.parametrize("name", list(BlockName))
def test_nobody_has_figures_for_nothing(marts: Path, name: BlockName) -> None:
    assert read(marts, BLOCKS[name], "giang@cty.vn", "E07").is_empty
    text = shown(load_page(marts, "giang@cty.vn", "E07", blocks=[name]))
    title_line = next(at for at, line in enumerate(text.splitlines()) if line.startswith("── "))
    below = [line.strip() for line in text.splitlines()[title_line + 1 :]]
    assert below[0]
    assert below[1] == "", "one line says it"


def test_the_people_of_a_page_are_read_for_the_viewer_alone(marts: Path) -> None:
    with open_publication(marts, "quan@cty.vn") as connection:
        viewer = read_viewer(connection, "quan@cty.vn")
    assert sorted(one.employee_id for one in viewer.people) == sorted([MANAGER, SELLER, PEER, GONE])


# -- room and words ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("lang", list(Lang))
@pytest.mark.parametrize("viewer", ["tuyet@cty.vn", "giang@cty.vn"])
def test_every_block_fits_and_no_number_is_cut(marts: Path, viewer: str, width: int, lang: Lang) -> None:
    page = load_page(marts, viewer, blocks=[ALL])
    for text in (shown(page, width, lang), *(shown(replace(page, blocks=(one,)), width, lang) for one in page.blocks)):
        assert max(cell_len(line) for line in text.splitlines()) <= width
    drawn = shown(page, width, lang)
    assert "130,000,000" in drawn
    assert drawn.count("130,000,000") == shown(page, 200, lang).count("130,000,000")


def test_both_languages_show_the_same_numbers(marts: Path) -> None:
    page = load_page(marts, "tuyet@cty.vn", blocks=[ALL])

    def numbers(lang: Lang) -> list[str]:
        text = shown(page, 120, lang)
        return sorted(word for word in text.split() if re.fullmatch(r"-?\d+(,\d{3})+(\.\d+)?", word))

    assert numbers(Lang.EN) == numbers(Lang.VI)
    assert len(numbers(Lang.EN)) > 20


def test_no_english_name_for_nothing_stands_on_a_vietnamese_page(marts: Path) -> None:
    text = shown(load_page(marts, "giang@cty.vn", blocks=[ALL]), 120, Lang.VI)
    assert "(none)" not in text
    assert "(không có)" in text


def test_two_narrow_blocks_share_a_line_where_there_is_room(marts: Path) -> None:
    page = load_page(marts, "tuyet@cty.vn", blocks=["projects", "task-types", "gender", "cycle"])
    wide, narrow = shown(page, 120), shown(page, 80)
    assert any("Activities by project" in line and "by task type" in line for line in wide.splitlines())
    assert any(line.startswith("── Customers by gender") for line in wide.splitlines())
    assert not any("Activities by project" in line and "by task type" in line for line in narrow.splitlines())


def test_names_of_codes_and_of_what_the_page_does_not_know() -> None:
    assert age_name("18_to_24", Lang.EN) == "18 to 24"
    assert age_name("under_18", Lang.VI) == "dưới 18"
    assert age_name("65_and_over", Lang.EN) == "65 and over"
    assert (age_name("unknown", Lang.EN), age_name("the_young", Lang.EN)) == ("not given", "the young")
    assert (gender_name("female", Lang.VI), gender_name("x_y", Lang.VI)) == ("nữ", "x y")
    assert order_status_name("partly_delivered", Lang.EN) == "partly delivered"
    assert metric_name("revenue_amount", Lang.EN) == "Revenue"
    assert metric_name("smiles_per_day", Lang.EN) == "smiles per day"


def test_quantities_rates_and_long_lists() -> None:
    from decimal import Decimal

    assert (quantity(Decimal("5.5000")), quantity(Decimal("1200")), quantity(Decimal("1E+3"))) == (
        "5.5",
        "1,200",
        "1,000",
    )
    assert quantities([Decimal("1.0000"), Decimal("-2.2500")]) == ["1.00", "-2.25"]
    assert (percent(0.125), percent(12.0)) == ("12.5%", "1,200.0%")
    assert first_and_rest("abcde", 3) == ("abc", "de")
    assert first_and_rest("abcd", 3) == ("abcd", ()), "one more takes no more room than the word others"


def test_a_reading_has_the_longest_window_unless_asked() -> None:
    assert Filters().window_days == 84
    assert Filters(source=Member("S1", "Facebook")).relationship is None
