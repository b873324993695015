"""The typed values of an answer before they are written as JSON.

Belongs here: telling ids, lists of ids, money and absent dates apart, so that filters compare values and oddities know
what they write differently. Not here: how each is written (rendering).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

Row = dict[str, Any]

COMPANY_ZONE = ZoneInfo("Asia/Ho_Chi_Minh")


class Id(int):
    """An id; 0 where the API says "none"."""


class Ids(tuple[int, ...]):
    """A multi-valued field: ids in the order of the record."""


class Fields(dict[str, Any]):
    """A PHP-style object: custom fields, extensions. May be empty."""


@dataclass(frozen=True)
class Absent:
    """A date, or a date with time, that the record does not have."""

    has_time: bool


NO_DATE = Absent(has_time=False)
NO_MOMENT = Absent(has_time=True)


def number(contract_id: str | None) -> int:
    """The API's integer for an id of the demo company: `KH000123` is 123; 0 for none."""
    return int(contract_id.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ")) if contract_id else 0


def one(contract_id: str | None) -> Id:
    """`number` as an id."""
    return Id(number(contract_id))


def many(contract_ids: Iterable[str] | None) -> Ids:
    """`number` of several."""
    return Ids(number(each) for each in contract_ids or ())


def labelled(of: int, label: str | None) -> Row | None:
    """The `{id, label}` beside an id; None when the id is unset."""
    return {"id": Id(of), "label": label or ""} if of else None


def moment(value: datetime | None) -> datetime | Absent:
    """A date with time, to the second."""
    return NO_MOMENT if value is None else value.replace(microsecond=0)


def unix(value: datetime) -> int:
    """Unix seconds of a time on the company's clock."""
    return int(value.replace(tzinfo=COMPANY_ZONE).timestamp())


def from_unix(seconds: int) -> datetime:
    """The time on the company's clock; the furthest one when the seconds lie outside the calendar."""
    try:
        return datetime.fromtimestamp(seconds, COMPANY_ZONE).replace(tzinfo=None)
    except (OverflowError, ValueError, OSError):
        return datetime.max if seconds > 0 else datetime.min


def days_between(later: datetime, earlier: datetime) -> int:
    """Whole calendar days from one to the other."""
    return (later.date() - earlier.date()) // timedelta(days=1)
