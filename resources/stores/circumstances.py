"""What is known about documents that differ between both books, besides their two versions.

Belongs here: the questions, each one statement for many documents of one entity. What follows from the answers is
`ledger/causes.py`. Conflicts, edits, intents and tombstones are written elsewhere; here they are only read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from resources.stores.documents import Shape
from resources.stores.documents_compared import Pair
from resources.stores.documents_read import ours_query


@dataclass(frozen=True, slots=True)
class Mirrored:
    """Where the mirror stands with one record."""

    version_token: str | None
    is_deleted: bool
    change_seq: int


def conflicts_of(tx: psycopg.Connection[Any], connection: str, entity: str) -> tuple[dict[int, str], dict[str, str]]:
    """Open conflicts as sentences, by ledger id and by external id. They are few: all of the entity."""
    by_row: dict[int, str] = {}
    by_record: dict[str, str] = {}
    rows = tx.execute(
        "select conflict_id, ledger_id, external_id, says from sync.conflicts "
        "where connection = %s and entity = %s and state = 'open'",
        (connection, entity),
    )
    for conflict_id, ledger_id, external_id, says in rows:
        sentence = f"conflict {conflict_id} is open: {says}"
        by_row[ledger_id] = sentence
        if external_id is not None:
            by_record[external_id] = sentence
    return by_row, by_record


def pending_of(tx: psycopg.Connection[Any], connection: str, entity: str, ledger_ids: Sequence[int]) -> dict[int, str]:
    """Ledger id -> why its version is not in the ERP yet: an intent under way or refused, or an edit nobody planned."""
    found: dict[int, str] = {
        ledger_id: f"version {version} is to be pushed"
        for ledger_id, version in tx.execute(
            "select e.ledger_id, e.version from sync.edits e left join sync.bindings b "
            "on b.connection = %s and b.entity = e.entity and b.ledger_id = e.ledger_id "
            "where e.tenant_id = sync.current_tenant() and e.entity = %s and e.ledger_id = any(%s) "
            "and e.version > coalesce(b.ledger_version, 0)",
            (connection, entity, list(ledger_ids)),
        )
    }
    intents = tx.execute(
        "select distinct on (o.ledger_id) o.ledger_id, o.intent_id, o.operation, o.state, o.answer, o.ledger_version, "
        "l.version from sync.outbox o "
        f"join ledger.{entity} l on l.ledger_id = o.ledger_id "
        "where o.connection = %s and o.entity = %s and o.ledger_id = any(%s) order by o.ledger_id, o.intent_id desc",
        (connection, entity, list(ledger_ids)),
    )
    for ledger_id, intent_id, operation, state, answer, planned, version in intents:
        if state in ("sent", "waiting"):
            found[ledger_id] = f"intent {intent_id} to {operation} it is under way"
        elif state == "refused" and planned >= version:
            found[ledger_id] = f"intent {intent_id} to {operation} it was refused ({answer})"
    return found


def mirrored(
    tx: psycopg.Connection[Any], connection: str, entity: str, external_ids: Sequence[str]
) -> dict[str, Mirrored]:
    """External id -> how the mirror holds it; those it never saw are left out."""
    return {
        external_id: Mirrored(token, is_deleted, seq)
        for external_id, token, is_deleted, seq in tx.execute(
            sql.SQL(
                "select external_id, version_token, is_deleted, change_seq from mirror.{} "
                "where connection = %s and external_id = any(%s)"
            ).format(sql.Identifier(entity)),
            (connection, list(external_ids)),
        )
    }


def deleted_here(
    tx: psycopg.Connection[Any], connection: str, entity: str, external_ids: Sequence[str]
) -> dict[str, int]:
    """External id -> ledger id of those whose ledger row is deleted."""
    return dict(
        tx.execute(
            sql.SQL(
                "select b.external_id, b.ledger_id from sync.bindings b join ledger.{} l on l.ledger_id = b.ledger_id "
                "where b.connection = %s and b.entity = %s and b.external_id = any(%s) and l.is_deleted"
            ).format(sql.Identifier(entity)),
            (connection, entity, list(external_ids)),
        ).fetchall()
    )


def twins_of(
    tx: psycopg.Connection[Any], connection: str, shape: Shape, lonely: Sequence[Pair]
) -> dict[tuple[str | None, int | None], str]:
    """(external id, ledger id) of a document that only one book has -> the same document once more in that book.

    The same: party, day, currency, total and a number that is not empty. Two payments without a number may both be
    real.
    """
    found: dict[tuple[str | None, int | None], str] = {}
    for is_ours in (True, False):
        asked = [p for p in lonely if (p.ours if is_ours else p.theirs) is not None]
        asked = [p for p in asked if (p.ours or p.theirs).number]  # type: ignore[union-attr]
        if not asked:
            continue
        states = [p.ours if is_ours else p.theirs for p in asked]
        source = (
            ours_query(shape)
            if is_ours
            else sql.SQL(
                "select external_id, null::bigint as ledger_id, party_external_id, document_number, document_date, "
                "currency, total_amount from reconciliation.documents where connection = %(connection)s "
                "and entity = {} and not is_deleted and is_readable"
            ).format(sql.Literal(shape.entity))
        )
        rows = tx.execute(
            sql.SQL(
                "select a.place, min(coalesce(d.external_id, '#' || d.ledger_id)) from ({}) d "
                "join unnest(%(parties)s::text[], %(numbers)s::text[], %(days)s::date[], %(currencies)s::text[], "
                "%(totals)s::numeric[], %(ids)s::text[], %(rows)s::bigint[]) with ordinality "
                "as a (party, number, day, currency, total, external_id, ledger_id, place) "
                "on d.party_external_id = a.party and d.document_number = a.number and d.document_date = a.day "
                "and d.currency = a.currency and d.total_amount = a.total "
                "and d.external_id is distinct from a.external_id "
                "and (d.ledger_id is null or d.ledger_id is distinct from a.ledger_id) group by 1"
            ).format(source),
            {
                "connection": connection,
                "parties": [s.party for s in states],  # type: ignore[union-attr]
                "numbers": [s.number for s in states],  # type: ignore[union-attr]
                "days": [s.day for s in states],  # type: ignore[union-attr]
                "currencies": [s.currency for s in states],  # type: ignore[union-attr]
                "totals": [s.total for s in states],  # type: ignore[union-attr]
                "ids": [p.external_id for p in asked],
                "rows": [p.ledger_id for p in asked],
            },
        )
        for place, twin in rows:
            pair = asked[place - 1]
            found[pair.external_id, pair.ledger_id] = f"{shape.entity}/{twin}"
    return found
