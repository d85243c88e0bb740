"""Columns of values as PostgreSQL arrays: a page goes into a statement as its columns, which it unnests side by side.

Belongs here: how values are written as arrays, in text or in binary, with nothing run per value but what C does. Which
columns a table has is known where it is written.

Nothing is staged: by way of a temporary table every value would be parsed as often, copied twice, and the table
emptied after each page.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import Any, ClassVar

import psycopg
from psycopg.adapt import Dumper
from psycopg.pq import Format

NULL = "NULL"
_FLAGS = {True: "t", False: "f", None: NULL}
_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\""})
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_LENGTH_BYTES = 4


# -- as text -----------------------------------------------------------------------------------------------------------


def texts(column: Sequence[str]) -> str:
    """Text values; NULL of this module, too, would be taken as text."""
    if not column:
        return "{}"
    # A quote is looked for anyway: one search over all of them finds that nearly always nothing is to do.
    joined = '","'.join(column)
    if "\\" in joined or joined.count('"') > 2 * (len(column) - 1):
        joined = '","'.join([value.translate(_ESCAPES) for value in column])
    return f'{{"{joined}"}}'


def texts_or_null(column: Sequence[str | None]) -> str:
    """Text values, some of them absent."""
    if None not in column:
        return texts(column)  # type: ignore[arg-type]
    return _listed([NULL if value is None else f'"{value.translate(_ESCAPES)}"' for value in column])


def plain(column: Sequence[Any]) -> str:
    """Numbers, days and instants, which are written as they show themselves; NULL of this module is none."""
    # Amounts mostly are texts already, and a column of one kind begins as it goes on.
    is_text = type(column[0]) is str if column else True
    return _listed(column if is_text and set(map(type, column)) == {str} else map(str, column))


def plain_or_null(column: Sequence[Any]) -> str:
    """The same, some of them absent."""
    return plain(column) if None not in column else plain([NULL if value is None else value for value in column])


def flags(column: Iterable[bool | None]) -> str:
    return _listed(map(_FLAGS.__getitem__, column))


def _listed(values: Iterable[str]) -> str:
    return f"{{{','.join(values)}}}"


# -- as bytes ----------------------------------------------------------------------------------------------------------


class Array:
    """A column of what is bytes already; None is NULL. The numbers are PostgreSQL's own for the types, the same in
    every database.
    """

    oid: ClassVar[int]
    element_oid: ClassVar[int]

    def __init__(self, values: Sequence[bytes | None]) -> None:
        has_nulls = None in values
        if has_nulls:
            lengths = [-1 if value is None else len(value) for value in values]
            values = [value or b"" for value in values]
        else:
            lengths = [*map(len, values)]  # type: ignore[arg-type]
        packed = struct.pack(f">{len(lengths)}i", *lengths)
        heads = [packed[at : at + _LENGTH_BYTES] for at in range(0, len(packed), _LENGTH_BYTES)]
        # One dimension, whether there are NULLs, the type of each, how many, counted from 1.
        start = struct.pack(">5i", 1, has_nulls, self.element_oid, len(lengths), 1)
        self.binary = start + b"".join(chain.from_iterable(zip(heads, values, strict=True)))  # type: ignore[arg-type]


class Documents(Array):
    """JSON in UTF-8."""

    oid, element_oid = 199, 114


class Digests(Array):
    oid, element_oid = 1001, 17


class Instants(Array):
    oid, element_oid = 1185, 1184

    def __init__(self, values: Sequence[datetime | None]) -> None:
        pack = struct.Struct(">q").pack
        super().__init__([None if value is None else pack((value - _EPOCH) // _MICROSECOND) for value in values])


class _ArrayDumper(Dumper):
    format = Format.BINARY

    def dump(self, obj: Array) -> bytes:
        return obj.binary


for _kind in (Documents, Digests, Instants):
    psycopg.adapters.register_dumper(_kind, type(f"{_kind.__name__}Dumper", (_ArrayDumper,), {"oid": _kind.oid}))
