"""One page of documentation per metric and language, from the catalogue and the worked examples.

Belongs here: turning both into Markdown. Not here: the words (seeds/metric_catalogue.csv, `page_words`), the rows of
the examples (docs/metrics/examples.yml), and how an example's figure is computed (`examples`).

    python -m orchestration.metrics.pages        # writes docs/metrics/
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from itertools import groupby
from pathlib import Path

from orchestration.metrics.examples import AS_OF, MONTH, WHY, Example, Examples, read_examples
from orchestration.metrics.page_words import DEPARTMENT, EMPLOYEE, ENGLISH, Words, vietnamese
from orchestration.metrics.registry import Metric, Source, read_catalogue
from orchestration.settings import PROJECT_DIR

FOLDER = PROJECT_DIR / "docs" / "metrics"
INDEX = "README.md"


def pages(metrics: Mapping[str, Metric], examples: Examples) -> dict[str, str]:
    """Every page of both languages by its path in the folder, the indexes included."""
    written: dict[str, str] = {}
    languages = (ENGLISH, vietnamese())
    for words, sister in (languages, languages[::-1]):
        written[f"{words.folder}{INDEX}"] = _index(metrics, words)
        for name, metric in metrics.items():
            # From the folder of one language to that of the other.
            up = "../" * words.folder.count("/")
            link = f"[{words.sister}]({up}{sister.folder}{name}.md)"
            written[f"{words.folder}{name}.md"] = _Page(metric, metrics, examples, words).text(link)
    return written


def _index(metrics: Mapping[str, Metric], words: Words) -> str:
    lines = words.index.splitlines()
    by_report = sorted(metrics.values(), key=lambda metric: metric.report)
    for report, of_report in groupby(by_report, key=lambda metric: metric.report):
        lines += ["", f"## {words.report(report)}", "", _cells(words.index_head), "|---|---|---|---|---|"]
        lines += [
            _cells(
                [
                    f"[`{metric.name}`]({metric.name}.md)",
                    words.title(metric),
                    *(words.code(column, metric.row[column]) for column in ("unit", "owner_role", "date_role")),
                ]
            )
            for metric in of_report
        ]
    return "\n".join(lines) + "\n"


class _Page:
    """One metric's page in one language."""

    def __init__(self, metric: Metric, metrics: Mapping[str, Metric], examples: Examples, words: Words) -> None:
        self._metric = metric
        self._metrics = metrics
        self._examples = examples
        self._words = words

    def text(self, link: str) -> str:
        """The whole page; `link` leads to the same page in the other language."""
        metric, words = self._metric, self._words
        facts = {
            words.means: words.formula(metric),
            words.unit_head: words.code("unit", metric.unit),
            words.whose: words.code("owner_role", metric.owner_role),
            words.by_date: words.code("date_role", metric.date_role),
            words.good_when: words.good[metric.direction],
            words.adds_up: words.added[metric.additive],
            words.stands_in: f"`{metric.figure.mart}.{metric.measure}`{self._where(metric.figure)}",
            words.made_of: self._made_of(),
            words.on_crm: words.crm_difference(metric),
        }
        lines = [
            f"# {words.title(metric)}",
            "",
            link,
            "",
            f"`{metric.name}`: {words.place(metric)}.",
            "",
            "| | |",
            "|---|---|",
            *(_cells(fact) for fact in facts.items()),
            "",
            f"## {words.example}",
            "",
            *(self._rate_example() if metric.is_rate else self._example(metric)),
        ]
        month = f" --month {MONTH:%Y-%m}" if self._has_month() else ""
        command = f"kpi explain {metric.name} {words.owner_option[_kind(metric)]}{month}{words.more_options}"
        lines += ["", f"## {words.own}", "", "```bash", command, "```"]
        return "\n".join(lines) + "\n"

    def _parts(self) -> list[Metric]:
        metric = self._metric
        if not metric.is_rate:
            return [metric]
        return [self._metrics[metric.numerator], self._metrics[metric.denominator]]

    def _has_month(self) -> bool:
        return any(part.figure.date is not None for part in self._parts())

    def _where(self, source: Source) -> str:
        return f"{self._words.where}{self._terms(source)}" if source.terms else ""

    def _terms(self, source: Source) -> str:
        return self._words.joined_by.join(f"`{term.words}`" for term in source.terms)

    def _made_of(self) -> str:
        metric, words = self._metric, self._words
        if metric.is_rate:
            return words.divided_by.join(f"[`{part.name}`]({part.name}.md)" for part in self._parts())
        detail, value = metric.detail, metric.detail_value
        if detail is None or value is None:
            raise ValueError(f"{metric.name} has neither rows nor a quotient")
        owner = words.owner[_kind(metric)].format(column=metric.row["detail_owner_column"])
        conditions = [owner, *self._date_words(detail), *([self._terms(detail)] if detail.terms else [])]
        return words.made[value.function].format(
            column=value.column, mart=detail.mart, conditions=", ".join(conditions)
        )

    def _date_words(self, detail: Source) -> Iterator[str]:
        at, words = detail.date, self._words
        if at is None:
            return
        if at.until:
            yield words.in_stretch.format(start=at.column.column, until=at.until)
        elif at.is_month:
            yield words.is_month.format(column=at.column.name)
        else:
            yield words.in_month.format(column=at.column.name)

    def _example(self, metric: Metric) -> list[str]:
        words, example = self._words, self._examples.example(metric)
        whose = words.of[_kind(metric)].format(owner=example.by_hand.owner)
        when = words.month(MONTH) if metric.figure.date is not None else words.as_of.format(as_of=AS_OF)
        narrowed = "".join(
            words.only.format(column=column, value=value) for column, value in example.by_hand.only.items()
        )
        shown = _shown_columns(example)
        head = [*shown, words.counts, words.why_head]
        lines = [f"{whose}, {when}{narrowed}:", "", _cells(head), _cells(["---"] * len(head))]
        for row, counts in zip(example.rows, example.counting, strict=True):
            cells = [self._cell(name, row[name]) for name in shown]
            lines.append(_cells([*cells, self._yes(counts), row[words.why]]))
        figure = words.figure.format(figure=self._figure(example.by_hand.value, metric))
        return [*lines, "", f"**{figure}**"]

    def _rate_example(self) -> list[str]:
        words, parts = self._words, self._parts()
        lines: list[str] = []
        for part in parts:
            lines += [f"### {words.label(part)}", "", *self._example(part), ""]
        numerator, denominator = (self._examples.example(part).by_hand.value for part in parts)
        told = f"{self._figure(numerator, parts[0])} / {self._figure(denominator, parts[1])}"
        result = f"{told} = {numerator / denominator:.4f}" if denominator else words.no_rate.format(told=told)
        return [*lines, f"### {words.rate}", "", f"**{result}**"]

    def _cell(self, name: str, value: object) -> str:
        if isinstance(value, Decimal) and name.endswith("_amount"):
            return f"{value:.2f}"
        if value is None:
            return ""
        if isinstance(value, bool):
            return self._yes(value)
        if isinstance(value, datetime):
            return f"{value:%Y-%m-%d %H:%M}"
        return f"{value:f}" if isinstance(value, Decimal) else str(value)

    def _yes(self, is_so: bool) -> str:
        return self._words.yes if is_so else self._words.no

    def _figure(self, value: Decimal, metric: Metric) -> str:
        number = f"{value:,.2f}" if metric.unit == "currency" else f"{value:,f}"
        return f"{number}{self._words.unit(metric.unit)}"


def _kind(metric: Metric) -> str:
    return DEPARTMENT if metric.figure.owner.name == "department_id" else EMPLOYEE


def _shown_columns(example: Example) -> list[str]:
    """The key, the owner, the date, what the filter asks, and the value; in the rows' own order."""
    metric = example.metric
    if metric.detail is None or metric.detail_value is None:
        raise ValueError(f"{metric.name} has no rows")
    names = [name for name in example.rows[0] if name not in WHY]
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


def _cells(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def write_pages(folder: Path, written: Mapping[str, str]) -> None:
    """Write the pages, and remove those of metrics that are no more."""
    for path in folder.rglob("*.md"):
        if path.relative_to(folder).as_posix() not in written:
            path.unlink()
    for name, text in written.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write_pages(FOLDER, pages(read_catalogue(), read_examples()))
