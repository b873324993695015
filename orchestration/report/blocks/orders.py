"""Orders of the month: what counts and what does not, and the largest sales."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import ClassVar, Self

from rich.cells import cell_len

from orchestration.report.block import Block
from orchestration.report.block_names import BlockName
from orchestration.report.figures import NOTHING, Column, Kind, count
from orchestration.report.labels import order_status_name
from orchestration.report.people import one_line
from orchestration.report.reading import Key, Readings, by_month
from orchestration.report.sheet import Heading, Item, Sheet, Table

_LARGEST = 5
_LONGEST_CODE = 16


# Of an order called `sales`, and of its customer as far as the viewer may see the customer.
KIND_OF_ORDER = """
    case
        when sales.orders = 1 then 'counted'
        when sales.returns = 1 then 'returned'
        when sales.pending_orders = 1 then 'pending'
        else 'left_out'
    end
"""
AMOUNT_OF_ORDER = """
    case
        when sales.orders = 1 or sales.returns = 1 then sales.revenue_amount
        when sales.pending_orders = 1 then sales.pending_revenue_amount
        else sales.billed_amount
    end
"""
# Before discounts, of an order that counts; of another there are none.
SALES_OF_ORDER = "case when sales.orders = 1 or sales.returns = 1 then sales.sales_amount end"
NAME_OF_CUSTOMER = """
    case
        when sales.customer_id in ('none', 'unknown') then '(' || sales.customer_id || ')'
        else customers.customer_name
    end
"""


@dataclass(frozen=True)
class Lot:
    """Orders of one kind and what they amount to in company currency."""

    orders: int = 0
    amount: Decimal = Decimal(0)


@dataclass(frozen=True)
class Sale:
    """One counted sale. `customer_name` is None where the viewer may see the sale but not the customer."""

    order_id: str
    code: str
    order_date: date
    customer_name: str | None
    executor_name: str
    status: str
    revenue_amount: Decimal


@dataclass(frozen=True)
class Orders(Block):
    """The month's orders by what becomes of them, and its largest counted sales."""

    name: ClassVar = BlockName.ORDERS

    counted: Lot = Lot()
    returned: Lot = Lot()
    pending: Lot = Lot()
    left_out: Lot = Lot()
    largest: tuple[Sale, ...] = ()

    @classmethod
    def read_all(cls, readings: Readings) -> Mapping[Key, Self]:
        """The months of `fct_orders` by executor; an order of no kind, such as a cancelled one, is left out."""
        rows = readings.rows(
            f"""
            select
                asked.subject, sales.month_date, {KIND_OF_ORDER} as kind, count(*), sum({AMOUNT_OF_ORDER})
            from access.access_fct_orders as sales
            inner join asked on sales.executor_id = asked.employee_id
            where sales.month_date between $first and $last
            group by asked.subject, sales.month_date, kind
            """,
            first=readings.first_month,
            last=readings.last_month,
        )
        lots = {
            key: {kind: Lot(orders, amount) for kind, orders, amount in kinds} for key, kinds in by_month(rows).items()
        }
        largest = readings.rows(
            f"""
            select
                asked.subject, sales.month_date, sales.order_id, coalesce(sales.order_code, sales.order_id),
                sales.order_date, {NAME_OF_CUSTOMER}, coalesce(people.full_name, sales.executor_id), sales.status,
                sales.revenue_amount
            from access.access_fct_orders as sales
            inner join asked on sales.executor_id = asked.employee_id
            left join access.access_dim_customers as customers on sales.customer_id = customers.customer_id
            left join access.access_dim_employees as people on sales.executor_id = people.employee_id
            where sales.month_date between $first and $last and sales.orders = 1
            qualify row_number() over (
                partition by asked.subject, sales.month_date order by sales.revenue_amount desc, sales.order_id
            ) <= $limit
            order by sales.revenue_amount desc, sales.order_id
            """,
            first=readings.first_month,
            last=readings.last_month,
            limit=_LARGEST,
        )
        sales = by_month(largest)
        return readings.each(
            lambda *key: cls(**lots.get(key, {}), largest=tuple(_sale(*row) for row in sales.get(key, ())))
        )

    @property
    def is_empty(self) -> bool:
        """Whether nothing was ordered."""
        return not any(lot.orders for lot in (self.counted, self.returned, self.pending, self.left_out))

    @property
    def amounts(self) -> Iterable[Decimal]:
        """Every amount of the block."""
        lots = (self.counted, self.returned, self.pending, self.left_out)
        return [*(lot.amount for lot in lots), *(sale.revenue_amount for sale in self.largest)]

    def draw(self, sheet: Sheet) -> Sequence[Item]:
        """What counts, its total, what does not, and the largest sales."""
        net = self.counted.amount + self.returned.amount
        rows = [
            (sheet.word("orders_counted"), count(self.counted.orders), self.counted.amount),
            (sheet.word("orders_returned"), count(self.returned.orders), self.returned.amount),
            (sheet.word("orders_net"), "", net),
            (sheet.word("orders_pending"), count(self.pending.orders), self.pending.amount),
            (sheet.word("orders_left_out"), count(self.left_out.orders), self.left_out.amount),
        ]
        states = Table(
            [
                Column(sheet.word("state"), [label for label, _, _ in rows], Kind.LABEL),
                Column(sheet.word("ord"), [orders for _, orders, _ in rows], Kind.NUMBER),
                sheet.numbers("amount", [amount for _, _, amount in rows]),
            ],
            bold_rows=[2],
            keys=["counted", "returned", "net", "pending", "left_out"],
        )
        if not self.largest:
            return [states]
        return [states, Heading(sheet.word("largest_sales")), self._largest(sheet)]

    def _largest(self, sheet: Sheet) -> Table:
        # Half a code finds no order; one too long to be a code is cut as a name would be.
        is_short = all(cell_len(sale.code) <= _LONGEST_CODE for sale in self.largest)
        columns = [
            Column(sheet.word("code"), [sale.code for sale in self.largest], Kind.LABEL if is_short else Kind.NAME),
            Column(sheet.word("date"), [f"{sale.order_date:%m-%d}" for sale in self.largest], Kind.LABEL),
            sheet.names(
                "customer", [sale.customer_name or sheet.word("not_visible") for sale in self.largest], total=False
            ),
            *(
                [sheet.names("executor", [sale.executor_name for sale in self.largest], total=False)]
                if sheet.is_team
                else []
            ),
            Column(
                sheet.word("status"), [order_status_name(sale.status, sheet.lang) for sale in self.largest], Kind.LABEL
            ),
            sheet.numbers("revenue", [sale.revenue_amount for sale in self.largest]),
        ]
        return Table(columns)


def _sale(
    order_id: str, code: str, day: date, customer: str | None, executor: str, status: str | None, amount: Decimal
) -> Sale:
    name = one_line(customer) if customer is not None else None
    return Sale(order_id, one_line(code), day, name, one_line(executor), status or NOTHING, amount)
