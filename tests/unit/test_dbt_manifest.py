"""The dbt project as its manifest describes it: layers, names, grain, keys, columns, and that the contract agrees."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from orchestration.contract import Column, contract
from orchestration.settings import PROJECT_DIR

Node = Mapping[str, Any]

# What each layer may read. A seed is reference data; core and marts read it.
READS = {
    "staging": {"source", "staging"},
    "core": {"staging", "core", "seeds"},
    "marts": {"core", "marts", "seeds"},
    "access": {"marts", "core"},
}
NAMES = {
    "staging": re.compile(r"stg_[a-z]+__[a-z_]+"),
    "core": re.compile(r"core_[a-z_]+"),
    "marts": re.compile(r"(dim|fct|kpi)_[a-z_]+"),
    "access": re.compile(r"access_(dim|fct|kpi)_[a-z_]+"),
}
MATERIALIZED = {
    "staging": {"view"},
    "core": {"updated"},
    "marts": {"updated", "table"},
    "access": {"view"},
}
# Small, and read by every core model: see the model.
TABLES_IN_STAGING = {"stg_contract__quarantined_keys"}
# What is frozen was a finished mart when it was frozen: nothing of core lies between its files and the marts.
FROZEN = {"stg_frozen__figures", "stg_frozen__rows", "stg_frozen__versions"}
# The only core tables an access view may read: who may see what, never what.
SCOPES = {"core_employee_scope", "core_department_scope"}
LANDING_COLUMNS = {"_record_key", "_batch_id", "_batch_date", "_row_number", "batch_seq", "known_at"}
CLOCKS = re.compile(r"\b(current_timestamp|current_date|now\s*\(|today\s*\(|get_current_time)", re.IGNORECASE)


def nodes(manifest: Node, kind: str) -> Iterator[Node]:
    return (node for node in manifest["nodes"].values() if node["resource_type"] == kind)


def models(manifest: Node) -> dict[str, Node]:
    return {node["name"]: node for node in nodes(manifest, "model")}


def layer(node: Node) -> str:
    """The folder that a model or seed stands in; a source is a layer of its own."""
    if node["resource_type"] == "source":
        return "source"
    return "seeds" if node["resource_type"] == "seed" else str(node["fqn"][1])


def parents(manifest: Node, node: Node) -> Iterator[Node]:
    everything = {**manifest["nodes"], **manifest["sources"]}
    return (everything[unique_id] for unique_id in node["depends_on"]["nodes"])


def attached_tests(manifest: Node, test_name: str) -> dict[str, list[Node]]:
    """Every generic test of that name, by the model or seed it is attached to."""
    found: dict[str, list[Node]] = {}
    for node in nodes(manifest, "test"):
        if (node.get("test_metadata") or {}).get("name") == test_name:
            attached = manifest["nodes"][node["attached_node"]]["name"]
            found.setdefault(attached, []).append(node)
    return found


def test_layers_read_downwards_only(manifest: Node) -> None:
    wrong = [
        f"{node['name']} reads {parent['name']}"
        for node in nodes(manifest, "model")
        for parent in parents(manifest, node)
        if layer(parent) not in READS[layer(node)] and not (layer(node) == "marts" and parent["name"] in FROZEN)
    ]
    assert wrong == []


def test_access_views_read_marts_and_scopes_only(manifest: Node) -> None:
    wrong = [
        f"{node['name']} reads {parent['name']}"
        for node in nodes(manifest, "model")
        for parent in parents(manifest, node)
        if layer(node) == "access" and layer(parent) == "core" and parent["name"] not in SCOPES
    ]
    assert wrong == []


def test_every_mart_has_its_access_view(manifest: Node) -> None:
    by_layer = {name: [node["name"] for node in models(manifest).values() if layer(node) == name] for name in READS}
    assert sorted(by_layer["access"]) == sorted(f"access_{name}" for name in by_layer["marts"])


def test_names_schemas_and_materializations_follow_the_layer(manifest: Node) -> None:
    wrong = []
    for name, node in models(manifest).items():
        where = layer(node)
        expected = {"table"} if name in TABLES_IN_STAGING else MATERIALIZED[where]
        if (
            not NAMES[where].fullmatch(name)
            or node["schema"] != where
            or node["config"]["materialized"] not in expected
        ):
            wrong.append(f"{where}/{name}: schema {node['schema']}, {node['config']['materialized']}")
    assert wrong == []


def test_descriptions_open_with_the_grain(manifest: Node) -> None:
    described = [*nodes(manifest, "model"), *nodes(manifest, "seed")]
    wrong = [node["name"] for node in described if not node["description"].startswith("One row per ")]
    assert wrong == []


def test_every_table_tests_its_key(manifest: Node) -> None:
    tested = {*attached_tests(manifest, "key_and_values"), *attached_tests(manifest, "unique_combination")}
    tables = {node["name"] for node in nodes(manifest, "model") if layer(node) in {"core", "marts"}}
    tables |= {node["name"] for node in nodes(manifest, "seed")}
    assert tables - tested == set()


def test_every_mart_enforces_its_contract(manifest: Node) -> None:
    marts = [node for node in nodes(manifest, "model") if layer(node) == "marts"]
    assert marts
    assert [node["name"] for node in marts if not node["contract"]["enforced"]] == []


def test_every_column_is_described_and_typed(manifest: Node) -> None:
    wrong = [
        f"{node['name']}.{column['name']}"
        for node in nodes(manifest, "model")
        for column in node["columns"].values()
        if not column["description"].strip() or not column["data_type"]
    ]
    assert wrong == []
    assert [node["name"] for node in nodes(manifest, "model") if not node["columns"]] == []


def test_no_model_reads_a_clock(manifest: Node) -> None:
    assert [node["name"] for node in nodes(manifest, "model") if CLOCKS.search(node["raw_code"])] == []


def test_every_entity_is_a_source_with_its_asset_key(manifest: Node) -> None:
    keys = {source["name"]: source["config"]["meta"]["dagster"]["asset_key"] for source in manifest["sources"].values()}
    assert keys == {entity.name: ["landing", entity.name] for entity in contract()}


def test_staging_reads_its_own_entity(manifest: Node) -> None:
    lineage = {
        name: [parent["name"] for parent in parents(manifest, node) if layer(parent) == "source"]
        for name, node in models(manifest).items()
        if layer(node) == "staging"
    }
    expected = {f"stg_contract__{entity.name}": [entity.name] for entity in contract()}
    expected["stg_contract__batches"] = []
    assert {name: read for name, read in lineage.items() if name not in TABLES_IN_STAGING | FROZEN} == expected
    assert {name: lineage[name] for name in FROZEN} == {name: [] for name in FROZEN}
    assert sorted(lineage["stg_contract__quarantined_keys"]) == sorted(entity.name for entity in contract())


@pytest.mark.parametrize("entity", [entity.name for entity in contract()])
def test_staging_and_contract_agree(entity: str, manifest: Node) -> None:
    documented = models(manifest)[f"stg_contract__{entity}"]["columns"]
    columns = contract()[entity].columns
    assert set(documented) == {column.name for column in columns} | LANDING_COLUMNS
    types = {column.name: documented[column.name]["data_type"].upper() for column in columns}
    assert types == {column.name: column.duckdb_type for column in columns}


@pytest.mark.parametrize("entity", [entity.name for entity in contract()])
def test_core_carries_every_column_of_the_contract(entity: str, manifest: Node) -> None:
    documented = set(models(manifest)[f"core_{entity}"]["columns"])
    # A line's own amounts are named apart from its shares of the order's.
    renamed = {"discount_amount": "line_discount_amount", "vat_amount": "line_vat_amount"}
    expected = {
        renamed.get(column.name, column.name) if entity == "order_lines" else column.name
        for column in contract()[entity].columns
    }
    assert expected - documented == set()
    assert {"is_deleted", "deleted_at", "_batch_id", "_row_number"} <= documented


def test_every_reference_is_counted_when_it_points_at_nothing(manifest: Node) -> None:
    sql = models(manifest)["core_unresolved_references"]["raw_code"]
    missing = [
        f"{entity.name}.{column.name}"
        for entity in contract()
        for column in entity.columns
        if column.ref and not re.search(rf"\('{entity.name}',(?: '\w+',)? '{column.name}'", sql)
    ]
    assert missing == []


def words_of(manifest: Node, name: str) -> dict[str, list[str]]:
    """The words that a seed's columns may hold, by column."""
    tests = attached_tests(manifest, "one_of")[name]
    return {test["column_name"]: test["test_metadata"]["kwargs"]["values"] for test in tests}


