"""What is bound to nothing on either side of a connection: the work list of a first meeting."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg import sql

from ledger.spec import EntitySpec, entities, spec_of

# A row that is not deleted and stands for no record there. A document may only be a company's if its row names that one
# or none; a customer, vendor or item that came from another company may well be this one's too.
_ROWS = """
    select l.ledger_id, l.version from {table} l
     where not l.is_deleted and (%(is_shared)s or coalesce(l.connection, %(connection)s) = %(connection)s)
       and not exists (select 1 from sync.bindings b where b.connection = %(connection)s
                         and b.entity = %(entity)s and b.ledger_id = l.ledger_id)
"""


def rows(tx: psycopg.Connection[Any], connection: str, entity: str) -> dict[int, int]:
    """Live rows of ours that this connection's ERP does not have, locked: ledger id -> version."""
    query = sql.SQL(_ROWS + " order by l.ledger_id for update of l").format(table=sql.Identifier("ledger", entity))
    return dict(tx.execute(query, _values(connection, spec_of(entity))).fetchall())


def any_rows(tx: psycopg.Connection[Any], connection: str) -> bool:
    """Whether the ledger holds anything that this connection's ERP may hold as well."""
    for spec in entities():
        query = sql.SQL(_ROWS + " limit 1").format(table=sql.Identifier("ledger", spec.name))
        if tx.execute(query, _values(connection, spec)).fetchone() is not None:
            return True
    return False


def _values(connection: str, spec: EntitySpec) -> dict[str, Any]:
    return {"connection": connection, "entity": spec.name, "is_shared": not spec.is_document}


def records(tx: psycopg.Connection[Any], connection: str, entity: str) -> list[str]:
    """External ids of live mirrored records that no row of ours stands for."""
    query = sql.SQL(
        "select m.external_id from {} m where m.connection = %(connection)s and not m.is_deleted "
        "and not exists (select 1 from sync.bindings b where b.connection = %(connection)s "
        "and b.entity = %(entity)s and b.external_id = m.external_id) order by m.external_id"
    ).format(sql.Identifier("mirror", entity))
    return [external_id for (external_id,) in tx.execute(query, {"connection": connection, "entity": entity})]


def newest_change(tx: psycopg.Connection[Any], connection: str, entity: str) -> int:
    """The sequence number of the last change of an entity in the mirror; 0 without any."""
    row = tx.execute(
        sql.SQL("select coalesce(max(change_seq), 0) from {} where connection = %s").format(
            sql.Identifier("mirror", entity)
        ),
        (connection,),
    ).fetchone()
    assert row is not None
    return row[0]
