"""What the daemon says of a failed run: whether readers see what it made, or what was there before."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from orchestration.checks.freshness import Freshness, read_freshness, write_freshness
from orchestration.definitions import _failure_sensor
from orchestration.settings import Settings


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as one:
        yield one


def _failed_run(instance: dg.DagsterInstance, home: Path, *, publishes: bool) -> Any:
    """A run that publishes, or does not, and then fails; as the sensor meets it."""

    @dg.op
    def fails() -> None:
        if publishes:
            # The file tells whole seconds.
            time.sleep(1.1)
            published_at = datetime.now(UTC).isoformat(timespec="seconds")
            write_freshness(home, Freshness(date(2026, 3, 31), published_at, "published"))
        raise dg.Failure("as meant", allow_retries=False)

    @dg.job
    def night() -> None:
        fails()

    result = night.execute_in_process(instance=instance, raise_on_error=False)
    return dg.build_run_status_sensor_context(
        sensor_name="failed_runs",
        dagster_event=result.get_run_failure_event(),
        dagster_instance=instance,
        dagster_run=result.dagster_run,
    ).for_run_failure()


@pytest.mark.parametrize(("publishes", "words"), [(True, "The marts were published"), (False, "Nothing was published")])
def test_the_sensor_says_whether_a_failed_run_had_published(
    instance: dg.DagsterInstance,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    publishes: bool,
    words: str,
) -> None:
    write_freshness(tmp_path, Freshness(date(2026, 3, 30), "2026-03-31T01:00:00+00:00", "published"))
    context = _failed_run(instance, tmp_path, publishes=publishes)
    capfd.readouterr()
    _failure_sensor(Settings(home=tmp_path))(context)
    said = capfd.readouterr().err
    assert words in said
    assert "failed in fails" in said
    after = read_freshness(tmp_path)
    assert after is not None
    assert (after.status, after.as_of) == ("failed", date(2026, 3, 31 if publishes else 30))
