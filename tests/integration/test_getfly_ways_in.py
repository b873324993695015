"""A Getfly tenant from the command line: probe, a whole night, and what the doctor says of it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import pytest

from orchestration.cli import main
from orchestration.doctor import Level, look_at_getfly
from orchestration.settings import Settings
from orchestration.sources.demo import DemoSource
from orchestration.sources.getfly.mapping import CODES
from tests.emulator import Emulator, Oddities, running_emulator

KEY = "0123456789abcdefghijklmnopqrst"
_KPI = str(Path(sys.executable).with_name("kpi"))
PERMISSIONS = "employee_id,report,right\n1,employee,view_all\n1,customer,view_all\n"
CALLS = "interaction_id,customer_id,employee_id,type,direction,occurred_at\nC1,1,1,call,outbound,2026-03-30 09:00\n"


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    """The tenant as it stands tonight: the command receives the last whole day, and no other."""
    night = datetime.now(ZoneInfo("Asia/Ho_Chi_Minh")).date() - timedelta(days=1)
    company = DemoSource(seed=5, scale=0.02, start=night - timedelta(days=120), end=night)
    with running_emulator(company, night, key=KEY) as running:
        yield running


@pytest.fixture
def environment(emulator: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The settings of a company that has just got its key."""
    key_file, codes, beside = tmp_path / "key", tmp_path / "codes.csv", tmp_path / "beside"
    key_file.touch(mode=0o600)
    key_file.write_text(KEY, encoding="utf-8")
    more = "order_status,3,,cancelled\norder_status,4,,delivering\norder_status,5,,partly_delivered\n"
    codes.write_text(CODES.read_text(encoding="utf-8") + more, encoding="utf-8")
    beside.mkdir()
    (beside / "employee_permissions.csv").write_text(PERMISSIONS, encoding="utf-8")
    (beside / "interactions.csv").write_text(CALLS, encoding="utf-8")
    given = {
        "KPI_HOME": str(tmp_path / "home"),
        "KPI_SOURCE": "getfly",
        "KPI_GETFLY_URL": emulator.url,
        "KPI_GETFLY_KEY_FILE": str(key_file),
        "KPI_GETFLY_PER_SECOND": "500",
        "KPI_GETFLY_CODES": str(codes),
        "KPI_FILES_PATH": str(beside),
        "KPI_COMBINE": "interactions=getfly+files",
    }
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    emulator.oddities = Oddities()
    emulator.forget_requests()
    return given


def leave(*arguments: str) -> int:
    with pytest.raises(SystemExit) as left:
        main(arguments)
    assert isinstance(left.value.code, int)
    return left.value.code


def said(settings: Settings, level: Level) -> list[str]:
    return [f"{finding.text}: {finding.advice}" for finding in look_at_getfly(settings) if finding.level is level]


def test_the_probe_says_what_it_found_and_the_doctor_says_it_again(
    environment: dict[str, str], capfd: pytest.CaptureFixture[str]
) -> None:
    [not_yet] = said(Settings(), Level.NOTE)
    assert "has not been asked" in not_yet
    assert leave("getfly", "probe") == 0
    told = capfd.readouterr().out
    assert "accounts: a filter by updated_at is followed" in told
    assert any("a filter by updated_at is followed" in text for text in said(Settings(), Level.OK))
    assert said(Settings(), Level.PROBLEM) == []
    assert KEY not in told + str(said(Settings(), Level.OK))
    assert said(Settings(source="demo"), Level.OK) == ["not the source of this warehouse: "]


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("KPI_GETFLY_URL", "http://company.getflycrm.com", "would send the key in the clear"),
        ("KPI_GETFLY_URL", "https://company.getflycrm.com/api", "is like https://company.getflycrm.com"),
        ("KPI_GETFLY_KEY_FILE", "/not/there", "cannot be read"),
    ],
)
def test_what_cannot_work_is_said_before_anything_is_asked(
    environment: dict[str, str],
    emulator: Emulator,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    name: str,
    value: str,
    words: str,
) -> None:
    monkeypatch.setenv(name, value)
    assert leave("getfly", "probe") == 2
    assert words in capfd.readouterr().err
    assert emulator.requests == ()


def test_a_wrong_key_is_said_with_what_to_do(
    environment: dict[str, str], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "key").write_text("a-wrong-one", encoding="utf-8")
    assert leave("getfly", "probe") == 2
    told = capfd.readouterr().err
    assert "the key is wrong or was withdrawn. Settings > Integration" in told
    assert "a-wrong-one" not in told


def test_a_company_with_a_key_has_its_warehouse_tonight(
    environment: dict[str, str], emulator: Emulator, tmp_path: Path
) -> None:
    """The first night meets a status of orders that no code map knows; with one line more the second try is whole."""
    refused = subprocess.run([_KPI, "run"], capture_output=True, text=True, check=False)
    assert refused.returncode == 1, refused.stdout + refused.stderr
    assert '"Getfly 6 (Đã giao)" is not allowed' in " ".join(refused.stderr.split())
    assert (emulator.refused, len(emulator.requests) > 50) == ((), True)
    emulator.forget_requests()
    with (tmp_path / "codes.csv").open("a", encoding="utf-8") as codes:
        codes.write("order_status,6,,delivered\n")
    done = subprocess.run([_KPI, "run"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert KEY not in refused.stdout + refused.stderr + done.stdout + done.stderr
    # The night was received whole: a mapping changes without asking the CRM again.
    assert emulator.requests == ()
    with duckdb.connect(str(tmp_path / "home" / "marts.duckdb"), read_only=True) as connection:
        [(source, orders)] = connection.execute(
            "select source, (select count(*) from fct_orders) from publication"
        ).fetchall()
        types = connection.execute("select distinct interaction_type from fct_interactions order by 1").fetchall()
    assert (source, orders > 0) == ("getfly", True)
    # Comments from the API, calls from the file beside it, tasks as the fifth type.
    assert {str(one) for (one,) in types} >= {"call", "comment"}
    viewer = subprocess.run([_KPI, "viewers"], capture_output=True, text=True, check=False)
    assert "@congty.example" in viewer.stdout
