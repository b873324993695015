"""What was sold of which product, by period and by source: computed from landed rows without SQL.

Belongs here: pure functions from the company to the rows of the marts in `models/marts/products/`. Not here: the
company itself and the rules shared with the card's marts (`oracle.py`), and how an order's money falls on its products
(`structure.py`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pandas as pd

from tests.oracle import oracle
from tests.oracle.oracle import NONE, UNKNOWN, ZERO, Company, Row, month_of
from tests.oracle.structure import MILLIONTH, ONE, PLACEHOLDER_NAMES, equal_parts, members, order_products

PRODUCTS_SHOWN = 5
CALENDARS = {"month": "M", "quarter": "Q", "year": "Y"}


@dataclass
class Sold:
    """What one executor sold of one product in one order, signed: a return is negative."""

    order: Row
    executor_id: str
    product_id: str
    quantity: Decimal = Decimal(0)
    sales: Decimal = ZERO
    revenue: Decimal = ZERO

    @property
    def is_return(self) -> bool:
        """Whether the order gives back."""
        return bool(self.order["order_type"] == "return")


def sold(c: Company) -> Iterator[Sold]:
    """Every counted order's products, each once."""
    lines: dict[str, list[Row]] = defaultdict(list)
    for line in c.rows("order_lines"):
        lines[line["order_id"]].append(line)
    for order in filter(oracle.order_counts, c.rows("orders")):
        sign = -1 if order["order_type"] == "return" else 1
        found: dict[str, Sold] = {}
        for product, quantity, sales, revenue in order_products(c, order, lines[order["order_id"]]):
            executor = c.reference("employees", order["executor_id"])
            one = found.setdefault(product, Sold(order, executor, product))
            one.quantity += sign * quantity
            one.sales += sign * sales
            one.revenue += sign * revenue
        yield from found.values()


@dataclass
class Total:
    """One product of one executor in one period."""

    orders: int = 0
    returns: int = 0
    gross: Decimal = Decimal(0)
    returned: Decimal = Decimal(0)
    sales: Decimal = ZERO
    revenue: Decimal = ZERO

    def add(self, one: Sold) -> None:
        """Count one order."""
        self.orders += not one.is_return
        self.returns += one.is_return
        self.gross += ZERO if one.is_return else one.quantity
        self.returned += -one.quantity if one.is_return else ZERO
        self.sales += one.sales
        self.revenue += one.revenue


def totals_of(c: Company) -> dict[tuple[str, pd.Period, str, str], Total]:
    """Every order in its month, its quarter and its year: by (kind of period, period, executor, product)."""
    found: dict[tuple[str, pd.Period, str, str], Total] = defaultdict(Total)
    for one in sold(c):
        for kind, calendar in CALENDARS.items():
            period = pd.Period(one.order["order_date"], freq=calendar)
            found[kind, period, one.executor_id, one.product_id].add(one)
    return found


def product_period(c: Company) -> pd.DataFrame:
    """kpi_product_period: a row for what sold in the period or in the one before."""
    totals = totals_of(c)
    keys = {*totals, *((kind, period + 1, executor, product) for kind, period, executor, product in totals)}
    rows = []
    for kind, period, executor, product in keys:
        if period.start_time.date() > c.as_of:
            continue
        now = totals.get((kind, period, executor, product), Total())
        before = totals.get((kind, period - 1, executor, product), Total())
        change = now.revenue - before.revenue
        rows.append(
            {
                "period_type": kind,
                "period_date": period.start_time.date(),
                "executor_id": executor,
                "product_id": product,
                "is_complete": period.end_time.date() <= c.as_of,
                "orders": now.orders,
                "returns": now.returns,
                "gross_sold_quantity": now.gross,
                "returned_quantity": now.returned,
                "return_rate": float(now.returned) / float(now.gross) if now.gross else None,
                "sold_quantity": now.gross - now.returned,
                "sales_amount": now.sales,
                "revenue_amount": now.revenue,
                "previous_orders": before.orders,
                "previous_sold_quantity": before.gross - before.returned,
                "previous_sales_amount": before.sales,
                "previous_revenue_amount": before.revenue,
                "revenue_change_amount": change,
                "revenue_change_rate": float(change) / float(before.revenue) if before.revenue > 0 else None,
            }
        )
    return pd.DataFrame(rows, dtype=object)


