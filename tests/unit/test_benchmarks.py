"""The benchmark's arithmetic, its tables, and that it never shows the time of somebody who computed something else."""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path

import duckdb
import pytest

from benchmarks import bench, changed_night, dashboards, landing
from benchmarks.cards import contest
from benchmarks.cards.check import MartsDiffer, check_same
from benchmarks.cards.contest import EMPTY, FLOOR, OURS, START, Entry
from benchmarks.cards.inputs import MARTS, Given
from benchmarks.cards.ours import needed
from benchmarks.changed_night import Nights
from benchmarks.dashboards import ASKED, Served, Waits
from benchmarks.measure import CommandFailed, Limits, Usage, less, measured, median_usage, ratio, table
from benchmarks.results import AtSize, Done, keep, kept
from benchmarks.sizes import size_of

_MART = "select date '2026-03-01' as month_date, 'NV1' as employee_id, 1.25::decimal(18, 2) as sales_amount"
_FOUR = dict.fromkeys(MARTS, _MART)


def _usage(wall: float, cpu: float, peak: int = 10_000_000) -> Usage:
    return Usage(wall, cpu, None, None, peak)


def test_our_build_is_of_the_marts_their_parents_and_tests_of_nothing_else() -> None:
    mart = {f"model.kpi_warehouse.{name}": ["model.kpi_warehouse.core_a"] for name in MARTS}
    parents = {
        **mart,
        "model.kpi_warehouse.core_a": ["seed.kpi_warehouse.rules", "source.kpi_warehouse.landing.a"],
        "model.kpi_warehouse.other": ["model.kpi_warehouse.core_a"],
        "seed.kpi_warehouse.rules": [],
        "source.kpi_warehouse.landing.a": [],
        "test.kpi_warehouse.of_a": ["model.kpi_warehouse.core_a"],
        "test.kpi_warehouse.of_both": ["model.kpi_warehouse.core_a", "model.kpi_warehouse.other"],
    }
    nodes = {name: {"resource_type": name.split(".")[0], "config": {}} for name in parents if "source." not in name}
    manifest = {"nodes": nodes, "parent_map": parents}
    built = {*mart, "model.kpi_warehouse.core_a", "seed.kpi_warehouse.rules"}
    assert needed(manifest, with_tests=False) == built
    assert needed(manifest, with_tests=True) == {*built, "test.kpi_warehouse.of_a"}


def _made(folder: Path, changed: dict[str, str] | None = None) -> Path:
    """A contestant's folder in which all four marts are the one row, but for those `changed`."""
    folder.mkdir()
    with duckdb.connect(str(folder / "cards.duckdb" if folder.name != "ours" else folder / "warehouse.duckdb")) as made:
        made.execute("create schema marts")
        for mart, query in {**_FOUR, **(changed or {})}.items():
            made.execute(f"create table marts.{mart} as {query}")
    return folder


def test_a_ratio_says_how_many_times_the_other_and_nothing_without_one() -> None:
    assert [ratio(3.0, 2.0), ratio(1.0, 4.0), ratio(1.0, 0.0)] == ["1.50", "0.25", "–"]


def test_start_up_is_taken_off_the_time_and_not_off_the_memory() -> None:
    assert less(_usage(10.0, 8.0, 7), _usage(4.0, 3.0, 9)) == _usage(6.0, 5.0, 7)


def test_the_median_is_of_each_figure_by_itself() -> None:
    usages = [_usage(1.0, 9.0, 3), _usage(2.0, 7.0, 2), _usage(6.0, 8.0, 1)]
    assert median_usage(usages) == _usage(2.0, 8.0, 2)


def test_limits_reach_every_contestant() -> None:
    assert Limits(3, "5GB").environment() == {
        "KPI_THREADS": "3",
        "KPI_MEMORY_LIMIT": "5GB",
        "POLARS_MAX_THREADS": "3",
        "OMP_NUM_THREADS": "3",
    }


def test_a_table_is_markdown_whose_figures_end_flush_right() -> None:
    assert table(["what", "s"], [["a", "1.0"], ["longer", "10.0"]]).splitlines() == [
        "| what   |    s |",
        "| ------ | ---: |",
        "| a      |  1.0 |",
        "| longer | 10.0 |",
    ]


