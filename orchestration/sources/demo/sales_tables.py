"""Sales in contract columns: orders, order lines and payments.

Belongs here: codes of orders and how they are written. Not here: what happens to an order (sales).
"""

from __future__ import annotations

import pyarrow as pa

from orchestration.sources.demo.life import (
    Life,
    Versions,
    dates,
    ids,
    labels,
    life,
    money,
    references,
    tenths,
    timestamps,
)

SALE, RETURN = range(2)
PENDING, APPROVED, DELIVERING, PARTLY, DELIVERED, CANCELLED = range(6)
_STATUSES = ("pending", "approved", "delivering", "partly_delivered", "delivered", "cancelled")


def order_life(versions: Versions, customers: Versions) -> Life:
    """The orders; `customers` resolves their references."""
    columns = {
        "order_id": ids("DH", 6, versions.row),
        "order_code": ids("SO-", 6, versions.row),
        "customer_id": references("KH", 6, versions["customer"], customers),
        "executor_id": ids("NV", 3, versions["executor"]),
        "creator_id": ids("NV", 3, versions["creator"]),
        "order_type": labels(versions["type"], pa.array(["sale", "return"])),
        "status": labels(versions["status"], pa.array(_STATUSES)),
        "order_date": dates(versions["ordered_on"]),
        "created_at": timestamps(versions["created"]),
        "discount_amount": money(versions["discount"]),
        "vat_amount": money(versions["vat"]),
        "updated_at": timestamps(versions.at),
        "deleted_at": timestamps(versions["deleted"]),
    }
    return life("orders", versions, columns)


def line_life(versions: Versions, orders: Versions) -> Life:
    """The order lines; a line taken out of its order is marked deleted or vanishes."""
    columns = {
        "order_line_id": ids("CT", 7, versions.row),
        "order_id": references("DH", 6, versions["order"], orders),
        "product_id": ids("SP", 3, versions["product"]),
        "quantity": tenths(versions["quantity"]),
        "unit_price": money(versions["price"]),
        "discount_amount": money(versions["discount"]),
        "vat_amount": money(versions["vat"]),
        "updated_at": timestamps(versions.at),
        "deleted_at": timestamps(versions["deleted"]),
    }
    return life("order_lines", versions, columns, versions["gone"])


def payment_life(versions: Versions, orders: Versions) -> Life:
    """The payments; negative amounts are refunds."""
    columns = {
        "payment_id": ids("TT", 6, versions.row),
        "order_id": references("DH", 6, versions["order"], orders),
        "amount": money(versions["amount"]),
        "paid_on": dates(versions["paid_on"]),
        "updated_at": timestamps(versions.at),
        "deleted_at": timestamps(versions["deleted"]),
    }
    return life("payments", versions, columns)
