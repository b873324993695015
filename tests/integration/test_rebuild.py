"""What a rebuild compares with, whatever is left of the warehouse; `test_backfill.py` ends with a whole rebuild."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from orchestration.compare_text import comparison_sentence
from orchestration.progress import Progress
from orchestration.rebuild import RebuildError, compare_all, rebuild
from orchestration.serving.errors import LockHeldError
from orchestration.serving.lock import writer_lock
from orchestration.serving.publish import publish
from orchestration.settings import Settings
from tests.unit.checks_company import AS_OF, SOURCE, build_warehouse, corrupted, land_company

_OPEN = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('open', flush=True); sys.stdin.read()"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A warehouse written by hand, and its publication."""
    settings = Settings(home=tmp_path / "home", source=SOURCE, lock_wait_seconds=0)
    settings.warehouse_dir.mkdir(parents=True)
    build_warehouse(settings.warehouse_path)
    publish(settings.warehouse_path, settings.marts_path, {"as_of": AS_OF, "source": SOURCE})
    return settings


@pytest.fixture
def built(settings: Settings, tmp_path: Path) -> Path:
    """The same again, as if built aside."""
    (tmp_path / "aside").mkdir()
    return Path(shutil.copy(settings.warehouse_path, tmp_path / "aside" / "warehouse.duckdb"))


def test_the_same_warehouse_is_equal(settings: Settings, built: Path, tmp_path: Path) -> None:
    comparison = compare_all(settings, built, tmp_path / "spill", Progress())
    assert comparison.is_equal
    names = {table.name for section in comparison.sections for table in section.tables}
    assert {"core.core_employee_scope", "marts.dim_customers"} <= names
    assert comparison.note == ""


def test_a_row_more_or_less_is_a_difference(settings: Settings, built: Path, tmp_path: Path) -> None:
    worse = corrupted(built, tmp_path / "worse", "delete from marts.dim_customers where customer_id = 'c001'")
    [section] = compare_all(settings, worse, tmp_path / "spill", Progress()).sections
    [table] = section.differing
    assert (table.name, table.only_before, table.only_now) == ("marts.dim_customers", 1, 0)


@pytest.mark.parametrize("damage", ["gone", "cut short"])
def test_without_a_warehouse_the_publication_is_compared(
    settings: Settings, built: Path, tmp_path: Path, damage: str
) -> None:
    whole = settings.warehouse_path.read_bytes()
    settings.warehouse_path.unlink()
    if damage == "cut short":
        settings.warehouse_path.write_bytes(whole[:100])
    comparison = compare_all(settings, built, tmp_path / "spill", Progress())
    assert comparison.is_equal
    assert [section.title for section in comparison.sections] == ["publication"]
    assert "The publication was compared instead." in comparison_sentence(comparison)
    settings.marts_path.unlink()
    nothing = compare_all(settings, built, tmp_path / "spill", Progress())
    assert nothing.is_equal
    assert "there is nothing to compare with" in comparison_sentence(nothing)


def test_a_warehouse_that_somebody_has_open_is_left_alone(settings: Settings, built: Path, tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _OPEN, str(settings.warehouse_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as other:
        assert other.stdin is not None
        assert other.stdout is not None
        assert other.stdout.readline() == "open\n"
        with pytest.raises(RebuildError, match="Another program has the warehouse open"):
            compare_all(settings, built, tmp_path / "spill", Progress())
        other.stdin.close()


def test_a_rebuild_beside_another_writer_is_refused_and_names_it(settings: Settings) -> None:
    land_company(settings.landing_dir)
    before = settings.warehouse_path.read_bytes()
    with writer_lock(settings.lock_path), pytest.raises(LockHeldError, match="is held by process"):
        rebuild(settings, Progress())
    assert settings.warehouse_path.read_bytes() == before
