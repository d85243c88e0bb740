"""How far each connection and entity has been read and merged. Watermarks move forwards only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from psycopg.rows import class_row

# A census that fails is due again at once, then after 10 minutes, 30, 70 ... 21 hours.
CENSUS_WAIT_SECONDS, CENSUS_DOUBLINGS_MAX = 600, 7
CENSUS_WAIT_SECONDS_MAX = CENSUS_WAIT_SECONDS * (2**CENSUS_DOUBLINGS_MAX - 1)


@dataclass(frozen=True, slots=True)
class Cursor:
    """`watermark` None: never read. `merged_seq`: the last mirror change the ledger has taken. `reread_from`: how far
    was read under a clock over there that stands behind the watermark; what changes before it has passed that bears
    times after it. `is_census_put_off`: a census that is due has failed, and waits before it is taken again.
    """

    entity: str
    watermark: datetime | None
    merged_seq: int
    is_census_due: bool
    pulled_at: datetime | None
    census_at: datetime | None
    reread_from: datetime | None
    is_census_put_off: bool

    @property
    def since(self) -> datetime | None:
        """What the next pull is to ask from."""
        return self.reread_from or self.watermark


def read_all(tx: psycopg.Connection[Any], connection: str) -> Mapping[str, Cursor]:
    """Every cursor of one connection, by entity."""
    with tx.cursor(row_factory=class_row(Cursor)) as rows:
        rows.execute(
            # Put off for longer than any failure puts it off: a clock stood ahead.
            "select entity, watermark, merged_seq, is_census_due, pulled_at, census_at, reread_from, "
            "coalesce(census_again_at between now() and now() + make_interval(secs => %s), false) as is_census_put_off "
            "from sync.cursors where connection = %s",
            (CENSUS_WAIT_SECONDS_MAX, connection),
        )
        return {cursor.entity: cursor for cursor in rows}


@dataclass(frozen=True, slots=True)
class Read:
    """An entity was read up to `watermark`; `is_census_due` if only a census can say what that missed."""

    entity: str
    watermark: datetime | None
    is_census_due: bool = False

    def after(self, before: Read) -> Read:
        """Both as one."""
        marks = [mark for mark in (before.watermark, self.watermark) if mark is not None]
        return Read(self.entity, max(marks, default=None), before.is_census_due or self.is_census_due)


def advance(tx: psycopg.Connection[Any], *, tenant: str, connection: str, read: Sequence[Read]) -> None:
    """Move watermarks forwards (never back) in the transaction that stored what was read, one entity once.

    A claim that ends before the watermark moves `reread_from`, until one has passed it again.
    """
    tx.execute(
        """
        insert into sync.cursors as c (connection, entity, tenant_id, watermark, is_census_due, pulled_at)
        select %(connection)s, r.entity, %(tenant)s, r.watermark, r.is_census_due, clock_timestamp()
          from unnest(%(entities)s::text[], %(watermarks)s::timestamptz[], %(due)s::boolean[])
            as r (entity, watermark, is_census_due)
        on conflict (connection, entity) do update
           set watermark = greatest(c.watermark, excluded.watermark),
               reread_from = case when excluded.watermark is null then c.reread_from
                                  when excluded.watermark < c.watermark then excluded.watermark end,
               is_census_due = c.is_census_due or excluded.is_census_due,
               pulled_at = excluded.pulled_at
        """,
        {
            "connection": connection,
            "tenant": tenant,
            "entities": [one.entity for one in read],
            "watermarks": [one.watermark for one in read],
            "due": [one.is_census_due for one in read],
        },
    )


def make_census_due(tx: psycopg.Connection[Any], connection: str, entities: Sequence[str]) -> None:
    """These are to be counted, now or by whichever sync comes to it, whatever has failed before; what was never read
    is listed by being read.
    """
    tx.execute(
        "update sync.cursors set is_census_due = true, census_again_at = null "
        "where connection = %s and entity = any(%s) and watermark is not null",
        (connection, list(entities)),
    )


def census_done(tx: psycopg.Connection[Any], connection: str, entity: str) -> None:
    """A census of this entity ran to its end."""
    tx.execute(
        "update sync.cursors set is_census_due = false, census_at = clock_timestamp(), "
        "census_failures = 0, census_again_at = null where connection = %s and entity = %s",
        (connection, entity),
    )


def census_failed(tx: psycopg.Connection[Any], connection: str, entity: str) -> None:
    """It stays due, and is put off for longer each time: listing in vain costs calls, of which there may be few."""
    tx.execute(
        "update sync.cursors set census_failures = census_failures + 1, census_again_at = clock_timestamp() "
        "+ make_interval(secs => %s * (power(2, least(census_failures, %s)) - 1)) "
        "where connection = %s and entity = %s",
        (CENSUS_WAIT_SECONDS, CENSUS_DOUBLINGS_MAX, connection, entity),
    )


def uncounted(tx: psycopg.Connection[Any], connection: str) -> set[str]:
    """The entities whose last census failed."""
    return {
        entity
        for (entity,) in tx.execute(
            "select entity from sync.cursors where connection = %s and census_failures > 0", (connection,)
        )
    }


def merged(tx: psycopg.Connection[Any], connection: str, entity: str, change_seq: int) -> None:
    """The ledger has taken every mirror change up to this one."""
    tx.execute(
        "update sync.cursors set merged_seq = greatest(merged_seq, %s) where connection = %s and entity = %s",
        (change_seq, connection, entity),
    )
