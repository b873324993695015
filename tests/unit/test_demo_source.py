"""The demo source as landing sees it: determinism, keys, references, nights, batch kinds, errors."""

from __future__ import annotations

import time
from datetime import date, datetime, timedelta

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from orchestration.contract.registry import ColumnType, Entity, contract
from orchestration.sources.base import BatchKind, SourceError
from orchestration.sources.demo import DemoSource
from orchestration.sources.demo.source import CHANGING

START, END = date(2025, 1, 1), date(2025, 5, 31)
NIGHTS = (date(2025, 1, 1), date(2025, 2, 14), date(2025, 4, 2), END)


@pytest.fixture(scope="module")
def small() -> DemoSource:
    """Five months of a very small company, every batch complete."""
    return DemoSource(7, 0.05, START, END, delivery="complete")


def table_of(source: DemoSource, entity: str, night: date) -> pa.Table:
    raw = source.read(entity, night)
    assert raw is not None
    return raw.table


def frame_of(source: DemoSource, entity: str, night: date) -> pd.DataFrame:
    frame: pd.DataFrame = table_of(source, entity, night).to_pandas()
    return frame


def test_answers_all_entities_in_contract_types(small: DemoSource) -> None:
    for entity in contract():
        raw = small.read(entity.name, END)
        assert raw is not None
        assert raw.table.schema == entity.arrow_schema
        assert raw.entity == entity.name
        assert raw.kind is BatchKind.COMPLETE
        assert raw.row_numbers.to_pylist() == list(range(2, raw.table.num_rows + 2))
        assert raw.table.num_rows > 0
    assert small.read("invoices", END) is None


def test_same_seed_same_tables_other_seed_other_tables(small: DemoSource) -> None:
    twin = DemoSource(7, 0.05, START, END, delivery="complete")
    other = DemoSource(8, 0.05, START, END, delivery="complete")
    for entity in contract():
        assert table_of(twin, entity.name, NIGHTS[2]).equals(table_of(small, entity.name, NIGHTS[2]))
    assert not table_of(other, "customers", NIGHTS[2]).equals(table_of(small, "customers", NIGHTS[2]))


@pytest.mark.parametrize("end", [date(2025, 4, 2), date(2025, 4, 30), date(2025, 9, 15)])
def test_a_night_does_not_depend_on_the_end(small: DemoSource, end: date) -> None:
    """The sellers' first resignation falls in the third month, so ends on both sides of it are covered."""
    for early in (date(2025, 2, 14), end):
        night = min(early, END)
        shorter = DemoSource(7, 0.05, START, max(night, end), delivery="complete")
        for entity in contract():
            assert table_of(shorter, entity.name, night).equals(table_of(small, entity.name, night)), entity.name


def test_a_life_that_ends_before_the_first_resignation_is_the_same_until_then(small: DemoSource) -> None:
    night = date(2025, 2, 20)
    shorter = DemoSource(7, 0.05, START, night, delivery="complete")
    for entity in contract():
        assert table_of(shorter, entity.name, night).equals(table_of(small, entity.name, night)), entity.name


@pytest.mark.parametrize("night", NIGHTS)
def test_keys_are_unique_and_required_columns_are_filled(small: DemoSource, night: date) -> None:
    for entity in contract():
        frame = frame_of(small, entity.name, night)
        assert not frame.duplicated(list(entity.key)).any(), entity.name
        for column in entity.columns:
            if column.required:
                assert frame[column.name].notna().all(), f"{entity.name}.{column.name}"
            if column.values:
                assert set(frame[column.name].dropna()) <= set(column.values), f"{entity.name}.{column.name}"


def dangling(source: DemoSource, entity: Entity, column: str, target: str, night: date) -> set[str]:
    """Values of a reference column that the target entity does not have on that night."""
    values = table_of(source, entity.name, night).column(column).combine_chunks()
    if entity.column(column).type is ColumnType.IDS:
        values = pc.list_flatten(values)
    known = table_of(source, target, night).column(contract()[target].key[0]).combine_chunks()
    missing = values.filter(pc.invert(pc.is_in(values, value_set=known))).drop_null()
    return set(missing.to_pylist())


@pytest.mark.parametrize("night", NIGHTS)
def test_references_resolve_but_for_the_deliberate_ones(small: DemoSource, night: date) -> None:
    unresolved = {
        (entity.name, column.name): found
        for entity in contract()
        for column in entity.columns
        if column.ref and (found := dangling(small, entity, column.name, column.ref, night))
    }
    # Customers typed in by an account that was removed before the history begins.
    assert unresolved.pop(("customers", "creator_id"), {"NV99000"}) == {"NV99000"}
    # What was done with customers who vanished stays behind; they never ordered.
    vanished = set().union(*unresolved.values()) if unresolved else set()
    assert {entity for entity, _ in unresolved} <= {
        "interactions", "tasks", "contacts", "customer_changes", "opportunities",
    }  # fmt: skip
    assert all(column in ("customer_id", "customer_ids") for _, column in unresolved)
    assert len(vanished) <= 12


