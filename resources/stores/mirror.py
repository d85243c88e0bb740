"""Each connection's records as sent, newest version of each, earlier ones in the history tables.

A page is written set-wise: COPY into a staging table, then one statement. A record older than what is held never
replaces it; one whose content is the same changes nothing; a tombstone keeps the last content.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

import msgspec
import psycopg
from psycopg import sql

from resources.connector import WireRecord

# Keys are sorted, so that equal content has equal bytes whatever order the ERP sent it in; numbers keep their scale.
_encode = msgspec.json.Encoder(decimal_format="number", order="deterministic").encode


@dataclass(frozen=True, slots=True)
class Stored:
    """What one page did to the mirror; `pulled` counts the records it brought."""

    pulled: int = 0
    inserted: int = 0
    updated: int = 0
    deleted: int = 0

    def __add__(self, other: Stored) -> Stored:
        return Stored(
            self.pulled + other.pulled,
            self.inserted + other.inserted,
            self.updated + other.updated,
            self.deleted + other.deleted,
        )


@dataclass(frozen=True, slots=True)
class Change:
    """One mirrored record the ledger has not taken yet; `payload` is JSON text."""

    external_id: str
    version_token: str | None
    payload: str
    is_deleted: bool
    change_seq: int


def content_of(payload: dict[str, Any]) -> tuple[bytes, bytes]:
    """A payload as canonical JSON bytes, and their SHA-256."""
    encoded = _encode(payload)
    return encoded, hashlib.sha256(encoded).digest()


@cache
def _upsert(entity: str) -> sql.Composed:
    return sql.SQL(
        """
        with incoming as (
          select distinct on (external_id) * from pg_temp.mirror_page
           order by external_id, modified_at desc nulls last, place desc
        ),
        written as (
          insert into mirror.{entity} as m
            (connection, external_id, tenant_id, version_token, modified_at, content_hash, payload, is_deleted, run_id)
          select %(connection)s, i.external_id, %(tenant)s, i.version_token, i.modified_at, i.content_hash, i.payload,
                 false, %(run_id)s
            from incoming i where not i.is_deleted
          on conflict (connection, external_id) do update
             set version_token = excluded.version_token, modified_at = excluded.modified_at,
                 content_hash = excluded.content_hash, payload = excluded.payload, is_deleted = false,
                 change_seq = nextval('mirror.change_seq'), seen_at = now(), run_id = excluded.run_id
           where (%(is_current)s or m.modified_at is null or excluded.modified_at is null
                  or excluded.modified_at >= m.modified_at)
             and (m.is_deleted or m.content_hash <> excluded.content_hash
                  or m.version_token is distinct from excluded.version_token
                  or m.modified_at is distinct from excluded.modified_at)
          returning (xmax = 0) as is_new
        ),
        buried as (
          update mirror.{entity} m
             set is_deleted = true, modified_at = coalesce(i.modified_at, m.modified_at),
                 change_seq = nextval('mirror.change_seq'), seen_at = now(), run_id = %(run_id)s
            from incoming i
           where i.is_deleted and m.connection = %(connection)s and m.external_id = i.external_id
             and not m.is_deleted
             and (m.modified_at is null or i.modified_at is null or i.modified_at >= m.modified_at)
          returning 1
        )
        select (select count(*) from incoming), (select count(*) from written where is_new),
               (select count(*) from written where not is_new), (select count(*) from buried)
        """
    ).format(entity=sql.Identifier(entity))


def store(
    tx: psycopg.Connection[Any],
    *,
    tenant: str,
    connection: str,
    entity: str,
    records: Sequence[WireRecord],
    run_id: int | None,
    is_current: bool = False,
) -> Stored:
    """Write one page; a record that comes twice in it counts once, its newest version wins.

    `is_current`: the page is what the ERP holds now, asked for by id because the mirror seemed wrong; it replaces even
    a version that claims to be newer.
    """
    if not records:
        return Stored()
    tx.execute(
        """
        create temp table if not exists mirror_page (
          place int, external_id text, version_token text, modified_at timestamptz, content_hash bytea, payload jsonb,
          is_deleted boolean
        ) with (toast_tuple_target = 8160) on commit delete rows
        """
    )
    with tx.cursor() as cursor, cursor.copy("copy pg_temp.mirror_page from stdin") as copy:
        for place, record in enumerate(records):
            copy.write_row(_staged(place, record))
    row = tx.execute(
        _upsert(entity), {"connection": connection, "tenant": tenant, "run_id": run_id, "is_current": is_current}
    ).fetchone()
    assert row is not None
    return Stored(*row)


def _staged(place: int, record: WireRecord) -> tuple[Any, ...]:
    encoded, digest = content_of(record.payload)
    return (
        place,
        record.external_id,
        record.version_token,
        record.modified_at,
        digest,
        encoded.decode(),
        record.is_deleted,
    )


def changes(tx: psycopg.Connection[Any], connection: str, entity: str, *, after_seq: int, limit: int) -> list[Change]:
    """The next changes in the order they arrived, after `after_seq`."""
    # During a first sync the planner has no statistics and would read and sort everything for every batch.
    tx.execute("set local enable_seqscan = off; set local enable_bitmapscan = off; set local enable_sort = off")
    return [
        Change(*row)
        for row in tx.execute(
            sql.SQL(
                "select external_id, version_token, payload::text, is_deleted, change_seq from mirror.{} "
                "where connection = %s and change_seq > %s order by change_seq limit %s"
            ).format(sql.Identifier(entity)),
            (connection, after_seq, limit),
        )
    ]


def records(tx: psycopg.Connection[Any], connection: str, entity: str, external_ids: Sequence[str]) -> list[Change]:
    """Some records by their ids, whatever has been merged of them."""
    return [
        Change(*row)
        for row in tx.execute(
            sql.SQL(
                "select external_id, version_token, payload::text, is_deleted, change_seq from mirror.{} "
                "where connection = %s and external_id = any(%s) order by change_seq"
            ).format(sql.Identifier(entity)),
            (connection, list(external_ids)),
        )
    ]


def count(tx: psycopg.Connection[Any], connection: str, entity: str) -> int:
    """How many live records are mirrored."""
    row = tx.execute(
        sql.SQL("select count(*) from mirror.{} where connection = %s and not is_deleted").format(
            sql.Identifier(entity)
        ),
        (connection,),
    ).fetchone()
    assert row is not None
    return row[0]


class Census:
    """What a full listing of the ERP's ids says about the mirror, gathered page by page in one session's temp table."""

    def __init__(self, tx: psycopg.Connection[Any], connection: str, entity: str) -> None:
        self._tx = tx
        self._connection = connection
        self._entity = sql.Identifier(entity)
        tx.execute("drop table if exists pg_temp.census")
        tx.execute("create temp table census (external_id text, version_token text, modified_at timestamptz)")

    def add(self, rows: Sequence[tuple[str, str | None, datetime | None]]) -> None:
        with self._tx.cursor() as cursor, cursor.copy("copy pg_temp.census from stdin") as copy:
            for row in rows:
                copy.write_row(row)

    def seal(self) -> None:
        """The listing ran to its end."""
        self._tx.execute("create index on pg_temp.census (external_id)")
        self._tx.execute("analyze pg_temp.census")

    def missing_there(self) -> list[str]:
        """Live in the mirror, not listed by the ERP."""
        return self._ids(
            "select m.external_id from mirror.{} m where m.connection = %s and not m.is_deleted "
            "and not exists (select from pg_temp.census c where c.external_id = m.external_id)"
        )

    def not_listed(self, external_ids: Sequence[str]) -> list[str]:
        """Those of these ids that the ERP does not list."""
        listed = self._tx.execute(
            "select external_id from pg_temp.census where external_id = any(%s)", (list(external_ids),)
        )
        return sorted(set(external_ids) - {external_id for (external_id,) in listed})

    def stale_here(self) -> list[str]:
        """Listed by the ERP, and missing here, buried here, or at another version."""
        return self._ids(
            "select distinct c.external_id from pg_temp.census c "
            "left join mirror.{} m on m.connection = %s and m.external_id = c.external_id "
            "where m.external_id is null or m.is_deleted "
            "or m.version_token is distinct from c.version_token "
            "or (c.modified_at is not null and m.modified_at is distinct from c.modified_at)"
        )

    def _ids(self, query: str) -> list[str]:
        rows: Iterator[tuple[str]] = self._tx.execute(sql.SQL(query).format(self._entity), (self._connection,))
        return [external_id for (external_id,) in rows]


def bury(
    tx: psycopg.Connection[Any], connection: str, entity: str, external_ids: Sequence[str], run_id: int | None
) -> int:
    """Mark records as deleted over there, at a time nobody reported; returns how many were live."""
    return tx.execute(
        sql.SQL(
            "update mirror.{} set is_deleted = true, change_seq = nextval('mirror.change_seq'), seen_at = now(), "
            "run_id = %s where connection = %s and external_id = any(%s) and not is_deleted"
        ).format(sql.Identifier(entity)),
        (run_id, connection, list(external_ids)),
    ).rowcount
