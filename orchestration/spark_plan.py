"""How a build on Spark goes: everything anew, or only what changed; the same decision as for the DuckDB warehouse.

Belongs here: where the record of the last build on Spark lies, and handing the changed records to dbt there. Not here:
the decision itself (`build_plan.py`), or running dbt.

Spark's tables cannot keep the record: only dbt writes into its catalog. It is a DuckDB file beside the warehouse, and
what dbt has to read of it is written out as Parquet.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from orchestration.build_plan import CHANGES, BuildPlan, Built, built_now, plan_build, record_built
from orchestration.dbt_run import last_invocation
from orchestration.settings import Settings
from orchestration.spark_tables import LIST

if TYPE_CHECKING:
    import duckdb

_RECORD = "spark_build.duckdb"
_HANDED_OVER = {"build": "changes._build", "records": "changes._records"}


def spark_target(settings: Settings) -> Path:
    """Where dbt keeps its own files of builds on Spark."""
    return settings.warehouse_dir / "spark_dbt" / "target"


def built_on_spark(settings: Settings, as_of: date) -> Built:
    """What a build on Spark is made of now, with the last dbt run there was on it, and where its tables are."""
    invocation = last_invocation(spark_target(settings) / "run_results.json")
    built = built_now(settings, as_of)
    return replace(built, project=f"{built.project} {settings.spark_dir}", invocation=invocation)


def prepare(settings: Settings, wanted: Built, *, only_everything: str | None = None) -> BuildPlan:
    """Plan the build, take the record of a finished one away, and write out what changed. The writer lock is held."""
    if only_everything is None and not (settings.spark_dir / LIST).exists():
        only_everything = f"there are no tables in {settings.spark_dir}"
    with _open(settings) as connection:
        plan = plan_build(connection, settings.landing_index_path, wanted, only_everything)
        if plan.mode == CHANGES:
            _hand_over(connection, settings.warehouse_dir / "spark_changes")
    return plan


def finish(settings: Settings, built: Built) -> None:
    """Record that everything was built and passed, from the batches of the index. The writer lock is held."""
    with _open(settings) as connection:
        record_built(connection, settings.landing_index_path, built)


def forget(settings: Settings) -> None:
    """Have the next build on Spark be one of everything. The writer lock is held."""
    for name in (_RECORD, f"{_RECORD}.wal"):
        (settings.warehouse_dir / name).unlink(missing_ok=True)


@contextmanager
def _open(settings: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    import duckdb

    settings.warehouse_dir.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(settings.warehouse_dir / _RECORD) as connection:
        connection.execute("set memory_limit = ?", [settings.memory_limit])
        connection.execute("set threads = ?", [settings.threads])
        yield connection


def _hand_over(connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in _HANDED_OVER.items():
        aside = folder / f"{name}.parquet.{os.getpid()}"
        connection.table(table).write_parquet(str(aside))
        aside.replace(folder / f"{name}.parquet")
