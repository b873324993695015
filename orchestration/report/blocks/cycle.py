"""The customer cycle: how long until the first order and until each relationship, for customers of a window.

Asks the customers and not `kpi_customer_cycle`: medians of several people cannot be made from each one's, and the mart
holds only the windows of its seed. For one person and one of these windows the figures are the mart's.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cache
from typing import ClassVar, Self, TypedDict

from orchestration.report.block import Block
from orchestration.report.block_names import BlockName
from orchestration.report.blocks.relationships import in_order, read_relationship_names
from orchestration.report.figures import NOTHING, Column, Kind, count, share
from orchestration.report.people import one_line
from orchestration.report.reading import Filters, Key, Readings, Row, by_subject
from orchestration.report.sheet import Heading, Item, Sheet, Table
from orchestration.settings import PROJECT_DIR

# Breakdowns are for the first order only; every result is there for all customers together. Windows other than the one
# asked for have the first order of all customers only.
_FIGURES = """
    with population as (
        select
            asked.subject, windows.window_days,
            cycle.result_type, cycle.result_id, members.breakdown, members.member_id,
            cycle.days_to_event, cycle.is_converted, cycle.has_negative_duration,
            coalesce(cycle.days_to_event, cycle.days_observed) as followed_days
        from access.access_fct_customer_cycle as cycle
        inner join asked on cycle.manager_id = asked.employee_id
        inner join access.access_fct_cycle_members as members
            on cycle.customer_id = members.customer_id and cycle.manager_id = members.manager_id
        inner join (select unnest($windows::integer[]) as window_days) as windows
            on cycle.created_date > $as_of::date - windows.window_days
        where
            (windows.window_days = $window or (cycle.result_type = 'order' and members.breakdown = 'all'))
            and cycle.created_date <= $as_of::date
            and (members.breakdown = 'all' or cycle.result_type = 'order')
            and ($source::varchar is null or cycle.customer_id in (
                select customer_id from access.access_fct_cycle_members
                where breakdown = 'source' and member_id = $source
            ))
            and ($relationship::varchar is null or cycle.customer_id in (
                select customer_id from access.access_fct_cycle_members
                where breakdown = 'relationship' and member_id = $relationship
            ))
    ),

    figures as (
        select
            subject, window_days, result_type, result_id, breakdown, member_id,
            count(*) filter (where has_negative_duration) as excluded_negative,
            count(*) filter (where not has_negative_duration) as counted_customers,
            count(*) filter (where is_converted) as converted,
            coalesce(sum(days_to_event), 0) as total_days,
            median(days_to_event) as median_days
        from population
        group by subject, window_days, result_type, result_id, breakdown, member_id
    ),

    days as (
        select
            subject, window_days, result_type, result_id, breakdown, member_id, followed_days,
            count(*) filter (where is_converted) as converted,
            sum(count(*)) over (
                partition by subject, window_days, result_type, result_id, breakdown, member_id
                order by followed_days desc
            ) as followed_customers
        from population
        where not has_negative_duration
        group by subject, window_days, result_type, result_id, breakdown, member_id, followed_days
    ),

    survival as (
        select
            subject, window_days, result_type, result_id, breakdown, member_id, followed_days,
            product(1 - converted / followed_customers) over (
                partition by subject, window_days, result_type, result_id, breakdown, member_id order by followed_days
            ) as waiting_share
        from days
    ),

    medians as (
        select subject, window_days, result_type, result_id, breakdown, member_id, min(followed_days) as km_median_days
        from survival
        where waiting_share <= 0.5 + 1e-9
        group by subject, window_days, result_type, result_id, breakdown, member_id
    )

    select
        figures.subject, figures.window_days,
        figures.result_type, figures.result_id, figures.breakdown, figures.member_id, figures.excluded_negative,
        figures.counted_customers, figures.converted, figures.total_days, figures.median_days, medians.km_median_days
    from figures
    left join medians
        on
            figures.subject = medians.subject
            and figures.window_days = medians.window_days
            and figures.result_type = medians.result_type
            and figures.result_id = medians.result_id
            and figures.breakdown = medians.breakdown
            and figures.member_id = medians.member_id
    order by figures.counted_customers desc, figures.member_id
