"""Bases: what both sides last agreed on about a record, wherever it stands. The one way to read them.

A base nearly always is some version that the ERP sent, and the mirror keeps all of those: the binding then names the
mirror's change (`base_seq`), and the base is what the mapping reads from it. Only a base that the ERP never sent so is
stored as a document of its own (`base`), and then the document counts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from functools import cache
from typing import Any

import msgspec
import psycopg
from psycopg import sql

from ledger.spec import Record, spec_of

Payload = Mapping[str, Any]
# A document keeps amounts as text with their scale, so that it reads back as exactly the same record.
encode_base = msgspec.json.encode
_decode_payload = msgspec.json.Decoder(float_hook=Decimal).decode


def bases_of(
    tx: psycopg.Connection[Any],
    connection: str,
    entity: str,
    external_ids: Sequence[str],
    from_wire: Callable[[Payload], Record] | None,
) -> dict[str, Record]:
    """By external id, the bases of some bound records; `from_wire` is the mapping's.

    Whose base cannot be read is absent: a mapping that has become stricter may not read what an earlier one took.
    """
    found: dict[str, Record] = {}
    for external_id, document, payload in tx.execute(_select(entity), (connection, entity, list(external_ids))):
        if document is not None:
            found[external_id] = _decoder(entity).decode(document)
        elif payload is not None and from_wire is not None:
            try:
                found[external_id] = from_wire(_decode_payload(payload))
            except Exception:  # What a mapping did not foresee must not stop the records beside it.
                continue
    return found


@cache
def _decoder(entity: str) -> msgspec.json.Decoder[Record]:
    return msgspec.json.Decoder(spec_of(entity).record)


@cache
def _select(entity: str) -> sql.Composed:
    return sql.SQL(
        """
        select b.external_id, b.base,
               case when b.base is null then coalesce(
                 (select m.payload from mirror.{mirror} m
                   where m.connection = b.connection and m.external_id = b.external_id and m.change_seq = b.base_seq),
                 (select h.payload from mirror.{history} h
                   where h.connection = b.connection and h.external_id = b.external_id and h.change_seq = b.base_seq
                   order by h.history_id desc limit 1)
               )::text end
          from sync.bindings b where b.connection = %s and b.entity = %s and b.external_id = any(%s)
        """
    ).format(mirror=sql.Identifier(entity), history=sql.Identifier(f"{entity}_history"))
