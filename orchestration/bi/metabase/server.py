"""The Metabase server that the settings name, and its key.

Belongs here: reading the key, and refusing what cannot work before anything is asked. Not here: asking (`client.py`).
"""

from __future__ import annotations

from collections.abc import Callable

from orchestration.bi.metabase.client import Client, Patience
from orchestration.bi.metabase.errors import MetabaseError
from orchestration.settings import Settings

_OTHERS = 0o077


def key_of(settings: Settings) -> str:
    """The key, from its file or the environment. Raises MetabaseError; no message holds it."""
    path = settings.metabase_api_key_file
    if path is None:
        if settings.metabase_api_key is None:
            raise MetabaseError(
                "Metabase needs a key of the group Administrators: make one under Admin settings > Authentication > "
                "API keys, write it into a file and name that in KPI_METABASE_API_KEY_FILE"
            )
        return settings.metabase_api_key.get_secret_value()
    try:
        if path.stat().st_mode & _OTHERS:
            raise MetabaseError(f"the key file {path} is open to others; `chmod 600 {path}`")
        return path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise MetabaseError(f"the key file {path} cannot be read: {error.strerror}") from error


def client_of(
    settings: Settings, on_wait: Callable[[str], None] | None = None, patience: Patience | None = None
) -> Client:
    """The server of the settings. Raises MetabaseError where the address or the key is missing or cannot be right."""
    if settings.metabase_url is None:
        raise MetabaseError(
            "there is no Metabase to provision; KPI_METABASE_URL names one, like https://bi.company.example"
        )
    try:
        return Client(settings.metabase_url, key_of(settings), patience, on_wait)
    except ValueError as error:
        raise MetabaseError(str(error)) from error
