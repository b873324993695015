"""Somebody who reads the publication all the while: opens it again and again, and notes whatever is not whole.

Run as `python -m tests.faults.reader MARTS_FILE SECONDS_BETWEEN_READS`; ends when its standard input does, and prints
one JSON object.
A publication is whole when every table holds the same rows on every opening of one generation, from first to last
query. Which rows those must be is for the plan to say: it hears how many every table of every generation had.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import duckdb


@dataclass
class Seen:
    """What a reader met: how often it read, the rows of every table by generation, and what was wrong."""

    reads: int = 0
    generations: dict[str, dict[str, int]] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)


class Reader:
    """A reader in a process of its own, from `start` to `stop`."""

    def __init__(self, marts: Path, breath_seconds: float = 0.02) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.reader", str(marts), str(breath_seconds)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def stop(self) -> Seen:
        """End the reader and hear what it saw."""
        output, _ = self._process.communicate(timeout=120)
        return Seen(**json.loads(output))


def count_rows(path: Path) -> tuple[str, dict[str, int], int]:
    """Open a publication: its generation, the rows of every table, and one number that stands for all of them.

    Raises ValueError when its record does not name one generation, or another one at the end.
    """
    with duckdb.connect(path, read_only=True) as connection:
        connection.execute("set threads = 1")
        before = connection.execute("select generation_id from publication").fetchall()
        tables = connection.execute("select schema_name, table_name from duckdb_tables() order by all").fetchall()
        rows, content = {}, 0
        for schema, table in tables:
            count, hashes = connection.execute(
                f'select count(*), coalesce(sum(hash(row_)::hugeint), 0) from "{schema}"."{table}" as row_'
            ).fetchall()[0]
            rows[f"{schema}.{table}"] = count
            content = hash((content, table, hashes))
        after = connection.execute("select generation_id from publication").fetchall()
    if len(before) != 1 or before != after:
        raise ValueError(f"generation {before} became {after} within one opening")
    return str(before[0][0]), rows, content


def read_once(path: Path, contents: dict[str, int], seen: Seen) -> None:
    """Look at every table of the publication, and note what differs from an earlier look at the same generation."""
    try:
        generation, rows, content = count_rows(path)
    except (duckdb.Error, ValueError) as error:
        seen.wrong.append(f"{type(error).__name__}: {error}")
        return
    if contents.setdefault(generation, content) != content:
        seen.wrong.append(f"generation {generation} has other rows than it had")
    seen.generations.setdefault(generation, rows)


def main(path: Path, breath_seconds: float) -> None:
    """Read until standard input ends. Once there is a publication, there always is one."""
    stop = threading.Event()

    def wait_for_the_end() -> None:
        sys.stdin.read()
        stop.set()

    threading.Thread(target=wait_for_the_end, daemon=True).start()
    seen, contents = Seen(), dict[str, int]()
    is_there = False
    while not stop.wait(breath_seconds):
        is_there = is_there or path.exists()
        if is_there:
            read_once(path, contents, seen)
            seen.reads += 1
    print(json.dumps({"reads": seen.reads, "generations": seen.generations, "wrong": seen.wrong}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), float(sys.argv[2]))
