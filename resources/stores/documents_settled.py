"""Which documents settle which: by the mirror's applications and by the ledger's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import psycopg
from psycopg import sql

from ledger.spec import parent_column, spec_of


def applied_to(
    tx: psycopg.Connection[Any], connection: str, payers: Mapping[str, Sequence[str]]
) -> dict[tuple[str, str], list[tuple[str, str]]]:
    """(document entity, its id there) -> the (payer entity, id) that the mirror says settle it, among these payers."""
    found: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for entity, ids in payers.items():
        rows = tx.execute(
            "select d.external_id, a.entity, a.key from reconciliation.documents d, "
            "jsonb_to_recordset(d.applications) as a (entity text, key text, amount numeric) "
            "where d.connection = %s and d.entity = %s and d.external_id = any(%s)",
            (connection, entity, list(ids)),
        )
        for external_id, document_entity, key in rows:
            found.setdefault((document_entity, key), []).append((entity, external_id))
    return found


def applied_here(
    tx: psycopg.Connection[Any], connection: str, payers: Mapping[str, Mapping[int, str]]
) -> dict[tuple[str, str], list[tuple[str, str]]]:
    """The same by the ledger's own applications; `payers` is payer entity -> ledger id -> the id it goes by."""
    found: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for entity, ids in payers.items():
        rows = tx.execute(
            sql.SQL(
                "select a.{parent}, a.document_entity, coalesce(b.external_id, a.document_key) "
                "from ledger.{table} a left join sync.bindings b on b.connection = %s "
                "and b.entity = a.document_entity and b.ledger_id = a.document_id where a.{parent} = any(%s)"
            ).format(
                parent=sql.Identifier(parent_column(spec_of(entity))),
                table=sql.Identifier(spec_of(entity).part_table_names["applications"]),
            ),
            (connection, list(ids)),
        )
        for ledger_id, document_entity, key in rows:
            found.setdefault((document_entity, key), []).append((entity, ids[ledger_id]))
    return found


def payers_of(
    tx: psycopg.Connection[Any], connection: str, entity: str, settled: Sequence[tuple[str, str]]
) -> list[str]:
    """The payments of an entity that, by the mirror, settle any of these (entity, id). Linear in the payments."""
    rows = tx.execute(
        "select distinct d.external_id from reconciliation.documents d, "
        "jsonb_to_recordset(d.applications) as a (entity text, key text, amount numeric) "
        "join unnest(%s::text[], %s::text[]) as s (entity, key) on s.entity = a.entity and s.key = a.key "
        "where d.connection = %s and d.entity = %s and not d.is_deleted",
        ([one for one, _ in settled], [key for _, key in settled], connection, entity),
    )
    return [external_id for (external_id,) in rows]
