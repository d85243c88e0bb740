"""The ERP's documents as the mirror holds them, in the form in which they are compared with the ledger's.

Belongs here: that form, and keeping it up with the mirror. A record is read through its mapping once for each change of
the mirror, so a comparison costs no mapping: both sides are rows with the same columns (`documents_read.py`). Lines and
applications are compared by a hash that both sides reckon alike. Why two documents differ is `ledger/causes.py`; what
is due when is `ageing.py`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Any

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from ledger.causes import DocumentState
from ledger.fields import MappingError
from ledger.mapping import WireMapping
from ledger.reconcile import Module
from ledger.spec import Record, spec_of
from resources.stores import mirror
from resources.stores.mirror import Change

BATCH_ROWS_MAX = 2000
COLUMNS = (
    *("party_external_id", "document_number", "document_date", "due_date", "currency", "exchange_rate"),
    *("total_amount", "tax_amount", "open_amount", "is_void", "parts_hash"),
)


@dataclass(frozen=True, slots=True)
class Shape:
    """Where one entity keeps what documents have in common; None where it has no such field."""

    entity: str
    party: str
    number: str
    day: str
    due: str | None
    open: str
    tax: str | None
    part: str | None
    sign: int


@cache
def shape_of(entity: str, party: str, open_field: str, sign: int) -> Shape:
    """The shape of a document entity, from its spec; `party` is the entity it is about, such as customers."""
    spec = spec_of(entity)
    names = {f.name for f in spec.fields}
    return Shape(
        entity=entity,
        party=party.removesuffix("s"),
        number="document_number" if "document_number" in names else "reference_number",
        day="issue_date" if "issue_date" in names else "payment_date",
        due="due_date" if "due_date" in names else None,
        open=open_field,
        tax="tax_amount" if "tax_amount" in names else None,
        part=spec.parts[0].name if spec.parts else None,
        sign=sign,
    )


def shapes_of(module: Module) -> list[Shape]:
    return [shape_of(entity, module.party, name, sign) for entity, (name, sign) in module.open_amounts.items()]


def state_of(shape: Shape, record: Record) -> DocumentState:
    """A canonical record as it is compared."""
    value: Callable[[str | None, Any], Any] = lambda name, absent: getattr(record, name) if name else absent  # noqa: E731
    return DocumentState(
        party=str(getattr(record, shape.party)),
        number=value(shape.number, ""),
        day=value(shape.day, None),
        due=value(shape.due, None),
        currency=value("currency", ""),
        rate=value("exchange_rate", Decimal(1)),
        total=value("total_amount", Decimal(0)),
        tax=value(shape.tax, Decimal(0)),
        open=value(shape.open, Decimal(0)),
        is_void=value("is_void", False),
        parts_hash=parts_hash(shape, record),
    )


def parts_hash(shape: Shape, record: Record) -> str:
    """MD5 of the lines (position, item, quantity, price, amount) or applications (position, document, amount)."""
    if shape.part is None:
        return ""
    names = hashed_fields(shape)
    parts = getattr(record, shape.part)
    if not parts:
        return ""
    texts = ("|".join(_text(getattr(part, name)) for name in names) for part in parts)
    return hashlib.md5("\n".join(texts).encode(), usedforsecurity=False).hexdigest()


def hashed_fields(shape: Shape) -> tuple[str, ...]:
    if shape.part == "applications":
        return ("position", "document_entity", "document_key", "amount")
    return ("position", "item", "quantity", "unit_price", "amount")


def _text(value: Any) -> str:
    if isinstance(value, Decimal):
        return format(value.normalize() + 0, "f")
    return "" if value is None else str(value)


def keep_up(tx: psycopg.Connection[Any], *, tenant: str, connection: str, shape: Shape, mapping: WireMapping) -> bool:
    """Read the next batch of what changed in the mirror since; False when there was nothing more."""
    (at,) = tx.execute(  # type: ignore[misc]
        "select coalesce(max(change_seq), 0) from reconciliation.documents where connection = %s and entity = %s",
        (connection, shape.entity),
    ).fetchone()
    batch = mirror.changes(tx, connection, shape.entity, after_seq=at, limit=BATCH_ROWS_MAX)
    if not batch:
        return False
    tx.execute("drop table if exists pg_temp.read_documents")
    tx.execute("create temp table read_documents (like reconciliation.documents) on commit drop")
    read_into(tx, "read_documents", tenant=tenant, connection=connection, shape=shape, mapping=mapping, batch=batch)
    tx.execute(
        "insert into reconciliation.documents select * from pg_temp.read_documents "
        "on conflict (connection, entity, external_id) do update set "
        + ", ".join(f"{name} = excluded.{name}" for name in _WRITTEN[4:])
    )
    return True


_WRITTEN = (
    *("connection", "entity", "external_id", "tenant_id", "change_seq", "is_deleted", "is_readable"),
    *COLUMNS,
    "applications",
)
_COPY_TYPES = [
    *("text", "text", "text", "text", "int8", "bool", "bool"),
    *("text", "text", "date", "date", "text", "numeric", "numeric", "numeric", "numeric", "bool", "text"),
    "jsonb",
]
_COPY = sql.SQL("copy pg_temp.{} ({}) from stdin")


def read_into(
    tx: psycopg.Connection[Any],
    table: str,
    *,
    tenant: str,
    connection: str,
    shape: Shape,
    mapping: WireMapping,
    batch: Sequence[Change],
) -> None:
    """Read mirrored records through their mapping into a temporary table of the form."""
    columns = sql.SQL(", ").join(map(sql.Identifier, _WRITTEN))
    with tx.cursor() as cursor, cursor.copy(_COPY.format(sql.Identifier(table), columns)) as copy:
        copy.set_types(_COPY_TYPES)
        for change in batch:
            copy.write_row((connection, shape.entity, change.external_id, tenant, *_row(shape, mapping, change)))


def _row(shape: Shape, mapping: WireMapping, change: Change) -> tuple[Any, ...]:
    """A tombstone keeps nothing but that it is one."""
    if change.is_deleted:
        return change.change_seq, True, True, *(None for _ in COLUMNS), None
    try:
        record = mapping.from_wire(change.payload)
    except MappingError:
        return change.change_seq, False, False, *(None for _ in COLUMNS), None
    s = state_of(shape, record)
    values = (s.party, s.number, s.day, s.due, s.currency, s.rate, s.total, s.tax, s.open, s.is_void, s.parts_hash)
    return change.change_seq, False, True, *values, Jsonb(_applications(shape, record))


def _applications(shape: Shape, record: Record) -> list[dict[str, str]]:
    if shape.part != "applications":
        return []
    return [
        {"entity": one.document_entity, "key": one.document_key, "amount": _text(one.amount)}
        for one in record.applications  # type: ignore[attr-defined]
    ]