def test_order_status_rules_must_cover_the_contract(manifest: Node) -> None:
    (test,) = attached_tests(manifest, "covers_combinations")["order_status_rules"]
    orders = contract()["orders"]
    expected = {name: list(orders.column(name).values) for name in ("order_type", "status")}
    assert test["test_metadata"]["kwargs"]["values"] == expected
    assert words_of(manifest, "order_status_rules") == expected


def test_interaction_rules_must_cover_the_contract(manifest: Node) -> None:
    (test,) = attached_tests(manifest, "covers_combinations")["interaction_rules"]
    types = [*contract()["interactions"].column("type").values, "task"]
    expected = {"interaction_type": types, "direction": ["*"], "outcome": ["*"]}
    assert test["test_metadata"]["kwargs"]["values"] == expected
    accepted = words_of(manifest, "interaction_rules")
    outcomes = [*contract()["interactions"].column("outcome").values, *contract()["tasks"].column("status").values]
    assert accepted == {
        "interaction_type": types,
        "direction": [*contract()["interactions"].column("direction").values, "*"],
        "outcome": [*outcomes, "*"],
    }


def test_last_contact_rules_cover_every_event_they_know(manifest: Node) -> None:
    (test,) = attached_tests(manifest, "covers_combinations")["last_contact_rules"]
    events = words_of(manifest, "last_contact_rules")["event"]
    assert test["test_metadata"]["kwargs"]["values"] == {"event": events, "task_type": ["*"]}
    sql = models(manifest)["core_customer_last_contact"]["raw_code"]
    assert [event for event in events if f"'{event}'" not in sql] == []


