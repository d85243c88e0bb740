"""Both books as they stood at an instant that is past: what the ERP's documents were then, and what changed since.

Belongs here: the mirror's documents of an instant in the form in which they are compared, the circumstances of then,
and the comparison of a closed month with itself. Reading tables as of an instant is `sql/instants.py`; the statements
that compare and age are the same as for the present (`documents_compared.py`, `ageing.py`), over another source.

What is known at an instant is what transactions that began by then have written.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import msgspec
import psycopg
from psycopg import sql
from psycopg.rows import class_row

from ledger.mapping import WireMapping
from ledger.reconcile import Module
from resources.stores import ageing
from resources.stores.ageing import Book
from resources.stores.documents import BATCH_ROWS_MAX, Shape, read_into, shapes_of
from resources.stores.documents_read import Source, ours_query
from resources.stores.mirror import Change

_decode = msgspec.json.Decoder(float_hook=Decimal).decode


def read_documents(
    tx: psycopg.Connection[Any],
    source: Source,
    at: datetime,
    *,
    tenant: str,
    connection: str,
    module: Module,
    mappings: Mapping[str, WireMapping],
) -> None:
    """Put the ERP's documents of an instant where `source` reads them.

    A record that has not changed since is taken as it was read for the last comparison; only others go through their
    mapping, a batch at a time. A record is read as today's mapping reads it.
    """
    tx.execute("set local enable_nestloop = off")
    table = f"documents_{source.at}"
    tx.execute(
        sql.SQL("create temp table if not exists {} (like reconciliation.documents) on commit drop").format(
            sql.Identifier(table)
        )
    )
    for shape in shapes_of(module):
        names = {
            "table": sql.Identifier("pg_temp", table),
            "mirror": sql.Identifier("mirror", f"{shape.entity}_at"),
            "name": sql.Literal(shape.entity),
        }
        keys = {"connection": connection, "at": at}
        tx.execute(
            sql.SQL(
                "insert into {table} select d.* from reconciliation.documents d join {mirror}(%(at)s) m "
                "on m.connection = d.connection and m.external_id = d.external_id and m.change_seq = d.change_seq "
                "where d.connection = %(connection)s and d.entity = {name}"
            ).format(**names),
            keys,
        )
        with tx.cursor(name="versions_then") as versions:
            versions.execute(
                sql.SQL(
                    "select m.external_id, m.version_token, m.payload::text, m.is_deleted, m.change_seq, m.modified_at "
                    "from {mirror}(%(at)s) m left join reconciliation.documents d on d.connection = m.connection "
                    "and d.entity = {name} and d.external_id = m.external_id and d.change_seq = m.change_seq "
                    "where m.connection = %(connection)s and d.external_id is null"
                ).format(**names),
                keys,
            )
            while rows := versions.fetchmany(BATCH_ROWS_MAX):
                read_into(
                    tx,
                    table,
                    tenant=tenant,
                    connection=connection,
                    shape=shape,
                    mapping=mappings[shape.entity],
                    batch=[Change(row[0], row[1], _decode(row[2]), *row[3:]) for row in rows],
                )
    tx.execute(sql.SQL("analyze {}").format(sql.Identifier("pg_temp", table)))


def first_read_at(tx: psycopg.Connection[Any], connection: str) -> dict[str, datetime]:
    """Entity -> when it was read for the first time to the end. One that never was is left out."""
    rows = tx.execute(
        "select o.entity, min(r.ended_at) from sync.runs r, jsonb_object_keys(r.outcome) as o (entity) "
        "where r.connection = %s and r.state = 'done' and r.kind in ('delta', 'full', 'meet') group by 1",
        (connection,),
    )
    return dict(rows.fetchall())


def count_documents(
    tx: psycopg.Connection[Any], connection: str, source: Source, at: datetime, shape: Shape
) -> tuple[int, int, int]:
    """(live in the ledger, live in the mirror, of these unreadable) of one entity."""
    row = tx.execute(
        sql.SQL(
            "select (select count(*) from ({ours}) o), count(*), count(*) filter (where not d.is_readable) "
            "from {documents} d where d.connection = %(connection)s and d.entity = {name} and not d.is_deleted"
        ).format(
            ours=ours_query(shape, source=source),
            name=sql.Literal(shape.entity),
            documents=source.documents,
        ),
        {"connection": connection, **source.given(at)},
    ).fetchone()
    assert row is not None
    return row  # type: ignore[return-value]


@dataclass(frozen=True, slots=True)
class Then:
    """What is known of a document at an instant besides its two versions; None where a book did not have it."""

    conflict: str | None
    changed_at: datetime | None
    changed_by: str | None
    version: int | None
    seen_at: datetime | None
    is_tombstone: bool
    is_bound_since: datetime | None

    @property
    def pending(self) -> str:
        """Somebody's edit that the ERP had not answered by then."""
        if self.changed_by is None or self.changed_by.startswith("sync") or self.changed_at is None:
            return ""
        if self.seen_at is not None and self.seen_at >= self.changed_at:
            return ""
        return f"version {self.version} by {self.changed_by} had not been there yet"

    @property
    def waits_here(self) -> str:
        """The ERP's version that the ledger had not taken by then."""
        if self.seen_at is None or (self.changed_at is not None and self.changed_at >= self.seen_at):
            return ""
        return f"it was read at {self.seen_at:%Y-%m-%d %H:%M:%S}Z and had not been merged"


