"""Plays nights: runs the Dagster job in this process, on the instance under KPI_HOME, and says how it came out.

Belongs here: the instance, the run, and the reading of a failed run. Not here: what a night does (`assets/`), or how
the result looks (`cli.py`). Runs played here show in the UI like any other.
"""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
from dagster._core.execution.plan.objects import StepFailureData
from dagster._core.instance.ref import InstanceRef
from dagster_shared.error import SerializableErrorInfo

from orchestration.backfill.months import MonthRange
from orchestration.definitions import BACKFILL, NIGHT, NIGHTS, Services, build_defs, record_failure
from orchestration.event_storage import storage_override
from orchestration.settings import PROJECT_DIR, Settings

__all__ = ["TIMED_JOBS", "NightPlayer", "RunResult", "Services", "StepFailure", "open_instance", "quiet_libraries"]

TIMED_JOBS = (NIGHT, NIGHTS)
"""The jobs whose last good run says how long a backfill may take."""

_LOCATION_TAGS = {".dagster/repository": "__repository__@kpi_warehouse"}

# Not in the template: `dagster` reads that one too where DAGSTER_HOME is not set, and then could not even start.
_EVENT_STORAGE = """
# The same files as Dagster's own SQLite storage, several times faster; see orchestration/event_storage.py.
event_log_storage:
  module: orchestration.event_storage
  class: PooledSqliteEventLogStorage
  config:
    base_dir:
      env: DAGSTER_HOME
"""

# Every event is in the instance; the terminal belongs to the progress lines.
_SILENT_CONSOLE = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@dataclass(frozen=True)
class StepFailure:
    """A step that failed: its name, what it said, the class of the error behind it, and the details beside it."""

    step: str
    message: str
    error_class: str
    details: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class RunResult:
    """How a run came out. `failures` is empty only when it succeeded."""

    run_id: str
    success: bool
    failures: tuple[StepFailure, ...]


def prepare_instance_home(settings: Settings) -> Path:
    """KPI_HOME/dagster with its `dagster.yaml`; an edited copy stays as it is."""
    settings.dagster_dir.mkdir(parents=True, exist_ok=True)
    target = settings.dagster_dir / "dagster.yaml"
    if not target.exists():
        template = (PROJECT_DIR / "dagster.yaml").read_text(encoding="utf-8")
        target.write_text(template + _EVENT_STORAGE, encoding="utf-8")
    return settings.dagster_dir


@contextmanager
def open_instance(settings: Settings) -> Iterator[dg.DagsterInstance]:
    """Dagster's instance under KPI_HOME, whatever DAGSTER_HOME says."""
    home = prepare_instance_home(settings)
    with dg.DagsterInstance.from_ref(InstanceRef.from_dir(str(home), overrides=storage_override(home))) as instance:
        yield instance


@contextmanager
def quiet_libraries(log_path: Path) -> Iterator[None]:
    """Send what libraries log and warn to a file, for as long as a person watches the terminal."""
    log_path.parent.mkdir(parents=True, exist_ok=True)
    handler = logging.FileHandler(log_path, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    root, dagster_logger = logging.getLogger(), logging.getLogger("dagster")
    before = (root.handlers[:], dagster_logger.handlers[:], dagster_logger.propagate)
    logging.captureWarnings(True)
    root.handlers, dagster_logger.handlers, dagster_logger.propagate = [handler], [handler], False
    try:
        with warnings.catch_warnings():
            yield
    finally:
        root.handlers, dagster_logger.handlers, dagster_logger.propagate = before
        logging.captureWarnings(False)
        handler.close()


class NightPlayer:
    """Definitions loaded once, nights played one after another."""

    def __init__(self, services: Services, instance: dg.DagsterInstance) -> None:
        self._instance, self._settings = instance, services.settings
        self._defs = build_defs(services=services)

    @property
    def definitions(self) -> dg.Definitions:
        """What this player plays."""
        return self._defs

    def play(self, night: date) -> RunResult:
        """Land, build, check and publish one night."""
        return self._execute(NIGHT, night.isoformat(), {})

    def play_range(self, first: date, last: date) -> RunResult:
        """Land every night from `first` to `last`, then build, check and publish once."""
        return self._execute(NIGHTS, None, _range_tags(first.isoformat(), last.isoformat()))

    def backfill(self, months: MonthRange, *, reingest: bool) -> RunResult:
        """Rebuild these months, their nights asked for again where wanted, and publish once."""
        keys = months.keys()
        config = {"ops": {"backfill__months": {"config": {"reingest": reingest}}}}
        return self._execute(BACKFILL, None, _range_tags(keys[0], keys[-1]), config)

    def _execute(
        self, job: str, partition: str | None, tags: dict[str, str], config: Mapping[str, Any] | None = None
    ) -> RunResult:
        result = self._defs.resolve_job_def(job).execute_in_process(
            instance=self._instance,
            partition_key=partition,
            raise_on_error=False,
            run_config={**_SILENT_CONSOLE, **(config or {})},
            tags={**_LOCATION_TAGS, "kpi/process": str(os.getpid()), **tags},
        )
        failures = () if result.success else _failures(result)
        if failures:
            record_failure(self._settings, f"run {result.run_id} failed in {failures[0].step}: {failures[0].message}")
        return RunResult(result.run_id, result.success, failures)


def _range_tags(first: str, last: str) -> dict[str, str]:
    return {"dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": last}


def _failures(result: dg.ExecuteInProcessResult) -> tuple[StepFailure, ...]:
    """The failed steps in order; steps skipped because of them are left out. Never empty."""
    failures = tuple(
        _step_failure(event.step_key or "", event.step_failure_data) for event in result.get_step_failure_events()
    )
    if failures:
        return failures
    event = result.get_run_failure_event()
    error = _root(event.job_failure_data.error)
    message = error.message.strip() if error is not None else event.message or "the run ended without saying why"
    return (StepFailure("start", message, error.cls_name or "" if error is not None else ""),)


def _step_failure(step: str, data: StepFailureData) -> StepFailure:
    root = _root(data.error)
    error_class = root.cls_name or "" if root is not None else ""
    user = data.user_failure_data
    if user is not None:
        details = tuple((name, str(value.value)) for name, value in user.metadata.items())
        return StepFailure(step, user.description or "failed", error_class, details)
    return StepFailure(step, root.message.strip() if root is not None else "failed", error_class)


def _root(error: SerializableErrorInfo | None) -> SerializableErrorInfo | None:
    """The error at the bottom of the chain, which is the one that says what happened."""
    while error is not None and error.cause is not None:
        error = error.cause
    return error
