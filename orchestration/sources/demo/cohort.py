"""One month's newcomers: when they arrive, who looks after them, when they buy, when they are deleted or come back.

Belongs here: drawing a cohort with its whole future. Not here: the tables this fills (customers, activity, sales).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from orchestration.sources.demo.clock import Clock, Month
from orchestration.sources.demo.company import Company
from orchestration.sources.demo.life import DAY, HOUR, NULL, Bools, Ints, ints
from orchestration.sources.demo.reference import SOURCE_EFFECT, SOURCE_WEIGHTS, choose, share, some
from orchestration.sources.demo.seasons import after, day_weights, settle, working_seconds

NEVER = 2**60
_NEW_PER_DAY = 45.6
_MAX_ORDERS = 12


@dataclass(frozen=True)
class Cohort:
    """The customers created in one month, by arrival; moments are seconds.

    `order_customer` and `order_at` are the planned orders, one per entry; `owner_log` is (customer, from, owner).
    Absent customers are away from `leaves_at` until `returns_at`; `is_hard` tells whose row vanishes instead of being
    marked deleted.
    """

    keys: Ints
    created: Ints
    seen: Ints
    leaves_at: Ints
    returns_at: Ints
    is_hard: Bools
    order_customer: Ints
    order_at: Ints
    owner_log: tuple[Ints, Ints, Ints]
    source: Ints

    @property
    def size(self) -> int:
        """How many customers."""
        return len(self.keys)

    def owners(self, customer: Ints, at: Ints) -> Ints:
        """Who is in charge of each customer (position in the cohort) at each moment; NULL when nobody is."""
        who, when, new = self.owner_log
        found = np.searchsorted(who * 2**40 + when, customer * 2**40 + at, side="right") - 1
        return new[np.maximum(found, 0)]

    def is_there(self, customer: Ints, at: Ints) -> Bools:
        """Whether the CRM holds each customer at each moment: known already, and not deleted then."""
        away = (at >= self.leaves_at[customer]) & (at < self.returns_at[customer])
        return (at >= self.seen[customer]) & ~away


def draw_cohort(clock: Clock, company: Company, month: Month, first_key: int) -> Cohort:
    """Draw one month's customers; their keys count from `first_key`."""
    rng = clock.random("cohort", month.index)
    created = _arrivals(rng, clock, month)
    size = len(created)
    # Leads from fairs are typed in days later.
    seen = created + some(rng, size, 0.02, ints(rng.integers(1, 4, size)) * DAY + HOUR, 0)
    first_owner = np.where(rng.random(size) < 0.05, NULL, company.sellers(rng, seen))
    source = choose(rng, SOURCE_WEIGHTS, size)
    order_customer, order_at = _plan_orders(rng, company, seen, first_owner, source)
    owner_log = _hand_over(clock, company, month, _owners(rng, company, seen, first_owner))
    leaves_at, returns_at, is_hard = _absences(rng, seen, order_customer, order_at)
    return Cohort(
        keys=np.arange(first_key, first_key + size, dtype=np.int64),
        created=created,
        seen=seen,
        leaves_at=leaves_at,
        returns_at=returns_at,
        is_hard=is_hard,
        order_customer=order_customer,
        order_at=order_at,
        owner_log=owner_log,
        source=source,
    )


def _arrivals(rng: np.random.Generator, clock: Clock, month: Month) -> Ints:
    """The moments of creation, ordered. The company grows by some per cent a month for three years."""
    days = np.arange(month.first, month.end)
    growth = 0.72 + 0.032 * min(month.index, 36)
    weights = day_weights(ints(days))
    size = max(4, round(_NEW_PER_DAY * clock.scale * growth * float(weights.sum())))
    drawn = month.first + choose(rng, weights, size)
    return np.sort(drawn * DAY + working_seconds(rng, size))


