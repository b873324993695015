"""A Metabase with people in it, and orders for two viewers: what the tests of provisioning begin with.

Belongs here: making orders, and reading a server's end state without its ids. Not here: assertions about one step.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from orchestration.bi.definition import Dashboard, read_dashboards
from orchestration.bi.metabase.client import Client, Patience
from orchestration.bi.metabase.provision import Order, Outcome, provision
from orchestration.bi.metabase.wanted import Audience, Connection, Content, content_of
from orchestration.report.labels import Lang
from orchestration.serving.postgres.names import Roles
from tests.metabase.server import ADMINISTRATORS, KEY, Metabase, serving

Json = dict[str, Any]

LAN = Audience("lan@congty.example", "kpi_v_0a1b2c3d4e5f")
MINH = Audience("minh@congty.example", "kpi_v_f5e4d3c2b1a0")
WORDS = {LAN.login: "password-of-lan", MINH.login: "password-of-minh"}
CONNECTION = Connection("db.congty.example", 5432, "kpi", "")
DESCRIPTIONS = {"fct_funnel": ("One row per month and employee.", {"orders": "Counted orders."})}
QUICK = Patience(attempts=2, first_wait_seconds=0.01, longest_wait_seconds=0.01, timeout_seconds=10)
_ACCOUNT = re.compile(r" admitted [0-9]+$")
# Of every kind of chart one, with filters, a click and a filter's values.
_FEW = {"kpi_funnel": ("orders", "revenue_by_month", "by_employee", "by_source"), "kpi_rows": ("orders", "payments")}


def few_dashboards() -> tuple[Dashboard, ...]:
    """Two dashboards of six charts."""
    return tuple(
        replace(board, charts=tuple(chart for chart in board.charts if chart.name in _FEW[board.name]))
        for board in read_dashboards()
        if board.name in _FEW
    )


def few(language: Lang = Lang.EN) -> Content:
    """What is made of them."""
    return content_of(few_dashboards(), language)


def order(**other: Any) -> Order:
    """For Lan and Minh, unless other people are named."""
    people: Sequence[Audience] = other.pop("people", (LAN, MINH))
    given: Json = {
        "people": tuple(people),
        "chosen": tuple(people),
        "connection": CONNECTION,
        "content": few(),
        "roles": Roles("kpi"),
        "passwords": WORDS,
        "descriptions": DESCRIPTIONS,
        "wait_for_tables_seconds": 0.0,
        # Who has an account here is known; the tests of admission ask for nobody.
        "admit": frozenset({LAN.email}) & {one.email for one in people},
    }
    return Order(**{**given, **other})


def metabase_with_people() -> Metabase:
    """Lan has an account and Minh has none; Tuấn works elsewhere in the company."""
    metabase = Metabase(passwords=dict(WORDS), tables={"fct_funnel": ["orders", "month_date"], "dim_date": ["a"]})
    metabase.add_user("Lan@congty.example")
    metabase.add_user("tuan@congty.example")
    return metabase


@contextmanager
def asking(metabase: Metabase) -> Iterator[Client]:
    """A client of it."""
    with serving(metabase) as address, Client(address, KEY, QUICK) as client:
        yield client


def run(metabase: Metabase, wanted: Order | None = None) -> Outcome:
    """Provision, and forget which requests came before."""
    metabase.seen.clear()
    with asking(metabase) as client:
        return provision(client, wanted or order())


def open_to_others(metabase: Metabase) -> list[str]:
    """Who may do something with a connection or a collection of a viewer that is not theirs: must be nobody.

    A group without people is nobody, and an empty collection shows nothing; that of all viewers is one for a moment,
    and closed before anything is in it.
    """
    found = []
    filled = {one["collection_id"] for one in [*metabase.cards.values(), *metabase.dashboards.values()]}
    filled |= {int(part) for one in metabase.collections.values() for part in one["location"].split("/") if part}
    for group, name in metabase.groups.items():
        if group == ADMINISTRATORS or not metabase.members(group):
            continue
        for number, database in metabase.databases.items():
            if database["name"].startswith("KPI ") and not name.startswith(database["name"]):
                level = metabase.may_query(group, number)
                found += [f"{name} may query {database['name']}: {level}"] if level != "no" else []
        for number, shelf in metabase.collections.items():
            if (
                number in filled
                and "[kpi" in (shelf["description"] or "")
                and not name.startswith(f"{shelf['name']} (")
            ):
                level = metabase.may_open(group, number)
                found += [f"{name} may open {shelf['name']}: {level}"] if level != "none" else []
    return found


def strangers(metabase: Metabase) -> list[str]:
    """Who is in a viewer's group without being that viewer: must be nobody. Here nobody changes their e-mail."""
    return [
        f"{email} in {name}"
        for group, name in metabase.groups.items()
        if name.startswith("KPI ")
        for email in metabase.members(group)
        if email.lower() not in name
    ]


