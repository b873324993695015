"""Tables that were built on Spark, taken into the warehouse file: tested, checked and published like those of DuckDB.

Belongs here: reading the Parquet files of Spark's tables by the list that the build left, and remembering which were
taken. Not here: building them (`dbt_project/macros/spark`), or Spark itself.

Each build leaves a table's files in a folder of its own, so a table whose folder is still the same has the same rows
and is not read again. That holds while nothing else writes the warehouse: the record is taken away with the first
table that is taken, written again when a build has finished, and names the last dbt run on the warehouse.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Set
from pathlib import Path
from typing import TYPE_CHECKING

from orchestration.build_plan import open_warehouse
from orchestration.dbt_run import DbtError, dbt_paths, last_invocation
from orchestration.serving.sql import identifier
from orchestration.settings import Settings

if TYPE_CHECKING:
    import duckdb

LIST = "tables.json"

# The schema is build_plan's: a build of everything on DuckDB drops it, and after one of Spark no record of DuckDB's
# own may be left in it.
_SCHEMA = "changes"
_TAKEN = f"{_SCHEMA}._taken"


def take_tables(settings: Settings, names: Set[str]) -> list[str]:
    """Bring these tables of the warehouse, as `schema.table`, to what Spark has; returns those that were read anew.

    All of them or none. Raises DbtError where Spark has not left one of them. The writer lock is held.
    """
    listed = _listed(settings.spark_dir)
    missing = sorted(names - listed.keys())
    if missing:
        raise DbtError(f"Spark has built no table {', '.join(missing)}: it is not in {settings.spark_dir / LIST}")
    settings.warehouse_dir.mkdir(parents=True, exist_ok=True)
    with open_warehouse(settings) as connection:
        taken = _taken(connection, _last_run(settings))
        wanted = sorted(name for name in names if taken.get(name) != listed[name])
        connection.execute("begin")
        connection.execute(f"drop schema if exists {_SCHEMA} cascade")
        for name in wanted:
            schema, table = name.split(".")
            files = sorted(str(path) for path in Path(listed[name]).glob("*.parquet"))
            if not files:
                raise DbtError(f"there are no files of {name} in {listed[name]}; build again")
            connection.execute(f"create schema if not exists {identifier(schema)}")
            connection.execute(
                f"create or replace table {identifier(schema, table)} as select * from read_parquet($files)",
                {"files": files},
            )
        connection.execute("commit")
    return wanted


def record_taken(settings: Settings) -> None:
    """Remember that the warehouse's tables are those on Spark's list, tested by the last dbt run there was."""
    listed, last_run = _listed(settings.spark_dir), _last_run(settings)
    with open_warehouse(settings) as connection:
        connection.execute("begin")
        connection.execute(f"create schema if not exists {_SCHEMA}")
        connection.execute(f"create or replace table {_TAKEN} (name varchar, folder varchar, last_run varchar)")
        connection.executemany(
            f"insert into {_TAKEN} values (?, ?, ?)", [(name, folder, last_run) for name, folder in listed.items()]
        )
        connection.execute("commit")


def _listed(spark_dir: Path) -> Mapping[str, str]:
    """Each table's folder. Raises DbtError where no build has left the list."""
    path = spark_dir / LIST
    if not path.exists():
        raise DbtError(f"no build on Spark has left {path}")
    listed: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
    return listed


def _last_run(settings: Settings) -> str:
    return last_invocation(dbt_paths(settings).run_results)


def _taken(connection: duckdb.DuckDBPyConnection, last_run: str) -> Mapping[str, str]:
    """The folder each table was read from, if nothing else has run on the warehouse since."""
    found = connection.execute(
        "select count(*) from duckdb_tables() where database_name = current_database() "
        "and schema_name = 'changes' and table_name = '_taken'"
    ).fetchone()
    if found != (1,):
        return {}
    rows = connection.execute(f"select name, folder from {_TAKEN} where last_run = $run", {"run": last_run}).fetchall()
    return dict(rows)
