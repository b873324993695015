"""Which questions a night asks: everything, or what changed since the last time, as far as the tenant can be trusted.

Belongs here: the rules. Not here: finding out what the tenant does (`probe.py`), or asking (`receive.py`).

A watermark is the beginning of the night of the last whole listing, which was received after that night was over: it
moves only when a listing is whole, and covers a day twice, so that an hour that a clock is off loses nothing. One night
a week reads everything, because most deletions are announced nowhere: what a complete listing lacks is gone. It is
Sunday's, or the first one that is played a week after the last. A list that is short enough is read whole every night:
edits that do not move a record's own time (a contact of an account, a line of an order) show on no other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from orchestration.sources.getfly.pages import Listing
from orchestration.sources.getfly.probe import Probed
from orchestration.sources.getfly.resources import Resource

# How long an account's comments are read again every night after it was last active: edits and deletions show nowhere.
ACTIVE_DAYS = 30
_SWEEP_WEEKDAY, _A_WEEK = 7, timedelta(days=7)
_ACTIVE, _PERHAPS = "accounts", "perhaps"


class Mode(StrEnum):
    """What a night asks of one resource."""

    COMPLETE = "complete"
    CHANGED = "changed"
    OF_CHANGED_PARENTS = "of changed parents"
    OF_ACTIVE_PARENTS = "of active parents"
    OF_ALL_PARENTS = "of all parents"


COMPLETE_MODES = frozenset({Mode.COMPLETE, Mode.OF_ALL_PARENTS})


@dataclass(frozen=True)
class Planned:
    """One resource's night, and why it is so. `since` is set where the mode is CHANGED."""

    resource: Resource
    mode: Mode
    reason: str
    since: datetime | None = None


def plan_resource(
    one: Resource, night: date, probed: Probed, last: Sequence[Listing], zone: ZoneInfo, read_whole: int
) -> Planned:
    """What this night asks of one resource; `last` are its whole listings of earlier nights, `zone` the company's.

    `read_whole` is up to how many rows a list is read whole every night.
    """
    is_sweep = night.isoweekday() == _SWEEP_WEEKDAY or _last_complete(last) <= night - _A_WEEK
    if one.parent is not None:
        return _of_parents(one, probed, last, is_sweep=is_sweep)
    if one.changed_filter is None:
        return Planned(one, Mode.COMPLETE, "it cannot be asked for what changed")
    since = _watermark(night, last, zone)
    if since is None:
        return Planned(one, Mode.COMPLETE, "nothing has been received yet")
    if one.as_unix:
        return Planned(one, Mode.CHANGED, "it announces what happened since", since)
    if is_sweep:
        return Planned(one, Mode.COMPLETE, "once a week everything is read, to find what was deleted")
    if (rows := _rows_of_last_complete(last)) <= read_whole:
        return Planned(one, Mode.COMPLETE, f"with {rows:,} rows it is short enough to be read whole")
    if one.name == _ACTIVE and _is_rolling(probed):
        return Planned(one, Mode.COMPLETE, "only last_active shows new comments, and it cannot be asked for")
    followed = probed.value(f"{one.name}_filter")
    if followed != "followed":
        return Planned(one, Mode.COMPLETE, f"its filter by updated_at is {followed}")
    return Planned(one, Mode.CHANGED, "its filter by updated_at is followed", since)


def _of_parents(one: Resource, probed: Probed, last: Sequence[Listing], *, is_sweep: bool) -> Planned:
    if not last:
        return Planned(one, Mode.OF_ALL_PARENTS, "nothing has been received yet")
    if is_sweep:
        return Planned(one, Mode.OF_ALL_PARENTS, "once a week everything is read, to find what was edited or deleted")
    if probed.value("comments_move") == _PERHAPS:
        return Planned(one, Mode.OF_CHANGED_PARENTS, "new comments move the updated_at of their account")
    if _is_rolling(probed):
        return Planned(
            one, Mode.OF_ACTIVE_PARENTS, f"new comments show in last_active: accounts active in {ACTIVE_DAYS} days"
        )
    return Planned(one, Mode.OF_ALL_PARENTS, "nothing on an account shows new comments")


def _is_rolling(probed: Probed) -> bool:
    return probed.value("comments_move") != _PERHAPS and probed.value("comments_activate") == _PERHAPS


def _last_complete(last: Sequence[Listing]) -> date:
    complete = (date.fromisoformat(one.asked.night) for one in last if one.asked.is_complete)
    return max(complete, default=date.min)


def _rows_of_last_complete(last: Sequence[Listing]) -> int:
    """`last` is not empty; what it begins with was complete."""
    return [one.rows for one in last if one.asked.is_complete][-1]


def _watermark(night: date, last: Sequence[Listing], zone: ZoneInfo) -> datetime | None:
    earlier = [listing.asked.night for listing in last if listing.asked.night < night.isoformat()]
    return datetime.fromisoformat(max(earlier)).replace(tzinfo=zone) if earlier else None
