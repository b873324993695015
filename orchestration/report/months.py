"""Calendar months as the page counts them: reading one that a person typed, and stepping from one to the next."""

from __future__ import annotations

import re
from datetime import date, timedelta

from orchestration.report.errors import PageError

_MONTH = re.compile(r"(\d{4})-(\d{2})")


def parse_month(text: str) -> date:
    """`2026-03` as the first day of that month; PageError for anything else."""
    match = _MONTH.fullmatch(text.strip())
    if match is None or not 1 <= int(match[2]) <= 12 or int(match[1]) == 0:
        raise PageError(f"{text!r} is no month.", "Write it as year-month, for example 2026-03.")
    return date(int(match[1]), int(match[2]), 1)


def next_month(month: date) -> date:
    """The first day of the month after the one `month` lies in."""
    return (month.replace(day=28) + timedelta(days=4)).replace(day=1)


def previous_month(month: date) -> date:
    """The first day of the month before the one `month` lies in."""
    return (month.replace(day=1) - timedelta(days=1)).replace(day=1)


def month_end(month: date) -> date:
    """The last day of the month that `month` lies in."""
    return next_month(month) - timedelta(days=1)


def months_back(month: date, count: int) -> date:
    """The first day of the month `count` months before the one `month` lies in."""
    for _ in range(count):
        month = previous_month(month)
    return month.replace(day=1)
