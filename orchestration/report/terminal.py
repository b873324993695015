"""How a KPI page looks in a terminal: from 80 columns up, readable without colour.

Only drawing: every number comes ready from `page.py`, every word from `labels.py` or the data.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from orchestration.report.figures import (
    GAP,
    MARK,
    NOTHING,
    Bar,
    Column,
    Kind,
    change,
    count,
    decimals_needed,
    draw,
    lay_out,
    money,
    share,
    to_ascii,
)
from orchestration.report.labels import Lang, bucket_name, reason_words, title, word, word_or_code
from orchestration.report.page import Funnel, Page, Ratio, load_page, previous_month
from orchestration.report.people import Person

NARROWEST = 80
_SIDE_BY_SIDE = 116
_MOVES_SHOWN = 10


def show_page(
    marts_path: Path,
    viewer_email: str,
    employee: str | None,
    month: str | None,
    console: Console,
    lang: Lang = Lang.EN,
) -> None:
    """Load a page and print it; raises PageError, with nothing printed, as `load_page` does."""
    page = load_page(marts_path, viewer_email, employee, month)
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
    sheet = _Sheet(page, max(width, NARROWEST) - 1, lang)
    blocks: list[RenderableType] = [sheet.header()]
    if page.is_team:
        blocks.append(sheet.team())
    blocks += [sheet.funnel(), sheet.ratios()]
    if sheet.width >= _SIDE_BY_SIDE:
        half = (sheet.width - 2 * GAP) // 2
        grid = Table.grid(padding=(0, 2 * GAP, 0, 0))
        grid.add_column(width=half)
        grid.add_column(width=half)
        grid.add_row(sheet.tasks(half), sheet.recency(half))
        blocks.append(grid)
    else:
        blocks += [sheet.tasks(sheet.width), sheet.recency(sheet.width)]
    blocks += [sheet.journey(), sheet.moves(), sheet.last_line()]
    return Group(*blocks)


@dataclass(frozen=True)
class _FunnelLine:
    label: str
    now: int | Decimal
    before: int | Decimal
    owner_now: int | None = None
    is_step: bool = False


@dataclass(frozen=True)
class _Sheet:
    page: Page
    width: int
    lang: Lang

    def word(self, key: str, **values: object) -> str:
        return word(key, self.lang, **values)

    @property
    def decimals(self) -> int:
        funnels = [self.page.funnel, self.page.funnel_before, *(row.funnel for row in self.page.team)]
        return decimals_needed(
            [amount for one in funnels for amount in (one.sales_amount, one.revenue_amount, one.collected_amount)]
        )

    def figure(self, value: int | Decimal) -> str:
        return money(value, self.decimals) if isinstance(value, Decimal) else count(value)

    def block(self, key: str, *content: RenderableType, width: int | None = None) -> RenderableType:
        head = f"── {title(key, self.lang)} "
        text = Text(head + "─" * ((width or self.width) - len(head)), style="bold", no_wrap=True, overflow="crop")
        return Padding(Group(text, *content), (1, 0, 0, 0))

    def note(self, text: str) -> Text:
        return Text(text, style="dim")

    # -- header ------------------------------------------------------------------------------------------------------

    def header(self) -> RenderableType:
        page, publication = self.page, self.page.publication
        generation = publication.generation_id
        lines = {
            "page": Text(self._whose(), style="bold"),
            "month": Text(f"{page.month:%Y-%m}, {self._how_much()}"),
            "viewer": Text(self._by_which_right()),
            "data": Text(self.word("known", as_of=publication.as_of, source=publication.source)),
            "published": Text(
                self.word("generation", at=f"{publication.published_at:%Y-%m-%d %H:%M}", generation=generation)
            ),
        }
        grid = Table.grid(padding=(0, GAP, 0, 0))
        grid.add_column(width=max(len(self.word(key)) for key in lines))
        grid.add_column()
        for key, content in lines.items():
            grid.add_row(Text(self.word(key), style="dim"), content)
        if page.funnel.is_empty and page.tasks.created == 0:
            return Group(grid, Text(self.word("no_rows")))
        return grid

    def _whose(self) -> str:
        if self.page.is_team:
            return f"{self.word('team')}: {len(self.page.subjects)} {self.word('people')}"
        person = self.page.subjects[0]
        about = ", ".join(part for part in (person.job_title, person.department_name) if part)
        return f"{person.full_name} ({person.employee_id})" + (f" · {about}" if about else "")

    def _how_much(self) -> str:
        page = self.page
        as_of = page.publication.as_of
        if page.month > as_of:
            return self.word("after_as_of")
        if page.month_end > as_of:
            return self.word("days_of", day=as_of.day, days=page.month_end.day)
        return self.word("whole_month")

    def _by_which_right(self) -> str:
        viewer = self.page.viewer
        reasons = Counter(reason_words(person.reason, self.lang) for person in viewer.people)
        if len(viewer.people) == 1:
            sees = self.word("sees_one", reasons=", ".join(reasons))
        else:
            listed = ", ".join(f"{count(people)} {reason}" for reason, people in reasons.most_common())
            sees = self.word("sees", people=count(len(viewer.people)), reasons=listed)
        named = viewer.email if viewer.name == viewer.email else f"{viewer.name}, {viewer.email}"
        return f"{named}: {sees}"

    # -- team --------------------------------------------------------------------------------------------------------

    def team(self) -> RenderableType:
        rows = [row for row in self.page.team if not row.funnel.is_empty]
        funnels = [row.funnel for row in rows] + [self.page.funnel]
        columns = [
            Column(self.word("employee"), [*(self._name(row.person) for row in rows), self.word("total")], Kind.NAME),
            self._team_column("new", [one.new_customers for one in funnels]),
            self._team_column("in_charge", [one.customers_in_charge for one in funnels]),
            self._team_column("inter", [one.interactions for one in funnels]),
            self._team_column("acts", [one.activities for one in funnels]),
            self._team_column("ord", [one.orders for one in funnels]),
            self._team_column("revenue", [one.revenue_amount for one in funnels]),
            self._team_column("sales", [one.sales_amount for one in funnels], spare=True),
            self._team_column("collected", [one.collected_amount for one in funnels], spare=True),
        ]
        layout = lay_out(columns, self.width)
        notes = []
        if missing := len(self.page.team) - len(rows):
            notes.append(self.word("team_left_out", count=missing))
        if layout.left_out:
            notes.append(self.word("team_narrow", columns=", ".join(reversed(layout.left_out))))
        return self.block("title_team", draw(layout, bold_rows=[len(rows)]), *map(self.note, notes))

    def _name(self, person: Person) -> str:
        gone = not person.is_active and not person.is_placeholder
        return f"{person.full_name} ({self.word('inactive')})" if gone else person.full_name

    def _team_column(self, key: str, values: Iterable[int | Decimal], spare: bool = False) -> Column:
        return Column(self.word(key), [self.figure(value) for value in values], Kind.NUMBER, spare)

    # -- funnel ------------------------------------------------------------------------------------------------------

    def funnel_lines(self) -> list[_FunnelLine]:
        now, before = self.page.funnel, self.page.funnel_before
        steps = ("new_customers", "interactions", "activities", "orders", "revenue_amount")
        shown = [
            "new_customers",
            "customers_in_charge",
            "interactions",
            "activities",
            "orders",
            *(name for name in ("returns", "pending_orders") if getattr(now, name) or getattr(before, name)),
            "revenue_amount",
            "sales_amount",
            "collected_amount",
        ]
        return [
            _FunnelLine(
                label=f"{steps.index(name) + 1} {self.word(name)}" if name in steps else f"  {self.word(name)}",
                now=getattr(now, name),
                before=getattr(before, name),
                owner_now=_where_it_differs(now, name),
                is_step=name in steps,
            )
            for name in shown
        ]

    def funnel(self) -> RenderableType:
        lines = self.funnel_lines()
        columns = [
            Column(self.word("step"), [line.label for line in lines], Kind.LABEL),
            Column(f"{self.page.month:%Y-%m}", [self.figure(line.now) for line in lines], Kind.NUMBER),
            Column(
                f"{previous_month(self.page.month):%Y-%m}", [self.figure(line.before) for line in lines], Kind.NUMBER
            ),
            Column(self.word("change"), [change(line.now, line.before) for line in lines], Kind.NUMBER),
        ]
        notes = []
        if any(line.owner_now is not None for line in lines):
            cells = ["" if line.owner_now is None else count(line.owner_now) for line in lines]
            columns.append(Column(self.word("owner_now"), cells, Kind.NUMBER))
            notes.append(self.word("parity_note"))
        columns.append(Column("", [_against(line.now, line.before) for line in lines], Kind.BAR))
        steps = [index for index, line in enumerate(lines) if line.is_step]
        layout = lay_out(columns, self.width)
        if layout.has_bars:
            notes.insert(0, self.word("bar_note", mark=MARK))
        return self.block("title_funnel", draw(layout, bold_rows=steps), *map(self.note, notes))

    def ratios(self) -> RenderableType:
        ratios = self.page.ratios
        columns = [
            Column(self.word("ratio"), [self.word(ratio.name) for ratio in ratios], Kind.LABEL),
            Column(self.word("value"), [self._quotient(ratio) for ratio in ratios], Kind.NUMBER),
            Column(
                self.word("divided"),
                [f"= {self.figure(ratio.numerator)} / {count(ratio.denominator)}" for ratio in ratios],
                Kind.NUMBER,
            ),
        ]
        return self.block("title_ratios", draw(lay_out(columns, self.width)), self.note(self.word("ratio_note")))

    def _quotient(self, ratio: Ratio) -> str:
        if ratio.value is None:
            return NOTHING
        return money(ratio.value, self.decimals) if isinstance(ratio.numerator, Decimal) else f"{ratio.value:,.3f}"

    # -- tasks and customers -----------------------------------------------------------------------------------------

    def tasks(self, width: int) -> RenderableType:
        tasks = self.page.tasks
        states = ("new", "in_progress", "awaiting_confirmation", "late", "completed", "completed_late", "cancelled")
        values = [getattr(tasks, state) for state in states]
        labels = [("  " if state == "completed_late" else "") + self.word(f"task_{state}") for state in states]
        return self.block(
            "title_tasks",
            self._shares(self.word("state"), self.word("tasks"), labels, values, tasks.created, width),
            width=width,
        )

    def recency(self, width: int) -> RenderableType:
        buckets = self.page.recency
        names = [bucket_name(bucket.name, self.lang) for bucket in buckets]
        values = [bucket.customers for bucket in buckets]
        return self.block(
            "title_recency",
            self._shares(self.word("days_since"), self.word("customers"), names, values, sum(values), width),
            self.note(self.word("recency_note", as_of=self.page.publication.as_of)),
            width=width,
        )

    def _shares(
        self, name: str, quantity: str, labels: Sequence[str], values: Sequence[int], whole: int, width: int
    ) -> RenderableType:
        columns = [
            Column(name, [*labels, self.word("total")], Kind.NAME),
            Column(quantity, [count(value) for value in (*values, whole)], Kind.NUMBER),
            Column(self.word("share"), [*(share(value, whole) for value in values), ""], Kind.NUMBER),
            Column("", [*(Bar(value, whole) for value in values), ""], Kind.BAR),
        ]
        return draw(lay_out(columns, width), bold_rows=[len(labels)])

    def journey(self) -> RenderableType:
        stock, dates = self.page.stock, self.page.stock_dates
        totals = [sum(row.customers[at] for row in stock) for at in range(len(dates))]
        most = max((row.customers[-1] for row in stock), default=0)
        columns = [
            Column(self.word("relationship"), [*(row.name for row in stock), self.word("total")], Kind.NAME),
            *(
                Column(_day(day), [*(count(row.customers[at]) for row in stock), count(totals[at])], Kind.NUMBER)
                for at, day in enumerate(dates)
            ),
            Column("", [*(Bar(row.customers[-1], most) for row in stock), ""], Kind.BAR),
        ]
        table = draw(lay_out(columns, self.width), bold_rows=[len(stock)])
        return self.block("title_journey", table, self.note(self.word("stock_note")))

    def moves(self) -> RenderableType:
        moves = self.page.moves
        if not moves:
            return self.block("title_moves", Text(self.word("none")))
        shown = moves[:_MOVES_SHOWN]
        most = shown[0].moves
        columns = [
            Column(self.word("from_to"), [f"{move.from_name} → {move.to_name}" for move in shown], Kind.NAME),
            Column(self.word("direction"), [word_or_code(move.direction, self.lang) for move in shown], Kind.LABEL),
            Column(self.word("moves"), [count(move.moves) for move in shown], Kind.NUMBER),
            Column("", [Bar(move.moves, most) for move in shown], Kind.BAR),
        ]
        rest = moves[_MOVES_SHOWN:]
        left = self.word("moves_left_out", kinds=len(rest), moves=count(sum(move.moves for move in rest)))
        return self.block("title_moves", draw(lay_out(columns, self.width)), *([self.note(left)] if rest else []))

    def last_line(self) -> RenderableType:
        return Padding(Text(self.word("dispute", as_of=self.page.publication.as_of)), (1, 0, 0, 0))


def _where_it_differs(funnel: Funnel, name: str) -> int | None:
    current = getattr(funnel, f"{name}_current", None)
    return current if current != getattr(funnel, name) else None


def _against(now: int | Decimal, before: int | Decimal) -> Bar:
    return Bar(float(now), float(max(now, before)), float(before)) if before > 0 else Bar(0, 0)


def _day(day: date) -> str:
    return day.isoformat()
