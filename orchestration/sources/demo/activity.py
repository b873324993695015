"""What staff do: interactions with customers, and tasks from creation to confirmation.

Belongs here: calls, messages, comments, tasks and how their rows change, arrive late or vanish.
Not here: orders (sales).
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from orchestration.sources.demo.clock import Clock, Month
from orchestration.sources.demo.cohort import Cohort
from orchestration.sources.demo.company import CARE, TELESALES, Company
from orchestration.sources.demo.life import (
    DAY,
    HOUR,
    NULL,
    EventLog,
    Ints,
    Life,
    Versions,
    ids,
    ints,
    labels,
    life,
    lists,
    nullable,
    references,
    timestamps,
)
from orchestration.sources.demo.reference import PROJECTS, TASK_TYPES, choose, share, some
from orchestration.sources.demo.seasons import after, settle

COMMENT, EMAIL, SMS, CALL = range(4)
_TYPES = ("comment", "email", "sms", "call")
_INBOUND, _OUTBOUND = range(2)
SENT, DELIVERED, READ, ANSWERED, MISSED, FAILED = range(6)
_OUTCOMES = ("sent", "delivered", "read", "answered", "missed", "failed")
IN_NEW, IN_PROGRESS, AWAITING, COMPLETED, CANCELLED = range(5)
_STATUSES = ("new", "in_progress", "awaiting_confirmation", "completed", "cancelled")
_PER_CUSTOMER, _PER_ORDER = 5.9, 3.4
_TASKS_PER_CUSTOMER, _TASKS_PER_ORDER = 1.55, 0.85


class ActivityBook:
    """Collects the months' interactions and tasks."""

    def __init__(self) -> None:
        self.interactions = EventLog(
            "customer", "employee", "type", "direction", "occurred", "outcome", "duration", "deleted", "gone"
        )
        self.tasks = EventLog(
            "creator", "assignee", "project", "type", "customer", "customer2", "customer3", "status", "created",
            "planned", "due", "done", "completed", "rating", "deleted",
        )  # fmt: skip

    def record(self, clock: Clock, company: Company, cohort: Cohort, month: Month, customers: EventLog) -> None:
        """Draw everything that is ever done with one month's customers; calls also move the customers' last contact."""
        self._interact(clock.random("interactions", month.index), company, cohort, customers)
        # Plans are drawn apart: what happens to a task does not depend on them.
        plans = clock.random("planned starts", month.index)
        self._work(clock.random("tasks", month.index), plans, company, cohort)

    def _interact(self, rng: np.random.Generator, company: Company, cohort: Cohort, customers: EventLog) -> None:
        customer, occurred = _moments(rng, company, cohort)
        size = len(customer)
        owner = cohort.owners(customer, occurred)
        helper = np.where(
            rng.random(size) < 0.6, company.members(rng, occurred, TELESALES), company.members(rng, occurred, CARE)
        )
        employee = np.where((owner == NULL) | (rng.random(size) < 0.13), helper, owner)
        employee[share(rng, size, 0.002)] = NULL
        kind = choose(rng, np.array([0.2, 0.16, 0.1, 0.54]), size)
        direction = np.where(kind == COMMENT, NULL, ints(rng.random(size) < 0.78))
        outcome, duration = _outcomes(rng, kind)
        # Field staff work without a connection and send in one to five nights later.
        offline = share(rng, size, 0.035)
        known = occurred + 5
        known[offline] = occurred[offline] + ints(rng.integers(1, 6, len(offline))) * DAY + HOUR
        keys = self.interactions.birth(
            known,
            customer=cohort.keys[customer],
            employee=employee,
            type=kind,
            direction=direction,
            occurred=occurred,
            outcome=outcome,
            duration=duration,
            deleted=NULL,
            gone=0,
        )
        mail = np.flatnonzero(np.isin(kind, (EMAIL, SMS)) & (outcome == SENT))
        reached = choose(rng, np.array([0.45, 0.45, 0.1]), len(mail))
        self.interactions.change(
            keys[mail], known[mail] + ints(rng.exponential(0.7, len(mail)) * DAY) + 60,
            outcome=ints([DELIVERED, READ, FAILED])[reached],
        )  # fmt: skip
        _log_removals(rng, self.interactions, keys, known)
        reported = np.flatnonzero((kind == CALL) & (outcome == ANSWERED))
        reported = reported[np.lexsort((known[reported], customer[reported]))]
        latest = _running_latest(customer[reported], occurred[reported])
        there = cohort.is_there(customer[reported], known[reported])
        customers.change(cohort.keys[customer[reported]][there], known[reported][there], last_contact=latest[there])

    def _work(self, rng: np.random.Generator, plans: np.random.Generator, company: Company, cohort: Cohort) -> None:
        customer, created = _task_moments(rng, cohort)
        size = len(customer)
        owner = cohort.owners(customer, created)
        assignee = np.where(owner == NULL, company.members(rng, created, CARE), owner)
        helper = rng.random(size) < 0.12
        assignee = np.where(helper, company.members(rng, created, CARE), assignee)
        creator = np.where(rng.random(size) < 0.55, assignee, company.sellers(rng, created))
        kind = choose(rng, np.array([0.3, 0.18, 0.16, 0.12, 0.14, 0.1]), size)
        internal = rng.random(size) < 0.12
        kind = np.where(internal, len(TASK_TYPES) - 1, kind)
        others = [ints(rng.random(size) * customer) for _ in range(2)]
        group = rng.random(size)
        linked = [
            np.where(
                ~internal & (group < limit) & (other != customer) & cohort.is_there(other, created),
                cohort.keys[other],
                NULL,
            )
            for other, limit in zip(others, (0.07, 0.02), strict=True)
        ]
        linked[1] = np.where(others[0] == others[1], NULL, linked[1])
        due_day = created // DAY + 1 + ints(np.clip(rng.lognormal(np.log(6), 0.7, size), 0, 60))
        due = due_day * DAY + 17 * HOUR
        planned = _planned_starts(plans, due)
        keys = self.tasks.birth(
            created,
            creator=creator,
            assignee=assignee,
            project=some(rng, size, 0.62, choose(rng, 1 / np.arange(1.0, PROJECTS + 1), size)),
            type=kind,
            customer=np.where(internal, NULL, cohort.keys[customer]),
            customer2=linked[0],
            customer3=linked[1],
            status=IN_NEW,
            created=created,
            planned=planned,
            due=np.where(rng.random(size) < 0.05, NULL, due),
            done=NULL,
            completed=NULL,
            rating=NULL,
            deleted=NULL,
        )
        _progress(rng, self.tasks, keys, created, due, planned)

    def lives(self, customers: Versions, until: int) -> dict[str, Life]:
        """The two tables; `customers` resolves their references."""
        return {
            "interactions": _interaction_life(self.interactions.fold(until), customers),
            "tasks": _task_life(self.tasks.fold(until), customers),
        }


