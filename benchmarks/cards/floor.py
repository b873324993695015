"""The floor: one hand-written pass of DuckDB over the landed files (`floor.sql`).

Usage: `python -m benchmarks.cards.floor HOME AS_OF TARGET`.
"""

from __future__ import annotations

from pathlib import Path

import duckdb

from benchmarks.cards.inputs import Given

SQL = Path(__file__).with_name("floor.sql")
# As ours (dbt_project/profiles.yml): it is faster to write than DuckDB's default.
STORAGE = "v1.4.0"


def main() -> None:
    """Make the four marts in `cards.duckdb` of the target."""
    given = Given.from_arguments()
    limits: dict[str, str | bool | int | float | list[str]] = {
        "threads": given.threads,
        "memory_limit": given.memory_limit,
        "temp_directory": str(given.target / "spill"),
        "storage_compatibility_version": STORAGE,
    }
    with duckdb.connect(str(given.target / "cards.duckdb"), config=limits) as connection:
        connection.execute("set enable_progress_bar = false")
        connection.execute("set variable as_of = ?::date", [given.as_of])
        for entity, path in given.files().items():
            connection.execute(f"set variable {entity} = ?", [path])
        connection.execute(SQL.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
