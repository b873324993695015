"""Dashboards' questions to what was published: how long one waits, in both engines, with and without policies.

Belongs here: the questions, asking them, percentiles, the tables; publishing to PostgreSQL against a bare COPY.
Not here: the larger made-up table (`postgres.py`).

Every question is asked of tables that hold figures already added up by month, employee or department. Each is asked
once unmeasured, then `ASKED` times; the percentiles are over all questions together. `only_asked` keeps every other
mart of figures or rows off the server, as KPI_POSTGRES_WITHOUT does for a history whose rows are too many for it.
"""

from __future__ import annotations

import math
import statistics
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path
from string import Formatter
from typing import Any

import psycopg

from benchmarks.measure import Limits, ratio, table
from benchmarks.pages import broadest_viewer
from benchmarks.postgres import bare_copy, seconds
from orchestration.report.tour import choose_tour
from orchestration.serving.postgres.publish import publish_to
from orchestration.serving.postgres.tables import read_tables
from orchestration.serving.publish import publish
from orchestration.serving.reading import look_as, open_publication
from orchestration.settings import Settings
from tests.support.postgres import running_server
from tests.support.postgres_company import keys_in, log_in, make_database

ASKED = 20

# {mart} stands where the engine and the reader have the mart; dates are those of the publication.
QUESTIONS: Mapping[str, str] = {
    "funnel by month": """
        select month_date, sum(new_customers), sum(interactions), sum(activities), sum(orders), sum(revenue_amount)
        from {fct_funnel} group by month_date order by month_date""",
    "best sellers of the month": """
        select employee_id, sum(revenue_amount) as revenue_amount from {fct_funnel}
        where month_date = date '{month}' group by employee_id order by revenue_amount desc limit 10""",
    "tasks by state": """
        select sum(tasks_new), sum(tasks_in_progress), sum(tasks_late), sum(tasks_completed), sum(tasks_cancelled)
        from {fct_task_status} where month_date = date '{month}'""",
    "tasks by project and type": """
        select project_id, task_type_id, sum(tasks_created), sum(tasks_late) from {fct_task_status}
        group by project_id, task_type_id order by 3 desc limit 20""",
    "interactions by type": """
        select month_date, interaction_type, sum(interactions) from {kpi_interactions_by_type}
        group by month_date, interaction_type order by month_date, interaction_type""",
    "customers by province": """
        select member_id, sum(customers), sum(revenue_amount) from {kpi_customer_structure}
        where dimension = 'province' group by member_id order by 2 desc limit 20""",
    "targets of the month": """
        select metric, sum(target_value), sum(actual_value) from {kpi_target_attainment}
        where period_start <= date '{month}' and period_end >= date '{month}' group by metric order by metric""",
    "customers' months": """
        select month_date, sum(new_customers), sum(customer_orders), sum(customer_revenue_amount)
        from {kpi_customer_month} group by month_date order by month_date""",
    "cohorts": """
        select cohort_month_date, sum(customers), sum(with_order), sum(revenue_amount) from {kpi_cohort_funnel}
        group by cohort_month_date order by cohort_month_date""",
    "products of the month": """
        select product_id, sum(sold_quantity), sum(revenue_amount) from {kpi_product_period}
        where period_type = 'month' and period_date = date '{month}' group by product_id order by 3 desc limit 10""",
}


@dataclass(frozen=True)
class Waits:
    """How long each question took one reader, in milliseconds."""

    engine: str
    reader: str
    milliseconds: Mapping[str, Sequence[float]]

    def percentile(self, share: float) -> float:
        """Over all questions: the smallest wait that so large a share of them does not exceed."""
        waits = sorted(wait for asked in self.milliseconds.values() for wait in asked)
        return waits[max(0, math.ceil(share * len(waits)) - 1)]

    def slowest(self) -> str:
        """The question with the longest median."""
        return max(self.milliseconds, key=lambda name: statistics.median(self.milliseconds[name]))

    def line(self) -> list[str]:
        """As the table has it."""
        slowest = self.slowest()
        return [
            f"{self.engine}, {self.reader}",
            f"{self.percentile(0.5):.1f}",
            f"{self.percentile(0.95):.1f}",
            f"{slowest} ({statistics.median(self.milliseconds[slowest]):.1f})",
        ]


@dataclass(frozen=True)
class Served:
    """What publishing took, in seconds, and what readers then waited."""

    rows: int
    bare_seconds: float
    first_seconds: float
    again_seconds: float
    waits: Sequence[Waits]
    left_out: tuple[str, ...] = ()


def questions(month: date, relation: Callable[[str], str]) -> dict[str, str]:
    """The questions of one engine and reader; `relation` says how a mart is called there."""

    class Names(dict[str, str]):
        """Whatever mart a question names."""

        def __missing__(self, mart: str) -> str:
            return relation(mart)

    return {name: text.format_map(Names(month=month.isoformat())) for name, text in QUESTIONS.items()}