def _moments(rng: np.random.Generator, company: Company, cohort: Cohort) -> tuple[Ints, Ints]:
    """When each customer is spoken to: often at first, now and then for months, and around orders."""
    owner = cohort.owners(np.arange(cohort.size), cohort.seen)
    drive = np.where(owner == NULL, 0.5, np.sqrt(company.ability[np.maximum(owner, 0)]))
    customer = np.repeat(np.arange(cohort.size), rng.poisson(rng.gamma(2.0, _PER_CUSTOMER / 2, cohort.size) * drive))
    delay = np.where(
        rng.random(len(customer)) < 0.62, rng.exponential(11, len(customer)), rng.exponential(75, len(customer))
    )
    around = np.repeat(np.arange(len(cohort.order_at)), rng.poisson(_PER_ORDER, len(cohort.order_at)))
    near = cohort.order_at[around] + ints(rng.normal(1, 6, len(around)) * DAY)
    customer = np.concatenate([customer, cohort.order_customer[around]])
    at = settle(rng, np.concatenate([cohort.seen[customer[: len(delay)]] + ints(delay * DAY) + 300, near]))
    there = cohort.is_there(customer, at)
    return customer[there], at[there]


def _outcomes(rng: np.random.Generator, kind: Ints) -> tuple[Ints, Ints]:
    """Outcome and seconds of each interaction; messages start as sent."""
    size = len(kind)
    call = ints([ANSWERED, MISSED, FAILED])[choose(rng, np.array([0.66, 0.28, 0.06]), size)]
    message = np.where(rng.random(size) < 0.05, FAILED, SENT)
    outcome = np.where(kind == CALL, call, np.where(kind == COMMENT, NULL, message))
    seconds = ints(np.clip(rng.lognormal(np.log(110), 0.9, size), 4, 5400))
    duration = np.where(kind != CALL, NULL, np.where(outcome == ANSWERED, seconds, 0))
    return outcome, duration


