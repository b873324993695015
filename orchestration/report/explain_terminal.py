"""How one explained figure looks in a terminal, and how its rows are written to a file.

Only drawing: every number and word comes from `explain.py`.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from orchestration.metrics.registry import Metric, Source
from orchestration.report.explain import Explanation, Part, ReconciliationLine, Value
from orchestration.report.figures import GAP, NOTHING, Column, Kind, draw, lay_out, to_ascii
from orchestration.report.labels import Lang, word
from orchestration.report.months import month_end
from orchestration.report.people import one_line

NARROWEST = 80
_NAMED = "customer_name"


def show_explanation(explanation: Explanation, console: Console, lang: Lang = Lang.EN) -> None:
    """Print it, in plain letters where the terminal has no UTF-8."""
    width = max(console.width, NARROWEST)
    drawn = render(explanation, width - 1, lang)
    if console.options.ascii_only:
        with console.capture() as captured:
            console.print(drawn, width=width, crop=False)
        console.file.write(to_ascii(captured.get()))
    else:
        console.print(drawn, width=width, crop=False)


def render(explanation: Explanation, width: int, lang: Lang = Lang.EN) -> Group:
    """The whole answer: definition, figure, rows, comparisons with other figures."""
    metric = explanation.metric
    blocks: list[RenderableType] = [
        Text(_label(metric, lang), style="bold"),
        _definition(explanation, lang),
        Padding(_figure(explanation, width, lang), (1, 0, 0, 0)),
    ]
    blocks += [Padding(_part_rows(explanation, part, width, lang), (1, 0, 0, 0)) for part in explanation.parts]
    for lines in explanation.reconciliation:
        unit = _code(explanation, "unit", lines[0].unit, lang)
        blocks.append(Padding(_comparison(lines, unit, width, lang), (1, 0, 0, 0)))
    if not explanation.reconciliation:
        blocks.append(Padding(Text(word("no_reconciliation", lang), style="dim"), (1, 0, 0, 0)))
    return Group(*blocks)


def write_rows(explanation: Explanation, path: Path) -> int:
    """Write the rows of the figure to a CSV file, every column; returns how many. A rate's are those of its numerator.

    Raises OSError when the file cannot be written.
    """
    part = explanation.parts[0]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(part.columns)
        writer.writerows(part.rows)
    return len(part.rows)


def _label(metric: Metric, lang: Lang) -> str:
    first, second = (metric.label_vi, metric.label_en) if lang is Lang.VI else (metric.label_en, metric.label_vi)
    return f"{first} · {second} ({metric.name})"


def _code(explanation: Explanation, column: str, code: str, lang: Lang) -> str:
    """A code of the catalogue in words; the codes are English, and stand for themselves where there is no label."""
    return explanation.labels.get((column, code), code) if lang is Lang.VI else code


def _definition(explanation: Explanation, lang: Lang) -> RenderableType:
    metric = explanation.metric
    lines = {
        "means": metric.formula_vi if lang is Lang.VI else metric.formula,
        "whose": _code(explanation, "owner_role", metric.owner_role, lang),
        "by_date": _code(explanation, "date_role", metric.date_role, lang),
        "unit": _code(explanation, "unit", metric.unit, lang),
        "mart": f"{metric.figure.mart}.{metric.measure}" + _filter_words(metric.figure),
        "crm": metric.crm_difference_vi if lang is Lang.VI else metric.crm_difference,
    }
    grid = Table.grid(padding=(0, GAP, 0, 0))
    grid.add_column(width=max(len(word(f"explain_{key}", lang)) for key in lines))
    grid.add_column()
    for key, content in lines.items():
        grid.add_row(Text(word(f"explain_{key}", lang), style="dim"), Text(content))
    return grid


def _filter_words(source: Source) -> str:
    words = [term.words for term in source.terms]
    return f" ({', '.join(words)})" if words else ""


def _figure(explanation: Explanation, width: int, lang: Lang) -> RenderableType:
    publication = explanation.publication
    month = explanation.month
    when = f"{month:%Y-%m}" if month is not None else word("as_of_only", lang, as_of=publication.as_of)
    if month is not None and month <= publication.as_of < month_end(month):
        when += f" ({word('days_of', lang, day=publication.as_of.day, days=month_end(month).day)})"
    whose = f"{explanation.owner.name} ({explanation.owner.owner_id}), {when}"
    if explanation.metric.is_rate:
        numerator, denominator = explanation.parts
        rate = explanation.rate
        told = NOTHING if rate is None else f"{rate:,.4f}"
        value = f"{told} = {figure_text(numerator.value)} / {figure_text(denominator.value)}"
    else:
        value = figure_text(explanation.parts[0].value)
    viewer = explanation.viewer_email or word("operator", lang)
    known = word("known", lang, as_of=publication.as_of, source=publication.source)
    return Group(
        Text.assemble((f"{whose}: ", ""), (value, "bold")),
        Text(f"{known}; {word('viewer', lang)}: {viewer}", style="dim"),
    )


def _part_rows(explanation: Explanation, part: Part, width: int, lang: Lang) -> RenderableType:
    detail = part.metric.detail
    if detail is None or part.metric.detail_value is None:
        raise ValueError(f"{part.metric.name} has no rows of its own")
    name = f"{part.metric.name}: " if explanation.metric.is_rate else ""
    head = f"{name}{word('rows_of', lang, rows=f'{part.total_rows:,}', mart=detail.mart)}{_filter_words(detail)}"
    blocks: list[RenderableType] = [Text(head, style="bold"), Text(_verdict(part, lang), style=_verdict_style(part))]
    if part.rows:
        layout = lay_out(_row_columns(part, explanation.names, lang), width)
        blocks.append(draw(layout))
        if layout.left_out:
            blocks.append(Text(word("more_columns", lang, count=len(layout.left_out)), style="dim"))
        if len(part.rows) < part.total_rows:
            left = f"{part.total_rows - len(part.rows):,}"
            blocks.append(Text(word("more_rows", lang, rows=left), style="dim"))
    return Group(*blocks)


def _verdict(part: Part, lang: Lang) -> str:
    value = part.metric.detail_value
    if value is None or value.function == "none":
        return word("rows_no_sum", lang)
    if part.value is None:
        return word("no_figure", lang)
    how = word(f"rows_{value.function}", lang, column=_head(value.column))
    told = f"{how} = {figure_text(part.from_rows)}"
    if part.agrees:
        return f"{told}: {word('rows_agree', lang)}"
    return f"{told}: {word('rows_differ', lang, figure=figure_text(part.value))}"


def _verdict_style(part: Part) -> str:
    return "bold red" if part.agrees is False else "dim"


def _row_columns(part: Part, names: Mapping[str, str], lang: Lang) -> list[Column]:
    wanted, hidden = _needed_columns(part)
    columns = []
    for at, head in enumerate(part.columns):
        if head in hidden:
            continue
        cells = [row[at] for row in part.rows]
        kind = Kind.NUMBER if any(_is_number(cell) for cell in cells) else Kind.LABEL
        columns.append(Column(_head(head), [_cell(cell, lang) for cell in cells], kind, spare=head not in wanted))
        if head == "customer_id" and names:
            shown = [one_line(names.get(str(cell), "")) for cell in cells]
            columns.append(Column(_head(_NAMED), shown, Kind.NAME))
    return columns


def _needed_columns(part: Part) -> tuple[set[str], set[str]]:
    """Columns that stay however narrow the window, and columns that say the same in every row and are left out."""
    detail, value = part.metric.detail, part.metric.detail_value
    wanted, hidden = {part.columns[0], "customer_id"}, set[str]()
    if detail is not None:
        hidden |= {term.column for term in detail.terms if term.operator in ("is", "not", "=")}
        hidden |= set() if detail.owner.attribute else {detail.owner.column}
        if detail.date is not None and not detail.date.column.attribute:
            by_day = [name for name in part.columns if name.endswith("_date") and not name.endswith("month_date")]
            hidden |= {detail.date.column.column} if detail.date.is_month else set()
            wanted |= set(by_day[:1]) if detail.date.is_month else {detail.date.column.column, detail.date.until}
    if value is not None and value.column:
        wanted.add(value.column)
    return wanted, hidden - wanted


def _head(name: str) -> str:
    return name.replace("_", " ")


def _is_number(cell: object) -> bool:
    return isinstance(cell, int | float | Decimal) and not isinstance(cell, bool)


def _cell(cell: object, lang: Lang) -> str:
    if cell is None:
        return NOTHING
    if isinstance(cell, bool):
        return word("yes" if cell else "no", lang)
    if isinstance(cell, datetime):
        return f"{cell:%Y-%m-%d %H:%M}"
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, int | float | Decimal):
        return figure_text(cell)
    return one_line(str(cell))


def figure_text(value: Value) -> str:
    """A figure in full: whole numbers without decimals, others with those they have; a dash for none."""
    if value is None:
        return NOTHING
    if isinstance(value, float):
        return f"{value:,.4f}".rstrip("0").rstrip(".")
    if value == int(value):
        return f"{int(value):,}"
    return f"{value:,f}"


def _comparison(lines: Sequence[ReconciliationLine], unit: str, width: int, lang: Lang) -> RenderableType:
    topic = lines[0].topic_vi if lang is Lang.VI else lines[0].topic_en
    labels = [
        ("" if line.kind == "figure_from" else "= " if line.kind == "figure_to" else "  ")
        + (line.label_vi if lang is Lang.VI else line.label_en)
        for line in lines
    ]
    values = [f"{'+' if line.kind == 'explains' and line.value > 0 else ''}{figure_text(line.value)}" for line in lines]
    columns = [
        Column(word("compared", lang), labels, Kind.NAME),
        Column(unit, values, Kind.NUMBER),
    ]
    return Group(Text(topic, style="bold"), draw(lay_out(columns, width), bold_rows=[0, len(lines) - 1]))
