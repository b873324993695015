"""SQL that turns one delivered column into the contract's type: pure functions from a contract column to expressions.

Belongs here: what counts as a number, a date, a truth value, a list of ids. Not here: running the SQL or wording what
went wrong (`validation.py`, `reasons.py`).

Every expression yields null for what it cannot read exactly; nothing is rounded, guessed or shifted in silence.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

import pyarrow as pa
import pyarrow.compute as pc

from orchestration.contract.registry import Column, ColumnType

FIRST_YEAR = 1900
LAST_YEAR = 2200

TRUE_WORDS = ("true", "t", "yes", "1")
FALSE_WORDS = ("false", "f", "no", "0")

# What spreadsheets and web forms leave around a value: ASCII blanks, no-break, zero-width and full-width spaces, BOM.
BLANKS = "\t\n\x0b\x0c\r \u00a0\u200b\u3000\ufeff"

# Typed scalars: Arrow imports pandas to look at a plain one.
_EMPTY, _NOTHING = pa.scalar("", pa.string()), pa.scalar(None, pa.string())

_DAY = r"\d{4}-\d{2}-\d{2}"
_TIME = r"([01]\d|2[0-3]):\d{2}(:\d{2}([.]\d{1,9})?)?"
_LOCAL = rf"{_DAY}([T ]{_TIME})?"
_OFFSET = rf"{_DAY}[T ]{_TIME} ?(Z|[+-](0\d|1[0-4])(:?[0-5]\d)?)"


class Family(StrEnum):
    """How a source delivered a column, as far as casting is concerned."""

    ABSENT = "absent"
    TEXT = "text"
    INTEGER = "integer"
    FLOAT = "float"
    DECIMAL = "decimal"
    BOOLEAN = "boolean"
    DATE = "date"
    TIMESTAMP = "timestamp"
    ZONED = "zoned"
    LIST = "list"
    OTHER = "other"


def family_of(delivered: pa.DataType) -> Family:
    """The family of an Arrow type; types no CRM column should have are OTHER, and never fit."""
    types = pa.types
    if types.is_string(delivered) or types.is_large_string(delivered) or types.is_string_view(delivered):
        return Family.TEXT
    if types.is_integer(delivered):
        return Family.INTEGER
    if types.is_floating(delivered):
        return Family.FLOAT
    if types.is_decimal(delivered):
        return Family.DECIMAL
    if types.is_boolean(delivered):
        return Family.BOOLEAN
    if types.is_date(delivered):
        return Family.DATE
    if types.is_timestamp(delivered):
        return Family.TIMESTAMP if delivered.tz is None else Family.ZONED
    if types.is_list(delivered) or types.is_large_list(delivered) or types.is_fixed_size_list(delivered):
        return Family.LIST
    return Family.OTHER


@dataclass(frozen=True)
class ColumnSql:
    """Expressions of one column, each reading the step before it by the column's own name.

    `given`, over the delivered table: the value as it came, texts already clean, null when nothing was given.
    `cast` and `text`, over the given values: what it reads as, and how ids and messages write it.
    `value`, over the cast ones: null out of range.
    """

    given: str
    cast: str
    value: str
    text: str


def quoted(name: str) -> str:
    """An SQL identifier; names come from the contract only."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """An SQL string literal of a contract constant."""
    return "'" + text.replace("'", "''") + "'"


def is_one_of(expression: str, words: Iterable[str]) -> str:
    """A condition on contract constants. Not IN: DuckDB turns a longer one into a join, slower than the tests."""
    return "(" + " or ".join(f"{expression} = {literal(word)}" for word in words) + ")"


def clean(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Trimmed text, null when empty. In Arrow, where it takes a fifth of the time of the same in SQL."""
    trimmed = pc.utf8_trim(column, characters=BLANKS)
    return pc.if_else(pc.equal(trimmed, _EMPTY), _NOTHING, trimmed)


def _matches(expression: str, pattern: str) -> str:
    return f"regexp_full_match({expression}, {literal(pattern)})"