def _plan_orders(
    rng: np.random.Generator, company: Company, seen: Ints, owner: Ints, source: Ints
) -> tuple[Ints, Ints]:
    """Which customers buy, and when: (customer, moment), by customer and moment."""
    skill = np.where(owner == NULL, 0.3, company.ability[np.maximum(owner, 0)])
    chance = np.clip(0.245 * skill * SOURCE_EFFECT[source], 0.01, 0.85)
    buyers = np.flatnonzero(rng.random(len(seen)) < chance)
    first = np.clip(rng.lognormal(np.log(16), 1.0, len(buyers)), 0.1, 300)
    gaps = rng.exponential(50, (len(buyers), _MAX_ORDERS)) + 6
    gaps[:, 0] = first
    count = np.minimum(rng.geometric(0.36, len(buyers)), _MAX_ORDERS)
    planned = np.arange(_MAX_ORDERS) < count[:, None]
    moments = seen[buyers][:, None] + ints(np.cumsum(gaps, axis=1) * DAY)
    customer = np.repeat(buyers, count)
    at = settle(rng, moments[planned])
    order = np.lexsort((at, customer))
    return ints(customer[order]), at[order]


def _owners(rng: np.random.Generator, company: Company, seen: Ints, first: Ints) -> tuple[Ints, Ints, Ints]:
    """Every owner of every customer: (customer, from, owner), ordered; nobody is NULL."""
    size = len(seen)
    everyone = np.arange(size, dtype=np.int64)
    moved = np.flatnonzero(rng.random(size) < np.where(first == NULL, 0.6, 0.2))
    moved_at = after(rng, seen[moved], 2, 150)
    again = moved[share(rng, len(moved), 0.3)]
    again_at = after(rng, seen[again], 160, 330)
    to_pool = share(rng, size, 0.02)
    pool_at = after(rng, seen[to_pool], 30, 260)
    who = np.concatenate([everyone, moved, again, to_pool])
    when = np.concatenate([seen, moved_at, again_at, pool_at])
    takers = company.sellers(rng, np.concatenate([moved_at, again_at]))
    new = np.concatenate([first, takers, ints(NULL, len(to_pool))])
    return _ordered(who, when, new)


def _hand_over(
    clock: Clock, company: Company, month: Month, owner_log: tuple[Ints, Ints, Ints]
) -> tuple[Ints, Ints, Ints]:
    """Customers of a seller who leaves go to colleagues within the three days before.

    Each leave draws on its own, so that a leave after the end of a shorter life changes nothing before it.
    """
    who, when, new = owner_log
    everyone = np.unique(who)
    seen = when[np.searchsorted(who, everyone)]
    for number, leave in enumerate(company.leaves):
        rng = clock.random(f"leave {number}", month.index)
        at = leave.at - ints(rng.uniform(0.1, 3, len(everyone)) * DAY)
        current = new[np.maximum(np.searchsorted(who * 2**40 + when, everyone * 2**40 + at, side="right") - 1, 0)]
        handed = np.flatnonzero((current == leave.employee) & (seen < at))
        taker = company.sellers(rng, at[handed])
        who, when, new = _ordered(
            np.concatenate([who, handed]), np.concatenate([when, at[handed]]), np.concatenate([new, taker])
        )
    return who, when, new


def _ordered(who: Ints, when: Ints, what: Ints) -> tuple[Ints, Ints, Ints]:
    order = np.lexsort((when, who))
    return who[order], when[order], what[order]


def _absences(rng: np.random.Generator, seen: Ints, order_customer: Ints, order_at: Ints) -> tuple[Ints, Ints, Bools]:
    """When customers are deleted and come back (NEVER when not), and whether the deletion leaves no trace."""
    size = len(seen)
    last_order = np.zeros(size, dtype=np.int64)
    np.maximum.at(last_order, order_customer, order_at)
    leaves_at, returns_at = ints(NEVER, size), ints(NEVER, size)
    is_hard = np.zeros(size, dtype=np.bool_)
    chosen = rng.permutation(size)
    soft = chosen[: max(2, round(size * 0.02))]
    leaves_at[soft] = after(rng, np.maximum(seen[soft], last_order[soft]), 8, 100)
    restored = soft[: max(1, round(len(soft) * 0.35))]
    returns_at[restored] = after(rng, leaves_at[restored], 1, 20)
    # Duplicates and spam vanish, never buyers; their interactions stay and point at nobody.
    plain = chosen[len(soft) :][last_order[chosen[len(soft) :]] == 0]
    hard = plain[: max(2, round(size * 0.006))]
    is_hard[hard] = True
    leaves_at[hard] = after(rng, seen[hard], 10, 60)
    back = hard[: max(1, round(len(hard) * 0.3))]
    returns_at[back] = after(rng, leaves_at[back], 2, 14)
    return leaves_at, returns_at, is_hard
