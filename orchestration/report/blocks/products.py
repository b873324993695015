"""Products sold in the month, by revenue."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar, Self

from orchestration.report.block import Block
from orchestration.report.block_names import BlockName
from orchestration.report.figures import Column, Kind, first_and_rest, quantities, share
from orchestration.report.people import one_line
from orchestration.report.reading import Key, Readings, by_month
from orchestration.report.sheet import Item, Sheet, Table

_SHOWN = 10


@dataclass(frozen=True)
class Product:
    """One product's month: counted sales and returns with it, units sold minus returned, revenue minus returned."""

    product_id: str
    name: str
    orders: int
    returns: int
    sold_quantity: Decimal
    revenue_amount: Decimal


@dataclass(frozen=True)
class Products(Block):
    """The products, most revenue first."""

    name: ClassVar = BlockName.PRODUCTS

    products: tuple[Product, ...] = ()

    @classmethod
    def read_all(cls, readings: Readings) -> Mapping[Key, Self]:
        """The months of `fct_product_sales` by executor."""
        rows = readings.rows(
            """
            select
                asked.subject, sales.month_date, sales.product_id,
                coalesce(max(names.product_name), sales.product_id) as name, sum(sales.orders), sum(sales.returns),
                sum(sales.sold_quantity), sum(sales.revenue_amount) as revenue_amount
            from access.access_fct_product_sales as sales
            inner join asked on sales.executor_id = asked.employee_id
            left join access.access_dim_products as names on sales.product_id = names.product_id
            where sales.month_date between $first and $last
            group by asked.subject, sales.month_date, sales.product_id
            order by revenue_amount desc, name, sales.product_id
            """,
            first=readings.first_month,
            last=readings.last_month,
        )
        found = by_month(rows)
        return readings.each(
            lambda *key: cls(
                tuple(
                    Product(product, one_line(name), int(orders), int(returns), quantity, amount)
                    for product, name, orders, returns, quantity, amount in found.get(key, ())
                )
            )
        )

    @property
    def is_empty(self) -> bool:
        """Whether no product was sold or returned."""
        return not self.products

    def draw(self, sheet: Sheet) -> Sequence[Item]:
        """The first products, the others in one row; orders are not added up, one may hold several products."""
        shown, rest = first_and_rest(self.products, _SHOWN)
        others = [(sheet.word("others", count=len(rest)), _units(rest), _revenue(rest))] if rest else []
        total = _revenue(self.products)
        amounts = [*(one.revenue_amount for one in shown), *(amount for _, _, amount in others), total]
        units = [*(one.sold_quantity for one in shown), *(quantity for _, quantity, _ in others)]
        blank = [""] * (len(others) + 1)
        columns = [
            sheet.names("product", [*(one.name for one in shown), *(name for name, _, _ in others)]),
            Column(sheet.word("ord"), [*(sheet.figure(one.orders) for one in shown), *blank], Kind.NUMBER),
            Column(sheet.word("returns_head"), [*(sheet.figure(one.returns) for one in shown), *blank], Kind.NUMBER),
            Column(
                sheet.word("quantity"),
                quantities([*units, _units(self.products)]),
                Kind.NUMBER,
            ),
            sheet.numbers("revenue", amounts),
            Column(
                sheet.word("share"),
                [*(share(amount, total) if total > 0 else "" for amount in amounts[:-1]), ""],
                Kind.NUMBER,
            ),
        ]
        table = Table(columns, bold_rows=[len(amounts) - 1], keys=[one.product_id for one in shown])
        return [table, sheet.note("products_note")]


def _units(products: Iterable[Product]) -> Decimal:
    return sum((product.sold_quantity for product in products), Decimal(0))


def _revenue(products: Iterable[Product]) -> Decimal:
    return sum((product.revenue_amount for product in products), Decimal(0))
