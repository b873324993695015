"""Judges the rule files by themselves: loads them into a database that is thrown away, and runs their dbt tests.

Belongs here: the throw-away project and its one dbt run. Not here: what is right, which is written once, as the tests
in `seeds/_seeds.yml`. The project has no models, so it takes seconds; nothing under KPI_HOME is read or written.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from orchestration.dbt_run import DBT_PROJECT_DIR, DbtError, dbt_arguments, dbt_environment, failing_rows
from orchestration.gate import expected_nodes, judge
from orchestration.rules.explain import explanations
from orchestration.rules.files import RuleFile, file_problems, read_lines, rule_files
from orchestration.settings import Settings
from orchestration.sources.getfly.errors import GetflyError
from orchestration.sources.getfly.mapping import CODES, code_problems

_FILES = ("dbt_project.yml", "profiles.yml")
_FOLDERS = ("macros", "tests/generic")
_SECONDS = 300


@dataclass(frozen=True)
class RulesReport:
    """What came out: rows per rule file, warnings, and problems; the rules are right when there is no problem."""

    rows: Mapping[str, int]
    warnings: tuple[str, ...]
    problems: tuple[str, ...]


class RulesError(Exception):
    """The rules could not be judged at all; the message says why."""


def check_rules(settings: Settings, folder: Path | None = None) -> RulesReport:
    """Judge the rule files in `folder`, by default the repository's own.

    Raises RulesError when there is no such folder, and DbtError when dbt cannot run the tests.
    """
    chosen = folder or DBT_PROJECT_DIR / "seeds"
    if not chosen.is_dir():
        raise RulesError(f"{chosen} is no folder; give one that holds the CSV files of seeds/")
    files = list(rule_files(DBT_PROJECT_DIR, chosen).values())
    wrong = {file.name: problems for file in files if (problems := file_problems(file))}
    problems = [problem for found in wrong.values() for problem in found]
    problems += [
        f"{path.name} is no rule file; the rule files are {', '.join(file.name + '.csv' for file in files)}"
        for path in sorted(chosen.glob("*.csv"))
        if path.stem not in {file.name for file in files} and path.name != CODES.name
    ]
    problems += _code_map_problems(chosen / CODES.name)
    if folder is None and settings.getfly_codes is not None:
        problems += _code_map_problems(settings.getfly_codes)
    readable = [file for file in files if file.name not in wrong]
    warnings: list[str] = []
    if readable:
        with tempfile.TemporaryDirectory(prefix="kpi_rules_") as scratch:
            told, failed = _run_tests(Path(scratch), settings, readable)
        warnings += told
        problems += failed
    rows = {file.name: len(read_lines(file.path)[1]) for file in readable}
    return RulesReport(rows, tuple(warnings), tuple(problems))


def _code_map_problems(path: Path) -> list[str]:
    """The code map of a CRM's API is no seed of dbt's: it is read before rows land."""
    if not path.exists():
        return []
    try:
        return code_problems(path)
    except GetflyError as error:
        return [str(error)]


def _run_tests(scratch: Path, settings: Settings, files: Sequence[RuleFile]) -> tuple[list[str], list[str]]:
    """Warnings and problems that the tests of these files find. Tests that also need a file left out are left out."""
    project, home = scratch / "project", scratch / "home"
    _write_project(project, files)
    target = home / "warehouse" / "target"
    target.mkdir(parents=True)
    environment = dbt_environment(settings.model_copy(update={"home": home}))
    finished = subprocess.run(
        [sys.executable, "-m", "dbt.cli.main", *dbt_arguments("build", target, project_dir=project)],
        cwd=project,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )
    if not (target / "run_results.json").exists():
        raise DbtError(f"dbt could not test the rules: {(finished.stdout + finished.stderr).strip()}")
    manifest = json.loads((target / "manifest.json").read_text(encoding="utf-8"))
    run_results = json.loads((target / "run_results.json").read_text(encoding="utf-8"))
    results = run_results["results"]
    rows = failing_rows(home / "warehouse" / "warehouse.duckdb", results)
    report = judge(expected_nodes(manifest), run_results).explained(explanations(manifest, results, rows, project))
    warnings = [line for warning in report.warnings for line in warning.lines()]
    return warnings, report.describe(limit=100).splitlines()


def _write_project(project: Path, files: Sequence[RuleFile]) -> None:
    """The dbt project with nothing in it but these rule files and their tests."""
    seeds = project / "seeds"
    seeds.mkdir(parents=True)
    for name in _FILES:
        shutil.copy(DBT_PROJECT_DIR / name, project / name)
    for name in _FOLDERS:
        shutil.copytree(DBT_PROJECT_DIR / name, project / name)
    for file in files:
        shutil.copy(file.path, seeds / f"{file.name}.csv")
    kept = {file.name for file in files}
    for properties in sorted((DBT_PROJECT_DIR / "seeds").glob("*.yml")):
        described = yaml.safe_load(properties.read_text(encoding="utf-8"))
        described["seeds"] = [seed for seed in described["seeds"] if seed["name"] in kept]
        (seeds / properties.name).write_text(yaml.safe_dump(described, sort_keys=False), encoding="utf-8")
