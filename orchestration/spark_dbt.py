"""dbt on Apache Spark: `python -m orchestration.spark_dbt` takes dbt's arguments, in the environment that has both.

Belongs here: what has to surround a dbt command on Spark. Not here: what it should run (`dbt_run.py`), or how tables
are made (`dbt_project/macros/spark`). Nothing but dbt and the standard library is imported: there is no more.

dbt-spark switches ANSI off for every statement, so that what does not convert and sums that are too large would become
null. A warehouse of money cannot have that: it is switched on again. Then every build leaves its tables' files in
folders of their own, and those that no table names any more are deleted here; the last one stays for who is reading.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

_ANSI = "spark.sql.ansi.enabled"
_KEPT_BEFORE = 1
"""How many folders of earlier builds a table keeps."""


def keep_ansi() -> None:
    """Have every connection that dbt-spark makes from now on run with ANSI."""
    from dbt.adapters.spark.connections import SparkCredentials

    original = SparkCredentials.__post_init__

    def with_ansi(self: Any) -> None:
        original(self)
        self.server_side_parameters[_ANSI] = "true"

    SparkCredentials.__post_init__ = with_ansi


def settle(session: Any, warehouse: Path) -> Mapping[str, str]:
    """Say in `tables.json` where each table's files are, and delete those of builds before the last; returns the list.

    The changed rows of a build serve the models and tests of that build only, and go as well.
    """
    catalog = session._jsparkSession.sharedState().externalCatalog()
    session.sql("drop database if exists changes cascade")
    _delete(session, f"{warehouse}/tables/changes")
    locations = {}
    for database in session.catalog.listDatabases():
        for table in session.catalog.listTables(database.name):
            if table.tableType == "EXTERNAL":
                location = catalog.getTable(database.name, table.name).location()
                _clear_beside(session, location)
                locations[f"{database.name}.{table.name}"] = location.getPath()
    aside = warehouse / f"tables.json.{os.getpid()}"
    aside.write_text(json.dumps(locations, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    aside.replace(warehouse / "tables.json")
    return locations


def _files(session: Any, path: Any) -> Any:
    return path.getFileSystem(session._jsparkSession.sessionState().newHadoopConf())


def _delete(session: Any, folder: str) -> None:
    path = session._jvm.org.apache.hadoop.fs.Path(folder)
    _files(session, path).delete(path, True)


def _clear_beside(session: Any, location: Any) -> None:
    current = session._jvm.org.apache.hadoop.fs.Path(location)
    files = _files(session, current)
    folders = [each for each in files.listStatus(current.getParent()) if each.getPath().getName() != current.getName()]
    folders.sort(key=lambda each: int(each.getModificationTime()), reverse=True)
    for old in folders[_KEPT_BEFORE:]:
        files.delete(old.getPath(), True)


def finish(*, is_success: bool) -> None:
    """End the session of this process, if there is one, with the executors it holds."""
    from pyspark.sql import SparkSession

    session = SparkSession.getActiveSession() or SparkSession._instantiatedSession
    if session is None:
        return
    if is_success:
        settle(session, Path(str(session.conf.get("spark.sql.warehouse.dir")).removeprefix("file:")))
    session.stop()


def run(arguments: Sequence[str], callbacks: Sequence[Callable[[Any], None]] = ()) -> tuple[int, str | None]:
    """Run one dbt command, and tell its events to the callbacks.

    Returns 0 when dbt calls it a success, 1 when not, 2 with the reason when dbt stopped with an exception.
    """
    from dbt.cli.main import dbtRunner

    keep_ansi()
    result = dbtRunner(callbacks=list(callbacks)).invoke(list(arguments))
    finish(is_success=result.success)
    if result.exception is not None:
        return 2, str(result.exception).strip() or type(result.exception).__name__
    return (0 if result.success else 1), None


def main(arguments: Sequence[str]) -> int:
    """Run one dbt command from a terminal; returns the exit code of `run`."""
    code, problem = run(arguments)
    if problem is not None:
        print(problem, file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
