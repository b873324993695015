"""A whole listing, page after page, from a server whose rows move while they are read.

Belongs here: paging, and knowing that nothing was missed. Not here: one request (`client.py`), or files (`pages.py`).

The API pages by offset. A row that appears before the offset pushes others down, and they come twice; one that vanishes
pulls others up, and they would be missed. Hence every page is asked for from a few rows before the end of the last one,
and has to begin with a row that is known; where it does not, the listing goes back until it does. At the end the
beginning is asked for once more: whoever appeared or was edited meanwhile stands there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from orchestration.sources.getfly.client import Client
from orchestration.sources.getfly.envelope import Page, id_of, read_page
from orchestration.sources.getfly.errors import UnexpectedAnswerError
from orchestration.sources.getfly.pages import OpenListing
from orchestration.sources.getfly.resources import Resource

# Rows that two pages share. More deletions than that between two pages make the listing go back, not lose a row.
OVERLAP = 5
# Pages in a row that may bring nothing new, because rows are being added, before it is clear that the server does not
# page at all.
_NOTHING_NEW = 20
# How often a listing goes back to close one gap.
_GOING_BACK = 20

Progress = Callable[[int], None]


@dataclass
class _Reader:
    """Where one listing is: `offset` is where the next page is asked from, `beyond` an offset that had no rows."""

    client: Client
    kept: OpenListing
    resource: Resource
    path: str
    parameters: Mapping[str, str]
    parent: str
    limit: int
    on_page: Progress
    seen: set[str]
    offset: int = 0
    largest: int = 0
    first: tuple[str, ...] = ()
    beyond: int | None = None
    barren: int = 0
    is_over: bool = False

    def where(self) -> str:
        return f"{self.path} from {self.offset}"

    def ids(self, page: Page) -> list[str]:
        return [id_of(row, self.resource.id_keys, self.where()) for row in page.rows]

    def fetch(self, offset: int, limit: int | None = None) -> Page:
        self.offset = offset
        asked = {**self.parameters, "limit": str(limit or self.limit), "offset": str(offset)}
        answer = self.client.get(self.path, asked)
        page = read_page(answer.body, self.where())
        # Before anything is kept: a row without an id stops here.
        self.ids(page)
        self._last = (answer.content, answer.received_at)
        return page

    def keep(self, page: Page) -> int:
        """Keep the page just fetched; how many of its rows are new."""
        content, received_at = self._last
        self.kept.add(content, parent=self.parent, offset=self.offset, rows=len(page.rows), received_at=received_at)
        return self.count(page)

    def count(self, page: Page) -> int:
        ids = self.ids(page)
        new = len(set(ids) - self.seen)
        self.seen.update(ids)
        self.first = self.first or tuple(ids)
        self.largest = max(self.largest, len(ids))
        self.on_page(len(self.seen))
        return new

    def comes_whole(self, page: Page) -> bool:
        """Whether this endpoint answers with all rows whatever part of them is asked for, as catalogues do."""
        if self.offset == 0 or tuple(self.ids(page)) != self.first:
            return False
        offset = self.offset
        is_whole = self.ids(self.fetch(0, limit=1)) == self.ids(page)
        self.offset = offset
        return is_whole


def read_listing(
    client: Client,
    kept: OpenListing,
    resource: Resource,
    path: str,
    parameters: Mapping[str, str],
    *,
    parent: str = "",
    limit: int = 100,
    on_page: Progress = lambda _rows: None,
) -> set[str]:
    """Receive every page that is not kept yet; the ids of all rows, those of earlier tries included.

    Raises UnexpectedAnswerError when the server does not page, or a gap does not close; and what `Client.get` raises.
    """
    reader = _Reader(client, kept, resource, path, parameters, parent, limit, on_page, set())
    pages = _resume(reader)
    while not reader.is_over:
        page = _next_page(reader)
        new = reader.keep(page)
        pages += 1
        _move_on(reader, page, new)
    if pages > 1:
        _look_again(reader)
    return reader.seen


def _resume(reader: _Reader) -> int:
    """Take up what was received before a break; how many pages that were."""
    lines = reader.kept.lines_of(reader.parent)
    for line in lines:
        reader.count(read_page(reader.kept.body(line), reader.path))
    # The last page is asked for again, at least in part: rows may have come since.
    reader.offset = max((line.offset + max(0, line.rows - OVERLAP) for line in lines), default=0)
    return len(lines)


def _next_page(reader: _Reader) -> Page:
    """The page at the offset, or one further back if rows before it have vanished."""
    offset, reader.beyond = reader.offset, None
    for _ in range(_GOING_BACK):
        page = reader.fetch(offset)
        if not page.rows:
            reader.beyond = offset
        if offset == 0 or (page.rows and reader.ids(page)[0] in reader.seen):
            return page
        offset = max(0, offset - max(OVERLAP, reader.limit // 2))
    raise UnexpectedAnswerError(
        f"{reader.where()}: rows vanish faster than they can be read. Read it again when nobody deletes records."
    )


def _move_on(reader: _Reader, page: Page, new: int) -> None:
    """Decide whether the listing is over, and where the next page begins."""
    reader.barren = 0 if new else reader.barren + 1
    if not page.rows and page.has_more:
        raise UnexpectedAnswerError(f"{reader.where()}: an answer without rows says that there are more")
    if page.is_everything or page.has_more is False or not page.rows:
        reader.is_over = True
    elif not new and reader.beyond is not None and reader.offset + len(page.rows) <= reader.beyond:
        # All rows before an offset that has none are known.
        reader.is_over = True
    elif page.has_more is None and not new and (len(page.rows) < reader.largest or reader.comes_whole(page)):
        # Nothing says whether there is more: a short answer without news tells that it was the last.
        reader.is_over = True
    elif reader.barren >= _NOTHING_NEW:
        raise UnexpectedAnswerError(
            f"{reader.where()}: {_NOTHING_NEW} pages brought the same rows although more are announced; the server "
            "does not follow `offset`."
        )
    reader.offset += max(1, len(page.rows) - OVERLAP)


def _look_again(reader: _Reader) -> None:
    """From the beginning, until a page has nothing new: rows that came, or moved to the front, meanwhile."""
    offset = 0
    while True:
        page = reader.fetch(offset)
        new = reader.keep(page)
        if not new or page.has_more is False or page.is_everything:
            return
        offset += max(1, len(page.rows) - OVERLAP)
