"""Short ways to ask the emulator in its own tests.

Belongs here: what several test files need. Not here: a client to rely on (that is the connector's work).
"""

from __future__ import annotations

from typing import Any

import httpx

Row = dict[str, Any]


def rows_of(answer: httpx.Response) -> list[Row]:
    """The rows of a list, in an envelope or bare; the answer must be a success."""
    assert answer.status_code == 200, answer.text
    content = answer.json()
    rows: list[Row] = content["data"] if isinstance(content, dict) else content
    return rows


def get_rows(crm: httpx.Client, path: str, **params: Any) -> list[Row]:
    """One page."""
    return rows_of(crm.get(path, params=params))


def pages(crm: httpx.Client, path: str, limit: int, **params: Any) -> list[list[Row]]:
    """Page after page until one is short, as a plain client does it."""
    found: list[list[Row]] = []
    while True:
        page = get_rows(crm, path, limit=limit, offset=limit * len(found), **params)
        found.append(page)
        if len(page) < limit:
            return found


def all_rows(crm: httpx.Client, path: str, **params: Any) -> list[Row]:
    """Every row of a list."""
    return [row for page in pages(crm, path, 100, **params) for row in page]


def ids(rows: list[Row], key: str = "id") -> list[Any]:
    """The ids in the order of the rows."""
    return [row[key] for row in rows]
