"""Runs dbt: its environment, its worker process, and the manifest that Dagster's definitions are made from.

Belongs here: how dbt is started, where its files are, and the rows its tests found. Not here: whether what it did is
good enough (`gate.py`). Run values reach dbt through the environment: `--vars` that change from night to night force a
full parse.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from orchestration.settings import PROJECT_DIR, Settings

DBT_PROJECT_DIR = PROJECT_DIR / "dbt_project"
NodeListener = Callable[[str, str], None]
"""Called with a node's unique id and its status as soon as dbt has finished it."""

_SOURCES_OF_THE_MANIFEST = ("dbt_project/dbt_project.yml", "dbt_project/profiles.yml")
_FOLDERS_OF_THE_MANIFEST = ("models", "seeds", "dbt_project/macros", "dbt_project/tests")

_ROWS_KEPT = 5

_PARSED = "partial_parse.msgpack"
_PARSED_FROM = "parsed_from.txt"

# The forks leave without clearing dbt's semaphores away; the tracker does it, and would complain each time.
_NO_SEMAPHORE_WARNING = "ignore::UserWarning:multiprocessing.resource_tracker"


class DbtError(Exception):
    """dbt could not do what it was asked to do at all: a project that does not parse, a database that does not open."""


@dataclass(frozen=True)
class DbtPaths:
    """Where dbt leaves its files for one KPI_HOME."""

    target: Path
    log: Path
    manifest: Path
    fingerprint: Path

    @property
    def run_results(self) -> Path:
        """What the last dbt command says about every node it ran."""
        return self.target / "run_results.json"


def dbt_paths(settings: Settings) -> DbtPaths:
    """The manifest of the definitions is a file of its own, replaced atomically: dbt rewrites its own in place."""
    base = settings.warehouse_dir
    return DbtPaths(
        target=base / "target",
        log=base / "logs" / "worker.log",
        manifest=base / "manifest.json",
        fingerprint=base / "manifest.fingerprint",
    )


def read_run_results(path: Path) -> Mapping[str, Any] | None:
    """What the last dbt command says about every node; None where it left nothing, or half a file as it was killed."""
    if not path.exists():
        return None
    try:
        results: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        return None
    return results


def last_invocation(path: Path) -> str:
    """dbt's own id of the run that left these results; empty where there are none."""
    results = read_run_results(path)
    return str(results["metadata"]["invocation_id"]) if results is not None else ""


def dbt_environment(settings: Settings, as_of: date | None = None, build: str = "everything") -> dict[str, str]:
    """The variables the dbt project reads. Without `as_of` the project takes yesterday in the company's time zone.

    `build` is a mode of `build_plan.py`: whether tables are built anew or brought up to date.
    """
    environment = {
        "KPI_HOME": str(settings.home),
        "KPI_WAREHOUSE_PATH": str(settings.warehouse_path),
        "KPI_TIMEZONE": settings.timezone,
        "KPI_THREADS": str(settings.threads),
        "KPI_MEMORY_LIMIT": settings.memory_limit,
        "KPI_PUBLISH_CONTACTS": "true" if settings.publish_contacts else "false",
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "DO_NOT_TRACK": "1",
    }
    if as_of is not None:
        environment["KPI_AS_OF"] = as_of.isoformat()
    return environment | {"KPI_BUILD": build}


def dbt_arguments(
    command: str, target: Path, extra: Sequence[str] = (), project_dir: Path = DBT_PROJECT_DIR
) -> list[str]:
    """The command line of one dbt command, with absolute paths and a quiet console."""
    return [
        "--quiet",
        "--no-use-colors",
        "--no-version-check",
        # Every event is put into words for each place it is logged to, also where its level keeps it out: the file is
        # enough, errors included.
        "--log-level",
        "none",
        "--log-path",
        str(target.parent / "logs"),
        "--log-level-file",
        "info",
        command,
        "--project-dir",
        str(project_dir),
        "--profiles-dir",
        str(project_dir),
        "--target-path",
        str(target),
        *extra,
    ]


