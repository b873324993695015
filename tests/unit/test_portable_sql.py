"""Models and tests are written so that every engine reads them: what engines write differently is in macros."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from orchestration.settings import PROJECT_DIR

# What only DuckDB understands, and what to write instead.
_FORBIDDEN = {
    r"\bvarchar\b": "string, a text type that both engines know",
    r"\bhugeint\b": "the macro whole",
    r"\bunnest\(": "the macro unnested",
    r"\blist_\w+\(": "a macro with a form per engine",
    r"::": "cast(... as ...)",
    r"\bexclude \(": "the columns by name",
    r"\bunion all by name\b": "the columns in one order",
    r"(?<!\.)\browid\b": "the key",
}
_FOLDERS = ("models/staging/contract", "models/staging/frozen", "models/core", "models/marts")


def _offences(sql: str) -> list[str]:
    # Macros' arguments name types of the contract, which have a form per engine.
    bare = re.sub(r"--[^\n]*|\{\{.*?\}\}|\{#.*?#\}|'[^']*'", "", sql, flags=re.DOTALL)
    return [
        f"{found[0]}: write {instead}"
        for form, instead in _FORBIDDEN.items()
        for found in [re.search(form, bare)]
        if found
    ]


def _models() -> list[Path]:
    return sorted(path for folder in _FOLDERS for path in (PROJECT_DIR / folder).rglob("*.sql"))


def test_models_use_no_sql_of_one_engine() -> None:
    models = _models()
    assert len(models) > 100
    offences = {str(path.relative_to(PROJECT_DIR)): _offences(path.read_text(encoding="utf-8")) for path in models}
    assert not {path: found for path, found in offences.items() if found}


@pytest.mark.parametrize(
    "sql",
    [
        "select cast(a as varchar) as a from t",
        "select unnest(a) as b from t",
        "select a::date as b from t",
        "select * exclude (a) from t",
        "select cast(a as hugeint) as a from t",
    ],
)
def test_such_sql_is_noticed(sql: str) -> None:
    assert _offences(sql)


def test_comments_texts_and_macros_are_not_meant() -> None:
    assert not _offences("-- varchar\nselect {{ rejected_record_key(['varchar']) }} as a, '::' as b from t")
