"""How a KPI page looks in a terminal: from 80 columns up, readable without colour.

Only laying out: the header, the blocks below each other or in pairs, and the last lines. A block says what is in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from pathlib import Path

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from orchestration.report.block import Block
from orchestration.report.blocks.conversion import Conversion
from orchestration.report.blocks.tasks import Tasks
from orchestration.report.figures import GAP, decimals_needed, draw, lay_out, to_ascii
from orchestration.report.header import about, by_which_right, how_much, named
from orchestration.report.labels import Lang, title
from orchestration.report.page import Page, load_page
from orchestration.report.reading import Asked
from orchestration.report.sheet import Heading, Item, Note, Sheet

NARROWEST = 80
_SIDE_BY_SIDE = 116


def show_page(
    marts_path: Path,
    viewer_email: str,
    employee: str | None,
    month: str | None,
    console: Console,
    lang: Lang = Lang.EN,
    blocks: Sequence[str] = (),
    asked: Asked | None = None,
) -> None:
    """Load a page and print it; raises PageError, with nothing printed, as `load_page` does."""
    page = load_page(marts_path, viewer_email, employee, month, blocks, asked)
    width = max(console.width, NARROWEST)
    drawn = render(page, width, lang)
    if console.options.ascii_only:
        with console.capture() as captured:
            console.print(drawn, width=width, crop=False)
        console.file.write(to_ascii(captured.get()))
    else:
        console.print(drawn, width=width, crop=False)


def render(page: Page, width: int, lang: Lang = Lang.EN) -> Group:
    """The whole page as one printable, `width` cells wide; at least 80."""
    cells = max(width, NARROWEST) - 1
    half = (cells - 2 * GAP) // 2
    sheet = _sheet(page, lang)
    drawn: list[RenderableType] = [_Header(page, sheet).draw()]
    for blocks in _rows(page.blocks, may_pair=cells >= _SIDE_BY_SIDE):
        if len(blocks) == 1:
            drawn.append(_draw(blocks[0], sheet, cells))
        else:
            grid = Table.grid(padding=(0, 2 * GAP, 0, 0))
            for _ in blocks:
                grid.add_column(width=half)
            grid.add_row(*(_draw(block, sheet, half) for block in blocks))
            drawn.append(grid)
    return Group(*drawn, _last_lines(page, sheet))


def _sheet(page: Page, lang: Lang) -> Sheet:
    amounts: list[Decimal] = [amount for block in page.blocks for amount in block.amounts]
    return Sheet(lang, decimals_needed(amounts), page.month, page.publication.as_of, page.is_team)


def _rows(blocks: Iterable[Block], *, may_pair: bool) -> list[list[Block]]:
    """The blocks one below the other; two narrow ones in a row share a line where there is room."""
    rows: list[list[Block]] = []
    for block in blocks:
        if may_pair and rows and block.is_narrow and rows[-1][0].is_narrow and len(rows[-1]) == 1:
            rows[-1].append(block)
        else:
            rows.append([block])
    return rows


def _draw(block: Block, sheet: Sheet, width: int) -> RenderableType:
    """A block below its title, `width` cells wide."""
    head = f"── {title(block.title_key, sheet.lang)} "
    text = Text(head + "─" * (width - len(head)), style="bold", no_wrap=True, overflow="crop")
    if block.is_empty:
        content: list[RenderableType] = [Text(sheet.word(block.nothing))]
    else:
        content = [drawn for item in block.draw(sheet) for drawn in _item(item, sheet, width)]
    return Padding(Group(text, *content), (1, 0, 0, 0))


def _item(item: Item, sheet: Sheet, width: int) -> list[RenderableType]:
    """A table is followed by what its bars mean, where they have room, and by the columns that have none."""
    if isinstance(item, Heading):
        return [Text(item.text)]
    if isinstance(item, Note):
        return [Text(item.text, style="dim")]
    layout = lay_out(item.columns, width)
    drawn: list[RenderableType] = [draw(layout, item.bold_rows)]
    if item.bar_note and layout.has_bars:
        drawn.append(Text(item.bar_note, style="dim"))
    if layout.left_out:
        columns = ", ".join(reversed(layout.left_out))
        drawn.append(Text(sheet.word("narrow", columns=columns), style="dim"))
    return drawn


def _last_lines(page: Page, sheet: Sheet) -> RenderableType:
    lines = [Text(sheet.word("dispute", as_of=sheet.as_of))]
    if page.others:
        lines.insert(0, Text(sheet.word("other_blocks", names=", ".join(page.others))))
    if page.is_whole:
        lines.insert(0, Text(sheet.word("shorter")))
    return Padding(Group(*lines), (1, 0, 0, 0))


class _Header:
    """Whose page it is, of when, seen by whom and why, from which publication."""

    def __init__(self, page: Page, sheet: Sheet) -> None:
        self.page = page
        self.sheet = sheet

    def draw(self) -> RenderableType:
        page, publication = self.page, self.page.publication
        generation = publication.generation_id
        lines = {
            "page": Text(self._whose(), style="bold"),
            "month": Text(f"{page.month:%Y-%m}, {how_much(page.month, publication.as_of, self.sheet.lang)}"),
            "viewer": Text(f"{named(page.viewer)}: {by_which_right(page.viewer, self.sheet.lang)}"),
            "data": Text(self.sheet.word("known", as_of=publication.as_of, source=publication.source)),
            "published": Text(
                self.sheet.word("generation", at=f"{publication.published_at:%Y-%m-%d %H:%M}", generation=generation)
            ),
        }
        grid = Table.grid(padding=(0, GAP, 0, 0))
        grid.add_column(width=max(len(self.sheet.word(key)) for key in lines))
        grid.add_column()
        for key, content in lines.items():
            grid.add_row(Text(self.sheet.word(key), style="dim"), content)
        if self._is_blank():
            return Group(grid, Text(self.sheet.word("no_rows")))
        return grid

    def _whose(self) -> str:
        if self.page.is_team:
            return f"{self.sheet.word('team')}: {len(self.page.subjects)} {self.sheet.word('people')}"
        person = self.page.subjects[0]
        what = about(person)
        return f"{person.full_name} ({person.employee_id})" + (f" · {what}" if what else "")

    def _is_blank(self) -> bool:
        """Whether the blocks that hold the month's work are here, and all zero."""
        work = [block for block in self.page.blocks if isinstance(block, Conversion | Tasks)]
        return len(work) == 2 and all(
            block.now.is_empty if isinstance(block, Conversion) else block.is_empty for block in work
        )
