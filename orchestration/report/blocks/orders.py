"""Orders of the month: what counts and what does not, and the largest sales."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import ClassVar, Self

from rich.cells import cell_len
from rich.console import RenderableType

from orchestration.report.block import Block
from orchestration.report.block_names import BlockName
from orchestration.report.figures import NOTHING, Column, Kind, count
from orchestration.report.labels import order_status_name
from orchestration.report.people import one_line
from orchestration.report.reading import Reading
from orchestration.report.sheet import Sheet

_LARGEST = 5
_LONGEST_CODE = 16


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
    def read(cls, reading: Reading) -> Self:
        """The month of `fct_orders` by executor; an order of no kind, such as a cancelled one, is left out."""
        rows = reading.rows(
            """
            select
                case
                    when orders = 1 then 'counted'
                    when returns = 1 then 'returned'
                    when pending_orders = 1 then 'pending'
                    else 'left_out'
                end as kind,
                count(*),
                sum(case
                    when orders = 1 or returns = 1 then revenue_amount
                    when pending_orders = 1 then pending_revenue_amount
                    else billed_amount
                end)
            from access.access_fct_orders
            where month_date = $month and executor_id in (select unnest($ids::varchar[]))
            group by kind
            """,
            month=reading.month,
        )
        lots = {kind: Lot(orders, amount) for kind, orders, amount in rows}
        largest = reading.rows(
            """
            select
                sales.order_id, coalesce(sales.order_code, sales.order_id), sales.order_date,
                case
                    when sales.customer_id in ('none', 'unknown') then '(' || sales.customer_id || ')'
                    else customers.customer_name
                end,
                coalesce(people.full_name, sales.executor_id), sales.status, sales.revenue_amount
            from access.access_fct_orders as sales
            left join access.access_dim_customers as customers on sales.customer_id = customers.customer_id
            left join access.access_dim_employees as people on sales.executor_id = people.employee_id
            where
                sales.month_date = $month and sales.orders = 1
                and sales.executor_id in (select unnest($ids::varchar[]))
            order by sales.revenue_amount desc, sales.order_id
            limit $limit
            """,
            month=reading.month,
            limit=_LARGEST,
        )
        return cls(**lots, largest=tuple(_sale(*row) for row in largest))

    @property
    def is_empty(self) -> bool:
        """Whether nothing was ordered."""
        return not any(lot.orders for lot in (self.counted, self.returned, self.pending, self.left_out))

    @property
    def amounts(self) -> Iterable[Decimal]:
        """Every amount of the block."""
        lots = (self.counted, self.returned, self.pending, self.left_out)
        return [*(lot.amount for lot in lots), *(sale.revenue_amount for sale in self.largest)]

    def draw(self, sheet: Sheet) -> Sequence[RenderableType]:
        """What counts, its total, what does not, and the largest sales."""
        net = self.counted.amount + self.returned.amount
        rows = [
            (sheet.word("orders_counted"), count(self.counted.orders), self.counted.amount),
            (sheet.word("orders_returned"), count(self.returned.orders), self.returned.amount),
            (sheet.word("orders_net"), "", net),
            (sheet.word("orders_pending"), count(self.pending.orders), self.pending.amount),
            (sheet.word("orders_left_out"), count(self.left_out.orders), self.left_out.amount),
        ]
        states = sheet.table(
            [
                Column(sheet.word("state"), [label for label, _, _ in rows], Kind.LABEL),
                Column(sheet.word("ord"), [orders for _, orders, _ in rows], Kind.NUMBER),
                sheet.numbers("amount", [amount for _, _, amount in rows]),
            ],
            bold_rows=[2],
        )
        if not self.largest:
            return states
        return [*states, sheet.heading(sheet.word("largest_sales")), *self._largest(sheet)]

    def _largest(self, sheet: Sheet) -> list[RenderableType]:
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
        return sheet.table(columns)


def _sale(
    order_id: str, code: str, day: date, customer: str | None, executor: str, status: str | None, amount: Decimal
) -> Sale:
    name = one_line(customer) if customer is not None else None
    return Sale(order_id, one_line(code), day, name, one_line(executor), status or NOTHING, amount)
