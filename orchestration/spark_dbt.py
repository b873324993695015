"""dbt on Apache Spark: `python -m orchestration.spark_dbt` takes dbt's arguments, in the environment that has both.

Belongs here: what has to surround a dbt command on Spark. Not here: what it should run (`dbt_run.py`), or how tables
are made (`dbt_project/macros/spark`). Nothing but dbt and the standard library is imported: there is no more.

dbt-spark switches ANSI off for every statement, so that what does not convert and sums that are too large would become
null. A warehouse of money cannot have that: it is switched on again. Then every build leaves its tables' files in
folders of their own, and those that no table names any more are deleted here; the last one stays for who is reading.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
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


def clear_folders(session: Any) -> int:
    """Delete the folders of tables' earlier builds but the last; returns how many went."""
    catalog = session._jsparkSession.sharedState().externalCatalog()
    deleted = 0
    for database in session.catalog.listDatabases():
        for table in session.catalog.listTables(database.name):
            if table.tableType == "EXTERNAL":
                location = catalog.getTable(database.name, table.name).location()
                deleted += _clear_beside(session, location)
    return deleted


def _clear_beside(session: Any, location: Any) -> int:
    current = session._jvm.org.apache.hadoop.fs.Path(location)
    files = current.getFileSystem(session._jsparkSession.sessionState().newHadoopConf())
    folders = [each for each in files.listStatus(current.getParent()) if each.getPath().getName() != current.getName()]
    folders.sort(key=lambda each: int(each.getModificationTime()), reverse=True)
    for old in folders[_KEPT_BEFORE:]:
        files.delete(old.getPath(), True)
    return len(folders[_KEPT_BEFORE:])


def finish(*, is_success: bool) -> None:
    """End the session of this process, if there is one, with the executors it holds."""
    from pyspark.sql import SparkSession

    session = SparkSession.getActiveSession()
    if session is not None:
        if is_success:
            clear_folders(session)
        session.stop()


def main(arguments: Sequence[str]) -> int:
    """Run one dbt command; 0 when dbt calls it a success."""
    from dbt.cli.main import dbtRunner

    keep_ansi()
    result = dbtRunner().invoke(list(arguments))
    finish(is_success=result.success)
    if result.exception is not None:
        print(result.exception, file=sys.stderr)
        return 2
    return 0 if result.success else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
