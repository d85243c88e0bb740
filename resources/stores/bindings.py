"""Which record there is which row here, and what both sides last agreed on (the base).

Belongs here: single bindings, for the merge and the push of what somebody edited. Taking whole pages of records that
nobody edited, bindings included, is `ledger.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
import psycopg
from psycopg import sql

from ledger.spec import Record, spec_of
from resources.erps import erp_of
from resources.stores.bases import bases_of

# No version of the ledger row equals the base: both sides agreed on it, and the row was edited meanwhile.
NO_VERSION = 0


@dataclass(frozen=True, slots=True)
class Binding:
    """`base` is canonical; `ledger_version` is the version of the ledger row that equals it, or NO_VERSION.

    A base that can no longer be read, because its mapping has become stricter since, is None.
    """

    entity: str
    external_id: str
    ledger_id: int
    base: Record | None
    version_token: str | None
    ledger_version: int


def count_anew(tx: psycopg.Connection[Any]) -> None:
    """Tell PostgreSQL how many there are; without, it would look for a row's binding among all of its entity's."""
    tx.execute("select sync.count_bindings()")


def of_rows(tx: psycopg.Connection[Any], connection: str, entity: str, ledger_ids: Iterable[int]) -> dict[int, Binding]:
    """The bindings of these ledger rows in one connection, by ledger id."""
    return {b.ledger_id: b for b in _read(tx, connection, entity, "ledger_id", list(ledger_ids))}


def of_records(
    tx: psycopg.Connection[Any], connection: str, entity: str, external_ids: Iterable[str]
) -> dict[str, Binding]:
    """The bindings of these records of the ERP, by external id."""
    return {b.external_id: b for b in _read(tx, connection, entity, "external_id", list(external_ids))}


def ledger_ids_of(
    tx: psycopg.Connection[Any], connection: str, external_ids: Mapping[str, Iterable[str]]
) -> dict[tuple[str, str], int]:
    """(entity, external id) -> ledger id, for those that are bound."""
    found: dict[tuple[str, str], int] = {}
    for entity, ids in external_ids.items():
        found.update(
            ((entity, external_id), ledger_id)
            for external_id, ledger_id in tx.execute(
                "select external_id, ledger_id from sync.bindings "
                "where connection = %s and entity = %s and external_id = any(%s)",
                (connection, entity, list(ids)),
            )
        )
    return found


def has_come_since(
    tx: psycopg.Connection[Any], connection: str, entity: str, external_id: str, since: datetime
) -> bool:
    """Whether a record was bound since, and not because we made it."""
    return bool(
        tx.execute(
            "select 1 from sync.bindings b "
            "where connection = %s and entity = %s and external_id = %s and bound_at >= %s "
            "and not exists (select from sync.outbox o where o.connection = b.connection and o.entity = b.entity "
            "and o.ledger_id = b.ledger_id and o.external_id = b.external_id "
            "and o.operation = 'create' and o.state = 'done')",
            (connection, entity, external_id, since),
        ).fetchone()
    )


def ahead(tx: psycopg.Connection[Any], connection: str, entity: str, external_ids: Sequence[str]) -> set[str]:
    """Those of these records whose ledger row is not at the version of its base."""
    return {
        external_id
        for (external_id,) in tx.execute(
            sql.SQL(
                "select b.external_id from sync.bindings b join {} l on l.ledger_id = b.ledger_id "
                "where b.connection = %s and b.entity = %s and b.external_id = any(%s) "
                "and l.version <> b.ledger_version"
            ).format(sql.Identifier("ledger", entity)),
            (connection, entity, list(external_ids)),
        )
    }


def elsewhere(tx: psycopg.Connection[Any], connection: str, entity: str, ledger_ids: Sequence[int]) -> dict[int, str]:
    """Ledger id -> the other connection whose row it is: it is bound there and not here, or names it.

    Asked about documents, which are one connection's; master data may be bound in several.
    """
    return dict(
        tx.execute(
            sql.SQL(
                """
                select l.ledger_id, coalesce(b.connection, l.connection) from {} l
                  left join lateral (select connection from sync.bindings b
                                      where b.entity = %(entity)s and b.ledger_id = l.ledger_id
                                      order by b.connection <> %(connection)s limit 1) b on true
                 where l.ledger_id = any(%(ids)s) and coalesce(b.connection, l.connection) <> %(connection)s
                """
            ).format(sql.Identifier("ledger", entity)),
            {"connection": connection, "entity": entity, "ids": list(ledger_ids)},
        ).fetchall()
    )


def shared(tx: psycopg.Connection[Any], connection: str, entity: str, ledger_ids: Sequence[int]) -> set[int]:
    """Those of these rows that another connection knows: they are bound there, or name it."""
    return {
        ledger_id
        for (ledger_id,) in tx.execute(
            sql.SQL(
                "select l.ledger_id from {} l where l.ledger_id = any(%(ids)s) and (l.connection <> %(connection)s "
                "or exists (select from sync.bindings b where b.connection <> %(connection)s "
                "and b.entity = %(entity)s and b.ledger_id = l.ledger_id))"
            ).format(sql.Identifier("ledger", entity)),
            {"connection": connection, "entity": entity, "ids": list(ledger_ids)},
        )
    }


def revived(tx: psycopg.Connection[Any], connection: str, entity: str, ledger_ids: Sequence[int]) -> set[int]:
    """Those of these rows that live although both sides had last agreed that they are deleted."""
    return {
        ledger_id
        for (ledger_id,) in tx.execute(
            sql.SQL(
                "select b.ledger_id from sync.bindings b join {} l on l.ledger_id = b.ledger_id and not l.is_deleted "
                "join {} h on h.ledger_id = b.ledger_id and h.version = b.ledger_version and h.is_deleted "
                "where b.connection = %s and b.entity = %s and b.ledger_id = any(%s)"
            ).format(sql.Identifier("ledger", entity), sql.Identifier("ledger", f"{entity}_history")),
            (connection, entity, list(ledger_ids)),
        )
    }


def put(tx: psycopg.Connection[Any], *, tenant: str, connection: str, bound: Sequence[Binding]) -> None:
    """Enter bindings, or what they now stand on; no record twice."""
    if not bound:
        return
    tx.execute(
        """
        insert into sync.bindings as b
          (connection, tenant_id, entity, external_id, ledger_id, base, version_token, ledger_version)
        select %s, %s, n.* from unnest(%s::text[], %s::text[], %s::bigint[], %s::text[], %s::text[], %s::bigint[]) n
        on conflict (connection, entity, external_id) do update
           set ledger_id = excluded.ledger_id, base = excluded.base, base_seq = null,
               version_token = excluded.version_token, ledger_version = excluded.ledger_version
        """,
        (
            connection,
            tenant,
            [b.entity for b in bound],
            [b.external_id for b in bound],
            [b.ledger_id for b in bound],
            [None if b.base is None else encode(b.base) for b in bound],
            [b.version_token for b in bound],
            [b.ledger_version for b in bound],
        ),
    )


def agree(tx: psycopg.Connection[Any], *, connection: str, entity: str, ledger_id: int, version: int) -> None:
    """The row's present version says nothing but the base."""
    tx.execute(
        "update sync.bindings set ledger_version = %s where connection = %s and entity = %s and ledger_id = %s",
        (version, connection, entity, ledger_id),
    )


