"""A night with a wrong rule, played in a copy of the repository: what the person who edited it is told."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import pytest

from orchestration.assets.warehouse import refuse_unreadable_rules
from orchestration.night import open_instance
from orchestration.progress import RecordedProgress
from orchestration.settings import PROJECT_DIR, Settings

PARTS = ("orchestration", "dbt_project", "models", "seeds", "dagster.yaml")
GAP = (
    "seeds/recency_buckets.csv, line 3 (7_to_13_days,8,14,2): nothing covers 7 up to 8: "
    "write 7 as from_days, or 8 as to_days of the row before"
)
ADVICE = "`kpi check-rules` says within seconds whether it is right"


@dataclass(frozen=True)
class _Company:
    """A checkout of its own with a small demo company."""

    root: Path

    @property
    def settings(self) -> Settings:
        return Settings(home=self.root / "home", demo_scale=0.02)

    def edit(self, name: str, change: Callable[[str], str]) -> None:
        path = self.root / "seeds" / f"{name}.csv"
        path.write_text(change((PROJECT_DIR / "seeds" / f"{name}.csv").read_text(encoding="utf-8")), encoding="utf-8")

    def run(self) -> tuple[int, str]:
        """`kpi run` in the checkout: its exit code and what it told on standard error."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("KPI_")}
        finished = subprocess.run(
            [sys.executable, "-m", "orchestration.cli", "run", "--source", "demo", "--date", "2026-03-31"],
            cwd=self.root,
            env=environment | {"KPI_HOME": str(self.settings.home), "KPI_DEMO_SCALE": "0.02"},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert "Traceback" not in finished.stderr
        return finished.returncode, finished.stderr


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> _Company:
    root = tmp_path_factory.mktemp("checkout")
    for part in PARTS:
        source = PROJECT_DIR / part
        if source.is_dir():
            shutil.copytree(source, root / part, symlinks=True, ignore=shutil.ignore_patterns("target", "logs"))
        else:
            shutil.copy(source, root / part)
    return _Company(root)


def test_a_wrong_rule_stops_the_night_with_a_sentence_in_the_terminal_and_in_dagster(checkout: _Company) -> None:
    checkout.edit("recency_buckets", lambda text: text.replace("7_to_13_days,7,14", "7_to_13_days,8,14"))
    code, told = checkout.run()
    assert code == 1, told
    assert f"\n  {GAP}\n" in told
    assert ADVICE in told
    assert "Got 1 result" not in told
    with open_instance(checkout.settings) as instance:
        (run,) = instance.get_runs(limit=1)
        events = instance.all_logs(run.run_id)
    checks = [
        entry.dagster_event.asset_check_evaluation_data
        for entry in events
        if entry.dagster_event and entry.dagster_event.event_type is dg.DagsterEventType.ASSET_CHECK_EVALUATION
    ]
    (failed,) = [check for check in checks if check.check_name.startswith("covers_from_recency_buckets")]
    assert not failed.passed
    assert failed.description == GAP
    failures = [
        entry.dagster_event.step_failure_data
        for entry in events
        if entry.dagster_event and entry.dagster_event.event_type is dg.DagsterEventType.STEP_FAILURE
    ]
    (shown,) = [failure.user_failure_data for failure in failures if failure.user_failure_data is not None]
    assert GAP in str(shown.metadata["nodes"].value).splitlines()


@pytest.mark.parametrize(
    ("right", "wrong", "problem"),
    [
        (
            "7_to_13_days,7,14",
            "7_to_13_days,seven,14",
            "seeds/recency_buckets.csv, line 3 (7_to_13_days,seven,14,2): from_days is 'seven': write a whole number",
        ),
        (
            "bucket,from_days,to_days",
            "bucket,to_days,from_days",
            "seeds/recency_buckets.csv, line 1: the columns are bucket,to_days,from_days,sort_order",
        ),
    ],
)
def test_a_rule_file_that_does_not_load_is_told_before_anything_starts(
    checkout: _Company, right: str, wrong: str, problem: str
) -> None:
    checkout.edit("recency_buckets", lambda text: text.replace(right, wrong))
    code, told = checkout.run()
    assert code == 2
    assert told.startswith(f"Nothing was started: rules cannot be loaded.\n{problem}"), told


def test_a_rule_file_that_is_gone_is_named_with_its_columns(checkout: _Company) -> None:
    checkout.edit("recency_buckets", lambda text: text)
    (checkout.root / "seeds" / "recency_buckets.csv").unlink()
    code, told = checkout.run()
    assert code == 2
    assert "seeds/recency_buckets.csv is missing: bring it back; its columns are bucket,from_days,to_days" in told


def test_a_scheduled_night_stops_before_dbt_where_a_rule_file_does_not_load(checkout: _Company) -> None:
    checkout.edit("recency_buckets", lambda text: text.replace("7_to_13_days,7,14", "7_to_13_days,seven,14"))
    progress = RecordedProgress()
    with pytest.raises(dg.Failure, match="Rules cannot be loaded, so nothing was built") as failure:
        refuse_unreadable_rules(progress, checkout.root / "dbt_project")
    problem = "seeds/recency_buckets.csv, line 3 (7_to_13_days,seven,14,2): from_days is 'seven': write a whole number"
    assert str(failure.value.metadata["rules"].value).startswith(problem)
    assert progress.build is not None
    assert progress.build.problems[0].startswith(problem)
    assert ADVICE in progress.build.problems[-1]
