"""One page of documentation per metric, from the catalogue and the worked examples.

Belongs here: turning both into Markdown. Not here: the words (seeds/metric_catalogue.csv), the rows of the examples
(docs/metrics/examples.yml), and how an example's figure is computed (`examples`).

    python -m orchestration.metrics.pages        # writes docs/metrics/
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from itertools import groupby
from pathlib import Path

from orchestration.metrics.examples import AS_OF, MONTH, Example, Examples, read_examples
from orchestration.metrics.registry import Metric, Source, read_catalogue
from orchestration.settings import PROJECT_DIR

FOLDER = PROJECT_DIR / "docs" / "metrics"
INDEX = "README.md"

_GOOD = {"increase": "it grows", "decrease": "it falls", "neutral": "neither: it describes"}
_ADDS_UP = {
    "yes": "over people and over time",
    "over people only": "over people, not over time",
    "no": "over nothing: never add two of them",
}


def pages(metrics: Mapping[str, Metric], examples: Examples) -> dict[str, str]:
    """Every page by file name, the index included."""
    written = {f"{name}.md": _page(metric, metrics, examples) for name, metric in metrics.items()}
    return {INDEX: _index(metrics), **written}


def _index(metrics: Mapping[str, Metric]) -> str:
    lines = [
        "# Every metric, one page each",
        "",
        "What a figure means, whose it is, by which date, which rows make it, five rows worked through, and how",
        "it differs from the CRM's page. `kpi explain METRIC --employee WHO --month 2026-03` prints the same for",
        "somebody's own figure, with its rows. [Metrics](../metrics.md) is the overview;",
        "[reconciliation](../reconciliation.md) explains figures that differ and are right.",
        "",
        "Made from `seeds/metric_catalogue.csv` and `examples.yml` by `python -m orchestration.metrics.pages`.",
    ]
    by_report = sorted(metrics.values(), key=lambda metric: metric.report)
    for report, of_report in groupby(by_report, key=lambda metric: metric.report):
        lines += [
            "",
            f"## {report.capitalize()}",
            "",
            "| metric | in words | unit | whose | by date |",
            "|---|---|---|---|---|",
        ]
        lines += [
            f"| [`{metric.name}`]({metric.name}.md) | {metric.label_en} · {metric.label_vi} | {metric.unit} "
            f"| {metric.owner_role} | {metric.date_role} |"
            for metric in of_report
        ]
    return "\n".join(lines) + "\n"


def _page(metric: Metric, metrics: Mapping[str, Metric], examples: Examples) -> str:
    facts = {
        "means": metric.formula,
        "unit": metric.unit,
        "whose": metric.owner_role,
        "by date": metric.date_role,
        "good when": _GOOD[metric.direction],
        "adds up": _ADDS_UP[metric.additive],
        "stands in": f"`{metric.figure.mart}.{metric.measure}`{_where(metric.figure)}",
        "is made of": _made_of(metric),
        "on the CRM's page": metric.crm_difference,
    }
    lines = [
        f"# {metric.label_en} · {metric.label_vi}",
        "",
        f"`{metric.name}`: {metric.report} report, {metric.block.replace('_', ' ')}.",
        "",
    ]
    lines += [
        "| | |",
        "|---|---|",
        *(f"| {name} | {words} |" for name, words in facts.items()),
        "",
        "## Worked example",
        "",
    ]
    lines += _rate_example(metric, metrics, examples) if metric.is_rate else _example(examples.example(metric))
    option = "--department NAME" if metric.figure.owner.name == "department_id" else "--employee WHO"
    month = f" --month {MONTH:%Y-%m}" if _has_month(metric, metrics) else ""
    lines += ["", "## Your own", "", "```bash", f"kpi explain {metric.name} {option}{month}", "```"]
    return "\n".join(lines) + "\n"


def _has_month(metric: Metric, metrics: Mapping[str, Metric]) -> bool:
    parts = [metrics[metric.numerator], metrics[metric.denominator]] if metric.is_rate else [metric]
    return any(part.figure.date is not None for part in parts)


def _where(source: Source) -> str:
    return f" where {_terms(source)}" if source.terms else ""


def _terms(source: Source) -> str:
    return " and ".join(f"`{term.words}`" for term in source.terms)


def _made_of(metric: Metric) -> str:
    if metric.is_rate:
        return " divided by ".join(f"[`{name}`]({name}.md)" for name in (metric.numerator, metric.denominator))
    detail, value = metric.detail, metric.detail_value
    if detail is None or value is None:
        raise ValueError(f"{metric.name} has neither rows nor a quotient")
    how = {
        "count": "the number of rows",
        "sum": f"the sum of `{value.column}`",
        "minus_sum": f"the sum of `{value.column}` with its sign turned",
        "count_distinct": f"the number of different `{value.column}`",
        "mean": f"the mean of `{value.column}`",
        "median": f"the median of `{value.column}`",
        "none": "these rows, though no sum or mean of them",
    }[value.function]
    owner = f"`{metric.row['detail_owner_column']}` is the owner"
    conditions = [owner, *_date_words(detail), *([_terms(detail)] if detail.terms else [])]
    return f"{how} of `{detail.mart}` where {', '.join(conditions)}"


def _date_words(detail: Source) -> Iterator[str]:
    at = detail.date
    if at is None:
        return
    if at.until:
        yield f"the end of the month lies in `{at.column.column}` to `{at.until}`"
    elif at.is_month:
        yield f"`{at.column.name}` is the month"
    else:
        yield f"`{at.column.name}` lies in the month"


def _example(example: Example) -> list[str]:
    metric = example.metric
    kind = "department" if metric.figure.owner.name == "department_id" else "employee"
    when = f"{MONTH:%B %Y}" if metric.figure.date is not None else f"as of {AS_OF}"
    narrowed = "".join(f", only `{column} = {value}`" for column, value in example.by_hand.only.items())
    shown = _shown_columns(example)
    head = [*shown, "counts", "why"]
    lines = [
        f"Of the {kind} `{example.by_hand.owner}`, {when}{narrowed}:",
        "",
        _cells(head),
        _cells(["---"] * len(head)),
    ]
    for row, counts in zip(example.rows, example.counting, strict=True):
        lines.append(_cells([*(_cell(name, row[name]) for name in shown), "yes" if counts else "no", row["why"]]))
    return [*lines, "", f"**Figure: {_figure(example.by_hand.value, metric)}**"]


def _shown_columns(example: Example) -> list[str]:
    """The key, the owner, the date, what the filter asks, and the value; in the rows' own order."""
    metric = example.metric
    if metric.detail is None or metric.detail_value is None:
        raise ValueError(f"{metric.name} has no rows")
    names = [name for name in example.rows[0] if name != "why"]
    wanted = {
        names[0],
        metric.detail.owner.column,
        metric.detail_value.column,
        *(term.column for term in metric.detail.terms),
        *example.by_hand.only,
    }
    if metric.detail.date is not None:
        wanted |= {metric.detail.date.column.column, metric.detail.date.until}
    return [name for name in names if name in wanted]