"""


@dataclass(frozen=True)
class Span:
    """How long one result took: `converted` of `counted_customers`, whose days add up to `total_days`.

    The median is of the converted; the Kaplan-Meier median is the first day by which half of all counted customers
    have converted, None while fewer have. `excluded_negative` customers, whose event is dated before their creation,
    are in no other figure.
    """

    name: str
    counted_customers: int
    converted: int
    total_days: int
    median_days: float | None
    km_median_days: int | None
    excluded_negative: int = 0

    @property
    def mean_days(self) -> float | None:
        """Days per converted customer; None where nobody converted."""
        return self.total_days / self.converted if self.converted else None


@dataclass(frozen=True)
class Cycle(Block):
    """The results for all customers of the window, and the first order by source and by relationship now."""

    name: ClassVar = BlockName.CYCLE
    nothing: ClassVar = "nobody_created"
    is_monthly: ClassVar = False

    filters: Filters = field(default_factory=Filters)
    first_day: date = date.min
    to_order: Span | None = None
    to_relationships: tuple[Span, ...] = ()
    by_source: tuple[Span, ...] = ()
    by_relationship: tuple[Span, ...] = ()
    # The first order again, of the customers of each of the page's windows; a window nobody was created in is left out.
    by_window: tuple[Span, ...] = ()

    @classmethod
    def read_all(cls, readings: Readings) -> Mapping[Key, Self]:
        """`fct_customer_cycle` with `fct_cycle_members`: customers of the window by who is in charge now."""
        filters = readings.filters
        rows = readings.rows(
            _FIGURES,
            as_of=readings.as_of,
            window=filters.window_days,
            windows=sorted({filters.window_days, *page_windows()}),
            source=filters.source.member_id if filters.source else None,
            relationship=filters.relationship.member_id if filters.relationship else None,
        )
        relationships = read_relationship_names(readings)
        sources = {
            source: one_line(name or source)
            for source, name in readings.connection.execute(
                "select source_id, source_name from access.access_dim_sources"
            ).fetchall()
        }
        found = by_subject(rows)
        return readings.whatever_month(
            lambda subject: cls(
                filters=filters,
                first_day=readings.as_of - timedelta(days=filters.window_days - 1),
                by_window=_by_window(found.get(subject, ())),
                **_spans(_of_window(found.get(subject, ()), filters.window_days), sources, relationships),
            )
        )

    @property
    def is_empty(self) -> bool:
        """Whether nobody was created in the window."""
        return self.to_order is None

    def draw(self, sheet: Sheet) -> Sequence[Item]:
        """One table of results, then the first order in parts, without the part that a filter already chose."""
        if self.to_order is None:
            return []
        filters = self.filters
        first, last = self.first_day, sheet.as_of
        drawn: list[Item] = [sheet.note("window_note", first=first, last=last, days=filters.window_days)]
        if filters.source:
            drawn.append(sheet.note("only_source", name=sheet.member(filters.source.name)))
        if filters.relationship:
            drawn.append(sheet.note("only_relationship", name=sheet.member(filters.relationship.name)))
        order = (sheet.word("first_order"), self.to_order)
        results = [order, *((sheet.word("to", name=sheet.member(one.name)), one) for one in self.to_relationships)]
        drawn.append(_table(sheet, "until", results))
        if filters.source is None:
            drawn.append(Heading(""))
            drawn.append(_table(sheet, "order_by_source", [(sheet.member(one.name), one) for one in self.by_source]))
        if filters.relationship is None:
            drawn.append(Heading(""))
            parts = [(sheet.member(one.name), one) for one in self.by_relationship]
            drawn.append(_table(sheet, "order_by_relationship", parts))
        windows = [(sheet.word("last_days", days=one.name), one) for one in self.by_window]
        drawn += [Heading(""), _table(sheet, "order_by_window", windows)] if windows else []
        excluded = [(label, one.excluded_negative) for label, one in results if one.excluded_negative]
        drawn.append(sheet.note("cycle_note"))
        if excluded:
            listed = ", ".join(f"{label} {count(customers)}" for label, customers in excluded)
            drawn.append(sheet.note("excluded_note", listed=listed))
        return drawn


@cache
def page_windows() -> tuple[int, ...]:
    """The windows of the CRM's page, in days, shortest first: the rows of `seeds/cycle_windows.csv`."""
    with (PROJECT_DIR / "seeds" / "cycle_windows.csv").open(encoding="utf-8", newline="") as file:
        return tuple(sorted(int(row["window_days"]) for row in csv.DictReader(file)))