def _in_range(name: str, sql_type: str) -> str:
    low, high = f"{sql_type} '{FIRST_YEAR}-01-01'", f"{sql_type} '{LAST_YEAR + 1}-01-01'"
    return f"case when {name} >= {low} and {name} < {high} then {name} end"


def _text_to_timestamp(text: str) -> str:
    # DuckDB wants seconds, and no blank, before an offset; only rows that carry an offset pay for this.
    seconds = f"regexp_replace(replace({text}, 'T', ' '), '^(.{{16}})( ?[Z+-].*)$', '\\1:00\\2')"
    tight = f"regexp_replace({seconds}, ' ([Z+-])', '\\1')"
    return (
        f"case when {_matches(text, _LOCAL)} then try_cast({text} as timestamp) "
        f"when {_matches(text, _OFFSET)} then timezone($zone, try_cast({tight} as timestamptz)) end"
    )


def _midnight_to_date(timestamp: str) -> str:
    return f"case when date_trunc('day', {timestamp}) = {timestamp} then cast({timestamp} as date) end"


def _to_timestamp(name: str, family: Family) -> str:
    if family is Family.TEXT:
        return _text_to_timestamp(name)
    if family is Family.ZONED:
        return f"timezone($zone, cast({name} as timestamptz))"
    if family in (Family.TIMESTAMP, Family.DATE):
        return f"cast({name} as timestamp)"
    return "cast(null as timestamp)"


def _to_date(name: str, family: Family) -> str:
    if family is Family.TEXT:
        with_time = _midnight_to_date(f"({_text_to_timestamp(name)})")
        return f"case when {_matches(name, _DAY)} then try_cast({name} as date) else {with_time} end"
    if family is Family.DATE:
        return f"cast({name} as date)"
    if family in (Family.TIMESTAMP, Family.ZONED):
        return _midnight_to_date(_to_timestamp(name, family))
    return "cast(null as date)"


def _to_integer(name: str, family: Family) -> str:
    if family is Family.TEXT:
        return f"case when {_matches(name, '[+-]?[0-9]+([.]0*)?')} then try_cast({name} as bigint) end"
    if family in (Family.INTEGER, Family.FLOAT, Family.DECIMAL):
        # A float beyond 2^53 no longer says which whole number it was.
        sure = f" and abs({name}) <= 9007199254740992" if family is Family.FLOAT else ""
        return f"case when try_cast({name} as bigint) = {name}{sure} then try_cast({name} as bigint) end"
    return "cast(null as bigint)"


def ambiguous_thousands(scale: int) -> str | None:
    """The pattern of texts such as 150.000 that read as 150 in one country and 150,000 in another; None when the column
    itself keeps three decimals or more."""
    return r"[+-]?[1-9][0-9]{0,2}[.][0-9]{3}" if scale < 3 else None


def _text_to_decimal(text: str, sql_type: str, scale: int) -> str:
    cast = f"try_cast({text} as {sql_type})"
    number = f"try_cast({text} as double)"
    # Binary floats print noise (0.30000000000000004); within a few units of their last place it is no extra decimal.
    noise = f"abs({number} - cast({cast} as double)) <= abs({number}) * 1e-15"
    decimals = rf"[+-]?([0-9]+([.][0-9]{{0,{scale}}})?|[.][0-9]{{1,{scale}}})"
    ambiguous = ambiguous_thousands(scale)
    refuse = f"when {_matches(text, ambiguous)} then null " if ambiguous else ""
    return (
        f"case when {_matches(text, decimals)} then {cast} {refuse}"
        f"when {_matches(text, decimals + '0*')} then {cast} "
        f"when {_matches(text, '[+-]?[0-9]*[.]?[0-9]+([eE][+-]?[0-9]{1,3})?')} and {noise} then {cast} end"
    )


def _to_decimal(name: str, family: Family, column: Column) -> str:
    sql_type, scale = column.duckdb_type, column.scale or 0
    if family is Family.TEXT:
        return _text_to_decimal(name, sql_type, scale)
    if family is Family.FLOAT:
        return f"({_text_to_decimal(f'cast({name} as varchar)', sql_type, scale)})"
    if family in (Family.INTEGER, Family.DECIMAL):
        return f"case when try_cast({name} as {sql_type}) = {name} then try_cast({name} as {sql_type}) end"
    return f"cast(null as {sql_type})"


