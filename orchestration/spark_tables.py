"""Tables that were built on Spark, in a DuckDB file: to be compared, checked or served like those built on DuckDB.

Belongs here: reading the Parquet files of Spark's tables by the list that the build left. Not here: building them
(`dbt_project/macros/spark`), or Spark itself.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path

import duckdb

from orchestration.serving.sql import identifier

LIST = "tables.json"


def copy_tables(warehouse: Path, into: Path, schemas: Collection[str]) -> list[str]:
    """Write the tables of these schemas into a new DuckDB file; returns their names.

    Raises FileNotFoundError where no build has left its list, FileExistsError where the file is there already.
    """
    if into.exists():
        raise FileExistsError(f"{into} is there already; the tables go into a file of their own")
    listed: dict[str, str] = json.loads((warehouse / LIST).read_text(encoding="utf-8"))
    copied = []
    with duckdb.connect(into) as connection:
        for schema in schemas:
            connection.execute(f"create schema {identifier(schema)}")
        for name, folder in listed.items():
            schema, table = name.split(".")
            if schema in schemas:
                files = sorted(str(path) for path in Path(folder).glob("*.parquet"))
                connection.read_parquet(files).create(f"{identifier(schema)}.{identifier(table)}")
                copied.append(name)
    return copied
