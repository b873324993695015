"""What a command costs: wall time, processor time and bytes of its whole process tree, and the machine it ran on.

Belongs here: measuring a subprocess from outside, medians, tables. Not here: what is measured (the modules beside it).

Processor time is the figure to compare: it hardly moves when other programs share the machine, and wall time does.
Linux only, where the bytes are concerned: elsewhere they are None.
"""

from __future__ import annotations

import os
import platform
import re
import resource
import statistics
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

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
    since = time.monotonic()
    with target.open("ab") as output:
        process = subprocess.Popen(
            command, cwd=folder, env={**os.environ, **(environment or {})}, stdout=output, stderr=subprocess.STDOUT
        )
        # Ended but not yet cleared away, the process still tells its bytes, and those of its own ended children.
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        wall = time.monotonic() - since
        bytes_read, bytes_written = _bytes_of(process.pid)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = code = os.waitstatus_to_exitcode(status)
    if code != expected_code:
        said = _last_lines(log) if log is not None else ""
        raise CommandFailed(f"{' '.join(command)} ended with {code} instead of {expected_code}\n{said}".rstrip())
    return Usage(wall, used.ru_utime + used.ru_stime, bytes_read, bytes_written, _peak_bytes(used))


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


def _bytes_of(pid: int) -> tuple[int | None, int | None]:
    path = Path(f"/proc/{pid}/io")
    if not path.exists():
        return None, None
    found = dict(re.findall(r"^(\w+): (\d+)$", path.read_text(encoding="ascii"), flags=re.MULTILINE))
    return int(found["rchar"]), int(found["wchar"])


def _peak_bytes(used: resource.struct_rusage) -> int:
    # Kilobytes on Linux, bytes on macOS.
    return used.ru_maxrss if platform.system() == "Darwin" else used.ru_maxrss * 1024


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