def _to_boolean(name: str, family: Family) -> str:
    if family is Family.BOOLEAN:
        return name
    if family is Family.TEXT:
        true, false = (is_one_of(f"lower({name})", words) for words in (TRUE_WORDS, FALSE_WORDS))
        return f"case when {true} then true when {false} then false end"
    if family in (Family.INTEGER, Family.FLOAT, Family.DECIMAL):
        return f"case when {name} = 1 then true when {name} = 0 then false end"
    return "cast(null as boolean)"


def _text_of(name: str, family: Family) -> str:
    """The value as text: what ids and texts become, and what messages quote."""
    if family is Family.TEXT:
        return name
    if family is Family.FLOAT:
        whole = f"{name} = round({name}) and abs({name}) <= 9007199254740992"
        return f"case when {whole} then cast(cast({name} as bigint) as varchar) else cast({name} as varchar) end"
    if family is Family.DECIMAL:
        return f"regexp_replace(regexp_replace(cast({name} as varchar), '([.][0-9]*?)0+$', '\\1'), '[.]$', '')"
    if family is Family.ZONED:
        return f"strftime(timezone($zone, cast({name} as timestamptz)), '%Y-%m-%dT%H:%M:%S.%f')"
    if family is Family.TIMESTAMP:
        return f"strftime(cast({name} as timestamp), '%Y-%m-%dT%H:%M:%S.%f')"
    if family is Family.LIST:
        return f"array_to_string(cast({name} as varchar[]), ';')"
    return f"cast({name} as varchar)"


def _distinct_in_order(items: str) -> str:
    blanks = " || ".join(f"chr({ord(blank)})" for blank in BLANKS)
    cleaned = f"list_filter(list_transform({items}, lambda x: trim(x, {blanks})), lambda x: x <> '')"
    # The one-element list only gives the cleaned list a name, so that it is not computed once per use.
    return f"list_transform([{cleaned}], lambda l: list_filter(l, lambda x, i: list_position(l, x) = i))[1]"


def _to_ids(name: str, family: Family, item: Family) -> str:
    if family is Family.LIST:
        texts = f"list_transform({name}, lambda i: {_text_of('i', item)})"
        return f"nullif({_distinct_in_order(texts)}, [])"
    text = _text_of(name, family)
    split = _distinct_in_order(f"string_split({text}, ';')")
    return f"case when contains({text}, ';') then nullif({split}, []) when {text} is not null then [{text}] end"


def column_sql(column: Column, delivered: pa.DataType | None) -> ColumnSql:
    """The expressions of one contract column, given the Arrow type the source delivered (None: not delivered)."""
    name = quoted(column.name)
    if delivered is None:
        nothing = f"cast(null as {column.duckdb_type})"
        return ColumnSql(given=nothing, cast=name, value=name, text="cast(null as varchar)")
    family = family_of(delivered)
    given = name
    if family is Family.FLOAT:
        given = f"case when isnan({name}) then null else {name} end"
    value = name
    if column.type in (ColumnType.DATE, ColumnType.TIMESTAMP):
        value = _in_range(name, column.duckdb_type)
    return ColumnSql(given, _cast(column, name, family, delivered), value, _text_of(name, family))


def _cast(column: Column, name: str, family: Family, delivered: pa.DataType) -> str:
    match column.type:
        case ColumnType.ID | ColumnType.TEXT:
            return "cast(null as varchar)" if family in (Family.LIST, Family.OTHER) else _text_of(name, family)
        case ColumnType.INTEGER:
            return _to_integer(name, family)
        case ColumnType.BOOLEAN:
            return _to_boolean(name, family)
        case ColumnType.TIMESTAMP:
            return _to_timestamp(name, family)
        case ColumnType.DATE:
            return _to_date(name, family)
        case ColumnType.DECIMAL:
            return _to_decimal(name, family, column)
        case ColumnType.IDS:
            if family is Family.OTHER:
                return "cast(null as varchar[])"
            item = family_of(delivered.value_type) if family is Family.LIST else family
            return _to_ids(name, family, item)
