"""The history of whole commands that the kill plan disturbs: its input, and its commands in order.

Belongs here: which commands, and what they are given. Not here: playing or killing them (`command_plan.py`).
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from zlib import crc32

import pyarrow as pa
import pyarrow.parquet as pq

from orchestration.cli import DONE, USAGE
from orchestration.contract import contract
from tests.faults.company import write_company

FIRST_DAY = date(2025, 12, 1)
NIGHTS = tuple(date(2026, 2, day) for day in (26, 27, 28)) + tuple(date(2026, 3, day) for day in (1, 2))
VIEWER = "{viewer}"


@dataclass(frozen=True)
class Command:
    """One `kpi` command. `kind` is what kills are counted by.

    `again` is the exit code when it had been done already; `is_once` where nothing is left to do then. With `can_wait`,
    the next command may come before it is repeated and everything is the same in the end. `is_corrected` gives it the
    corrected input. `touches` is all that it changes, where that is little: only that is put back to kill it once more.
    """

    kind: str
    arguments: tuple[str, ...]
    again: int = DONE
    is_once: bool = False
    touches: tuple[str, ...] = ()
    can_wait: bool = False
    is_corrected: bool = False


LANDED = ("landing", "warehouse/landing_index.parquet")
HISTORY: Sequence[Command] = (
    Command("first night", ("run", "--date", "2026-02-26")),
    Command("range of nights", ("run", "--from", "2026-02-27", "--to", "2026-02-28")),
    Command("rebuild", ("rebuild",)),
    Command("freeze", ("freeze", "--month", "2026-02"), again=USAGE, is_once=True, touches=("frozen",), can_wait=True),
    Command("export", ("export", "--viewer", VIEWER), touches=("exports",)),
    Command("night", ("run", "--date", "2026-03-01")),
    Command("compact", ("compact", "--through", "2026-02-28"), is_once=True, can_wait=True, touches=LANDED),
    Command("backfill", ("backfill", "--from", "2026-02", "--to", "2026-03"), can_wait=True),
    Command(
        "backfill --reingest",
        ("backfill", "--from", "2026-02", "--to", "2026-02", "--reingest"),
        is_corrected=True,
    ),
    Command("freeze late", ("freeze", "--month", "2026-02", "--reason", "February was corrected"), can_wait=True),
    Command("night", ("run", "--date", "2026-03-02"), is_corrected=True),
    Command("rebuild, months frozen", ("rebuild",)),
)


@dataclass(frozen=True)
class Input:
    """What the CRM delivers, and what it delivers once February has been corrected."""

    first: Path
    corrected: Path

    def of(self, command: Command) -> Path:
        """The folder that a command reads."""
        return self.corrected if command.is_corrected else self.first


def write_input(folder: Path, seed: int) -> Input:
    """The company's nights, twice. In the corrected ones a third of the order lines sold twice as much, and a ninth of
    the interactions never were."""
    if folder.exists():
        shutil.rmtree(folder)
    first = write_company(folder / "first", NIGHTS, seed, list(contract().entities), FIRST_DAY)
    corrected = folder / "corrected"
    shutil.copytree(first, corrected)
    for night in NIGHTS:
        path = corrected / night.isoformat() / "order_lines.parquet"
        lines = pq.read_table(path)
        rows = zip(lines["order_line_id"].to_pylist(), lines["quantity"].to_pylist(), strict=True)
        sold = pa.array([quantity * (2 if _one_in(3, key) else 1) for key, quantity in rows], lines["quantity"].type)
        pq.write_table(lines.set_column(lines.column_names.index("quantity"), "quantity", sold), path)
        path = corrected / night.isoformat() / "interactions.parquet"
        calls = pq.read_table(path)
        kept = pa.array([not _one_in(9, key) for key in calls["interaction_id"].to_pylist()])
        pq.write_table(calls.filter(kept), path)
    return Input(first, corrected)


def _one_in(count: int, key: str) -> bool:
    return crc32(str(key).encode()) % count == 0
