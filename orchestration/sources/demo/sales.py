"""What customers buy: orders, their lines, payments, returns and refunds, and later edits of all of them.

Belongs here: order life from pending to delivered, and money. Not here: when a customer decides to buy (customers).
Amounts are whole dong, quantities tenths.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from orchestration.sources.demo.clock import Clock, Month
from orchestration.sources.demo.cohort import Cohort
from orchestration.sources.demo.company import ACCOUNTING, Company
from orchestration.sources.demo.life import (
    DAY,
    NULL,
    EventLog,
    Ints,
    Life,
    Versions,
    ints,
)
from orchestration.sources.demo.reference import DIVISIBLE, PRODUCT_PRICES, PRODUCT_WEIGHTS, choose, share
from orchestration.sources.demo.sales_tables import (
    APPROVED,
    CANCELLED,
    DELIVERED,
    DELIVERING,
    PARTLY,
    PENDING,
    RETURN,
    SALE,
    line_life,
    order_life,
    payment_life,
)
from orchestration.sources.demo.seasons import after


@dataclass(frozen=True)
class _Lines:
    """Lines of one month's orders, ordered by `order` (position in the month)."""

    order: Ints
    keys: Ints
    product: Ints
    quantity: Ints
    price: Ints
    discount: Ints
    vat: Ints

    @property
    def net(self) -> Ints:
        """Quantity times price less discount, per line."""
        return _amount(self.quantity, self.price) - self.discount


@dataclass(frozen=True)
class _Orders:
    """One month's sales, by position; `payable` is what the customer owed at first."""

    keys: Ints
    customer: Ints
    executor: Ints
    created: Ints
    delivered: Ints
    is_cancelled: Ints
    cancelled: Ints
    payable: Ints


