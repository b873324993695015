"""What Metabase should hold: cards and dashboards for a language, and the bodies that make them for one audience.

Belongs here: pure functions from the dashboards of `bi/dashboards.yml` to what is sent. Not here: what is there
already, or sending (`provision.py`).

An object is recognised by what was written into it when it was made, never by looking alike: a card by its entity
id, everything else by the login in its name or at the end of its description. Logins are random and never used twice.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from orchestration.bi.definition import DEPARTMENT, EMPLOYEE, MONTH, STANDARD, Chart, Dashboard, Kind, Words
from orchestration.bi.queries import Dataset, chart_sql, dataset_name, datasets, values_sql
from orchestration.report.labels import Lang

Json = dict[str, Any]

_CARD_MARK = "kpi-card-"
_NAME = re.compile(r"KPI (?P<email>\S+) \((?P<login>[a-z0-9]+_v_[0-9a-f]+)\)(?: admitted (?P<account>[1-9][0-9]*))?")
_DESCRIPTION_MARK = re.compile(r"\[(?P<mark>[^\[\]\s]+)\]$")
_COLUMNS_WIDE = 24
# Namespace of the ids that are made from names, so that they are the same in every run.
_NAMESPACE = uuid.UUID("4f1c8f6e-0f83-4a9b-9d43-0f6f3c6b5d11")

_FILTERS: Mapping[str, Words] = {
    MONTH: Words("Month", "Tháng"),
    EMPLOYEE: Words("Employee", "Nhân viên"),
    DEPARTMENT: Words("Department", "Phòng ban"),
}
_LIST = Words("{name}: values of the filter", "{name}: giá trị của bộ lọc")
_LIST_ABOUT = Words(
    "What the dashboards' filter offers. A card of its own, so that everybody is offered only what they may see.",
    "Những giá trị mà bộ lọc của các bảng cho chọn. Là một thẻ riêng để mỗi người chỉ thấy giá trị của mình.",
)
_RUNNING = Words("Without a month in the filter: the running one.", "Khi bộ lọc không chọn tháng: tháng đang diễn ra.")
_SHELF = Words("KPI", "KPI")
_SHELF_ABOUT = Words(
    "KPI dashboards, made by `kpi bi metabase`: what is changed by hand here is put back by its next run. Dashboards "
    "of your own belong into your personal collection: elsewhere, others see your rows in them.",
    "Các bảng KPI do `kpi bi metabase` tạo ra: mọi thay đổi thủ công ở đây sẽ bị lần chạy sau đặt lại. Bảng tự làm chỉ "
    "nên để trong bộ sưu tập cá nhân: để ở nơi khác, người khác sẽ thấy các dòng của bạn.",
)
_OWN_SHELF_ABOUT = Words(
    "The KPI dashboards of {email}, with the rows that this person may see.",
    "Các bảng KPI của {email}, chỉ gồm những dòng người này được xem.",
)
# Without a filter, figures are of the running month; with one, of that month. An optional part of Metabase's SQL
# vanishes whole where its filter is empty.
_OF_ONE_MONTH = "and month = coalesce([[{{month}}, ]]case when is_running_month then month end)"
_DISPLAY: Mapping[Kind, str] = {
    Kind.NUMBER: "scalar",
    Kind.LINE: "line",
    Kind.BAR: "bar",
    Kind.TABLE: "table",
    Kind.ROWS: "table",
}
# How wide and high a chart is, of the 24 columns a dashboard has.
_SIZES: Mapping[Kind, tuple[int, int]] = {
    Kind.NUMBER: (4, 3),
    Kind.LINE: (12, 7),
    Kind.BAR: (12, 7),
    Kind.TABLE: (24, 8),
    Kind.ROWS: (24, 9),
}


@dataclass(frozen=True)
class Audience:
    """Somebody with a login of their own on the published PostgreSQL."""

    email: str
    login: str

    @property
    def name(self) -> str:
        """What their connection is called, and how their group's name begins."""
        return f"KPI {self.email} ({self.login})"

    @property
    def shelf(self) -> str:
        """What their collection is called; the login in its description tells whose it is."""
        return f"KPI {self.email}"


