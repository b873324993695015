"""One company's whole life: every entity's versions, from a seed, a size and two dates.

Belongs here: the order in which the parts are drawn. Not here: nights and batches (source).
"""

from __future__ import annotations

from orchestration.sources.demo.activity import ActivityBook
from orchestration.sources.demo.clock import Clock
from orchestration.sources.demo.company import build_company
from orchestration.sources.demo.customers import CustomerBook
from orchestration.sources.demo.life import Life
from orchestration.sources.demo.plans import PlanBook
from orchestration.sources.demo.reference import reference_lives
from orchestration.sources.demo.sales import SalesBook


def live(clock: Clock) -> dict[str, Life]:
    """All entities of the contract, month by month; a later end adds versions and changes none."""
    company = build_company(clock)
    customers, activity, sales, plans = CustomerBook(), ActivityBook(), SalesBook(), PlanBook()
    for month in clock.months():
        cohort = customers.welcome(clock, company, month)
        activity.record(clock, company, cohort, month, customers.log)
        sales.record(clock, company, cohort, month)
        plans.record(clock, cohort, month)
    versions = customers.log.fold(clock.until)
    return {
        **reference_lives(clock),
        **company.lives,
        **customers.lives(versions),
        "contacts": customers.contact_life(versions, clock.until),
        **activity.lives(versions, clock.until),
        **sales.lives(versions, clock.until),
        **plans.lives(clock, company, versions),
    }