def circumstances(
    tx: psycopg.Connection[Any],
    connection: str,
    entity: str,
    at: datetime,
    keys: Sequence[tuple[str | None, int | None]],
) -> list[Then]:
    """What is known of these documents, by (external id, ledger id), in their order."""
    with tx.cursor(row_factory=class_row(Then)) as rows:
        return rows.execute(
            sql.SQL(
                """
                select (select 'conflict ' || c.conflict_id || ' was open: ' || c.says from sync.conflicts c
                         where c.connection = %(connection)s and c.entity = {name} and c.opened_at <= %(at)s
                           and (c.ended_at is null or c.ended_at > %(at)s)
                           and (c.ledger_id = k.ledger_id or c.external_id = k.external_id) limit 1) as conflict,
                       l.changed_at, l.changed_by, l.version, m.seen_at, coalesce(m.is_deleted, false) as is_tombstone,
                       b.bound_at as is_bound_since
                  from unnest(%(external_ids)s::text[], %(ledger_ids)s::bigint[]) with ordinality
                       as k (external_id, ledger_id, place)
                  left join {ledger}(%(at)s) l on l.ledger_id = k.ledger_id
                  left join {mirror}(%(at)s) m on m.connection = %(connection)s and m.external_id = k.external_id
                  left join sync.bindings b on b.connection = %(connection)s and b.entity = {name}
                       and b.external_id = k.external_id
                 order by k.place
                """
            ).format(
                name=sql.Literal(entity),
                ledger=sql.Identifier("ledger", f"{entity}_at"),
                mirror=sql.Identifier("mirror", f"{entity}_at"),
            ),
            {
                "connection": connection,
                "at": at,
                "external_ids": [external_id for external_id, _ in keys],
                "ledger_ids": [ledger_id for _, ledger_id in keys],
            },
        ).fetchall()


@dataclass(frozen=True, slots=True)
class Changed:
    """One document of a closed month that a book shows otherwise now: amounts are what was open on its last evening.

    `then` and `now` are what differs, field by field; None where the book did not have it, or has it no longer.
    """

    book: str
    entity: str
    external_id: str
    number: str | None
    party_external_id: str
    currency: str
    then_amount: Decimal | None
    now_amount: Decimal | None
    fields: list[list[str | None]]
    changed_at: datetime | None
    changed_by: str | None

    @property
    def amount(self) -> Decimal:
        """By what it moves the balance of that evening."""
        return (self.now_amount or Decimal(0)) - (self.then_amount or Decimal(0))


# What of a document is compared with itself: name, and the column of `ageing.items`.
_COMPARED = (
    *("total", "tax", "currency", "rate", "is_void"),
    *(("date", "day"), ("due_date", "due"), ("open", "amount"), ("party", "party_external_id"), "number"),
)


