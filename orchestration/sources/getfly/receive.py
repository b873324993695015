"""From a tenant to whole listings on disk: one resource, one night.

Belongs here: which questions make up a resource's night, and going on with what was broken off. Not here: which
question is asked on which night (`plan.py`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, datetime
from urllib.parse import quote
from zoneinfo import ZoneInfo

from orchestration.sources.getfly.client import Client
from orchestration.sources.getfly.errors import RefusedError
from orchestration.sources.getfly.listing import read_listing
from orchestration.sources.getfly.pages import Asked, Listing, OpenListing, PageStore
from orchestration.sources.getfly.resources import Resource

# Before that, an estimate is a guess.
_WORTH_TELLING_SECONDS = 2.0

Progress = Callable[[int], None]
"""Told how many rows are there, or of how many parents they are."""


class Meter:
    """How far one resource is, in words. `total` is how much is expected, None where nobody can know."""

    def __init__(self, name: str, total: int | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._name, self._total, self._clock, self._began = name, total, clock, clock()
        self._first: int | None = None

    def text(self, done: int) -> str:
        """For example `comments 120 of 2,600, about 9 min left`."""
        # What an earlier, broken-off try has left was not received in this time.
        self._first = done if self._first is None else self._first
        text = f"{self._name} {done:,}"
        if not self._total or done >= self._total:
            return text
        text += f" of {self._total:,}"
        elapsed, received = self._clock() - self._began, done - self._first
        if elapsed < _WORTH_TELLING_SECONDS or not received:
            return text
        left = elapsed / received * (self._total - done)
        return f"{text}, about {f'{left / 60:.0f} min' if left >= 90 else f'{left:.0f} s'} left"


@dataclass(frozen=True)
class Question:
    """What a night asks of one resource: everything where `since` is None; for rows of parents, whose; which of its
    optional fields; and whether what it lacks is gone."""

    resource: Resource
    since: datetime | None = None
    parents: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    is_complete: bool = True


def parameters_of(question: Question, zone: ZoneInfo) -> dict[str, str]:
    """The question as the API spells it. Dates and times are the company's, as the CRM's own are."""
    resource = question.resource
    parameters = dict(resource.always)
    if resource.fields:
        parameters["fields"] = ",".join((*resource.fields, *question.optional))
    if question.since is not None:
        if resource.changed_filter is None:
            raise ValueError(f"{resource.name} cannot be asked for what changed")
        local = question.since.astimezone(zone)
        parameters[resource.changed_filter] = (
            str(int(local.timestamp())) if resource.as_unix else f"{local:%Y-%m-%d %H:%M:%S}"
        )
    return parameters


def receive(
    client: Client,
    store: PageStore,
    question: Question,
    night: date,
    zone: ZoneInfo,
    *,
    limit: int = 100,
    at_once: int = 2,
    on_progress: Progress = lambda _done: None,
    knows_path: bool = False,
) -> Listing:
    """The whole listing; what an earlier, broken-off run has received is not asked for again.

    `knows_path` says that the resource was received before, so that its path exists. Raises GetflyError; what was
    received until then is kept.
    """
    resource, parameters = question.resource, parameters_of(question, zone)
    asked = Asked(
        night.isoformat(), resource.name, resource.path, {**parameters, "limit": str(limit)}, question.is_complete
    )
    opened = store.open(asked)
    if isinstance(opened, Listing):
        return opened
    if resource.parent is None:
        rows = read_listing(
            client,
            opened,
            resource,
            resource.path,
            parameters,
            limit=limit,
            on_page=on_progress,
        )
        return opened.finish(len(rows))
    gone = _of_parents(client, opened, question, parameters, limit, at_once, on_progress)
    if gone and not opened.parents and not knows_path:
        raise RefusedError(f"{gone[0]}; so it was for all {len(gone)}: this tenant has no such path", 404)
    return opened.finish(sum(opened.parents.values()))


def _of_parents(
    client: Client,
    opened: OpenListing,
    question: Question,
    parameters: dict[str, str],
    limit: int,
    at_once: int,
    on_progress: Progress,
) -> list[str]:
    """Receive the rows of every parent; what was said of those that are gone."""
    resource = question.resource

    gone: list[str] = []

    def one(parent: str) -> None:
        path = resource.path.replace("{parent}", quote(parent, safe=""))
        try:
            rows = read_listing(client, opened, resource, path, parameters, parent=parent, limit=limit)
        except RefusedError as error:
            if error.status != 404:
                raise
            # The parent was deleted meanwhile, or long ago without being announced: its rows stay as they were.
            gone.append(str(error))
            return
        opened.parent_done(parent, len(rows))
        on_progress(len(opened.parents))

    waiting = [parent for parent in question.parents if parent not in opened.parents]
    _each(one, waiting, at_once)
    return gone


def _each(work: Callable[[str], None], items: Sequence[str], at_once: int) -> None:
    """Do it for every item, a few at a time; the first error stops what has not begun."""
    with ThreadPoolExecutor(max_workers=at_once) as pool:
        running = [pool.submit(work, item) for item in items]
        try:
            for future in running:
                future.result()
        except BaseException:
            for future in running:
                future.cancel()
            raise
