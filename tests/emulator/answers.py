"""What is sent back: a status, a body, and the documented error bodies.

Belongs here: answers and errors. Not here: which request gets which (api, http_server).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

JSON_TYPE = "application/json; charset=utf-8"
HTML_TYPE = "text/html; charset=utf-8"
HTML_PAGE = '<!DOCTYPE html>\n<html lang="vi"><head><title>Getfly CRM</title></head><body><h1>{}</h1></body></html>\n'


@dataclass(frozen=True)
class Answer:
    """A status and a body: `content` is written as JSON, `html` as it is."""

    status: int
    content: Any = None
    html: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


class Refused(Exception):
    """A request that is answered with an error body."""

    def __init__(self, status: int, message: str, errors: Mapping[str, Any] | None = None, **more: Any) -> None:
        super().__init__(message)
        self.answer = Answer(status, {"message": message, "errors": dict(errors or {}), **more})


def not_found(what: str) -> Refused:
    """A record that is not there, or no longer."""
    return Refused(404, f"{what} không tồn tại", {})


def no_route(path: str) -> Refused:
    """A path below /api/ that is none of the API's."""
    return Refused(404, f"The route {path.removeprefix('/')} could not be found", {})


def bad_value(name: str, reason: str) -> Refused:
    """A parameter that cannot be read."""
    return Refused(400, "Dữ liệu không hợp lệ", {name: [reason]})


def unknown_field(names: list[str], available: list[str]) -> Refused:
    """Fields that the endpoint does not have; the answer lists those it has."""
    return Refused(400, "Trường dữ liệu không hợp lệ", {"fields": ", ".join(names)}, available_fields=available)
