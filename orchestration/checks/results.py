"""The outcomes of a night's checks as JSON, so that `kpi doctor` and people can read them without Dagster.

Belongs here: saving and loading. Not here: what an outcome means (`outcome.py`).
Files: `<checks_dir>/results/<night>.json`, and `latest.json`, a copy of the newest night's.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from orchestration.checks.outcome import CheckOutcome, CheckSpec, Severity
from orchestration.landing.durable import write_durably

FORMAT_VERSION = 1


@dataclass(frozen=True)
class SavedOutcomes:
    """What was saved for one night. `stages` keeps apart what ran at different moments, such as batches and marts."""

    night: date
    saved_at: str
    stages: dict[str, tuple[CheckOutcome, ...]]

    @property
    def outcomes(self) -> tuple[CheckOutcome, ...]:
        """All outcomes of the night, stage after stage."""
        return tuple(outcome for stage in self.stages.values() for outcome in stage)

    @property
    def failed(self) -> tuple[CheckOutcome, ...]:
        """Those that did not pass, blocking ones first."""
        return tuple(sorted((o for o in self.outcomes if not o.passed), key=lambda o: not o.blocks))


def results_path(checks_dir: Path, night: date) -> Path:
    """Where a night's outcomes are."""
    return checks_dir / "results" / f"{night.isoformat()}.json"


def latest_path(checks_dir: Path) -> Path:
    """Where the newest night's outcomes are."""
    return checks_dir / "results" / "latest.json"


def save_outcomes(checks_dir: Path, night: date, stage: str, outcomes: Sequence[CheckOutcome]) -> Path:
    """Save one stage's outcomes; a rerun of the stage replaces them, other stages of the night stay."""
    path = results_path(checks_dir, night)
    stages = dict(_read(path).stages) if path.exists() else {}
    stages[stage] = tuple(outcomes)
    saved = SavedOutcomes(night, datetime.now(UTC).isoformat(timespec="seconds"), stages)
    content = json.dumps(_to_json(saved), ensure_ascii=False, indent=1).encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    write_durably(path, content)
    newest = load_outcomes(checks_dir)
    if newest is None or newest.night <= night:
        write_durably(latest_path(checks_dir), content)
    return path


def load_outcomes(checks_dir: Path, night: date | None = None) -> SavedOutcomes | None:
    """The outcomes of a night, or of the newest one; None when none were saved.

    Raises ValueError when the file is not one of ours.
    """
    path = latest_path(checks_dir) if night is None else results_path(checks_dir, night)
    return _read(path) if path.exists() else None


def _to_json(saved: SavedOutcomes) -> dict[str, Any]:
    return {
        "format_version": FORMAT_VERSION,
        "night": saved.night.isoformat(),
        "saved_at": saved.saved_at,
        "stages": {stage: [_outcome_to_json(outcome) for outcome in found] for stage, found in saved.stages.items()},
    }


def _outcome_to_json(outcome: CheckOutcome) -> dict[str, Any]:
    return {
        "name": outcome.spec.name,
        "asset": list(outcome.spec.asset),
        "severity": outcome.spec.severity.value,
        "reason": outcome.spec.reason,
        "passed": outcome.passed,
        "message": outcome.message,
        "numbers": dict(outcome.numbers),
        "rows": [dict(row) for row in outcome.rows],
    }


def _read(path: Path) -> SavedOutcomes:
    try:
        body = json.loads(path.read_text(encoding="utf-8"))
        if body["format_version"] != FORMAT_VERSION:
            raise ValueError(f"format_version is {body['format_version']}, this program reads {FORMAT_VERSION}")
        return SavedOutcomes(
            night=date.fromisoformat(body["night"]),
            saved_at=body["saved_at"],
            stages={stage: tuple(map(_outcome_from_json, found)) for stage, found in body["stages"].items()},
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(
            f"{path} holds no check results ({error}); delete it, the next night writes it again"
        ) from error


def _outcome_from_json(body: dict[str, Any]) -> CheckOutcome:
    return CheckOutcome(
        spec=CheckSpec(body["name"], tuple(body["asset"]), Severity(body["severity"]), body["reason"]),
        passed=body["passed"],
        message=body["message"],
        numbers=body["numbers"],
        rows=tuple(body["rows"]),
    )
