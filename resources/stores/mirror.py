"""Each connection's records as sent, newest version of each, earlier ones in the history tables.

A page is compared with what is held, then what is new or changed is written set-wise: a statement each for new and for
changed rows. A record older than what is held never replaces it; one whose content is
the same changes nothing; a tombstone keeps the last content.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from typing import Any

import msgspec
import psycopg
from psycopg import sql

from resources.connector import WireRecord
from resources.stores import arrays, sequences
from resources.stores.database import trust_keys

_encode = msgspec.json.Encoder(decimal_format="number").encode
# Keys are sorted, so that equal content has equal bytes whatever order the ERP sent it in; numbers keep their scale.
_encode_sorted = msgspec.json.Encoder(decimal_format="number", order="sorted").encode
_decode = msgspec.json.Decoder(float_hook=Decimal).decode
_BEFORE_ALL = datetime.min.replace(tzinfo=UTC)


class Change(msgspec.Struct, frozen=True, gc=False):
    """One mirrored record the ledger has not taken yet; its payload is for mappings (see `WireRecord.content`)."""

    external_id: str
    version_token: str | None
    payload: Mapping[str, Any]
    is_deleted: bool
    change_seq: int
    modified_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class HeldRecord:
    """A mirrored record as it stands: `payload` as sent."""

    version_token: str | None
    payload: dict[str, Any]
    is_deleted: bool


@dataclass(frozen=True, slots=True)
class Stored:
    """What one page did to the mirror; `pulled` counts the records it brought, `changes` are in their order. `kept_at`:
    the latest time of a version that was kept, because the page had one, or a tombstone, that bears an earlier time.
    """

    pulled: int = 0
    inserted: int = 0
    updated: int = 0
    deleted: int = 0
    changes: Sequence[Change] = field(default=(), compare=False)
    kept_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class _Held:
    """What the mirror holds of one record."""

    version_token: str | None
    modified_at: datetime | None
    content_hash: bytes
    is_deleted: bool

    def is_older_than(self, record: WireRecord) -> bool:
        """Or as old; what has no time cannot be told to be older."""
        return self.modified_at is None or record.modified_at is None or record.modified_at >= self.modified_at

    def has_version_of(self, record: WireRecord) -> bool:
        return (self.version_token, self.modified_at, self.is_deleted) == (
            record.version_token,
            record.modified_at,
            record.is_deleted,
        )


class _Writing(msgspec.Struct, frozen=True, gc=False):
    """One record that is to be written, its content as text and hashed."""

    record: WireRecord
    text: bytes
    content_hash: bytes


# The columns of a page, side by side.
_PAGE = """
select unnest(%(ids)s::text[]) as external_id, unnest(%(tokens)s::text[]) as version_token,
       unnest(%(times)s) as modified_at, unnest(%(hashes)s) as content_hash, unnest(%(payloads)s) as payload,
       unnest(%(seqs)s::bigint[]) as change_seq
