"""What happens in the demo company: the shape of its days, its people, and everything that makes nights hard."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from orchestration.contract.registry import contract
from orchestration.sources.demo import DemoSource
from orchestration.sources.demo.clock import Clock
from orchestration.sources.demo.life import DAY, NULL, EventLog, ints, lists, timestamps
from orchestration.sources.demo.names import logins
from orchestration.sources.demo.seasons import day_number, day_weights, settle

START, END = date(2024, 10, 1), date(2026, 3, 31)


@pytest.fixture(scope="module")
def source() -> DemoSource:
    """The default dates at a quarter of the default size, every batch complete."""
    return DemoSource(20260101, 0.25, START, END, delivery="complete")


WATCHED = {
    "customers": ["customer_id", "manager_id", "relationship_id", "deleted_at"],
    "interactions": ["interaction_id", "occurred_at", "deleted_at"],
    "tasks": ["task_id", "status", "deleted_at"],
    "orders": ["order_id", "created_at", "updated_at", "discount_amount", "deleted_at"],
    "order_lines": ["order_line_id", "order_id", "quantity", "updated_at"],
}


def watched(source: DemoSource, entity: str, night: date) -> pd.DataFrame:
    """The watched columns, with the rows' own ids and order ids as numbers: comparing nights of texts is slow."""
    frame = frame_of(source, entity, night)[WATCHED[entity]].copy()
    for column in {WATCHED[entity][0], "order_id"} & set(frame.columns):
        frame[column] = frame[column].str[2:].astype("int64")
    return frame


@pytest.fixture(scope="module")
def nights(source: DemoSource) -> dict[str, list[pd.DataFrame]]:
    """The last 30 nights and the one before them, of the entities and columns whose changes are watched."""
    dates = [END - timedelta(days=day) for day in range(30, -1, -1)]
    return {name: [watched(source, name, night) for night in dates] for name in WATCHED}


def frame_of(source: DemoSource, entity: str, night: date = END) -> pd.DataFrame:
    raw = source.read(entity, night)
    assert raw is not None
    frame: pd.DataFrame = raw.table.to_pandas()
    return frame


def moves(frames: list[pd.DataFrame], key: str, column: str) -> pd.DataFrame:
    """Rows whose column changed between two consecutive nights: (old, new), NaN as empty text."""
    parts = []
    for before, after in pairwise(frames):
        both = before[[key, column]].merge(after[[key, column]], on=key, suffixes=("_old", "_new"))
        old, new = both[f"{column}_old"], both[f"{column}_new"]
        changed = both[(old != new) & ~(old.isna() & new.isna())].astype(object)
        parts.append(changed.where(changed.notna(), ""))
    return pd.concat(parts)


def vanished(frames: list[pd.DataFrame], key: str) -> set[int]:
    """Rows that were there on one night and not on the next."""
    return {name for before, after in pairwise(frames) for name in before.loc[~before[key].isin(after[key]), key]}


def came_back(frames: list[pd.DataFrame], key: str) -> set[int]:
    """Rows that were gone on some night and are there on the last."""
    return vanished(frames, key) & set(frames[-1][key])


@pytest.mark.parametrize("end", [date(2025, 12, 20), date(2026, 2, 28)])
def test_a_shorter_life_is_the_beginning_of_the_longer_one(source: DemoSource, end: date) -> None:
    """Between both ends somebody resigns, is replaced, and a month's targets are set."""
    shorter = DemoSource(20260101, 0.25, START, end, delivery="complete")
    for entity in contract():
        one, other = source.read(entity.name, end), shorter.read(entity.name, end)
        assert one is not None
        assert other is not None
        assert one.table.equals(other.table), entity.name


def test_owners_change_within_the_last_nights(nights: dict[str, list[pd.DataFrame]]) -> None:
    changed = moves(nights["customers"], "customer_id", "manager_id")
    assert len(changed) > 10
    # Also to nobody and from nobody.
    assert (changed["manager_id_new"] == "").any()
    assert (changed["manager_id_old"] == "").any()


def test_relationships_move_forward_back_and_skip(nights: dict[str, list[pd.DataFrame]]) -> None:
    changed = moves(nights["customers"], "customer_id", "relationship_id")
    steps = changed["relationship_id_new"].str[2:].astype(int) - changed["relationship_id_old"].str[2:].astype(int)
    assert (steps == 1).sum() > 10
    assert (steps > 1).sum() > 10
    assert (steps < 0).sum() > 3


