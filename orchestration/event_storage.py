"""Dagster's event log on SQLite, with connections that stay open.

Belongs here: only that difference. A night stores about a thousand events; the class Dagster ships opens, compiles,
commits and closes anew for each of them, which costs more than building the warehouse does. The files, tables and
rows are the same, so either class reads what the other wrote.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from dagster._core.storage.event_log import SqliteEventLogStorage
from dagster._serdes import ConfigurableClassData
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.pool import QueuePool

BUSY_TIMEOUT_SECONDS = 30
_FILES_KEPT_OPEN = 8


def events_dir(instance_dir: Path) -> Path:
    """Where an instance keeps its events: the place Dagster chooses by itself."""
    return instance_dir / "history" / "runs"


def storage_override(instance_dir: Path) -> dict[str, Any]:
    """The part of `dagster.yaml` that names this class, for an instance opened without DAGSTER_HOME."""
    return {
        "event_log_storage": {
            "module": __name__,
            "class": PooledSqliteEventLogStorage.__name__,
            "config": {"base_dir": str(instance_dir)},
        }
    }


def _relax_syncing(connection: Any, _record: object) -> None:
    # With a write-ahead log a power cut can lose the last events, never the file; the landing zone does its own
    # syncing.
    connection.execute("pragma synchronous = normal")


class PooledSqliteEventLogStorage(SqliteEventLogStorage):
    """Keeps one connection per database file, for the files used last. `base_dir` is the instance's folder."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        self._engines: OrderedDict[str, Engine] = OrderedDict()
        self._tables: set[str] = set()
        super().__init__(str(events_dir(Path(base_dir))), inst_data)

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]) -> Self:
        """Called by Dagster with the `config` of `dagster.yaml`."""
        return cls(inst_data=inst_data, **config_value)

    @contextmanager
    def _connect(self, shard: str) -> Iterator[Connection]:
        with self._db_lock:
            engine = self._engine(shard)
            if shard not in self._initialized_dbs:
                self._initdb(engine)
                self._initialized_dbs.add(shard)
            with engine.connect() as connection, connection.begin():
                yield connection

    def _engine(self, shard: str) -> Engine:
        engine = self._engines.pop(shard, None)
        if engine is None:
            engine = create_engine(
                self.conn_string_for_shard(shard),
                poolclass=QueuePool,
                pool_size=1,
                # The pool hands a connection to one thread at a time; the lock above sees to that as well.
                connect_args={"timeout": BUSY_TIMEOUT_SECONDS, "check_same_thread": False},
            )
            event.listen(engine, "connect", _relax_syncing)
        self._engines[shard] = engine
        while len(self._engines) > _FILES_KEPT_OPEN:
            _, oldest = self._engines.popitem(last=False)
            oldest.dispose()
        return engine

    def has_table(self, table_name: str) -> bool:
        """Whether the table is there; asked for every event, and tables do not go away."""
        if table_name not in self._tables and super().has_table(table_name):
            self._tables.add(table_name)
        return table_name in self._tables

    def dispose(self) -> None:
        """Close every connection."""
        super().dispose()
        with self._db_lock:
            for engine in self._engines.values():
                engine.dispose()
            self._engines.clear()
