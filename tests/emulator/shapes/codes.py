"""Business codes, which the API lets people choose: they may hold a slash or brackets.

Belongs here: how a code is spelled. Not here: ids (values).
"""

from __future__ import annotations

from tests.emulator.oddities import Oddities


def spelled(code: str | None, oddities: Oddities) -> str | None:
    """A code such as KH-000012, or with `slashed_codes` KH/[VN]/000012."""
    return code.replace("-", "/[VN]/") if code and oddities.slashed_codes else code
