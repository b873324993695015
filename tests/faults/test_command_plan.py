"""Whole commands, killed: a sample for every change, and that the plan notices what it is there to notice.

`python -m tests.faults.kill_points --commands N` plays as many kills of all commands as one likes.
"""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from orchestration.cli import DONE, FAILED_CHECK, USAGE
from orchestration.freezing.store import HEAD, MANIFEST, FrozenStore
from tests.faults import operations
from tests.faults.command_plan import Trial, Undisturbed, chain_of, chain_problems, foreign_publications
from tests.faults.company import last_nights, write_company
from tests.faults.history import LANDED, VIEWER, Command, write_input
from tests.faults.reader import Seen, count_rows, read_once
from tests.faults.report import Report
from tests.faults.state import home_differences
from tests.unit.checks_company import AS_OF, build_warehouse
from tests.unit.test_freezing_store import FEBRUARY, JANUARY, draft, table

SEED = 20260331
_LIMIT = 16_000_000
"""More than any file that comes before dbt's tables, less than all of those."""

# Commands of a second or so; those that run dbt are left to the long run.
SHORT = (
    Command("nights", ("run", "--from", "2026-02-26", "--to", "2026-02-28")),
    Command("freeze", ("freeze", "--month", "2026-02"), again=USAGE, is_once=True, touches=("frozen",)),
    Command("export", ("export", "--viewer", VIEWER), touches=("exports",)),
    Command("compact", ("compact", "--through", "2026-02-28"), is_once=True, touches=LANDED),
)


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    """The short commands, undisturbed."""
    folder = tmp_path_factory.mktemp("commands")
    played = Undisturbed(folder, write_input(folder / "input", SEED), SHORT)
    played.play()
    return played


def test_after_kills_of_short_commands_everything_is_as_if_nothing_had_happened(quiet: Undisturbed) -> None:
    report = Report("commands", SEED)
    for number in range(1, len(SHORT)):
        Trial(quiet, report, number).play(first=number)
    assert report.problems == []
    assert report.kills >= len(SHORT) - 1
    assert report.reads > 0


def test_a_disk_that_is_full_while_dbt_builds_then_a_lock_left_behind_then_two_runs_at_once(quiet: Undisturbed) -> None:
    quiet.restore(0)
    home = quiet.home
    code, said = _ended(_started(quiet, _fill_the_disk))
    assert code == FAILED_CHECK, said
    assert "Nothing was published." in said
    assert "File too large" in said
    assert (home / "warehouse" / "landing_index.parquet").exists(), "another limit is needed: dbt did not begin"
    assert (home / "warehouse" / "warehouse.duckdb").stat().st_size > _LIMIT // 2
    assert not (home / "marts.duckdb").exists()
    (home / "writer.lock").write_text('{"pid": 1, "command": "kpi run", "since": "2026-03-31T00:00:00+00:00"}')
    both = [_started(quiet), _started(quiet)]
    ended = [_ended(process) for process in both]
    assert [code for code, _ in ended] == [DONE, DONE], ended
    waited = [process.pid for process, (_, said) in zip(both, ended, strict=True) if "waiting for process" in said]
    assert len(waited) == 1
    assert home_differences(quiet.before(1), home) == []


def _fill_the_disk() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (_LIMIT, _LIMIT))


