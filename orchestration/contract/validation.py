"""Judges delivered rows against the contract: good rows come out typed, bad rows with a reason, none get lost.

Belongs here: the rules of the contract, run vectorised in an in-memory DuckDB. Not here: reading inputs (`sources/`),
storing batches (`landing/`), how a value is cast (`casts.py`) or worded (`reasons.py`).
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from zoneinfo import ZoneInfo

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from orchestration.contract.casts import ColumnSql, Family, clean, column_sql, family_of, is_one_of, literal, quoted
from orchestration.contract.reasons import located, shown, violation_sentence
from orchestration.contract.registry import RESERVED_IDS, Column, ColumnType, Entity
from orchestration.sources.base import RawTable, RejectedRow, SourceError

ROW_NUMBER = "_row_number"

QUARANTINE_SCHEMA = pa.schema(
    [
        pa.field(ROW_NUMBER, pa.int64()),
        pa.field("entity_key", pa.list_(pa.string())),
        pa.field("column_name", pa.string()),
        pa.field("rule", pa.string()),
        pa.field("reason", pa.string()),
        pa.field("value", pa.string()),
        pa.field("content", pa.string()),
    ]
)

# Entities of which exactly one of two columns must be set; the contract says so in its notes.
EXACTLY_ONE_OF: Mapping[str, tuple[str, str]] = {"kpi_targets": ("employee_id", "department_id")}

_REJECTED_CHUNK = 50_000

# A file that is no table can have a header of any size; a message has not.
_SHOWN_NAMES, _SHOWN_NAME = 60, 40


@dataclass(frozen=True)
class Validated:
    """A judged table. Rows of both parts add up to the rows delivered.

    `landed`: the contract's columns, typed, and `_row_number`; `quarantined`: QUARANTINE_SCHEMA; both as delivered.
    """

    landed: pa.Table
    quarantined: pa.Table
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Quarantined:
    row_number: int
    entity_key: Sequence[str | None] | None
    column_name: str | None
    rule: str
    reason: str
    value: str | None
    content: str


def landed_schema(entity: Entity) -> pa.Schema:
    """Schema of `Validated.landed`."""
    return entity.arrow_schema.append(pa.field(ROW_NUMBER, pa.int64()))


def check_header(entity: Entity, names: Sequence[str], input_name: str) -> tuple[str, ...]:
    """Compare delivered column names with the contract; returns warnings about ignored columns.

    Raises SourceError (rule "header") when a column comes twice, a required one is missing, or none is known.
    """
    doubled = sorted({name for name in names if name and list(names).count(name) > 1})
    if doubled:
        raise _header_error(entity, names, input_name, f"column {', '.join(doubled)} comes more than once")
    known = [name for name in names if entity.has(name)]
    if not known:
        raise _header_error(entity, names, input_name, "none of its columns is one of the contract's")
    missing = [column.name for column in entity.columns if column.required and column.name not in known]
    if missing:
        raise _header_error(entity, names, input_name, f"required column {', '.join(missing)} is missing")
    return tuple(
        _unknown_column(entity, name, place, input_name)
        for place, name in enumerate(names, start=1)
        if not entity.has(name)
    )


def _header_error(entity: Entity, names: Sequence[str], input_name: str, problem: str) -> SourceError:
    found = ", ".join(name[:_SHOWN_NAME] or "(no name)" for name in names[:_SHOWN_NAMES]) or "nothing"
    wanted = ", ".join(column.name + ("!" if column.required else "") for column in entity.columns)
    message = (
        f"{input_name}, row 1: {problem}. Found: {found}. Expected of {entity.name} (! is required): {wanted}. "
        "Correct the header and deliver the file again."
    )
    return SourceError(entity.name, input_name, "header", message)


def _unknown_column(entity: Entity, name: str, place: int, input_name: str) -> str:
    if not name:
        return f"{input_name}: column {place} has no name and was ignored"
    near = difflib.get_close_matches(name.lower(), entity.column_names, n=1, cutoff=0.8)
    hint = f"; did you mean {near[0]}?" if near else ""
    return f"{input_name}: column {name} is not in the contract and was ignored{hint}"


@dataclass(frozen=True)
class _Statements:
    """The SQL of one entity and one delivered schema."""

    entity: Entity
    delivered: pa.Schema

    @cached_property
    def _sql(self) -> dict[str, ColumnSql]:
        names = set(self.delivered.names)
        return {
            column.name: column_sql(column, self.delivered.field(column.name).type if column.name in names else None)
            for column in self.entity.columns
        }

    def _steps(self, with_texts: bool = False) -> str:
        """CTEs up to `judged_values`: g_<name> as given, v_<name> as cast, and t_<name> as text when asked for."""
        given, cast, values = [], [], []
        for column in self.entity.columns:
            sql, name = self._sql[column.name], column.name
            given.append(f"{sql.given} as {quoted(name)}")
            cast += [f"{sql.cast} as {quoted(name)}", f"{quoted(name)} as {quoted('g_' + name)}"]
            values += [f"{sql.value} as {quoted('v_' + name)}", quoted("g_" + name)]
            if with_texts:
                cast.append(f"{sql.text} as {quoted('t_' + name)}")
                values.append(quoted("t_" + name))
        return (
            f"with given as (select _position, {', '.join(given)} from delivered), "
            f"cast_values as (select _position, {', '.join(cast)} from given), "
            f"judged_values as (select _position, {', '.join(values)} from cast_values)"
        )

    def _rule(self, column: Column) -> list[tuple[str, str]]:
        """(rule, condition) of one column, in the order they are reported."""
        given, value = quoted("g_" + column.name), quoted("v_" + column.name)
        rules = []
        if self._can_fail(column):
            rules.append(("type", f"{given} is not null and {value} is null"))
        if column.required:
            rules.append(("required", f"{value} is null"))
        if column.values:
            rules.append(("allowed_values", f"not {is_one_of(value, column.values)}"))
        is_own_id = column.type is ColumnType.ID and column.name in self.entity.key and column.ref is None
        if is_own_id and not self.entity.is_lookup:
            rules.append(("reserved_id", is_one_of(value, sorted(RESERVED_IDS))))
        return rules

    def _can_fail(self, column: Column) -> bool:
        # Any text is a list of ids, and an empty list is none; only types that are no ids at all can fail.
        if column.type is not ColumnType.IDS:
            return True
        return column.name in self.delivered.names and family_of(self.delivered.field(column.name).type) is Family.OTHER

    def _owner_rule(self) -> str | None:
        pair = EXACTLY_ONE_OF.get(self.entity.name)
        if pair is None:
            return None
        first, second = (quoted("v_" + name) for name in pair)
        return f"({first} is null) = ({second} is null)"

    def judge(self) -> str:
        """Cast every row; `_bad` says whether any rule but duplicate_key is broken."""
        conditions = [condition for column in self.entity.columns for _, condition in self._rule(column)]
        owner = self._owner_rule()
        bad = " or ".join(f"coalesce({c}, false)" for c in [*conditions, *([owner] if owner else [])])
        landed = "".join(f", {self._landed(column)}" for column in self.entity.columns if not self.is_ready(column))
        return f"{self._steps()} select _position{landed}, {bad} as _bad from judged_values"

    def is_ready(self, column: Column) -> bool:
        """Whether the delivered column lands as it is; then it need not go through SQL and back."""
        if column.name not in self.delivered.names or column.default is not None:
            return False
        is_text = column.type in (ColumnType.ID, ColumnType.TEXT)
        return is_text and family_of(self.delivered.field(column.name).type) is Family.TEXT

    def _landed(self, column: Column) -> str:
        value = quoted("v_" + column.name)
        if column.default is not None:
            value = f"coalesce({value}, cast({literal(column.default)} as {column.duckdb_type}))"
        return f"{value} as {quoted(column.name)}"

    def explain(self) -> str:
        """Of each column: the broken rule (r_<name>) or null, and the text as delivered (t_<name>)."""
        parts = []
        for column in self.entity.columns:
            cases = " ".join(f"when {condition} then {literal(rule)}" for rule, condition in self._rule(column))
            rule = f"case {cases} end" if cases else "cast(null as varchar)"
            parts.append(f"{rule} as {quoted('r_' + column.name)}")
            parts.append(quoted("t_" + column.name))
        owner = self._owner_rule()
        parts.append(f"{owner or 'false'} as _owner")
        return (
            f"{self._steps(with_texts=True)} select _position, {', '.join(parts)} from judged_values order by _position"
        )

    def duplicates(self) -> str:
        """Positions of rows whose key comes again in a newer row, with the position of the row that stays."""
        keys = ", ".join(quoted(name) for name in self.entity.key)
        same = " and ".join(f"k.{quoted(name)} is not distinct from r.{quoted(name)}" for name in self.entity.key)
        partition = ", ".join(f"k.{quoted(name)}" for name in self.entity.key)
        updated = f"k.{quoted('updated_at')} desc nulls last, " if self.entity.has("updated_at") else ""
        newest = f"over (partition by {partition} order by {updated}k._position desc)"
        return (
            f"with repeated as (select {keys} from judged where not _bad group by all having count(*) > 1), "
            f"ranked as (select k._position, first_value(k._position) {newest} as _kept "
            f"from judged as k inner join repeated as r on {same} where not k._bad) "
            "select _position, _kept from ranked where _position <> _kept order by _position"
        )


def validate(entity: Entity, raw: RawTable, zone: ZoneInfo) -> Validated:
    """Judge every row of `raw`. Timestamps with an offset become local time of `zone`.

    Raises SourceError (rule "header") when the delivered columns cannot be the entity's.
    """
    warnings = check_header(entity, raw.table.column_names, raw.input_name)
    delivered = _known_columns(entity, raw.table)
    statements = _Statements(entity, delivered.schema)
    with _engine().cursor() as connection:
        connection.register("delivered", delivered)
        judged = _with_ready_columns(statements, delivered, _fetch(connection, statements.judge(), zone))
        connection.register("judged", judged)
        repeated = connection.sql(statements.duplicates()).to_arrow_table()
        bad = pc.indices_nonzero(judged["_bad"]).cast(pa.int64())
        rows = [
            *_broken_rows(connection, statements, raw, delivered, bad, zone),
            *_duplicate_rows(connection, statements, raw, delivered, repeated, zone),
            *(_unreadable_row(rejected) for rejected in raw.rejected),
        ]
    gone = pa.concat_arrays([bad, repeated["_position"].combine_chunks()])
    return Validated(_landed(entity, judged, raw, gone), _quarantine_table(rows), warnings)


@cache
def _engine() -> duckdb.DuckDBPyConnection:
    """The in-memory DuckDB of this process; each judgement has a connection of its own to it, and names only there.

    Starting a DuckDB takes longer than judging a small batch, and a night has more than twenty of them. One thread:
    Arrow hands DuckDB one stream, and a second thread only waits for it.
    """
    return duckdb.connect(config={"threads": 1})


def _fetch(connection: duckdb.DuckDBPyConnection, sql: str, zone: ZoneInfo) -> pa.Table:
    # DuckDB refuses a parameter that the statement does not use.
    parameters = {"zone": zone.key} if "$zone" in sql else {}
    return connection.execute(sql, parameters).to_arrow_table()


def _known_columns(entity: Entity, table: pa.Table) -> pa.Table:
    known = table.select([name for name in entity.column_names if name in table.column_names])
    for place, field in enumerate(known.schema):
        known = known.set_column(place, field.name, _plain(known.column(place)))
    return known.append_column("_position", pa.array(np.arange(table.num_rows, dtype=np.int64)))


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Texts of every encoding as clean strings, and numbers in the widths that DuckDB reads."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _plain(column.cast(kind.value_type))
    if pa.types.is_float16(kind):
        return column.cast(pa.float32())
    if pa.types.is_decimal256(kind):
        return _cast_or(column, pa.decimal128(38, kind.scale), pa.string())
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        # Bytes that are not UTF-8 stay bytes, for the rules to reject.
        column = _cast_or(column, pa.string(), kind)
    if pa.types.is_null(column.type) or family_of(column.type) is Family.TEXT:
        return clean(column.cast(pa.string()))
    return column


def _cast_or(column: pa.ChunkedArray, first: pa.DataType, second: pa.DataType) -> pa.ChunkedArray:
    try:
        return column.cast(first)
    except pa.ArrowInvalid:
        return column.cast(second)


def _with_ready_columns(statements: _Statements, delivered: pa.Table, judged: pa.Table) -> pa.Table:
    for column in statements.entity.columns:
        if statements.is_ready(column):
            judged = judged.append_column(column.name, delivered[column.name])
    return judged


def _landed(entity: Entity, judged: pa.Table, raw: RawTable, gone: pa.Array) -> pa.Table:
    table = judged.select(list(entity.column_names)).append_column(ROW_NUMBER, raw.row_numbers)
    if len(gone):
        table = table.filter(pc.invert(pc.is_in(judged["_position"], value_set=gone)))
    return table.cast(landed_schema(entity))


def _chunks(positions: pa.Array) -> Iterable[pa.Array]:
    for start in range(0, len(positions), _REJECTED_CHUNK):
        yield positions.slice(start, _REJECTED_CHUNK)


def _explained(
    connection: duckdb.DuckDBPyConnection, statements: _Statements, delivered: pa.Table, chunk: pa.Array, zone: ZoneInfo
) -> list[dict[str, object]]:
    connection.register("delivered", delivered.take(chunk))
    verdicts: list[dict[str, object]] = _fetch(connection, statements.explain(), zone).to_pylist()
    return verdicts


def _broken_rows(
    connection: duckdb.DuckDBPyConnection,
    statements: _Statements,
    raw: RawTable,
    delivered: pa.Table,
    positions: pa.Array,
    zone: ZoneInfo,
) -> Iterable[_Quarantined]:
    for chunk in _chunks(positions):
        numbers = raw.row_numbers.take(chunk).to_pylist()
        contents = raw.table.take(chunk).to_pylist()
        verdicts = _explained(connection, statements, delivered, chunk, zone)
        for number, content, verdict in zip(numbers, contents, verdicts, strict=True):
            yield _broken_row(statements.entity, raw.input_name, number, content, verdict)


def _text(verdict: Mapping[str, object], name: str) -> str | None:
    value = verdict["t_" + name]
    return None if value is None else str(value)


def _key_texts(entity: Entity, verdict: Mapping[str, object]) -> list[str | None]:
    return [_text(verdict, name) for name in entity.key]


def _broken_row(
    entity: Entity, input_name: str, number: int, content: Mapping[str, object], verdict: Mapping[str, object]
) -> _Quarantined:
    found = [
        (column.name, str(rule), violation_sentence(column, str(rule), _text(verdict, column.name)))
        for column in entity.columns
        if (rule := verdict["r_" + column.name]) is not None
    ]
    if verdict["_owner"]:
        found.append(_owner_violation(entity, verdict))
    name, rule, sentence = found[0]
    also = "; ".join(f"column {other}, rule {broken}: {words}" for other, broken, words in found[1:])
    reason = located(input_name, number, name, rule, sentence + (f". Also {also}" if also else ""))
    return _Quarantined(
        number, _key_texts(entity, verdict), name, rule, reason, _text(verdict, name), _as_json(content)
    )


def _owner_violation(entity: Entity, verdict: Mapping[str, object]) -> tuple[str, str, str]:
    first, second = EXACTLY_ONE_OF[entity.name]
    both = _text(verdict, first) is not None
    found = f"both {first} and {second} are set" if both else f"neither {first} nor {second} is set"
    return first, "exactly_one_owner", f"{found}; expected exactly one of them"


def _duplicate_rows(
    connection: duckdb.DuckDBPyConnection,
    statements: _Statements,
    raw: RawTable,
    delivered: pa.Table,
    repeated: pa.Table,
    zone: ZoneInfo,
) -> Iterable[_Quarantined]:
    entity = statements.entity
    positions, kept = (repeated[name].combine_chunks() for name in ("_position", "_kept"))
    stays = dict(zip(positions.to_pylist(), raw.row_numbers.take(kept).to_pylist(), strict=True))
    for chunk in _chunks(positions):
        numbers = raw.row_numbers.take(chunk).to_pylist()
        contents = raw.table.take(chunk).to_pylist()
        verdicts = _explained(connection, statements, delivered, chunk, zone)
        for place, number, content, verdict in zip(chunk.to_pylist(), numbers, contents, verdicts, strict=True):
            key = _key_texts(entity, verdict)
            names, value = ", ".join(entity.key), ", ".join(part or "" for part in key)
            sentence = (
                f"{shown(value)} is also the key of row {stays[place]}, which is newer and was kept; "
                f"expected one row per {names}"
            )
            reason = located(raw.input_name, number, names, "duplicate_key", sentence)
            yield _Quarantined(number, key, names, "duplicate_key", reason, value, _as_json(content))


def _unreadable_row(row: RejectedRow) -> _Quarantined:
    return _Quarantined(row.row_number, None, row.column, row.rule, row.reason, None, row.content)


def _as_json(content: Mapping[str, object]) -> str:
    return json.dumps(content, ensure_ascii=False, default=str)


def _quarantine_table(rows: list[_Quarantined]) -> pa.Table:
    rows.sort(key=lambda row: row.row_number)
    columns = {
        ROW_NUMBER: [row.row_number for row in rows],
        "entity_key": [row.entity_key for row in rows],
        "column_name": [row.column_name for row in rows],
        "rule": [row.rule for row in rows],
        "reason": [row.reason for row in rows],
        "value": [row.value for row in rows],
        "content": [row.content for row in rows],
    }
    return pa.table(columns, schema=QUARANTINE_SCHEMA)
