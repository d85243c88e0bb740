"""Which ledger rows somebody else than the sync has written since they were last planned: the work list of the push.

Rows are noted by trigger, whoever writes them and however. A row stays noted until it has been planned at the version
that is noted, or was found to say nothing new.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from ledger.spec import RefersToAny, entities, parent_column


@dataclass(frozen=True, slots=True)
class Edit:
    ledger_id: int
    version: int


def noted(tx: psycopg.Connection[Any], *, connection: str, entity: str, after: int, limit: int) -> list[Edit]:
    """The next edited rows of an entity that are this connection's and not in its ERP yet, by ledger id, after one.

    A row belongs to every connection in which it is bound; one that is bound nowhere to the connection it names, or to
    the only one the tenant has.
    """
    rows = tx.execute(
        sql.SQL(
            """
            select e.ledger_id, e.version from sync.edits e join {table} l on l.ledger_id = e.ledger_id
              left join sync.bindings b
                on b.connection = %(connection)s and b.entity = e.entity and b.ledger_id = e.ledger_id
             where e.tenant_id = sync.current_tenant() and e.entity = %(entity)s and e.ledger_id > %(after)s
               and coalesce(b.ledger_version < e.version,
                            coalesce(l.connection, {only_one}) = %(connection)s)
             order by e.ledger_id limit %(limit)s
            """
        ).format(table=sql.Identifier("ledger", entity), only_one=sql.SQL(_ONLY_ONE)),
        {"entity": entity, "connection": connection, "after": after, "limit": limit},
    )
    return [Edit(*row) for row in rows]


_ONLY_ONE = """(select min(c.connection) from sync.connections c
                  where c.tenant_id = e.tenant_id and c.state <> 'removed' having count(*) = 1)"""


def planned(tx: psycopg.Connection[Any], connection: str, entity: str, edits: Sequence[Edit]) -> None:
    """These versions are taken care of in this connection; a row that was edited again meanwhile stays noted, and so
    does one that another connection has still to get: one it is bound in, or the one it names.
    """
    tx.execute(
        sql.SQL(
            """
            delete from sync.edits e using unnest(%s::bigint[], %s::bigint[]) as done (ledger_id, version)
             where e.tenant_id = sync.current_tenant() and e.entity = %s and e.ledger_id = done.ledger_id
               and e.version <= done.version
               and not exists (select 1 from sync.bindings b where b.connection <> %s and b.entity = e.entity
                                 and b.ledger_id = e.ledger_id and b.ledger_version < e.version)
               and not exists (select 1 from {} l join sync.connections c on c.connection = l.connection
                                where l.ledger_id = e.ledger_id and l.connection <> %s and c.state <> 'removed'
                                  and not l.is_deleted
                                  and not exists (select 1 from sync.bindings b where b.connection = l.connection
                                                    and b.entity = e.entity and b.ledger_id = e.ledger_id))
            """
        ).format(sql.Identifier("ledger", entity)),
        ([e.ledger_id for e in edits], [e.version for e in edits], entity, connection, connection),
    )


def pass_on(tx: psycopg.Connection[Any], *, connection: str, entity: str, external_ids: Sequence[str]) -> None:
    """Note for their other connections the rows of these records of one connection, as far as they do not have them."""
    tx.execute(
        sql.SQL(
            """
            insert into sync.edits as e (tenant_id, entity, ledger_id, version, connection)
            select distinct sync.current_tenant(), %(entity)s, l.ledger_id, l.version, l.connection
              from sync.bindings mine
              join sync.connections c on c.tenant_id = sync.current_tenant() and c.connection <> mine.connection
               and c.state <> 'removed'
              join sync.bindings b on b.connection = c.connection and b.entity = mine.entity
               and b.ledger_id = mine.ledger_id
              join {} l on l.ledger_id = mine.ledger_id and l.version > b.ledger_version
             where mine.connection = %(connection)s and mine.entity = %(entity)s and mine.external_id = any(%(ids)s)
            on conflict (tenant_id, entity, ledger_id) do update
               set version = greatest(e.version, excluded.version), noted_at = clock_timestamp(), looked_at = null
            """
        ).format(sql.Identifier("ledger", entity)),
        {"connection": connection, "entity": entity, "ids": list(external_ids)},
    )


def note(tx: psycopg.Connection[Any], *, connection: str, entity: str, ledger_id: int, version: int) -> None:
    """Have a row planned (again) although nobody edited it: a merge or a resolution left it ahead of the ERP."""
    note_all(tx, connection=connection, entity=entity, edits=[Edit(ledger_id, version)])


def note_all(tx: psycopg.Connection[Any], *, connection: str, entity: str, edits: Sequence[Edit]) -> None:
    """`note` for many rows, each of them once."""
    if not edits:
        return
    tx.execute(
        """
        insert into sync.edits as e (tenant_id, entity, ledger_id, version, connection)
        select sync.current_tenant(), %s, n.ledger_id, n.version, %s
          from unnest(%s::bigint[], %s::bigint[]) as n (ledger_id, version)
        on conflict (tenant_id, entity, ledger_id) do update
           set version = greatest(e.version, excluded.version), noted_at = clock_timestamp(), looked_at = null
        """,
        (entity, connection, [e.ledger_id for e in edits], [e.version for e in edits]),
    )


def looked_at(tx: psycopg.Connection[Any], entity: str, edits: Sequence[Edit]) -> None:
    """These could not be taken: what holds them is an open error or conflict, and nobody need be woken for them. A row
    that was edited again meanwhile is still to be looked at, also if that was in vain while the version before was out.
    """
    tx.execute(
        """
        update sync.edits e set looked_at = case when e.version <= seen.version then clock_timestamp() end
          from unnest(%s::bigint[], %s::bigint[]) as seen (ledger_id, version)
         where e.tenant_id = sync.current_tenant() and e.entity = %s and e.ledger_id = seen.ledger_id
        """,
        ([e.ledger_id for e in edits], [e.version for e in edits], entity),
    )


def look_at_again(tx: psycopg.Connection[Any], entity: str, ledger_id: int) -> None:
    """What a plan could not take because an intent of it was open: that has ended without being done."""
    tx.execute(
        "update sync.edits set looked_at = null "
        "where tenant_id = sync.current_tenant() and entity = %s and ledger_id = %s and looked_at is not null",
        (entity, ledger_id),
    )


def look_again(tx: psycopg.Connection[Any], connection: str) -> None:
    """Something that may have held rows of this connection, or that are bound in it, is no longer in their way."""
    tx.execute(
        "update sync.edits e set looked_at = null where tenant_id = sync.current_tenant() and looked_at is not null "
        "and (connection = %(connection)s or connection is null "
        "or exists (select from sync.bindings b where b.connection = %(connection)s and b.entity = e.entity "
        "and b.ledger_id = e.ledger_id))",
        {"connection": connection},
    )


def look_again_at(tx: psycopg.Connection[Any], connection: str, entity: str, external_ids: Sequence[str]) -> None:
    """`look_again` at the rows of these records alone: whoever writes another one is not waited for."""
    if external_ids:
        tx.execute(
            "update sync.edits e set looked_at = null from sync.bindings b where b.connection = %(connection)s "
            "and b.entity = %(entity)s and b.external_id = any(%(ids)s) and e.tenant_id = sync.current_tenant() "
            "and e.entity = b.entity and e.ledger_id = b.ledger_id and e.looked_at is not null",
            {"connection": connection, "entity": entity, "ids": list(external_ids)},
        )


def look_again_at_payers(
    tx: psycopg.Connection[Any], connection: str, entity: str, external_ids: Sequence[str]
) -> None:
    """`look_again` at the payments applied to these documents: what has become of one may be what they wait for.
    Whoever writes one now notes it anew, and is not waited for.
    """
    for spec in entities():
        for part in spec.parts:
            if any(isinstance(f.reference, RefersToAny) for f in part.fields):
                tx.execute(
                    sql.SQL(
                        """
                        update sync.edits set looked_at = null where (entity, ledger_id) in (
                          select e.entity, e.ledger_id from sync.edits e
                           where e.tenant_id = sync.current_tenant() and e.entity = %(payers)s
                             and e.looked_at is not null and exists (
                               select from {parts} p join sync.bindings b
                                   on b.entity = p.document_entity and b.ledger_id = p.document_id
                                where p.{parent} = e.ledger_id and b.connection = %(connection)s
                                  and b.entity = %(entity)s and b.external_id = any(%(ids)s))
                             for update of e skip locked)
                        """
                    ).format(
                        parts=sql.Identifier("ledger", spec.part_table_names[part.name]),
                        parent=sql.Identifier(parent_column(spec)),
                    ),
                    {
                        "payers": spec.name,
                        "connection": connection,
                        "entity": entity,
                        "ids": list(external_ids),
                    },
                )


def entities_noted(tx: psycopg.Connection[Any]) -> set[str]:
    """The entities of which any row is noted, for whichever connection."""
    found = tx.execute("select distinct entity from sync.edits where tenant_id = sync.current_tenant()")
    return {entity for (entity,) in found}


def any_noted(tx: psycopg.Connection[Any], entity: str) -> bool:
    """Whether any row of the entity is noted."""
    return (
        tx.execute(
            "select 1 from sync.edits where tenant_id = sync.current_tenant() and entity = %s limit 1", (entity,)
        ).fetchone()
        is not None
    )


def unbound(tx: psycopg.Connection[Any], connection: str, entity: str) -> list[int]:
    """Noted rows that this connection's ERP does not have."""
    return [
        ledger_id
        for (ledger_id,) in tx.execute(
            """
            select e.ledger_id from sync.edits e where e.tenant_id = sync.current_tenant() and e.entity = %(entity)s
               and (e.connection is null or e.connection = %(connection)s)
               and not exists (select 1 from sync.bindings b where b.connection = %(connection)s
                                 and b.entity = %(entity)s and b.ledger_id = e.ledger_id)
            """,
            {"entity": entity, "connection": connection},
        )
    ]
