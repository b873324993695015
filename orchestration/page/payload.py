"""A viewer's pages as JSON: what every page shares, and one part per person or team.

Belongs here: the shape that `assets/page.js` reads. Numbers are written here, by the blocks themselves, once for both
languages; a text that differs between them is a number, the place of the pair in the part's `words`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Any

from orchestration.page.charts import CHARTS
from orchestration.page.collect import TEAM, Collected
from orchestration.page.drill import DRILLS, Way
from orchestration.page.rows import LISTS, Listed, Rows, amounts
from orchestration.report import header
from orchestration.report.block import Block
from orchestration.report.block_names import BlockName
from orchestration.report.blocks import BLOCKS
from orchestration.report.figures import Kind, count, decimals_needed, money, quantity
from orchestration.report.labels import Lang, every_word, word
from orchestration.report.people import one_line
from orchestration.report.reading import Row
from orchestration.report.sheet import Heading, Item, Note, Sheet, Table

Json = Any

_LANGS = (Lang.EN, Lang.VI)
_KINDS = {Kind.NAME: "a", Kind.LABEL: "l", Kind.NUMBER: "n"}


class Words:
    """The texts of one part that differ between the languages, each once."""

    def __init__(self) -> None:
        self._places: dict[tuple[str, str], int] = {}

    def of(self, english: str, vietnamese: str) -> str | int:
        """The text where both languages have the same, else its place."""
        if english == vietnamese:
            return english
        return self._places.setdefault((english, vietnamese), len(self._places))

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """English and Vietnamese by place."""
        return list(self._places)


def head(collected: Collected, lang: Lang | None) -> Json:
    """What all parts share; `lang` is the language to open with, None the reader's own."""
    publication, viewer = collected.publication, collected.viewer
    return {
        "lang": lang.value if lang else None,
        "words": every_word(),
        "viewer": {
            "name": header.named(viewer),
            "email": viewer.email,
            "right": [header.by_which_right(viewer, one) for one in _LANGS],
        },
        "data": [word("known", one, as_of=publication.as_of, source=publication.source) for one in _LANGS],
        "published": [
            word(
                "generation",
                one,
                at=f"{publication.published_at:%Y-%m-%d %H:%M}",
                generation=publication.generation_id,
            )
            for one in _LANGS
        ],
        "as_of": f"{publication.as_of}",
        "months": [
            {
                "month": _month(month),
                "how_much": [header.how_much(month, publication.as_of, one) for one in _LANGS],
                "is_whole": header.how_much(month, publication.as_of, Lang.EN) == word("whole_month", Lang.EN),
            }
            for month in collected.months
        ],
        "month": _month(collected.month),
        "subjects": [_subject(collected, subject) for subject in collected.subjects],
        "blocks": [
            {"name": name, "is_monthly": kind.is_monthly, "is_narrow": kind.is_narrow, "charts": CHARTS.get(name, [])}
            for name, kind in BLOCKS.items()
        ],
        "drills": {name: [_drill(one) for one in drills] for name, drills in DRILLS.items()},
        "lists": {
            name: {
                "title": one.title,
                "is_monthly": one.is_monthly,
                "fields": [[field.name, field.kind, field.word, field.prefix] for field in one.fields],
            }
            for name, one in LISTS.items()
        },
    }


def _subject(collected: Collected, subject: str) -> Json:
    people = collected.subjects[subject]
    if subject == TEAM:
        return {"id": TEAM, "name": None, "people": len(people)}
    person = people[0]
    return {
        "id": subject,
        "name": person.full_name,
        "about": header.about(person),
        "is_active": person.is_active or person.is_placeholder,
    }


def _drill(drill: Any) -> Json:
    return {
        "table": drill.table,
        "column": drill.column,
        "of_key": _way(drill.of_key) if drill.of_key else None,
        "ways": {key: _way(way) for key, way in drill.ways.items()},
        "only_as_of": drill.only_as_of,
    }


def _way(way: Way) -> Json:
    names = [field.name for field in LISTS[way.list_name].fields]
    return {
        "list": way.list_name,
        "at": names.index(way.field) if way.field else None,
        "values": way.values,
        "is_count": way.adds is None,
    }


def parts(collected: Collected) -> Iterator[tuple[str, Json]]:
    """Every subject's part."""
    for subject in collected.subjects:
        yield subject, part(collected, subject)


def part(collected: Collected, subject: str) -> Json:
    """One subject's blocks of every month, those that are as of now once, and the rows behind them."""
    words = Words()
    pages = {month: collected.blocks_of(subject, month) for month in collected.months}
    decimals = {
        month: decimals_needed([amount for block in blocks for amount in block.amounts])
        for month, blocks in pages.items()
    }
    latest = collected.months[-1]
    return {
        "months": {
            _month(month): {
                block.name: _block(collected, subject, block, month, decimals[month], words)
                for block in blocks
                if block.is_monthly
            }
            for month, blocks in pages.items()
        },
        "now": {
            block.name: _block(collected, subject, block, latest, decimals[latest], words)
            for block in pages[latest]
            if not block.is_monthly
        },
        "lists": {
            name: _listed(listed, subject, collected.is_team(subject)) for name, listed in collected.lists.items()
        },
        "words": words.pairs,
    }