def test_ours_is_compared_without_start_up_and_a_peer_that_died_has_no_figure() -> None:
    entries = {
        FLOOR: Entry(FLOOR, _usage(2.0, 4.0)),
        START: Entry(START, _usage(3.0, 3.0)),
        EMPTY: Entry(EMPTY, _usage(4.0, 5.0)),
        OURS: Entry(OURS, _usage(6.0, 9.0)),
        "polars": Entry("polars", _usage(5.0, 2.0)),
        "pandas": Entry("pandas", None, "python -m pandas_peer ended with -9 instead of 0\nlast line"),
    }
    rows = {row[0]: row[1:] for row in contest.lines(entries)}
    named = {words.split(",")[0].split(":")[0]: row for words, row in reversed(rows.items())}
    assert named["the floor"] == ["2.0", "4.0", "10.0", "1.00", "1.00"]
    assert named["this project's start-up"] == ["3.0", "3.0", "10.0", "–", "–"]
    assert named["this project"] == ["3.0", "6.0", "10.0", "1.50", "1.50"]
    assert rows["its work around the same tables when nothing has landed"] == ["1.0", "2.0", "10.0", "–", "–"]
    assert list(rows)[-1] == "this project, start-up and work around empty tables taken off"
    assert rows[list(rows)[-1]] == ["2.0", "4.0", "10.0", "1.00", "1.00"]
    assert named["polars"] == ["5.0", "2.0", "10.0", "2.50", "0.50"]
    assert named["pandas"] == ["did not finish", "did not finish", "–", "–", "–"]
    assert contest.describe(entries).endswith("pandas: `python -m pandas_peer ended with -9 instead of 0`")


def test_the_same_marts_pass_with_their_rows_counted(tmp_path: Path) -> None:
    wider = _MART.replace("decimal(18, 2)", "decimal(38, 2)")
    made = _made(tmp_path / "made", {"fct_funnel": f"{wider} union all {wider}"})
    ours = _made(tmp_path / "ours", {"fct_funnel": f"{_MART} union all {_MART}"})
    assert check_same("somebody", made, ours) == {**dict.fromkeys(MARTS, 1), "fct_funnel": 2}


def test_parquet_files_are_marts_too(tmp_path: Path) -> None:
    ours, made = _made(tmp_path / "ours"), tmp_path / "made"
    made.mkdir()
    for mart in MARTS:
        duckdb.sql(_MART).write_parquet(str(made / f"{mart}.parquet"))
    assert check_same("somebody", made, ours) == dict.fromkeys(MARTS, 1)


@pytest.mark.parametrize(
    ("query", "words"),
    [
        (_MART.replace("1.25", "1.26"), "rows of fct_journey that we have and it has not"),
        (f"{_MART} union all {_MART}", "rows of fct_journey that it has and we have not"),
        (f"{_MART} limit 0", "rows of fct_journey that we have and it has not"),
        (_MART.replace("'NV1'", "null"), "rows of fct_journey that we have and it has not"),
        (_MART.replace("decimal(18, 2)", "double"), "approximate numbers in ['sales_amount']"),
        (_MART.replace("employee_id", "manager_id"), "lacks the columns ['employee_id'], and has ['manager_id']"),
    ],
    ids=["a cent", "a row twice", "no row", "a null", "floats", "another column"],
)
def test_what_differs_stops_the_benchmark(tmp_path: Path, query: str, words: str) -> None:
    made = _made(tmp_path / "made", {"fct_journey": query})
    with pytest.raises(MartsDiffer) as raised:
        check_same("somebody", made, _made(tmp_path / "ours"))
    assert str(raised.value).startswith("somebody: ")
    assert words in str(raised.value)


