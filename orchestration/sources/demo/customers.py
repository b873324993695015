"""Customer records: births, owners, relationships, gaps filled in, deletions; contacts; and the change log.

Belongs here: the customer, contact and change tables. Not here: who comes and buys (cohort), what staff do (activity).
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from orchestration.sources.demo import names
from orchestration.sources.demo.clock import Clock, Month
from orchestration.sources.demo.cohort import NEVER, Cohort, draw_cohort
from orchestration.sources.demo.company import MARKETING, TELESALES, Company
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
    lists,
    references,
    standing_life,
    timestamps,
)
from orchestration.sources.demo.reference import (
    BOUGHT,
    CONTACTED,
    INDUSTRIES,
    INTERESTED,
    LOST,
    LOYAL,
    NEW,
    PROVINCE_WEIGHTS,
    QUOTED,
    SOURCE_WEIGHTS,
    choose,
    share,
    some,
)
from orchestration.sources.demo.seasons import after

# An account removed before the history begins: whoever it created points at nobody.
REMOVED_EMPLOYEE = 98_999
_ATTRIBUTES = (
    "created", "creator", "manager", "relationship", "source", "source2", "source3", "industry", "industry2",
    "province", "gender", "birthday", "last_contact", "deleted", "gone",
)  # fmt: skip


class CustomerBook:
    """Collects the months' customers and their contacts."""

    def __init__(self) -> None:
        self.log = EventLog(*_ATTRIBUTES)
        self.contacts = EventLog("customer", "gender", "birthday", "is_primary", "deleted")
        self._names: list[pa.Array] = []
        self._phones: list[pa.Array] = []
        self._contact_names: list[pa.Array] = []

    def welcome(self, clock: Clock, company: Company, month: Month) -> Cohort:
        """Draw one month's customers with everything that will happen to their records."""
        cohort = draw_cohort(clock, company, month, self.log.size)
        rng = clock.random("customers", month.index)
        self._record(rng, company, cohort)
        _log_moves(rng, self.log, cohort)
        self._log_absences(cohort)
        self._log_contacts(rng, cohort)
        return cohort

    def _record(self, rng: np.random.Generator, company: Company, cohort: Cohort) -> None:
        size, source = cohort.size, cohort.source
        first_owner = cohort.owners(np.arange(size), cohort.seen)
        is_company = rng.random(size) < 0.35
        gender = ints(rng.random(size) < 0.54)
        person, firm = names.people(rng, gender), names.companies(rng, size)
        self._names.append(pa.array(np.where(is_company, firm.to_numpy(False), person.to_numpy(False)), pa.string()))
        self._phones.append(names.phones(rng, size))
        staff = np.where(
            rng.random(size) < 0.5,
            company.members(rng, cohort.created, MARKETING),
            company.members(rng, cohort.created, TELESALES),
        )
        creator = np.where((rng.random(size) < 0.6) & (first_owner != NULL), first_owner, staff)
        creator = np.where(rng.random(size) < 0.03, NULL, creator)
        creator[share(rng, size, 0.001)] = REMOVED_EMPLOYEE
        second = (source + 1 + ints(rng.integers(0, 4, size))) % len(SOURCE_WEIGHTS)
        third = (source + 5 + ints(rng.integers(0, 4, size))) % len(SOURCE_WEIGHTS)
        sources = np.searchsorted([0.08, 0.82, 0.97], rng.random(size), side="right")
        industry = ints(rng.integers(0, INDUSTRIES, size))
        has_industry = is_company & (rng.random(size) < 0.85)
        two_industries = has_industry & (rng.random(size) < 0.2)
        province = choose(rng, PROVINCE_WEIGHTS, size)
        knows_province = rng.random(size) < 0.86
        born = cohort.created // DAY - ints(np.clip(rng.normal(36, 11, size), 17, 82) * 365.25)
        knows_birthday = ~is_company & (rng.random(size) < 0.45)
        keys = self.log.birth(
            cohort.seen,
            created=cohort.created,
            creator=creator,
            manager=first_owner,
            relationship=NEW,
            source=np.where(sources >= 1, source, NULL),
            source2=np.where(sources >= 2, second, NULL),
            source3=np.where(sources >= 3, third, NULL),
            industry=np.where(has_industry, industry, NULL),
            industry2=np.where(two_industries, (industry + 3) % INDUSTRIES, NULL),
            province=np.where(knows_province, province, NULL),
            gender=np.where(is_company | (rng.random(size) < 0.22), NULL, gender),
            birthday=np.where(knows_birthday, born, NULL),
            last_contact=NULL,
            deleted=NULL,
            gone=0,
        )
        # Some gaps are filled in weeks later.
        late = share(rng, size, 0.05)
        at = after(rng, cohort.seen[late], 3, 70)
        there = cohort.is_there(late, at)
        self.log.change(keys[late][there], at[there], province=province[late][there])
        who, when, new = cohort.owner_log
        later = (when > cohort.seen[who]) & cohort.is_there(who, when)
        self.log.change(keys[who[later]], when[later], manager=new[later])

    def _log_absences(self, cohort: Cohort) -> None:
        left = cohort.leaves_at < NEVER
        soft, hard = np.flatnonzero(left & ~cohort.is_hard), np.flatnonzero(left & cohort.is_hard)
        self.log.change(cohort.keys[soft], cohort.leaves_at[soft], deleted=cohort.leaves_at[soft])
        self.log.change(cohort.keys[hard], cohort.leaves_at[hard], gone=1)
        # Whoever comes back comes back to the one who would be in charge by now.
        back = np.flatnonzero(cohort.returns_at < NEVER)
        at = cohort.returns_at[back]
        self.log.change(cohort.keys[back], at, deleted=NULL, gone=0, manager=cohort.owners(back, at))

    def _log_contacts(self, rng: np.random.Generator, cohort: Cohort) -> None:
        counts = np.searchsorted([0.38, 0.9], rng.random(cohort.size), side="right")
        customer = np.repeat(np.arange(cohort.size), counts)
        first = np.append(True, customer[1:] != customer[:-1]) if len(customer) else np.empty(0, dtype=np.bool_)
        gender = ints(rng.random(len(customer)) < 0.5)
        born = cohort.created[customer] // DAY - ints(np.clip(rng.normal(38, 9, len(customer)), 19, 75) * 365.25)
        at = np.where(first, cohort.seen[customer] + 40, after(rng, cohort.seen[customer], 1, 90))
        there = cohort.is_there(customer, at)
        customer, first, gender, born, at = customer[there], first[there], gender[there], born[there], at[there]
        self._contact_names.append(names.people(rng, gender))
        keys = self.contacts.birth(
            at,
            customer=cohort.keys[customer],
            gender=some(rng, len(customer), 0.8, gender),
            birthday=NULL,
            is_primary=ints(first),
            deleted=NULL,
        )
        filled = share(rng, len(customer), 0.3)
        self.contacts.change(keys[filled], after(rng, at[filled], 1, 40), birthday=born[filled])
        removed = share(rng, len(customer), 0.01)
        removed_at = after(rng, at[removed], 45, 200)
        self.contacts.change(keys[removed], removed_at, deleted=removed_at)

    def lives(self, versions: Versions) -> dict[str, Life]:
        """The three tables of customers; `versions` is the folded log."""
        return {
            "customers": _customers(versions, pa.concat_arrays(self._names), pa.concat_arrays(self._phones)),
            "customer_changes": _changes(versions),
        }

    def contact_life(self, customers: Versions, until: int) -> Life:
        """The contacts; they stay when their customer vanishes."""
        folded = self.contacts.fold(until)
        columns = {
            "contact_id": ids("LH", 6, folded.row),
            "customer_id": references("KH", 6, folded["customer"], customers),
            "full_name": pa.concat_arrays(self._contact_names).take(pa.array(folded.born[folded.row])),
            "gender": labels(folded["gender"], pa.array(["male", "female"])),
            "birthday": dates(folded["birthday"]),
            "is_primary": pa.array(folded["is_primary"] == 1),
            "updated_at": timestamps(folded.at),
            "deleted_at": timestamps(folded["deleted"]),
        }
        return life("contacts", folded, columns)


