"""Numbers of our sequences, many at a time."""

from __future__ import annotations

from typing import Any

import psycopg


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
