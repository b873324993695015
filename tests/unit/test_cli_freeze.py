"""`kpi freeze` on the command line: what it accepts, what it says, and with which exit code it leaves."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestration.cli import load_settings, main
from orchestration.freezing.compare import version_tables
from orchestration.freezing.figures import Difference
from orchestration.freezing.store import FrozenStore
from tests.unit.test_freezing_schedule import freeze


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KPI_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)


def leave(*arguments: str) -> int:
    with pytest.raises(SystemExit) as left:
        main(arguments)
    assert isinstance(left.value.code, int)
    return left.value.code


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "say either which month to freeze with --month, or --verify"),
        (["--month", "2026-02", "--verify"], "say either"),
        (["--month", "02.2026"], "--month 02.2026: not a month; write it like 2026-02"),
        (["--month", "2026-13"], "--month 2026-13: not a month"),
        (["--month", "2999-01"], "2999-01 is not over: its last day is 2999-01-31"),
        (["--month", "2026-02", "--as-of", "2026-02-20"], "it cannot be frozen as known on 2026-02-20, before its end"),
        (["--month", "2026-02", "--as-of", "soon"], "--as-of soon: not a date"),
        (["--month", "2026-02"], "2026-02 cannot be frozen as of 2026-02-28: no night has landed"),
    ],
)
def test_a_wrong_request_leaves_with_2_and_says_what_is_wrong(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert leave("freeze", *arguments) == 2
    assert message in " ".join(capsys.readouterr().err.split())


def test_verify_says_what_is_frozen_and_leaves_with_1_where_it_is_damaged(capsys: pytest.CaptureFixture[str]) -> None:
    assert leave("freeze", "--verify") == 0
    assert "No month is frozen." in capsys.readouterr().out
    settings = load_settings()
    freeze(settings)
    store = FrozenStore(settings.frozen_dir)
    head = store.head()
    assert head is not None
    assert leave("freeze", "--verify") == 0
    shown = capsys.readouterr().out
    assert "2026-02/v1" in shown
    assert f"Chain: 1, 2026-02/v1, {head.newest.manifest_sha256}" in shown
    assert leave("freeze", "--month", "2026-02") == 2
    assert "2026-02 is frozen already: version 1" in " ".join(capsys.readouterr().err.split())
    (store.root / "2026-02" / "v1" / "rows.parquet").unlink()
    assert leave("freeze", "--verify") == 1
    assert "rows.parquet is gone" in " ".join(capsys.readouterr().err.split())


def test_a_version_that_landing_does_not_make_again_is_a_difference_of_a_rebuild() -> None:
    settings = load_settings()
    freeze(settings)
    [version] = FrozenStore(settings.frozen_dir).versions()
    same, other = version_tables(version, [Difference("rows", 0, 2, ())])
    assert (same.name, same.is_equal) == ("2026-02/v1 figures", True)
    assert (other.name, other.is_equal, other.before, other.now) == ("2026-02/v1 rows", False, 0, 2)
    assert all(table.is_equal for table in version_tables(version, []))