"""


@cache
def _statements(entity: str) -> dict[str, bytes]:
    statements = {
        "held": "select i.external_id, m.* from unnest(%s::text[]) as i (external_id) cross join lateral ("
        "select version_token, modified_at, content_hash, is_deleted from mirror.{entity} "
        "where connection = %s and external_id = i.external_id offset 0) as m",
        "insert": f"""
            insert into mirror.{{entity}}
              (connection, external_id, tenant_id, version_token, modified_at, content_hash, payload, change_seq,
               run_id)
            select %(connection)s, external_id, %(tenant)s, version_token, modified_at, content_hash, payload,
                   change_seq, %(run_id)s
              from ({_PAGE}) as page
        """,
        "update": f"""
            update mirror.{{entity}} m
               set version_token = i.version_token, modified_at = i.modified_at, content_hash = i.content_hash,
                   payload = i.payload, is_deleted = false, change_seq = i.change_seq,
                   seen_at = greatest(now(), m.seen_at),
                   run_id = %(run_id)s
              from ({_PAGE}) as i
             where m.connection = %(connection)s and m.external_id = i.external_id
        """,
        "bury": """
            update mirror.{entity} m
               set is_deleted = true, modified_at = coalesce(i.modified_at, m.modified_at), change_seq = i.change_seq,
                   seen_at = greatest(now(), m.seen_at), run_id = %(run_id)s
              from unnest(%(ids)s::text[], %(times)s::timestamptz[], %(seqs)s::bigint[])
                   as i (external_id, modified_at, change_seq)
             where m.connection = %(connection)s and m.external_id = i.external_id
        """,
        "payloads": "select external_id, payload::text from mirror.{entity} "
        "where connection = %s and external_id = any(%s)",
        "changes": "select external_id, version_token, payload::text, is_deleted, change_seq, modified_at "
        "from mirror.{entity} where connection = %s and change_seq > %s order by change_seq limit %s",
        "records": "select external_id, version_token, payload::text, is_deleted, change_seq, modified_at "
        "from mirror.{entity} where connection = %s and external_id = any(%s) order by change_seq",
        "waits": "select exists (select from mirror.{entity} "
        "where connection = %s and change_seq > %s and change_seq < %s)",
    }
    # As bytes: a composed one would be put together anew each time.
    return {name: sql.SQL(text).format(entity=sql.Identifier(entity)).as_bytes() for name, text in statements.items()}


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
    a version that claims to be newer. One connection's pages are stored by one process at a time (its lease).
    """
    if not records:
        return Stored()
    run = _statements(entity)
    newest = _newest(records)
    trust_keys(tx)
    held = {row[0]: _Held(*row[1:]) for row in tx.execute(run["held"], (arrays.texts([*newest]), connection))}
    new: list[_Writing] = []
    changed: list[_Writing] = []
    doubtful: list[_Writing] = []
    buried: list[WireRecord] = []
    kept_at: datetime | None = None
    for external_id, record in newest.items():
        holding = held.get(external_id)
        if record.is_deleted and (holding is None or holding.is_deleted):
            continue
        if holding is not None and not (is_current or holding.is_older_than(record)):
            kept_at = max(filter(None, (kept_at, holding.modified_at)))
            continue
        if record.is_deleted:
            buried.append(record)
            continue
        text = record.text if record.text is not None else _encode(record.content)
        writing = _Writing(record, text, hashlib.sha256(text).digest())
        if holding is None:
            new.append(writing)
        elif not holding.has_version_of(record):
            changed.append(writing)
        elif holding.content_hash != writing.content_hash:
            doubtful.append(writing)
    changed += _really_changed(tx, connection, entity, doubtful)
    seqs = sequences.next_values(tx, "mirror.change_seq", len(new) + len(changed) + len(buried))
    keys = {"connection": connection, "tenant": tenant, "run_id": run_id}
    if new:
        tx.execute(run["insert"], {**keys, **_columns(new, seqs)})
    if changed:
        tx.execute(run["update"], {**keys, **_columns(changed, seqs[len(new) :])})
    if buried:
        tombs = {
            "ids": [record.external_id for record in buried],
            "times": [record.modified_at for record in buried],
            "seqs": seqs[len(new) + len(changed) :],
        }
        tx.execute(run["bury"], {**keys, **tombs})
    written = [*(w.record for w in new), *(w.record for w in changed), *buried]
    changes = [
        Change(
            r.external_id,
            # A deletion names no version: it is of the one that was held.
            held[r.external_id].version_token if r.is_deleted else r.version_token,
            r.content,
            r.is_deleted,
            seq,
            r.modified_at,
        )
        for r, seq in zip(written, seqs, strict=True)
    ]
    return Stored(len(newest), len(new), len(changed), len(buried), changes, kept_at)


def _newest(records: Sequence[WireRecord]) -> dict[str, WireRecord]:
    """The newest version of each, in the order of the page; of two at the same time the later one."""
    newest: dict[str, WireRecord] = {}
    for record in records:
        other = newest.get(record.external_id)
        if other is None or (record.modified_at or _BEFORE_ALL) >= (other.modified_at or _BEFORE_ALL):
            newest[record.external_id] = record
    return newest


def _really_changed(
    tx: psycopg.Connection[Any], connection: str, entity: str, doubtful: Sequence[_Writing]
) -> list[_Writing]:
    """Those whose content differs and not only the way it is written: the order of keys, spaces, escapes."""
    if not doubtful:
        return []
    ids = [writing.record.external_id for writing in doubtful]
    held = dict(tx.execute(_statements(entity)["payloads"], (connection, ids)).fetchall())
    return [
        writing
        for writing in doubtful
        if _encode_sorted(writing.record.content) != _encode_sorted(_decode(held[writing.record.external_id]))
    ]


def _columns(writings: Sequence[_Writing], seqs: Sequence[int]) -> dict[str, Any]:
    """What is written, numbered in that order."""
    return {
        "ids": arrays.texts([w.record.external_id for w in writings]),
        "tokens": arrays.texts_or_null([w.record.version_token for w in writings]),
        "times": arrays.Instants([w.record.modified_at for w in writings]),
        "hashes": arrays.Digests([w.content_hash for w in writings]),
        "payloads": arrays.Documents([w.text for w in writings]),
        "seqs": arrays.plain(seqs[: len(writings)]),
    }


def changes(tx: psycopg.Connection[Any], connection: str, entity: str, *, after_seq: int, limit: int) -> list[Change]:
    """The next changes in the order they arrived, after `after_seq`."""
    trust_keys(tx)
    return _read(tx, _statements(entity)["changes"], (connection, after_seq, limit))


