"""Which partition keys of connections have work to do, across all tenants: one indexed query for each kind of work.

Belongs here: what sensors ask. Only a fleet transaction (`Services.fleet`) sees every tenant's work; it may
read no other columns than those that migrations name for it (`let_the_fleet_see`).
"""

from __future__ import annotations

from typing import Any

import psycopg

from ledger.spec import entities
from resources.stores.connections import PUSHING, SIGN_IN
from resources.stores.switches import is_entity_on_sql

# A connection takes part in pushing while it is connected and has met the ledger, an entity while it is switched on.
# What does not let us in is asked again by the pull, once an interval: pushes would ask with every tick. What stops
# them alone they ask themselves, once an interval too.
_MAY_PUSH = f"""
    c.state = 'active' and c.meeting = 'done'
    and not exists (select 1 from sync.errors x where x.connection = c.connection and x.resolved_at is null
                       and (x.stage = '{SIGN_IN}' or x.stage = '{PUSHING}' and c.next_push_at > clock_timestamp()))
"""
_EDIT_IS_ON = is_entity_on_sql(connection="c", entity="e.entity", direction="push")
_INTENT_IS_ON = is_entity_on_sql(connection="c", entity="o.entity", direction="push")
_SHARED = ", ".join(f"'{spec.name}'" for spec in entities() if not spec.is_document)
# As `edits.noted` has it: bound, a row is a connection's that does not have its version; unbound, of the one it names.
_BOUND = "from sync.bindings b where b.connection = c.connection and b.entity = e.entity and b.ledger_id = e.ledger_id"
_IS_ITS_OWN = f"""
    (e.connection = c.connection or e.connection is null and not exists (
       select 1 from sync.connections o
        where o.tenant_id = c.tenant_id and o.connection <> c.connection and o.state <> 'removed'))
    and not exists (select 1 {_BOUND} and b.ledger_version >= e.version)
"""
_IS_BOUND_ELSEWHERE = """
    exists (select 1 from sync.connections o join sync.bindings b
               on b.connection = o.connection and b.entity = e.entity and b.ledger_id = e.ledger_id
             where o.tenant_id = c.tenant_id and o.connection <> c.connection)
"""
_IS_HELD = """
    (exists (select 1 from sync.errors x where x.connection = c.connection and x.entity = e.entity
                and x.external_id = '#' || e.ledger_id and x.stage = 'push' and x.resolved_at is null)
     or exists (select 1 from sync.conflicts x where x.connection = c.connection and x.entity = e.entity
                   and x.ledger_id = e.ledger_id and x.state = 'open')
     or exists (select 1 from sync.outbox x where x.connection = c.connection and x.entity = e.entity
                   and x.ledger_id = e.ledger_id and x.state in ('sent', 'waiting')))
"""
# That one connection's plan looked at a row in vain says nothing of the others, unless they hold it themselves.
_IS_SHARED = f"""
    e.entity in ({_SHARED}) and exists (select 1 {_BOUND} and b.ledger_version < e.version)
    and {_IS_BOUND_ELSEWHERE} and (e.looked_at is null or not {_IS_HELD})
"""


def partitions_to_push(tx: psycopg.Connection[Any], limit: int) -> list[str]:
    """Keys with an edited row that nobody has looked at, or an open intent that is due."""
    return [
        key
        for (key,) in tx.execute(
            f"""
            select distinct c.partition_key from sync.connections c
             where {_MAY_PUSH} and (
               exists (select 1 from sync.edits e where e.tenant_id = c.tenant_id and e.looked_at is null
                          and {_IS_ITS_OWN} and {_EDIT_IS_ON})
               or exists (select 1 from sync.edits e where e.tenant_id = c.tenant_id and {_IS_SHARED} and {_EDIT_IS_ON})
               or exists (select 1 from sync.outbox o where o.connection = c.connection
                             and o.state in ('sent', 'waiting') and o.due_at <= clock_timestamp() and {_INTENT_IS_ON}))
             order by c.partition_key limit %s
            """,
            (limit,),
        )
    ]


def has_new_conflicts(tx: psycopg.Connection[Any]) -> bool:
    """Whether a conflict has been opened or has changed since the check last looked at it."""
    found = tx.execute(
        "select 1 from sync.conflicts where state = 'open' and (checked_at is null or changed_at > checked_at) limit 1"
    ).fetchone()
    return found is not None