def test_customers_enter_a_relationship_again(source: DemoSource) -> None:
    changes = frame_of(source, "customer_changes")
    entries = changes[changes["field"] == "relationship_id"].groupby(["customer_id", "new_value"]).size()
    assert (entries > 1).sum() > 10


def test_rows_are_deleted_softly_and_restored(nights: dict[str, list[pd.DataFrame]]) -> None:
    for name, key in (("interactions", "interaction_id"), ("tasks", "task_id"), ("customers", "customer_id")):
        changed = moves(nights[name], key, "deleted_at")
        assert (changed["deleted_at_old"] == "").any(), name
        assert (changed["deleted_at_new"] == "").any(), name
    orders = moves(nights["orders"], "order_id", "deleted_at")
    assert (orders["deleted_at_old"] == "").any()


def test_rows_vanish_and_some_come_back(nights: dict[str, list[pd.DataFrame]]) -> None:
    assert len(vanished(nights["interactions"], "interaction_id")) >= 3
    assert len(vanished(nights["customers"], "customer_id")) >= 1
    assert len(vanished(nights["order_lines"], "order_line_id")) >= 1
    assert len(came_back(nights["interactions"], "interaction_id")) >= 1


def test_interactions_arrive_nights_after_they_occurred(nights: dict[str, list[pd.DataFrame]]) -> None:
    delays: list[int] = []
    for day, (before, after) in enumerate(pairwise(nights["interactions"])):
        new = after[~after["interaction_id"].isin(before["interaction_id"]) & after["deleted_at"].isna()]
        night = pd.Timestamp(END - timedelta(days=29 - day))
        delays += list((night - new["occurred_at"].dt.normalize()).dt.days)
    assert min(delays) == 0
    assert {1, 2, 3, 4, 5} <= set(delays)
    assert np.mean(np.array(delays) > 0) < 0.1


def test_orders_are_edited_weeks_later(nights: dict[str, list[pd.DataFrame]]) -> None:
    changed = moves(nights["orders"], "order_id", "discount_amount")
    created = nights["orders"][-1].set_index("order_id")["created_at"]
    assert len(changed) >= 3
    assert (pd.Timestamp(END) - created[changed["order_id"]]).dt.days.max() > 21
    assert len(moves(nights["order_lines"], "order_line_id", "quantity")) >= 1


def test_an_edited_line_moves_its_order_too(nights: dict[str, list[pd.DataFrame]]) -> None:
    edited = moves(nights["order_lines"], "order_line_id", "quantity")["order_line_id"]
    lines = nights["order_lines"][-1].set_index("order_line_id").loc[edited]
    orders = nights["orders"][-1].set_index("order_id")["updated_at"]
    assert (orders[lines["order_id"]].to_numpy() >= lines["updated_at"].to_numpy()).all()


def test_tasks_progress_and_some_are_reopened(source: DemoSource, nights: dict[str, list[pd.DataFrame]]) -> None:
    changed = moves(nights["tasks"], "task_id", "status")
    pairs = set(zip(changed["status_old"], changed["status_new"], strict=True))
    assert {("new", "in_progress"), ("in_progress", "awaiting_confirmation"), ("awaiting_confirmation", "completed"),
            ("completed", "in_progress"), ("in_progress", "cancelled")} <= pairs  # fmt: skip
    tasks = frame_of(source, "tasks")
    is_completed = tasks["status"] == "completed"
    assert (tasks["completed_at"].notna() == is_completed).all()
    assert tasks.loc[~is_completed, "rating"].isna().all()
    says_done = tasks["status"].isin(["completed", "awaiting_confirmation"])
    assert (tasks["done_at"].notna() == says_done).all()
    assert (tasks.loc[is_completed, "done_at"] <= tasks.loc[is_completed, "completed_at"]).all()
    late = (tasks.loc[is_completed, "completed_at"] > tasks.loc[is_completed, "due_at"]).mean()
    assert 0.05 < late < 0.4


def test_most_tasks_have_planned_hours_that_fit_into_a_day(source: DemoSource) -> None:
    tasks = frame_of(source, "tasks")
    both = tasks["planned_start_at"].notna() & tasks["due_at"].notna()
    hours = (tasks["due_at"] - tasks["planned_start_at"])[both].dt.total_seconds() / 3600
    assert 0.7 < both.mean() < 0.9
    # Postponed ones too: the plan moves with the deadline.
    assert hours.abs().max() <= 8
    assert 0 < (hours < 0).mean() < 0.03
    assert (tasks["planned_start_at"].notna() & tasks["due_at"].isna()).any()


