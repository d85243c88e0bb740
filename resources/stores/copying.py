"""Rows as the text that COPY reads, made column by column: several times as fast as row by row.

Belongs here: the text format (PostgreSQL manual, COPY, "Text Format") for the types our staging tables have. What is
copied where is said by the stores.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime
from decimal import Decimal
from types import NoneType
from typing import Any

import psycopg

_NULL = r"\N"
_SPELLED: dict[type, Callable[[Any], str]] = {
    Decimal: str,
    int: str,
    bool: str,
    date: date.isoformat,
    datetime: datetime.isoformat,
    bytes: lambda value: rf"\\x{value.hex()}",
}


def write_rows(copy: psycopg.Copy, rows: Sequence[Sequence[Any]]) -> None:
    """Send rows of equal length; each column holds one type, and None. KeyError for a type no staging table has."""
    if rows:
        columns = [_column(values) for values in zip(*rows, strict=True)]
        copy.write("\n".join(map("\t".join, zip(*columns, strict=True))) + "\n")


def _column(values: Sequence[Any]) -> Sequence[str]:
    kinds = set(map(type, values))
    has_null = NoneType in kinds
    kinds.discard(NoneType)
    if kinds == {str}:
        values = _escaped(values)
        return [_NULL if value is None else value for value in values] if has_null else values
    if len(kinds) == 1 and not has_null:
        return list(map(_SPELLED[kinds.pop()], values))
    return [_NULL if value is None else _SPELLED[type(value)](value) for value in values]


def _escaped(values: Sequence[str | None]) -> Sequence[str | None]:
    everything = "".join(filter(None, values))
    for raw, escaped in (("\\", r"\\"), ("\n", r"\n"), ("\r", r"\r"), ("\t", r"\t")):
        if raw in everything:
            values = [value and value.replace(raw, escaped) for value in values]
    return values
