"""Everything a month's report says something about, read once.

Belongs here: reading frozen files, the publication and the batches' manifests. Not here: what is said about them
(`content.py`). Frozen figures come from the files themselves, which are verified first; names, restatements and the
customers' cycle come from the publication and are as of its day.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

from orchestration.freezing.manifest import FrozenError, FrozenVersion
from orchestration.freezing.store import FIGURES, FrozenStore
from orchestration.landing.manifest import Manifest
from orchestration.landing.store import Landing
from orchestration.report.blocks.cohorts import Cohorts
from orchestration.report.blocks.cycle import Cycle
from orchestration.report.months import months_back
from orchestration.report.people import one_line, read_everybody
from orchestration.report.publication import Publication, open_publication, read_publication
from orchestration.report.reading import Reading
from orchestration.serving.sql import attach, identifier
from orchestration.settings import Settings
from orchestration.sources.base import BatchKind

COMPANY, DEPARTMENT, EMPLOYEE = "company", "department", "employee"
ALL = "all"
MONTHS_SHOWN = 13

# What the blocks of the page read here: the company's own rows, whoever would look.
_ACCESS = (
    "fct_customer_cycle", "fct_cycle_members", "dim_sources", "dim_relationships", "kpi_cohort_funnel", "fct_funnel"
)  # fmt: skip


@dataclass(frozen=True)
class Figure:
    """One frozen figure. A rate has its numerator and denominator; without a target there is no attainment."""

    value: Decimal | None
    numerator: Decimal | None = None
    denominator: Decimal | None = None
    target_value: Decimal | None = None
    attainment_rate: float | None = None
    actual_value_with_below: Decimal | None = None
    attainment_with_below_rate: float | None = None


Figures = Mapping[tuple[str, str, str], Figure]
"""By level, subject and metric. A subject without a figure had 0 and no target."""


@dataclass(frozen=True)
class FrozenMonth:
    """One version of a month, and all its figures."""

    version: FrozenVersion
    figures: Figures

    def value(self, level: str, subject: str, metric: str) -> Decimal:
        """The figure's value, 0 where the subject has none."""
        found = self.figures.get((level, subject, metric))
        return Decimal(0) if found is None or found.value is None else found.value

    def of_level(self, level: str, metric: str) -> dict[str, Figure]:
        """The figures of one metric by subject."""
        return {s: figure for (one, s, m), figure in self.figures.items() if one == level and m == metric}


@dataclass(frozen=True)
class Department:
    """Where a department stands: its name, and how deep below the top."""

    name: str
    path: str
    depth: int


@dataclass(frozen=True)
class Metric:
    """What a figure is called, what it counts, and what is good."""

    label: Mapping[str, str]
    unit: str
    direction: str


@dataclass(frozen=True)
class Restated:
    """A company's figure of a frozen month that differs now, and how many rows were added, removed or changed.

    `departments` and `employees` are how many of them differ in the same figure.
    """

    month: date
    metric: str
    frozen: Decimal | None
    now: Decimal | None
    rows: Mapping[str, int]
    departments: int
    employees: int


@dataclass(frozen=True)
class Facts:
    """What a report says something about. `earlier` are the frozen ones of the months before it.

    `latest` is the month's newest version, which need not be the one that is shown. `restated_targets` counts the
    targets that are not what was frozen, by month.
    """

    this: FrozenMonth
    earlier: Mapping[date, FrozenMonth]
    publication: Publication
    employees: Mapping[str, str]
    departments: Mapping[str, Department]
    metrics: Mapping[str, Metric]
    cycle: Cycle
    cohorts: Cohorts
    latest: FrozenVersion
    restated: Sequence[Restated] = ()
    restated_targets: Mapping[date, int] = field(default_factory=dict)
    quarantined: Mapping[str, int] = field(default_factory=dict)

    @property
    def month(self) -> date:
        """The first day of the report's month."""
        return self.this.version.month

    @property
    def corrections_through(self) -> date:
        """The last month whose corrections are told."""
        return corrections_through(self.this.version, self.latest)

    def restatement(self, month: date, metric: str) -> Restated | None:
        """How the company's figure of a month, as frozen, differs now; None where it does not."""
        found = [one for one in self.restated if (one.month, one.metric) == (month, metric) and one.now is not None]
        return found[0] if found else None


def corrections_through(shown: FrozenVersion, latest: FrozenVersion) -> date:
    """The month itself where its newest version is shown, which is what is compared with now; else the one before."""
    return shown.month if shown.version == latest.version else months_back(shown.month, 1)


def read_facts(settings: Settings, month: date, version: int | None = None) -> Facts:
    """The facts of a frozen month, by default of its latest version.

    Raises FrozenError when the month is not frozen or anything frozen is damaged, PageError without a publication.
    """
    store = FrozenStore(settings.frozen_dir)
    store.verify()
    this = _version(store, month, version)
    latest = store.of_month(f"{month:%Y-%m}")[-1]
    through = corrections_through(this, latest)
    earlier = {}
    for back in range(1, MONTHS_SHOWN):
        first = months_back(month, back)
        if versions := store.of_month(f"{first:%Y-%m}"):
            earlier[first] = read_month(store, versions[-1])
    with open_publication(settings.marts_path) as connection:
        publication = read_publication(connection)
        employees = {person.employee_id: person.full_name for person in read_everybody(connection)}
        departments = _departments(connection)
        metrics = _metrics(connection)
        restated = _restated(connection, through)
        restated_targets = _restated_targets(connection, through)
    with company_reading(settings.marts_path, publication.as_of, month) as reading:
        cycle, cohorts = Cycle.read(reading), Cohorts.read(reading)
    return Facts(
        read_month(store, this),
        earlier,
        publication,
        employees,
        departments,
        metrics,
        cycle,
        cohorts,
        latest,
        restated,
        restated_targets,
        _quarantined(settings, this),
    )


