"""The two books' documents compared: which differ, as whole sets, and each of them as both sides have it.

Belongs here: the one statement an entity by which that is found. What the rows are is `documents_read.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

import psycopg
from psycopg import sql

from ledger.causes import DocumentState
from resources.stores import mirror
from resources.stores.documents import COLUMNS, Shape
from resources.stores.documents_read import NOW, Source, our_row, ours_query, parts_join, theirs_query

# Everything but the parts, which are a table of their own and five times the work.
_OF_THE_DOCUMENT = COLUMNS[:-1]


@dataclass(frozen=True, slots=True)
class Pair:
    """One document that the two books do not show alike; None on the side that does not have it."""

    entity: str
    external_id: str | None
    ledger_id: int | None
    ours: DocumentState | None
    theirs: DocumentState | None


@cache
def _differing_documents(shape: Shape, source: Source) -> sql.Composed:
    """(external id, ledger id) of what is missing on either side or differs in a column of the document itself."""
    return sql.SQL(
        "select coalesce(o.external_id, t.external_id), o.ledger_id from ({our_rows}) o "
        "full join ({their_rows}) t on t.external_id = o.external_id "
        "where o.ledger_id is null or t.external_id is null or ({ours}) is distinct from ({theirs}) limit %(limit)s"
    ).format(
        ours=_listed("o", _OF_THE_DOCUMENT),
        theirs=_listed("t", _OF_THE_DOCUMENT),
        our_rows=ours_query(shape, source=source),
        their_rows=theirs_query(shape, source=source),
    )


@cache
def _differing_parts(shape: Shape, source: Source) -> sql.Composed:
    """(external id, ledger id) of what both sides have, with other lines or applications."""
    return sql.SQL(
        """
        select b.external_id, l.ledger_id from {entity} l
          join {bindings} b on b.connection = %(connection)s and b.entity = {name} and b.ledger_id = l.ledger_id
          join ({their_rows}) t on t.external_id = b.external_id
          {parts}
         where not l.is_deleted and coalesce(h.hash, '') is distinct from t.parts_hash limit %(limit)s
        """
    ).format(
        entity=source.ledger(shape.entity),
        bindings=source.bindings,
        name=sql.Literal(shape.entity),
        their_rows=theirs_query(shape, source=source),
        parts=parts_join(shape, source),
    )


@cache
def _load(shape: Shape, source: Source) -> sql.Composed:
    """These documents as both sides have them: `ids` are external ids, `rows` ledger ids of what is not bound."""
    return sql.SQL(
        """
        select k.external_id, o.ledger_id, t.external_id is not null, {ours}, {theirs}
          from (select w.external_id, b.ledger_id from unnest(%(ids)s::text[]) w (external_id)
                  left join {bindings} b on b.connection = %(connection)s and b.entity = {name}
                   and b.external_id = w.external_id
                union all select null, unnest(%(rows)s::bigint[])) k
          left join lateral ({our_row}) o on true
          left join {documents} t on t.connection = %(connection)s and t.entity = {name}
           and t.external_id = k.external_id and not t.is_deleted and t.is_readable
         where o.ledger_id is not null or t.external_id is not null
        """
    ).format(
        ours=_listed("o", COLUMNS),
        theirs=_listed("t", COLUMNS),
        name=sql.Literal(shape.entity),
        our_row=our_row(shape, source),
        bindings=source.bindings,
        documents=source.documents,
    )


def _listed(alias: str, names: Sequence[str]) -> sql.Composed:
    return sql.SQL(", ").join(sql.Identifier(alias, name) for name in names)


def differing(
    tx: psycopg.Connection[Any],
    connection: str,
    shape: Shape,
    *,
    limit: int,
    source: Source = NOW,
    at: datetime | None = None,
) -> list[Pair]:
    """Every document of the entity that is missing on one side or not the same on both, `limit` at most.

    Linear in the connection's documents and their parts: that they are all the same is what is being checked.
    """
    keys = set(differing_documents(tx, connection, shape, limit=limit, source=source, at=at))
    if shape.part and len(keys) < limit:
        keys.update(_keys(tx, connection, _differing_parts(shape, source), limit, source, at))
    return _pairs(tx, connection, shape, sorted(keys, key=str)[:limit], source, at)


def differing_documents(
    tx: psycopg.Connection[Any],
    connection: str,
    shape: Shape,
    *,
    limit: int,
    source: Source = NOW,
    at: datetime | None = None,
) -> list[tuple[str | None, int | None]]:
    """(external id, ledger id) of those that differ in anything but their lines or applications; None on no side's."""
    return _keys(tx, connection, _differing_documents(shape, source), limit, source, at)


def pairs(tx: psycopg.Connection[Any], connection: str, shape: Shape, external_ids: Iterable[str]) -> list[Pair]:
    """These documents as both sides have them, whether they differ or not."""
    return _pairs(tx, connection, shape, [(one, None) for one in external_ids])


def _keys(
    tx: psycopg.Connection[Any],
    connection: str,
    query: sql.Composed,
    limit: int,
    source: Source,
    at: datetime | None,
) -> list[tuple[str | None, int | None]]:
    # After a first sync the planner has no statistics yet and would join the whole book row by row, for minutes.
    tx.execute("set local enable_nestloop = off")
    # Of two books that agree nearly nothing comes out of the join, where the planner counts on a whole book that its
    # workers would have to hand over.
    tx.execute("set local work_mem = '128MB'; set local parallel_tuple_cost = 0; set local parallel_setup_cost = 0")
    return tx.execute(query, {"connection": connection, "limit": limit, **source.given(at)}).fetchall()


def _pairs(
    tx: psycopg.Connection[Any],
    connection: str,
    shape: Shape,
    keys: Sequence[tuple[str | None, int | None]],
    source: Source = NOW,
    at: datetime | None = None,
) -> list[Pair]:
    if not keys:
        return []
    # A few of a whole book, each found by its key; that the planner knows nothing of their number must not matter.
    tx.execute("set local enable_nestloop = on")
    found = tx.execute(
        _load(shape, source),
        {
            "connection": connection,
            "ids": [external_id for external_id, _ in keys if external_id is not None],
            "rows": [ledger_id for external_id, ledger_id in keys if external_id is None],
            **source.given(at),
        },
    ).fetchall()
    tx.execute("set local enable_nestloop = off")
    width = len(COLUMNS)
    return [
        Pair(
            shape.entity,
            row[0],
            row[1],
            _state(row[3 : 3 + width]) if row[1] is not None else None,
            _state(row[3 + width :]) if row[2] else None,
        )
        for row in found
    ]


def _state(values: Sequence[Any]) -> DocumentState:
    party, number, day, due, currency, rate, total, tax, still_open, is_void, digest = values
    return DocumentState(party, number, day, due, currency, rate, total, tax, still_open, is_void, digest)


def count(tx: psycopg.Connection[Any], connection: str, shape: Shape) -> tuple[int, int]:
    """(live in the ledger, live in the mirror) of one connection."""
    ours = sql.SQL("select count(*) from ({}) o").format(ours_query(shape))
    (in_ledger,) = tx.execute(ours, {"connection": connection}).fetchone()  # type: ignore[misc]
    return in_ledger, mirror.count(tx, connection, shape.entity)