def test_some_references_do_dangle(small: DemoSource) -> None:
    night = NIGHTS[3]
    assert dangling(small, contract()["interactions"], "customer_id", "customers", night)
    assert dangling(small, contract()["customers"], "creator_id", "employees", night)


@pytest.mark.parametrize("night", NIGHTS)
def test_nothing_happened_after_the_night(small: DemoSource, night: date) -> None:
    limit = datetime.combine(night + timedelta(days=1), datetime.min.time())
    for entity in contract():
        table = table_of(small, entity.name, night)
        for column in entity.columns:
            values = table.column(column.name).drop_null()
            if len(values) == 0 or column.name in ("planned_start_at", "due_at", "period_start", "period_end"):
                continue
            if column.type is ColumnType.TIMESTAMP:
                assert pc.max(values).as_py() < limit, f"{entity.name}.{column.name}"
            if column.type is ColumnType.DATE:
                assert pc.max(values).as_py() <= night, f"{entity.name}.{column.name}"


def test_updated_at_is_never_before_any_other_moment_of_the_row(small: DemoSource) -> None:
    for entity in contract():
        if not entity.has("updated_at"):
            continue
        frame = frame_of(small, entity.name, END)
        for column in ("created_at", "deleted_at", "done_at", "completed_at", "closed_at", "occurred_at"):
            if entity.has(column):
                stamped = frame[frame[column].notna()]
                assert (stamped["updated_at"] >= stamped[column]).all(), f"{entity.name}.{column}"


def test_updated_at_moves_with_every_change(small: DemoSource) -> None:
    before, after = date(2025, 5, 11), date(2025, 5, 18)
    for name in sorted(CHANGING - {"customer_changes"}):
        key = contract()[name].key[0]
        old = {row[key]: row for row in table_of(small, name, before).to_pylist()}
        changed = 0
        for row in table_of(small, name, after).to_pylist():
            if row[key] in old and row != old[row[key]]:
                assert row["updated_at"] > old[row[key]]["updated_at"], f"{name} {row[key]}"
                changed += 1
        if name in ("customers", "interactions", "tasks", "orders"):
            assert changed > 0, name


def as_written(night: date, source: DemoSource, field: str) -> pd.Series[str]:
    """Each customer's latest value of a field in the change log."""
    changes = frame_of(source, "customer_changes", night)
    latest = changes[changes["field"] == field].sort_values("changed_at").groupby("customer_id").tail(1)
    return latest.set_index("customer_id")["new_value"].fillna("nobody")


@pytest.mark.parametrize("night", NIGHTS[1:])
@pytest.mark.parametrize("field", ["manager_id", "relationship_id"])
def test_change_log_agrees_with_customers(small: DemoSource, night: date, field: str) -> None:
    logged = as_written(night, small, field)
    current = frame_of(small, "customers", night).set_index("customer_id")[field].fillna("nobody")
    both = logged.index.intersection(current.index)
    assert len(both) > 0
    assert (logged[both] == current[both]).all()


@pytest.mark.parametrize("field", ["manager_id", "relationship_id"])
def test_change_log_is_a_chain_that_starts_at_the_first_known_value(small: DemoSource, field: str) -> None:
    changes = frame_of(small, "customer_changes", END)
    chain = changes[changes["field"] == field].sort_values(["customer_id", "changed_at"])
    old, new = chain["old_value"].fillna("nobody"), chain["new_value"].fillna("nobody")
    assert (old != new).all()
    follows = chain["customer_id"] == chain["customer_id"].shift()
    assert (old[follows] == new.shift()[follows]).all()
    # A customer without a change on an early night had then the old value of its first change since.
    night = date(2025, 3, 5)
    early = frame_of(small, "customers", night).set_index("customer_id")[field].fillna("nobody")
    since = chain[chain["changed_at"] >= datetime(2025, 3, 6)].groupby("customer_id").head(1).set_index("customer_id")
    both = since.index.intersection(early.index)
    assert len(both) > 10
    assert (since.loc[both, "old_value"].fillna("nobody") == early[both]).all()


def test_a_night_outside_the_life_is_an_error_that_names_it(small: DemoSource) -> None:
    for night in (START - timedelta(days=1), END + timedelta(days=1)):
        with pytest.raises(SourceError, match=rf"2025-01-01 to 2025-05-31.* night of {night}") as caught:
            small.read("orders", night)
        assert caught.value.entity == "orders"
        assert caught.value.input_name == "demo/orders"


