"""Which path answers what: the v6.1 paths, and the v6 paths of what v6.1 has none for.

Belongs here: routing, and the lookups of single records. Not here: HTTP (http_server), shapes, or lists in general.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from urllib.parse import unquote

from tests.emulator import resources
from tests.emulator.answers import HTML_PAGE, Answer, bad_value, no_route, not_found
from tests.emulator.company import Company
from tests.emulator.filters import field_of
from tests.emulator.interference import Interference
from tests.emulator.listing import Lister
from tests.emulator.oddities import ALL_FILTERS, Oddities
from tests.emulator.query import Query
from tests.emulator.rendering import render
from tests.emulator.resources import Resource
from tests.emulator.shapes import accounts, catalogues
from tests.emulator.values import Row, unix

_Handler = Callable[["Api", Query, int], Answer]


class Api:
    """The API over one night of a company, with one set of oddities."""

    def __init__(self, company: Company, oddities: Oddities) -> None:
        self._company = company
        self._oddities = oddities
        self._interference = Interference(oddities, company.end)
        self._lister = Lister(oddities, self._interference)
        # Per instance, so that a night that is no longer served is freed.
        self._rows = cache(self._shaped)

    def answer(self, path: str, query: Query) -> Answer:
        """The answer to a GET; Refused for what the API does not answer."""
        if not path.startswith("/api/"):
            return Answer(404, html=HTML_PAGE.format("404 – Không tìm thấy trang"))
        version = path.split("/")[2]
        if version not in self._oddities.dead_versions:
            for pattern, handler in _ROUTES:
                if found := pattern.fullmatch(unquote(path)):
                    return handler(self, query, int(found.groupdict().get("id") or 0))
        raise no_route(path)

    def _shaped(self, resource: Resource) -> list[Row]:
        return resource.shape(self._company, self._oddities)

    def rows(self, resource: Resource) -> list[Row]:
        """All rows of a resource, shaped once a night."""
        return self._rows(resource)

    def listed(self, resource: Resource, query: Query) -> Answer:
        """A list."""
        return self._lister.answer(resource, self.rows(resource), query)

    def changed(self, query: Query) -> Answer:
        """Accounts changed since `last_sync`."""
        since = self._last_sync(query)
        return self._lister.answer(
            resources.ACCOUNT_SYNC,
            self.rows(resources.ACCOUNTS),
            query,
            keep=lambda row: since is None or unix(row["updated_at"]) >= since,
        )

    def deleted(self, query: Query) -> Answer:
        """Accounts deleted since `last_sync`; without it, all that are deleted."""
        since = self._last_sync(query)
        lately = self._interference.deleted(resources.ACCOUNTS)
        rows = [
            *self.rows(resources.DELETED_ACCOUNTS),
            *(
                {"account_id": row["id"], "account_code": row["account_code"], "_last_sync": unix(self._company.end)}
                for row in self.rows(resources.ACCOUNTS)
                if row["id"] in lately
            ),
        ]
        return self._lister.answer(
            resources.DELETED_ACCOUNTS, rows, query, keep=lambda row: since is None or row["_last_sync"] >= since
        )

    def comments(self, query: Query, account: int) -> Answer:
        """The comments of one account."""
        self._standing(resources.ACCOUNTS, "id", account)
        own = [row for row in self.rows(resources.COMMENTS) if row["account_id"] == account]
        return self._lister.answer(resources.COMMENTS, own, query, listing=f"comments of {account}")

    def opportunities(self, query: Query) -> Answer:
        """Opportunities, of one campaign when its code is given."""
        campaign = query.value("campaign_code")
        return self._lister.answer(
            resources.OPPORTUNITIES,
            self.rows(resources.OPPORTUNITIES),
            query,
            keep=lambda row: campaign is None or row["_campaign_code"] == campaign,
        )

    def by_parameter(self, resource: Resource, query: Query, *names: str) -> Answer:
        """One record by a business code or id in the query."""
        for name in names:
            value = query.value(name)
            if value is not None:
                row = self._standing(resource, name, value)
                return self._lister.single(resource, row, query, row.get("_detail"))
        raise bad_value(names[0], "bắt buộc")

    def by_id(self, resource: Resource, query: Query, key: int) -> Answer:
        """One record by the id in its path."""
        row = self._standing(resource, resource.key, key)
        return self._lister.single(resource, row, query, row.get("_detail"))

    def custom_field(self, key: int) -> Answer:
        """One custom field's definition, with its options."""
        found = catalogues.custom_field(key)
        if found is None:
            raise not_found("Trường tùy chỉnh")
        return Answer(200, render(found, self._oddities, key))

    def order_counts(self, query: Query) -> Answer:
        """How many orders of one account are in which state."""
        account = query.value("account_id") or ""
        if not account.isdecimal():
            raise bad_value("account_id", "bắt buộc")
        self._standing(resources.ACCOUNTS, "id", int(account))
        return Answer(200, accounts.order_counts(self._company, self._oddities, int(account)))

    def _standing(self, resource: Resource, field: str, value: str | int) -> Row:
        for row in self._interference.seen(resource, self.rows(resource)):
            if str(field_of(row, field)) == str(value):
                return row
        raise not_found(resource.name)

    def _last_sync(self, query: Query) -> int | None:
        for condition in query.filters:
            if condition.field == "last_sync":
                if not condition.values[0].isdecimal():
                    raise bad_value("filtering[last_sync]", "phải là giây Unix")
                ignored = self._oddities.ignored_filters
                return None if "last_sync" in ignored or ignored == ALL_FILTERS else int(condition.values[0])
        return None