@dataclass(frozen=True)
class Connection:
    """How Metabase reaches the published PostgreSQL. `encryption` is empty where none is asked for."""

    host: str
    port: int
    database: str
    encryption: str

    def details(self, login: str) -> Json:
        """As Metabase stores it; only the published schema is looked at."""
        wanted: Json = {"host": self.host, "port": self.port, "dbname": self.database, "user": login}
        wanted |= {"schema-filters-type": "inclusion", "schema-filters-patterns": "marts"}
        # Metabase encrypts where the server can, whatever stands here.
        return wanted | ({"ssl": True, "ssl-mode": self.encryption} if self.encryption else {"ssl": False})

    def is_of(self, details: Mapping[str, Any]) -> bool:
        """Whether a stored connection leads to this database."""
        return (details.get("host"), details.get("port"), details.get("dbname")) == (
            self.host,
            self.port,
            self.database,
        )


@dataclass(frozen=True)
class Card:
    """One question: SQL with optional filters, and how it is drawn. `key` is its identity for every audience."""

    key: str
    name: str
    description: str
    display: str
    sql: str
    filters: tuple[str, ...]
    settings: Json = field(hash=False)


@dataclass(frozen=True)
class Placed:
    """A card on a dashboard. `opens` is the dashboard a click leads to, `columns` those whose value it takes along."""

    card: Card
    row: int
    col: int
    size_x: int
    size_y: int
    opens: str
    columns: tuple[str, ...]


@dataclass(frozen=True)
class Board:
    """One dashboard."""

    key: str
    name: str
    description: str
    filters: tuple[str, ...]
    placed: tuple[Placed, ...]


@dataclass(frozen=True)
class Content:
    """Everything that an audience's collection holds."""

    language: Lang
    cards: tuple[Card, ...]
    boards: tuple[Board, ...]


def content_of(dashboards: Sequence[Dashboard], language: Lang) -> Content:
    """The dashboards as cards and boards."""
    sets = datasets(dashboards, language)
    lists = tuple(_list_card(name, language) for name in STANDARD if any(name in one.filters for one in dashboards))
    boards = tuple(_board(one, sets, language) for one in dashboards)
    return Content(language, (*lists, *(placed.card for board in boards for placed in board.placed)), boards)


def audience_named(name: str) -> Audience | None:
    """Whose a group or connection is, from its name; None where it is none of ours."""
    found = _NAME.fullmatch(name)
    return None if found is None else Audience(found["email"], found["login"])


def group_name(audience: Audience, account: int | None) -> str:
    """What an audience's group is called, with the account that was admitted.

    It is kept there because only administrators write names of groups; a description's mark can be written by
    everybody who may make a collection somewhere.
    """
    return audience.name if account is None else f"{audience.name} admitted {account}"


def account_named(name: str) -> int | None:
    """The account that was admitted to a group, from its name; None where none was."""
    found = _NAME.fullmatch(name)
    return None if found is None or found["account"] is None else int(found["account"])


def mark_of(description: object) -> str | None:
    """The mark at the end of a description; None where there is none."""
    found = _DESCRIPTION_MARK.search(description) if isinstance(description, str) else None
    return None if found is None else found["mark"]


def top_mark(prefix: str) -> str:
    """The mark of the collection above all audiences'. `prefix` tells two companies on one Metabase apart."""
    return f"{prefix}/kpi"


def board_mark(login: str, key: str) -> str:
    """The mark of an audience's dashboard."""
    return f"{login}/{key}"


def entity_id(login: str, key: str) -> str:
    """A card's own id, as Metabase wants them: 21 letters. Ours begin alike, so that what is left over is known."""
    digest = hashlib.sha256(f"{login}/{key}".encode()).digest()
    return _CARD_MARK + base64.urlsafe_b64encode(digest).decode()[: 21 - len(_CARD_MARK)]