def product_top(c: Company) -> pd.DataFrame:
    """kpi_product_top: the five products of an executor's period with the most revenue, the others, and no product."""
    of_executor: dict[tuple[str, pd.Period, str], dict[str, Total]] = defaultdict(dict)
    for (kind, period, executor, product), total in totals_of(c).items():
        if period.start_time.date() <= c.as_of:
            of_executor[kind, period, executor][product] = total
    rows = []
    for (kind, period, executor), totals in of_executor.items():
        whole = sum((total.revenue for total in totals.values()), ZERO)
        for place in _top(c, totals):
            share = float(place["revenue_amount"]) / float(whole) if whole > 0 else None
            at = {"period_type": kind, "period_date": period.start_time.date(), "executor_id": executor}
            rows.append({**at, **place, "period_revenue_amount": whole, "revenue_share_rate": share})
    return pd.DataFrame(rows, dtype=object)


def _top(c: Company, totals: dict[str, Total]) -> Iterator[dict[str, Any]]:
    real = {
        product: c.tables["products"][product,]["product_name"] for product in totals if product not in PLACEHOLDERS
    }
    ranking = sorted(real, key=lambda product: (-totals[product].revenue, real[product], product))

    def row(order: int, kind: str, product: str | None, name: str, held: list[str], products: int) -> dict[str, Any]:
        return {
            "sort_order": order,
            "row_type": kind,
            "product_id": product,
            "product_name": name,
            "products": products,
            "sold_quantity": sum((totals[one].gross - totals[one].returned for one in held), Decimal(0)),
            "revenue_amount": sum((totals[one].revenue for one in held), ZERO),
        }

    for rank, product in enumerate(ranking[:PRODUCTS_SHOWN], start=1):
        yield row(rank, "product", product, real[product], [product], 1)
    rest = ranking[PRODUCTS_SHOWN:]
    if rest:
        yield row(6, "other", None, "(other)", rest, len(rest))
    for order, placeholder in ((7, NONE), (8, UNKNOWN)):
        if placeholder in totals:
            yield row(order, placeholder, placeholder, PLACEHOLDER_NAMES[placeholder], [placeholder], 0)


PLACEHOLDERS = frozenset({NONE, UNKNOWN})


def product_source_month(c: Company) -> pd.DataFrame:
    """kpi_product_source_month: each order's product whole to each source of its customer, and in equal parts."""
    cells: dict[tuple[Any, ...], dict[str, Any]] = defaultdict(lambda: defaultdict(lambda: Decimal(0)))
    for one in sold(c):
        customer_id = c.reference("customers", one.order["customer_id"])
        customer = c.tables["customers"].get((customer_id,))
        of_order = [customer_id] if customer is None else members(c, "sources", customer["source_ids"])
        n = len(of_order)
        shares = zip(
            of_order,
            equal_parts(ONE, n, MILLIONTH),
            equal_parts(one.sales, n),
            equal_parts(one.revenue, n),
            strict=True,
        )
        for source, share, sales_part, revenue_part in shares:
            cell = cells[month_of(one.order["order_date"]), one.executor_id, one.product_id, source]
            cell["orders"] += 0 if one.is_return else 1
            cell["orders_split"] += 0 if one.is_return else share
            cell["sold_quantity"] += one.quantity
            cell["sales_amount"] += one.sales
            cell["sales_split_amount"] += sales_part
            cell["revenue_amount"] += one.revenue
            cell["revenue_split_amount"] += revenue_part
    names = ("month_date", "executor_id", "product_id", "source_id")
    return pd.DataFrame(
        [{**dict(zip(names, key, strict=True)), **figures} for key, figures in cells.items()], dtype=object
    )


MARTS: dict[str, tuple[tuple[str, ...], Callable[[Company], pd.DataFrame]]] = {
    "kpi_product_period": (("period_type", "period_date", "executor_id", "product_id"), product_period),
    "kpi_product_source_month": (("month_date", "executor_id", "product_id", "source_id"), product_source_month),
    "kpi_product_top": (("period_type", "period_date", "executor_id", "sort_order"), product_top),
}