def _runs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *, wrong: str = "", dying: str = "") -> list[str]:
    """Contestants that copy ready-made marts; one may be wrong, or die. Returns who ran, in order."""
    ran: list[str] = []

    def run(name: str, given: Given, folder: Path, limits: Limits) -> Usage:
        ran.append(name)
        if name == dying:
            raise CommandFailed(f"{name} ended with -9 instead of 0")
        file = given.target / ("warehouse.duckdb" if given.target.name == OURS else "cards.duckdb")
        given.target.mkdir(exist_ok=True)
        file.unlink(missing_ok=True)
        with duckdb.connect(str(file)) as made:
            made.execute("create schema marts")
            for mart in MARTS:
                made.execute(f"create table marts.{mart} as {_MART.replace('1.25', '2') if name == wrong else _MART}")
        return _usage(float(len(ran)), 1.0)

    monkeypatch.setattr(contest, "_run", run)
    return ran


def _compete(tmp_path: Path, repeats: int) -> dict[str, Entry]:
    names = ("polars", "pandas")
    return contest.compete(
        tmp_path, date(2026, 3, 17), tmp_path / "contest", Limits(), repeats, names, tell=lambda _: None
    )


def test_contestants_take_turns_after_a_first_start_and_ours_and_the_floor_always_compete(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    ran = _runs(monkeypatch, tmp_path)
    found = _compete(tmp_path, 2)
    assert ran == [START, *[START, OURS, FLOOR, "polars", "pandas"] * 2]
    assert found[FLOOR].usage == _usage(6.5, 1.0)


def test_a_wrong_contestant_ends_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    _runs(monkeypatch, tmp_path, wrong="polars")
    with pytest.raises(MartsDiffer, match="polars: rows of fct_funnel"):
        _compete(tmp_path, 1)


def test_a_peer_that_cannot_finish_is_named_and_not_tried_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    ran = _runs(monkeypatch, tmp_path, dying="pandas")
    found = _compete(tmp_path, 3)
    assert ran.count("pandas") == 1
    assert found["pandas"] == Entry("pandas", None, "pandas ended with -9 instead of 0")


def test_the_floor_may_not_fail(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    _runs(monkeypatch, tmp_path, dying=FLOOR)
    with pytest.raises(CommandFailed):
        _compete(tmp_path, 1)


def test_a_command_is_measured_without_the_memory_of_who_started_it(tmp_path: Path) -> None:
    held = bytearray(200_000_000)
    held[::4096] = b"x" * len(held[::4096])
    usage = measured([sys.executable, "-S", "-c", "print('said')"], log=tmp_path / "log")
    assert usage.peak_memory_bytes < len(held) / 2
    assert usage.wall_seconds > 0
    assert (tmp_path / "log").read_text(encoding="utf-8") == "said\n"


def test_a_command_sees_its_environment_and_its_folder(tmp_path: Path) -> None:
    code = "import os; assert os.environ['KPI_THREADS'] == '2'; open('here', 'w').close()"
    measured([sys.executable, "-S", "-c", code], environment={"KPI_THREADS": "2"}, folder=tmp_path)
    assert (tmp_path / "here").exists()


def test_the_time_of_children_is_in_the_figure() -> None:
    """A build's work is done by a child of the measured command."""
    code = "import subprocess, sys; subprocess.run([sys.executable, '-S', '-c', 'sum(range(3 * 10**6))'], check=True)"
    idle = measured([sys.executable, "-S", "-c", "import subprocess"])
    assert measured([sys.executable, "-S", "-c", code]).cpu_seconds > idle.cpu_seconds + 0.01


def test_a_command_that_fails_is_no_measurement(tmp_path: Path) -> None:
    with pytest.raises(CommandFailed, match=r"ended with 3 instead of 0\nlast words"):
        measured([sys.executable, "-c", "print('last words'); raise SystemExit(3)"], log=tmp_path / "log")
    assert measured([sys.executable, "-c", "raise SystemExit(3)"], expected_code=3).wall_seconds > 0


def test_a_command_that_is_not_there_is_no_measurement(tmp_path: Path) -> None:
    with pytest.raises(CommandFailed, match="no-such-command could not be started"):
        measured([str(tmp_path / "no-such-command")])


@pytest.mark.parametrize(
    ("millions", "scale", "copies", "start"),
    [
        (0.1, 0.32, 1, date(2024, 10, 1)),
        (1, 3.17, 1, date(2024, 10, 1)),
        (10, 3.28, 1, date(2018, 10, 1)),
        (100, 3.28, 10, date(2018, 10, 1)),
    ],
)
def test_a_size_is_a_larger_company_then_a_longer_history_then_several_companies(
    millions: float, scale: float, copies: int, start: date
) -> None:
    size = size_of(millions)
    assert (size.scale, size.copies, size.start) == (scale, copies, start)


@pytest.mark.parametrize("millions", [0, -1, 0.0001])
def test_a_size_without_rows_is_refused(millions: float) -> None:
    with pytest.raises(ValueError, match="million rows"):
        size_of(millions)


def test_landing_is_compared_with_the_copy_of_the_same_format() -> None:
    found = {
        "land csv": _usage(4.0, 3.0),
        "copy csv": _usage(2.0, 1.5),
        "land parquet": _usage(2.0, 2.0),
        "copy parquet": _usage(1.0, 1.6),
    }
    rows = [line.split("|")[1:-1] for line in landing.describe(1_000_000, found).splitlines()[2:]]
    assert [[cell.strip() for cell in row] for row in rows] == [
        ["csv: bare COPY", "2.0", "1.5", "500,000", "10.0", "1.00", "1.00"],
        ["csv: landed, every rule of the contract", "4.0", "3.0", "250,000", "10.0", "0.50", "0.50"],
        ["parquet: bare COPY", "1.0", "1.6", "1,000,000", "10.0", "1.00", "1.00"],
        ["parquet: landed, every rule of the contract", "2.0", "2.0", "500,000", "10.0", "0.50", "0.80"],
    ]


def test_percentiles_are_over_all_questions_and_the_slowest_has_the_longest_median() -> None:
    waits = Waits("DuckDB", "no policy", {"quick": [1.0] * 19, "slow": [*[2.0] * 18, 3.0], "odd": [1.0, 1.0, 90.0]})
    assert [waits.percentile(share) for share in (0.5, 0.95, 1.0)] == [1.0, 2.0, 90.0]
    assert Waits("DuckDB", "one", {"only": [7.0]}).percentile(0.95) == 7.0
    assert waits.line() == ["DuckDB, no policy", "1.0", "2.0", "slow (2.0)"]


def test_questions_name_the_marts_as_the_reader_has_them() -> None:
    asked = dashboards.questions(date(2026, 3, 1), lambda mart: f"access.access_{mart}")
    assert asked.keys() == dashboards.QUESTIONS.keys()
    assert "from access.access_fct_funnel group by" in asked["funnel by month"]
    assert "month_date = date '2026-03-01'" in asked["best sellers of the month"]
    assert not [text for text in asked.values() if "{" in text]


def test_every_question_is_asked_once_unmeasured() -> None:
    asked: list[str] = []
    waits = dashboards.ask("DuckDB", "somebody", {"a": "select a", "b": "select b"}, asked.append)
    assert {name: len(found) for name, found in waits.milliseconds.items()} == {"a": ASKED, "b": ASKED}
    assert asked[:4] == ["select a", "select b", "select a", "select b"]
    assert len(asked) == 2 * (ASKED + 1)


def _at(millions: float, rows: int, cpu: float) -> AtSize:
    """A size with every part measured; times grow with `cpu`, starting up takes one second."""
    size, start = size_of(millions), _usage(1.0, 1.0, 5_000_000)
    entries = {
        FLOOR: Entry(FLOOR, _usage(cpu, cpu, 1_000_000)),
        START: Entry(START, start),
        OURS: Entry(OURS, _usage(3 * cpu + 1, 3 * cpu + 1, 2_000_000)),
    }
    nights = Nights(size, rows, start, _usage(2.0, cpu + 1, 4_000_000), _usage(9.0, 10 * cpu + 1, 3_000_000))
    copied = {f"{verb} {form}": _usage(1.0, 1.0) for verb in ("land", "copy") for form in landing.FORMATS}
    served = Served(1000, 2.0, 4.0, 2.5, [Waits("DuckDB", "no policy", {"only": [1.0]})])
    done = {"cards": Done(date(2026, 3, 18), 120.0, 0.5, 3, Limits(2, "4GB"))}
    return AtSize(millions, size, rows, entries, nights, copied, served, done)


def _rows(text: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines()[2:]]


def test_growth_is_shown_for_each_million_rows() -> None:
    sizes = [_at(1, 2_000_000, 4.0), _at(10, 10_000_000, 15.0)]
    assert _rows(bench.per_million(sizes)) == [
        ["2 million rows", "2.00", "6.00", "20.00", "3.00"],
        ["10 million rows", "1.50", "4.50", "15.00", "3.00"],
    ]


def test_a_night_is_a_share_of_a_build_of_everything_both_without_start_up() -> None:
    assert _rows(bench.changed_nights([_at(1, 2_000_000, 4.0)])) == [["2 million rows", "1.0", "4.0", "40.0", "10%"]]


def test_memory_is_of_the_largest_process_of_each() -> None:
    assert _rows(bench.memory([_at(1, 2_000_000, 4.0)])) == [["2 million rows", "1.0", "2.0", "3.0", "4.0"]]


def test_publishing_is_compared_with_the_copy_by_its_speed() -> None:
    served = Served(1000, 2.0, 4.0, 2.5, [])
    assert _rows(dashboards.describe_publishing(served)) == [
        ["bare COPY of the same tables", "2.0", "500", "1.00"],
        ["whole publication, the first", "4.0", "250", "0.50"],
        ["whole publication, replacing one", "2.5", "400", "0.80"],
    ]


def test_what_was_kept_off_the_server_is_said_below_its_figures() -> None:
    served = Served(1000, 2.0, 4.0, 2.5, [], ("fct_interactions", "fct_journey"))
    *figures, empty, words = dashboards.describe_publishing(served).splitlines()
    assert "\n".join(figures) == dashboards.describe_publishing(Served(1000, 2.0, 4.0, 2.5, []))
    assert (empty, words) == ("", "Without 2 marts that no question below reads (`KPI_POSTGRES_WITHOUT`).")


def _nights(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, prepared: Usage | None) -> tuple[list[str], Nights]:
    """Two turns on a state that was prepared; each build takes one second more than the one before."""
    built: list[str] = []

    def build(home: Path, mode: str, as_of: date, limits: Limits) -> Usage:
        built.append(mode)
        return _usage(float(len(built)), 1.0)

    monkeypatch.setattr(changed_night, "prepare", lambda *_: changed_night.Prepared(tmp_path / "ready", prepared))
    monkeypatch.setattr(changed_night, "rows_landed", lambda home, size: 5)
    monkeypatch.setattr(changed_night, "_build", build)
    (tmp_path / "ready").mkdir(exist_ok=True)
    return built, changed_night.measure(tmp_path, size_of(1), 2, tell=lambda _: None)


def test_the_build_that_prepares_counts_as_the_first_of_everything(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    built, nights = _nights(monkeypatch, tmp_path, _usage(100.0, 1.0))
    assert built == ["parse", "changes", "parse", "changes", "everything"]
    assert nights.everything.wall_seconds == (100 + 5) / 2
    built, nights = _nights(monkeypatch, tmp_path, None)
    assert built == ["parse", "changes", "everything"] * 2
    assert nights.everything.wall_seconds == (3 + 6) / 2


def test_the_page_says_machine_limits_and_size_and_has_every_part() -> None:
    text = bench.page([_at(1, 2_000_000, 4.0)], {"processor": "a fast one"})
    assert text.startswith("# Benchmark results\n\n")
    assert "- processor: a fast one\n- 2 million rows: " in text
    [measured] = [line for line in text.splitlines() if line.startswith("| 2 million rows | cards")]
    assert [cell.strip() for cell in measured.split("|")[3:-1]] == ["2026-03-18", "2", "3", "2", "4GB", "0.5"]
    assert [line for line in text.splitlines() if line.startswith("## ")] == [
        "## The four marts against a floor and against other tools",
        "## Growth with history",
        "## A night that changes little",
        "## Memory",
        "## Landing a delivery",
        "## Publishing to PostgreSQL",
        "## What a dashboard waits",
    ]


def test_the_page_leaves_out_what_was_not_measured() -> None:
    only = AtSize(1, size_of(1), 1_000_000, cards=_at(1, 1_000_000, 4.0).cards)
    text = bench.page([only], {})
    assert "## Landing a delivery" not in text
    assert "## A night that changes little" not in text
    assert _rows(bench.per_million([only])) == [["1 million rows", "4.00", "12.00", "–", "3.00"]]


_LANDING_AND_CARDS = bench.Asked(("landing", "cards"), (), Limits(), 1)


def test_a_part_that_fails_is_on_the_page_and_the_others_are_measured(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def die(*_args: object, **_more: object) -> None:
        raise CommandFailed("python -m benchmarks.landing land ended with -9 instead of 0\nlast words")

    made = Entry(FLOOR, _usage(1.0, 1.0))
    monkeypatch.setattr(bench, "landed", lambda folder, size: folder)
    monkeypatch.setattr(bench, "rows_landed", lambda home, size: 1_000_000)
    monkeypatch.setattr(contest, "compete", lambda *_args, **_more: {FLOOR: made, START: made, OURS: made})
    monkeypatch.setattr(landing, "measure", die)
    # What an earlier run measured of the part does not hide that it failed now.
    keep(tmp_path, AtSize(1, size_of(1), 1_000_000, landing=_at(1, 1_000_000, 4.0).landing))
    found = bench.measure(tmp_path, 1, _LANDING_AND_CARDS, bench.Clock())
    assert (found.landing, found.cards is None) == (None, False)
    text = bench.page([found], {})
    assert "- 1 million rows, landing: `python -m benchmarks.landing land ended with -9 instead of 0`" in text
    assert "## Landing a delivery" not in text


def test_parts_that_are_asked_for_are_measured_in_their_order(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(bench, "landed", lambda folder, size: folder)
    monkeypatch.setattr(bench, "rows_landed", lambda home, size: 5)
    made, arrived = Entry(FLOOR, _usage(1.0, 1.0)), _usage(2.0, 2.0)
    monkeypatch.setattr(contest, "compete", lambda *_args, **_more: {FLOOR: made})
    monkeypatch.setattr(landing, "measure", lambda *_args: (5, {"land csv": arrived}))
    found = bench.measure(tmp_path, 1, _LANDING_AND_CARDS, bench.Clock())
    assert (found.rows, found.cards, found.landing) == (5, {FLOOR: made}, {"land csv": arrived})
    assert found.nights is None
    assert list(found.done) == ["cards", "landing"]
    assert "1 million rows: landing the company" in capsys.readouterr().err


def test_what_was_measured_stays_in_its_folder_until_it_is_measured_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    before = {10.0: _at(10, 10_000_000, 15.0), 1.0: _at(1, 5, 4.0)}
    for at in before.values():
        keep(tmp_path, at)
    assert kept(tmp_path) == before
    assert list(kept(tmp_path)) == [1.0, 10.0]
    made = Entry(FLOOR, _usage(1.0, 1.0))
    monkeypatch.setattr(bench, "landed", lambda folder, size: folder)
    monkeypatch.setattr(bench, "rows_landed", lambda home, size: 5)
    monkeypatch.setattr(contest, "compete", lambda *_args, **_more: {FLOOR: made})
    bench.measure(tmp_path, 1, bench.Asked(("cards",), (), Limits(), 1), bench.Clock())
    assert kept(tmp_path)[1.0].cards == {FLOOR: made}
    assert kept(tmp_path)[1.0].nights == before[1.0].nights
    assert kept(tmp_path)[10.0] == before[10.0]


def test_figures_of_another_history_do_not_stay(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    keep(tmp_path, _at(1, 4, 4.0))
    monkeypatch.setattr(bench, "landed", lambda folder, size: folder)
    monkeypatch.setattr(bench, "rows_landed", lambda home, size: 5)
    monkeypatch.setattr(contest, "compete", lambda *_args, **_more: {})
    found = bench.measure(tmp_path, 1, bench.Asked(("cards",), (), Limits(), 1), bench.Clock())
    assert (found.rows, found.nights) == (5, None)
    assert kept(tmp_path) == {1.0: found}
