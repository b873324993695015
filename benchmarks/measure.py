"""What a command costs: wall time, processor time and bytes of its whole process tree, and the machine it ran on.

Belongs here: measuring a subprocess from outside, medians, tables. Not here: what is measured (the modules beside it).

Processor time is the figure to compare: it hardly moves when other programs share the machine, and wall time does.
Linux only, where the bytes are concerned: elsewhere they are None.
"""

from __future__ import annotations

import json
import os
import platform
import re
import statistics
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

_SUPERVISOR = Path(__file__).with_name("supervised.py")
_CLOCK_TICKS = os.sysconf("SC_CLK_TCK")
_PACKAGES = ("dagster", "dbt-core", "dbt-duckdb", "duckdb", "great-expectations")


class CommandFailed(Exception):
    """A measured command ended with another exit code than it had to; the message ends with what it last said."""


@dataclass(frozen=True)
class Usage:
    """What one command and all processes it started (and waited for) took.

    `bytes_read` and `bytes_written` are what they asked the system for, whether it came from the disk or from memory:
    the figure that says how much was looked at. `peak_memory_bytes` is the largest single process.
    """

    wall_seconds: float
    cpu_seconds: float
    bytes_read: int | None
    bytes_written: int | None
    peak_memory_bytes: int


def measured(
    command: Sequence[str],
    *,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
    log: Path | None = None,
    expected_code: int = 0,
) -> Usage:
    """Run a command to its end and say what it cost. `environment` comes on top of this process's own.

    Its output goes to `log` (appended), or nowhere. Raises CommandFailed when the exit code is not `expected_code`.
    """
    target = log if log is not None else Path(os.devnull)
    heard, told = os.pipe()
    supervised = [sys.executable, "-I", "-S", str(_SUPERVISOR), str(told), *command]
    with os.fdopen(heard, "rb") as pipe, target.open("ab") as output:
        try:
            process = subprocess.Popen(
                supervised,
                cwd=folder,
                env={**os.environ, **(environment or {})},
                stdout=output,
                stderr=subprocess.STDOUT,
                pass_fds=[told],
            )
        finally:
            os.close(told)
        answer = pipe.read()
        process.wait()
    said = f"\n{_last_lines(log)}" if log is not None else ""
    if not answer:
        raise CommandFailed(f"{' '.join(command)} could not be started{said}".rstrip())
    figures: dict[str, Any] = json.loads(answer)
    if figures["code"] != expected_code:
        raise CommandFailed(
            f"{' '.join(command)} ended with {figures['code']} instead of {expected_code}{said}".rstrip()
        )
    bytes_read, bytes_written = _bytes_in(figures["bytes"])
    peak = _peak_bytes(figures["largest"])
    return Usage(figures["wall_seconds"], figures["cpu_seconds"], bytes_read, bytes_written, peak)


@dataclass(frozen=True)
class Limits:
    """What every measured process may use."""

    threads: int = 2
    memory_limit: str = "4GB"

    def environment(self) -> dict[str, str]:
        """As this project, polars and the libraries under pandas read it."""
        threads = str(self.threads)
        return {
            "KPI_THREADS": threads,
            "KPI_MEMORY_LIMIT": self.memory_limit,
            "POLARS_MAX_THREADS": threads,
            "OMP_NUM_THREADS": threads,
        }


def less(usage: Usage, start: Usage) -> Usage:
    """What a command took beyond its start-up; memory and bytes stay those of the whole."""
    return replace(
        usage,
        wall_seconds=usage.wall_seconds - start.wall_seconds,
        cpu_seconds=usage.cpu_seconds - start.cpu_seconds,
    )


def ratio(one: float, other: float) -> str:
    """How many times the other; a dash where there is nothing to compare with."""
    return "–" if other <= 0 else f"{one / other:.2f}"


def tree_cpu_seconds(pid: int) -> float:
    """User and system seconds of a live process and all its descendants so far, ended ones included. Linux only."""
    return sum(_own_cpu_seconds(each) for each in _tree(pid))


def median_usage(usages: Sequence[Usage]) -> Usage:
    """Each figure's median; bytes are None when no run knows them."""
    return Usage(
        wall_seconds=statistics.median(usage.wall_seconds for usage in usages),
        cpu_seconds=statistics.median(usage.cpu_seconds for usage in usages),
        bytes_read=_median_bytes(usage.bytes_read for usage in usages),
        bytes_written=_median_bytes(usage.bytes_written for usage in usages),
        peak_memory_bytes=int(statistics.median(usage.peak_memory_bytes for usage in usages)),
    )


def machine_facts() -> dict[str, str]:
    """What a reader needs to compare these numbers with others: processor, memory, load, versions."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {
        "processor": f"{_processor()}, {usable} cores usable",
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 1024**3:.0f} GiB",
        "load before": f"{os.getloadavg()[0]:.1f} processes waiting or running over the last minute",
        "system": f"{platform.system()} {platform.release()}, Python {platform.python_version()}",
        "packages": ", ".join(f"{name} {version(name)}" for name in _PACKAGES),
    }


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table, so that it can be pasted into the documentation; all columns but the first end flush right."""
    body = [list(row) for row in rows]
    widths = [max(len(row[number]) for row in [list(header), *body]) for number in range(len(header))]

    def line(cells: Sequence[str]) -> str:
        padded = [
            cell.ljust(width) if number == 0 else cell.rjust(width)
            for number, (cell, width) in enumerate(zip(cells, widths, strict=True))
        ]
        return "| " + " | ".join(padded) + " |"

    rule = ["-" * width if number == 0 else "-" * (width - 1) + ":" for number, width in enumerate(widths)]
    return "\n".join([line(header), line(rule), *map(line, body)])


def megabytes(count: int | None) -> str:
    """Bytes as megabytes, a dash when unknown."""
    return "–" if count is None else f"{count / 1e6:,.1f}"


def _bytes_in(counts: str) -> tuple[int | None, int | None]:
    """What the system says of a process's input and output; nothing where it says nothing."""
    if not counts:
        return None, None
    found = dict(re.findall(r"^(\w+): (\d+)$", counts, flags=re.MULTILINE))
    return int(found["rchar"]), int(found["wchar"])


def _peak_bytes(largest: int) -> int:
    # Kilobytes on Linux, bytes on macOS.
    return largest if platform.system() == "Darwin" else largest * 1024


def _stat(pid: int) -> list[str] | None:
    """The fields after the command's name in /proc/PID/stat; None when the process is gone."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    return text.rpartition(")")[2].split()


def _own_cpu_seconds(pid: int) -> float:
    fields = _stat(pid)
    # utime, stime, and the same of children that have ended and were waited for.
    return 0.0 if fields is None else sum(map(int, fields[11:15])) / _CLOCK_TICKS


def _tree(pid: int) -> list[int]:
    parents = {int(path.name): _stat(int(path.name)) for path in Path("/proc").iterdir() if path.name.isdigit()}
    found = [pid]
    for parent in found:  # Grows while it is walked.
        found += [child for child, fields in parents.items() if fields is not None and int(fields[1]) == parent]
    return found


def _median_bytes(counts: Iterable[int | None]) -> int | None:
    known = [count for count in counts if count is not None]
    return int(statistics.median(known)) if known else None


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = re.findall(r"^model name\s*: (.+)$", cpuinfo.read_text(encoding="utf-8"), flags=re.MULTILINE)
        if names:
            return str(names[0])
    return platform.processor() or platform.machine()


def _last_lines(path: Path, count: int = 15) -> str:
    return "\n".join(path.read_text(encoding="utf-8", errors="replace").splitlines()[-count:])
