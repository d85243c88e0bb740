"""Everything known of one record: for `tieout explain`, and for a person who asks where a cent went."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from ledger.spec import parent_column, spec_of

# What a row says of itself, not of the record.
BOOKKEEPING = frozenset({"ledger_id", "tenant_id", "version", "changed_by", "changed_at", "run_id", "connection"})


def find(tx: psycopg.Connection[Any], entity: str, record_id: str) -> list[dict[str, Any]]:
    """A record wherever it is bound, found by its external id, its ledger id or its document number; a row that is in
    no ERP yet has no connection but the one it names.
    """
    numbers = [f.name for f in spec_of(entity).fields if f.name in ("document_number", "reference_number", "name")]
    by_number = sql.SQL("").join(sql.SQL(" or l.{} = %(id)s").format(sql.Identifier(name)) for name in numbers)
    # Each name is looked for by itself, where one condition of all of them would read every row with its bindings.
    looked_for = [
        sql.SQL(
            "select b.ledger_id from sync.connections c join sync.bindings b on b.connection = c.connection "
            "where b.entity = %(entity)s and b.external_id = %(id)s"
        ),
        *(
            sql.SQL("select l.ledger_id from ledger.{} l where l.{} = %(id)s").format(
                sql.Identifier(entity), sql.Identifier(name)
            )
            for name in numbers
        ),
    ]
    ledger_id = int(record_id) if record_id.isascii() and record_id.isdigit() and len(record_id) < 19 else None
    if ledger_id is not None:
        looked_for.append(sql.SQL("select %(ledger_id)s::bigint"))
    with tx.cursor(row_factory=dict_row) as rows:
        return rows.execute(
            sql.SQL(
                "with found as materialized ({found}) "
                "select coalesce(b.connection, l.connection) as connection, b.external_id, l.ledger_id, "
                "b.version_token, b.ledger_version, b.bound_at from found join ledger.{entity} l using (ledger_id) "
                "left join sync.bindings b on b.entity = %(entity)s and b.ledger_id = l.ledger_id "
                "where b.external_id = %(id)s or l.ledger_id = %(ledger_id)s::bigint{by_number} "
                "order by b.connection, l.ledger_id limit 20"
            ).format(found=sql.SQL(" union ").join(looked_for), entity=sql.Identifier(entity), by_number=by_number),
            {"entity": entity, "id": record_id, "ledger_id": ledger_id},
        ).fetchall()


def changed_last(
    tx: psycopg.Connection[Any], entity: str, ledger_id: int, *, besides: str
) -> tuple[datetime | None, datetime | None]:
    """When somebody last wrote a row, and when the sync of any connection last did but that of this name."""
    found = tx.execute(
        sql.SQL(
            "select max(changed_at) filter (where changed_by not like 'sync:%%'), "
            "max(changed_at) filter (where changed_by like 'sync:%%' and changed_by <> %(besides)s) "
            "from (select changed_by, changed_at from {row} where ledger_id = %(ledger_id)s union all "
            "select changed_by, changed_at from {versions} where ledger_id = %(ledger_id)s) v"
        ).format(row=sql.Identifier("ledger", entity), versions=sql.Identifier("ledger", f"{entity}_history")),
        {"ledger_id": ledger_id, "besides": besides},
    ).fetchone()
    assert found is not None
    return found[0], found[1]


def mirror_versions(
    tx: psycopg.Connection[Any], connection: str, entity: str, external_id: str, *, limit: int | None = None
) -> list[dict[str, Any]]:
    """What the ERP sent, oldest first; the last row is what is held now (`replaced_at` null). `limit`: the newest."""
    columns = sql.SQL("version_token, modified_at, is_deleted, seen_at, run_id, payload")
    with tx.cursor(row_factory=dict_row) as rows:
        return rows.execute(
            sql.SQL(
                "select {columns}, replaced_at from mirror.{history} "
                "where connection = %(c)s and external_id = %(x)s "
                "union all select {columns}, null from mirror.{entity} "
                "where connection = %(c)s and external_id = %(x)s order by seen_at desc limit %(limit)s"
            ).format(columns=columns, history=sql.Identifier(f"{entity}_history"), entity=sql.Identifier(entity)),
            {"c": connection, "x": external_id, "limit": limit},
        ).fetchall()[::-1]


def ledger_versions(
    tx: psycopg.Connection[Any], entity: str, ledger_id: int, *, limit: int | None = None
) -> list[dict[str, Any]]:
    """The versions of a ledger row, oldest first, with their columns. `limit`: the newest."""
    with tx.cursor(row_factory=dict_row) as rows:
        return rows.execute(
            sql.SQL(
                "select to_jsonb(h) - 'history_id' - 'replaced_at' as row, h.version, h.changed_at, h.replaced_at, "
                "h.changed_by from ledger.{history} h where h.ledger_id = %(id)s union all "
                "select to_jsonb(l), l.version, l.changed_at, null, l.changed_by from ledger.{entity} l "
                "where l.ledger_id = %(id)s order by version desc limit %(limit)s"
            ).format(history=sql.Identifier(f"{entity}_history"), entity=sql.Identifier(entity)),
            {"id": ledger_id, "limit": limit},
        ).fetchall()[::-1]


def provenance(versions: Sequence[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """For each column of a row that says anything: who wrote the value it has, when, and in which run of the sync.

    `versions` are those of `ledger_versions`. A merge writes only what it takes from the ERP: a value of ours that it
    keeps stays ours.
    """
    found: dict[str, dict[str, Any]] = {}
    before: dict[str, Any] = {}
    for version in versions:
        row = version["row"]
        for column, value in row.items():
            if column in BOOKKEEPING or (value == before.get(column) and column in found):
                continue
            if value in (None, "") and column not in found:
                continue
            found[column] = {
                "by": version["changed_by"],
                "at": version["changed_at"],
                "run_id": row.get("run_id"),
                "version": version["version"],
            }
        before = row
    return found


def intents(
    tx: psycopg.Connection[Any], entity: str, ledger_id: int, *, limit: int | None = None
) -> list[dict[str, Any]]:
    """What was to be written into an ERP for a row, oldest first. `limit`: the newest."""
    with tx.cursor(row_factory=dict_row) as rows:
        return rows.execute(
            "select connection, operation, ledger_version, key, batch_key, external_id, state, attempts, sent_at, "
            "ended_at, answer, body from sync.outbox where entity = %s and ledger_id = %s "
            "order by intent_id desc limit %s",
            (entity, ledger_id, limit),
        ).fetchall()[::-1]


def parts(
    tx: psycopg.Connection[Any], entity: str, ledger_id: int, *, limit: int | None = None
) -> dict[str, list[dict[str, Any]]]:
    """The lines or applications of a ledger row, in order. `limit`: the first."""
    spec = spec_of(entity)
    found: dict[str, list[dict[str, Any]]] = {}
    for name, table in spec.part_table_names.items():
        with tx.cursor(row_factory=dict_row) as rows:
            found[name] = rows.execute(
                sql.SQL("select * from ledger.{} where {} = %s order by position limit %s").format(
                    sql.Identifier(table), sql.Identifier(parent_column(spec))
                ),
                (ledger_id, limit),
            ).fetchall()
    return found


def record_errors(
    tx: psycopg.Connection[Any], connection: str, entity: str, names: Sequence[str]
) -> list[dict[str, Any]]:
    """What went wrong with a record, under any of its names, and when it was resolved."""
    with tx.cursor(row_factory=dict_row) as rows:
        return rows.execute(
            "select stage, message, next_step, first_seen_at, resolved_at from sync.errors "
            "where connection = %s and entity = %s and external_id = any(%s) order by first_seen_at",
            (connection, entity, list(names)),
        ).fetchall()