class DbtWorker:
    """A child process with dbt imported and the project parsed, which runs one command at a time; a context manager."""

    def __init__(self, settings: Settings, target: Path | None = None) -> None:
        """`target` is where dbt keeps its own files; by default beside the warehouse of the settings."""
        self._settings = settings
        self._target = target or dbt_paths(settings).target
        self._log = self._target.parent / "logs" / "worker.log"
        self._process: subprocess.Popen[str] | None = None
        self._is_parsing = False
        self._wrote_manifest = False
        self._parse_problem: str | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def start(self) -> None:
        """Start importing dbt and parsing the project; returns at once, and does nothing when the worker runs."""
        if self._process is not None and self._process.poll() is None:
            return
        log, target = self._log, self._target
        log.parent.mkdir(parents=True, exist_ok=True)
        parse_from_here(target)
        with log.open("a", encoding="utf-8") as log_file:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "orchestration.dbt_worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log_file,
                text=True,
                encoding="utf-8",
                cwd=PROJECT_DIR,
                env=os.environ | dbt_environment(self._settings) | {"PYTHONWARNINGS": _NO_SEMAPHORE_WARNING},
            )

        # Writing the manifest takes longer than parsing what has not changed, and the definitions have it already.
        self._ask_to_parse(write_manifest=not manifest_is_current(self._settings))

    def _ask_to_parse(self, *, write_manifest: bool) -> None:
        arguments = dbt_arguments("parse", self._target)
        self._is_parsing, self._wrote_manifest = True, write_manifest
        self._ask(arguments if write_manifest else [*arguments, "--no-write-json"], dbt_environment(self._settings))

    def parse(self) -> None:
        """Wait for the project to be parsed. Raises DbtError if it fails."""
        self.start()
        if self._is_parsing:
            self._parse_problem = self._listen(None)
            self._is_parsing = False
        if self._parse_problem is not None:
            raise DbtError(f"the dbt project in {DBT_PROJECT_DIR} does not parse: {self._parse_problem}")

    def write_manifest(self) -> None:
        """Have the project's manifest in the target folder, parsed since this process started. Raises DbtError."""
        self.parse()
        if not self._wrote_manifest:  # The files have changed between the start of the process and now.
            self._ask_to_parse(write_manifest=True)
            self.parse()

    def run(
        self, arguments: Sequence[str], environment: Mapping[str, str], on_node: NodeListener | None = None
    ) -> str | None:
        """Run one command to its end. Returns None, or why dbt stopped when it says so itself.

        A failed node is no error here: it is in `run_results.json`, the only one of dbt's files that is written: the
        manifest with all that was compiled takes longer than many a model. Raises DbtError when the project does not
        parse, or the worker died.
        """
        self.parse()
        self._ask([*arguments, "--no-write-json"], environment, self._target / "run_results.json")
        return self._listen(on_node)

    def _ask(self, arguments: Sequence[str], environment: Mapping[str, str], results: Path | None = None) -> None:
        assert self._process is not None and self._process.stdin is not None
        request = {
            "args": list(arguments),
            "env": dict(environment),
            "log": str(self._log),
            "results": str(results) if results else None,
        }
        try:
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError as error:
            raise DbtError(self._died()) from error

    def _listen(self, on_node: NodeListener | None) -> str | None:
        assert self._process is not None and self._process.stdout is not None
        problem: str | None = None
        for line in self._process.stdout:
            message: dict[str, Any] = json.loads(line)
            if "node" in message and on_node is not None:
                on_node(message["node"], message["status"])
            elif "error" in message:
                problem = message["error"]
            elif "exit" in message:
                return problem
        raise DbtError(self._died())

    def _died(self) -> str:
        code = self._process.wait() if self._process is not None else None
        return f"the dbt process ended unexpectedly (exit code {code}); see {self._log}"

    def close(self) -> None:
        """End the worker and whatever it is still running."""
        if self._process is None:
            return
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()
        self._process = None


