"""Looking into a page's file as a stranger would: unpacking everything in it.

Belongs here: taking a file apart. Not here: what should be in it.
"""

from __future__ import annotations

import base64
import gzip
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from typing import Any

_HEAD = re.compile(r'<script type="application/json" id="head">(.*?)</script>', re.DOTALL)
_PART = re.compile(r'<script type="application/octet-stream" data-subject="(.*?)">(.*?)</script>', re.DOTALL)

Json = Any


@dataclass(frozen=True)
class File:
    """A page's file taken apart: what all parts share, and each subject's own."""

    text: str
    head: Json
    parts: dict[str, Json]

    def words(self, subject: str, cell: str | int, lang: int = 0) -> str:
        """A cell as it is shown."""
        return str(self.parts[subject]["words"][cell][lang]) if isinstance(cell, int) else cell

    def block(self, subject: str, name: str, month: str) -> Json:
        """One block's content."""
        part = self.parts[subject]
        return part["months"][month].get(name) or part["now"].get(name)

    def table(self, subject: str, name: str, month: str, at: int = 0) -> list[list[str]]:
        """One table's cells in English; none where the block has no figures."""
        items = self.block(subject, name, month).get("items", ())
        tables = [item["rows"] for item in items if "rows" in item]
        return [[self.words(subject, cell).strip() for cell in row] for row in tables[at]] if tables else []

    def texts(self) -> Iterator[str]:
        """Every text of the data, without the page's own words."""
        yield from texts({**self.head, "words": None})
        yield from texts(self.parts)


def texts(content: Json) -> Iterator[str]:
    """Every text in a structure, keys too."""
    if isinstance(content, str):
        yield content
    elif isinstance(content, dict):
        for key, value in content.items():
            yield key
            yield from texts(value)
    elif isinstance(content, list):
        for value in content:
            yield from texts(value)


def take_apart(path: Path) -> File:
    """Everything in a file."""
    text = path.read_text(encoding="utf-8")
    found = _HEAD.search(text)
    assert found is not None, "the file has no head"
    parts = {
        unescape(subject): json.loads(gzip.decompress(base64.b64decode(packed)))
        for subject, packed in _PART.findall(text)
    }
    return File(text, json.loads(found[1]), parts)
