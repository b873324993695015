"""How a comparison reads: one line per table, the differing ones marked, and one sentence at the end.

Belongs here: text only. Not here: comparing (`compare.py`), or colours and terminals (`cli.py`).
"""

from __future__ import annotations

from collections.abc import Sequence

from orchestration.compare import Comparison, Section, TableDifference

_HEADINGS = ("rows before", "rows now", "only before", "only now")


def section_lines(section: Section) -> list[str]:
    """A heading and one line per table; a table that differs begins with `!`."""
    width = max(len(name) for name in (section.title, *(table.name for table in section.tables)))
    lines = [f"  {section.title:<{width}}  " + "  ".join(f"{heading:>12}" for heading in _HEADINGS)]
    return lines + [_table_line(table, width) for table in section.tables]


def comparison_sentence(comparison: Comparison) -> str:
    """Whether what was rebuilt is what was there before."""
    tables = [table for section in comparison.sections for table in section.tables]
    differing = [table.name for section in comparison.sections for table in section.differing]
    if not tables:
        return comparison.note
    rows = sum(table.now or 0 for table in tables)
    if not differing:
        words = f"Equal: {rows:,} rows of {len(tables):,} compared tables, none only before or only now."
    else:
        words = f"DIFFERENT: {len(differing):,} of {len(tables):,} compared tables: {_some(differing)}."
    return f"{words} {comparison.note}".strip()


def _some(names: Sequence[str], shown: int = 5) -> str:
    return ", ".join(names[:shown]) + (f" and {len(names) - shown} more" if len(names) > shown else "")


def _table_line(table: TableDifference, width: int) -> str:
    numbers = (table.before, table.now, table.only_before, table.only_now)
    cells = "  ".join(f"{'missing' if number is None else f'{number:,}':>12}" for number in numbers)
    columns = f"  columns: {table.columns}" if table.columns else ""
    return f"{' ' if table.is_equal else '!'} {table.name:<{width}}  {cells}{columns}"
