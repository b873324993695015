"""Words for rejected rows: one sentence per violation, made of what was found and what is expected.

Belongs here: messages of the contract's rules. Not here: deciding that a rule is broken (`casts.py`, `validation.py`).
"""

from __future__ import annotations

import re

from orchestration.contract.casts import FIRST_YEAR, LAST_YEAR, ambiguous_thousands
from orchestration.contract.registry import Column, ColumnType

_SHOWN = 80


def shown(value: str | None) -> str:
    """A value as messages quote it: at most 80 characters, on one line."""
    if value is None:
        return "nothing"
    flat = value.replace("\r", "\\r").replace("\n", "\\n")
    return f'"{flat}"' if len(flat) <= _SHOWN else f'"{flat[:_SHOWN]}…"'


def expected(column: Column) -> str:
    """What a column takes, in words."""
    if column.values:
        return "one of " + ", ".join(column.values)
    match column.type:
        case ColumnType.DATE:
            return f"a day as YYYY-MM-DD between {FIRST_YEAR} and {LAST_YEAR}"
        case ColumnType.TIMESTAMP:
            return f"a time as YYYY-MM-DDTHH:MM:SS, with or without an offset, between {FIRST_YEAR} and {LAST_YEAR}"
        case ColumnType.INTEGER:
            return "a whole number such as 12"
        case ColumnType.DECIMAL:
            whole = (column.precision or 0) - (column.scale or 0)
            return f"a number such as 1000.5 with at most {whole} digits before the point and {column.scale} after it"
        case ColumnType.BOOLEAN:
            return "true or false"
        case ColumnType.IDS:
            return 'ids joined by ";"'
        case ColumnType.ID:
            return "an id"
        case ColumnType.TEXT:
            return "text"


def _date_advice(text: str) -> str | None:
    if text.startswith("0000-00-00"):
        return "a zero date is no date; leave the cell empty when there is none"
    if re.match(r"\d{1,2}[/.-]\d{1,2}[/.-]\d{4}", text):
        return "day and month could be confused; write the year first"
    if re.match(r"\d{4}-\d{2}-\d{2}", text):
        year = int(text[:4])
        if not FIRST_YEAR <= year <= LAST_YEAR:
            return f"the year {year} is impossible here"
        return "there is no such day or time, or it is not written as expected"
    return None


def _number_advice(text: str, column: Column) -> str | None:
    if re.fullmatch(r"[+-]?\d{1,3}(,\d{3})+(\.\d+)?", text):
        return f"thousands separators are not read; write {text.replace(',', '')}"
    if re.fullmatch(r"[+-]?\d+,\d+", text):
        return f"a decimal comma is not read; write {text.replace(',', '.')}"
    if re.fullmatch(r"[+-]?\d{1,3}(\.\d{3}){2,}(,\d+)?", text):
        return f"thousands separators are not read; write {text.replace('.', '').replace(',', '.')}"
    ambiguous = ambiguous_thousands(column.scale or 0) if column.type is ColumnType.DECIMAL else None
    if ambiguous and re.fullmatch(ambiguous, text):
        whole, decimals = text.split(".")
        if decimals.endswith("0"):
            return f"it can mean {whole}{decimals} or {whole}.{decimals[:2]}; write one of these"
        return f"it can mean {whole}{decimals}, or has more decimals than the column keeps"
    if column.type is ColumnType.INTEGER and re.fullmatch(r"[+-]?\d+\.\d+", text):
        return "it is not whole"
    if re.fullmatch(r"[+-]?\d+\.\d+", text):
        return "it has more digits than the column keeps; round it in the export"
    return None


def _type_sentence(column: Column, text: str) -> str:
    advice = None
    if column.type in (ColumnType.DATE, ColumnType.TIMESTAMP):
        advice = _date_advice(text)
        if advice and column.type is ColumnType.DATE and re.match(r"\d{4}-\d{2}-\d{2}[T ]\d", text):
            advice = "a day must come alone or with midnight"
            if text.startswith("0000"):
                advice = _date_advice(text)
    elif column.type in (ColumnType.INTEGER, ColumnType.DECIMAL):
        advice = _number_advice(text, column)
    sentence = f"{shown(text)} does not fit; expected {expected(column)}"
    return f"{sentence} ({advice})" if advice else sentence


def violation_sentence(column: Column, rule: str, text: str | None) -> str:
    """What is wrong with one value, without saying where. `rule` is one of the contract's column rules."""
    match rule:
        case "required":
            return f"the value is missing; expected {expected(column)}"
        case "type":
            return _type_sentence(column, text or "")
        case "allowed_values":
            hint = ""
            if text is not None and text.lower() in column.values:
                hint = f" (write {text.lower()})"
            return f"{shown(text)} is not allowed; expected {expected(column)}{hint}"
        case "reserved_id":
            return (
                f"{shown(text)} is an id the warehouse keeps for rows without a reference; "
                "expected any other id (rows that point at it count as unknown)"
            )
        case _:
            raise ValueError(f"the contract has no column rule {rule!r}")


def located(input_name: str, row: int, column: str, rule: str, sentence: str) -> str:
    """The whole message: file, row, column, rule, then the sentence."""
    return f"{input_name}, row {row}, column {column}, rule {rule}: {sentence}"
