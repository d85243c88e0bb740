"""What a person sees of a tenant's connections at a glance, and the lists of what is open, a page at a time.

Belongs here: the statements behind the console's lists: each reads all of a page at once, over an index of what is
open, whatever the size of the history. What is done with one of the listed is in the module of its table.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec
import psycopg
from psycopg import sql
from psycopg.rows import class_row, dict_row

# Amounts as they were sent, never through a float.
_decode = msgspec.json.Decoder(float_hook=Decimal).decode
# More than this is shown as "more than": nobody counts a hundred thousand to write them beside a word.
COUNTED_MAX = 1000
FIRST = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Overview:
    """One connection, how its last sync went, how old its tokens are, and what is open; counts end at COUNTED_MAX."""

    name: str
    erp: str
    company_name: str | None
    home_currency: str | None
    state: str
    meeting: str
    settings: Mapping[str, str]
    pull_interval_seconds: int
    next_pull_at: datetime
    last_kind: str | None
    last_state: str | None
    last_at: datetime | None
    last_dagster_run_id: str | None
    good_at: datetime | None
    token_at: datetime | None
    grant_ends_at: datetime | None
    conflict_count: int
    error_count: int
    edit_count: int


@dataclass(frozen=True, slots=True)
class Open:
    """What waits for a person, over all connections; counts end at COUNTED_MAX."""

    conflicts: int
    errors: int
    breaks: int

    def of(self, name: str) -> int:
        """The count of this name; none of an empty one."""
        return getattr(self, name) if name else 0


def connections(tx: psycopg.Connection[Any], *, after: str = "", limit: int) -> list[Overview]:
    """The connections of the transaction's tenant by name, after one."""
    with tx.cursor(row_factory=class_row(Overview)) as rows:
        return rows.execute(
            f"""
            select c.connection as name, c.erp, c.company_name, c.home_currency, c.state, c.meeting, c.settings,
                   c.pull_interval_seconds, c.next_pull_at, r.kind as last_kind, r.state as last_state,
                   coalesce(r.ended_at, r.started_at) as last_at, r.dagster_run_id as last_dagster_run_id,
                   g.ended_at as good_at, t.received_at as token_at, t.refresh_expires_at as grant_ends_at,
                   (select count(*) from (select from sync.conflicts o where o.connection = c.connection
                      and o.state = 'open' limit {COUNTED_MAX}) few) as conflict_count,
                   (select count(*) from (select from sync.errors o where o.connection = c.connection
                      and o.resolved_at is null limit {COUNTED_MAX}) few) as error_count,
                   (select count(*) from (select from sync.edits o where o.tenant_id = c.tenant_id
                      and o.connection = c.connection and o.looked_at is null limit {COUNTED_MAX}) few) as edit_count
              from sync.connections c
              left join lateral (select * from sync.runs r where r.connection = c.connection
                                  order by r.started_at desc limit 1) r on true
              left join lateral (select r.ended_at from sync.runs r where r.connection = c.connection
                                    and r.state = 'done' and r.kind in ('delta', 'full')
                                  order by r.started_at desc limit 1) g on true
              left join lateral (select t.received_at, t.refresh_expires_at from sync.token_journal t
                                  where t.tenant_id = c.tenant_id and t.connection = c.connection
                                    and t.refused_at is null order by t.seq desc limit 1) t on true
             where c.state <> 'removed' and c.connection > %s
             order by c.connection limit %s
            """,
            (after, limit),
        ).fetchall()


def calls_left(tx: psycopg.Connection[Any], companies: Sequence[str]) -> dict[str, dict[str, tuple[int, int]]]:
    """Company -> window ("window", "day") -> (calls left now, calls it allows); nothing of one never called."""
    found: dict[str, dict[str, tuple[int, int]]] = {}
    for company, lane, free, whole in tx.execute(
        "select company, lane, count(*) filter (where free_at <= clock_timestamp()), count(*) from sync.api_slots "
        "where company = any(%s) and lane not in ('flight', 'pause') group by company, lane",
        (list(companies),),
    ):
        found.setdefault(company, {})[lane] = (free, whole)
    return found


def waiting(tx: psycopg.Connection[Any]) -> Open:
    """How much waits for a person."""
    row = tx.execute(
        f"""
        select (select count(*) from (select from sync.conflicts where state = 'open' limit {COUNTED_MAX}) few),
               (select count(*) from (select from sync.errors where resolved_at is null limit {COUNTED_MAX}) few),
               (select count(*) from (select from reconciliation.breaks where state = 'open' limit {COUNTED_MAX}) few)
        """
    ).fetchone()
    assert row is not None
    return Open(*row)


_CONFLICT = """
select o.conflict_id, o.connection, o.entity, o.ledger_id, o.external_id, o.kind, o.says, o.state, o.opened_at,
       o.ended_at, o.ended_by, jsonb_array_length(o.fields) as field_count, r.dagster_run_id
  from sync.conflicts o left join sync.runs r on r.run_id = o.run_id
"""


