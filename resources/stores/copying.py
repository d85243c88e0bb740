"""Rows for COPY, made column by column: per row and value nothing runs but what C does.

Belongs here: values as COPY's text format spells them. Which columns a table has is known where it is written.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import psycopg
from psycopg import sql

NULL = r"\N"
FLAGS = {True: "t", False: "f", None: NULL}
_ESCAPES = str.maketrans({"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"})


def texts(column: Sequence[str]) -> Sequence[str]:
    """Text values; NULL of this module, too, would be taken as text."""
    # A separator that is looked for anyway: one search over all of them finds that nearly always nothing is to do.
    joined = "\n".join(column)
    if "\\" not in joined and "\t" not in joined and "\r" not in joined and joined.count("\n") < max(len(column), 1):
        return column
    return [value.translate(_ESCAPES) for value in column]


def texts_or_null(column: Sequence[str | None]) -> Sequence[str]:
    """Text values, some of them absent."""
    if None not in column:
        return texts(column)  # type: ignore[arg-type]
    return [NULL if value is None else value.translate(_ESCAPES) for value in column]


def plain(column: Iterable[Any]) -> list[str]:
    """Numbers, days and instants, which are written as they show themselves."""
    return list(map(str, column))


def plain_or_null(column: Sequence[Any]) -> list[str]:
    """The same, some of them absent."""
    return plain(column) if None not in column else [NULL if value is None else str(value) for value in column]


def flags(column: Iterable[bool | None]) -> list[str]:
    return [FLAGS[value] for value in column]


def copy_columns(tx: psycopg.Connection[Any], statement: sql.Composable, columns: Sequence[Sequence[str]]) -> None:
    """Send columns of equal length by a `copy ... from stdin`, as one text."""
    if not columns[0]:
        return
    with tx.cursor() as cursor, cursor.copy(statement) as copy:
        copy.write("\n".join(map("\t".join, zip(*columns, strict=True))) + "\n")


def next_values(tx: psycopg.Connection[Any], sequence: str, count: int) -> list[int]:
    """So many new numbers of a sequence, in its order."""
    if not count:
        return []
    # One text is read in a tenth of the time of so many rows.
    row = tx.execute(
        "select string_agg(nextval(%s)::text, ',') from generate_series(1, %s)", (sequence, count)
    ).fetchone()
    assert row is not None
    return [*map(int, row[0].split(","))]
