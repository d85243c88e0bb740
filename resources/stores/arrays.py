"""Columns of values as arrays in PostgreSQL's binary form, made by C alone: for documents, written as they are.

Belongs here: values as parameters of a statement that unnests them. Narrow rows go by COPY: `copying.py`. A document
sent this way is parsed once and copied once; by way of a staged table it would be both twice.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import ClassVar

import psycopg
from psycopg.adapt import Dumper
from psycopg.pq import Format

_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_LENGTH_BYTES = 4


class Array:
    """One column; None is NULL. The numbers are PostgreSQL's own for the types, the same in every database."""

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


class Texts(Array):
    oid, element_oid = 1009, 25

    def __init__(self, values: Sequence[str | None]) -> None:
        super().__init__([None if value is None else value.encode() for value in values])


class Documents(Array):
    """JSON in UTF-8."""

    oid, element_oid = 199, 114


class Digests(Array):
    oid, element_oid = 1001, 17


class Numbers(Array):
    oid, element_oid = 1016, 20

    def __init__(self, values: Sequence[int | None]) -> None:
        pack = struct.Struct(">q").pack
        super().__init__([None if value is None else pack(value) for value in values])


class Instants(Array):
    oid, element_oid = 1185, 1184

    def __init__(self, values: Sequence[datetime | None]) -> None:
        pack = struct.Struct(">q").pack
        super().__init__([None if value is None else pack((value - _EPOCH) // _MICROSECOND) for value in values])


class _ArrayDumper(Dumper):
    format = Format.BINARY

    def dump(self, obj: Array) -> bytes:
        return obj.binary


for _kind in (Texts, Documents, Digests, Numbers, Instants):
    psycopg.adapters.register_dumper(_kind, type(f"{_kind.__name__}Dumper", (_ArrayDumper,), {"oid": _kind.oid}))