def conflicts(
    tx: psycopg.Connection[Any], *, is_open: bool, connection: str | None, before: int = FIRST, limit: int
) -> list[dict[str, Any]]:
    """Conflicts that are open, or that are over, the newest first, before one."""
    return _page(
        tx,
        f"{_CONFLICT} where o.state {'=' if is_open else '<>'} 'open' and o.conflict_id < %(before)s "
        f"{_of('o', connection)} order by o.conflict_id desc limit %(limit)s",
        connection=connection,
        before=before,
        limit=limit,
    )


def dagster_run_of_conflict(tx: psycopg.Connection[Any], conflict_id: int) -> str | None:
    """The Dagster run that met it; None where it was met outside Dagster."""
    found = tx.execute(
        "select r.dagster_run_id from sync.conflicts o join sync.runs r on r.run_id = o.run_id "
        "where o.conflict_id = %s",
        (conflict_id,),
    ).fetchone()
    return found[0] if found else None


def errors(
    tx: psycopg.Connection[Any], *, connection: str | None, before: int = FIRST, limit: int
) -> list[dict[str, Any]]:
    """Open errors with the Dagster run that met them, the newest first, before one."""
    return _page(
        tx,
        f"""
        select e.error_id, e.connection, e.entity, e.external_id, e.stage, e.kind, e.code, e.severity, e.is_retryable,
               e.message, e.next_step, e.first_seen_at, e.last_seen_at, r.dagster_run_id
          from sync.errors e left join sync.runs r on r.run_id = e.run_id
         where e.resolved_at is null and e.error_id < %(before)s {_of("e", connection)}
         order by e.error_id desc limit %(limit)s
        """,
        connection=connection,
        before=before,
        limit=limit,
    )


def error(tx: psycopg.Connection[Any], error_id: int) -> dict[str, Any] | None:
    """One error, open or not."""
    found = _page(
        tx,
        "select error_id, connection, entity, external_id, stage, resolved_at from sync.errors where error_id = %(id)s",
        id=error_id,
    )
    return found[0] if found else None


def breaks(
    tx: psycopg.Connection[Any],
    *,
    state: str,
    connection: str | None,
    before: tuple[Decimal, int] | None = None,
    limit: int,
) -> list[dict[str, Any]]:
    """Breaks in a state, the largest first whatever their currency, before one (its amount without sign, its id)."""
    amount, break_id = before or (None, None)
    beyond = "and (abs(b.amount), b.break_id) < (%(amount)s::numeric, %(id)s::bigint)" if before else ""
    return _page(
        tx,
        f"""
        select b.break_id, b.connection, b.module, b.currency, b.cause, b.amount, b.severity, b.entity, b.external_id,
               b.ledger_id, b.party_name, b.says, b.state, b.owner, b.note, b.changed_by, b.first_seen_at,
               b.last_seen_at, b.resolved_at, b.fields, r.dagster_run_id
          from reconciliation.breaks b left join sync.runs r on r.run_id = b.run_id
         where b.state = %(state)s {_of("b", connection)} {beyond}
         order by abs(b.amount) desc, b.break_id desc limit %(limit)s
        """,
        state=state,
        connection=connection,
        amount=amount,
        id=break_id,
        limit=limit,
    )


def set_pull_interval(tx: psycopg.Connection[Any], name: str, seconds: int) -> None:
    """How often a connection is pulled; the next pull is not later than that from now."""
    tx.execute(
        "update sync.connections set pull_interval_seconds = %(seconds)s, "
        "next_pull_at = least(next_pull_at, now() + make_interval(secs => %(seconds)s)) where connection = %(name)s",
        {"seconds": seconds, "name": name},
    )


def latest_payload(
    tx: psycopg.Connection[Any], connection: str, entity: str, external_id: str | None = None
) -> tuple[str, dict[str, Any]] | None:
    """A record as the ERP sent it: the one of this id, or the one that changed last. (external id, payload)."""
    chosen = "order by change_seq desc limit 1" if external_id is None else "and external_id = %(external_id)s"
    statement = "select external_id, payload::text from mirror.{} where connection = %(connection)s and not is_deleted "
    row = tx.execute(
        sql.SQL(statement + chosen).format(sql.Identifier(entity)),
        {"connection": connection, "external_id": external_id},
    ).fetchone()
    return None if row is None else (row[0], _decode(row[1]))


def _of(table: str, connection: str | None) -> str:
    """A condition that is not there is planned better than one that may be true of everything."""
    return "" if connection is None else f"and {table}.connection = %(connection)s"


def _page(tx: psycopg.Connection[Any], statement: str, **values: Any) -> list[dict[str, Any]]:
    with tx.cursor(row_factory=dict_row) as rows:
        return rows.execute(statement, values).fetchall()
