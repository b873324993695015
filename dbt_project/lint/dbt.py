"""Stand-ins for dbt's own cross-database macros, so that sqlfluff can read the SQL without a warehouse.

Belongs here: what a macro's call looks like once rendered. Not here: anything dbt itself runs.
"""

from __future__ import annotations


def concat(fields: list[str]) -> str:
    """The parts joined by the concatenation operator."""
    return " || ".join(fields)


def date_trunc(datepart: str, date: str) -> str:
    """The first instant of the part."""
    return f"date_trunc('{datepart}', {date})"


def dateadd(datepart: str, interval: object, from_date_or_timestamp: str) -> str:
    """A date some parts later."""
    return f"date_add({from_date_or_timestamp}, interval ({interval}) {datepart})"


def datediff(first_date: str, second_date: str, datepart: str) -> str:
    """Boundaries of the part between two dates."""
    return f"date_diff('{datepart}', {first_date}, {second_date})"


def listagg(measure: str, delimiter_text: str, order_by_clause: str = "") -> str:
    """The values of a group as one text."""
    return f"string_agg({measure}, {delimiter_text} {order_by_clause})"
