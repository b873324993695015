"""Reads `crm_contract.yml` into frozen, typed objects; the one place that knows the contract's file format.

Everything that needs to know an entity's columns asks `contract()`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Any

import pyarrow as pa
import yaml

_DECIMAL = re.compile(r"decimal\((\d+),(\d+)\)")

# Ids that the warehouse keeps for its own members: nothing given, and given but not found.
RESERVED_IDS = frozenset({"none", "unknown"})


class ColumnType(StrEnum):
    """The contract's types, without precision or the required mark."""

    ID = "id"
    TEXT = "text"
    INTEGER = "integer"
    BOOLEAN = "boolean"
    TIMESTAMP = "timestamp"
    DATE = "date"
    DECIMAL = "decimal"
    IDS = "ids"


@dataclass(frozen=True)
class Column:
    """One column of one entity. `precision` and `scale` are set for decimals only."""

    name: str
    type: ColumnType
    required: bool = False
    precision: int | None = None
    scale: int | None = None
    values: tuple[str, ...] = ()
    ref: str | None = None
    default: str | None = None
    note: str | None = None

    @property
    def duckdb_type(self) -> str:
        """The SQL type of the landed column."""
        if self.type is ColumnType.DECIMAL:
            return f"DECIMAL({self.precision},{self.scale})"
        return {
            ColumnType.ID: "VARCHAR",
            ColumnType.TEXT: "VARCHAR",
            ColumnType.INTEGER: "BIGINT",
            ColumnType.BOOLEAN: "BOOLEAN",
            ColumnType.TIMESTAMP: "TIMESTAMP",
            ColumnType.DATE: "DATE",
            ColumnType.IDS: "VARCHAR[]",
        }[self.type]

    @property
    def arrow_type(self) -> pa.DataType:
        """The Arrow type of the landed column; timestamps are naive company local time in microseconds."""
        if self.type is ColumnType.DECIMAL:
            assert self.precision is not None and self.scale is not None
            return pa.decimal128(self.precision, self.scale)
        types: dict[ColumnType, pa.DataType] = {
            ColumnType.ID: pa.string(),
            ColumnType.TEXT: pa.string(),
            ColumnType.INTEGER: pa.int64(),
            ColumnType.BOOLEAN: pa.bool_(),
            ColumnType.TIMESTAMP: pa.timestamp("us"),
            ColumnType.DATE: pa.date32(),
            ColumnType.IDS: pa.list_(pa.string()),
        }
        return types[self.type]


@dataclass(frozen=True)
class Entity:
    """One entity: its key, its columns in contract order, whether a source must deliver it, and whether it is a plain
    list of names that may have members called as the warehouse's own (`RESERVED_IDS`)."""

    name: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    must_deliver: bool = False
    is_lookup: bool = False

    def column(self, name: str) -> Column:
        """The column of that name; KeyError when the contract has none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(f"entity {self.name} has no column {name}")

    def has(self, name: str) -> bool:
        """Whether the contract gives this entity a column of that name."""
        return any(column.name == name for column in self.columns)

    @property
    def column_names(self) -> tuple[str, ...]:
        """Column names in contract order."""
        return tuple(column.name for column in self.columns)

    @property
    def arrow_schema(self) -> pa.Schema:
        """The Arrow schema of landed rows, without landing's own columns."""
        return pa.schema([pa.field(column.name, column.arrow_type) for column in self.columns])


@dataclass(frozen=True)
class Contract:
    """All entities, in the file's order, and a fingerprint that manifests record."""

    entities: Mapping[str, Entity]
    fingerprint: str

    def __iter__(self) -> Iterator[Entity]:
        return iter(self.entities.values())

    def __getitem__(self, name: str) -> Entity:
        try:
            return self.entities[name]
        except KeyError:
            known = ", ".join(self.entities)
            raise KeyError(f"the contract has no entity {name!r}; it has: {known}") from None


def _column(name: str, spec: Mapping[str, Any]) -> Column:
    written = str(spec["type"])
    required = written.endswith("!")
    bare = written.removesuffix("!")
    precision = scale = None
    if bare == "money":
        kind, precision, scale = ColumnType.DECIMAL, 18, 2
    elif match := _DECIMAL.fullmatch(bare):
        kind, precision, scale = ColumnType.DECIMAL, int(match[1]), int(match[2])
    else:
        kind = ColumnType(bare)
    default = spec.get("default")
    return Column(
        name=name,
        type=kind,
        required=required,
        precision=precision,
        scale=scale,
        values=tuple(spec.get("values", ())),
        ref=spec.get("ref"),
        default=None if default is None else str(default).lower(),
        note=spec.get("note"),
    )


def _entity(name: str, spec: Mapping[str, Any]) -> Entity:
    key = spec["key"]
    return Entity(
        name=name,
        key=(key,) if isinstance(key, str) else tuple(key),
        columns=tuple(_column(column, body) for column, body in spec["columns"].items()),
        must_deliver=bool(spec.get("must_deliver", False)),
        is_lookup=bool(spec.get("is_lookup", False)),
    )


def parse_contract(text: str) -> Contract:
    """Parse the text of a contract file; ValueError when a key or a reference names nothing."""
    spec = yaml.safe_load(text)
    entities = {name: _entity(name, body) for name, body in spec["entities"].items()}
    for entity in entities.values():
        for part in entity.key:
            if not entity.has(part):
                raise ValueError(f"contract: key {part} of {entity.name} is not one of its columns")
        for column in entity.columns:
            if column.ref is not None and column.ref not in entities:
                raise ValueError(f"contract: {entity.name}.{column.name} refers to {column.ref}, which is no entity")
    return Contract(entities=entities, fingerprint=hashlib.sha256(text.encode()).hexdigest()[:16])


@cache
def contract() -> Contract:
    """The contract this package ships."""
    return parse_contract(files("orchestration.contract").joinpath("crm_contract.yml").read_text(encoding="utf-8"))