def _log_moves(rng: np.random.Generator, log: EventLog, cohort: Cohort) -> None:
    """Moves between relationships: mostly forward, some skip steps, some go back, some come back after being lost."""
    size = cohort.size
    numbers = np.cumsum(np.ones(len(cohort.order_customer), dtype=np.int64))
    starts = np.searchsorted(cohort.order_customer, np.arange(size))
    nth = numbers - 1 - starts[cohort.order_customer]
    first_order, third_order, last_order = ints(NEVER, size), ints(NEVER, size), ints(NEVER, size)
    first_order[cohort.order_customer[nth == 0]] = cohort.order_at[nth == 0]
    third_order[cohort.order_customer[nth == 2]] = cohort.order_at[nth == 2]
    last_order[cohort.order_customer] = cohort.order_at
    buys = first_order < NEVER

    def step(before: Ints, low: float, high: float, part: float) -> Ints:
        happens = (rng.random(size) < part) & (before < NEVER)
        return np.where(happens, after(rng, np.where(before < NEVER, before, 0), low, high), NEVER)

    contacted = step(cohort.seen, 0.02, 6, 0.84)
    interested = step(np.where(contacted < NEVER, contacted, cohort.seen), 0.5, 16, 0.6)
    backward = step(interested, 5, 40, 0.14)
    again = step(backward, 4, 45, 0.6)
    quoted = step(interested, 2, 20, 0.55)
    lost = step(np.where(buys, NEVER, cohort.seen), 25, 110, 0.5)
    regained = step(lost, 6, 70, 0.15)
    lapsed = step(np.where(buys, last_order, NEVER), 70, 160, 0.4)
    returned = step(lapsed, 5, 60, 0.2)
    before_order = first_order - HOUR
    for at, relationship, ends in (
        (contacted, CONTACTED, before_order),
        (interested, INTERESTED, before_order),
        (backward, CONTACTED, before_order),
        (again, INTERESTED, before_order),
        (quoted, QUOTED, before_order),
        (lost, LOST, before_order),
        (regained, INTERESTED, before_order),
        (np.where(buys, first_order + HOUR, NEVER), BOUGHT, NEVER),
        (np.where(third_order < NEVER, third_order + HOUR, NEVER), LOYAL, NEVER),
        (lapsed, LOST, NEVER),
        (returned, BOUGHT, NEVER),
    ):
        rows = np.flatnonzero((at < NEVER) & (at < ends))
        rows = rows[cohort.is_there(rows, at[rows])]
        log.change(cohort.keys[rows], at[rows], relationship=relationship)