def parse_from_here(target: Path, project_dir: Path = DBT_PROJECT_DIR) -> None:
    """Have dbt parse anew where it last parsed a project in another folder: what it keeps names rule files by path.

    Makes the target folder where there is none. Who moves the checkout, or upgrades by a folder beside the old one,
    meets this.
    """
    target.mkdir(parents=True, exist_ok=True)
    parsed_from = target / _PARSED_FROM
    if not parsed_from.exists() or parsed_from.read_text(encoding="utf-8") != str(project_dir):
        (target / _PARSED).unlink(missing_ok=True)
        _replace(parsed_from, str(project_dir).encode())


def copy_parsed(target: Path, to: Path) -> None:
    """Let another target folder begin with what dbt has parsed in this one."""
    to.mkdir(parents=True, exist_ok=True)
    for name in (_PARSED, _PARSED_FROM):
        if (target / name).exists():
            shutil.copyfile(target / name, to / name)


def failing_rows(warehouse_path: Path, results: Iterable[Mapping[str, Any]]) -> dict[str, list[dict[str, str]]]:
    """The first rows that each failed or warning test found, by asking its own compiled query once more."""
    import duckdb

    found: dict[str, list[dict[str, str]]] = {}
    asked = [result for result in results if result["status"] in {"fail", "warn"} and result.get("compiled_code")]
    if not asked:
        return found
    with duckdb.connect(warehouse_path, read_only=True) as connection:
        for result in asked:
            cursor = connection.execute(result["compiled_code"])
            names = [column[0] for column in cursor.description or ()]
            rows = cursor.fetchmany(_ROWS_KEPT)
            found[result["unique_id"]] = [dict(zip(names, map(str, row), strict=True)) for row in rows]
    return found


def project_files(project_dir: Path = PROJECT_DIR) -> Iterable[Path]:
    """Every file the manifest is made from, in a stable order."""
    yield from (project_dir / name for name in _SOURCES_OF_THE_MANIFEST)
    for folder in _FOLDERS_OF_THE_MANIFEST:
        yield from sorted(path for path in (project_dir / folder).rglob("*") if path.is_file())


def project_fingerprint(settings: Settings) -> str:
    """A digest of the dbt project's files and of the environment that its manifest carries."""
    digest = hashlib.sha256(json.dumps(dbt_environment(settings), sort_keys=True).encode())
    for path in project_files():
        digest.update(str(path.relative_to(PROJECT_DIR)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def manifest_is_current(settings: Settings) -> bool:
    """Whether the manifest was made from the project's files as they are now, and where they are now."""
    paths = dbt_paths(settings)
    if not (paths.manifest.exists() and paths.fingerprint.exists()):
        return False
    return paths.fingerprint.read_text(encoding="utf-8") == _manifest_fingerprint(settings)


def _manifest_fingerprint(settings: Settings) -> str:
    """The manifest says where the project's files are, too."""
    return f"{project_fingerprint(settings)} {DBT_PROJECT_DIR}"


def ensure_manifest(settings: Settings, worker: DbtWorker | None = None) -> Path:
    """The manifest of the dbt project as it is on disk; parses the project when there is none or it is out of date.

    Parsing reads no database. Raises DbtError with dbt's own words when the project does not parse.
    """
    paths = dbt_paths(settings)
    if manifest_is_current(settings):
        return paths.manifest
    fingerprint = _manifest_fingerprint(settings)
    if worker is not None:
        worker.write_manifest()
    else:
        with DbtWorker(settings) as own_worker:
            own_worker.write_manifest()
    _replace(paths.manifest, (paths.target / "manifest.json").read_bytes())
    _replace(paths.fingerprint, fingerprint.encode())
    return paths.manifest


def _replace(path: Path, content: bytes) -> None:
    aside = path.with_name(f"{path.name}.{os.getpid()}")
    aside.write_bytes(content)
    aside.replace(path)
