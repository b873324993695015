"""Generations of viewers' files: everybody's own rows, all or nothing, and no file for who lost every right."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest
from rich.console import Console

from orchestration.assets.services import Services
from orchestration.assets.viewer_files import viewer_files_asset
from orchestration.cli import _explain, main
from orchestration.console import ConsoleProgress
from orchestration.definitions import build_defs
from orchestration.doctor import Level, look_at_viewer_files
from orchestration.night import RunResult, StepFailure
from orchestration.serving.errors import ExportError, LockHeldError
from orchestration.serving.export import build_export, export_viewer, file_name, read_back
from orchestration.serving.generations import (
    CURRENT,
    Exported,
    Limits,
    _in_processes,
    _pinned,
    _Task,
    _verify_folder,
    export_all,
    not_current,
    read_generation,
    remove_leftovers,
)
from orchestration.serving.lock import writer_lock
from orchestration.serving.publish import publish
from orchestration.serving.reading import open_publication
from orchestration.serving.viewers import Viewer, list_viewers
from orchestration.settings import Settings
from tests.unit.checks_company import AS_OF, SOURCE, access_view, build_warehouse, corrupted, customer_rows

META = {"as_of": AS_OF, "source": SOURCE}
BOSS, E1, E2 = "boss@kpi.vn", "e1@kpi.vn", "e2@kpi.vn"
# e2 sees customers, too: two people who must not see each other's, and a head who sees both.
RIGHTS_OF_E2 = """
    insert into core.core_employee_scope values ('e2', 'e2@kpi.vn', 'customer', 'e2', 'self');
    insert into core.core_viewer_grants values ('e2', 'e2@kpi.vn', 'customer', 'self', false);
    insert into core.core_employee_permissions values ('e2', 'customer', 'access', false);
"""
NAMES = {
    owner: [str(row["customer_name"]).encode() for row in customer_rows() if row["manager_id"] == owner]
    for owner in ("e1", "e2")
}
HIDDEN = {BOSS: (), E1: ("e2",), E2: ("e1",)}


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    base = build_warehouse(tmp_path_factory.mktemp("warehouse") / "warehouse.duckdb")
    return corrupted(base, tmp_path_factory.mktemp("of_three"), RIGHTS_OF_E2)


@pytest.fixture(scope="module")
def marts(warehouse: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return publish(warehouse, tmp_path_factory.mktemp("home") / "marts.duckdb", META).path


@pytest.fixture(scope="module")
def exported(marts: Path, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    return export_all(marts, tmp_path_factory.mktemp("exports"), Limits(2, "1GB"))


def _contents(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Every table of a file."""
    with duckdb.connect(str(path), read_only=True) as connection:
        tables = connection.execute("select table_name from duckdb_tables() order by 1").fetchall()
        return {name: connection.execute(f"from main.{name} order by all").fetchall() for (name,) in tables}


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_everybody_who_sees_something_has_a_file_and_nobody_else(exported: Exported) -> None:
    exports = exported.folder.parent
    assert os.readlink(exports / CURRENT) == exported.folder.name
    assert set(_names(exports)) == {CURRENT, "viewers.lock", exported.folder.name}
    assert _names(exports / CURRENT) == [f"{BOSS}.duckdb", f"{E1}.duckdb", f"{E2}.duckdb", "manifest.json"]
    assert exported.without_file == ()


def test_a_file_is_the_one_that_a_single_export_writes(marts: Path, exported: Exported, tmp_path: Path) -> None:
    for email in HIDDEN:
        single = export_viewer(marts, email, tmp_path / "single.duckdb")
        assert _contents(exported.folder / file_name(email)) == _contents(single.path)
        [file] = [file for file in exported.generation.files if file.email == email]
        assert file.rows == sum(single.rows.values()) > 0


def test_the_manifest_says_what_is_there(marts: Path, exported: Exported) -> None:
    with open_publication(marts) as connection:
        [(publication,)] = connection.execute("select generation_id from publication").fetchall()
    assert exported.generation.publication_id == publication
    assert exported.generation.as_of == AS_OF.isoformat()
    assert read_generation(exported.folder.parent) == exported.generation
    sizes = {file.file: file.bytes for file in exported.generation.files}
    assert sizes == {path.name: path.stat().st_size for path in exported.folder.glob("*.duckdb")}


def test_the_files_are_readable_by_their_owner_only(exported: Exported) -> None:
    assert stat.S_IMODE(exported.folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in exported.folder.glob("*.duckdb")} == {0o600}