def drop(tx: psycopg.Connection[Any], *, connection: str, entity: str, external_id: str) -> None:
    """Forget a binding: the record there and the row here are no longer the same thing."""
    tx.execute(
        "delete from sync.bindings where connection = %s and entity = %s and external_id = %s",
        (connection, entity, external_id),
    )


def encode(record: Record) -> str:
    """A canonical record as JSON text; amounts are text and keep their scale, so that it reads back the same."""
    return msgspec.json.encode(record).decode()


def decode(entity: str, text: str) -> Record:
    """What `encode` wrote."""
    return msgspec.json.decode(text, type=spec_of(entity).record)


def _read(
    tx: psycopg.Connection[Any], connection: str, entity: str, column: str, values: list[Any]
) -> Iterator[Binding]:
    rows = tx.execute(
        "select b.external_id, b.ledger_id, b.version_token, b.ledger_version, c.erp "
        "from sync.bindings b join sync.connections c on c.connection = b.connection "
        f"where b.connection = %s and b.entity = %s and b.{column} = any(%s)",
        (connection, entity, values),
    ).fetchall()
    if not rows:
        return
    from_wire = erp_of(rows[0][-1]).mappings()[entity].from_wire
    bases = bases_of(tx, connection, entity, [external_id for external_id, *_ in rows], from_wire)
    for external_id, ledger_id, version_token, ledger_version, _ in rows:
        yield Binding(entity, external_id, ledger_id, bases.get(external_id), version_token, ledger_version)
