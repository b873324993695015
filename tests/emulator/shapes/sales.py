"""Sale orders with their lines, and payments. Returns, creators and times of approval are not in the API.

Belongs here: the sale order group. The API documents the codes 1 and 2 and the label of cancelled orders; the other
codes and labels are the emulator's own. A line's discount is a percentage where it is a whole one, else an amount;
amounts of lines leave VAT out. A payment shows while its order does; the contract has no creation time for it, so that
is when it was last changed.
"""

from __future__ import annotations

from decimal import Decimal

from tests.emulator.company import Company, latest
from tests.emulator.oddities import Oddities
from tests.emulator.shapes.catalogues import order_custom_fields
from tests.emulator.shapes.codes import spelled
from tests.emulator.shapes.products import UNIT_ID, UNIT_NAME
from tests.emulator.values import Id, Row, moment, number, one

NOTHING = Decimal(0)
PENDING, APPROVED, CANCELLED = 1, 2, 3
STATUSES = {
    "pending": (PENDING, "Chờ duyệt"),
    "approved": (APPROVED, "Đã duyệt"),
    "cancelled": (CANCELLED, "Đã hủy"),
    "delivering": (4, "Đang giao"),
    "partly_delivered": (5, "Giao một phần"),
    "delivered": (6, "Đã giao"),
}


def _sales(company: Company) -> list[Row]:
    return [row for row in company.standing("orders") if row["order_type"] == "sale"]


def orders(company: Company, oddities: Oddities) -> list[Row]:
    """Every sale order that is not deleted."""
    lines, paid = company.grouped("order_lines", "order_id"), company.grouped("payments", "order_id")
    return [
        _order(company, oddities, row, lines.get(row["order_id"], []), paid.get(row["order_id"], []))
        for row in _sales(company)
    ]


def payments(company: Company, oddities: Oddities) -> list[Row]:
    """Every payment of those orders that is not deleted; negative amounts are refunds."""
    shown = {row["order_id"] for row in _sales(company)}
    return [
        {
            "id": one(row["payment_id"]),
            "order_id": one(row["order_id"]),
            "amount": row["amount"],
            "pay_date": row["paid_on"],
            "description": "",
            "_created_at": moment(row["updated_at"]),
        }
        for row in company.standing("payments")
        if row["order_id"] in shown
    ]


def _order(company: Company, oddities: Oddities, row: Row, lines: list[Row], paid: list[Row]) -> Row:
    key = number(row["order_id"])
    status, status_label = STATUSES[row["status"]]
    customer = company.by_id("customers").get(row["customer_id"] or "", {})
    executor = company.by_id("employees").get(row["executor_id"] or "", {})
    details = [_line(company, line) for line in lines]
    goods = sum((detail["amount"] for detail in details), start=NOTHING)
    line_vat = sum((detail["vat_amount"] for detail in details), start=NOTHING)
    discount, vat = row["discount_amount"] or NOTHING, row["vat_amount"] or NOTHING
    owed = goods + line_vat - discount + vat
    received = sum((payment["amount"] for payment in paid), start=NOTHING)
    updated_at = (
        latest(company, row, "order_id", "order_lines", "payments")
        if oddities.children_move_parents
        else row["updated_at"]
    )
    return {
        "id": Id(key),
        "order_code": spelled(row["order_code"], oddities),
        "real_amount": owed,
        "f_amount": received,
        "discount": whole_percent(discount, goods) or 0,
        "discount_amount": discount,
        "vat_amount": vat,
        "account_id": one(row["customer_id"]),
        "account_code": spelled(customer.get("customer_code"), oddities),
        "account_email": customer.get("email"),
        "account_phone": customer.get("phone"),
        "account_address": None,
        "contact_name": customer.get("customer_name"),
        "contact_phone": customer.get("phone"),
        "contact_email": customer.get("email"),
        "order_date": row["order_date"],
        "created_at": moment(row["created_at"]),
        "updated_at": moment(updated_at),
        "status": status,
        "status_label": status_label,
        "store_id": Id(1),
        "assigned_user": one(row["executor_id"]),
        "assigned_user_name": executor.get("full_name"),
        "has_pay_off": int(received >= owed),
        "payment_status": "Paid" if received >= owed else "Partly paid" if received > 0 else "Unpaid",
        "safebook_synchronized": 0,
        "lading_code": "",
        "lading_status": "ASSIGNING" if row["status"] == "delivering" else "",
        "lading_status_title": "",
        "tracking_url": "",
        "custom_fields": order_custom_fields(key),
        "order_details": details,
    }


def _line(company: Company, line: Row) -> Row:
    product = company.by_id("products").get(line["product_id"] or "", {})
    origin = line["quantity"] * line["unit_price"]
    discount, vat = line["discount_amount"] or NOTHING, line["vat_amount"] or NOTHING
    percent = whole_percent(discount, origin)
    return {
        "id": one(line["order_line_id"]),
        "product_id": one(line["product_id"]),
        "product_code": product.get("product_code"),
        "product_name": product.get("product_name"),
        "note": "",
        "unit_id": Id(UNIT_ID),
        "unit_name": UNIT_NAME,
        "services": False,
        "quantity": float(line["quantity"]),
        "price": line["unit_price"],
        "product_sale_off": percent or 0,
        "cash_discount": NOTHING if percent else discount,
        "vat": whole_percent(vat, origin - discount) or 0,
        "vat_amount": vat,
        "amount": origin - discount,
        "origin_amount": origin,
        "product_avatar": "",
    }


def whole_percent(part: Decimal, of: Decimal) -> int | None:
    """How many percent one amount is of the other, when it is a whole number of them."""
    if not of:
        return None
    percent = part * 100 / of
    return int(percent) if percent == percent.to_integral_value() else None
