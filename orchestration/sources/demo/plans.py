"""What the company aims at: campaigns with their opportunities, and monthly targets.

Belongs here: plans and pipeline. Not here: what was achieved (activity, sales).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from orchestration.sources.demo.clock import Clock, Month
from orchestration.sources.demo.cohort import Cohort
from orchestration.sources.demo.company import SALES, TEAMS, Company
from orchestration.sources.demo.life import (
    DAY,
    HOUR,
    NULL,
    EventLog,
    Ints,
    Life,
    Versions,
    dates,
    ids,
    ints,
    labels,
    life,
    money,
    references,
    standing_life,
    timestamps,
)
from orchestration.sources.demo.reference import PRODUCT_PRICES, PRODUCT_WEIGHTS, choose, share
from orchestration.sources.demo.seasons import after

OPEN, WON, LOST = range(3)
_STAGES = ("Tiếp cận", "Xác định nhu cầu", "Đề xuất giải pháp", "Thương lượng", "Chốt")
_APPROACHES = ("Gọi điện", "E-mail", "Gặp trực tiếp", "Hội thảo", "Mạng xã hội")
_CAMPAIGNS = ("Ưu đãi", "Tri ân khách hàng")
_PART = 0.15

REVENUE, ORDERS, NEW_CUSTOMERS, TASKS_LATE = range(4)
_METRICS = ("revenue_amount", "orders", "new_customers", "tasks_late")
_WEIGHTS = ints([50, 20, 20, 10])
_MONTH_FACTORS = np.array([0.8, 0.75, 1.0, 1.0, 1.0, 0.95, 0.95, 0.95, 1.0, 1.1, 1.2, 1.3])


class PlanBook:
    """Collects the months' opportunities."""

    def __init__(self) -> None:
        self.opportunities = EventLog(
            "campaign",
            "customer",
            "owner",
            "product",
            "approach",
            "stage",
            "status",
            "amount",
            "created",
            "closed",
            "deleted",
        )

    def record(self, clock: Clock, cohort: Cohort, month: Month) -> None:
        """Draw the opportunities of one month's customers; those who buy are mostly won."""
        rng = clock.random("opportunities", month.index)
        customer = share(rng, cohort.size, _PART)
        created = after(rng, cohort.seen[customer], 1, 45)
        there = cohort.is_there(customer, created)
        customer, created = customer[there], created[there]
        size = len(customer)
        product = choose(rng, PRODUCT_WEIGHTS, size)
        keys = self.opportunities.birth(
            created,
            campaign=_campaign_at(clock, created) + ints(rng.random(size) < 0.4),
            customer=cohort.keys[customer],
            owner=cohort.owners(customer, created),
            product=product,
            approach=ints(rng.integers(len(_APPROACHES), size=size)),
            stage=0,
            status=OPEN,
            amount=PRODUCT_PRICES[product] * ints(rng.integers(1, 15, size)),
            created=created,
            closed=NULL,
            deleted=NULL,
        )
        buys = np.isin(customer, cohort.order_customer)
        at = created
        alive = np.ones(size, dtype=np.bool_)
        for stage in range(1, len(_STAGES)):
            at = after(rng, at, 2, 18)
            alive &= rng.random(size) < np.where(buys, 0.97, 0.72)
            self.opportunities.change(keys[alive], at[alive], stage=stage)
        closed = after(rng, at, 1, 20)
        self.opportunities.change(
            keys[alive], closed[alive], status=np.where(buys, WON, LOST)[alive], closed=closed[alive]
        )
        given_up = ~alive & (rng.random(size) < 0.7)
        self.opportunities.change(keys[given_up], closed[given_up], status=LOST, closed=closed[given_up])
        # Some that stay open start over.
        still_open = np.flatnonzero(~alive & ~given_up)
        revised = still_open[share(rng, len(still_open), 0.3)]
        self.opportunities.change(keys[revised], after(rng, created[revised], 5, 40), stage=0)
        removed = share(rng, size, 0.01)
        removed_at = after(rng, created[removed], 10, 90)
        self.opportunities.change(keys[removed], removed_at, deleted=removed_at)

    def lives(self, clock: Clock, company: Company, customers: Versions) -> dict[str, Life]:
        """Campaigns, opportunities and targets."""
        return {
            "campaigns": _campaigns(clock),
            "opportunities": _opportunity_life(self.opportunities.fold(clock.until), customers),
            "kpi_targets": _targets(clock, company),
        }


def _campaign_at(clock: Clock, at: Ints) -> Ints:
    """The first of the two campaigns of the quarter (counted from the start of the life) of each moment."""
    months = at.astype("datetime64[s]").astype("datetime64[M]").astype(np.int64)
    first = (clock.start.year - 1970) * 12 + clock.start.month - 1
    return (months - first) // 3 * 2


def _campaigns(clock: Clock) -> Life:
    opening = [month for month in clock.months() if month.index % 3 == 0]
    named = [f"{name} đợt {order + 1}" for order in range(len(opening)) for name in _CAMPAIGNS]
    columns = {
        "campaign_id": ids("CD", 3, np.arange(len(named), dtype=np.int64)),
        "campaign_name": pa.array(named, pa.string()),
    }
    return standing_life("campaigns", columns, np.repeat(ints([month.starts_at for month in opening]), len(_CAMPAIGNS)))


