"""What each list answers: its rows, filters, orders, fields and envelope.

Belongs here: the table of lists, as documented. Not here: their paths (api), filtering and paging (listing).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto

from tests.emulator.company import Company
from tests.emulator.filters import Documented
from tests.emulator.oddities import Oddities
from tests.emulator.shapes import accounts, campaigns, catalogues, comments, products, sales, tasks, users
from tests.emulator.values import Row


class Wrapping(Enum):
    """How a list is documented to come."""

    ENVELOPE = auto()
    WHOLE = auto()  # an envelope; without `limit` all rows, `limited` false and no has_more
    ARRAY = auto()  # a bare array of all rows, or of the page when `limit` is sent
    PAGED_ARRAY = auto()  # a bare array of one page


@dataclass(frozen=True, eq=False)
class Resource:
    """One list. `without_fields` are the fields when none are asked for: None stands for all but `only_on_demand`."""

    name: str
    shape: Callable[[Company, Oddities], list[Row]]
    key: str = "id"
    filters: Documented = field(default_factory=dict)
    sorts: frozenset[str] = frozenset()
    order: tuple[str, bool] = ("id", True)
    without_fields: tuple[str, ...] | None = None
    only_on_demand: frozenset[str] = frozenset()
    fields_required: bool = False
    detail_fields_required: bool = False
    companions: Mapping[str, str] = field(default_factory=dict)
    wrapping: Wrapping = Wrapping.ENVELOPE
    default_filters: Mapping[str, int] = field(default_factory=dict)
    sorts_by_word: bool = False


def _ops(**fields: str) -> dict[str, frozenset[str]]:
    return {name: frozenset(operators.split()) for name, operators in fields.items()}


_ACCOUNT_FILTERS = _ops(
    id="eq in not_in",
    account_code="eq contains",
    account_name="eq",
    relation_id="eq in not_in",
    phone_office="eq contains",
    email="eq contains",
    account_type="eq in not_in",
    account_source="eq in",
    industry="eq",
    billing_address_street="eq contains",
    created_at="eq gte lte between",
    updated_at="eq gte lte between",
    gender="eq",
    account_manager="eq in not_in",
    sale_order_status="eq in",
)

ACCOUNTS = Resource(
    "accounts",
    accounts.accounts,
    filters=_ACCOUNT_FILTERS,
    sorts=frozenset({"id", "account_name", "account_code", "email"}),
    without_fields=("id", "account_name"),
)
ACCOUNT_SYNC = Resource(
    "accounts", accounts.accounts, filters=_ops(last_sync="eq"), sorts=frozenset({"id"}), without_fields=("id",)
)
DELETED_ACCOUNTS = Resource(
    "deleted_accounts",
    accounts.deleted,
    key="account_id",
    filters=_ops(last_sync="eq"),
    order=("account_id", True),
    wrapping=Wrapping.PAGED_ARRAY,
)
COMMENTS = Resource("comments", comments.comments, filters=_ops(id="eq", is_feedback="eq"), sorts=frozenset({"id"}))
RELATIONS = Resource(
    "relations",
    catalogues.relations,
    key="relation_id",
    filters=_ops(id="eq in", valid="is in"),
    order=("relation_order", False),
    wrapping=Wrapping.ARRAY,
)
TYPES = Resource("types", catalogues.types, key="account_type_id", order=("id", False), wrapping=Wrapping.ARRAY)
TYPES_61 = Resource("types_61", catalogues.types_61, order=("id", False))
SOURCES = Resource("sources", catalogues.sources, order=("lft", False), wrapping=Wrapping.WHOLE)
CUSTOM_FIELDS = Resource("custom_fields", catalogues.custom_fields, order=("id", False))
PAYMENT_METHODS = Resource("payment_methods", catalogues.payment_methods, filters=_ops(valid="eq"), order=("id", False))
USERS_61 = Resource(
    "users",
    users.users,
    key="user_id",
    filters=_ops(email="contains", contact_mobile="contains", valid="eq"),
    sorts=frozenset({"id"}),
    order=("user_id", True),
    wrapping=Wrapping.WHOLE,
    default_filters={"valid": 1},
)
USERS_60 = Resource(
    "users",
    users.users,
    key="user_id",
    filters=_ops(
        user_id="eq in", valid="eq", contact_name="eq contains", email="eq contains", contact_mobile="eq contains"
    ),
    sorts=frozenset({"id"}),
    order=("user_id", True),
    wrapping=Wrapping.WHOLE,
    default_filters={"valid": 1},
)
TASKS = Resource(
    "tasks",
    tasks.tasks,
    sorts=frozenset({"task_start_date", "task_end_date", "created_at", "updated_at"}),
    only_on_demand=frozenset({"task_description", "created_at", "updated_at"}),
    sorts_by_word=True,
)
SALE_ORDERS = Resource(
    "sale_orders",
    sales.orders,
    filters=_ops(id="eq in", order_date="eq gte lte between", created_at="eq gte lte", updated_at="eq gte lte"),
    sorts=frozenset({"id", "order_date"}),
    companions={"payment_status": "has_pay_off"},
)
PAYMENTS = Resource(
    "sale_order_payments",
    sales.payments,
    filters=_ops(id="eq in", order_id="eq in", created_at="eq gte lte"),
    sorts=frozenset({"id"}),
)
PRODUCTS = Resource(
    "products",
    products.products,
    filters=_ops(
        id="eq in",
        product_name="eq contains",
        product_code="eq contains",
        short_description="eq contains",
        description="eq contains",
        product_vat="eq",
        manufacturer_id="eq",
        category_id="eq",
        origin_id="eq",
    ),
    sorts=frozenset({"id", "created_at", "updated_at"}),
    fields_required=True,
)
CATEGORIES = Resource(
    "product_categories", products.categories, filters=_ops(id="eq in", valid="eq is"), order=("id", False)
)
CAMPAIGNS = Resource("campaigns", campaigns.campaigns, order=("updated_at", True), wrapping=Wrapping.WHOLE)
OPPORTUNITIES = Resource(
    "opportunities",
    campaigns.opportunities,
    sorts=frozenset({"id"}),
    only_on_demand=frozenset({"status", "status_label", "updated_at"}),
    detail_fields_required=True,
)
