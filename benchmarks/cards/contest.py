"""Runs every contestant on the same landed batch, in turns, and checks that all made the same marts.

Belongs here: the contestants' commands, the order, the table. Not here: what they compute, or measuring a process
(`measure.py`).
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from benchmarks.cards import sqlmesh_peer
from benchmarks.cards.check import check_same
from benchmarks.cards.inputs import Given
from benchmarks.measure import CommandFailed, Limits, Usage, less, measured, median_usage, megabytes, ratio, table

FLOOR, OURS, START, EMPTY, TESTED = "floor", "ours", "start", "empty", "tested"
_OWN = frozenset({START, EMPTY, OURS, TESTED})
PEERS = ("SQLMesh", "polars", "pandas")
# Ours before those that are compared with it.
CONTESTANTS = (START, EMPTY, OURS, TESTED, FLOOR, *PEERS)
# What a table cannot do without.
NEEDED = frozenset({START, OURS, FLOOR})
_ROOT = Path(__file__).resolve().parents[2]
# In the order of the table.
_WORDS = {
    FLOOR: "the floor: one pass of DuckDB written by hand",
    START: "this project's start-up: Python, dbt, the project parsed",
    EMPTY: "its work around the same tables when nothing has landed",
    OURS: "this project, start-up taken off",
    TESTED: "this project with the data tests of these tables, start-up taken off",
    "SQLMesh": "SQLMesh, the whole command",
    "polars": "polars, the whole command",
    "pandas": "pandas, the whole command",
}


@dataclass(frozen=True)
class Entry:
    """What one contestant took, or why it has no figure."""

    name: str
    usage: Usage | None
    problem: str | None = None


def commands(given: Given) -> Mapping[str, list[str]]:
    """Each contestant's command for this input; SQLMesh's project is written to its target."""
    places = [str(given.home), given.as_of.isoformat(), str(given.target)]

    def module(name: str, *more: str) -> list[str]:
        return [sys.executable, "-m", f"benchmarks.cards.{name}", *places, *more]

    return {
        FLOOR: module("floor"),
        START: module("ours", "start"),
        EMPTY: module("ours", "empty"),
        OURS: module("ours"),
        TESTED: module("ours", "tested"),
        "SQLMesh": sqlmesh_peer.command(given.target / "project"),
        "polars": module("polars_peer"),
        "pandas": module("pandas_peer"),
    }


def compete(
    home: Path,
    as_of: date,
    folder: Path,
    limits: Limits,
    repeats: int,
    contestants: Sequence[str] = CONTESTANTS,
    tell: Callable[[str], None] = print,
) -> dict[str, Entry]:
    """Measure the contestants, each in an empty folder of its own.

    Ours stays in one folder: what dbt parsed is there from before, as in any state folder. Raises MartsDiffer when a
    contestant's marts are not ours. A peer that cannot finish is left out from then on, with its last words. Those in
    NEEDED compete whether they are among `contestants` or not.
    """
    names = [name for name in CONTESTANTS if name in NEEDED or name in contestants]
    found: dict[str, list[Usage]] = {name: [] for name in names}
    problems: dict[str, str] = {}
    folder.mkdir(parents=True, exist_ok=True)
    ours = folder / OURS
    ours.mkdir(exist_ok=True)
    # The first time dbt parses everything.
    tell("our first start, which is not measured")
    _run(START, Given(home, as_of, ours, limits.threads, limits.memory_limit), folder, limits)
    for turn in range(repeats):
        for name in names:
            if name in problems:
                continue
            is_ours = name in _OWN
            target = ours if is_ours else folder / "target"
            given = Given(home, as_of, target, limits.threads, limits.memory_limit)
            tell(f"{name}, {turn + 1} of {repeats}")
            try:
                found[name].append(_run(name, given, folder, limits))
            except CommandFailed as error:
                if name not in PEERS:
                    raise
                problems[name] = str(error)
                continue
            if turn == 0 and not is_ours:
                check_same(name, target, ours)
    shutil.rmtree(folder / "target", ignore_errors=True)
    return {
        name: Entry(name, None, problems[name]) if name in problems else Entry(name, median_usage(usages))
        for name, usages in found.items()
    }


def _run(name: str, given: Given, folder: Path, limits: Limits) -> Usage:
    if name not in _OWN:
        shutil.rmtree(given.target, ignore_errors=True)
        given.target.mkdir()
    if name == "SQLMesh":
        sqlmesh_peer.write_project(given.target / "project", given)
    return measured(commands(given)[name], environment=limits.environment(), folder=_ROOT, log=folder / f"{name}.log")


def lines(entries: Mapping[str, Entry]) -> list[list[str]]:
    """One line for each contestant, and how many times the floor it took; ours without its start-up.

    A further line takes off ours what it pays for the same tables without rows.
    """
    floor, start = _usage(entries, FLOOR), _usage(entries, START)
    assert floor is not None
    assert start is not None
    rows = []
    for name in (name for name in _WORDS if name in entries):
        entry = entries[name]
        if entry.usage is None:
            rows.append([_WORDS[name], *["did not finish"] * 2, *["–"] * 3])
            continue
        shown = less(entry.usage, start) if name in _OWN - {START} else entry.usage
        rows.append(_line(_WORDS[name], shown, None if name in {START, EMPTY} else floor))
    build, empty = _usage(entries, OURS), _usage(entries, EMPTY)
    if build is not None and empty is not None:
        rows.append(_line("this project, start-up and work around empty tables taken off", less(build, empty), floor))
    return rows


def _usage(entries: Mapping[str, Entry], name: str) -> Usage | None:
    return entries[name].usage if name in entries else None


def _line(words: str, shown: Usage, floor: Usage | None) -> list[str]:
    return [
        words,
        f"{shown.wall_seconds:.1f}",
        f"{shown.cpu_seconds:.1f}",
        megabytes(shown.peak_memory_bytes),
        "–" if floor is None else ratio(shown.wall_seconds, floor.wall_seconds),
        "–" if floor is None else ratio(shown.cpu_seconds, floor.cpu_seconds),
    ]


def describe(entries: Mapping[str, Entry]) -> str:
    """The table, and the last words of whoever did not finish."""
    header = ["four marts", "wall s", "CPU s", "MB largest process", "wall of the floor", "CPU of the floor"]
    problems = [f"\n{entry.name}: `{entry.problem.splitlines()[0]}`" for entry in entries.values() if entry.problem]
    return "\n".join([table(header, lines(entries)), *problems])