def ask(engine: str, reader: str, asked: Mapping[str, str], answer: Callable[[str], object]) -> Waits:
    """Ask everything once, then again and again, with a clock."""
    for text in asked.values():
        answer(text)
    waits: dict[str, list[float]] = {name: [] for name in asked}
    for _ in range(ASKED):
        for name, text in asked.items():
            waits[name].append(1000 * _wait(answer, text))
    return Waits(engine, reader, waits)


def _wait(answer: Callable[[str], object], text: str) -> float:
    return seconds(lambda: answer(text))


def not_asked(marts: Path) -> frozenset[str]:
    """Marts of figures or rows that no question reads."""
    asked = {name for text in QUESTIONS.values() for _, name, _, _ in Formatter().parse(text) if name}
    with open_publication(marts) as duck:
        return frozenset(
            published.name
            for published in read_tables(duck)
            if published.name.startswith(("fct_", "kpi_")) and published.name not in asked
        )


def measure(
    home: Path,
    as_of: date,
    limits: Limits,
    repeats: int,
    only_asked: bool = False,
    tell: Callable[[str], None] = print,
) -> Served:
    """Publish the warehouse of `home` to a file and to a PostgreSQL of its own, and ask both."""
    settings = Settings(home=home)
    with tempfile.TemporaryDirectory(prefix="kpi-benchmark-") as aside, running_server() as server:
        folder = Path(aside)
        marts = folder / "marts.duckdb"
        meta = {"as_of": as_of, "source": "demo"}
        tell("publishing to a file")
        publish(settings.warehouse_path, marts, meta, threads=limits.threads, memory_limit=limits.memory_limit)
        waits = _ask_duckdb(marts, as_of.replace(day=1), limits, tell)
        without = not_asked(marts) if only_asked else frozenset()
        target = make_database(server, folder, "bench", statement_timeout_seconds=3600, without=without)
        tell("bare COPY to PostgreSQL")
        with server.connect("bench") as operator:
            bare = statistics.median(bare_copy(marts, operator, without) for _ in range(repeats))
        tell("publishing to PostgreSQL")
        published = publish_to(target, marts, passwords_path=folder / "keys.csv")
        again = statistics.median(publish_to(target, marts).seconds for _ in range(repeats))
        people, keys = _people(marts), keys_in(folder / "keys.csv")
        asked = questions(as_of.replace(day=1), lambda mart: f"marts.{mart}")
        with server.connect("bench") as operator:
            tell("asking PostgreSQL")
            waits.append(ask("PostgreSQL", "no policy", asked, partial(_answer, operator)))
        for reader, email in people.items():
            with log_in(server, target, keys[email]) as session:
                waits.append(ask("PostgreSQL", reader, asked, partial(_answer, session)))
    return Served(sum(published.rows.values()), bare, published.seconds, again, waits, tuple(sorted(without)))


def _answer(session: psycopg.Connection[Any], text: str) -> object:
    return session.execute(text.encode()).fetchall()


def _people(marts: Path) -> dict[str, str]:
    """Who reads with policies, by e-mail."""
    tour = choose_tour(marts)
    return {
        "one employee's policy": tour.salesperson_email,
        "a team's policy": tour.manager_email,
        "everybody's policy": broadest_viewer(marts),
    }


def _ask_duckdb(marts: Path, month: date, limits: Limits, tell: Callable[[str], None]) -> list[Waits]:
    tell("asking DuckDB")
    with open_publication(marts) as connection:
        connection.execute("set threads = ?", [limits.threads])
        connection.execute("set memory_limit = ?", [limits.memory_limit])
        asked = questions(month, lambda mart: f"marts.{mart}")
        waits = [ask("DuckDB", "no policy", asked, lambda text: connection.execute(text).fetchall())]
        by_policy = questions(month, lambda mart: f"access.access_{mart}")
        for reader, email in _people(marts).items():
            look_as(connection, email)
            waits.append(ask("DuckDB", reader, by_policy, lambda text: connection.execute(text).fetchall()))
    return waits


def describe_publishing(served: Served) -> str:
    """The publication against the bare COPY of the same rows."""
    shares = [("bare COPY of the same tables", served.bare_seconds)]
    shares += [("whole publication, the first", served.first_seconds)]
    shares += [("whole publication, replacing one", served.again_seconds)]
    lines = [
        [words, f"{taken:.1f}", f"{served.rows / taken:,.0f}", ratio(served.bare_seconds, taken)]
        for words, taken in shares
    ]
    figures = table([f"{served.rows:,} rows to PostgreSQL", "wall s", "rows per s", "of COPY's speed"], lines)
    if not served.left_out:
        return figures
    return f"{figures}\n\nWithout {len(served.left_out)} marts that no question below reads (`KPI_POSTGRES_WITHOUT`)."


def describe_waits(served: Served) -> str:
    """Who waited how long."""
    header = ["reader", "p50 ms", "p95 ms", "slowest question (median ms)"]
    return table(header, [waits.line() for waits in served.waits])