def end_state(metabase: Metabase) -> Json:
    """Everything that matters about what a server holds, with names in the place of ids."""
    shelves = {number: one["name"] for number, one in metabase.collections.items() if not one["archived"]}
    databases = {number: one["name"] for number, one in metabase.databases.items()}
    cards = {number: one for number, one in metabase.cards.items() if not one["archived"]}
    boards = {number: one for number, one in metabase.dashboards.items() if not one["archived"]}
    keys = {number: one["entity_id"] for number, one in cards.items()}
    return {
        "groups": sorted(_ACCOUNT.sub("", name) for name in metabase.groups.values()),
        "members": {_ACCOUNT.sub("", name): sorted(metabase.members(group)) for group, name in metabase.groups.items()},
        "databases": sorted((one["name"], sorted(one["details"].items())) for one in metabase.databases.values()),
        "shelves": sorted(shelves.values()),
        "data": {
            (_ACCOUNT.sub("", name), database): metabase.may_query(group, number)
            for group, name in metabase.groups.items()
            for number, database in databases.items()
        },
        "open": {
            (_ACCOUNT.sub("", name), shelf): metabase.may_open(group, number)
            for group, name in metabase.groups.items()
            for number, shelf in shelves.items()
        },
        "cards": {
            one["entity_id"]: (
                one["name"],
                one["description"],
                one["display"],
                databases[one["dataset_query"]["database"]],
                one["dataset_query"]["native"],
                one["visualization_settings"],
                shelves[one["collection_id"]],
            )
            for one in cards.values()
        },
        "boards": {
            one["description"]: (
                one["name"],
                shelves[one["collection_id"]],
                _named(one["parameters"], keys, {}),
                [
                    _named({**place, "id": 0}, keys, {number: other["description"] for number, other in boards.items()})
                    for place in one["dashcards"]
                ],
            )
            for one in boards.values()
        },
        "descriptions": [
            [(table["name"], table["description"], [column["description"] for column in table["fields"]])]
            for database in metabase.databases.values()
            for table in database["tables"]
        ],
    }


def _named(value: Any, cards: dict[int, str], boards: dict[int, str], key: str = "") -> Any:
    if isinstance(value, dict):
        return {name: _named(inner, cards, boards, name) for name, inner in value.items()}
    if isinstance(value, list):
        return [_named(inner, cards, boards, key) for inner in value]
    if key == "card_id":
        return cards[value]
    return boards[value] if key == "targetId" else value


def group_of(metabase: Metabase, audience: Audience) -> int:
    """The id of an audience's group."""
    return next(number for number, name in metabase.groups.items() if name.startswith(audience.name))


def database_of(metabase: Metabase, audience: Audience) -> int:
    """The id of an audience's connection."""
    return next(number for number, one in metabase.databases.items() if one["name"] == audience.name)


def shelf_of(metabase: Metabase, audience: Audience) -> int:
    """The id of an audience's collection."""
    return next(
        number for number, one in metabase.collections.items() if one["name"] == audience.shelf and not one["archived"]
    )


def card_of(metabase: Metabase, entity: str) -> Json:
    """A card by its own id."""
    return next(one for one in metabase.cards.values() if one["entity_id"] == entity)