@pytest.mark.parametrize("email", HIDDEN)
def test_no_byte_of_anybody_elses_customers_is_in_a_file(
    email: str, marts: Path, exported: Exported, tmp_path: Path
) -> None:
    """Searched in the file as it is handed out, and in one without compression, where the own names are found."""
    content = (exported.folder / file_name(email)).read_bytes()
    assert [name for owner in HIDDEN[email] for name in NAMES[owner] if name in content] == []
    [viewer] = [viewer for viewer in list_viewers(marts) if viewer.email == email]
    plain = tmp_path / "plain.duckdb"
    with open_publication(marts, email) as connection:
        connection.execute("set force_compression = 'uncompressed'")
        build_export(connection, viewer, plain)
    content = plain.read_bytes()
    for owner, names in NAMES.items():
        missing = [name for name in names if name not in content]
        assert missing == (names if owner in HIDDEN[email] else []), (email, owner)


def _republished(warehouse: Path, home: Path, sql: str = "") -> Path:
    return publish(corrupted(warehouse, home / "warehouse", sql), home / "marts.duckdb", META).path


def test_who_lost_every_right_has_no_file_and_an_open_reader_keeps_the_old_one(warehouse: Path, tmp_path: Path) -> None:
    marts, exports = _republished(warehouse, tmp_path), tmp_path / "exports"
    first = export_all(marts, exports)
    with duckdb.connect(str(exports / CURRENT / file_name(E1)), read_only=True) as reader:
        before = reader.execute("select count(*), sum(hash(o)) from fct_orders as o").fetchall()
        _republished(warehouse, tmp_path, "delete from core.core_employee_scope where viewer_id = 'e1'")
        second = export_all(marts, exports)
        assert reader.execute("select count(*), sum(hash(o)) from fct_orders as o").fetchall() == before
    assert second.without_file == (E1,)
    assert [file.email for file in second.generation.files] == [BOSS, E2]
    assert not (exports / CURRENT / file_name(E1)).exists()
    assert not first.folder.exists()
    assert not_current(exports) == []
    assert second.generation.generation_id > first.generation.generation_id


def test_nobody_with_rights_is_an_empty_generation(warehouse: Path, tmp_path: Path) -> None:
    nobody = "delete from core.core_employee_scope; delete from core.core_department_scope"
    exported = export_all(_republished(warehouse, tmp_path, nobody), tmp_path / "exports")
    assert exported.generation.files == ()
    assert _names(exported.folder) == ["manifest.json"]


@dataclass(frozen=True)
class Untouched:
    """What must be as it was."""

    exports: Path
    marts: Path
    former: Exported


@contextmanager
def _untouched(warehouse: Path, home: Path) -> Iterator[Untouched]:
    """A generation that is whole, and nothing beside it, whatever the body does."""
    marts, exports = _republished(warehouse, home), home / "exports"
    former = export_all(marts, exports)
    content = {path.name: path.read_bytes() for path in former.folder.iterdir()}
    yield Untouched(exports, marts, former)
    assert os.readlink(exports / CURRENT) == former.folder.name
    assert {path.name: path.read_bytes() for path in former.folder.iterdir()} == content
    assert not_current(exports) == []


def test_a_file_with_anybody_elses_row_keeps_the_whole_generation_back(warehouse: Path, tmp_path: Path) -> None:
    with _untouched(warehouse, tmp_path) as there:
        leak = access_view("fct_orders", "executor_id", ["employee", "customer"], also="order_id = 'o04'")
        _republished(warehouse, tmp_path, leak)
        with pytest.raises(ExportError, match="fct_orders: 1 rows belong to people outside the scope of e"):
            export_all(there.marts, there.exports)


def test_a_failure_after_the_last_file_keeps_it_back_too(warehouse: Path, tmp_path: Path) -> None:
    def fail() -> None:
        raise RuntimeError("just before the swap")

    with _untouched(warehouse, tmp_path) as there, pytest.raises(RuntimeError, match="just before"):
        export_all(there.marts, there.exports, before_swap=fail)


def test_a_file_that_vanished_before_the_swap_is_noticed(warehouse: Path, tmp_path: Path) -> None:
    """`_verify_folder` looks at names and sizes on disk, not at what the processes said."""
    exported = export_all(_republished(warehouse, tmp_path), tmp_path / "exports")
    (exported.folder / "manifest.json").unlink()
    _verify_folder(exported.folder, exported.generation)
    (exported.folder / file_name(E1)).write_bytes(b"cut short")
    with pytest.raises(ExportError, match=f"does not hold what was written: {E1}.duckdb"):
        _verify_folder(exported.folder, exported.generation)


_KILLED = """
import os, signal, sys
from pathlib import Path
from orchestration.serving.generations import export_all
if __name__ == "__main__":
    export_all(Path(sys.argv[1]), Path(sys.argv[2]), before_swap=lambda: os.kill(os.getpid(), signal.SIGKILL))
"""