class SalesBook:
    """Collects the months' orders, lines and payments."""

    def __init__(self) -> None:
        self.orders = EventLog(
            "customer", "executor", "creator", "type", "status", "ordered_on", "created", "discount", "vat", "deleted"
        )
        self.lines = EventLog("order", "product", "quantity", "price", "discount", "vat", "deleted", "gone")
        self.payments = EventLog("order", "amount", "paid_on", "deleted")

    def record(self, clock: Clock, company: Company, cohort: Cohort, month: Month) -> None:
        """Draw every order that one month's customers ever place."""
        rng = clock.random("sales", month.index)
        there = cohort.is_there(cohort.order_customer, cohort.order_at)
        customer, created = cohort.order_customer[there], cohort.order_at[there]
        if len(customer) == 0:
            return
        owner = cohort.owners(customer, created)
        executor = np.where(owner == NULL, company.sellers(rng, created), owner)
        lines = self._draw_lines(rng, company, executor, created, int(self.orders.size))
        orders = self._draw_orders(rng, company, cohort.keys[customer], executor, created, lines)
        self._edit(rng, orders, lines)
        self._pay(rng, orders)
        self._return(rng, orders, lines)

    def _draw_lines(
        self, rng: np.random.Generator, company: Company, executor: Ints, created: Ints, first_order: int
    ) -> _Lines:
        count = 1 + np.minimum(rng.poisson(1.35, len(created)), 7)
        order = np.repeat(np.arange(len(created)), count)
        size = len(order)
        product = choose(rng, PRODUCT_WEIGHTS, size)
        units = ints(np.clip(rng.lognormal(0.35, 0.8, size) * np.sqrt(company.ability[executor[order]]), 1, 60)) * 10
        quantity = units + np.where(DIVISIBLE[product] & (rng.random(size) < 0.2), 5, 0)
        price = _rounded(PRODUCT_PRICES[product] * rng.choice([1.0, 1.0, 1.0, 0.97, 1.05], size), 1000)
        gross = _amount(quantity, price)
        percent = np.where(rng.random(size) < 0.18, rng.choice([3, 5, 10, 15], size), 0)
        discount = _rounded(gross * percent / 100, 1000)
        has_line_vat = (rng.random(len(created)) < 0.45)[order]
        vat = np.where(has_line_vat, _rounded((gross - discount) * rng.choice([0.08, 0.08, 0.1], size), 1), 0)
        keys = self.lines.birth(
            created[order],
            order=first_order + order,
            product=product,
            quantity=quantity,
            price=price,
            discount=discount,
            vat=vat,
            deleted=NULL,
            gone=0,
        )
        return _Lines(ints(order), keys, product, quantity, price, discount, vat)

    def _draw_orders(
        self, rng: np.random.Generator, company: Company, customer: Ints, executor: Ints, created: Ints, lines: _Lines
    ) -> _Orders:
        size = len(customer)
        net, line_vat = _per_order(lines.order, lines.net, size), _per_order(lines.order, lines.vat, size)
        percent = np.where(rng.random(size) < 0.24, rng.integers(2, 11, size), 0)
        discount = _rounded(net * percent / 100, 1000)
        vat = np.where((line_vat == 0) & (rng.random(size) < 0.55), _rounded((net - discount) * 0.08, 1), 0)
        # Some orders are written down days after the customer placed them.
        backdated = np.where(rng.random(size) < 0.03, rng.integers(1, 5, size), 0)
        keys = self.orders.birth(
            created,
            customer=customer,
            executor=executor,
            creator=np.where(rng.random(size) < 0.8, executor, company.members(rng, created, ACCOUNTING)),
            type=SALE,
            status=PENDING,
            ordered_on=created // DAY - backdated,
            created=created,
            discount=discount,
            vat=vat,
            deleted=NULL,
        )
        is_slow = rng.random(size) < 0.03
        approved = after(rng, created + np.where(is_slow, 25 * DAY, 0), 0.1, 2)
        delivering = after(rng, approved, 0.3, 3)
        partly = after(rng, delivering, 0.3, 3)
        delivered = after(rng, partly, 0.3, 5)
        cancelled = after(rng, created, 0.3, 7)
        is_cancelled = rng.random(size) < 0.07
        is_partial = rng.random(size) < 0.1
        for at, status, happens in (
            (approved, APPROVED, ~is_cancelled | (approved < cancelled)),
            (delivering, DELIVERING, ~is_cancelled | (delivering < cancelled)),
            (partly, PARTLY, is_partial & (~is_cancelled | (partly < cancelled))),
            (delivered, DELIVERED, ~is_cancelled),
            (cancelled, CANCELLED, is_cancelled),
        ):
            self.orders.change(keys[happens], at[happens], status=status)
        payable = net + line_vat - discount + vat
        return _Orders(keys, customer, executor, created, delivered, ints(is_cancelled), cancelled, payable)

    def _edit(self, rng: np.random.Generator, orders: _Orders, lines: _Lines) -> None:
        """Weeks later: another discount, another quantity, a line taken out; and orders deleted and restored."""
        size = len(orders.keys)
        kept = np.flatnonzero(orders.is_cancelled == 0)
        chosen = kept[share(rng, len(kept), 0.1)]
        at = after(rng, orders.created[chosen], 8, 60)
        kind = np.arange(len(chosen)) % 4
        discounted = kind < 2
        net = _per_order(lines.order, lines.net, size)[chosen]
        new_discount = _rounded(net * rng.integers(1, 9, len(chosen)) / 100, 1000)
        self.orders.change(orders.keys[chosen[discounted]], at[discounted], discount=new_discount[discounted])
        self.orders.change(orders.keys[chosen[~discounted]], at[~discounted])
        first_line = np.searchsorted(lines.order, np.arange(size))
        line_count = np.bincount(lines.order, minlength=size)
        requantified = kind == 2
        line = first_line[chosen[requantified]]
        quantity = lines.quantity[line] + 10 * ints(rng.integers(1, 4, len(line)))
        discount = lines.discount[line] * quantity // lines.quantity[line]
        vat = lines.vat[line] * quantity // lines.quantity[line]
        self.lines.change(lines.keys[line], at[requantified], quantity=quantity, discount=discount, vat=vat)
        removed = np.flatnonzero((kind == 3) & (line_count[chosen] > 1))
        last_line = first_line[chosen[removed]] + line_count[chosen[removed]] - 1
        soft = np.arange(len(removed)) % 2 == 0
        self.lines.change(lines.keys[last_line[soft]], at[removed[soft]], deleted=at[removed[soft]])
        self.lines.change(lines.keys[last_line[~soft]], at[removed[~soft]], gone=1)
        deleted = share(rng, size, 0.012)
        deleted_at = after(rng, orders.created[deleted], 1, 45)
        self.orders.change(orders.keys[deleted], deleted_at, deleted=deleted_at)
        restored = slice(0, max(1, len(deleted) // 3))
        self.orders.change(orders.keys[deleted][restored], after(rng, deleted_at[restored], 1, 12), deleted=NULL)

    def _pay(self, rng: np.random.Generator, orders: _Orders) -> None:
        """In one to three parts, some never in full; deposits of cancelled orders are mostly paid back."""
        size = len(orders.keys)
        parts = 1 + choose(rng, np.array([0.62, 0.28, 0.1]), size)
        is_cancelled = orders.is_cancelled == 1
        pays = np.where(is_cancelled, rng.random(size) < 0.3, rng.random(size) < 0.93)
        first_at = after(rng, orders.created, 0.05, 12)
        pays &= ~is_cancelled | (first_at < orders.cancelled)
        deposit = np.where(
            is_cancelled | (parts > 1), _rounded(orders.payable * rng.uniform(0.3, 0.6, size), 10_000), orders.payable
        )
        second_at = after(rng, np.maximum(first_at, orders.delivered), 0.5, 30)
        third_at = after(rng, second_at, 10, 40)
        rest = orders.payable - deposit
        second = np.where(parts == 3, _rounded(rest * 0.5, 10_000), rest)
        stops = rng.random(size) < 0.12
        follows = pays & ~is_cancelled & (parts > 1) & ~stops
        finishes = follows & (parts == 3)
        self._paid(rng, orders.keys[pays], first_at[pays], deposit[pays])
        self._paid(rng, orders.keys[follows], second_at[follows], second[follows])
        self._paid(rng, orders.keys[finishes], third_at[finishes], (rest - second)[finishes])
        back = pays & is_cancelled & (rng.random(size) < 0.85)
        self._paid(
            rng, orders.keys[back], after(rng, np.maximum(orders.cancelled, first_at), 1, 10)[back], -deposit[back]
        )
        goodwill = np.flatnonzero(pays & ~is_cancelled)[share(rng, int((pays & ~is_cancelled).sum()), 0.012)]
        refund = -_rounded(deposit[goodwill] * 0.1, 1000) - 1000
        self._paid(rng, orders.keys[goodwill], after(rng, first_at[goodwill], 5, 40), refund)

    def _paid(self, rng: np.random.Generator, order: Ints, at: Ints, amount: Ints) -> None:
        """Payments known at once, or some nights later when the bank's list comes late; wrong entries are deleted."""
        late = np.where(rng.random(len(at)) < 0.04, ints(rng.integers(1, 5, len(at))) * DAY, 0)
        wrong = share(rng, len(at), 0.006)
        known = at + late
        wrong_at = after(rng, known[wrong], 0.5, 20)
        right_at = after(rng, wrong_at, 0.5, 9)
        # Whether a payment is worth writing down is asked last: how much is drawn must not depend on amounts, which
        # depend on who sells, which a resignation after the end of a shorter life would change.
        written = amount != 0
        keys = np.full(len(at), NULL, dtype=np.int64)
        keys[written] = self.payments.birth(
            known[written], order=order[written], amount=amount[written], paid_on=at[written] // DAY, deleted=NULL
        )
        there = written[wrong]
        self.payments.change(keys[wrong[there]], wrong_at[there], deleted=wrong_at[there])
        there[len(wrong) // 3 :] = False
        self.payments.change(keys[wrong[there]], right_at[there], deleted=NULL)

    def _return(self, rng: np.random.Generator, orders: _Orders, lines: _Lines) -> None:
        """Goods come back some days after delivery: an order of their own, part of the lines, and money back."""
        kept = np.flatnonzero(orders.is_cancelled == 0)
        source = kept[share(rng, len(kept), 0.045)]
        size = len(source)
        if size == 0:
            return
        created = after(rng, orders.delivered[source], 3, 25)
        keys = self.orders.birth(
            created,
            customer=orders.customer[source],
            executor=orders.executor[source],
            creator=orders.executor[source],
            type=RETURN,
            status=APPROVED,
            ordered_on=created // DAY,
            created=created,
            discount=0,
            vat=0,
            deleted=NULL,
        )
        received = after(rng, created, 1, 5)
        refused = rng.random(size) < 0.05
        self.orders.change(keys, received, status=np.where(refused, CANCELLED, DELIVERED))
        position = np.full(len(orders.keys), NULL, dtype=np.int64)
        position[source] = np.arange(size)
        is_first = np.append(True, lines.order[1:] != lines.order[:-1])
        line = np.flatnonzero((position[lines.order] != NULL) & (is_first | (rng.random(len(lines.order)) < 0.3)))
        owner = position[lines.order[line]]
        units = np.maximum(lines.quantity[line] // 10, 1)
        quantity = np.minimum(10 + 10 * ints(rng.random(len(line)) * units), lines.quantity[line])
        discount = lines.discount[line] * quantity // lines.quantity[line]
        vat = lines.vat[line] * quantity // lines.quantity[line]
        self.lines.birth(
            created[owner],
            order=keys[owner],
            product=lines.product[line],
            quantity=quantity,
            price=lines.price[line],
            discount=discount,
            vat=vat,
            deleted=NULL,
            gone=0,
        )
        worth = _per_order(owner, _amount(quantity, lines.price[line]) - discount + vat, size)
        paid_back = ~refused & (rng.random(size) < 0.9)
        self._paid(rng, keys[paid_back], after(rng, received, 0.2, 8)[paid_back], -worth[paid_back])

    def lives(self, customers: Versions, until: int) -> dict[str, Life]:
        """The three tables; `customers` resolves the orders' references."""
        orders = self.orders.fold(until)
        return {
            "orders": order_life(orders, customers),
            "order_lines": line_life(self.lines.fold(until), orders),
            "payments": payment_life(self.payments.fold(until), orders),
        }


def _amount(quantity: Ints, price: Ints) -> Ints:
    return quantity * price // 10


def _rounded(amount: object, to: int) -> Ints:
    return ints(np.rint(np.asarray(amount, dtype=np.float64) / to)) * to


def _per_order(order: Ints, amount: Ints, size: int) -> Ints:
    totals = np.zeros(size, dtype=np.int64)
    np.add.at(totals, order, amount)
    return totals
