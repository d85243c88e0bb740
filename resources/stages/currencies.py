"""In which currencies the records stand that a row of the ledger is about: its party, the documents it is applied to.

Belongs here: asking our own tables, for many rows at once, and what no ERP can be told because of the answer. What one
ERP refuses about a currency is its composer's to say.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg import sql

from ledger.spec import entities, parent_column, spec_of
from resources.connector import Refusal
from resources.stores.records import UNBOUND


def of_parties(tx: psycopg.Connection[Any], entity: str, ledger_ids: Sequence[int]) -> dict[int, str]:
    """Ledger id -> the currency of the customer or vendor a document is with; empty for master data."""
    spec = spec_of(entity)
    party = next((f for f in spec.fields if f.name in ("customer", "vendor") and spec.is_document), None)
    if party is None:
        return {}
    return dict(
        tx.execute(
            sql.SQL(
                "select l.ledger_id, p.currency from {} l join {} p on p.ledger_id = l.{} where l.ledger_id = any(%s)"
            ).format(
                sql.Identifier("ledger", entity),
                sql.Identifier("ledger", party.reference.entity),  # type: ignore[union-attr]
                sql.Identifier(party.column),
            ),
            (list(ledger_ids),),
        ).fetchall()
    )


def applied_across(tx: psycopg.Connection[Any], entity: str, ledger_ids: Sequence[int]) -> dict[int, list[Refusal]]:
    """Ledger id -> why money cannot be applied as it says: its amounts are in its own currency, and what is settled of
    a document in the document's. An ERP that takes them for one enters another amount than was meant.
    """
    spec = spec_of(entity)
    if not any(part.name == "applications" for part in spec.parts):
        return {}
    documents = [one.name for one in entities() if one.is_document and one.side == spec.side and one.name != entity]
    one_kind = (
        "select a.{parent}, a.position, a.document_entity, d.ledger_id, d.currency, l.currency "
        "from ledger.{parts} a join ledger.{rows} l on l.ledger_id = a.{parent} "
        "join ledger.{documents} d on a.document_entity = {document} and d.ledger_id = a.document_id "
        "where a.{parent} = any(%(ids)s) and d.currency <> l.currency"
    )
    statement = sql.SQL(" union all ").join(
        sql.SQL(one_kind).format(
            parent=sql.Identifier(parent_column(spec)),
            parts=sql.Identifier(spec.part_table_names["applications"]),
            rows=sql.Identifier(entity),
            documents=sql.Identifier(name),
            document=sql.Literal(name),
        )
        for name in documents
    )
    found: dict[int, list[Refusal]] = {}
    rows = tx.execute(statement + sql.SQL(" order by 1, 2"), {"ids": list(ledger_ids)}).fetchall()
    for ledger_id, position, document, key, there, ours in rows:
        found.setdefault(ledger_id, []).append(
            Refusal(
                f"applications[{position}]",
                f"{document}/{UNBOUND}{key}, which is in {there}, for money in {ours}",
                f"a document in {ours}, in which the amounts applied are",
                f"enter the money in {there}, as much as settled of it, with its exchange rate",
            )
        )
    return found
