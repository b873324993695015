"""A backfill as somebody starts it in Dagster's page: a real webserver and daemon, asked over HTTP.

What follows a publication is configured as well: viewers' files, and a PostgreSQL server.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.serving.generations import read_generation
from orchestration.serving.postgres.state import read_state
from orchestration.serving.postgres.target import Target
from orchestration.settings import PROJECT_DIR
from tests.support.postgres import Server
from tests.support.postgres_company import drop_database, make_database

_KPI = str(Path(sys.executable).with_name("kpi"))
_START_SECONDS, _BACKFILL_SECONDS, _STOP_SECONDS = 180, 600, 15

_LAUNCH = """
mutation Launch($months: [String!]!) {
  launchPartitionBackfill(
    backfillParams: {partitionNames: $months, assetSelection: [{path: ["backfill", "months"]}]}
  ) {
    __typename
    ... on LaunchBackfillSuccess { backfillId }
    ... on PythonError { message }
  }
}
"""
_STATUS = """
query Status($id: String!) {
  partitionBackfillOrError(backfillId: $id) {
    __typename
    ... on PartitionBackfill { status runs { runId status jobName tags { key value } } error { message } }
    ... on PythonError { message }
  }
}
"""


def _environment(home: Path) -> dict[str, str]:
    given = {"KPI_HOME": home, "KPI_SOURCE": "demo", "KPI_DEMO_SCALE": "0.02", "KPI_DEMO_END": "2026-03-31"}
    return {**os.environ, **{name: str(value) for name, value in given.items()}}


def _generation(home: Path) -> str:
    with duckdb.connect(str(home / "marts.duckdb"), read_only=True) as connection:
        [(generation,)] = connection.execute("select generation_id from main.publication").fetchall()
    return str(generation)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two nights of a tiny company, published."""
    folder = tmp_path_factory.mktemp("server") / "home"
    command = [_KPI, "run", "--from", "2026-03-30", "--to", "2026-03-31", "--at-once"]
    done = subprocess.run(command, env=_environment(folder), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture(scope="module")
def target(postgres_server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    yield make_database(postgres_server, tmp_path_factory.mktemp("target"), "page")
    drop_database(postgres_server, "page")


@pytest.fixture(scope="module")
def address(home: Path, target: Target) -> Iterator[str]:
    """Where `kpi dev` answers, with viewers' files and a server configured."""
    follows = {
        "KPI_EXPORT_VIEWERS": "true",
        "KPI_POSTGRES_URL": target.url,
        "KPI_POSTGRES_PASSWORD_FILE": str(target.password_file),
        "KPI_POSTGRES_ROLE_PREFIX": target.role_prefix,
    }
    port = _free_port()
    log = (home / "dev.log").open("wb")
    process = subprocess.Popen(
        [_KPI, "dev", "--port", str(port)],
        env=_environment(home) | follows,
        stdout=log,
        stderr=log,
        cwd=PROJECT_DIR,
        start_new_session=True,
    )
    try:
        url = f"http://127.0.0.1:{port}"
        _wait_for(url, process, home / "dev.log")
        yield url
    finally:
        _stop(process)
        log.close()


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Ask once, as Ctrl-C does; then without asking, because a webserver may wait for its own children for ever."""
    for how in (signal.SIGINT, signal.SIGKILL):
        os.killpg(process.pid, how)
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            continue
        return
    raise AssertionError(f"process {process.pid} does not end")


def _wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(_START_SECONDS):
        assert process.poll() is None, log.read_text(encoding="utf-8")
        try:
            with urllib.request.urlopen(f"{url}/server_info", timeout=5):
                return
        except (urllib.error.URLError, TimeoutError):
            time.sleep(1)
    raise AssertionError(f"no answer from {url}:\n{log.read_text(encoding='utf-8')}")


def _ask(url: str, query: str, variables: Mapping[str, Any]) -> Any:
    body = json.dumps({"query": query, "variables": dict(variables)}).encode()
    request = urllib.request.Request(f"{url}/graphql", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        found = json.load(answer)
    assert "errors" not in found, found
    (value,) = found["data"].values()
    return value


def _finished(url: str, backfill_id: str) -> Any:
    for _ in range(_BACKFILL_SECONDS):
        found = _ask(url, _STATUS, {"id": backfill_id})
        if found.get("status", "").startswith("COMPLETED") or found["__typename"] != "PartitionBackfill":
            return found
        assert not found["status"].startswith(("FAIL", "CANCEL")), found
        time.sleep(1)
    raise AssertionError(f"the backfill did not end: {found}")


def test_months_selected_in_the_page_are_one_run_that_publishes_once_and_everywhere(
    address: str, home: Path, target: Target
) -> None:
    before = _generation(home)
    launched = _ask(address, _LAUNCH, {"months": ["2026-01", "2026-02", "2026-03"]})
    assert launched["__typename"] == "LaunchBackfillSuccess", launched
    found = _finished(address, launched["backfillId"])
    assert found["status"] == "COMPLETED_SUCCESS", found
    assert [run["status"] for run in found["runs"]] == ["SUCCESS"]
    tags = {tag["key"]: tag["value"] for tag in found["runs"][0]["tags"]}
    assert (tags["dagster/asset_partition_range_start"], tags["dagster/asset_partition_range_end"]) == (
        "2026-01",
        "2026-03",
    )
    published = _generation(home)
    assert published > before
    files = read_generation(home / "exports")
    assert files is not None
    assert (files.publication_id, read_state(target).generation_id) == (published, published)
