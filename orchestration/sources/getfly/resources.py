"""What is read from Getfly: paths, ids, fields, filters and how deletions can be known; the sections of docs/getfly.md.

Belongs here: facts about endpoints. Not here: asking (`listing.py`), or what a tenant turned out to do (`probe.py`).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Resource:
    """One listing.

    `id_keys` are the names the id goes by; `fields` what is asked for (empty: the endpoint takes no such parameter).
    `optional` are fields that some tenants refuse: asked for where the probe has seen them accepted.
    `always` goes with every request. `changed_filter` is the filter that finds what changed since a moment, `as_unix`
    whether it takes Unix seconds instead of a local date and time. `parent` is the resource whose ids fill `{parent}`.
    """

    name: str
    path: str
    id_keys: tuple[str, ...]
    fields: tuple[str, ...] = ()
    always: tuple[tuple[str, str], ...] = ()
    changed_filter: str | None = None
    as_unix: bool = False
    parent: str | None = None
    delete_feed: str | None = None
    optional: tuple[str, ...] = ()


_ACCOUNT_FIELDS = (
    "id", "account_code", "account_name", "phone_office", "email", "birthday", "gender", "account_type",
    "account_source", "relation_id", "relation_name", "industry", "industry_details", "province_id",
    "province_detail", "account_manager", "total_revenue", "contacts", "detail_custom_fields", "created_at",
    "updated_at",
)  # fmt: skip
_ORDER_FIELDS = (
    "id", "order_code", "account_id", "assigned_user", "assigned_user_name", "order_date", "created_at", "updated_at",
    "status", "status_label", "discount", "discount_amount", "vat_amount", "real_amount", "f_amount", "has_pay_off",
    "payment_status", "custom_fields", "order_details",
)  # fmt: skip
_TASK_FIELDS = (
    "id", "task_code", "task_name", "task_start_date", "task_end_date", "task_status", "task_status_title",
    "task_progress", "task_receiver", "project_id", "project_name", "task_accounts",
)  # fmt: skip
_PRODUCT_FIELDS = ("id", "product_code", "product_name", "category_id", "category_name", "created_at", "updated_at")
_OPPORTUNITY_FIELDS = (
    "id", "opportunity_code", "opportunity_name", "probability", "opportunity_status", "opportunity_status_name",
    "recipient", "account_id", "campaign_id", "campaign_name", "created_at",
)  # fmt: skip
_CAMPAIGN_FIELDS = ("id", "campaign_code", "campaign_name", "responsible", "is_lock", "opportunity_status")
_COMMENT_FIELDS = ("id", "comment_title", "creator", "account_id", "is_feedback", "created_at")
_USER_FIELDS = ("user_id", "contact_name", "user_name", "email", "dept_id", "dept_name", "contact_mobile", "extensions")
_CATEGORY_FIELDS = ("id", "category_name", "category_code", "parent_id", "level")

RESOURCES: tuple[Resource, ...] = (
    Resource("users_active", "/api/v6.1/users", ("user_id", "id"), _USER_FIELDS, (("filtering[valid]", "1"),)),
    Resource("users_inactive", "/api/v6.1/users", ("user_id", "id"), _USER_FIELDS, (("filtering[valid]", "0"),)),
    Resource("relations", "/api/v6/accounts/relations", ("relation_id", "id")),
    Resource("account_types", "/api/v6/accounts/types", ("account_type_id", "id")),
    Resource("account_sources", "/api/v6/accounts/sources", ("id", "source_id")),
    Resource("product_categories", "/api/v6/products/categories", ("id", "category_id"), _CATEGORY_FIELDS),
    Resource("products", "/api/v6.1/products", ("id", "product_id"), _PRODUCT_FIELDS),
    Resource(
        "accounts",
        "/api/v6.1/accounts",
        ("id", "account_id"),
        _ACCOUNT_FIELDS,
        changed_filter="filtering[updated_at:gte]",
        delete_feed="accounts_deleted",
        optional=("creator_id", "last_active"),
    ),
    Resource(
        "accounts_deleted",
        "/api/v6.1/accounts/deleted_ids",
        ("account_id", "id"),
        changed_filter="filtering[last_sync]",
        as_unix=True,
    ),
    Resource("comments", "/api/v6/accounts/{parent}/comments", ("id",), _COMMENT_FIELDS, parent="accounts"),
    Resource(
        "sale_orders", "/api/v6.1/sale_orders", ("id",), _ORDER_FIELDS, changed_filter="filtering[updated_at:gte]"
    ),
    Resource("sale_order_payments", "/api/v6.1/sale_order_payments", ("id",)),
    Resource(
        "tasks",
        "/api/v6.1/tasks",
        ("id", "task_id"),
        _TASK_FIELDS,
        optional=("created_at", "updated_at", "task_creator"),
    ),
    Resource("campaigns", "/api/v6.1/campaigns", ("id", "campaign_id"), _CAMPAIGN_FIELDS),
    Resource(
        "opportunities",
        "/api/v6.1/opportunities",
        ("id",),
        _OPPORTUNITY_FIELDS,
        optional=("updated_at", "status", "status_label"),
    ),
)


def resource(name: str) -> Resource:
    """The resource of that name; KeyError for another."""
    return {one.name: one for one in RESOURCES}[name]