def held(
    tx: psycopg.Connection[Any], connection: str, entity: str, external_ids: Sequence[str]
) -> dict[str, HeldRecord]:
    """Some records as they stand, by external id."""
    return {
        one.external_id: HeldRecord(one.version_token, dict(one.payload), one.is_deleted)
        for one in records(tx, connection, entity, external_ids)
    }


def payloads(tx: psycopg.Connection[Any], connection: str, entity: str) -> dict[str, dict[str, Any]]:
    """Every live record of an entity by external id, as sent: for the reference lists, which are short."""
    return {
        external_id: _decode(payload)
        for external_id, payload in tx.execute(
            sql.SQL("select external_id, payload::text from mirror.{} where connection = %s and not is_deleted").format(
                sql.Identifier(entity)
            ),
            (connection,),
        )
    }


def records(tx: psycopg.Connection[Any], connection: str, entity: str, external_ids: Sequence[str]) -> list[Change]:
    """Some records by their ids, whatever has been merged of them."""
    return _read(tx, _statements(entity)["records"], (connection, list(external_ids)))


def change_seqs(
    tx: psycopg.Connection[Any], connection: str, entity: str, external_ids: Sequence[str]
) -> dict[str, int]:
    """The latest change of each of these records."""
    query = sql.SQL("select external_id, change_seq from mirror.{} where connection = %s and external_id = any(%s)")
    return dict(tx.execute(query.format(sql.Identifier(entity)), (connection, list(external_ids))).fetchall())


def is_waiting(tx: psycopg.Connection[Any], connection: str, entity: str, *, after_seq: int, before_seq: int) -> bool:
    """Whether there are changes between these two."""
    trust_keys(tx)
    row = tx.execute(_statements(entity)["waits"], (connection, after_seq, before_seq)).fetchone()
    assert row is not None
    return row[0]


def waiting(tx: psycopg.Connection[Any], connection: str, merged: Mapping[str, int]) -> set[str]:
    """Those of these entities that have changes after the one that was merged last."""
    if not merged:
        return set()
    trust_keys(tx)
    found = tx.execute(_any_waiting(tuple(merged)), {"connection": connection, **merged})
    return {entity for (entity,) in found}


@cache
def _any_waiting(entities: tuple[str, ...]) -> sql.Composed:
    return sql.SQL(" union all ").join(
        sql.SQL(
            "select {name} where exists (select from mirror.{entity} "
            "where connection = %(connection)s and change_seq > {merged})"
        ).format(name=sql.Literal(entity), entity=sql.Identifier(entity), merged=sql.Placeholder(entity))
        for entity in entities
    )


def _read(tx: psycopg.Connection[Any], statement: bytes, values: tuple[Any, ...]) -> list[Change]:
    return [
        Change(external_id, version_token, _decode(payload), is_deleted, change_seq, modified_at)
        for external_id, version_token, payload, is_deleted, change_seq, modified_at in tx.execute(statement, values)
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


def live_ids(tx: psycopg.Connection[Any], connection: str, entity: str) -> set[str]:
    """The records of an entity that the mirror holds as existing."""
    rows = tx.execute(
        sql.SQL("select external_id from mirror.{} where connection = %s and not is_deleted").format(
            sql.Identifier(entity)
        ),
        (connection,),
    )
    return {external_id for (external_id,) in rows}


def count_all(tx: psycopg.Connection[Any], entity: str) -> int:
    """How many live records the tenant has mirrored, whichever company they are of."""
    row = tx.execute(
        sql.SQL("select count(*) from mirror.{} where not is_deleted").format(sql.Identifier(entity))
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
            "update mirror.{} set is_deleted = true, change_seq = nextval('mirror.change_seq'), "
            "seen_at = greatest(now(), seen_at), run_id = %s "
            "where connection = %s and external_id = any(%s) and not is_deleted"
        ).format(sql.Identifier(entity)),
        (run_id, connection, list(external_ids)),
    ).rowcount


def ids_beyond(
    tx: psycopg.Connection[Any], connection: str, entity: str, wholes: Mapping[str, frozenset[str]]
) -> list[str]:
    """Live records whose ids begin with one of these words, and which are not among those given for it.

    Linear in what the connection has of the entity, so it is for the few changes of a delta.
    """
    rows = tx.execute(
        sql.SQL(
            "select external_id from mirror.{} join unnest(%s::text[]) as whole (word) "
            "on starts_with(external_id, word) where connection = %s and not is_deleted"
        ).format(sql.Identifier(entity)),
        (list(wholes), connection),
    ).fetchall()
    known = frozenset[str]().union(*wholes.values())
    return [external_id for (external_id,) in rows if external_id not in known]