@pytest.mark.parametrize(
    ("seed", "scale", "start", "end", "message"),
    [
        (-1, 1.0, START, END, "seed"),
        (1, 0.0, START, END, "scale"),
        (1, 1.0, END, START, "cannot start"),
        (1, 1.0, date(1999, 1, 1), END, "knows the years"),
    ],
)
def test_impossible_options_are_refused(seed: int, scale: float, start: date, end: date, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        DemoSource(seed, scale, start, end)


@pytest.mark.parametrize("end", [date(2025, 3, 16), date(2025, 4, 1)])
def test_a_tiny_company_has_all_tables_from_its_first_night(end: date) -> None:
    source = DemoSource(3, 0.01, date(2025, 3, 16), end)
    for entity in contract():
        for night in (date(2025, 3, 16), end):
            assert table_of(source, entity.name, night).schema == entity.arrow_schema
    assert table_of(source, "employees", end).num_rows > 20


def test_kinds_of_batches() -> None:
    mixed = DemoSource(7, 0.05, date(2025, 1, 2), END)
    delta = DemoSource(7, 0.05, date(2025, 1, 2), END, delivery="delta")
    complete = DemoSource(7, 0.05, date(2025, 1, 2), END, delivery="complete")
    first, sunday, monday, first_of_month = (date(2025, 1, 2), date(2025, 3, 9), date(2025, 3, 10), date(2025, 4, 1))
    kinds = {night: (mixed.kind("orders", night), delta.kind("orders", night)) for night in
             (first, sunday, monday, first_of_month)}  # fmt: skip
    whole, part = BatchKind.COMPLETE, BatchKind.DELTA
    assert kinds == {
        first: (whole, whole), sunday: (whole, whole), monday: (part, part), first_of_month: (whole, part),
    }  # fmt: skip
    assert complete.kind("orders", monday) is whole
    assert mixed.kind("employees", monday) is whole
    assert delta.kind("kpi_targets", monday) is whole


@pytest.mark.parametrize("entity", sorted(CHANGING))
def test_deltas_after_a_complete_batch_give_the_complete_table(small: DemoSource, entity: str) -> None:
    """Hard deletions lag until the next complete batch; everything else is there every night."""
    source = DemoSource(7, 0.05, START, END, delivery="delta")
    key = contract()[entity].key
    held: dict[tuple[object, ...], dict[str, object]] = {}
    repeated = 0
    for day in range(22):
        night = date(2025, 5, 4) + timedelta(days=day)
        raw = source.read(entity, night)
        assert raw is not None
        rows = {tuple(row[part] for part in key): row for row in raw.table.to_pylist()}
        if raw.kind is BatchKind.COMPLETE:
            held = rows
        else:
            repeated += sum(held.get(name) == row for name, row in rows.items())
            held = {**held, **rows}
        truth = {tuple(row[part] for part in key): row for row in table_of(small, entity, night).to_pylist()}
        assert {name: held[name] for name in truth} == truth
        lagging = set(held) - set(truth)
        assert not lagging or (night.isoweekday() != 7 and entity in ("customers", "interactions", "order_lines"))
    assert repeated > 0


def test_default_company_has_the_promised_size(capsys: pytest.CaptureFixture[str]) -> None:
    source = DemoSource(20260101, 1.0, date(2024, 10, 1), date(2026, 3, 31), delivery="complete")
    begun = time.perf_counter()
    table_of(source, "departments", date(2026, 3, 31))
    generated = time.perf_counter()
    counts = {entity.name: table_of(source, entity.name, date(2026, 3, 31)).num_rows for entity in contract()}
    with capsys.disabled():
        seconds = f"{generated - begun:.1f} s to generate, {time.perf_counter() - generated:.2f} s for a night"
        print(f"\ndemo company at scale 1: {seconds}")
    promised = {"employees": 60, "customers": 20_000, "interactions": 150_000, "tasks": 40_000, "orders": 12_000}
    for entity, count in promised.items():
        assert count * 0.85 <= counts[entity] <= count * 1.15, entity
    assert 2 <= counts["order_lines"] / counts["orders"] <= 3


def test_a_first_load_is_complete_on_any_weekday() -> None:
    source = DemoSource(7, 0.05, START, END)
    weekday = END if END.isoweekday() != 7 and END.day != 1 else END - timedelta(days=2)
    changes, everything = source.read("customers", weekday), source.read("customers", weekday, complete=True)
    assert changes is not None
    assert everything is not None
    assert (changes.kind, everything.kind) == (BatchKind.DELTA, BatchKind.COMPLETE)
    assert changes.table.num_rows < everything.table.num_rows