def _of_window(rows: Iterable[Row], window_days: int) -> list[Row]:
    """One subject's rows of one window, without its days."""
    return [row[1:] for row in rows if row[0] == window_days]


def _by_window(rows: Iterable[Row]) -> tuple[Span, ...]:
    """One subject's first orders by the page's windows, shortest first; a span is named by its window's days."""
    found = {
        days: _span(str(days), *figures)
        for days, result_type, _, breakdown, _, *figures in rows
        if (result_type, breakdown) == ("order", "all")
    }
    return tuple(found[days] for days in page_windows() if days in found)


class _Spans(TypedDict):
    to_order: Span | None
    to_relationships: tuple[Span, ...]
    by_source: tuple[Span, ...]
    by_relationship: tuple[Span, ...]


def _spans(rows: Iterable[Row], sources: Mapping[str, str], relationships: dict[str, str]) -> _Spans:
    """One subject's rows by what they are of."""
    found: dict[tuple[str, str], dict[str, Span]] = {}
    for result_type, result_id, breakdown, member_id, *figures in rows:
        # What a span is named after: the result where all customers are in it, else the part of them it is of.
        key = result_id if breakdown == "all" else member_id
        known = relationships if (result_type, breakdown) != ("order", "source") else sources
        found.setdefault((result_type, breakdown), {})[key] = _span(known.get(key, key), *figures)
    reached = found.get(("relationship", "all"), {})
    now = found.get(("order", "relationship"), {})
    return {
        "to_order": found.get(("order", "all"), {}).get("order"),
        "to_relationships": tuple(reached[key] for key in in_order(reached, relationships)),
        "by_source": tuple(found.get(("order", "source"), {}).values()),
        "by_relationship": tuple(now[key] for key in in_order(now, relationships)),
    }


def _span(
    name: str,
    excluded: int,
    counted: int,
    converted: int,
    total_days: int,
    median_days: float | None,
    km_median_days: int | None,
) -> Span:
    return Span(name, counted, converted, int(total_days), median_days, km_median_days, excluded)


def _table(sheet: Sheet, head: str, spans: Sequence[tuple[str, Span]]) -> Table:
    return Table(
        [
            sheet.names(head, [label for label, _ in spans], total=False),
            sheet.numbers("customers", [span.counted_customers for _, span in spans]),
            sheet.numbers("converted", [span.converted for _, span in spans]),
            Column(
                sheet.word("share"), [share(span.converted, span.counted_customers) for _, span in spans], Kind.NUMBER
            ),
            Column(sheet.word("mean_days"), [_days(span.mean_days) for _, span in spans], Kind.NUMBER),
            Column(sheet.word("median_days"), [_days(span.median_days) for _, span in spans], Kind.NUMBER),
            Column(
                sheet.word("km_median_days"),
                [NOTHING if span.km_median_days is None else count(span.km_median_days) for _, span in spans],
                Kind.NUMBER,
            ),
        ]
    )


def _days(days: float | None) -> str:
    return NOTHING if days is None else f"{days:,.1f}"
