"""What a month's report says: from facts to a document.

Belongs here: which figures stand where, and in which words. Not here: reading (`facts.py`), or drawing.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from orchestration.freezing.manifest import FIRST_FREEZE
from orchestration.monthly.charts import months_chart, parts_chart
from orchestration.monthly.document import Chart, Column, Document, Kind, Note, Part, Section, Table, Value, text_of
from orchestration.monthly.facts import ALL, COMPANY, DEPARTMENT, EMPLOYEE, Facts, Figure, FrozenMonth
from orchestration.monthly.movements import Movement, largest, movements
from orchestration.monthly.words import day_text, month_text, word
from orchestration.report.labels import Lang
from orchestration.report.months import months_back, previous_month

REVENUE, ORDERS, NEW_CUSTOMERS = "revenue_amount", "orders", "new_customers"
# What the first page says in words, and which figures may have targets.
HEADLINES = (REVENUE, ORDERS, NEW_CUSTOMERS)
COMPANY_METRICS = (
    NEW_CUSTOMERS, "customers_in_charge", "interactions", "calls", "calls_connected", "connected_rate", "activities",
    "tasks_completed", "tasks_late", ORDERS, "returns", "sales_amount", REVENUE, "collected_amount",
)  # fmt: skip
FUNNEL = (NEW_CUSTOMERS, "interactions", "activities", ORDERS, REVENUE)
NOBODY = ("none", "unknown")
_MOVED = 5
_YEAR = 12
_MILLION = 1_000_000


def make_document(facts: Facts, lang: Lang) -> Document:
    """The report of a month."""
    writer = _Writer(facts, lang)
    version = facts.this.version
    reason = writer.word("first_freeze") if version.reason == FIRST_FREEZE else version.reason
    head = [writer.word("fact_frozen", as_of=writer.day(version.as_of), version=version.version, reason=reason)]
    latest = facts.latest
    if latest.version > version.version:
        head.append(
            writer.word("fact_superseded", latest=latest.version, reason=latest.reason, version=version.version)
        )
    return Document(
        lang.value,
        writer.word("title", month=writer.month(facts.month)),
        (*head, writer.word("fact_now", as_of=writer.day(facts.publication.as_of))),
        (
            writer.what_changed(),
            writer.departments(),
            writer.funnel(),
            writer.cycle(),
            writer.movements(),
            writer.restatements(),
            writer.footnotes(),
        ),
        ((writer.word("all_figures"), writer.all_figures()),),
    )


class _Writer:
    """One document being written: the facts, and the language."""

    def __init__(self, facts: Facts, lang: Lang) -> None:
        self.facts, self.lang = facts, lang
        self.before_month = previous_month(facts.month)
        self.before: FrozenMonth | None = facts.earlier.get(self.before_month)
        self.year_month = months_back(facts.month, _YEAR)
        self.year_before: FrozenMonth | None = facts.earlier.get(self.year_month)

    def word(self, key: str, **values: object) -> str:
        return word(key, self.lang, **values)

    def month(self, month: date) -> str:
        return month_text(month, self.lang)

    def day(self, day: date) -> str:
        return day_text(day, self.lang)

    def label(self, metric: str) -> str:
        known = self.facts.metrics.get(metric)
        return known.label[self.lang.value] if known else metric

    def company(self, of: FrozenMonth | None, metric: str) -> Figure | None:
        return None if of is None else of.figures.get((COMPANY, ALL, metric))

    # --- the first page ---------------------------------------------------------------------------------------------

    def what_changed(self) -> Section:
        parts: list[Part] = [self._headline(metric) for metric in HEADLINES if self.company(self.facts.this, metric)]
        for metric in HEADLINES:
            targets = [f for f in self.facts.this.of_level(EMPLOYEE, metric).values() if f.target_value is not None]
            if targets:
                reached = sum(f.attainment_rate is not None and f.attainment_rate >= 1 for f in targets)
                parts.append(
                    self.word("reached", label=self.label(metric), reached=f"{reached:,}", targets=f"{len(targets):,}")
                )
        if self.before is None:
            parts.append(Note(self.word("not_frozen", month=self.month(self.before_month))))
        parts += [note for metric in HEADLINES for note in self._corrected(metric)]
        parts += [self._revenue_chart(), self._company_table()]
        return Section(self.word("what_changed"), parts)

    def _headline(self, metric: str) -> str:
        now = self.facts.this.value(COMPANY, ALL, metric)
        values = {
            "label": self.label(metric),
            "value": text_of(now, Kind.NUMBER),
            "month": self.month(self.before_month),
        }
        then = self.company(self.before, metric)
        if then is None or then.value is None:
            return self.word("alone", **values)
        if now == then.value:
            return self.word("as_before", **values)
        change = now - then.value
        if then.value == 0:
            return self.word("against_nothing", **values)
        if then.value < 0:
            before = text_of(then.value, Kind.NUMBER)
            return self.word("against_loss", change=text_of(change, Kind.CHANGE), before=before, **values)
        return self.word(
            "against",
            change=text_of(change, Kind.CHANGE),
            share=text_of(change / then.value, Kind.CHANGE_SHARE),
            **values,
        )

    def _corrected(self, metric: str) -> list[Part]:
        """That a month which is shown or compared with is known to have been otherwise."""
        found = [self.facts.restatement(month, metric) for month in (self.before_month, self.facts.month)]
        return [
            Note(
                self.word(
                    "corrected_before",
                    label=self.label(metric),
                    month=self.month(one.month),
                    frozen=text_of(one.frozen, Kind.NUMBER),
                    now=text_of(one.now, Kind.NUMBER),
                )
            )
            for one in found
            if one is not None
        ]

    def _revenue_chart(self) -> Chart:
        months = {**self.facts.earlier, self.facts.month: self.facts.this}
        values = [(self.month(one), months[one].value(COMPANY, ALL, REVENUE)) for one in sorted(months)]
        axis = self.label(REVENUE)
        if max(abs(value) for _, value in values) >= 10 * _MILLION:
            values = [(month, value / _MILLION) for month, value in values]
            axis = self.word("millions", label=axis)
        return Chart(self.word("revenue_by_month"), months_chart(values, self.month(self.facts.month), axis))

    def _company_table(self) -> Table:
        columns = [
            Column(self.word("figure"), Kind.TEXT),
            Column(self.month(self.facts.month)),
            Column(self.month(self.before_month)),
            Column(self.word("change"), Kind.CHANGE),
            Column(self.word("change_share"), Kind.CHANGE_SHARE),
        ]
        if self.year_before is not None:
            columns.append(Column(self.month(self.year_month)))
        rows: list[tuple[Value, ...]] = []
        for metric in COMPANY_METRICS:
            now = self.company(self.facts.this, metric)
            if now is None:
                continue
            then, year = self.company(self.before, metric), self.company(self.year_before, metric)
            # A rate stands among numbers with what it divides, as text.
            values = [
                _rate(one) if is_rate(self.facts, metric) else one.value if one else None for one in (now, then, year)
            ]
            row = (self.label(metric), *values[:2], *_difference(values[0], values[1]), values[2])
            rows.append(row[: len(columns)])
        return Table("company", tuple(columns), tuple(rows))

    # --- departments ------------------------------------------------------------------------------------------------

    def departments(self) -> Section:
        present = {
            s for one in (self.facts.this, self.before) if one for level, s, _ in one.figures if level == DEPARTMENT
        }
        known = self.facts.departments
        ordered = sorted(present, key=lambda one: (one in NOBODY, known[one].path if one in known else one, one))
        of_department = {one: self._subject_values(DEPARTMENT, one) for one in ordered}
        rows: list[tuple[Value, ...]] = [
            (self._department(one), *values) for one, values in of_department.items() if any(values)
        ]
        rows.append((self.word("sum"), *self._subject_values(COMPANY, ALL)))
        columns = (
            Column(self.word("department"), Kind.TEXT),
            Column(self.label(NEW_CUSTOMERS)),
            Column(self.label(ORDERS)),
            Column(self.label(REVENUE)),
            Column(f"{self.label(REVENUE)} {self.month(self.before_month)}"),
            Column(self.word("change"), Kind.CHANGE),
        )
        table = Table("departments", columns, tuple(rows), frozenset({len(rows) - 1}))
        parts: list[Part] = [table, Note(self.word("departments_note")), *self._department_targets(ordered)]
        return Section(self.word("departments"), parts, begins_page=True)

    def _department_targets(self, ordered: Sequence[str]) -> list[Part]:
        figures = {one: self.facts.this.figures.get((DEPARTMENT, one, REVENUE)) for one in ordered}
        rows = tuple(
            (
                self._department(one),
                figure.actual_value_with_below,
                figure.target_value,
                figure.attainment_with_below_rate,
            )
            for one, figure in figures.items()
            if figure is not None and figure.target_value is not None
        )
        if not rows:
            return []
        columns = (
            Column(self.word("department"), Kind.TEXT),
            Column(self.word("with_below")),
            Column(self.word("target")),
            Column(self.word("attainment"), Kind.SHARE),
        )
        note = Note(self.word("department_targets_note"))
        return [self.word("department_targets"), Table("department_targets", columns, rows), note]

    def _department(self, subject: str) -> str:
        """A name, further to the right the deeper it is."""
        if subject in NOBODY:
            return self.word(f"of_{subject}")
        known = self.facts.departments.get(subject)
        return "\u2002" * known.depth + known.name if known else subject

    def _subject_values(self, level: str, subject: str) -> tuple[Value, ...]:
        this, before = self.facts.this, self.before
        revenue = this.value(level, subject, REVENUE)
        then = before.value(level, subject, REVENUE) if before else None
        return (
            this.value(level, subject, NEW_CUSTOMERS),
            this.value(level, subject, ORDERS),
            revenue,
            then,
            revenue - then if then is not None else None,
        )

    # --- funnel -----------------------------------------------------------------------------------------------------

    def funnel(self) -> Section:
        columns = (
            Column(self.word("step"), Kind.TEXT),
            Column(self.month(self.facts.month)),
            Column(self.month(self.before_month)),
            Column(self.word("ratio"), Kind.TEXT),
            Column(self.word("ratio_value")),
            Column(self.word("divided"), Kind.TEXT),
        )
        rows: list[tuple[Value, ...]] = []
        for number, metric in enumerate(FUNNEL):
            now = self.facts.this.value(COMPANY, ALL, metric)
            then = self.company(self.before, metric)
            of = FUNNEL[number - 1] if number else None
            whole = self.facts.this.value(COMPANY, ALL, of) if of else None
            divided = f"{text_of(now, Kind.NUMBER)} / {text_of(whole, Kind.NUMBER)}" if of else None
            rows.append(
                (
                    f"{number + 1}. {self.label(metric)}",
                    now,
                    then.value if then else None,
                    self.label(of) if of else None,
                    now / whole if whole else None,
                    divided,
                )
            )
        return Section(self.word("funnel"), [Table("funnel", columns, tuple(rows)), Note(self.word("funnel_note"))])

    # --- cycle ------------------------------------------------------------------------------------------------------

    def cycle(self) -> Section:
        cycle, as_of = self.facts.cycle, self.facts.publication.as_of
        first, last = self.day(cycle.first_day), self.day(as_of)
        parts: list[Part] = []
        span = cycle.to_order
        if span is None or not span.counted_customers:
            parts.append(self.word("nobody_created", first=first, last=last))
        else:
            days = span.km_median_days
            parts.append(
                self.word(
                    "cycle_text",
                    counted=f"{span.counted_customers:,}",
                    first=first,
                    last=last,
                    converted=f"{span.converted:,}",
                    share=text_of(Decimal(span.converted) / span.counted_customers, Kind.SHARE),
                    waiting=f"{span.counted_customers - span.converted:,}",
                    median=self.word("no_km") if days is None else self.word("km", days=days),
                )
            )
        if span is not None and span.excluded_negative:
            parts.append(Note(self.word("excluded", excluded=f"{span.excluded_negative:,}")))
        cohorts = sorted(self.facts.cohorts.cohorts, key=lambda one: one.month)
        if cohorts:
            names = (self.word("ordered"), self.word("waiting"))
            bars = [
                (self.month(one.month), name, value)
                for one in cohorts
                for name, value in zip(names, (one.with_order, one.customers - one.with_order), strict=True)
            ]
            parts.append(Chart(self.word("cohort_chart"), parts_chart(bars, names, self.word("customers"))))
            parts.append(
                Table(
                    "cohorts",
                    (
                        Column(self.word("created_in"), Kind.TEXT),
                        Column(self.word("customers")),
                        Column(self.word("ordered")),
                        Column(self.word("waiting")),
                        Column(self.word("share_ordered"), Kind.SHARE),
                    ),
                    tuple(
                        (
                            self.month(one.month),
                            one.customers,
                            one.with_order,
                            one.customers - one.with_order,
                            Decimal(one.with_order) / one.customers if one.customers else None,
                        )
                        for one in cohorts
                    ),
                )
            )
        parts.append(Note(self.word("cycle_note", as_of=last)))
        return Section(self.word("cycle"), parts)

    # --- movements --------------------------------------------------------------------------------------------------

    def movements(self) -> Section:
        title = self.word("movements")
        if self.before is None:
            return Section(title, [self.word("movements_none", month=self.month(self.before_month))], begins_page=True)
        people = {s for one in (self.before, self.facts.this) for level, s, _ in one.figures if level == EMPLOYEE}
        moved = movements(
            sorted(people - set(NOBODY)), _revenue_and_orders(self.before), _revenue_and_orders(self.facts.this)
        )
        up, down = largest(moved, _MOVED)
        parts: list[Part] = [self.word("best"), self._moved("increases", up) if up else self.word("none_moved")]
        parts += [self.word("worst"), self._moved("decreases", down) if down else self.word("none_moved")]
        notes = [Note(self.word("movements_note")), *self._corrected(REVENUE)]
        return Section(title, [*parts, *notes], begins_page=True)

    def _moved(self, name: str, moved: Sequence[Movement]) -> Table:
        return Table(
            name,
            (
                Column(self.word("employee"), Kind.TEXT),
                Column(self.month(self.before_month)),
                Column(self.month(self.facts.month)),
                Column(self.word("change"), Kind.CHANGE),
                Column(self.word("orders_before")),
                Column(self.word("orders_now")),
                Column(self.word("by_number"), Kind.CHANGE),
                Column(self.word("by_value"), Kind.CHANGE),
            ),
            tuple(
                (
                    self.facts.employees.get(one.subject, one.subject),
                    one.before,
                    one.now,
                    one.change,
                    one.orders_before,
                    one.orders_now,
                    one.by_number,
                    one.by_value,
                )
                for one in moved
            ),
        )

    # --- restatements -----------------------------------------------------------------------------------------------

    def restatements(self) -> Section:
        parts: list[Part] = []
        restated = self.facts.restated
        table: list[tuple[Value, ...]] = []
        for month in sorted({one.month for one in restated}, reverse=True):
            of_month = [one for one in restated if one.month == month]
            for one in of_month:
                if one.frozen is None or one.now is None:
                    continue
                difference = one.now - one.frozen
                kinds = ("added", "removed", "changed")
                rows = ", ".join(self.word(f"rows_{k}", n=f"{one.rows[k]:,}") for k in kinds if one.rows.get(k))
                parts.append(
                    self.word(
                        "restated_text",
                        month=self.month(month),
                        label=self.label(one.metric),
                        frozen=text_of(one.frozen, Kind.NUMBER),
                        now=text_of(one.now, Kind.NUMBER),
                        difference=text_of(difference, Kind.CHANGE),
                        rows=rows,
                    )
                )
                table.append(
                    (
                        self.month(month),
                        self.label(one.metric),
                        one.frozen,
                        one.now,
                        difference,
                        one.departments,
                        one.employees,
                    )
                )
            only_parts = [self.label(one.metric) for one in of_month if one.frozen is None]
            if only_parts:
                parts.append(Note(self.word("restated_parts", month=self.month(month), labels=", ".join(only_parts))))
        for month, targets in sorted(self.facts.restated_targets.items(), reverse=True):
            parts.append(self.word("restated_targets", month=self.month(month), targets=f"{targets:,}"))
        if not parts:
            parts.append(self.word("restated_none"))
        if table:
            parts.append(
                Table(
                    "restatements",
                    (
                        Column(self.word("month"), Kind.TEXT),
                        Column(self.word("figure"), Kind.TEXT),
                        Column(self.word("frozen")),
                        Column(self.word("now")),
                        Column(self.word("difference"), Kind.CHANGE),
                        Column(self.word("departments_differ")),
                        Column(self.word("employees_differ")),
                    ),
                    tuple(table),
                )
            )
        as_of = self.day(self.facts.publication.as_of)
        parts.append(Note(self.word("restated_note", month=self.month(self.facts.corrections_through), as_of=as_of)))
        return Section(self.word("restated"), parts)

    # --- footnotes --------------------------------------------------------------------------------------------------

    def footnotes(self) -> Section:
        version = self.facts.this.version
        parts: list[Part] = []
        if self.facts.quarantined:
            listed = ", ".join(f"{entity} {rows:,}" for entity, rows in self.facts.quarantined.items())
            parts.append(self.word("foot_quarantine", listed=listed))
        else:
            parts.append(self.word("foot_no_quarantine"))
        for metric in HEADLINES:
            nobodys = sum((self.facts.this.value(EMPLOYEE, one, metric) for one in NOBODY), Decimal(0))
            if nobodys:
                whole = text_of(self.facts.this.value(COMPANY, ALL, metric), Kind.NUMBER)
                value = text_of(nobodys, Kind.NUMBER)
                parts.append(self.word("foot_nobody", label=self.label(metric), value=value, whole=whole))
        parts.append(self.word("foot_time", as_of=self.day(version.as_of)))
        if self.before is not None and self.before.version.code_version != version.code_version:
            parts.append(
                self.word(
                    "foot_code",
                    month=self.month(self.before_month),
                    other=self.before.version.code_version,
                    this=version.code_version,
                )
            )
        if version.version > 1:
            parts.append(self.word("foot_again", version=version.version, reason=version.reason))
        parts.append(self.word("foot_proof", name=version.name, place=version.place))
        return Section(self.word("footnotes"), parts)

    # --- for the spreadsheet ----------------------------------------------------------------------------------------

    def all_figures(self) -> Table:
        """Every frozen figure of the month."""
        names = {COMPANY: {ALL: self.word("sum")}, EMPLOYEE: self.facts.employees}
        names[DEPARTMENT] = {key: one.name for key, one in self.facts.departments.items()}
        order = {level: number for number, level in enumerate((COMPANY, DEPARTMENT, EMPLOYEE))}
        rows: list[tuple[Value, ...]] = []
        for level, subject, metric in sorted(self.facts.this.figures, key=lambda key: (order[key[0]], *key[1:])):
            one = self.facts.this.figures[level, subject, metric]
            rows.append(
                (
                    self.word(f"level_{level}"),
                    subject,
                    names[level].get(subject, subject),
                    self.label(metric),
                    one.value,
                    one.numerator,
                    one.denominator,
                    one.target_value,
                    one.attainment_rate,
                )
            )
        columns = (
            Column(self.word("level"), Kind.TEXT),
            Column(self.word("id"), Kind.TEXT),
            Column(self.word("of"), Kind.TEXT),
            Column(self.word("figure"), Kind.TEXT),
            Column(self.word("value")),
            Column(self.word("numerator")),
            Column(self.word("denominator")),
            Column(self.word("target")),
            Column(self.word("attainment"), Kind.SHARE),
        )
        return Table("figures", columns, tuple(rows))


def is_rate(facts: Facts, metric: str) -> bool:
    """Whether the figure is a quotient."""
    return facts.metrics[metric].unit == "rate"


def _difference(now: Value, then: Value) -> tuple[Value, Value]:
    """The difference, and its share of what was before; nothing where one of them is not a number."""
    if not isinstance(now, Decimal) or not isinstance(then, Decimal):
        return None, None
    return now - then, (now - then) / then if then > 0 else None


def _rate(figure: Figure | None) -> str | None:
    if figure is None or figure.value is None or figure.numerator is None or figure.denominator is None:
        return None
    divided = f"{text_of(figure.numerator, Kind.NUMBER)} / {text_of(figure.denominator, Kind.NUMBER)}"
    return f"{text_of(figure.value, Kind.SHARE)} ({divided})"


def _revenue_and_orders(month: FrozenMonth) -> dict[str, tuple[Decimal, Decimal]]:
    people = {subject for level, subject, _ in month.figures if level == EMPLOYEE}
    return {one: (month.value(EMPLOYEE, one, REVENUE), month.value(EMPLOYEE, one, ORDERS)) for one in people}
