"""Everything known of one record: for `tieout explain`, and for a person who asks where a cent went."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from ledger.spec import spec_of
from resources.stores.tables import parent_column


def find(tx: psycopg.Connection[Any], entity: str, record_id: str) -> list[dict[str, Any]]:
    """The bindings of a record, found by its external id, its ledger id or its document number."""
    numbers = [f.name for f in spec_of(entity).fields if f.name in ("document_number", "reference_number", "name")]
    by_number = sql.SQL("").join(sql.SQL(" or l.{} = %(id)s").format(sql.Identifier(name)) for name in numbers)
    with tx.cursor(row_factory=dict_row) as rows:
        return rows.execute(
            sql.SQL(
                "select b.connection, b.external_id, b.ledger_id, b.base, b.version_token, b.ledger_version, "
                "b.bound_at "
                "from sync.bindings b join ledger.{entity} l on l.ledger_id = b.ledger_id "
                "where b.entity = %(entity)s and (b.external_id = %(id)s or b.ledger_id::text = %(id)s{by_number}) "
                "order by b.connection, b.ledger_id limit 20"
            ).format(entity=sql.Identifier(entity), by_number=by_number),
            {"entity": entity, "id": record_id},
        ).fetchall()


def mirror_versions(
    tx: psycopg.Connection[Any], connection: str, entity: str, external_id: str
) -> list[dict[str, Any]]:
    """What the ERP sent, oldest first; the last row is what is held now (`replaced_at` null)."""
    columns = sql.SQL("version_token, modified_at, is_deleted, seen_at, run_id, payload")
    with tx.cursor(row_factory=dict_row) as rows:
        return rows.execute(
            sql.SQL(
                "select {columns}, replaced_at from mirror.{history} "
                "where connection = %(c)s and external_id = %(x)s "
                "union all select {columns}, null from mirror.{entity} "
                "where connection = %(c)s and external_id = %(x)s order by seen_at"
            ).format(columns=columns, history=sql.Identifier(f"{entity}_history"), entity=sql.Identifier(entity)),
            {"c": connection, "x": external_id},
        ).fetchall()


def ledger_versions(tx: psycopg.Connection[Any], entity: str, ledger_id: int) -> list[dict[str, Any]]:
    """The versions of a ledger row, oldest first, with their columns."""
    with tx.cursor(row_factory=dict_row) as rows:
        return rows.execute(
            sql.SQL(
                "select to_jsonb(h) - 'history_id' - 'replaced_at' as row, h.version, h.changed_at, h.replaced_at, "
                "h.changed_by from ledger.{history} h where h.ledger_id = %(id)s union all "
                "select to_jsonb(l), l.version, l.changed_at, null, l.changed_by from ledger.{entity} l "
                "where l.ledger_id = %(id)s order by version"
            ).format(history=sql.Identifier(f"{entity}_history"), entity=sql.Identifier(entity)),
            {"id": ledger_id},
        ).fetchall()


def parts(tx: psycopg.Connection[Any], entity: str, ledger_id: int) -> dict[str, list[dict[str, Any]]]:
    """The lines or applications of a ledger row, in order."""
    spec = spec_of(entity)
    found: dict[str, list[dict[str, Any]]] = {}
    for name, table in spec.part_table_names.items():
        with tx.cursor(row_factory=dict_row) as rows:
            found[name] = rows.execute(
                sql.SQL("select * from ledger.{} where {} = %s order by position").format(
                    sql.Identifier(table), sql.Identifier(parent_column(spec))
                ),
                (ledger_id,),
            ).fetchall()
    return found


def record_errors(tx: psycopg.Connection[Any], connection: str, entity: str, external_id: str) -> list[dict[str, Any]]:
    """What went wrong with a record, and when it was resolved."""
    with tx.cursor(row_factory=dict_row) as rows:
        return rows.execute(
            "select stage, message, next_step, first_seen_at, resolved_at from sync.errors "
            "where connection = %s and entity = %s and external_id = %s order by first_seen_at",
            (connection, entity, external_id),
        ).fetchall()
