"""The tenant that the settings name, and its key.

Belongs here: reading the key, and refusing what cannot work before anything is asked. Not here: asking (`client.py`).
"""

from __future__ import annotations

from collections.abc import Callable

from orchestration.settings import Settings
from orchestration.sources.getfly.client import Client, Politeness

_OTHERS = 0o077


def refuse_unreachable(settings: Settings) -> None:
    """Raise ValueError where the address or the key is missing, or the key's file is open to others."""
    if settings.getfly_url is None:
        raise ValueError("the getfly source needs KPI_GETFLY_URL, for example https://company.getflycrm.com")
    key_of(settings)


def key_of(settings: Settings) -> str:
    """The key, from its file or the environment. Raises ValueError; no message holds it."""
    path = settings.getfly_key_file
    if path is None:
        if settings.getfly_key is None:
            raise ValueError(
                "the getfly source needs its key: write it into a file and name that in KPI_GETFLY_KEY_FILE. Getfly "
                "shows it under Settings > Integration > Other software integration > Getfly API Key"
            )
        return settings.getfly_key.get_secret_value()
    try:
        if path.stat().st_mode & _OTHERS:
            raise ValueError(f"the key file {path} is open to others; `chmod 600 {path}`")
        return path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ValueError(f"the key file {path} cannot be read: {error.strerror}") from error


def client_of(settings: Settings, on_wait: Callable[[str], None] | None = None) -> Client:
    """The tenant, asked as politely as the settings say. Raises ValueError like `refuse_unreachable`."""
    refuse_unreachable(settings)
    assert settings.getfly_url is not None
    return Client(
        settings.getfly_url,
        key_of(settings),
        Politeness(
            per_second=settings.getfly_per_second,
            at_once=settings.getfly_at_once,
            attempts=settings.getfly_attempts,
        ),
        on_wait,
    )