def test_orders_have_every_state_and_returns_follow_their_sale(source: DemoSource) -> None:
    orders = frame_of(source, "orders")
    states = set(orders["status"])
    assert {"pending", "approved", "delivering", "delivered", "cancelled"} <= states
    returns = orders[orders["order_type"] == "return"]
    assert 0.02 < len(returns) / len(orders) < 0.07
    first_sale = orders[orders["order_type"] == "sale"].groupby("customer_id")["order_date"].min()
    assert (returns["order_date"].to_numpy() > first_sale[returns["customer_id"]].to_numpy()).all()
    assert (frame_of(source, "customers").shape[0] > orders["customer_id"].nunique()) > 0
    # Cancelled orders stay few, and unfinished ones are young.
    assert 0.03 < (orders["status"] == "cancelled").mean() < 0.12
    pending = orders[orders["status"] == "pending"]
    assert (pd.Timestamp(END) - pending["created_at"].max()).days <= 3


def test_money_is_plausible(source: DemoSource) -> None:
    orders, lines, payments = (frame_of(source, name) for name in ("orders", "order_lines", "payments"))
    assert (payments["amount"] < 0).sum() > 10
    assert ((lines["discount_amount"] > 0) & (lines["vat_amount"] > 0)).any()
    assert ((orders["discount_amount"] > 0) & (orders["vat_amount"] > 0)).any()
    assert (lines["quantity"].astype(float) % 1 != 0).any()
    worth = lines["quantity"].astype(float) * lines["unit_price"].astype(float)
    assert (worth - lines["discount_amount"].astype(float) > 0).all()
    delivered = set(orders.loc[(orders["order_type"] == "sale") & (orders["status"] == "delivered"), "order_id"])
    paid = payments[payments["order_id"].isin(delivered) & (payments["amount"] > 0)]
    parts = paid.groupby("order_id").size()
    assert (parts > 1).any()
    assert 0.85 < len(parts) / len(delivered) < 1


def test_sellers_are_unequal(source: DemoSource) -> None:
    held = frame_of(source, "customers")["manager_id"].value_counts(normalize=True, dropna=False)
    assert held.head(5).sum() > 0.25
    assert 0.01 < held[held.index.isna()].sum() < 0.08


def test_the_year_and_the_week_have_a_shape(source: DemoSource) -> None:
    occurred = frame_of(source, "interactions")["occurred_at"]
    by_weekday = occurred.dt.day_of_week.value_counts()
    assert by_weekday[6] < 0.1 * by_weekday[1]
    assert by_weekday[5] < 0.6 * by_weekday[1]
    assert occurred.dt.hour.between(8, 17).all()
    by_day = occurred.dt.date.value_counts()
    tet = sum(int(by_day.get(date(2026, 2, 15) + timedelta(days=day), 0)) for day in range(7))
    usual = sum(int(by_day.get(date(2026, 1, 12) + timedelta(days=day), 0)) for day in range(7))
    assert tet < 0.15 * usual
    arrivals = frame_of(source, "customers")["created_at"].dt.to_period("M").value_counts()
    assert arrivals[pd.Period("2025-12")] == arrivals.max()


def test_customers_have_gaps(source: DemoSource) -> None:
    customers = frame_of(source, "customers")
    for column in ("manager_id", "birthday", "gender", "province_id", "creator_id", "last_contact_at"):
        assert 0 < customers[column].isna().mean() < 0.9, column
    for column in ("source_ids", "industry_ids"):
        sizes = customers[column].map(len)
        assert sizes.min() == 0
        assert sizes.max() >= 2
        assert (customers[column].map(lambda members: len(set(members))) == sizes).all()