def changes(
    tx: psycopg.Connection[Any],
    connection: str,
    module: Module,
    book: Book,
    month_end: date,
    *,
    home_currency: str,
    then: tuple[Source, datetime],
    now: tuple[Source, datetime],
    limit: int,
) -> list[Changed]:
    """The documents dated by a month's end that a book shows otherwise than it did, the largest first.

    A payment of a later day changes nothing; one that was dated back does. Linear in the book's documents.
    """
    tx.execute("set local enable_nestloop = off")
    pairs = [(one, one) if isinstance(one, str) else one for one in _COMPARED]
    same_party = (
        "(t.party_external_id = n.party_external_id or t.party_external_id like '#%%' "
        "or n.party_external_id like '#%%')"
    )
    differs = {
        name: f"not {same_party}" if name == "party" else f"t.{column} is distinct from n.{column}"
        for name, column in pairs
    }
    fields = " || ".join(
        f"case when {differs[name]} then jsonb_build_array(jsonb_build_array('{name}', t.{column}, n.{column})) "
        "else '[]'::jsonb end"
        for name, column in pairs
    )
    sides = [
        ageing.items(tx, connection, module, book, month_end, home_currency, source, at) for source, at in (then, now)
    ]
    key = "ledger_id" if book == "ledger" else "external_id"
    query = sql.SQL(
        """
        with found as (
          select coalesce(n.entity, t.entity) as entity, coalesce(n.external_id, t.external_id) as external_id,
                 coalesce(n.ledger_id, t.ledger_id) as ledger_id, coalesce(n.number, t.number) as number,
                 coalesce(n.party_external_id, t.party_external_id) as party_external_id,
                 coalesce(n.currency, t.currency) as currency, t.amount as then_amount, n.amount as now_amount,
                 case when t.entity is null or n.entity is null then '[]'::jsonb else {fields} end as fields
            from ({then}) t full join ({now}) n on n.entity = t.entity and n.{key} = t.{key}
           where t.entity is null or n.entity is null or {differs}
           order by abs(coalesce(n.amount, 0) - coalesce(t.amount, 0)) desc, 1, 2 limit %(limit)s
        )
        select {book} as book, f.entity, f.external_id, f.number, f.party_external_id, f.currency, f.then_amount,
               f.now_amount, f.fields, w.changed_at, w.changed_by
          from found f left join ({writers}) w on w.entity = f.entity and {same_row}
         order by abs(coalesce(f.now_amount, 0) - coalesce(f.then_amount, 0)) desc, f.entity, f.external_id
        """
    ).format(
        book=sql.Literal(book),
        fields=sql.SQL(fields),
        then=sides[0],
        now=sides[1],
        key=sql.Identifier(key),
        differs=sql.SQL(" or ".join(differs.values())),
        writers=sql.SQL(" union all ").join(_writers(shape, book) for shape in shapes_of(module)),
        same_row=sql.SQL("w.ledger_id = f.ledger_id" if book == "ledger" else "w.external_id = f.external_id"),
    )
    given = {"connection": connection, "as_of": month_end, "limit": limit}
    with tx.cursor(row_factory=class_row(Changed)) as rows:
        return rows.execute(query, {**given, **then[0].given(then[1]), **now[0].given(now[1])}).fetchall()


def _writers(shape: Shape, book: Book) -> sql.Composed:
    """Who wrote each row last, and when: in the ledger by name, in the mirror the ERP by its own clock."""
    query = (
        "select {name} as entity, ledger_id, null as external_id, changed_at, changed_by from ledger.{entity}"
        if book == "ledger"
        else "select {name} as entity, null::bigint as ledger_id, external_id, coalesce(modified_at, seen_at) "
        "as changed_at, 'the ERP' as changed_by from mirror.{entity} where connection = %(connection)s"
    )
    return sql.SQL(query).format(name=sql.Literal(shape.entity), entity=sql.Identifier(shape.entity))