def _log_removals(rng: np.random.Generator, log: EventLog, keys: Ints, known: Ints) -> None:
    """Some rows are deleted softly, some vanish, and some of both come back."""
    chosen = rng.permutation(len(keys))
    soft, hard = chosen[: max(2, len(keys) // 80)], chosen[max(2, len(keys) // 80) :][: max(2, len(keys) // 170)]
    deleted_at = after(rng, known[soft], 0.5, 30)
    log.change(keys[soft], deleted_at, deleted=deleted_at)
    restored = slice(0, max(1, len(soft) // 3))
    log.change(keys[soft][restored], after(rng, deleted_at[restored], 0.5, 12), deleted=NULL)
    gone_at = after(rng, known[hard], 0.5, 30)
    log.change(keys[hard], gone_at, gone=1)
    back = slice(0, max(1, len(hard) // 4))
    log.change(keys[hard][back], after(rng, gone_at[back], 1, 9), gone=0)


def _running_latest(group: Ints, moments: Ints) -> Ints:
    """The latest moment so far within each group; rows are ordered by group."""
    return np.maximum.accumulate(group * 2**40 + moments) - group * 2**40


def _task_moments(rng: np.random.Generator, cohort: Cohort) -> tuple[Ints, Ints]:
    orders = len(cohort.order_at)
    customer = np.repeat(np.arange(cohort.size), rng.poisson(_TASKS_PER_CUSTOMER, cohort.size))
    delay = rng.exponential(28, len(customer))
    near = np.repeat(np.arange(orders), rng.poisson(_TASKS_PER_ORDER, orders))
    around = cohort.order_at[near] + ints(rng.uniform(-4, 25, len(near)) * DAY)
    at = settle(rng, np.concatenate([cohort.seen[customer] + ints(delay * DAY) + 600, around]))
    customer = np.concatenate([customer, cohort.order_customer[near]])
    there = cohort.is_there(customer, at)
    return customer[there], at[there]


def _planned_starts(rng: np.random.Generator, due: Ints) -> Ints:
    """When each task should start: 15 minutes to 8 hours before its deadline; some without, a few mistyped."""
    size = len(due)
    quarters = ints([1, 2, 3, 4, 6, 8, 16, 32])[choose(rng, np.array([20, 34, 10, 18, 8, 5, 3, 2.0]), size)]
    # Somebody typed the start and the deadline in the wrong order.
    is_after = rng.random(size) < 0.01
    planned = due + np.where(is_after, quarters, -quarters) * (HOUR // 4)
    return np.where(rng.random(size) < 0.15, NULL, planned)


def _progress(rng: np.random.Generator, log: EventLog, keys: Ints, created: Ints, due: Ints, planned: Ints) -> None:
    """From new to completed: some late, some cancelled, some sent back by whoever confirms them, some forgotten."""
    size = len(keys)
    is_forgotten, is_cancelled = rng.random(size) < 0.03, rng.random(size) < 0.05
    started = after(rng, created, 0.02, 1.5)
    span = np.maximum(due - created, DAY) * rng.lognormal(-1.35, 0.6, size)
    done = np.maximum(settle(rng, created + ints(span)), started + HOUR)
    confirmed = after(rng, done, 0.02, 1.2)
    cancelled = after(rng, created, 0.5, 12)
    log.change(keys[~is_forgotten], started[~is_forgotten], status=IN_PROGRESS)
    works = ~is_forgotten & ~(is_cancelled & (cancelled < done))
    stops = is_cancelled & (cancelled < done)
    log.change(keys[stops & (cancelled > started)], cancelled[stops & (cancelled > started)], status=CANCELLED)
    log.change(keys[works], done[works], status=AWAITING, done=done[works])
    rating = some(rng, size, 0.7, choose(rng, np.array([2, 5, 18, 45, 30.0]), size) + 1)
    returned = works & (rng.random(size) < 0.05)
    accepted = works & ~returned
    log.change(
        keys[accepted], confirmed[accepted], status=COMPLETED, completed=confirmed[accepted], rating=rating[accepted]
    )
    again = after(rng, confirmed, 0.5, 6)
    final = after(rng, again, 0.1, 3)
    log.change(keys[returned], confirmed[returned], status=IN_PROGRESS, done=NULL)
    log.change(keys[returned], again[returned], status=AWAITING, done=again[returned])
    log.change(keys[returned], final[returned], status=COMPLETED, completed=final[returned], rating=rating[returned])
    # A few are reopened after they were confirmed.
    reopened = np.flatnonzero(accepted)[share(rng, int(accepted.sum()), 0.012)]
    at = after(rng, confirmed[reopened], 1, 25)
    log.change(keys[reopened], at, status=IN_PROGRESS, done=NULL, completed=NULL, rating=NULL)
    closed = after(rng, at, 1, 9)
    log.change(keys[reopened], closed, status=COMPLETED, done=closed - HOUR, completed=closed, rating=rating[reopened])
    removed = share(rng, size, 0.012)
    removed_at = after(rng, created[removed], 0.5, 30)
    log.change(keys[removed], removed_at, deleted=removed_at)
    restored = slice(0, max(1, len(removed) // 3))
    log.change(keys[removed][restored], after(rng, removed_at[restored], 0.5, 10), deleted=NULL)
    postponed = share(rng, size, 0.06)
    log.change(
        keys[postponed], after(rng, created[postponed], 0.5, 4), due=due[postponed] + 5 * DAY,
        planned=np.where(planned == NULL, NULL, planned + 5 * DAY)[postponed],
    )  # fmt: skip


def _interaction_life(versions: Versions, customers: Versions) -> Life:
    columns = {
        "interaction_id": ids("TU", 7, versions.row),
        "customer_id": references("KH", 6, versions["customer"], customers),
        "employee_id": ids("NV", 3, versions["employee"]),
        "type": labels(versions["type"], pa.array(_TYPES)),
        "direction": labels(versions["direction"], pa.array(["inbound", "outbound"])),
        "occurred_at": timestamps(versions["occurred"]),
        "outcome": labels(versions["outcome"], pa.array(_OUTCOMES)),
        "duration_seconds": nullable(versions["duration"]),
        "updated_at": timestamps(versions.at),
        "deleted_at": timestamps(versions["deleted"]),
    }
    return life("interactions", versions, columns, versions["gone"])


def _task_life(versions: Versions, customers: Versions) -> Life:
    linked = (references("KH", 6, versions[name], customers) for name in ("customer", "customer2", "customer3"))
    columns = {
        "task_id": ids("CV", 6, versions.row),
        "task_name": labels(versions["type"], pa.array(TASK_TYPES)),
        "creator_id": ids("NV", 3, versions["creator"]),
        "assignee_id": ids("NV", 3, versions["assignee"]),
        "project_id": ids("DA", 2, versions["project"]),
        "task_type_id": ids("LC", 2, versions["type"]),
        "customer_ids": lists(*linked),
        "status": labels(versions["status"], pa.array(_STATUSES)),
        "created_at": timestamps(versions["created"]),
        "planned_start_at": timestamps(versions["planned"]),
        "due_at": timestamps(versions["due"]),
        "done_at": timestamps(versions["done"]),
        "completed_at": timestamps(versions["completed"]),
        "rating": nullable(versions["rating"]),
        "updated_at": timestamps(versions.at),
        "deleted_at": timestamps(versions["deleted"]),
    }
    return life("tasks", versions, columns)
