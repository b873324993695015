"""It does not matter how rows arrive: in what order they stand in a file, on how many nights, how often it is run.

Everything of a generated company carries its own time: rows their `updated_at`, owners and relationships an entry in
the change log, deletions their `deleted_at`. Then no mart may depend on the night on which the warehouse heard of it,
and all marts are compared with all their columns. Three kinds of news leave no time in the final state, so that only a
warehouse which saw them knows; the companies of that property have none of them, and
`tests/integration/test_replay.py` says what differs then for the first:

- a record that vanishes without `deleted_at`;
- a deletion that was taken back: the row no longer says that there was one;
- an owner or a relationship that changes without an entry in the log.

Rows without `updated_at` are in: their order of arrival says which is newer, and no mart shows more than that.
"""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from functools import partial

import pytest

from orchestration.landing.manifest import Manifest
from orchestration.landing.store import Landing
from tests.properties.cases import richest_company
from tests.properties.companies import AS_OF, GHOSTS, NIGHTS, Company, Version, companies
from tests.properties.comparison import differences
from tests.properties.examples import COMPARISONS, check, examples
from tests.properties.runner import Delivery, Project, marts_of


def shuffled(company: Company, seed: int) -> Delivery:
    """The final state, the rows of every file in another order."""
    order = random.Random(seed)
    (whole,) = company.landed_at_once()
    return replace(whole, tables={entity: order.sample(rows, len(rows)) for entity, rows in whole.tables.items()})


def order_matters(project: Project, company: Company, seed: int) -> list[str]:
    as_drawn, mixed = (
        marts_of(project, deliveries, AS_OF) for deliveries in (company.landed_at_once(), [shuffled(company, seed)])
    )
    return differences(as_drawn, mixed)


def nights_matter(project: Project, company: Company) -> list[str]:
    at_once = marts_of(project, company.landed_at_once(), AS_OF)
    found = []
    for way, deliveries in (("complete", company.landed_complete()), ("changes", company.landed_as_changes())):
        found += [f"{way}: {text}" for text in differences(at_once, marts_of(project, deliveries, AS_OF))]
    return found


def later_nights_matter(project: Project, company: Company) -> list[str]:
    """Whether marts as of an earlier night show what landed after it."""
    night, deliveries = NIGHTS[-2], company.landed_as_changes()
    by_then = [delivery for delivery in deliveries if delivery.night <= night]
    return differences(marts_of(project, by_then, night), marts_of(project, deliveries, night))


def runs_differ(project: Project, company: Company) -> list[str]:
    first, second = (marts_of(project, company.landed_as_changes(), AS_OF) for _ in range(2))
    return differences(first, second)


def test_the_order_of_rows_in_a_file_does_not_matter(project: Project) -> None:
    for place, company in enumerate(examples(companies(), COMPARISONS, start=2)):
        check(company, partial(order_matters, project, seed=place))


def test_the_nights_on_which_rows_came_do_not_matter(project: Project) -> None:
    for company in examples(companies(restores=False), COMPARISONS, start=3):
        check(company, partial(nights_matter, project))


def test_marts_as_of_an_earlier_night_know_nothing_of_later_ones(project: Project) -> None:
    for company in examples(companies(), COMPARISONS, start=4):
        check(company, partial(later_nights_matter, project))


def test_running_again_gives_the_same_rows(project: Project) -> None:
    assert runs_differ(project, richest_company()) == []


def test_a_number_by_place_in_the_file_is_noticed(project: Project) -> None:
    broken = project.broken(
        "kpi_target_attainment",
        "all_targets.target_value,\n                coalesce",
        "all_targets._row_number,\n                coalesce",
    )
    company = richest_company()
    # Two owners nobody knows are one owner: their targets are told apart by a number only.
    for ghost, value in zip(GHOSTS, (Decimal(5), Decimal(9)), strict=True):
        target = {
            "period_start": date(2026, 3, 1),
            "period_end": date(2026, 3, 31),
            "employee_id": ghost,
            "metric": "orders",
            "target_value": value,
        }
        company = company.with_record("kpi_targets", (Version(datetime(2026, 3, 1), target),))
    assert any(order_matters(broken, company, seed) for seed in range(8))


def test_a_history_that_ignores_the_change_log_is_noticed(project: Project) -> None:
    broken = project.broken("core_customer_owner_history", "field = 'manager_id'", "field = 'no such field'")
    assert nights_matter(broken, richest_company())


def test_a_batch_of_a_later_night_is_noticed(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    visible = Landing.visible

    def all_that_landed(
        landing: Landing, source: str, as_of: object = None, entity: str | None = None
    ) -> list[Manifest]:
        return visible(landing, source, None, entity)

    monkeypatch.setattr(Landing, "visible", all_that_landed)
    assert later_nights_matter(project, richest_company())


def test_a_figure_left_to_chance_is_noticed(project: Project) -> None:
    broken = project.broken("kpi_task_month", "select * from final", "select * from final where random() < 0.5")
    assert runs_differ(broken, richest_company())