def _started(quiet: Undisturbed, before: Callable[[], None] | None = None) -> subprocess.Popen[str]:
    """The first command of the history."""
    command = quiet.history[0]
    return subprocess.Popen(
        quiet.arguments(command),
        env={**os.environ, **quiet.environment(command)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=before,
    )


def _ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    said, _ = process.communicate()
    return process.returncode, " ".join(said.split())


# --- what must be noticed -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def quiet_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state folder with something of everything in it."""
    home = tmp_path_factory.mktemp("quiet") / "home"
    (home / "warehouse").mkdir(parents=True)
    warehouse = build_warehouse(home / "warehouse" / "warehouse.duckdb")
    operations.publish_marts(home, warehouse, AS_OF)
    nights = last_nights(2)
    source = write_company(home.parent / "input", nights, SEED)
    for night in nights:
        operations.land(home, source, night)
    store = FrozenStore(home / "frozen")
    store.add(draft(JANUARY, 1, JANUARY.replace(day=31)), table(1), table(10))
    store.add(draft(FEBRUARY, 1, FEBRUARY.replace(day=28)), table(2), table(20))
    (home / "exports").mkdir()
    shutil.copy(home / "marts.duckdb", home / "exports" / "e1@kpi.vn.duckdb")
    return home


@pytest.fixture
def home(quiet_home: Path, tmp_path: Path) -> Path:
    """The same, to be spoilt."""
    return shutil.copytree(quiet_home, tmp_path / "home")


def _change(file: str, sql: str) -> Callable[[Path], None]:
    def change(home: Path) -> None:
        with duckdb.connect(home / file) as connection:
            connection.execute(sql)

    return change


def _lose_a_batch(home: Path) -> None:
    shutil.rmtree(max((home / "landing" / "files" / "orders").iterdir()))


def _freeze_again(home: Path) -> None:
    FrozenStore(home / "frozen").add(draft(FEBRUARY, 2, FEBRUARY.replace(day=28)), table(2), table(20))


def _freeze_other_figures(home: Path) -> None:
    shutil.rmtree(home / "frozen")
    store = FrozenStore(home / "frozen")
    store.add(draft(JANUARY, 1, JANUARY.replace(day=31)), table(1), table(10))
    store.add(draft(FEBRUARY, 1, FEBRUARY.replace(day=28)), table(3), table(20))


def _break_the_chain(home: Path) -> None:
    path = home / "frozen" / "2026-01" / "v1" / MANIFEST
    path.chmod(0o644)
    path.write_text(path.read_text(encoding="utf-8").replace("first freeze", "first  freeze"), encoding="utf-8")


def _lose_the_head(home: Path) -> None:
    (home / "frozen" / HEAD).unlink()


def test_the_same_is_no_difference(quiet_home: Path, home: Path) -> None:
    """Nor is another attempt, or another instant."""
    _change("warehouse/warehouse.duckdb", "update core.core_batches set batch_id = batch_id || '7'")(home)
    _change("marts.duckdb", "update publication set generation_id = 'x', published_at = 'y'")(home)
    assert home_differences(quiet_home, home) == []


@pytest.mark.parametrize(
    ("spoil", "word"),
    [
        (_change("warehouse/warehouse.duckdb", "delete from marts.fct_funnel where employee_id = 'e1'"), "fct_funnel"),
        (_change("warehouse/warehouse.duckdb", "update core.core_customers set is_deleted = true"), "core_customers"),
        (_change("warehouse/warehouse.duckdb", "drop table marts.fct_payments cascade"), "fct_payments"),
        (_change("marts.duckdb", "insert into fct_payments select * from fct_payments limit 1"), "fct_payments"),
        (_change("marts.duckdb", "update publication set as_of = as_of - 1"), "publication"),
        (_change("exports/e1@kpi.vn.duckdb", "delete from fct_orders"), "fct_orders"),
        (lambda home: (home / "exports" / "e1@kpi.vn.duckdb.1.tmp").touch(), "exports are"),
        (_lose_a_batch, "orders/data.parquet: other rows are visible"),
        (_freeze_again, "2026-02/v2"),
        (_freeze_other_figures, "2026-02/v1: figures differ"),
        (_break_the_chain, "SHA-256 differs"),
        (_lose_the_head, "head.json is gone"),
    ],
)
def test_a_planted_difference_is_noticed(
    quiet_home: Path, home: Path, spoil: Callable[[Path], None], word: str
) -> None:
    spoil(home)
    found = home_differences(quiet_home, home)
    assert any(word in problem for problem in found), found


@pytest.mark.parametrize(
    ("spoil", "word"),
    [
        (_break_the_chain, "SHA-256 differs"),
        (_lose_the_head, "head.json is gone"),
        (_freeze_other_figures, "and now are"),
        (lambda home: shutil.rmtree(home / "frozen"), "and now are"),
    ],
)
def test_frozen_months_that_are_not_what_they_were_are_noticed(
    home: Path, spoil: Callable[[Path], None], word: str
) -> None:
    store = FrozenStore(home / "frozen")
    before = chain_of(store)
    assert chain_problems(store, before) == []
    spoil(home)
    assert word in " ".join(chain_problems(store, before))


def test_a_second_version_of_one_freeze_is_noticed(home: Path) -> None:
    store = FrozenStore(home / "frozen")
    before = chain_of(store)
    store.add(draft(FEBRUARY, 2, FEBRUARY.replace(day=28)), table(3), table(20))
    assert chain_problems(store, before) == []
    store.add(draft(FEBRUARY, 3, FEBRUARY.replace(day=28)), table(3), table(20))
    assert chain_problems(store, before) == ["2 versions were frozen by one command"]


def _copy(path: Path, target: Path) -> Path:
    shutil.copy(path, target)
    return target


def _seen(marts: Path, happens: Callable[[], object]) -> Seen:
    """What a reader sees that looks before and after."""
    seen, contents = Seen(), dict[str, int]()
    read_once(marts, contents, seen)
    happens()
    read_once(marts, contents, seen)
    return seen


@pytest.mark.parametrize("sql", ["drop table fct_payments cascade", "delete from fct_orders where executor_id = 'e1'"])
def test_a_partial_publication_is_noticed(home: Path, sql: str) -> None:
    marts = home / "marts.duckdb"
    whole = [count_rows(marts)[1]]
    assert foreign_publications(_seen(marts, lambda: None), whole) == []
    partial = _copy(marts, home / "partial.duckdb")
    _change("partial.duckdb", f"{sql}; update publication set generation_id = '29990101T000000000000Z'")(home)
    seen = _seen(marts, lambda: partial.replace(marts))
    assert seen.wrong == []
    [problem] = foreign_publications(seen, whole)
    assert "29990101T000000000000Z is no publication of the quiet history: main.fct_" in problem


def test_a_mixed_publication_is_noticed(home: Path) -> None:
    """Rows of another one under the name of the first, and as many."""
    marts = home / "marts.duckdb"
    mixed = _copy(marts, home / "mixed.duckdb")
    _change("mixed.duckdb", "update fct_orders set order_date = order_date + 1")(home)
    [problem] = _seen(marts, lambda: mixed.replace(marts)).wrong
    assert problem.endswith("has other rows than it had")


def test_generations_out_of_order_are_noticed(home: Path) -> None:
    marts = home / "marts.duckdb"
    older = _copy(marts, home / "older.duckdb")
    _change("older.duckdb", "update publication set generation_id = '20000101T000000000000Z'")(home)
    report = Report("commands", SEED)
    report.heard(_seen(marts, lambda: older.replace(marts)))
    [problem] = report.problems
    assert problem.startswith("reader: generations came out of order")


@pytest.mark.parametrize("spoil", [lambda marts: marts.unlink(), lambda marts: marts.write_bytes(b"half")])
def test_a_publication_that_does_not_open_is_noticed(home: Path, spoil: Callable[[Path], None]) -> None:
    report = Report("commands", SEED)
    report.heard(_seen(home / "marts.duckdb", lambda: spoil(home / "marts.duckdb")))
    [problem] = report.problems
    assert problem.startswith("reader: IOException")