def test_a_killed_export_leaves_the_former_generation_and_the_next_one_clears_up(
    warehouse: Path, tmp_path: Path
) -> None:
    with _untouched(warehouse, tmp_path) as there:
        script = tmp_path / "killed.py"
        script.write_text(_KILLED, encoding="utf-8")
        killed = subprocess.run(
            [sys.executable, str(script), str(there.marts), str(there.exports)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert killed.returncode == -signal.SIGKILL, killed.stderr
        [left] = not_current(there.exports)
        assert left.name.endswith(".tmp")
        assert not (left / "publication.duckdb").exists()
        assert len(list(left.glob("*.duckdb"))) == 3
        with writer_lock(there.exports / "viewers.lock"):
            remove_leftovers(there.exports)


class _Deadly(Viewer):
    """Whoever unpickles this ends."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os._exit, (3,)


def test_a_process_that_is_ended_from_outside_is_told_with_what_to_do(tmp_path: Path) -> None:
    deadly = _Deadly("e1@kpi.vn", "", "e1", ())
    with pytest.raises(ExportError, match=r"ended from outside.*lower KPI_THREADS or KPI_MEMORY_LIMIT"):
        _in_processes([_Task(tmp_path / "marts.duckdb", deadly, tmp_path / "f", "1GB")], 1)


def test_all_files_are_of_one_publication_whatever_is_published_meanwhile(warehouse: Path, tmp_path: Path) -> None:
    def generation(path: Path) -> Any:
        with open_publication(path) as connection:
            return connection.execute("select generation_id from publication").fetchall()

    marts = _republished(warehouse, tmp_path)
    before = generation(marts)
    with _pinned(marts, tmp_path) as pinned:
        _republished(warehouse, tmp_path)
        assert generation(pinned) == before != generation(marts)
    assert not pinned.exists()


def test_a_finished_file_that_lacks_rows_or_is_somebody_elses_is_noticed(marts: Path, exported: Exported) -> None:
    e1, e2 = (next(viewer for viewer in list_viewers(marts) if viewer.email == email) for email in (E1, E2))
    path, publication = exported.folder / file_name(E1), exported.generation.publication_id
    rows = {name: len(table) for name, table in _contents(path).items() if name != "publication"}
    read_back(path, e1, publication, rows)
    for viewer, of, expected in (
        (e1, publication, {**rows, "fct_orders": rows["fct_orders"] + 1}),
        (e2, publication, rows),
        (e1, "another", rows),
    ):
        with pytest.raises(ExportError, match="does not hold what was written into it"):
            read_back(path, viewer, of, expected)


def test_two_viewers_with_one_address_keep_the_generation_back(warehouse: Path, tmp_path: Path) -> None:
    """The models give neither a scope with an address; a publication that did would mix their rows."""
    with _untouched(warehouse, tmp_path) as there:
        shared = "update core.core_employee_scope set viewer_email = 'E1@kpi.vn' where viewer_id = 'e2'"
        _republished(warehouse, tmp_path, shared)
        with pytest.raises(ExportError, match=r"e1@kpi.vn is the e-mail of several viewers \(e1, e2\)"):
            export_all(there.marts, there.exports)


def test_a_second_export_waits_for_the_first(marts: Path, tmp_path: Path) -> None:
    with writer_lock(tmp_path / "viewers.lock"), pytest.raises(LockHeldError, match=f"process {os.getpid()}"):
        export_all(marts, tmp_path)


def test_a_pointer_made_by_hand_is_not_overwritten(marts: Path, tmp_path: Path) -> None:
    (tmp_path / CURRENT).mkdir()
    with pytest.raises(ExportError, match="is no symbolic link"):
        export_all(marts, tmp_path)
    assert _names(tmp_path) == [CURRENT]


def test_a_clock_turned_back_does_not_turn_the_generations_back(warehouse: Path, tmp_path: Path) -> None:
    marts, exports = _republished(warehouse, tmp_path), tmp_path / "exports"
    first = export_all(marts, exports)
    ahead = datetime(2999, 1, 1, tzinfo=UTC).strftime("%Y%m%dT%H%M%S%fZ")
    manifest = first.folder / "manifest.json"
    manifest.write_text(manifest.read_text(encoding="utf-8").replace(first.generation.generation_id, ahead), "utf-8")
    assert export_all(marts, exports).generation.generation_id > ahead


def test_a_damaged_manifest_is_told_with_what_to_do(marts: Path, tmp_path: Path) -> None:
    exported = export_all(marts, tmp_path)
    (exported.folder / "manifest.json").write_text("{", encoding="utf-8")
    with pytest.raises(ExportError, match=r"manifest\.json cannot be read .* then run `kpi export --all`"):
        export_all(marts, tmp_path)


@pytest.mark.parametrize(
    ("email", "name"),
    [
        ("Lan.Vu+x@Cty.vn ", "lan.vu+x@cty.vn.duckdb"),
        ("../../etc/passwd@x.vn", "..%2f..%2fetc%2fpasswd@x.vn.duckdb"),
        ("a\\b\n@x.vn", "a%5cb%0a@x.vn.duckdb"),
        ("hòa@x.vn", "h%c3%b2a@x.vn.duckdb"),
    ],
)
def test_an_email_names_a_file_in_the_folder_and_nowhere_else(email: str, name: str) -> None:
    assert file_name(email).lower() == name
    assert Path("folder", file_name(email)).resolve().parent == Path("folder").resolve()


def test_an_email_that_is_too_long_is_refused() -> None:
    with pytest.raises(ExportError, match="too long to name a file"):
        file_name("x" * 300 + "@x.vn")


@pytest.mark.parametrize(("limit", "each"), [("4GB", "2.000GB"), (" 512 MiB", "256.000MiB"), ("1.5GB", "0.750GB")])
def test_the_processes_share_the_memory(limit: str, each: str) -> None:
    assert Limits(2, limit).memory_of_one == each


def test_a_memory_limit_that_is_no_size_is_refused() -> None:
    with pytest.raises(ExportError, match="KPI_MEMORY_LIMIT 'much' is no size"):
        _ = Limits(2, "much").memory_of_one


def _leave(*arguments: str) -> int:
    with pytest.raises(SystemExit) as left:
        main(arguments)
    assert isinstance(left.value.code, int)
    return left.value.code


def test_the_command_says_what_it_wrote_and_who_has_no_file_any_more(
    warehouse: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KPI_HOME", str(tmp_path))
    _republished(warehouse, tmp_path)
    assert _leave("export", "--all") == 0
    assert "e1@kpi.vn.duckdb" in capsys.readouterr().out
    _republished(warehouse, tmp_path, "delete from core.core_employee_scope where viewer_id = 'e1'")
    assert _leave("export", "--all") == 0
    shown = capsys.readouterr().out
    assert "e1@kpi.vn may see nothing any more: no file" in shown
    assert "exports/current  2 files of publication" in shown


def test_the_night_writes_the_files_only_where_the_settings_say_so(tmp_path: Path) -> None:
    found = {}
    for wanted in (False, True):
        services = Services.of(Settings(home=tmp_path, export_viewers=wanted))
        keys = build_defs(services=services).resolve_asset_graph().get_all_asset_keys()
        found[wanted] = {key.to_user_string() for key in keys}
    assert found[True] - found[False] == {"published/viewer_files"}


def test_the_doctor_says_when_the_files_are_behind_the_publication(warehouse: Path, tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)

    def found() -> list[tuple[Level, str]]:
        return [(finding.level, finding.text) for finding in look_at_viewer_files(settings)]

    assert found() == [(Level.OK, "no generation of viewers' files; `kpi export --all` writes one")]
    _republished(warehouse, tmp_path)
    exported = export_all(settings.marts_path, settings.exports_dir)
    assert [level for level, _ in found()] == [Level.OK]
    _republished(warehouse, tmp_path)
    (settings.exports_dir / f"{exported.folder.name}.tmp").mkdir()
    behind, left = found()
    assert behind[0] is Level.PROBLEM
    assert "rights that were taken away since still open rows there" in behind[1]
    assert left == (
        Level.NOTE,
        f"{exported.folder}.tmp is in use by no pointer: an export was killed",
    )
    (exported.folder / "manifest.json").write_text("[]", encoding="utf-8")
    assert found()[0][0] is Level.PROBLEM


def test_the_asset_writes_the_files_and_fails_for_itself(warehouse: Path, tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, export_viewers=True)
    asset = viewer_files_asset(Services.of(settings))
    failed = dg.materialize([asset], raise_on_error=False)
    [event] = failed.get_step_failure_events()
    assert event.step_failure_data.user_failure_data is not None
    assert "there is no publication at" in str(event.step_failure_data.user_failure_data.description)
    _republished(warehouse, tmp_path)
    [materialized] = dg.materialize([asset]).asset_materializations_for_node("published__viewer_files")
    assert materialized.metadata["files"].value == 3
    assert read_generation(settings.exports_dir) is not None


def test_a_night_that_fails_after_publishing_does_not_say_that_nothing_was_published(
    warehouse: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    progress = ConsoleProgress(Console())
    progress.publication = publish(warehouse, tmp_path / "marts.duckdb", META)
    failure = StepFailure("published__viewer_files", "fct_orders: 1 rows belong to people outside", "ExportError")
    assert _explain(Settings(home=tmp_path, export_viewers=True), progress, RunResult("0" * 32, False, (failure,))) != 0
    said = capsys.readouterr().err
    assert "The marts were published, as of 2026-03-30; what comes after it failed." in said
    assert "`kpi export --all` writes them anew" in said
    assert "Nothing was published" not in said
