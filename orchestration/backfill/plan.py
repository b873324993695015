"""What a backfill is going to do, and how that reads.

Belongs here: pure functions from facts to a plan and its text. Not here: finding the facts (`facts.py`), doing the work
(`work.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import date

from orchestration.backfill.months import BackfillError, MonthRange

MARTS_SHOWN = 6


@dataclass(frozen=True)
class Timings:
    """Seconds of a run that went well: `landing` and `batch_checks` for all its `nights`, the rest once."""

    run: str
    nights: int
    landing: float
    batch_checks: float
    building: float
    checking: float
    publishing: float

    @property
    def per_night(self) -> float:
        """Landing and judging one night."""
        return (self.landing + self.batch_checks) / self.nights

    @property
    def once(self) -> float:
        """Building, checking and publishing."""
        return self.building + self.checking + self.publishing


@dataclass(frozen=True)
class Plan:
    """What will be done. Nights are days of the range; `rows` is per mart, None when nothing is published."""

    months: MonthRange
    ask: tuple[date, ...]
    """Nights whose tables the source is asked for again."""
    landed: tuple[date, ...]
    """Nights of the range that have landed before."""
    rows: Mapping[str, int] | None
    timings: Timings | None

    @property
    def superseded(self) -> int:
        """Nights that have landed before and are asked for again."""
        return len(set(self.ask) & set(self.landed))

    @property
    def seconds(self) -> float | None:
        """How long it may take; None when no earlier run says so."""
        if self.timings is None:
            return None
        return self.timings.once + self.timings.per_night * len(self.ask)


def nights_to_ask(months: MonthRange, available: Set[date] | None, newest: date, source: str) -> tuple[date, ...]:
    """The nights of the range that are over and that the source can still give.

    `available` is None for a source that only knows its present state. Raises BackfillError when there is none to ask.
    """
    if available is None:
        raise BackfillError(
            f"the source {source} gives its present state only, not that of a past night, so there is nothing to ask "
            "again; leave out --reingest, or give the files source one folder per night"
        )
    nights = tuple(night for night in months.nights() if night <= newest and night in available)
    if not nights:
        raise BackfillError(f"the source {source} has no night of {months} to give; leave out --reingest")
    return nights


def plan_lines(plan: Plan) -> list[tuple[str, str]]:
    """The plan as labelled lines."""
    keys = plan.months.keys()
    lines = [("months", f"{_number(len(keys), 'month partition')}: {plan.months}")]
    lines += [("nights", text) for text in _nights_texts(plan)]
    lines += [("rows", text) for text in _rows_texts(plan)]
    return [*lines, ("build", "all tables are built, checked and published once"), *_time_lines(plan)]


def _nights_texts(plan: Plan) -> list[str]:
    if not plan.ask:
        return [f"none is asked for again; {_number(len(plan.landed), 'night')} of these months landed before"]
    new = len(plan.ask) - plan.superseded
    texts = [
        f"{_number(len(plan.ask), 'night')} asked for again, {plan.ask[0]} to {plan.ask[-1]}: "
        f"{plan.superseded:,} landed before and will be superseded, {new:,} new"
    ]
    kept = len(plan.landed) - plan.superseded
    if kept:
        texts.append(f"{_number(kept, 'night')} landed before that the source cannot give any more: kept as they are")
    return texts


def _rows_texts(plan: Plan) -> list[str]:
    if plan.rows is None:
        return ["unknown: nothing is published yet"]
    shown = sorted(plan.rows.items(), key=lambda item: (-item[1], item[0]))[:MARTS_SHOWN]
    if not shown or shown[0][1] == 0:
        return ["none of these months in any mart"]
    more = len(plan.rows) - len(shown)
    rest = f"; {sum(plan.rows.values()):,} in all, with {more} smaller marts" if more > 0 else ""
    return [", ".join(f"{mart} {rows:,}" for mart, rows in shown) + rest]


def _time_lines(plan: Plan) -> Sequence[tuple[str, str]]:
    timings, seconds = plan.timings, plan.seconds
    if timings is None or seconds is None:
        return [("time", "unknown: no run has ended well here yet")]
    asked = f"{len(plan.ask):,} x {timings.per_night:.1f} s a night + " if plan.ask else ""
    return [
        ("time", f"about {seconds:,.0f} seconds: {asked}{timings.once:.1f} s to build, check and publish"),
        ("based on", f"{timings.run}, which landed {_number(timings.nights, 'night')}"),
    ]


def _number(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
