"""Which partition keys of connections have work to do, across all tenants: one indexed query for each kind of work.

Belongs here: what sensors ask. Only a fleet transaction (`Services.fleet`) sees every tenant's work; it may
read no other columns than those that migration 0016 names.
"""

from __future__ import annotations

from typing import Any

import psycopg

from resources.stores.switches import is_entity_on_sql

# A connection takes part in pushing while it is connected and has met the ledger, an entity while it is switched on.
_MAY_PUSH = "c.state = 'active' and c.meeting = 'done'"
_EDIT_IS_ON = is_entity_on_sql(connection="c", entity="e.entity", direction="push")
_INTENT_IS_ON = is_entity_on_sql(connection="c", entity="o.entity", direction="push")


def partitions_to_push(tx: psycopg.Connection[Any], limit: int) -> list[str]:
    """Keys with an edited row that nobody has looked at, or an open intent that is due."""
    return [
        key
        for (key,) in tx.execute(
            f"""
            select distinct c.partition_key from sync.connections c
             where {_MAY_PUSH} and (
               exists (select 1 from sync.edits e where e.tenant_id = c.tenant_id and e.looked_at is null
                          and (e.connection = c.connection or e.connection is null) and {_EDIT_IS_ON})
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
