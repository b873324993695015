"""The emulator shows the demo company and nothing else: every row that the API can show, on every night."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import httpx
import pytest

from orchestration.sources.demo import DemoSource
from tests.emulator import Emulator, Oddities
from tests.emulator.asking import Row, all_rows, get_rows, ids
from tests.emulator.values import number, unix
from tests.support.warehouse import DEMO_AS_OF, DEMO_LOAD, DEMO_START

NIGHTS = [DEMO_START, date(2025, 9, 11), DEMO_LOAD, DEMO_AS_OF]


def contract(source: DemoSource, entity: str, night: date) -> list[Row]:
    raw = source.read(entity, night, complete=True)
    assert raw is not None
    rows: list[Row] = raw.table.to_pylist()
    return rows


def standing(source: DemoSource, entity: str, night: date) -> list[Row]:
    return [row for row in contract(source, entity, night) if row.get("deleted_at") is None]


def shown(value: datetime | None) -> str | None:
    return None if value is None else value.strftime("%Y-%m-%d %H:%M:%S")


def numbers(keys: Any) -> list[int]:
    return [number(key) for key in keys or ()]


each_night = pytest.mark.parametrize("night", NIGHTS, ids=str)


@each_night
def test_accounts_are_the_customers_that_stand(
    emulator: Emulator, crm: httpx.Client, company_source: DemoSource, night: date
) -> None:
    emulator.night = night
    fields = (
        "id,account_code,account_name,account_manager,relation_id,account_source,industry,province_id,gender,birthday,"
        "phone_office,email,created_at,updated_at,last_active,creator_id"
    )
    found = {row["id"]: row for row in all_rows(crm, "/api/v6.1/accounts", fields=fields)}
    expected = {
        number(row["customer_id"]): {
            "id": number(row["customer_id"]),
            "account_code": row["customer_code"],
            "account_name": row["customer_name"],
            "account_manager": number(row["manager_id"]),
            "relation_id": number(row["relationship_id"]),
            "account_source": numbers(row["source_ids"]),
            "industry": numbers(row["industry_ids"]),
            "province_id": number(row["province_id"]),
            "gender": {"male": 1, "female": 2, None: 0}[row["gender"]],
            "birthday": None if row["birthday"] is None else row["birthday"].isoformat(),
            "phone_office": row["phone"],
            "email": row["email"],
            "created_at": shown(row["created_at"]),
            "updated_at": shown(row["updated_at"]),
            "last_active": shown(row["last_contact_at"]),
            "creator_id": number(row["creator_id"]),
        }
        for row in standing(company_source, "customers", night)
    }
    assert found == expected


@each_night
def test_deleted_customers_are_in_the_deletion_feed_alone(
    emulator: Emulator, crm: httpx.Client, company_source: DemoSource, night: date
) -> None:
    emulator.night = night
    deleted = {
        number(row["customer_id"]): row["deleted_at"]
        for row in contract(company_source, "customers", night)
        if row["deleted_at"] is not None
    }
    path = "/api/v6.1/accounts/deleted_ids"
    assert {row["account_id"] for row in all_rows(crm, path)} == set(deleted)
    assert not set(deleted) & {row["id"] for row in all_rows(crm, "/api/v6.1/accounts", fields="id")}
    for key, at in deleted.items():
        since = {"filtering[last_sync]": str(unix(at))}
        later = {"filtering[last_sync]": str(unix(at) + 1)}
        assert key in ids(all_rows(crm, path, **since), "account_id")
        assert key not in ids(all_rows(crm, path, **later), "account_id")
        assert crm.get(f"/api/v6/accounts/{key}").status_code == 404
        assert crm.get(f"/api/v6/accounts/{key}/comments").status_code == 404


def test_there_are_deleted_customers_and_restored_ones(company_source: DemoSource) -> None:
    """What the tests above say would be empty without them."""
    at = {night: contract(company_source, "customers", night) for night in NIGHTS}
    deleted = {
        night: {row["customer_id"] for row in rows if row["deleted_at"] is not None} for night, rows in at.items()
    }
    assert len(deleted[DEMO_AS_OF]) > 3
    assert deleted[date(2025, 9, 11)] - {row["customer_id"] for row in at[DEMO_AS_OF] if row["deleted_at"]}


@each_night
def test_changed_accounts_since_a_moment(
    emulator: Emulator, crm: httpx.Client, company_source: DemoSource, night: date
) -> None:
    emulator.night = night
    customers = standing(company_source, "customers", night)
    since = datetime(night.year, night.month, 1)
    found = all_rows(crm, "/api/v6.1/accounts/sync", fields="id", **{"filtering[last_sync]": str(unix(since))})
    assert set(ids(found)) == {number(row["customer_id"]) for row in customers if row["updated_at"] >= since}


@each_night
def test_contacts_are_inside_their_account(
    emulator: Emulator, crm: httpx.Client, company_source: DemoSource, night: date
) -> None:
    emulator.night = night
    customers = {row["customer_id"] for row in standing(company_source, "customers", night)}
    found = {
        (account["id"], contact["id"]): (
            f"{contact['last_name']} {contact['first_name']}",
            contact["gender_id"],
            contact["birthdate"],
            contact["is_primary"],
        )
        for account in all_rows(crm, "/api/v6.1/accounts", fields="id,contacts")
        for contact in account["contacts"]
    }
    assert found == {
        (number(row["customer_id"]), number(row["contact_id"])): (
            row["full_name"],
            {"male": 1, "female": 2, None: 0}[row["gender"]],
            None if row["birthday"] is None else row["birthday"].isoformat(),
            int(row["is_primary"]),
        )
        for row in standing(company_source, "contacts", night)
        if row["customer_id"] in customers
    }


def test_comments_are_the_interactions_of_that_type(crm: httpx.Client, company_source: DemoSource) -> None:
    customers = {row["customer_id"] for row in standing(company_source, "customers", DEMO_LOAD)}
    found = {
        comment["id"]: (comment["account_id"], comment["creator"], comment["created_at"])
        for account in all_rows(crm, "/api/v6.1/accounts", fields="id")
        for comment in all_rows(crm, f"/api/v6/accounts/{account['id']}/comments")
    }
    assert found == {
        number(row["interaction_id"]): (
            number(row["customer_id"]),
            number(row["employee_id"]),
            shown(row["occurred_at"]),
        )
        for row in standing(company_source, "interactions", DEMO_LOAD)
        if row["type"] == "comment" and row["customer_id"] in customers
    }
    assert len(found) > 100


def test_who_left_shows_only_when_asked_for(emulator: Emulator, crm: httpx.Client, company_source: DemoSource) -> None:
    employees = standing(company_source, "employees", DEMO_LOAD)
    for valid in (0, 1):
        users = all_rows(crm, "/api/v6.1/users", **{"filtering[valid]": valid})
        expected = {number(row["employee_id"]): row for row in employees if row["is_active"] is bool(valid)}
        assert set(ids(users, "user_id")) == set(expected) != set()
        for user in users:
            row = expected[user["user_id"]]
            assert (user["contact_name"], user["email"]) == (row["full_name"], row["email"])
            assert user["dept_id"] == number(row["department_id"])
    plain = get_rows(crm, "/api/v6.1/users")
    assert ids(plain, "user_id") == ids(get_rows(crm, "/api/v6.1/users", **{"filtering[valid]": 1}), "user_id")


@each_night
def test_orders_add_up_from_lines_and_payments(
    emulator: Emulator, crm: httpx.Client, company_source: DemoSource, night: date
) -> None:
    emulator.night = night
    sales = [row for row in standing(company_source, "orders", night) if row["order_type"] == "sale"]
    goods: dict[str, Decimal] = defaultdict(Decimal)
    for line in standing(company_source, "order_lines", night):
        worth = line["quantity"] * line["unit_price"] - line["discount_amount"] + line["vat_amount"]
        goods[line["order_id"]] += worth
    paid: dict[int, int] = defaultdict(int)
    for payment in all_rows(crm, "/api/v6.1/sale_order_payments"):
        paid[payment["order_id"]] += payment["amount"]
    found = {row["id"]: row for row in all_rows(crm, "/api/v6.1/sale_orders")}
    assert set(found) == {number(row["order_id"]) for row in sales}
    for row in sales:
        order = found[number(row["order_id"])]
        assert order["real_amount"] == goods[row["order_id"]] - row["discount_amount"] + row["vat_amount"]
        assert order["f_amount"] == paid.pop(order["id"], 0)
        assert order["discount_amount"] == row["discount_amount"]
        assert order["order_date"] == row["order_date"].isoformat()
        assert order["assigned_user"] == number(row["executor_id"])
        lines = sum(line["amount"] + line["vat_amount"] for line in order["order_details"])
        assert order["real_amount"] == lines - order["discount_amount"] + order["vat_amount"]
        for line in order["order_details"]:
            cut = line["origin_amount"] * line["product_sale_off"] / 100 + line["cash_discount"]
            assert line["amount"] == line["origin_amount"] - cut
            assert line["origin_amount"] == line["quantity"] * line["price"]
    assert not paid, "payments of orders that do not show"


def test_returns_are_not_in_the_api(crm: httpx.Client, company_source: DemoSource) -> None:
    returns = [row for row in standing(company_source, "orders", DEMO_LOAD) if row["order_type"] == "return"]
    assert returns
    assert not {number(row["order_id"]) for row in returns} & set(ids(all_rows(crm, "/api/v6.1/sale_orders")))
    payments = all_rows(crm, "/api/v6.1/sale_order_payments")
    assert not {number(row["order_id"]) for row in returns} & {row["order_id"] for row in payments}


def test_tasks_projects_and_opportunities(crm: httpx.Client, company_source: DemoSource) -> None:
    tasks = {row["id"]: row for row in all_rows(crm, "/api/v6.1/tasks")}
    assert set(tasks) == {number(row["task_id"]) for row in standing(company_source, "tasks", DEMO_LOAD)}
    projects = {
        number(row["project_id"]): row["project_name"] for row in contract(company_source, "projects", DEMO_LOAD)
    }
    statuses: dict[str, set[int]] = defaultdict(set)
    for row in standing(company_source, "tasks", DEMO_LOAD):
        task = tasks[number(row["task_id"])]
        statuses[row["status"]].add(task["task_status"])
        assert task["project_name"] == projects.get(task["project_id"])
        assert task["task_end_date"] == shown(row["due_at"])
        assert [each["account_id"] for each in task["task_accounts"]] == numbers(row["customer_ids"])
    assert all(len(codes) == 1 for codes in statuses.values())
    assert len(set.union(*statuses.values())) == len(statuses) == 5
    stages = {
        (campaign["id"], stage["status_id"]): stage["name"]
        for campaign in get_rows(crm, "/api/v6.1/campaigns")
        for stage in campaign["opportunity_status"]
    }
    opportunities = {row["id"]: row for row in all_rows(crm, "/api/v6.1/opportunities")}
    expected = {number(row["opportunity_id"]): row for row in standing(company_source, "opportunities", DEMO_LOAD)}
    assert set(opportunities) == set(expected)
    for key, opportunity in opportunities.items():
        stage = stages[opportunity["campaign_id"], opportunity["opportunity_status"]]
        assert stage == opportunity["opportunity_status_name"] == expected[key]["stage_name"]
    campaign = get_rows(crm, "/api/v6.1/campaigns")[0]
    own = all_rows(crm, "/api/v6.1/opportunities", campaign_code=campaign["campaign_code"])
    assert set(ids(own)) == {key for key, row in opportunities.items() if row["campaign_id"] == campaign["id"]}


def test_lists_of_the_company(crm: httpx.Client, company_source: DemoSource) -> None:
    for path, entity, key, name in (
        ("/api/v6/accounts/relations", "relationships", "relation_id", "relation_name"),
        ("/api/v6/accounts/sources", "sources", "id", "source_name"),
        ("/api/v6/products/categories", "product_categories", "id", "category_name"),
    ):
        rows = contract(company_source, entity, DEMO_LOAD)
        assert sorted((row[key], row[name]) for row in get_rows(crm, path)) == [
            (number(values[0]), values[1]) for values in (list(row.values()) for row in rows)
        ]
    products = all_rows(crm, "/api/v6.1/products", fields="id,product_code,product_name,category_id")
    assert {tuple(row.values()) for row in products} == {
        (number(row["product_id"]), row["product_code"], row["product_name"], number(row["category_id"]))
        for row in contract(company_source, "products", DEMO_LOAD)
    }
    sources = get_rows(crm, "/api/v6/accounts/sources")
    for source in sources:
        inside = [row for row in sources if source["lft"] < row["lft"] and row["rgt"] < source["rgt"]]
        assert [row["id"] for row in inside] == [row["id"] for row in sources if row["parent_id"] == source["id"]]


def test_children_move_their_parents_when_told_to(emulator: Emulator, crm: httpx.Client) -> None:
    fields = {"fields": "id,updated_at"}
    before = {path: all_rows(crm, path, **fields) for path in ("/api/v6.1/accounts", "/api/v6.1/sale_orders")}
    emulator.oddities = Oddities(children_move_parents=True)
    for path, rows in before.items():
        after = {row["id"]: row["updated_at"] for row in all_rows(crm, path, **fields)}
        assert all(after[row["id"]] >= row["updated_at"] for row in rows)
        assert any(after[row["id"]] > row["updated_at"] for row in rows)


def test_the_same_company_twice_is_the_same_to_the_byte(emulator: Emulator, crm: httpx.Client) -> None:
    paths = ("/api/v6/accounts/2", "/api/v6.1/sale_orders", "/api/v6.1/tasks", "/api/v6.1/campaigns")
    first = [crm.get(path).content for path in paths]
    emulator.night = DEMO_AS_OF
    assert [crm.get(path).content for path in paths] != first
    emulator.night = DEMO_LOAD
    assert [crm.get(path).content for path in paths] == first