def _rate_example(metric: Metric, metrics: Mapping[str, Metric], examples: Examples) -> list[str]:
    parts = [metrics[metric.numerator], metrics[metric.denominator]]
    lines: list[str] = []
    for part in parts:
        lines += [f"### {part.label_en}", "", *_example(examples.example(part)), ""]
    numerator, denominator = (examples.example(part).by_hand.value for part in parts)
    told = f"{_figure(numerator, parts[0])} / {_figure(denominator, parts[1])}"
    if not denominator:
        return [*lines, "### The rate", "", f"**None: {told} is no rate**"]
    return [*lines, "### The rate", "", f"**{told} = {numerator / denominator:.4f}**"]


def _cells(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(name: str, value: object) -> str:
    if isinstance(value, Decimal) and name.endswith("_amount"):
        return f"{value:.2f}"
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


def _figure(value: Decimal, metric: Metric) -> str:
    number = f"{value:,.2f}" if metric.unit == "currency" else f"{value:,f}"
    return f"{number} {metric.unit}"


def write_pages(folder: Path, written: Mapping[str, str]) -> None:
    """Write the pages, and remove those of metrics that are no more."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.glob("*.md"):
        if path.name not in written:
            path.unlink()
    for name, text in written.items():
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write_pages(FOLDER, pages(read_catalogue(), read_examples()))