def seed(name: str) -> list[dict[str, str]]:
    with (PROJECT_DIR / "seeds" / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_every_report_but_the_menu_has_a_scope_rule(manifest: Node) -> None:
    reports = set(contract()["employee_permissions"].column("report").values)
    assert {row["report"] for row in seed("report_scope_rules")} == reports - {"menu"}
    assert set(words_of(manifest, "report_scope_rules")["report"]) == reports - {"menu"}


def test_every_rule_file_names_its_columns_in_the_order_of_its_description(manifest: Node) -> None:
    for node in nodes(manifest, "seed"):
        assert list(seed(node["name"])[0]) == list(node["columns"]) == list(node["config"]["column_types"]), node[
            "name"
        ]


@pytest.mark.parametrize(
    ("domain", "column"),
    [
        ("order_type", contract()["orders"].column("order_type")),
        ("order_status", contract()["orders"].column("status")),
        ("gender", contract()["customers"].column("gender")),
        ("task_state", contract()["tasks"].column("status")),
        ("interaction_type", contract()["interactions"].column("type")),
    ],
    ids=lambda value: value if isinstance(value, str) else value.name,
)
def test_every_code_of_the_contract_has_a_label(domain: str, column: Column) -> None:
    labelled = {row["code"] for row in seed("labels") if row["domain"] == domain}
    assert set(column.values) - labelled == set()


@pytest.mark.parametrize(
    ("domain", "name", "column"),
    [
        ("recency_bucket", "recency_buckets", "bucket"),
        ("age_band", "age_bands", "age_band"),
        ("cycle_window", "cycle_windows", "label"),
        ("metric_report", "metric_catalogue", "report"),
        ("metric_block", "metric_catalogue", "block"),
        ("metric_unit", "metric_catalogue", "unit"),
        ("metric_direction", "metric_catalogue", "direction"),
        ("metric_owner_role", "metric_catalogue", "owner_role"),
        ("metric_date_role", "metric_catalogue", "date_role"),
        ("reconciliation_topic", "reconciliation_lines", "topic"),
        ("reconciliation_line", "reconciliation_lines", "line"),
    ],
)
def test_every_code_of_a_seed_has_a_label(domain: str, name: str, column: str) -> None:
    labelled = {row["code"] for row in seed("labels") if row["domain"] == domain}
    assert labelled == {row[column] for row in seed(name)}