def is_our_card(entity: object) -> bool:
    """Whether a card was made here."""
    return isinstance(entity, str) and entity.startswith(_CARD_MARK)


def filter_id(name: str) -> str:
    """A filter's id, the same in every dashboard."""
    return hashlib.sha256(f"filter {name}".encode()).hexdigest()[:8]


def list_key(name: str) -> str:
    """The key of the card that holds a filter's values."""
    return f"filter/{name}"


# -- bodies --------------------------------------------------------------------------------------------------------


def top_shelf_body(prefix: str, language: Lang) -> Json:
    """The collection above all audiences'."""
    return {"name": _SHELF.of(language), "description": f"{_SHELF_ABOUT.of(language)}\n\n[{top_mark(prefix)}]"}


def shelf_body(audience: Audience, language: Lang) -> Json:
    """An audience's collection."""
    about = _OWN_SHELF_ABOUT.of(language).format(email=audience.email)
    return {"name": audience.shelf, "description": f"{about}\n\n[{audience.login}]"}


def database_body(audience: Audience, connection: Connection, password: str) -> Json:
    """A new connection. Nothing is scanned for lists of values: filters have cards, and values stay where they are."""
    return {
        "name": audience.name,
        "engine": "postgres",
        "details": {**connection.details(audience.login), "password": password},
        "is_full_sync": False,
        "is_on_demand": False,
        "connection_source": "admin",
    }


def card_body(card: Card, database: int, shelf: int, language: Lang) -> Json:
    """A card for the connection and the collection of one audience, without its id."""
    tags = {
        name: {
            "id": str(uuid.uuid5(_NAMESPACE, f"{card.key}/{name}")),
            "name": name,
            "display-name": _FILTERS[name].of(language),
            "type": "text",
        }
        for name in card.filters
    }
    return {
        "name": card.name,
        "description": card.description,
        "display": card.display,
        "dataset_query": {
            "type": "native",
            "database": database,
            "native": {"query": card.sql, "template-tags": tags},
        },
        "visualization_settings": card.settings,
        "collection_id": shelf,
    }


def board_body(board: Board, login: str, cards: Mapping[str, int], language: Lang) -> Json:
    """A dashboard's words and filters; `cards` are the ids of the audience's cards."""
    return {
        "name": board.name,
        "description": f"{board.description}\n\n[{board_mark(login, board.key)}]",
        "parameters": [_parameter(name, cards, language) for name in board.filters],
    }


def dashcards_body(board: Board, cards: Mapping[str, int], boards: Mapping[str, int], language: Lang) -> list[Json]:
    """Where the cards stand, which filters they obey, and where a click leads; without the ids of the places."""
    filters = {name: _FILTERS[name].of(language) for name in board.filters}
    return [
        {
            "card_id": cards[placed.card.key],
            "row": placed.row,
            "col": placed.col,
            "size_x": placed.size_x,
            "size_y": placed.size_y,
            "parameter_mappings": [
                {
                    "parameter_id": filter_id(name),
                    "card_id": cards[placed.card.key],
                    "target": ["variable", ["template-tag", name]],
                }
                for name in placed.card.filters
            ],
            "visualization_settings": _with_click(placed, boards, filters),
        }
        for placed in board.placed
    ]


def _parameter(name: str, cards: Mapping[str, int], language: Lang) -> Json:
    return {
        "id": filter_id(name),
        "name": _FILTERS[name].of(language),
        "slug": name,
        "type": "string/=",
        "sectionId": "string",
        # One value at a time: what a plain variable in SQL can take.
        "isMultiSelect": False,
        "values_query_type": "list",
        "values_source_type": "card",
        "values_source_config": {
            "card_id": cards[list_key(name)],
            "value_field": ["field", name, {"base-type": "type/Text"}],
        },
    }