def test_organisation_has_its_special_cases(source: DemoSource) -> None:
    people = frame_of(source, "employees")
    working = people[people["is_active"]]
    assert (~people["is_active"]).sum() == 2
    assert working["email"].dropna().is_unique
    tops = working[working["position_rank"] == 1].groupby("department_id").size()
    assert (tops == 2).sum() == 1
    ranked = working.groupby("department_id")["position_rank"].count()
    assert (ranked == 0).sum() == 1
    extra = frame_of(source, "department_memberships")
    primary = people.set_index("employee_id")["department_id"]
    assert (primary[extra["employee_id"]].to_numpy() != extra["department_id"].to_numpy()).all()
    rights = frame_of(source, "employee_permissions")
    assert rights.loc[rights["right"] == "view_all", "employee_id"].nunique() == 1
    reports = rights.groupby("employee_id")["report"].agg(set)
    assert (reports.map(lambda granted: granted == {"menu"})).sum() == 1
    assert len(set(working["employee_id"]) - set(rights["employee_id"])) > 3


def test_nobody_holds_customers_after_resigning(source: DemoSource) -> None:
    people = frame_of(source, "employees")
    left = set(people.loc[~people["is_active"], "employee_id"])
    customers = frame_of(source, "customers")
    assert not left & set(customers.loc[customers["deleted_at"].isna(), "manager_id"].dropna())
    assert left & set(frame_of(source, "customers", date(2024, 12, 1))["manager_id"].dropna())


@pytest.mark.parametrize("night", [START, date(2025, 6, 10), END])
def test_weights_of_a_month_add_up_to_one(source: DemoSource, night: date) -> None:
    targets = frame_of(source, "kpi_targets", night)
    assert (targets["employee_id"].isna() != targets["department_id"].isna()).all()
    own = targets[targets["employee_id"].notna()]
    sums = own.groupby(["employee_id", "period_start"])["weight"].sum()
    assert len(sums) > 10
    assert (sums.astype(str) == "1.000000").all()
    assert (targets["target_value"] > 0).all()
    directions = targets.groupby("metric")["direction"].agg(set).to_dict()
    assert directions.pop("tasks_late") == {"decrease"}
    assert set(directions) == {"revenue_amount", "orders", "new_customers"}
    assert all(direction == {"increase"} for direction in directions.values())


def test_fold_keeps_the_last_value_of_every_attribute() -> None:
    log = EventLog("owner", "gone")
    keys = log.birth(ints([50, 10]), owner=ints([1, 2]), gone=0)
    log.change(keys[:1], ints([60]), owner=7)
    log.change(keys[:1], ints([60]), gone=1)
    log.change(keys[1:], ints([5]), owner=9)  # before its birth: dropped
    log.change(keys[1:], ints([200]), owner=9)  # after the end: not there yet
    versions = log.fold(100)
    assert versions.row.tolist() == [0, 1, 1]
    assert versions.at.tolist() == [10, 50, 60]
    assert versions["owner"].tolist() == [2, 1, 7]
    assert versions["gone"].tolist() == [0, 0, 1]
    assert versions.rank.tolist() == [1, 0]
    with pytest.raises(ValueError, match="gone"):
        log.birth(ints([1]), owner=1)
    with pytest.raises(ValueError, match="colour"):
        log.change(keys, ints([1, 1]), colour=1)


def test_conversions() -> None:
    assert timestamps(ints([0, NULL])).to_pylist() == [pd.Timestamp(1970, 1, 1).to_pydatetime(), None]
    first, second = pa.array(["a", None]), pa.array(["b", None])
    assert lists(first, second).to_pylist() == [["a", "b"], []]
    assert logins(["Đỗ Thị Hoa", "Đỗ Ngọc Hoa"]) == ["hoa.do@congty.example", "hoa.do2@congty.example"]


def test_settled_moments_are_working_moments_and_never_earlier() -> None:
    rng = np.random.default_rng(1)
    given = day_number(date(2026, 2, 1)) * DAY + ints(rng.integers(0, 40 * DAY, 5000))
    settled = settle(rng, given)
    assert (settled >= given).all()
    assert (settled % DAY >= 8 * 3600).all()
    assert (settled % DAY <= 18 * 3600).all()
    tet = day_number(date(2026, 2, 17))
    assert day_weights(ints([tet]))[0] < 0.05
    assert np.isin(settled // DAY, np.arange(tet - 2, tet + 6)).mean() < 0.02


def test_months_are_cut_at_the_start() -> None:
    months = Clock(1, 1.0, date(2024, 11, 20), date(2025, 1, 3)).months(more=1)
    assert [(month.index, month.month_number) for month in months] == [(0, 11), (1, 12), (2, 1), (3, 2)]
    assert months[0].first == day_number(date(2024, 11, 20))
    assert months[0].end == months[1].first == day_number(date(2024, 12, 1))
