"""Whether the warehouse is of the right night, and a file that tells an outside watchdog.

Belongs here: comparing dates, and the freshness file. Not here: reading the clock; callers say which night they expect.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from orchestration.checks.catalogue import spec_of
from orchestration.checks.outcome import CheckOutcome, Number
from orchestration.landing.durable import write_durably

FRESHNESS_FILE = "freshness.json"
FORMAT_VERSION = 1


@dataclass(frozen=True)
class Freshness:
    """What the file says. `status` is published, or failed when the last night was not published."""

    as_of: date | None
    published_at: str | None
    status: str
    message: str = ""


def check_freshness(as_of: date, expected_night: date, newest_landed: date | None) -> list[CheckOutcome]:
    """Compare the warehouse's date with the newest landed night and with the night that should have run.

    `expected_night` is usually `settings.yesterday()`, `newest_landed` is `Landing.latest_night(source)`.
    """
    numbers: dict[str, Number] = {
        "as_of": as_of.isoformat(),
        "expected_night": expected_night.isoformat(),
        "newest_landed": newest_landed.isoformat() if newest_landed else None,
        "days_late": (expected_night - as_of).days,
    }
    return [_covers_landing(as_of, newest_landed, numbers), _is_current(as_of, expected_night, numbers)]


def _covers_landing(as_of: date, newest_landed: date | None, numbers: dict[str, Number]) -> CheckOutcome:
    passed = newest_landed is not None and as_of >= newest_landed
    if newest_landed is None:
        message = f"the warehouse is as of {as_of}, but nothing has landed"
    elif passed:
        message = f"the warehouse is as of {as_of}, the newest landed night is {newest_landed}"
    else:
        message = (
            f"the warehouse is as of {as_of}, but {newest_landed} has landed; build as of that night before publishing"
        )
    return CheckOutcome(spec_of("warehouse_covers_landing"), passed, message, numbers, () if passed else (numbers,))


def _is_current(as_of: date, expected_night: date, numbers: dict[str, Number]) -> CheckOutcome:
    days = (expected_night - as_of).days
    if days == 0:
        message = f"the warehouse is as of {as_of}, the night that was expected"
    elif days > 0:
        message = (
            f"the warehouse is as of {as_of}, {days} days before the expected {expected_night}; run the nights between"
        )
    else:
        message = f"the warehouse is as of {as_of}, {-days} days after the expected {expected_night}; look at the clock"
    return CheckOutcome(spec_of("warehouse_is_current"), days == 0, message, numbers, () if days == 0 else (numbers,))


def write_freshness(home: Path, freshness: Freshness) -> Path:
    """Write `<home>/freshness.json` whole; an outside watchdog alarms when it is old or its status is not published."""
    path = home / FRESHNESS_FILE
    home.mkdir(parents=True, exist_ok=True)
    body = {
        "format_version": FORMAT_VERSION,
        "as_of": freshness.as_of.isoformat() if freshness.as_of else None,
        "published_at": freshness.published_at,
        "status": freshness.status,
        "message": freshness.message,
    }
    write_durably(path, json.dumps(body, ensure_ascii=False, indent=1).encode())
    return path


def read_freshness(home: Path) -> Freshness | None:
    """What the file says, None when there is none. Raises ValueError when it is not ours."""
    path = home / FRESHNESS_FILE
    if not path.exists():
        return None
    try:
        body = json.loads(path.read_text(encoding="utf-8"))
        as_of = date.fromisoformat(body["as_of"]) if body["as_of"] else None
        return Freshness(as_of, body["published_at"], body["status"], body["message"])
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path} is no freshness file ({error}); delete it, the next night writes it again") from error
