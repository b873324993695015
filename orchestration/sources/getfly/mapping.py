"""From received rows to the contract's entities, by the statements in `models/staging/getfly`.

Belongs here: what those statements can read and call. Not here: what a field means (the statements), what a code means
(`seeds/getfly_codes.csv`), or which rows are good (the contract judges every row that comes out).

The statements run before landing and not in dbt's build, because a row has to be in the contract's form to be judged;
dbt leaves their folder out (`dbt_project/.dbtignore`). They see, for every resource, two tables with the columns id,
parent, body (JSON), and deleted_at:

    accounts        what was received that night, and rows found deleted, as they were last
    accounts_now    every row that stands after that night
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import pyarrow as pa

from orchestration.contract import contract
from orchestration.settings import PROJECT_DIR
from orchestration.sources.getfly.errors import GetflyError

STATEMENTS = PROJECT_DIR / "models" / "staging" / "getfly"
CODES = PROJECT_DIR / "seeds" / "getfly_codes.csv"
_CODE_COLUMNS = ("domain", "code", "label", "value")

# Where the contract says which values a domain has.
_DOMAINS: Mapping[str, tuple[str, str]] = {
    "gender": ("customers", "gender"),
    "order_status": ("orders", "status"),
    "task_status": ("tasks", "status"),
    "opportunity_status": ("opportunities", "status"),
}

# What each entity is made of.
ENTITIES: Mapping[str, tuple[str, ...]] = {
    "departments": ("users_active", "users_inactive"),
    "employees": ("users_active", "users_inactive"),
    "relationships": ("relations",),
    "sources": ("account_sources",),
    "industries": ("accounts", "accounts_deleted"),
    "provinces": ("accounts", "accounts_deleted"),
    # Types of accounts have no place in the contract; they are kept, for a mapping of one's own.
    "customers": ("account_types", "accounts", "accounts_deleted"),
    "contacts": ("accounts", "accounts_deleted"),
    "projects": ("tasks",),
    "tasks": ("tasks",),
    "interactions": ("accounts", "accounts_deleted", "comments"),
    "product_categories": ("product_categories",),
    "products": ("products",),
    "orders": ("sale_orders",),
    "order_lines": ("sale_orders",),
    "payments": ("sale_order_payments",),
    "campaigns": ("campaigns",),
    "opportunities": ("campaigns", "opportunities"),
}
# Entities whose statement reads what was received that night; the others are made anew from all that stands.
BY_NIGHT = {"customers": "accounts", "interactions": "comments", "orders": "sale_orders"}


def make_functions(connection: duckdb.DuckDBPyConnection, company: ZoneInfo, tenant: ZoneInfo) -> None:
    """The functions that statements call. Each yields null for what a field does not have, in every spelling of it.

    Texts without a zone are times of `tenant`, Unix seconds are of none; both come out as local times of `company`.
    """
    for statement in _FUNCTIONS:
        connection.execute(statement.replace("$COMPANY", f"'{company.key}'").replace("$TENANT", f"'{tenant.key}'"))


_FUNCTIONS = (
    # A field as trimmed text; null, "" and a missing field are the same.
    """create macro text_of(body, path) as nullif(trim(json_extract_string(body, path)), '')""",
    # An id of something else; 0 means none.
    """create macro reference_of(body, path) as nullif(text_of(body, path), '0')""",
    # A number without the commas that some versions put between thousands.
    """create macro amount_of(body, path) as replace(text_of(body, path), ',', '')""",
    # A list of ids: an array, a comma string or one value.
    """create macro ids_of(body, path) as array_to_string(list_filter(
        case
            when json_type(body, path) = 'ARRAY' then list_transform(
                cast(json_extract(body, path) as json[]), lambda one: trim(json_extract_string(one, '$')))
            else list_transform(string_split(coalesce(text_of(body, path), ''), ','), lambda one: trim(one))
        end,
        lambda one: one is not null and one not in ('', '0')), ';')""",
    # A truth value in any of its spellings.
    """create macro flag_of(body, path) as
        case coalesce(text_of(body, path), '0') in ('1', 'true') when true then 'true' else 'false' end""",
    # Objects in an array, or the one object that stands for it.
    """create macro rows_in(list) as
        case
            when json_type(list) = 'ARRAY' then cast(list as json[])
            when json_type(list) = 'OBJECT' and list <> '{}' then [list]
            else cast([] as json[])
        end""",
    # Day first, as older versions write, to year first; everything else as it is. The zero date is no date.
    r"""create macro year_first(value) as
        case
            when value like '0000-00-00%' or value in ('0', '00/00/0000', '00-00-0000') then null
            when regexp_full_match(value, '\d{1,2}[-/]\d{1,2}[-/]\d{4}.*')
                then regexp_replace(
                    regexp_replace(value, '(\d{1,2})[-/](\d{1,2})[-/](\d{4})(.*)', '\3-0\2-0\1\4'),
                    '^(\d{4})-0?(\d\d)-0?(\d\d)', '\1-\2-\3')
            else value
        end""",
    r"""create macro is_unix(value) as regexp_full_match(coalesce(value, ''), '\d{9,11}')""",
    """create macro local_time(zoned) as strftime(timezone($COMPANY, zoned), '%Y-%m-%d %H:%M:%S')""",
    """create macro moment_text(value) as
        case
            when is_unix(value) then local_time(to_timestamp(cast(value as bigint)))
            when $COMPANY <> $TENANT and try_cast(year_first(value) as timestamp) is not null
                then local_time(timezone($TENANT, cast(year_first(value) as timestamp)))
            else year_first(value)
        end""",
    """create macro moment_of(body, path) as moment_text(text_of(body, path))""",
    # A date without a time belongs to no zone.
    """create macro day_of(body, path) as
        left(case when is_unix(text_of(body, path)) then moment_text(text_of(body, path))
            else year_first(text_of(body, path)) end, 10)""",
    # What no code map knows: the contract refuses the value, and its message shows both parts.
    """create macro unmapped(body, code, label) as
        'Getfly ' || coalesce(text_of(body, code), '(empty)') || coalesce(' (' || text_of(body, label) || ')', '')""",
)


def load_codes(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    """The table `codes`. Raises GetflyError with everything that is wrong in the file."""
    rows = _read_codes(path)
    if problems := code_problems(path):
        raise GetflyError("; ".join(problems))
    table = pa.table({name: pa.array([row[name] for row in rows], pa.string()) for name in _CODE_COLUMNS})
    connection.register("code_rows", table)
    connection.execute("create table codes as select * from code_rows")
    connection.unregister("code_rows")


def code_problems(path: Path) -> list[str]:
    """What is wrong in a code map, by row: missing parts, two meanings of one code, values that the contract refuses.

    Raises GetflyError where the file has other columns.
    """
    problems = []
    seen: set[tuple[str, str, str]] = set()
    for number, row in enumerate(_read_codes(path), start=2):
        domain, value = row["domain"], row["value"]
        if domain is None or value is None or (row["code"] is None and row["label"] is None):
            problems.append(f"{path}, row {number}: a domain, a value, and a code or a label are needed")
            continue
        if domain not in _DOMAINS:
            problems.append(f"{path}, row {number}: {domain} is no domain; it is one of {', '.join(_DOMAINS)}")
            continue
        entity, column = _DOMAINS[domain]
        allowed = contract()[entity].column(column).values
        if value not in allowed:
            problems.append(f"{path}, row {number}: {value} is no {domain}; it is one of {', '.join(allowed)}")
        for name in ("code", "label"):
            key = (domain, name, row[name] or "")
            if row[name] is not None and key in seen:
                problems.append(f"{path}, row {number}: {name} {row[name]} of {domain} is there twice")
            seen.add(key)
    return problems


def _read_codes(path: Path) -> list[dict[str, str | None]]:
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        if tuple(reader.fieldnames or ()) != _CODE_COLUMNS:
            raise GetflyError(f"{path} must have the columns {', '.join(_CODE_COLUMNS)}")
        return [{name: (row[name] or "").strip() or None for name in _CODE_COLUMNS} for row in reader]


def run_statement(connection: duckdb.DuckDBPyConnection, entity: str) -> pa.Table:
    """The rows of one entity. Raises GetflyError when the statement fails, which is a defect or a malformed number."""
    path = STATEMENTS / f"{entity}.sql"
    try:
        # In one order, so that the same rows have the same numbers in messages.
        return connection.execute(f"from ({path.read_text(encoding='utf-8')}\n) order by all").to_arrow_table()
    except duckdb.Error as error:
        raise GetflyError(f"{path.relative_to(PROJECT_DIR)}: {error}") from error