def _with_click(placed: Placed, boards: Mapping[str, int], filters: Mapping[str, str]) -> Json:
    """The card's settings, and the click: from the row where the row has it, else from the dashboard's own filter."""
    if not placed.opens:
        return {}
    click = {
        "type": "link",
        "linkType": "dashboard",
        "targetId": boards[placed.opens],
        "parameterMapping": {
            filter_id(name): {
                "id": filter_id(name),
                "source": {"type": "column", "id": name, "name": name}
                if name in placed.columns
                else {"type": "parameter", "id": filter_id(name), "name": title},
                "target": {"type": "parameter", "id": filter_id(name)},
            }
            for name, title in filters.items()
        },
    }
    if placed.card.display != "table":
        return {"click_behavior": click}
    columns = placed.card.settings["column_settings"]
    # Every cell leads there. The words of the columns are repeated: a place's settings may replace the card's.
    return {"column_settings": {column: {**settings, "click_behavior": click} for column, settings in columns.items()}}


# -- from the definition -------------------------------------------------------------------------------------------


def _list_card(name: str, language: Lang) -> Card:
    title = _LIST.of(language).format(name=_FILTERS[name].of(language))
    return Card(list_key(name), title, _LIST_ABOUT.of(language), "table", values_sql(name, language), (), {})


def _board(dashboard: Dashboard, sets: Mapping[str, Dataset], language: Lang) -> Board:
    cards = [_card(dashboard, chart, sets[dataset_name(chart.source)], language) for chart in dashboard.charts]
    places = _places([_SIZES[chart.kind] for chart in dashboard.charts])
    placed = tuple(
        Placed(card, row, col, width, height, chart.opens, tuple(column.name for column in chart.columns))
        for card, chart, (row, col, width, height) in zip(cards, dashboard.charts, places, strict=True)
    )
    about = dashboard.about.of(language)
    if MONTH in dashboard.filters:
        about = f"{about} {_RUNNING.of(language)}"
    return Board(dashboard.name, dashboard.title.of(language), about, dashboard.filters, placed)


def _card(dashboard: Dashboard, chart: Chart, dataset: Dataset, language: Lang) -> Card:
    conditions = [_OF_ONE_MONTH] if chart.is_of_one_month else []
    conditions += [f"[[and {name} = {{{{{name}}}}}]]" for name in chart.filters if name != MONTH]
    return Card(
        key=f"{dashboard.name}/{chart.name}",
        name=chart.title.of(language),
        description=chart.about.of(language),
        display=_DISPLAY[chart.kind],
        sql=chart_sql(chart, dataset, conditions),
        filters=chart.filters,
        settings=_settings(chart, language),
    )


def _settings(chart: Chart, language: Lang) -> Json:
    titles = {column.name: column.title.of(language) for column in chart.columns}
    figures = {metric.name: metric.label_vi if language is Lang.VI else metric.label_en for metric in chart.metrics}
    rates = {metric.name for metric in chart.metrics if metric.unit == "rate"}
    rates |= {column.name for column in chart.columns if column.name.endswith("_rate")}
    columns = {
        json.dumps(["name", name], separators=(",", ":"), ensure_ascii=False): {
            "column_title": title,
            **({"number_style": "percent", "decimals": 1} if name in rates else {}),
        }
        for name, title in (titles | figures).items()
    }
    settings: Json = {"column_settings": columns}
    if chart.kind in (Kind.LINE, Kind.BAR):
        settings |= {
            "graph.dimensions": list(titles),
            "graph.metrics": list(figures),
            "series_settings": {name: {"title": title} for name, title in figures.items()},
            "graph.x_axis.labels_enabled": False,
            "graph.y_axis.labels_enabled": False,
        }
    return settings


def _places(sizes: Iterable[tuple[int, int]]) -> list[tuple[int, int, int, int]]:
    """Row, column, width and height of each, one after the other from left to right, wrapped like text."""
    places: list[tuple[int, int, int, int]] = []
    row = col = highest = 0
    for width, height in sizes:
        if col + width > _COLUMNS_WIDE:
            row, col, highest = row + highest, 0, 0
        places.append((row, col, width, height))
        col, highest = col + width, max(highest, height)
    return places
