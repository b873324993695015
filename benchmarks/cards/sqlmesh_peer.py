"""SQLMesh on DuckDB: every statement of the floor as a model of its own, built by one `plan`.

Belongs here: writing its project for one batch, and the command that builds it. Not here: SQL of its own: that of the
floor is as good as anybody would write for it. SQLMesh lives in an environment of its own (`make bench` installs it).
"""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from benchmarks.cards.floor import SQL, STORAGE
from benchmarks.cards.inputs import Given

PROGRAM = Path(__file__).resolve().parents[2] / ".venv-sqlmesh" / "bin" / "sqlmesh"

_STATEMENT = re.compile(r"^create (?:temp )?table ([\w.]+) as\n(.*?);$", flags=re.MULTILINE | re.DOTALL)
_VARIABLE = re.compile(r"getvariable\('(\w+)'\)")


def write_project(folder: Path, given: Given) -> None:
    """The configuration and one model for each table of the floor."""
    gateway = {
        "connection": {
            "type": "duckdb",
            "database": str(given.target / "cards.duckdb"),
            "connector_config": {
                "threads": given.threads,
                "memory_limit": given.memory_limit,
                "temp_directory": str(given.target / "spill"),
                "storage_compatibility_version": STORAGE,
            },
        },
        # Beside the marts' file, as one's first project has it.
        "state_connection": {"type": "duckdb", "database": str(given.target / "state.db")},
    }
    config = {
        "gateways": {"local": gateway},
        "model_defaults": {"dialect": "duckdb", "start": given.as_of.isoformat()},
        "disable_anonymized_analytics": True,
    }
    models = folder / "models"
    models.mkdir(parents=True)
    (folder / "config.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    statements = _STATEMENT.findall(SQL.read_text(encoding="utf-8"))
    steps = [name for name, _ in statements if "." not in name]
    texts = {name: _text(path) for name, path in given.files().items()} | {"as_of": f"date {_text(str(given.as_of))}"}
    named = re.compile(rf"\b(from|join) ({'|'.join(steps)})\b")
    for name, query in statements:
        model = name if "." in name else f"core.{name}"
        body = named.sub(r"\1 core.\2", _VARIABLE.sub(lambda found: texts[found[1]], query))
        header = f"MODEL (name {model}, kind FULL);\n\n"
        (models / f"{model}.sql").write_text(header + body + "\n", encoding="utf-8")


def command(folder: Path) -> list[str]:
    """The one command that builds everything."""
    return [
        str(PROGRAM),
        "--log-file-dir",
        str(folder / "logs"),
        "-p",
        str(folder),
        "plan",
        "--auto-apply",
        "--no-prompts",
    ]


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