def _list(resource: Resource) -> _Handler:
    return lambda api, query, _: api.listed(resource, query)


def _one(resource: Resource, *names: str) -> _Handler:
    return lambda api, query, _: api.by_parameter(resource, query, *names)


def _at(resource: Resource) -> _Handler:
    return lambda api, query, key: api.by_id(resource, query, key)


# Written `{id}` where a path holds an id.
_PATHS: dict[str, _Handler] = {
    "/api/v6.1/accounts": _list(resources.ACCOUNTS),
    "/api/v6/accounts": _list(resources.ACCOUNTS),
    "/api/v6.1/account": _one(resources.ACCOUNTS, "account_code"),
    "/api/v6/accounts/{id}": _at(resources.ACCOUNTS),
    "/api/v6.1/accounts/sync": lambda api, query, _: api.changed(query),
    "/api/v6.1/accounts/deleted_ids": lambda api, query, _: api.deleted(query),
    "/api/v6.1/account/count_orders_status": lambda api, query, _: api.order_counts(query),
    "/api/v6/accounts/{id}/comments": lambda api, query, key: api.comments(query, key),
    "/api/v6/accounts/relations": _list(resources.RELATIONS),
    "/api/v6/accounts/types": _list(resources.TYPES),
    "/api/v6.1/account_types": _list(resources.TYPES_61),
    "/api/v6/accounts/sources": _list(resources.SOURCES),
    "/api/v6.1/account_sources": _list(resources.SOURCES),
    "/api/v6/accounts/custom_fields": _list(resources.CUSTOM_FIELDS),
    "/api/v6/accounts/custom_fields/{id}": lambda api, _, key: api.custom_field(key),
    "/api/v6.1/users": _list(resources.USERS_61),
    "/api/v6/users": _list(resources.USERS_60),
    "/api/v6.1/user": _one(resources.USERS_61, "user_id", "user_username"),
    "/api/v6.1/tasks": _list(resources.TASKS),
    "/api/v6.1/task": _one(resources.TASKS, "task_code"),
    "/api/v6.1/sale_orders": _list(resources.SALE_ORDERS),
    "/api/v6.1/sale_order": _one(resources.SALE_ORDERS, "order_code"),
    "/api/v6/sale_orders/{id}": _at(resources.SALE_ORDERS),
    "/api/v6.1/sale_order_payments": _list(resources.PAYMENTS),
    "/api/v6/payment_methods": _list(resources.PAYMENT_METHODS),
    "/api/v6.1/products": _list(resources.PRODUCTS),
    "/api/v6.1/product": _one(resources.PRODUCTS, "product_code"),
    "/api/v6/products/categories": _list(resources.CATEGORIES),
    "/api/v6.1/campaigns": _list(resources.CAMPAIGNS),
    "/api/v6.1/opportunities": lambda api, query, _: api.opportunities(query),
    "/api/v6.1/opportunity": _one(resources.OPPORTUNITIES, "opportunity_code"),
}
_ROUTES = [
    (re.compile(re.escape(path).replace(r"\{id\}", r"(?P<id>\d{1,18})")), handler) for path, handler in _PATHS.items()
]
PATHS = frozenset(_PATHS)
