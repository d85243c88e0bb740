"""The notices that ERPs have delivered: each once, however often it comes, until a sync has taken it.

Belongs here: the statements on `sync.inbox`. Reading deliveries is `resources/erps/<erp>/webhooks.py`, acting on what
waits here `stages/noticed.py`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import class_row, dict_row

from resources.webhooks import DELETE, Notice

DAYS_KEPT = 30
# Two clocks of one ERP: that of its events and that of its records.
_CLOCK_SECONDS = 1


@dataclass(frozen=True, slots=True)
class Waiting:
    """A notice that no sync has taken yet; `entities` are those that its record was not read as."""

    event_key: str
    entities: list[str]
    external_id: str
    operation: str
    happened_at: datetime


def put(tx: psycopg.Connection[Any], *, tenant: str, connection: str, notices: Sequence[Notice]) -> int:
    """Keep what is new; returns how many were.

    One that happened longer ago than these are kept is a replay, or of no use: deltas have long read further.
    """
    done = tx.execute(
        "insert into sync.inbox (tenant_id, connection, event_key, entities, external_id, operation, happened_at)"
        " select %s, %s, n.event_key, string_to_array(n.entities, ','), n.external_id, n.operation, n.happened_at"
        " from unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::timestamptz[])"
        "  as n (event_key, entities, external_id, operation, happened_at)"
        " where n.happened_at > now() - make_interval(days => %s) on conflict do nothing",
        (
            tenant,
            connection,
            [one.key for one in notices],
            [",".join(one.entities) for one in notices],
            [one.external_id for one in notices],
            [one.operation for one in notices],
            [one.happened_at for one in notices],
            DAYS_KEPT,
        ),
    )
    return done.rowcount


def latest(tx: psycopg.Connection[Any], *, limit: int) -> list[dict[str, Any]]:
    """The notices of all connections that came last, the newest first."""
    with tx.cursor(row_factory=dict_row) as rows:
        return rows.execute(
            "select connection, entities, external_id, operation, happened_at, received_at, taken_at "
            "from sync.inbox order by received_at desc limit %s",
            (limit,),
        ).fetchall()


def waiting(tx: psycopg.Connection[Any], connection: str, entities: Collection[str]) -> list[Waiting]:
    """What has been told and not been taken, oldest first: of what may be one of these, or is nothing we keep."""
    with tx.cursor(row_factory=class_row(Waiting)) as rows:
        return rows.execute(
            "select event_key, entities, external_id, operation, happened_at from sync.inbox"
            " where connection = %s and taken_at is null and (entities && %s::text[] or entities = '{}')"
            " order by received_at, event_key",
            (connection, list(entities)),
        ).fetchall()


def unseen(tx: psycopg.Connection[Any], connection: str, entity: str, notices: Sequence[Waiting]) -> list[str]:
    """Those of the named records that the mirror does not hold as of their notice; a live one is not that of any
    deletion, whatever the two times say.
    """
    query = sql.SQL(
        "select distinct n.external_id"
        " from unnest(%s::text[], %s::timestamptz[], %s::boolean[]) as n (external_id, happened_at, is_deletion)"
        " where not exists (select from {} m where m.connection = %s and m.external_id = n.external_id"
        "  and (m.is_deleted or not n.is_deletion"
        "       and m.modified_at >= n.happened_at - make_interval(secs => %s)))"
    ).format(sql.Identifier("mirror", entity))
    ids, times = [one.external_id for one in notices], [one.happened_at for one in notices]
    deletions = [one.operation == DELETE for one in notices]
    return [found for (found,) in tx.execute(query, (ids, times, deletions, connection, _CLOCK_SECONDS))]


def taken(tx: psycopg.Connection[Any], connection: str, notices: Sequence[Waiting], entities: Collection[str]) -> None:
    """A sync has read these notices' records as any of `entities`; one that may be something else waits on for that.

    What was taken long ago is forgotten, and what nobody could take for as long: a pull of it that is on again reads
    from before.
    """
    tx.execute(
        "update sync.inbox i set taken_at = case when remaining = '{}' then now() end,"
        " entities = case when remaining = '{}' then i.entities else remaining end"
        " from (select event_key, array(select unnest(entities) except select unnest(%(read)s::text[])) as remaining"
        " from sync.inbox where connection = %(connection)s and event_key = any(%(keys)s)) as n"
        " where i.connection = %(connection)s and i.event_key = n.event_key",
        {"connection": connection, "keys": [one.event_key for one in notices], "read": list(entities)},
    )
    tx.execute(
        "delete from sync.inbox where connection = %s"
        " and coalesce(taken_at, received_at) < now() - make_interval(days => %s)",
        (connection, DAYS_KEPT),
    )