def _customers(versions: Versions, full_names: pa.Array, phones: pa.Array) -> Life:
    keys = pa.array(versions.born[versions.row])
    number = ids("", 6, versions.row)
    has_email = versions["source"] % 3 != 0
    columns = {
        "customer_id": ids("KH", 6, versions.row),
        "customer_code": ids("KH-", 6, versions.row),
        "customer_name": full_names.take(keys),
        "manager_id": ids("NV", 3, versions["manager"]),
        "creator_id": ids("NV", 3, versions["creator"]),
        "relationship_id": ids("QH", 2, versions["relationship"]),
        "source_ids": lists(*(ids("NG", 2, versions[name]) for name in ("source", "source2", "source3"))),
        "industry_ids": lists(*(ids("NN", 2, versions[name]) for name in ("industry", "industry2"))),
        "province_id": ids("TT", 2, versions["province"]),
        "gender": labels(versions["gender"], pa.array(["male", "female"])),
        "birthday": dates(versions["birthday"]),
        "phone": phones.take(keys),
        "email": pa.array(np.where(has_email, "khach" + number.to_numpy(False) + "@mail.example", None), pa.string()),
        "created_at": timestamps(versions["created"]),
        "updated_at": timestamps(versions.at),
        "last_contact_at": timestamps(versions["last_contact"]),
        "deleted_at": timestamps(versions["deleted"]),
    }
    return life("customers", versions, columns, versions["gone"])


def _changes(versions: Versions) -> Life:
    """Read off the versions themselves, so that the change log and the customers can never disagree."""
    same_row = np.append(False, versions.row[1:] == versions.row[:-1])
    parts = []
    for field, (attribute, prefix, width) in enumerate((("manager", "NV", 3), ("relationship", "QH", 2))):
        values = versions[attribute]
        changed = np.flatnonzero(same_row & np.append(False, values[1:] != values[:-1]))
        by = versions["manager"][changed - 1]
        columns = (
            ids("KH", 6, versions.row[changed]),
            labels(ints(field, len(changed)), pa.array(["manager_id", "relationship_id"])),
            ids(prefix, width, values[changed - 1]),
            ids(prefix, width, values[changed]),
            # Customers are handed over by the sales director, moved on by whoever is in charge.
            ids("NV", 3, np.where((field == 0) | (by == NULL), 2, by)),
        )
        parts.append((versions.at[changed], columns))
    at = np.concatenate([part[0] for part in parts])
    order = np.argsort(at, kind="stable")
    merged = [pa.concat_arrays(column).take(pa.array(order)) for column in zip(*(p[1] for p in parts), strict=True)]
    named = dict(zip(("customer_id", "field", "old_value", "new_value", "changed_by"), merged, strict=True))
    return standing_life("customer_changes", {**named, "changed_at": timestamps(at[order])}, at[order])