def _opportunity_life(versions: Versions, customers: Versions) -> Life:
    columns = {
        "opportunity_id": ids("CH", 6, versions.row),
        "campaign_id": ids("CD", 3, versions["campaign"]),
        "customer_id": references("KH", 6, versions["customer"], customers),
        "owner_id": ids("NV", 3, versions["owner"]),
        "product_id": ids("SP", 3, versions["product"]),
        "approach_method": labels(versions["approach"], pa.array(_APPROACHES)),
        "stage_name": labels(versions["stage"], pa.array(_STAGES)),
        "stage_order": pa.array(versions["stage"] + 1),
        "status": labels(versions["status"], pa.array(["open", "won", "lost"])),
        "expected_amount": money(versions["amount"]),
        "created_at": timestamps(versions["created"]),
        "closed_at": timestamps(versions["closed"]),
        "updated_at": timestamps(versions.at),
        "deleted_at": timestamps(versions["deleted"]),
    }
    return life("opportunities", versions, columns)


def _base_values(clock: Clock, company: Company) -> npt.NDArray[np.float64]:
    """Per employee and metric, the target of an ordinary month once the company is running."""
    founders = company.sells & (company.takes_from == company.takes_from[0])
    sellers_share = company.lead_weight / company.lead_weight[founders].sum() * clock.scale
    revenue = sellers_share * company.ability * 14_000_000_000
    return np.stack([revenue, sellers_share * 570, sellers_share * 830, np.full(len(revenue), 5.0)], axis=1)


def _factors(month: Month) -> npt.NDArray[np.float64]:
    """Per metric, how a month differs from the ordinary one: season, growth, and sales that take months to start."""
    grown = _MONTH_FACTORS[month.month_number - 1] * (1 + 0.035 * month.index)
    started = 0.2 + 0.8 * (1 - np.exp(-month.index / 3))
    return np.array([grown * started, grown * started, grown, 1.0])


def _round_values(metric: Ints, value: npt.NDArray[np.float64]) -> Ints:
    """Money to millions, counts to whole ones, at least one."""
    step = np.where(metric == REVENUE, 1_000_000, 1)
    return np.maximum(ints(np.rint(value / step)), 1) * step


def _targets(clock: Clock, company: Company) -> Life:
    """Set on the 25th of the month before; one seller's revenue target is corrected on the 10th of its own month."""
    log = EventLog("first", "last", "employee", "department", "metric", "value", "weight", "direction")
    base = _base_values(clock, company)
    months = clock.months(more=1)
    for month in months:
        rng = clock.random("targets", month.index)
        known = max(month.starts_at - 7 * DAY + 9 * HOUR, months[0].starts_at + HOUR)
        people = np.flatnonzero(company.sells & (company.takes_from <= known) & (company.takes_until > known))
        factors = _factors(month)
        employee, metric = np.repeat(people, len(_METRICS)), np.tile(np.arange(len(_METRICS)), len(people))
        value = _round_values(ints(metric), base[employee, metric] * factors[metric])
        month_days = {"first": month.first, "last": month.end - 1}
        keys = log.birth(
            ints(known, len(employee)),
            employee=ints(employee),
            department=NULL,
            metric=ints(metric),
            value=value,
            weight=_WEIGHTS[metric],
            direction=ints(metric == TASKS_LATE),
            **month_days,
        )
        corrected = keys[int(rng.integers(len(people))) * len(_METRICS)]
        at = ints([month.starts_at + 9 * DAY + 10 * HOUR])
        log.change(ints([corrected]), at, value=value[[corrected - keys[0]]] * 9 // 10)
        for team in (*TEAMS, SALES):
            within = people if team == SALES else people[company.department[people] == team]
            kinds = ints([REVENUE, NEW_CUSTOMERS])
            totals = _round_values(kinds, base[within][:, kinds].sum(axis=0) * factors[kinds])
            log.birth(
                ints(known, 2),
                employee=NULL,
                department=team,
                metric=kinds,
                value=totals,
                weight=NULL,
                direction=0,
                **month_days,
            )
    return _target_life(log.fold(clock.until))


def _target_life(versions: Versions) -> Life:
    percent = versions["weight"]
    weight = pa.array(np.where(percent == NULL, 0, percent) / 100, mask=percent == NULL)
    columns = {
        "period_start": dates(versions["first"]),
        "period_end": dates(versions["last"]),
        "employee_id": ids("NV", 3, versions["employee"]),
        "department_id": ids("PB", 2, versions["department"]),
        "metric": labels(versions["metric"], pa.array(_METRICS)),
        "target_value": pa.array(versions["value"]).cast(pa.decimal128(23, 4)).cast(pa.decimal128(18, 4)),
        "weight": weight.cast(pa.decimal128(9, 6)),
        "direction": labels(versions["direction"], pa.array(["increase", "decrease"])),
    }
    return life("kpi_targets", versions, columns)