def _version(store: FrozenStore, month: date, version: int | None) -> FrozenVersion:
    versions = store.of_month(f"{month:%Y-%m}")
    if not versions:
        raise FrozenError(
            f"{month:%Y-%m} is not frozen; a report shows frozen figures: kpi freeze --month {month:%Y-%m}"
        )
    if version is None:
        return versions[-1]
    for one in versions:
        if one.version == version:
            return one
    raise FrozenError(f"{month:%Y-%m} has no version {version}; it has 1 to {versions[-1].version}.")


def read_month(store: FrozenStore, version: FrozenVersion) -> FrozenMonth:
    """A version with its figures, from its file."""
    rows = pq.read_table(store.path(version, FIGURES)).to_pylist()
    names = tuple(Figure.__dataclass_fields__)
    return FrozenMonth(
        version,
        {
            (row["subject_level"], row["subject_id"], row["metric"]): Figure(**{name: row[name] for name in names})
            for row in rows
        },
    )


@contextmanager
def company_reading(marts_path: Path, as_of: date, month: date) -> Iterator[Reading]:
    """A page's reading over everybody's rows: views named as the `access` ones are, that leave nothing out."""
    with open_publication(marts_path) as published, duckdb.connect(":memory:") as connection:
        people = read_everybody(published)
        connection.execute(attach(marts_path, "published", read_only=True))
        connection.execute("create schema access")
        for name in _ACCESS:
            view = identifier(f"access_{name}")
            connection.execute(f"create view access.{view} as from published.marts.{identifier(name)}")
        yield Reading(connection, people, month, as_of)


def _departments(connection: duckdb.DuckDBPyConnection) -> dict[str, Department]:
    rows = connection.execute(
        "select department_id, department_name, department_path, depth from marts.dim_departments"
    ).fetchall()
    return {key: Department(one_line(name or key), path or key, depth or 0) for key, name, path, depth in rows}


def _metrics(connection: duckdb.DuckDBPyConnection) -> dict[str, Metric]:
    rows = connection.execute("select metric, label_en, label_vi, unit, direction from marts.dim_metrics").fetchall()
    return {name: Metric({"en": en, "vi": vi}, unit, direction) for name, en, vi, unit, direction in rows}


def _restated(connection: duckdb.DuckDBPyConnection, month: date) -> list[Restated]:
    """What differs of the months up to this one by correction, newest first; a company's figure that is as it was is in
    it where departments or employees differ."""
    found = connection.execute(
        """
        select
            month_date, metric,
            max(frozen_value) filter (where subject_level = 'company'),
            max(now_value) filter (where subject_level = 'company'),
            count(*) filter (where subject_level = 'department'), count(*) filter (where subject_level = 'employee')
        from marts.kpi_restatement
        where month_date <= ? and not changes_with_time and difference_value <> 0 and unit <> 'rate'
        group by month_date, metric
        order by month_date desc, metric
        """,
        [month],
    ).fetchall()
    rows: dict[tuple[date, str], dict[str, int]] = defaultdict(dict)
    for first, metric, kind, count in connection.execute(
        """
        select month_date, metric, change_kind, count(*) from marts.fct_restatement_rows
        where subject_level = 'company' group by all
        """
    ).fetchall():
        rows[first, metric][kind] = count
    return [
        Restated(first, metric, frozen, now, rows[first, metric], departments, employees)
        for first, metric, frozen, now, departments, employees in found
    ]


def _restated_targets(connection: duckdb.DuckDBPyConnection, month: date) -> dict[date, int]:
    rows = connection.execute(
        """
        select month_date, count(*) from marts.kpi_restatement
        where month_date <= ? and frozen_target_value is distinct from now_target_value
        group by month_date
        """,
        [month],
    ).fetchall()
    return dict(rows)


def _quarantined(settings: Settings, version: FrozenVersion) -> dict[str, int]:
    """Rows that were set aside, by entity: in the last batch with all rows that the version was made from, and in those
    with changes after it. A row that came again and could be read is counted too."""
    used = set(version.batches)
    found: dict[str, list[Manifest]] = defaultdict(list)
    for manifest in Landing(settings.landing_dir).manifests(version.source):
        if f"{manifest.entity}/{manifest.batch_id}" in used:
            found[manifest.entity].append(manifest)
    return {entity: rows for entity, batches in sorted(found.items()) if (rows := set_aside(batches))}


def set_aside(batches: Sequence[Manifest]) -> int:
    """Rows in quarantine since one entity was delivered whole, that delivery included."""
    in_order = sorted(batches, key=lambda one: (one.batch_date, one.attempt))
    whole = [number for number, one in enumerate(in_order) if one.kind is BatchKind.COMPLETE]
    return sum(one.rows_quarantined for one in in_order[whole[-1] if whole else 0 :])
