"""Products and their categories.

Belongs here: the product group. The contract has no price list: a product's prices are the highest it was ordered at.
"""

from __future__ import annotations

from decimal import Decimal

from tests.emulator.company import Company
from tests.emulator.oddities import Oddities
from tests.emulator.values import NO_MOMENT, Fields, Id, Row, moment, number, one

_NOTHING = Decimal(0)
VAT_PERCENT = 10
UNIT_ID, UNIT_NAME = 1, "Cái"


def products(company: Company, oddities: Oddities) -> list[Row]:
    """Every product."""
    lines = company.grouped("order_lines", "product_id")
    categories = company.by_id("product_categories")
    return [
        _product(row, categories.get(row["category_id"] or "", {}), lines.get(row["product_id"], []))
        for row in company.standing("products")
    ]


def _product(row: Row, category: Row, lines: list[Row]) -> Row:
    price = max((line["unit_price"] for line in lines), default=_NOTHING)
    return {
        "id": one(row["product_id"]),
        "product_code": row["product_code"],
        "product_name": row["product_name"],
        "category_id": one(row["category_id"]),
        "category_name": category.get("category_name"),
        "origin_id": Id(0),
        "origin_name": None,
        "unit_id": Id(UNIT_ID),
        "unit_name": UNIT_NAME,
        "manufacturer_id": Id(0),
        "manufacturer_name": None,
        "services": False,
        "saleoff_price": _NOTHING,
        "cover_price": price,
        "price_wholesale": price,
        "price_online": price,
        "price_average_in": _NOTHING,
        "product_vat": VAT_PERCENT,
        "weight": 0,
        "created_at": moment(row["updated_at"]),
        "updated_at": moment(row["updated_at"]),
        "last_active": NO_MOMENT,
        "featured_image": "",
        "images": [],
        "description": f"<p>{row['product_name']}</p>",
        "short_description": row["product_name"],
        "variant_attribute_values": [],
        "custom_fields": Fields(),
    }


def categories(company: Company, oddities: Oddities) -> list[Row]:
    """Product categories as a tree."""
    parents = {row["category_id"]: row["parent_category_id"] for row in company.standing("product_categories")}

    def level(category: str) -> int:
        parent = parents.get(category)
        return 0 if parent is None else 1 + level(parent)

    return [
        {
            "id": one(row["category_id"]),
            "category_name": row["category_name"],
            "category_code": row["category_id"],
            "description": "",
            "is_default": int(number(row["category_id"]) == 1),
            "parent_id": one(row["parent_category_id"]),
            "level": level(row["category_id"]),
            "_valid": 1,
        }
        for row in company.standing("product_categories")
    ]
