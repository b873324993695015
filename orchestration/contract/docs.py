"""Writes docs/contract.md from the registry: `python -m orchestration.contract.docs`.

Belongs here: the page's wording and layout. Not here: any fact about an entity; those come from the contract.
"""

from __future__ import annotations

from pathlib import Path

from orchestration.contract.casts import FIRST_YEAR, LAST_YEAR
from orchestration.contract.registry import RESERVED_IDS, Column, ColumnType, Contract, Entity, contract
from orchestration.contract.validation import EXACTLY_ONE_OF
from orchestration.settings import PROJECT_DIR

_RESERVED = " or ".join(f"`{name}`" for name in sorted(RESERVED_IDS))

PAGE = PROJECT_DIR / "docs" / "contract.md"

_INTRO = f"""\
# The source contract

What a CRM source delivers to the warehouse: entities, their columns, and what sends a row to quarantine.
Generated from `orchestration/contract/crm_contract.yml` by `python -m orchestration.contract.docs`; edit the contract,
not this page. An entity may be absent, except where it says *must be delivered*. A batch is complete (all rows of the
entity) or delta (only rows that changed).

## Types

| type | written as | also read |
|---|---|---|
| id | text, kept as written | whole numbers: 12 and 12.0 in a spreadsheet become `12` |
| text | UTF-8 | |
| integer | `12` | `12.0` |
| decimal(p,s) | `1000.5`; money is decimal(18,2) in the company's currency | `1e3`; noise as in 0.30000000000000004 |
| boolean | `true`, `false` | `1`/`0`, `yes`/`no`, `t`/`f` |
| date | `2026-03-31` | a timestamp at midnight |
| timestamp | `2026-03-31T17:05:00`, company time | a blank for the `T`, no seconds, fractions, a date alone |
| ids | ids joined by `;` | lists in Parquet; blanks and repetitions are dropped |

A timestamp with an offset (`Z`, `+07:00`) is converted to company local time. Blanks around a value are dropped, and an
empty value is null; `NA` or `null` is text like any other. Nothing is rounded or guessed: a number with more decimals
than its column keeps, a decimal comma, thousands separators, and `150.000` in a column of two decimals (which may mean
150000) are rejected.

## What sends a row to quarantine

| rule | a row breaks it when |
|---|---|
| `required` | a required column has no value |
| `type` | a value does not read as its column's type; no day is before {FIRST_YEAR} or after {LAST_YEAR} |
| `allowed_values` | a value is not one of those the contract lists |
| `reserved_id` | its key is {_RESERVED}, which the warehouse keeps for itself; plain lists of names may use them |
| `exactly_one_owner` | both or neither of two columns are set ({{owners}}) |
| `duplicate_key` | a newer row of the same batch has its key; newer by `updated_at`, then by position |
| `encoding` | it holds bytes that are not UTF-8, or a NUL character |
| `fields` | it has more or fewer fields than the header, or a quote that is not closed |

Rows in are always rows landed plus rows in quarantine. An input that cannot be read at all ends in a failed batch:
`missing`, `empty_file`, `unreadable`, `encoding` of the header, `header`, `two_files`, `batch_file`,
`first_batch` (changes alone, before all rows have landed once).
"""


def render(source: Contract) -> str:
    """The whole page as Markdown."""
    owners = "; ".join(f"`{entity}`: `{first}`, `{second}`" for entity, (first, second) in EXACTLY_ONE_OF.items())
    sections = "\n".join(_section(entity) for entity in source)
    return f"{_INTRO.replace('{owners}', owners)}\n## Entities\n\n{sections}"


def _section(entity: Entity) -> str:
    must = "; must be delivered" if entity.must_deliver else "; a plain list of names" if entity.is_lookup else ""
    key = ", ".join(f"`{name}`" for name in entity.key)
    rows = "\n".join(_row(column) for column in entity.columns)
    head = "| column | type | required | refers to | notes |\n|---|---|---|---|---|"
    return f"### {entity.name}\n\nKey: {key}{must}.\n\n{head}\n{rows}\n"


def _row(column: Column) -> str:
    notes = [
        f"one of {', '.join(f'`{value}`' for value in column.values)}" if column.values else "",
        f"default `{column.default}`" if column.default is not None else "",
        column.note or "",
    ]
    cells = [
        f"`{column.name}`",
        _type(column),
        "yes" if column.required else "",
        f"`{column.ref}`" if column.ref else "",
        "; ".join(note for note in notes if note),
    ]
    return f"| {' | '.join(cells)} |".replace("|  |", "| |").replace("|  |", "| |")


def _type(column: Column) -> str:
    if column.type is ColumnType.DECIMAL:
        return f"decimal({column.precision},{column.scale})"
    return column.type.value


def main(page: Path = PAGE) -> None:
    """Write the page."""
    page.write_text(render(contract()), encoding="utf-8")


if __name__ == "__main__":
    main()