def _block(collected: Collected, subject: str, block: Block, month: date, decimals: int, words: Words) -> Json:
    """The block's items; `empty` and its one sentence where there are no figures."""
    if block.is_empty:
        return {"empty": words.of(word(block.nothing, Lang.EN), word(block.nothing, Lang.VI))}
    english, vietnamese = (
        block.draw(Sheet(lang, decimals, month, collected.publication.as_of, collected.is_team(subject)))
        for lang in _LANGS
    )
    drawn: Json = {"items": [_item(*pair, words) for pair in zip(english, vietnamese, strict=True)]}
    if block.name is BlockName.RELATIONSHIPS:
        drawn["dates"] = [f"{day}" for day in getattr(block, "dates", ())]
    return drawn


def _item(english: Item, vietnamese: Item, words: Words) -> Json:
    if isinstance(english, Table) and isinstance(vietnamese, Table):
        return _table(english, vietnamese, words)
    if isinstance(english, Heading) and isinstance(vietnamese, Heading):
        return {"heading": words.of(english.text, vietnamese.text)}
    if isinstance(english, Note) and isinstance(vietnamese, Note):
        return {"note": words.of(english.text, vietnamese.text)}
    raise TypeError(f"the block draws {type(english).__name__} in English and {type(vietnamese).__name__} else")


def _table(english: Table, vietnamese: Table, words: Words) -> Json:
    """Heads and rows without bars: in a browser a chart stands for them."""
    columns = [pair for pair in zip(english.columns, vietnamese.columns, strict=True) if pair[0].kind is not Kind.BAR]
    cells = [
        [words.of(str(one), str(other)) for one, other in zip(left.cells, right.cells, strict=True)]
        for left, right in columns
    ]
    return {
        "heads": [words.of(left.head, right.head) for left, right in columns],
        "kinds": "".join(_KINDS[left.kind] for left, _ in columns),
        "rows": list(map(list, zip(*cells, strict=True))),
        "bold": list(english.bold_rows),
        "keys": list(english.keys),
    }


def _listed(listed: Listed, subject: str, is_team: bool) -> Json:
    decimals = decimals_needed(amounts(listed, subject))
    # On one person's page every row is that person's.
    writers = [
        _nothing if field.kind == "person" and not is_team else _writer(field.kind, decimals)
        for field in listed.kind.fields
    ]
    found: Mapping[str, Rows] = {
        _month(month) if listed.kind.is_monthly else "now": rows
        for (whose, month), rows in listed.found.items()
        if whose == subject
    }
    return {
        month: {
            "total": rows.total,
            # Column by column: a month has few different days, people and products.
            "rows": _written(rows.rows, writers),
        }
        for month, rows in found.items()
    }


def _written(rows: Sequence[Row], writers: Sequence[Callable[[Any], Json]]) -> list[tuple[Json, ...]]:
    columns = zip(*rows, strict=True)
    return list(zip(*(map(write, column) for write, column in zip(writers, columns, strict=True)), strict=True))


def _writer(kind: str, decimals: int) -> Callable[[Any], Json]:
    """How a value of a list becomes text; None stays None, and names are cleaned as those of the blocks are."""
    if kind == "money":
        return lambda amount: None if amount is None else money(amount, decimals)
    if kind == "number":
        return _number
    if kind in ("key", "keys"):
        return _as_it_is
    return _day if kind == "date" else _names if kind == "list" else _name


def _nothing(_: Any) -> None:
    return None


def _as_it_is(key: Any) -> Json:
    return key


def _number(value: int | Decimal | None) -> str | None:
    if value is None:
        return None
    return quantity(value) if isinstance(value, Decimal) else count(value)


@lru_cache(maxsize=1 << 12)
def _day(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


@lru_cache(maxsize=1 << 16)
def _name(text: str | None) -> str | None:
    return None if text is None else one_line(text)


def _names(texts: Sequence[str] | None) -> tuple[str | None, ...] | None:
    return None if texts is None else _cleaned(tuple(texts))


@lru_cache(maxsize=1 << 12)
def _cleaned(texts: tuple[str, ...]) -> tuple[str | None, ...]:
    return tuple(map(_name, texts))


def _month(month: date) -> str:
    return f"{month:%Y-%m}"


def texts(content: Json) -> Iterator[str]:
    """Every text in a structure, for looking through it."""
    if isinstance(content, str):
        yield content
    elif isinstance(content, Mapping):
        for key, value in content.items():
            yield from texts(key)
            yield from texts(value)
    elif isinstance(content, Sequence):
        for value in content:
            yield from texts(value)
